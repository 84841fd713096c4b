//! # The predictions are of another epoch than the figures
//!
//! The report shows the best epoch, and the weights that predict are those of the last one, or of a
//! checkpoint that was chosen by another figure.
//!
//! ## Why the figures look good
//! The best line of a log is always good. Nothing ties it to the weights that are in memory or on disk
//! after training.
//!
//! ## How it is tested
//! The audit needs validation predictions and the log of at least two epochs. The epochs that may have
//! made the predictions are those whose logged accuracy is that of the rows (within 0.6 rows) and whose
//! logged loss, where both are known, is theirs within 0.5 %. They are compared with the epoch that the
//! log says was kept, or else with the best by loss or by accuracy:
//!
//! ```text
//! lost = best logged accuracy - accuracy of the saved predictions
//! ```
//!
//! Another epoch than the best is unsound if it costs at least 1 point, a caution if it is the last
//! epoch, which is what most frameworks leave, and a note if it costs less. The test rows are looked at
//! as well: if the model was clearly more or less sure of itself there, and their loss and accuracy are
//! within two standard errors of an epoch that validation is not of, the two splits were predicted by
//! different weights. Texts of another kind (C48) or other shares of the classes (C47) would explain
//! that too, and take precedence.
//!
//! ## What to do
//! Save the weights of the best epoch and load them before anything is predicted or reported:
//! `restore_best_weights=True` in Keras, `load_best_model_at_end=True` in transformers.
//!
//! ## Example
//! For the data of the test `the_last_epoch_in_place_of_the_best_is_found`, the audit prints:
//!
//! ```text
//! 1. The predictions are of another epoch than the figures (C21, caution, likely, −10.0 points of
//!    accuracy)
//!    The saved validation predictions are those of epoch 3 (80.0 %), the last one; the log's best is
//!    epoch 2 (90.0 %). Who reports the best epoch and predicts with this one has figures and weights
//!    of two models.
//!    What to do: Save the weights of the best epoch and load them before anything is predicted or
//!    reported (`restore_best_weights=True`, `load_best_model_at_end=True`).
//!    How to make sure: predict the validation rows with the checkpoint that you ship, and compare with
//!    the log
//! ```
//!
//! ## References
//! - `huggingface/transformers#15547` and `huggingface/transformers#28539`: the reported checkpoint is
//!   not the one that was saved.
//! - `ThilinaRajapakse/simpletransformers#1023`: the same in another library.

use labelproof_artifact::Split;

use crate::answer::effect::{self, Figure};
use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::case::Case;
use crate::case::epochs::predicting_epochs;
use crate::case::suspect::confidence_shift;
use crate::cause::Cause;
use crate::evidence::{Missing, Need};
use crate::measures::validated_epochs::best_epochs;

/// The accuracy from which on another epoch is worse for the user.
const WORSE: f64 = 0.01;

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    let rows = case.predicted(Split::Validation)?;
    let log = case.evidence.log()?;
    let accuracy = rows.accuracy();
    let accuracies: Vec<Option<f64>> = log.epochs.iter().map(|epoch| epoch.validation.accuracy).collect();
    let best_accuracy = accuracies
        .iter()
        .flatten()
        .copied()
        .fold(f64::NEG_INFINITY, f64::max);
    if accuracies.len() < 2 || best_accuracy < 0.0 {
        return Err(Need::Log.into());
    }
    let matching = predicting_epochs(case, true)?;
    let best: Vec<usize> = match log.kept {
        Some(kept) => vec![kept],
        None => best_epochs(log),
    };
    let measured = Measured::new()
        .statistic("validation accuracy of the saved predictions", accuracy)
        .with("best_logged_accuracy", best_accuracy)
        .with(
            "epochs_that_match",
            matching.iter().map(|epoch| epoch + 1).collect::<Vec<_>>(),
        );
    if let Some(outcome) = test_of_another_epoch(case, &matching)? {
        return Ok(outcome);
    }
    let same = matching.is_empty() || matching.iter().any(|epoch| best.contains(epoch));
    if same {
        let summary = if matching.is_empty() {
            "The saved predictions are not those of any logged epoch by accuracy and loss.".to_owned()
        } else {
            "The saved predictions are those of the best epoch.".to_owned()
        };
        return Ok(Answer::clear(summary, measured));
    }
    let lost = best_accuracy - accuracy;
    let last = matching.contains(&(log.epochs.len() - 1));
    Ok(Diagnosis {
        severity: match (last, lost >= WORSE) {
            (_, false) => Severity::Note,
            // The last epoch's weights are what most frameworks leave; nothing is wrong but the choice.
            (true, true) => Severity::Caution,
            (false, true) => Severity::Unsound,
        },
        confidence: Confidence::Likely,
        summary: format!(
            "The saved validation predictions are those of epoch {} ({:.1} %){}; the log's best is epoch {} \
             ({:.1} %). Who reports the best epoch and predicts with this one has figures and weights of two \
             models.",
            matching[0] + 1,
            100.0 * accuracy,
            if last { ", the last one" } else { "" },
            best[0] + 1,
            100.0 * best_accuracy
        ),
        effect: Some(effect::of(Figure::EverySplit, -lost)),
        fix: "Save the weights of the best epoch and load them before anything is predicted or reported \
              (`restore_best_weights=True`, `load_best_model_at_end=True`)."
            .to_owned(),
        confirm: "predict the validation rows with the checkpoint that you ship, and compare with the \
                  log"
        .to_owned(),
        measured,
    }
    .into())
}

/// The epoch whose logged validation figures are those of the *test* rows, where the model was clearly less
/// or more sure of itself on these: then test was predicted with the weights of that epoch, and validation
/// with others.
fn test_of_another_epoch(case: &Case<'_>, validation_epochs: &[usize]) -> Result<Option<Answer>, Missing> {
    let log = case.evidence.log()?;
    let Ok(test) = case.scored(Split::Test) else {
        return Ok(None);
    };
    let shift = confidence_shift(case, Split::Test);
    // Other texts, and other shares of the classes, change the loss and the confidence as well.
    let other_rows = [Cause::TextDrift, Cause::ClassShift]
        .into_iter()
        .any(|cause| case.finds_at_least(cause, Severity::Caution));
    if other_rows || !shift.is_ok_and(|shift| shift.changed) {
        return Ok(None);
    }
    let losses = test.losses();
    let rows = losses.len() as f64;
    let loss = losses.iter().sum::<f64>() / rows;
    let variance = losses.iter().map(|own| (own - loss).powi(2)).sum::<f64>() / rows;
    let validation_rows = case
        .predicted(Split::Validation)
        .map_or(rows, |part| part.rows() as f64);
    let pooled = 1.0 / rows + 1.0 / validation_rows;
    let accuracy = test.predicted.accuracy();
    let near = |epoch: &usize| {
        let figures = log.epochs[*epoch].validation;
        let near_loss = figures
            .loss
            .is_some_and(|logged| (logged - loss).abs() <= 2.0 * (variance * pooled).sqrt());
        let spread = (accuracy * (1.0 - accuracy) * pooled).sqrt();
        near_loss
            && figures
                .accuracy
                .is_some_and(|logged| (logged - accuracy).abs() <= 2.0 * spread)
    };
    let mut epochs = (0..log.epochs.len()).filter(|epoch| !validation_epochs.contains(epoch));
    let Some(epoch) = epochs.find(near).filter(|_| !validation_epochs.iter().any(near)) else {
        return Ok(None);
    };
    let logged = log.epochs[epoch].validation;
    let reported = case
        .validation_hits()
        .map_or(accuracy, |(hits, rows)| hits as f64 / rows as f64);
    Ok(Some(
        Diagnosis {
            severity: Severity::Unsound,
            confidence: Confidence::Likely,
            summary: format!(
                "The test rows were predicted with other weights than the validation rows: their loss \
                 ({loss:.3}) and accuracy ({:.1} %) are those that the log gives for epoch {} ({:.3} and \
                 {:.1} %), not those of the saved validation predictions ({:.1} %).",
                100.0 * accuracy,
                epoch + 1,
                logged.loss.unwrap_or_default(),
                100.0 * logged.accuracy.unwrap_or_default(),
                100.0 * reported
            ),
            effect: effect::of_difference(
                Figure::Accuracy(Split::Test),
                (test.predicted.hit_count(), test.predicted.rows()),
                case.validation_hits().unwrap_or_default(),
            ),
            fix: "Save the weights of the epoch that you report and load these, and no others, before \
                  anything is predicted."
                .to_owned(),
            confirm:
                "predict the validation rows with the weights that predicted the test rows, and compare with \
                 the log"
                    .to_owned(),
            measured: Measured::new()
                .statistic("loss of the test rows", loss)
                .with("epoch", epoch + 1),
        }
        .into(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Evidence;
    use crate::evidence::Part;
    use crate::testing::{ask, assert_close, clear, evidence, example, log, predicted};

    /// The saved predictions get 80 of 100 rows right.
    fn with_log(accuracies: [f64; 3], kept: Option<usize>) -> Evidence {
        let rows: Vec<(u32, u32)> = (0..100).map(|row| (0, u32::from(row >= 80))).collect();
        let mut log = log(&accuracies.map(|accuracy| (1.0 - accuracy, accuracy)));
        log.kept = kept;
        Evidence {
            log: Some(log),
            ..evidence(&["a", "b"], [Part::default(), predicted(&rows), Part::default()])
        }
    }

    #[test]
    fn the_last_epoch_in_place_of_the_best_is_found() {
        let found = example(Cause::OtherCheckpoint, &with_log([0.7, 0.9, 0.8], None));
        assert_eq!(
            found.measured.evidence["epochs_that_match"],
            serde_json::json!([3])
        );
        assert!(
            found
                .summary
                .contains("epoch 3 (80.0 %), the last one; the log's best is epoch 2 (90.0 %)"),
            "{}",
            found.summary
        );
        assert_close(found.effect.unwrap().points, -10.0, 1e-9);
        assert_eq!(found.severity, Severity::Caution);
    }

    #[test]
    fn predictions_of_the_best_epoch_are_clear() {
        clear(ask(Cause::OtherCheckpoint, &with_log([0.7, 0.8, 0.75], None)));
        clear(ask(Cause::OtherCheckpoint, &with_log([0.7, 0.9, 0.8], Some(2))));
        // Of no epoch at all.
        clear(ask(Cause::OtherCheckpoint, &with_log([0.7, 0.9, 0.75], None)));
    }
}
