//! The table of losses and metrics of every epoch, which train writes beside the bundle.

use crate::column::columns;
use crate::stage::{Kind, StageId};
use crate::table::Row;
use serde::{Deserialize, Serialize};

/// One epoch. Losses are means over rows in nats, from logits; accuracies are shares of rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistoryRow {
    /// The epoch's number, from 1.
    pub epoch: u32,
    /// The learning rate of the epoch's last step.
    pub learning_rate: f64,
    /// The mean training loss, with dropout, class weights, and the weights that each batch met.
    pub train_loss: f64,
    /// The training accuracy, measured as the training loss is.
    pub train_accuracy: f64,
    /// After the epoch, without dropout.
    pub validation_loss: f64,
    /// After the epoch, without dropout.
    pub validation_accuracy: f64,
    /// After the epoch, without dropout.
    pub validation_f1_macro: f64,
    /// Whether this epoch's weights are the ones in the bundle.
    pub best: bool,
}

impl Row for HistoryRow {
    const KIND: Kind = Kind {
        stage: StageId::Train,
        file: "history.parquet",
        format: 1,
    };

    columns! {
        epoch, learning_rate, train_loss, train_accuracy, validation_loss, validation_accuracy,
        validation_f1_macro, best,
    }
}
