//! What predictions alone tell of the model that made them: how far its scores spread, whether they depend on the text,
//! and whether rescaling them brings the accuracy back.

use labelproof_artifact::Split;

use crate::answer::finding::{Missing, Severity};
use crate::catalogue::significant;
use crate::checks::leakage::exact_duplicates;
use crate::checks::leakage::near_duplicates;
use crate::checks::leakage::test_inside_train;
use crate::checks::leakage::text_drift;
use crate::checks::metrics::class_bias;
use crate::checks::pairing::labels_permuted;
use crate::checks::pairing::part_mispaired;
use crate::checks::pairing::predictions_shifted;
use crate::evidence::{Evidence, Scored};
use crate::measures::comparison::{
    ConfidenceShift, Suspect, confidence_shift, counts_differ, other, suspect,
};
use crate::measures::gap::gap;
use crate::measures::rows::class_counts;
use crate::measures::text_style::{Style, style};

/// Cramér's V from which on two distributions of predicted classes count as different.
const LEAST_DIFFERENCE: f64 = 0.1;

/// The chance of a gap below which it counts together with a changed confidence.
const NOTICEABLE: f64 = 0.01;

/// A split whose predictions were made otherwise than those of the other split: worse beyond chance, with another
/// confidence or other classes, and neither by mis-pairing nor because its texts are of another kind.
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
    /// The accuracy if every class's scores are brought to the mean and spread that they have in the other split.
    pub(crate) rescaled_accuracy: f64,
}

impl OddSplit<'_> {
    /// Points of accuracy that are missing.
    pub(crate) fn missing_points(&self) -> f64 {
        100.0 * (self.suspect.reference_accuracy().unwrap_or(0.0) - self.suspect.rows.accuracy())
    }

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

/// The split that was predicted by other weights or from other input, if there is one. `None` where nothing is odd.
pub(crate) fn odd_split(evidence: &Evidence) -> Result<Option<OddSplit<'_>>, Missing> {
    let suspect = suspect(evidence)?;
    let scored = evidence.scored(suspect.split)?;
    let reference = evidence.scored(other(suspect.split))?;
    let shift = confidence_shift(evidence, suspect.split)?;
    // A gap that alone might be chance counts where the confidence has changed as well.
    let gap = gap(evidence)?;
    let lower = suspect.below || shift.changed() && gap.p_value < NOTICEABLE && gap.points > 0.0;
    let other_texts = evidence.finds_at_least(&text_drift::CHECK, Severity::Caution);
    if !lower || other_texts || leaks(evidence) || harder(evidence, &suspect, gap.points.abs() / 100.0) {
        return Ok(None);
    }
    let counts = |scored: &Scored<'_>| class_counts(scored.predicted.predictions, scored.predicted.classes);
    let other_classes = counts_differ(&counts(&scored), &counts(&reference))
        .is_some_and(|(v, p_value)| significant(p_value) && v >= LEAST_DIFFERENCE);
    let mispaired = evidence.finds(&labels_permuted::CHECK)
        || evidence.finds(&predictions_shifted::CHECK)
        || evidence.finds(&part_mispaired::CHECK);
    if mispaired || !(shift.changed() || other_classes) {
        return Ok(None);
    }
    let (own, others) = (Moments::of(&scored), Moments::of(&reference));
    Ok(Some(OddSplit {
        spread: own.mean_spread() / others.mean_spread().max(1e-12),
        area: class_bias::mean_area(&scored).unwrap_or(0.5),
        rescaled_accuracy: rescaled_accuracy(&scored, &own, &others),
        suspect,
        shift,
    }))
}

/// Whether rows that leak between splits explain that one is predicted better.
fn leaks(evidence: &Evidence) -> bool {
    [
        exact_duplicates::CHECK,
        near_duplicates::CHECK,
        test_inside_train::CHECK,
    ]
    .iter()
    .any(|check| evidence.finds_at_least(check, Severity::Unsound))
}

/// Whether the cheap model, which is trained and run here and knows nothing of how the other one was used, finds the split
/// harder as well: then the texts differ, and not the way they went.
pub(crate) fn harder(evidence: &Evidence, suspect: &Suspect<'_>, missing: f64) -> bool {
    let accuracy = |split| {
        let hits = evidence.baseline().ok()?.hits(evidence, split)?;
        Some(hits.iter().filter(|hit| **hit).count() as f64 / hits.len().max(1) as f64)
    };
    match (accuracy(other(suspect.split)), accuracy(suspect.split)) {
        (Some(reference), Some(own)) => reference - own >= 0.5 * missing,
        _ => false,
    }
}

/// The mean and the spread of each class's scores. Scores are logarithms of probabilities, centred in each row, which are
/// the logits but for what softmax does not see.
struct Moments {
    means: Vec<f64>,
    spreads: Vec<f64>,
}

/// The logits of a row but for what softmax does not see: logarithms of its probabilities, around their mean.
pub(crate) fn centred(row: &[f64]) -> Vec<f64> {
    let logs: Vec<f64> = row.iter().map(|p| p.max(1e-12).ln()).collect();
    let mean = logs.iter().sum::<f64>() / logs.len() as f64;
    logs.into_iter().map(|value| value - mean).collect()
}

impl Moments {
    fn of(scored: &Scored<'_>) -> Self {
        let classes = scored.predicted.classes;
        let (mut sums, mut squares) = (vec![0.0; classes], vec![0.0; classes]);
        for row in scored.probabilities.rows() {
            for (class, value) in centred(row).into_iter().enumerate() {
                sums[class] += value;
                squares[class] += value * value;
            }
        }
        let rows = scored.predicted.truth.len() as f64;
        let means: Vec<f64> = sums.iter().map(|sum| sum / rows).collect();
        let spreads = squares
            .iter()
            .zip(&means)
            .map(|(square, mean)| (square / rows - mean * mean).max(0.0).sqrt())
            .collect();
        Self { means, spreads }
    }

    fn mean_spread(&self) -> f64 {
        self.spreads.iter().sum::<f64>() / self.spreads.len().max(1) as f64
    }
}

fn rescaled_accuracy(scored: &Scored<'_>, own: &Moments, others: &Moments) -> f64 {
    let hits = scored
        .probabilities
        .rows()
        .zip(scored.predicted.truth)
        .filter(|(row, truth)| {
            let mut best = (0, f64::NEG_INFINITY);
            for (class, value) in centred(row).into_iter().enumerate() {
                let standard = (value - own.means[class]) / own.spreads[class].max(1e-12);
                let score = standard * others.spreads[class] + others.means[class];
                if score > best.1 {
                    best = (class, score);
                }
            }
            best.0 == **truth as usize
        })
        .count();
    hits as f64 / scored.predicted.truth.len().max(1) as f64
}

/// The look of every text of a split, of at most so many evenly spread ones.
pub(crate) fn styles(evidence: &Evidence, split: Split) -> Result<Vec<Style>, Missing> {
    const MOST: usize = 20_000;
    let texts = evidence.texts(split)?;
    let step = texts.len().div_ceil(MOST).max(1);
    Ok(texts.iter().step_by(step).map(|text| style(text)).collect())
}

/// The share of the variance of the scores that the length of the text explains, in twenty equally filled bins, less what
/// chance gives: for a model that sees only how long a text is, nearly all.
pub(crate) fn length_explains(scored: &Scored<'_>, texts: &[String]) -> f64 {
    const BINS: usize = 20;
    let rows: Vec<Vec<f64>> = scored.probabilities.rows().map(centred).collect();
    if rows.len() < 5 * BINS {
        return 0.0;
    }
    let classes = scored.predicted.classes;
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|&row| (texts[row].len(), row));
    let mean = |members: &[usize], class: usize| {
        members.iter().map(|&row| rows[row][class]).sum::<f64>() / members.len() as f64
    };
    let (mut between, mut total) = (0.0, 0.0);
    for class in 0..classes {
        let overall = mean(&order, class);
        total += rows.iter().map(|row| (row[class] - overall).powi(2)).sum::<f64>();
        for members in order.chunks(rows.len().div_ceil(BINS)) {
            between += members.len() as f64 * (mean(members, class) - overall).powi(2);
        }
    }
    between / f64::max(total, 1e-12) - BINS as f64 / rows.len() as f64
}

/// The normalized mutual information of predicted class and length of the text, in ten equally filled bins.
pub(crate) fn length_information(predictions: &[u32], texts: &[String], classes: usize) -> f64 {
    const BINS: usize = 10;
    let mut order: Vec<usize> = (0..texts.len()).collect();
    order.sort_by_key(|&row| (texts[row].len(), row));
    let mut table = vec![vec![0_u64; BINS.max(classes)]; BINS.max(classes)];
    for (place, row) in order.into_iter().enumerate() {
        table[place * BINS / texts.len()][predictions[row] as usize] += 1;
    }
    labelproof_metrics::Confusion::from_matrix(&table)
        .ok()
        .and_then(|table| labelproof_metrics::normalized_mutual_information(&table, &table.totals()))
        .unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Simulated, assert_close, predicted_by, simulated};

    fn splits(change: impl Fn(&mut Vec<f64>)) -> (Simulated, Simulated) {
        let (validation, mut test) = (simulated(5, 1000, 0.83, 1), simulated(5, 1000, 0.83, 2));
        test.logits.iter_mut().for_each(change);
        (validation, test)
    }

    #[test]
    fn a_split_that_is_only_paired_otherwise_is_not_odd() {
        let (validation, mut test) = splits(|_| ());
        assert!(odd_split(&predicted_by(&validation, &test)).unwrap().is_none());
        test.shuffle(0..1000, 3);
        assert!(odd_split(&predicted_by(&validation, &test)).unwrap().is_none());
    }

    #[test]
    fn the_spread_of_an_odd_split_is_measured() {
        let (validation, mut test) = splits(|row| row.iter_mut().for_each(|score| *score *= 0.5));
        test.shuffle(0..1000, 3);
        let evidence = predicted_by(&validation, &test);
        let odd = odd_split(&evidence).unwrap().unwrap();
        assert_eq!(odd.suspect.split, Split::Test);
        assert_close(odd.spread, 0.5, 0.03);
        assert_close(odd.area, 0.5, 0.03);
        assert_close(odd.missing_points(), 63.0, 6.0);
        assert!(odd.shift.mean < odd.shift.reference_mean);
    }

    #[test]
    fn rescaling_undoes_a_shift_of_the_scores() {
        let (validation, test) = splits(|row| row[3] += 3.0);
        let evidence = predicted_by(&validation, &test);
        let odd = odd_split(&evidence).unwrap().unwrap();
        assert_close(odd.rescaled_accuracy, 0.83, 0.04);
        assert_close(odd.rescaling_repairs(), 1.0, 0.1);
    }

    /// By hand: if the class is the bin, everything is told; if it is half of the bin, ln 5 over the mean of ln 5 and ln 10.
    #[test]
    fn length_tells_what_it_tells() {
        let texts: Vec<String> = (0..1000).map(|row| "x".repeat(row)).collect();
        let information = |class: fn(usize) -> usize| {
            let predictions: Vec<u32> = (0..1000).map(|row| u32::try_from(class(row)).unwrap()).collect();
            length_information(&predictions, &texts, 10)
        };
        assert_close(information(|row| row / 100), 1.0, 1e-12);
        let half = 5.0_f64.ln() / f64::midpoint(5.0_f64.ln(), 10.0_f64.ln());
        assert_close(information(|row| row / 200), half, 1e-12);
        assert_close(information(|row| row % 10), 0.0, 1e-9);
        assert_close(information(|_| 3), 0.0, 1e-12);
    }
}
