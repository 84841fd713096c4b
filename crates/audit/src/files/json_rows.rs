//! Rows of JSON lines, and of a JSON list of objects.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;

use labelproof_artifact::Reporter;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::ROWS_A_STEP;
use super::delimited::{open, unreadable};
use super::error::{Error, RowProblem};
use super::roles::{Columns, Roles};
use super::table::{Builder, Cell, Stop, Table};

/// A JSON value, as far as a row may need it.
#[derive(Debug, Clone, PartialEq)]
enum Value {
    Null,
    /// Whole numbers too, digit by digit.
    Text(String),
    Number(f64),
    Numbers(Vec<f64>),
    /// An object, keys in their order.
    Object(Vec<(String, Value)>),
    Other(&'static str),
}

impl Value {
    fn number(&self) -> Option<f64> {
        match self {
            Self::Number(value) => Some(*value),
            Self::Text(text) => text.parse().ok(),
            _ => None,
        }
    }

    fn cell(&self) -> Cell<'_> {
        match self {
            Self::Null => Cell::Missing,
            Self::Text(text) => Cell::Text(Cow::Borrowed(text)),
            Self::Number(value) => Cell::Number(*value),
            Self::Numbers(values) => Cell::Numbers(values),
            Self::Object(_) => Cell::Other("an object"),
            Self::Other(what) => Cell::Other(what),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Text(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Text(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Text(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::Text(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut numbers = Vec::new();
        let mut all = true;
        while let Some(item) = items.next_element::<Value>()? {
            // A list of one list, as a batch of one row is saved.
            if let (Value::Numbers(inner), true) = (&item, numbers.is_empty()) {
                numbers.clone_from(inner);
                continue;
            }
            match item.number() {
                Some(number) => numbers.push(number),
                None => all = false,
            }
        }
        Ok(if all {
            Value::Numbers(numbers)
        } else {
            Value::Other("a list of other things than numbers")
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Value::Object(entries))
    }
}

/// Keys whose object holds a score for each class.
const SCORE_OBJECTS: [&str; 6] = ["probabilities", "probs", "proba", "scores", "logits", "y_proba"];

/// The columns of an object: those of an object of scores stand for themselves.
fn flatten(entries: Vec<(String, Value)>) -> Vec<(String, Value)> {
    let mut columns = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        match value {
            Value::Object(scores) if SCORE_OBJECTS.contains(&key.to_lowercase().as_str()) => {
                let prefix = if key.eq_ignore_ascii_case("logits") {
                    "logit_"
                } else {
                    "probability of "
                };
                columns.extend(
                    scores
                        .into_iter()
                        .map(|(class, value)| (format!("{prefix}{class}"), value)),
                );
            }
            value => columns.push((key, value)),
        }
    }
    columns
}

/// The rows so far, and what the first of them said.
struct Rows<'a> {
    path: &'a Path,
    columns: &'a Columns,
    reporter: &'a dyn Reporter,
    state: Option<(Vec<String>, Builder)>,
}

impl Rows<'_> {
    fn push(&mut self, value: Value, place: impl Fn() -> String) -> Result<(), Error> {
        let file = self.path.display().to_string();
        let Value::Object(entries) = value else {
            let problem = RowProblem::Json {
                detail: "another value stands here".to_owned(),
            };
            return Err(Error::Row {
                place: place(),
                problem,
            });
        };
        let entries = flatten(entries);
        if self.state.is_none() {
            let header: Vec<String> = entries.iter().map(|(key, _)| key.clone()).collect();
            let roles = Roles::find(&header, self.columns, &place())?;
            roles.check(&header, self.columns, &place())?;
            let builder = Builder::new(file.clone(), &header, roles);
            self.state = Some((header, builder));
        }
        let (header, builder) = self.state.as_mut().expect("it was just made");
        let missing = std::cell::Cell::new(None);
        let find = |column: usize| {
            let wanted = &header[column];
            let here = entries.get(column).filter(|(key, _)| key == wanted);
            let entry = here.or_else(|| entries.iter().find(|(key, _)| key == wanted));
            if entry.is_none() {
                missing.set(missing.get().or(Some(column)));
            }
            entry.map_or(Cell::Missing, |(_, value)| value.cell())
        };
        let pushed = builder.push(find);
        let stop = match (pushed, missing.get()) {
            (Ok(()), _) => None,
            (Err(Stop::Row(_)), Some(column)) => Some(Stop::Row(RowProblem::Missing {
                column: header[column].clone(),
            })),
            (Err(stop), _) => Some(stop),
        };
        if let Some(stop) = stop {
            return Err(stop.at(&file, place));
        }
        if builder.rows().is_multiple_of(ROWS_A_STEP) {
            self.reporter.advance(ROWS_A_STEP as u64, "");
        }
        Ok(())
    }

    fn finish(self) -> Result<Table, Error> {
        let (_, builder) = self.state.ok_or_else(|| Error::Empty {
            path: self.path.to_path_buf(),
        })?;
        Ok(builder.finish())
    }
}

/// Reads JSON lines, or a list of objects.
pub(super) fn read(path: &Path, columns: &Columns, reporter: &dyn Reporter) -> Result<Table, Error> {
    let file = path.display().to_string();
    let mut input = open(path)?;
    let mut rows = Rows {
        path,
        columns,
        reporter,
        state: None,
    };
    let start = input.fill_buf().map_err(|source| unreadable(path, source))?;
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    if start.trim_ascii_start().starts_with(b"[") {
        let text = super::delimited::read_small(path, "JSON list")?;
        let list: Vec<Value> = serde_json::from_str(&text).map_err(|error| invalid(&file, &error))?;
        for (row, value) in list.into_iter().enumerate() {
            rows.push(value, || format!("{file}: row {}", row + 1))?;
        }
        return rows.finish();
    }
    let mut line = Vec::new();
    let mut number = 0_u64;
    loop {
        line.clear();
        let read = input.read_until(b'\n', &mut line);
        if read.map_err(|source| unreadable(path, source))? == 0 {
            return rows.finish();
        }
        number += 1;
        let mut json = line.trim_ascii();
        if number == 1 {
            json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
        }
        if json.is_empty() {
            continue;
        }
        let place = || format!("{file}:{number}");
        let value = serde_json::from_slice(json).map_err(|error| Error::Row {
            place: place(),
            problem: RowProblem::Json {
                detail: detail(&error),
            },
        })?;
        rows.push(value, place)?;
    }
}

/// A parser's message with the column in front, and without the line, which is always the first here.
fn detail(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let message = message.strip_suffix(&place).unwrap_or(&message);
    format!("column {}: {message}", error.column().max(1))
}

fn invalid(file: &str, error: &serde_json::Error) -> Error {
    Error::Row {
        place: format!("{file}:{}", error.line()),
        problem: RowProblem::Json {
            detail: detail(error),
        },
    }
}
