//! # Padding takes part in the prediction
//!
//! Pooling or attention sees the padded places, so a prediction depends on how far its batch was
//! padded: `GlobalMaxPool1D` over all places, a mean divided by the padded length, or an attention mask
//! that is not given to every layer.
//!
//! ## Why the figures look good
//! As long as all splits are padded to the same length, the model learns to live with it and the splits
//! agree. The fault shows when prediction pads to another length, or to the longest text of a batch.
//!
//! ## How it is tested
//! A bundle must give a text the same probabilities alone and padded beside longer ones (up to 16
//! texts), to 0.001, or to 0.02 where it computes in fewer than 32 bits. From files, the audit needs a
//! split that was predicted in another way than the other one (see C20 for the conditions), and
//! compares short texts, which are padded most, with long ones; each class is cut at its own median:
//!
//! ```text
//! loss(short) > 2 · loss(long)        loss = accuracy of the other split - accuracy of this one
//! z = two-proportion test of the hits of short against long texts of this split
//! ```
//!
//! It is likely if the test is significant (corrected p < 0.01), and certain in a bundle.
//!
//! ## What to do
//! Give the attention mask to every layer and leave padding out of pooling: set padded places to minus
//! infinity before a maximum, and divide a mean by the number of real tokens.
//!
//! ## Example
//! For the data of the test `short_texts_that_lose_are_found`, the audit prints:
//!
//! ```text
//! 1. Padding takes part in the prediction (C34, fault, likely, −26.4 [−29.1…−23.6] points of test
//!    accuracy)
//!    Short test texts lose 52.2 points of accuracy against the other split, long ones -0.5. Short
//!    texts are padded most: pooling or attention sees the padding, and the two splits were padded to
//!    different lengths.
//!    What to do: Give the attention mask to every layer, and leave padding out of pooling: set padded
//!    places to minus infinity before a maximum, and divide a mean by the number of real tokens.
//!    How to make sure: predict a short text alone and beside a long one and compare the scores
//! ```
//!
//! ## References
//! - `keras-team/keras#3777` and `keras-team/keras#13867`: maximum pooling without masks;
//!   `keras-team/keras#10913` added them to average pooling only.
//! - `tensorflow/tensorflow#49262` and `castorini/castor#176`.

use labelproof_settings::Precision;

use crate::answer::effect::Effect;
use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::case::Case;
use crate::case::odd_split::odd_split;
use crate::case::suspect::{other, suspect};
use crate::evidence::{Missing, Need};
use crate::measures::length_slices::LengthSlices;

/// The largest difference of a probability that rounding explains. In 16 bits, logits of another order of
/// sums were seen to differ by up to 0.02, and a probability of one half moves by a quarter of that.
fn rounding(precision: Precision) -> f64 {
    match precision {
        Precision::Float32 => 1e-3,
        Precision::Bfloat16 | Precision::Int8 => 2e-2,
    }
}

/// How many times as much accuracy short texts must lose as long ones.
const TIMES_LONG: f64 = 2.0;

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    if let Some(bundle) = &case.evidence.bundle {
        let measured = Measured::new().statistic(
            "largest difference of a probability, alone and padded",
            bundle.padding_difference,
        );
        if bundle.padding_difference <= rounding(bundle.precision) {
            let summary = "A text gets the same scores alone and in a padded batch.";
            return Ok(Answer::clear(summary, measured));
        }
        let summary = format!(
            "A text gets other probabilities in a padded batch than alone, by up to {:.3}: padding takes \
             part in the prediction.",
            bundle.padding_difference
        );
        return Ok(found(summary, Confidence::Certain, None, measured));
    }
    let suspect = suspect(case)?;
    let reference = case.predicted(other(suspect.split))?;
    let (Ok(texts), Ok(reference_texts)) = (
        case.evidence.texts(suspect.split),
        case.evidence.texts(other(suspect.split)),
    ) else {
        return Err(Missing(vec![
            Need::Bundle,
            Need::TestTexts,
            Need::ValidationTexts,
        ]));
    };
    let name = suspect.split.name();
    let odd = odd_split(case)?.is_some();
    let slices = LengthSlices::new(&suspect.rows, texts, &reference, reference_texts).filter(|_| odd);
    let Some(slices) = slices else {
        let summary = format!(
            "Short {name} texts, which are padded most, are predicted as well as those of the other split."
        );
        return Ok(Answer::clear(summary, Measured::new()));
    };
    let p_value = slices.test().map_or(1.0, |test| test.p_value);
    let measured = Measured::new()
        .statistic("loss of accuracy of short texts", slices.short_loss())
        .p_value(p_value)
        .with("loss_of_accuracy_of_long_texts", slices.long_loss());
    let short_suffer = slices.short_loss() > TIMES_LONG * slices.long_loss().max(0.0)
        && slices.short_accuracy() < slices.long_accuracy();
    if !short_suffer || !case.significant(p_value) {
        let summary = format!(
            "What the {name} rows lose, long texts, which are padded least, lose as well ({:.1} and {:.1} \
             points).",
            100.0 * slices.short_loss(),
            100.0 * slices.long_loss()
        );
        return Ok(Answer::clear(summary, measured));
    }
    let summary = format!(
        "Short {name} texts lose {:.1} points of accuracy against the other split, long ones {:.1}. Short \
         texts are padded most: pooling or attention sees the padding, and the two splits were padded to \
         different lengths.",
        100.0 * slices.short_loss(),
        100.0 * slices.long_loss()
    );
    Ok(found(summary, Confidence::Likely, suspect.effect(), measured))
}

fn found(summary: String, confidence: Confidence, effect: Option<Effect>, measured: Measured) -> Answer {
    Diagnosis {
        severity: Severity::Unsound,
        confidence,
        summary,
        effect,
        fix:
            "Give the attention mask to every layer, and leave padding out of pooling: set padded places to \
             minus infinity before a maximum, and divide a mean by the number of real tokens."
                .to_owned(),
        confirm: "predict a short text alone and beside a long one and compare the scores".to_owned(),
        measured,
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::Cause;
    use crate::evidence::Evidence;
    use crate::evidence::Part;
    use crate::evidence::bundle::BundleFacts;
    use crate::testing::{
        FIVE, ask, assert_close, clear, evidence, example, found, number, simulated, statistic,
    };

    /// Every second text is short; of the short ones of the test split another share is right, and the model
    /// is less sure.
    fn with_short_texts(accuracy: f64, scale: f64) -> Evidence {
        // Other texts in each split, or they would be leaks.
        let text = |word: &'static str| {
            move |row: usize| {
                let length = if row.is_multiple_of(2) { 5 } else { 100 + row % 100 };
                format!("{word}{row} ").repeat(length)
            }
        };
        let validation = simulated(5, 2000, 0.83, 1);
        let (mut test, short) = (simulated(5, 2000, 0.83, 2), simulated(5, 2000, accuracy, 3));
        for row in (0..2000).step_by(2) {
            test.truth[row] = short.truth[row];
            test.logits[row] = short.logits[row].iter().map(|score| scale * score).collect();
        }
        evidence(
            &FIVE,
            [
                Part::default(),
                validation.with_texts(text("word")),
                test.with_texts(text("term")),
            ],
        )
    }

    #[test]
    fn short_texts_that_lose_are_found() {
        let found = example(Cause::PaddingPooled, &with_short_texts(0.3, 0.3));
        assert_close(statistic(&found.measured), 0.53, 0.05);
        assert_close(
            number(&found.measured, "loss_of_accuracy_of_long_texts"),
            0.0,
            0.04,
        );
        assert_close(found.effect.unwrap().points, -26.5, 4.0);
    }

    #[test]
    fn short_texts_that_are_predicted_well_are_clear() {
        clear(ask(Cause::PaddingPooled, &with_short_texts(0.83, 1.0)));
    }

    #[test]
    fn a_bundle_that_sees_padding_is_found() {
        let bundle = |precision, padding_difference| Evidence {
            bundle: Some(BundleFacts {
                precision,
                padding_difference,
                ..BundleFacts::default()
            }),
            ..Evidence::default()
        };
        for precision in [Precision::Float32, Precision::Bfloat16] {
            assert_close(
                statistic(&found(ask(Cause::PaddingPooled, &bundle(precision, 0.2))).measured),
                0.2,
                1e-12,
            );
            clear(ask(Cause::PaddingPooled, &bundle(precision, 1e-6)));
        }
        found(ask(Cause::PaddingPooled, &bundle(Precision::Float32, 0.01)));
        clear(ask(Cause::PaddingPooled, &bundle(Precision::Bfloat16, 0.01)));
    }
}
