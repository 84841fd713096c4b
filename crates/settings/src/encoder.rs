//! The encoder that `pipeline.yaml` names, a folder in the layout of Hugging Face: its files and its
//! `config.json`, checked before anything is allocated. The contents of the weights and of the tokenizer are
//! checked where they are read.

mod albert;
mod bert;
mod deberta_v2;
mod distilbert;
mod modernbert;

use std::path::{Path, PathBuf};

use labelproof_artifact::encoder_files::{ShardsError, adapter_files};
use labelproof_artifact::fs::{self, FsError};
use labelproof_artifact::wording;
use labelproof_artifact::{Advice, Diagnostic, Fault};
use serde::Deserialize;
use serde_json::Value;

pub use self::deberta_v2::DebertaV2;
pub use self::modernbert::{Attended, ModernBert};

use crate::encoder_files;
use crate::encoder_name::EncoderSource;
use crate::peft::PeftConfig;

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
    /// `config.json` is invalid, or describes an architecture that is not supported.
    #[error("`{}`: {problem}", path.display())]
    Config { path: PathBuf, problem: String },
    /// The adapter cannot be merged.
    #[error("`{}` is of an adapter that cannot be merged: {problem}", path.display())]
    Adapter { path: PathBuf, problem: String },
    /// The encoder of an adapter cannot be found.
    #[error("`{}` is of an adapter {problem}", path.display())]
    AdapterBase { path: PathBuf, problem: String },
}

impl Diagnostic for EncoderError {
    fn advice(&self) -> Advice {
        match self {
            Self::File(error) => error.advice(),
            Self::Shards(error) => error.advice(),
            Self::Missing { .. } | Self::MissingPart { .. } => Fault::Model.hint(
                "`encoder` in `pipeline.yaml` must name a folder in the layout of Hugging Face: config.json, \
                 the weights (model.safetensors or pytorch_model.bin) and the tokenizer (tokenizer.json or its \
                 vocabulary), or a model of the Hugging Face Hub, owner/name; `make setup` fetches the sample \
                 encoder",
            ),
            Self::Adapter { .. } => Fault::Model.hint(
                "merge it in Python, and name the folder of what comes of it: \
                 `model.merge_and_unload().save_pretrained(folder)`",
            ),
            Self::AdapterBase { .. } => Fault::Model.hint(
                "set its `base_model_name_or_path` to the folder of its encoder, or to a model of the Hugging Face \
                 Hub, owner/name",
            ),
            Self::Config { .. } => Fault::Model.hint(
                "`encoder` must name an encoder with the config.json that it was saved with; docs/encoders.md \
                 says which architectures there are",
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

/// Checks that the files of an encoder are there, that its architecture is supported, and that its adapter, if it
/// has one, can be merged.
pub fn check(source: &EncoderSource) -> Result<(), EncoderError> {
    if let Some(adapter) = source.adapter_folder() {
        for file in adapter_files(adapter) {
            require(adapter, file)?;
        }
        PeftConfig::read(adapter)?;
    }
    let folder = &source.files.folder;
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
    /// The hyperbolic tangent.
    Tanh,
}

/// The architecture of an encoder, and what only encoders of this family have.
#[derive(Debug, Clone, PartialEq)]
pub enum Family {
    /// BERT (Devlin et al. 2019, arXiv:1810.04805).
    Bert,
    /// RoBERTa (Liu et al. 2019, arXiv:1907.11692), and with it CamemBERT and XLM-R.
    Roberta,
    /// DistilBERT (Sanh et al. 2019, arXiv:1910.01108).
    DistilBert,
    /// ELECTRA (Clark et al. 2020, arXiv:2003.10555).
    Electra,
    /// ALBERT (Lan et al. 2019, arXiv:1909.11942).
    Albert {
        /// The number of groups of layers that share their weights.
        groups: usize,
    },
    /// MPNet (Song et al. 2020, arXiv:2004.09297).
    Mpnet {
        /// The number of buckets of relative positions.
        buckets: usize,
    },
    /// ModernBERT (Warner et al. 2024, arXiv:2412.13663).
    ModernBert(ModernBert),
    /// DeBERTa-v2 and DeBERTa-v3 (He et al. 2021, arXiv:2111.09543).
    DebertaV2(DebertaV2),
}

/// The table of absolute positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Positions {
    /// The number of rows.
    pub rows: usize,
    /// The row of a text's first token.
    pub first: usize,
}

/// The architecture and the hyperparameters of an encoder, from its `config.json`.
#[derive(Debug, Clone, PartialEq)]
pub struct EncoderConfig {
    /// The architecture.
    pub family: Family,
    /// The number of word embeddings.
    pub vocab_size: usize,
    /// The size of the word embeddings, where a dense layer projects them to the hidden size.
    pub embedding_size: usize,
    /// The size of the hidden states.
    pub hidden_size: usize,
    /// The number of layers.
    pub num_hidden_layers: usize,
    /// The number of attention heads per layer, which divides the hidden size.
    pub num_attention_heads: usize,
    /// The size between the two feed-forward layers.
    pub intermediate_size: usize,
    /// The table of absolute positions, where the encoder has one.
    pub positions: Option<Positions>,
    /// The number of token type embeddings, or 0.
    pub type_vocab_size: usize,
    /// The length of the longest sequence, in tokens.
    pub longest_input: usize,
    /// The constant that layer normalisation adds to the variance.
    pub layer_norm_eps: f64,
    /// The activation between the two feed-forward layers.
    pub hidden_act: Activation,
    /// The dropout probability of embeddings and sub-layer outputs during training.
    pub hidden_dropout_prob: f64,
    /// The dropout probability of attention weights during training.
    pub attention_probs_dropout_prob: f64,
}

impl EncoderConfig {
    /// The name of the file in the encoder's folder.
    pub const FILE: &'static str = "config.json";

    /// The `model_type` of a bundle whose head no class of transformers has. Its `config.json` has that of the
    /// encoder under the key `encoder`.
    pub const BUNDLE_TYPE: &'static str = "labelproof";

    /// Reads and checks the configuration in an encoder's folder.
    pub fn read(folder: &Path) -> Result<Self, EncoderError> {
        let path = require(folder, Self::FILE)?;
        let text = fs::read_to_string(&path)?;
        Self::parse(&text).map_err(|problem| EncoderError::Config { path, problem })
    }

    /// Reads and checks the text of a `config.json`; the error is what is wrong with it.
    fn parse(text: &str) -> Result<Self, String> {
        let mut value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if value.get("model_type").and_then(Value::as_str) == Some(Self::BUNDLE_TYPE) {
            value = value["encoder"].take();
        }
        // The architecture is looked at first: another one may lack the fields that are asked for, and that
        // would say nothing.
        let model_type = value.get("model_type").and_then(Value::as_str).unwrap_or("none");
        let Some((_, parse)) = FAMILIES.iter().find(|(name, _)| *name == model_type) else {
            let names: Vec<&str> = FAMILIES.iter().map(|(name, _)| *name).collect();
            return Err(format!(
                "the model type is `{model_type}`, supported are {}",
                names.join(", ")
            ));
        };
        let config = parse(value)?;
        match config.find_problem() {
            Some(found) => Err(found),
            None => Ok(config),
        }
    }

    fn find_problem(&self) -> Option<String> {
        let sizes = [
            ("vocab_size", self.vocab_size, 10_000_000),
            ("embedding_size", self.embedding_size, 65_536),
            ("hidden_size", self.hidden_size, 65_536),
            ("num_hidden_layers", self.num_hidden_layers, 1_000),
            ("num_attention_heads", self.num_attention_heads, 65_536),
            ("intermediate_size", self.intermediate_size, 1_000_000),
            ("max_position_embeddings", self.longest_input, 1_000_000),
        ];
        if let Some((name, value, limit)) = sizes
            .into_iter()
            .find(|(_, value, limit)| *value == 0 || value > limit)
        {
            return Some(format!("`{name}` is {value}, expected 1 to {limit}"));
        }
        if self.type_vocab_size > 1_000_000 {
            return Some(format!("`type_vocab_size` is {}", self.type_vocab_size));
        }
        if !self.hidden_size.is_multiple_of(self.num_attention_heads) {
            return Some(format!(
                "`hidden_size` {} is not a multiple of `num_attention_heads` {}",
                self.hidden_size, self.num_attention_heads
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

/// Reads the keys of a family's `config.json`; the error is what is wrong with it.
type ParseFamily = fn(Value) -> Result<EncoderConfig, String>;

/// The architectures by their `model_type`.
const FAMILIES: [(&str, ParseFamily); 10] = [
    ("bert", bert::parse),
    ("roberta", bert::parse_roberta),
    ("camembert", bert::parse_roberta),
    ("xlm-roberta", bert::parse_roberta),
    ("distilbert", distilbert::parse),
    ("electra", bert::parse_electra),
    ("albert", albert::parse),
    ("mpnet", bert::parse_mpnet),
    ("modernbert", modernbert::parse),
    ("deberta-v2", deberta_v2::parse),
];

/// The defaults of keys that several families share in transformers' configurations.
mod defaults {
    use super::Activation;

    pub(super) fn gelu() -> Activation {
        Activation::Gelu
    }

    pub(super) fn dropout() -> f64 {
        0.1
    }

    pub(super) fn longest() -> usize {
        512
    }

    pub(super) fn two() -> usize {
        2
    }
}

/// Reads the keys that an architecture has.
fn keys<T: for<'de> Deserialize<'de>>(value: Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
