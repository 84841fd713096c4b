//! A number for each class of each row, as a model gave it: logits or probabilities.

use labelproof_metrics::{argmax, softmax_in_place};

/// Whether scores are already probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScoreKind {
    /// Before softmax.
    Logits,
    /// After softmax.
    Probabilities,
}

/// A number for each class of each row.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    /// What the numbers are.
    pub kind: ScoreKind,
    /// Columns.
    pub classes: usize,
    /// `[rows, classes]`, row-major, as they were saved.
    pub values: Vec<f64>,
}

impl Scores {
    /// The saved numbers of each row.
    pub fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks_exact(self.classes)
    }

    /// The saved numbers of one row.
    pub fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.classes..(row + 1) * self.classes]
    }
}

/// The class of the highest score of each row; the first of equals.
pub fn argmax_rows(scores: &Scores) -> Vec<u32> {
    scores
        .rows()
        .map(|row| u32::try_from(argmax(row)).unwrap_or(u32::MAX))
        .collect()
}

/// Softmax of every row.
pub fn softmax_rows(scores: &Scores) -> Scores {
    let mut values = scores.values.clone();
    values.chunks_mut(scores.classes).for_each(softmax_in_place);
    Scores {
        kind: ScoreKind::Probabilities,
        classes: scores.classes,
        values,
    }
}
