//! A split whose predictions alone tell that another model made them, or the same one in another state or
//! from other input: how far its scores spread, and whether rescaling them brings the accuracy back.
//!
//! A check that asks for the odd split asks for the answers of [`ODD_SPLIT_YIELDS_TO`], and declares them.

use labelproof_artifact::Split;

use crate::answer::finding::{Answer, Severity};
use crate::case::Case;
use crate::case::suspect::{ConfidenceShift, Suspect, confidence_shift, other, suspect};
use crate::cause::Cause;
use crate::evidence::Missing;
use crate::measures::class_counts::class_counts;
use crate::measures::comparison::counts_differ;
use crate::measures::predicted::ScoredRows;
use crate::measures::score_moments::{Moments, mean_area, rescaled_accuracy};

/// Cramér's V from which on two distributions of predicted classes count as different.
const LEAST_DIFFERENCE: f64 = 0.1;

/// The chance of a gap below which it counts together with a changed confidence.
const NOTICEABLE: f64 = 0.01;

/// A split whose predictions were made otherwise than those of the other split: worse beyond chance, with
/// another confidence or other classes, and neither by mis-pairing nor because its texts are of another kind.
#[derive(Debug)]
pub(crate) struct OddSplit<'a> {
    /// The split.
    pub(crate) suspect: Suspect<'a>,
    /// How sure of itself the model was in both.
    pub(crate) shift: ConfidenceShift,
    /// The spread of the scores, as a multiple of the spread in the other split.
    pub(crate) spread: f64,
    /// The mean area under the ROC curve.
    pub(crate) area: f64,
    /// The accuracy if every class's scores are brought to the mean and spread that they have in the other
    /// split.
    pub(crate) rescaled_accuracy: f64,
}

impl OddSplit<'_> {
    /// The share of the missing accuracy that rescaling brings back.
    pub(crate) fn rescaling_repairs(&self) -> f64 {
        let missing = self.suspect.reference_accuracy().unwrap_or(0.0) - self.suspect.rows.accuracy();
        (self.rescaled_accuracy - self.suspect.rows.accuracy()) / missing.max(1e-9)
    }

    /// Whether the scores hardly vary: those of weights that were never trained.
    pub(crate) fn looks_untrained(&self) -> bool {
        self.spread < 0.15 && self.area < 0.75
    }
}

/// The split that was predicted by other weights or from other input, if there is one. `None` where nothing
/// is odd.
pub(crate) fn odd_split<'a>(case: &Case<'a>) -> Result<Option<OddSplit<'a>>, Missing> {
    let suspect = suspect(case)?;
    let scored = case.scored(suspect.split)?;
    let reference = case.scored(other(suspect.split))?;
    let shift = confidence_shift(case, suspect.split)?;
    // A gap that alone might be chance counts where the confidence has changed as well.
    let gap = case.gap()?;
    let lower = suspect.below || shift.changed && gap.p_value < NOTICEABLE && gap.points > 0.0;
    let other_texts = case.finds_at_least(Cause::TextDrift, Severity::Caution);
    let other_texts = other_texts || input_fault(case, suspect.split).is_some();
    if !lower || other_texts || leaks(case) || harder(case, &suspect, gap.points.abs() / 100.0) {
        return Ok(None);
    }
    let counts =
        |scored: &ScoredRows<'_>| class_counts(scored.predicted.predictions, scored.predicted.classes);
    let other_classes = counts_differ(&counts(&scored), &counts(&reference))
        .is_some_and(|(v, p_value)| case.significant(p_value) && v >= LEAST_DIFFERENCE);
    let mispaired = case.finds(Cause::LabelsPermuted)
        || case.finds(Cause::PredictionsShifted)
        || case.finds(Cause::PartMispaired);
    if mispaired || !(shift.changed || other_classes) {
        return Ok(None);
    }
    let (own, others) = (Moments::of(&scored), Moments::of(&reference));
    Ok(Some(OddSplit {
        spread: own.mean_spread() / others.mean_spread().max(1e-12),
        area: mean_area(&scored).unwrap_or(0.5),
        rescaled_accuracy: rescaled_accuracy(&scored, &own, &others),
        suspect,
        shift,
    }))
}

/// What is wrong with the texts of a split, if they alone can leave a model blind: what its predictions look
/// like follows from that.
pub(crate) fn input_fault(case: &Case<'_>, split: Split) -> Option<Cause> {
    Cause::OF_INPUT.into_iter().find(|cause| {
        let Ok(Answer::Found(found)) = case.answer(*cause) else {
            return false;
        };
        let is_of_split = found
            .measured
            .evidence
            .get("split")
            .is_none_or(|other| other == split.name());
        found.severity == Severity::Unsound && is_of_split
    })
}

/// Whether rows that leak between splits explain that one is predicted better.
fn leaks(case: &Case<'_>) -> bool {
    [
        Cause::ExactDuplicates,
        Cause::NearDuplicates,
        Cause::TestInsideTrain,
    ]
    .into_iter()
    .any(|cause| case.finds_at_least(cause, Severity::Unsound))
}

/// Whether the cheap model, which is trained and run here and knows nothing of how the other one was used,
/// finds the split harder as well: then the texts differ, and not the way they went.
pub(crate) fn harder(case: &Case<'_>, suspect: &Suspect<'_>, missing: f64) -> bool {
    let accuracy = |split| {
        let hits = case.baseline().ok()?.hits(case.evidence, split)?;
        Some(hits.iter().filter(|hit| **hit).count() as f64 / hits.len().max(1) as f64)
    };
    match (accuracy(other(suspect.split)), accuracy(suspect.split)) {
        (Some(reference), Some(own)) => reference - own >= 0.5 * missing,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Simulated, assert_close, case, predicted_by, simulated};
    use labelproof_artifact::Split;

    fn splits(change: impl Fn(&mut Vec<f64>)) -> (Simulated, Simulated) {
        let (validation, mut test) = (simulated(5, 1000, 0.83, 1), simulated(5, 1000, 0.83, 2));
        test.logits.iter_mut().for_each(change);
        (validation, test)
    }

    #[test]
    fn a_split_that_is_only_paired_otherwise_is_not_odd() {
        let (validation, mut test) = splits(|_| ());
        assert!(
            odd_split(&case(&predicted_by(&validation, &test)))
                .unwrap()
                .is_none()
        );
        test.shuffle(0..1000, 3);
        assert!(
            odd_split(&case(&predicted_by(&validation, &test)))
                .unwrap()
                .is_none()
        );
    }

    #[test]
    fn the_spread_of_an_odd_split_is_measured() {
        let (validation, mut test) = splits(|row| row.iter_mut().for_each(|score| *score *= 0.5));
        test.shuffle(0..1000, 3);
        let evidence = predicted_by(&validation, &test);
        let odd = odd_split(&case(&evidence)).unwrap().unwrap();
        assert_eq!(odd.suspect.split, Split::Test);
        assert_close(odd.spread, 0.5, 0.03);
        assert_close(odd.area, 0.5, 0.03);
        assert_close(odd.suspect.effect().unwrap().points, -63.0, 6.0);
        assert!(odd.shift.mean < odd.shift.reference_mean);
    }

    #[test]
    fn rescaling_undoes_a_shift_of_the_scores() {
        let (validation, test) = splits(|row| row[3] += 3.0);
        let evidence = predicted_by(&validation, &test);
        let odd = odd_split(&case(&evidence)).unwrap().unwrap();
        assert_close(odd.rescaled_accuracy, 0.83, 0.04);
        assert_close(odd.rescaling_repairs(), 1.0, 0.1);
    }
}
