//! # Probabilities that are too sure or not sure enough
//!
//! The probability of a prediction does not say how often such predictions are right. Labels are not
//! affected, but every threshold on a probability is.
//!
//! ## Why the figures look good
//! Accuracy and F1 look only at the order of the scores. Modern networks are often right and still far
//! too sure.
//!
//! ## How it is tested
//! The audit needs scores of at least 50 rows of test, or of validation. It computes the expected
//! calibration error over 15 bins of equal width, the mean confidence minus the accuracy, and the
//! temperature with the least loss on validation:
//!
//! ```text
//! ECE = Σ_bins |Σ p - Σ hit| / n          by chance: Σ_bins sqrt(2 Σ p(1 - p) / π) / n
//! z   = Σ (p - hit) / sqrt(Σ p (1 - p))
//! T   = argmin of the mean of -ln softmax(logits / T)[y]
//! ```
//!
//! It is noted if the error is at least 5 points and twice what chance gives; or if the mean is
//! significantly off (corrected p < 0.01) by at least 5 points, or by half of the mistakes, at least 2
//! points, in a model that is hardly ever wrong; or if the temperature of validation significantly
//! lowers the loss of the test rows by at least a tenth.
//!
//! ## What to do
//! Divide the logits by the temperature before softmax, or fit any other calibration on validation
//! rows, before probabilities are used. A bundle of Labelproof has such a temperature: `labelproof
//! predict --calibrated` divides by it. No temperature is named where it would stretch the wrong way,
//! or where the search for it ends without one: then the model is wrong for another reason than its
//! sharpness.
//!
//! ## Example
//! For the data of the test `a_model_that_is_too_sure_is_found_and_its_temperature_given`, the audit
//! prints:
//!
//! ```text
//! 1. Probabilities that are too sure or not sure enough (C60, note, likely)
//!    The model is too sure of itself: its highest probability is 99.6 % on average, and it is right on
//!    90.0 % of the test rows. Labels are not affected, but a threshold on the probability does not
//!    mean what it says.
//!    What to do: Divide the logits by 2.50 before softmax (temperature scaling, fitted on the
//!    validation rows) before you use the probabilities.
//!    How to make sure: Compare the accuracy of the rows with a probability between 0.8 and 0.9 with
//!    0.85.
//! ```
//!
//! ## References
//! - Guo and others, 2017, *On Calibration of Modern Neural Networks* (temperature scaling).
//! - Naeini, Cooper and Hauskrecht, 2015, *Obtaining Well Calibrated Probabilities Using Bayesian
//!   Binning*.
//! - `ludwig-ai/ludwig#1908`: a request for calibrated confidence.

use labelproof_artifact::Split;
use labelproof_metrics::RELIABILITY_BINS;
use labelproof_metrics::comparison::two_sided_normal;
use labelproof_metrics::decisions::{TEMPERATURES, fit_temperature};

use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::answer::wording::{percent, rounded, split_name};
use crate::case::Case;
use crate::cause::Cause;
use crate::evidence::{Missing, Need};
use crate::measures::predicted::ScoredRows;

const MATERIAL: f64 = 0.05;
const SHARE_OF_MISTAKES: f64 = 0.5;
const LEAST_BIAS: f64 = 0.02;
/// The share of the loss that scaling must take away.
const LEAST_LOSS_GAIN: f64 = 0.1;
/// The logarithm of a temperature below which it changes nothing.
const LEAST_STRETCH: f64 = 0.02;
const LEAST_ROWS: u64 = 50;
/// Rows that the temperature is fitted on: its error is far below what matters.
const TEMPERATURE_ROWS: usize = 20_000;

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    let (split, scored) = match case.scored(Split::Test) {
        Ok(scored) => (Split::Test, scored),
        Err(missing) => (
            Split::Validation,
            case.scored(Split::Validation).ok().ok_or(missing)?,
        ),
    };
    if scored.predicted.rows() < LEAST_ROWS {
        return Err(Need::MoreRows.into());
    }
    if case.finds_at_least(Cause::Placeholders, Severity::Unsound) {
        let summary =
            "A split has placeholders for labels (see C19): what its probabilities mean cannot be told.";
        return Ok(Answer::clear(summary, Measured::new()));
    }
    let calibration = Calibration::of(&scored);
    let (fitted_on, temperature) = match case.scored(Split::Validation) {
        Ok(validation) if validation.predicted.rows() >= LEAST_ROWS => {
            (Split::Validation, temperature(&validation))
        }
        _ => (split, temperature(&scored)),
    };
    let gap = calibration.confidence - calibration.accuracy;
    let measured = Measured::new()
        .statistic("mean confidence minus accuracy", rounded(gap))
        .p_value(calibration.p_value)
        .with("expected_calibration_error", rounded(calibration.error))
        .with("error_by_chance", rounded(calibration.chance_error))
        .with("mean_confidence", rounded(calibration.confidence))
        .with("accuracy", rounded(calibration.accuracy));
    let mends = mends(temperature, gap);
    let measured = if mends {
        measured
            .with("temperature", rounded(temperature))
            .with("temperature_from", split_name(fitted_on))
    } else {
        measured
    };
    let off = calibration.error >= MATERIAL && calibration.error >= 2.0 * calibration.chance_error;
    let mistakes = 1.0 - calibration.accuracy;
    let biased = case.significant(calibration.p_value)
        && gap.abs() >= MATERIAL.min((SHARE_OF_MISTAKES * mistakes).max(LEAST_BIAS));
    // On rows that the temperature was not fitted on.
    let scaling = (fitted_on != split).then(|| Scaling::of(&scored, temperature));
    let scaled =
        scaling.is_some_and(|scaling| scaling.gain >= LEAST_LOSS_GAIN && case.significant(scaling.p_value));
    if !off && !biased && !scaled {
        return Ok(Answer::clear(
            format!(
                "probabilities are off by {} on average; the mean is {} at an accuracy of {}",
                percent(calibration.error),
                percent(calibration.confidence),
                percent(calibration.accuracy),
            ),
            measured,
        ));
    }
    let direction = direction(gap);
    Ok(Diagnosis {
        severity: Severity::Note,
        confidence: Confidence::Likely,
        summary: format!(
            "{direction}its highest probability is {} on average, and it is right on {} of the {} rows. \
             Labels are not affected, but a threshold on the probability does not mean what it says.",
            percent(calibration.confidence),
            percent(calibration.accuracy),
            split_name(split),
        ),
        effect: None,
        fix: if mends {
            format!(
                "Divide the logits by {temperature:.2} before softmax (temperature scaling, fitted on the \
                 {} rows) before you use the probabilities.{}",
                split_name(fitted_on),
                if case.evidence.pipeline.is_some() {
                    " `labelproof predict --calibrated` does it, and `--abstain` chooses thresholds."
                } else {
                    ""
                },
            )
        } else {
            String::from(
                "No single temperature mends this. Find out first why the model is so often wrong where it \
                 is sure; if nothing else is wrong, calibrate each class by itself on rows of the kind that \
                 are predicted.",
            )
        },
        confirm: String::from(
            "Compare the accuracy of the rows with a probability between 0.8 and 0.9 with 0.85.",
        ),
        measured,
    }
    .into())
}

/// Which way the probabilities are off.
fn direction(gap: f64) -> &'static str {
    if gap.abs() < MATERIAL / 2.0 {
        "Probabilities do not match how often the model is right: "
    } else if gap > 0.0 {
        "The model is too sure of itself: "
    } else {
        "The model is less sure of itself than it could be: "
    }
}

/// Whether dividing by a temperature makes the probabilities mean what they say: it must cool a model that is
/// too sure and warm one that is not sure enough, and must not be where the search ends.
fn mends(temperature: f64, gap: f64) -> bool {
    let within = temperature > 2.0 * TEMPERATURES.0 && temperature < TEMPERATURES.1 / 2.0;
    let right_way = gap.abs() < MATERIAL / 2.0 || (gap > 0.0) == (temperature > 1.0);
    within && right_way && temperature.ln().abs() >= LEAST_STRETCH
}

struct Calibration {
    error: f64,
    chance_error: f64,
    confidence: f64,
    accuracy: f64,
    p_value: f64,
}

impl Calibration {
    fn of(scored: &ScoredRows<'_>) -> Self {
        let mut bins = [(0_u64, 0.0, 0_u64, 0.0); RELIABILITY_BINS];
        let rows = scored
            .probabilities
            .rows()
            .zip(scored.predicted.truth)
            .zip(scored.predicted.predictions);
        for ((row, truth), prediction) in rows {
            let Some(&confidence) = row.get(*prediction as usize) else {
                continue;
            };
            let bin = &mut bins[bin_of(confidence)];
            bin.0 += 1;
            bin.1 += confidence;
            bin.2 += u64::from(truth == prediction);
            bin.3 += confidence * (1.0 - confidence);
        }
        let rows = bins.iter().map(|bin| bin.0).sum::<u64>().max(1) as f64;
        let confidence: f64 = bins.iter().map(|bin| bin.1).sum();
        let hits = bins.iter().map(|bin| bin.2).sum::<u64>() as f64;
        let variance: f64 = bins.iter().map(|bin| bin.3).sum();
        let error: f64 = bins.iter().map(|bin| (bin.1 - bin.2 as f64).abs()).sum();
        // The mean of |x| for a normal x is σ √(2/π).
        let chance: f64 = bins
            .iter()
            .map(|bin| (2.0 * bin.3.max(0.0) / std::f64::consts::PI).sqrt())
            .sum();
        Self {
            error: error / rows,
            chance_error: chance / rows,
            confidence: confidence / rows,
            accuracy: hits / rows,
            p_value: if variance > 0.0 {
                two_sided_normal((confidence - hits) / variance.sqrt())
            } else {
                f64::from(u8::from((confidence - hits).abs() < 0.5))
            },
        }
    }
}

/// The bin of a confidence: bins hold their upper ends, as in the report.
fn bin_of(confidence: f64) -> usize {
    (1..RELIABILITY_BINS)
        .take_while(|&bin| (bin as f64 / RELIABILITY_BINS as f64) < confidence)
        .count()
}

/// What a temperature does to the loss of rows.
struct Scaling {
    /// The share of the loss that it takes away.
    gain: f64,
    p_value: f64,
}

impl Scaling {
    fn of(scored: &ScoredRows<'_>, temperature: f64) -> Self {
        let rows: Vec<(f64, f64)> = logarithms(scored, 1)
            .iter()
            .map(|(row, truth)| {
                (
                    scaled_loss(row, *truth, 1.0),
                    scaled_loss(row, *truth, 1.0 / temperature),
                )
            })
            .collect();
        let count = rows.len().max(1) as f64;
        let mean = rows.iter().map(|(before, after)| before - after).sum::<f64>() / count;
        let squares = rows.iter().map(|(before, after)| (before - after - mean).powi(2));
        let error = (squares.sum::<f64>() / count / count).sqrt();
        let loss = rows.iter().map(|(before, _)| before).sum::<f64>() / count;
        Self {
            gain: mean / loss.max(1e-12),
            p_value: if error > 0.0 {
                two_sided_normal(mean / error)
            } else {
                1.0
            },
        }
    }
}

/// Logarithms of the probabilities of every so manieth row, with its true class.
fn logarithms(scored: &ScoredRows<'_>, step: usize) -> Vec<(Vec<f64>, usize)> {
    scored
        .probabilities
        .rows()
        .zip(scored.predicted.truth)
        .step_by(step)
        .map(|(row, &truth)| {
            let logarithms = row.iter().map(|p| p.max(f64::MIN_POSITIVE).ln()).collect();
            (logarithms, truth as usize)
        })
        .collect()
}

/// The loss of a row whose logits are multiplied by `scale`.
fn scaled_loss(row: &[f64], truth: usize, scale: f64) -> f64 {
    let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = row.iter().map(|value| ((value - largest) * scale).exp()).sum();
    total.ln() - (row[truth] - largest) * scale
}

/// The temperature with the least loss, on at most [`TEMPERATURE_ROWS`] rows at even distances.
fn temperature(scored: &ScoredRows<'_>) -> f64 {
    let step = scored.predicted.truth.len().div_ceil(TEMPERATURE_ROWS).max(1);
    fit_temperature(&logarithms(scored, step))
}

#[cfg(test)]
mod tests {
    use crate::cause::Cause;
    use crate::evidence::{Part, PipelineFacts, ScoreKind};
    use crate::testing::{ask, clear, evidence, example, found, scored};

    /// 1,000 rows that are right as often as a logit of `ln 9` says (9 in 10), with the logit times
    /// `sharpness`.
    fn rows(sharpness: f64) -> Part {
        let p = 1.0 / (1.0 + 9.0_f64.powf(-sharpness));
        let rows: Vec<(u32, Vec<f64>)> = (0..1000)
            .map(|row| (u32::from(row % 10 == 0), vec![p, 1.0 - p]))
            .collect();
        scored(&rows)
    }

    #[test]
    fn a_model_that_is_too_sure_is_found_and_its_temperature_given() {
        let evidence = evidence(&["a", "b"], [scored(&[]), rows(2.5), rows(2.5)]);
        let found = example(Cause::Calibration, &evidence);
        let expected = 1.0 / (1.0 + 9.0_f64.powf(-2.5)) - 0.9;
        assert!((found.measured.statistic.unwrap().1 - expected).abs() < 1e-5);
        assert!(
            (found.measured.evidence["expected_calibration_error"]
                .as_f64()
                .unwrap()
                - expected)
                .abs()
                < 1e-5
        );
        assert!((found.measured.evidence["temperature"].as_f64().unwrap() - 2.5).abs() < 1e-3);
    }

    /// Right on 98 of 100 rows, and so sure that every mistake costs twice what it should: two points show
    /// nothing.
    #[test]
    fn a_model_that_is_hardly_ever_wrong_is_judged_by_its_loss() {
        let rows = || {
            let p = 1.0 / (1.0 + 49.0_f64.powf(-2.0));
            let rows: Vec<(u32, Vec<f64>)> = (0..4000)
                .map(|row| (u32::from(row % 50 == 0), vec![p, 1.0 - p]))
                .collect();
            scored(&rows)
        };
        let evidence = evidence(&["a", "b"], [scored(&[]), rows(), rows()]);
        let found = found(ask(Cause::Calibration, &evidence));
        assert!((found.measured.statistic.unwrap().1).abs() < 0.02);
        assert!((found.measured.evidence["temperature"].as_f64().unwrap() - 2.0).abs() < 1e-3);
    }

    #[test]
    fn a_pipeline_is_told_what_its_bundle_can_do() {
        let mut evidence = evidence(&["a", "b"], [scored(&[]), rows(2.5), rows(2.5)]);
        assert!(!found(ask(Cause::Calibration, &evidence)).fix.contains("predict"));
        evidence.pipeline = Some(PipelineFacts::default());
        let fix = found(ask(Cause::Calibration, &evidence)).fix;
        assert!(fix.contains("`labelproof predict --calibrated` does it"), "{fix}");
    }

    #[test]
    fn a_timid_model_gets_a_temperature_below_one() {
        let evidence = evidence(&["a", "b"], [scored(&[]), scored(&[]), rows(0.5)]);
        let found = found(ask(Cause::Calibration, &evidence));
        assert!((found.measured.evidence["temperature"].as_f64().unwrap() - 0.5).abs() < 1e-3);
        assert!(found.summary.contains("less sure"));
    }

    /// Validation says that the model is too timid, and on the test rows it is hardly ever right: no temperature
    /// mends both.
    #[test]
    fn no_temperature_is_named_that_stretches_the_wrong_way() {
        let mut test = rows(0.5);
        for truth in test.truth.as_mut().unwrap() {
            *truth = 1 - *truth;
        }
        let evidence = evidence(&["a", "b"], [scored(&[]), rows(0.5), test]);
        let found = found(ask(Cause::Calibration, &evidence));
        assert!(found.summary.contains("too sure"), "{}", found.summary);
        assert!(!found.fix.contains("Divide"), "{}", found.fix);
        assert!(!found.measured.evidence.contains_key("temperature"));
    }

    /// Scores that say nothing at all of the labels: the search for a temperature ends at its bound.
    #[test]
    fn the_end_of_a_search_is_no_advice() {
        let rows: Vec<(u32, Vec<f64>)> = (0..1000).map(|row| (row % 2, vec![0.99, 0.01])).collect();
        let evidence = evidence(&["a", "b"], [scored(&[]), scored(&[]), scored(&rows)]);
        let found = found(ask(Cause::Calibration, &evidence));
        assert!(!found.fix.contains("Divide"), "{}", found.fix);
    }

    #[test]
    fn calibrated_logits_are_clear() {
        let mut part = rows(1.0);
        let scores = part.scores.as_mut().unwrap();
        scores.kind = ScoreKind::Logits;
        for value in &mut scores.values {
            *value = value.ln() + 3.0;
        }
        let evidence = evidence(&["a", "b"], [scored(&[]), scored(&[]), part]);
        let measured = clear(ask(Cause::Calibration, &evidence));
        assert!(!measured.evidence.contains_key("temperature"));
    }
}
