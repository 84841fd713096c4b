//! Columns of record batches that are called by the way to them through structures and lists, by the rules of JSON:
//! `data.text`, `labels.0`, `annotations.label`.

use std::borrow::Cow;

use arrow::array::{Array, ArrayRef, AsArray, LargeListArray, StringArray};
use arrow::buffer::NullBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Fields};
use arrow::error::ArrowError;

use super::column;
use crate::column::Column;
use crate::row::Cell;

/// Structures and lists within each other beyond this depth are not listed.
const MOST_NESTED: usize = 8;

/// A column and the way to it.
#[derive(Debug, Clone)]
pub(super) struct Way {
    pub(super) column: Column,
    /// The place of the column of the file that it begins with.
    pub(super) root: usize,
    pub(super) steps: Vec<Step>,
}

/// A step on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// To a part of a structure.
    Part(usize),
    /// To an item of a list.
    Item(usize),
    /// To each item of a list.
    Each,
}

/// Every column that can be called by a way, those of the file first, and the wanted ones that say a place in
/// a list.
pub(super) fn ways<'w>(fields: &Fields, wanted: impl Iterator<Item = &'w str>) -> Vec<Way> {
    let mut ways = Vec::new();
    for (root, field) in fields.iter().enumerate() {
        ways.push(Way {
            column: column(field),
            root,
            steps: Vec::new(),
        });
    }
    for (root, field) in fields.iter().enumerate() {
        list(field, field.name().clone(), root, &[], &mut ways);
    }
    for path in wanted {
        if !ways.iter().any(|way| way.column.name == path)
            && let Some(way) = resolved(fields, path)
        {
            ways.push(way);
        }
    }
    ways
}

/// Lists the parts of the structures within a field.
fn list(field: &Field, path: String, root: usize, steps: &[Step], ways: &mut Vec<Way>) {
    if steps.len() > MOST_NESTED {
        return;
    }
    match field.data_type() {
        DataType::Struct(parts) => {
            for (place, part) in parts.iter().enumerate() {
                let path = format!("{path}.{}", part.name());
                let steps = [steps, &[Step::Part(place)]].concat();
                // A column of the file that has such a name wins.
                if !matches!(part.data_type(), DataType::Struct(_))
                    && !ways.iter().any(|way| way.column.name == path)
                {
                    ways.push(Way {
                        column: called(part, path.clone()),
                        root,
                        steps: steps.clone(),
                    });
                }
                list(part, path, root, &steps, ways);
            }
        }
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            list(item, path, root, &[steps, &[Step::Each]].concat(), ways);
        }
        _ => {}
    }
}

fn called(field: &Field, name: String) -> Column {
    Column {
        name,
        ..column(field)
    }
}

/// The way of a path through the fields; none if there is none.
fn resolved(fields: &Fields, path: &str) -> Option<Way> {
    let (root, mut rest) = longest(fields, path)?;
    let mut field = &fields[root];
    let mut steps = Vec::new();
    while !rest.is_empty() {
        match field.data_type() {
            DataType::Struct(parts) => {
                let (place, behind) = longest(parts, rest)?;
                steps.push(Step::Part(place));
                (field, rest) = (&parts[place], behind);
            }
            DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
                let (key, behind) = rest.split_once('.').unwrap_or((rest, ""));
                match key.parse() {
                    Ok(place) => {
                        steps.push(Step::Item(place));
                        rest = behind;
                    }
                    Err(_) => steps.push(Step::Each),
                }
                field = item;
            }
            _ => return None,
        }
    }
    Some(Way {
        column: called(field, path.to_owned()),
        root,
        steps,
    })
}

/// The field with the longest name that a path begins with, and the rest of the path.
fn longest<'p>(fields: &Fields, path: &'p str) -> Option<(usize, &'p str)> {
    let behind = |(place, name): (usize, &String)| {
        let rest = path.strip_prefix(name.as_str())?;
        match rest.strip_prefix('.') {
            Some(behind) => Some((place, behind)),
            None => rest.is_empty().then_some((place, rest)),
        }
    };
    let names = fields.iter().map(|field| field.name()).enumerate();
    names.filter_map(behind).min_by_key(|(_, rest)| rest.len())
}

/// The values at the end of a way, in a batch of rows.
pub(super) enum Values {
    Strings(StringArray),
    /// Those of a part of structures, which are missing where the structure is.
    Part(Option<NullBuffer>, Box<Self>),
    Items {
        lists: LargeListArray,
        items: Box<Self>,
        taken: Taken,
    },
}

/// Which items of a list are taken.
#[derive(Clone, Copy)]
pub(super) enum Taken {
    /// All, as a list.
    List,
    /// All, as what a way ends in.
    Each,
    /// One.
    Item(usize),
}

impl Values {
    pub(super) fn of(array: &ArrayRef, steps: &[Step]) -> Result<Self, ArrowError> {
        let is_list = matches!(
            array.data_type(),
            DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..)
        );
        let (taken, rest) = match steps {
            [Step::Part(place), rest @ ..] => {
                let parts = array
                    .as_struct_opt()
                    .ok_or_else(|| ArrowError::SchemaError("a structure is none".to_owned()))?;
                let inner = Self::of(parts.column(*place), rest)?;
                return Ok(Self::Part(parts.nulls().cloned(), Box::new(inner)));
            }
            [] if !is_list => {
                return Ok(Self::Strings(cast(array, &DataType::Utf8)?.as_string().clone()));
            }
            [] => (Taken::List, steps),
            [Step::Item(place), rest @ ..] => (Taken::Item(*place), rest),
            [Step::Each, rest @ ..] => (Taken::Each, rest),
        };
        let (DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _)) =
            array.data_type()
        else {
            return Err(ArrowError::SchemaError("a list is none".to_owned()));
        };
        let lists = cast(array, &DataType::LargeList(item.clone()))?
            .as_list::<i64>()
            .clone();
        let items = Box::new(Self::of(lists.values(), rest)?);
        Ok(Self::Items { lists, items, taken })
    }

    /// The cell of a row, and whether items of a list beside it were passed over.
    pub(super) fn cell(&self, row: usize) -> (Cell<'_>, bool) {
        match self {
            Self::Strings(values) if values.is_valid(row) => {
                (Cell::Text(Cow::Borrowed(values.value(row))), false)
            }
            Self::Part(nulls, values) if nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row)) => {
                values.cell(row)
            }
            Self::Items { lists, items, taken } if lists.is_valid(row) => {
                let place = |offset: i64| usize::try_from(offset).expect("offsets of Arrow are not negative");
                let offsets = lists.value_offsets();
                let (start, end) = (place(offsets[row]), place(offsets[row + 1]));
                cell_of_list(items, start..end, *taken)
            }
            _ => (Cell::Missing, false),
        }
    }
}

fn cell_of_list(items: &Values, places: std::ops::Range<usize>, taken: Taken) -> (Cell<'_>, bool) {
    if let Taken::Item(item) = taken {
        let has_more = places.len() > 1;
        return match places.start.checked_add(item).filter(|place| *place < places.end) {
            Some(place) => {
                let (cell, has_more_inside) = items.cell(place);
                (cell, has_more || has_more_inside)
            }
            None => (Cell::Missing, false),
        };
    }
    let mut passes = false;
    let mut cells: Vec<Cell<'_>> = places
        .map(|place| {
            let (cell, passed) = items.cell(place);
            passes |= passed;
            cell
        })
        .collect();
    let cell = match (taken, cells.len()) {
        (Taken::List, _) => Cell::List(cells),
        (_, 0 | 1) => cells.pop().unwrap_or(Cell::Missing),
        _ => Cell::Each(cells),
    };
    (cell, passes)
}
