//! Split conformal prediction: sets of labels that hold the true label with a wanted probability, whatever
//! the model is, if new rows are exchangeable with those that it is calibrated on.
//!
//! The score of a label is `1 − p(label)`, the LAC of Sadinle, Lei and Wasserman 2019 (arXiv:1609.00451). A
//! label belongs to the set if its score is at most the ⌈(n + 1) · level⌉-th lowest of the scores of the true
//! labels of `n` rows (Vovk, Gammerman and Shafer 2005; Angelopoulos and Bates 2021, arXiv:2107.07511).

use super::{CalibratedRow, by_class};

/// Which labels belong to a set.
#[derive(Debug, Clone, PartialEq)]
pub struct ConformalSets {
    /// `[classes]`: the highest score with which a label belongs to a set; `None` where there are too few
    /// rows for the level, and the label belongs to every set.
    limits: Vec<Option<f64>>,
}

impl ConformalSets {
    /// The sets that hold the true label of a share `level` of the rows.
    pub fn overall(rows: &[CalibratedRow], level: f64, classes: usize) -> Self {
        let scores = rows.iter().map(score).collect();
        Self {
            limits: vec![limit(scores, level); classes],
        }
    }

    /// The sets that hold the true label of a share `level` of the rows of each label: calibrated on the rows
    /// of the label alone (Mondrian, or class-conditional, conformal prediction).
    pub fn per_class(rows: &[CalibratedRow], level: f64, classes: usize) -> Self {
        let by_class = by_class(rows, classes, |row| row.label);
        let limit = |own: &Vec<CalibratedRow>| limit(own.iter().map(score).collect(), level);
        Self {
            limits: by_class.iter().map(limit).collect(),
        }
    }

    /// The classes in the set of a row with the calibrated probabilities `[classes]`, in their order. It may
    /// be empty: no label is as probable as the true one is in most rows.
    pub fn set(&self, probabilities: &[f64]) -> Vec<usize> {
        (0..self.limits.len())
            .filter(|&class| self.contains(class, probabilities[class]))
            .collect()
    }

    /// Whether a class with a calibrated probability belongs to the set.
    pub fn contains(&self, class: usize, probability: f64) -> bool {
        self.limits[class].is_none_or(|limit| 1.0 - probability <= limit)
    }

    /// The highest score with which a class belongs to a set; `None` where it belongs to every set, because
    /// there are too few rows for the level.
    pub fn limit(&self, class: usize) -> Option<f64> {
        self.limits[class]
    }

    /// The classes that belong to every set, because there are too few rows for the level.
    pub fn always(&self) -> impl Iterator<Item = usize> {
        (0..self.limits.len()).filter(|&class| self.limits[class].is_none())
    }
}

fn score(row: &CalibratedRow) -> f64 {
    1.0 - row.probability
}

/// The ⌈(n + 1) · level⌉-th lowest score; `None` where there are not so many.
fn limit(mut scores: Vec<f64>, level: f64) -> Option<f64> {
    // 0.9 of 10 are 9, whatever the product rounds to.
    let place = ((scores.len() as f64 + 1.0) * level - 1e-9).ceil();
    scores.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number between 1 and the number of rows plus 1"
    )]
    let place = place.max(1.0) as usize;
    scores.get(place - 1).copied()
}
