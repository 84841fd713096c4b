//! BERT (Devlin et al. 2019, arXiv:1810.04805): post-norm layers over the normalised sum of word, position and
//! segment embeddings. Every text is one segment.

use super::names::{LayerNames, Names};

/// The tensors of BERT. Several families took these names over.
pub(super) const NAMES: Names = Names {
    prefix: "bert.",
    // The pooler over the first token, the language-modelling and next-sentence heads, and a stored list of
    // positions.
    unused: &["pooler.", "cls.", "embeddings.position_ids"],
    words: "embeddings.word_embeddings",
    positions: "embeddings.position_embeddings",
    segments: "embeddings.token_type_embeddings",
    norm: "embeddings.LayerNorm",
    projection: "embeddings_project",
    layer: |number| format!("encoder.layer.{number}"),
    parts: LayerNames {
        query: "attention.self.query",
        key: "attention.self.key",
        value: "attention.self.value",
        attention_output: "attention.output.dense",
        attention_norm: "attention.output.LayerNorm",
        intermediate: "intermediate.dense",
        output: "output.dense",
        output_norm: "output.LayerNorm",
    },
};
