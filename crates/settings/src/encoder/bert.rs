//! The `config.json` of BERT and of those families whose keys are the same.

use serde::Deserialize;
use serde_json::Value;

use super::{Activation, EncoderConfig, Family, Positions, defaults, keys};

/// The keys, with the defaults of transformers' `BertConfig`.
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
    max_position_embeddings: usize,
    #[serde(default = "defaults::two")]
    type_vocab_size: usize,
    #[serde(default = "epsilon")]
    layer_norm_eps: f64,
    pad_token_id: Option<usize>,
    #[serde(default = "absolute")]
    position_embedding_type: String,
    #[serde(default = "mpnet_buckets")]
    relative_attention_num_buckets: usize,
}

fn epsilon() -> f64 {
    1e-12
}

fn absolute() -> String {
    "absolute".to_owned()
}

fn mpnet_buckets() -> usize {
    MPNET_BUCKETS
}

/// The number of buckets that transformers computes in for MPNet, whatever `config.json` says.
const MPNET_BUCKETS: usize = 32;

/// The padding token of RoBERTa and MPNet, whose number positions start behind.
const PADDING: usize = 1;

impl Keys {
    fn read(value: Value) -> Result<Self, String> {
        let keys: Self = keys(value)?;
        if keys.position_embedding_type != "absolute" {
            return Err(format!(
                "`position_embedding_type` is `{}`, only `absolute` is supported",
                keys.position_embedding_type
            ));
        }
        Ok(keys)
    }

    /// The configuration of a family whose first token has the row `first` of the table of positions.
    fn config(self, family: Family, first: usize) -> Result<EncoderConfig, String> {
        let rows = self.max_position_embeddings;
        if rows <= first {
            return Err(format!(
                "`max_position_embeddings` is {rows}, expected more than {first}"
            ));
        }
        Ok(EncoderConfig {
            family,
            vocab_size: self.vocab_size,
            embedding_size: self.hidden_size,
            hidden_size: self.hidden_size,
            num_hidden_layers: self.num_hidden_layers,
            num_attention_heads: self.num_attention_heads,
            intermediate_size: self.intermediate_size,
            positions: Some(Positions { rows, first }),
            type_vocab_size: self.type_vocab_size,
            longest_input: rows - first,
            layer_norm_eps: self.layer_norm_eps,
            hidden_act: self.hidden_act,
            hidden_dropout_prob: self.hidden_dropout_prob,
            attention_probs_dropout_prob: self.attention_probs_dropout_prob,
        })
    }
}

pub(super) fn parse(value: Value) -> Result<EncoderConfig, String> {
    let config = Keys::read(value)?.config(Family::Bert, 0)?;
    if config.type_vocab_size == 0 {
        return Err("`type_vocab_size` is 0, expected 1 to 1000000".to_owned());
    }
    Ok(config)
}

pub(super) fn parse_roberta(value: Value) -> Result<EncoderConfig, String> {
    let keys = Keys::read(value)?;
    let padding = keys.pad_token_id.unwrap_or(PADDING);
    keys.config(Family::Roberta, padding.saturating_add(1))
}

pub(super) fn parse_electra(value: Value) -> Result<EncoderConfig, String> {
    /// The default of transformers' `ElectraConfig`.
    const EMBEDDING_SIZE: usize = 128;
    let keys = Keys::read(value)?;
    let embedding_size = keys.embedding_size.unwrap_or(EMBEDDING_SIZE);
    Ok(EncoderConfig {
        embedding_size,
        ..keys.config(Family::Electra, 0)?
    })
}

pub(super) fn parse_mpnet(value: Value) -> Result<EncoderConfig, String> {
    let keys = Keys::read(value)?;
    let buckets = keys.relative_attention_num_buckets;
    if buckets != MPNET_BUCKETS {
        return Err(format!(
            "`relative_attention_num_buckets` is {buckets}, only {MPNET_BUCKETS} is supported"
        ));
    }
    Ok(EncoderConfig {
        type_vocab_size: 0,
        ..keys.config(Family::Mpnet { buckets }, PADDING + 1)?
    })
}
