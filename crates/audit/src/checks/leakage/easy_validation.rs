//! # Validation is far better than training
//!
//! The model is right on many more validation rows than training rows. A model does not know rows that
//! it has never seen better than those that it learned from; the two figures are not of the same thing.
//!
//! ## Why the figures look good
//! A high validation accuracy is what everybody hopes for, and that it stands above the training
//! accuracy is read as "no overfitting".
//!
//! ## How it is tested
//! The audit needs a log with the accuracy of both, or the training and validation rows with their
//! predictions:
//!
//! ```text
//! log    the least of (validation - training accuracy) over the last three epochs, without the first one
//! rows   validation - training accuracy of the finished model
//! ```
//!
//! The logged training accuracy is a mean over an epoch in which the model still learned, mostly with
//! dropout on, so that a few points are usual and the first epoch says nothing. From 10 points on it is
//! a note, from 20 points on a caution. The rows of a finished model are found from 5 points on, a
//! caution from 10 points on; and in all cases only beyond 3.29 standard errors of the validation rows.
//! If the finished model had dropout on (C23), that is the reason.
//!
//! ## What to do
//! Predict the training rows with the finished model, without dropout and augmentation, and compare
//! again. If the distance stays, the validation rows are easier, copies of each other, or all of a few
//! classes: draw them at random, by groups, from the same rows.
//!
//! ## Example
//! For the data of the test `a_validation_far_above_training_is_found`, the audit prints:
//!
//! ```text
//! 1. Validation is far better than training (C58, caution, possible, +32.0 points of validation
//!    accuracy)
//!    The model is right on 96.0 % of the validation rows and on only 64.0 % of the training rows, 32.0
//!    points fewer. Dropout, augmentation and the mean over the epoch take some points of the training
//!    figure; so many speak for validation rows that are easier, or for two figures that are computed
//!    differently.
//!    What to do: Predict the training rows with the finished model, without dropout and augmentation;
//!    if the distance stays, draw the validation rows at random from the same rows as the training
//!    rows.
//!    How to make sure: give the training rows with their predictions as --train, and audit again
//! ```
//!
//! ## References
//! - Keras FAQ, *Why is my training loss much higher than my testing loss?*: dropout, regularisation and
//!   the mean over the epoch.

use labelproof_artifact::Split;

use crate::answer::effect::{self, Figure};
use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::answer::wording::{percent, rounded};
use crate::case::Case;
use crate::cause::Cause;
use crate::evidence::Log;
use crate::evidence::{Missing, Need};

/// How far validation must be above the logged training accuracy.
const LOGGED: f64 = 0.1;
const LOGGED_FAR: f64 = 0.2;

/// The same for the rows of a finished model.
const OF_ROWS: f64 = 0.05;
const OF_ROWS_FAR: f64 = 0.1;

/// Epochs at the end of which the distance must hold.
const LAST: usize = 3;

/// The normal quantile of one in a thousand, two-sided.
const Z: f64 = 3.29;

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    let of_rows = of_rows(case);
    let log = case.evidence.log.as_ref();
    let (train, validation) = of_rows
        .or_else(|| logged(log?))
        .ok_or_else(|| Missing(vec![Need::TrainLog, Need::ValidationAccuracy]))?;
    let distance = validation - train;
    let rows = case.predicted(Split::Validation).ok().map(|rows| rows.rows());
    let rows = rows.or_else(|| log?.rows(Split::Validation));
    let beyond_chance = rows.is_none_or(|rows| {
        let rows = rows.max(1) as f64;
        let smoothed = (validation * rows + 1.0) / (rows + 2.0);
        distance > Z * (smoothed * (1.0 - smoothed) / rows).sqrt()
    });
    let (least, far) = if of_rows.is_some() {
        (OF_ROWS, OF_ROWS_FAR)
    } else {
        (LOGGED, LOGGED_FAR)
    };
    let measured = Measured::new()
        .statistic("validation accuracy above training accuracy", rounded(distance))
        .with("train_accuracy", rounded(train))
        .with("validation_accuracy", rounded(validation));
    let explained = case.finds_at_least(Cause::DropoutAtPrediction, Severity::Caution);
    if distance < least || !beyond_chance || explained {
        let summary = format!(
            "The model is right on {} of the training rows and on {} of the validation rows{}.",
            percent(train),
            percent(validation),
            if explained { ", which dropout explains" } else { "" }
        );
        return Ok(Answer::clear(summary, measured));
    }
    let guess = if of_rows.is_some() {
        "Both are predicted by the finished model, so that the validation rows are easier: copies of one \
         another, of fewer classes, or of another source."
    } else {
        "Dropout, augmentation and the mean over the epoch take some points of the training figure; so many \
         speak for validation rows that are easier, or for two figures that are computed differently."
    };
    Ok(Diagnosis {
        severity: if distance >= far {
            Severity::Caution
        } else {
            Severity::Note
        },
        confidence: if of_rows.is_some() {
            Confidence::Likely
        } else {
            Confidence::Possible
        },
        summary: format!(
            "The model is right on {} of the validation rows and on only {} of the training rows, {:.1} points \
             fewer. {guess}",
            percent(validation),
            percent(train),
            100.0 * distance
        ),
        effect: Some(effect::of(Figure::Accuracy(Split::Validation), distance)),
        fix: "Predict the training rows with the finished model, without dropout and augmentation; if the \
              distance stays, draw the validation rows at random from the same rows as the training rows."
            .to_owned(),
        confirm: "give the training rows with their predictions as --train, and audit again".to_owned(),
        measured,
    }
    .into())
}

/// Training and validation accuracy of the finished model.
fn of_rows(case: &Case<'_>) -> Option<(f64, f64)> {
    let train = case.predicted(Split::Train).ok()?;
    let validation = case.predicted(Split::Validation).ok()?;
    Some((train.accuracy(), validation.accuracy()))
}

/// The accuracies of the epoch, of the last ones, in which they are least apart. The first of several epochs is
/// left out: its training accuracy begins at that of guessing.
fn logged(log: &Log) -> Option<(f64, f64)> {
    let pairs: Vec<(f64, f64)> = log
        .epochs
        .iter()
        .filter_map(|epoch| Some((epoch.train.accuracy?, epoch.validation.accuracy?)))
        .collect();
    let later = if pairs.len() > 1 { &pairs[1..] } else { &pairs[..] };
    let last = &later[later.len().saturating_sub(LAST)..];
    last.iter()
        .copied()
        .min_by(|one, other| (one.1 - one.0).total_cmp(&(other.1 - other.0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::log::{Epoch, Figures};
    use crate::evidence::{Evidence, Part};
    use crate::testing::{ask, assert_close, clear, evidence, example, found, predicted, statistic};

    /// Training and validation accuracy of each epoch.
    fn with_log(epochs: &[(f64, f64)]) -> Evidence {
        let accuracy = |accuracy| Figures {
            accuracy: Some(accuracy),
            ..Figures::default()
        };
        let epochs = epochs.iter().map(|(train, validation)| Epoch {
            train: accuracy(*train),
            validation: accuracy(*validation),
            ..Epoch::default()
        });
        Evidence {
            log: Some(Log {
                epochs: epochs.collect(),
                ..Log::default()
            }),
            ..Evidence::default()
        }
    }

    #[test]
    fn a_validation_far_above_training_is_found() {
        let evidence = with_log(&[(0.40, 0.91), (0.62, 0.95), (0.64, 0.96)]);
        let found = example(Cause::EasyValidation, &evidence);
        assert_eq!(found.severity, Severity::Caution);
        assert_close(statistic(&found.measured), 0.32, 1e-9);
    }

    /// The origin case, and the first epoch of a fine-tuning.
    #[test]
    fn a_few_points_and_a_first_epoch_are_clear() {
        let cause = Cause::EasyValidation;
        clear(ask(cause, &with_log(&[(0.80, 0.83)])));
        clear(ask(cause, &with_log(&[(0.55, 0.88), (0.90, 0.91)])));
        let some = with_log(&[(0.55, 0.88), (0.76, 0.89)]);
        assert_eq!(found(ask(cause, &some)).severity, Severity::Note);
    }

    #[test]
    fn rows_of_a_finished_model_need_fewer_points() {
        let rows = |hits: u32, all: u32| {
            predicted(
                &(0..all)
                    .map(|row| (0, u32::from(row >= hits)))
                    .collect::<Vec<_>>(),
            )
        };
        let check = |train, validation| {
            ask(
                Cause::EasyValidation,
                &evidence(
                    &["a", "b"],
                    [rows(train, 1000), rows(validation, 1000), Part::default()],
                ),
            )
        };
        assert_eq!(found(check(800, 930)).severity, Severity::Caution);
        assert_eq!(found(check(850, 930)).severity, Severity::Note);
        clear(check(900, 930));
    }
}
