//! Why no report can be made, and what to do about it.

use labelproof_artifact::fs::FsError;
use labelproof_artifact::{ArtifactError, Diagnostic, Fault, StageId};

/// Reporting failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of an earlier stage cannot be used.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// A file of this stage cannot be written.
    #[error(transparent)]
    File(#[from] FsError),
    /// The section of `pipeline.yaml` is not usable.
    #[error("{}", problems.join("; "))]
    Parameters {
        /// What [`crate::Params::check`] found.
        problems: Vec<String>,
    },
    /// Two files that describe the same rows or classes contradict each other, so that no number could be believed.
    #[error("`{first}` and `{second}` do not belong together: {problem}")]
    Contradiction {
        /// A file, as `stage/name`.
        first: &'static str,
        /// The file that does not fit it.
        second: &'static str,
        /// What differs.
        problem: String,
        /// The stage to run again.
        stage: StageId,
    },
}

impl Diagnostic for Error {
    fn fault(&self) -> Fault {
        match self {
            Self::Artifact(error) => error.fault(),
            Self::File(error) => error.fault(),
            Self::Parameters { .. } => Fault::Configuration,
            Self::Contradiction { .. } => Fault::Artifact,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Artifact(error) => error.hints(),
            Self::File(error) => error.hints(),
            Self::Parameters { .. } => {
                vec!["correct the `report` section of `pipeline.yaml`".to_owned()]
            }
            Self::Contradiction { stage, .. } => {
                vec![format!("make them anew: labelproof run {stage} --force")]
            }
        }
    }
}
