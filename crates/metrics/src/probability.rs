//! The quality of the probabilities, beyond which of them is largest: Brier score and calibration.
//!
//! Log loss needs no code here: its per-row values come with [`Scored`], and their mean is the loss.

use serde::{Deserialize, Serialize};

use crate::Scored;

/// How many bins of equal width the reliability diagram has; 15 as in Guo et al. 2017, "On Calibration of
/// Modern Neural Networks".
pub const RELIABILITY_BINS: usize = 15;

/// The rows whose confidence (the largest probability) lies in `(low, high]`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// The lower edge; rows exactly on it belong to the bin below, or here if there is none.
    pub low: f64,
    /// The upper edge, which belongs to the bin.
    pub high: f64,
    /// The number of rows in the bin.
    pub rows: u64,
    /// The mean of their confidences; `None` without rows.
    pub mean_confidence: Option<f64>,
    /// The share of them that is predicted rightly; `None` without rows.
    pub accuracy: Option<f64>,
}

/// Each row's part of the multiclass Brier score (Brier 1950): `Σ_c (p_c − [c is the true class])²`.
///
/// 0 is best, 2 is worst. For two classes this is twice `sklearn.metrics.brier_score_loss`.
pub(crate) fn brier_by_row(scored: &Scored<'_>) -> Vec<f64> {
    scored
        .labels()
        .iter()
        .zip(scored.distributions())
        .map(|(&label, distribution)| {
            (0_u32..)
                .zip(distribution)
                .map(|(class, &probability)| {
                    let miss = probability - f64::from(u8::from(class == label));
                    miss * miss
                })
                .sum()
        })
        .collect()
}

/// The multiclass Brier score, the mean over rows of `Σ_c (p_c − [c is the true class])²`. `None` without
/// rows.
pub fn brier_score(scored: &Scored<'_>) -> Option<f64> {
    let by_row = brier_by_row(scored);
    (!by_row.is_empty()).then(|| by_row.iter().sum::<f64>() / by_row.len() as f64)
}

/// The lower edge of a bin. Divided and not added up, so that a confidence of exactly 3/15 meets an edge of
/// 3/15.
fn edge(bin: usize) -> f64 {
    bin as f64 / RELIABILITY_BINS as f64
}

/// The bin `(low, high]` that a confidence lies in; what lies outside 0 to 1 goes to the nearest bin.
fn bin_of(confidence: f64) -> usize {
    (1..RELIABILITY_BINS)
        .take_while(|&bin| edge(bin) < confidence)
        .count()
}

/// What one row adds to the reliability diagram.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Confidence {
    bin: usize,
    value: f64,
    hit: bool,
}

/// Each row's confidence, and whether its prediction is right.
pub(crate) fn confidence_by_row(scored: &Scored<'_>) -> Vec<Confidence> {
    scored
        .labels()
        .iter()
        .zip(scored.distributions())
        .zip(scored.predictions())
        .map(|((&label, distribution), predicted)| {
            let value = distribution[predicted as usize];
            Confidence {
                bin: bin_of(value),
                value,
                hit: label == predicted,
            }
        })
        .collect()
}

/// Sums over the rows of each bin, from which the diagram and the calibration error follow.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reliability {
    rows: [u64; RELIABILITY_BINS],
    hits: [u64; RELIABILITY_BINS],
    confidence: [f64; RELIABILITY_BINS],
}

impl Reliability {
    /// Adds a row `count` times.
    pub(crate) fn add(&mut self, row: Confidence, count: u32) {
        self.rows[row.bin] += u64::from(count);
        self.hits[row.bin] += u64::from(count) * u64::from(row.hit);
        self.confidence[row.bin] += f64::from(count) * row.value;
    }

    /// Expected calibration error (Naeini et al. 2015, Guo et al. 2017): `Σ_b n_b/n · |accuracy_b −
    /// confidence_b|`.
    pub(crate) fn calibration_error(&self) -> Option<f64> {
        let rows: u64 = self.rows.iter().sum();
        let gaps: f64 = self
            .hits
            .iter()
            .zip(&self.confidence)
            .map(|(&hits, confidence)| (hits as f64 - confidence).abs())
            .sum();
        (rows > 0).then(|| gaps / rows as f64)
    }

    /// The diagram, with its empty bins.
    pub(crate) fn bins(&self) -> Vec<ReliabilityBin> {
        (0..RELIABILITY_BINS)
            .map(|bin| {
                let rows = self.rows[bin];
                let mean = |sum: f64| (rows > 0).then(|| sum / rows as f64);
                ReliabilityBin {
                    low: edge(bin),
                    high: edge(bin + 1),
                    rows,
                    mean_confidence: mean(self.confidence[bin]),
                    accuracy: mean(self.hits[bin] as f64),
                }
            })
            .collect()
    }
}

/// Expected calibration error of the largest probability, over [`RELIABILITY_BINS`] bins of equal width, and
/// the bins: `Σ_b n_b/n · |accuracy_b − mean confidence_b|` (Guo et al. 2017). The error is `None` without
/// rows.
///
/// Noise only ever adds to it: a perfectly calibrated classifier on few rows does not score 0.
pub fn expected_calibration_error(scored: &Scored<'_>) -> (Option<f64>, Vec<ReliabilityBin>) {
    let mut reliability = Reliability::default();
    for row in confidence_by_row(scored) {
        reliability.add(row, 1);
    }
    (reliability.calibration_error(), reliability.bins())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_are_open_below_and_closed_above() {
        assert_eq!(bin_of(0.0), 0);
        assert_eq!(bin_of(-0.5), 0);
        assert_eq!(bin_of(3.0 / 15.0), 2);
        assert_eq!(bin_of(3.0_f64.next_up() / 15.0), 3);
        assert_eq!(bin_of(1.0), 14);
        assert_eq!(bin_of(1.5), 14);
    }

    #[test]
    fn overconfidence_is_measured() {
        // Ten rows at confidence 0.9, of which six are right: 0.9 − 0.6.
        let labels = [0, 0, 0, 0, 0, 0, 1, 1, 1, 1];
        let probabilities = [0.9, 0.1].repeat(10);
        let scored = Scored::new(&labels, &probabilities, &[0.1; 10], 2).unwrap();
        let (error, bins) = expected_calibration_error(&scored);
        assert!((error.unwrap() - 0.3).abs() < 1e-12);
        assert_eq!(bins.len(), RELIABILITY_BINS);
        assert_eq!(bins.iter().map(|bin| bin.rows).sum::<u64>(), 10);
        assert_eq!(bins[13].accuracy, Some(0.6));
        assert_eq!(bins[0].mean_confidence, None);
        // Six rows at 2 · 0.1² and four at 2 · 0.9².
        assert!((brier_score(&scored).unwrap() - 0.66).abs() < 1e-12);
    }
}
