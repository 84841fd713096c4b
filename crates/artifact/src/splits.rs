//! The table that split writes: the split of every row, train, validation or test.

use crate::column::columns;
use crate::stage::{Kind, StageId};
use crate::table::Row;
use serde::{Deserialize, Serialize};

/// A split of the data: the rows that serve one purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// The rows that the weights are fitted to.
    Train,
    /// The rows that the best epoch is chosen by.
    Validation,
    /// The rows that only evaluate looks at, once.
    Test,
}

impl Split {
    /// All splits, in the order they are shown.
    pub const ALL: [Self; 3] = [Self::Train, Self::Validation, Self::Test];

    /// The split's name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }

    /// The split of a name; the error says which names there are.
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

/// The split of one document. The table keeps the order of the documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SplitRow {
    /// The document's id.
    pub id: String,
    /// The class.
    pub label: String,
    /// The split.
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

    const DEALT_BY: Option<fn(&Self) -> &str> = Some(|row| &row.id);

    columns! { id, label, split, group }
}
