//! What a cross-entropy can be: its bounds for a given accuracy, and what other losses make of the same
//! predictions.

use crate::evidence::Scores;
use crate::evidence::log::{Epoch, Figures, Log};

/// The largest cross-entropy, in nats, of a *calibrated* classifier of this accuracy: `h(a) + (1 − a) ln(K −
/// 1)` with `h(a) = −a ln a − (1 − a) ln(1 − a)`, from Fano's inequality: the loss of a calibrated classifier
/// is the entropy of what it says, and no distribution whose largest value is `a` has more.
pub(crate) fn calibrated_cap(accuracy: f64, classes: usize) -> f64 {
    let term = |share: f64| if share > 0.0 { -share * share.ln() } else { 0.0 };
    let miss = 1.0 - accuracy;
    term(accuracy) + term(miss) + miss * ((classes.max(2) - 1) as f64).ln()
}

/// The smallest cross-entropy, in nats, that predictions of this accuracy can have: a wrong row gives its
/// true class at most one half, so that it costs at least `ln 2`.
pub(crate) fn least_loss(accuracy: f64) -> f64 {
    (1.0 - accuracy) * std::f64::consts::LN_2
}

/// The least that cross-entropy can be where softmax was applied twice: `ln(1 + (K − 1) / e)`, reached where
/// the first softmax gave the true class all. The most is 1 more, where it gave a wrong class all.
pub(crate) fn double_softmax_floor(classes: usize) -> f64 {
    ((classes.max(2) - 1) as f64 / std::f64::consts::E).ln_1p()
}

/// The mean of `−ln softmax(p)` of the true class: what a loss that expects logits makes of probabilities.
pub(crate) fn double_softmax_loss(probabilities: &Scores, truth: &[u32]) -> f64 {
    let total: f64 = probabilities
        .rows()
        .zip(truth)
        .map(|(row, &truth)| row.iter().map(|p| p.exp()).sum::<f64>().ln() - row[truth as usize])
        .sum();
    total / truth.len().max(1) as f64
}

/// The mean of `−ln p` over rows and *classes*: what label smoothing mixes into the loss.
pub(crate) fn uniform_loss(probabilities: &Scores) -> f64 {
    let total: f64 = probabilities
        .values
        .iter()
        .map(|p| -p.max(f64::MIN_POSITIVE).ln())
        .sum();
    total / probabilities.values.len().max(1) as f64
}

/// The share of rows and classes in which `p > ½` says what the label says: what a framework calls accuracy
/// where it compares class by class.
pub(crate) fn elementwise_accuracy(probabilities: &Scores, truth: &[u32]) -> f64 {
    let agreeing: usize = probabilities
        .rows()
        .zip(truth)
        .map(|(row, &truth)| {
            row.iter()
                .enumerate()
                .filter(|(class, p)| (**p > 0.5) == (*class == truth as usize))
                .count()
        })
        .sum();
    agreeing as f64 / probabilities.values.len().max(1) as f64
}

/// How far a logged loss may be from a recomputed one: rounding in the log and in 32-bit sums.
pub(crate) const LOSS_TOLERANCE: f64 = 2e-3;

/// How many times the cap of a calibrated classifier a loss must be to be out of the ordinary.
const ABOVE_CAP: f64 = 1.5;

/// Whether some epoch's validation loss is this one.
pub(crate) fn is_logged(log: &Log, loss: f64) -> bool {
    log.epochs
        .iter()
        .filter_map(|epoch| epoch.validation.loss)
        .any(|logged| (logged - loss).abs() <= LOSS_TOLERANCE * loss.max(1.0))
}

/// Whether a loss is far above what a calibrated classifier of that accuracy can have.
pub(crate) fn above_cap(figures: Figures, classes: usize) -> bool {
    match (figures.loss, figures.accuracy) {
        (Some(loss), Some(accuracy)) => loss > ABOVE_CAP * calibrated_cap(accuracy, classes),
        _ => false,
    }
}

/// Whether validation loss has risen far above its best while training loss kept falling: a model that has
/// become too sure of itself, which has a large loss for an honest reason.
pub(crate) fn overfitted(log: &Log) -> bool {
    let losses = |read: fn(&Epoch) -> Option<f64>| log.epochs.iter().filter_map(read).collect::<Vec<_>>();
    let validation = losses(|epoch| epoch.validation.loss);
    let least = validation.iter().copied().fold(f64::INFINITY, f64::min);
    let reported = log.reported();
    let train = reported.and_then(|epoch| epoch.train.loss);
    let last = reported.and_then(|epoch| epoch.validation.loss);
    match (train, last) {
        (Some(train), Some(last)) => last > 1.2 * least || train < 0.5 * last,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::log;

    /// The values that docs/causes.md names: the caps of the origin case, and the floors of C1.
    #[test]
    fn bounds_are_those_of_the_catalogue() {
        let close =
            |found: f64, expected: f64| assert!((found - expected).abs() < 6e-4, "{found} {expected}");
        close(calibrated_cap(0.8024, 5), 0.771);
        close(calibrated_cap(0.83, 5), 0.692);
        let floors = [
            (2, 0.313),
            (3, 0.551),
            (4, 0.744),
            (5, 0.905),
            (10, 1.461),
            (100, 3.622),
        ];
        for (classes, floor) in floors {
            close(double_softmax_floor(classes), floor);
        }
    }

    /// Worked out by hand: softmax of (1, 0) gives the true class e / (e + 1).
    #[test]
    fn a_second_softmax_is_undone() {
        let scores = Scores {
            kind: crate::evidence::ScoreKind::Probabilities,
            classes: 2,
            values: vec![1.0, 0.0, 1.0, 0.0],
        };
        let e = std::f64::consts::E;
        let expected = f64::midpoint(-(e / (e + 1.0)).ln(), -(1.0 / (e + 1.0)).ln());
        assert!((double_softmax_loss(&scores, &[0, 1]) - expected).abs() < 1e-12);
        assert!((elementwise_accuracy(&scores, &[0, 1]) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn a_rising_validation_loss_is_overfitting() {
        let mut log = log(&[(0.5, 0.8), (1.4, 0.82)]);
        assert!(!overfitted(&log));
        log.epochs[1].train.loss = Some(0.1);
        assert!(overfitted(&log));
    }
}
