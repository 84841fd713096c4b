//! C27: export, another precision or another device changes what the model says.

use crate::answer::finding::{Confidence, Family, Found, Measured, Missing, Need, Outcome, Severity};
use crate::catalogue::Check;
use crate::evidence::Evidence;

/// The check.
pub const CHECK: Check = Check {
    id: "C27",
    name: "The saved model predicts otherwise than it did when it was evaluated",
    family: Family::Weights,
    run,
};

/// The share of rows that must get the same class.
const LEAST_AGREEMENT: f64 = 0.995;

/// Predicts some test rows again, from their text, with the bundle, and compares with the saved predictions.
fn run(evidence: &Evidence) -> Result<Outcome, Missing> {
    let bundle = evidence.bundle.as_ref().ok_or(Need::SecondPredictions)?;
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
        return Ok(Outcome::clear(summary, measured));
    }
    Ok(Found {
        severity: Severity::Unsound,
        confidence: Confidence::Certain,
        summary: format!(
            "Of {} test rows that the bundle predicted again from their text, {} get another class than the saved predictions say, and \
             probabilities differ by up to {:.2}. The saved predictions are not what this bundle says of these texts.",
            replay.rows,
            replay.rows - replay.same_class,
            replay.largest_difference
        ),
        effect_points: None,
        fix: "Predict again with the bundle that you ship and compute the figures from that.".to_owned(),
        confirm: "labelproof predict --bundle DIR --input FILE, compared with the saved predictions".to_owned(),
        measured,
    }
    .into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::bundle::{BundleFacts, Replay};
    use crate::testing::{assert_close, clear, found, statistic};

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
        let found = found(run(&replayed(48, 0.4)));
        assert_close(statistic(&found.measured), 0.75, 1e-12);
        assert!(
            found.summary.contains("16 get another class"),
            "{}",
            found.summary
        );
    }

    #[test]
    fn rows_that_are_predicted_alike_are_clear() {
        clear(run(&replayed(64, 1e-4)));
    }

    #[test]
    fn a_bundle_without_test_texts_cannot_be_replayed() {
        let evidence = Evidence {
            bundle: Some(BundleFacts::default()),
            ..Evidence::default()
        };
        assert_eq!(
            run(&evidence),
            Err(Missing(vec![Need::TestTexts, Need::TestScores]))
        );
    }
}
