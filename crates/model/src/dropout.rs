//! Dropout (Srivastava et al. 2014) whose masks are drawn here.
//!
//! LibTorch draws a mask one number after the other on one thread, which takes longer than the layer it is for. These masks are
//! drawn by all threads, from streams that depend on the seed alone: they are the same on every backend.

use burn::nn::Dropout;
use burn::tensor::{Device, Tensor, TensorData};
use rand_chacha::rand_core::Rng;

use crate::backend::threads;
use crate::random;

/// Values of a mask that are drawn together.
pub(crate) const CHUNK: usize = 1 << 15;
/// Random bits for each value: shares are right to 1/131072.
const BITS: u32 = 16;

/// Which values are dropped.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dropped {
    share: f64,
    seed: u64,
}

impl Dropped {
    /// What a layer drops: nothing but while training on a device that learns.
    pub(crate) fn of(dropout: &Dropout, device: &Device, seed: u64) -> Self {
        let drops = dropout.training.is_enabled() && device.is_autodiff();
        let share = if drops { dropout.prob } else { 0.0 };
        Self { share, seed }
    }

    /// Whether there are such values.
    pub(crate) fn any(self) -> bool {
        self.limit() > 0
    }

    /// How many of all the numbers of [`BITS`] bits drop a value when they are drawn.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share is between 0 and 1"
    )]
    fn limit(self) -> u32 {
        (self.share * f64::from(1_u32 << BITS)).round() as u32
    }

    /// What the values that are left are multiplied with, so that their mean stays.
    #[expect(clippy::cast_possible_truncation, reason = "the network computes in 32 bits")]
    pub(crate) fn scale(self) -> f32 {
        let numbers = f64::from(1_u32 << BITS);
        (numbers / (numbers - f64::from(self.limit()))) as f32
    }

    /// Draws which values of the n-th part of all are left.
    pub(crate) fn draw(self, part: usize, left: &mut [bool]) {
        let mut stream = random::stream("dropout", self.seed);
        stream.set_stream(part as u64);
        let mut drawn = vec![0; left.len() * BITS.div_ceil(u8::BITS) as usize];
        stream.fill_bytes(&mut drawn);
        let limit = self.limit();
        for (left, &drawn) in left.iter_mut().zip(drawn.as_chunks().0) {
            *left = u32::from(u16::from_le_bytes(drawn)) >= limit;
        }
    }

    /// Zero for each value that is dropped, and the scale for the others; `part` values are drawn together.
    pub(crate) fn mask(self, count: usize, part: usize) -> Vec<f32> {
        let mut mask = vec![0.0; count];
        let scale = self.scale();
        threads::for_each(mask.chunks_mut(part).enumerate(), |(number, mask)| {
            let mut left = vec![true; mask.len()];
            self.draw(number, &mut left);
            for (value, left) in mask.iter_mut().zip(left) {
                *value = if left { scale } else { 0.0 };
            }
        });
        mask
    }
}

/// Drops a share of the values, and scales up the others, while training on a device that learns.
pub(crate) fn drop_values<const D: usize>(dropout: &Dropout, input: Tensor<D>, seed: u64) -> Tensor<D> {
    let dropped = Dropped::of(dropout, &input.device(), seed);
    if !dropped.any() {
        return input;
    }
    let shape = input.dims();
    let mask = dropped.mask(shape.iter().product(), CHUNK);
    let mask = Tensor::from_data(TensorData::new(mask, shape), &input.device());
    input * mask
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(count: usize, share: f64, seed: u64) -> Vec<f32> {
        Dropped { share, seed }.mask(count, CHUNK)
    }

    #[test]
    fn a_mask_drops_its_share_keeps_the_mean_and_follows_its_seed() {
        let count = 1_000_000;
        let drawn = mask(count, 0.1, 7);
        let dropped = drawn.iter().filter(|value| **value == 0.0).count() as f64 / count as f64;
        // Ten standard deviations of a share of a million.
        assert!((dropped - 0.1).abs() < 0.003, "{dropped}");
        let mean = drawn.iter().map(|value| f64::from(*value)).sum::<f64>() / count as f64;
        assert!((mean - 1.0).abs() < 0.004, "{mean}");
        assert_eq!(drawn, mask(count, 0.1, 7));
        assert_ne!(drawn, mask(count, 0.1, 8));
        // Neighbouring chunks have streams of their own.
        assert_ne!(drawn[..CHUNK], drawn[CHUNK..2 * CHUNK]);
    }
}
