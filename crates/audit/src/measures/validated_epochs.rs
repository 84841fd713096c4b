//! The epochs of a log by their validation figures: which of them some predictions are of, and which are
//! best.

use crate::evidence::Log;
use crate::evidence::log::Figures;

/// How near a logged accuracy must be, in rows.
const ROWS_APART: f64 = 0.6;

/// The most that is allowed for few digits in the log.
const MOST_ROUNDING: f64 = 5e-3;

/// How near a logged loss must be, relative to the larger of it and 0.05.
const LOSS_APART: f64 = 0.005;

/// The epochs, from 0, whose logged validation accuracy is that of so many rows; with the bounds of their
/// loss also those whose loss is not are left out.
pub(crate) fn matching_epochs(log: &Log, accuracy: f64, rows: u64, loss: Option<(f64, f64)>) -> Vec<usize> {
    let rounding = log.rounding(|epoch| epoch.validation.accuracy);
    let tolerance = ROWS_APART / rows as f64 + rounding.clamp(1e-4, MOST_ROUNDING);
    let loss_rounding = log.rounding(|epoch| epoch.validation.loss).min(MOST_ROUNDING);
    let same = |figures: &Figures| {
        let near = figures
            .accuracy
            .is_some_and(|logged| (logged - accuracy).abs() <= tolerance);
        let near_loss = match (figures.loss, loss) {
            (Some(logged), Some((least, most))) => {
                let apart = (LOSS_APART * least.max(0.05)).max(loss_rounding);
                (least - apart..=most + apart).contains(&logged)
            }
            _ => true,
        };
        near && near_loss
    };
    (0..log.epochs.len())
        .filter(|&epoch| same(&log.epochs[epoch].validation))
        .collect()
}

/// The epochs that somebody may call best: by loss, by accuracy, and among equally accurate ones any.
pub(crate) fn best_epochs(log: &Log) -> Vec<usize> {
    let accuracy = |epoch: &usize| {
        log.epochs[*epoch]
            .validation
            .accuracy
            .unwrap_or(f64::NEG_INFINITY)
    };
    let loss = |epoch: &usize| log.epochs[*epoch].validation.loss.unwrap_or(f64::INFINITY);
    let epochs = || 0..log.epochs.len();
    let most = epochs()
        .map(|epoch| accuracy(&epoch))
        .fold(f64::NEG_INFINITY, f64::max);
    let least = epochs().map(|epoch| loss(&epoch)).fold(f64::INFINITY, f64::min);
    // Of a figure that the log does not have no epoch is the best.
    let is_best = |epoch: &usize| {
        most.is_finite() && accuracy(epoch) >= most || least.is_finite() && loss(epoch) <= least
    };
    epochs().filter(is_best).collect()
}

/// The epochs of which the validation rows may have chosen the one that validation figures are of: all that
/// were validated, if one that these may be of is the best by loss or accuracy, and 1 where nothing shows a
/// choice.
pub(crate) fn chosen_from(log: &Log, reported: &[usize]) -> u64 {
    let best = best_epochs(log);
    if !reported.iter().any(|epoch| best.contains(epoch)) {
        return 1;
    }
    let validated = log.epochs.iter().filter(|epoch| !epoch.validation.is_empty());
    validated.count().max(1) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::log;

    #[test]
    fn the_best_epoch_was_chosen_and_another_was_not() {
        let log = log(&[(0.6, 0.7), (0.4, 0.9), (0.3, 0.8), (0.5, 0.8)]);
        // The best by accuracy, and the best by loss.
        assert_eq!(chosen_from(&log, &[1]), 4);
        assert_eq!(chosen_from(&log, &[0, 2]), 4);
        // The last one, and predictions of no epoch.
        assert_eq!(chosen_from(&log, &[3]), 1);
        assert_eq!(chosen_from(&log, &[]), 1);
    }

    #[test]
    fn epochs_match_by_their_accuracy_and_by_their_loss_where_it_is_known() {
        let log = log(&[(0.6, 0.7), (0.4, 0.9), (0.3, 0.9)]);
        assert_eq!(matching_epochs(&log, 0.9, 100, None), [1, 2]);
        assert_eq!(matching_epochs(&log, 0.9, 100, Some((0.3, 0.3))), [2]);
        assert_eq!(matching_epochs(&log, 0.8, 100, None), [0_usize; 0]);
    }
}
