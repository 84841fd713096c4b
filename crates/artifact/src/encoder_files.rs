//! Which files of an encoder's folder are read.
//!
//! Folders differ: an encoder that was saved years ago has `vocab.txt` and `pytorch_model.bin`, a large one
//! has its weights in several files. Plan, tokenizer and weights ask here, so that what is read is what the
//! locks have digests of. What stands in the files is not this module's business.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use serde_json::Value;

use crate::diagnostic::{Advice, Diagnostic, Fault};
use crate::fs::{self, FsError};

/// The file of the encoder's configuration.
pub const CONFIG_FILE: &str = "config.json";
/// The file of a whole tokenizer.
pub const TOKENIZER_FILE: &str = "tokenizer.json";
/// The file of the weights as Labelproof writes them.
pub const WEIGHTS_FILE: &str = "model.safetensors";

/// The files that a tokenizer is built from where there is no [`TOKENIZER_FILE`].
pub const TOKENIZER_SOURCES: [&str; 9] = [
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "sentencepiece.bpe.model",
    "spm.model",
    "spiece.model",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
];

/// The vocabularies among [`TOKENIZER_SOURCES`], one of which there must be.
pub const VOCABULARIES: [&str; 5] = [
    "vocab.txt",
    "vocab.json",
    "sentencepiece.bpe.model",
    "spm.model",
    "spiece.model",
];

/// The names under which models of sentencepiece are kept.
pub const SENTENCE_PIECE: [&str; 3] = ["sentencepiece.bpe.model", "spm.model", "spiece.model"];

/// The file that makes a folder one of an adapter of the Python library PEFT.
pub const ADAPTER_CONFIG_FILE: &str = "adapter_config.json";

/// The files of an adapter's tensors, of which the first that is there is read.
pub const ADAPTER_WEIGHTS: [&str; 2] = ["adapter_model.safetensors", "adapter_model.bin"];

/// Whether a folder has an adapter and no weights that it would be beside.
pub fn is_adapter(folder: &Path) -> bool {
    folder.join(ADAPTER_CONFIG_FILE).is_file() && WeightsForm::of(folder).is_none()
}

/// The files that are read of an adapter's folder. Where it has no tensors, the name of the file that is missed.
pub fn adapter_files(folder: &Path) -> [&'static str; 2] {
    let mut weights = ADAPTER_WEIGHTS.into_iter();
    let found = weights.find(|file| folder.join(file).is_file());
    [ADAPTER_CONFIG_FILE, found.unwrap_or(ADAPTER_WEIGHTS[0])]
}

/// A part of an encoder's folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EncoderPart {
    /// The configuration, `config.json`.
    Config,
    /// The tokenizer.
    Tokenizer,
    /// The weights.
    Weights,
}

impl EncoderPart {
    /// Every part, in the order in which digests are taken of them.
    pub const ALL: [Self; 3] = [Self::Config, Self::Tokenizer, Self::Weights];

    /// The files that the part is read from. Where the folder has none, the name of the file that is missed.
    pub fn files(self, folder: &Path) -> Vec<String> {
        match self {
            Self::Config => vec![CONFIG_FILE.to_owned()],
            Self::Tokenizer => tokenizer_files(folder),
            Self::Weights => weight_files(folder),
        }
    }
}

fn tokenizer_files(folder: &Path) -> Vec<String> {
    let has = |file: &&str| folder.join(file).is_file();
    if has(&TOKENIZER_FILE) || !VOCABULARIES.iter().any(has) {
        return vec![TOKENIZER_FILE.to_owned()];
    }
    let sources = TOKENIZER_SOURCES.iter().filter(|file| has(file));
    sources.map(|file| (*file).to_owned()).collect()
}

fn weight_files(folder: &Path) -> Vec<String> {
    let Some(form) = WeightsForm::of(folder) else {
        return vec![WEIGHTS_FILE.to_owned()];
    };
    let mut files = vec![form.file().to_owned()];
    if form.is_index() {
        // Who reads the weights says what is wrong with the index.
        files.extend(shards(&folder.join(form.file())).unwrap_or_default());
    }
    files
}

/// How the weights of an encoder are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WeightsForm {
    /// One safetensors file.
    Safetensors,
    /// Several safetensors files, and an index of them.
    SafetensorsShards,
    /// One file of `torch.save`.
    PyTorch,
    /// Several files of `torch.save`, and an index of them.
    PyTorchShards,
}

impl WeightsForm {
    /// Every form; the first one that a folder has is read, as transformers does.
    pub const ALL: [Self; 4] = [
        Self::Safetensors,
        Self::SafetensorsShards,
        Self::PyTorch,
        Self::PyTorchShards,
    ];

    /// The form in which a folder has its weights.
    pub fn of(folder: &Path) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|form| folder.join(form.file()).is_file())
    }

    /// The file that is read first: the weights, or the index of their files.
    pub fn file(self) -> &'static str {
        match self {
            Self::Safetensors => WEIGHTS_FILE,
            Self::SafetensorsShards => "model.safetensors.index.json",
            Self::PyTorch => "pytorch_model.bin",
            Self::PyTorchShards => "pytorch_model.bin.index.json",
        }
    }

    /// Whether the file is an index of others.
    pub fn is_index(self) -> bool {
        matches!(self, Self::SafetensorsShards | Self::PyTorchShards)
    }
}

/// The index of an encoder's weights cannot be used.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant names its fields")]
pub enum ShardsError {
    /// The operating system refused.
    #[error(transparent)]
    File(#[from] FsError),
    /// The file is no index of weights.
    #[error("`{}` is no usable index of weights: {problem}", path.display())]
    Index { path: PathBuf, problem: String },
}

impl Diagnostic for ShardsError {
    fn advice(&self) -> Advice {
        match self {
            Self::File(error) => error.advice(),
            Self::Index { .. } => Fault::Model.hint("fetch the file again; it may have been cut short"),
        }
    }
}

/// The files that an index of weights names, in the order of their names.
pub fn shards(index: &Path) -> Result<Vec<String>, ShardsError> {
    let problem = |problem: String| ShardsError::Index {
        path: index.to_path_buf(),
        problem,
    };
    let text = fs::read_to_string(index)?;
    let value: Value = serde_json::from_str(&text).map_err(|error| problem(error.to_string()))?;
    let Some(map) = value.get("weight_map").and_then(Value::as_object) else {
        return Err(problem("it has no `weight_map`".to_owned()));
    };
    let mut files = BTreeSet::new();
    for (tensor, file) in map {
        match file.as_str() {
            Some(file) if is_bare_name(file) => files.insert(file.to_owned()),
            _ => {
                return Err(problem(format!(
                    "`{tensor}` is said to be in {file}, no file beside it"
                )));
            }
        };
    }
    if files.is_empty() {
        return Err(problem("its `weight_map` is empty".to_owned()));
    }
    Ok(files.into_iter().collect())
}

/// Whether a name is that of a file in the same folder: an index from elsewhere must not lead to other files.
fn is_bare_name(name: &str) -> bool {
    let mut components = Path::new(name).components();
    let first = components.next();
    matches!(first, Some(Component::Normal(only)) if only == name) && !name.contains('\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            fs::write_atomic(&folder.path().join(name), content.as_bytes()).unwrap();
        }
        folder
    }

    #[test]
    fn a_whole_tokenizer_is_preferred_to_what_one_is_built_from() {
        let folder = folder_with(&[("vocab.txt", ""), ("tokenizer_config.json", "")]);
        let files = || EncoderPart::Tokenizer.files(folder.path());
        assert_eq!(files(), ["vocab.txt", "tokenizer_config.json"]);
        fs::write_atomic(&folder.path().join("tokenizer.json"), b"{}").unwrap();
        assert_eq!(files(), ["tokenizer.json"]);
        // Settings without a vocabulary are no tokenizer: the missing file is the whole one.
        let folder = folder_with(&[("tokenizer_config.json", "")]);
        assert_eq!(EncoderPart::Tokenizer.files(folder.path()), ["tokenizer.json"]);
    }

    #[test]
    fn safetensors_are_preferred_and_an_index_brings_its_shards() {
        let index = r#"{"weight_map": {"a": "2.bin", "b": "1.bin", "c": "2.bin"}}"#;
        let folder = folder_with(&[("pytorch_model.bin.index.json", index)]);
        let files = || EncoderPart::Weights.files(folder.path());
        assert_eq!(files(), ["pytorch_model.bin.index.json", "1.bin", "2.bin"]);
        fs::write_atomic(&folder.path().join("pytorch_model.bin"), b"").unwrap();
        assert_eq!(files(), ["pytorch_model.bin"]);
        fs::write_atomic(&folder.path().join("model.safetensors"), b"").unwrap();
        assert_eq!(files(), ["model.safetensors"]);
        let empty = folder_with(&[]);
        assert_eq!(EncoderPart::Weights.files(empty.path()), ["model.safetensors"]);
    }

    #[test]
    fn an_index_leads_to_no_file_elsewhere() {
        for name in ["../a.bin", "/a.bin", "b/a.bin", "b\\\\a.bin", "..", "", "./a.bin"] {
            let index = format!(r#"{{"weight_map": {{"a": "{name}"}}}}"#);
            let folder = folder_with(&[("pytorch_model.bin.index.json", &index)]);
            let error = shards(&folder.path().join("pytorch_model.bin.index.json")).unwrap_err();
            assert!(
                error.to_string().ends_with("no file beside it"),
                "{name}: {error}"
            );
        }
        for index in [
            "",
            "{}",
            "[1]",
            r#"{"weight_map": {}}"#,
            r#"{"weight_map": {"a": 1}}"#,
        ] {
            let folder = folder_with(&[("index.json", index)]);
            let error = shards(&folder.path().join("index.json")).unwrap_err().to_string();
            assert!(
                error.contains("index.json` is no usable index of weights: "),
                "{error}"
            );
        }
    }
}
