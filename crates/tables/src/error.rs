//! Why a table cannot be read, and what to do about it.
//!
//! Files are called as the caller calls them in its [`Source`](crate::Source), and so are its settings.

use std::fmt::Write as _;

use arrow::error::ArrowError;
use labelproof_artifact::fs::FsError;
use labelproof_artifact::wording::{counted, one_line, quoted};
use labelproof_artifact::{Advice, Diagnostic, Fault};
use parquet::errors::ParquetError;

use crate::packing::Packing;
use crate::row::RowProblem;

/// The column names that a message lists; the rest is counted.
const SHOWN_NAMES: usize = 50;

/// A table cannot be read.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant names its fields")]
pub enum Error {
    /// The operating system cannot read the source.
    #[error(transparent)]
    File(#[from] FsError),
    /// A path is a folder.
    #[error("`{file}` is a folder")]
    AFolder { file: String },
    /// A path is a device, a socket or the like.
    #[error("`{file}` is no regular file")]
    NotAFile { file: String },
    /// A stream is of a format whose reader has to seek.
    #[error("`{name}` is no file, and {format} cannot be read from a stream")]
    NotSeekable { name: String, format: &'static str },
    /// A packed file ends too early.
    #[error("`{file}` is cut off: its {} data has no end", packing.name())]
    CutPacked { file: String, packing: Packing },
    /// A packed file cannot be unpacked.
    #[error("`{file}` is packed with {} and damaged", packing.name())]
    BadPacked {
        file: String,
        packing: Packing,
        source: std::io::Error,
    },
    /// A file is not packed, and its name says so.
    #[error("`{file}` is no {} file, whatever its name says", packing.name())]
    NotPacked { file: String, packing: Packing },
    /// A file is UTF-16 without a byte order mark.
    #[error("`{file}` is UTF-16 without a byte order mark")]
    UnmarkedUtf16 {
        file: String,
        /// The name of the encoding with its byte order.
        encoding: &'static str,
        /// The setting of the encoding, where the caller has one.
        setting: Option<&'static str>,
    },
    /// A file whose beginning says that it is UTF-16, or of another encoding, has something else behind it,
    /// or is cut off.
    #[error("`{file}` is damaged {encoding}")]
    BadCharacters { file: String, encoding: &'static str },
    /// The first bytes are those of a file that is no table.
    #[error("`{file}` is {kind}")]
    Foreign {
        file: String,
        kind: &'static str,
        hint: String,
    },
    /// A file says what encoding it is in, and the setting says otherwise.
    #[error("`{file}` starts with the mark of {mark}, and `{setting}` is `{encoding}`")]
    Marked {
        file: String,
        mark: &'static str,
        setting: &'static str,
        encoding: &'static str,
    },
    /// A table has neither columns nor rows.
    #[error("`{file}` is empty")]
    Empty { file: String },
    /// A table has columns and no row.
    #[error("`{file}` has columns and no row")]
    NoRecords { file: String },
    /// A file that is said to be JSON lines is JSON of another shape.
    #[error("`{file}` is {found}, and not one object on each line")]
    NotJsonLines {
        file: String,
        /// What it is, with an article.
        found: &'static str,
        /// How it would be said to be JSON of another shape.
        json: &'static str,
    },
    /// A file that is said to be JSON is something else.
    #[error("`{file}` is no JSON but {seems}")]
    NotJson {
        file: String,
        /// What it seems to be.
        seems: &'static str,
    },
    /// No row of a file of JSON is an object.
    #[error("no row of `{file}` is a JSON object")]
    NoObjects {
        file: String,
        /// How the file would be said to be JSON of any shape.
        json: &'static str,
    },
    /// Several lists of an object hold such rows.
    #[error("`{file}` holds several tables: {}", counted_tables(tables))]
    SeveralTables {
        file: String,
        /// Their keys and their rows.
        tables: Vec<(String, usize)>,
    },
    /// A value of a file of JSON, a whole table perhaps, is longer than the limit.
    #[error("{place}: what begins here is longer than {limit_mib} MiB")]
    LongJson { place: String, limit_mib: usize },
    /// A quoted field never ends.
    #[error("{file}:{line}: a quote opens here and never closes")]
    UnclosedQuote {
        file: String,
        line: u64,
        /// How quotation marks are said to be text, where the caller has a setting for that.
        text_key: Option<String>,
    },
    /// A quoted field goes on behind the quotation mark that closes it.
    #[error("{file}:{line}: {}", stray(*line, *closes, rest))]
    StrayQuote {
        file: String,
        line: u64,
        closes: u64,
        rest: String,
        text_key: Option<String>,
    },
    /// A backslash stands before a character that nobody escapes.
    #[error("{file}:{line}: `\\{found}` is no escape")]
    BadEscape {
        file: String,
        line: u64,
        found: String,
        /// How backslashes are said to be text, where the caller has a setting for that.
        text_key: Option<String>,
    },
    /// A file fits two dialects that give different rows.
    #[error("{file}:{line}: {question}")]
    AmbiguousDialect {
        file: String,
        line: u64,
        question: String,
        hint: String,
    },
    /// A table has another number of columns than a setting has names for.
    #[error(
        "{place}: the first row has {}, and `{setting}` names {named}",
        counted(*found, "field")
    )]
    ColumnCount {
        place: String,
        found: usize,
        named: usize,
        setting: &'static str,
    },
    /// The header is not UTF-8.
    #[error("{file}:{line}: the header is not UTF-8")]
    BadHeader {
        file: String,
        line: u64,
        /// The setting of the encoding, where the caller has one.
        setting: Option<&'static str>,
    },
    /// The row that says which columns there are cannot be read.
    #[error("{place}: {problem}")]
    Row { place: String, problem: RowProblem },
    /// A row, or a source that is read as a whole, is longer than the limit.
    #[error("{place}: the row is longer than {limit_mib} MiB")]
    TooLong { place: String, limit_mib: usize },
    /// A column that a setting names is not there.
    #[error(
        "{place}: no column is called `{column}`, which `{setting}` names; there are: {}",
        quoted(columns, SHOWN_NAMES)
    )]
    NoSuchColumn {
        place: String,
        setting: String,
        column: String,
        columns: Vec<String>,
        nearest: Option<String>,
    },
    /// A column that a setting names is not there, and the first line looks like a row.
    #[error(
        "{place}: no column is called `{column}`, which `{setting}` names; the first line looks like a row, and \
         not like a header: {}",
        quoted(fields, SHOWN_NAMES)
    )]
    NoHeader {
        place: String,
        setting: String,
        column: String,
        fields: Vec<String>,
        hint: String,
    },
    /// A column that a setting names is not there, and the first line is not split into columns.
    #[error(
        "{place}: no column is called `{column}`, which `{setting}` names; the first line has no separator: \
         `{}`",
        one_line(header)
    )]
    OneColumn {
        place: String,
        setting: String,
        column: String,
        header: String,
        /// How another separator is declared, where the caller has a setting for that.
        separator_key: Option<String>,
    },
    /// A column that a setting names is there twice.
    #[error("{place}: two columns are called `{column}`, which `{setting}` names")]
    RepeatedColumn {
        place: String,
        setting: String,
        column: String,
    },
    /// A column is of a type that the caller has no use for.
    #[error("{file}: {} is {found}, expected {expected}", named(column, setting.as_deref()))]
    ColumnType {
        file: String,
        /// The setting that names the column, where one does.
        setting: Option<String>,
        column: String,
        found: String,
        expected: &'static str,
    },
    /// A file is not Parquet, or damaged.
    #[error("`{file}` is damaged or no Parquet file")]
    BadParquet { file: String, source: ParquetError },
    /// A column of a table in memory is of a type that is neither text nor numbers.
    #[error("`{table}` has a column that cannot be read")]
    BadBatch { table: String, source: ArrowError },
    /// A workbook is damaged.
    #[error("{place}: the workbook is damaged: {problem}")]
    BadWorkbook { place: String, problem: String },
    /// A database is damaged.
    #[error("{place}: the SQLite database cannot be read")]
    BadDatabase { place: String, source: rusqlite::Error },
    /// A database has changes that are not in its file.
    #[error("`{file}` has changes that are in `{beside}` and not in the file itself")]
    DatabaseInUse { file: String, beside: String },
    /// A statement does not select rows.
    #[error("{file}: the query `{}` cannot be used: {problem}", one_line(query))]
    BadQuery {
        file: String,
        query: String,
        problem: String,
    },
    /// A file has several tables, and nobody says which is meant.
    #[error("`{file}` has {} {what}: {}", parts.len(), quoted(parts, SHOWN_NAMES))]
    SeveralParts {
        file: String,
        /// "sheets" or "tables".
        what: &'static str,
        parts: Vec<String>,
        /// The setting that chooses one.
        setting: Option<&'static str>,
    },
    /// A file has no such sheet or table.
    #[error(
        "`{file}` has no {what} `{wanted}`; there are: {}",
        quoted(parts, SHOWN_NAMES)
    )]
    NoSuchPart {
        file: String,
        what: &'static str,
        wanted: String,
        parts: Vec<String>,
        nearest: Option<String>,
    },
    /// An archive is damaged, or holds what cannot be unpacked.
    #[error("`{file}` cannot be unpacked: {problem}")]
    BadArchive { file: String, problem: String },
    /// An archive wants a password.
    #[error("`{file}` is an archive that a password protects")]
    LockedArchive { file: String },
    /// A file of an archive is a link.
    #[error("`{file}` holds the link `{link}`, and links in archives are not followed")]
    LinkInArchive { file: String, link: String },
    /// An archive holds more than anybody's texts.
    #[error("`{file}` unfolds to more than {limit}")]
    LargeArchive { file: String, limit: String },
    /// A file is not what NumPy writes, or damaged.
    #[error("`{file}` is damaged or no NumPy file")]
    BadNumpy { file: String, source: std::io::Error },
    /// Columns that should have a value for each row differ in length.
    #[error("{file}: `{first}` has {first_rows} rows and `{second}` has {second_rows}")]
    ColumnLengths {
        file: String,
        first: String,
        first_rows: usize,
        second: String,
        second_rows: usize,
    },
    /// There is more in a file than memory should be taken for.
    #[error("`{file}` has {mebibytes} MiB, more than Labelproof reads of a {what}")]
    TooLarge {
        file: String,
        mebibytes: u64,
        what: &'static str,
    },
    /// A file that is read as a whole is not UTF-8.
    #[error("`{file}` is not UTF-8")]
    NotUtf8 { file: String },
    /// A JSON array, or an object that holds a whole table, is not well-formed.
    #[error("{file}:{line}: {problem}")]
    BadJson {
        file: String,
        line: u64,
        problem: String,
    },
}

impl Diagnostic for Error {
    fn advice(&self) -> Advice {
        let hint = match self {
            Self::File(error) => return error.advice(),
            Self::Foreign { hint, .. } => hint,
            Self::AFolder { .. } => "name the file in it that is meant",
            Self::NotAFile { .. } => "name a file",
            Self::NotSeekable { .. } => "write it to a file, and name that",
            Self::CutPacked { .. } => "fetch or pack the file again",
            Self::BadPacked { .. } => {
                "fetch the file again: it may have been cut short or changed on its way"
            }
            Self::NotPacked { packing, .. } => {
                return Fault::Input.hint(format!(
                    "fetch the file again, or remove `.{}` from its name if it is not packed",
                    packing.extension()
                ));
            }
            Self::UnmarkedUtf16 {
                encoding,
                setting: Some(setting),
                ..
            } => return Fault::Input.hint(format!("say `{encoding}` in `{setting}`")),
            Self::Marked { setting, .. } => return Fault::Input.hint(format!("remove `{setting}`")),
            Self::Empty { .. } | Self::NoRecords { .. } => {
                "name a source that has rows, or write this one again"
            }
            Self::NotJsonLines { json, .. } => {
                return Fault::Input.hint(format!("read it with `{json}`"));
            }
            Self::NotJson { seems, .. } if seems.contains("Python") => {
                "write it again with `json.dump`, and read it then"
            }
            Self::NotJson { .. } => "name the format that it is of, or another file",
            Self::NoObjects { json, .. } => {
                return Fault::Input.hint(format!(
                    "write one JSON object for each row; arrays, and objects over several lines, are read with \
                     `{json}`"
                ));
            }
            Self::SeveralTables { .. } => {
                "write each of them to a file of its own that is called like its key"
            }
            Self::LongJson { .. } => {
                "look for a quote or a brace that is missing; a table this long is read as one object on \
                 each line"
            }
            Self::UnmarkedUtf16 { setting: None, .. }
            | Self::BadHeader { setting: None, .. }
            | Self::NotUtf8 { .. }
            | Self::BadCharacters { .. } => "save the file as UTF-8",
            Self::BadHeader {
                setting: Some(setting),
                ..
            } => {
                return Fault::Input.hint(format!(
                    "say in `{setting}` what the file is, for example `windows-1252`"
                ));
            }
            Self::TooLong { .. } => {
                "look for a quote or a line break that is missing before; split the text if it is meant"
            }
            Self::NoSuchColumn { nearest, .. } => {
                return match nearest {
                    Some(name) => Fault::Input.hint(format!("did you mean `{name}`?")),
                    None => Fault::Input.into(),
                };
            }
            Self::SeveralParts { .. }
            | Self::NoSuchPart { .. }
            | Self::BadWorkbook { .. }
            | Self::BadDatabase { .. }
            | Self::DatabaseInUse { .. }
            | Self::BadQuery { .. }
            | Self::BadArchive { .. }
            | Self::LockedArchive { .. }
            | Self::LinkInArchive { .. }
            | Self::LargeArchive { .. } => return self.advice_on_parts(),
            Self::UnclosedQuote { .. }
            | Self::StrayQuote { .. }
            | Self::BadEscape { .. }
            | Self::AmbiguousDialect { .. }
            | Self::NoHeader { .. }
            | Self::OneColumn { .. }
            | Self::ColumnCount { .. } => return self.advice_on_dialect(),
            Self::RepeatedColumn { .. } => "rename one of them in the source",
            Self::ColumnType { found, .. } if found.contains("pickled") => {
                "save plain arrays: np.savez(\"test.npz\", y_true=np.array(labels, dtype=str), logits=logits)"
            }
            Self::ColumnType { .. } => "write the column in another type, or name another column",
            Self::Row { problem, .. } => problem.hint(),
            Self::ColumnLengths { .. } => "save columns of the same rows, in the same order",
            Self::TooLarge { what, .. } => {
                return Fault::Input.hint(format!("check that the file is the {what}"));
            }
            Self::BadJson { .. } => "write the file again with a JSON library; NaN and Infinity are no JSON",
            Self::BadParquet { .. } | Self::BadNumpy { .. } => {
                "fetch the file again: it may have been cut short"
            }
            Self::BadBatch { .. } => "leave the column out, or make text or numbers of it",
        };
        Fault::Input.hint(hint)
    }
}

impl Error {
    /// What to do about files that hold several tables, or files.
    fn advice_on_parts(&self) -> Advice {
        let hint = match self {
            Self::SeveralParts {
                parts,
                setting: Some(setting),
                ..
            } => {
                let first = parts.first().map_or("", String::as_str);
                return Fault::Input.hint(format!("say which in `{setting}`, for example `{first}`"));
            }
            Self::SeveralParts { what: "files", .. } => "unpack it, and name one of them",
            Self::SeveralParts { setting: None, .. } => "leave one of them in the file, or save one as CSV",
            Self::NoSuchPart {
                nearest: Some(name), ..
            } => return Fault::Input.hint(format!("did you mean `{name}`?")),
            Self::BadWorkbook { .. } => {
                "open it in a spreadsheet program and save it again, as .xlsx or as CSV; or fetch it again"
            }
            Self::BadDatabase { .. } => {
                "fetch the file again; `sqlite3 FILE 'PRAGMA integrity_check'` says what is wrong"
            }
            Self::DatabaseInUse { .. } => {
                "close the program that writes it; or write a copy: `sqlite3 FILE 'VACUUM INTO \"copy.db\"'`"
            }
            Self::BadQuery { .. } => "write one SELECT, which the program `sqlite3` would run",
            Self::BadArchive { .. } => "fetch it again, or unpack it and name the folder",
            Self::LockedArchive { .. } => "unpack it, and name the folder",
            Self::LinkInArchive { .. } => {
                "pack the files themselves, for example with `tar --dereference`; or unpack it and name the folder"
            }
            Self::LargeArchive { .. } => "unpack it where there is room, and name the folder",
            _ => return Fault::Input.into(),
        };
        Fault::Input.hint(hint)
    }
}

fn counted_tables(tables: &[(String, usize)]) -> String {
    let table = |(key, rows): &(String, usize)| format!("`{key}` ({})", counted(*rows, "row"));
    tables.iter().map(table).collect::<Vec<_>>().join(", ")
}

impl Error {
    /// What to do where a delimited table is written in another way than it is read, or in two.
    fn advice_on_dialect(&self) -> Advice {
        let hint = match self {
            Self::UnclosedQuote { text_key, .. } | Self::StrayQuote { text_key, .. } => {
                quotes_or_text(text_key.as_deref())
            }
            Self::BadEscape { text_key, .. } => {
                let mut hint = "write a backslash that is meant twice".to_owned();
                if let Some(key) = text_key {
                    let _ = write!(hint, "; if every backslash is meant, set {key}");
                }
                hint
            }
            Self::AmbiguousDialect { hint, .. } | Self::NoHeader { hint, .. } => hint.clone(),
            Self::OneColumn {
                separator_key: Some(key),
                ..
            } => format!("if something separates the columns, say what: {key}"),
            Self::ColumnCount { setting, .. } => {
                format!("name every column in `{setting}`, in their order, and no other")
            }
            _ => "separate the columns by commas, semicolons or tabs".to_owned(),
        };
        Fault::Input.hint(hint)
    }

    /// The error without a setting that would not mend it.
    pub(crate) fn without_key(mut self) -> Self {
        if let Self::UnclosedQuote { text_key, .. } | Self::StrayQuote { text_key, .. } = &mut self {
            *text_key = None;
        }
        self
    }
}

/// What is wrong with a quoted field that goes on behind its end.
fn stray(opens: u64, closes: u64, rest: &str) -> String {
    let place = if opens == closes {
        String::new()
    } else {
        format!(" on line {closes}")
    };
    format!(
        "the quoted field that opens here closes{place} and goes on with `{}`",
        one_line(rest)
    )
}

fn quotes_or_text(text_key: Option<&str>) -> String {
    let mut hint = "close the field with a quote, and write a quote inside a quoted field twice".to_owned();
    if let Some(key) = text_key {
        let _ = write!(hint, "; if quotes are characters of the texts, set {key}");
    }
    hint
}

fn named(column: &str, setting: Option<&str>) -> String {
    match setting {
        Some(setting) => format!("the column `{column}`, which `{setting}` names,"),
        None => format!("`{column}`"),
    }
}
