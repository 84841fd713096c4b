//! Tables that are one JSON object, as `pandas.DataFrame.to_json` writes them, turned into an object for each
//! row.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{in_line, read_object};
use crate::column::same_length;
use crate::error::Error;

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
type Rows = Vec<(u64, Vec<u8>)>;

/// The rows of a text that starts on the line `start` with a brace. None if it is no object, or one that is
/// spread over no lines and is a row itself.
pub(super) fn objects(text: &[u8], start: u64, file: &str) -> Result<Option<Rows>, Error> {
    let Ok(text) = std::str::from_utf8(text) else {
        return Ok(None);
    };
    if let Ok(entries) = read_object(text, Entries) {
        let columns = of_split(&entries)
            .or_else(|| of_lists(&entries))
            .or_else(|| of_objects(&entries));
        if let Some(columns) = columns {
            return rows_of(&columns, start, file).map(Some);
        }
        if let Some(rows) = of_index(&entries).or_else(|| of_table(&entries)) {
            let row = |row: &&RawValue| (start, row.get().as_bytes().to_vec());
            return Ok(Some(rows.iter().map(row).collect()));
        }
    }
    if text.trim().lines().nth(1).is_none() {
        return Ok(None);
    }
    one_after_the_other(text, start, file).map(Some)
}

/// Objects that are spread over lines, as jq prints them.
fn one_after_the_other(text: &str, start: u64, file: &str) -> Result<Rows, Error> {
    let mut rows = Vec::new();
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    let (mut line, mut counted) = (start, 0);
    while let Some(value) = values.next() {
        let value = value.map_err(|error| Error::BadJson {
            file: file.to_owned(),
            line: start + (error.line() as u64).saturating_sub(1),
            problem: in_line(&error),
        })?;
        let begin = values.byte_offset() - value.get().len();
        line += text[counted..begin].matches('\n').count() as u64;
        counted = begin;
        rows.push((line, value.get().as_bytes().to_vec()));
    }
    Ok(rows)
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

fn find<'t>(entries: &[(String, &'t RawValue)], key: &str) -> Option<&'t RawValue> {
    entries
        .iter()
        .find_map(|(found, value)| (found == key).then_some(*value))
}

fn list(value: &RawValue) -> Option<Vec<&RawValue>> {
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
