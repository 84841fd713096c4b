//! The stage: predicts, checks, scores.

use std::collections::BTreeMap;
use std::path::Path;

use labelproof_artifact::{
    Artifacts, BUNDLE, FeatureRow, LabelMap, Prediction, Reporter, Row, Split, TableWriter, read_table,
    write_table,
};
use labelproof_baseline::Baseline;
use labelproof_kernels::device;
use labelproof_metrics::comparison::mcnemar;
use labelproof_metrics::{
    BaselineEvaluation, Bootstrap, Evaluation, Int8Evaluation, OperatingPoint, Scored, SplitMetrics, argmax,
    cross_entropy, operating_points, softmax, summarize,
};
use labelproof_model::{Bundle, DeviceChoice, Logits, Precision};
use labelproof_settings::evaluate::{Params, STAGE};

use crate::error::Error;
use crate::explain;
use crate::map;
use crate::rows::{self, Rows};

/// Evaluates the bundle in `artifacts/train/model`. Writes `predictions.parquet`, `metrics.json`,
/// `attributions.parquet` and `map.parquet` into `out`.
pub fn run(
    params: &Params,
    artifacts: &Path,
    choice: DeviceChoice,
    out: &Path,
    reporter: &dyn Reporter,
) -> Result<(), Error> {
    let artifacts = Artifacts::for_stage(artifacts, &STAGE);
    let labels = LabelMap::read(artifacts)?;
    let bundle = Bundle::load(&artifacts.path(BUNDLE), &device::open(choice)?)?;
    if bundle.labels != labels {
        let list = |labels: &LabelMap| labels.names().join(", ");
        return Err(Error::Labels {
            bundle: list(&bundle.labels),
            documents: list(&labels),
        });
    }
    let splits = rows::read(artifacts, &labels)?;
    let (logits, test_features) = predict(&bundle, &splits, artifacts, reporter)?;
    let baseline = train_baseline(&splits, labels.len(), reporter);

    let mut writer = TableWriter::create(out)?;
    let mut metrics = BTreeMap::new();
    let mut baseline_metrics = BTreeMap::new();
    for (&split, rows) in &splits {
        let model = Scoring::from_logits(&logits[&split], &rows.labels);
        let cheap = Scoring::from_probabilities(baseline.predict(&rows.cleaned), &rows.labels, labels.len());
        metrics.insert(split, model.summarize(split, rows, &labels, params.seed)?);
        baseline_metrics.insert(split, cheap.summarize(split, rows, &labels, params.seed)?);
        for (row, logits) in logits[&split].rows().enumerate() {
            let baseline_probabilities = cheap.row(row, labels.len());
            writer.push(Prediction {
                id: rows.ids[row].clone(),
                split,
                label: labels.name(rows.labels[row] as usize).to_owned(),
                predicted: labels.name(argmax(logits)).to_owned(),
                logits: logits.to_vec(),
                probabilities: model.row(row, labels.len()).to_vec(),
                loss: model.losses[row],
                baseline_predicted: labels.name(argmax(baseline_probabilities)).to_owned(),
                baseline_probabilities: baseline_probabilities.to_vec(),
            })?;
        }
    }
    writer.finish()?;
    let test = (&logits[&Split::Test], &splits[&Split::Test]);
    let explained = explain::mistakes(&bundle, test.0, test.1, params.explained_mistakes, reporter)?;
    write_table(out, explained)?;
    reporter.started("drawing the map of the test rows", None);
    write_table(out, map::points(&test_features, test.0, test.1, params.seed))?;
    reporter.finished();
    let int8 = if params.int8 {
        Some(evaluate_int8(
            &bundle.in_int8(),
            test.0,
            test.1,
            params.seed,
            reporter,
        )?)
    } else {
        None
    };
    let evaluation = Evaluation {
        labels: labels.names().to_vec(),
        splits: metrics,
        baseline: BaselineEvaluation {
            name: labelproof_baseline::NAME.to_owned(),
            splits: baseline_metrics,
        },
        operating_points: thresholds(&logits, &splits, &labels)?,
        int8,
    };
    evaluation.write(out)?;
    describe(&evaluation, reporter);
    Ok(())
}

/// Logits of every split, and the pooled vectors of the test rows: from text, but for the training and validation rows of a frozen
/// encoder, whose features training kept.
fn predict(
    bundle: &Bundle,
    splits: &BTreeMap<Split, Rows>,
    artifacts: Artifacts<'_>,
    reporter: &dyn Reporter,
) -> Result<(BTreeMap<Split, Logits>, Vec<f32>), Error> {
    let features_kept = artifacts.path(FeatureRow::KIND).exists();
    let from_text: Vec<Split> = Split::ALL
        .into_iter()
        .filter(|split| !features_kept || *split == Split::Test)
        .collect();
    let total: usize = from_text.iter().map(|split| splits[split].ids.len()).sum();
    reporter.started("predicting from text", Some(total as u64));
    let mut logits = BTreeMap::new();
    let mut test_features = Vec::new();
    for split in from_text {
        let texts = &splits[&split].texts;
        let done = |rows: usize| reporter.advance(rows as u64, split.name());
        let scores = if split == Split::Test {
            let (scores, features) = bundle.predict_with_features(texts, done)?;
            test_features = features;
            scores
        } else {
            bundle.predict(texts, done)?
        };
        logits.insert(split, scores);
    }
    reporter.finished();
    if features_kept {
        let kept: BTreeMap<String, Vec<f32>> = read_table::<FeatureRow>(artifacts)?
            .into_iter()
            .map(|row| (row.id, row.values))
            .collect();
        for split in [Split::Train, Split::Validation] {
            logits.insert(split, predict_kept(bundle, &splits[&split], &kept, artifacts)?);
        }
    }
    Ok((logits, test_features))
}

/// Rows of a split that are predicted from their text although their features were kept.
const REPEATED_ROWS: usize = 8;
/// How far both logits of such a row may be apart, relative to the larger of 1 and the logit itself: by rounding in batches of
/// another size.
fn feature_tolerance(precision: Precision) -> f32 {
    match precision {
        Precision::Float32 => 1e-4,
        Precision::Bfloat16 | Precision::Int8 => 5e-2,
    }
}

fn predict_kept(
    bundle: &Bundle,
    rows: &Rows,
    kept: &BTreeMap<String, Vec<f32>>,
    artifacts: Artifacts<'_>,
) -> Result<Logits, Error> {
    let mut features = Vec::new();
    for id in &rows.ids {
        let Some(values) = kept.get(id) else {
            let problem = format!("row `{id}` is missing");
            return Err(artifacts.damaged(FeatureRow::KIND, problem).into());
        };
        features.extend_from_slice(values);
    }
    let scores = bundle.predict_features(&features);
    // Evenly over the rows, so that no part of the table goes unchecked.
    let step = rows.ids.len().div_ceil(REPEATED_ROWS).max(1);
    let chosen: Vec<usize> = (0..rows.ids.len()).step_by(step).collect();
    let texts: Vec<&str> = chosen.iter().map(|&row| rows.texts[row].as_str()).collect();
    let repeated = bundle.predict(&texts, |_| ())?;
    let all: Vec<&[f32]> = scores.rows().collect();
    let tolerance = feature_tolerance(bundle.description.precision);
    for (&row, predicted) in chosen.iter().zip(repeated.rows()) {
        for (&kept, &predicted) in all[row].iter().zip(predicted) {
            // Written so that a NaN fails too.
            let close = (kept - predicted).abs() <= tolerance * kept.abs().max(1.0);
            if !close {
                return Err(Error::Features {
                    id: rows.ids[row].clone(),
                    kept,
                    predicted,
                });
            }
        }
    }
    Ok(scores)
}

/// Scores the test rows once more, by a bundle in int8; `scores` are those of its own precision.
fn evaluate_int8(
    bundle: &Bundle,
    scores: &Logits,
    test: &Rows,
    seed: u64,
    reporter: &dyn Reporter,
) -> Result<Int8Evaluation, Error> {
    reporter.started("predicting with int8", Some(test.ids.len() as u64));
    let in_int8 = bundle.predict(&test.texts, |rows| reporter.advance(rows as u64, "test"))?;
    reporter.finished();
    let predicted = |scores: &Logits| -> Vec<usize> { scores.rows().map(argmax).collect() };
    let (own, other) = (predicted(scores), predicted(&in_int8));
    let hits = |predicted: &[usize]| -> Vec<bool> {
        let pairs = predicted.iter().zip(&test.labels);
        pairs
            .map(|(&predicted, &label)| predicted == label as usize)
            .collect()
    };
    let comparison = mcnemar(&hits(&own), &hits(&other));
    Ok(Int8Evaluation {
        test: Scoring::from_logits(&in_int8, &test.labels).summarize(
            Split::Test,
            test,
            &bundle.labels,
            seed,
        )?,
        other_labels: own.iter().zip(&other).filter(|(own, other)| own != other).count() as u64,
        comparison: comparison.map_err(|source| Error::Score {
            split: Split::Test,
            source,
        })?,
    })
}

/// The model's thresholds, chosen on validation and tried on test.
fn thresholds(
    logits: &BTreeMap<Split, Logits>,
    splits: &BTreeMap<Split, Rows>,
    labels: &LabelMap,
) -> Result<Vec<OperatingPoint>, Error> {
    let scoring = |split: Split| Scoring::from_logits(&logits[&split], &splits[&split].labels);
    let (validation, test) = (scoring(Split::Validation), scoring(Split::Test));
    Ok(operating_points(
        &validation.scored(Split::Validation, &splits[&Split::Validation], labels)?,
        &test.scored(Split::Test, &splits[&Split::Test], labels)?,
    ))
}

fn train_baseline(splits: &BTreeMap<Split, Rows>, classes: usize, reporter: &dyn Reporter) -> Baseline {
    reporter.started("training the baseline", None);
    let train = &splits[&Split::Train];
    let baseline = Baseline::train(&train.cleaned, &train.labels, classes);
    reporter.finished();
    baseline
}

/// One model's probabilities and losses on one split.
struct Scoring {
    /// `[rows, classes]`, row-major.
    probabilities: Vec<f64>,
    losses: Vec<f64>,
}

impl Scoring {
    fn from_logits(scores: &Logits, labels: &[u32]) -> Self {
        let probabilities = scores.rows().flat_map(softmax).collect();
        let losses = scores
            .rows()
            .zip(labels)
            .map(|(logits, &label)| cross_entropy(logits, label as usize))
            .collect();
        Self {
            probabilities,
            losses,
        }
    }

    fn from_probabilities(probabilities: Vec<f64>, labels: &[u32], classes: usize) -> Self {
        let losses = probabilities
            .chunks_exact(classes)
            .zip(labels)
            // A probability that was rounded to nothing is taken as the smallest there is: its loss stays finite.
            .map(|(row, &label)| -row[label as usize].max(f64::MIN_POSITIVE).ln())
            .collect();
        Self {
            probabilities,
            losses,
        }
    }

    fn row(&self, row: usize, classes: usize) -> &[f64] {
        &self.probabilities[row * classes..(row + 1) * classes]
    }

    fn scored<'a>(&'a self, split: Split, rows: &'a Rows, labels: &LabelMap) -> Result<Scored<'a>, Error> {
        Scored::new(&rows.labels, &self.probabilities, &self.losses, labels.len())
            .map_err(|source| Error::Score { split, source })
    }

    fn summarize(
        &self,
        split: Split,
        rows: &Rows,
        labels: &LabelMap,
        seed: u64,
    ) -> Result<SplitMetrics, Error> {
        let scored = self.scored(split, rows, labels)?;
        let bootstrap = Bootstrap::for_rows(seed, rows.ids.len(), labels.len());
        Ok(summarize(&scored, labels.names(), bootstrap))
    }
}

fn describe(evaluation: &Evaluation, reporter: &dyn Reporter) {
    let percent =
        |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{:.1} %", 100.0 * value));
    let mut text = format!(
        "{:<12} {:>7}  {:<26} {}",
        "split", "rows", "accuracy (95 % interval)", "baseline"
    );
    for (split, metrics) in &evaluation.splits {
        let (model, cheap) = (metrics.accuracy, evaluation.baseline.splits[split].accuracy);
        let interval = format!(
            "{} ({} – {})",
            percent(model.value),
            percent(model.low),
            percent(model.high)
        );
        text.push_str(&format!(
            "\n{:<12} {:>7}  {interval:<26} {}",
            split.name(),
            metrics.rows,
            percent(cheap.value)
        ));
    }
    if let Some(int8) = &evaluation.int8 {
        text.push_str(&format!(
            "\nwith int8, test: accuracy {} instead of {}; {} of {} rows get another label",
            percent(int8.test.accuracy.value),
            percent(evaluation.splits[&Split::Test].accuracy.value),
            int8.other_labels,
            int8.test.rows,
        ));
    }
    reporter.message(&text);
}
