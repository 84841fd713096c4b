//! Rows of JSON: an object on each line, an array of objects, or an object that holds the whole table.
//!
//! Whatever the shape, each row becomes the text of one object, of which only the chosen fields are kept.
//! Lines and arrays are read as streams; a table within one object, as `pandas.DataFrame.to_json` writes it,
//! is read as a whole.

mod fields;
mod list;
mod path;
mod python;
mod shape;
mod stream;
mod whole;
mod wrapped;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::de::{Deserializer, Visitor};
use serde_json::value::RawValue;

use crate::column::{Column, Selection};
use crate::dialect::{Form, Options, nameless};
use crate::error::Error;
use crate::features::ClassNames;
use crate::row::{Cell, Place, Row, RowProblem};
use crate::source::Input;
use fields::Field;
use stream::Objects;

/// The shapes that a reader accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// An object on each line.
    Lines,
    /// An array, or another value that is no object, on each line.
    ArraysOnLines,
    /// Any shape that can be told.
    Any,
}

impl Shape {
    /// The shape of rows that are arrays themselves.
    pub(crate) fn of_arrays(is_lines: bool) -> Self {
        if is_lines { Self::ArraysOnLines } else { Self::Any }
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
    /// Whether the first object has been read already, to learn the columns.
    has_first: bool,
    columns: Vec<Column>,
    class_names: ClassNames,
    cut_off: BTreeMap<u64, Vec<String>>,
    /// How the caller's user says that a file is JSON of any shape.
    any_shape: &'static str,
}

impl Json {
    pub(crate) fn open(input: Input, shape: Shape, unit: Unit, options: &Options<'_>) -> Result<Self, Error> {
        Ok(Self {
            objects: Objects::open(input, shape, options)?,
            unit,
            form: options.form,
            has_first: false,
            columns: Vec::new(),
            class_names: ClassNames::new(),
            cut_off: BTreeMap::new(),
            any_shape: options.settings.json,
        })
    }

    /// The keys of the first object, those of objects in it included.
    pub(crate) fn columns(&mut self) -> Result<&[Column], Error> {
        if self.columns.is_empty() && !self.has_first {
            self.settle(None)?;
            if !self.objects.next()? {
                let file = self.objects.name().to_owned();
                return Err(Error::Empty { file });
            }
            self.has_first = self.unit != Unit::Array { has_header: true };
            let unit = self.unit;
            self.columns = text_of(&self.objects)
                .and_then(|text| columns_of(&python::mended_in(text, self.form), unit))
                .map_err(|problem| Error::Row {
                    place: Place::Line(self.objects.line()).within(self.objects.name()),
                    problem,
                })?;
        }
        Ok(&self.columns)
    }

    /// Finds out what a single object is that is all there is: by its own shape, or by the columns that are
    /// wanted.
    fn settle(&mut self, selection: Option<&Selection>) -> Result<(), Error> {
        let Some((text, line)) = self.objects.single() else {
            return Ok(());
        };
        let file = self.objects.name();
        let mut found = match selection {
            None => whole::objects(text, line, file, self.form)?,
            Some(selection) => wrapped::rows(text, line, file, selection.wanted())?,
        };
        if let Some(found) = &mut found {
            self.class_names = std::mem::take(&mut found.class_names);
            self.cut_off = std::mem::take(&mut found.cut_off);
        }
        self.objects.settle(found);
        Ok(())
    }

    /// Where the first object is.
    pub(crate) fn header_place(&self) -> String {
        Place::Line(self.objects.line()).within(self.objects.name())
    }

    /// Whether each row names its columns, which may be others than those of the first row.
    pub(crate) fn is_of_objects(&self) -> bool {
        self.unit == Unit::Object
    }

    /// Says that rows are arrays if they are. The first of them has the names of the columns if it has a name
    /// that is wanted.
    pub(crate) fn look_for_arrays(&mut self, selection: &Selection) -> Result<(), Error> {
        if self.unit != Unit::Object || !self.objects.is_of_arrays()? || !self.objects.next()? {
            return Ok(());
        }
        let names: Option<Vec<String>> = text_of(&self.objects)
            .ok()
            .and_then(|text| serde_json::from_str(text).ok());
        let is_wanted = |name: &String| selection.wanted().iter().any(|wanted| wanted.column == *name);
        if let Some(names) = names.filter(|names| names.iter().any(is_wanted)) {
            self.unit = Unit::Array { has_header: true };
            self.columns = names.into_iter().map(Column::untyped).collect();
        } else {
            self.unit = Unit::Array { has_header: false };
            self.has_first = true;
            self.columns = text_of(&self.objects)
                .and_then(|text| columns_of(&python::mended_in(text, self.form), self.unit))
                .unwrap_or_default();
        }
        Ok(())
    }

    /// The keys beside the table, where it is a part of an object.
    pub(crate) fn left_aside(&self) -> &[String] {
        self.objects.left_aside()
    }

    pub(crate) fn rows_by_name(mut self, selection: &Selection) -> Result<JsonRows, Error> {
        self.settle(Some(selection))?;
        let paths = selection.wanted().iter().map(|wanted| wanted.column.clone());
        let fields = Fields::Paths(paths.collect());
        Ok(self.rows(fields, Vec::new()))
    }

    pub(crate) fn rows_by_place(mut self, places: &[usize]) -> Result<JsonRows, Error> {
        let columns = self.columns()?;
        let field = |place: &usize| Field {
            key: columns[*place].name.clone(),
            within: columns[*place].within.clone(),
        };
        let fields = Fields::Keys(places.iter().map(field).collect());
        Ok(self.rows(fields, places.to_vec()))
    }

    fn rows(self, fields: Fields, places: Vec<usize>) -> JsonRows {
        JsonRows {
            unit: self.unit,
            places,
            has_next: self.has_first,
            form: self.form,
            objects: self.objects,
            mended: String::new(),
            fields,
            class_names: self.class_names,
            cut_off: self.cut_off,
            any_shape: self.any_shape,
            rows: 0,
            good: 0,
        }
    }
}

/// The fields that are kept of each object.
enum Fields {
    /// Keys of the object, or of an object in it.
    Keys(Vec<Field>),
    /// Ways through the object.
    Paths(Vec<String>),
}

/// The rows of a JSON table.
pub(crate) struct JsonRows {
    objects: Objects,
    /// Whether the next object has been read already.
    has_next: bool,
    unit: Unit,
    form: Form,
    /// The text of the row, where it has had to be mended.
    mended: String,
    /// The places of the columns, where rows are arrays.
    places: Vec<usize>,
    fields: Fields,
    class_names: ClassNames,
    /// By the number of the row from 0, the columns that are not whole in it.
    cut_off: BTreeMap<u64, Vec<String>>,
    any_shape: &'static str,
    rows: u64,
    /// Rows that are objects, or look like one.
    good: u64,
}

impl JsonRows {
    pub(crate) fn next_row(&mut self, selection: &mut Selection) -> Result<Option<Row<'_>>, Error> {
        if !std::mem::take(&mut self.has_next) && !self.objects.next()? {
            return self.end();
        }
        let place = Place::Line(self.objects.line());
        let number = self.rows;
        self.rows += 1;
        let reader = Reader {
            unit: self.unit,
            form: self.form,
            places: &self.places,
            fields: &self.fields,
        };
        let mut cells = text_of(&self.objects).and_then(|text| reader.cells(text, selection));
        if cells.is_err()
            && let Ok(text) = text_of(&self.objects)
            && let Cow::Owned(mended) = python::mended_in(text, self.form)
        {
            self.mended = mended;
            cells = reader.cells(&self.mended, selection);
        }
        let looks_good = self.unit == Unit::Object && self.objects.text().starts_with(b"{");
        self.good += u64::from(cells.is_ok() || looks_good);
        if let (Fields::Paths(paths), Some(names)) = (&self.fields, self.cut_off.get(&number))
            && let Some(column) = names.iter().find(|name| paths.contains(name))
        {
            cells = Err(RowProblem::CutOff {
                column: column.clone(),
            });
        }
        Ok(Some(Row { place, cells }))
    }

    /// The names that the file has for the numbers of some columns.
    pub(crate) fn class_names(&self) -> &ClassNames {
        &self.class_names
    }

    /// The keys beside the table, where it is a part of an object.
    pub(crate) fn left_aside(&self) -> &[String] {
        self.objects.left_aside()
    }

    fn end(&self) -> Result<Option<Row<'_>>, Error> {
        let file = self.objects.name().to_owned();
        match (self.rows, self.good) {
            (0, _) => Err(Error::Empty { file }),
            (_, 0) if self.unit == Unit::Object => Err(Error::NoObjects {
                file,
                json: self.any_shape,
            }),
            _ => Ok(None),
        }
    }
}

/// How the text of a row becomes cells.
struct Reader<'r> {
    unit: Unit,
    form: Form,
    places: &'r [usize],
    fields: &'r Fields,
}

impl Reader<'_> {
    fn cells<'t>(&self, text: &'t str, selection: &mut Selection) -> Result<Vec<Cell<'t>>, RowProblem> {
        match (self.unit, self.fields) {
            (Unit::Object, Fields::Keys(fields)) => fields::cells(text, fields, self.form),
            (Unit::Object, Fields::Paths(paths)) => path::cells(text, paths, self.form, selection),
            (Unit::Array { .. }, _) => elements(text, self.places, self.form),
            (Unit::Value, _) => value(text).map(|value| vec![cell(value, self.form); self.places.len()]),
        }
    }
}

fn text_of(objects: &Objects) -> Result<&str, RowProblem> {
    let bytes = objects.text();
    std::str::from_utf8(bytes).map_err(|error| RowProblem::not_utf8("the line", bytes, error))
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
        Some(b't' | b'f') => Cell::Boolean(json.starts_with('t')),
        Some(b'[') if is_typed => list::cell(json),
        Some(b'{') if is_typed => Cell::Nested(json),
        Some(b'[') => match serde_json::from_str::<Vec<&RawValue>>(json) {
            Ok(items) => Cell::List(items.into_iter().map(item).collect()),
            Err(_) => Cell::Other("an array"),
        },
        Some(b'{') => Cell::Other("an object"),
        _ if is_typed && !is_integer(json) => match serde_json::from_str(json) {
            Ok(value) => Cell::Number(value),
            Err(_) => Cell::Other("a number that is too large"),
        },
        _ => Cell::Text(Cow::Borrowed(json)),
    }
}

/// The item of a list. Lists in lists are nothing that a column of texts or labels has.
fn item(raw: &RawValue) -> Cell<'_> {
    if raw.get().starts_with('[') {
        return Cell::Other("an array");
    }
    cell(raw, Form::Text)
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
