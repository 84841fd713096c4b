//! The encoder that `pipeline.yaml` names, a folder in the layout of Hugging Face: its files and its
//! `config.json`, checked before anything is allocated. The contents of the weights and of the tokenizer are
//! checked where they are read.

use std::path::{Path, PathBuf};

use labelproof_artifact::encoder_files::ShardsError;
use labelproof_artifact::fs::{self, FsError};
use labelproof_artifact::wording;
use labelproof_artifact::{Advice, Diagnostic, Fault};
use serde::Deserialize;

use crate::encoder_files;

/// A folder does not hold an encoder that can be used.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant names its fields")]
pub enum EncoderError {
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] FsError),
    /// A file is missing.
    #[error("`{}` is not the folder of an encoder: it has no `{file}`", folder.display())]
    Missing { folder: PathBuf, file: String },
    /// Every file that could hold a part is missing.
    #[error(
        "`{}` is not the folder of an encoder: it has no {part} ({})",
        folder.display(),
        wording::alternatives(files)
    )]
    MissingPart {
        folder: PathBuf,
        part: &'static str,
        files: Vec<&'static str>,
    },
    /// The index of the weights is damaged.
    #[error(transparent)]
    Shards(#[from] ShardsError),
    /// `config.json` is invalid, or describes another architecture than BERT.
    #[error("`{}`: {problem}", path.display())]
    Config { path: PathBuf, problem: String },
}

impl Diagnostic for EncoderError {
    fn advice(&self) -> Advice {
        match self {
            Self::File(error) => error.advice(),
            Self::Shards(error) => error.advice(),
            Self::Missing { .. } | Self::MissingPart { .. } => Fault::Model.hint(
                "`encoder` in `pipeline.yaml` must name a folder in the layout of Hugging Face: config.json, \
                 the weights (model.safetensors or pytorch_model.bin) and the tokenizer (tokenizer.json or its \
                 vocabulary); `make setup` fetches the sample encoder",
            ),
            Self::Config { .. } => Fault::Model.hint(
                "`encoder` must name a BERT with the config.json it was saved with \
                 (`\"model_type\": \"bert\"`)",
            ),
        }
    }
}

/// The path of a file in an encoder's folder, which must exist.
pub fn require(folder: &Path, file: &str) -> Result<PathBuf, EncoderError> {
    let path = folder.join(file);
    if path.exists() {
        return Ok(path);
    }
    Err(EncoderError::Missing {
        folder: folder.to_path_buf(),
        file: file.to_owned(),
    })
}

/// Checks that a folder has the files of an encoder, and that its architecture is supported.
pub fn check(folder: &Path) -> Result<(), EncoderError> {
    encoder_files::check(folder)?;
    EncoderConfig::read(folder).map(drop)
}

/// The activation of the feed-forward layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// The Gaussian error linear unit (GELU), exact.
    Gelu,
    /// The tanh approximation of GELU.
    #[serde(alias = "gelu_pytorch_tanh")]
    GeluNew,
    /// The rectified linear unit.
    Relu,
}

/// The hyperparameters of a BERT encoder, under their names in `config.json`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct EncoderConfig {
    model_type: String,
    /// The number of word embeddings.
    pub vocab_size: usize,
    /// The size of the hidden states.
    pub hidden_size: usize,
    /// The number of layers.
    pub num_hidden_layers: usize,
    /// The number of attention heads per layer, which divides the hidden size.
    pub num_attention_heads: usize,
    /// The size between the two feed-forward layers.
    pub intermediate_size: usize,
    /// The length of the longest sequence, in tokens.
    pub max_position_embeddings: usize,
    /// The number of token type embeddings.
    #[serde(default = "default_type_vocab_size")]
    pub type_vocab_size: usize,
    /// The constant that layer normalisation adds to the variance.
    #[serde(default = "default_layer_norm_eps")]
    pub layer_norm_eps: f64,
    /// The activation between the two feed-forward layers.
    #[serde(default = "default_hidden_act")]
    pub hidden_act: Activation,
    /// The dropout probability of embeddings and sub-layer outputs during training.
    #[serde(default = "default_dropout")]
    pub hidden_dropout_prob: f64,
    /// The dropout probability of attention weights during training.
    #[serde(default = "default_dropout")]
    pub attention_probs_dropout_prob: f64,
    #[serde(default = "default_position_embedding_type")]
    position_embedding_type: String,
}

// The defaults are those of transformers' BertConfig.
fn default_type_vocab_size() -> usize {
    2
}

fn default_layer_norm_eps() -> f64 {
    1e-12
}

fn default_hidden_act() -> Activation {
    Activation::Gelu
}

fn default_dropout() -> f64 {
    0.1
}

fn default_position_embedding_type() -> String {
    "absolute".to_owned()
}

impl EncoderConfig {
    /// The name of the file in the encoder's folder.
    pub const FILE: &'static str = "config.json";

    /// Reads and checks the configuration in an encoder's folder.
    pub fn read(folder: &Path) -> Result<Self, EncoderError> {
        let path = require(folder, Self::FILE)?;
        let text = fs::read_to_string(&path)?;
        let problem = |problem: String| EncoderError::Config {
            path: path.clone(),
            problem,
        };
        // The architecture is looked at first: another one may lack the fields below, and that would say
        // nothing.
        let value: serde_json::Value =
            serde_json::from_str(&text).map_err(|error| problem(error.to_string()))?;
        let model_type = value
            .get("model_type")
            .and_then(serde_json::Value::as_str)
            .unwrap_or("none");
        if model_type != "bert" {
            return Err(problem(format!(
                "the model type is `{model_type}`, only `bert` is supported"
            )));
        }
        let config: Self = serde_json::from_value(value).map_err(|error| problem(error.to_string()))?;
        match config.find_problem() {
            Some(found) => Err(problem(found)),
            None => Ok(config),
        }
    }

    fn find_problem(&self) -> Option<String> {
        let sizes = [
            ("vocab_size", self.vocab_size, 10_000_000),
            ("hidden_size", self.hidden_size, 65_536),
            ("num_hidden_layers", self.num_hidden_layers, 1_000),
            ("num_attention_heads", self.num_attention_heads, 65_536),
            ("intermediate_size", self.intermediate_size, 1_000_000),
            ("max_position_embeddings", self.max_position_embeddings, 1_000_000),
            ("type_vocab_size", self.type_vocab_size, 1_000_000),
        ];
        if let Some((name, value, limit)) = sizes
            .into_iter()
            .find(|(_, value, limit)| *value == 0 || value > limit)
        {
            return Some(format!("`{name}` is {value}, expected 1 to {limit}"));
        }
        if !self.hidden_size.is_multiple_of(self.num_attention_heads) {
            return Some(format!(
                "`hidden_size` {} is not a multiple of `num_attention_heads` {}",
                self.hidden_size, self.num_attention_heads
            ));
        }
        if self.position_embedding_type != "absolute" {
            return Some(format!(
                "`position_embedding_type` is `{}`, only `absolute` is supported",
                self.position_embedding_type
            ));
        }
        let shares = [self.hidden_dropout_prob, self.attention_probs_dropout_prob];
        if !shares.iter().all(|share| (0.0..1.0).contains(share)) {
            return Some("a dropout probability is not within [0, 1)".to_owned());
        }
        let is_positive = self.layer_norm_eps > 0.0;
        (!is_positive).then(|| "`layer_norm_eps` is not positive".to_owned())
    }
}
