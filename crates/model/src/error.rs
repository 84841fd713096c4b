//! What can go wrong with models and bundles.

use std::path::PathBuf;

use labelproof_artifact::encoder_files::ShardsError;
use labelproof_artifact::fs::FsError;
use labelproof_artifact::wording::listed;
use labelproof_artifact::{Advice, ArtifactError, Diagnostic, Fault, wording};
use labelproof_kernels::workers::WorkersError;
use labelproof_settings::encoder::EncoderError;

/// A model or a bundle cannot be used.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant names its fields")]
pub enum Error {
    /// The operating system refused.
    #[error(transparent)]
    File(#[from] FsError),
    /// A file of an earlier stage cannot be used.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// The tokenizer or the cleaning rules cannot be used.
    #[error(transparent)]
    Text(#[from] labelproof_text::Error),
    /// The encoder's folder cannot be used.
    #[error(transparent)]
    Encoder(#[from] EncoderError),
    /// The processes that share the work cannot go on.
    #[error(transparent)]
    Workers(#[from] WorkersError),
    /// A tensor file cannot be read.
    #[error("`{}` is no usable safetensors file: {problem}", path.display())]
    TensorFile { path: PathBuf, problem: String },
    /// A file that `torch.save` wrote cannot be read.
    #[error("`{}` is no usable file of `torch.save`: {problem}", path.display())]
    TorchFile { path: PathBuf, problem: String },
    /// A file of `torch.save` holds more than tensors.
    #[error(
        "`{}` holds more than tensors: its pickle names `{name}`, which Python would run; nothing of it was run",
        path.display()
    )]
    Pickle { path: PathBuf, name: String },
    /// The index of the weights' files is damaged.
    #[error(transparent)]
    Shards(#[from] ShardsError),
    /// Two of the files that an index names have the same tensor.
    #[error("`{}` is no usable index of weights: `{name}` is in two of its files", path.display())]
    TensorTwice { path: PathBuf, name: String },
    /// The tensors of a file are not those of the model.
    #[error("`{}` does not fit the model:{}", path.display(), list_mismatches(missing, misshaped, unused))]
    Mismatch {
        path: PathBuf,
        missing: Vec<String>,
        misshaped: Vec<String>,
        unused: Vec<String>,
    },
    /// Token ids reach beyond the encoder's vocabulary.
    #[error(
        "the tokenizer has ids up to {}, but the encoder knows {encoder} tokens (`vocab_size`)",
        tokenizer - 1
    )]
    Vocabulary { tokenizer: usize, encoder: usize },
    /// An adapter was asked for of a part of a dense layer.
    #[error(
        "this encoder has {} in one dense layer, `{layer}`, and `train.lora.targets` names a part of them",
        listed(targets)
    )]
    LoraTargets {
        layer: String,
        targets: Vec<&'static str>,
    },
    /// The folder is no bundle.
    #[error("`{}` is no bundle: there is no `{file}` in it", path.display())]
    NoBundle { path: PathBuf, file: &'static str },
    /// A folder of transformers is no classifier that can be used.
    #[error("`{}` is no classifier that can be used: {problem}", path.display())]
    Classifier { path: PathBuf, problem: String },
    /// A folder of transformers has an encoder and no classification head.
    #[error(
        "`{}` has no classification head: its weights lack {}. transformers would put random numbers there",
        path.display(),
        wording::quoted(missing, HEAD_TENSORS_SHOWN)
    )]
    NoHead { path: PathBuf, missing: Vec<String> },
    /// A graph reads a text at once.
    #[error("the bundle reads long texts in windows, which an ONNX graph of its network does not")]
    WindowsInOnnx,
    /// A graph is larger than its file can be.
    #[error("the ONNX graph has {bytes} bytes, and its file can have 2147483647 at most")]
    TooLargeForOnnx { bytes: usize },
    /// The bundle's own description cannot be used.
    #[error("`{}` is no usable bundle: {problem}", path.display())]
    Bundle { path: PathBuf, problem: String },
    /// The bundle is older than its calibration would be.
    #[error(
        "`{}` has no `{file}`, on which thresholds and prediction sets are chosen: it was written by an \
         earlier version",
        path.display()
    )]
    NoCalibration { path: PathBuf, file: &'static str },
    /// A classifier of transformers has no calibrated rows.
    #[error("`{}` was trained by another program, which kept no rows to calibrate by", path.display())]
    ForeignCalibration { path: PathBuf },
    /// A file of the bundle was damaged or replaced.
    #[error("`{}` is not the file that was written with its bundle", path.display())]
    BundleFile { path: PathBuf },
    /// A canary has other logits than when the bundle was written.
    #[error(
        "`{}` does not give the answers it was saved with: on canary row {row} a logit is {found}, recorded \
         as {expected}",
        path.display()
    )]
    Canary {
        path: PathBuf,
        row: usize,
        expected: f32,
        found: f32,
    },
    /// A canary has other token ids than when the bundle was written: another tokenizer, or other cleaning
    /// rules.
    #[error("`{}` does not tokenise canary row {row} as when it was saved", path.display())]
    CanaryTokens { path: PathBuf, row: usize },
}

/// The tensors of a head that a message lists: all.
const HEAD_TENSORS_SHOWN: usize = 8;

fn list_mismatches(missing: &[String], misshaped: &[String], unused: &[String]) -> String {
    [
        ("missing", missing),
        ("of another shape", misshaped),
        ("unused", unused),
    ]
    .into_iter()
    .filter(|(_, names)| !names.is_empty())
    .map(|(what, names)| format!("\n  {} {what}: {}", names.len(), names.join(", ")))
    .collect()
}

const CHANGED_BUNDLE: &str =
    "a file of the bundle was changed or replaced; make it anew: labelproof run train --force";

impl Diagnostic for Error {
    fn advice(&self) -> Advice {
        let (fault, hint) = match self {
            Self::File(error) => return error.advice(),
            Self::Artifact(error) => return error.advice(),
            Self::Encoder(error) => return error.advice(),
            Self::Workers(error) => return error.advice(),
            // In a bundle the cleaning rules belong to the model as the tokenizer does.
            Self::Text(_) => return Fault::Model.into(),
            Self::Shards(error) => return error.advice(),
            Self::Pickle { .. } => (
                Fault::Model,
                "do not open the file with Python unless you trust whoever made it; if it is a whole model of \
                 your own, save it with `model.save_pretrained(folder)`",
            ),
            Self::TensorFile { .. } | Self::TorchFile { .. } | Self::TensorTwice { .. } => {
                (Fault::Model, "fetch the file again; it may have been cut short")
            }
            Self::Mismatch { .. } => (
                Fault::Model,
                "config.json and the weights must come from the same model",
            ),
            Self::Vocabulary { .. } => (
                Fault::Model,
                "the tokenizer and the weights must come from the same model",
            ),
            Self::LoraTargets { .. } => (Fault::Configuration, "name all of them or none"),
            Self::NoBundle { .. } => (
                Fault::Model,
                "name the `model` folder that train wrote, such as artifacts/train/model, or the folder of an \
                 AutoModelForSequenceClassification",
            ),
            Self::Classifier { .. } => (
                Fault::Model,
                "name the folder that `model.save_pretrained(folder)` wrote of an \
                 AutoModelForSequenceClassification; docs/encoders.md says which architectures there are",
            ),
            Self::NoHead { .. } => (
                Fault::Model,
                "save the classifier after training, and not its encoder: `trainer.save_model(folder)`, or \
                 `model.save_pretrained(folder)` of the AutoModelForSequenceClassification",
            ),
            Self::WindowsInOnnx => (Fault::Model, "train without `preprocess.windows` for an export"),
            Self::TooLargeForOnnx { .. } => (
                Fault::Model,
                "export a smaller encoder, or load the bundle with transformers (docs/bundle.md)",
            ),
            Self::NoCalibration { .. } => (
                Fault::Artifact,
                "train it anew with this version: labelproof run train --force",
            ),
            Self::ForeignCalibration { .. } => (
                Fault::Configuration,
                "leave out --calibrated, --abstain and --conformal; a bundle that `labelproof run train` wrote has them",
            ),
            Self::BundleFile { .. } => (Fault::Artifact, CHANGED_BUNDLE),
            Self::Bundle { .. } | Self::Canary { .. } | Self::CanaryTokens { .. } => {
                (Fault::Model, CHANGED_BUNDLE)
            }
        };
        fault.hint(hint)
    }
}
