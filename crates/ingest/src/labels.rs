//! The set of labels: which are there, how many rows each has, and which two are almost certainly one.
//!
//! Numbering the classes is the label map's affair.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use unicode_normalization::UnicodeNormalization;

use crate::error::Error;

/// More labels than this are no classification but a wrong column, and would fill the memory.
const MOST_LABELS: usize = 65_536;

/// How many rows have each label.
#[derive(Debug, Default)]
pub(crate) struct LabelCounts {
    counts: BTreeMap<String, u64>,
}

impl LabelCounts {
    /// Counts a row of a label.
    pub(crate) fn add(&mut self, label: &str) -> Result<(), Error> {
        if let Some(count) = self.counts.get_mut(label) {
            *count += 1;
            return Ok(());
        }
        if self.counts.len() == MOST_LABELS {
            return Err(Error::TooManyLabels { limit: MOST_LABELS });
        }
        self.counts.insert(label.to_owned(), 1);
        Ok(())
    }

    /// Labels in byte order, with their rows.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, u64)> {
        self.counts.iter().map(|(label, count)| (label, *count))
    }

    /// Whether a row has this label.
    pub(crate) fn contains(&self, label: &str) -> bool {
        self.counts.contains_key(label)
    }

    /// The number of labels.
    pub(crate) fn len(&self) -> usize {
        self.counts.len()
    }

    /// The number of rows of all labels.
    pub(crate) fn rows(&self) -> u64 {
        self.counts.values().sum()
    }
}

/// Two labels that are almost certainly one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alike {
    /// The label with more rows.
    pub one: String,
    /// The number of its rows.
    pub one_rows: u64,
    /// The label with fewer rows.
    pub other: String,
    /// The number of rows of the other label.
    pub other_rows: u64,
    /// What the two labels differ in.
    pub difference: &'static str,
}

impl Alike {
    /// The first label as a message shows it.
    pub(crate) fn one_quoted(&self) -> String {
        self.quoted(&self.one)
    }

    /// The second label as a message shows it.
    pub(crate) fn other_quoted(&self) -> String {
        self.quoted(&self.other)
    }

    /// An entry of `ingest.labels.rename` that makes them one, in YAML: the rarer becomes the more frequent.
    pub(crate) fn renaming(&self) -> (String, String) {
        (self.quoted(&self.other), self.quoted(&self.one))
    }

    /// JSON strings are YAML strings, whatever a label holds. Where letters look the same, only their numbers
    /// tell them apart.
    fn quoted(&self, label: &str) -> String {
        let json = serde_json::Value::from(label).to_string();
        if self.difference == CASE {
            return json;
        }
        let mut text = String::new();
        for character in json.chars() {
            if character.is_ascii() {
                text.push(character);
            } else {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    let _ = write!(text, "\\u{unit:04x}");
                }
            }
        }
        text
    }
}

const CASE: &str = "case";

/// A label without what nobody means by it.
fn folded(label: &str) -> String {
    let lower: String = label.nfkc().flat_map(char::to_lowercase).collect();
    // Once more, because lower case can be a composed and a decomposed letter again.
    without_white_space(&lower).nfkc().collect()
}

fn without_white_space(label: &str) -> String {
    label
        .chars()
        .filter(|character| !character.is_whitespace())
        .collect()
}

/// What two labels of the same folded form differ in.
fn difference(one: &str, other: &str) -> &'static str {
    if without_white_space(one) == without_white_space(other) {
        "white space"
    } else if one.nfkc().eq(other.nfkc()) {
        "Unicode form"
    } else if one.to_lowercase() == other.to_lowercase() {
        CASE
    } else {
        "case, white space and Unicode form"
    }
}

/// Every two labels that differ in nothing that matters, at least one of which is `chosen`.
pub(crate) fn alike(chosen: &LabelCounts, not_chosen: &LabelCounts) -> Vec<Alike> {
    let mut by_form: BTreeMap<String, Vec<(&String, u64, bool)>> = BTreeMap::new();
    let all = chosen
        .iter()
        .map(|(label, rows)| (label, rows, true))
        .chain(not_chosen.iter().map(|(label, rows)| (label, rows, false)));
    for entry in all {
        by_form.entry(folded(entry.0)).or_default().push(entry);
    }
    let mut found = Vec::new();
    for mut group in by_form.into_values() {
        if !group.iter().any(|(.., is_chosen)| *is_chosen) {
            continue;
        }
        // Chosen first, because that is the name the user wrote down; then by rows; equal ones by name.
        group.sort_by(|one, other| (other.2, other.1, one.0).cmp(&(one.2, one.1, other.0)));
        let Some(((one, one_rows, _), others)) = group.split_first() else {
            continue;
        };
        found.extend(others.iter().map(|(other, other_rows, _)| Alike {
            one: (*one).clone(),
            one_rows: *one_rows,
            other: (*other).clone(),
            other_rows: *other_rows,
            difference: difference(one, other),
        }));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(labels: &[(&str, u64)]) -> LabelCounts {
        LabelCounts {
            counts: labels
                .iter()
                .map(|(label, rows)| ((*label).to_owned(), *rows))
                .collect(),
        }
    }

    #[track_caller]
    fn check(one: &str, other: &str, expected: Option<(&str, &str, &str)>) {
        let found = alike(&counts(&[(one, 5), (other, 2)]), &LabelCounts::default());
        let found = found.first().map(|pair| {
            let (from, to) = pair.renaming();
            (from, to, pair.difference)
        });
        let expected = expected.map(|(from, to, difference)| (from.to_owned(), to.to_owned(), difference));
        assert_eq!(found, expected, "{one:?} and {other:?}");
    }

    #[test]
    fn labels_that_differ_in_nothing_that_matters_are_found() {
        check("sport", "Sport", Some(("\"Sport\"", "\"sport\"", "case")));
        check(
            "sport",
            "sport ",
            Some(("\"sport \"", "\"sport\"", "white space")),
        );
        check(
            "sci tech",
            "sci  tech",
            Some(("\"sci  tech\"", "\"sci tech\"", "white space")),
        );
        check(
            "a b",
            "a\u{a0}b",
            Some(("\"a\\u00a0b\"", "\"a b\"", "white space")),
        );
        check(
            "é",
            "e\u{301}",
            Some(("\"e\\u0301\"", "\"\\u00e9\"", "Unicode form")),
        );
        check("ﬁn", "fin", Some(("\"fin\"", "\"\\ufb01n\"", "Unicode form")));
        check(
            "Ét",
            "é t",
            Some((
                "\"\\u00e9 t\"",
                "\"\\u00c9t\"",
                "case, white space and Unicode form",
            )),
        );
        check("sport", "sports", None);
        check("C", "C++", None);
    }

    #[test]
    fn a_label_that_is_not_chosen_counts_against_a_chosen_one_only() {
        let chosen = counts(&[("sport", 1), ("tech", 1)]);
        let found = alike(&chosen, &counts(&[("Sport", 9), ("x", 1), ("X", 1)]));
        assert_eq!(found.len(), 1);
        assert_eq!(
            found[0].renaming(),
            ("\"Sport\"".to_owned(), "\"sport\"".to_owned())
        );
    }

    #[test]
    fn a_column_of_texts_is_no_label_column() {
        let mut counts = LabelCounts::default();
        for number in 0..MOST_LABELS {
            counts.add(&format!("text {number}")).unwrap();
        }
        counts.add("text 0").unwrap();
        assert_eq!(
            counts.add("one more").unwrap_err().to_string(),
            "there are more than 65536 different labels"
        );
    }
}
