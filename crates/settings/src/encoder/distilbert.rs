//! The `config.json` of DistilBERT, whose keys have names of their own.

use serde::Deserialize;
use serde_json::Value;

use super::{Activation, EncoderConfig, Family, Positions, defaults, keys};

/// The keys, with the defaults of transformers' `DistilBertConfig`.
#[derive(Deserialize)]
struct Keys {
    vocab_size: usize,
    dim: usize,
    n_layers: usize,
    n_heads: usize,
    hidden_dim: usize,
    #[serde(default = "defaults::longest")]
    max_position_embeddings: usize,
    #[serde(default = "defaults::gelu")]
    activation: Activation,
    #[serde(default = "defaults::dropout")]
    dropout: f64,
    #[serde(default = "defaults::dropout")]
    attention_dropout: f64,
}

pub(super) fn parse(value: Value) -> Result<EncoderConfig, String> {
    /// It stands in transformers' code, and in no `config.json`.
    const LAYER_NORM_EPS: f64 = 1e-12;
    let keys: Keys = keys(value)?;
    Ok(EncoderConfig {
        family: Family::DistilBert,
        vocab_size: keys.vocab_size,
        embedding_size: keys.dim,
        hidden_size: keys.dim,
        num_hidden_layers: keys.n_layers,
        num_attention_heads: keys.n_heads,
        intermediate_size: keys.hidden_dim,
        positions: Some(Positions {
            rows: keys.max_position_embeddings,
            first: 0,
        }),
        type_vocab_size: 0,
        longest_input: keys.max_position_embeddings,
        layer_norm_eps: LAYER_NORM_EPS,
        hidden_act: keys.activation,
        hidden_dropout_prob: keys.dropout,
        attention_probs_dropout_prob: keys.attention_dropout,
    })
}
