//! The section on metrics: every metric of every split, the model beside the baseline, and the labels one by
//! one.

use askama::Template;
use askama::filters::HtmlSafe;
use labelproof_artifact::Split;
use labelproof_metrics::{ClassMetrics, Estimate, SplitMetrics, Spread, Spreads};

use crate::facts::Facts;
use crate::format::{Cell, Unit, count, mean_and_deviation, more, percent};

/// The most labels that are listed; of more, those with the lowest F1.
const LABELS_SHOWN: usize = 200;

/// Metrics of one kind.
struct Group {
    name: &'static str,
    rows: Vec<Row>,
}

/// One metric over all columns.
struct Row {
    name: &'static str,
    meaning: &'static str,
    cells: Vec<Cell>,
}

/// The heading of a split, over the columns that it takes.
struct SplitHeading {
    name: String,
    rows: String,
    columns: usize,
}

/// A label's figures on the test rows.
struct Label {
    name: String,
    support: String,
    predicted: String,
    precision: Cell,
    recall: Cell,
    f1: Cell,
    baseline_f1: Cell,
    roc_auc: Cell,
}

/// The changes on the test rows when predicting in int8.
struct Int8 {
    rows: String,
    other_labels: String,
    become_wrong: String,
    become_right: String,
}

/// The figures of several models of the same recipe.
struct SpreadRow {
    name: String,
    /// The accuracy, and the macro F1.
    cells: [SpreadCell; 2],
}

impl SpreadRow {
    fn new((name, spreads): &(String, &Spreads)) -> Self {
        Self {
            name: name.clone(),
            cells: [&spreads.accuracy, &spreads.f1_macro].map(SpreadCell::new),
        }
    }
}

/// A metric of several models.
struct SpreadCell {
    /// The mean and the standard deviation.
    mean: String,
    /// The lowest and the highest value.
    range: String,
}

impl SpreadCell {
    fn new(spread: &Spread) -> Self {
        let least = spread.values.iter().copied().fold(f64::INFINITY, f64::min);
        let most = spread.values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Self {
            mean: mean_and_deviation(spread),
            range: format!("{} to {}", percent(least), percent(most)),
        }
    }
}

/// The tables of metrics.
#[derive(Template)]
#[template(path = "numbers.html", whitespace = "minimize")]
pub(crate) struct Numbers {
    baseline_name: String,
    parts: Vec<SplitHeading>,
    int8: Option<Int8>,
    spreads: Vec<SpreadRow>,
    classifiers: Vec<&'static str>,
    groups: Vec<Group>,
    labels: Vec<Label>,
    labels_left_out: String,
    has_test: bool,
}

impl HtmlSafe for Numbers {}

type Read = fn(&SplitMetrics) -> Estimate;

/// What is shown, in the order it is shown: name, meaning, unit, value.
type Definition = (&'static str, &'static str, Unit, Read);

const SHARES: [Definition; 3] = [
    ("Accuracy", "rows classified rightly", Unit::Percent, |metrics| {
        metrics.accuracy
    }),
    (
        "Balanced accuracy",
        "mean recall of the labels",
        Unit::Percent,
        |metrics| metrics.balanced_accuracy,
    ),
    (
        "Top-2 accuracy",
        "right label among the two most probable",
        Unit::Percent,
        |metrics| metrics.top_2_accuracy,
    ),
];

const AVERAGES: [Definition; 7] = [
    (
        "F1, macro",
        "every label counts the same",
        Unit::Percent,
        |metrics| metrics.f1_macro,
    ),
    ("Precision, macro", "", Unit::Percent, |metrics| {
        metrics.precision_macro
    }),
    ("Recall, macro", "", Unit::Percent, |metrics| metrics.recall_macro),
    (
        "F1, weighted",
        "every label counts by its rows",
        Unit::Percent,
        |metrics| metrics.f1_weighted,
    ),
    ("Precision, weighted", "", Unit::Percent, |metrics| {
        metrics.precision_weighted
    }),
    (
        "Recall, weighted",
        "the same as accuracy",
        Unit::Percent,
        |metrics| metrics.recall_weighted,
    ),
    (
        "F1, precision and recall, micro",
        "all three the same as accuracy",
        Unit::Percent,
        |metrics| metrics.f1_micro,
    ),
];

const PROBABILITIES: [Definition; 4] = [
    (
        "Loss",
        "cross-entropy in nats; lower is better",
        Unit::Plain,
        |metrics| metrics.loss,
    ),
    (
        "ROC AUC",
        "how well probabilities rank rows; ½ is chance",
        Unit::Index,
        |metrics| metrics.roc_auc,
    ),
    ("Brier score", "0 is best, 2 is worst", Unit::Plain, |metrics| {
        metrics.brier
    }),
    (
        "Calibration error",
        "ECE: confidence against accuracy; lower is better",
        Unit::Percent,
        |metrics| metrics.ece,
    ),
];

const AGREEMENT: [Definition; 3] = [
    (
        "Matthews correlation",
        "0 is chance, 1 is perfect",
        Unit::Index,
        |metrics| metrics.mcc,
    ),
    (
        "Cohen’s kappa",
        "0 is chance, 1 is perfect",
        Unit::Index,
        |metrics| metrics.cohen_kappa,
    ),
    (
        "Mutual information",
        "normalized; the names of the labels do not matter to it",
        Unit::Index,
        |metrics| metrics.normalized_mutual_information,
    ),
];

impl Numbers {
    /// Collects the metrics of all splits.
    pub(crate) fn new(facts: &Facts) -> Self {
        let columns: Vec<_> = Split::ALL
            .into_iter()
            .rev()
            .flat_map(|split| columns(facts, split))
            .collect();
        let group = |name, definitions: &[Definition]| Group {
            name,
            rows: definitions
                .iter()
                .map(|definition| row(definition, &columns))
                .collect(),
        };
        let (labels, left_out) = labels(facts);
        Self {
            baseline_name: facts.baseline_name(),
            parts: parts(facts),
            int8: facts.int8().map(|int8| Int8 {
                rows: count(int8.test.rows),
                other_labels: count(int8.other_labels),
                become_wrong: count(int8.comparison.only_first),
                become_right: count(int8.comparison.only_second),
            }),
            spreads: facts.spreads().iter().map(SpreadRow::new).collect(),
            classifiers: columns.iter().map(|&(name, _)| name).collect(),
            groups: vec![
                group("Rows classified rightly", &SHARES),
                group("Probabilities", &PROBABILITIES),
                group("Averages over labels", &AVERAGES),
                group("Agreement of labels and predictions", &AGREEMENT),
            ],
            labels,
            labels_left_out: more(left_out, "label"),
            has_test: facts.model(Split::Test).is_some(),
        }
    }
}

/// The classifiers that were scored on a part. The baseline's full name stands in the caption.
fn columns(facts: &Facts, split: Split) -> Vec<(&'static str, &SplitMetrics)> {
    let model = facts.model(split).map(|metrics| ("BERT", metrics));
    let int8 = facts.int8().filter(|_| split == Split::Test);
    let int8 = int8.map(|int8| ("BERT, int8", &int8.test));
    let baseline = facts.baseline(split).map(|metrics| ("Baseline", metrics));
    model.into_iter().chain(int8).chain(baseline).collect()
}

fn parts(facts: &Facts) -> Vec<SplitHeading> {
    Split::ALL
        .into_iter()
        .rev()
        .filter_map(|split| {
            let columns = columns(facts, split);
            let &(_, metrics) = columns.first()?;
            Some(SplitHeading {
                name: split.to_string(),
                rows: count(metrics.rows),
                columns: columns.len(),
            })
        })
        .collect()
}

fn row(&(name, meaning, unit, read): &Definition, columns: &[(&'static str, &SplitMetrics)]) -> Row {
    Row {
        name,
        meaning,
        cells: columns
            .iter()
            .map(|(_, metrics)| Cell::new(read(metrics), unit))
            .collect(),
    }
}

fn labels(facts: &Facts) -> (Vec<Label>, u64) {
    let Some(metrics) = facts.model(Split::Test) else {
        return (Vec::new(), 0);
    };
    let mut classes: Vec<usize> = (0..metrics.per_class.len()).collect();
    let left_out = classes.len().saturating_sub(LABELS_SHOWN);
    if left_out > 0 {
        // Labels without an F1 first: they are neither tested nor predicted, which is worth seeing.
        let f1 = |class: usize| metrics.per_class[class].f1.value.unwrap_or(-1.0);
        classes.sort_by(|&one, &other| f1(one).total_cmp(&f1(other)));
        classes.truncate(LABELS_SHOWN);
    }
    let baseline = facts.baseline(Split::Test);
    let shown = classes
        .into_iter()
        .map(|class| {
            let baseline = baseline.map_or(Estimate::UNDEFINED, |metrics| metrics.per_class[class].f1);
            label(facts.label(class), &metrics.per_class[class], baseline)
        })
        .collect();
    (shown, left_out as u64)
}

fn label(name: String, metrics: &ClassMetrics, baseline_f1: Estimate) -> Label {
    Label {
        name,
        support: count(metrics.support),
        predicted: count(metrics.predicted),
        precision: Cell::new(metrics.precision, Unit::Percent),
        recall: Cell::new(metrics.recall, Unit::Percent),
        f1: Cell::new(metrics.f1, Unit::Percent),
        baseline_f1: Cell::new(baseline_f1, Unit::Percent),
        roc_auc: Cell::new(metrics.roc_auc, Unit::Index),
    }
}
