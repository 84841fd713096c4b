//! # The training did not learn anything
//!
//! The loss never leaves the value of guessing. Some seeds of fine-tuning fail in this way, and so does
//! a training whose optimiser does not hold the head, or whose learning rate is far too large.
//!
//! ## Why the figures look good
//! On unbalanced data the accuracy of such a model is the share of the largest class, which may be
//! high. And who trains several seeds and shows the best one never sees that half of them failed.
//!
//! ## How it is tested
//! Whoever gives each of `K` classes the same probability has the loss `ln K`. The audit needs the log
//! and the number of classes:
//!
//! ```text
//! found:  least logged loss ≥ ln K - 0.05, and not
//!         (best accuracy > 1.5/K and best accuracy > share of the largest validation class + 0.05)
//! ```
//!
//! Losses of training and validation both count. The finding is certain.
//!
//! ## What to do
//! Try other seeds, a lower learning rate and a warm-up, and make sure that the head is given to the
//! optimiser. Compare at least three seeds before a model is chosen; `labelproof compare` compares two
//! runs of a pipeline row by row.
//!
//! ## Example
//! For the data of the test `a_loss_that_stays_at_guessing_is_found`, the audit prints:
//!
//! ```text
//! 1. The training did not learn anything (C26, fault, certain)
//!    The loss never fell clearly below 1.386, what guessing among 4 classes gives: the model has
//!    learnt nothing.
//!    What to do: Try other seeds, a lower learning rate with warm-up, and make sure that the head is
//!    given to the optimiser; compare at least three seeds before a model is chosen.
//!    How to make sure: train with two other seeds
//! ```
//!
//! ## References
//! - Dodge and others, 2020, *Fine-Tuning Pretrained Language Models: Weight Initializations, Data
//!   Orders, and Early Stopping*.
//! - Mosbach, Andriushchenko and Klakow, 2021, *On the Stability of Fine-tuning BERT*.
//! - `huggingface/transformers#68` and `huggingface/transformers#11443`: results that depend on the
//!   seed.

use labelproof_artifact::Split;

use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::case::Case;
use crate::evidence::{Missing, Need};
use crate::measures::class_counts::largest_share;

/// How little below `ln K` a loss may be that learnt nothing.
const MARGIN: f64 = 0.05;

/// How many times the accuracy of guessing shows that something was learnt, whatever the loss is.
const LEARNT: f64 = 1.5;

/// How far above the share of the largest class an accuracy shows the same.
const ABOVE_LARGEST: f64 = 0.05;

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    let classes = case.evidence.classes().ok_or(Need::Log)?;
    let log = case.evidence.log()?;
    let losses = log
        .epochs
        .iter()
        .flat_map(|epoch| [epoch.validation.loss, epoch.train.loss])
        .flatten();
    let least = losses.fold(f64::INFINITY, f64::min);
    if !least.is_finite() {
        return Err(Need::Log.into());
    }
    let guessing = (classes.max(2) as f64).ln();
    let measured = Measured::new()
        .statistic("least logged loss", least)
        .with("loss_of_guessing", guessing);
    let accuracy = log
        .epochs
        .iter()
        .filter_map(|epoch| epoch.validation.accuracy.or(epoch.train.accuracy))
        .fold(0.0, f64::max);
    if least < guessing - MARGIN {
        let summary = format!("The loss fell to {least:.3}, below that of guessing ({guessing:.3}).");
        return Ok(Answer::clear(summary, measured));
    }
    if accuracy > LEARNT / classes.max(2) as f64
        && accuracy > largest_share(&case.evidence.dataset, Split::Validation) + ABOVE_LARGEST
    {
        let summary = format!(
            "The accuracy rose to {:.1} %, which guessing does not.",
            100.0 * accuracy
        );
        return Ok(Answer::clear(summary, measured));
    }
    Ok(Diagnosis {
        severity: Severity::Unsound,
        confidence: Confidence::Certain,
        summary: format!(
            "The loss never fell clearly below {guessing:.3}, what guessing among {classes} classes gives: \
             the model has learnt nothing."
        ),
        effect: None,
        fix: "Try other seeds, a lower learning rate with warm-up, and make sure that the head is given to \
              the optimiser; compare at least three seeds before a model is chosen."
            .to_owned(),
        confirm: "train with two other seeds".to_owned(),
        measured,
    }
    .into())
}

#[cfg(test)]
mod tests {
    use crate::cause::Cause;
    use crate::evidence::Evidence;
    use crate::evidence::Part;
    use crate::testing::{
        ask, assert_close, clear, evidence, example, found, log, number, predicted, statistic,
    };

    fn with_log(epochs: &[(f64, f64)]) -> Evidence {
        Evidence {
            log: Some(log(epochs)),
            class_count: Some(4),
            ..Evidence::default()
        }
    }

    #[test]
    fn a_loss_that_stays_at_guessing_is_found() {
        let found = example(Cause::FailedRun, &with_log(&[(1.39, 0.25), (1.385, 0.26)]));
        assert_close(statistic(&found.measured), 1.385, 1e-12);
        assert_close(number(&found.measured, "loss_of_guessing"), 4.0_f64.ln(), 1e-12);
    }

    #[test]
    fn a_loss_that_fell_is_clear() {
        clear(ask(Cause::FailedRun, &with_log(&[(1.39, 0.25), (0.9, 0.26)])));
        // Something was learnt, whatever the loss is made of.
        clear(ask(Cause::FailedRun, &with_log(&[(2.0, 0.8)])));
        clear(ask(Cause::FailedRun, &with_log(&[(1.38, 0.40)])));
    }

    /// Guessing the largest class is right often, and nothing was learnt all the same.
    #[test]
    fn an_accuracy_that_the_largest_class_gives_shows_nothing() {
        let rows: Vec<(u32, u32)> = (0..100).map(|row| (u32::from(row >= 80), 0)).collect();
        let evidence = Evidence {
            log: Some(log(&[(1.39, 0.80)])),
            ..evidence(
                &["a", "b", "c", "d"],
                [Part::default(), predicted(&rows), Part::default()],
            )
        };
        found(ask(Cause::FailedRun, &evidence));
    }
}
