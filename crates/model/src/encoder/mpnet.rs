//! MPNet (Song et al. 2020, arXiv:2004.09297): BERT without segments, whose positions are counted as RoBERTa's,
//! and whose attention scores have a bias for the distance of query and key, one for all layers.

use burn::module::Module;
use burn::nn::Embedding;
use burn::tensor::Tensor;

use super::bert;
use super::names::{LayerNames, Names};
use super::relative_positions::{by_query, distances, select};
use crate::weights::{NamedTensors, TensorSource};

pub(super) const NAMES: Names = Names {
    prefix: "mpnet.",
    unused: &["pooler.", "lm_head.", "embeddings.position_ids"],
    parts: LayerNames {
        query: "attention.attn.q",
        key: "attention.attn.k",
        value: "attention.attn.v",
        attention_output: "attention.attn.o",
        attention_norm: "attention.LayerNorm",
        ..bert::NAMES.parts
    },
    ..bert::NAMES
};

pub(crate) const BIAS: &str = "encoder.relative_attention_bias";

/// The distance from which on all are alike.
const FARTHEST: f32 = 128.0;

/// The bias of the attention scores for each bucket of distances and each head.
#[derive(Module, Debug)]
pub(super) struct RelativeBias {
    /// `[buckets, heads]`.
    table: Embedding,
}

impl RelativeBias {
    pub(super) fn load(source: &mut TensorSource<'_>, buckets: usize, heads: usize) -> Self {
        Self {
            table: source.embedding(BIAS, buckets, heads),
        }
    }

    pub(super) fn save(&self, tensors: &mut NamedTensors) {
        tensors.push(&format!("{BIAS}.weight"), self.table.weight.val());
    }

    /// The bias of texts of `sequence` tokens, `[1, heads, sequence, sequence]`.
    pub(super) fn forward(&self, sequence: usize) -> Tensor<4> {
        let table = self.table.weight.val();
        let [rows, heads] = table.dims();
        let buckets: Vec<usize> = distances(sequence)
            .map(|distance| bucket(distance, rows))
            .collect();
        let of_heads = select(table, &buckets).transpose();
        let width = buckets.len();
        by_query(
            of_heads
                .reshape([1, heads, 1, width])
                .expand([1, heads, sequence, width]),
        )
    }
}

/// The bucket of a distance from query to key, which is positive where the key comes first, as in T5 (Raffel
/// et al. 2019, arXiv:1910.10683): half of the buckets are for each direction, half of those for one distance
/// each, and the rest for ranges that grow with the distance.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a bucket is a small positive number"
)]
pub(crate) fn bucket(distance: i64, buckets: usize) -> usize {
    let direction = buckets / 2;
    let exact = direction / 2;
    let first = if distance < 0 { direction } else { 0 };
    let distance = distance.unsigned_abs() as usize;
    if distance < exact {
        return first + distance;
    }
    let share = (distance as f32 / exact as f32).ln() / (FARTHEST / exact as f32).ln();
    let beyond = (share * (direction - exact) as f32) as usize;
    first + (exact + beyond).min(direction - 1)
}

#[cfg(test)]
mod tests {
    use super::super::tests::expected_buckets;
    use super::*;

    #[test]
    fn distances_are_in_the_buckets_of_transformers() {
        for (distance, expected) in expected_buckets("mpnet") {
            assert_eq!(bucket(distance, 32), expected, "distance {distance}");
        }
    }
}
