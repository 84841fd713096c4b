//! A table that is a part of one object, found by the columns that are wanted of it: `{"data": […]}`, what
//! the Hub's server of rows answers, objects under ids.
//!
//! An object that has the columns itself is a row, whatever else is in it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::path::scalars;
use super::python::mended;
use super::read_object;
use super::whole::{Entries, Found, list, of_pandas, rows_at};
use crate::column::Wanted;
use crate::error::Error;
use crate::features;

/// Objects in objects beyond this depth are not looked at.
const MOST_NESTED: usize = 4;
/// The first rows of a list, which tell whether it has the columns.
const TELLING_ROWS: usize = 20;

/// The rows that the object holds whose text starts on the line `start`; none if it is a row.
pub(super) fn rows(text: &[u8], start: u64, file: &str, wanted: &[Wanted]) -> Result<Option<Found>, Error> {
    let Ok(text) = std::str::from_utf8(text) else {
        return Ok(None);
    };
    let mended = mended(text);
    let text = mended.as_ref();
    let (Ok(object), Ok(entries)) = (
        serde_json::from_str::<&RawValue>(text),
        read_object(text, Entries),
    ) else {
        return Ok(None);
    };
    let paths = || wanted.iter().map(|wanted| wanted.column.as_str());
    let own = scalars(object, paths());
    if own == wanted.len() {
        return Ok(None);
    }
    let mut tables = Tables {
        found: Vec::new(),
        score: &|row| scalars(row, paths()),
    };
    tables.look_at("", object, 0);
    let best = tables.found.iter().map(|table| table.score).max().unwrap_or(0);
    let mut found = tables.found;
    if best > own {
        found.retain(|table| table.score == best);
        if found.len() > 1 {
            return Err(Error::SeveralTables {
                file: file.to_owned(),
                tables: found
                    .into_iter()
                    .map(|table| (table.key, table.rows.len()))
                    .collect(),
            });
        }
    } else if let Some(found) = of_pandas(&entries, text, start, file) {
        return found.map(Some);
    } else if own > 0 || found.len() != 1 {
        return Ok(None);
    }
    let Some(table) = found.pop() else {
        return Ok(None);
    };
    let part = table.key.split('.').next().unwrap_or_default();
    let left_aside = entries
        .iter()
        .map(|(key, _)| key.clone())
        .filter(|key| key != part);
    let names = entries
        .iter()
        .find(|(key, _)| key == "features")
        .map(|(_, value)| value.get());
    let answered: Option<Vec<Served<'_>>> = table.rows.iter().map(|row| served(row)).collect();
    let mut cut_off = BTreeMap::new();
    for (row, number) in answered.iter().flatten().zip(0..) {
        if !row.truncated_cells.is_empty() {
            cut_off.insert(number, row.truncated_cells.clone());
        }
    }
    let served: Option<Vec<&RawValue>> =
        answered.map(|rows| rows.into_iter().map(|served| served.row).collect());
    let is_served = served
        .as_ref()
        .is_some_and(|rows| rows.first().is_some_and(|row| scalars(row, paths()) == best));
    let rows = match served {
        Some(rows) if is_served => rows_at(text, start, rows),
        _ => {
            // The columns are called by the way from the whole answer.
            for name in cut_off.values_mut().flatten() {
                name.insert_str(0, "row.");
            }
            rows_at(text, start, table.rows.iter().copied())
        }
    };
    Ok(Some(Found {
        rows,
        left_aside: if part.is_empty() {
            Vec::new()
        } else {
            left_aside.collect()
        },
        class_names: names.map(features::class_names).unwrap_or_default(),
        cut_off,
    }))
}

/// A row as the Hub's server answers it.
#[derive(Deserialize)]
struct Served<'t> {
    #[serde(borrow)]
    row: &'t RawValue,
    #[serde(default)]
    truncated_cells: Vec<String>,
}

fn served(row: &RawValue) -> Option<Served<'_>> {
    let served: Served<'_> = serde_json::from_str(row.get()).ok()?;
    served.row.get().starts_with('{').then_some(served)
}

/// The tables within an object.
struct Tables<'r, 't> {
    found: Vec<Part<'t>>,
    /// How many of the wanted columns a row has.
    score: &'r dyn Fn(&RawValue) -> usize,
}

/// A table within an object.
struct Part<'t> {
    /// The way to it.
    key: String,
    rows: Vec<&'t RawValue>,
    score: usize,
}

impl<'t> Tables<'_, 't> {
    fn look_at(&mut self, key: &str, value: &'t RawValue, depth: usize) {
        if value.get().starts_with('[') {
            self.add(key, list(value).unwrap_or_default());
            return;
        }
        let Ok(entries) = read_object(value.get(), Entries) else {
            return;
        };
        let rows: Vec<&RawValue> = entries.iter().map(|(_, row)| *row).collect();
        if rows.len() > 1 && self.score_of(&rows) > 0 {
            self.add(key, rows);
            return;
        }
        if depth < MOST_NESTED {
            for (inner, value) in entries {
                let key = if key.is_empty() {
                    inner
                } else {
                    format!("{key}.{inner}")
                };
                self.look_at(&key, value, depth + 1);
            }
        }
    }

    fn add(&mut self, key: &str, rows: Vec<&'t RawValue>) {
        if !rows.is_empty() && rows.iter().all(|row| row.get().starts_with('{')) {
            self.found.push(Part {
                key: key.to_owned(),
                score: self.score_of(&rows),
                rows,
            });
        }
    }

    fn score_of(&self, rows: &[&'t RawValue]) -> usize {
        let is_object = rows.iter().all(|row| row.get().starts_with('{'));
        let score = |row: &&RawValue| {
            let inner = served(row).map_or(0, |served| (self.score)(served.row));
            (self.score)(row).max(inner)
        };
        let scores = rows.iter().take(TELLING_ROWS).map(score);
        if is_object { scores.max().unwrap_or(0) } else { 0 }
    }
}
