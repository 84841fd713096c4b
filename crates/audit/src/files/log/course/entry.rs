//! One entry of a log: the figures that stand together, as they were written, and when two entries say the same.

use std::collections::BTreeMap;

use labelproof_artifact::Split;

use super::super::keys::Figure;
use super::super::rows::Pace;
use super::decimals;

/// Figures that were logged together.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in super::super) struct Entry {
    /// The number of the epoch.
    pub(in super::super) epoch: Option<f64>,
    /// The steps taken.
    pub(in super::super) step: Option<u64>,
    /// That the weights of this moment were kept.
    pub(in super::super) is_kept: bool,
    /// That the log does not say on which rows it is.
    pub(in super::super) is_unnamed: bool,
    pub(super) figures: Vec<Logged>,
    pub(super) learning_rate: Option<f64>,
    /// Of training, validation and test rows.
    pub(super) pace: [Pace; 3],
    /// `tp`, `tn`, `fp`, `fn` of the rows that something says they are of.
    pub(super) cells: BTreeMap<Option<Split>, [Option<f64>; 4]>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Logged {
    pub(super) figure: Figure,
    pub(super) split: Option<Split>,
    pub(super) of_batch: bool,
    pub(super) value: f64,
    /// That it was written as a percentage, or as hits of rows, and is a share now.
    pub(super) is_share: bool,
    /// That it is the share of wrong rows, which is turned over once all of its column are known.
    pub(super) is_error: bool,
}

impl Entry {
    /// Whether it has a figure.
    pub(in super::super) fn has_figures(&self) -> bool {
        !self.figures.is_empty() || self.cells.values().any(|cells| cells.iter().all(Option::is_some))
    }

    /// Whether it has a figure of a split; `None` is a figure that names no split.
    pub(in super::super) fn has(&self, split: Option<Split>) -> bool {
        self.figures.iter().any(|logged| logged.split == split)
    }

    /// Whether a name means a figure that it has already.
    pub(in super::super) fn has_figure(&self, figure: Figure, split: Option<Split>) -> bool {
        let same = |logged: &Logged| (logged.figure, logged.split) == (figure, split);
        self.figures.iter().any(same)
    }

    /// Whether it has figures, and none of them names its split.
    pub(in super::super) fn is_bare(&self) -> bool {
        !self.figures.is_empty()
            && self.has_figures()
            && self.figures.iter().all(|logged| logged.split.is_none())
    }

    /// Makes figures that name no split those of one.
    pub(in super::super) fn of_split(&mut self, split: Split) {
        for logged in &mut self.figures {
            logged.split = logged.split.or(Some(split));
        }
    }

    /// Whether it has this value of a figure, up to rounding.
    pub(in super::super) fn has_value(&self, figure: Figure, split: Option<Split>, written: Written) -> bool {
        self.figures.iter().any(|logged| {
            (logged.figure, logged.split) == (figure, split) && is_near(logged.value, written.value())
        })
    }

    /// Makes its figures those of one batch.
    pub(in super::super) fn mark_batch(&mut self) {
        for logged in &mut self.figures {
            logged.of_batch = true;
        }
    }

    /// Drops a figure, so that another value can take its place.
    pub(in super::super) fn forget(&mut self, figure: Figure, split: Option<Split>) {
        self.figures
            .retain(|logged| (logged.figure, logged.split) != (figure, split));
    }

    pub(super) fn of(&self, split: Split) -> impl Iterator<Item = &Logged> {
        let wanted = Some(split);
        self.figures.iter().filter(move |logged| logged.split == wanted)
    }

    pub(super) fn has_validation(&self) -> bool {
        self.of(Split::Validation).any(|logged| !logged.of_batch)
    }
}

/// A value as it was written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in super::super) enum Written {
    Number(f64),
    /// As a percentage, with its sign, or as hits of rows.
    Share(f64),
}

impl Written {
    pub(in super::super) fn value(self) -> f64 {
        match self {
            Self::Number(value) | Self::Share(value) => value,
        }
    }
}

/// Whether two values are the same up to the decimals of the shorter one.
pub(super) fn is_near(one: f64, other: f64) -> bool {
    let shown = decimals(one).min(decimals(other)).min(17);
    let is_same = one.to_bits() == other.to_bits();
    is_same || shown >= 3 && format!("{one:.shown$}") == format!("{other:.shown$}")
}

/// Whether all validation figures that both have are the same, and there are some.
pub(super) fn is_same_evaluation(one: &Entry, other: &Entry) -> bool {
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
pub(super) fn repeats_validation(entry: &Entry, other: &Entry) -> bool {
    let mut tests = entry.of(Split::Test).peekable();
    tests.peek().is_some()
        && tests.all(|test| {
            let mut same = other
                .of(Split::Validation)
                .filter(|logged| logged.figure == test.figure);
            same.any(|logged| is_near(logged.value, test.value))
        })
}
