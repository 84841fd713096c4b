//! Random orders and samples of rows, which depend on a seed alone.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

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
}
