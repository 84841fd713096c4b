//! What train writes with a frozen encoder: the pooled vector of every row it trained on or chose by.

use crate::column::columns;
use crate::stage::{Kind, StageId};
use crate::table::Row;

/// One row's features.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureRow {
    /// The document's id.
    pub id: String,
    /// `[hidden]`, the pooled output of the encoder.
    pub values: Vec<f32>,
}

impl Row for FeatureRow {
    const KIND: Kind = Kind {
        stage: StageId::Train,
        file: "features.parquet",
        format: 1,
    };

    columns! { id, values }
}
