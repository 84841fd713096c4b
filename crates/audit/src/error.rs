//! What can go wrong in the audit stage.

use labelproof_artifact::fs::FsError;
use labelproof_artifact::{Advice, ArtifactError, Diagnostic};

/// The audit stage failed. That a figure is unsound is no failure.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused.
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
    Device(#[from] labelproof_kernels::DeviceError),
}

impl Diagnostic for Error {
    fn advice(&self) -> Advice {
        match self {
            Self::File(error) => error.advice(),
            Self::Artifact(error) => error.advice(),
            Self::Model(error) => error.advice(),
            Self::Device(error) => error.advice(),
        }
    }
}
