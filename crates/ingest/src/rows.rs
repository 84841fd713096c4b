//! What a reader hands over for a row, and how its fields become text: the rules that hold whatever a row is read for.

use labelproof_artifact::wording::plural;
use std::borrow::Cow;

use crate::error::Error;
use crate::settings::Settings;

/// Takes the rows that a reader finds, in their order.
pub(crate) trait RowSink {
    /// Why a reader must stop: its own error, or one of the sink.
    type Stop: From<Error>;

    /// Takes a row of the source of this number.
    fn row(&mut self, source: u32, line: Option<u64>, fields: Fields<'_>) -> Result<(), Self::Stop>;

    /// Takes a row that has no fields.
    fn problem(&mut self, source: u32, line: Option<u64>, problem: Problem) -> Result<(), Self::Stop>;
}

/// Why a row cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reason {
    NotUtf8,
    NulByte,
    RaggedRow,
    InvalidJson,
    WrongType,
    MissingLabel,
    MissingId,
    UnknownSplit,
    EmptyText,
    RepeatedId,
}

impl Reason {
    /// The words that stand in `rejects.parquet`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::NotUtf8 => "not utf-8",
            Self::NulByte => "nul byte",
            Self::RaggedRow => "ragged row",
            Self::InvalidJson => "invalid json",
            Self::WrongType => "wrong type",
            Self::MissingLabel => "missing label",
            Self::MissingId => "missing id",
            Self::UnknownSplit => "unknown split",
            Self::EmptyText => "empty text",
            Self::RepeatedId => "repeated id",
        }
    }
}

/// What is wrong with a row.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) reason: Reason,
    pub(crate) detail: String,
}

impl Problem {
    pub(crate) fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            reason,
            detail: detail.into(),
        }
    }

    /// The first byte of `name` that is not UTF-8.
    pub(crate) fn not_utf8(name: &str, bytes: &[u8], error: std::str::Utf8Error, settings: Settings) -> Self {
        let offset = error.valid_up_to();
        let byte = bytes.get(offset).copied().unwrap_or_default();
        let detail = format!(
            "{name} has the byte 0x{byte:02X} at offset {offset}; if the source is not UTF-8, say what it is in `{}`",
            settings.encoding()
        );
        Self::new(Reason::NotUtf8, detail)
    }
}

/// A field as a reader finds it.
#[derive(Debug)]
pub(crate) enum Value<'a> {
    /// Null, or not there.
    Missing,
    /// Perhaps UTF-8.
    Bytes(&'a [u8]),
    /// Certainly text.
    Text(Cow<'a, str>),
    /// Something that is no text.
    Wrong(&'static str),
}

impl Value<'_> {
    /// The field as text; none if it is not there.
    pub(crate) fn text(&self, name: &str, settings: Settings) -> Result<Option<&str>, Problem> {
        let text = match self {
            Self::Missing => return Ok(None),
            Self::Wrong(found) => {
                return Err(Problem::new(
                    Reason::WrongType,
                    format!("{name} is {found}, expected a string"),
                ));
            }
            Self::Text(text) => text.as_ref(),
            Self::Bytes(bytes) => {
                std::str::from_utf8(bytes).map_err(|error| Problem::not_utf8(name, bytes, error, settings))?
            }
        };
        match text.bytes().position(|byte| byte == 0) {
            Some(offset) => Err(Problem::new(
                Reason::NulByte,
                format!("{name} has a nul byte at offset {offset}"),
            )),
            None => Ok(Some(text)),
        }
    }
}

/// The fields of a row that are of use.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    pub(crate) text: Vec<Value<'a>>,
    /// Missing where texts are read to be labelled.
    pub(crate) label: Value<'a>,
    pub(crate) id: Option<Value<'a>>,
    pub(crate) group: Option<Value<'a>>,
    pub(crate) split: Option<Value<'a>>,
}

/// The id of a row whose source has ids.
pub(crate) fn row_id(value: &Value<'_>, name: &str, settings: Settings) -> Result<String, Problem> {
    value
        .text(name, settings)?
        .filter(|id| !id.trim().is_empty())
        .map(str::to_owned)
        .ok_or_else(|| Problem::new(Reason::MissingId, format!("{name} is empty")))
}

/// The text of a row: the fields that are not empty with `join` between them. `names` are those of the fields.
pub(crate) fn row_text(
    values: &[Value<'_>],
    names: &[String],
    join: &str,
    settings: Settings,
) -> Result<String, Problem> {
    let mut text = String::new();
    for (value, name) in values.iter().zip(names) {
        let part = value.text(name, settings)?.unwrap_or_default();
        if text.is_empty() {
            text.push_str(part);
        } else if !part.is_empty() {
            text.push_str(join);
            text.push_str(part);
        }
    }
    if text.trim().is_empty() {
        let kind = if text.is_empty() {
            "empty"
        } else {
            "nothing but white space"
        };
        let verb = plural(names.len(), "is", "are");
        let detail = format!("{} {verb} {kind}", names.join(" and "));
        return Err(Problem::new(Reason::EmptyText, detail));
    }
    Ok(text)
}
