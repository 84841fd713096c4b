//! `report.json`: the numbers of the page, for programs. Nothing is rounded and little is left out; what is,
//! is in the artifacts of the other stages.

use std::collections::BTreeMap;
use std::path::Path;

use labelproof_artifact::findings::{Finding, Findings, Status};
use labelproof_artifact::{HistoryRow, Kind, Split, StageId, StageLock, json};
use labelproof_metrics::Evaluation;
use serde::Serialize;

use crate::facts::{Facts, TestRow, TypicalWord};
use crate::judgement::Judgement;
use crate::sections::confusion::confused_classes;
use crate::{Error, NUMBERS, Params};

/// The file that report writes.
const KIND: Kind = Kind {
    stage: StageId::Report,
    file: NUMBERS,
    format: 1,
};

/// The most words of a label that are listed.
const WORDS_LISTED: usize = 30;

/// The quantiles of lengths, in hundredths.
const QUANTILES: [u64; 7] = [0, 5, 25, 50, 75, 95, 100];

#[derive(Serialize)]
struct Numbers<'a> {
    title: &'a str,
    audit: Audit<'a>,
    comparison: Comparison<'a>,
    /// The metrics, as in `evaluate/metrics.json`.
    metrics: &'a Evaluation,
    confused_pairs: Vec<Pair<'a>>,
    mistakes: Mistakes<'a>,
    doubtful_labels: Vec<BTreeMap<&'static str, &'a str>>,
    words: BTreeMap<&'a str, Vec<Term>>,
    training: &'a [HistoryRow],
    data: Data<'a>,
    stages: BTreeMap<&'static str, Option<&'a StageLock>>,
}

#[derive(Serialize)]
struct Audit<'a> {
    verdict: &'static str,
    headline: &'a str,
    /// The causes that were found; all answers are in `audit/audit.json`.
    found: Vec<&'a Finding>,
    clear: usize,
    not_checked: usize,
}

#[derive(Serialize)]
struct Comparison<'a> {
    headline: &'a str,
    sentences: &'a [String],
    only_model_right: u64,
    only_baseline_right: u64,
    p_value: f64,
}

#[derive(Serialize)]
struct Pair<'a> {
    label: &'a str,
    predicted: &'a str,
    rows: u64,
}

#[derive(Serialize)]
struct Mistakes<'a> {
    test_rows: u64,
    worst: Vec<Mistake<'a>>,
}

#[derive(Serialize)]
struct Mistake<'a> {
    id: &'a str,
    label: &'a str,
    predicted: &'a str,
    probability: Option<f64>,
    probability_of_label: Option<f64>,
    loss: f64,
    baseline_predicted: &'a str,
}

#[derive(Serialize)]
struct Term {
    word: String,
    texts_with_it: u64,
    texts: u64,
    other_texts_with_it: u64,
    other_texts: u64,
    log_odds_ratio: f64,
    low: f64,
    high: f64,
}

#[derive(Serialize)]
struct Data<'a> {
    documents: u64,
    labels: BTreeMap<&'a str, Label>,
    duplicate_groups: u64,
    duplicate_rows: u64,
    duplicate_groups_across_labels: u64,
    duplicate_groups_in_train_and_elsewhere: u64,
    rejects: BTreeMap<&'static str, BTreeMap<&'a str, u64>>,
    language_sample: u64,
    languages: &'a BTreeMap<&'static str, u64>,
}

#[derive(Serialize)]
struct Label {
    rows: BTreeMap<Split, u64>,
    /// The quantiles of the lengths in tokens, by hundredth.
    token_quantiles: BTreeMap<u64, Option<u32>>,
    truncated_rows: u64,
}

/// Writes the file into report's output folder.
pub(crate) fn write(out: &Path, params: &Params, facts: &Facts, judgement: &Judgement) -> Result<(), Error> {
    let comparison = facts.test_rows.comparison;
    let numbers = Numbers {
        title: params.heading(),
        audit: audit(&facts.findings),
        comparison: Comparison {
            headline: &judgement.headline,
            sentences: &judgement.sentences,
            only_model_right: comparison.only_first,
            only_baseline_right: comparison.only_second,
            p_value: comparison.p_value,
        },
        metrics: &facts.evaluation,
        confused_pairs: confused_classes(facts)
            .into_iter()
            .map(|(rows, class, predicted)| Pair {
                label: facts.labels.name(class),
                predicted: facts.labels.name(predicted),
                rows,
            })
            .collect(),
        mistakes: Mistakes {
            test_rows: facts.test_rows.mistakes,
            worst: facts.test_rows.worst.iter().map(mistake).collect(),
        },
        doubtful_labels: facts
            .doubtful
            .iter()
            .map(|row| {
                BTreeMap::from([
                    ("id", row.id.as_str()),
                    ("part", &row.part),
                    ("label", &row.label),
                    ("suggestion", &row.suggestion),
                ])
            })
            .collect(),
        words: words(facts),
        training: &facts.history,
        data: data(facts),
        stages: facts
            .locks
            .iter()
            .map(|(stage, lock)| (stage.name(), lock.as_ref()))
            .collect(),
    };
    Ok(json::write_artifact(KIND, out, &numbers)?)
}

fn audit(findings: &Findings) -> Audit<'_> {
    Audit {
        verdict: findings.verdict.name(),
        headline: &findings.headline,
        found: findings.of(Status::Found).collect(),
        clear: findings.of(Status::Clear).count(),
        not_checked: findings.of(Status::NotChecked).count(),
    }
}

fn mistake(row: &TestRow) -> Mistake<'_> {
    Mistake {
        id: &row.id,
        label: &row.label,
        predicted: &row.predicted,
        probability: row.probability,
        probability_of_label: row.probability_of_label,
        loss: row.loss,
        baseline_predicted: &row.baseline_predicted,
    }
}

fn words(facts: &Facts) -> BTreeMap<&str, Vec<Term>> {
    let term = |word: TypicalWord| Term {
        texts_with_it: word.inside.with,
        texts: word.inside.texts,
        other_texts_with_it: word.outside.with,
        other_texts: word.outside.texts,
        log_odds_ratio: word.contrast.log_odds_ratio,
        low: word.contrast.low,
        high: word.contrast.high,
        word: word.word,
    };
    (0..facts.words.classes())
        .map(|class| {
            let typical = facts.words.typical(class).into_iter().take(WORDS_LISTED);
            (facts.labels.name(class), typical.map(term).collect())
        })
        .collect()
}

fn data(facts: &Facts) -> Data<'_> {
    let label = |class: usize| {
        let lengths = &facts.rows.lengths[class];
        Label {
            rows: Split::ALL
                .into_iter()
                .map(|split| (split, facts.rows.counts[class][split as usize]))
                .collect(),
            token_quantiles: QUANTILES
                .into_iter()
                .map(|hundredth| (hundredth, lengths.quantile(hundredth)))
                .collect(),
            truncated_rows: lengths.truncated,
        }
    };
    let duplicates = &facts.rows.duplicates;
    Data {
        documents: facts.texts.documents,
        labels: (0..facts.labels.len())
            .map(|class| (facts.labels.name(class), label(class)))
            .collect(),
        duplicate_groups: duplicates.groups,
        duplicate_rows: duplicates.rows,
        duplicate_groups_across_labels: duplicates.across_labels,
        duplicate_groups_in_train_and_elsewhere: duplicates.across_parts,
        rejects: facts
            .rejects
            .iter()
            .map(|(stage, rejects)| {
                let reasons = rejects.reasons.iter();
                (
                    stage.name(),
                    reasons
                        .map(|(reason, (rows, _))| (reason.as_str(), *rows))
                        .collect(),
                )
            })
            .collect(),
        language_sample: facts.texts.languages.looked_at,
        languages: &facts.texts.languages.counts,
    }
}
