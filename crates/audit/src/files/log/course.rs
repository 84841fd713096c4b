//! From single entries of a log, in whatever order a framework writes them, to the epochs of a training.
//!
//! Readers put names and values into [`Entry`]s; this is where it is settled of which rows a figure is, whether it
//! is a share or a percentage, which entries belong to one epoch, and how many rows there are.

use std::collections::{BTreeMap, BTreeSet};

use labelproof_artifact::Split;
use labelproof_artifact::wording::{capitalized, one_line, quoted};

use super::super::error::LogProblem;
use super::ReadLog;
use super::keys::{Figure, Key, key};
use super::rows::{self, Pace};
use crate::evidence::Reading;
use crate::evidence::log::{Cadence, Epoch, Figures, Log, NotFinite};

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

/// Figures that were logged together.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Entry {
    /// The number of the epoch.
    pub(super) epoch: Option<f64>,
    /// The steps taken.
    pub(super) step: Option<u64>,
    /// That the weights of this moment were kept.
    pub(super) is_kept: bool,
    /// That the log does not say on which rows it is.
    pub(super) is_unnamed: bool,
    figures: Vec<Logged>,
    learning_rate: Option<f64>,
    /// Of training, validation and test rows.
    pace: [Pace; 3],
    /// `tp`, `tn`, `fp`, `fn`.
    cells: [Option<f64>; 4],
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Logged {
    figure: Figure,
    split: Option<Split>,
    of_batch: bool,
    value: f64,
    /// That it was written as a percentage, or as hits of rows, and is a share now.
    is_share: bool,
}

impl Entry {
    /// Whether it has a figure.
    pub(super) fn has_figures(&self) -> bool {
        !self.figures.is_empty() || self.cells.iter().all(Option::is_some)
    }

    /// Whether it has a figure of a split; `None` is a figure that names no split.
    pub(super) fn has(&self, split: Option<Split>) -> bool {
        self.figures.iter().any(|logged| logged.split == split)
    }

    /// Whether a name means a figure that it has already.
    pub(super) fn has_figure(&self, figure: Figure, split: Option<Split>) -> bool {
        let same = |logged: &Logged| (logged.figure, logged.split) == (figure, split);
        self.figures.iter().any(same)
    }

    /// Whether it has this value of a figure, up to rounding.
    pub(super) fn has_value(&self, figure: Figure, split: Option<Split>, written: Written) -> bool {
        self.figures.iter().any(|logged| {
            (logged.figure, logged.split) == (figure, split) && is_near(logged.value, written.value())
        })
    }

    /// Makes its figures those of one batch.
    pub(super) fn mark_batch(&mut self) {
        for logged in &mut self.figures {
            logged.of_batch = true;
        }
    }

    /// Drops a figure, so that another value can take its place.
    pub(super) fn forget(&mut self, figure: Figure, split: Option<Split>) {
        self.figures
            .retain(|logged| (logged.figure, logged.split) != (figure, split));
    }

    fn of(&self, split: Split) -> impl Iterator<Item = &Logged> {
        let wanted = Some(split);
        self.figures.iter().filter(move |logged| logged.split == wanted)
    }

    fn has_validation(&self) -> bool {
        self.of(Split::Validation).any(|logged| !logged.of_batch)
    }
}

/// A value as it was written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Written {
    Number(f64),
    /// As a percentage, with its sign, or as hits of rows.
    Share(f64),
}

impl Written {
    pub(super) fn value(self) -> f64 {
        match self {
            Self::Number(value) | Self::Share(value) => value,
        }
    }
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
            if !Self::put_cell(entry, name, value) {
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
    fn put_cell(entry: &mut Entry, name: &str, value: f64) -> bool {
        let cells = ["tp", "tn", "fp", "fn"];
        let name = name.trim();
        let place = cells.iter().position(|cell| {
            name == *cell || name.strip_prefix("eval_").or(name.strip_prefix("eval/")) == Some(cell)
        });
        let Some(place) = place.filter(|_| whole(value).is_some() || value == 0.0) else {
            return false;
        };
        entry.cells[place] = Some(value);
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
        self.settle_shares()?;
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

    /// Turns percentages into shares. A name is of percentages if one of its values is above 2 and none above
    /// 100.
    fn settle_shares(&mut self) -> Result<(), LogProblem> {
        let names = std::mem::take(&mut self.names);
        for (&(split, figure), name) in names.iter().filter(|((_, figure), _)| *figure != Figure::Loss) {
            let is_meant =
                |logged: &&mut Logged| (logged.split, logged.figure) == (split, figure) && !logged.is_share;
            let mut values: Vec<&mut Logged> = self
                .entries
                .iter_mut()
                .flat_map(|entry| &mut entry.figures)
                .filter(is_meant)
                .collect();
            let finite = || {
                values
                    .iter()
                    .map(|logged| logged.value)
                    .filter(|value| value.is_finite())
            };
            let (least, most) = (finite().fold(0.0, f64::min), finite().fold(0.0, f64::max));
            if least >= -ROUNDING && most <= 1.0 + ROUNDING {
                continue;
            }
            if least >= 0.0 && most > 2.0 && most <= 100.0 + ROUNDING {
                for logged in &mut values {
                    logged.value = of_percent(logged.value);
                }
                self.say(format!("`{name}` is in per cent, and was divided by 100"));
                continue;
            }
            if self.manner == Manner::Strict {
                return Err(LogProblem::NoShare {
                    key: name.clone(),
                    value: if least < -ROUNDING { least } else { most },
                });
            }
            for entry in &mut self.entries {
                entry
                    .figures
                    .retain(|logged| (logged.split, logged.figure) != (split, figure) || logged.is_share);
            }
            self.leave(&format!("{name} (no share)"));
        }
        self.names = names;
        Ok(())
    }

    /// Says of which rows the figures are that name no split. Where losses are named for both, and no figure is
    /// that is bare, the bare ones are of the validation rows: so do fastai and the tables of a Trainer.
    fn settle_splits(&mut self) {
        let named = |split: Split, figure| self.names.contains_key(&(Some(split), figure));
        let bare: Vec<(Figure, String)> = self
            .names
            .iter()
            .filter(|((split, _), _)| split.is_none())
            .map(|((_, figure), name)| (*figure, name.clone()))
            .collect();
        let has_bare_loss = bare.iter().any(|(figure, _)| *figure == Figure::Loss);
        let is_table = named(Split::Train, Figure::Loss)
            && named(Split::Validation, Figure::Loss)
            && !has_bare_loss
            && !bare
                .iter()
                .any(|(figure, _)| named(Split::Train, *figure) || named(Split::Validation, *figure));
        let split = match self.unnamed {
            Some(split) => split,
            None if is_table && !bare.is_empty() => {
                let names: Vec<String> = bare.iter().map(|(_, name)| name.clone()).collect();
                self.say(format!(
                    "{} without the name of a split was taken to be of the validation rows, as the losses of both \
                     are named",
                    quoted(&names, 6)
                ));
                Split::Validation
            }
            None => Split::Train,
        };
        for entry in &mut self.entries {
            let Entry { figures, .. } = entry;
            for place in 0..figures.len() {
                let logged = figures[place];
                if logged.split.is_none() {
                    let wanted = (Some(split), logged.figure, logged.of_batch);
                    let is_taken = figures
                        .iter()
                        .any(|other| (other.split, other.figure, other.of_batch) == wanted);
                    // Beside `train_loss`, a bare `loss` is something else.
                    figures[place].split = (!is_taken).then_some(split);
                }
            }
            figures.retain(|logged| logged.split.is_some());
        }
        for (figure, name) in bare {
            if named_beside(&self.names, split, figure) {
                self.leave(&name);
            }
        }
    }

    /// Accuracy and rows of `tp`, `tn`, `fp` and `fn`.
    fn add_counted(&mut self) {
        let mut counts = BTreeSet::new();
        for entry in &mut self.entries {
            let [Some(tp), Some(tn), Some(fp), Some(fn_)] = entry.cells else {
                continue;
            };
            let rows = tp + tn + fp + fn_;
            if rows < 1.0 {
                continue;
            }
            counts.extend(whole(rows));
            if !entry.has_figure(Figure::Accuracy, Some(Split::Validation)) {
                entry.figures.push(Logged {
                    figure: Figure::Accuracy,
                    split: Some(Split::Validation),
                    of_batch: false,
                    value: (tp + tn) / rows,
                    is_share: true,
                });
            }
        }
        for rows in counts {
            self.count_rows(Split::Validation, rows);
            self.say("the validation accuracy and rows are those of `tp`, `tn`, `fp` and `fn`");
        }
    }

    /// A second evaluation at the end of a training, at the same step as the last one, is of the weights that
    /// were kept: it says which epoch's they are.
    fn drop_second_evaluations(&mut self) {
        // Such an evaluation may be printed more than once.
        const MOST: usize = 4;
        for _ in 0..MOST {
            let mut validated = self
                .entries
                .iter()
                .enumerate()
                .rev()
                .filter(|(_, entry)| entry.has_validation());
            let (Some((place, entry)), Some((last, before))) = (validated.next(), validated.next()) else {
                return;
            };
            let moment = |entry: &Entry| (entry.step, entry.epoch.map(f64::to_bits));
            let is_second = moment(entry) == moment(before)
                && moment(entry) != (None, None)
                && entry.of(Split::Train).next().is_none();
            let mut others = self.entries[..=last].iter();
            let first = others
                .position(|other| is_same_evaluation(other, entry))
                .filter(|_| is_second);
            let Some(first) = first else { return };
            if first != last {
                self.entries[first].is_kept = true;
            }
            self.entries.remove(place);
        }
    }

    /// An evaluation that names no rows and gives what a validation gave is that validation.
    fn drop_repeated_evaluations(&mut self) {
        let repeats: Vec<bool> = self
            .entries
            .iter()
            .map(|entry| {
                entry.is_unnamed && self.entries.iter().any(|other| repeats_validation(entry, other))
            })
            .collect();
        let mut repeats = repeats.into_iter();
        self.entries.retain(|_| !repeats.next().unwrap_or(false));
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

/// The digits after the point of a value, as it is printed in short.
pub(super) fn decimals(value: f64) -> usize {
    let text = value.to_string();
    text.split_once('.').map_or(0, |(_, decimals)| decimals.len())
}

/// Whether two values are the same up to the decimals of the shorter one.
fn is_near(one: f64, other: f64) -> bool {
    let shown = decimals(one).min(decimals(other)).min(17);
    let is_same = one.to_bits() == other.to_bits();
    is_same || shown >= 3 && format!("{one:.shown$}") == format!("{other:.shown$}")
}

/// Whether all validation figures that both have are the same, and there are some.
fn is_same_evaluation(one: &Entry, other: &Entry) -> bool {
    let mut common = 0;
    for figure in one.of(Split::Validation) {
        for same in other
            .of(Split::Validation)
            .filter(|same| same.figure == figure.figure)
        {
            if !is_near(figure.value, same.value) {
                return false;
            }
            common += 1;
        }
    }
    common > 0
}

/// Whether all test figures of an entry are the validation figures of another.
fn repeats_validation(entry: &Entry, other: &Entry) -> bool {
    let mut tests = entry.of(Split::Test).peekable();
    tests.peek().is_some()
        && tests.all(|test| {
            let mut same = other
                .of(Split::Validation)
                .filter(|logged| logged.figure == test.figure);
            same.any(|logged| is_near(logged.value, test.value))
        })
}

/// The epochs, each with whether its weights were kept, and what they are.
fn epochs(entries: &[Entry]) -> (Vec<(Epoch, bool)>, Cadence) {
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
    };
    *slot = mean;
}
