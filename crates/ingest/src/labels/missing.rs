//! Which labels stand for no label.
//!
//! `ingest.labels.missing` says so, and without it the names do: those of `labelproof_text::labels`, together
//! with all labels that are beside them, because `-1` is one thing beside 0, 1 and 2 and another in a scale
//! from -1 to 1. What becomes of the rows is decided elsewhere.

use std::collections::BTreeSet;

use labelproof_text::labels::{NoLabel, is_counterpart, normalized_label, stands_for_none};
use serde::{Deserialize, Serialize};

use super::LabelCounts;
use crate::params::Labels;

/// The labels that stand for none, and those that might.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Missing {
    /// The labels that stand for none, as the rows have them.
    pub(crate) labels: BTreeSet<String>,
    /// Whether the settings say so. Otherwise it is a guess, which the user should know of.
    pub(crate) is_declared: bool,
    /// Labels that are taken as classes and may stand for none.
    pub(crate) doubtful: Vec<String>,
    /// What the settings name and no row has.
    pub(crate) unused: Vec<String>,
}

/// Decides for all labels of a run. A label that `ingest.labels.keep` or `rename` names is a class.
pub(crate) fn decide(settings: &Labels, counts: &LabelCounts) -> Missing {
    if let Some(declared) = &settings.missing {
        return by_declaration(declared, counts);
    }
    let mut missing = Missing::default();
    let labels = Set::of(counts);
    for label in counts.names().filter(|label| !settings.names_class(label)) {
        match labels.judge(label) {
            Judgement::None => {
                missing.labels.insert(label.clone());
            }
            Judgement::Doubtful => missing.doubtful.push(label.clone()),
            Judgement::Class => {}
        }
    }
    missing
}

fn by_declaration(declared: &[String], counts: &LabelCounts) -> Missing {
    let keys: BTreeSet<String> = declared.iter().map(|label| normalized_label(label)).collect();
    let labels: BTreeSet<String> = counts
        .names()
        .filter(|label| keys.contains(&normalized_label(label)))
        .cloned()
        .collect();
    let found: BTreeSet<String> = labels.iter().map(|label| normalized_label(label)).collect();
    let is_unused = |label: &&String| !label.trim().is_empty() && !found.contains(&normalized_label(label));
    Missing {
        unused: declared.iter().filter(is_unused).cloned().collect(),
        labels,
        is_declared: true,
        doubtful: Vec::new(),
    }
}

/// What a label is taken as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Judgement {
    None,
    Doubtful,
    Class,
}

/// All labels of a run.
struct Set<'a> {
    counts: &'a LabelCounts,
    /// The labels that are words for nothing in no data set, in normal form.
    classes: BTreeSet<String>,
    /// The same as they are written.
    written: Vec<&'a str>,
    /// Whether every label that may be a class is a whole number, with or without the prefix of one.
    numbers: Option<Vec<i64>>,
}

impl<'a> Set<'a> {
    fn of(counts: &'a LabelCounts) -> Self {
        let is_class = |label: &&String| stands_for_none(label).is_none_or(|how| how != NoLabel::Always);
        let written: Vec<&str> = counts.names().filter(is_class).map(String::as_str).collect();
        let classes: BTreeSet<String> = written.iter().map(|label| normalized_label(label)).collect();
        let numbers = classes.iter().map(|label| number(label)).collect();
        Self {
            counts,
            classes,
            written,
            numbers,
        }
    }

    fn judge(&self, label: &str) -> Judgement {
        let Some(sureness) = stands_for_none(label) else {
            return Judgement::Class;
        };
        let key = normalized_label(label);
        let all = self.counts.names().map(|label| normalized_label(label));
        let beside: BTreeSet<String> = all.filter(|other| *other != key).collect();
        if is_counterpart(&key, beside.iter().map(String::as_str)) {
            return Judgement::Class;
        }
        let others = self.classes.iter().filter(|other| **other != key).count();
        match sureness {
            NoLabel::Always => Judgement::None,
            NoLabel::Number => self.judge_number(label, &key, others),
            // One of two: there would be nothing to tell apart without it.
            _ if others < 2 => self.doubt(&key),
            _ if self.is_written_by_a_program(label) => Judgement::None,
            _ => self.doubt(&key),
        }
    }

    /// Whether `-1` and its like are one of a scale: of a column of numbers that has other numbers below
    /// zero, or is as long to the other side.
    fn judge_number(&self, label: &str, key: &str, others: usize) -> Judgement {
        if self.counts.only_in(label).is_some() {
            return Judgement::None;
        }
        let (Some(value), Some(numbers)) = (number(key), &self.numbers) else {
            return if others < 2 {
                Judgement::Doubtful
            } else {
                Judgement::None
            };
        };
        let others: Vec<i64> = numbers.iter().copied().filter(|other| *other != value).collect();
        if others.iter().any(|other| *other < 0) {
            return Judgement::Class;
        }
        if others.len() < 2 {
            return Judgement::Doubtful;
        }
        if others.iter().max() == Some(&-value) {
            // Sentiment is -1, 0 and 1, and so is a question of two classes whose test labels are kept back.
            return Judgement::Doubtful;
        }
        Judgement::None
    }

    /// `None` is Python's word for nothing and `NA` is R's, unless other labels are written like it.
    fn is_written_by_a_program(&self, label: &str) -> bool {
        let others = || {
            self.written
                .iter()
                .filter(|other| **other != label && stands_for_none(other).is_none())
        };
        match label {
            "None" => !others().any(|other| other.starts_with(char::is_uppercase)),
            "NA" => !others().any(|other| {
                let is_code = |character: char| character.is_uppercase() || !character.is_alphabetic();
                other.contains(char::is_alphabetic) && other.chars().all(is_code)
            }),
            _ => false,
        }
    }

    /// Names that are worth a remark. A letter, a word of two meanings, and a number among its like are not.
    fn doubt(&self, key: &str) -> Judgement {
        let is_remarkable = match key {
            "x" | "xxx" | "test" | "label" | "-2" => false,
            "999" | "9999" => self
                .numbers
                .as_ref()
                .is_some_and(|numbers| numbers.iter().filter(|number| **number < 100).count() > 1),
            _ => true,
        };
        if is_remarkable {
            Judgement::Doubtful
        } else {
            Judgement::Class
        }
    }
}

/// The number that a label is, in normal form and with or without the prefix that programs give to numbers.
fn number(key: &str) -> Option<i64> {
    let bare = key
        .strip_prefix("__label__")
        .or_else(|| key.strip_prefix("label_"));
    bare.unwrap_or(key).parse().ok()
}

#[cfg(test)]
mod tests {
    use labelproof_artifact::Split;

    use super::*;

    fn decide_on(labels: &[&str], settings: &Labels) -> Missing {
        decide(settings, &labels.iter().map(|label| (*label, 3)).collect())
    }

    #[track_caller]
    fn check(labels: &[&str], missing: &[&str], doubtful: &[&str]) {
        let found = decide_on(labels, &Labels::default());
        let expected: BTreeSet<String> = missing.iter().map(|label| (*label).to_owned()).collect();
        assert_eq!(found.labels, expected, "{labels:?}");
        assert_eq!(found.doubtful, doubtful, "{labels:?}");
    }

    #[test]
    fn what_programs_write_for_nothing_is_no_class() {
        check(
            &["sport", "business", "NaN", "null", "N/A", "#N/A"],
            &["NaN", "null", "N/A", "#N/A"],
            &[],
        );
        check(&["spam", "ham", "nan "], &["nan "], &[]);
        check(&["0", "1", "None"], &["None"], &[]);
        check(&["sport", "tech", "NA"], &["NA"], &[]);
        check(&["pos", "neg", "unsup"], &["unsup"], &[]);
    }

    #[test]
    fn what_some_data_sets_call_a_class_is_one_and_said() {
        check(&["against", "favor", "none"], &[], &["none"]);
        check(&["Against", "Favor", "None"], &[], &["None"]);
        check(&["EU", "NA", "AS"], &[], &["NA"]);
        check(&["ham", "unknown"], &[], &["unknown"]);
        check(&["x", "y", "z"], &[], &[]);
        check(&["bug", "docs", "test"], &[], &[]);
    }

    #[test]
    fn minus_one_is_hidden_beside_numbers_from_nought_and_a_class_of_a_scale() {
        check(&["-1", "0", "1", "2"], &["-1"], &[]);
        check(&["-1.0", "0.0", "1.0", "2.0"], &["-1.0"], &[]);
        check(&["-1", "sport", "tech"], &["-1"], &[]);
        check(&["LABEL_-1", "LABEL_0", "LABEL_1", "LABEL_2"], &["LABEL_-1"], &[]);
        check(&["-100", "0", "1", "2"], &["-100"], &[]);
        check(&["-1", "1"], &[], &[]);
        check(&["-1", "0", "1"], &[], &["-1"]);
        check(&["-2", "-1", "0", "1", "2"], &[], &[]);
        check(&["-100", "-50", "0", "50", "100"], &[], &[]);
        check(&["-1", "0"], &[], &["-1"]);
        check(&["0", "1", "999"], &[], &["999"]);
        check(&["997", "998", "999"], &[], &[]);
    }

    #[test]
    fn marks_are_classes_among_marks() {
        check(&["+", "-", "0"], &[], &[]);
        check(&["?", "!", "."], &[], &[]);
        check(&["?", "sport", "tech"], &["?"], &[]);
    }

    #[test]
    fn minus_one_in_all_rows_of_a_split_is_hidden() {
        let mut counts = LabelCounts::default();
        for (label, split) in [("0", Split::Train), ("1", Split::Train), ("-1", Split::Test)] {
            counts.add(label, Some(split)).unwrap();
        }
        assert!(decide(&Labels::default(), &counts).labels.contains("-1"));
    }

    #[test]
    fn the_settings_have_the_last_word() {
        let labels = ["-1", "0", "1", "NaN", "Unknown ", "none"];
        let settings: Labels = serde_yaml::from_str("{missing: [-1, unknown, gone]}").unwrap();
        let found = decide_on(&labels, &settings);
        assert_eq!(found.labels, ["-1", "Unknown "].map(str::to_owned).into());
        assert_eq!(found.unused, ["gone"]);
        let all: Labels = serde_yaml::from_str("{missing: []}").unwrap();
        assert!(decide_on(&labels, &all).labels.is_empty());
        let kept: Labels = serde_yaml::from_str("{keep: [NaN, '0']}").unwrap();
        assert!(!decide_on(&labels, &kept).labels.contains("NaN"));
    }
}
