//! Which rows a JSON text holds.

use serde_json::Value;

use super::{Expected, header};
use crate::dialect::{Format, Header};

/// The rows that are looked at.
const ROWS: usize = 500;

/// The format of a text that is JSON; none if it is not.
pub(super) fn format(
    text: &str,
    is_whole: bool,
    named: Option<Format>,
    expected: Expected<'_>,
) -> Option<Format> {
    let text = text.trim_start();
    let is_named = named == Some(Format::Json);
    if text.starts_with('{') {
        // A cell of a table may be an object, too.
        let is_object = || {
            let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
            match values.next() {
                Some(Ok(_)) => text[values.byte_offset()..].trim_start_matches([' ', '\t', '\r']),
                Some(Err(error)) if error.is_eof() => "\n",
                _ => ",",
            }
        };
        let follows = is_named || matches!(is_object().as_bytes(), [] | [b'\n' | b'{', ..]);
        return follows.then_some(Format::Json);
    }
    if !text.starts_with('[') {
        return None;
    }
    let line = text.lines().next().unwrap_or_default();
    let first: Option<Vec<Value>> = serde_json::from_str(line).ok();
    let is_lines = first.is_some() && text[line.len()..].trim_start().starts_with('[');
    let rows = if is_lines {
        let mut lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        if !is_whole {
            lines.pop();
        }
        let rows = lines
            .into_iter()
            .take(ROWS)
            .map(|line| serde_json::from_str(line).ok());
        rows.collect::<Option<Vec<Value>>>()
    } else {
        elements(text, is_whole)
    };
    let Some(rows) = rows.filter(|rows| !rows.is_empty()) else {
        return is_named.then_some(Format::Json);
    };
    if rows[0].is_object() {
        return Some(Format::Json);
    }
    // Lists of labels with their scores, and lists of numbers that are no records, are values.
    let is_record = |row: &Value| {
        let cells = row.as_array().filter(|cells| !cells.is_empty());
        cells.is_some_and(|cells| !cells.iter().all(Value::is_object) && !cells.iter().all(Value::is_array))
    };
    if !rows.iter().all(is_record) {
        return Some(Format::JsonValues { is_lines });
    }
    let cell = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.as_array().into_iter().flatten().map(cell).collect())
        .collect();
    let are_strings = rows[0]
        .as_array()
        .is_some_and(|cells| cells.iter().all(Value::is_string));
    let has_header = are_strings && header(&cells, expected) == Header::Names;
    let are_numbers = rows
        .iter()
        .filter_map(Value::as_array)
        .flatten()
        .all(Value::is_number);
    if !has_header && are_numbers {
        return Some(Format::JsonValues { is_lines });
    }
    Some(Format::JsonArrays { has_header, is_lines })
}

/// The first elements of an array; none if it is no array.
fn elements(text: &str, is_whole: bool) -> Option<Vec<Value>> {
    let mut rest = text.strip_prefix('[')?.trim_start();
    let mut rows = Vec::new();
    while rows.len() < ROWS && !rest.starts_with(']') && !rest.is_empty() {
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        match values.next() {
            // The element may be cut off where the sample ends.
            None | Some(Err(_)) if !is_whole && !rows.is_empty() => break,
            None | Some(Err(_)) => return None,
            Some(Ok(value)) => rows.push(value),
        }
        rest = rest[values.byte_offset()..].trim_start();
        rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
    }
    Some(rows)
}

/// Whether a text that is called JSON, and does not begin as such, may be a table.
pub(super) fn may_be_delimited(text: &str) -> bool {
    let line = text.trim_start().lines().next().unwrap_or_default();
    !line.is_empty() && !line.starts_with(['{', '[', '"']) && line.contains([',', ';', '\t'])
}
