//! The names of the stages and of the files they own.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A stage of the pipeline. The same word is the crate, the key in `pipeline.yaml`, the argument of `labelproof run`
/// and the folder below `artifacts/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StageId {
    /// Sources to documents.
    Ingest,
    /// Documents to tokens.
    Preprocess,
    /// Tokens to train, validation and test.
    Split,
    /// Tokens, split and encoder to a bundle.
    Train,
    /// Bundle and documents to predictions and metrics.
    Evaluate,
    /// Everything to findings: why the figures can be relied on, or not.
    Audit,
    /// Everything to a page.
    Report,
}

impl StageId {
    /// Every stage, in the order they run.
    pub const ALL: [Self; 7] = [
        Self::Ingest,
        Self::Preprocess,
        Self::Split,
        Self::Train,
        Self::Evaluate,
        Self::Audit,
        Self::Report,
    ];

    /// Whether it computes with a model, on the device that is configured.
    pub fn uses_device(self) -> bool {
        matches!(self, Self::Train | Self::Evaluate | Self::Audit)
    }

    /// The stage's one word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Preprocess => "preprocess",
            Self::Split => "split",
            Self::Train => "train",
            Self::Evaluate => "evaluate",
            Self::Audit => "audit",
            Self::Report => "report",
        }
    }
}

impl fmt::Display for StageId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

/// No stage has this name.
#[derive(Debug, thiserror::Error)]
#[error(
    "no stage is called `{name}`; the stages are: ingest, preprocess, split, train, evaluate, audit, report"
)]
pub struct UnknownStage {
    /// The name that was given.
    pub name: String,
}

impl FromStr for StageId {
    type Err = UnknownStage;

    fn from_str(name: &str) -> Result<Self, UnknownStage> {
        Self::ALL
            .into_iter()
            .find(|stage| stage.name() == name)
            .ok_or_else(|| UnknownStage {
                name: name.to_owned(),
            })
    }
}

/// A kind of file: who writes it, under which name, in which version of its format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// The stage that writes it.
    pub stage: StageId,
    /// Its name in the stage's folder.
    pub file: &'static str,
    /// Raised when a reader of the old format would misread the new one. A reader refuses a newer format, and names
    /// the stage to run again for an older one.
    pub format: u32,
}

impl Kind {
    /// Where this kind of file lies in a folder of artifacts.
    pub fn path(&self, artifacts: &Path) -> PathBuf {
        artifacts.join(self.stage.name()).join(self.file)
    }
}
