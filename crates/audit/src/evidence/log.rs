//! The log of a training: figures of each epoch as the framework printed them.

use labelproof_artifact::Split;

/// A loss that was logged and is no finite number, as frameworks write it when a training diverges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotFinite {
    /// `nan`.
    NotANumber,
    /// `inf` or `-inf`.
    Infinite,
}

impl NotFinite {
    /// What a number is, if it is not finite.
    pub fn of(value: f64) -> Option<Self> {
        match value {
            value if value.is_nan() => Some(Self::NotANumber),
            value if value.is_infinite() => Some(Self::Infinite),
            _ => None,
        }
    }

    /// As people read it in a log.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotANumber => "NaN",
            Self::Infinite => "infinite",
        }
    }
}

/// Figures of one split in one epoch, as logged. Accuracies and the like are shares, losses are in nats.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Figures {
    /// The loss, where it is a finite number.
    pub loss: Option<f64>,
    /// What the loss was where it was logged and is no finite number; then there is no `loss`.
    pub loss_not_finite: Option<NotFinite>,
    /// The accuracy.
    pub accuracy: Option<f64>,
    /// Precision, whatever its average.
    pub precision: Option<f64>,
    /// Recall, whatever its average.
    pub recall: Option<f64>,
    /// F1, whatever its average.
    pub f1: Option<f64>,
    /// Area under the ROC curve, whatever its average.
    pub auc: Option<f64>,
    /// Matthews' correlation coefficient, between −1 and 1.
    pub mcc: Option<f64>,
}

/// Takes a figure, where it is there.
pub(crate) type Figure = fn(&Figures) -> Option<f64>;

impl Figures {
    /// The figures with the names that people know, in the order in which these are told.
    pub(crate) const NAMED: [(&str, Figure); 7] = [
        ("loss", |figures| figures.loss),
        ("accuracy", |figures| figures.accuracy),
        ("precision", |figures| figures.precision),
        ("recall", |figures| figures.recall),
        ("F1", |figures| figures.f1),
        ("AUC", |figures| figures.auc),
        ("MCC", |figures| figures.mcc),
    ];

    /// Whether there is a precision, recall, F1 or MCC.
    pub fn has_metric(&self) -> bool {
        [self.precision, self.recall, self.f1, self.mcc]
            .iter()
            .any(Option::is_some)
    }

    /// Whether nothing was logged.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// One epoch, or one evaluation of a Trainer.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Epoch {
    /// On the training rows, usually while they were trained on.
    pub train: Figures,
    /// On the validation rows.
    pub validation: Figures,
    /// On the test rows, where the log says that they were.
    pub test: Figures,
    /// The learning rate, if logged.
    pub learning_rate: Option<f64>,
    /// The number of the epoch as the log has it, from 0 or from 1, and with a fraction where an evaluation was
    /// within an epoch.
    pub number: Option<f64>,
    /// The steps that were taken when the figures were logged.
    pub step: Option<u64>,
}

impl Epoch {
    /// The figures of a split.
    pub fn of(&self, split: Split) -> &Figures {
        match split {
            Split::Train => &self.train,
            Split::Validation => &self.validation,
            Split::Test => &self.test,
        }
    }
}

/// What the entries of a log are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cadence {
    /// One for each epoch.
    #[default]
    Epochs,
    /// One for each evaluation, of which an epoch may have several.
    Evaluations,
    /// One every so many steps.
    Steps,
}

/// A number of rows that a log does not say, and that its figures tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowEstimate {
    /// The rows.
    pub rows: u64,
    /// How they are known.
    pub basis: Basis,
}

/// How a number of rows is known that is not said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// Seconds times rows a second: right up to the rounding of both.
    Throughput,
    /// Every logged accuracy is a whole number of hits among so many rows, and of no fewer. A multiple of them fits
    /// as well.
    Fractions,
    /// Batches of an epoch times rows a batch: at most so many, and less than a batch fewer.
    Batches,
}

/// Estimated rows of each split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RowEstimates {
    /// Of the training rows.
    pub train: Option<RowEstimate>,
    /// Of the validation rows.
    pub validation: Option<RowEstimate>,
    /// Of the test rows.
    pub test: Option<RowEstimate>,
}

/// The course of a training.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Log {
    /// What the log is called in messages.
    pub source: String,
    /// Epochs in order; at least one.
    pub epochs: Vec<Epoch>,
    /// What an entry of `epochs` is.
    pub cadence: Cadence,
    /// The epoch whose weights were kept, counted from 0, where the log says so.
    pub kept: Option<usize>,
    /// Validation rows, where the log says so.
    pub validation_rows: Option<u64>,
    /// Training rows, where the log says so.
    pub train_rows: Option<u64>,
    /// Test rows, where the log says so.
    pub test_rows: Option<u64>,
    /// Rows that the log does not say, and that its figures tell.
    pub estimates: RowEstimates,
    /// Rows a batch, where the log says so.
    pub batch_size: Option<u64>,
}

impl Log {
    /// The epoch that the reported figures belong to: the one that was kept, or else the last one with
    /// validation figures, or else the last.
    pub fn reported(&self) -> Option<&Epoch> {
        let kept = self.kept.and_then(|epoch| self.epochs.get(epoch));
        let validated = |epoch: &&Epoch| !epoch.validation.is_empty();
        kept.or_else(|| self.epochs.iter().rev().find(validated))
            .or_else(|| self.epochs.last())
    }

    /// The figures of the test rows: those logged last.
    pub fn tested(&self) -> Option<&Figures> {
        let mut tests = self.epochs.iter().rev().map(|epoch| &epoch.test);
        tests.find(|figures| !figures.is_empty())
    }

    /// What an epoch is called in messages, by its place: `epoch 3`, `step 1500`, `evaluation 2`. The number is
    /// that of the log, where it has one.
    pub fn name(&self, place: usize) -> String {
        let number = self.epochs.get(place).and_then(|epoch| epoch.number);
        let step = self.epochs.get(place).and_then(|epoch| epoch.step);
        match (self.cadence, number, step) {
            (Cadence::Epochs, None, _) => format!("epoch {}", place + 1),
            (Cadence::Evaluations | Cadence::Steps, _, Some(step)) => format!("step {step}"),
            (_, Some(number), _) => format!("epoch {number}"),
            (Cadence::Evaluations, None, None) => format!("evaluation {}", place + 1),
            (Cadence::Steps, None, None) => format!("entry {}", place + 1),
        }
    }

    /// Half of the last decimal that a figure is printed with: as far as the logged values may be from the true
    /// ones by rounding. Of all its values, since one that ends in zero has lost digits.
    pub fn rounding(&self, figure: impl Fn(&Epoch) -> Option<f64>) -> f64 {
        const ENOUGH: usize = 1000;
        let values = self.epochs.iter().filter_map(figure).take(ENOUGH);
        let decimals = values.map(decimals).max();
        0.5 * 10_f64.powi(-decimals.unwrap_or(0))
    }

    /// The rows of a split, where the log says how many they are.
    pub fn said_rows(&self, split: Split) -> Option<u64> {
        match split {
            Split::Train => self.train_rows,
            Split::Validation => self.validation_rows,
            Split::Test => self.test_rows,
        }
    }

    /// The rows of a split, as the log says or as its figures tell.
    pub fn rows(&self, split: Split) -> Option<u64> {
        let estimate = match split {
            Split::Train => self.estimates.train,
            Split::Validation => self.estimates.validation,
            Split::Test => self.estimates.test,
        };
        self.said_rows(split).or(estimate.map(|estimate| estimate.rows))
    }

    /// Hits and rows of the validation split in the reported epoch.
    pub fn validation_hits(&self) -> Option<(u64, u64)> {
        hits_of(
            self.reported()?.validation.accuracy?,
            self.rows(Split::Validation)?,
        )
    }

    /// Hits and rows of the reported validation accuracy, or of the test accuracy, where nothing says how many rows
    /// there are: the fewest, from 30 on, that all logged accuracies of the split can be of, within their
    /// digits. Whatever differs from so few beyond chance differs from more of them all the more; of fewer
    /// than 30 it may not, and a mean over batches is no share of rows, so that the answer says for how many
    /// rows it holds.
    pub fn fewest_hits(&self, split: Split) -> Option<(u64, u64)> {
        const LEAST: u64 = 30;
        const MOST: u64 = 100_000;
        const MOST_VALUES: usize = 64;
        let reported = match split {
            Split::Test => self.tested()?.accuracy?,
            split => self.reported()?.of(split).accuracy?,
        };
        let accuracies = self
            .epochs
            .iter()
            .rev()
            .filter_map(|epoch| epoch.of(split).accuracy);
        let accuracies: Vec<f64> = accuracies.take(MOST_VALUES).collect();
        let rounding = self.rounding(|epoch| epoch.of(split).accuracy).max(1e-7) * (1.0 + 1e-9);
        let is_share = |rows: u64, accuracy: f64| {
            let hits = accuracy * rows as f64;
            (hits.round() - hits).abs() <= rounding * rows as f64
        };
        let rows =
            (LEAST..=MOST).find(|rows| accuracies.iter().all(|accuracy| is_share(*rows, *accuracy)))?;
        hits_of(reported, rows)
    }

    /// Hits and rows of the test split, as they were logged last.
    pub fn test_hits(&self) -> Option<(u64, u64)> {
        hits_of(self.tested()?.accuracy?, self.rows(Split::Test)?)
    }
}

/// Hits and rows that an accuracy is of.
pub(crate) fn hits_of(accuracy: f64, rows: u64) -> Option<(u64, u64)> {
    let hits = (accuracy.clamp(0.0, 1.0) * rows as f64).round();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a count of rows is between 0 and that count"
    )]
    let hits = hits as u64;
    (rows > 0).then_some((hits.min(rows), rows))
}

/// Decimals of the shortest text that gives a number back; at most those that a share of 64 bits has.
fn decimals(value: f64) -> i32 {
    let text = value.to_string();
    let decimals = text.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    i32::try_from(decimals)
        .unwrap_or(MOST_DECIMALS)
        .min(MOST_DECIMALS)
}

const MOST_DECIMALS: i32 = 17;

#[cfg(test)]
mod tests {
    use super::*;

    fn validated(accuracies: &[f64]) -> Log {
        let epochs = accuracies.iter().map(|&accuracy| Epoch {
            validation: Figures {
                accuracy: Some(accuracy),
                ..Figures::default()
            },
            ..Epoch::default()
        });
        Log {
            epochs: epochs.collect(),
            ..Log::default()
        }
    }

    #[test]
    fn rounding_is_that_of_the_longest_value() {
        let log = validated(&[0.5, 0.984, 0.9766]);
        assert!((log.rounding(|epoch| epoch.validation.accuracy) - 0.00005).abs() < 1e-12);
        assert!((log.rounding(|epoch| epoch.validation.loss) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn estimated_rows_give_hits_where_none_are_said() {
        let mut log = validated(&[0.5, 0.75]);
        assert_eq!(log.validation_hits(), None);
        log.estimates.validation = Some(RowEstimate {
            rows: 40,
            basis: Basis::Fractions,
        });
        assert_eq!(log.validation_hits(), Some((30, 40)));
        log.validation_rows = Some(80);
        assert_eq!(log.validation_hits(), Some((60, 80)));
    }

    /// Enumerated in Python: 39 of 40 is 0.975, the least that is written 0.98; 113 of 115 is 0.98261; both 0.9826 and
    /// 0.9828 are shares of 3,439 rows, and of no fewer.
    #[test]
    fn the_fewest_rows_are_those_that_the_digits_allow() {
        let rows = |accuracies: &[f64]| validated(accuracies).fewest_hits(Split::Validation).unwrap();
        assert_eq!(rows(&[0.5, 0.98]), (39, 40));
        assert_eq!(rows(&[0.9826]), (113, 115));
        assert_eq!(rows(&[0.75]), (24, 32));
        assert_eq!(rows(&[0.9826, 0.9828]), (3380, 3439));
    }

    #[test]
    fn an_epoch_is_called_as_the_log_numbers_it() {
        let mut log = validated(&[0.5, 0.75]);
        assert_eq!(log.name(1), "epoch 2");
        (log.epochs[1].number, log.epochs[1].step) = (Some(1.5), Some(300));
        assert_eq!(log.name(1), "epoch 1.5");
        log.cadence = Cadence::Evaluations;
        assert_eq!(
            (log.name(0), log.name(1)),
            ("evaluation 1".into(), "step 300".into())
        );
    }
}
