//! Rows, their cells, and what can be wrong with a single row.

use std::borrow::Cow;

use labelproof_artifact::wording::counted;

/// A row of a table.
#[derive(Debug)]
pub struct Row<'r> {
    /// Where it stands in its file.
    pub place: Place,
    /// A cell for each chosen column, in the order of the choice; or why there are none.
    pub cells: Result<Vec<Cell<'r>>, RowProblem>,
}

/// Where a row stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The line that it starts on, from 1.
    Line(u64),
    /// Its number, from 1, in a format without lines.
    Row(u64),
}

impl Place {
    /// The number of the line or of the row.
    pub fn number(self) -> u64 {
        match self {
            Self::Line(number) | Self::Row(number) => number,
        }
    }

    /// The place with its file, as messages show it.
    pub fn within(self, file: &str) -> String {
        match self {
            Self::Line(line) => format!("{file}:{line}"),
            Self::Row(row) => format!("{file}: row {row}"),
        }
    }
}

/// A cell as its file has it.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell<'a> {
    /// A key that the row's object does not have.
    Absent,
    /// Null, or no value in a column of values.
    Missing,
    /// The bytes of a text file. Nobody has checked that they are UTF-8.
    Bytes(&'a [u8]),
    /// A string.
    Text(Cow<'a, str>),
    /// A number that is no integer. Only in [`Form::Typed`](crate::Form::Typed).
    Number(f64),
    /// A list of numbers. Only in [`Form::Typed`](crate::Form::Typed).
    Numbers(Cow<'a, [f64]>),
    /// JSON that is an object, or an array of other things than numbers, as it is written. Only in
    /// [`Form::Typed`](crate::Form::Typed).
    Nested(&'a str),
    /// A truth value. Only in [`Form::Text`](crate::Form::Text).
    Boolean(bool),
    /// The items of a list. Only in [`Form::Text`](crate::Form::Text).
    List(Vec<Cell<'a>>),
    /// What a way such as `annotations.result` ends in that leads through each item of a list. Only in
    /// [`Form::Text`](crate::Form::Text).
    Each(Vec<Cell<'a>>),
    /// Something that is no text, in words with an article.
    Other(&'static str),
}

/// Why a row has no cells. The row after it can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant names its fields")]
pub enum RowProblem {
    /// The row has more fields, or fewer, than the header.
    #[error("{}, the header has {expected}", counted(*found, "field"))]
    Ragged { found: usize, expected: usize },
    /// `what` is not UTF-8; `offset` is that of the first byte that is wrong.
    #[error("{what} has the byte 0x{byte:02X} at offset {offset}")]
    NotUtf8 { what: String, byte: u8, offset: usize },
    /// The line holds something else than one JSON object.
    #[error("no JSON object: {detail}")]
    Json { detail: String },
    /// The row is something else than one JSON array.
    #[error("no JSON array: {detail}")]
    JsonArray { detail: String },
    /// The server that gave the row out has cut one of its cells off.
    #[error("the server has cut `{column}` off in this row")]
    CutOff { column: String },
    /// The row is no JSON at all.
    #[error("no JSON: {detail}")]
    JsonValue { detail: String },
}

impl RowProblem {
    /// The problem of `what`, whose bytes are not UTF-8.
    pub fn not_utf8(what: impl Into<String>, bytes: &[u8], error: std::str::Utf8Error) -> Self {
        let offset = error.valid_up_to();
        Self::NotUtf8 {
            what: what.into(),
            byte: bytes.get(offset).copied().unwrap_or_default(),
            offset,
        }
    }

    /// What the user can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Ragged { .. } => {
                "quote fields that contain the separator or a line break, and close every quote"
            }
            Self::NotUtf8 { .. } => "save the file as UTF-8",
            Self::CutOff { .. } => "fetch the data set's files, and not the rows that its page shows",
            Self::JsonArray { .. } | Self::JsonValue { .. } => {
                "write the file again with a JSON library, every row alike; NaN and Infinity are no JSON"
            }
            Self::Json { .. } => "write one JSON object for each row; NaN and Infinity are no JSON",
        }
    }
}
