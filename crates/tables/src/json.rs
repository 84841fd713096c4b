//! Rows of JSON: an object on each line, an array of objects, or an object that holds the whole table.
//!
//! Whatever the shape, each row becomes the text of one object, of which only the chosen fields are kept.
//! Lines and arrays are read as streams; a table within one object, as `pandas.DataFrame.to_json` writes it,
//! is read as a whole.

mod list;
mod stream;
mod whole;

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::column::{Column, Selection, Wanted};
use crate::dialect::{Form, Options, Settings, nameless};
use crate::error::Error;
use crate::row::{Cell, Place, Row, RowProblem};
use crate::source::Input;
use stream::Objects;

/// The shapes that a reader accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// An object on each line.
    Lines,
    /// Any shape that can be told.
    Any,
}

impl Shape {
    /// The shape of rows that are arrays themselves.
    pub(crate) fn of_arrays(is_lines: bool) -> Self {
        if is_lines { Self::Lines } else { Self::Any }
    }
}

/// What a row of JSON is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// An object, whose keys are the columns.
    Object,
    /// An array with an element for each column; the first one may hold their names.
    Array { has_header: bool },
    /// Any value, which is the only column.
    Value,
}

/// A JSON table of which no row has been given out.
pub(crate) struct Json {
    objects: Objects,
    unit: Unit,
    form: Form,
    settings: Settings,
    /// Whether the first object has been read already, to learn the columns.
    has_first: bool,
    columns: Vec<Column>,
}

impl Json {
    pub(crate) fn open(input: Input, shape: Shape, unit: Unit, options: &Options<'_>) -> Result<Self, Error> {
        Ok(Self {
            objects: Objects::open(input, shape, options)?,
            unit,
            form: options.form,
            settings: options.settings,
            has_first: false,
            columns: Vec::new(),
        })
    }

    /// The keys of the first object, those of objects in it included.
    pub(crate) fn columns(&mut self) -> Result<&[Column], Error> {
        if self.columns.is_empty() && !self.has_first {
            if !self.objects.next()? {
                let file = self.objects.name().to_owned();
                return Err(Error::Empty { file });
            }
            self.has_first = self.unit != Unit::Array { has_header: true };
            let unit = self.unit;
            self.columns = text_of(&self.objects)
                .and_then(|text| columns_of(text, unit))
                .map_err(|problem| Error::Row {
                    place: Place::Line(self.objects.line()).within(self.objects.name()),
                    problem,
                })?;
        }
        Ok(&self.columns)
    }

    /// Where the first object is.
    pub(crate) fn header_place(&self) -> String {
        Place::Line(self.objects.line()).within(self.objects.name())
    }

    /// Whether each row names its columns, which may be others than those of the first row.
    pub(crate) fn is_of_objects(&self) -> bool {
        self.unit == Unit::Object
    }

    /// The keys beside the table, where it is a part of an object.
    pub(crate) fn left_aside(&self) -> &[String] {
        self.objects.left_aside()
    }

    pub(crate) fn rows_by_name(self, selection: &Selection) -> JsonRows {
        let field = |wanted: &Wanted| Field {
            key: wanted.column.clone(),
            within: None,
        };
        let fields = selection.wanted().iter().map(field).collect();
        self.rows(fields, Vec::new())
    }

    pub(crate) fn rows_by_place(mut self, places: &[usize]) -> Result<JsonRows, Error> {
        let columns = self.columns()?;
        let field = |place: &usize| Field {
            key: columns[*place].name.clone(),
            within: columns[*place].within.clone(),
        };
        let fields = places.iter().map(field).collect();
        Ok(self.rows(fields, places.to_vec()))
    }

    fn rows(self, fields: Vec<Field>, places: Vec<usize>) -> JsonRows {
        JsonRows {
            unit: self.unit,
            places,
            has_next: self.has_first,
            form: self.form,
            settings: self.settings,
            objects: self.objects,
            fields,
            rows: 0,
            good: 0,
        }
    }
}

/// A field that is kept of each object.
struct Field {
    key: String,
    /// The key of the object within the row's object.
    within: Option<String>,
}

/// The rows of a JSON table.
pub(crate) struct JsonRows {
    objects: Objects,
    /// Whether the next object has been read already.
    has_next: bool,
    unit: Unit,
    form: Form,
    settings: Settings,
    /// The places of the columns, where rows are arrays.
    places: Vec<usize>,
    fields: Vec<Field>,
    rows: u64,
    /// Rows that are objects, or look like one.
    good: u64,
}

impl JsonRows {
    pub(crate) fn next_row(&mut self, selection: &mut Selection) -> Result<Option<Row<'_>>, Error> {
        if !std::mem::take(&mut self.has_next) && !self.objects.next()? {
            return self.end();
        }
        self.rows += 1;
        let cells = match text_of(&self.objects) {
            Err(problem) => {
                self.good += u64::from(self.objects.text().starts_with(b"{"));
                Err(problem)
            }
            Ok(text) => {
                let cells = match self.unit {
                    Unit::Object => cells(text, &self.fields, self.form, selection),
                    Unit::Array { .. } => elements(text, &self.places, self.form),
                    Unit::Value => value(text).map(|value| vec![cell(value, self.form); self.places.len()]),
                };
                self.good += u64::from(cells.is_ok());
                cells
            }
        };
        let place = Place::Line(self.objects.line());
        Ok(Some(Row { place, cells }))
    }

    fn end(&self) -> Result<Option<Row<'_>>, Error> {
        let file = self.objects.name().to_owned();
        let Settings { json_lines, json, .. } = self.settings;
        match (self.rows, self.good) {
            (0, _) => Err(Error::Empty { file }),
            (_, 0) if self.objects.is_lines() => Err(Error::NotJsonLines {
                file,
                json_lines,
                json,
            }),
            _ => Ok(None),
        }
    }
}

fn text_of(objects: &Objects) -> Result<&str, RowProblem> {
    let bytes = objects.text();
    std::str::from_utf8(bytes).map_err(|error| RowProblem::not_utf8("the line", bytes, error))
}

/// The cells of the chosen fields.
fn cells<'t>(
    text: &'t str,
    fields: &[Field],
    form: Form,
    selection: &mut Selection,
) -> Result<Vec<Cell<'t>>, RowProblem> {
    let mut values = vec![None; fields.len()];
    let picked = Picked {
        fields,
        within: None,
        selection: Some(selection),
        values: &mut values,
    };
    read_object(text, picked)?;
    for (place, value) in values.iter().enumerate() {
        if value.is_some() {
            selection.note_seen(place);
        }
    }
    let cell = |raw: Option<&'t RawValue>| raw.map_or(Cell::Absent, |raw| cell(raw, form));
    Ok(values.into_iter().map(cell).collect())
}

/// The cells of an array, of which each row may have fewer elements than the first.
fn elements<'t>(text: &'t str, places: &[usize], form: Form) -> Result<Vec<Cell<'t>>, RowProblem> {
    let elements = array(text)?;
    let cell = |place: &usize| elements.get(*place).map_or(Cell::Absent, |raw| cell(raw, form));
    Ok(places.iter().map(cell).collect())
}

fn array(text: &str) -> Result<Vec<&RawValue>, RowProblem> {
    serde_json::from_str(text).map_err(|error| RowProblem::JsonArray {
        detail: detail(&error),
    })
}

fn value(text: &str) -> Result<&RawValue, RowProblem> {
    serde_json::from_str(text).map_err(|error| RowProblem::JsonValue {
        detail: detail(&error),
    })
}

fn read_object<'t, V: Visitor<'t>>(text: &'t str, visitor: V) -> Result<V::Value, RowProblem> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    deserializer
        .deserialize_map(visitor)
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|error| RowProblem::Json {
            detail: detail(&error),
        })
}

/// A JSON value as a cell. As text, a number keeps the digits that it is written with.
fn cell(raw: &RawValue, form: Form) -> Cell<'_> {
    let json = raw.get();
    let is_typed = form == Form::Typed;
    match json.as_bytes().first() {
        Some(b'"') => match serde_json::from_str::<String>(json) {
            Ok(text) => Cell::Text(Cow::Owned(text)),
            // The only thing that a quoted string which the parser has passed over can still hide.
            Err(_) => Cell::Other("a string with half a surrogate pair"),
        },
        Some(b'n') => Cell::Missing,
        Some(b't' | b'f') if is_typed => Cell::Text(Cow::Borrowed(json)),
        Some(b't' | b'f') => Cell::Other("a boolean"),
        Some(b'[') if is_typed => list::cell(json),
        Some(b'{') if is_typed => Cell::Nested(json),
        Some(b'[') => Cell::Other("an array"),
        Some(b'{') => Cell::Other("an object"),
        _ if is_typed && !is_integer(json) => match serde_json::from_str(json) {
            Ok(value) => Cell::Number(value),
            Err(_) => Cell::Other("a number that is too large"),
        },
        _ => Cell::Text(Cow::Borrowed(json)),
    }
}

fn is_integer(json: &str) -> bool {
    json.parse::<i64>().is_ok() || json.parse::<u64>().is_ok()
}

/// A parser's message with the column in front, and with the line where an object has more than one.
fn detail(error: &serde_json::Error) -> String {
    match error.line() {
        0 | 1 => in_line(error),
        line => format!("its line {line}, {}", in_line(error)),
    }
}

/// A parser's message with the column in front, and without the line.
fn in_line(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let message = message.strip_suffix(&place).unwrap_or(&message);
    // The parser counts what it has read, which at the first byte may be nothing.
    format!("column {}: {message}", error.column().max(1))
}

/// Picks the chosen fields of an object, and of the objects in it.
struct Picked<'r, 't> {
    fields: &'r [Field],
    /// The key of this object, if it is in another one.
    within: Option<&'r str>,
    /// Remembers the keys; not those of objects within objects.
    selection: Option<&'r mut Selection>,
    values: &'r mut [Option<&'t RawValue>],
}

impl<'de> Visitor<'de> for Picked<'_, 'de> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if self
                .fields
                .iter()
                .any(|field| self.is_here(field, &key) || self.is_around(field, &key))
            {
                let value = map.next_value()?;
                self.keep(&key, value);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
            if let Some(selection) = &mut self.selection {
                selection.note_key(key);
            }
        }
        Ok(())
    }
}

impl<'t> Picked<'_, 't> {
    /// Whether the entry of this key is the field.
    fn is_here(&self, field: &Field, key: &str) -> bool {
        field.key == key && field.within.as_deref() == self.within
    }

    /// Whether the entry of this key is the object that has the field.
    fn is_around(&self, field: &Field, key: &str) -> bool {
        self.within.is_none() && field.within.as_deref() == Some(key)
    }

    fn keep(&mut self, key: &str, value: &'t RawValue) {
        for (place, field) in self.fields.iter().enumerate() {
            if self.is_here(field, key) {
                self.values[place] = Some(value);
            }
        }
        let holds_fields = self.fields.iter().any(|field| self.is_around(field, key));
        if holds_fields && value.get().starts_with('{') {
            let inner = Picked {
                fields: self.fields,
                within: Some(key),
                selection: None,
                values: self.values,
            };
            // What the parser has passed over once can only hide half a surrogate pair in a key: no field has
            // such a key.
            let _ = read_object(value.get(), inner);
        }
    }
}

/// The columns that the first row has.
fn columns_of(text: &str, unit: Unit) -> Result<Vec<Column>, RowProblem> {
    match unit {
        Unit::Object => columns_of_object(text),
        Unit::Value => Ok(vec![Column::untyped("value".to_owned())]),
        Unit::Array { has_header } => {
            let name = |(place, value): (usize, &RawValue)| match serde_json::from_str(value.get()) {
                Ok(name) if has_header => name,
                _ => nameless(place),
            };
            let names = array(text)?.into_iter().enumerate().map(name);
            Ok(names.map(Column::untyped).collect())
        }
    }
}

fn columns_of_object(text: &str) -> Result<Vec<Column>, RowProblem> {
    let mut columns = Vec::new();
    for (key, value) in read_object(text, whole::Entries)? {
        if value.get().starts_with('{')
            && let Ok(inner) = read_object(value.get(), whole::Entries)
        {
            columns.extend(inner.into_iter().map(|(name, _)| Column {
                within: Some(key.clone()),
                ..Column::untyped(name)
            }));
        }
        columns.push(Column::untyped(key));
    }
    Ok(columns)
}

#[cfg(test)]
mod tests;
