//! The table of predictions that evaluate writes. Rows are joined by id and never by position.
//!
//! It is always one file: its rows are in the order of the splits and then of the ids, and evaluate holds all
//! of them at once.

use crate::column::columns;
use crate::splits::Split;
use crate::stage::{Kind, StageId};
use crate::table::Row;

/// One row's prediction. Lists are in the order of the label map.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// The document's id.
    pub id: String,
    /// The split that the document belongs to.
    pub split: Split,
    /// The true class.
    pub label: String,
    /// The class of the highest logit.
    pub predicted: String,
    /// `[classes]`, before softmax.
    pub logits: Vec<f32>,
    /// `[classes]`, softmax of the logits.
    pub probabilities: Vec<f64>,
    /// Cross-entropy in nats, from the logits.
    pub loss: f64,
    /// The baseline's class.
    pub baseline_predicted: String,
    /// `[classes]`, the baseline's probabilities.
    pub baseline_probabilities: Vec<f64>,
}

impl Row for Prediction {
    const KIND: Kind = Kind {
        stage: StageId::Evaluate,
        file: "predictions.parquet",
        format: 1,
    };

    columns! {
        id, split, label, predicted, logits, probabilities, loss, baseline_predicted,
        baseline_probabilities,
    }
}
