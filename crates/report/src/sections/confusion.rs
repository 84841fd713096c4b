//! Which labels are taken for which, on the test rows.

use askama::Template;
use askama::filters::HtmlSafe;
use labelproof_artifact::Split;
use labelproof_metrics::SplitMetrics;

use crate::facts::Facts;
use crate::format::{count, more, share};
use crate::palette;

/// The most labels of which the whole matrix is shown; a larger one is nothing to look at.
const MATRIX_LABELS: usize = 30;

/// From here on the names of the columns are written upright.
const UPRIGHT_LABELS: usize = 9;

/// The most pairs that are put into words where the matrix is shown, and where it is not.
const PAIRS_SHOWN: usize = 10;
const PAIRS_SHOWN_ALONE: usize = 40;

/// Rows of one label that were taken for another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pair {
    /// How many.
    pub(crate) count: String,
    /// Of how many.
    pub(crate) support: String,
    /// The same as a share.
    pub(crate) share: String,
    /// The verb for so many.
    pub(crate) verb: &'static str,
    /// What they are.
    pub(crate) label: String,
    /// What they were called.
    pub(crate) predicted: String,
}

struct Cell {
    count: String,
    share: String,
    style: String,
}

struct Row {
    label: String,
    support: String,
    cells: Vec<Cell>,
}

/// The matrix and the pairs.
#[derive(Template)]
#[template(path = "confusion.html", whitespace = "minimize")]
pub(crate) struct ConfusionSection {
    classes: usize,
    upright: bool,
    labels: Vec<String>,
    matrix: Vec<Row>,
    legend: Vec<(usize, String)>,
    pairs: Vec<Pair>,
    pairs_left_out: String,
    has_test: bool,
}

impl HtmlSafe for ConfusionSection {}

impl ConfusionSection {
    /// Reads the matrix of the test rows.
    pub(crate) fn new(facts: &Facts) -> Self {
        let classes = facts.labels.len();
        let metrics = facts.model(Split::Test);
        let with_matrix = classes <= MATRIX_LABELS;
        let most = if with_matrix {
            PAIRS_SHOWN
        } else {
            PAIRS_SHOWN_ALONE
        };
        let (pairs, left_out) = confused_pairs(facts, most);
        Self {
            classes,
            upright: classes >= UPRIGHT_LABELS,
            labels: (0..classes.min(MATRIX_LABELS))
                .map(|class| facts.label(class))
                .collect(),
            matrix: metrics
                .filter(|_| with_matrix)
                .map(|metrics| rows(facts, metrics))
                .unwrap_or_default(),
            legend: palette::legend(),
            pairs,
            pairs_left_out: more(left_out, "pair"),
            has_test: metrics.is_some(),
        }
    }
}

fn rows(facts: &Facts, metrics: &SplitMetrics) -> Vec<Row> {
    metrics
        .confusion
        .iter()
        .enumerate()
        .map(|(class, counts)| {
            let support = counts.iter().sum();
            let cells = counts.iter().enumerate();
            Row {
                label: facts.label(class),
                support: count(support),
                cells: cells
                    .map(|(predicted, &rows)| cell(rows, support, class == predicted))
                    .collect(),
            }
        })
        .collect()
}

fn cell(rows: u64, support: u64, own: bool) -> Cell {
    let step = palette::step(rows as f64 / support.max(1) as f64);
    let heat = step.map_or_else(|| "none".to_owned(), |step| format!("heat-{step}"));
    let own = if own { " own" } else { "" };
    Cell {
        count: count(rows),
        share: if rows > 0 {
            share(rows, support)
        } else {
            String::new()
        },
        style: format!("{heat}{own}"),
    }
}

/// Each pair of a class and another that some of its test rows were taken for, with their number; the most first.
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
            verb: if rows == 1 { "was" } else { "were" },
            support: count(metrics.per_class[class].support),
            share: share(rows, metrics.per_class[class].support),
            label: facts.label(class),
            predicted: facts.label(other),
        })
        .collect();
    (pairs, left_out)
}
