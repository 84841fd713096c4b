//! How loss and accuracy went, epoch by epoch.

use askama::Template;
use askama::filters::HtmlSafe;
use labelproof_artifact::HistoryRow;

use crate::facts::Facts;
use crate::figures::line_chart::Labels;
use crate::figures::{LineChart, Series};
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
    charts: Vec<LineChart>,
    epochs: Vec<Epoch>,
    epochs_left_out: String,
}

impl HtmlSafe for Training {}

impl Training {
    /// Draws the course of the training.
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
        Self {
            summary: summary(history, best),
            charts: if history.is_empty() {
                Vec::new()
            } else {
                vec![loss(history), accuracy(history)]
            },
            epochs: shown,
            epochs_left_out: more(left_out as u64, "epoch"),
        }
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

fn loss(history: &[HistoryRow]) -> LineChart {
    let series = series(history, |row| row.train_loss, |row| row.validation_loss);
    let labels = Labels {
        id: "loss-curve",
        title: "Loss by epoch",
        description: describe(&series, decimal),
        percent: false,
    };
    LineChart::new(labels, &series, kept(history))
}

fn accuracy(history: &[HistoryRow]) -> LineChart {
    let series = series(history, |row| row.train_accuracy, |row| row.validation_accuracy);
    let labels = Labels {
        id: "accuracy-curve",
        title: "Accuracy by epoch",
        description: describe(&series, percent),
        percent: true,
    };
    LineChart::new(labels, &series, kept(history))
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
