//! The section on training: the learning curves.

use askama::Template;
use askama::filters::HtmlSafe;
use labelproof_artifact::HistoryRow;

use crate::facts::Facts;
use crate::figures::line_chart::{Along, Labels, Reference};
use crate::figures::{Figure, LineChart, Series};
use crate::format::{counted, decimal, more, percent};

/// The most epochs that are listed; the best one is among them in any case.
const EPOCHS_SHOWN: usize = 60;

struct Epoch {
    number: String,
    best: bool,
    learning_rate: String,
    train_loss: String,
    validation_loss: String,
    train_accuracy: String,
    validation_accuracy: String,
    validation_f1: String,
}

/// The learning curves.
#[derive(Template)]
#[template(path = "training.html", whitespace = "minimize")]
pub(crate) struct Training {
    summary: String,
    bounds: String,
    charts: Vec<LineChart>,
    epochs: Vec<Epoch>,
    epochs_left_out: String,
}

impl HtmlSafe for Training {}

impl Training {
    /// Draws the learning curves.
    pub(crate) fn new(facts: &Facts) -> Self {
        let history = &facts.history;
        let best = history.iter().find(|row| row.best);
        let shown: Vec<_> = history
            .iter()
            .enumerate()
            .filter(|&(place, row)| place < EPOCHS_SHOWN || row.best)
            .map(|(_, row)| epoch(row))
            .collect();
        let left_out = history.len() - shown.len();
        let bounds = Bounds::of(facts.labels.len());
        Self {
            summary: summary(history, best),
            charts: if history.is_empty() {
                Vec::new()
            } else {
                vec![loss(history, &bounds), accuracy(history), rate(history)]
            },
            bounds: bounds.sentence(),
            epochs: shown,
            epochs_left_out: more(left_out as u64, "epoch"),
        }
    }
}

impl Training {
    /// The curves.
    pub(crate) fn figures(&self) -> Vec<Figure> {
        self.charts
            .iter()
            .map(|chart| Figure::new(chart.id(), chart))
            .collect()
    }
}

fn summary(history: &[HistoryRow], best: Option<&HistoryRow>) -> String {
    if history.is_empty() {
        return "No course of the training was kept.".to_owned();
    }
    let epochs = counted(history.len() as u64, "epoch");
    best.map_or_else(
        || format!("{epochs}, none of them marked as the one that was kept."),
        |best| {
            format!(
                "{epochs}. The weights of epoch {} were kept: validation loss {}, accuracy {}.",
                best.epoch,
                decimal(best.validation_loss),
                percent(best.validation_accuracy)
            )
        },
    )
}

fn series(
    history: &[HistoryRow],
    train: fn(&HistoryRow) -> f64,
    validation: fn(&HistoryRow) -> f64,
) -> [Series; 2] {
    let line = |name, style, value: fn(&HistoryRow) -> f64| Series {
        name,
        style,
        points: history
            .iter()
            .map(|row| (f64::from(row.epoch), value(row)))
            .collect(),
    };
    [
        line("validation", "model", validation),
        line("train", "baseline", train),
    ]
}

fn kept(history: &[HistoryRow]) -> Option<u32> {
    history.iter().find(|row| row.best).map(|row| row.epoch)
}

fn describe(series: &[Series; 2], number: fn(f64) -> String) -> String {
    let ends = series.iter().filter_map(|series| {
        let (first, last) = (series.points.first()?, series.points.last()?);
        Some(format!(
            "{} from {} to {}",
            series.name,
            number(first.1),
            number(last.1)
        ))
    });
    format!("By epoch: {}.", ends.collect::<Vec<_>>().join(", "))
}

/// The reference losses for a number of classes, in nats.
struct Bounds {
    /// The loss of guessing, which gives every class the same probability.
    guessing: f64,
    /// The least and the most that a loss can be whose probabilities went through a second softmax: those
    /// that are sure and right, and sure and wrong, become `e / (e + n − 1)` and `1 / (e + n − 1)`.
    twice: (f64, f64),
}

impl Bounds {
    fn of(classes: usize) -> Self {
        let others = classes.saturating_sub(1) as f64;
        let whole = std::f64::consts::E + others;
        Self {
            guessing: (others + 1.0).ln(),
            twice: (whole.ln() - 1.0, whole.ln()),
        }
    }

    fn references(&self) -> [Reference; 2] {
        let reference = |value, text: &str| Reference {
            value,
            text: format!("{text}: {}", decimal(value)),
        };
        [
            reference(self.guessing, "guessing"),
            reference(self.twice.0, "least with softmax applied twice"),
        ]
    }

    fn sentence(&self) -> String {
        format!(
            "Guessing costs {}: a loss that stays there has learnt nothing. A loss that never leaves {} to \
             {} may have a softmax too many in it.",
            decimal(self.guessing),
            decimal(self.twice.0),
            decimal(self.twice.1)
        )
    }
}

fn loss(history: &[HistoryRow], bounds: &Bounds) -> LineChart {
    let series = series(history, |row| row.train_loss, |row| row.validation_loss);
    let labels = Labels {
        id: "loss-curve",
        title: "Loss by epoch, in nats",
        description: describe(&series, decimal),
        percent: false,
        along: Along::Epochs { kept: kept(history) },
    };
    LineChart::new(labels, &series, &bounds.references())
}

fn accuracy(history: &[HistoryRow]) -> LineChart {
    let series = series(history, |row| row.train_accuracy, |row| row.validation_accuracy);
    let labels = Labels {
        id: "accuracy-curve",
        title: "Accuracy by epoch",
        description: describe(&series, percent),
        percent: true,
        along: Along::Epochs { kept: kept(history) },
    };
    LineChart::new(labels, &series, &[])
}

/// The learning rate as a share of the highest one: rates have too many digits for an axis.
fn rate(history: &[HistoryRow]) -> LineChart {
    let highest = history.iter().map(|row| row.learning_rate).fold(0.0, f64::max);
    let share = |rate: f64| if highest > 0.0 { rate / highest } else { 0.0 };
    let points = history
        .iter()
        .map(|row| (f64::from(row.epoch), share(row.learning_rate)));
    let series = Series {
        name: "learning rate",
        style: "model",
        points: points.collect(),
    };
    let labels = Labels {
        id: "learning-rate",
        title: "Learning rate by epoch, as a share of the highest",
        description: format!("Shares of the highest rate, {highest:.1e}."),
        percent: true,
        along: Along::Epochs { kept: kept(history) },
    };
    LineChart::new(labels, &[series], &[])
}

fn epoch(row: &HistoryRow) -> Epoch {
    Epoch {
        number: row.epoch.to_string(),
        best: row.best,
        learning_rate: format!("{:.1e}", row.learning_rate),
        train_loss: decimal(row.train_loss),
        validation_loss: decimal(row.validation_loss),
        train_accuracy: percent(row.train_accuracy),
        validation_accuracy: percent(row.validation_accuracy),
        validation_f1: percent(row.validation_f1_macro),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `scipy.special.softmax` of `[1, 0, 0, 0, 0]` and `log` of its first and second entry.
    #[test]
    fn bounds_of_a_second_softmax() {
        let bounds = Bounds::of(5);
        assert!((bounds.guessing - 1.609_437_912_434_1).abs() < 1e-12);
        assert!(
            (bounds.twice.0 - 0.904_832_441_554_448).abs() < 1e-12,
            "{}",
            bounds.twice.0
        );
        assert!(
            (bounds.twice.1 - 1.904_832_441_554_448).abs() < 1e-12,
            "{}",
            bounds.twice.1
        );
    }
}
