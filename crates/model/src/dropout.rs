//! Dropout (Srivastava et al. 2014) whose masks are drawn here.
//!
//! LibTorch draws a mask one number after the other on one thread, which takes longer than the layer it is for. These masks are
//! drawn by all threads, from streams that depend on the seed alone: they are the same on every backend.

use burn::nn::Dropout;
use burn::tensor::{DType, Tensor, TensorData};
use rand_chacha::rand_core::Rng;
use rayon::prelude::*;

use crate::backend::fused::in_full;
use crate::random;

/// Numbers of a mask that are drawn together.
const CHUNK: usize = 1 << 15;
/// Random bits for each number of a mask: shares are right to 1/131072.
const BYTES: usize = 2;

/// Drops a share of the values, and scales up the others, while training on a device that learns.
pub(crate) fn drop_values<const D: usize>(dropout: &Dropout, input: Tensor<D>, seed: u64) -> Tensor<D> {
    let shape = input.dims();
    drop_slices(dropout, input, shape, seed)
}

/// The same with one mask for all values along the dimensions in which `shape` is 1 and `input` is not.
pub(crate) fn drop_slices<const D: usize>(
    dropout: &Dropout,
    input: Tensor<D>,
    shape: [usize; D],
    seed: u64,
) -> Tensor<D> {
    if !dropout.training.is_enabled() || !input.device().is_autodiff() || dropout.prob == 0.0 {
        return input;
    }
    let mask = mask(shape.iter().product(), dropout.prob, seed);
    let mask = Tensor::from_data(TensorData::new(mask, shape), &input.device());
    // In 32 bits: 16 would round the scale, and with it the mean.
    let dtype = input.dtype();
    let dropped = in_full(input) * mask;
    if dtype == DType::F32 {
        dropped
    } else {
        dropped.cast(dtype)
    }
}

/// Zero for a dropped value, 1 / (1 - share) for the others.
fn mask(count: usize, share: f64, seed: u64) -> Vec<f32> {
    let bits = f64::from(1_u32 << (8 * BYTES));
    let dropped = (share * bits).round();
    #[expect(clippy::cast_possible_truncation, reason = "the network computes in 32 bits")]
    let scale = (bits / (bits - dropped)) as f32;
    let mut values = vec![0.0; count];
    values
        .par_chunks_mut(CHUNK)
        .enumerate()
        .for_each(|(place, chunk)| {
            let mut stream = random::stream("dropout", seed);
            stream.set_stream(place as u64);
            let mut drawn = vec![0; chunk.len() * BYTES];
            stream.fill_bytes(&mut drawn);
            for (value, drawn) in chunk.iter_mut().zip(drawn.chunks_exact(BYTES)) {
                let drawn = f64::from(u16::from_le_bytes([drawn[0], drawn[1]]));
                *value = if drawn < dropped { 0.0 } else { scale };
            }
        });
    values
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn the_mask_does_not_depend_on_the_number_of_threads() {
        let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        assert_eq!(alone.install(|| mask(100_000, 0.3, 1)), mask(100_000, 0.3, 1));
    }
}
