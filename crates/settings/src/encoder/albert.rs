//! The `config.json` of ALBERT.

use serde::Deserialize;
use serde_json::Value;

use super::{Activation, EncoderConfig, Family, Positions, defaults, keys};

/// The keys, with the defaults of transformers' `AlbertConfig`.
#[derive(Deserialize)]
struct Keys {
    vocab_size: usize,
    #[serde(default = "embedding_size")]
    embedding_size: usize,
    hidden_size: usize,
    num_hidden_layers: usize,
    #[serde(default = "one")]
    num_hidden_groups: usize,
    #[serde(default = "one")]
    inner_group_num: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    #[serde(default = "gelu_new")]
    hidden_act: Activation,
    #[serde(default)]
    hidden_dropout_prob: f64,
    #[serde(default)]
    attention_probs_dropout_prob: f64,
    #[serde(default = "defaults::longest")]
    max_position_embeddings: usize,
    #[serde(default = "defaults::two")]
    type_vocab_size: usize,
    #[serde(default = "epsilon")]
    layer_norm_eps: f64,
}

fn embedding_size() -> usize {
    128
}

fn one() -> usize {
    1
}

fn gelu_new() -> Activation {
    Activation::GeluNew
}

fn epsilon() -> f64 {
    1e-12
}

pub(super) fn parse(value: Value) -> Result<EncoderConfig, String> {
    let keys: Keys = keys(value)?;
    let (groups, layers) = (keys.num_hidden_groups, keys.num_hidden_layers);
    if groups == 0 || groups > layers {
        return Err(format!("`num_hidden_groups` is {groups}, expected 1 to {layers}"));
    }
    if keys.inner_group_num != 1 {
        return Err(format!(
            "`inner_group_num` is {}, only 1 is supported",
            keys.inner_group_num
        ));
    }
    Ok(EncoderConfig {
        family: Family::Albert { groups },
        vocab_size: keys.vocab_size,
        embedding_size: keys.embedding_size,
        hidden_size: keys.hidden_size,
        num_hidden_layers: layers,
        num_attention_heads: keys.num_attention_heads,
        intermediate_size: keys.intermediate_size,
        positions: Some(Positions {
            rows: keys.max_position_embeddings,
            first: 0,
        }),
        type_vocab_size: keys.type_vocab_size,
        longest_input: keys.max_position_embeddings,
        layer_norm_eps: keys.layer_norm_eps,
        hidden_act: keys.hidden_act,
        hidden_dropout_prob: keys.hidden_dropout_prob,
        attention_probs_dropout_prob: keys.attention_probs_dropout_prob,
    })
}
