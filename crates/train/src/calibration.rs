//! The calibration of the kept epoch: a temperature, and what it makes of each validation row.
//!
//! It is fitted here and kept in the bundle, so that thresholds and prediction sets can be chosen at
//! prediction. Which are chosen is not this module's business.

use labelproof_artifact::Reporter;
use labelproof_metrics::decisions::{CalibratedRow, temperature_of_logits};
use labelproof_model::bundle::Calibration;

use crate::data::TrainingData;

/// The calibration by the logits of the validation rows, `[rows, classes]`, row-major.
pub(crate) fn of(logits: &[f32], data: &TrainingData, reporter: &dyn Reporter) -> Calibration {
    let (classes, truth) = (data.labels.len(), &data.validation.labels);
    let temperature = temperature_of_logits(logits, classes, truth).unwrap_or_else(|| {
        reporter.message(
            "the validation rows settle no temperature, because all are right or the logits say nothing of \
             the labels: probabilities stay as they are",
        );
        1.0
    });
    let rows = logits.chunks_exact(classes).zip(truth).map(|(logits, &label)| {
        CalibratedRow::of_logits(logits, label as usize, temperature).named(&data.labels)
    });
    Calibration {
        temperature,
        rows: rows.collect(),
    }
}
