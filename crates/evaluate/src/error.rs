//! The errors of the evaluate stage, and what to do about them.

use labelproof_artifact::fs::FsError;
use labelproof_artifact::{Advice, ArtifactError, Diagnostic, Fault, Split};
use labelproof_kernels::DeviceError;
use labelproof_kernels::workers::WorkersError;

/// Evaluation could not be completed.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant names its fields")]
pub enum Error {
    /// The operating system refused a file operation.
    #[error(transparent)]
    File(#[from] FsError),
    /// A file of an earlier stage cannot be used.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// The bundle cannot be used.
    #[error(transparent)]
    Model(#[from] labelproof_model::Error),
    /// The device is not there.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The processes that share the predictions cannot go on.
    #[error(transparent)]
    Workers(#[from] WorkersError),
    /// The metrics of a split cannot be computed.
    #[error("cannot score the {split} split")]
    Score {
        split: Split,
        source: labelproof_metrics::Error,
    },
    /// The bundle was trained on other labels than the documents have.
    #[error("the bundle's labels are {bundle}, those of the documents {documents}")]
    Labels { bundle: String, documents: String },
    /// The features that training kept are not those of the text.
    #[error(
        "row `{id}`: the features kept by training give a logit of {kept}, predicting from its text gives \
         {predicted}"
    )]
    Features { id: String, kept: f32, predicted: f32 },
}

impl Diagnostic for Error {
    fn advice(&self) -> Advice {
        match self {
            Self::File(error) => error.advice(),
            Self::Artifact(error) => error.advice(),
            Self::Model(error) => error.advice(),
            Self::Device(error) => error.advice(),
            Self::Workers(error) => error.advice(),
            Self::Score { .. } => Fault::Model
                .hint("the model gives no finite numbers; train it with a lower `train.learning_rate`"),
            Self::Labels { .. } | Self::Features { .. } => {
                Fault::Artifact.hint("train anew: labelproof run train --force")
            }
        }
    }
}
