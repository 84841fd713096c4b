//! Columns that are called by the way to them: `data.text`, `annotations.0.result.value.choices`.
//!
//! A part of the way is the key of an object or the place of an item in a list, from 0. Where a list is on
//! the way and no place is said, the way goes through each of its items. A key that itself has dots wins over
//! the way that it reads like.

use std::fmt;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::whole::Entries;
use super::{cell, read_object};
use crate::column::Selection;
use crate::dialect::Form;
use crate::row::{Cell, RowProblem};

/// Lists in lists beyond this depth are not gone through: nobody's data are so, and the stack has an end.
const MOST_LISTS: usize = 16;
/// Keys of objects in objects beyond this depth are not listed.
const MOST_NESTED: usize = 8;

/// The cells at the ends of some ways through a row's object.
pub(super) fn cells<'t>(
    text: &'t str,
    paths: &[String],
    form: Form,
    selection: &mut Selection,
) -> Result<Vec<Cell<'t>>, RowProblem> {
    let notes_keys = selection.notes_keys();
    let mut steps = vec![None; paths.len()];
    let visitor = Longest {
        paths: paths.iter().map(String::as_str),
        steps: &mut steps,
        noted: notes_keys.then_some(&mut *selection),
    };
    read_object(text, visitor)?;
    let mut found = Vec::with_capacity(paths.len());
    for (place, (path, step)) in paths.iter().zip(steps).enumerate() {
        let (cell, passes_over) = step.map_or((Cell::Absent, false), |step| end(step, path, form));
        if passes_over {
            selection.note_passed_over(place);
        }
        if !matches!(cell, Cell::Absent) {
            selection.note_seen(place);
        }
        found.push(cell);
    }
    Ok(found)
}

/// How many of some ways end in a single value: a string, a number or a boolean.
pub(super) fn scalars<'p>(value: &RawValue, paths: impl Iterator<Item = &'p str>) -> usize {
    let is_scalar = |path: &&str| {
        let mut walk = Walk::default();
        walk.through(value, path, 0);
        !walk.is_branched && matches!(walk.ends[..], [end] if !end.get().starts_with(['{', '[', 'n']))
    };
    paths.filter(is_scalar).count()
}

/// The first step of a way: the length of the key, and its value.
type Step<'t> = (usize, &'t RawValue);

/// The cell at the end of a way, and whether items of a list beside it were passed over.
fn end<'t>((length, value): Step<'t>, path: &str, form: Form) -> (Cell<'t>, bool) {
    let Some(rest) = path[length..].strip_prefix('.') else {
        return (cell(value, form), false);
    };
    let mut walk = Walk::default();
    walk.through(value, rest, 0);
    let passes_over = walk.passes_over;
    let cell = match walk.ends[..] {
        [] => Cell::Absent,
        [end] => cell(end, form),
        _ => Cell::Each(walk.ends.into_iter().map(|end| cell(end, form)).collect()),
    };
    (cell, passes_over)
}

/// A walk through a value.
#[derive(Default)]
struct Walk<'t> {
    ends: Vec<&'t RawValue>,
    /// Whether it went through each item of a list.
    is_branched: bool,
    /// Whether it took an item of a list that has others.
    passes_over: bool,
}

impl<'t> Walk<'t> {
    fn through(&mut self, value: &'t RawValue, path: &str, lists: usize) {
        match value.get().as_bytes().first() {
            Some(b'{') => {
                let mut steps = [None];
                let visitor = Longest {
                    paths: std::iter::once(path),
                    steps: &mut steps,
                    noted: None,
                };
                // What the parser has passed over once can only hide half a surrogate pair in a key.
                if read_object(value.get(), visitor).is_ok()
                    && let [Some((length, inner))] = steps
                {
                    self.go_on(inner, &path[length..], lists);
                }
            }
            Some(b'[') if lists < MOST_LISTS => self.through_list(value, path, lists + 1),
            _ => {}
        }
    }

    fn through_list(&mut self, list: &'t RawValue, path: &str, lists: usize) {
        let items: Vec<&'t RawValue> = serde_json::from_str(list.get()).unwrap_or_default();
        let key = path.split('.').next().unwrap_or_default();
        if let Ok(place) = key.parse::<usize>() {
            if let Some(item) = items.get(place) {
                self.passes_over |= items.len() > 1;
                self.go_on(item, &path[key.len()..], lists);
            }
            return;
        }
        self.is_branched = true;
        for item in items {
            self.through(item, path, lists);
        }
    }

    /// Goes on behind a key or a place.
    fn go_on(&mut self, value: &'t RawValue, rest: &str, lists: usize) {
        match rest.strip_prefix('.') {
            None => self.ends.push(value),
            Some(rest) => self.through(value, rest, lists),
        }
    }
}

/// Finds the longest key of an object that each way begins with.
struct Longest<'r, 't, I> {
    paths: I,
    steps: &'r mut [Option<Step<'t>>],
    /// Remembers the keys.
    noted: Option<&'r mut Selection>,
}

impl<'de, 'p, I: Iterator<Item = &'p str> + Clone> Visitor<'de> for Longest<'_, 'de, I> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            let begins = |path: &str| {
                let rest = path.strip_prefix(key.as_str());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            };
            if self.noted.is_none() && !self.paths.clone().any(begins) {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let value: &'de RawValue = map.next_value()?;
            for (path, step) in self.paths.clone().zip(self.steps.iter_mut()) {
                // Of equal keys the last one counts, as in Python.
                if begins(path) && step.is_none_or(|(length, _)| length <= key.len()) {
                    *step = Some((key.len(), value));
                }
            }
            if let Some(selection) = &mut self.noted {
                note(selection, key, value, 0);
            }
        }
        Ok(())
    }
}

/// Remembers the ways to the values within a value: those that a column could be called by.
fn note(selection: &mut Selection, path: String, value: &RawValue, depth: usize) {
    let json = value.get();
    if depth < MOST_NESTED
        && json.starts_with('{')
        && let Ok(entries) = read_object(json, Entries)
        && !entries.is_empty()
    {
        for (key, inner) in entries {
            note(selection, format!("{path}.{key}"), inner, depth + 1);
        }
    } else if depth < MOST_NESTED
        && json.starts_with('[')
        && let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(json)
        && let Some(first) = items.first().filter(|first| first.get().starts_with(['{', '[']))
    {
        note(selection, path, first, depth + 1);
    } else {
        selection.note_key(path);
    }
}
