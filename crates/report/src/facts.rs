//! The facts that the page shows, read from the artifacts.
//!
//! Tables are streamed: the counts, the rows that are shown, and the ids of duplicates stay in memory.

mod doubtful;
mod explanations;
mod map;
mod rejects;
mod rows;
mod test_rows;
mod texts;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use labelproof_artifact::{
    ArtifactError, Artifacts, Findings, HistoryRow, LabelMap, Reporter, Row, Split, StageId, StageLock,
    TableReader, read_table,
};
use labelproof_metrics::{
    Confusion, CrossValidation, Evaluation, Int8Evaluation, SplitMetrics, Spreads, Totals,
};

use crate::format::count;
use crate::{Error, Params};

pub(crate) use doubtful::Doubtful;
pub(crate) use explanations::Explanation;
pub(crate) use map::{Map, Place};
pub(crate) use rejects::Rejects;
pub(crate) use rows::{Lengths, RowFacts};
pub(crate) use test_rows::{Cell, TestRow, TestRows};
pub(crate) use texts::Texts;
pub(crate) use words::{TypicalWord, WordFacts};

/// Everything that the page shows.
pub(crate) struct Facts {
    /// The label map.
    pub(crate) labels: LabelMap,
    /// `metrics.json`.
    pub(crate) evaluation: Evaluation,
    /// The findings of the audit.
    pub(crate) findings: Findings,
    /// The predictions of the test rows, and which of them are shown.
    pub(crate) test_rows: TestRows,
    /// The word attributions of some of the mistakes, by id.
    pub(crate) explanations: BTreeMap<String, Explanation>,
    /// Rows whose label the audit doubts, the most doubtful first.
    pub(crate) doubtful: Vec<Doubtful>,
    /// Who doubts them.
    pub(crate) doubter: String,
    /// The projection of the test rows onto a plane.
    pub(crate) map: Map,
    /// The losses and metrics of each epoch.
    pub(crate) history: Vec<HistoryRow>,
    /// The beginnings of the shown documents, and the languages.
    pub(crate) texts: Texts,
    /// Rows by label and part, lengths, duplicates.
    pub(crate) rows: RowFacts,
    /// The words of the training texts.
    pub(crate) words: WordFacts,
    /// The rejected rows, by the stage that rejected them.
    pub(crate) rejects: Vec<(StageId, Rejects)>,
    /// What each stage before this one was run with; none where its lock cannot be read.
    pub(crate) locks: Vec<(StageId, Option<StageLock>)>,
}

impl Facts {
    /// Reads all artifacts.
    pub(crate) fn read(
        params: &Params,
        artifacts: Artifacts<'_>,
        reporter: &dyn Reporter,
    ) -> Result<Self, Error> {
        let labels = LabelMap::read(artifacts)?;
        let evaluation = Evaluation::read(artifacts)?;
        check_shape(&evaluation, &labels, artifacts)?;
        let findings = Findings::read(artifacts)?;
        let doubtful = doubtful::of(&findings);
        let training_texts = evaluation
            .splits
            .get(&Split::Train)
            .map_or(0, |metrics| metrics.rows);
        let mut words = WordFacts::new(labels.len(), training_texts);
        // Two halves of about the same work. Only one of them reports: progress is one line.
        let (rows, predicted) = rayon::join(
            || rows::read(artifacts, &labels, &mut words, reporter),
            || read_predicted(artifacts, &labels, &evaluation, params, &doubtful),
        );
        let (rows, (test_rows, map, texts)) = (rows?, predicted?);
        let rejects = [StageId::Ingest, StageId::Preprocess]
            .into_iter()
            .map(|stage| Ok((stage, rejects::read(artifacts, stage)?)))
            .collect::<Result<_, Error>>()?;
        Ok(Self {
            test_rows,
            explanations: explanations::read(artifacts)?,
            doubtful,
            doubter: doubtful::judge(&findings),
            map,
            texts,
            findings,
            rejects,
            history: read_table(artifacts)?,
            rows,
            words,
            locks: read_locks(artifacts),
            labels,
            evaluation,
        })
    }

    /// The model's figures of a part that has rows.
    pub(crate) fn model(&self, split: Split) -> Option<&SplitMetrics> {
        self.evaluation
            .splits
            .get(&split)
            .filter(|metrics| metrics.rows > 0)
    }

    /// The cost of predicting in int8, where that was measured.
    pub(crate) fn int8(&self) -> Option<&Int8Evaluation> {
        self.evaluation.int8.as_ref().filter(|int8| int8.test.rows > 0)
    }

    /// The figures of several models of the same recipe, each with what they are: of other seeds, and of the folds of a
    /// cross-validation.
    pub(crate) fn spreads(&self) -> Vec<(String, &Spreads)> {
        let seeds = self.evaluation.repeats.iter().flatten().rev();
        let seeds = seeds.map(|(split, spreads)| {
            let models = spreads.accuracy.values.len();
            (format!("{models} seeds, {split}"), spreads)
        });
        let folds = self.evaluation.cross_validation.iter();
        let folds = folds.map(|CrossValidation { rows, folds }| {
            let models = folds.accuracy.values.len();
            (
                format!("{models} folds of the {} training rows", count(*rows)),
                folds,
            )
        });
        seeds.chain(folds).collect()
    }

    /// The baseline's figures of a part that has rows.
    pub(crate) fn baseline(&self, split: Split) -> Option<&SplitMetrics> {
        self.evaluation
            .baseline
            .splits
            .get(&split)
            .filter(|metrics| metrics.rows > 0)
    }

    /// The model's hits and rows of a part that has rows.
    pub(crate) fn hits(&self, split: Split) -> Option<(u64, u64)> {
        self.model(split).map(|metrics| (diagonal(metrics), metrics.rows))
    }

    /// What the baseline is, in a few words.
    pub(crate) fn baseline_name(&self) -> String {
        crate::text::label(&self.evaluation.baseline.name)
    }

    /// The class's name as it is shown.
    pub(crate) fn label(&self, class: usize) -> String {
        self.labels
            .names()
            .get(class)
            .map(|name| crate::text::label(name))
            .unwrap_or_default()
    }
}

/// Predictions, and the texts of those that are shown.
fn read_predicted(
    artifacts: Artifacts<'_>,
    labels: &LabelMap,
    evaluation: &Evaluation,
    params: &Params,
    doubtful: &[Doubtful],
) -> Result<(TestRows, Map, Texts), Error> {
    let mut map = Map::read(artifacts)?;
    let test_rows = test_rows::read(artifacts, labels, evaluation, params.worst_mistakes, &mut map)?;
    let texts = texts::read(artifacts, &ids(&test_rows), doubtful)?;
    Ok((test_rows, map, texts))
}

/// The rows whose texts are shown.
fn ids(rows: &TestRows) -> BTreeSet<&str> {
    let examples = rows.examples.values().flatten();
    rows.worst
        .iter()
        .chain(examples)
        .map(|row| row.id.as_str())
        .collect()
}

fn diagonal(metrics: &SplitMetrics) -> u64 {
    let own = |(class, row): (usize, &Vec<u64>)| row.get(class).copied().unwrap_or(0);
    metrics.confusion.iter().enumerate().map(own).sum()
}

fn read_locks(artifacts: Artifacts<'_>) -> Vec<(StageId, Option<StageLock>)> {
    StageId::ALL
        .into_iter()
        .filter(|&stage| stage != StageId::Report)
        .map(|stage| (stage, artifacts.lock(stage)))
        .collect()
}

/// Refuses figures that are not of these classes: everything on the page is found by the place of its class.
fn check_shape(evaluation: &Evaluation, labels: &LabelMap, artifacts: Artifacts<'_>) -> Result<(), Error> {
    if evaluation.labels != labels.names() {
        return Err(Error::Contradiction {
            first: "ingest/labels.json",
            second: "evaluate/metrics.json",
            problem: format!(
                "{} labels in the one, {} in the other, or in another order",
                labels.len(),
                evaluation.labels.len()
            ),
            stage: StageId::Evaluate,
        });
    }
    let model = evaluation.splits.iter();
    for (split, metrics) in model.chain(&evaluation.baseline.splits) {
        check_counts(metrics, labels.len())
            .map_err(|problem| artifacts.damaged(Evaluation::KIND, format!("its {split} part {problem}")))?;
    }
    Ok(())
}

fn check_counts(metrics: &SplitMetrics, classes: usize) -> Result<(), String> {
    let found = (metrics.confusion.len(), metrics.per_class.len());
    if found != (classes, classes) {
        return Err(format!(
            "has a confusion matrix of {} classes and figures of {}, expected {classes}",
            found.0, found.1
        ));
    }
    let totals = totals(metrics).map_err(|error| format!("has no confusion matrix: {error}"))?;
    if totals.rows != metrics.rows {
        return Err(format!(
            "counts {} rows in the confusion matrix and {} in all",
            totals.rows, metrics.rows
        ));
    }
    Ok(())
}

fn totals(metrics: &SplitMetrics) -> Result<Totals, labelproof_metrics::Error> {
    Confusion::from_matrix(&metrics.confusion).map(|confusion| confusion.totals())
}

/// The rows of a table, one after the other.
fn one_by_one<R: Row>(reader: TableReader<R>) -> impl Iterator<Item = Result<R, ArtifactError>> {
    reader.flat_map(|batch| {
        let (rows, error) = match batch {
            Ok(rows) => (rows, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        rows.into_iter().map(Ok).chain(error.map(Err))
    })
}
