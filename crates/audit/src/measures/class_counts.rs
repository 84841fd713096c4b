//! How many rows each class has, and how far two such distributions are apart.

use labelproof_artifact::Split;

use crate::evidence::Dataset;

/// `[classes]`: rows of each class. Classes beyond the last known one are left out.
pub(crate) fn class_counts(labels: &[u32], classes: usize) -> Vec<u64> {
    let mut counts = vec![0; classes];
    for &label in labels {
        if let Some(count) = counts.get_mut(label as usize) {
            *count += 1;
        }
    }
    counts
}

/// Half the sum of the differences of two lists of shares: the share of rows that would have to change their
/// class.
pub(crate) fn distance_of_shares(first: &[u64], second: &[u64]) -> f64 {
    let totals = [first, second].map(|counts| counts.iter().sum::<u64>().max(1) as f64);
    let differences = first
        .iter()
        .zip(second)
        .map(|(&one, &other)| (one as f64 / totals[0] - other as f64 / totals[1]).abs());
    differences.sum::<f64>() / 2.0
}

/// The share of the largest class of a split's rows; 0 where their classes are not known.
pub(crate) fn largest_share(dataset: &Dataset, split: Split) -> f64 {
    let part = dataset.part(split);
    let truth = part.and_then(|part| part.truth.as_deref()).unwrap_or_default();
    let counts = class_counts(truth, dataset.labels.len());
    let largest = counts.into_iter().max().unwrap_or(0);
    largest as f64 / truth.len().max(1) as f64
}

/// What one who knows nothing but the shares of the classes reaches.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Guess {
    /// The accuracy of always answering the largest class.
    pub(crate) accuracy: f64,
    /// The cross-entropy of always answering the shares of the classes: their entropy.
    pub(crate) loss: f64,
}

impl Guess {
    /// Of so many rows of each class; nothing without rows.
    pub(crate) fn of(counts: &[u64]) -> Option<Self> {
        let rows: u64 = counts.iter().sum();
        let shares = counts
            .iter()
            .filter(|count| **count > 0)
            .map(|count| *count as f64 / rows as f64);
        let largest = counts.iter().max().copied().unwrap_or(0);
        (rows > 0).then(|| Self {
            accuracy: largest as f64 / rows as f64,
            loss: shares.map(|share| -share * share.ln()).sum(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: −0.9 ln 0.9 − 0.1 ln 0.1 = 0.325083.
    #[test]
    fn a_guess_knows_the_shares() {
        let guess = Guess::of(&[90, 10, 0]).unwrap();
        assert!((guess.accuracy - 0.9).abs() < 1e-12 && (guess.loss - 0.325_083).abs() < 1e-6);
        assert_eq!(Guess::of(&[0, 0]), None);
    }

    #[test]
    fn the_distance_is_the_share_of_rows_that_would_have_to_move() {
        assert!((distance_of_shares(&[50, 50], &[5, 0]) - 0.5).abs() < 1e-12);
        assert!(distance_of_shares(&[50, 50], &[1, 1]).abs() < 1e-12);
    }
}
