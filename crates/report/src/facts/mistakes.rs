//! The wrongly classified test rows, worst first, and who of model and baseline was right.

use std::collections::BTreeMap;
use std::path::Path;

use labelproof_artifact::{Document, LabelMap, Prediction, Reporter, Split, StageId, TableReader};
use labelproof_metrics::Evaluation;
use labelproof_metrics::comparison::{McNemar, mcnemar_from_counts};

use crate::Error;
use crate::text::{self, Excerpt};

/// The mistakes on the test rows.
#[derive(Debug, Default)]
pub(crate) struct Mistakes {
    /// How many there are.
    pub(crate) total: u64,
    /// The worst, by loss and then by id.
    pub(crate) shown: Vec<Mistake>,
}

/// A test row that the model gets wrong.
#[derive(Debug, Clone)]
pub(crate) struct Mistake {
    /// The document's id.
    pub(crate) id: String,
    /// The true class.
    pub(crate) label: String,
    /// The class it was taken for.
    pub(crate) predicted: String,
    /// The probability the model gave to the class it took.
    pub(crate) probability: Option<f64>,
    /// The probability the model gave to the true class.
    pub(crate) probability_of_label: Option<f64>,
    /// What the baseline took it for.
    pub(crate) baseline_predicted: String,
    /// Cross-entropy in nats.
    pub(crate) loss: f64,
    /// How the document begins.
    pub(crate) excerpt: Excerpt,
}

/// Reads predictions, and the documents of the worst of them.
pub(super) fn read(
    artifacts: &Path,
    labels: &LabelMap,
    evaluation: &Evaluation,
    most: usize,
    reporter: &dyn Reporter,
) -> Result<(Mistakes, McNemar), Error> {
    let reader = TableReader::<Prediction>::open(artifacts)?;
    reporter.started("read predictions", Some(reader.row_count()));
    let mut found = Found::new(most);
    for batch in reader {
        let batch = batch?;
        reporter.advance(batch.len() as u64, "");
        for row in &batch {
            found.add(row, labels);
        }
    }
    reporter.finished();
    found.check_rows(evaluation)?;
    found.check_hits(evaluation)?;
    let mut mistakes = Mistakes {
        total: found.total,
        shown: found.worst.into_sorted(),
    };
    read_texts(artifacts, &mut mistakes.shown, reporter)?;
    Ok((
        mistakes,
        mcnemar_from_counts(found.only_model, found.only_baseline),
    ))
}

/// What a pass over the predictions leaves.
struct Found {
    rows: BTreeMap<Split, u64>,
    total: u64,
    baseline_total: u64,
    only_model: u64,
    only_baseline: u64,
    worst: Worst,
}

impl Found {
    fn new(most: usize) -> Self {
        Self {
            rows: BTreeMap::new(),
            total: 0,
            baseline_total: 0,
            only_model: 0,
            only_baseline: 0,
            worst: Worst {
                most,
                kept: Vec::new(),
            },
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
            self.worst.add(mistake(row, labels));
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

fn mistake(row: &Prediction, labels: &LabelMap) -> Mistake {
    let probability = |label: &str| {
        let class = usize::try_from(labels.index(label)?).ok()?;
        row.probabilities.get(class).copied()
    };
    Mistake {
        probability: probability(&row.predicted),
        probability_of_label: probability(&row.label),
        id: row.id.clone(),
        label: row.label.clone(),
        predicted: row.predicted.clone(),
        baseline_predicted: row.baseline_predicted.clone(),
        loss: row.loss,
        excerpt: Excerpt {
            text: String::new(),
            left_out: 0,
        },
    }
}

/// The worst mistakes so far, and some more: sorting now and then is cheaper than keeping order at every row.
struct Worst {
    most: usize,
    kept: Vec<Mistake>,
}

impl Worst {
    fn add(&mut self, mistake: Mistake) {
        if self.most == 0 {
            return;
        }
        self.kept.push(mistake);
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
    }

    fn into_sorted(mut self) -> Vec<Mistake> {
        self.cut();
        self.kept
    }
}

fn read_texts(artifacts: &Path, mistakes: &mut [Mistake], reporter: &dyn Reporter) -> Result<(), Error> {
    let mut places: BTreeMap<String, usize> = mistakes
        .iter()
        .enumerate()
        .map(|(place, mistake)| (mistake.id.clone(), place))
        .collect();
    let reader = TableReader::<Document>::open(artifacts)?;
    reporter.started("read texts", Some(reader.row_count()));
    for batch in reader {
        let batch = batch?;
        reporter.advance(batch.len() as u64, "");
        for document in batch {
            if let Some(place) = places.remove(&document.id) {
                mistakes[place].excerpt = text::excerpt(&document.text);
            }
        }
        if places.is_empty() {
            break;
        }
    }
    reporter.finished();
    match places.into_keys().next() {
        None => Ok(()),
        Some(id) => Err(Error::Contradiction {
            first: "ingest/documents.parquet",
            second: "evaluate/predictions.parquet",
            problem: format!("the predicted row `{id}` is no document"),
            stage: StageId::Evaluate,
        }),
    }
}
