//! DistilBERT (Sanh et al. 2019, arXiv:1910.01108): BERT without segments and with half of its layers.

use super::bert;
use super::names::{LayerNames, Names};

pub(super) const NAMES: Names = Names {
    prefix: "distilbert.",
    unused: &["vocab_transform.", "vocab_layer_norm.", "vocab_projector."],
    layer: |number| format!("transformer.layer.{number}"),
    parts: LayerNames {
        query: "attention.q_lin",
        key: "attention.k_lin",
        value: "attention.v_lin",
        attention_output: "attention.out_lin",
        attention_norm: "sa_layer_norm",
        intermediate: "ffn.lin1",
        output: "ffn.lin2",
        output_norm: "output_layer_norm",
    },
    ..bert::NAMES
};
