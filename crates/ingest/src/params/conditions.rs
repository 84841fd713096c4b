//! `ingest.where`: which rows to take, by what other columns hold.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// From the name of a column to the values of which a row must have one.
pub type Where = BTreeMap<String, Values>;

/// The values of which one is asked for. None stands for a cell without a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Values(Vec<Option<String>>);

impl Values {
    /// A single value.
    pub(crate) fn one(value: &str) -> Self {
        Self(vec![Some(value.to_owned())])
    }

    /// Whether a cell with this text is one of the values. Numbers are equal however they are written, and
    /// so are truth values.
    pub(crate) fn hold(&self, cell: Option<&str>) -> bool {
        self.0.iter().any(|value| match (value, cell) {
            (Some(value), Some(cell)) => are_equal(value, cell),
            (None, cell) => cell.is_none_or(|cell| cell.trim().is_empty()),
            (Some(_), None) => false,
        })
    }

    /// Every problem that shows without opening a file.
    pub(super) fn check(conditions: &Where, problems: &mut Vec<String>) {
        for (column, values) in conditions {
            if column.is_empty() {
                problems.push("ingest.where: the name of a column is empty".to_owned());
            }
            if values.0.is_empty() {
                problems.push(format!(
                    "ingest.where: `{column}` has no value, so that no row is taken"
                ));
            }
        }
    }
}

fn are_equal(value: &str, cell: &str) -> bool {
    let is_truth = |text: &str| {
        ["true", "false"]
            .iter()
            .any(|word| word.eq_ignore_ascii_case(text))
    };
    let are_one_number = || {
        let number = |text: &str| text.trim().parse::<f64>().ok();
        number(value)
            .zip(number(cell))
            .is_some_and(|(one, other)| one.total_cmp(&other).is_eq())
    };
    value == cell || is_truth(value) && value.eq_ignore_ascii_case(cell) || are_one_number()
}

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValuesVisitor)
    }
}

struct ValuesVisitor;

impl ValuesVisitor {
    fn one(text: impl Into<String>) -> Values {
        Values(vec![Some(text.into())])
    }
}

impl<'de> Visitor<'de> for ValuesVisitor {
    type Value = Values;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string, a number, true, false, null, or a list of them")
    }

    fn visit_str<E>(self, value: &str) -> Result<Values, E> {
        Ok(Self::one(value))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Values, E> {
        Ok(Self::one(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Values, E> {
        Ok(Self::one(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Values, E> {
        Ok(Self::one(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Values, E> {
        Ok(Self::one(value.to_string()))
    }

    fn visit_unit<E>(self) -> Result<Values, E> {
        Ok(Values(vec![None]))
    }

    fn visit_none<E>(self) -> Result<Values, E> {
        Ok(Values(vec![None]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Values, A::Error> {
        let mut values = Vec::new();
        while let Some(Values(inner)) = items.next_element()? {
            values.extend(inner);
        }
        Ok(Values(values))
    }
}

impl JsonSchema for Values {
    fn schema_name() -> Cow<'static, str> {
        "Values".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let scalar = ["string", "number", "boolean", "null"];
        json_schema!({
            "description": "A value, or a list of values of which a row must have one.",
            "anyOf": [
                { "type": scalar },
                { "type": "array", "items": { "type": scalar }, "minItems": 1 }
            ]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(yaml: &str, cell: Option<&str>, expected: bool) {
        let values: Values = serde_yaml::from_str(yaml).unwrap();
        assert_eq!(values.hold(cell), expected, "{yaml} and {cell:?}");
        // What a lock keeps of it means the same.
        let written = serde_json::to_string(&values).unwrap();
        assert_eq!(serde_json::from_str::<Values>(&written).unwrap(), values);
    }

    #[test]
    fn values_are_compared_as_people_write_them() {
        check("accept", Some("accept"), true);
        check("accept", Some("Accept"), false);
        check("accept", None, false);
        check("[accept, maybe]", Some("maybe"), true);
        check("true", Some("True"), true);
        check("true", Some("1"), false);
        check("1", Some("1.0"), true);
        check("[1, 2.5]", Some("2.50"), true);
        check("null", None, true);
        check("[null, a]", Some(" "), true);
        check("null", Some("x"), false);
    }

    #[test]
    fn anything_else_is_refused_in_words() {
        let error = serde_yaml::from_str::<Values>("{a: 1}").unwrap_err().to_string();
        assert!(
            error.contains("expected a string, a number, true, false, null, or a list of them"),
            "{error}"
        );
    }
}
