//! The folder of a Hugging Face encoder that `pipeline.yaml` names: its files, and what its `config.json` has to say, checked
//! before anything is allocated. What is in the weights and in the tokenizer is for those who read them.

use std::path::{Path, PathBuf};

use labelproof_artifact::fs::{self, FsError};
use labelproof_artifact::{Advice, Diagnostic, Fault};
use serde::Deserialize;

/// The encoder's weights.
pub const WEIGHTS_FILE: &str = "model.safetensors";
/// The encoder's tokenizer.
pub const TOKENIZER_FILE: &str = "tokenizer.json";
/// The files that decide what an encoder computes.
pub const FILES: [&str; 3] = [EncoderConfig::FILE, TOKENIZER_FILE, WEIGHTS_FILE];

/// A folder is no encoder that can be used.
#[derive(Debug, thiserror::Error)]
pub enum EncoderError {
    /// The operating system refused.
    #[error(transparent)]
    File(#[from] FsError),
    /// The folder is no encoder.
    #[error("`{}` is no encoder folder: `{file}` is missing", folder.display())]
    Missing {
        /// The folder that was named.
        folder: PathBuf,
        /// What it lacks.
        file: &'static str,
    },
    /// `config.json` cannot be read, or describes something that is no plain BERT.
    #[error("`{}`: {problem}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

impl Diagnostic for EncoderError {
    fn advice(&self) -> Advice {
        match self {
            Self::File(error) => error.advice(),
            Self::Missing { .. } => Fault::Model.hint(
                "`encoder` in `pipeline.yaml` must name a folder in the layout of Hugging Face: config.json, \
                 model.safetensors, tokenizer.json; `make setup` fetches the sample encoder",
            ),
            Self::Config { .. } => Fault::Model.hint(
                "`encoder` must name a BERT with the config.json it was saved with (`\"model_type\": \"bert\"`)",
            ),
        }
    }
}

/// The path of a file of an encoder folder, which must be there.
pub fn require(folder: &Path, file: &'static str) -> Result<PathBuf, EncoderError> {
    let path = folder.join(file);
    if path.exists() {
        return Ok(path);
    }
    Err(EncoderError::Missing {
        folder: folder.to_path_buf(),
        file,
    })
}

/// Fails unless the folder has the files of an encoder and is of a supported architecture.
pub fn check(folder: &Path) -> Result<(), EncoderError> {
    for file in FILES {
        require(folder, file)?;
    }
    EncoderConfig::read(folder).map(drop)
}

/// The activation of the feed-forward layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// The exact Gaussian error linear unit.
    Gelu,
    /// Its tanh approximation.
    #[serde(alias = "gelu_pytorch_tanh")]
    GeluNew,
    /// Rectified linear unit.
    Relu,
}

/// The shape and constants of a BERT encoder, by their names in `config.json`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct EncoderConfig {
    model_type: String,
    /// Rows of the word embedding.
    pub vocab_size: usize,
    /// Width of every token's vector.
    pub hidden_size: usize,
    /// Layers.
    pub num_hidden_layers: usize,
    /// Heads a layer; divides the width.
    pub num_attention_heads: usize,
    /// Width between the two feed-forward products.
    pub intermediate_size: usize,
    /// Longest sequence, in tokens.
    pub max_position_embeddings: usize,
    /// Rows of the segment embedding.
    #[serde(default = "default_type_vocab_size")]
    pub type_vocab_size: usize,
    /// Added to the variance in layer normalisation.
    #[serde(default = "default_layer_norm_eps")]
    pub layer_norm_eps: f64,
    /// Between the two feed-forward products.
    #[serde(default = "default_hidden_act")]
    pub hidden_act: Activation,
    /// Dropout of embeddings and layer outputs while training.
    #[serde(default = "default_dropout")]
    pub hidden_dropout_prob: f64,
    /// Dropout of attention weights while training.
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
    /// The file's name in the encoder's folder.
    pub const FILE: &'static str = "config.json";

    /// Reads and checks the configuration of an encoder folder.
    pub fn read(folder: &Path) -> Result<Self, EncoderError> {
        let path = require(folder, Self::FILE)?;
        let text = fs::read_to_string(&path)?;
        let problem = |problem: String| EncoderError::Config {
            path: path.clone(),
            problem,
        };
        // The architecture is looked at first: another one may lack the fields below, and that would say nothing.
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
                "`hidden_size` {} is no multiple of `num_attention_heads` {}",
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
