//! A folder of artifacts, as those see it who read from it.
//!
//! Stages never get the bare path: what a stage reads and does not declare would be missing from the plan,
//! and the stage would not run again when that file changes.

use std::path::{Path, PathBuf};

use crate::lock::StageLock;
use crate::stage::{Kind, Stage, StageId};
use crate::table::ArtifactError;

/// A folder of artifacts, and the stage that reads from it, if it is a stage.
#[derive(Debug, Clone, Copy)]
pub struct Artifacts<'a> {
    folder: &'a Path,
    reader: Option<&'static Stage>,
}

impl<'a> Artifacts<'a> {
    /// A folder of which everything may be read: for commands, whose results no lock records.
    pub fn all(folder: &'a Path) -> Self {
        Self { folder, reader: None }
    }

    /// A folder of which a stage may read the files that it declares.
    pub fn for_stage(folder: &'a Path, stage: &'static Stage) -> Self {
        Self {
            folder,
            reader: Some(stage),
        }
    }

    /// The path of a file.
    ///
    /// # Panics
    ///
    /// If the stage does not declare the file: that is a bug in the stage, whatever the data.
    pub fn path(self, kind: Kind) -> PathBuf {
        if let Some(stage) = self.reader {
            assert!(
                stage.declares(kind),
                "stage `{}` reads `{kind}`, which its declaration does not list",
                stage.id
            );
        }
        kind.path(self.folder)
    }

    /// The error of a file that was read and cannot be what its stage wrote.
    pub fn damaged(self, kind: Kind, problem: String) -> ArtifactError {
        ArtifactError::Damaged {
            path: self.path(kind),
            stage: kind.stage,
            problem,
        }
    }

    /// The lock of a stage, or `None` if the stage did not run to its end.
    pub fn lock(self, stage: StageId) -> Option<StageLock> {
        StageLock::read_file(&self.path(StageLock::kind(stage)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Document, LabelMap, Row, TokenRow};

    static SPLIT: Stage = Stage {
        id: StageId::Split,
        revision: 1,
        reads: &[LabelMap::KIND, StageLock::kind(StageId::Preprocess)],
        encoder_files: &[],
    };

    #[test]
    fn a_declared_file_is_read_and_a_lock_stands_for_what_it_lists() {
        let artifacts = Artifacts::for_stage(Path::new("a"), &SPLIT);
        assert_eq!(artifacts.path(LabelMap::KIND), Path::new("a/ingest/labels.json"));
        assert_eq!(
            artifacts.path(TokenRow::KIND),
            Path::new("a/preprocess/tokens.parquet")
        );
        let all = Artifacts::all(Path::new("a"));
        assert_eq!(all.path(Document::KIND), Path::new("a/ingest/documents.parquet"));
    }

    #[test]
    #[should_panic(
        expected = "stage `split` reads `ingest/documents.parquet`, which its declaration does not list"
    )]
    fn a_file_that_is_not_declared_is_refused() {
        Artifacts::for_stage(Path::new("a"), &SPLIT).path(Document::KIND);
    }
}
