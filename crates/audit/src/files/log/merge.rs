//! Several logs of one training: a history and the results of its test, the training and the validation part of
//! TensorBoard, a `trainer_state.json` and an `eval_results.txt`.

use labelproof_artifact::Split;

use super::super::error::{Error, LogProblem};
use super::ReadLog;
use super::course::decimals;
use crate::evidence::log::{Epoch, Figures, Log};

/// Joins a log with another one of the same training. What both say must be the same.
pub(in super::super) fn merge(mut one: ReadLog, other: &ReadLog) -> Result<ReadLog, Error> {
    let sources = (one.log.source.clone(), other.log.source.clone());
    join(&mut one.log, &other.log).map_err(|problem| Error::Log {
        place: format!("{} and {}", sources.0, sources.1),
        problem,
    })?;
    if let (Some(first), Some(second)) = (one.classes, other.classes)
        && first != second
    {
        return Err(Error::Log {
            place: format!("{} and {}", sources.0, sources.1),
            problem: contradiction("classes", first as f64, second as f64),
        });
    }
    one.classes = one.classes.or(other.classes);
    Ok(one)
}

fn contradiction(key: &str, first: f64, second: f64) -> LogProblem {
    LogProblem::Contradiction {
        key: key.to_owned(),
        first,
        second,
    }
}

fn join(log: &mut Log, other: &Log) -> Result<(), LogProblem> {
    for (name, slot, given) in [
        ("train_rows", &mut log.train_rows, other.train_rows),
        ("validation_rows", &mut log.validation_rows, other.validation_rows),
        ("test_rows", &mut log.test_rows, other.test_rows),
        ("batch_size", &mut log.batch_size, other.batch_size),
    ] {
        if let (Some(first), Some(second)) = (*slot, given)
            && first != second
        {
            return Err(contradiction(name, first as f64, second as f64));
        }
        *slot = slot.or(given);
    }
    let estimates = &mut log.estimates;
    estimates.train = estimates.train.or(other.estimates.train);
    estimates.validation = estimates.validation.or(other.estimates.validation);
    estimates.test = estimates.test.or(other.estimates.test);
    if log.epochs.len() < other.epochs.len() {
        let fewer = std::mem::replace(&mut log.epochs, other.epochs.clone());
        log.cadence = other.cadence;
        log.kept = other.kept;
        return join_epochs(log, &fewer);
    }
    log.kept = log
        .kept
        .or(other.kept.filter(|_| log.epochs.len() == other.epochs.len()));
    join_epochs(log, &other.epochs)
}

/// Puts the figures of epochs into a log that has as many or more.
fn join_epochs(log: &mut Log, others: &[Epoch]) -> Result<(), LogProblem> {
    if log.epochs.len() == others.len() {
        for (epoch, other) in log.epochs.iter_mut().zip(others) {
            join_epoch(epoch, other)?;
        }
        return Ok(());
    }
    for other in others {
        // An evaluation of some epoch again, such as of the one whose weights were kept.
        let same = log.epochs.iter().position(|epoch| is_of(epoch, other));
        if let Some(same) = same.filter(|_| !other.validation.is_empty()) {
            if others.len() == 1 && log.kept.is_none() {
                log.kept = Some(same);
            }
            join_epoch(&mut log.epochs[same], other)?;
            continue;
        }
        let by_number = log
            .epochs
            .iter()
            .position(|epoch| epoch.number.is_some() && epoch.number == other.number);
        let place = by_number.or(log.kept).or(log.epochs.len().checked_sub(1));
        if let Some(epoch) = place.and_then(|place| log.epochs.get_mut(place)) {
            join_epoch(epoch, other)?;
        }
    }
    Ok(())
}

/// Whether an epoch has all validation figures of another, and at least one.
fn is_of(epoch: &Epoch, other: &Epoch) -> bool {
    let mut common = 0;
    for (_, of) in Figures::NAMED {
        if let (Some(first), Some(second)) = (of(&epoch.validation), of(&other.validation)) {
            if !is_near(first, second) {
                return false;
            }
            common += 1;
        }
    }
    common > 0
}

fn join_epoch(epoch: &mut Epoch, other: &Epoch) -> Result<(), LogProblem> {
    for split in Split::ALL {
        let (figures, given) = match split {
            Split::Train => (&mut epoch.train, &other.train),
            Split::Validation => (&mut epoch.validation, &other.validation),
            Split::Test => (&mut epoch.test, &other.test),
        };
        for (name, of) in Figures::NAMED {
            if let (Some(first), Some(second)) = (of(figures), of(given))
                && !is_near(first, second)
            {
                let name = format!("{}_{}", super::course::split_name(split), name.to_lowercase());
                return Err(contradiction(&name, first, second));
            }
        }
        *figures = Figures {
            loss: figures.loss.or(given.loss),
            loss_not_finite: figures.loss_not_finite.or(given.loss_not_finite),
            accuracy: figures.accuracy.or(given.accuracy),
            precision: figures.precision.or(given.precision),
            recall: figures.recall.or(given.recall),
            f1: figures.f1.or(given.f1),
            auc: figures.auc.or(given.auc),
            mcc: figures.mcc.or(given.mcc),
        };
    }
    epoch.learning_rate = epoch.learning_rate.or(other.learning_rate);
    epoch.number = epoch.number.or(other.number);
    epoch.step = epoch.step.or(other.step);
    Ok(())
}

/// Whether two values are the same up to the rounding of the shorter one.
fn is_near(one: f64, other: f64) -> bool {
    let shown = decimals(one).min(decimals(other)).min(17);
    let apart = 0.500_001 * 10_f64.powi(-i32::try_from(shown).unwrap_or(17));
    (one - other).abs() <= apart.max(1e-9)
}
