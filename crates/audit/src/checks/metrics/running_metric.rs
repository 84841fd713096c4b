//! # The logged training accuracy is a running mean
//!
//! Most frameworks collect the training accuracy while the epoch runs: over weights that still move,
//! and with dropout on. The validation accuracy is computed after the epoch, with dropout off. The two
//! do not belong to one model.
//!
//! ## Why the figures look good
//! The training figure looks too low, so that validation seems to be better than training, and a model
//! that has learned its training rows by heart looks as if it had not.
//!
//! ## How it is tested
//! The audit needs the predictions of the finished model for the training rows, and the training
//! accuracy in the log (the highest of the epochs that may have made the saved predictions). It
//! compares the two by the two-proportion z test with the pooled share `p`:
//!
//! ```text
//! z = (p1 - p2) / sqrt(p (1 - p) (1/n1 + 1/n2))
//! ```
//!
//! The cause is noted if the difference is significant (corrected p < 0.01) and the finished model is
//! better by at least 5 points, or by at least 2 points and makes at most half of the logged mistakes.
//! Smaller differences are usual. Where the finished model is *worse* than the log says, C23 looks at
//! the reason.
//!
//! ## What to do
//! Predict the training rows once more after the epoch, in prediction mode, and compare that figure
//! with validation.
//!
//! ## Example
//! For the data of the test `a_running_mean_is_found`, the audit prints:
//!
//! ```text
//! 1. The logged training accuracy is a running mean (C7, note, likely, −15.0 points in the log)
//!    The log says 80.0 % for the training rows, but the finished model gets 95.0 % of them right. The
//!    log's figure is a mean over the epoch, with dropout on and weights that still moved; do not
//!    compare it with the validation figure.
//!    What to do: Predict the training rows once more after the epoch, without dropout, to compare them
//!    with validation.
//!    How to make sure: evaluate the model on the training rows
//! ```
//!
//! ## References
//! - `keras-team/keras#10014`: training and evaluation on the same rows give different figures.
//! - Keras FAQ, *Why is my training loss much higher than my testing loss?*

use labelproof_artifact::Split;
use labelproof_metrics::comparison::two_proportion_z;

use crate::answer::effect::{self, Figure};
use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::case::Case;
use crate::case::epochs::train_accuracies;
use crate::evidence::Missing;

/// The difference from which on a running mean misleads; a smaller one is usual, and everybody has it.
const LEAST_DIFFERENCE: f64 = 0.05;

/// The difference from which on it does where it also is half of the logged mistakes.
const LEAST_NEAR_ONE: f64 = 0.02;

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    let rows = case.predicted(Split::Train)?;
    let logged = train_accuracies(case)?.into_iter().fold(0.0, f64::max);
    let scored = rows.accuracy();
    let count = rows.rows();
    let test = two_proportion_z(
        (rows.hit_count(), count),
        (rounded(logged * count as f64).min(count), count),
    );
    let p_value = test.map_or(1.0, |test| test.p_value);
    let measured = Measured::new()
        .statistic(
            "accuracy of the training rows as the finished model predicts them",
            scored,
        )
        .p_value(p_value)
        .with("logged_accuracy", logged);
    // Near 100 % no five points are left to lose.
    let halved = scored - logged >= LEAST_NEAR_ONE && 1.0 - logged >= 2.0 * (1.0 - scored);
    if !(scored - logged >= LEAST_DIFFERENCE || halved) || !case.significant(p_value) {
        let summary = format!(
            "The log says {:.1} % for the training rows, the finished model gets {:.1} % of them right.",
            100.0 * logged,
            100.0 * scored
        );
        return Ok(Answer::clear(summary, measured));
    }
    Ok(Diagnosis {
        severity: Severity::Note,
        confidence: Confidence::Likely,
        summary: format!(
            "The log says {:.1} % for the training rows, but the finished model gets {:.1} % of them right. \
             The log's figure is a mean over the epoch, with dropout on and weights that still moved; do not \
             compare it with the validation figure.",
            100.0 * logged,
            100.0 * scored
        ),
        effect: Some(effect::of(Figure::Logged, logged - scored)),
        fix: "Predict the training rows once more after the epoch, without dropout, to compare them with \
              validation."
            .to_owned(),
        confirm: "evaluate the model on the training rows".to_owned(),
        measured,
    }
    .into())
}

/// A count from a share of rows.
pub(crate) fn rounded(count: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to what a u64 holds, and a count is no fraction"
    )]
    let count = count.round().clamp(0.0, 9e15) as u64;
    count
}

#[cfg(test)]
mod tests {
    use crate::cause::Cause;
    use crate::evidence::Evidence;
    use crate::evidence::Part;
    use crate::testing::{ask, assert_close, clear, evidence, example, log, predicted, statistic};

    /// The finished model gets 950 of 1,000 training rows right.
    fn with_logged(accuracy: f64) -> Evidence {
        let rows: Vec<(u32, u32)> = (0..1000).map(|row| (0, u32::from(row >= 950))).collect();
        let mut log = log(&[(0.3, 0.9)]);
        log.epochs[0].train.accuracy = Some(accuracy);
        Evidence {
            log: Some(log),
            ..evidence(&["a", "b"], [predicted(&rows), Part::default(), Part::default()])
        }
    }

    #[test]
    fn a_running_mean_is_found() {
        let found = example(Cause::RunningMetric, &with_logged(0.8));
        assert_close(statistic(&found.measured), 0.95, 1e-12);
        assert_close(found.effect.unwrap().points, -15.0, 1e-9);
        // By hand: z = 0.15 / sqrt(0.875 · 0.125 · 2 / 1000) = 10.1419; SciPy's two-sided p is 3.602e-24.
        assert_close(found.measured.p_value.unwrap() / 3.602_083_368e-24, 1.0, 1e-6);
    }

    #[test]
    fn a_log_that_agrees_is_clear() {
        clear(ask(Cause::RunningMetric, &with_logged(0.93)));
        clear(ask(Cause::RunningMetric, &with_logged(0.99)));
    }
}
