//! Rotary position embeddings (Su et al. 2021, arXiv:2104.09864): queries and keys are rotated by angles that
//! grow with the position, so that their products depend on distances.

use burn::tensor::{Device, Tensor, TensorData};
use labelproof_kernels::fused::to_float32;

/// The angles of texts of `sequence` tokens, for heads of `width` components, `[sequence, width / 2]`, row-major:
/// a position times `base^(-2i / width)`, in float32 as in transformers.
#[expect(clippy::cast_possible_truncation, reason = "the network computes in float32")]
pub(crate) fn angles(base: f64, width: usize, sequence: usize) -> Vec<f32> {
    let frequency = |pair: usize| 1.0 / (base as f32).powf((2 * pair) as f32 / width as f32);
    (0..sequence)
        .flat_map(|position| (0..width / 2).map(move |pair| position as f32 * frequency(pair)))
        .collect()
}

/// The cosines and sines of the angles, `[1, sequence, 1, width / 2]` each.
#[derive(Debug, Clone)]
pub(super) struct Rotation {
    cosines: Tensor<4>,
    sines: Tensor<4>,
}

impl Rotation {
    /// The cosines and sines of the [`angles`].
    pub(super) fn new(base: f64, width: usize, sequence: usize, device: &Device) -> Self {
        let angles = angles(base, width, sequence);
        let tensor = |function: fn(f32) -> f32| {
            let values: Vec<f32> = angles.iter().copied().map(function).collect();
            Tensor::from_data(TensorData::new(values, [1, sequence, 1, width / 2]), device)
        };
        Self {
            cosines: tensor(f32::cos),
            sines: tensor(f32::sin),
        }
    }

    /// Rotates queries and keys of projections, `[batch, sequence, 3 * hidden]`, in float32. The components of
    /// the first half of a head make pairs with those of the second half, as in the checkpoints of Hugging
    /// Face; in the paper, and in burn, neighbours make pairs.
    pub(super) fn rotate(&self, projections: Tensor<3>, heads: usize) -> Tensor<3> {
        let [batch, sequence, width] = projections.dims();
        let dtype = projections.dtype();
        let of_head = width / 3 / heads;
        let projections = projections.reshape([batch, sequence, 3 * heads, of_head]);
        let rotated = to_float32(projections.clone().narrow(2, 0, 2 * heads));
        let values = projections.narrow(2, 2 * heads, heads);
        let (first, second) = (
            rotated.clone().narrow(3, 0, of_head / 2),
            rotated.narrow(3, of_head / 2, of_head / 2),
        );
        let (cosines, sines) = (self.cosines.clone(), self.sines.clone());
        let rotated = Tensor::cat(
            vec![
                first.clone() * cosines.clone() - second.clone() * sines.clone(),
                second * cosines + first * sines,
            ],
            3,
        );
        Tensor::cat(vec![rotated.cast(dtype), values], 2).reshape([batch, sequence, width])
    }
}
