//! What train writes with a frozen encoder: the pooled vector of every row it trained on or chose by.

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Field, Float32Type, Schema};

use crate::stage::{Kind, StageId};
use crate::table::{Row, list_column, list_of, number_lists, string_column, strings};

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

    fn schema() -> Schema {
        Schema::new(vec![
            Field::new("id", DataType::Utf8, false),
            Field::new("values", list_of(DataType::Float32), true),
        ])
    }

    fn columns(rows: &[Self]) -> Vec<ArrayRef> {
        vec![
            string_column(rows.iter().map(|row| row.id.as_str())),
            list_column::<Float32Type>(rows.iter().map(|row| row.values.clone())),
        ]
    }

    fn rows(batch: &RecordBatch) -> Result<Vec<Self>, String> {
        let values = number_lists::<Float32Type>(batch, 1);
        Ok(strings(batch, 0)
            .into_iter()
            .zip(values)
            .map(|(id, values)| Self { id, values })
            .collect())
    }
}
