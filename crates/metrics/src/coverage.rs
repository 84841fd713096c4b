//! Selective classification: coverage and accuracy when the model abstains on the rows with the lowest
//! confidence, its largest probability (Geifman and El-Yaniv 2017, arXiv:1705.08500).
//!
//! This module counts. Thresholds are chosen in [`decisions`](crate::decisions).

use serde::{Deserialize, Serialize};

use crate::Scored;

/// The most points that [`coverage`] gives.
pub const COVERAGE_POINTS: usize = 200;

/// The rows whose confidence (the largest probability) is at least a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CoveragePoint {
    /// The confidence of the least certain of these rows.
    pub threshold: f64,
    /// The number of rows.
    pub rows: u64,
    /// The number of these rows that are predicted correctly.
    pub hits: u64,
}

/// Each row's confidence and whether its prediction is right.
fn confidences(scored: &Scored<'_>) -> Vec<(f64, bool)> {
    scored
        .labels()
        .iter()
        .zip(scored.distributions())
        .zip(scored.predictions())
        .map(|((&label, distribution), predicted)| (distribution[predicted as usize], label == predicted))
        .collect()
}

/// One point a confidence that occurs, from the highest to the lowest. Rows of equal confidence come
/// together: no threshold can tell them apart.
fn every_point(scored: &Scored<'_>) -> Vec<CoveragePoint> {
    let mut rows = confidences(scored);
    rows.sort_by(|left, right| right.0.total_cmp(&left.0));
    let mut points: Vec<CoveragePoint> = Vec::new();
    let (mut seen, mut hits) = (0, 0);
    for group in rows.chunk_by(|left, right| left.0.total_cmp(&right.0).is_eq()) {
        seen += group.len() as u64;
        hits += group.iter().filter(|(_, hit)| *hit).count() as u64;
        points.push(CoveragePoint {
            threshold: group[0].0,
            rows: seen,
            hits,
        });
    }
    points
}

/// How many rows are kept, and how many of them are right, as the threshold falls: from the highest to the
/// lowest, rows of equal confidence together. At most [`COVERAGE_POINTS`] points, evenly over the rows; the
/// last holds all rows.
pub fn coverage(scored: &Scored<'_>) -> Vec<CoveragePoint> {
    let points = every_point(scored);
    if points.len() <= COVERAGE_POINTS {
        return points;
    }
    let total = scored.rows() as u64;
    let mut chosen: Vec<CoveragePoint> = Vec::with_capacity(COVERAGE_POINTS);
    for step in 1..=COVERAGE_POINTS as u64 {
        let wanted = (step * total).div_ceil(COVERAGE_POINTS as u64);
        let point = points[points.partition_point(|point| point.rows < wanted)];
        if chosen.last() != Some(&point) {
            chosen.push(point);
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two classes; each row is its confidence in class 0, and whether that is right.
    fn check(rows: &[(f64, bool)], expected: &[(f64, u64, u64)]) {
        let labels: Vec<u32> = rows.iter().map(|&(_, hit)| u32::from(!hit)).collect();
        let probabilities: Vec<f64> = rows.iter().flat_map(|&(sure, _)| [sure, 1.0 - sure]).collect();
        let losses = vec![0.5; rows.len()];
        let scored = Scored::new(&labels, &probabilities, &losses, 2).unwrap();
        let found: Vec<(f64, u64, u64)> = coverage(&scored)
            .into_iter()
            .map(|point| (point.threshold, point.rows, point.hits))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn ties_come_together_and_all_rows_last() {
        check(
            &[(0.6, false), (0.9, true), (0.7, true), (0.9, false), (0.7, true)],
            &[(0.9, 2, 1), (0.7, 4, 3), (0.6, 5, 3)],
        );
        check(&[], &[]);
    }
}
