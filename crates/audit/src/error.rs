//! What can go wrong in the audit stage.

use labelproof_artifact::fs::FsError;
use labelproof_artifact::{Advice, ArtifactError, Diagnostic, Fault};

/// The audit stage failed. That a figure is unsound is no failure.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused.
    #[error(transparent)]
    File(#[from] FsError),
    /// A file of an earlier stage cannot be used.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// The tokenizer or the cleaning rules of the bundle cannot be used.
    #[error(transparent)]
    Text(#[from] labelproof_text::Error),
}

impl Diagnostic for Error {
    fn advice(&self) -> Advice {
        match self {
            Self::File(error) => error.advice(),
            Self::Artifact(error) => error.advice(),
            Self::Text(_) => Fault::Model.into(),
        }
    }
}
