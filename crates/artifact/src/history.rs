//! What train writes beside the bundle: the course of the training.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, Float64Array, RecordBatch, UInt32Array};
use arrow::datatypes::{DataType, Field, Float64Type, Schema, UInt32Type};

use serde::{Deserialize, Serialize};

use crate::stage::{Kind, StageId};
use crate::table::{Row, numbers};

/// One epoch. Losses are means over rows in nats, from logits; accuracies are shares of rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistoryRow {
    /// From 1.
    pub epoch: u32,
    /// The rate of the epoch's last step.
    pub learning_rate: f64,
    /// Over the batches as they were trained on: dropout on, weights moving, class weights applied.
    pub train_loss: f64,
    /// Likewise.
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

    fn schema() -> Schema {
        let float = |name: &str| Field::new(name, DataType::Float64, false);
        Schema::new(vec![
            Field::new("epoch", DataType::UInt32, false),
            float("learning_rate"),
            float("train_loss"),
            float("train_accuracy"),
            float("validation_loss"),
            float("validation_accuracy"),
            float("validation_f1_macro"),
            Field::new("best", DataType::Boolean, false),
        ])
    }

    fn columns(rows: &[Self]) -> Vec<ArrayRef> {
        let floats = |value: fn(&Self) -> f64| -> ArrayRef {
            Arc::new(Float64Array::from_iter_values(rows.iter().map(value)))
        };
        vec![
            Arc::new(UInt32Array::from_iter_values(rows.iter().map(|row| row.epoch))),
            floats(|row| row.learning_rate),
            floats(|row| row.train_loss),
            floats(|row| row.train_accuracy),
            floats(|row| row.validation_loss),
            floats(|row| row.validation_accuracy),
            floats(|row| row.validation_f1_macro),
            Arc::new(rows.iter().map(|row| Some(row.best)).collect::<BooleanArray>()),
        ]
    }

    fn rows(batch: &RecordBatch) -> Result<Vec<Self>, String> {
        let epochs = numbers::<UInt32Type>(batch, 0);
        let floats: Vec<Vec<f64>> = (1..7)
            .map(|column| numbers::<Float64Type>(batch, column))
            .collect();
        let best = batch.column(7).as_boolean();
        let rows = epochs
            .into_iter()
            .enumerate()
            .map(|(row, epoch)| Self {
                epoch,
                learning_rate: floats[0][row],
                train_loss: floats[1][row],
                train_accuracy: floats[2][row],
                validation_loss: floats[3][row],
                validation_accuracy: floats[4][row],
                validation_f1_macro: floats[5][row],
                best: best.value(row),
            })
            .collect();
        Ok(rows)
    }
}
