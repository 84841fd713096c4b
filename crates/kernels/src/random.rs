//! Random streams that are the same on every machine, backend and release: `ChaCha`, seeded by a purpose and
//! a number.
//!
//! The head's dropout is the exception: its masks come from the device's own generator, which [`burn`] seeds.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// The random stream of a purpose and a seed. Each purpose has its own, so that one more draw in one place
/// moves no other.
pub fn stream(purpose: &str, seed: u64) -> ChaCha8Rng {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes()).update(purpose.as_bytes());
    ChaCha8Rng::from_seed(*hasher.finalize().as_bytes())
}

/// A seed that is derived from another and a number, as unlike that of any other pair as chance makes it.
pub fn derive(seed: u64, number: u64) -> u64 {
    stream(&number.to_string(), seed).next_u64()
}

/// A uniform number in `[0, 1)` with 24 random bits, all that a float32 holds.
pub fn uniform(stream: &mut ChaCha8Rng) -> f32 {
    (stream.next_u32() >> 8) as f32 / (1_u32 << 24) as f32
}

/// A number of the standard normal distribution, by the method of Box and Muller.
pub fn normal(stream: &mut ChaCha8Rng) -> f32 {
    // Not 0, whose logarithm is infinite.
    let radius = (-2.0 * f64::from(1.0 - uniform(stream)).ln()).sqrt();
    let angle = std::f64::consts::TAU * f64::from(uniform(stream));
    #[expect(clippy::cast_possible_truncation, reason = "weights are float32")]
    let number = (radius * angle.cos()) as f32;
    number
}

/// Shuffles a list by the algorithm of Fisher and Yates.
pub fn shuffle<T>(items: &mut [T], stream: &mut ChaCha8Rng) {
    for last in (1..items.len()).rev() {
        // The bias of a remainder of 64 random bits is below 2^-40 for any list that fits in memory.
        let other = stream.next_u64() % (last as u64 + 1);
        items.swap(last, usize::try_from(other).unwrap_or(last));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_numbers_have_the_moments_of_their_distribution() {
        let mut stream = stream("normal", 10);
        let numbers: Vec<f64> = (0..100_000).map(|_| f64::from(normal(&mut stream))).collect();
        let moment = |power: i32| numbers.iter().map(|x| x.powi(power)).sum::<f64>() / 100_000.0;
        // Four standard errors of each.
        for (power, expected, error) in [(1, 0.0, 0.013), (2, 1.0, 0.018), (3, 0.0, 0.05), (4, 3.0, 0.13)] {
            let found = moment(power);
            assert!((found - expected).abs() < error, "moment {power}: {found}");
        }
    }

    #[test]
    fn a_shuffle_keeps_every_item_and_follows_seed_and_purpose() {
        let shuffled = |purpose: &str, seed: u64| {
            let mut items: Vec<u32> = (0..100).collect();
            shuffle(&mut items, &mut stream(purpose, seed));
            items
        };
        let once = shuffled("order", 10);
        assert_eq!(once, shuffled("order", 10));
        assert_ne!(once, shuffled("order", 11));
        assert_ne!(once, shuffled("rows", 10));
        let mut sorted = once;
        sorted.sort_unstable();
        assert_eq!(sorted, (0..100).collect::<Vec<_>>());
    }
}
