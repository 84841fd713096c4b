//! The map that evaluate writes: a projection of the test rows' pooled features onto a plane.

use crate::column::columns;
use crate::stage::{Kind, StageId};
use crate::table::Row;

/// A test row as a point in the plane: the nearer two points, the more alike their pooled features. Both
/// coordinates lie between 0 and 1.
#[derive(Debug, Clone, PartialEq)]
pub struct MapPoint {
    /// The document's id.
    pub id: String,
    /// The horizontal coordinate, from left to right.
    pub x: f32,
    /// The vertical coordinate, from bottom to top.
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
