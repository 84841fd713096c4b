//! Selective classification: coverage and accuracy when the model abstains on the rows with the lowest
//! confidence, its largest probability (Geifman and El-Yaniv 2017, arXiv:1705.08500).
//!
//! This module counts. Whether a threshold is worth its abstentions is the reader's decision.

use serde::{Deserialize, Serialize};

use crate::Scored;

/// The most points that [`coverage`] gives.
pub const COVERAGE_POINTS: usize = 200;

/// The accuracies that [`operating_points`] looks for.
pub const WANTED_ACCURACIES: [f64; 4] = [0.9, 0.95, 0.99, 0.999];

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

/// A threshold chosen on the validation rows, and what it does to them and to the test rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperatingPoint {
    /// The accuracy that the kept validation rows had to reach.
    pub wanted: f64,
    /// The lowest confidence with which they do; `None` where no threshold is high enough.
    pub threshold: Option<f64>,
    /// What the threshold keeps of the validation rows, on which it was chosen.
    pub validation: Kept,
    /// What the threshold keeps of the test rows.
    pub test: Kept,
}

/// The part of a split that a threshold keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// The number of rows of the split.
    pub rows: u64,
    /// Those with at least the threshold's confidence; 0 without a threshold.
    pub kept: u64,
    /// Those of the kept ones that are predicted rightly.
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

/// For each of [`WANTED_ACCURACIES`] the lowest threshold at which the validation rows with at least that
/// confidence have at least that accuracy, and what the same threshold keeps of the test rows.
pub fn operating_points(validation: &Scored<'_>, test: &Scored<'_>) -> Vec<OperatingPoint> {
    let points = every_point(validation);
    WANTED_ACCURACIES
        .into_iter()
        .map(|wanted| {
            let good_enough = |point: &&CoveragePoint| point.hits as f64 / point.rows as f64 >= wanted;
            let threshold = points.iter().rfind(good_enough).map(|point| point.threshold);
            OperatingPoint {
                wanted,
                threshold,
                validation: kept(validation, threshold),
                test: kept(test, threshold),
            }
        })
        .collect()
}

fn kept(scored: &Scored<'_>, threshold: Option<f64>) -> Kept {
    let mut kept = Kept {
        rows: scored.rows() as u64,
        kept: 0,
        hits: 0,
    };
    if let Some(threshold) = threshold {
        for (confidence, hit) in confidences(scored) {
            if confidence >= threshold {
                kept.kept += 1;
                kept.hits += u64::from(hit);
            }
        }
    }
    kept
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

    #[test]
    fn without_a_threshold_nothing_is_kept() {
        let probabilities = [0.8, 0.2, 0.7, 0.3];
        let wrong = Scored::new(&[1, 0], &probabilities, &[1.0, 1.0], 2).unwrap();
        let right = Scored::new(&[0, 0], &probabilities, &[1.0, 1.0], 2).unwrap();
        // The surest row is wrong: half of all rows are right at best.
        for point in operating_points(&wrong, &right) {
            assert_eq!(point.threshold, None);
            assert_eq!((point.test.rows, point.test.kept, point.test.hits), (2, 0, 0));
        }
        for point in operating_points(&right, &wrong) {
            assert_eq!(point.threshold, Some(0.7));
            assert_eq!((point.test.kept, point.test.hits), (2, 1));
        }
    }
}
