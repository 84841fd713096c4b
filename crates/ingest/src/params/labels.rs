//! `ingest.labels`: which labels to take, what to call them, and which are none.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// Which labels to take, what to call them, and which are none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Labels {
    /// Take only these labels, as they are called after `rename`. All, if left out.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "label_names"
    )]
    #[schemars(schema_with = "label_names_schema")]
    pub keep: Option<Vec<String>>,
    /// From a label in the source to what to call it. Every label is renamed once at most.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rename: BTreeMap<String, String>,
    /// What stands for no label (`["-1", unknown]`), whatever its case and the spaces around it: such rows are
    /// left out and counted. With an empty list, everything but an empty cell is a label. Left out, rows whose
    /// label looks like none (`NaN`, `null`, `-1` beside 0, 1 and 2) are rejected.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "label_names"
    )]
    #[schemars(schema_with = "label_names_schema")]
    pub missing: Option<Vec<String>>,
}

impl Labels {
    /// What a label of the source is called.
    pub(crate) fn renamed<'a>(&'a self, label: &'a str) -> &'a str {
        self.rename.get(label).map_or(label, String::as_str)
    }

    /// Whether the settings call a class so.
    pub(crate) fn names_class(&self, label: &str) -> bool {
        self.keep.iter().flatten().any(|name| name == label) || self.rename.values().any(|name| name == label)
    }

    /// Every problem that shows without opening a file.
    pub(super) fn check(&self, problems: &mut Vec<String>) {
        for (from, to) in &self.rename {
            if to.trim().is_empty() {
                problems.push(format!("ingest.labels.rename: `{from}` is renamed to nothing"));
            }
        }
        for label in self.missing.iter().flatten() {
            if self.names_class(label) {
                problems.push(format!(
                    "ingest.labels.missing: `{label}` cannot stand for no label and be a class that \
                     `ingest.labels.keep` or `rename` names"
                ));
            }
        }
        let Some(keep) = &self.keep else { return };
        if keep.len() < 2 {
            problems.push(
                "ingest.labels.keep: name at least two labels, one leaves nothing to tell apart".to_owned(),
            );
        }
        let mut seen = BTreeSet::new();
        for label in keep {
            if !seen.insert(label) {
                problems.push(format!("ingest.labels.keep: `{label}` is named twice"));
            }
            let is_target = self.rename.values().any(|to| to == label);
            if let Some(to) = self.rename.get(label).filter(|_| !is_target) {
                problems.push(format!(
                    "ingest.labels.keep: `{label}` is renamed to `{to}`, name `{to}` instead"
                ));
            }
        }
    }
}

/// Reads a list of labels, in which `-1`, `0` and `true` need no quotation marks. `null` needs them: without
/// any it is YAML's word for nothing.
fn label_names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    deserializer.deserialize_any(List)
}

struct List;

impl<'de> Visitor<'de> for List {
    type Value = Option<Vec<String>>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of labels")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
        let mut names = Vec::new();
        while let Some(Name(name)) = sequence.next_element()? {
            names.push(name);
        }
        Ok(Some(names))
    }
}

struct Name(String);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Scalar;

        impl Visitor<'_> for Scalar {
            type Value = Name;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a label")
            }

            fn visit_str<E>(self, name: &str) -> Result<Name, E> {
                Ok(Name(name.to_owned()))
            }

            fn visit_bool<E>(self, value: bool) -> Result<Name, E> {
                Ok(Name(value.to_string()))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Name, E> {
                Ok(Name(value.to_string()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Name, E> {
                Ok(Name(value.to_string()))
            }

            // `1.0` stays what it is.
            fn visit_f64<E>(self, value: f64) -> Result<Name, E> {
                Ok(Name(format!("{value:?}")))
            }

            fn visit_unit<E: serde::de::Error>(self) -> Result<Name, E> {
                Err(E::custom("put the label `null` into quotation marks: \"null\""))
            }
        }

        deserializer.deserialize_any(Scalar).map_err(D::Error::custom)
    }
}

fn label_names_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": ["array", "null"],
        "items": { "type": ["string", "number", "boolean"] }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_truth_values_are_labels_without_quotation_marks() {
        let labels: Labels =
            serde_yaml::from_str("{keep: [0, 1.0, true, a], missing: [-1, 'null', ~unknown]}").unwrap();
        assert_eq!(labels.keep.unwrap(), ["0", "1.0", "true", "a"]);
        assert_eq!(labels.missing.unwrap(), ["-1", "null", "~unknown"]);
        let nothing: Labels = serde_yaml::from_str("{missing: []}").unwrap();
        assert_eq!(nothing.missing, Some(Vec::new()));
        let error = serde_yaml::from_str::<Labels>("{missing: [null]}").unwrap_err();
        assert!(
            error
                .to_string()
                .contains("put the label `null` into quotation marks: \"null\""),
            "{error}"
        );
    }

    #[test]
    fn a_class_cannot_stand_for_no_label() {
        let labels: Labels =
            serde_yaml::from_str("{keep: [a, b], rename: {c: d}, missing: [a, d, e]}").unwrap();
        let mut problems = Vec::new();
        labels.check(&mut problems);
        let problem = |label: &str| {
            format!(
                "ingest.labels.missing: `{label}` cannot stand for no label and be a class that \
                 `ingest.labels.keep` or `rename` names"
            )
        };
        assert_eq!(problems, [problem("a"), problem("d")]);
    }
}
