//! # Training that stopped too early or learns too little
//!
//! The model has not learned what the data offer: the learning rate is too small, the epochs are too
//! few, or a frozen encoder does not have the features.
//!
//! ## Why the figures look good
//! Training and validation agree, which is often read as "no overfitting". A cheap model that counts
//! words would do better.
//!
//! ## How it is tested
//! The audit needs the training accuracy (of the finished model, or else the logged one) and the
//! validation accuracy. The model is compared on the validation rows with the cheap model (TF-IDF and
//! logistic regression), by McNemar's exact test, or by the two-proportion test where only the logged
//! accuracy is known:
//!
//! ```text
//! behind      the cheap model is significantly better (corrected p < 0.01), by at least 5 points, and
//!             training is at most 5 points above validation, or below the cheap model's validation
//! unfinished  the last epoch is the best by validation loss, and lowered it by at least 5 %; training is
//!             at most 5 points above validation, and at least half as often wrong
//! ```
//!
//! A model that has hardly anything left to learn on its training rows was not stopped too early, and
//! one that does worse on them than the cheap model does on rows it never saw knows none by heart.
//! Behind is a caution, and unsound if the model is not even better than the share of the largest
//! class. Unfinished alone is a note, and certain.
//!
//! ## What to do
//! Train longer, raise the learning rate (ten times as high for a head on a frozen encoder), or train
//! the encoder too.
//!
//! ## Example
//! For the data of the test `a_head_that_learned_less_than_words_tell_is_found`, the audit prints:
//!
//! ```text
//! 1. Training that stopped too early or learns too little (C56, caution, likely, −27.0 points of
//!    accuracy)
//!    The model is right on 73.0 % of the validation rows and 71.0 % of the training rows; counting
//!    words, without any encoder, gets 100.0 % on the same validation rows. It has not learned what the
//!    texts offer.
//!    What to do: Train longer, raise the learning rate (ten times as high for a head on a frozen
//!    encoder), or train the encoder too.
//!    How to make sure: Train for three times as many epochs and see whether training and validation
//!    accuracy rise.
//! ```
//!
//! ## References
//! - The origin case has these signs: a training accuracy of 0.802 below the validation accuracy of
//!   0.830, at a learning rate of 4e-5 with a frozen encoder.

use labelproof_artifact::Split;
use labelproof_metrics::comparison::{mcnemar, two_proportion_z};

use crate::answer::effect::{self, Figure};
use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::answer::wording::{percent, rounded};
use crate::case::Case;
use crate::evidence::log::Log;
use crate::evidence::{Missing, Need};
use crate::measures::class_counts::largest_share;

/// How far training accuracy may lie above validation accuracy in a model that learned too little.
const NEAR: f64 = 0.05;
/// The share of the mistakes on validation rows that a model which is still learning makes on training rows.
const STILL_WRONG: f64 = 0.5;
/// How much better the baseline must be.
const MATERIAL: f64 = 0.05;
/// A fall of the loss in the last epoch, as a share of it, that goes on.
const STEEP: f64 = 0.05;

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    let log = case.evidence.log()?;
    let reported = log.reported().ok_or(Need::TrainLog)?;
    // Of the finished model, where its training predictions are given: the log's is a mean over a moving
    // epoch.
    let train = case
        .predicted(Split::Train)
        .ok()
        .map(|rows| rows.accuracy())
        .or(reported.train.accuracy)
        .ok_or(Need::TrainLog)?;
    let validation = reported
        .validation
        .accuracy
        .or_else(|| case.predicted(Split::Validation).ok().map(|rows| rows.accuracy()))
        .ok_or(Need::ValidationAccuracy)?;
    let baseline = compare_with_baseline(case);
    let falling = last_fall(log);
    let mut measured = Measured::new()
        .with("train_accuracy", rounded(train))
        .with("validation_accuracy", rounded(validation))
        .with("fall_of_the_loss_in_the_last_epoch", falling.map(rounded));
    if let Some(baseline) = &baseline {
        measured = measured
            .statistic(
                "baseline accuracy above the model's",
                rounded(baseline.accuracy - validation),
            )
            .p_value(baseline.p_value)
            .with("baseline_accuracy", rounded(baseline.accuracy));
    }
    let near = train - validation <= NEAR;
    let behind = baseline.as_ref().filter(|baseline| {
        // Who does worse on known rows than the baseline on unknown ones knows none by heart.
        let not_by_heart = near || train < baseline.accuracy;
        not_by_heart && case.significant(baseline.p_value) && baseline.accuracy - validation >= MATERIAL
    });
    let left_to_learn = 1.0 - train >= STILL_WRONG * (1.0 - validation);
    let unfinished = near && left_to_learn && falling.is_some_and(|fall| fall >= STEEP);
    let fix = "Train longer, raise the learning rate (ten times as high for a head on a frozen encoder), or \
               train the encoder too.";
    let confirm =
        "Train for three times as many epochs and see whether training and validation accuracy rise.";
    if let Some(baseline) = behind {
        let still = if unfinished {
            " The loss was still falling when it stopped."
        } else {
            ""
        };
        return Ok(Diagnosis {
            severity: if validation <= largest_share(&case.evidence.dataset, Split::Validation) {
                Severity::Unsound
            } else {
                Severity::Caution
            },
            confidence: Confidence::Likely,
            summary: format!(
                "The model is right on {} of the validation rows and {} of the training rows; counting \
                 words, without any encoder, gets {} on the same validation rows. It has not learned what \
                 the texts offer.{still}",
                percent(validation),
                percent(train),
                percent(baseline.accuracy),
            ),
            effect: Some(effect::of(Figure::EverySplit, validation - baseline.accuracy)),
            fix: String::from(fix),
            confirm: String::from(confirm),
            measured,
        }
        .into());
    }
    if unfinished {
        return Ok(Diagnosis {
            severity: Severity::Note,
            confidence: Confidence::Certain,
            summary: format!(
                "The training ended while it was still getting better: the last epoch lowered the validation \
                 loss by {}, and training accuracy ({}) is not far above validation accuracy ({}).",
                percent(falling.unwrap_or(0.0)),
                percent(train),
                percent(validation),
            ),
            effect: None,
            fix: String::from(fix),
            confirm: String::from(confirm),
            measured,
        }
        .into());
    }
    Ok(Answer::clear(
        "the training neither stopped on the way down nor fell behind a simple classifier",
        measured,
    ))
}

struct Comparison {
    accuracy: f64,
    p_value: f64,
}

/// The baseline on the validation rows, against the model's hits there or as logged.
fn compare_with_baseline(case: &Case<'_>) -> Option<Comparison> {
    let hits = case.baseline().ok()?.hits(case.evidence, Split::Validation)?;
    let right = hits.iter().filter(|hit| **hit).count() as u64;
    let accuracy = right as f64 / hits.len().max(1) as f64;
    let p_value = if let Ok(predicted) = case.predicted(Split::Validation) {
        let model: Vec<bool> = predicted.hits().collect();
        mcnemar(&hits, &model).ok()?.p_value
    } else {
        let logged = case.validation_hits().ok()?;
        two_proportion_z((right, hits.len() as u64), logged)?.p_value
    };
    Some(Comparison { accuracy, p_value })
}

/// By what share the last epoch lowered the validation loss, if it is the best of all.
fn last_fall(log: &Log) -> Option<f64> {
    let losses: Vec<f64> = log
        .epochs
        .iter()
        .filter_map(|epoch| epoch.validation.loss)
        .collect();
    let (&last, before) = losses.split_last()?;
    let best = before.iter().copied().fold(f64::INFINITY, f64::min);
    let previous = *before.last()?;
    (last < best && previous > 0.0).then(|| (previous - last) / previous)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::Cause;
    use crate::evidence::Evidence;
    use crate::evidence::log::{Epoch, Figures};
    use crate::testing::{ask, clear, evidence, example, found, part};

    fn epoch(train: f64, validation: f64, loss: f64) -> Epoch {
        Epoch {
            train: Figures {
                accuracy: Some(train),
                ..Figures::default()
            },
            validation: Figures {
                accuracy: Some(validation),
                loss: Some(loss),
                ..Figures::default()
            },
            ..Epoch::default()
        }
    }

    fn trained(epochs: Vec<Epoch>) -> Evidence {
        let rows = |from: u32, to: u32| -> Vec<(String, u32)> {
            (from..to)
                .map(|row| (format!("{} text", ["road", "school"][row as usize % 2]), row % 2))
                .collect()
        };
        let mut evidence = evidence(
            &["a", "b"],
            [part(&rows(0, 100)), part(&rows(100, 300)), part(&rows(0, 0))],
        );
        evidence.log = Some(Log {
            epochs,
            validation_rows: Some(200),
            ..Log::default()
        });
        evidence
    }

    #[test]
    fn a_head_that_learned_less_than_words_tell_is_found() {
        let found = example(
            Cause::Underfitting,
            &trained(vec![epoch(0.7, 0.72, 0.7), epoch(0.71, 0.73, 0.69)]),
        );
        assert_eq!(found.severity, Severity::Caution);
        assert!((found.effect.unwrap().points + 27.0).abs() < 1e-9);
        assert_eq!(found.measured.evidence["baseline_accuracy"], 1.0);
    }

    #[test]
    fn a_loss_that_still_falls_is_noted() {
        let epochs = vec![epoch(0.9, 0.95, 0.6), epoch(0.95, 0.98, 0.4)];
        let found = found(ask(Cause::Underfitting, &trained(epochs)));
        assert_eq!(found.severity, Severity::Note);
        // Nothing is left to learn on the training rows but how sure to be of them.
        let learnt = vec![epoch(0.99, 0.97, 0.6), epoch(0.999, 0.975, 0.4)];
        clear(ask(Cause::Underfitting, &trained(learnt)));
        assert!(
            (found.measured.evidence["fall_of_the_loss_in_the_last_epoch"]
                .as_f64()
                .unwrap()
                - 1.0 / 3.0)
                .abs()
                < 1e-6
        );
    }

    /// The baseline is right on all validation rows, the model on every sixth, and on training rows hardly
    /// more often; of the rows that are learnt by heart it would be right on nearly all.
    #[test]
    fn a_model_that_is_worse_on_known_rows_than_words_on_unknown_ones_learned_too_little() {
        let little = vec![epoch(0.1, 0.1, 2.3), epoch(0.23, 0.16, 2.25)];
        assert_eq!(
            found(ask(Cause::Underfitting, &trained(little))).severity,
            Severity::Unsound
        );
        let by_heart = vec![epoch(0.9, 0.6, 0.9), epoch(1.0, 0.7, 0.8)];
        clear(ask(Cause::Underfitting, &trained(by_heart)));
    }

    #[test]
    fn a_finished_training_is_clear() {
        clear(ask(
            Cause::Underfitting,
            &trained(vec![epoch(0.97, 0.98, 0.1), epoch(1.0, 0.98, 0.11)]),
        ));
    }
}
