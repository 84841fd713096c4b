//! Small things that checks do with rows: naming them, counting their classes, drawing a sample, writing a share.

use labelproof_artifact::Split;
pub(crate) use labelproof_artifact::wording::{capitalized, counted as count, percent};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::Value;

use crate::evidence::Part;

/// How many rows a finding names at most.
pub(crate) const NAMED_ROWS: usize = 20;

/// A split as a sentence calls it.
pub(crate) fn split_name(split: Split) -> &'static str {
    match split {
        Split::Train => "training",
        Split::Validation => "validation",
        Split::Test => "test",
    }
}

/// The ids of the first rows of a list, or their numbers in the file, counted from 1, where there are no ids.
pub(crate) fn row_names(part: &Part, rows: &[usize]) -> Value {
    rows.iter()
        .take(NAMED_ROWS)
        .map(|&row| {
            let id = part.ids.as_ref().and_then(|ids| ids.get(row));
            id.map_or_else(|| Value::from(row + 1), |id| Value::from(id.as_str()))
        })
        .collect()
}

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

/// Half the sum of the differences of two lists of shares: the share of rows that would have to change their class.
pub(crate) fn distance_of_shares(first: &[u64], second: &[u64]) -> f64 {
    let totals = [first, second].map(|counts| counts.iter().sum::<u64>().max(1) as f64);
    let differences = first
        .iter()
        .zip(second)
        .map(|(&one, &other)| (one as f64 / totals[0] - other as f64 / totals[1]).abs());
    differences.sum::<f64>() / 2.0
}

/// The numbers below `rows` in a random order that depends on the seed alone.
pub(crate) fn shuffled(rows: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..rows).collect();
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    for last in (1..rows).rev() {
        let other = random.next_u64() % (last as u64 + 1);
        order.swap(last, usize::try_from(other).expect("below a usize"));
    }
    order
}

/// At most `limit` of the numbers below `rows`, in ascending order; all of them where they are no more.
pub(crate) fn sample(rows: usize, limit: usize, seed: u64) -> Vec<usize> {
    if rows <= limit {
        return (0..rows).collect();
    }
    let mut chosen = shuffled(rows, seed);
    chosen.truncate(limit);
    chosen.sort_unstable();
    chosen
}

/// A number cut to six digits after the point: enough for people, and the same on every machine.
pub(crate) fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_repeat_and_keep_their_order() {
        let drawn = sample(1000, 100, 7);
        assert_eq!(drawn, sample(1000, 100, 7));
        assert_ne!(drawn, sample(1000, 100, 8));
        assert_eq!(drawn.len(), 100);
        assert!(drawn.is_sorted());
        assert_eq!(sample(3, 100, 7), [0, 1, 2]);
    }

    #[test]
    fn the_distance_is_the_share_of_rows_that_would_have_to_move() {
        assert!((distance_of_shares(&[50, 50], &[5, 0]) - 0.5).abs() < 1e-12);
        assert!(distance_of_shares(&[50, 50], &[1, 1]).abs() < 1e-12);
    }
}
