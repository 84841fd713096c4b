//! # The saved model predicts otherwise than it did when it was evaluated
//!
//! The model was converted after it was evaluated: to 16 bits, to ONNX, quantised, or moved to another
//! device. Or the saved predictions are simply not those of the saved model.
//!
//! ## Why the figures look good
//! The figures are of the model before the conversion. Nobody predicts the test rows again with the one
//! that is shipped.
//!
//! ## How it is tested
//! The audit needs a bundle (`--bundle`) and test rows with texts and saved predictions. It predicts up
//! to 64 of them, evenly spread, from their text:
//!
//! ```text
//! agreement = rows that get the saved class again / rows
//! found:      agreement < 0.995, or a probability differs by 0.05 or more
//! ```
//!
//! The finding is certain, because the two sets of predictions are of the same rows. Differences of
//! probabilities are known only where the file has the scores of the bundle's classes.
//!
//! ## What to do
//! Predict again with the bundle that you ship and compute the figures from that. For an exported
//! model, predict the same rows with it and with the original and count the rows that get another
//! class.
//!
//! ## Example
//! For the data of the test `rows_that_get_another_class_are_found`, the audit prints:
//!
//! ```text
//! 1. The saved model predicts otherwise than it did when it was evaluated (C27, fault, certain)
//!    Of 64 test rows that the bundle predicted again from their text, 16 get another class than the
//!    saved predictions say, and probabilities differ by up to 0.40. The saved predictions are not what
//!    this bundle says of these texts.
//!    What to do: Predict again with the bundle that you ship and compute the figures from that.
//!    How to make sure: labelproof predict --bundle DIR --input FILE, compared with the saved
//!    predictions
//! ```
//!
//! ## References
//! - PyTorch documentation, *Numerical accuracy*: results of other precisions, devices and batch sizes
//!   need not be equal bit by bit.

use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::case::Case;
use crate::evidence::{Missing, Need};

/// The share of rows that must get the same class.
const LEAST_AGREEMENT: f64 = 0.995;

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    let bundle = case.evidence.bundle.as_ref().ok_or(Need::SecondPredictions)?;
    let Some(replay) = bundle.replay else {
        return Err(Missing(vec![Need::TestTexts, Need::TestScores]));
    };
    let agreement = replay.same_class as f64 / replay.rows.max(1) as f64;
    let measured = Measured::new()
        .statistic("share of rows that get the same class again", agreement)
        .with("rows", replay.rows)
        .with("largest_difference_of_a_probability", replay.largest_difference);
    if agreement >= LEAST_AGREEMENT && replay.largest_difference < 0.05 {
        let summary = format!(
            "{} test rows, predicted again from their text, get the classes that were saved.",
            replay.rows
        );
        return Ok(Answer::clear(summary, measured));
    }
    Ok(Diagnosis {
        severity: Severity::Unsound,
        confidence: Confidence::Certain,
        summary: format!(
            "Of {} test rows that the bundle predicted again from their text, {} get another class than the \
             saved predictions say, and probabilities differ by up to {:.2}. The saved predictions are not \
             what this bundle says of these texts.",
            replay.rows,
            replay.rows - replay.same_class,
            replay.largest_difference
        ),
        effect: None,
        fix: "Predict again with the bundle that you ship and compute the figures from that.".to_owned(),
        confirm: "labelproof predict --bundle DIR --input FILE, compared with the saved \
                  predictions"
            .to_owned(),
        measured,
    }
    .into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::Cause;
    use crate::evidence::Evidence;
    use crate::evidence::bundle::{BundleFacts, Replay};
    use crate::testing::{ask, assert_close, clear, example, statistic};

    fn replayed(same_class: usize, largest_difference: f64) -> Evidence {
        let replay = Replay {
            rows: 64,
            same_class,
            largest_difference,
        };
        Evidence {
            bundle: Some(BundleFacts {
                replay: Some(replay),
                ..BundleFacts::default()
            }),
            ..Evidence::default()
        }
    }

    #[test]
    fn rows_that_get_another_class_are_found() {
        let found = example(Cause::ExportChanged, &replayed(48, 0.4));
        assert_close(statistic(&found.measured), 0.75, 1e-12);
        assert!(
            found.summary.contains("16 get another class"),
            "{}",
            found.summary
        );
    }

    #[test]
    fn rows_that_are_predicted_alike_are_clear() {
        clear(ask(Cause::ExportChanged, &replayed(64, 1e-4)));
    }

    #[test]
    fn a_bundle_without_test_texts_cannot_be_replayed() {
        let evidence = Evidence {
            bundle: Some(BundleFacts::default()),
            ..Evidence::default()
        };
        assert_eq!(
            ask(Cause::ExportChanged, &evidence),
            Err(Missing(vec![Need::TestTexts, Need::TestScores]))
        );
    }
}
