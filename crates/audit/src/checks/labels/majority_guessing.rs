//! # No better than guessing the largest class
//!
//! The accuracy is no better than that of always answering the most frequent class, or it hides that
//! the small classes are missed.
//!
//! ## Why the figures look good
//! If 90 % of the rows are of one class, 90 % is what a model reaches that knows nothing.
//!
//! ## How it is tested
//! The test rows (or the confusion matrix, or else the validation rows) are compared with the
//! no-information rate `r`, the share of the largest class. The burden of proof is the model's:
//!
//! ```text
//! p = P(X ≥ hits),  X ~ binomial(rows, r)                  one-sided
//! found:  p > 0.01
//! balanced accuracy = mean recall of the classes
//! ```
//!
//! It is unsound, or a caution if the model shows skill all the same: it does not give one class 95 %
//! of the predictions, and its balanced accuracy is at least 0.15 above `1/K`, or the texts are of
//! another kind (C48). If the model is better than the guess but its balanced accuracy is at least 0.15
//! below its accuracy, that is noted.
//!
//! ## What to do
//! Give the balanced accuracy or the recall of each class beside the total, weight the classes in
//! training, or collect more rows of the small ones. If the predictions are spread over the classes and
//! still wrong, look at pairing and weights first.
//!
//! ## Example
//! For the data of the test `guessing_the_largest_class_is_found`, the audit prints:
//!
//! ```text
//! 1. No better than guessing the largest class (C53, fault, certain)
//!    The model is right on 80.0 % of the rows. Always answering the most frequent class would be right
//!    on 80.0 %, so it has shown no skill on these rows.
//!    What to do: Give the mean of the classes' accuracies beside the total, weight the classes in
//!    training, or collect more rows of the small ones.
//!    How to make sure: Count the predicted labels, and compare with the true ones.
//! ```
//!
//! ## References
//! - Kuhn, 2008, *Building Predictive Models in R Using the caret Package* (the no-information rate).
//! - `huggingface/transformers#12997`: class weights for unbalanced data.

use labelproof_artifact::Split;
use labelproof_metrics::balanced_accuracy;
use labelproof_metrics::statistics::binomial_survival;

use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::answer::wording::{percent, rounded};
use crate::case::Case;
use crate::cause::Cause;
use crate::evidence::{Missing, Need};

/// The level at which a model must prove to be better than a guess.
const LEVEL: f64 = 0.01;
/// A share of one predicted class from which on the model guesses it.
const GUESSING: f64 = 0.95;
/// How far above chance the mean recall shows that something was learned.
const SKILL: f64 = 0.15;
/// How far the mean recall may lie below the accuracy.
const HIDDEN: f64 = 0.15;

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    let totals = case.test_totals().or_else(|missing| {
        let validation = case.predicted(Split::Validation);
        validation
            .map(|rows| rows.confusion().totals())
            .ok()
            .ok_or(missing)
    })?;
    let largest = totals.support.iter().copied().max().unwrap_or(0);
    if totals.rows == 0 || largest == totals.rows {
        return Err(Need::MoreRows.into());
    }
    let rows = totals.rows as f64;
    let (accuracy, rate) = (totals.hits as f64 / rows, largest as f64 / rows);
    // Of so few rows a guess may well be right on all.
    if binomial_survival(totals.rows, totals.rows, rate) > LEVEL {
        return Err(Need::MoreRows.into());
    }
    let p_value = binomial_survival(totals.hits, totals.rows, rate);
    let favourite = totals.predicted.iter().copied().max().unwrap_or(0) as f64 / rows;
    let balanced = balanced_accuracy(&totals);
    let measured = Measured::new()
        .statistic("accuracy above the largest class", rounded(accuracy - rate))
        .p_value(p_value)
        .with("accuracy", rounded(accuracy))
        .with("share_of_the_largest_class", rounded(rate))
        .with("balanced_accuracy", balanced.map(rounded))
        .with("largest_share_of_predictions", rounded(favourite));
    let fix = "Give the mean of the classes' accuracies beside the total, weight the classes in training, or \
               collect more rows of the small ones.";
    // A model that is wrong about many rows of a large class may well know the small ones.
    let classes = totals.support.iter().filter(|rows| **rows > 0).count() as f64;
    let other_texts = case.finds_at_least(Cause::TextDrift, Severity::Caution);
    let skilled = favourite < GUESSING
        && (other_texts || balanced.is_some_and(|balanced| balanced >= 1.0 / classes + SKILL));
    if p_value > LEVEL {
        return Ok(Diagnosis {
            severity: if skilled {
                Severity::Caution
            } else {
                Severity::Unsound
            },
            confidence: if favourite >= GUESSING && !is_explained(case) {
                Confidence::Certain
            } else {
                Confidence::Possible
            },
            summary: format!(
                "The model is right on {} of the rows. Always answering the most frequent class would be \
                 right on {}, so {}.",
                percent(accuracy),
                percent(rate),
                if skilled {
                    "its accuracy is no better than that, although it may know something of every class"
                } else {
                    "it has shown no skill on these rows"
                },
            ),
            effect: None,
            fix: if favourite >= GUESSING {
                String::from(fix)
            } else {
                String::from(
                    "The predictions are spread over the classes and still wrong: look at the findings on \
                     labels, pairing and weights first.",
                )
            },
            confirm: String::from("Count the predicted labels, and compare with the true ones."),
            measured,
        }
        .into());
    }
    if let Some(balanced) = balanced.filter(|balanced| accuracy - balanced >= HIDDEN) {
        return Ok(Diagnosis {
            severity: Severity::Note,
            confidence: Confidence::Certain,
            summary: format!(
                "The accuracy is {}, but the mean over the classes is {}: small classes are mostly missed, \
                 and the total hides it.",
                percent(accuracy),
                percent(balanced),
            ),
            effect: None,
            fix: String::from(fix),
            confirm: String::from("Look at the accuracy of each class in the report."),
            measured,
        }
        .into());
    }
    Ok(Answer::clear(
        format!(
            "the model is right on {}, the largest class would be on {}",
            percent(accuracy),
            percent(rate)
        ),
        measured,
    ))
}

/// Whether another cause is found that makes a model always say the same.
fn is_explained(case: &Case<'_>) -> bool {
    Cause::OF_ONE_ANSWER
        .into_iter()
        .any(|cause| case.finds_at_least(cause, Severity::Unsound))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Evidence;
    use crate::testing::{ask, clear, evidence, example, found, predicted};

    fn test_rows(rows: &[(u32, u32)]) -> Evidence {
        evidence(
            &["a", "b", "c"],
            [predicted(&[]), predicted(&[]), predicted(rows)],
        )
    }

    #[test]
    fn guessing_the_largest_class_is_found() {
        let rows: Vec<(u32, u32)> = (0..200).map(|row| (u32::from(row % 5 == 0), 0)).collect();
        let found = example(Cause::MajorityGuessing, &test_rows(&rows));
        assert_eq!(
            (found.severity, found.confidence),
            (Severity::Unsound, Confidence::Certain)
        );
        assert_eq!(found.measured.evidence["share_of_the_largest_class"], 0.8);
        assert_eq!(found.measured.evidence["balanced_accuracy"], 0.5);
    }

    #[test]
    fn small_classes_that_are_missed_are_noted() {
        // 90 % of one class, all right; of the others only every second row of one.
        let rows: Vec<(u32, u32)> = (0..2000)
            .map(|row| match row % 20 {
                0 => (1, u32::from(row % 40 == 0)),
                1 => (2, 0),
                _ => (0, 0),
            })
            .collect();
        assert_eq!(
            found(ask(Cause::MajorityGuessing, &test_rows(&rows))).severity,
            Severity::Note
        );
    }

    #[test]
    fn a_skilful_model_is_clear() {
        let rows: Vec<(u32, u32)> = (0..300)
            .map(|row| (row % 3, if row % 10 == 0 { 0 } else { row % 3 }))
            .collect();
        assert!(
            clear(ask(Cause::MajorityGuessing, &test_rows(&rows)))
                .p_value
                .unwrap()
                < 1e-50
        );
    }
}
