//! How the scores of some rows are distributed: the mean and spread of each class, and how well they order
//! the rows.

use labelproof_metrics::roc_auc;

use crate::measures::predicted::ScoredRows;

/// The mean and the spread of each class's scores. Scores are logarithms of probabilities, centred in each
/// row, which are the logits but for what softmax does not see.
pub(crate) struct Moments {
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
    /// Of the scores of some rows.
    pub(crate) fn of(scored: &ScoredRows<'_>) -> Self {
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

    /// The standard deviation of a class's scores, averaged over the classes.
    pub(crate) fn mean_spread(&self) -> f64 {
        self.spreads.iter().sum::<f64>() / self.spreads.len().max(1) as f64
    }
}

/// The accuracy if every class's scores are brought from their own mean and spread to those of another split.
pub(crate) fn rescaled_accuracy(scored: &ScoredRows<'_>, own: &Moments, others: &Moments) -> f64 {
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

/// Rows that areas under the curve are computed from at most, evenly spread: sorting more takes time and
/// changes nothing.
const AREA_ROWS: usize = 100_000;

/// The same for outputs of all classes together.
const AREA_OUTPUTS: usize = 1_000_000;

/// The mean over classes of the area under the ROC curve against the rest.
pub(crate) fn mean_area(scored: &ScoredRows<'_>) -> Option<f64> {
    let areas: Vec<f64> = areas(scored).into_iter().flatten().collect();
    (!areas.is_empty()).then(|| areas.iter().sum::<f64>() / areas.len() as f64)
}

/// The area under the ROC curve of each class against the rest.
pub(crate) fn areas(scored: &ScoredRows<'_>) -> Vec<Option<f64>> {
    let step = scored.predicted.truth.len().div_ceil(AREA_ROWS).max(1);
    let of_class = |class: usize| {
        let rows = scored.probabilities.rows().zip(scored.predicted.truth);
        let scores: Vec<(f64, bool)> = rows
            .step_by(step)
            .map(|(row, &truth)| (row[class], truth as usize == class))
            .collect();
        roc_auc(&scores)
    };
    (0..scored.predicted.classes).map(of_class).collect()
}

/// The area under the ROC curve of all outputs of all rows together, as Keras and the average "micro" take it.
pub(crate) fn pooled_area(scored: &ScoredRows<'_>) -> Option<f64> {
    let step = scored.probabilities.values.len().div_ceil(AREA_OUTPUTS).max(1);
    let rows = scored.probabilities.rows().zip(scored.predicted.truth);
    let outputs: Vec<(f64, bool)> = rows
        .step_by(step)
        .flat_map(|(row, &truth)| {
            let outputs = row.iter().enumerate();
            outputs.map(move |(class, &score)| (score, class == truth as usize))
        })
        .collect();
    roc_auc(&outputs)
}
