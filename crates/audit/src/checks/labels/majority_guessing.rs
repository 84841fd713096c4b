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
//! another kind (C48). Such a model is left to C47 if test has other shares of the classes: who guesses
//! does not know which class is the largest there. If the model is better than the guess but its
//! balanced accuracy is at least 0.15 below its accuracy, that is noted.
//!
//! With a log alone, the largest of `K` classes has at least `1/K` of the rows, so that an accuracy that
//! is not above `1/K` is no better than guessing, whatever the classes' shares are: by the same test
//! where the number of rows is known, and within 2 points otherwise. It is worse than guessing, which
//! speaks for labels and predictions in different orders, where it is at most half of that, or beyond
//! 3.29 standard errors below. A loss that the accuracy makes impossible (C3), and a training that
//! learnt nothing (C26), take precedence.
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
use crate::case::odd_split::input_fault;
use crate::cause::Cause;
use crate::evidence::Log;
use crate::evidence::{Missing, Need};

/// The level at which a model must prove to be better than a guess.
const LEVEL: f64 = 0.01;
/// A share of one predicted class from which on the model guesses it.
const GUESSING: f64 = 0.95;
/// How far above chance the mean recall shows that something was learned.
const SKILL: f64 = 0.15;
/// How far the mean recall may lie below the accuracy.
const HIDDEN: f64 = 0.15;
/// How far above guessing an accuracy of an unknown number of rows must be.
const UNKNOWN_ROWS: f64 = 0.02;
/// The normal quantile of one in a thousand, two-sided.
const Z: f64 = 3.29;

/// The advice where small classes are missed.
const FIX: &str = "Give the mean of the classes' accuracies beside the total, weight the classes in training, or \
                   collect more rows of the small ones.";

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    let totals = case.test_totals().or_else(|missing| {
        let validation = case.predicted(Split::Validation);
        validation
            .map(|rows| rows.confusion().totals())
            .ok()
            .ok_or(missing)
    });
    let totals = match (totals, case.evidence.log(), case.evidence.classes()) {
        (Err(_), Ok(log), Some(classes)) => return of_log(case, log, classes),
        (totals, ..) => totals?,
    };
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
    // A model that is wrong about many rows of a large class may well know the small ones.
    let classes = totals.support.iter().filter(|rows| **rows > 0).count() as f64;
    let other_texts = case.finds_at_least(Cause::TextDrift, Severity::Caution);
    let skilled = favourite < GUESSING
        && (other_texts || balanced.is_some_and(|balanced| balanced >= 1.0 / classes + SKILL));
    if p_value > LEVEL && skilled && case.finds(Cause::ClassShift) {
        let summary = format!(
            "The model is right on {}, and the largest class has {} of the rows because the classes have other \
             shares there (see C47), which no guess knows.",
            percent(accuracy),
            percent(rate)
        );
        return Ok(Answer::clear(summary, measured));
    }
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
            fix: if totals.hits == 0 {
                String::from(
                    "No row is right, which hardly any guess manages: compare how labels and predictions are written and \
                     numbered, and whether anything is predicted at all (a threshold, a filter).",
                )
            } else if favourite >= GUESSING {
                String::from(FIX)
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
        return Ok(hidden(accuracy, balanced, measured));
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

/// Small classes that the total hides.
fn hidden(accuracy: f64, balanced: f64, measured: Measured) -> Answer {
    Diagnosis {
        severity: Severity::Note,
        confidence: Confidence::Certain,
        summary: format!(
            "The accuracy is {}, but the mean over the classes is {}: small classes are mostly missed, and the \
             total hides it.",
            percent(accuracy),
            percent(balanced),
        ),
        effect: None,
        fix: String::from(FIX),
        confirm: String::from("Look at the accuracy of each class in the report."),
        measured,
    }
    .into()
}

/// The accuracy of a log against that of guessing among so many classes.
fn of_log(case: &Case<'_>, log: &Log, classes: usize) -> Result<Answer, Missing> {
    let reported = log.reported().and_then(|epoch| epoch.validation.accuracy);
    let accuracy = reported.or(log.tested().and_then(|figures| figures.accuracy));
    let accuracy = accuracy.ok_or(Need::TestAccuracy)?;
    let rate = 1.0 / classes.max(2) as f64;
    let hits = if reported.is_some() {
        log.validation_hits()
    } else {
        log.test_hits()
    };
    let measured = Measured::new()
        .statistic("accuracy above guessing", rounded(accuracy - rate))
        .with("accuracy", rounded(accuracy))
        .with("classes", classes);
    let no_better = match hits {
        Some((hits, rows)) => binomial_survival(hits, rows, rate) > LEVEL,
        None => accuracy <= rate + UNKNOWN_ROWS,
    };
    let known = [Cause::LossMismatch, Cause::FailedRun]
        .into_iter()
        .find(|cause| case.finds_at_least(*cause, Severity::Caution));
    if let Some(cause) = known.filter(|_| no_better) {
        let summary = format!(
            "The logged accuracy is {}, for which {} is the reason, or which it makes doubtful.",
            percent(accuracy),
            case.id(cause)
        );
        return Ok(Answer::clear(summary, measured));
    }
    if !no_better {
        return Ok(Answer::clear(
            format!(
                "the log has {}, guessing among {classes} classes {}",
                percent(accuracy),
                percent(rate)
            ),
            measured,
        ));
    }
    let spread = hits.map(|(_, rows)| (rate * (1.0 - rate) / rows.max(1) as f64).sqrt());
    let worse = accuracy <= rate / 2.0 || spread.is_some_and(|spread| accuracy < rate - Z * spread);
    let (verdict, fix) = if worse {
        (
            "worse than guessing, so that the model knows something that is read wrongly: labels and predictions in \
             different orders do this",
            "Compare the order of the classes of labels and predictions, and give the rows to the audit.",
        )
    } else {
        (
            "no better than guessing: it has shown no skill on these rows",
            "Look at the loss and at the predicted classes: a model that learnt nothing mostly says one of them.",
        )
    };
    Ok(Diagnosis {
        severity: Severity::Unsound,
        confidence: Confidence::Certain,
        summary: format!(
            "The logged accuracy is {}. Guessing among {classes} classes is right on {}, and on more where one is \
             larger; the model is {verdict}.",
            percent(accuracy),
            percent(rate)
        ),
        effect: None,
        fix: fix.to_owned(),
        confirm: "Count the predicted labels, and compare with the true ones.".to_owned(),
        measured,
    }
    .into())
}

/// Whether another cause is found that makes a model always say the same.
fn is_explained(case: &Case<'_>) -> bool {
    Cause::OF_ONE_ANSWER
        .into_iter()
        .any(|cause| case.finds_at_least(cause, Severity::Unsound))
        || input_fault(case, Split::Test).is_some()
        || input_fault(case, Split::Validation).is_some()
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

    /// Eight in ten rows of each class are right, and nine in ten test rows are of the first class.
    #[test]
    fn the_largest_class_of_other_shares_is_no_guess() {
        let rows = |first_in_ten: u32| {
            let rows: Vec<(u32, u32)> = (0..400)
                .map(|row| {
                    let truth = u32::from(row % 10 >= first_in_ten);
                    (truth, if row / 10 % 5 == 0 { 1 - truth } else { truth })
                })
                .collect();
            predicted(&rows)
        };
        let with = |validation| evidence(&["a", "b"], [predicted(&[]), validation, rows(9)]);
        clear(ask(Cause::MajorityGuessing, &with(rows(5))));
        assert_eq!(
            found(ask(Cause::MajorityGuessing, &with(rows(9)))).severity,
            Severity::Caution
        );
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

    #[test]
    fn a_log_that_is_no_better_than_guessing_is_found() {
        let check = |accuracy: f64, rows: Option<u64>, classes: usize| {
            let mut log = crate::testing::log(&[(0.5, accuracy)]);
            log.epochs[0].validation.loss = None;
            log.validation_rows = rows;
            let evidence = Evidence {
                log: Some(log),
                class_count: Some(classes),
                ..Evidence::default()
            };
            ask(Cause::MajorityGuessing, &evidence)
        };
        assert!(
            found(check(0.26, None, 4))
                .summary
                .contains("no better than guessing")
        );
        assert!(
            found(check(0.05, None, 10))
                .summary
                .contains("worse than guessing")
        );
        assert!(
            found(check(0.40, Some(1000), 2))
                .summary
                .contains("worse than guessing")
        );
        clear(check(0.40, None, 4));
        // Summed up exactly: P(X ≥ 220) is 0.063 with 1000 rows and a share of 0.2, P(X ≥ 260) 2.6e-6.
        found(check(0.22, Some(1000), 5));
        clear(check(0.26, Some(1000), 5));
    }
}
