//! Tables that are one JSON object, as `pandas.DataFrame.to_json` writes them, turned into an object for each
//! row.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{in_line, read_object};
use crate::column::same_length;
use crate::dialect::Form;
use crate::error::Error;
use crate::features::ClassNames;

/// The entries of an object, in their order.
pub(super) struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(entries)
    }
}

/// The rows with their lines.
pub(super) type Rows = Vec<(u64, Vec<u8>)>;

/// Parts of a text as rows, each with the line that it starts on. They are in the order of the text.
pub(super) fn rows_at<'t>(text: &str, start: u64, parts: impl IntoIterator<Item = &'t RawValue>) -> Rows {
    let (mut line, mut counted) = (start, 0);
    let row = |part: &'t RawValue| {
        let part = part.get();
        let begin = (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
        let between = text.as_bytes().get(counted..begin).unwrap_or_default();
        line += between.iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
        counted = begin.max(counted);
        (line, part.as_bytes().to_vec())
    };
    parts.into_iter().map(row).collect()
}

/// The rows that an object holds.
#[derive(Default)]
pub(super) struct Found {
    pub(super) rows: Rows,
    /// The keys beside them.
    pub(super) left_aside: Vec<String>,
    /// The names of the numbers of columns.
    pub(super) class_names: ClassNames,
    /// By the number of the row, the columns that are not whole in it.
    pub(super) cut_off: BTreeMap<u64, Vec<String>>,
}

impl From<Rows> for Found {
    fn from(rows: Rows) -> Self {
        Self {
            rows,
            ..Self::default()
        }
    }
}

/// The rows of a text that starts on the line `start` with a brace. None if it is no object, or one that is a
/// row itself.
///
/// A typed table may also be a part of the object: what an evaluation writes beside its rows is left aside.
pub(super) fn objects(text: &[u8], start: u64, file: &str, form: Form) -> Result<Option<Found>, Error> {
    let Ok(text) = std::str::from_utf8(text) else {
        return Ok(None);
    };
    if let Ok(entries) = read_object(text, Entries) {
        if form == Form::Typed
            && let Some(found) = of_keys(&entries, start).or_else(|| of_part(&entries, text, start, file))
        {
            return Ok(Some(found));
        }
        return of_pandas(&entries, text, start, file).transpose();
    }
    if text.trim().lines().nth(1).is_none() {
        return Ok(None);
    }
    // Two objects on a line, or one that is damaged.
    one_after_the_other(text, start, file).map(Found::from).map(Some)
}

/// The rows of an object in one of the orientations that pandas writes.
pub(super) fn of_pandas(
    entries: &[(String, &RawValue)],
    text: &str,
    start: u64,
    file: &str,
) -> Option<Result<Found, Error>> {
    let columns = of_split(entries)
        .or_else(|| of_lists(entries))
        .or_else(|| of_objects(entries));
    if let Some(columns) = columns {
        return Some(rows_of(&columns, start, file).map(Found::from));
    }
    let rows = of_index(entries).or_else(|| of_table(entries))?;
    Some(Ok(rows_at(text, start, rows).into()))
}

/// Objects that are spread over lines, as jq prints them.
fn one_after_the_other(text: &str, start: u64, file: &str) -> Result<Rows, Error> {
    let values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    let values: Result<Vec<&RawValue>, _> = values.collect();
    let values = values.map_err(|error| Error::BadJson {
        file: file.to_owned(),
        line: start + (error.line() as u64).saturating_sub(1),
        problem: in_line(&error),
    })?;
    Ok(rows_at(text, start, values))
}

/// A column with its values.
type ColumnOf<'t> = (String, Vec<&'t RawValue>);

/// `{"a": [1, 2], "b": [3, 4]}`: `orient="list"` of `to_dict`, and what `datasets` writes.
fn of_lists<'t>(entries: &[(String, &'t RawValue)]) -> Option<Vec<ColumnOf<'t>>> {
    let column = |(name, values): &(String, &'t RawValue)| Some((name.clone(), list(values)?));
    (!entries.is_empty()).then(|| entries.iter().map(column).collect())?
}

/// `{"columns": ["a", "b"], "index": [0, 1], "data": [[1, 3], [2, 4]]}`: `orient="split"`.
fn of_split<'t>(entries: &[(String, &'t RawValue)]) -> Option<Vec<ColumnOf<'t>>> {
    let names: Vec<String> = serde_json::from_str(find(entries, "columns")?.get()).ok()?;
    let data = list(find(entries, "data")?)?;
    let mut columns: Vec<ColumnOf<'t>> = names.into_iter().map(|name| (name, Vec::new())).collect();
    for row in data {
        let row = list(row).filter(|row| row.len() == columns.len())?;
        for ((_, values), value) in columns.iter_mut().zip(row) {
            values.push(value);
        }
    }
    Some(columns)
}

/// `{"a": {"0": 1, "1": 2}, "b": {"0": 3, "1": 4}}`: `orient="columns"`, which is the default. The inner keys
/// are the rows; where numbers stand outside instead, the object is of rows.
fn of_objects<'t>(entries: &[(String, &'t RawValue)]) -> Option<Vec<ColumnOf<'t>>> {
    let inner = objects_of(entries)?;
    let (_, first) = inner.first()?;
    let is_number = |key: &String| key.parse::<u64>().is_ok();
    let is_of_rows = inner.iter().all(|(key, _)| is_number(key));
    if is_of_rows && !first.iter().all(|(key, _)| is_number(key)) {
        return None;
    }
    let rows: Vec<&String> = first.iter().map(|(row, _)| row).collect();
    let column = |(name, values): &(&String, Vec<(String, &'t RawValue)>)| {
        let by_row: BTreeMap<&String, &'t RawValue> =
            values.iter().map(|(row, value)| (row, *value)).collect();
        let values: Option<Vec<_>> = rows.iter().map(|row| by_row.get(row).copied()).collect();
        Some(((*name).clone(), values.filter(|_| by_row.len() == rows.len())?))
    };
    inner.iter().map(column).collect()
}

/// `{"0": {"a": 1, "b": 3}, "1": {"a": 2, "b": 4}}`: `orient="index"`.
fn of_index<'t>(entries: &[(String, &'t RawValue)]) -> Option<Vec<&'t RawValue>> {
    let is_row =
        |(key, value): &(String, &RawValue)| key.parse::<u64>().is_ok() && value.get().starts_with('{');
    let are_rows = !entries.is_empty() && entries.iter().all(is_row);
    are_rows.then(|| entries.iter().map(|(_, row)| *row).collect())
}

/// `{"schema": {…}, "data": [{"a": 1, "b": 3}, {"a": 2, "b": 4}]}`: `orient="table"`.
fn of_table<'t>(entries: &[(String, &'t RawValue)]) -> Option<Vec<&'t RawValue>> {
    find(entries, "schema")?;
    list(find(entries, "data")?)
}

/// `{"r1": {"label": "a", "pred": "a"}, "r2": …}`: an object for each row, under the row's id. It becomes the
/// nameless first column. Where columns are the outer ones, there are fewer of them than of rows.
fn of_keys(entries: &[(String, &RawValue)], start: u64) -> Option<Found> {
    let inner = objects_of(entries)?;
    let (_, first) = inner.first()?;
    let keys: BTreeSet<&String> = first.iter().map(|(key, _)| key).collect();
    let is_number = |key: &str| key.parse::<f64>().is_ok();
    let is_alike = |row: &[(String, &RawValue)]| {
        row.len() == keys.len() && row.iter().all(|(key, _)| keys.contains(key))
    };
    let are_rows = inner.len() > keys.len().max(2)
        && keys.len() >= 2
        && !keys.iter().any(|key| is_number(key))
        && !entries.iter().all(|(key, _)| is_number(key))
        && inner.iter().all(|(_, row)| is_alike(row));
    are_rows.then(|| {
        let row = |(key, object): &(String, &RawValue)| {
            let rest = object.get().trim_start_matches('{');
            let key = serde_json::Value::from(key.as_str());
            (start, format!("{{\"\":{key},{rest}").into_bytes())
        };
        Found::from(entries.iter().map(row).collect::<Rows>())
    })
}

/// The table that a part of the object is: a list of objects, an object of lists, or lists of one length
/// beside figures and the like.
fn of_part(entries: &[(String, &RawValue)], text: &str, start: u64, file: &str) -> Option<Found> {
    let named = |key: &str| find(entries, key).is_some();
    if named("data") && (named("columns") || named("schema")) {
        return None;
    }
    let beside = |is_kept: &dyn Fn(&str) -> bool| {
        let names = entries.iter().map(|(name, _)| name.clone());
        names.filter(|name| !is_kept(name)).collect()
    };
    let is_rows = |value: &RawValue| {
        let rows = list(value).unwrap_or_default();
        !rows.is_empty() && rows.iter().all(|row| row.get().starts_with('{'))
    };
    let lists: Vec<ColumnOf<'_>> = entries
        .iter()
        .filter_map(|(name, value)| Some((name.clone(), list(value)?)))
        .collect();
    let longest = lists.iter().map(|(_, values)| values.len()).max().unwrap_or(0);
    let mut of_rows = entries.iter().filter(|(_, value)| is_rows(value));
    if let (Some((key, value)), None) = (of_rows.next(), of_rows.next())
        && (entries.len() == 1 || list(value).is_some_and(|rows| rows.len() > 1))
    {
        return Some(Found {
            rows: rows_at(text, start, list(value)?),
            left_aside: beside(&|name| name == key),
            ..Found::default()
        });
    }
    if let [(_, value)] = entries
        && let Ok(inner) = read_object(value.get(), Entries)
        && inner.iter().all(|(_, value)| value.get().starts_with('['))
    {
        let columns = of_lists(&inner)?;
        return rows_of(&columns, start, file).ok().map(Found::from);
    }
    // Two lists at least, so that a row that holds a list stays a row.
    let of_longest = lists.iter().filter(|(_, values)| values.len() == longest);
    if of_longest.count() < 2 || longest < 2 || lists.len() == entries.len() && lists.len() < 3 {
        return None;
    }
    let columns: Vec<ColumnOf<'_>> = lists
        .into_iter()
        .filter(|(_, values)| values.len() == longest)
        .collect();
    // Texts and lists beside each other: a row with its scores and its tokens.
    let has_text = entries.iter().any(|(_, value)| value.get().starts_with('"'));
    if has_text && longest < 10 {
        return None;
    }
    let names: BTreeSet<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
    let left_aside = beside(&|name| names.contains(name));
    let rows = rows_of(&columns, start, file).ok()?;
    Some(Found {
        rows,
        left_aside,
        ..Found::default()
    })
}

fn find<'t>(entries: &[(String, &'t RawValue)], key: &str) -> Option<&'t RawValue> {
    entries
        .iter()
        .find_map(|(found, value)| (found == key).then_some(*value))
}

pub(super) fn list(value: &RawValue) -> Option<Vec<&RawValue>> {
    serde_json::from_str(value.get()).ok()
}

type Inner<'e, 't> = Vec<(&'e String, Vec<(String, &'t RawValue)>)>;

fn objects_of<'e, 't>(entries: &'e [(String, &'t RawValue)]) -> Option<Inner<'e, 't>> {
    let object = |(key, value): &'e (String, &'t RawValue)| {
        let value = *value;
        Some((key, read_object(value.get(), Entries).ok()?))
    };
    entries.iter().map(object).collect()
}

/// An object for each row.
fn rows_of(columns: &[ColumnOf<'_>], start: u64, file: &str) -> Result<Rows, Error> {
    let lengths = columns.iter().map(|(name, values)| (name, values.len()));
    let count = same_length(file, lengths)?;
    let names: Vec<String> = columns
        .iter()
        .map(|(name, _)| serde_json::Value::from(name.as_str()).to_string())
        .collect();
    let row = |row: usize| {
        let fields = names.iter().zip(columns);
        let fields: Vec<String> = fields
            .map(|(name, (_, values))| format!("{name}:{}", values[row].get()))
            .collect();
        (start, format!("{{{}}}", fields.join(",")).into_bytes())
    };
    Ok((0..count).map(row).collect())
}
