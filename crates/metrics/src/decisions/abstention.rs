//! Abstention: a prediction is kept if its calibrated confidence reaches a threshold, and otherwise left to
//! people (Geifman and El-Yaniv 2017, arXiv:1705.08500).

use serde::{Deserialize, Serialize};

use super::{CalibratedRow, by_class};
use crate::wilson;

/// What a threshold is to give.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wanted {
    /// The share of the kept rows that are right.
    Precision(f64),
    /// The share of the rows that are kept.
    Coverage(f64),
    /// The least calibrated confidence: the threshold itself.
    Confidence(f64),
}

/// The thresholds of the classes.
#[derive(Debug, Clone, PartialEq)]
pub struct Thresholds {
    /// `[classes]`, by predicted class; `None` for a class of which nothing is kept.
    of_class: Vec<Option<f64>>,
}

impl Thresholds {
    /// One threshold for all classes, chosen on some rows.
    pub fn overall(rows: &[CalibratedRow], wanted: Wanted, classes: usize) -> Self {
        Self {
            of_class: vec![threshold(rows, wanted); classes],
        }
    }

    /// A threshold for each class, chosen on the rows that are predicted as this class.
    pub fn per_class(rows: &[CalibratedRow], wanted: Wanted, classes: usize) -> Self {
        let by_class = by_class(rows, classes, |row| row.predicted);
        Self {
            of_class: by_class.iter().map(|own| threshold(own, wanted)).collect(),
        }
    }

    /// The threshold of a predicted class; `None` where nothing of it is kept.
    pub fn of(&self, class: usize) -> Option<f64> {
        self.of_class[class]
    }

    /// The classes of which nothing is kept.
    pub fn without(&self) -> impl Iterator<Item = usize> {
        let classes = self.of_class.iter().enumerate();
        classes
            .filter(|(_, threshold)| threshold.is_none())
            .map(|(class, _)| class)
    }

    /// Whether a prediction is kept.
    pub fn keeps(&self, predicted: usize, confidence: f64) -> bool {
        // Written so that a NaN is not kept.
        self.of(predicted)
            .is_some_and(|threshold| confidence >= threshold)
    }
}

/// The threshold that gives what is wanted on some rows; `None` where none does.
fn threshold(rows: &[CalibratedRow], wanted: Wanted) -> Option<f64> {
    match wanted {
        Wanted::Precision(precision) => {
            let steps = steps(rows);
            let is_enough = |step: &&Step| step.low >= precision;
            steps.iter().rfind(is_enough).map(|step| step.threshold)
        }
        Wanted::Coverage(coverage) => {
            let is_enough = |step: &&Step| step.rows as f64 >= coverage * rows.len() as f64 - ROUNDING;
            steps(rows).iter().find(is_enough).map(|step| step.threshold)
        }
        Wanted::Confidence(confidence) => Some(confidence),
    }
}

/// 0.8 of 15 rows are 12, whatever the product rounds to.
const ROUNDING: f64 = 1e-9;

/// The highest precision that some rows show of any threshold: the lower end of the 95 % interval of the
/// precision of the kept rows. 0 for no rows.
pub fn highest_precision(rows: &[CalibratedRow]) -> f64 {
    steps(rows).iter().map(|step| step.low).fold(0.0, f64::max)
}

/// The rows whose confidence is at least a threshold.
struct Step {
    threshold: f64,
    rows: usize,
    /// The lower end of the 95 % interval of their precision (Wilson). A threshold chosen by the precision
    /// itself is chosen by luck where few rows are kept: it gives less on other rows.
    low: f64,
}

/// One step a confidence that occurs, from the highest to the lowest. Rows of equal confidence come together:
/// no threshold can tell them apart.
fn steps(rows: &[CalibratedRow]) -> Vec<Step> {
    let mut rows: Vec<(f64, bool)> = rows.iter().map(|row| (row.confidence, row.is_hit())).collect();
    rows.sort_by(|left, right| right.0.total_cmp(&left.0));
    let (mut seen, mut hits) = (0, 0);
    let groups = rows.chunk_by(|left, right| left.0.total_cmp(&right.0).is_eq());
    groups
        .map(|group| {
            seen += group.len();
            hits += group.iter().filter(|(_, hit)| *hit).count();
            Step {
                threshold: group[0].0,
                rows: seen,
                low: wilson(hits as u64, seen as u64).low.unwrap_or(0.0),
            }
        })
        .collect()
}
