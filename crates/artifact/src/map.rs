//! What evaluate writes: where test rows lie beside each other in the model's eyes.

use crate::column::columns;
use crate::stage::{Kind, StageId};
use crate::table::Row;

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

    columns! { id, x, y }
}
