//! What split writes: which rows are trained on, chosen by, and tested on.

use crate::column::columns;
use crate::stage::{Kind, StageId};
use crate::table::Row;
use serde::{Deserialize, Serialize};

/// A part of the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// Weights are fitted on it.
    Train,
    /// The epoch is chosen on it.
    Validation,
    /// Looked at once, by evaluate.
    Test,
}

impl Split {
    /// All parts, in the order they are shown.
    pub const ALL: [Self; 3] = [Self::Train, Self::Validation, Self::Test];

    /// The part's name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }

    /// The part of this name; the error says which names there are.
    pub fn parse(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|split| split.name() == name)
            .ok_or_else(|| format!("`{name}` is no split; expected train, validation or test"))
    }
}

impl std::fmt::Display for Split {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.pad(self.name())
    }
}

/// Where one document belongs. The table keeps the order of the documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SplitRow {
    /// The document's id.
    pub id: String,
    /// The class.
    pub label: String,
    /// The part.
    pub split: Split,
    /// The id of the first row of the set of rows that had to stay together.
    pub group: String,
}

impl Row for SplitRow {
    const KIND: Kind = Kind {
        stage: StageId::Split,
        file: "split.parquet",
        format: 1,
    };

    columns! { id, label, split, group }
}
