//! The `config.json` of DeBERTa-v2, which DeBERTa-v3 uses too.

use serde::Deserialize;
use serde_json::Value;

use super::{Activation, EncoderConfig, Family, Positions, defaults, keys};

/// What only DeBERTa has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DebertaV2 {
    /// The number of buckets of relative positions in one direction; the table has twice as many rows.
    pub buckets: usize,
    /// The distance from which on all relative positions are alike.
    pub farthest: usize,
    /// Whether the table of relative positions is normalised.
    pub normalized: bool,
    /// The activation of a classification head.
    pub pooler_activation: Activation,
}

/// The keys, with the defaults of transformers' `DebertaV2Config`.
#[derive(Deserialize)]
struct Keys {
    vocab_size: usize,
    hidden_size: usize,
    embedding_size: Option<usize>,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    #[serde(default = "defaults::gelu")]
    hidden_act: Activation,
    #[serde(default = "defaults::dropout")]
    hidden_dropout_prob: f64,
    #[serde(default = "defaults::dropout")]
    attention_probs_dropout_prob: f64,
    #[serde(default = "defaults::longest")]
    max_position_embeddings: usize,
    #[serde(default)]
    type_vocab_size: usize,
    #[serde(default = "epsilon")]
    layer_norm_eps: f64,
    #[serde(default)]
    relative_attention: bool,
    #[serde(default)]
    share_att_key: bool,
    #[serde(default = "none")]
    max_relative_positions: i64,
    #[serde(default = "none")]
    position_buckets: i64,
    #[serde(default = "yes")]
    position_biased_input: bool,
    #[serde(default)]
    pos_att_type: PositionAttention,
    norm_rel_ebd: Option<String>,
    #[serde(default)]
    conv_kernel_size: usize,
    #[serde(default = "defaults::gelu")]
    pooler_hidden_act: Activation,
}

/// Which terms of disentangled attention there are: `p2c|c2p`, or a list.
#[derive(Deserialize, Default)]
#[serde(untagged)]
enum PositionAttention {
    #[default]
    None,
    Joined(String),
    List(Vec<String>),
}

impl PositionAttention {
    fn contains(&self, term: &str) -> bool {
        match self {
            Self::None => false,
            Self::Joined(terms) => terms.split('|').any(|found| found.trim() == term),
            Self::List(terms) => terms.iter().any(|found| found == term),
        }
    }
}

fn epsilon() -> f64 {
    1e-7
}

fn none() -> i64 {
    -1
}

fn yes() -> bool {
    true
}

impl Keys {
    /// What of DeBERTa-v2 is asked for and not supported.
    fn unsupported(&self) -> Option<&'static str> {
        [
            (
                !self.relative_attention,
                "`relative_attention` is false, only true is supported",
            ),
            (
                !(self.pos_att_type.contains("c2p") && self.pos_att_type.contains("p2c")),
                "`pos_att_type` lacks `c2p` or `p2c`, only both together are supported",
            ),
            (
                !self.share_att_key,
                "`share_att_key` is false, only true is supported, as in DeBERTa-v3",
            ),
            (
                self.conv_kernel_size > 0,
                "it has a convolution (`conv_kernel_size`), which is not supported",
            ),
        ]
        .into_iter()
        .find_map(|(found, words)| found.then_some(words))
    }
}

pub(super) fn parse(value: Value) -> Result<EncoderConfig, String> {
    let keys: Keys = keys(value)?;
    if let Some(found) = keys.unsupported() {
        return Err(found.to_owned());
    }
    let longest = keys.max_position_embeddings;
    let farthest = usize::try_from(keys.max_relative_positions)
        .ok()
        .filter(|&farthest| farthest > 0)
        .unwrap_or(longest);
    let buckets = keys.position_buckets;
    let Some(buckets) = usize::try_from(buckets).ok().filter(|&buckets| buckets >= 2) else {
        return Err(format!("`position_buckets` is {buckets}, expected 2 or more"));
    };
    // The logarithm reaches from half of the buckets to the farthest position.
    if farthest > 1_000_000 || farthest <= buckets / 2 + 1 {
        return Err(format!(
            "`max_relative_positions` is {farthest}, expected more than half of the {buckets} buckets, and at \
             most 1000000"
        ));
    }
    Ok(EncoderConfig {
        family: Family::DebertaV2(DebertaV2 {
            buckets,
            farthest,
            normalized: keys.norm_rel_ebd.is_some_and(|norm| norm.contains("layer_norm")),
            pooler_activation: keys.pooler_hidden_act,
        }),
        vocab_size: keys.vocab_size,
        embedding_size: keys.embedding_size.unwrap_or(keys.hidden_size),
        hidden_size: keys.hidden_size,
        num_hidden_layers: keys.num_hidden_layers,
        num_attention_heads: keys.num_attention_heads,
        intermediate_size: keys.intermediate_size,
        positions: keys.position_biased_input.then_some(Positions {
            rows: longest,
            first: 0,
        }),
        type_vocab_size: keys.type_vocab_size,
        longest_input: longest,
        layer_norm_eps: keys.layer_norm_eps,
        hidden_act: keys.hidden_act,
        hidden_dropout_prob: keys.hidden_dropout_prob,
        attention_probs_dropout_prob: keys.attention_probs_dropout_prob,
    })
}
