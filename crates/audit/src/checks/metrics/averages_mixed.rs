//! # Precision, recall and F1 are the accuracy under other names
//!
//! Where each row has one label, the micro averages of precision, recall and F1 are all equal to the
//! accuracy: every wrong row is one false positive and one false negative. Reporting the four of them
//! reports one number four times.
//!
//! ## Why the figures look good
//! On unbalanced data the accuracy is carried by the large classes. Four equal high figures look like
//! four proofs, and none of them says how the small classes fare, as the macro average would.
//!
//! ## How it is tested
//! The audit needs true and predicted labels of the validation rows, and at least two of precision,
//! recall and F1 in the log. The cause is noted, and certain, if all of them are the accuracy of the
//! rows (within 0.0005), in every logged epoch, while the macro F1 of the rows differs from the
//! accuracy by at least 0.002:
//!
//! ```text
//! macro F1 = (1/K) Σ_k F1_k           micro F1 = micro precision = micro recall = accuracy
//! ```
//!
//! Weighted averages may happen to be near the accuracy. If they explain the logged figures as well,
//! the cause is found only where the metrics equal the accuracy to six digits over at least five
//! epochs.
//!
//! ## What to do
//! Report macro averages (`average="macro"` in scikit-learn), or precision and recall of each class.
//!
//! ## Example
//! For the data of the test `an_accuracy_under_other_names_is_found`, the audit prints:
//!
//! ```text
//! 1. Precision, recall and F1 are the accuracy under other names (C6, note, certain, +27.5 points
//!    in the log)
//!    The logged precision, recall, F1 are all 92.0 %, the accuracy: micro averages, which say nothing
//!    new where a row has one label. The mean F1 of the classes is 64.5 %.
//!    What to do: Report macro averages (`average="macro"`), or each class by itself.
//!    How to make sure: compute F1 of the validation file with average="macro" and with average="micro"
//! ```
//!
//! ## References
//! - Opitz and Burst, 2019, *Macro F1 and Macro F1* (arXiv 1911.03347).
//! - `facebookresearch/fastText#93` and `facebookresearch/fastText#212`: precision and recall that are
//!   always equal.

use labelproof_artifact::Split;

use crate::answer::effect::{self, Figure};
use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::case::Case;
use crate::case::epochs::predicting_figures;
use crate::evidence::log::Log;
use crate::evidence::{Missing, Need};
use crate::measures::logged_metrics::Metric;

/// How near values must be to count as equal.
const TOLERANCE: f64 = 5e-4;

/// How far the macro average must be away for the two to be told apart.
const LEAST_DIFFERENCE: f64 = 0.002;

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    let figures = predicting_figures(case)?
        .first()
        .copied()
        .ok_or(Need::LoggedMetric)?;
    let logged: Vec<(Metric, f64)> = Metric::ALL
        .into_iter()
        .filter_map(|metric| Some((metric, metric.logged(&figures)?)))
        .collect();
    if logged.is_empty() {
        return Err(Need::LoggedMetric.into());
    }
    let rows = case.predicted(Split::Validation)?;
    let confusion = rows.confusion();
    let accuracy = rows.accuracy();
    let is_accuracy = |value: f64| (value - accuracy).abs() <= TOLERANCE;
    let macro_f1 = Metric::F1
        .averages(&confusion)
        .iter()
        .find(|(name, _)| *name == "macro")
        .map_or(accuracy, |(_, value)| *value);
    let names: Vec<&str> = logged.iter().map(|(metric, _)| metric.name()).collect();
    let measured = Measured::new()
        .statistic("macro F1", macro_f1)
        .with("accuracy", accuracy);
    let all_accuracy = logged.len() >= 2
        && logged.iter().all(|(_, value)| is_accuracy(*value))
        && farthest(case.evidence.log()?) <= TOLERANCE
        // Weighted averages may happen to be near the accuracy, too, but not equal to it epoch for epoch.
        && (is_equal_throughout(case.evidence.log()?)
            || !logged.iter().all(|(metric, value)| {
                let averages = metric.averages(&confusion);
                averages
                    .iter()
                    .any(|(name, weighted)| *name == "weighted" && (weighted - value).abs() <= TOLERANCE)
            }));
    if !all_accuracy || (accuracy - macro_f1).abs() < LEAST_DIFFERENCE {
        let summary = format!(
            "The logged {} can be told from the accuracy, or need not be.",
            names.join(", ")
        );
        return Ok(Answer::clear(summary, measured));
    }
    Ok(Diagnosis {
        severity: Severity::Note,
        confidence: Confidence::Certain,
        summary: format!(
            "The logged {} are all {:.1} %, the accuracy: micro averages, which say nothing new where a row \
             has one label. The mean F1 of the classes is {:.1} %.",
            names.join(", "),
            100.0 * accuracy,
            100.0 * macro_f1
        ),
        effect: Some(effect::of(Figure::Logged, accuracy - macro_f1)),
        fix: "Report macro averages (`average=\"macro\"`), or each class by itself.".to_owned(),
        confirm: "compute F1 of the validation file with average=\"macro\" and with \
                  average=\"micro\""
            .to_owned(),
        measured,
    }
    .into())
}

/// How far the metrics of any epoch are from its accuracy.
fn farthest(log: &Log) -> f64 {
    let distances = log
        .epochs
        .iter()
        .map(|epoch| epoch.validation)
        .flat_map(|figures| {
            let accuracy = figures.accuracy;
            Metric::ALL
                .iter()
                .filter_map(move |metric| Some((metric.logged(&figures)? - accuracy?).abs()))
        });
    distances.fold(0.0, f64::max)
}

/// Whether the metrics are the accuracy to all digits, over so many epochs that no other average would be.
fn is_equal_throughout(log: &Log) -> bool {
    const EPOCHS: usize = 5;
    const ROUNDING: f64 = 1e-6;
    log.epochs.len() >= EPOCHS && farthest(log) <= ROUNDING
}

#[cfg(test)]
mod tests {
    use crate::cause::Cause;
    use crate::evidence::Evidence;
    use crate::evidence::Part;
    use crate::testing::{ask, assert_close, clear, evidence, example, log, predicted, statistic};

    /// 90 rows of one class and 10 of another, of which two are right: scikit-learn's macro F1 is 0.645390,
    /// micro 0.92.
    fn with_metric(value: f64) -> Evidence {
        let rows: Vec<(u32, u32)> = (0..100)
            .map(|row| (u32::from(row >= 90), u32::from(row >= 98)))
            .collect();
        let mut log = log(&[(0.3, 0.92)]);
        let figures = &mut log.epochs[0].validation;
        (figures.precision, figures.recall, figures.f1) = (Some(value), Some(value), Some(value));
        Evidence {
            log: Some(log),
            ..evidence(&["a", "b"], [Part::default(), predicted(&rows), Part::default()])
        }
    }

    #[test]
    fn an_accuracy_under_other_names_is_found() {
        let found = example(Cause::AveragesMixed, &with_metric(0.92));
        assert_close(statistic(&found.measured), 0.645_390_070_921_985_9, 1e-12);
        assert_close(found.effect.unwrap().points, 27.461, 1e-3);
    }

    #[test]
    fn macro_averages_are_clear() {
        clear(ask(Cause::AveragesMixed, &with_metric(0.6454)));
    }
}
