//! # The true labels are placeholders
//!
//! The column of true labels is filled with something that is no label: `-1`, `?` or nothing, as data
//! sets have it whose test labels were never given out, or the same label in every row, because a
//! program wanted a column.
//!
//! ## Why the figures look good
//! Validation has its labels. Whatever is computed from the other file (an accuracy of 0 %, or the
//! share of one class in the predictions) looks like a figure and says nothing of the model.
//!
//! ## How it is tested
//! A true label is a placeholder if it is one of those that data sets and programs write for none (`-1`,
//! `-100`, `?`, `nan`, `unlabeled`, an empty cell and the like; `unknown`, `none` and their kind only
//! where no other file has them), and neither a prediction, nor a score, nor another file calls a class
//! so. The same label in all rows is one if another file has several classes, chance would not make
//! one of them, and the predictions are rather those of any rows than of rows of this class:
//!
//! ```text
//! n · (q ln m + (1 - q) ln(1 - m))  >  n · (q ln r + (1 - q) ln(1 - r)) + 5
//!   q  share predicted as the class     m, r  the same share in the other file: of all rows, of its own
//! ```
//!
//! Such labels are taken as not given, and no other check sees them. It is unsound if a whole split has
//! none, certain if they are written as none and likely otherwise; a caution if only some rows do.
//! One class in all rows that may be real is a caution, too, and unsound where validation and test differ
//! beyond chance. Where the file is sorted and the rows are its tail, C44 says so.
//!
//! ## What to do
//! Use the split that has labels, or send the predictions to whoever keeps them. Leave rows without a
//! label out of every figure.
//!
//! ## Example
//! For the data of the test `labels_that_were_never_given_out_are_said`, the audit prints:
//!
//! ```text
//! 1. The true labels are placeholders (C19, fault, certain)
//!    All 1821 true labels of test.csv are `-1`, the sign of labels that were never given out: it has
//!    no true label, and a figure computed from these says nothing of the model. Its rows are taken as
//!    unlabelled.
//!    What to do: Use a split that has labels, or send the predictions to whoever keeps the labels of
//!    this one.
//!    How to make sure: count the distinct true labels of the test file
//! ```
//!
//! ## References
//! - `huggingface/datasets#183` and `tensorflow/datasets#1356`: test labels of GLUE, all of them `-1`.

use labelproof_artifact::Split;
use labelproof_artifact::wording::quoted;

use crate::answer::effect::Figure;
use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::answer::wording::percent;
use crate::case::Case;
use crate::case::suspect::missing;
use crate::cause::Cause;
use crate::evidence::{Missing, Need, Part, Placeholders, Sign};

/// Rows below which one class may be all there is.
const FEWEST_ROWS: usize = 20;

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    // What is said of test first: its figures are those that count.
    let parts = [Split::Test, Split::Validation, Split::Train]
        .into_iter()
        .filter_map(|split| Some((split, case.evidence.part(split)?)));
    let mut looked = false;
    let mut of_one_class = None;
    for (split, part) in parts {
        if let Some(placeholders) = &part.placeholders {
            return Ok(found(split, part, placeholders));
        }
        looked |= part.is_labelled();
        if split != Split::Train
            && has_one_class(part)
            && case.evidence.classes().is_some_and(|classes| classes > 1)
        {
            of_one_class.get_or_insert((split, part));
        }
    }
    if !looked {
        return Err(Need::TrueLabels.into());
    }
    Ok(match of_one_class {
        Some((split, part)) if is_tail_of_sorted_file(case, split) => Answer::clear(
            format!(
                "The {split} rows have one class, `{}`, as the tail of a sorted file has (see C44).",
                case.evidence.label(part.truth.as_deref().unwrap_or_default()[0])
            ),
            Measured::new(),
        ),
        Some((split, part)) => one_class(case, split, part),
        None => Answer::clear(
            "True labels are labels, and of more than one class.",
            Measured::new(),
        ),
    })
}

/// Whether a split was certainly cut off a sorted file, so that its labels are labels.
fn is_tail_of_sorted_file(case: &Case<'_>, split: Split) -> bool {
    let Ok(Answer::Found(sorted)) = case.answer(Cause::SortedSplit) else {
        return false;
    };
    let of_split = sorted.measured.evidence.get("split");
    sorted.confidence == Confidence::Certain && of_split.is_some_and(|of| of == split.name())
}

fn has_one_class(part: &Part) -> bool {
    let truth = part.truth.as_deref().unwrap_or_default();
    truth.len() >= FEWEST_ROWS && truth.iter().all(|class| *class == truth[0])
}

fn found(split: Split, part: &Part, placeholders: &Placeholders) -> Answer {
    let Placeholders {
        labels,
        rows,
        of,
        sign,
        ..
    } = placeholders;
    let is_all = rows == of;
    let what = match labels.as_slice() {
        [label] if label.trim().is_empty() => "empty".to_owned(),
        labels => quoted(labels, 5),
    };
    let summary = match sign {
        Sign::Written if is_all => format!(
            "All {of} true labels of {} are {what}, the sign of labels that were never given out: it has no true label, and \
             a figure computed from these says nothing of the model. Its rows are taken as unlabelled.",
            part.source
        ),
        Sign::Written => format!(
            "{rows} of {of} true labels of {} are {what}, which stands for no label. These rows are left aside here; a \
             program that counts them takes each for a mistake.",
            part.source
        ),
        Sign::OneClass { predicted, expected } => {
            let expected = expected.map_or_else(String::new, |expected| {
                format!(" (of rows of that class it would be about {})", percent(expected))
            });
            format!(
                "All {of} true labels of {} are {what}, and only {} of its rows are predicted as that{expected}: one label \
                 in every row is a placeholder. It has no true label, and its rows are taken as unlabelled.",
                part.source,
                percent(*predicted)
            )
        }
    };
    let mut measured = Measured::new()
        .statistic("rows without a label", *rows as f64)
        .with("split", split.name())
        .with("rows", *of)
        .with("written", labels.clone());
    if let Sign::OneClass { predicted, .. } = sign {
        measured = measured.with("share_predicted_as_this", *predicted);
    }
    Diagnosis {
        severity: if is_all && split != Split::Train {
            Severity::Unsound
        } else {
            Severity::Caution
        },
        confidence: match sign {
            Sign::Written => Confidence::Certain,
            Sign::OneClass { .. } => Confidence::Likely,
        },
        summary,
        effect: None,
        fix: if is_all {
            "Use a split that has labels, or send the predictions to whoever keeps the labels of this one."
        } else {
            "Leave rows without a label out of every figure."
        }
        .to_owned(),
        confirm: format!("count the distinct true labels of the {split} file"),
        measured,
    }
    .into()
}

/// One class in all rows, which may be real.
fn one_class(case: &Case<'_>, split: Split, part: &Part) -> Answer {
    let class = part.truth.as_deref().unwrap_or_default()[0];
    let label = case.evidence.label(class);
    // The share of one answer, beside the accuracy over all classes, is what makes the two differ.
    let makes_gap = case.gap().is_ok_and(|gap| gap.significant);
    let effect = missing(case).filter(|effect| effect.on == Figure::Accuracy(split));
    Diagnosis {
        severity: if makes_gap {
            Severity::Unsound
        } else {
            Severity::Caution
        },
        confidence: if makes_gap {
            Confidence::Likely
        } else {
            Confidence::Possible
        },
        summary: format!(
            "All {} true labels of {} are `{label}`: the {split} rows have one class, so that their accuracy is the share \
             of one answer, and nothing that mixes classes up can be told from it.",
            part.rows, part.source
        ),
        effect,
        fix: "Make sure that these are labels and no placeholders, and test on rows of all classes.".to_owned(),
        confirm: format!("count the distinct true labels of the {split} file"),
        measured: Measured::new()
            .statistic("true classes", 1.0)
            .with("split", split.name())
            .with("rows", part.rows)
            .with("written", vec![label]),
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Evidence;
    use crate::testing::{ask, clear, evidence, example, found, predicted};

    fn with(rows: usize, sign: Sign) -> Evidence {
        let mut part = predicted(&[(0, 0), (1, 1)]);
        part.source = "test.csv".to_owned();
        if rows == 1821 {
            part.truth = None;
        }
        part.placeholders = Some(Placeholders {
            column: "label".to_owned(),
            labels: vec!["-1".to_owned()],
            rows,
            of: 1821,
            sign,
        });
        evidence(&["a", "b"], [Part::default(), Part::default(), part])
    }

    #[test]
    fn labels_that_were_never_given_out_are_said() {
        let found = example(Cause::Placeholders, &with(1821, Sign::Written));
        assert_eq!(found.severity, Severity::Unsound);
    }

    #[test]
    fn some_rows_without_a_label_are_a_caution_and_one_filler_is_likely() {
        let some = found(ask(Cause::Placeholders, &with(20, Sign::Written)));
        assert_eq!(some.severity, Severity::Caution);
        let beginning = "20 of 1821 true labels of test.csv are `-1`";
        assert!(some.summary.starts_with(beginning), "{}", some.summary);
        let sign = Sign::OneClass {
            predicted: 0.86,
            expected: Some(0.98),
        };
        let filler = found(ask(Cause::Placeholders, &with(1821, sign)));
        assert_eq!(
            (filler.severity, filler.confidence),
            (Severity::Unsound, Confidence::Likely)
        );
    }

    /// 1,000 rows in the order of their classes, of which the last tenth is validation.
    #[test]
    fn the_one_class_of_a_sorted_files_tail_is_left_to_the_split() {
        let rows = |range: std::ops::Range<u32>| {
            let rows: Vec<(u32, u32)> = range.map(|row| (row / 500, row / 500)).collect();
            predicted(&rows)
        };
        let tail = evidence(&["a", "b"], [rows(0..900), rows(900..1000), Part::default()]);
        found(ask(Cause::SortedSplit, &tail));
        clear(ask(Cause::Placeholders, &tail));
        // In training rows that are not sorted nothing says where the one class comes from.
        let mixed: Vec<(u32, u32)> = (0..900).map(|row| (row % 2, row % 2)).collect();
        let filler = evidence(&["a", "b"], [predicted(&mixed), rows(900..1000), Part::default()]);
        found(ask(Cause::Placeholders, &filler));
    }

    #[test]
    fn one_class_that_may_be_real_is_a_caution_and_two_are_clear() {
        let one = predicted(&[(0, 0); 30]);
        let evidence_of = |part| evidence(&["a", "b"], [Part::default(), Part::default(), part]);
        assert_eq!(
            found(ask(Cause::Placeholders, &evidence_of(one))).severity,
            Severity::Caution
        );
        clear(ask(
            Cause::Placeholders,
            &evidence_of(predicted(&[(0, 0), (1, 0)])),
        ));
    }
}
