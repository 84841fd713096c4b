//! What can go wrong in evaluation.

use labelproof_artifact::fs::FsError;
use labelproof_artifact::{ArtifactError, Diagnostic, Fault, Split};

/// Evaluation failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused.
    #[error(transparent)]
    File(#[from] FsError),
    /// A file of an earlier stage cannot be used.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// The bundle or the device cannot be used.
    #[error(transparent)]
    Model(#[from] labelproof_model::Error),
    /// The metrics of a split cannot be computed.
    #[error("cannot score the {split} split")]
    Score {
        /// Which.
        split: Split,
        /// Why.
        source: labelproof_metrics::Error,
    },
    /// The bundle was trained on other labels than the documents have.
    #[error("the bundle's labels are {bundle}, those of the documents {documents}")]
    Labels {
        /// The bundle's.
        bundle: String,
        /// The documents'.
        documents: String,
    },
    /// The features that training kept are not those of the text.
    #[error(
        "row `{id}`: the features kept by training give a logit of {kept}, predicting from its text gives {predicted}"
    )]
    Features {
        /// The row.
        id: String,
        /// From the kept features.
        kept: f32,
        /// From the text.
        predicted: f32,
    },
}

impl Diagnostic for Error {
    fn fault(&self) -> Fault {
        match self {
            Self::File(error) => error.fault(),
            Self::Artifact(error) => error.fault(),
            Self::Model(error) => error.fault(),
            Self::Score { .. } => Fault::Model,
            Self::Labels { .. } | Self::Features { .. } => Fault::Artifact,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::File(error) => error.hints(),
            Self::Artifact(error) => error.hints(),
            Self::Model(error) => error.hints(),
            Self::Score { .. } => {
                vec![
                    "the model gives no finite numbers; train it with a lower `train.learning_rate`"
                        .to_owned(),
                ]
            }
            Self::Labels { .. } | Self::Features { .. } => {
                vec!["train anew: labelproof run train --force".to_owned()]
            }
        }
    }
}
