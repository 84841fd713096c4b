//! Why a table cannot be read, and what to do about it.
//!
//! Files are called as the caller calls them in its [`Source`](crate::Source), and so are its settings.

use labelproof_artifact::fs::FsError;
use labelproof_artifact::wording::quoted;
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
    /// A file that is said to be JSON lines has no object.
    #[error("no line of `{file}` is a JSON object")]
    NotJsonLines {
        file: String,
        /// How the file is said to be JSON lines.
        json_lines: &'static str,
        /// How it would be said to be JSON of another shape.
        json: &'static str,
    },
    /// A quoted field never ends.
    #[error("{file}:{line}: a quote opens here and never closes")]
    UnclosedQuote { file: String, line: u64 },
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
            Self::NotAFile { .. } => "name a file, or a folder of files",
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
            Self::NotJsonLines { json_lines, json, .. } => {
                return Fault::Input.hint(format!(
                    "`{json_lines}` is one object on each line; an array of objects is `{json}`"
                ));
            }
            Self::UnclosedQuote { .. } => {
                "close the field with a quote, and write a quote inside a quoted field twice"
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
        };
        Fault::Input.hint(hint)
    }
}

fn named(column: &str, setting: Option<&str>) -> String {
    match setting {
        Some(setting) => format!("the column `{column}`, which `{setting}` names,"),
        None => format!("`{column}`"),
    }
}
