//! The fields of a row, and how they become text: the rules that hold whatever a row is read for.

use labelproof_artifact::wording::plural;
use labelproof_tables::{Cell, RowProblem};
use serde::{Deserialize, Serialize};

use crate::settings::Settings;

/// Why a row is rejected: the column `reason` of `rejects.parquet`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Reason {
    NotUtf8,
    NulByte,
    RaggedRow,
    InvalidJson,
    WrongType,
    CutOff,
    MissingLabel,
    SeveralLabels,
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
            Self::CutOff => "cut off",
            Self::MissingLabel => "missing label",
            Self::SeveralLabels => "several labels",
            Self::MissingId => "missing id",
            Self::UnknownSplit => "unknown split",
            Self::EmptyText => "empty text",
            Self::RepeatedId => "repeated id",
        }
    }
}

/// Why a row is rejected, with the detail for people.
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

    /// Why a row of a table has no fields.
    pub(crate) fn of_row(problem: RowProblem, settings: Settings) -> Self {
        match problem {
            RowProblem::Ragged { .. } => Self::new(Reason::RaggedRow, problem.to_string()),
            RowProblem::Json { detail }
            | RowProblem::JsonArray { detail }
            | RowProblem::JsonValue { detail } => Self::new(Reason::InvalidJson, detail),
            RowProblem::CutOff { .. } => Self::new(Reason::CutOff, problem.to_string()),
            RowProblem::NotUtf8 { .. } => Self::new(
                Reason::NotUtf8,
                format!(
                    "{problem}; if the source is not UTF-8, say what it is in `{}`",
                    settings.encoding()
                ),
            ),
        }
    }
}

/// A cell as text; none if it is not there.
pub(crate) fn cell_text<'c>(
    cell: &'c Cell<'_>,
    name: &str,
    settings: Settings,
) -> Result<Option<&'c str>, Problem> {
    let text = match cell {
        Cell::Missing | Cell::Absent => return Ok(None),
        Cell::Other(found) => return Err(wrong_type(name, found)),
        // Only where a table is read for its numbers.
        Cell::Number(_) => return Err(wrong_type(name, "a number")),
        Cell::Numbers(_) | Cell::List(_) => return Err(wrong_type(name, "an array")),
        Cell::Nested(_) => return Err(wrong_type(name, "an object or an array")),
        Cell::Boolean(_) => return Err(wrong_type(name, "a boolean")),
        Cell::Each(_) => return Err(wrong_type(name, "in several items of a list")),
        Cell::Text(text) => text.as_ref(),
        Cell::Bytes(bytes) => std::str::from_utf8(bytes)
            .map_err(|error| Problem::of_row(RowProblem::not_utf8(name, bytes, error), settings))?,
    };
    match text.bytes().position(|byte| byte == 0) {
        Some(offset) => Err(Problem::new(
            Reason::NulByte,
            format!("{name} has a nul byte at offset {offset}"),
        )),
        None => Ok(Some(text)),
    }
}

/// A cell that may be a truth value as text; none if it is not there.
pub(crate) fn scalar_text<'c>(
    cell: &'c Cell<'_>,
    name: &str,
    settings: Settings,
) -> Result<Option<&'c str>, Problem> {
    match cell {
        Cell::Boolean(true) => Ok(Some("true")),
        Cell::Boolean(false) => Ok(Some("false")),
        _ => cell_text(cell, name, settings),
    }
}

fn wrong_type(name: &str, found: &str) -> Problem {
    let detail = format!("{name} is {found}, expected a string");
    Problem::new(Reason::WrongType, detail)
}

/// The fields of a row that are of use.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    pub(crate) text: Vec<Cell<'a>>,
    /// Missing where texts are read to be labelled.
    pub(crate) label: Cell<'a>,
    pub(crate) id: Option<Cell<'a>>,
    pub(crate) group: Option<Cell<'a>>,
    pub(crate) split: Option<Cell<'a>>,
    /// The cells of the columns of `ingest.where`.
    pub(crate) conditions: Vec<Cell<'a>>,
}

/// The id of a row whose source has ids.
pub(crate) fn row_id(cell: &Cell<'_>, name: &str, settings: Settings) -> Result<String, Problem> {
    scalar_text(cell, name, settings)?
        .filter(|id| !id.trim().is_empty())
        .map(str::to_owned)
        .ok_or_else(|| Problem::new(Reason::MissingId, format!("{name} is empty")))
}

/// The text of a row: the fields that are not empty with `join` between them. `names` are those of the
/// fields.
pub(crate) fn row_text(
    cells: &[Cell<'_>],
    names: &[String],
    join: &str,
    settings: Settings,
) -> Result<String, Problem> {
    let mut text = String::new();
    for (cell, name) in cells.iter().zip(names) {
        let part = cell_text(cell, name, settings)?.unwrap_or_default();
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
