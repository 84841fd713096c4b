//! The input that all metrics share: the label of each row, and the probability of each class.
//!
//! This module checks the input once, so that nothing behind it can fail; it computes no metric.

use crate::Error;

/// Labels and predictions of the same rows, known to fit each other.
///
/// Zero rows are fine (every metric is then undefined); zero classes are not.
#[derive(Debug, Clone, Copy)]
pub struct Scored<'a> {
    labels: &'a [u32],
    probabilities: &'a [f64],
    losses: &'a [f64],
    classes: usize,
}

impl<'a> Scored<'a> {
    /// Checks that the parts fit each other.
    ///
    /// `probabilities` is row-major, `classes` numbers a row. `losses` holds `-ln p` of each row's true
    /// class; the caller computes it from logits, because a probability that has been rounded to 0 has lost
    /// its logarithm. Probabilities must be finite; that they lie between 0 and 1 and sum to 1 is the
    /// caller's business, since accuracy and ROC AUC are well defined for any scores.
    pub fn new(
        labels: &'a [u32],
        probabilities: &'a [f64],
        losses: &'a [f64],
        classes: usize,
    ) -> Result<Self, Error> {
        if classes == 0 {
            return Err(Error::NoClasses);
        }
        for (what, found) in [("rows", labels.len()), ("classes", classes)] {
            if u32::try_from(found).is_err() {
                return Err(Error::TooMany { what, found });
            }
        }
        let expected = labels.len().saturating_mul(classes);
        if probabilities.len() != expected {
            return Err(Error::Length {
                what: "probabilities",
                expected,
                found: probabilities.len(),
            });
        }
        if losses.len() != labels.len() {
            return Err(Error::Length {
                what: "losses",
                expected: labels.len(),
                found: losses.len(),
            });
        }
        if let Some((row, &label)) = labels
            .iter()
            .enumerate()
            .find(|&(_, &label)| u64::from(label) >= classes as u64)
        {
            return Err(Error::LabelOutOfRange { row, label, classes });
        }
        if let Some((at, &value)) = probabilities
            .iter()
            .enumerate()
            .find(|(_, value)| !value.is_finite())
        {
            return Err(Error::BadProbability {
                row: at / classes,
                class: at % classes,
                value,
            });
        }
        if let Some((row, &value)) = losses.iter().enumerate().find(|(_, value)| !value.is_finite()) {
            return Err(Error::BadLoss { row, value });
        }
        Ok(Self {
            labels,
            probabilities,
            losses,
            classes,
        })
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.labels.len()
    }

    /// The number of classes, whether or not they occur.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The true class of each row.
    pub fn labels(&self) -> &'a [u32] {
        self.labels
    }

    /// `-ln p` of each row's true class.
    pub fn losses(&self) -> &'a [f64] {
        self.losses
    }

    /// Each row's probabilities, one a class.
    pub fn distributions(&self) -> impl Iterator<Item = &'a [f64]> {
        self.probabilities.chunks_exact(self.classes)
    }

    /// The probability of one class in each row.
    pub fn scores_of(&self, class: usize) -> impl Iterator<Item = f64> {
        self.probabilities
            .iter()
            .skip(class)
            .step_by(self.classes)
            .copied()
    }

    /// The class predicted for each row: the most probable one, the first of them on a tie, as
    /// `numpy.argmax`.
    pub fn predictions(&self) -> impl Iterator<Item = u32> {
        self.distributions().map(|distribution| {
            let mut best = 0;
            for (class, &probability) in (0_u32..).zip(distribution) {
                if probability > distribution[best as usize] {
                    best = class;
                }
            }
            best
        })
    }

    /// Whether each row's true class is among its `count` most probable ones; the lower class wins a tie, so
    /// that a `count` of 1 asks the same as [`Scored::predictions`].
    ///
    /// `sklearn.metrics.top_k_accuracy_score` lets the *higher* class win a tie and so may differ on tied
    /// scores.
    pub fn in_top(&self, count: usize) -> impl Iterator<Item = bool> {
        self.labels
            .iter()
            .zip(self.distributions())
            .map(move |(&label, distribution)| {
                let label = label as usize;
                let own = distribution[label];
                let ahead = distribution
                    .iter()
                    .enumerate()
                    .filter(|&(class, &other)| other >= own && (other > own || class < label))
                    .count();
                ahead < count
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(labels: &[u32], probabilities: &[f64], losses: &[f64], classes: usize) -> Error {
        Scored::new(labels, probabilities, losses, classes).expect_err("the input is bad")
    }

    #[test]
    fn bad_input_is_refused_with_its_place() {
        assert_eq!(problem(&[], &[], &[], 0), Error::NoClasses);
        assert_eq!(
            problem(&[0, 1], &[0.5; 3], &[0.1; 2], 2),
            Error::Length {
                what: "probabilities",
                expected: 4,
                found: 3
            }
        );
        assert_eq!(
            problem(&[0, 1], &[0.5; 4], &[0.1; 3], 2),
            Error::Length {
                what: "losses",
                expected: 2,
                found: 3
            }
        );
        let label = problem(&[0, 2], &[0.5; 4], &[0.1; 2], 2);
        assert_eq!(
            label.to_string(),
            "row 1: label 2 is out of range, labels run from 0 to 1"
        );
        let probability = problem(&[0, 1], &[0.5, 0.5, 0.5, f64::INFINITY], &[0.1; 2], 2);
        assert_eq!(
            probability.to_string(),
            "row 1: the probability of class 1 is inf, not a finite number"
        );
        assert!(matches!(
            problem(&[0], &[f64::NAN, 1.0], &[0.1], 2),
            Error::BadProbability { row: 0, class: 0, .. }
        ));
        assert!(matches!(
            problem(&[0, 1], &[0.5; 4], &[0.1, f64::NAN], 2),
            Error::BadLoss { row: 1, .. }
        ));
    }

    #[test]
    fn zero_rows_are_accepted() {
        let scored = Scored::new(&[], &[], &[], 3).unwrap();
        assert_eq!((scored.rows(), scored.classes()), (0, 3));
        assert_eq!(scored.predictions().count(), 0);
    }

    #[test]
    fn the_first_class_wins_a_tie() {
        let probabilities = [0.4, 0.4, 0.2, 0.2, 0.4, 0.4, 0.0, -0.0, 0.0];
        let scored = Scored::new(&[1, 2, 1], &probabilities, &[0.1; 3], 3).unwrap();
        assert_eq!(scored.predictions().collect::<Vec<_>>(), [0, 1, 0]);
        assert_eq!(scored.in_top(1).collect::<Vec<_>>(), [false; 3]);
        assert_eq!(scored.in_top(2).collect::<Vec<_>>(), [true; 3]);
        assert_eq!(scored.scores_of(2).collect::<Vec<_>>(), [0.2, 0.4, 0.0]);
    }

    #[test]
    fn top_one_is_the_prediction() {
        let probabilities = [0.1, 0.6, 0.3, 0.5, 0.5, 0.0, 0.2, 0.2, 0.6];
        let labels = [1, 1, 2];
        let scored = Scored::new(&labels, &probabilities, &[0.1; 3], 3).unwrap();
        let hits: Vec<bool> = scored
            .predictions()
            .zip(labels)
            .map(|(p, label)| p == label)
            .collect();
        assert_eq!(scored.in_top(1).collect::<Vec<_>>(), hits);
        assert_eq!(hits, [true, false, true]);
    }
}
