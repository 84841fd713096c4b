//! C32: texts are cut off earlier at prediction than in training.

use crate::check::{Check, significant};
use crate::comparison::{other, suspect};
use crate::evidence::Evidence;
use crate::finding::{Confidence, Family, Found, Measured, Missing, Outcome, Severity};
use crate::length_slices::LengthSlices;

/// The check.
pub const CHECK: Check = Check {
    id: "C32",
    name: "Long texts are cut off at prediction",
    family: Family::Input,
    run,
};

/// How many times as much accuracy long texts must lose as short ones.
const TIMES_SHORT: f64 = 2.0;

/// Found if a split is worse than the other beyond chance, and its long texts have lost at least twice as much accuracy as
/// its short ones (two-proportion test of short against long).
fn run(evidence: &Evidence) -> Result<Outcome, Missing> {
    let suspect = suspect(evidence)?;
    let reference = evidence.predicted(other(suspect.split))?;
    let texts = evidence.texts(suspect.split)?;
    let reference_texts = evidence.texts(other(suspect.split))?;
    let name = suspect.split.name();
    let slices = LengthSlices::new(&suspect.rows, texts, &reference, reference_texts);
    let Some(slices) = slices.filter(|_| suspect.below) else {
        let summary = format!("Long {name} texts are predicted as well as those of the other split.");
        return Ok(Outcome::clear(summary, Measured::new()));
    };
    let p_value = slices.test().map_or(1.0, |test| test.p_value);
    let measured = Measured::new()
        .statistic("loss of accuracy of long texts", slices.long_loss())
        .p_value(p_value)
        .with("loss_of_accuracy_of_short_texts", slices.short_loss())
        .with("longer_than_bytes", slices.cut);
    let long_suffer = slices.long_loss() > TIMES_SHORT * slices.short_loss().max(0.0)
        && slices.long_accuracy() < slices.short_accuracy();
    if !long_suffer || !significant(p_value) {
        let summary = format!(
            "What the {name} rows lose, short texts lose as well ({:.1} and {:.1} points).",
            100.0 * slices.short_loss(),
            100.0 * slices.long_loss()
        );
        return Ok(Outcome::clear(summary, measured));
    }
    Ok(Found {
        severity: Severity::Unsound,
        confidence: Confidence::Likely,
        summary: format!(
            "{name} texts of more than {} characters lose {:.1} points of accuracy against the other split, shorter ones {:.1}: long \
             texts are cut off, at their end or at their beginning, where they were not before.",
            slices.cut,
            100.0 * slices.long_loss(),
            100.0 * slices.short_loss()
        ),
        effect_points: Some(100.0 * (suspect.reference_accuracy().unwrap_or(0.0) - suspect.rows.accuracy())),
        fix: "Use one maximal length and one side of truncation for training and prediction, and save both with the model."
            .to_owned(),
        confirm: "compare the number of tokens of the longest texts in both code paths".to_owned(),
        measured,
    }
    .into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Part;
    use crate::testing::{FIVE, assert_close, clear, evidence, found, number, simulated, statistic};

    /// Every second text is long; of the long and the short ones of the test split other shares are right.
    fn by_length(short: f64, long: f64) -> Evidence {
        let text = |row: usize| "word ".repeat(if row.is_multiple_of(2) { 100 + row % 100 } else { 5 });
        let validation = simulated(5, 2000, 0.83, 1);
        let (mut test, others) = (simulated(5, 2000, short, 2), simulated(5, 2000, long, 3));
        for row in (0..2000).step_by(2) {
            test.truth[row] = others.truth[row];
            test.logits[row].clone_from(&others.logits[row]);
        }
        evidence(
            &FIVE,
            [
                Part::default(),
                validation.with_texts(text),
                test.with_texts(text),
            ],
        )
    }

    #[test]
    fn long_texts_that_lose_are_found() {
        let found = found(run(&by_length(0.83, 0.4)));
        assert_close(statistic(&found.measured), 0.43, 0.05);
        assert_close(
            number(&found.measured, "loss_of_accuracy_of_short_texts"),
            0.0,
            0.04,
        );
    }

    #[test]
    fn texts_that_lose_alike_or_not_at_all_are_clear() {
        clear(run(&by_length(0.83, 0.83)));
        clear(run(&by_length(0.5, 0.5)));
        clear(run(&by_length(0.4, 0.83)));
    }
}
