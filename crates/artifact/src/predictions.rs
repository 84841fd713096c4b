//! What evaluate writes: every row's prediction, joined by id and never by position.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Float32Type, Float64Type, Schema};

use crate::splits::Split;
use crate::stage::{Kind, StageId};
use crate::table::{Row, list_column, list_of, number_lists, numbers, string_column, strings};

/// One row's prediction. Lists are in the order of the label map.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// The document's id.
    pub id: String,
    /// Which part it belongs to.
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

    fn schema() -> Schema {
        Schema::new(vec![
            Field::new("id", DataType::Utf8, false),
            Field::new("split", DataType::Utf8, false),
            Field::new("label", DataType::Utf8, false),
            Field::new("predicted", DataType::Utf8, false),
            Field::new("logits", list_of(DataType::Float32), true),
            Field::new("probabilities", list_of(DataType::Float64), true),
            Field::new("loss", DataType::Float64, false),
            Field::new("baseline_predicted", DataType::Utf8, false),
            Field::new("baseline_probabilities", list_of(DataType::Float64), true),
        ])
    }

    fn columns(rows: &[Self]) -> Vec<ArrayRef> {
        vec![
            string_column(rows.iter().map(|row| row.id.as_str())),
            string_column(rows.iter().map(|row| row.split.name())),
            string_column(rows.iter().map(|row| row.label.as_str())),
            string_column(rows.iter().map(|row| row.predicted.as_str())),
            list_column::<Float32Type>(rows.iter().map(|row| row.logits.clone())),
            list_column::<Float64Type>(rows.iter().map(|row| row.probabilities.clone())),
            Arc::new(Float64Array::from_iter_values(rows.iter().map(|row| row.loss))),
            string_column(rows.iter().map(|row| row.baseline_predicted.as_str())),
            list_column::<Float64Type>(rows.iter().map(|row| row.baseline_probabilities.clone())),
        ]
    }

    fn rows(batch: &RecordBatch) -> Result<Vec<Self>, String> {
        let (ids, splits) = (strings(batch, 0), strings(batch, 1));
        let (labels, predicted) = (strings(batch, 2), strings(batch, 3));
        let logits = number_lists::<Float32Type>(batch, 4);
        let probabilities = number_lists::<Float64Type>(batch, 5);
        let losses = numbers::<Float64Type>(batch, 6);
        let baseline_predicted = strings(batch, 7);
        let baseline_probabilities = number_lists::<Float64Type>(batch, 8);
        (0..batch.num_rows())
            .map(|row| {
                Ok(Self {
                    id: ids[row].clone(),
                    split: Split::parse(&splits[row])?,
                    label: labels[row].clone(),
                    predicted: predicted[row].clone(),
                    logits: logits[row].clone(),
                    probabilities: probabilities[row].clone(),
                    loss: losses[row],
                    baseline_predicted: baseline_predicted[row].clone(),
                    baseline_probabilities: baseline_probabilities[row].clone(),
                })
            })
            .collect()
    }
}
