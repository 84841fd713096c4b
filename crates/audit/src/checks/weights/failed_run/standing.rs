//! Losses and accuracies that stay the same from epoch to epoch.

use labelproof_artifact::Split;

use super::{SOLVED, best_accuracy, diagnosis, range, values};
use crate::answer::finding::{Confidence, Diagnosis, Measured};
use crate::answer::wording::split_name;
use crate::evidence::log::{Epoch, Log};

/// Epochs from which on a loss, and an accuracy, do not stay the same by chance.
const UNMOVED_EPOCHS: usize = 3;
const STUCK_EPOCHS: usize = 4;

/// Digits from which on a loss that stays the same says something: a thousandth.
const UNMOVED_DIGITS: f64 = 5e-4;

/// Validation rows below which some epochs may have the same accuracy by chance.
const STUCK_ROWS: u64 = 200;

/// Digits from which on an accuracy that stays the same says something: a thousandth.
const STUCK_DIGITS: f64 = 5e-4;

/// A training accuracy that moves by more, or a loss that moves by more, relative to it.
const MOVED: f64 = 0.02;
const MOVED_LOSS: f64 = 0.1;

/// A loss that has no reason to move any more.
const SOLVED_LOSS: f64 = 1e-3;

/// Losses that are the same in every epoch: of the validation rows, which are predicted alike each time, or else of
/// the training rows.
pub(super) fn unmoved(log: &Log) -> Option<Diagnosis> {
    let of_split = |split: Split| {
        let losses = values(log, |epoch| epoch.of(split).loss);
        (losses.len() >= UNMOVED_EPOCHS).then_some((split, losses))
    };
    let (split, losses) = of_split(Split::Validation).or_else(|| of_split(Split::Train))?;
    let least = losses.iter().copied().fold(f64::INFINITY, f64::min);
    let has_digits = log.rounding(|epoch| epoch.of(split).loss) <= UNMOVED_DIGITS;
    // As near as 32 bits tell numbers apart.
    let is_same = least > SOLVED_LOSS && range(&losses) <= 2e-6 * least;
    if !is_same || !has_digits || best_accuracy(log).is_some_and(|best| best >= SOLVED) {
        return None;
    }
    Some(diagnosis(
        Confidence::Likely,
        format!(
            "The {} loss is {:.4} in each of {} epochs, to the last digit: the weights do not change, because the \
             optimiser does not hold them, they are frozen, the learning rate is 0, or the outputs are saturated.",
            split_name(split),
            losses[0],
            losses.len()
        ),
        Measured::new()
            .statistic("range of the loss", range(&losses))
            .with("epochs", losses.len()),
    ))
}

/// A validation accuracy that is the same in every epoch while nothing else moves.
pub(super) fn stuck(log: &Log) -> Option<Diagnosis> {
    type Read = fn(&Epoch) -> Option<f64>;
    let reads: [(&str, Read); 3] = [
        ("validation accuracy", |epoch| epoch.validation.accuracy),
        ("training accuracy", |epoch| epoch.train.accuracy),
        // spaCy and others log nothing else.
        ("validation F1", |epoch| epoch.validation.f1),
    ];
    let (what, read) = reads
        .into_iter()
        .find(|(_, read)| log.epochs.iter().any(|epoch| read(epoch).is_some()))?;
    let accuracies = values(log, read);
    let &first = accuracies.first()?;
    let rounding = log.rounding(read);
    let is_same = accuracies.len() >= STUCK_EPOCHS && range(&accuracies) <= 1e-6;
    if !is_same || rounding > STUCK_DIGITS || first >= SOLVED {
        return None;
    }
    let train = values(log, |epoch| epoch.train.accuracy);
    let train_loss = values(log, |epoch| epoch.train.loss);
    let loss = values(log, |epoch| epoch.validation.loss);
    let falls = |losses: &[f64]| match (losses.first(), losses.last()) {
        (Some(first), Some(last)) => *last < (1.0 - MOVED_LOSS) * first,
        _ => false,
    };
    let enough_rows = log.rows(Split::Validation).is_none_or(|rows| rows >= STUCK_ROWS);
    let moves = range(&train) > MOVED || falls(&train_loss) || falls(&loss);
    // A training accuracy that stays as well says more than the number of rows.
    if moves || train.len() < 2 && !enough_rows {
        return None;
    }
    Some(diagnosis(
        Confidence::Likely,
        format!(
            "The {what} is {:.2} % in each of {} epochs, to the row, and nothing else moves either: the \
             model answers the same whatever it reads, or its weights do not change.",
            100.0 * first,
            accuracies.len()
        ),
        Measured::new()
            .statistic("range of the accuracy", range(&accuracies))
            .with("epochs", accuracies.len())
            .with("accuracy", first),
    ))
}
