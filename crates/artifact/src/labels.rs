//! The label map: the one place where classes are numbered.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::artifacts::Artifacts;
use crate::json;
use crate::stage::{Kind, StageId};
use crate::table::ArtifactError;

/// The ordered list of classes, written by ingest. A class's number is its place in this list, everywhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct LabelMap {
    names: Vec<String>,
    index: BTreeMap<String, u32>,
}

/// The label map as the file holds it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    labels: Vec<String>,
}

impl From<Stored> for LabelMap {
    fn from(stored: Stored) -> Self {
        Self::new(stored.labels)
    }
}

impl From<LabelMap> for Stored {
    fn from(map: LabelMap) -> Self {
        Self { labels: map.names }
    }
}

impl LabelMap {
    /// The file that ingest writes.
    pub const KIND: Kind = Kind {
        stage: StageId::Ingest,
        file: "labels.json",
        format: 1,
    };

    /// A label map of some classes, in the order given.
    pub fn new(names: Vec<String>) -> Self {
        let index = names
            .iter()
            .zip(0..)
            .map(|(name, number)| (name.clone(), number))
            .collect();
        Self { names, index }
    }

    /// The class names, in the order of their numbers.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The number of classes.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is no class at all.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The number of a class, if there is one of this name.
    pub fn index(&self, name: &str) -> Option<u32> {
        self.index.get(name).copied()
    }

    /// The name of a class.
    pub fn name(&self, index: usize) -> &str {
        &self.names[index]
    }

    /// Reads the label map of a folder of artifacts.
    pub fn read(artifacts: Artifacts<'_>) -> Result<Self, ArtifactError> {
        json::read_artifact(Self::KIND, artifacts)
    }

    /// Writes the label map into ingest's output folder.
    pub fn write(&self, folder: &Path) -> Result<(), ArtifactError> {
        json::write_artifact(Self::KIND, folder, self)
    }
}
