//! What a cross-entropy can be: its bounds for a given accuracy, and what other losses make of the same
//! predictions.

use std::f64::consts::LN_2;

use crate::evidence::log::{Epoch, Figures, Log};
use crate::evidence::{ScoreKind, Scores};
use crate::measures::predicted::ScoredRows;
use crate::measures::recounts::Recount;

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
    (1.0 - accuracy) * LN_2
}

/// What a wrong row costs at least under losses that are not the cross-entropy of a softmax, in the order in
/// which they are likely: the words for the loss, and the least mean loss at this accuracy.
///
/// A wrong row gives some class at least as much as the true one. Focal loss with its usual γ of 2 is least where
/// both have one half, `¼ ln 2`. Sigmoids may both be one half, `2 ln 2` over the K outputs; and the squared
/// errors of both are `¼` then.
pub(crate) fn least_other_losses(accuracy: f64, classes: Option<usize>) -> Vec<(&'static str, f64)> {
    let wrong = 1.0 - accuracy;
    let outputs = classes.unwrap_or(2).max(2) as f64;
    vec![
        ("focal loss", wrong * LN_2 / 4.0),
        (
            "binary cross-entropy averaged over the outputs",
            wrong * 2.0 * LN_2 / outputs,
        ),
        ("a mean squared error", wrong * 0.5 / outputs),
    ]
}

/// The least share that frameworks clip a probability to before they take its logarithm.
const CLIPPED: f64 = 1e-7;

/// Values of scores that are looked at to see how they were rounded.
const SAMPLE: usize = 2000;

/// Decimals from which on scores count as written in full.
const FULL: usize = 9;

/// The least and the most cross-entropy that saved scores can come from: saved probabilities are rounded, and
/// one that was rounded to 0 may have been clipped to 1e-7, or have cost more.
pub(crate) fn loss_bounds(scored: &ScoredRows<'_>) -> (f64, f64) {
    let rounding = match scored.saved.kind {
        ScoreKind::Logits => 0.0,
        ScoreKind::Probabilities => rounding(scored.saved),
    };
    let (mut least, mut most) = (0.0, 0.0);
    let rows = scored.probabilities.rows().zip(scored.predicted.truth);
    for (row, &truth) in rows {
        let p = row[truth as usize];
        least -= (p + rounding).clamp(CLIPPED, 1.0).ln();
        most -= (p - rounding).clamp(f64::from(f32::MIN_POSITIVE), 1.0).ln();
    }
    let count = scored.predicted.truth.len().max(1) as f64;
    (least / count, most / count)
}

/// Half of the last decimal of some probabilities; 0 where they have so many that nothing was cut off, or where
/// three or more add up to 1 in every row, which rounded ones do not.
fn rounding(scores: &Scores) -> f64 {
    let step = scores.values.len().div_ceil(SAMPLE).max(1);
    let rows = || scores.rows().step_by(step);
    let adds_up = |row: &[f64]| (row.iter().sum::<f64>() - 1.0).abs() < 1e-9;
    if scores.classes > 2 && rows().all(adds_up) {
        return 0.0;
    }
    let decimals = rows().flatten().map(|value| {
        let text = value.to_string();
        text.split_once('.').map_or(0, |(_, decimals)| decimals.len())
    });
    match decimals.max() {
        Some(most) if (1..FULL).contains(&most) => {
            0.5 * 10_f64.powi(-i32::try_from(most).unwrap_or(i32::MAX))
        }
        _ => 0.0,
    }
}

/// What other losses make of the same scores, the likelier first.
pub(crate) fn of_loss(scored: &ScoredRows<'_>, batch: Option<u64>) -> Vec<Recount> {
    let loss = scored.loss();
    let rows = scored.predicted.rows();
    let mut ways = Vec::new();
    let mut add = |value: f64, is: String| ways.push(Recount { value, is });
    let batch_sizes = batch.map_or_else(|| vec![32, 16, 64, 8, 128, 256, 4], |size| vec![size]);
    for &size in batch_sizes.iter().filter(|size| **size > 1) {
        add(
            loss * rows as f64 / rows.div_ceil(size) as f64,
            format!("the mean of the sums over batches of {size} rows"),
        );
        add(
            loss / size as f64,
            format!("the real one divided by {size}, the size of a batch: a mean was divided once more"),
        );
    }
    add(loss * rows as f64, format!("the sum over all {rows} rows"));
    add(loss / LN_2, "the real one with logarithms to base 2".to_owned());
    add(
        loss / std::f64::consts::LN_10,
        "the real one with logarithms to base 10".to_owned(),
    );
    let sums = Sums::of(scored);
    let classes = scored.probabilities.classes as f64;
    add(
        sums.binary / classes,
        "the binary cross-entropy, averaged over the outputs of each row".to_owned(),
    );
    add(
        sums.binary,
        "the binary cross-entropy, summed over the outputs of each row".to_owned(),
    );
    add(
        sums.squares / classes,
        "the mean squared error of the outputs".to_owned(),
    );
    add(
        sums.squares,
        "the squared error of each row (Brier score)".to_owned(),
    );
    for (gamma, focal) in GAMMAS.iter().zip(sums.focal) {
        add(focal, format!("the focal loss with γ = {gamma}"));
        add(
            focal / 4.0,
            format!("the focal loss with γ = {gamma} and α = 0.25"),
        );
    }
    add(sums.missing, "the mean of 1 − p of the true class".to_owned());
    ways
}

/// Exponents of focal loss that are tried.
const GAMMAS: [i32; 3] = [2, 1, 5];

/// Means over rows of what other losses take of each.
struct Sums {
    binary: f64,
    squares: f64,
    missing: f64,
    focal: [f64; GAMMAS.len()],
}

impl Sums {
    fn of(scored: &ScoredRows<'_>) -> Self {
        let mut sums = Self {
            binary: 0.0,
            squares: 0.0,
            missing: 0.0,
            focal: [0.0; GAMMAS.len()],
        };
        let log = |share: f64| -share.max(CLIPPED).ln();
        for (row, &truth) in scored.outputs().rows().zip(scored.predicted.truth) {
            for (class, &p) in row.iter().enumerate() {
                let is_true = class == truth as usize;
                let (binary, error) = if is_true {
                    (log(p), 1.0 - p)
                } else {
                    (log(1.0 - p), p)
                };
                sums.binary += binary;
                sums.squares += error * error;
            }
            let p = row[truth as usize];
            sums.missing += 1.0 - p;
            for (sum, gamma) in sums.focal.iter_mut().zip(GAMMAS) {
                *sum += (1.0 - p).powi(gamma) * log(p);
            }
        }
        let rows = scored.predicted.truth.len().max(1) as f64;
        let each = |sum: f64| sum / rows;
        Self {
            binary: each(sums.binary),
            squares: each(sums.squares),
            missing: each(sums.missing),
            focal: sums.focal.map(each),
        }
    }
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

    /// By hand, of two rows that give their true class 0.8 and 0.5: −ln 0.8 = 0.223144, −ln 0.5 = 0.693147.
    #[test]
    fn other_losses_of_the_same_rows() {
        let part = crate::testing::scored(&[(0, vec![0.8, 0.2]), (1, vec![0.5, 0.5])]);
        let evidence = crate::testing::evidence(
            &["a", "b"],
            [
                crate::evidence::Part::default(),
                part,
                crate::evidence::Part::default(),
            ],
        );
        let case = crate::testing::case(&evidence);
        let scored = case.scored(labelproof_artifact::Split::Validation).unwrap();
        let ways = of_loss(&scored, Some(2));
        let check = |words: &str, expected: f64| {
            let way = ways.iter().find(|way| way.is.contains(words)).unwrap();
            assert!(
                (way.value - expected).abs() < 1e-6,
                "{words}: {} {expected}",
                way.value
            );
        };
        check("sums over batches of 2", 0.916_291);
        check("divided by 2", 0.229_073);
        check("base 2", 0.660_964);
        check("averaged over the outputs", 0.458_145);
        check("mean squared error", 0.145);
        check("Brier", 0.29);
        // (0.2² · 0.223144 + 0.5² · 0.693147) / 2.
        check("γ = 2", 0.091_106);
        check("1 − p", 0.35);
        // One decimal: 0.8 is anything from 0.75 to 0.85, and 0.5 from 0.45 to 0.55.
        let (least, most) = loss_bounds(&scored);
        let expected = |one: f64, other: f64| -f64::midpoint(one.ln(), other.ln());
        assert!((least - expected(0.85, 0.55)).abs() < 1e-12);
        assert!((most - expected(0.75, 0.45)).abs() < 1e-12);
    }

    #[test]
    fn a_rising_validation_loss_is_overfitting() {
        let mut log = log(&[(0.5, 0.8), (1.4, 0.82)]);
        assert!(!overfitted(&log));
        log.epochs[1].train.loss = Some(0.1);
        assert!(overfitted(&log));
    }
}
