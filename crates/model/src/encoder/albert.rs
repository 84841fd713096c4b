//! ALBERT (Lan et al. 2019, arXiv:1909.11942): BERT, whose embeddings are narrow and projected to the width of
//! the layers, and whose layers share their weights.

use super::bert;
use super::names::{LayerNames, Names};

pub(super) const NAMES: Names = Names {
    prefix: "albert.",
    unused: &[
        "pooler.",
        "predictions.",
        "sop_classifier.",
        "embeddings.position_ids",
    ],
    projection: "encoder.embedding_hidden_mapping_in",
    layer: |group| format!("encoder.albert_layer_groups.{group}.albert_layers.0"),
    parts: LayerNames {
        query: "attention.query",
        key: "attention.key",
        value: "attention.value",
        attention_output: "attention.dense",
        attention_norm: "attention.LayerNorm",
        intermediate: "ffn",
        output: "ffn_output",
        output_norm: "full_layer_layer_norm",
    },
    ..bert::NAMES
};

/// The group whose weights each of the layers has.
pub(crate) fn groups_of_layers(layers: usize, groups: usize) -> Vec<usize> {
    (0..layers).map(|layer| layer * groups / layers).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_that_follow_each_other_share_a_group() {
        assert_eq!(groups_of_layers(4, 1), [0, 0, 0, 0]);
        assert_eq!(groups_of_layers(5, 2), [0, 0, 0, 1, 1]);
    }
}
