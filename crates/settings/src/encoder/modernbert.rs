//! The `config.json` of ModernBERT, as it lies on the Hub and as transformers 5 writes it.

use serde::Deserialize;
use serde_json::Value;

use super::{Activation, EncoderConfig, Family, defaults, keys};
use crate::Pooling;

/// What a layer's tokens attend to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Attended {
    /// Every token of the text.
    #[serde(rename = "full_attention")]
    All,
    /// The tokens that are near, see [`ModernBert::window`].
    #[serde(rename = "sliding_attention")]
    Near,
}

/// What only ModernBERT has.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each layer has a bias or has none")]
pub struct ModernBert {
    /// What the tokens of each layer attend to.
    pub attended: Vec<Attended>,
    /// The largest distance between two tokens of which one attends to the other in a layer that attends to
    /// what is near.
    pub window: usize,
    /// The base of the rotary position embeddings in layers that attend to every token.
    pub base: f64,
    /// The base in layers that attend to what is near.
    pub near_base: f64,
    /// The dropout probability of the embeddings.
    pub embedding_dropout: f64,
    /// Whether the layer normalisations have a bias.
    pub norm_bias: bool,
    /// Whether the dense layers of attention have a bias.
    pub attention_bias: bool,
    /// Whether the dense layers of the feed-forward sub-layer have a bias.
    pub mlp_bias: bool,
    /// Whether the first dense layer of a classification head has a bias.
    pub classifier_bias: bool,
    /// The activation behind it.
    pub classifier_activation: Activation,
    /// How a classification head pools the tokens.
    pub classifier_pooling: Pooling,
}

/// The keys, with the defaults of transformers' `ModernBertConfig`.
#[derive(Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "these are the keys of the file")]
struct Keys {
    vocab_size: usize,
    hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    #[serde(default = "defaults::gelu")]
    hidden_activation: Activation,
    #[serde(default = "longest")]
    max_position_embeddings: usize,
    #[serde(default = "epsilon")]
    norm_eps: f64,
    #[serde(default)]
    norm_bias: bool,
    #[serde(default)]
    attention_bias: bool,
    #[serde(default)]
    mlp_bias: bool,
    #[serde(default)]
    classifier_bias: bool,
    #[serde(default = "defaults::gelu")]
    classifier_activation: Activation,
    #[serde(default = "cls")]
    classifier_pooling: Pooling,
    #[serde(default)]
    attention_dropout: f64,
    #[serde(default)]
    embedding_dropout: f64,
    #[serde(default)]
    mlp_dropout: f64,
    #[serde(default = "local_attention")]
    local_attention: usize,
    #[serde(default = "every")]
    global_attn_every_n_layers: usize,
    layer_types: Option<Vec<Attended>>,
    global_rope_theta: Option<f64>,
    local_rope_theta: Option<f64>,
    rope_parameters: Option<RopeParameters>,
}

/// The rotary position embeddings as transformers 5 writes them.
#[derive(Deserialize)]
struct RopeParameters {
    full_attention: Option<Rope>,
    sliding_attention: Option<Rope>,
}

#[derive(Deserialize)]
struct Rope {
    rope_type: Option<String>,
    rope_theta: Option<f64>,
}

fn longest() -> usize {
    8192
}

fn epsilon() -> f64 {
    1e-5
}

fn cls() -> Pooling {
    Pooling::Cls
}

fn local_attention() -> usize {
    128
}

fn every() -> usize {
    3
}

impl Rope {
    /// The base, in the one form of rotary embeddings that is supported.
    fn base(self) -> Result<Option<f64>, String> {
        match self.rope_type.as_deref() {
            None | Some("default") => Ok(self.rope_theta),
            Some(other) => Err(format!("`rope_type` is `{other}`, only `default` is supported")),
        }
    }
}

pub(super) fn parse(value: Value) -> Result<EncoderConfig, String> {
    let keys: Keys = keys(value)?;
    let layers = keys.num_hidden_layers;
    let attended = match keys.layer_types {
        Some(types) if types.len() != layers => {
            return Err(format!("`layer_types` has {} layers of {layers}", types.len()));
        }
        Some(types) => types,
        None if keys.global_attn_every_n_layers == 0 => {
            return Err("`global_attn_every_n_layers` is 0".to_owned());
        }
        None => (0..layers.min(1_000))
            .map(|layer| {
                if layer.is_multiple_of(keys.global_attn_every_n_layers) {
                    Attended::All
                } else {
                    Attended::Near
                }
            })
            .collect(),
    };
    let (mut base, mut near_base) = (keys.global_rope_theta, keys.local_rope_theta);
    if let Some(parameters) = keys.rope_parameters {
        if let Some(rope) = parameters.full_attention {
            base = rope.base()?.or(base);
        }
        if let Some(rope) = parameters.sliding_attention {
            near_base = rope.base()?.or(near_base);
        }
    }
    let (base, near_base) = (base.unwrap_or(160_000.0), near_base.unwrap_or(10_000.0));
    if !(base > 1.0 && near_base > 1.0) {
        return Err("a base of the rotary position embeddings (`rope_theta`) is not above 1".to_owned());
    }
    let rotated = keys.hidden_size / keys.num_attention_heads.max(1);
    if !rotated.is_multiple_of(2) {
        return Err(format!(
            "a head is {rotated} wide, which cannot be rotated in halves"
        ));
    }
    if !(0.0..1.0).contains(&keys.embedding_dropout) {
        return Err("`embedding_dropout` is not within [0, 1)".to_owned());
    }
    // Both are 0 in every published encoder. With one rate of dropout for sub-layers, two that differ would
    // be one too many.
    if keys.mlp_dropout > 0.0 {
        return Err(format!(
            "`mlp_dropout` is {}, only 0 is supported",
            keys.mlp_dropout
        ));
    }
    Ok(EncoderConfig {
        family: Family::ModernBert(ModernBert {
            attended,
            window: keys.local_attention / 2,
            base,
            near_base,
            embedding_dropout: keys.embedding_dropout,
            norm_bias: keys.norm_bias,
            attention_bias: keys.attention_bias,
            mlp_bias: keys.mlp_bias,
            classifier_bias: keys.classifier_bias,
            classifier_activation: keys.classifier_activation,
            classifier_pooling: keys.classifier_pooling,
        }),
        vocab_size: keys.vocab_size,
        embedding_size: keys.hidden_size,
        hidden_size: keys.hidden_size,
        num_hidden_layers: layers,
        num_attention_heads: keys.num_attention_heads,
        intermediate_size: keys.intermediate_size,
        positions: None,
        type_vocab_size: 0,
        longest_input: keys.max_position_embeddings,
        layer_norm_eps: keys.norm_eps,
        hidden_act: keys.hidden_activation,
        // The rate of dropout behind attention is that of the attention weights.
        hidden_dropout_prob: keys.attention_dropout,
        attention_probs_dropout_prob: keys.attention_dropout,
    })
}
