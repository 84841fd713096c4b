//! Precision, recall and F1: of one class, and averaged over classes.
//!
//! Formulas: scikit-learn user guide, "Precision, recall and F-measures". Everything here is a function of
//! the counts in [`Totals`]; intervals are `interval`'s business.

use crate::Totals;

/// Precision, recall and F1 of one class; `None` where there is nothing to divide by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassScores {
    /// Hits among the rows predicted as the class. Undefined for a class that is never predicted.
    pub precision: Option<f64>,
    /// Hits among the rows of the class. Undefined for a class that is absent.
    pub recall: Option<f64>,
    /// Harmonic mean of both, `2 hits / (support + predicted)`. Undefined only for a class that neither
    /// occurs nor is predicted.
    pub f1: Option<f64>,
}

/// Precision, recall and F1 averaged over classes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Average {
    /// Average precision over classes (not the area under the precision-recall curve).
    pub precision: f64,
    /// The average recall.
    pub recall: f64,
    /// Average of the classes' F1, not the F1 of the averages.
    pub f1: f64,
}

fn ratio(numerator: u64, denominator: u64) -> Option<f64> {
    (denominator > 0).then(|| numerator as f64 / denominator as f64)
}

/// Each class's precision, recall and F1.
pub fn class_scores(totals: &Totals) -> Vec<ClassScores> {
    (0..totals.support.len())
        .map(|class| {
            let (hits, support, predicted) = (
                totals.class_hits[class],
                totals.support[class],
                totals.predicted[class],
            );
            ClassScores {
                precision: ratio(hits, predicted),
                recall: ratio(hits, support),
                f1: ratio(2 * hits, support + predicted),
            }
        })
        .collect()
}

/// The plain mean over all classes; an undefined score counts as 0, as scikit-learn's `average="macro"` with
/// all labels and `zero_division=0`.
///
/// An absent class pulls the mean down. [`balanced_accuracy`] is the mean recall that leaves such classes
/// out. `None` without rows.
pub fn macro_average(totals: &Totals) -> Option<Average> {
    let weight = 1.0 / totals.support.len() as f64;
    (totals.rows > 0).then(|| sum(totals, |_| weight))
}

/// The mean over all classes, each weighted with its support; an undefined score counts as 0, as
/// scikit-learn's `average="weighted"` with `zero_division=0`.
///
/// The weighted recall equals the accuracy. `None` without rows.
pub fn weighted_average(totals: &Totals) -> Option<Average> {
    (totals.rows > 0).then(|| sum(totals, |class| totals.support[class] as f64 / totals.rows as f64))
}

fn sum(totals: &Totals, weight: impl Fn(usize) -> f64) -> Average {
    let mut average = Average {
        precision: 0.0,
        recall: 0.0,
        f1: 0.0,
    };
    for (class, scores) in class_scores(totals).iter().enumerate() {
        let weight = weight(class);
        average.precision += weight * scores.precision.unwrap_or(0.0);
        average.recall += weight * scores.recall.unwrap_or(0.0);
        average.f1 += weight * scores.f1.unwrap_or(0.0);
    }
    average
}

/// The mean recall of the classes that occur, as `sklearn.metrics.balanced_accuracy_score`. `None` without
/// rows.
pub fn balanced_accuracy(totals: &Totals) -> Option<f64> {
    let recalls: Vec<f64> = class_scores(totals)
        .iter()
        .filter_map(|scores| scores.recall)
        .collect();
    (!recalls.is_empty()).then(|| recalls.iter().sum::<f64>() / recalls.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Confusion;

    fn totals(matrix: &[Vec<u64>]) -> Totals {
        Confusion::from_matrix(matrix).unwrap().totals()
    }

    /// The confusion matrix that the project set out to explain (DESIGN.md section 1), worked out by hand.
    #[test]
    fn the_origin_matrix_scores_thirty_two_percent() {
        let totals = totals(&[
            vec![967, 202, 7, 685, 1139],
            vec![474, 785, 27, 717, 997],
            vec![768, 372, 46, 1024, 790],
            vec![463, 426, 27, 1272, 812],
            vec![387, 224, 11, 643, 1735],
        ]);
        assert_eq!((totals.rows, totals.hits), (15_000, 4_805));
        // Classes are balanced, so all three recalls are the accuracy.
        let accuracy = 4_805.0 / 15_000.0;
        for recall in [
            balanced_accuracy(&totals).unwrap(),
            macro_average(&totals).unwrap().recall,
            weighted_average(&totals).unwrap().recall,
        ] {
            assert!((recall - accuracy).abs() < 1e-15, "{recall}");
        }
        let third = class_scores(&totals)[2];
        assert_eq!(third.precision, Some(46.0 / 118.0));
        assert_eq!(third.recall, Some(46.0 / 3_000.0));
        assert_eq!(third.f1, Some(92.0 / 3_118.0));
    }

    #[test]
    fn undefined_scores_are_none_and_count_as_zero() {
        // Class 1 occurs and is never predicted, class 2 is predicted and never occurs, class 3 does neither.
        let totals = totals(&[vec![2, 0, 1, 0], vec![1, 0, 0, 0], vec![0; 4], vec![0; 4]]);
        let scores = class_scores(&totals);
        assert_eq!(
            scores[1],
            ClassScores {
                precision: None,
                recall: Some(0.0),
                f1: Some(0.0)
            }
        );
        assert_eq!(
            scores[2],
            ClassScores {
                precision: Some(0.0),
                recall: None,
                f1: Some(0.0)
            }
        );
        assert_eq!(
            scores[3],
            ClassScores {
                precision: None,
                recall: None,
                f1: None
            }
        );
        let mean = macro_average(&totals).unwrap();
        assert!((mean.precision - 2.0 / 3.0 / 4.0).abs() < 1e-15);
        assert!((balanced_accuracy(&totals).unwrap() - 1.0 / 3.0).abs() < 1e-15);
    }

    #[test]
    fn no_rows_no_averages() {
        let totals = totals(&[vec![0, 0], vec![0, 0]]);
        assert_eq!(macro_average(&totals), None);
        assert_eq!(weighted_average(&totals), None);
        assert_eq!(balanced_accuracy(&totals), None);
    }
}
