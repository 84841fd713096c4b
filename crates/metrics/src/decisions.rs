//! Decisions on single predictions: when to abstain, and which labels to name beside the most probable one.
//!
//! Everything here is a pure function of the [`CalibratedRow`]s of the validation rows, which travel with the
//! bundle, so that another threshold needs no other training. This module does not know where rows are kept,
//! and no network.
//!
//! - `temperature`: the number that logits are divided by, so that a probability is a frequency.
//! - `abstention`: thresholds on the confidence, for a wanted precision or coverage.
//! - `conformal`: sets of labels that hold the true one as often as is wanted.
//! - `figures`: what all of it gives on the test rows, as `metrics.json` has it.

mod abstention;
mod conformal;
mod figures;
mod temperature;

#[cfg(test)]
mod tests;

use labelproof_artifact::{CalibrationRow, LabelMap};

use crate::{Error, argmax};

pub use abstention::{Thresholds, Wanted, highest_precision};
pub use conformal::ConformalSets;
pub use figures::{
    Calibration, ConformalFigures, Covered, DecisionFigures, Kept, OperatingPoint, Questions, SetSizes,
};
pub use temperature::{TEMPERATURES, fit_temperature, softmax_at, temperature_of_logits};

/// A row whose label is known, with the calibrated probabilities that decisions rest on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CalibratedRow {
    /// The true class.
    pub label: usize,
    /// The class of the highest logit.
    pub predicted: usize,
    /// The calibrated probability of the predicted class.
    pub confidence: f64,
    /// The calibrated probability of the true class.
    pub probability: f64,
}

impl CalibratedRow {
    /// The row of some logits, `[classes]`.
    pub fn of_logits(logits: &[f32], label: usize, temperature: f64) -> Self {
        let probabilities = softmax_at(logits, temperature);
        let predicted = argmax(logits);
        Self {
            label,
            predicted,
            confidence: probabilities[predicted],
            probability: probabilities[label],
        }
    }

    /// The rows of a bundle's table, with the classes numbered by its label map.
    pub fn numbered(rows: &[CalibrationRow], labels: &LabelMap) -> Result<Vec<Self>, Error> {
        let number = |row: usize, label: &str| {
            let unknown = || Error::UnknownLabel {
                row,
                label: label.to_owned(),
            };
            labels
                .index(label)
                .map(|class| class as usize)
                .ok_or_else(unknown)
        };
        let numbered = rows.iter().enumerate().map(|(place, row)| {
            Ok(Self {
                label: number(place, &row.label)?,
                predicted: number(place, &row.predicted)?,
                confidence: row.confidence,
                probability: row.probability,
            })
        });
        numbered.collect()
    }

    /// The row with the names of its classes, as a bundle's table has it.
    pub fn named(&self, labels: &LabelMap) -> CalibrationRow {
        CalibrationRow {
            label: labels.name(self.label).to_owned(),
            predicted: labels.name(self.predicted).to_owned(),
            confidence: self.confidence,
            probability: self.probability,
        }
    }

    /// Whether the prediction is right.
    pub fn is_hit(&self) -> bool {
        self.label == self.predicted
    }
}

/// The rows of each class, by their true or their predicted one.
fn by_class(
    rows: &[CalibratedRow],
    classes: usize,
    class: impl Fn(&CalibratedRow) -> usize,
) -> Vec<Vec<CalibratedRow>> {
    let mut groups = vec![Vec::new(); classes];
    for row in rows {
        groups[class(row)].push(*row);
    }
    groups
}
