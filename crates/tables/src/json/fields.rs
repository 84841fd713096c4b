//! Fields of a row that are called by their keys, in the row's object or in an object within it.

use std::fmt;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{cell, read_object};
use crate::dialect::Form;
use crate::row::{Cell, RowProblem};

/// A field that is kept of each object.
pub(super) struct Field {
    pub(super) key: String,
    /// The key of the object within the row's object.
    pub(super) within: Option<String>,
}

/// The cells of the chosen fields.
pub(super) fn cells<'t>(text: &'t str, fields: &[Field], form: Form) -> Result<Vec<Cell<'t>>, RowProblem> {
    let mut values = vec![None; fields.len()];
    let picked = Picked {
        fields,
        within: None,
        values: &mut values,
    };
    read_object(text, picked)?;
    let cell = |raw: Option<&'t RawValue>| raw.map_or(Cell::Absent, |raw| cell(raw, form));
    Ok(values.into_iter().map(cell).collect())
}

/// Picks the chosen fields of an object, and of the objects in it.
struct Picked<'r, 't> {
    fields: &'r [Field],
    /// The key of this object, if it is in another one.
    within: Option<&'r str>,
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
                values: self.values,
            };
            // What the parser has passed over once can only hide half a surrogate pair in a key: no field has
            // such a key.
            let _ = read_object(value.get(), inner);
        }
    }
}
