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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_is_the_share_of_rows_that_would_have_to_move() {
        assert!((distance_of_shares(&[50, 50], &[5, 0]) - 0.5).abs() < 1e-12);
        assert!(distance_of_shares(&[50, 50], &[1, 1]).abs() < 1e-12);
    }
}
