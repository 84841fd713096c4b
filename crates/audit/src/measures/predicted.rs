//! Rows whose true and predicted classes are known, and rows whose class probabilities are known as well.

use labelproof_metrics::Confusion;

use crate::evidence::part::Part;
use crate::evidence::{ScoreKind, Scores};

/// Rows whose true and predicted classes are both known.
#[derive(Debug, Clone, Copy)]
pub struct PredictedRows<'a> {
    /// The rows.
    pub part: &'a Part,
    /// `[rows]`, true classes.
    pub truth: &'a [u32],
    /// `[rows]`, predicted classes.
    pub predictions: &'a [u32],
    /// The number of classes.
    pub classes: usize,
}

impl PredictedRows<'_> {
    /// Whether each row is predicted rightly.
    pub fn hits(&self) -> impl Iterator<Item = bool> {
        self.truth
            .iter()
            .zip(self.predictions)
            .map(|(truth, predicted)| truth == predicted)
    }

    /// Rows predicted rightly.
    pub fn hit_count(&self) -> u64 {
        self.hits().filter(|hit| *hit).count() as u64
    }

    /// The number of rows.
    pub fn rows(&self) -> u64 {
        self.truth.len() as u64
    }

    /// The share of rows predicted rightly; 0 without rows.
    pub fn accuracy(&self) -> f64 {
        if self.truth.is_empty() {
            return 0.0;
        }
        self.hit_count() as f64 / self.rows() as f64
    }

    /// How often each class was predicted for each true class.
    pub fn confusion(&self) -> Confusion {
        let mut matrix = vec![vec![0_u64; self.classes]; self.classes];
        for (&truth, &predicted) in self.truth.iter().zip(self.predictions) {
            matrix[truth as usize][predicted as usize] += 1;
        }
        Confusion::from_matrix(&matrix).expect("a counted matrix is square, and its rows fit a u32")
    }
}

/// Rows whose true classes and class probabilities are both known.
#[derive(Debug, Clone, Copy)]
pub struct ScoredRows<'a> {
    /// The rows with their predictions.
    pub predicted: PredictedRows<'a>,
    /// Probabilities: softmax was applied to logits.
    pub probabilities: &'a Scores,
    /// The numbers as they were saved.
    pub saved: &'a Scores,
}

impl ScoredRows<'_> {
    /// The largest probability of each row.
    pub fn confidences(&self) -> Vec<f64> {
        self.probabilities
            .rows()
            .map(|row| row.iter().copied().fold(0.0, f64::max))
            .collect()
    }

    /// The outputs that a loss or a metric saw that looks at each by itself: saved probabilities as they are, which
    /// may be sigmoids that add up to something else than 1, or the softmax of saved logits.
    pub fn outputs(&self) -> &Scores {
        match self.saved.kind {
            ScoreKind::Probabilities => self.saved,
            ScoreKind::Logits => self.probabilities,
        }
    }

    /// `-ln p` of each row's true class.
    pub fn losses(&self) -> Vec<f64> {
        self.probabilities
            .rows()
            .zip(self.predicted.truth)
            .map(|(row, &truth)| -row[truth as usize].max(f64::MIN_POSITIVE).ln())
            .collect()
    }

    /// The mean of [`ScoredRows::losses`].
    pub fn loss(&self) -> f64 {
        let losses = self.losses();
        losses.iter().sum::<f64>() / losses.len().max(1) as f64
    }
}
