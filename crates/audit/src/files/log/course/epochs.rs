//! Which entries of a log belong to one epoch, and what its figures are then.

use std::collections::BTreeMap;

use labelproof_artifact::Split;

use super::super::keys::Figure;
use super::entry::{Entry, Logged, is_near};
use crate::evidence::log::{Cadence, Epoch, Figures, NotFinite};

/// The epochs, each with whether its weights were kept, and what they are.
pub(super) fn epochs(entries: &[Entry]) -> (Vec<(Epoch, bool)>, Cadence) {
    if let Some(epochs) = by_number(entries) {
        return (epochs, Cadence::Epochs);
    }
    let mut ordered: Vec<&Entry> = entries.iter().collect();
    if entries.iter().all(|entry| entry.step.is_some()) {
        // The figures of the training rows of a step belong to its evaluation, in whatever order they stand.
        ordered.sort_by_key(|entry| (entry.step, entry.has_validation()));
    }
    let (epochs, is_validated) = if entries.iter().any(Entry::has_validation) {
        (by_evaluation(&ordered), true)
    } else {
        (by_entry(&ordered), false)
    };
    let numbers: Vec<Option<f64>> = epochs.iter().map(|(epoch, _)| epoch.number).collect();
    let are_whole = numbers
        .iter()
        .all(|number| number.is_some_and(|number| number.fract() == 0.0));
    let are_distinct = numbers.windows(2).all(|pair| pair[0] != pair[1]);
    let has_steps = epochs.iter().any(|(epoch, _)| epoch.step.is_some());
    let cadence = match is_validated {
        _ if are_whole && are_distinct => Cadence::Epochs,
        true if has_steps || numbers.iter().any(Option::is_some) => Cadence::Evaluations,
        false if has_steps => Cadence::Steps,
        _ => Cadence::Epochs,
    };
    (epochs, cadence)
}

/// The entries of each epoch together, if every entry says its epoch, and none has two evaluations.
fn by_number(entries: &[Entry]) -> Option<Vec<(Epoch, bool)>> {
    let mut groups: Vec<(f64, Vec<&Entry>)> = Vec::new();
    let is_validated = entries.iter().any(Entry::has_validation);
    let mut places: BTreeMap<u64, usize> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.has_figures()) {
        let is_test_alone =
            entry.has(Some(Split::Test)) && !entry.has(Some(Split::Train)) && !entry.has_validation();
        let number = match entry.epoch {
            Some(number) if is_validated => number,
            // Without evaluations, what was logged within an epoch is of it.
            Some(number) => number.ceil(),
            None if is_test_alone && !groups.is_empty() => {
                groups.last_mut()?.1.push(entry);
                continue;
            }
            None => return None,
        };
        if number.fract() != 0.0 {
            return None;
        }
        let place = *places.entry(number.to_bits()).or_insert_with(|| {
            groups.push((number, Vec::new()));
            groups.len() - 1
        });
        let group = &mut groups[place].1;
        let repeats = group.iter().any(|other| {
            let same = |logged: &&Logged| {
                entry.of(Split::Validation).any(|one| {
                    !one.of_batch
                        && !logged.of_batch
                        && one.figure == logged.figure
                        && !is_near(one.value, logged.value)
                })
            };
            other.of(Split::Validation).any(|logged| same(&logged))
        });
        if repeats {
            return None;
        }
        group.push(entry);
    }
    Some(groups.iter().map(|(_, entries)| epoch(entries)).collect())
}

/// An epoch for each evaluation, with the figures of the training rows since the one before.
fn by_evaluation(entries: &[&Entry]) -> Vec<(Epoch, bool)> {
    let mut epochs: Vec<(Epoch, bool)> = Vec::new();
    let mut pending: Vec<&Entry> = Vec::new();
    let mut tests: Vec<&Entry> = Vec::new();
    for &entry in entries {
        if entry.has_validation() {
            if entry.of(Split::Train).next().is_some() {
                epochs.extend(pending.drain(..).map(|entry| epoch(&[entry])));
            }
            pending.push(entry);
            epochs.push(epoch(&pending));
            pending.clear();
        } else if entry.has(Some(Split::Test)) && !entry.has(Some(Split::Train)) {
            match epochs.last_mut() {
                Some((last, _)) => last.test = epoch(&[entry]).0.test,
                None => tests.push(entry),
            }
        } else if entry.has_figures() || entry.learning_rate.is_some() {
            pending.push(entry);
        }
    }
    if pending.iter().any(|entry| entry.has_figures()) {
        epochs.push(epoch(&pending));
    }
    if let (Some(first), false) = (epochs.first_mut(), tests.is_empty()) {
        first.0.test = epoch(&tests).0.test;
    }
    epochs
}

/// An epoch for each entry; what is of test rows alone belongs to the last one before it.
fn by_entry(entries: &[&Entry]) -> Vec<(Epoch, bool)> {
    let mut epochs: Vec<(Epoch, bool)> = Vec::new();
    for entry in entries.iter().filter(|entry| entry.has_figures()) {
        let (made, is_kept) = epoch(&[entry]);
        match epochs.last_mut() {
            Some((last, _)) if made.train.is_empty() && last.test.is_empty() => last.test = made.test,
            _ => epochs.push((made, is_kept)),
        }
    }
    epochs
}

/// One epoch of the entries that belong to it.
fn epoch(entries: &[&Entry]) -> (Epoch, bool) {
    let figures = |split: Split| {
        let mut values: BTreeMap<Figure, (Vec<f64>, Vec<f64>)> = BTreeMap::new();
        for logged in entries.iter().flat_map(|entry| entry.of(split)) {
            let (whole, batches) = values.entry(logged.figure).or_default();
            if logged.of_batch {
                batches.push(logged.value);
            } else {
                whole.push(logged.value);
            }
        }
        let mut figures = Figures::default();
        for (figure, (whole, batches)) in values {
            let values = if whole.is_empty() { batches } else { whole };
            // The same evaluation may be printed twice; the losses of training rows are parts of a mean.
            let values = if split == Split::Train {
                &values
            } else {
                &values[values.len().saturating_sub(1)..]
            };
            set(&mut figures, figure, values);
        }
        figures
    };
    let last = |of: &dyn Fn(&Entry) -> Option<f64>| entries.iter().rev().find_map(|entry| of(entry));
    let made = Epoch {
        train: figures(Split::Train),
        validation: figures(Split::Validation),
        test: figures(Split::Test),
        learning_rate: last(&|entry| entry.learning_rate),
        number: last(&|entry| entry.epoch),
        step: entries.iter().rev().find_map(|entry| entry.step),
    };
    (made, entries.iter().any(|entry| entry.is_kept))
}

/// The figure of an epoch, as the mean of its values. One loss that is no finite number makes the epoch's none;
/// another figure that is none is left out.
fn set(figures: &mut Figures, figure: Figure, values: &[f64]) {
    let finite: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    let mean = match finite.as_slice() {
        [] => None,
        [value] => Some(*value),
        values => Some(values.iter().sum::<f64>() / values.len() as f64),
    };
    let slot = match figure {
        Figure::Loss => {
            figures.loss_not_finite = values.iter().find_map(|value| NotFinite::of(*value));
            if figures.loss_not_finite.is_some() {
                return;
            }
            &mut figures.loss
        }
        Figure::Accuracy => &mut figures.accuracy,
        Figure::Precision => &mut figures.precision,
        Figure::Recall => &mut figures.recall,
        Figure::F1 => &mut figures.f1,
        Figure::Auc => &mut figures.auc,
        Figure::Mcc => &mut figures.mcc,
        // Settled before, as an accuracy or as nothing.
        Figure::Score => return,
    };
    *slot = mean;
}
