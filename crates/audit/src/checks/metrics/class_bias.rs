//! # The scores are good, the choice made of them is not
//!
//! The scores of each class order the rows well, so the area under the ROC curve is high. Yet the
//! highest score often names the wrong class, because some classes get too high a score throughout,
//! whatever the text.
//!
//! ## Why the figures look good
//! The area under the curve looks at one class at a time and only at the order of the rows. A constant
//! that is added to one class's score does not change it, and decides every close case for that class.
//!
//! ## How it is tested
//! The audit needs scores of the validation and the test rows. On validation it fits one number `b_k`
//! for each class so that each class is predicted as often as it occurs (30 rounds, at most 50,000
//! rows), and asks whether the same numbers make the *test* predictions better:
//!
//! ```text
//! prediction = argmax_k (ln p_k + b_k)
//! McNemar    = exact binomial test of the rows that only one of the two predictions gets right
//! ```
//!
//! The cause is found if the mean area under the ROC curve of the test rows is at least 0.85, the gain
//! in test accuracy is at least 3 points, and the test is significant (corrected p < 0.01).
//!
//! ## What to do
//! A head that is not trained to the end has such a bias: train longer or with a larger learning rate.
//! Make sure that the features of a frozen encoder are computed without dropout while its head is
//! fitted, and that pooling ignores padding.
//!
//! ## Example
//! For the data of the test `a_class_that_scores_too_high_is_found_with_its_constant`, the audit
//! prints:
//!
//! ```text
//! 1. The scores are good, the choice made of them is not (C9, caution, likely, −23.1 [−25.0…−21.2]
//!    points of accuracy)
//!    The scores order the test rows well (area under the ROC curve 0.958), yet only 67.2 % of the
//!    predictions are right: some classes are given too high a score throughout. One constant a class,
//!    fitted on validation, makes it 90.2 %.
//!    What to do: Train longer, or with a larger learning rate: a head that is not done has such a
//!    bias. Then make sure that features are computed without dropout while a head is fitted to a
//!    frozen encoder, and that pooling ignores padding.
//!    How to make sure: compare the accuracy of the training rows in training mode and in prediction
//!    mode
//! ```
//!
//! ## References
//! - Menon and others, 2021, *Long-tail Learning via Logit Adjustment*.
//! - McNemar, 1947, *Note on the Sampling Error of the Difference Between Correlated Proportions*.

use labelproof_artifact::Split;
use labelproof_metrics::comparison::mcnemar_from_counts;

use crate::answer::effect::{self, Figure};
use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::case::Case;
use crate::evidence::{Missing, Need};
use crate::measures::class_counts::class_counts;
use crate::measures::predicted::ScoredRows;
use crate::measures::score_moments::mean_area;

/// The area under the ROC curve from which on scores count as good.
const GOOD_AREA: f64 = 0.85;

/// The gain in accuracy from which on the bias counts.
const LEAST_GAIN: f64 = 0.03;

/// Validation rows that the bias is fitted on at most.
const FITTED_ROWS: usize = 50_000;

/// Rounds of fitting.
const ROUNDS: usize = 30;

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    let validation = case.scored(Split::Validation)?;
    let test = case.scored(Split::Test)?;
    let area = mean_area(&test).ok_or(Need::MoreRows)?;
    let bias = fit_bias(&validation);
    let (mut only_now, mut only_then) = (0, 0);
    let rows = test.probabilities.rows();
    for ((row, &truth), hit) in rows.zip(test.predicted.truth).zip(test.predicted.hits()) {
        let then = best(row, &bias) == truth as usize;
        only_now += u64::from(hit && !then);
        only_then += u64::from(then && !hit);
    }
    let count = test.predicted.rows() as f64;
    let gain = (only_then as f64 - only_now as f64) / count;
    let p_value = mcnemar_from_counts(only_now, only_then).p_value;
    let accuracy = test.predicted.accuracy();
    let measured = Measured::new()
        .statistic("gain in test accuracy from one number a class", gain)
        .p_value(p_value)
        .with("area_under_roc_curve", area)
        .with("accuracy", accuracy);
    if area < GOOD_AREA || gain < LEAST_GAIN || !case.significant(p_value) {
        let summary = format!(
            "Adding a constant to each class's score, fitted on validation, changes the test accuracy by \
             {:.1} points.",
            100.0 * gain
        );
        return Ok(Answer::clear(summary, measured));
    }
    Ok(Diagnosis {
        severity: Severity::Caution,
        confidence: Confidence::Likely,
        summary: format!(
            "The scores order the test rows well (area under the ROC curve {area:.3}), yet only {:.1} % of \
             the predictions are right: some classes are given too high a score throughout. One constant a \
             class, fitted on validation, makes it {:.1} %.",
            100.0 * accuracy,
            100.0 * (accuracy + gain)
        ),
        effect: Some(effect::of_exchange(
            Figure::EverySplit,
            only_now,
            only_then,
            test.predicted.rows(),
        )),
        fix: "Train longer, or with a larger learning rate: a head that is not done has such a bias. Then \
              make sure that features are computed without dropout while a head is fitted to a frozen \
              encoder, and that pooling ignores padding."
            .to_owned(),
        confirm: "compare the accuracy of the training rows in training mode and in prediction \
                  mode"
            .to_owned(),
        measured: measured.with("bias", bias),
    }
    .into())
}

fn fit_bias(scored: &ScoredRows<'_>) -> Vec<f64> {
    let classes = scored.predicted.classes;
    let rows = scored.predicted.truth.len().min(FITTED_ROWS);
    let wanted = class_counts(&scored.predicted.truth[..rows], classes);
    let mut bias = vec![0.0; classes];
    for round in 0..ROUNDS {
        let mut counts = vec![0_u64; classes];
        for row in scored.probabilities.rows().take(rows) {
            counts[best(row, &bias)] += 1;
        }
        // Ever smaller steps: the counts jump, and a fixed step would go to and fro.
        let step = 1.0 / (1.0 + 0.2 * round as f64);
        for class in 0..classes {
            let ratio: f64 = (wanted[class] as f64 + 1.0) / (counts[class] as f64 + 1.0);
            bias[class] += step * ratio.ln().clamp(-1.0, 1.0);
        }
    }
    bias
}

fn best(probabilities: &[f64], bias: &[f64]) -> usize {
    let mut best = (0, f64::NEG_INFINITY);
    for (class, (p, bias)) in probabilities.iter().zip(bias).enumerate() {
        let score = p.max(f64::MIN_POSITIVE).ln() + bias;
        if score > best.1 {
            best = (class, score);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::Cause;
    use crate::evidence::Evidence;
    use crate::testing::{
        Simulated, ask, assert_close, case, clear, example, number, predicted_by, simulated, statistic,
    };

    /// The same constant on the first class's score in both splits.
    fn biased(constant: f64) -> (Evidence, Simulated) {
        let [validation, test] = [1, 2].map(|seed| {
            let mut rows = simulated(5, 2000, 0.9, seed);
            for row in &mut rows.logits {
                row[0] += constant;
            }
            rows
        });
        (predicted_by(&validation, &test), test)
    }

    #[test]
    fn a_class_that_scores_too_high_is_found_with_its_constant() {
        let found = example(Cause::ClassBias, &biased(2.0).0);
        // Without the constant, 90 % are right.
        let now = number(&found.measured, "accuracy");
        assert_close(now + statistic(&found.measured), 0.9, 0.03);
        let bias: Vec<f64> = (0..5)
            .map(|class| found.measured.evidence["bias"][class].as_f64().unwrap())
            .collect();
        let others = bias[1..].iter().sum::<f64>() / 4.0;
        assert_close(bias[0] - others, -2.0, 0.4);
    }

    #[test]
    fn scores_without_a_favourite_are_clear() {
        let measured = clear(ask(Cause::ClassBias, &biased(0.0).0));
        assert_close(statistic(&measured), 0.0, 0.02);
    }

    #[test]
    fn areas_are_means_over_the_classes_that_there_are() {
        let rows = crate::testing::scored(&[
            (0, vec![0.9, 0.1]),
            (0, vec![0.4, 0.6]),
            (1, vec![0.6, 0.4]),
            (1, vec![0.2, 0.8]),
        ]);
        let evidence = crate::testing::evidence(
            &["a", "b"],
            [
                crate::evidence::Part::default(),
                crate::evidence::Part::default(),
                rows,
            ],
        );
        // By hand: of the four pairs of a right and a wrong row, three stand in the right order.
        assert_close(
            mean_area(&case(&evidence).scored(Split::Test).unwrap()).unwrap(),
            0.75,
            1e-12,
        );
    }
}
