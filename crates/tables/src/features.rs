//! The names that the Hub's `datasets` keeps for the numbers of a column, its `ClassLabel`.
//!
//! They are written in several ways: as the library itself describes features, as the head of a data set's
//! card does, and as the server of rows answers.

use std::collections::BTreeMap;

use serde_json::Value;

/// For each column whose numbers have names: the names, of which the first is that of 0.
pub type ClassNames = BTreeMap<String, Vec<String>>;

/// More names than this are no classes.
const MOST_NAMES: usize = 65_536;
/// Features in features beyond this depth are not looked at.
const MOST_NESTED: usize = 8;

/// Reads the names from the description of features as JSON, or from an object that has one under `features`,
/// itself or in `info`. What is none of these has no names.
pub fn class_names(json: &str) -> ClassNames {
    let mut names = ClassNames::new();
    if let Ok(value) = serde_json::from_str::<Value>(json) {
        let described = [&value["features"], &value["info"]["features"]];
        let features = described
            .into_iter()
            .find(|value| !value.is_null())
            .unwrap_or(&value);
        add_all(features, "", 0, &mut names);
    }
    names
}

/// Adds the names of each of some features: an object of them, or a list of objects that say their names.
fn add_all(features: &Value, within: &str, depth: usize, names: &mut ClassNames) {
    let path = |key: &str| {
        if within.is_empty() {
            key.to_owned()
        } else {
            format!("{within}.{key}")
        }
    };
    match features {
        Value::Object(features) => {
            for (key, feature) in features {
                add(feature, &path(key), depth, names);
            }
        }
        Value::Array(features) => {
            for feature in features {
                if let Some(key) = feature["name"].as_str() {
                    add(feature, &path(key), depth, names);
                }
            }
        }
        _ => {}
    }
}

/// Where a type stands under a name of its own, or the type of a list's items.
const INNER: [&str; 7] = [
    "type",
    "dtype",
    "feature",
    "sequence",
    "list",
    "struct",
    "class_label",
];

fn add(feature: &Value, path: &str, depth: usize, names: &mut ClassNames) {
    if depth > MOST_NESTED {
        return;
    }
    if let Some(found) = listed(&feature["names"]).or_else(|| listed(&feature["class_label"]["names"])) {
        names.insert(path.to_owned(), found);
        return;
    }
    for inner in INNER.into_iter().map(|key| &feature[key]) {
        if listed(&inner["names"]).is_some() || inner["_type"].is_string() || inner.is_object() {
            add(inner, path, depth + 1, names);
        }
        if inner.is_array() {
            add_all(inner, path, depth + 1, names);
        }
    }
    match feature {
        // A list of one feature is a list of such.
        Value::Array(items) if items.len() == 1 => add(&items[0], path, depth + 1, names),
        Value::Object(fields) if !feature["_type"].is_string() => {
            let fields = fields
                .iter()
                .filter(|(key, field)| field.is_object() && !INNER.contains(&key.as_str()));
            for (key, field) in fields {
                add(field, &format!("{path}.{key}"), depth + 1, names);
            }
        }
        _ => {}
    }
}

/// Names in a list, or under their numbers.
fn listed(names: &Value) -> Option<Vec<String>> {
    let text = |name: &Value| match name {
        Value::String(name) => Some(name.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let found: Option<Vec<String>> = match names {
        Value::Array(names) => names.iter().map(text).collect(),
        Value::Object(names) if names.len() <= MOST_NAMES => {
            let name = |number: usize| names.get(&number.to_string()).and_then(text);
            (0..names.len()).map(name).collect()
        }
        _ => None,
    };
    found.filter(|names| !names.is_empty() && names.len() <= MOST_NAMES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(json: &str, expected: &[(&str, &[&str])]) {
        let expected: ClassNames = expected
            .iter()
            .map(|(key, names)| {
                (
                    (*key).to_owned(),
                    names.iter().map(|name| (*name).to_owned()).collect(),
                )
            })
            .collect();
        assert_eq!(class_names(json), expected, "{json}");
    }

    #[test]
    fn names_are_found_however_features_are_described() {
        let expected: &[(&str, &[&str])] = &[("label", &["neg", "pos"])];
        // `Features.to_dict`, which Parquet and `dataset_info.json` have.
        let features = r#"{"text": {"dtype": "string", "_type": "Value"},
            "label": {"names": ["neg", "pos"], "_type": "ClassLabel"}}"#;
        check(features, expected);
        check(&format!(r#"{{"info": {{"features": {features}}}}}"#), expected);
        check(
            &format!(r#"{{"features": {features}, "splits": {{}}}}"#),
            expected,
        );
        // The head of a card.
        check(
            r#"[{"name": "text", "dtype": "string"},
                {"name": "label", "dtype": {"class_label": {"names": {"0": "neg", "1": "pos"}}}}]"#,
            expected,
        );
        // The server of rows.
        check(
            r#"[{"feature_idx": 1, "name": "label",
                "type": {"names": ["neg", "pos"], "_type": "ClassLabel"}}]"#,
            expected,
        );
    }

    #[test]
    fn names_of_lists_and_of_parts_of_objects_have_their_way() {
        let label = r#"{"names": ["neg", "pos"], "_type": "ClassLabel"}"#;
        let expected: &[(&str, &[&str])] = &[("a", &["neg", "pos"])];
        check(
            &format!(r#"{{"a": {{"feature": {label}, "length": -1, "_type": "Sequence"}}}}"#),
            expected,
        );
        check(
            &format!(r#"{{"a": {{"feature": {label}, "_type": "List"}}}}"#),
            expected,
        );
        check(&format!(r#"{{"a": [{label}]}}"#), expected);
        check(
            r#"[{"name": "a", "sequence": {"class_label": {"names": {"0": "neg", "1": "pos"}}}}]"#,
            expected,
        );
        check(
            &format!(r#"{{"a": {{"b": {label}}}}}"#),
            &[("a.b", &["neg", "pos"])],
        );
        check("{}", &[]);
        check("[", &[]);
        check(r#"{"label": {"names": {"1": "a"}}}"#, &[]);
    }
}
