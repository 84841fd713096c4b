//! `ingest.dialect`: how a delimited table is written, as far as it is said and not told from the file.

use std::collections::BTreeSet;
use std::fmt;

use labelproof_tables::{Declared, Escape, Quote, Width};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::Columns;

/// How a table of the format `csv` or `tsv` is written. What is left out is told from the file, and said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dialect {
    /// The character between two fields, such as `";"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub separator: Option<char>,
    /// What fields are quoted with: `'"'`, `"'"`, or `none` where quotation marks are characters of the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<Quote>,
    /// Where a backslash is no character of the text: `none`; `'\'` for everywhere, as MySQL writes; `'\"'`
    /// for before quotation marks and backslashes within quoted fields, as Spark writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escape: Option<Escape>,
    /// The character that lines begin with which are no rows, such as `"#"`. There are none, if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<char>,
    /// The lines before the header, or before the first row, that say something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip_lines: Option<usize>,
    /// Whether the first line names the columns (`true`). If it does not, either the names of all columns in
    /// their order, or `false`: then `ingest.columns` names them by their numbers from 1.
    #[serde(default, skip_serializing_if = "Header::is_line")]
    pub header: Header,
}

/// Where the names of the columns come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Header {
    /// The first line.
    #[default]
    Line,
    /// Nowhere: columns have numbers.
    Absent,
    /// Here.
    Names(Vec<String>),
}

impl Header {
    fn is_line(&self) -> bool {
        *self == Self::Line
    }
}

impl Serialize for Header {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Line => serializer.serialize_bool(true),
            Self::Absent => serializer.serialize_bool(false),
            Self::Names(names) => names.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Header;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("`true`, `false` or a list of the names of all columns")
            }

            fn visit_bool<E>(self, is_line: bool) -> Result<Self::Value, E> {
                Ok(if is_line { Header::Line } else { Header::Absent })
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
                let mut names = Vec::new();
                while let Some(name) = sequence.next_element()? {
                    names.push(name);
                }
                Ok(Header::Names(names))
            }
        }

        deserializer.deserialize_any(Either)
    }
}

impl JsonSchema for Header {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Header".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Where the names of the columns come from.",
            "anyOf": [
                { "type": "boolean" },
                { "type": "array", "items": { "type": "string" }, "minItems": 1 }
            ]
        })
    }
}

impl Dialect {
    /// What the readers are told.
    pub(crate) fn declared(&self, columns: &[&str]) -> Declared {
        let byte = |character: Option<char>| character.and_then(|character| u8::try_from(character).ok());
        Declared {
            separator: byte(self.separator),
            quote: self.quote,
            escape: self.escape,
            comment: byte(self.comment),
            skip_lines: self.skip_lines,
            no_header: match &self.header {
                Header::Line => None,
                Header::Absent => Some(Width::AtLeast(
                    columns
                        .iter()
                        .filter_map(|column| number(column))
                        .max()
                        .unwrap_or(1),
                )),
                Header::Names(names) => Some(Width::Exactly(names.len())),
            },
        }
    }

    /// What the columns of a table without a header are called that has so many.
    pub(crate) fn names(&self, count: usize) -> Option<Vec<String>> {
        match &self.header {
            Header::Line => None,
            Header::Absent => Some((1..=count).map(|number| number.to_string()).collect()),
            Header::Names(names) => Some(names.clone()),
        }
    }

    pub(super) fn check(&self, columns: Option<&Columns>, problems: &mut Vec<String>) {
        for (key, character) in [("separator", self.separator), ("comment", self.comment)] {
            let is_mark = |character: char| {
                !character.is_ascii() || character.is_ascii_alphanumeric() || "\"'\\\r\n".contains(character)
            };
            if let Some(character) = character.filter(|character| is_mark(*character)) {
                problems.push(format!(
                    "ingest.dialect.{key}: `{}` cannot be one, choose another ASCII character",
                    character.escape_default()
                ));
            }
        }
        if self.quote == Some(Quote::None) && self.escape == Some(Escape::Quoted) {
            problems.push(
                "ingest.dialect.escape: nothing is quoted where `ingest.dialect.quote` is `none`".to_owned(),
            );
        }
        let named = columns.map(Columns::named).unwrap_or_default();
        match &self.header {
            Header::Line => {}
            Header::Absent => {
                for (key, name) in named {
                    if number(name).is_none() {
                        problems.push(format!(
                            "ingest.columns.{key}: `{name}` is no number of a column, and \
                             `ingest.dialect.header` says that they have no names"
                        ));
                    }
                }
            }
            Header::Names(names) => check_names(names, &named, problems),
        }
    }
}

fn check_names(names: &[String], named: &[(&'static str, &str)], problems: &mut Vec<String>) {
    if names.is_empty() {
        problems.push("ingest.dialect.header: name all columns, in their order".to_owned());
    }
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name.as_str()) {
            problems.push(format!("ingest.dialect.header: `{name}` is named twice"));
        }
    }
    for (key, name) in named {
        if !seen.contains(name) {
            problems.push(format!(
                "ingest.columns.{key}: `{name}` is not one of the columns that `ingest.dialect.header` names"
            ));
        }
    }
}

/// A column's number, from 1.
pub(crate) fn number(name: &str) -> Option<usize> {
    name.parse().ok().filter(|number| *number > 0)
}

#[cfg(test)]
mod tests;
