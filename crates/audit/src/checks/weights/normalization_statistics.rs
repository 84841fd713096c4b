//! # Batch normalisation predicts with other statistics
//!
//! Batch normalisation divides by the statistics of the batch while training and by running statistics
//! at prediction. If these were never updated, or if the model was left in training mode, scores at
//! prediction are shifted and scaled.
//!
//! ## Why the figures look good
//! Validation and test are normalised in two ways, one of them as in training. With the statistics of
//! the batch, a shuffled file looks fine, because every batch is like every other; a sorted one falls
//! apart.
//!
//! ## How it is tested
//! In a bundle, running means of exactly 0 and variances of exactly 1 were never updated. From files,
//! the audit first looks at the means of consecutive batches of 8, 16, 32, 64, 128 or 256 rows, for at
//! least 4 batches: if each batch was normalised by itself, its mean scores are all alike.
//!
//! ```text
//! ratio  = spread of the batches' means / (s / sqrt(b))       s the spread of the rows, b the batch size
//! repair = accuracy if each class's scores get the mean and the spread that they have in the other split
//! ```
//!
//! A ratio below 0.6 that chance hardly gives (lower tail of chi-squared, times the sizes tried) is
//! certain, unless the labels themselves take turns so evenly. Otherwise, in a split that was predicted
//! in another way than the other one (see C20 for the conditions), the repair must bring back at least
//! 77 % of the missing accuracy, or 60 % where the finished model is also at least 10 points worse on
//! the training rows than the log says. In the fault-injection benchmark, other statistics bring back
//! 0.8 and more, other faults 0.3 and less, and a missing attention mask 0.75.
//!
//! ## What to do
//! Switch the model to prediction mode (`model.eval()`, `training=False`) for validation and for test,
//! and make sure that the running statistics are trained and saved.
//!
//! ## Example
//! For the data of the test `scores_that_are_scaled_and_shifted_are_found_and_brought_back`, the audit
//! prints:
//!
//! ```text
//! 1. Batch normalisation predicts with other statistics (C22, fault, likely, −41.5 points of test
//!    accuracy)
//!    The test scores are scaled and shifted: brought to the mean and spread that each class's scores
//!    have in the other split, 84.3 % of the test rows are right instead of 42.9 %. Batch normalisation
//!    that uses running statistics in one place and those of the batch in the other does this.
//!    What to do: Switch the model to prediction mode for validation as well as for test
//!    (`model.eval()`, `training=False`), and make sure that the running statistics are trained and
//!    saved.
//!    How to make sure: predict the same 100 rows in training mode and in prediction mode and compare
//! ```
//!
//! ## References
//! - Ioffe and Szegedy, 2015, *Batch Normalization: Accelerating Deep Network Training by Reducing
//!   Internal Covariate Shift*.
//! - `keras-team/keras#9965`: frozen batch normalisation that keeps the statistics of the batch;
//!   `keras-team/keras#6570` and `tensorflow/tensorflow#34009`.

use labelproof_artifact::Split;
use labelproof_metrics::statistics::chi_squared_survival;

use crate::answer::effect::{self, Effect, Figure};
use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::case::Case;
use crate::case::epochs::lost_when_finished;
use crate::case::odd_split::odd_split;
use crate::case::suspect::missing;
use crate::evidence::Missing;
use crate::measures::score_moments::centred;

/// The share of the missing accuracy that rescaling must bring back. Other statistics bring back 0.8 and more
/// in the runs of the fault-injection benchmark, other faults 0.3 and less, a missing attention mask 0.75.
const REPAIRED: f64 = 0.77;

/// The same where the finished model is also worse on the training rows than the log says: training and
/// prediction differ.
const REPAIRED_BESIDE_LOG: f64 = 0.6;

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    if let Some(bundle) = &case.evidence.bundle {
        let measured = Measured::new();
        return Ok(match bundle.normalization_updated {
            None => Answer::clear("The head has no batch normalisation.", measured),
            Some(true) => Answer::clear("The running statistics of batch normalisation were \
                                         updated.", measured),
            Some(false) => found(
                "The running means of batch normalisation are all 0 and the variances all 1: they were never \
                 updated, so that prediction normalises otherwise than training did."
                    .to_owned(),
                Confidence::Certain,
                None,
                measured,
            ),
        });
    }
    if let Some((split, batch, constancy)) = batch_statistics(case) {
        let measured = Measured::new()
            .statistic("spread of the batches' mean scores, against chance", constancy)
            .with("batch_size", batch);
        let summary = format!(
            "In every batch of {batch} consecutive {split} rows the mean score of each class is about the \
             same, although the rows differ: batch normalisation predicted with the statistics of each \
             batch. A prediction then depends on the rows beside it, and in a sorted file it is spread over \
             all classes."
        );
        let effect = missing(case);
        return Ok(found(summary, Confidence::Certain, effect, measured));
    }
    let Some(odd) = odd_split(case)? else {
        let summary = "The scores of validation and test have the same mean and spread.";
        return Ok(Answer::clear(summary, Measured::new()));
    };
    let name = odd.suspect.split.name();
    let repaired = odd.rescaling_repairs();
    let measured = Measured::new()
        .statistic(
            "accuracy after rescaling each class's scores",
            odd.rescaled_accuracy,
        )
        .with("share_of_the_gap_repaired", repaired);
    let enough = if lost_when_finished(case).is_some() {
        REPAIRED_BESIDE_LOG
    } else {
        REPAIRED
    };
    if repaired < enough {
        let summary = format!(
            "Rescaling each class's scores to those of the other split gives {:.1} % of the {name} rows \
             right: other statistics are not what is wrong.",
            100.0 * odd.rescaled_accuracy
        );
        return Ok(Answer::clear(summary, measured));
    }
    Ok(found(
        format!(
            "The {name} scores are scaled and shifted: brought to the mean and spread that each class's \
             scores have in the other split, {:.1} % of the {name} rows are right instead of {:.1} %. Batch \
             normalisation that uses running statistics in one place and those of the batch in the other \
             does this.",
            100.0 * odd.rescaled_accuracy,
            100.0 * odd.suspect.rows.accuracy()
        ),
        Confidence::Likely,
        Some(effect::of(
            Figure::Accuracy(odd.suspect.split),
            odd.suspect.rows.accuracy() - odd.rescaled_accuracy,
        )),
        measured,
    ))
}

/// Sizes of batches that are tried.
const BATCH_SIZES: [usize; 6] = [8, 16, 32, 64, 128, 256];

/// Rows that are looked at.
const MOST_ROWS: usize = 20_000;

/// Whole batches below which their means may be equal by chance.
const FEWEST_BATCHES: usize = 4;

/// The spread of the batches' means, as a share of what chance gives, below which they count as equal: not 0,
/// because the file may not begin with a batch, and batches may differ by a row.
const CONSTANT: f64 = 0.6;

/// Whether the mean of each class's scores is the same in all batches of some size, where chance would give
/// it a spread of `s / √b` for a spread `s` of the scores: batch normalisation subtracts the mean of the
/// batch. The split, the size of its batches, and the spread as a share of chance's.
fn batch_statistics(case: &Case<'_>) -> Option<(Split, usize, f64)> {
    for split in [Split::Test, Split::Validation] {
        let Ok(scored) = case.scored(split) else {
            continue;
        };
        let rows: Vec<Vec<f64>> = scored.probabilities.rows().take(MOST_ROWS).map(centred).collect();
        let labels: Vec<Vec<f64>> = scored.predicted.truth[..rows.len()]
            .iter()
            .map(|&truth| {
                let mut row = vec![0.0; scored.predicted.classes];
                row[truth as usize] = 1.0;
                row
            })
            .collect();
        for size in BATCH_SIZES {
            let batches = rows.len() / size;
            if batches < FEWEST_BATCHES {
                continue;
            }
            let constancy = constancy(&rows, size);
            // The chance of means this equal: the lower tail of a chi-squared variable, for one class alone,
            // because those of a row depend on each other.
            let degrees = (batches - 1) as f64;
            let chance = 1.0 - chi_squared_survival(degrees * constancy * constancy, degrees);
            let tried = BATCH_SIZES.len() as f64;
            // A file in which the classes take turns has equal batches whatever predicts it.
            let takes_turns = || self::constancy(&labels, size) < CONSTANT;
            if mean_spread(&rows) > 1e-6
                && constancy < CONSTANT
                && case.significant(chance * tried)
                && !takes_turns()
            {
                return Some((split, size, constancy));
            }
        }
    }
    None
}

/// The spread of the means of batches of so many rows, as a share of what chance gives.
fn constancy(rows: &[Vec<f64>], size: usize) -> f64 {
    let means: Vec<Vec<f64>> = rows.chunks_exact(size).map(column_means).collect();
    mean_spread(&means) / (mean_spread(rows) / (size as f64).sqrt()).max(1e-12)
}

fn column_means(rows: &[Vec<f64>]) -> Vec<f64> {
    let classes = rows.first().map_or(0, Vec::len);
    (0..classes)
        .map(|class| rows.iter().map(|row| row[class]).sum::<f64>() / rows.len() as f64)
        .collect()
}

/// The standard deviation of each column, averaged.
fn mean_spread(rows: &[Vec<f64>]) -> f64 {
    let means = column_means(rows);
    let count = rows.len().max(1) as f64;
    let spreads = means.iter().enumerate().map(|(class, mean)| {
        (rows.iter().map(|row| (row[class] - mean).powi(2)).sum::<f64>() / count).sqrt()
    });
    spreads.sum::<f64>() / means.len().max(1) as f64
}

fn found(summary: String, confidence: Confidence, effect: Option<Effect>, measured: Measured) -> Answer {
    Diagnosis {
        severity: Severity::Unsound,
        confidence,
        summary,
        effect,
        fix: "Switch the model to prediction mode for validation as well as for test (`model.eval()`, \
              `training=False`), and make sure that the running statistics are trained and saved."
            .to_owned(),
        confirm: "predict the same 100 rows in training mode and in prediction mode and compare".to_owned(),
        measured,
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::Cause;
    use crate::evidence::Evidence;
    use crate::evidence::bundle::BundleFacts;
    use crate::testing::{
        ask, assert_close, clear, example, found, number, predicted_by, simulated, statistic,
    };

    /// Every batch of 32 sorted rows is brought to mean 0, as batch normalisation in training mode does.
    #[test]
    fn statistics_of_the_batch_are_found_with_its_size() {
        let (validation, mut test) = (simulated(5, 640, 0.83, 1), simulated(5, 640, 0.83, 2));
        let mut order: Vec<usize> = (0..640).collect();
        order.sort_by_key(|&row| test.truth[row]);
        test.truth = order.iter().map(|&row| test.truth[row]).collect();
        test.logits = order.iter().map(|&row| test.logits[row].clone()).collect();
        for batch in test.logits.chunks_mut(32) {
            for (class, mean) in column_means(batch).into_iter().enumerate() {
                for row in batch.iter_mut() {
                    row[class] -= mean;
                }
            }
        }
        let found = found(ask(
            Cause::NormalizationStatistics,
            &predicted_by(&validation, &test),
        ));
        assert_eq!(found.measured.evidence["batch_size"], 32);
        assert_eq!(found.confidence, Confidence::Certain);
    }

    /// In a file in which the classes take turns, every batch has the same mean without any normalisation.
    #[test]
    fn classes_that_take_turns_are_clear() {
        let in_turns = |seed| {
            let mut rows = simulated(5, 640, 0.95, seed);
            let mut by_class: Vec<Vec<usize>> = vec![Vec::new(); 5];
            (0..640).for_each(|row| by_class[rows.truth[row] as usize].push(row));
            let fewest = by_class.iter().map(Vec::len).min().unwrap();
            let order: Vec<usize> = (0..fewest)
                .flat_map(|place| by_class.iter().map(move |rows| rows[place]))
                .collect();
            rows.truth = order.iter().map(|&row| rows.truth[row]).collect();
            rows.logits = order.iter().map(|&row| rows.logits[row].clone()).collect();
            rows
        };
        clear(ask(
            Cause::NormalizationStatistics,
            &predicted_by(&in_turns(1), &in_turns(2)),
        ));
    }

    #[test]
    fn scores_that_are_scaled_and_shifted_are_found_and_brought_back() {
        let (validation, mut test) = (simulated(5, 2000, 0.83, 1), simulated(5, 2000, 0.83, 2));
        clear(ask(
            Cause::NormalizationStatistics,
            &predicted_by(&validation, &test),
        ));
        for row in &mut test.logits {
            for (score, shift) in row.iter_mut().zip([2.0, 0.0, -1.0, 0.5, 0.0]) {
                *score = 0.7 * *score + shift;
            }
        }
        let found = example(Cause::NormalizationStatistics, &predicted_by(&validation, &test));
        assert_close(statistic(&found.measured), 0.83, 0.03);
        assert_close(number(&found.measured, "share_of_the_gap_repaired"), 1.0, 0.1);
    }

    #[test]
    fn other_weights_are_not_brought_back() {
        let (validation, mut test) = (simulated(5, 2000, 0.83, 1), simulated(5, 2000, 0.4, 2));
        test.logits.iter_mut().flatten().for_each(|score| *score *= 0.6);
        assert_close(
            statistic(&clear(ask(
                Cause::NormalizationStatistics,
                &predicted_by(&validation, &test),
            ))),
            0.4,
            0.05,
        );
    }

    #[test]
    fn a_bundle_whose_statistics_were_never_updated_is_found() {
        let bundle = |normalization_updated| Evidence {
            bundle: Some(BundleFacts {
                normalization_updated,
                ..BundleFacts::default()
            }),
            ..Evidence::default()
        };
        assert_eq!(
            found(ask(Cause::NormalizationStatistics, &bundle(Some(false)))).confidence,
            Confidence::Certain
        );
        clear(ask(Cause::NormalizationStatistics, &bundle(Some(true))));
        clear(ask(Cause::NormalizationStatistics, &bundle(None)));
    }
}
