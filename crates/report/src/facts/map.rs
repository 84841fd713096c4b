//! The test rows as points on a plane, near each other where the encoder finds their texts alike.

use std::collections::BTreeMap;

use labelproof_artifact::{Artifacts, LabelMap, MapPoint, Prediction, Split, read_table};

use crate::Error;

/// A test row on the map.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Place {
    /// The document's id.
    pub(crate) id: String,
    /// The horizontal coordinate, from left to right, 0 to 1.
    pub(crate) x: f64,
    /// The vertical coordinate, from bottom to top, 0 to 1.
    pub(crate) y: f64,
    /// The true class.
    pub(crate) class: usize,
    /// The predicted class.
    pub(crate) predicted: usize,
}

/// The points, joined with their predictions by id.
#[derive(Debug, Default)]
pub(crate) struct Map {
    points: BTreeMap<String, (f64, f64)>,
    /// The rows that have a point, in the order of the predictions.
    pub(crate) places: Vec<Place>,
}

impl Map {
    /// Reads the points.
    pub(super) fn read(artifacts: Artifacts<'_>) -> Result<Self, Error> {
        let points = read_table::<MapPoint>(artifacts)?
            .into_iter()
            .filter(|point| point.x.is_finite() && point.y.is_finite())
            .map(|point| (point.id, (f64::from(point.x), f64::from(point.y))))
            .collect();
        Ok(Self {
            points,
            places: Vec::new(),
        })
    }

    /// Takes what was predicted for a row, if it is on the map.
    pub(super) fn add(&mut self, row: &Prediction, labels: &LabelMap) {
        if row.split != Split::Test {
            return;
        }
        let classes = (labels.index(&row.label), labels.index(&row.predicted));
        if let (Some(&(x, y)), (Some(class), Some(predicted))) = (self.points.get(&row.id), classes) {
            self.places.push(Place {
                id: row.id.clone(),
                x,
                y,
                class: class as usize,
                predicted: predicted as usize,
            });
        }
    }
}
