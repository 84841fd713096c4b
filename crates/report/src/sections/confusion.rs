//! The section on confusions: the confusion matrix of the test rows, and its largest cells in words.

use askama::Template;
use askama::filters::HtmlSafe;
use labelproof_artifact::Split;
use labelproof_artifact::wording::plural;
use labelproof_metrics::SplitMetrics;

use crate::facts::{self, Facts};
use crate::figures::{Figure, HeatMap};
use crate::format::{count, more, share};
use crate::palette;

/// The most labels of which the whole matrix is shown, and those of the excerpt of a larger one.
const MATRIX_LABELS: usize = 30;
const EXCERPT_LABELS: usize = 20;

/// The number of labels from which the names of columns are written vertically.
const UPRIGHT_LABELS: usize = 9;

/// The most pairs that are put into words where the whole matrix is shown, and that are listed where it is
/// not.
const PAIRS_SHOWN: usize = 10;
const PAIRS_LISTED: usize = 500;

/// Rows of one label that were taken for another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pair {
    /// The number of rows.
    pub(crate) count: String,
    /// The number of rows of the true label.
    pub(crate) support: String,
    /// The number of rows as a share of the true label's.
    pub(crate) share: String,
    /// The verb that goes with the number, `was` or `were`.
    pub(crate) verb: &'static str,
    /// The true label.
    pub(crate) label: String,
    /// The predicted label.
    pub(crate) predicted: String,
    /// The name of the cell in the matrix.
    pub(crate) cell: String,
}

struct Cell {
    /// True class and predicted one, for the script; empty where there is nothing to choose.
    name: String,
    count: String,
    of_true: String,
    of_predicted: String,
    style: String,
    /// The step of the share of the predicted label's rows.
    predicted_step: String,
}

struct Row {
    label: String,
    cells: Vec<Cell>,
    /// Rows that were taken for labels beyond the excerpt.
    others: String,
    support: String,
}

/// The matrix, or the excerpt of it with the labels that are confused most.
struct Matrix {
    labels: Vec<String>,
    upright: bool,
    rows: Vec<Row>,
    predicted: Vec<String>,
    /// Whether there are labels that are not shown.
    excerpt: bool,
}

/// The matrix and the pairs.
#[derive(Template)]
#[template(path = "confusion.html", whitespace = "minimize")]
pub(crate) struct ConfusionSection {
    classes: usize,
    matrix: Option<Matrix>,
    legend: Vec<(usize, String)>,
    pairs: Vec<Pair>,
    pairs_left_out: String,
}

impl HtmlSafe for ConfusionSection {}

impl ConfusionSection {
    /// Reads the matrix of the test rows.
    pub(crate) fn new(facts: &Facts) -> Self {
        let classes = facts.labels.len();
        let most = if classes <= MATRIX_LABELS {
            PAIRS_SHOWN
        } else {
            PAIRS_LISTED
        };
        let (pairs, left_out) = confused_pairs(facts, most);
        Self {
            classes,
            matrix: facts.model(Split::Test).map(|metrics| matrix(facts, metrics)),
            legend: palette::legend(),
            pairs,
            pairs_left_out: more(left_out, "pair"),
        }
    }
}

/// The matrix, or its excerpt, as a picture.
pub(crate) fn figure(facts: &Facts) -> Option<Figure> {
    let metrics = facts.model(Split::Test)?;
    let classes = shown_classes(&metrics.confusion);
    let names: Vec<String> = classes.iter().map(|&class| facts.label(class)).collect();
    let counts: Vec<Vec<u64>> = classes
        .iter()
        .map(|&class| {
            classes
                .iter()
                .map(|&other| metrics.confusion[class][other])
                .collect()
        })
        .collect();
    Some(Figure::new("confusion-matrix", &HeatMap::new(&names, &counts)))
}

fn matrix(facts: &Facts, metrics: &SplitMetrics) -> Matrix {
    let classes = shown_classes(&metrics.confusion);
    let predicted: Vec<u64> = (0..metrics.confusion.len())
        .map(|class| metrics.confusion.iter().map(|row| row[class]).sum())
        .collect();
    Matrix {
        labels: classes.iter().map(|&class| facts.label(class)).collect(),
        upright: classes.len() >= UPRIGHT_LABELS,
        rows: classes
            .iter()
            .map(|&class| {
                row(
                    facts.label(class),
                    class,
                    &metrics.confusion[class],
                    &classes,
                    &predicted,
                )
            })
            .collect(),
        predicted: classes.iter().map(|&class| count(predicted[class])).collect(),
        excerpt: classes.len() < metrics.confusion.len(),
    }
}

/// All classes in their order; of many, those that have a part in the most mistakes, the most first.
fn shown_classes(confusion: &[Vec<u64>]) -> Vec<usize> {
    let mut classes: Vec<usize> = (0..confusion.len()).collect();
    if classes.len() > MATRIX_LABELS {
        let mistakes = |class: usize| -> u64 {
            let taken_for_others = confusion[class].iter().sum::<u64>();
            let taken_for_it = confusion.iter().map(|row| row[class]).sum::<u64>();
            taken_for_others + taken_for_it - 2 * confusion[class][class]
        };
        classes.sort_by_key(|&class| (std::cmp::Reverse(mistakes(class)), class));
        classes.truncate(EXCERPT_LABELS);
    }
    classes
}

fn row(label: String, class: usize, counts: &[u64], shown: &[usize], predicted_sums: &[u64]) -> Row {
    let support = counts.iter().sum();
    let in_excerpt: u64 = shown.iter().map(|&other| counts[other]).sum();
    Row {
        label,
        cells: shown
            .iter()
            .map(|&predicted| {
                cell(
                    (class, predicted),
                    counts[predicted],
                    support,
                    predicted_sums[predicted],
                )
            })
            .collect(),
        others: count(support - in_excerpt),
        support: count(support),
    }
}

fn cell((class, predicted): facts::Cell, rows: u64, of_true: u64, of_predicted: u64) -> Cell {
    let style = |whole: u64| {
        let step = palette::step(rows as f64 / whole.max(1) as f64);
        step.map_or_else(|| "none".to_owned(), |step| format!("heat-{step}"))
    };
    let own = if class == predicted { " own" } else { "" };
    let written = |whole: u64| {
        if rows > 0 {
            share(rows, whole)
        } else {
            String::new()
        }
    };
    Cell {
        name: if rows > 0 {
            cell_name((class, predicted))
        } else {
            String::new()
        },
        count: count(rows),
        of_true: written(of_true),
        of_predicted: written(of_predicted),
        style: format!("{}{own}", style(of_true)),
        predicted_step: style(of_predicted),
    }
}

/// The name by which the page's script finds a cell.
pub(crate) fn cell_name((class, predicted): facts::Cell) -> String {
    format!("{class},{predicted}")
}

/// Each pair of a class and another that some of its test rows were taken for, with their number; the most
/// first.
pub(crate) fn confused_classes(facts: &Facts) -> Vec<(u64, usize, usize)> {
    let Some(metrics) = facts.model(Split::Test) else {
        return Vec::new();
    };
    let mut cells = Vec::new();
    for (class, counts) in metrics.confusion.iter().enumerate() {
        let wrong = counts
            .iter()
            .enumerate()
            .filter(|&(other, &rows)| other != class && rows > 0);
        cells.extend(wrong.map(|(other, &rows)| (rows, class, other)));
    }
    cells.sort_by_key(|&(rows, class, other)| (std::cmp::Reverse(rows), class, other));
    cells
}

/// The most frequent mistakes by pair of labels, and how many pairs there are beyond.
pub(crate) fn confused_pairs(facts: &Facts, most: usize) -> (Vec<Pair>, u64) {
    let Some(metrics) = facts.model(Split::Test) else {
        return (Vec::new(), 0);
    };
    let mut cells = confused_classes(facts);
    let left_out = cells.len().saturating_sub(most) as u64;
    cells.truncate(most);
    let pairs = cells
        .into_iter()
        .map(|(rows, class, other)| Pair {
            count: count(rows),
            verb: plural(rows, "was", "were"),
            support: count(metrics.per_class[class].support),
            share: share(rows, metrics.per_class[class].support),
            label: facts.label(class),
            predicted: facts.label(other),
            cell: cell_name((class, other)),
        })
        .collect();
    (pairs, left_out)
}
