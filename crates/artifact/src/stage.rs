//! The names of the stages, what each declares of itself, and the files they exchange.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::encoder_files::EncoderPart;
use crate::lock::StageLock;

/// A stage of the pipeline. The same word is the crate, the key in `pipeline.yaml`, the argument of
/// `labelproof run` and the folder below `artifacts/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StageId {
    /// Reads sources, and writes documents.
    Ingest,
    /// Cleans and tokenises the documents.
    Preprocess,
    /// Assigns each row to training, validation or test.
    Split,
    /// Trains the classifier, and writes the bundle.
    Train,
    /// Predicts every row with the bundle, and computes the metrics.
    Evaluate,
    /// Tests for what speaks against the metrics.
    Audit,
    /// Shows everything on a page.
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

    /// Whether the stage runs a network, on the device of the configuration.
    pub fn uses_device(self) -> bool {
        matches!(self, Self::Train | Self::Evaluate | Self::Audit)
    }

    /// The stage's name.
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

/// No stage has the given name.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message names the field")]
#[error(
    "no stage is called `{name}`; the stages are: ingest, preprocess, split, train, evaluate, audit, report"
)]
pub struct UnknownStage {
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

/// What a stage declares of itself, once, in its own crate: the plan is derived from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stage {
    /// The name.
    pub id: StageId,
    /// The version of the stage's code, raised when equal input would give other output.
    pub revision: u32,
    /// The files of earlier stages that the stage reads. The lock of a stage stands for every file that it
    /// lists.
    pub reads: &'static [Kind],
    /// The parts of the encoder's folder that the stage reads.
    pub encoder_files: &'static [EncoderPart],
}

impl Stage {
    /// Whether the stage declares that it reads a file.
    pub fn declares(&self, file: Kind) -> bool {
        self.reads.contains(&file) || self.reads.contains(&StageLock::kind(file.stage))
    }

    /// The stages from which this one reads, in the order they run.
    pub fn upstream(&self) -> impl Iterator<Item = StageId> {
        StageId::ALL
            .into_iter()
            .filter(|id| self.reads.iter().any(|kind| kind.stage == *id))
    }
}

/// A kind of file (or, as the bundle, of folder): who writes it, under which name, in which version of its
/// format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// The stage that writes the file.
    pub stage: StageId,
    /// The file's name in the stage's folder.
    pub file: &'static str,
    /// Raised when a reader of the old format would misread the new one. A reader refuses a newer format, and
    /// names the stage to run again for an older one.
    pub format: u32,
}

impl Kind {
    /// The path of the file in a folder of artifacts.
    pub fn path(&self, artifacts: &Path) -> PathBuf {
        artifacts.join(self.stage.name()).join(self.file)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.stage, self.file)
    }
}

/// The folder of the weights that further trainings with other seeds gave, with `train.repeats`: a file for each, in
/// the order of the seeds.
pub const REPEATS: Kind = Kind {
    stage: StageId::Train,
    file: "repeats",
    format: 1,
};

/// The bundle: the folder of the trained classifier, with all that prediction needs.
pub const BUNDLE: Kind = Kind {
    stage: StageId::Train,
    file: "model",
    format: 3,
};
