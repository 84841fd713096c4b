//! # A logged metric is a mean over batches
//!
//! Precision, recall and F1 are no means over rows: the F1 of an epoch is not the mean of the F1 of its
//! batches. A framework that computes such a metric batch by batch and averages the results logs a
//! number that depends on the size of the batches and on the order of the rows.
//!
//! ## Why the figures look good
//! The mean over batches can lie above or below the metric, most of all where classes are rare: a class
//! that is missing from a batch counts as 0, or is left out. It looks like any other F1.
//!
//! ## How it is tested
//! The audit needs true and predicted labels of the validation rows and a precision, recall or F1 in
//! the log. It recomputes the metric over all rows (macro, weighted, micro and, with two classes, of
//! the second class) and as the mean over consecutive batches, of the logged batch size and of 4, 8,
//! 16, 32, 64, 128 and 256 rows:
//!
//! ```text
//! M_b = mean over batches of metric(rows of the batch)
//! ```
//!
//! The cause is found if the metric logged by the epoch that predicted the rows is within 0.0007 of
//! such a mean, and not within 0.002 of any average over all rows. Micro averages over batches are left
//! out, because they are those over rows but for the last batch; the macro average is also tried over
//! the classes that a batch has. Where several epochs may have predicted the rows, one whose every
//! metric is that of the rows clears the log.
//!
//! ## What to do
//! Collect the predictions of the whole epoch and compute the metric once.
//!
//! ## Example
//! For the data of the test `a_mean_over_batches_is_found_with_their_size`, the audit prints:
//!
//! ```text
//! 1. A logged metric is a mean over batches (C4, caution, likely, −5.9 points in the log)
//!    The logged F1 of 57.3 % is the mean of what batches of 4 rows gave (macro). Over all rows it is
//!    63.3 % (macro), 63.3 % (weighted), 63.3 % (micro).
//!    What to do: Collect all predictions of the epoch and compute F1 once over them.
//!    How to make sure: compute F1 over the whole validation file, for instance with scikit-learn's
//!    classification_report
//! ```
//!
//! ## References
//! - `keras-team/keras#5794` and `keras-team/keras#4592`: Keras removed its precision, recall and F1
//!   because they were averaged over batches.
//! - `tensorflow/addons#825` and `keras-team/keras#5400`: people who met such values.

use labelproof_artifact::Split;

use crate::answer::effect::{self, Figure};
use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::case::Case;
use crate::case::epochs::predicting_figures;
use crate::evidence::log::Figures;
use crate::evidence::{Missing, Need};
use crate::measures::logged_metrics::{Metric, batch_means};

/// Batch sizes that are tried beside the logged one.
const USUAL_SIZES: [usize; 7] = [4, 8, 16, 32, 64, 128, 256];

/// How near a logged value must be to count as the mean over batches.
const TOLERANCE: f64 = 7e-4;

/// How near a logged value must be to count as computed over all rows: rounding in the log, and a definition
/// that differs in what it does with a class that is never predicted.
const GLOBAL_TOLERANCE: f64 = 2e-3;

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    let rows = case.predicted(Split::Validation)?;
    let log = case.evidence.log()?;
    let has_metric = |figures: &Figures| Metric::ALL.iter().any(|metric| metric.logged(figures).is_some());
    if !log.epochs.iter().any(|epoch| has_metric(&epoch.validation)) {
        return Err(Need::LoggedMetric.into());
    }
    let confusion = rows.confusion();
    let logged_size = log.batch_size.and_then(|size| usize::try_from(size).ok());
    let sizes: Vec<usize> = logged_size
        .into_iter()
        .chain(USUAL_SIZES)
        .filter(|size| (1..rows.truth.len()).contains(size))
        .collect();
    let epochs = predicting_figures(case)?;
    let is_global = |metric: Metric, logged: f64| {
        let values = metric.averages(&confusion);
        values
            .iter()
            .any(|(_, value)| (value - logged).abs() <= GLOBAL_TOLERANCE)
    };
    // Several epochs may have the accuracy of the saved rows: one whose every metric is that of the rows is
    // theirs.
    let is_theirs = |figures: &Figures| {
        let mut logged = Metric::ALL
            .iter()
            .filter_map(|metric| Some((*metric, metric.logged(figures)?)));
        has_metric(figures) && logged.all(|(metric, value)| is_global(metric, value))
    };
    if epochs.iter().any(is_theirs) {
        let summary = "The logged metrics of an epoch are those of the saved rows, over all of them.";
        return Ok(Answer::clear(summary, Measured::new()));
    }
    for figures in epochs {
        for metric in Metric::ALL {
            let Some(logged) = metric.logged(&figures) else {
                continue;
            };
            if is_global(metric, logged) {
                continue;
            }
            let global = metric.averages(&confusion);
            for &size in &sizes {
                // A micro average over batches is one over rows, but for the last batch.
                let means = batch_means(&rows, metric, size);
                let mean = means
                    .iter()
                    .find(|(name, value)| *name != "micro" && (value - logged).abs() <= TOLERANCE);
                if let Some((average, value)) = mean {
                    return Ok(found(metric, logged, size, average, *value, &global));
                }
            }
        }
    }
    let summary =
        "The logged metrics of the epoch that predicted are not means over batches of any usual size.";
    Ok(Answer::clear(summary, Measured::new()))
}

fn found(
    metric: Metric,
    logged: f64,
    size: usize,
    average: &str,
    mean: f64,
    global: &[(&'static str, f64)],
) -> Answer {
    let name = metric.name();
    let real: Vec<String> = global
        .iter()
        .map(|(average, value)| format!("{:.1} % ({average})", 100.0 * value))
        .collect();
    Diagnosis {
        severity: Severity::Caution,
        confidence: Confidence::Likely,
        summary: format!(
            "The logged {name} of {:.1} % is the mean of what batches of {size} rows gave ({average}). Over \
             all rows it is {}.",
            100.0 * logged,
            real.join(", ")
        ),
        effect: global
            .first()
            .map(|(_, value)| effect::of(Figure::Logged, logged - value)),
        fix: format!("Collect all predictions of the epoch and compute {name} once over them."),
        confirm: format!(
            "compute {name} over the whole validation file, for instance with scikit-learn's \
             classification_report"
        ),
        measured: Measured::new()
            .statistic("mean over batches", mean)
            .with("logged", logged)
            .with("batch_size", size)
            .with(
                "over_all_rows",
                global
                    .iter()
                    .map(|(average, value)| serde_json::json!({ "average": average, "value": value }))
                    .collect::<Vec<_>>(),
            ),
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::Cause;
    use crate::evidence::Evidence;
    use crate::evidence::Part;
    use crate::testing::{ask, assert_close, clear, evidence, example, log, predicted, statistic};

    /// 60 rows of which scikit-learn's `f1_score(average="macro")` makes 0.632709, and 0.573333 as the mean
    /// over batches of 4.
    fn with_f1(f1: f64) -> Evidence {
        let class = |row: u32| match row {
            _ if row.is_multiple_of(5) || row.is_multiple_of(7) => (row + 1) % 3,
            _ if row.is_multiple_of(11) => 0,
            _ => row % 3,
        };
        let rows: Vec<(u32, u32)> = (0..60).map(|row| (row % 3, class(row))).collect();
        let mut log = log(&[(1.0, 38.0 / 60.0)]);
        log.epochs[0].validation.f1 = Some(f1);
        Evidence {
            log: Some(log),
            ..evidence(
                &["a", "b", "c"],
                [Part::default(), predicted(&rows), Part::default()],
            )
        }
    }

    #[test]
    fn a_mean_over_batches_is_found_with_their_size() {
        let found = example(Cause::BatchAverages, &with_f1(0.5733));
        assert_close(statistic(&found.measured), 0.573_333_333_333_333, 1e-12);
        assert_eq!(found.measured.evidence["batch_size"], 4);
        assert_close(
            found.measured.evidence["over_all_rows"][0]["value"]
                .as_f64()
                .unwrap(),
            0.632_708_784_483_57,
            1e-12,
        );
    }

    #[test]
    fn a_metric_over_all_rows_is_clear() {
        clear(ask(Cause::BatchAverages, &with_f1(0.6327)));
        clear(ask(Cause::BatchAverages, &with_f1(0.4)));
    }

    #[test]
    fn without_a_metric_in_the_log_there_is_nothing_to_check() {
        let mut evidence = with_f1(0.5);
        evidence.log.as_mut().unwrap().epochs[0].validation.f1 = None;
        assert_eq!(
            ask(Cause::BatchAverages, &evidence),
            Err(Need::LoggedMetric.into())
        );
    }
}
