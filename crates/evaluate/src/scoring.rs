//! From scores to metrics: the probabilities and losses of one model on one split.

use labelproof_artifact::{LabelMap, Split};
use labelproof_metrics::{Bootstrap, Scored, SplitMetrics, cross_entropy, softmax, summarize};
use labelproof_model::Logits;

use crate::error::Error;
use crate::rows::Rows;

/// One model's probabilities and losses on one split, row by row.
pub(crate) struct Scoring {
    /// The probabilities, `[rows, classes]`, row-major.
    probabilities: Vec<f64>,
    pub(crate) losses: Vec<f64>,
}

impl Scoring {
    /// The scoring of a model that gives logits.
    pub(crate) fn from_logits(scores: &Logits, labels: &[u32]) -> Self {
        let probabilities = scores.rows().flat_map(softmax).collect();
        let losses = scores
            .rows()
            .zip(labels)
            .map(|(logits, &label)| cross_entropy(logits, label as usize))
            .collect();
        Self {
            probabilities,
            losses,
        }
    }

    /// The scoring of a model that gives probabilities, `[rows, classes]`, row-major.
    pub(crate) fn from_probabilities(probabilities: Vec<f64>, labels: &[u32], classes: usize) -> Self {
        let losses = probabilities
            .chunks_exact(classes)
            .zip(labels)
            // A probability of 0 is taken as the smallest positive number, so that its loss stays finite.
            .map(|(row, &label)| -row[label as usize].max(f64::MIN_POSITIVE).ln())
            .collect();
        Self {
            probabilities,
            losses,
        }
    }

    /// The probabilities of one row.
    pub(crate) fn row(&self, row: usize, classes: usize) -> &[f64] {
        &self.probabilities[row * classes..(row + 1) * classes]
    }

    /// The checked input of the metrics.
    pub(crate) fn scored<'a>(
        &'a self,
        split: Split,
        rows: &'a Rows,
        labels: &LabelMap,
    ) -> Result<Scored<'a>, Error> {
        Scored::new(&rows.labels, &self.probabilities, &self.losses, labels.len())
            .map_err(|source| Error::Score { split, source })
    }

    /// The metrics of the split, with their intervals.
    pub(crate) fn summarize(
        &self,
        split: Split,
        rows: &Rows,
        labels: &LabelMap,
        seed: u64,
    ) -> Result<SplitMetrics, Error> {
        let scored = self.scored(split, rows, labels)?;
        let bootstrap = Bootstrap::for_rows(seed, rows.ids.len(), labels.len());
        Ok(summarize(&scored, labels.names(), bootstrap))
    }
}
