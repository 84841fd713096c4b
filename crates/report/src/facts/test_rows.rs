//! The test rows that are shown: the worst mistakes, and examples of every cell of the confusion matrix.

use std::collections::BTreeMap;

use labelproof_artifact::{Artifacts, LabelMap, Prediction, Split, StageId, TableReader};
use labelproof_metrics::Evaluation;
use labelproof_metrics::comparison::{McNemar, mcnemar_from_counts};

use super::map::Map;
use crate::Error;

/// The most rows of one cell of the matrix, and of all cells together, of which examples are kept.
const ROWS_A_CELL: usize = 12;
const ROWS_OF_CELLS: usize = 1_200;

/// The most probable classes that are kept of a row.
const CLASSES_A_ROW: usize = 3;

/// A cell of the confusion matrix: true class and predicted one.
pub(crate) type Cell = (usize, usize);

/// What a pass over the predictions gives.
pub(crate) struct TestRows {
    /// How many test rows are classified wrongly.
    pub(crate) mistakes: u64,
    /// The worst mistakes, by loss and then by id.
    pub(crate) worst: Vec<TestRow>,
    /// Of every cell that has rows, those with the highest loss: of wrong ones the worst, of right ones the
    /// least sure. Where there are more cells and rows than fit, those of small cells and right ones are left
    /// out first.
    pub(crate) examples: BTreeMap<Cell, Vec<TestRow>>,
    /// Model (first) against baseline (second).
    pub(crate) comparison: McNemar,
}

/// A test row and what was predicted for it.
#[derive(Debug, Clone)]
pub(crate) struct TestRow {
    /// The document's id.
    pub(crate) id: String,
    /// The true class.
    pub(crate) label: String,
    /// The class it was taken for.
    pub(crate) predicted: String,
    /// The most probable classes and their probabilities, the most probable first.
    pub(crate) most_probable: Vec<(usize, f64)>,
    /// The probability the model gave to the class it took.
    pub(crate) probability: Option<f64>,
    /// The probability the model gave to the true class.
    pub(crate) probability_of_label: Option<f64>,
    /// What the baseline took it for.
    pub(crate) baseline_predicted: String,
    /// Cross-entropy in nats.
    pub(crate) loss: f64,
}

/// Reads the predictions; tells the map which of its rows are right.
pub(super) fn read(
    artifacts: Artifacts<'_>,
    labels: &LabelMap,
    evaluation: &Evaluation,
    most: usize,
    map: &mut Map,
) -> Result<TestRows, Error> {
    let mut tally = Tally::new(most);
    for batch in TableReader::<Prediction>::open(artifacts)? {
        for row in &batch? {
            tally.add(row, labels);
            map.add(row, labels);
        }
    }
    tally.check_rows(evaluation)?;
    tally.check_hits(evaluation)?;
    Ok(TestRows {
        mistakes: tally.total,
        worst: tally.worst.into_sorted(),
        examples: in_turn(tally.cells),
        comparison: mcnemar_from_counts(tally.only_model, tally.only_baseline),
    })
}

/// Chooses rows for each cell in turn, one more in each round, mistakes before hits and the largest cells
/// first, until there are enough.
fn in_turn(cells: BTreeMap<Cell, Worst>) -> BTreeMap<Cell, Vec<TestRow>> {
    let mut cells: Vec<(Cell, u64, Vec<TestRow>)> = cells
        .into_iter()
        .map(|(cell, worst)| (cell, worst.seen, worst.into_sorted()))
        .collect();
    cells.sort_by_key(|&((class, predicted), rows, _)| {
        (class == predicted, std::cmp::Reverse(rows), class, predicted)
    });
    let mut room = ROWS_OF_CELLS;
    let mut kept = vec![0; cells.len()];
    for round in 0..ROWS_A_CELL {
        for (kept, (_, _, rows)) in kept.iter_mut().zip(&cells) {
            if room > 0 && rows.len() > round {
                *kept += 1;
                room -= 1;
            }
        }
    }
    cells
        .into_iter()
        .zip(kept)
        .map(|((cell, _, mut rows), kept)| {
            rows.truncate(kept);
            (cell, rows)
        })
        .collect()
}

/// The counts of one pass over the predictions, and the rows that may be shown.
struct Tally {
    rows: BTreeMap<Split, u64>,
    total: u64,
    baseline_total: u64,
    only_model: u64,
    only_baseline: u64,
    worst: Worst,
    cells: BTreeMap<Cell, Worst>,
}

impl Tally {
    fn new(most: usize) -> Self {
        Self {
            rows: BTreeMap::new(),
            total: 0,
            baseline_total: 0,
            only_model: 0,
            only_baseline: 0,
            worst: Worst::new(most),
            cells: BTreeMap::new(),
        }
    }

    fn add(&mut self, row: &Prediction, labels: &LabelMap) {
        *self.rows.entry(row.split).or_default() += 1;
        if row.split != Split::Test {
            return;
        }
        let hit = row.predicted == row.label;
        let baseline_hit = row.baseline_predicted == row.label;
        self.only_model += u64::from(hit && !baseline_hit);
        self.only_baseline += u64::from(baseline_hit && !hit);
        self.baseline_total += u64::from(!baseline_hit);
        if !hit {
            self.total += 1;
            self.worst.add(row.loss, || test_row(row, labels));
        }
        if let (Some(class), Some(predicted)) = (labels.index(&row.label), labels.index(&row.predicted)) {
            self.cells
                .entry((class as usize, predicted as usize))
                .or_insert_with(|| Worst::new(ROWS_A_CELL))
                .add(row.loss, || test_row(row, labels));
        }
    }

    /// The page sets counts from both files side by side, so they must be of the same rows.
    fn check_rows(&self, evaluation: &Evaluation) -> Result<(), Error> {
        for split in Split::ALL {
            let found = self.rows.get(&split).copied().unwrap_or(0);
            let expected = evaluation.splits.get(&split).map_or(0, |metrics| metrics.rows);
            if found != expected {
                return Err(contradiction(format!(
                    "{found} {split} rows in the one, {expected} in the other"
                )));
            }
        }
        Ok(())
    }

    /// The verdict sets accuracies from the one file beside a test on the other.
    fn check_hits(&self, evaluation: &Evaluation) -> Result<(), Error> {
        let rows = self.rows.get(&Split::Test).copied().unwrap_or(0);
        let of_model = (&evaluation.splits, self.total);
        let of_baseline = (&evaluation.baseline.splits, self.baseline_total);
        for (splits, wrong) in [of_model, of_baseline] {
            let expected = splits.get(&Split::Test).map_or(0, super::diagonal);
            if rows - wrong != expected {
                return Err(contradiction(format!(
                    "{} test rows are right by the one, {expected} by the other",
                    rows - wrong
                )));
            }
        }
        Ok(())
    }
}

fn contradiction(problem: String) -> Error {
    Error::Contradiction {
        first: "evaluate/predictions.parquet",
        second: "evaluate/metrics.json",
        problem,
        stage: StageId::Evaluate,
    }
}

fn test_row(row: &Prediction, labels: &LabelMap) -> TestRow {
    let probability = |label: &str| {
        let class = usize::try_from(labels.index(label)?).ok()?;
        row.probabilities.get(class).copied()
    };
    let mut most_probable: Vec<(usize, f64)> = row.probabilities.iter().copied().enumerate().collect();
    most_probable.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
    most_probable.truncate(CLASSES_A_ROW);
    TestRow {
        most_probable,
        probability: probability(&row.predicted),
        probability_of_label: probability(&row.label),
        id: row.id.clone(),
        label: row.label.clone(),
        predicted: row.predicted.clone(),
        baseline_predicted: row.baseline_predicted.clone(),
        loss: row.loss,
    }
}

/// The rows of highest loss so far, and some more: sorting now and then is cheaper than keeping order at
/// every row.
struct Worst {
    most: usize,
    /// Rows of less loss are not among the worst.
    least: f64,
    seen: u64,
    kept: Vec<TestRow>,
}

impl Worst {
    fn new(most: usize) -> Self {
        Self {
            most,
            least: f64::NEG_INFINITY,
            seen: 0,
            kept: Vec::new(),
        }
    }

    fn add(&mut self, loss: f64, row: impl FnOnce() -> TestRow) {
        self.seen += 1;
        // In the order that rows are sorted by, so that a loss that is no number stays as well.
        if self.most == 0 || loss.total_cmp(&self.least).is_lt() {
            return;
        }
        self.kept.push(row());
        if self.kept.len() >= 2 * self.most {
            self.cut();
        }
    }

    fn cut(&mut self) {
        self.kept.sort_by(|one, other| {
            let by_loss = other.loss.total_cmp(&one.loss);
            by_loss.then_with(|| one.id.cmp(&other.id))
        });
        self.kept.truncate(self.most);
        if let Some(last) = self.kept.last().filter(|_| self.kept.len() == self.most) {
            self.least = last.loss;
        }
    }

    fn into_sorted(mut self) -> Vec<TestRow> {
        self.cut();
        self.kept
    }
}
