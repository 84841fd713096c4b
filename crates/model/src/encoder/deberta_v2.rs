//! DeBERTa-v2 and DeBERTa-v3 (He et al. 2021, arXiv:2006.03654 and arXiv:2111.09543): BERT, whose attention
//! scores are sums of three terms, from content to content, from content to relative position, and from
//! relative position to content.

use burn::module::Module;
use burn::nn::{Embedding, LayerNorm};
use burn::tensor::{Tensor, TensorData};
use labelproof_kernels::fused::{layer_norm, to_float32};
use labelproof_settings::encoder::{DebertaV2, EncoderConfig};

use super::bert;
use super::names::{LayerNames, Names};
use super::relative_positions::{by_query, distances, select};
use crate::weights::{NamedTensors, TensorSource};

pub(super) const NAMES: Names = Names {
    prefix: "deberta.",
    unused: &[
        "pooler.",
        "lm_predictions.",
        "mask_predictions.",
        "cls.",
        "embeddings.position_ids",
    ],
    projection: "embeddings.embed_proj",
    parts: LayerNames {
        query: "attention.self.query_proj",
        key: "attention.self.key_proj",
        value: "attention.self.value_proj",
        ..bert::NAMES.parts
    },
    ..bert::NAMES
};

pub(crate) const TABLE: &str = "encoder.rel_embeddings";
pub(crate) const NORM: &str = "encoder.LayerNorm";

/// The terms of a score, each of which is scaled as if it were one of so many.
pub(crate) const TERMS: f64 = 3.0;

/// The embeddings of relative positions, one table for all layers.
#[derive(Module, Debug)]
pub(super) struct DisentangledPositions {
    /// `[2 * buckets, hidden]`.
    table: Embedding,
    norm: Option<LayerNorm>,
    #[module(skip)]
    epsilon: f64,
    #[module(skip)]
    buckets: usize,
    /// The distance from which on all are alike.
    #[module(skip)]
    farthest: usize,
}

impl DisentangledPositions {
    pub(super) fn load(source: &mut TensorSource<'_>, deberta: &DebertaV2, config: &EncoderConfig) -> Self {
        let (width, epsilon) = (config.hidden_size, config.layer_norm_eps);
        Self {
            table: source.embedding(TABLE, 2 * deberta.buckets, width),
            norm: deberta
                .normalized
                .then(|| source.layer_norm(NORM, width, epsilon, true)),
            epsilon,
            buckets: deberta.buckets,
            farthest: deberta.farthest,
        }
    }

    pub(super) fn save(&self, tensors: &mut NamedTensors) {
        tensors.push(&format!("{TABLE}.weight"), self.table.weight.val());
        if let Some(norm) = &self.norm {
            tensors.push_layer_norm(NORM, norm);
        }
    }

    /// The embeddings of the distances in texts of `sequence` tokens, `[1, 2 * sequence - 1, hidden]`.
    pub(super) fn rows(&self, sequence: usize) -> Tensor<3> {
        let table = self.table.weight.val().unsqueeze::<3>();
        let table = match &self.norm {
            Some(norm) => layer_norm(norm, self.epsilon, table),
            None => table,
        };
        let buckets: Vec<usize> = distances(sequence)
            .map(|distance| row(distance, self.buckets, self.farthest))
            .collect();
        select(table.squeeze_dim(0), &buckets).unsqueeze()
    }
}

/// The row of the table of a distance from query to key: half of the buckets of each direction are for one
/// distance each, the rest for ranges that grow with the distance.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "a row is a small positive number"
)]
pub(crate) fn row(distance: i64, buckets: usize, farthest: usize) -> usize {
    let exact = buckets as i64 / 2;
    let bucket = if distance.abs() <= exact {
        distance
    } else {
        let exact = exact as f32;
        let share = (distance.unsigned_abs() as f32 / exact).ln() / ((farthest as f32 - 1.0) / exact).ln();
        let beyond = (share * (exact - 1.0)).ceil() + exact;
        distance.signum() * beyond as i64
    };
    (bucket + buckets as i64).clamp(0, 2 * buckets as i64 - 1) as usize
}

/// The two terms of the scores that know positions, `[batch, heads, sequence, sequence]` in float32, from the
/// projections of the tokens, `[batch, sequence, 3 * hidden]`, and of the distances,
/// `[1, 2 * sequence - 1, 3 * hidden]`. With them come the projections whose scaled dot product is the third
/// term.
pub(super) fn disentangle(
    projections: Tensor<3>,
    positions: &Tensor<3>,
    heads: usize,
) -> (Tensor<3>, Tensor<4>) {
    let [_, _, width] = projections.dims();
    let width = width / 3;
    let of_heads = |projections: &Tensor<3>, number: usize| {
        let [batch, rows, _] = projections.dims();
        projections
            .clone()
            .narrow(2, number * width, width)
            .reshape([batch, rows, heads, width / heads])
            .swap_dims(1, 2)
    };
    let projections = scale_queries(projections, width);
    let scale = 1.0 / ((width / heads) as f64).sqrt();
    let to_position = of_heads(&projections, 0).matmul(of_heads(positions, 1).swap_dims(2, 3));
    // From the key's side the distances come in the other order.
    let of_key = of_heads(positions, 0).flip([2]);
    let to_content = of_heads(&projections, 1).matmul(of_key.swap_dims(2, 3));
    let to_position = by_query(to_float32(to_position)).mul_scalar(scale);
    let to_content = by_query(to_float32(to_content)).swap_dims(2, 3);
    let bias = to_position + to_content.mul_scalar(scale / TERMS.sqrt());
    (projections, bias)
}

/// Scales the queries so that attention, which divides by the root of a head's width, divides by that of three
/// times the width.
#[expect(clippy::cast_possible_truncation, reason = "the network computes in float32")]
fn scale_queries(projections: Tensor<3>, width: usize) -> Tensor<3> {
    let mut factors = vec![1.0_f32; 3 * width];
    factors[..width].fill((1.0 / TERMS.sqrt()) as f32);
    let factors: Tensor<3> =
        Tensor::from_data(TensorData::new(factors, [1, 1, 3 * width]), &projections.device());
    let dtype = projections.dtype();
    projections * factors.cast(dtype)
}

#[cfg(test)]
mod tests {
    use super::super::tests::expected_buckets;
    use super::*;

    #[test]
    fn distances_are_in_the_buckets_of_transformers() {
        for (distance, expected) in expected_buckets("deberta") {
            assert_eq!(row(distance, 256, 512), expected, "distance {distance}");
        }
    }
}
