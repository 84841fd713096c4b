//! What split writes: which rows are trained on, chosen by, and tested on.

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use serde::{Deserialize, Serialize};

use crate::stage::{Kind, StageId};
use crate::table::{Row, string_column, strings};

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

    fn schema() -> Schema {
        Schema::new(vec![
            Field::new("id", DataType::Utf8, false),
            Field::new("label", DataType::Utf8, false),
            Field::new("split", DataType::Utf8, false),
            Field::new("group", DataType::Utf8, false),
        ])
    }

    fn columns(rows: &[Self]) -> Vec<ArrayRef> {
        vec![
            string_column(rows.iter().map(|row| row.id.as_str())),
            string_column(rows.iter().map(|row| row.label.as_str())),
            string_column(rows.iter().map(|row| row.split.name())),
            string_column(rows.iter().map(|row| row.group.as_str())),
        ]
    }

    fn rows(batch: &RecordBatch) -> Result<Vec<Self>, String> {
        let (ids, labels) = (strings(batch, 0), strings(batch, 1));
        let (splits, groups) = (strings(batch, 2), strings(batch, 3));
        ids.into_iter()
            .zip(labels)
            .zip(splits)
            .zip(groups)
            .map(|(((id, label), split), group)| {
                Ok(Self {
                    id,
                    label,
                    split: Split::parse(&split)?,
                    group,
                })
            })
            .collect()
    }
}
