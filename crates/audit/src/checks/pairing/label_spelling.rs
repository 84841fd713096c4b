//! # A class is spelled in several ways, or missing from a split
//!
//! One class has several spellings, such as `Sport` and `sport `, or `1` and `1.0`, and a program takes
//! each for a class of its own. Or the test rows have a class that no training row has.
//!
//! ## Why the figures look good
//! Validation usually comes from the same file as training and has the same spellings. The test file
//! was exported by another program, which wrote whole numbers as floats or kept a trailing space.
//!
//! ## How it is tested
//! Labels are compared after Unicode NFKC, case folding and squeezing of spaces, and without the `.0`
//! that a table of numbers adds, over all files and the axes of a published confusion matrix. Then the
//! class counts of training and test are compared:
//!
//! ```text
//! several spellings:  two labels with the same normal form
//! unknown class:      rows in test > 0 and rows in training == 0
//! ```
//!
//! Several spellings are unsound, and certain. Classes without training rows are unsound if 5 % or more
//! of the test rows are of them, and a caution otherwise; where a split was cut off a sorted file,
//! that is the reason, and C44 takes precedence. The audit itself reads spellings of one class as one
//! class.
//!
//! ## What to do
//! Bring labels into one spelling before the data are split, and keep the ordered list of classes with
//! the model. Stratify the split, or leave out classes with too few rows.
//!
//! ## Example
//! For the data of the test `spellings_of_one_class_are_found`, the audit prints:
//!
//! ```text
//! 1. A class is spelled in several ways, or missing from a split (C16, fault, certain)
//!    2 of 3 classes are spelled in more than one way: `1` and `1.0`; `Sport` and `sport `. A program
//!    takes each spelling for a class of its own, and counts right predictions as wrong. (This audit
//!    reads them as one class.)
//!    What to do: Bring labels into one spelling before the data are split, and keep the ordered list
//!    of classes with the model.
//!    How to make sure: list the distinct labels of each file
//! ```
//!
//! ## References
//! - `mlflow/mlflow#16092` and `mlflow/mlflow#12790`: evaluations of rows that lack a class.

use std::collections::{BTreeMap, BTreeSet};

use labelproof_artifact::Split;
use labelproof_artifact::wording::quoted;

use crate::answer::effect::{self, Figure};
use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::case::Case;
use crate::cause::Cause;
use crate::evidence::{Missing, Need};
use crate::measures::class_counts::class_counts;
use crate::measures::spelling::normalized_label;

/// The share of test rows of unknown classes from which on the figure is not that of the known ones.
const MANY: f64 = 0.05;

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    let parts: Vec<_> = Split::ALL
        .into_iter()
        .filter_map(|split| Some((split, case.evidence.part(split)?)))
        .filter(|(_, part)| part.truth.is_some())
        .collect();
    if parts.is_empty() && case.evidence.confusion_spellings.is_empty() {
        return Err(Need::TestPredictions.into());
    }
    let mut spellings: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    let of_parts = parts.iter().flat_map(|(_, part)| &part.spellings);
    for spelling in of_parts.chain(&case.evidence.confusion_spellings) {
        spellings
            .entry(normalized_label(spelling))
            .or_default()
            .insert(spelling);
    }
    let several: Vec<String> = spellings
        .values()
        .filter(|spellings| spellings.len() > 1)
        .map(|spellings| {
            let quoted: Vec<String> = spellings.iter().map(|spelling| format!("`{spelling}`")).collect();
            quoted.join(" and ")
        })
        .collect();
    if !several.is_empty() {
        return Ok(Diagnosis {
            severity: Severity::Unsound,
            confidence: Confidence::Certain,
            summary: format!(
                "{} of {} classes are spelled in more than one way: {}. A program takes each spelling for a \
                 class of its own, and counts right predictions as wrong. (This audit reads them as one \
                 class.)",
                several.len(),
                spellings.len(),
                several.join("; ")
            ),
            effect: None,
            fix: "Bring labels into one spelling before the data are split, and keep the ordered list of \
                  classes with the model."
                .to_owned(),
            confirm: "list the distinct labels of each file".to_owned(),
            measured: Measured::new()
                .statistic("classes with several spellings", several.len() as f64)
                .with("spellings", several),
        }
        .into());
    }
    // A split that was cut off a sorted file lacks classes for that reason.
    let absent = missing_classes(case).filter(|_| !case.finds(Cause::SortedSplit));
    Ok(absent.unwrap_or_else(|| {
        Answer::clear(
            format!("Every class is spelled in one way, and {}.", presence(case)),
            Measured::new(),
        )
    }))
}

/// Which splits have every class, in words.
fn presence(case: &Case<'_>) -> String {
    let classes = case.evidence.dataset.labels.len();
    let lacking: Vec<String> = Split::ALL
        .into_iter()
        .filter_map(|split| {
            let truth = case.evidence.part(split)?.truth.as_deref()?;
            let counts = class_counts(truth, classes);
            let absent = (0_u32..).zip(counts).filter(|(_, rows)| *rows == 0);
            let names: Vec<String> = absent.map(|(class, _)| case.evidence.label(class)).collect();
            (!names.is_empty()).then(|| format!("no {split} row is of {}", quoted(&names, 3)))
        })
        .collect();
    if lacking.is_empty() {
        "every split has every class".to_owned()
    } else {
        lacking.join(", ")
    }
}

/// Classes of the test rows that were not trained on.
fn missing_classes(case: &Case<'_>) -> Option<Answer> {
    let counts = |split| {
        let truth = case.evidence.part(split)?.truth.as_deref()?;
        Some(class_counts(truth, case.evidence.dataset.labels.len()))
    };
    let (train, test) = (counts(Split::Train)?, counts(Split::Test)?);
    let absent: Vec<String> = (0_u32..)
        .zip(train.iter().zip(&test))
        .filter(|(_, (train, test))| **train == 0 && **test > 0)
        .map(|(class, _)| case.evidence.label(class))
        .collect();
    if absent.is_empty() {
        return None;
    }
    let rows: u64 = train
        .iter()
        .zip(&test)
        .filter(|(train, _)| **train == 0)
        .map(|(_, test)| test)
        .sum();
    let share = rows as f64 / test.iter().sum::<u64>().max(1) as f64;
    let found = Diagnosis {
        severity: if share >= MANY {
            Severity::Unsound
        } else {
            Severity::Caution
        },
        confidence: Confidence::Certain,
        summary: format!(
            "{rows} test rows are of classes that no training row has: {}. The model cannot predict them.",
            absent.join(", ")
        ),
        effect: Some(effect::of(Figure::Accuracy(Split::Test), -share)),
        fix: "Stratify the split by label, or leave classes out that have too few rows.".to_owned(),
        confirm: "count the rows of each label in each file".to_owned(),
        measured: Measured::new()
            .statistic("test rows of unknown classes", rows as f64)
            .with("classes", absent),
    };
    Some(found.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Evidence;
    use crate::evidence::Part;
    use crate::testing::{ask, assert_close, clear, evidence, example, found, predicted, statistic};

    #[test]
    fn spellings_of_one_class_are_found() {
        let mut part = predicted(&[(0, 0), (1, 1)]);
        part.spellings = ["Sport", "sport ", "1", "1.0", "film"].map(String::from).to_vec();
        let found = example(
            Cause::LabelSpelling,
            &evidence(&["sport", "1", "film"], [Part::default(), Part::default(), part]),
        );
        assert_close(statistic(&found.measured), 2.0, 1e-12);
        assert_eq!(
            found.measured.evidence["spellings"],
            serde_json::json!(["`1` and `1.0`", "`Sport` and `sport `"])
        );
    }

    #[test]
    fn spellings_that_only_a_matrix_has_are_found() {
        let evidence = Evidence {
            confusion: Some(vec![vec![5, 0], vec![0, 5]]),
            confusion_spellings: vec!["film".to_owned(), "film ".to_owned()],
            ..Evidence::default()
        };
        assert_close(
            statistic(&found(ask(Cause::LabelSpelling, &evidence)).measured),
            1.0,
            1e-12,
        );
    }

    #[test]
    fn a_class_without_training_rows_is_found() {
        let train = predicted(&[(0, 0), (0, 0)]);
        let test = predicted(&[(0, 0), (1, 0), (1, 0), (0, 0)]);
        let found = found(ask(
            Cause::LabelSpelling,
            &evidence(&["a", "b"], [train, Part::default(), test]),
        ));
        assert_eq!(found.measured.evidence["classes"], serde_json::json!(["b"]));
        assert_close(statistic(&found.measured), 2.0, 1e-12);
        assert_close(found.effect.unwrap().points, -50.0, 1e-12);
    }

    #[test]
    fn one_spelling_and_all_classes_are_clear() {
        let part = || Part {
            spellings: vec![String::from("a"), String::from("b")],
            ..predicted(&[(0, 0), (1, 1)])
        };
        clear(ask(
            Cause::LabelSpelling,
            &evidence(&["a", "b"], [part(), part(), part()]),
        ));
    }
}
