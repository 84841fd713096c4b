//! # Dropout is on at prediction, or was on in a frozen encoder
//!
//! Dropout belongs to training. If it is on at prediction, a text gets other scores each time. If a
//! frozen encoder keeps dropping out while its head is fitted, the head learns from features that it
//! never meets at prediction: `trainable=False` freezes weights in Keras and does not switch dropout
//! off.
//!
//! ## Why the figures look good
//! The noise hits both splits alike, so they agree. With maximum pooling it is worse than noise: the
//! maximum of noisy values is larger, so all features shift, one class attracts most rows, and the area
//! under the ROC curve stays high.
//!
//! ## How it is tested
//! There are three signs. A bundle that is asked twice must say the same. The finished model must not
//! be worse on the training rows than the log says. And a text that occurs twice in a file must have
//! the same scores twice:
//!
//! ```text
//! worse      logged training accuracy - finished training accuracy ≥ 0.10
//! different  largest difference of two scores of one text > 1 % of the spread of all scores
//! ```
//!
//! Repeated texts show dropout if at least 2 pairs and more than half of all pairs differ, by less than
//! half of what scores of different texts are apart (predictions beside the wrong rows are as far apart
//! as any), and at most 15 % of the pairs are exactly equal. C22 takes precedence, and so do C34 for
//! repeated texts and C9 for the training accuracy.
//!
//! ## What to do
//! Predict in prediction mode, and compute the features of a frozen encoder in that mode when its head
//! is fitted.
//!
//! ## Example
//! For the data of the test `a_text_with_two_answers_is_found`, the audit prints:
//!
//! ```text
//! 1. Dropout is on at prediction, or was on in a frozen encoder (C23, fault, likely)
//!    100 of 100 repeated texts of the test file have different scores, by 0.50 on average where scores
//!    of different texts are 2.59 apart: the model draws at random when it predicts.
//!    What to do: Predict in prediction mode (`model.eval()`, `training=False`), and compute the
//!    features of a frozen encoder in that mode as well when its head is fitted.
//!    How to make sure: predict the same 20 texts twice and compare the scores
//! ```
//!
//! ## References
//! - Srivastava and others, 2014, *Dropout: A Simple Way to Prevent Neural Networks from Overfitting*.
//! - Measured by this project on BBC News with a frozen encoder and maximum pooling: after 2 epochs,
//!   accuracies of 0.37 and 0.35 at an area under the curve of 0.928; the same head on features without
//!   dropout reaches 0.67 after 2 epochs and 0.92 to 0.94 after 40.

use std::collections::BTreeMap;

use labelproof_artifact::Split;

use crate::answer::effect::{self, Effect, Figure};
use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::case::Case;
use crate::case::epochs::lost_when_finished;
use crate::case::odd_split::odd_split;
use crate::cause::Cause;
use crate::evidence::{Missing, Need};
use crate::measures::sampling::shuffled;

/// The largest difference of two scores of one text that rounding explains, against the spread of all scores.
const ROUNDING: f64 = 1e-2;

/// The share of texts that may get the same scores twice: dropout leaves none alone, mis-pairing leaves some.
const EQUAL: f64 = 0.15;

/// How near, on average, two scores of one text must be against those of two texts: dropout moves a score,
/// and predictions beside the wrong rows (C11 to C13) make those of one text as strange to each other as any.
const ALIKE: f64 = 0.5;

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    if let Some(bundle) = &case.evidence.bundle
        && bundle.repeat_difference > 0.0
    {
        let summary = format!(
            "The bundle gives other scores when it is asked again, by up to {:.4}.",
            bundle.repeat_difference
        );
        return Ok(found(summary, Confidence::Certain, None, Measured::new()));
    }
    // Other statistics, or a class that is favoured throughout, explain it as well, and better.
    let other_statistics = case.finds(Cause::NormalizationStatistics);
    let explained = other_statistics || case.finds(Cause::ClassBias);
    if let Some(outcome) = worse_when_finished(case).filter(|_| !explained) {
        return Ok(outcome);
    }
    let mut compared = 0;
    for split in [Split::Test, Split::Validation] {
        let Some(repeats) = repeats(case, split) else {
            continue;
        };
        compared += repeats.pairs;
        if repeats.different >= 2
            && 2 * repeats.different > repeats.pairs
            && repeats.mean_difference < ALIKE * repeats.of_strangers
            && repeats.equal as f64 <= EQUAL * repeats.pairs as f64
            && !other_statistics
            && !padding_explains(case)
        {
            let summary = format!(
                "{} of {} repeated texts of the {split} file have different scores, by {:.2} on average \
                 where scores of different texts are {:.2} apart: the model draws at random when it \
                 predicts.",
                repeats.different, repeats.pairs, repeats.mean_difference, repeats.of_strangers
            );
            let measured = Measured::new()
                .statistic(
                    "mean difference of the scores of one text",
                    repeats.mean_difference,
                )
                .with("pairs", repeats.pairs);
            let effect = odd_split(case)
                .ok()
                .flatten()
                .and_then(|odd| odd.suspect.effect());
            return Ok(found(summary, Confidence::Likely, effect, measured));
        }
    }
    if compared == 0 && case.evidence.bundle.is_none() {
        return Err(Missing(vec![Need::Bundle, Need::RepeatedTexts]));
    }
    Ok(Answer::clear(
        "A text that is predicted twice gets the same scores twice.",
        Measured::new().with("pairs", compared),
    ))
}

/// Scores that depend on the padding of the batch differ for repeated texts, too, but C34 knows these better.
fn padding_explains(case: &Case<'_>) -> bool {
    case.finds(Cause::PaddingPooled)
}

struct Repeats {
    pairs: usize,
    different: usize,
    /// Pairs with the very same scores.
    equal: usize,
    mean_difference: f64,
    /// The mean difference between two rows, whatever their texts.
    of_strangers: f64,
}

fn repeats(case: &Case<'_>, split: Split) -> Option<Repeats> {
    let scored = case.scored(split).ok()?;
    let texts = case.evidence.texts(split).ok()?;
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut pairs, mut different, mut equal, mut total) = (0, 0, 0, 0.0);
    let largest_difference = |one: usize, other: usize| {
        let distances = scored.saved.row(one).iter().zip(scored.saved.row(other));
        distances.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
    };
    let spread = spread(scored.saved.values.as_slice());
    for (row, text) in texts.iter().enumerate() {
        let Some(&before) = first.get(text.as_str()) else {
            first.insert(text, row);
            continue;
        };
        let largest = largest_difference(before, row);
        pairs += 1;
        different += usize::from(largest > ROUNDING * spread);
        equal += usize::from(largest == 0.0);
        total += largest;
    }
    // Any two rows with other texts.
    let order = shuffled(texts.len(), case.evidence.seed);
    let strangers: Vec<f64> = order
        .windows(2)
        .filter(|pair| texts[pair[0]] != texts[pair[1]])
        .map(|pair| largest_difference(pair[0], pair[1]))
        .collect();
    (pairs > 0).then(|| Repeats {
        pairs,
        different,
        equal,
        mean_difference: total / pairs as f64,
        of_strangers: strangers.iter().sum::<f64>() / strangers.len().max(1) as f64,
    })
}

/// The standard deviation of numbers.
fn spread(values: &[f64]) -> f64 {
    let count = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / count;
    (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt()
}

fn worse_when_finished(case: &Case<'_>) -> Option<Answer> {
    lost_when_finished(case).map(|(logged, scored)| {
        found(
            format!(
                "The log says that {:.1} % of the training rows were right while the model was trained; the \
                 finished model gets {:.1} % of the same rows right. What it meets at prediction is not what \
                 it was fitted to: dropout (which a frozen encoder still applies in training mode) or batch \
                 statistics were on then and are off now.",
                100.0 * logged,
                100.0 * scored
            ),
            Confidence::Likely,
            Some(effect::of(Figure::EverySplit, scored - logged)),
            Measured::new()
                .statistic("logged minus finished training accuracy", logged - scored)
                .with("logged_accuracy", logged)
                .with("accuracy", scored),
        )
    })
}

fn found(summary: String, confidence: Confidence, effect: Option<Effect>, measured: Measured) -> Answer {
    Diagnosis {
        severity: Severity::Unsound,
        confidence,
        summary,
        effect,
        fix: "Predict in prediction mode (`model.eval()`, `training=False`), and compute the features of a \
              frozen encoder in that mode as well when its head is fitted."
            .to_owned(),
        confirm: "predict the same 20 texts twice and compare the scores".to_owned(),
        measured,
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Evidence;
    use crate::evidence::Part;
    use crate::evidence::bundle::BundleFacts;
    use crate::testing::{
        FIVE, Simulated, ask, assert_close, clear, evidence, example, found, log, number, predicted,
        simulated, statistic,
    };

    /// 200 rows of 100 texts, each of which is there twice.
    fn twice(change: impl Fn(&mut Simulated)) -> Evidence {
        let mut rows = simulated(5, 200, 0.83, 1);
        let (first, second) = rows.logits.split_at_mut(100);
        second.clone_from_slice(first);
        change(&mut rows);
        let part = rows.with_texts(|row| format!("text {}", row % 100));
        evidence(&FIVE, [Part::default(), Part::default(), part])
    }

    #[test]
    fn a_text_with_two_answers_is_found() {
        let found = example(
            Cause::DropoutAtPrediction,
            &twice(|rows| {
                for row in &mut rows.logits[100..] {
                    row[0] += 0.5;
                    row[1] -= 0.25;
                }
            }),
        );
        assert_close(statistic(&found.measured), 0.5, 1e-12);
        assert_eq!(found.measured.evidence["pairs"], 100);
    }

    #[test]
    fn a_text_with_one_answer_is_clear() {
        assert_close(
            number(&clear(ask(Cause::DropoutAtPrediction, &twice(|_| ()))), "pairs"),
            100.0,
            1e-12,
        );
        // Rounding to 32 bits is no dropout.
        clear(ask(
            Cause::DropoutAtPrediction,
            &twice(|rows| rows.logits[100][0] += 1e-6),
        ));
    }

    /// The case that was seen: .80 while the head was fitted, .37 when it predicted.
    #[test]
    fn training_rows_that_the_finished_model_gets_wrong_are_found() {
        let rows: Vec<(u32, u32)> = (0..100).map(|row| (0, u32::from(row >= 37))).collect();
        let mut log = log(&[(0.6, 0.83)]);
        log.epochs[0].train.accuracy = Some(0.8);
        let evidence = Evidence {
            log: Some(log),
            ..evidence(&["a", "b"], [predicted(&rows), Part::default(), Part::default()])
        };
        assert_close(
            found(ask(Cause::DropoutAtPrediction, &evidence))
                .effect
                .unwrap()
                .points,
            -43.0,
            1e-9,
        );
    }

    #[test]
    fn a_bundle_that_does_not_repeat_itself_is_found() {
        let bundle = |repeat_difference| Evidence {
            bundle: Some(BundleFacts {
                repeat_difference,
                ..BundleFacts::default()
            }),
            ..Evidence::default()
        };
        assert_eq!(
            found(ask(Cause::DropoutAtPrediction, &bundle(0.2))).confidence,
            Confidence::Certain
        );
        clear(ask(Cause::DropoutAtPrediction, &bundle(0.0)));
    }
}
