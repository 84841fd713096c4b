//! The split in which something may be wrong, and what the other one lets expect of it: its accuracy, and how
//! sure of itself the model was.
//!
//! Wrong labels beside right predictions leave the model's confidence as it was; other inputs or other
//! weights do not. That tells the families of causes apart that a gap alone leaves open.

use labelproof_artifact::Split;
use labelproof_metrics::statistics::{KolmogorovSmirnov, kolmogorov_smirnov};

use crate::answer::effect::{self, Effect, Figure};
use crate::case::Case;
use crate::case::epochs::predicting_epochs;
use crate::evidence::log::hits_of;
use crate::evidence::{Missing, Need};
use crate::measures::gap::gap;
use crate::measures::predicted::PredictedRows;

/// The distance of two distributions of confidence from which on they count as different. With very many rows
/// a smaller one would be significant and still mean nothing.
const LEAST_DISTANCE: f64 = 0.1;

/// The split in which something may be wrong, and what the other one lets expect of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Suspect<'a> {
    /// The split with the lower accuracy, or test if there is no gap.
    pub(crate) split: Split,
    /// Its rows.
    pub(crate) rows: PredictedRows<'a>,
    /// Hits and rows of the other split, where known.
    pub(crate) reference: Option<(u64, u64)>,
    /// Whether its accuracy is lower than the other's beyond chance.
    pub(crate) below: bool,
    /// Whether the reference is not the other split, but what the log says of this one.
    pub(crate) by_log: bool,
}

impl Suspect<'_> {
    /// The accuracy of the other split.
    pub(crate) fn reference_accuracy(&self) -> Option<f64> {
        self.reference.map(|(hits, rows)| hits as f64 / rows as f64)
    }

    /// How far its accuracy is from that of the other split.
    pub(crate) fn effect(&self) -> Option<Effect> {
        let own = (self.rows.hit_count(), self.rows.rows());
        effect::of_difference(Figure::Accuracy(self.split), own, self.reference?)
    }

    /// The least accuracy that chance allows this split, given the other: three standard errors below it.
    pub(crate) fn expected_at_least(&self) -> Option<f64> {
        let expected = self.reference_accuracy()?;
        let (_, rows) = self.reference?;
        // A share of exactly 1 has no standard error of its own; one more miss on each side gives it one.
        let smoothed = (expected * rows as f64 + 1.0) / (rows as f64 + 2.0);
        let variance = smoothed * (1.0 - smoothed);
        Some(expected - 3.0 * (variance * (1.0 / rows as f64 + 1.0 / self.rows.rows() as f64)).sqrt())
    }
}

/// The split to suspect: of validation and test the one with the lower accuracy, if both are known and differ
/// beyond chance, and otherwise test, or validation where only its rows are given.
pub(crate) fn suspect<'a>(case: &Case<'a>) -> Result<Suspect<'a>, Missing> {
    let gap = case.gap().ok().filter(|gap| gap.significant);
    let of = |split, reference: Result<(u64, u64), Missing>, below| {
        case.predicted(split).map(|rows| Suspect {
            split,
            rows,
            reference: reference.ok(),
            below,
            by_log: false,
        })
    };
    match gap {
        Some(gap) if gap.points < 0.0 => of(Split::Validation, case.test_hits(), true),
        Some(gap) => {
            of(Split::Test, Ok((gap.validation_hits, gap.validation_rows)), true).or_else(|missing| {
                // The log alone says what test is.
                of(Split::Validation, case.test_hits(), false).map_err(|_validation| missing)
            })
        }
        None => of(Split::Test, case.validation_hits(), false)
            .or_else(|missing| of(Split::Validation, case.test_hits(), false).map_err(|_validation| missing)),
    }
}

/// What the worse of validation and test lacks, where they differ beyond chance.
pub(crate) fn missing(case: &Case<'_>) -> Option<Effect> {
    let suspect = suspect(case).ok().filter(|suspect| suspect.below)?;
    suspect.effect()
}

/// The split whose rows may stand beside the labels of others: the suspected one, or without a gap one of
/// which the log says a higher accuracy than its rows have.
pub(crate) fn mispaired_suspect<'a>(case: &Case<'a>) -> Result<Suspect<'a>, Missing> {
    let suspect = suspect(case)?;
    if suspect.below {
        return Ok(suspect);
    }
    for split in [Split::Test, Split::Validation] {
        if let Some(logged) = logged_above_rows(case, split) {
            return Ok(Suspect {
                split,
                rows: case.predicted(split)?,
                reference: Some(logged),
                below: true,
                by_log: true,
            });
        }
    }
    Ok(suspect)
}

/// Hits and rows that the log says of a split, where the rows of the split have fewer beyond chance, and
/// where no epoch of the log has as few.
fn logged_above_rows(case: &Case<'_>, split: Split) -> Option<(u64, u64)> {
    let log = case.evidence.log.as_ref()?;
    let rows = case.predicted(split).ok()?;
    let (logged, is_of_rows) = match split {
        Split::Train => return None,
        Split::Validation => (
            log.reported()?.validation,
            !predicting_epochs(case, false).ok()?.is_empty(),
        ),
        Split::Test => (*log.tested()?, false),
    };
    let logged = hits_of(logged.accuracy?, log.rows(split).unwrap_or(rows.rows()))?;
    let test = gap(logged, (rows.hit_count(), rows.rows()), 1, case.significance());
    (!is_of_rows && test.significant && test.points > 0.0).then_some(logged)
}

/// The other one of validation and test.
pub(crate) fn other(split: Split) -> Split {
    if split == Split::Validation {
        Split::Test
    } else {
        Split::Validation
    }
}

/// The largest probabilities of validation and of test, compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ConfidenceShift {
    /// The test.
    pub(crate) test: KolmogorovSmirnov,
    /// The mean largest probability of the suspected split.
    pub(crate) mean: f64,
    /// The mean largest probability of the other split.
    pub(crate) reference_mean: f64,
    /// Whether the model was surer, or less sure, of itself, beyond chance and by an amount that matters.
    pub(crate) changed: bool,
}

/// Compares how sure the model was of itself in a split and in the other one.
pub(crate) fn confidence_shift(case: &Case<'_>, split: Split) -> Result<ConfidenceShift, Missing> {
    let own = case.scored(split)?.confidences();
    let reference = case.scored(other(split))?.confidences();
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let test = kolmogorov_smirnov(&own, &reference).ok_or(Need::MoreRows)?;
    Ok(ConfidenceShift {
        test,
        mean: mean(&own),
        reference_mean: mean(&reference),
        changed: case.significant(test.p_value) && test.statistic >= LEAST_DISTANCE,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Evidence;
    use crate::measures::comparison::{counts_differ, shuffled_accuracy};
    use crate::testing::{assert_close, case, evidence, predicted, predicted_by, simulated};

    fn rows(hits: usize, all: usize) -> crate::evidence::Part {
        predicted(
            &(0..all)
                .map(|row| (0, u32::from(row >= hits)))
                .collect::<Vec<_>>(),
        )
    }

    fn accuracies(validation: usize, test: usize) -> Evidence {
        evidence(
            &["a", "b"],
            [
                crate::evidence::Part::default(),
                rows(validation, 1000),
                rows(test, 1000),
            ],
        )
    }

    #[test]
    fn the_worse_split_is_suspected() {
        let check = |evidence: &Evidence, split, below| {
            let suspect = suspect(&case(evidence)).unwrap();
            assert_eq!((suspect.split, suspect.below), (split, below));
        };
        check(&accuracies(830, 320), Split::Test, true);
        check(&accuracies(320, 830), Split::Validation, true);
        check(&accuracies(830, 820), Split::Test, false);
    }

    #[test]
    fn validation_alone_is_suspected_and_so_are_rows_below_their_log() {
        let mut alone = accuracies(830, 830);
        alone.dataset.test = None;
        let check = |evidence: &Evidence, split, below| {
            let suspect = mispaired_suspect(&case(evidence)).unwrap();
            assert_eq!((suspect.split, suspect.below), (split, below));
        };
        check(&alone, Split::Validation, false);
        alone.log = Some(crate::testing::log(&[(0.5, 0.7), (0.3, 0.97)]));
        check(&alone, Split::Validation, true);
        // They are of another epoch of the log.
        alone.log = Some(crate::testing::log(&[(0.5, 0.83), (0.3, 0.97)]));
        check(&alone, Split::Validation, false);
        let mut test = accuracies(830, 820);
        let mut log = crate::testing::log(&[(0.5, 0.83)]);
        log.epochs[0].test.accuracy = Some(0.97);
        test.log = Some(log);
        check(&test, Split::Test, true);
        assert!(!suspect(&case(&test)).unwrap().below);
    }

    #[test]
    fn chance_allows_three_standard_errors() {
        let evidence = accuracies(900, 900);
        // By hand: 0.9 − 3 · sqrt(0.8992 · 0.1008 · 2 / 1000).
        assert_close(
            suspect(&case(&evidence)).unwrap().expected_at_least().unwrap(),
            0.8596,
            1e-4,
        );
        let perfect = accuracies(1000, 1000);
        assert!(suspect(&case(&perfect)).unwrap().expected_at_least().unwrap() < 1.0);
    }

    /// SciPy's `chi2_contingency`: 5.3333 with p = 0.06948, so that V is sqrt(5.3333 / 100).
    #[test]
    fn counts_are_compared_as_scipy_does() {
        let (v, p_value) = counts_differ(&[30, 10, 10], &[20, 20, 10]).unwrap();
        assert_close(v, 0.230_940_107_675_850_4, 1e-12);
        assert_close(p_value, 0.069_483_451_222_801_5, 1e-9);
        assert_eq!(counts_differ(&[0, 0], &[0, 0]), None);
    }

    #[test]
    fn shuffled_predictions_hit_by_the_shares_of_classes() {
        let part = predicted(&[(0, 0), (0, 0), (0, 1), (1, 0)]);
        let evidence = evidence(
            &["a", "b"],
            [
                crate::evidence::Part::default(),
                crate::evidence::Part::default(),
                part,
            ],
        );
        // Of the labels 3/4 are a, of the predictions too: 9/16 + 1/16.
        assert_close(
            shuffled_accuracy(&case(&evidence).predicted(Split::Test).unwrap()),
            0.625,
            1e-12,
        );
    }

    #[test]
    fn confidence_changes_with_the_scores_and_not_with_the_labels() {
        let (validation, mut test) = (simulated(5, 2000, 0.83, 1), simulated(5, 2000, 0.83, 2));
        let changed = |test: &crate::testing::Simulated| {
            confidence_shift(&case(&predicted_by(&validation, test)), Split::Test)
                .unwrap()
                .changed
        };
        test.shuffle(0..2000, 3);
        assert!(!changed(&test));
        test.logits.iter_mut().flatten().for_each(|score| *score *= 0.5);
        assert!(changed(&test));
    }
}
