//! The errors of the report stage, and what to do about them.

use labelproof_artifact::fs::FsError;
use labelproof_artifact::{Advice, ArtifactError, Diagnostic, Fault, StageId};

/// The report could not be made.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant names its fields")]
pub enum Error {
    /// A file of an earlier stage cannot be used.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// A file of this stage cannot be written.
    #[error(transparent)]
    File(#[from] FsError),
    /// The section of `pipeline.yaml` is not usable.
    #[error("{}", problems.join("; "))]
    Parameters { problems: Vec<String> },
    /// Two files that describe the same rows or classes contradict each other, so that no number could be
    /// believed.
    #[error("`{first}` and `{second}` do not belong together: {problem}")]
    Contradiction {
        first: &'static str,
        second: &'static str,
        problem: String,
        stage: StageId,
    },
}

impl Diagnostic for Error {
    fn advice(&self) -> Advice {
        match self {
            Self::Artifact(error) => error.advice(),
            Self::File(error) => error.advice(),
            Self::Parameters { .. } => {
                Fault::Configuration.hint("correct the `report` section of `pipeline.yaml`")
            }
            Self::Contradiction { stage, .. } => {
                Fault::Artifact.hint(format!("make them anew: labelproof run {stage} --force"))
            }
        }
    }
}
