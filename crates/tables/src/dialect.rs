//! What a table is, as far as its reader has to be told: the format, its separator, its encoding.

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::encoding::Encoding;
use crate::limits::Limits;
use crate::packing::Packing;

/// The format of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Plain text with a row on each line, and without a header. The only column is the line.
    Lines,
    /// Fields with separators between them, quoted as in RFC 4180.
    Delimited(Dialect),
    /// A JSON object on each line, and nothing else.
    JsonLines,
    /// JSON in any of the shapes that rows are written in: an array of objects, objects one after the other,
    /// or an object of columns as pandas writes it.
    Json,
    /// A JSON array for each row, in an array or one on each line.
    JsonArrays {
        /// Whether the first row names the columns.
        has_header: bool,
        /// Whether each is on a line of its own.
        is_lines: bool,
    },
    /// Any JSON value for each row, in an array or one on each line. The only column is the value.
    JsonValues {
        /// Whether each is on a line of its own.
        is_lines: bool,
    },
    /// Apache Parquet, which has types and is always UTF-8.
    Parquet,
    /// A sheet of a workbook: of Excel's formats or the OpenDocument format.
    Spreadsheet,
    /// A table of an SQLite database, or what a statement selects from it.
    Sqlite,
    /// The arrays of NumPy's `savez`, of which each is a column.
    Npz,
    /// A single array of NumPy's.
    Npy,
}

/// How the fields of a delimited table are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// The byte between two fields.
    pub separator: u8,
    /// The bytes that are tried, in this order, where the header has no such separator.
    pub alternatives: &'static [u8],
    /// Whether separators in a row count as one, as where columns are aligned with spaces.
    pub is_merged: bool,
    /// What opens a quoted field where it stands at the field's beginning, and closes it.
    pub quote: Quote,
    /// Where a backslash is no character of the text.
    pub escape: Escape,
    /// What a line begins with that is no row.
    pub comment: Option<u8>,
    /// What ends a row.
    pub line_ends: LineEnds,
    /// The lines before the header that say something else, such as the `sep=;` of Excel.
    pub preamble: usize,
    /// What the first row behind them is.
    pub header: Header,
}

/// The mark that fields are quoted with. Within a quoted field it is written twice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Quote {
    /// None: a quotation mark is a character of the text.
    #[serde(rename = "none")]
    None,
    /// The double quotation mark, as in RFC 4180.
    #[default]
    #[serde(rename = "\"")]
    Double,
    /// The apostrophe.
    #[serde(rename = "'")]
    Single,
}

impl Quote {
    /// The mark as a byte.
    pub fn byte(self) -> Option<u8> {
        match self {
            Self::None => None,
            Self::Double => Some(b'"'),
            Self::Single => Some(b'\''),
        }
    }
}

/// Where a backslash is no character of the text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Escape {
    /// Nowhere.
    #[default]
    #[serde(rename = "none")]
    None,
    /// Everywhere: it stands before a character that is meant as it is, or is a part of `\n`, `\t`, `\r`,
    /// `\b`, `\f`, `\v`, `\0`, `\Z`, or of `\N`, a field without a value. So write MySQL, PostgreSQL's text
    /// format, ClickHouse, and Python's `escapechar`.
    #[serde(rename = "\\")]
    Everywhere,
    /// Only before a quotation mark, or another backslash, within a quoted field. So writes Spark.
    #[serde(rename = "\\\"")]
    Quoted,
    /// Only before a quotation mark within a quoted field; any other is a character of the text. So writes
    /// `write.table` of R.
    #[serde(skip)]
    Marks,
}

/// What ends a row of a delimited table. Within a quoted field nothing does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LineEnds {
    /// A line feed, a carriage return, or both.
    #[default]
    Any,
    /// A line feed. A carriage return is a character of the text.
    Feed,
    /// A line feed, perhaps with a carriage return before it. Any other is a character of the text.
    Pair,
}

/// What the first row of a delimited table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Header {
    /// The names of the columns.
    Names,
    /// The names of the columns but the first, which has none, as R writes a table with row names.
    NamesButFirst,
    /// The names of the columns behind a `#`, as `numpy.savetxt` writes them.
    Comment,
    /// A row like the others. The columns are called `column 1` and so on.
    None,
}

/// What a separator is called in a sentence.
pub(crate) fn separator_name(separator: u8) -> String {
    let name = match separator {
        b',' => "commas",
        b';' => "semicolons",
        b'\t' => "tabs",
        b'|' => "pipes",
        b' ' => "spaces",
        _ => return format!("`{}`", char::from(separator).escape_default()),
    };
    name.to_owned()
}

/// What a column without a name is called, by its place from 0.
pub(crate) fn nameless(place: usize) -> String {
    format!("column {}", place + 1)
}

impl Dialect {
    /// Comma-separated values. Spreadsheets of many countries write semicolons instead.
    pub const CSV: Self = Self {
        separator: b',',
        alternatives: b";\t",
        is_merged: false,
        quote: Quote::Double,
        escape: Escape::None,
        comment: None,
        line_ends: LineEnds::Any,
        preamble: 0,
        header: Header::Names,
    };
    /// Tab-separated values.
    pub const TSV: Self = Self {
        separator: b'\t',
        alternatives: b"",
        ..Self::CSV
    };
}

impl Format {
    /// The formats that a file's name can tell.
    const NAMED: [Self; 8] = [
        Self::Delimited(Dialect::CSV),
        Self::Delimited(Dialect::TSV),
        Self::Json,
        Self::Parquet,
        Self::Spreadsheet,
        Self::Sqlite,
        Self::Npz,
        Self::Npy,
    ];

    /// The format that the name of a file says, perhaps with `.gz` or the like behind it.
    pub fn of_name(path: &Path) -> Option<Self> {
        Self::NAMED.into_iter().find(|format| format.is_named(path))
    }

    /// What a setting calls a binary format.
    pub(crate) fn setting(self) -> Option<&'static str> {
        match self {
            Self::Parquet => Some("parquet"),
            Self::Spreadsheet => Some("spreadsheet"),
            Self::Sqlite => Some("sqlite"),
            _ => None,
        }
    }

    /// What the name of a file of this format ends in, without the dot; none where any name is fine.
    pub fn extensions(self) -> &'static [&'static str] {
        match self {
            Self::Lines => &[],
            Self::Delimited(Dialect { separator: b'\t', .. }) => &["tsv", "tab"],
            Self::Delimited(_) => &["csv"],
            Self::JsonLines | Self::Json | Self::JsonArrays { .. } | Self::JsonValues { .. } => {
                &["jsonl", "ndjson", "json"]
            }
            Self::Parquet => &["parquet", "pq"],
            Self::Spreadsheet => &["xlsx", "xlsm", "xlsb", "xls", "ods"],
            Self::Sqlite => &["sqlite", "sqlite3", "db", "db3"],
            Self::Npz => &["npz"],
            Self::Npy => &["npy"],
        }
    }

    /// Whether the name of a file says that it is of this format, perhaps packed.
    pub fn is_named(self, path: &Path) -> bool {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .to_lowercase();
        let name = Packing::stripped(&name);
        let extensions = self.extensions();
        extensions.is_empty()
            || extensions.iter().any(|extension| {
                name.strip_suffix(extension)
                    .is_some_and(|stem| stem.ends_with('.'))
            })
    }
}

/// Which table of a file with several is meant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Part<'o> {
    /// The only one.
    #[default]
    Only,
    /// The sheet of this name, of a workbook.
    Sheet(&'o str),
    /// The table or view of this name, of a database.
    Table(&'o str),
    /// What this statement selects from a database.
    Query(&'o str),
}

/// How a table is to be read.
#[derive(Debug, Clone, Copy)]
pub struct Options<'o> {
    /// The format.
    pub format: Format,
    /// Which table of the file, where its format has several.
    pub part: Part<'o>,
    /// The character encoding. Parquet has none to choose.
    pub encoding: Encoding,
    /// How numbers come.
    pub form: Form,
    /// The bounds on memory.
    pub limits: Limits,
    /// What the caller's settings are called.
    pub settings: Settings,
}

/// How cells that are no strings come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Every cell is text, with the digits that a number is written with: a label 1.50 must not become 1.5.
    Text,
    /// Integers and truth values are text; other numbers, and lists of numbers, are numbers.
    Typed,
}

/// What the settings of a reader are called where the user makes them, so that messages name what can be
/// changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Settings {
    /// The setting of the encoding; none where it cannot be chosen.
    pub encoding: Option<&'static str>,
    /// What stands before the name of a format where one is chosen, such as `--format `; none where the file
    /// alone says its format.
    pub format: Option<&'static str>,
    /// The setting that names the sheet of a workbook; none where the first is taken.
    pub sheet: Option<&'static str>,
    /// The setting that names the table of a database; none where it cannot be chosen.
    pub table: Option<&'static str>,
    /// How a source is said to be JSON lines.
    pub json_lines: &'static str,
    /// How a source is said to be JSON in any shape.
    pub json: &'static str,
    /// What stands before the keys of a delimited table's dialect; none where the caller has no such keys.
    pub dialect: Option<&'static str>,
}

impl Settings {
    /// A key of the dialect with its value, as the user would set it: `ingest.dialect.quote: none`, or
    /// `--quote none` on a command line.
    pub(crate) fn dialect_key(&self, key: &str, value: &str) -> Option<String> {
        let prefix = self.dialect?;
        Some(match prefix {
            "--" => format!("`--{} {value}`", key.replace('_', "-")),
            _ => format!("`{prefix}.{key}: {value}`"),
        })
    }

    /// How to say that a table has no header, with names for its columns.
    pub(crate) fn header_hint(&self, names: &[String]) -> String {
        match self.dialect {
            None => "write the names of the columns into the first line".to_owned(),
            Some("--") => {
                "if it is one, say `--no-header`, and name columns by their numbers: `--text 1`".to_owned()
            }
            Some(prefix) => format!(
                "if it is one, name the columns in their order, such as `{prefix}: {{ header: [{}] }}`",
                names.join(", ")
            ),
        }
    }

    /// How quotes and backslashes are declared, as the user would set it.
    pub(crate) fn dialect_way(&self, quote: Quote, escape: Escape) -> Option<String> {
        let quote = match quote {
            Quote::None => "none",
            Quote::Double => "'\"'",
            Quote::Single => "\"'\"",
        };
        let escape = match escape {
            Escape::None | Escape::Marks => "none",
            Escape::Everywhere => "'\\'",
            Escape::Quoted => "'\\\"'",
        };
        Some(match self.dialect? {
            "--" => format!("`--quote {quote} --escape {escape}`"),
            prefix => format!("`{prefix}: {{ quote: {quote}, escape: {escape} }}`"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expected: Option<Format>) {
        assert_eq!(Format::of_name(Path::new(name)), expected, "{name}");
    }

    #[test]
    fn the_name_of_a_file_says_its_format() {
        check("d/rows.CSV", Some(Format::Delimited(Dialect::CSV)));
        check("rows.tab.gz", Some(Format::Delimited(Dialect::TSV)));
        check("rows.ndjson", Some(Format::Json));
        check("rows.json.gz", Some(Format::Json));
        check("rows.pq", Some(Format::Parquet));
        check("rows.npz", Some(Format::Npz));
        check("rows.parquet.gz", Some(Format::Parquet));
        check("book.xlsx.zip", Some(Format::Spreadsheet));
        check("csv", None);
        check("rows.xlsx", Some(Format::Spreadsheet));
        check("rows.db", Some(Format::Sqlite));
    }
}
