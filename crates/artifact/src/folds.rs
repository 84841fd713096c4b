//! The table of held-out predictions that train writes with `train.folds`, of the training rows.

use crate::column::columns;
use crate::stage::{Kind, StageId};
use crate::table::Row;

/// The prediction of a training row by a model that was trained without its fold. The table keeps the order of the
/// documents.
#[derive(Debug, Clone, PartialEq)]
pub struct FoldRow {
    /// The document's id.
    pub id: String,
    /// The class.
    pub label: String,
    /// The number of the fold, from 1.
    pub fold: u32,
    /// `[classes]`, in the order of the label map.
    pub logits: Vec<f32>,
}

impl Row for FoldRow {
    const KIND: Kind = Kind {
        stage: StageId::Train,
        file: "folds.parquet",
        format: 1,
    };

    columns! { id, label, fold, logits }
}
