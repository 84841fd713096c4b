//! The table of pooled features that train writes with a frozen encoder, of the training and validation rows.

use crate::column::columns;
use crate::stage::{Kind, StageId};
use crate::table::Row;

/// The pooled features of one row.
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
