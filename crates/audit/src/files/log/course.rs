//! From single entries of a log, in whatever order a framework writes them, to the epochs of a training.
//!
//! Readers put names and values into [`Entry`]s; this is where it is settled of which rows a figure is, whether it
//! is a share or a percentage, which entries belong to one epoch, and how many rows there are.

mod entry;
mod epochs;
mod settling;

use std::collections::{BTreeMap, BTreeSet};

use labelproof_artifact::Split;
use labelproof_artifact::wording::{capitalized, one_line};

use self::entry::Logged;
pub(super) use self::entry::{Entry, Written};
use self::epochs::epochs;
use super::super::error::LogProblem;
use super::ReadLog;
use super::keys::{Figure, Key, is_error_rate, key, matrix_cell};
use super::rows::{self, Pace};
use crate::evidence::Reading;
use crate::evidence::log::{Epoch, Log};

/// What rounding to 32 bits may leave above 1.
const ROUNDING: f64 = 1e-6;

/// More than any count; up to here every whole number is one of an `f64`.
const MOST_COUNT: f64 = 1e15;

/// More entries than any log of a training has that is read for its epochs.
const MOST_ENTRIES: usize = 300_000;

/// Names that are left aside and told; more of them tell nobody anything.
const MOST_NAMES: usize = 60;

/// What is wrong with a number is an error in a file that is made to be read, and what is passed over in a
/// text where any words may stand before a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Manner {
    #[default]
    Strict,
    Lenient,
}

/// The entries of a log in their order, and what is said of the whole training.
#[derive(Debug, Default)]
pub(super) struct Course {
    manner: Manner,
    entries: Vec<Entry>,
    counts: BTreeMap<&'static str, u64>,
    /// Counts that the log gives twice, and differently.
    contradicted: BTreeSet<&'static str>,
    best_epoch: Option<f64>,
    /// The names of the figures, by what they mean.
    names: BTreeMap<(Option<Split>, Figure), String>,
    left_aside: BTreeSet<String>,
    keys: BTreeSet<String>,
    said: Vec<String>,
    /// What figures are of that name no split; training rows, unless the reader knows better.
    pub(super) unnamed: Option<Split>,
    /// Rows a batch where it is not said, and batches of an epoch: what an estimate of rows takes.
    pub(super) train_batches: Option<u64>,
}

const CLASSES: &str = "classes";
const BATCH_SIZE: &str = "batch_size";

fn rows_name(split: Split) -> &'static str {
    match split {
        Split::Train => "train_rows",
        Split::Validation => "validation_rows",
        Split::Test => "test_rows",
    }
}

impl Course {
    pub(super) fn new(manner: Manner) -> Self {
        Self {
            manner,
            ..Self::default()
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Says what was decided.
    pub(super) fn say(&mut self, sentence: impl Into<String>) {
        let sentence = sentence.into();
        if !self.said.contains(&sentence) {
            self.said.push(sentence);
        }
    }

    /// Leaves something aside, and says so.
    pub(super) fn leave(&mut self, name: &str) {
        if self.left_aside.len() < MOST_NAMES {
            self.left_aside.insert(name.trim().to_owned());
        }
    }

    /// Leaves a figure aside that names no split; where no entry has it, its name is of no figure.
    pub(super) fn leave_figure(&mut self, figure: Figure, name: &str) {
        let is_used = |entry: &Entry| entry.has_figure(figure, None);
        if !self.entries.iter().any(is_used) {
            self.names.remove(&(None, figure));
        }
        self.leave(name);
    }

    /// Adds an entry, unless it says nothing.
    pub(super) fn push(&mut self, entry: Entry) -> Result<(), LogProblem> {
        let has_pace = entry.pace.iter().any(|pace| *pace != Pace::default());
        if !entry.has_figures() && !has_pace && entry.learning_rate.is_none() {
            return Ok(());
        }
        if self.entries.len() >= MOST_ENTRIES {
            return Err(LogProblem::TooLong {
                entries: MOST_ENTRIES,
            });
        }
        self.entries.push(entry);
        Ok(())
    }

    /// Takes over what another course knows, and gives its entries.
    pub(super) fn adopt(&mut self, other: Self) -> Vec<Entry> {
        for (slot, name) in other.names {
            self.names.entry(slot).or_insert(name);
        }
        for (name, count) in other.counts {
            self.count(name, count);
        }
        self.left_aside.extend(other.left_aside);
        self.keys.extend(other.keys);
        other.entries
    }

    /// Puts the epochs of a history that was printed as a whole in the place of those that were printed while
    /// training went on.
    pub(super) fn replace_by_history(&mut self, history: Vec<Entry>) {
        let is_test = |entry: &Entry| {
            entry
                .figures
                .iter()
                .all(|logged| logged.split == Some(Split::Test))
        };
        let mut entries = std::mem::take(&mut self.entries);
        entries.retain(|entry| entry.has_figures() && is_test(entry));
        if !history.is_empty() {
            self.say("the epochs are those of the history that is printed as a whole");
        }
        self.entries = history;
        self.entries.extend(entries);
    }

    /// Knows a figure by the name of its column, also where that has no value: `Training Loss` with `No log`.
    pub(super) fn knows(&mut self, name: &str) {
        if let Some(Key::Figure { figure, split, .. }) = key(name) {
            let slot = self.names.entry((split, figure));
            slot.or_insert_with(|| name.trim().to_owned());
        }
    }

    /// The rows of a split, as the log says.
    pub(super) fn count_rows(&mut self, split: Split, rows: u64) {
        self.count(rows_name(split), rows);
    }

    fn count(&mut self, name: &'static str, count: u64) {
        let known = *self.counts.entry(name).or_insert(count);
        if known != count {
            self.contradicted.insert(name);
        }
    }

    /// Puts a value into its entry, by the meaning of its name; names without a meaning are left aside.
    pub(super) fn put(&mut self, entry: &mut Entry, name: &str, written: Written) -> Result<(), LogProblem> {
        self.put_of(entry, None, name, written)
    }

    /// The same of a figure that is of a split if its name does not say so.
    pub(super) fn put_of(
        &mut self,
        entry: &mut Entry,
        unnamed: Option<Split>,
        name: &str,
        written: Written,
    ) -> Result<(), LogProblem> {
        let value = written.value();
        if self.keys.len() < MOST_NAMES {
            self.keys.insert(name.trim().to_owned());
        }
        let Some(key) = key(name) else {
            if !Self::put_cell(entry, unnamed, name, value) {
                self.leave(name);
            }
            return Ok(());
        };
        match key {
            Key::Figure {
                figure,
                split,
                of_batch,
            } => {
                self.put_figure(
                    entry,
                    name,
                    Logged {
                        figure,
                        split: split.or(unnamed),
                        of_batch,
                        value,
                        is_share: matches!(written, Written::Share(_)),
                        is_error: is_error_rate(name),
                    },
                );
            }
            Key::LearningRate if value.is_finite() => entry.learning_rate = Some(value),
            Key::Epoch if value.is_finite() => entry.epoch = Some(value),
            Key::Step if value == 0.0 => entry.step = Some(0),
            Key::Step => entry.step = whole(value).or(entry.step),
            Key::BestEpoch if value.is_finite() => self.best_epoch = Some(value),
            Key::Seconds(split) => entry.pace[place(split)].seconds = Some(value),
            Key::RowsASecond(split) => entry.pace[place(split)].rows_a_second = Some(value),
            Key::Rows(split) => self.put_count(rows_name(split), name, value)?,
            Key::BatchSize => self.put_count(BATCH_SIZE, name, value)?,
            Key::Classes => self.put_count(CLASSES, name, value)?,
            _ => {}
        }
        Ok(())
    }

    /// A cell of a matrix of two classes, as simpletransformers logs them.
    fn put_cell(entry: &mut Entry, unnamed: Option<Split>, name: &str, value: f64) -> bool {
        let is_count = whole(value).is_some() || value == 0.0;
        let Some((split, place)) = matrix_cell(name).filter(|_| is_count) else {
            return false;
        };
        entry.cells.entry(split.or(unnamed)).or_default()[place] = Some(value);
        true
    }

    fn put_figure(&mut self, entry: &mut Entry, name: &str, logged: Logged) {
        let same = |other: &&Logged| {
            (other.figure, other.split, other.of_batch) == (logged.figure, logged.split, logged.of_batch)
        };
        if entry.figures.iter().any(|other| same(&other)) {
            // The first of two names for one figure wins.
            let known = self.names.get(&(logged.split, logged.figure));
            if known.is_some_and(|known| known != name) {
                self.leave(name);
            }
            return;
        }
        self.names
            .entry((logged.split, logged.figure))
            .or_insert_with(|| name.trim().to_owned());
        entry.figures.push(logged);
    }

    fn put_count(&mut self, slot: &'static str, name: &str, value: f64) -> Result<(), LogProblem> {
        match whole(value) {
            Some(count) => self.count(slot, count),
            None if self.manner == Manner::Lenient => self.leave(name),
            None => {
                return Err(LogProblem::NoCount {
                    key: name.to_owned(),
                    value,
                });
            }
        }
        Ok(())
    }

    /// Settles what the entries mean.
    pub(super) fn finish(mut self) -> Result<ReadLog, LogProblem> {
        self.settle_scores();
        self.settle_shares()?;
        self.turn_errors_over();
        self.settle_splits();
        self.add_counted();
        self.drop_second_evaluations();
        self.drop_repeated_evaluations();
        let (epochs, cadence) = epochs(&self.entries);
        let mut log = Log {
            cadence,
            kept: self.kept(&epochs),
            epochs: epochs.iter().map(|(epoch, _)| *epoch).collect(),
            ..Log::default()
        };
        let says =
            |epoch: &Epoch| !(epoch.train.is_empty() && epoch.validation.is_empty() && epoch.test.is_empty());
        if !log.epochs.iter().any(says) {
            return Err(LogProblem::NoFigures {
                keys: self.keys.into_iter().collect(),
            });
        }
        self.count_all_rows(&mut log);
        let classes = self.said_count(CLASSES);
        let mut reading = Reading::default();
        for sentence in self.said {
            reading.says(format!("{}.", capitalized(&sentence)));
        }
        for name in self.left_aside {
            reading.leaves(format!("`{}`", one_line(&name)));
        }
        Ok(ReadLog {
            log,
            classes: classes.and_then(|classes| usize::try_from(classes).ok()),
            reading,
            report: None,
        })
    }

    /// What is said of the whole training, without any figure.
    pub(super) fn finish_counts(mut self) -> ReadLog {
        let mut log = Log::default();
        self.count_all_rows(&mut log);
        let classes = self.said_count(CLASSES);
        ReadLog {
            log,
            classes: classes.and_then(|classes| usize::try_from(classes).ok()),
            ..ReadLog::default()
        }
    }

    fn said_count(&mut self, name: &'static str) -> Option<u64> {
        if self.contradicted.contains(name) {
            self.say(format!("`{name}` has several values, and none of them was taken"));
            return None;
        }
        self.counts.get(name).copied()
    }

    /// The place of the epoch whose weights were kept.
    fn kept(&self, epochs: &[(Epoch, bool)]) -> Option<usize> {
        let by_entry = epochs.iter().rposition(|(_, is_kept)| *is_kept);
        by_entry.or_else(|| {
            let best = self.best_epoch?;
            epochs.iter().position(|(epoch, _)| epoch.number == Some(best))
        })
    }

    /// The rows of the splits: as said, as pace gives them exactly, or estimated.
    fn count_all_rows(&mut self, log: &mut Log) {
        for split in Split::ALL {
            let is_accuracy = |logged: &&Logged| logged.figure == Figure::Accuracy && !logged.of_batch;
            let accuracies: Vec<f64> = self
                .entries
                .iter()
                .flat_map(|entry| entry.of(split).filter(is_accuracy))
                .map(|logged| logged.value)
                .collect();
            let paces: Vec<Pace> = self
                .entries
                .iter()
                .filter_map(|entry| {
                    let pace = entry.pace[place(split)];
                    // A training passes over its rows once an epoch.
                    let passes = if split == Split::Train {
                        entry.epoch.unwrap_or(f64::NAN)
                    } else {
                        1.0
                    };
                    pace.is_whole().then_some(Pace { passes, ..pace })
                })
                .collect();
            let said = self.said_count(rows_name(split));
            let (exact, estimate) = match said {
                Some(rows) => (Some(rows), None),
                None => rows::count(split, &paces, &accuracies),
            };
            if said.is_none()
                && let Some(rows) = exact
            {
                self.say(format!(
                    "{rows} {} rows, by runtime and rows a second",
                    split_name(split)
                ));
            }
            if let Some(estimate) = estimate {
                self.say(rows::wording(estimate, split_name(split)));
            }
            match split {
                Split::Train => (log.train_rows, log.estimates.train) = (exact, estimate),
                Split::Validation => (log.validation_rows, log.estimates.validation) = (exact, estimate),
                Split::Test => (log.test_rows, log.estimates.test) = (exact, estimate),
            }
        }
        log.batch_size = self.said_count(BATCH_SIZE);
        if log.train_rows.is_none()
            && let Some((batches, size)) = self.train_batches.zip(log.batch_size)
        {
            log.estimates.train = rows::of_batches(batches, size);
        }
    }
}

fn named_beside(names: &BTreeMap<(Option<Split>, Figure), String>, split: Split, figure: Figure) -> bool {
    names.contains_key(&(Some(split), figure))
}

/// What the rows of a split are called.
pub(super) fn split_name(split: Split) -> &'static str {
    match split {
        Split::Train => "training",
        Split::Validation => "validation",
        Split::Test => "test",
    }
}

fn place(split: Split) -> usize {
    match split {
        Split::Train => 0,
        Split::Validation => 1,
        Split::Test => 2,
    }
}

/// A whole number of at least 1.
pub(super) fn whole(value: f64) -> Option<u64> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number between 1 and 1e15"
    )]
    (value.fract() == 0.0 && (1.0..=MOST_COUNT).contains(&value)).then_some(value as u64)
}

/// A percentage as a share, without the digits that a division would add.
pub(super) fn of_percent(value: f64) -> f64 {
    format!("{value}e-2").parse().unwrap_or(value / 100.0)
}

/// What a share lacks to 1, to the digits that it was written with: 0.93 of 0.07.
pub(super) fn complement(share: f64) -> f64 {
    let digits = decimals(share).min(17);
    let text = format!("{:.digits$}", 1.0 - share);
    text.parse().unwrap_or(1.0 - share)
}

/// The digits after the point of a value, as it is printed in short.
pub(super) fn decimals(value: f64) -> usize {
    let text = value.to_string();
    text.split_once('.').map_or(0, |(_, decimals)| decimals.len())
}
