//! Dropout (Srivastava et al. 2014) with keep-masks that are hashed from a seed.
//!
//! LibTorch draws a mask from a generator of its device, whose numbers no other device gives again, and on a
//! processor one element after the other on one thread. These masks depend on the seed and the position
//! alone: whether an element is kept is a hash of its row and its column.
//!
//! The hash is made of few operations on 32-bit integers, which take a vector unit a fraction of the time of
//! a random stream. A row has a number `r` and a column a number `c`, and the element is dropped where `(r +
//! c)²`, modulo 2³², is among the smallest of its values. `r` and `c` are multiply-shift hashes
//! (Dietzfelbinger et al. 1997, <https://doi.org/10.1006/jagm.1997.0873>) of a fixed table of random numbers,
//! with a multiplier for the rows and one for the columns that follow from the seed.

use burn::nn::Dropout;
use burn::tensor::{Device, Tensor};
use multiversion::multiversion;
use rand_chacha::rand_core::Rng;

use crate::fused::FusedOperations;
use crate::{random, threads};

/// The number of rows of a mask that one thread hashes at a time.
const ROWS: usize = 32;
/// The number of values of the hash.
const VALUES: f64 = 4_294_967_296.0;

/// The keep-mask of one application of dropout, described by its probability and its seed, and computed where
/// it is needed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KeepMask {
    /// The probability that an element is dropped.
    probability: f64,
    seed: u64,
}

/// The factors of a mask's hash that hold for all of its rows.
pub(crate) struct MaskHash {
    /// The multiplier of the rows' numbers, odd.
    pub(crate) row_multiplier: u64,
    /// The multiplier of the columns' numbers, odd.
    pub(crate) column_multiplier: u64,
    /// The least hash, as a signed number, that keeps its element.
    pub(crate) least: i32,
}

impl KeepMask {
    /// The keep-mask of a dropout layer. It drops nothing but in training mode on an autodiff device.
    pub fn new(dropout: &Dropout, device: &Device, seed: u64) -> Self {
        let drops = dropout.training.is_enabled() && device.is_autodiff();
        let probability = if drops { dropout.prob } else { 0.0 };
        Self { probability, seed }
    }

    /// Whether the mask may drop an element at all.
    pub(crate) fn drops(self) -> bool {
        self.threshold() > 0
    }

    /// The number of values of the hash that drop their element, the smallest ones.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a probability is between 0 and 1, and `as` saturates"
    )]
    fn threshold(self) -> u32 {
        (self.probability * VALUES).round() as u32
    }

    /// The factor of the elements that are kept, which preserves the mean (inverted dropout).
    #[expect(clippy::cast_possible_truncation, reason = "the network computes in float32")]
    pub(crate) fn scale(self) -> f32 {
        (VALUES / (VALUES - f64::from(self.threshold()))) as f32
    }

    /// The factors of the mask's hash.
    pub(crate) fn hash(self) -> MaskHash {
        let mut stream = random::stream("dropout", self.seed);
        let [row_multiplier, column_multiplier] = [0; 2].map(|_| stream.next_u64() | 1);
        MaskHash {
            row_multiplier,
            column_multiplier,
            least: i32::MIN.wrapping_add_unsigned(self.threshold()),
        }
    }

    /// The mask of `[rows, width]` as factors: zero for each element that is dropped, the scale for the
    /// others.
    pub(crate) fn factors(self, rows: usize, width: usize) -> Vec<f32> {
        let mut factors = vec![0.0; rows * width];
        let (scale, hash) = (self.scale(), self.hash());
        let columns = hash.columns(width);
        let chunks = factors.chunks_mut(ROWS * width).enumerate();
        threads::for_each(chunks, |(number, factors)| {
            let mut keep = vec![true; factors.len()];
            hash.rows(&columns, number * ROWS, &mut keep);
            for (factor, keep) in factors.iter_mut().zip(keep) {
                *factor = if keep { scale } else { 0.0 };
            }
        });
        factors
    }
}

impl MaskHash {
    /// The numbers of the columns.
    pub(crate) fn columns(&self, width: usize) -> Vec<u32> {
        (0..width)
            .map(|column| hashed(column, self.column_multiplier))
            .collect()
    }

    /// Computes the rows of the mask from `first` on into `keep`, true for each element that is kept.
    pub(crate) fn rows(&self, columns: &[u32], first: usize, keep: &mut [bool]) {
        for (number, keep) in keep.chunks_exact_mut(columns.len()).enumerate() {
            let row = hashed(first + number, self.row_multiplier);
            hash_row(row, columns, self.least, keep);
        }
    }
}

/// The number of a row or column: the upper half of the product of its random number with an odd multiplier.
fn hashed(place: usize, multiplier: u64) -> u32 {
    (random_number(place).wrapping_mul(multiplier) >> 32) as u32
}

/// The random number of a place: the output of the generator `SplitMix64` (Steele et al. 2014,
/// <https://doi.org/10.1145/2714064.2660195>) from the seed 0 at this place of its sequence.
pub(crate) fn random_number(place: usize) -> u64 {
    let state = (place as u64).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2"))]
fn hash_row(row: u32, columns: &[u32], least: i32, keep: &mut [bool]) {
    for (keep, column) in keep.iter_mut().zip(columns) {
        let sum = row.wrapping_add(*column);
        *keep = sum.wrapping_mul(sum).cast_signed() >= least;
    }
}

/// Applies dropout to a tensor in training mode on an autodiff device; elsewhere the tensor stays as it is.
pub fn dropout<const D: usize>(layer: &Dropout, input: Tensor<D>, seed: u64) -> Tensor<D> {
    let keep_mask = KeepMask::new(layer, &input.device(), seed);
    if !keep_mask.drops() {
        return input;
    }
    Tensor::from_dispatch(<burn::backend::Dispatch as FusedOperations>::fused_dropout(
        input.into_dispatch(),
        keep_mask,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: [usize; 2] = [1024, 384];

    fn mask(probability: f64, seed: u64) -> KeepMask {
        KeepMask { probability, seed }
    }

    /// The mask as deviations of "dropped" from its probability, in standard deviations.
    fn deviations(probability: f64, seed: u64) -> Vec<f64> {
        let factors = mask(probability, seed).factors(SHAPE[0], SHAPE[1]);
        let deviation = (probability * (1.0 - probability)).sqrt();
        let dropped = factors.iter().map(|factor| f64::from(u8::from(*factor == 0.0)));
        dropped
            .map(|dropped| (dropped - probability) / deviation)
            .collect()
    }

    /// The sum of products of the elements at some steps from each other, in standard deviations of the sum.
    fn correlation(deviations: &[f64], steps: &[[usize; 2]]) -> f64 {
        let [down, right] = [0, 1].map(|axis| steps.iter().map(|step| step[axis]).max().unwrap());
        let (rows, width) = (SHAPE[0] - down, SHAPE[1] - right);
        let mut sum = 0.0;
        for row in 0..rows {
            for column in 0..width {
                let at = |[down, right]: &[usize; 2]| deviations[(row + down) * SHAPE[1] + column + right];
                sum += steps.iter().map(at).product::<f64>();
            }
        }
        sum / ((rows * width) as f64).sqrt()
    }

    #[test]
    fn the_random_numbers_are_those_of_splitmix64() {
        // The first of the reference implementation, https://prng.di.unimi.it/splitmix64.c, from the seed 0.
        let expected = [
            0xe220_a839_7b1d_cdaf,
            0x6e78_9e6a_a1b9_65f4,
            0x06c4_5d18_8009_454f,
        ];
        assert_eq!([0, 1, 2].map(random_number), expected);
    }

    #[test]
    fn a_mask_drops_its_share_preserves_the_mean_and_follows_its_seed() {
        let count = (SHAPE[0] * SHAPE[1]) as f64;
        for probability in [0.1, 0.5, 0.9] {
            let keep_mask = mask(probability, 7);
            let drawn = keep_mask.factors(SHAPE[0], SHAPE[1]);
            let dropped = drawn.iter().filter(|value| **value == 0.0).count() as f64 / count;
            let deviation = (probability * (1.0 - probability) / count).sqrt();
            assert!((dropped - probability).abs() < 5.0 * deviation, "{dropped}");
            let mean = drawn.iter().map(|value| f64::from(*value)).sum::<f64>() / count;
            assert!(
                (mean - 1.0).abs() < 5.0 * deviation / (1.0 - probability),
                "{mean}"
            );
            assert_eq!(drawn, keep_mask.factors(SHAPE[0], SHAPE[1]));
            assert_ne!(drawn, mask(probability, 8).factors(SHAPE[0], SHAPE[1]));
        }
        assert!(!mask(0.0, 7).drops());
    }

    #[test]
    fn neighbours_are_independent_in_both_dimensions_and_so_are_seeds() {
        let steps: [&[[usize; 2]]; 8] = [
            &[[0, 0], [0, 1]],
            &[[0, 0], [1, 0]],
            &[[0, 0], [1, 1]],
            &[[0, 1], [1, 0]],
            &[[0, 0], [0, 2]],
            &[[0, 0], [32, 0]],
            &[[0, 0], [0, 1], [0, 2]],
            // All corners of a rectangle: their rows and columns have only two numbers each.
            &[[0, 0], [0, 1], [1, 0], [1, 1]],
        ];
        for probability in [0.1, 0.5] {
            for seed in 0..3 {
                let mask = deviations(probability, seed);
                for steps in steps {
                    let found = correlation(&mask, steps);
                    assert!(found.abs() < 5.0, "{probability}, {seed}, {steps:?}: {found}");
                }
                let other = deviations(probability, seed + 1);
                let products = mask.iter().zip(&other).map(|(one, other)| one * other);
                let found = products.sum::<f64>() / (mask.len() as f64).sqrt();
                assert!(found.abs() < 5.0, "{probability}, {seed}: {found}");
            }
        }
    }

    #[test]
    fn no_row_is_like_another_and_no_column() {
        let (rows, width) = (256, SHAPE[1]);
        let deviations = deviations(0.5, 3);
        let row = |row: usize| (0..width).map(move |column| row * width + column);
        let column = |column: usize| (0..rows).map(move |row| row * width + column);
        let largest = |places: Vec<Vec<usize>>| {
            let count = (places[0].len() as f64).sqrt();
            let product = |one: &[usize], other: &[usize]| {
                let terms = one
                    .iter()
                    .zip(other)
                    .map(|(one, other)| deviations[*one] * deviations[*other]);
                terms.sum::<f64>() / count
            };
            let pairs = (0..places.len()).flat_map(|one| (0..one).map(move |other| (one, other)));
            pairs.fold(0.0, |largest: f64, (one, other)| {
                largest.max(product(&places[one], &places[other]).abs())
            })
        };
        // Of some 30,000 pairs each.
        for found in [
            largest((0..rows).map(|number| row(number).collect()).collect()),
            largest((0..rows).map(|number| column(number).collect()).collect()),
        ] {
            assert!(found < 6.0, "{found}");
        }
    }
}
