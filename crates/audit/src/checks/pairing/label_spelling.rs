//! # A class is spelled in several ways, or missing from a split
//!
//! One class has several spellings, such as `Sport` and `sport `, `1` and `1.0`, or `LABEL_3` and `3`,
//! and a program takes each for a class of its own. Or true and predicted labels are of two
//! vocabularies. Or the test rows have a class that no training row has.
//!
//! ## Why the figures look good
//! Validation usually comes from the same file as training and has the same spellings. The test file
//! was exported by another program, which wrote whole numbers as floats or kept a trailing space.
//!
//! ## How it is tested
//! Labels are compared after Unicode NFKC, case folding and squeezing of spaces, and without the `.0`
//! that a table of numbers adds, over all files and the axes of a published confusion matrix. Forms that
//! all labels of a column have are taken off, where what remains are the labels of another column: a
//! prefix, the number of stars, what a program prints around a value. Then the class counts of training
//! and test are compared:
//!
//! ```text
//! several spellings:  two labels with the same normal form
//! no common label:    none of the true labels is a predicted one, in no form
//! unknown class:      rows in test > 0 and rows in training == 0
//! ```
//!
//! Several spellings are certain: unsound if one column of true labels has them, so that a model
//! learns two classes of one; a caution if each column has its own, because a program that compares
//! them finds no row right; a note if they are one number or one name in two forms. Labels without any
//! in common are unsound, and the predictions are left aside. Classes without training rows are unsound
//! if 5 % or more of the test rows are of them, and a caution otherwise; where a split was cut off a
//! sorted file, that is the reason, and C44 takes precedence. The audit itself reads spellings of one
//! class as one class.
//!
//! ## What to do
//! Bring labels into one spelling before the data are split, and keep the ordered list of classes with
//! the model. Stratify the split, or leave out classes with too few rows.
//!
//! ## Example
//! For the data of the test `spellings_of_one_class_are_found`, the audit prints:
//!
//! ```text
//! 1. A class is spelled in several ways, or missing from a split (C16, caution, certain)
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
use labelproof_text::labels::normalized_label;

use crate::answer::effect::{self, Figure};
use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::answer::wording::percent;
use crate::case::Case;
use crate::cause::Cause;
use crate::evidence::{Apart, Join, Joined, Missing, Need, Part};
use crate::measures::class_counts::class_counts;

/// The share of test rows of unknown classes from which on the figure is not that of the known ones.
const MANY: f64 = 0.05;

/// How bad it is that one class has several spellings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    /// One number or one name in two forms.
    Form,
    /// Each column has a spelling of its own.
    Between,
    /// One column of true labels has several.
    Within,
}

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    let parts: Vec<&Part> = Split::ALL
        .into_iter()
        .filter_map(|split| case.evidence.part(split))
        .filter(|part| part.truth.is_some())
        .collect();
    if parts.is_empty() && case.evidence.confusion_spellings.is_empty() {
        return Err(Need::TestPredictions.into());
    }
    if let Some((part, apart)) = parts.iter().find_map(|part| Some((part, part.apart.as_ref()?))) {
        return Ok(without_common_label(part, apart));
    }
    if let Some(answer) = several_spellings(case, &parts).or_else(|| other_forms(&parts)) {
        return Ok(answer);
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

/// Classes with several spellings.
fn several_spellings(case: &Case<'_>, parts: &[&Part]) -> Option<Answer> {
    let mut spellings: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    let of_parts = parts.iter().flat_map(|part| &part.spellings);
    for spelling in of_parts.chain(&case.evidence.confusion_spellings) {
        spellings
            .entry(normalized_label(spelling))
            .or_default()
            .insert(spelling);
    }
    let classes = spellings.len();
    let several: Vec<(&String, &BTreeSet<&str>)> = spellings
        .iter()
        .filter(|(_, spellings)| spellings.len() > 1)
        .collect();
    let weight = several
        .iter()
        .map(|(key, spellings)| weight(key, spellings, parts, case))
        .max()?;
    let listed: Vec<String> = several.iter().map(|(_, spellings)| listed(spellings)).collect();
    let spelled = if several.len() == 1 { "is" } else { "are" };
    let consequence = match weight {
        Weight::Form => "They are the same numbers, but not the same texts: a program that compares them as texts counts right \
                         predictions as wrong."
            .to_owned(),
        Weight::Between | Weight::Within => {
            "A program takes each spelling for a class of its own, and counts right predictions as wrong.".to_owned()
        }
    };
    Some(
        Diagnosis {
            severity: match weight {
                Weight::Form => Severity::Note,
                Weight::Between => Severity::Caution,
                Weight::Within => Severity::Unsound,
            },
            confidence: Confidence::Certain,
            summary: format!(
                "{} of {classes} classes {spelled} spelled in more than one way: {}. {consequence}{} (This audit reads them as \
                 one class.)",
                several.len(),
                listed.join("; "),
                compared(parts)
            ),
            effect: None,
            fix: "Bring labels into one spelling before the data are split, and keep the ordered list of \
                  classes with the model."
                .to_owned(),
            confirm: "list the distinct labels of each file".to_owned(),
            measured: Measured::new()
                .statistic("classes with several spellings", several.len() as f64)
                .with("spellings", listed),
        }
        .into(),
    )
}

fn listed(spellings: &BTreeSet<&str>) -> String {
    let quoted: Vec<String> = spellings.iter().map(|spelling| format!("`{spelling}`")).collect();
    quoted.join(" and ")
}

fn weight(key: &str, spellings: &BTreeSet<&str>, parts: &[&Part], case: &Case<'_>) -> Weight {
    let of_class = |labels: &[String]| {
        let own: BTreeSet<&str> = labels
            .iter()
            .map(String::as_str)
            .filter(|label| spellings.contains(label))
            .collect();
        own.len()
    };
    // The axes of a matrix count each spelling as a class.
    let in_matrix = of_class(&case.evidence.confusion_spellings) > 1;
    if in_matrix || parts.iter().any(|part| of_class(&part.true_spellings) > 1) {
        Weight::Within
    } else if key.parse::<i64>().is_ok() && spellings.iter().all(|label| label.trim().parse::<f64>().is_ok())
    {
        Weight::Form
    } else {
        Weight::Between
    }
}

/// How many rows a program would find right that compares the labels as they are.
fn compared(parts: &[&Part]) -> String {
    let shown = parts.iter().rev().find_map(|part| {
        let equal = part.equal_as_spelled?;
        let (truth, predicted) = (part.truth.as_deref()?, part.stored_predictions.as_deref()?);
        let right = truth.iter().zip(predicted).filter(|(one, other)| one == other).count() as u64;
        (equal != right).then(|| {
            format!(
                " Compared as they are, the labels of {equal} of {} rows of {} are equal; read as classes, those of {right}.",
                part.rows, part.source
            )
        })
    });
    shown.unwrap_or_default()
}

/// Labels that were read in the form of other ones.
fn other_forms(parts: &[&Part]) -> Option<Answer> {
    let joined = parts
        .iter()
        .flat_map(|part| part.joined.iter().map(move |joined| (*part, joined)))
        .filter(|(_, joined)| matches!(joined.how, Join::Form | Join::Words));
    let joined: Vec<(&Part, &Joined)> = joined.collect();
    let worst = joined.iter().map(|(_, joined)| joined.how).max()?;
    let examples: Vec<String> = joined
        .iter()
        .map(|(part, joined)| {
            format!(
                "`{}` of `{}` in {} for `{}`",
                joined.written, joined.column, part.source, joined.read
            )
        })
        .collect();
    Some(
        Diagnosis {
            severity: if worst == Join::Form {
                Severity::Note
            } else {
                Severity::Caution
            },
            confidence: Confidence::Certain,
            summary: format!(
                "The labels are of two vocabularies, of which one is read as the other here: {}.{}",
                examples.join("; "),
                compared(parts)
            ),
            effect: None,
            fix: "Write true and predicted labels in one vocabulary, and keep the ordered list of classes with the model."
                .to_owned(),
            confirm: "list the distinct labels of each column".to_owned(),
            measured: Measured::new()
                .statistic("columns in another form", examples.len() as f64)
                .with("read", examples),
        }
        .into(),
    )
}

/// True and predicted labels of which none is the same.
fn without_common_label(part: &Part, apart: &Apart) -> Answer {
    let share = apart.matched as f64 / apart.rows.max(1) as f64;
    let pairs: Vec<String> = apart
        .pairs
        .iter()
        .map(|(label, predicted)| format!("`{label}` as `{predicted}`"))
        .collect();
    let shown = pairs.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
    Diagnosis {
        severity: Severity::Unsound,
        confidence: Confidence::Certain,
        summary: format!(
            "True and predicted labels of {} are of two vocabularies that have no label in common: {} are true, {} are \
             predicted. A program that compares them finds no row right, whatever the model; the predictions are left \
             aside here. At best, {} of the rows would be right, with {shown}.",
            part.source,
            quoted(&apart.truth, 5),
            quoted(&apart.predicted, 5),
            percent(share)
        ),
        effect: None,
        fix: "Write true and predicted labels in one vocabulary: translate the predictions with the list of classes that \
              the model was trained with."
            .to_owned(),
        confirm: "list the distinct labels of both columns".to_owned(),
        measured: Measured::new()
            .statistic("share of rows right with the best naming", share)
            .with("true_labels", apart.truth.clone())
            .with("predicted_labels", apart.predicted.clone())
            .with("best_naming", pairs),
    }
    .into()
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
        assert_eq!(found.severity, Severity::Caution);
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

    /// Numbers in two forms are a remark; one column with two spellings of a class is a fault.
    #[test]
    fn the_severity_is_that_of_the_spellings() {
        let check = |all: [&str; 4], truth: &[&str], severity| {
            let mut part = predicted(&[(0, 0), (1, 1)]);
            part.spellings = all.map(String::from).to_vec();
            part.true_spellings = truth.iter().map(ToString::to_string).collect();
            part.equal_as_spelled = Some(0);
            let evidence = evidence(&["a", "b"], [Part::default(), Part::default(), part]);
            let found = found(ask(Cause::LabelSpelling, &evidence));
            assert_eq!(found.severity, severity);
            let compared = "of 0 of 2 rows of rows.csv are equal; read as classes, those of 2.";
            assert!(found.summary.contains(compared), "{}", found.summary);
        };
        check(["0", "0.0", "1", "1.0"], &["0.0", "1.0"], Severity::Note);
        check(["no", "No", "yes", "Yes"], &["No", "Yes"], Severity::Caution);
        check(
            ["no", "No", "yes", "Yes"],
            &["No", "no", "Yes"],
            Severity::Unsound,
        );
    }

    #[test]
    fn predictions_without_a_true_label_among_them_are_found() {
        let mut part = predicted(&[(0, 0), (1, 1)]);
        part.stored_predictions = None;
        part.apart = Some(Apart {
            truth: vec!["negative".to_owned(), "positive".to_owned()],
            predicted: vec!["1 star".to_owned(), "5 stars".to_owned()],
            pairs: vec![("negative".to_owned(), "1 star".to_owned())],
            matched: 3,
            rows: 4,
        });
        let evidence = evidence(&["a", "b"], [Part::default(), Part::default(), part]);
        let found = found(ask(Cause::LabelSpelling, &evidence));
        assert_eq!(found.severity, Severity::Unsound);
        assert_close(statistic(&found.measured), 0.75, 1e-12);
    }

    #[test]
    fn a_split_that_lacks_a_class_does_not_have_every_class() {
        let (all, some) = (predicted(&[(0, 0), (1, 1)]), predicted(&[(0, 0), (0, 1)]));
        let answer = ask(
            Cause::LabelSpelling,
            &evidence(&["a", "b"], [Part::default(), all, some]),
        );
        let Ok(Answer::Clear { summary, .. }) = answer else {
            panic!("{answer:?}")
        };
        assert_eq!(
            summary,
            "Every class is spelled in one way, and no test row is of `b`."
        );
    }
}
