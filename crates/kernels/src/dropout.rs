//! Dropout (Srivastava et al. 2014) with keep-masks that are drawn here.
//!
//! LibTorch draws a mask one element after the other on one thread, which takes longer than the layer that it
//! is for. These masks are drawn by all threads, from streams that depend on the seed alone: they are the
//! same on every backend.

use burn::nn::Dropout;
use burn::tensor::{Device, Tensor, TensorData};
use rand_chacha::rand_core::Rng;

use crate::{random, threads};

/// The number of elements of a mask that are drawn from one stream.
pub(crate) const CHUNK: usize = 1 << 15;
/// The number of random bits for each element: probabilities are right to 1/131072.
const BITS: u32 = 16;

/// The keep-mask of one application of dropout, described by its probability and its seed, and drawn where it
/// is needed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KeepMask {
    /// The probability that an element is dropped.
    probability: f64,
    seed: u64,
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

    /// The number, out of those of [`BITS`] bits, below which a drawn number drops its element.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a probability is between 0 and 1"
    )]
    fn threshold(self) -> u32 {
        (self.probability * f64::from(1_u32 << BITS)).round() as u32
    }

    /// The factor of the elements that are kept, which preserves the mean (inverted dropout).
    #[expect(clippy::cast_possible_truncation, reason = "the network computes in float32")]
    pub(crate) fn scale(self) -> f32 {
        let all = f64::from(1_u32 << BITS);
        (all / (all - f64::from(self.threshold()))) as f32
    }

    /// Draws the `number`-th chunk of the mask: true for each element that is kept.
    pub(crate) fn draw(self, number: usize, keep: &mut [bool]) {
        let mut stream = random::stream("dropout", self.seed);
        stream.set_stream(number as u64);
        let mut drawn = vec![0; keep.len() * BITS.div_ceil(u8::BITS) as usize];
        stream.fill_bytes(&mut drawn);
        let threshold = self.threshold();
        for (keep, &drawn) in keep.iter_mut().zip(drawn.as_chunks().0) {
            *keep = u32::from(u16::from_le_bytes(drawn)) >= threshold;
        }
    }

    /// The mask as factors, drawn in chunks: zero for each element that is dropped, the scale for the others.
    pub(crate) fn factors(self, count: usize, chunk: usize) -> Vec<f32> {
        let mut factors = vec![0.0; count];
        let scale = self.scale();
        threads::for_each(factors.chunks_mut(chunk).enumerate(), |(number, factors)| {
            let mut keep = vec![true; factors.len()];
            self.draw(number, &mut keep);
            for (factor, keep) in factors.iter_mut().zip(keep) {
                *factor = if keep { scale } else { 0.0 };
            }
        });
        factors
    }
}

/// Applies dropout to a tensor in training mode on an autodiff device; elsewhere the tensor stays as it is.
pub fn dropout<const D: usize>(layer: &Dropout, input: Tensor<D>, seed: u64) -> Tensor<D> {
    let keep_mask = KeepMask::new(layer, &input.device(), seed);
    if !keep_mask.drops() {
        return input;
    }
    let shape = input.dims();
    let mask = keep_mask.factors(shape.iter().product(), CHUNK);
    let mask = Tensor::from_data(TensorData::new(mask, shape), &input.device());
    input * mask
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factors(count: usize, probability: f64, seed: u64) -> Vec<f32> {
        KeepMask { probability, seed }.factors(count, CHUNK)
    }

    #[test]
    fn a_mask_drops_its_share_preserves_the_mean_and_follows_its_seed() {
        let count = 1_000_000;
        let drawn = factors(count, 0.1, 7);
        let dropped = drawn.iter().filter(|value| **value == 0.0).count() as f64 / count as f64;
        // Ten standard deviations of a share out of a million.
        assert!((dropped - 0.1).abs() < 0.003, "{dropped}");
        let mean = drawn.iter().map(|value| f64::from(*value)).sum::<f64>() / count as f64;
        assert!((mean - 1.0).abs() < 0.004, "{mean}");
        assert_eq!(drawn, factors(count, 0.1, 7));
        assert_ne!(drawn, factors(count, 0.1, 8));
        // Neighbouring chunks have streams of their own.
        assert_ne!(drawn[..CHUNK], drawn[CHUNK..2 * CHUNK]);
    }
}
