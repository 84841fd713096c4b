//! `labelproof compare`: the parameters, the metrics and the predicted test rows of two runs.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use labelproof_artifact::{ArtifactError, Artifacts, Prediction, Split, StageId, StageLock, TableReader};
use labelproof_driver::plan::{Changed, changed_values};
use labelproof_driver::{ExitCode, Failure, Printer, Verbosity, folder_of_artifacts, printer};
use labelproof_metrics::comparison::{Better, McNemar, mcnemar};
use labelproof_metrics::{Estimate, Evaluation, SplitMetrics, Spread, Spreads};
use serde_json::{Value, json};

/// The two folders of artifacts, and the form of the answer.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  labelproof run --artifacts artifacts/longer --set train.epochs=80
  labelproof compare artifacts artifacts/longer")]
pub struct CompareArgs {
    /// Folder of artifacts of the first run, or its address
    #[arg(value_name = "A")]
    pub first: PathBuf,
    /// Folder of artifacts of the second run, or its address
    #[arg(value_name = "B")]
    pub second: PathBuf,
    /// Print JSON, with every row that only one of the runs classifies correctly
    #[arg(long)]
    pub json: bool,
}

/// How many rows of each kind the text lists at most.
const LISTED: usize = 10;

/// A metric's name, and how to get it.
type Metric = (&'static str, fn(&SplitMetrics) -> Estimate);

/// The metrics that are shown, in this order.
const METRICS: [Metric; 6] = [
    ("accuracy", |metrics| metrics.accuracy),
    ("balanced accuracy", |metrics| metrics.balanced_accuracy),
    ("macro F1", |metrics| metrics.f1_macro),
    ("AUC", |metrics| metrics.roc_auc),
    ("loss", |metrics| metrics.loss),
    ("calibration error", |metrics| metrics.ece),
];

/// A figure of several models, and how to get it.
type SpreadOf = (&'static str, fn(&Evaluation) -> Option<&Spread>);

/// The figures of several models that are shown: those of other seeds on test, and those of held-out folds.
const SPREADS: [SpreadOf; 4] = [
    ("accuracy, seeds", |run| seeds(run).map(|seeds| &seeds.accuracy)),
    ("macro F1, seeds", |run| seeds(run).map(|seeds| &seeds.f1_macro)),
    ("accuracy, folds", |run| folds(run).map(|folds| &folds.accuracy)),
    ("macro F1, folds", |run| folds(run).map(|folds| &folds.f1_macro)),
];

fn seeds(evaluation: &Evaluation) -> Option<&Spreads> {
    evaluation.repeats.as_ref()?.get(&Split::Test)
}

fn folds(evaluation: &Evaluation) -> Option<&Spreads> {
    Some(&evaluation.cross_validation.as_ref()?.folds)
}

pub(super) fn run(args: &CompareArgs) -> Result<ExitCode, Failure> {
    let printer = Printer::new(Verbosity::choose(false));
    let folder = |artifacts: &Path| folder_of_artifacts(artifacts, &printer);
    let (of_first, of_second) = (folder(&args.first)?, folder(&args.second)?);
    let read = |artifacts: &Path| Evaluation::read(Artifacts::all(artifacts));
    let (first, second) = (read(&of_first)?, read(&of_second)?);
    let comparison = Comparison {
        parameters: parameters(&of_first, &of_second),
        metrics: metrics(&first, &second),
        spreads: spreads(&first, &second),
        rows: Rows::read(&of_first, &of_second)?,
    };
    if args.json {
        let text = serde_json::to_string_pretty(&comparison.json());
        printer::data(&text.expect("a JSON value always serialises"));
    } else {
        printer::data(comparison.text().trim_end());
    }
    Ok(ExitCode::Success)
}

/// Everything in which two runs differ.
struct Comparison {
    parameters: Vec<Changed>,
    /// The name of each metric, and its estimates on the test rows of the first and of the second run.
    metrics: Vec<(&'static str, Estimate, Estimate)>,
    /// What a figure of several models is, and those of the first and of the second run that have it.
    spreads: Vec<(&'static str, Option<Spread>, Option<Spread>)>,
    rows: Rows,
}

/// A test row of both runs that only one of them classifies correctly.
struct ChangedRow {
    id: String,
    label: String,
    first: String,
    second: String,
}

/// The test rows of two runs, joined by id.
struct Rows {
    shared: usize,
    only_in_first: usize,
    only_in_second: usize,
    test: McNemar,
    lost: Vec<ChangedRow>,
    won: Vec<ChangedRow>,
}

/// The parameters in which the stages that ran in both folders differ.
fn parameters(first: &Path, second: &Path) -> Vec<Changed> {
    let of_stage = |stage: StageId| {
        let lock = |artifacts: &Path| StageLock::read(&artifacts.join(stage.name()));
        let (first, second) = lock(first).zip(lock(second))?;
        Some(changed_values(stage.name(), &first.params, &second.params))
    };
    StageId::ALL.into_iter().filter_map(of_stage).flatten().collect()
}

/// The metrics of the test rows, if both runs have some.
fn metrics(first: &Evaluation, second: &Evaluation) -> Vec<(&'static str, Estimate, Estimate)> {
    let (Some(first), Some(second)) = (first.splits.get(&Split::Test), second.splits.get(&Split::Test))
    else {
        return Vec::new();
    };
    let both = METRICS
        .iter()
        .map(|(name, read)| (*name, read(first), read(second)));
    both.collect()
}

/// The figures of several models that at least one of the runs has.
fn spreads(first: &Evaluation, second: &Evaluation) -> Vec<(&'static str, Option<Spread>, Option<Spread>)> {
    let pairs = SPREADS
        .iter()
        .map(|(name, read)| (*name, read(first).cloned(), read(second).cloned()));
    pairs
        .filter(|(_, first, second)| first.is_some() || second.is_some())
        .collect()
}

impl Rows {
    fn read(first: &Path, second: &Path) -> Result<Self, ArtifactError> {
        let (first, mut second) = (test_rows(first)?, test_rows(second)?);
        let (mut first_hits, mut second_hits) = (Vec::new(), Vec::new());
        let (mut lost, mut won, mut only_in_first) = (Vec::new(), Vec::new(), 0);
        for (id, one) in first {
            let Some(other) = second.remove(&id) else {
                only_in_first += 1;
                continue;
            };
            let (hit, other_hit) = (one.predicted == one.label, other.predicted == other.label);
            first_hits.push(hit);
            second_hits.push(other_hit);
            let changed = ChangedRow {
                id,
                label: one.label,
                first: one.predicted,
                second: other.predicted,
            };
            match (hit, other_hit) {
                (true, false) => lost.push(changed),
                (false, true) => won.push(changed),
                _ => {}
            }
        }
        Ok(Self {
            shared: first_hits.len(),
            only_in_first,
            only_in_second: second.len(),
            test: mcnemar(&first_hits, &second_hits).expect("both have an entry for each shared row"),
            lost,
            won,
        })
    }
}

/// The predictions of the test rows by id.
fn test_rows(artifacts: &Path) -> Result<BTreeMap<String, Prediction>, ArtifactError> {
    let mut rows = BTreeMap::new();
    for batch in TableReader::<Prediction>::open(Artifacts::all(artifacts))? {
        let of_test = batch?.into_iter().filter(|row| row.split == Split::Test);
        rows.extend(of_test.map(|row| (row.id.clone(), row)));
    }
    Ok(rows)
}

impl Comparison {
    fn text(&self) -> String {
        let mut text = String::new();
        if self.parameters.is_empty() {
            text.push_str("The parameters are the same.\n");
        }
        for (key, first, second) in &self.parameters {
            let _ = writeln!(text, "{key}  {first} -> {second}");
        }
        let _ = writeln!(text, "\n{:<18} {:<24} B", "test rows", "A");
        for (name, first, second) in &self.metrics {
            let _ = writeln!(text, "{name:<18} {:<24} {}", estimate(*first), estimate(*second));
        }
        for (name, first, second) in &self.spreads {
            let _ = writeln!(
                text,
                "{name:<18} {:<24} {}",
                spread(first.as_ref()),
                spread(second.as_ref())
            );
        }
        let rows = &self.rows;
        if rows.shared == 0 {
            text.push_str("\nNo test row is in both: their figures cannot be compared row by row.\n");
            return text;
        }
        let _ = writeln!(
            text,
            "\nOf {} test rows that both have, {} are right in A alone and {} in B alone: {}.",
            rows.shared,
            rows.lost.len(),
            rows.won.len(),
            conclusion(rows.test),
        );
        if rows.only_in_first + rows.only_in_second > 0 {
            let _ = writeln!(
                text,
                "{} test rows are in A alone, {} in B alone; they are not compared.",
                rows.only_in_first, rows.only_in_second
            );
        }
        list(&mut text, "Right in A, wrong in B", &rows.lost);
        list(&mut text, "Wrong in A, right in B", &rows.won);
        text
    }

    fn json(&self) -> Value {
        let parameter = |(key, first, second): &Changed| json!({ "key": key, "first": value(first), "second": value(second) });
        let metric = |(name, first, second): &(&str, Estimate, Estimate)| json!({ "name": name, "first": first, "second": second });
        let spread = |(name, first, second): &(&str, Option<Spread>, Option<Spread>)| json!({ "name": name, "first": first, "second": second });
        let row = |row: &ChangedRow| {
            let ChangedRow {
                id,
                label,
                first,
                second,
            } = row;
            json!({ "id": id, "label": label, "first": first, "second": second })
        };
        let rows = &self.rows;
        json!({
            "parameters": self.parameters.iter().map(parameter).collect::<Value>(),
            "metrics": self.metrics.iter().map(metric).collect::<Value>(),
            "spreads": self.spreads.iter().map(spread).collect::<Value>(),
            "shared_test_rows": rows.shared,
            "test_rows_only_in_first": rows.only_in_first,
            "test_rows_only_in_second": rows.only_in_second,
            "mcnemar": {
                "only_first": rows.test.only_first,
                "only_second": rows.test.only_second,
                "p_value": rows.test.p_value,
            },
            "right_in_first_only": rows.lost.iter().map(row).collect::<Value>(),
            "right_in_second_only": rows.won.iter().map(row).collect::<Value>(),
        })
    }
}

/// A parameter's value, which is JSON as the lock holds it.
fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
}

fn estimate(estimate: Estimate) -> String {
    match (estimate.value, estimate.low, estimate.high) {
        (Some(value), Some(low), Some(high)) => format!("{value:.3} ({low:.3} to {high:.3})"),
        (Some(value), ..) => format!("{value:.3}"),
        (None, ..) => "–".to_owned(),
    }
}

/// The mean and the standard deviation of several models' figures.
fn spread(spread: Option<&Spread>) -> String {
    spread.map_or_else(
        || "–".to_owned(),
        |spread| {
            format!(
                "{:.3} ± {:.3} ({} models)",
                spread.mean,
                spread.standard_deviation,
                spread.values.len()
            )
        },
    )
}

/// What McNemar's test says, in words.
fn conclusion(test: McNemar) -> String {
    let verdict = match test.better() {
        Better::First => "A is better",
        Better::Second => "B is better",
        Better::Neither => "no more than chance makes",
    };
    let p_value = if test.p_value < 0.001 {
        "p < 0.001".to_owned()
    } else {
        format!("p = {:.3}", test.p_value)
    };
    format!("{verdict} (McNemar, {p_value})")
}

fn list(text: &mut String, title: &str, rows: &[ChangedRow]) {
    if rows.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{title}:");
    for row in rows.iter().take(LISTED) {
        let _ = writeln!(
            text,
            "  {}  is `{}`, A says `{}`, B says `{}`",
            row.id, row.label, row.first, row.second
        );
    }
    if rows.len() > LISTED {
        let _ = writeln!(text, "  and {} more (--json lists them)", rows.len() - LISTED);
    }
}
