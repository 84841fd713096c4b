//! What evaluate writes: where test rows lie beside each other in the model's eyes.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float32Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Float32Type, Schema};

use crate::stage::{Kind, StageId};
use crate::table::{Row, numbers, string_column, strings};

/// A test row as a point in the plane; near points have like vectors. Both coordinates lie in 0 to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct MapPoint {
    /// The document's id.
    pub id: String,
    /// To the right.
    pub x: f32,
    /// Upwards.
    pub y: f32,
}

impl Row for MapPoint {
    const KIND: Kind = Kind {
        stage: StageId::Evaluate,
        file: "map.parquet",
        format: 1,
    };

    fn schema() -> Schema {
        Schema::new(vec![
            Field::new("id", DataType::Utf8, false),
            Field::new("x", DataType::Float32, false),
            Field::new("y", DataType::Float32, false),
        ])
    }

    fn columns(rows: &[Self]) -> Vec<ArrayRef> {
        vec![
            string_column(rows.iter().map(|row| row.id.as_str())),
            Arc::new(Float32Array::from_iter_values(rows.iter().map(|row| row.x))),
            Arc::new(Float32Array::from_iter_values(rows.iter().map(|row| row.y))),
        ]
    }

    fn rows(batch: &RecordBatch) -> Result<Vec<Self>, String> {
        let (x, y) = (numbers::<Float32Type>(batch, 1), numbers::<Float32Type>(batch, 2));
        let points = strings(batch, 0).into_iter().zip(x).zip(y);
        Ok(points.map(|((id, x), y)| Self { id, x, y }).collect())
    }
}
