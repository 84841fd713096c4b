//! The evaluate stage: the bundle, as it lies on disk, predicts every row; the metrics of the model and of
//! the cheap baseline beside it.
//!
//! Responsible for predicting from *text*, as a user of the bundle would, and for joining predictions to
//! labels by id. What a metric is, is `labelproof-metrics`' business; nothing here trains the model.

mod cross_validation;
mod error;
mod explain;
mod int8;
mod map;
mod prediction;
mod repeats;
mod rows;
mod scoring;
mod summary;

use std::collections::BTreeMap;
use std::path::Path;

use labelproof_artifact::{
    Artifacts, BUNDLE, LabelMap, Prediction, Reporter, Split, TableWriter, write_table,
};
use labelproof_baseline::Baseline;
use labelproof_kernels::device;
use labelproof_kernels::workers::Workers;
use labelproof_metrics::decisions::{CalibratedRow, DecisionFigures, Questions};
use labelproof_metrics::{BaselineEvaluation, Bootstrap, Evaluation, Int8Evaluation, SplitMetrics, argmax};
use labelproof_model::{Bundle, DeviceChoice, Logits};

pub use error::Error;
pub use labelproof_settings::evaluate::{Params, STAGE};

use prediction::Predicted;
use rows::Rows;
use scoring::Scoring;

/// Evaluates the bundle in `artifacts/train/model`. Writes `predictions.parquet`, `metrics.json`,
/// `attributions.parquet` and `map.parquet` into `out`.
///
/// Of several processes, each of which calls this with a device of its own, all predict and the first alone
/// writes.
pub fn run(
    params: &Params,
    artifacts: &Path,
    (choice, workers): (DeviceChoice, &Workers),
    out: &Path,
    reporter: &dyn Reporter,
) -> Result<(), Error> {
    let artifacts = Artifacts::for_stage(artifacts, &STAGE);
    let labels = LabelMap::read(artifacts)?;
    let mut bundle = load(artifacts, choice, &labels)?;
    let splits = rows::read(artifacts, &labels)?;
    workers.agree("evaluate", "bundle", bundle.digest()?.as_str())?;
    let predicted = prediction::predict(&bundle, &splits, artifacts, workers, reporter)?;
    let repeated = repeats::predict(&mut bundle, &predicted, &splits, artifacts, workers, reporter)?;
    if !workers.is_first() {
        if params.int8 {
            int8::predict(&bundle.in_int8(), &splits[&Split::Test], workers, reporter)?;
        }
        return Ok(());
    }
    let baseline = train_baseline(&splits, labels.len(), reporter);
    let (metrics, baseline_metrics) =
        write_predictions(&predicted.logits, &baseline, &splits, &labels, params.seed, out)?;
    let decisions = decisions(
        params,
        &bundle,
        &predicted.logits[&Split::Test],
        &splits[&Split::Test],
    )?;
    write_explanations(params, &bundle, &predicted, &splits[&Split::Test], out, reporter)?;
    let int8 = evaluate_int8(
        params,
        bundle,
        &predicted,
        &splits[&Split::Test],
        (workers, reporter),
    )?;
    let evaluation = Evaluation {
        labels: labels.names().to_vec(),
        splits: metrics,
        baseline: BaselineEvaluation {
            name: labelproof_baseline::NAME.to_owned(),
            splits: baseline_metrics,
        },
        decisions,
        int8,
        cross_validation: cross_validation::figures(artifacts, &labels)?,
        repeats: repeated
            .map(|repeated| repeats::figures(&repeated, &splits, labels.len()))
            .transpose()?,
    };
    evaluation.write(out)?;
    reporter.message(&summary::text(&evaluation));
    Ok(())
}

/// Loads the bundle, which must have been trained on the labels of the documents.
fn load(artifacts: Artifacts<'_>, choice: DeviceChoice, labels: &LabelMap) -> Result<Bundle, Error> {
    let bundle = Bundle::load(&artifacts.path(BUNDLE), &device::open(choice)?)?;
    if bundle.labels == *labels {
        return Ok(bundle);
    }
    let list = |labels: &LabelMap| labels.names().join(", ");
    Err(Error::Labels {
        bundle: list(&bundle.labels),
        documents: list(labels),
    })
}

fn train_baseline(splits: &BTreeMap<Split, Rows>, classes: usize, reporter: &dyn Reporter) -> Baseline {
    reporter.started("training the baseline", None);
    let train = &splits[&Split::Train];
    let baseline = Baseline::train(&train.cleaned, &train.labels, classes);
    reporter.finished();
    baseline
}

type Metrics = BTreeMap<Split, SplitMetrics>;

/// Writes the predictions of model and baseline row by row, and returns the metrics of both.
fn write_predictions(
    logits: &BTreeMap<Split, Logits>,
    baseline: &Baseline,
    splits: &BTreeMap<Split, Rows>,
    labels: &LabelMap,
    seed: u64,
    out: &Path,
) -> Result<(Metrics, Metrics), Error> {
    let mut writer = TableWriter::create(out)?;
    let (mut metrics, mut baseline_metrics) = (Metrics::new(), Metrics::new());
    for (&split, rows) in splits {
        let model = Scoring::from_logits(&logits[&split], &rows.labels);
        let cheap = Scoring::from_probabilities(baseline.predict(&rows.cleaned), &rows.labels, labels.len());
        metrics.insert(split, model.summarize(split, rows, labels, seed)?);
        baseline_metrics.insert(split, cheap.summarize(split, rows, labels, seed)?);
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
    Ok((metrics, baseline_metrics))
}

/// Writes what explains the predictions of the test rows: the attributions of the worst mistakes, and the
/// map.
fn write_explanations(
    params: &Params,
    bundle: &Bundle,
    predicted: &Predicted,
    test: &Rows,
    out: &Path,
    reporter: &dyn Reporter,
) -> Result<(), Error> {
    let scores = &predicted.logits[&Split::Test];
    let explained = explain::mistakes(bundle, scores, test, params.explained_mistakes, reporter)?;
    write_table(out, explained)?;
    reporter.started("drawing the map of the test rows", None);
    let points = map::points(&predicted.test_features, scores, test, params.seed);
    write_table(out, points)?;
    reporter.finished();
    Ok(())
}

fn evaluate_int8(
    params: &Params,
    bundle: Bundle,
    predicted: &Predicted,
    test: &Rows,
    conduct: (&Workers, &dyn Reporter),
) -> Result<Option<Int8Evaluation>, Error> {
    if !params.int8 {
        return Ok(None);
    }
    let scores = &predicted.logits[&Split::Test];
    int8::evaluate(&bundle.in_int8(), scores, test, params.seed, conduct).map(Some)
}

/// What decisions that are chosen on the bundle's validation rows, as `labelproof predict` does, give on
/// test.
fn decisions(
    params: &Params,
    bundle: &Bundle,
    scores: &Logits,
    test: &Rows,
) -> Result<DecisionFigures, Error> {
    let score = |split| move |source| Error::Score { split, source };
    let calibration = bundle.calibration()?;
    let validation =
        CalibratedRow::numbered(&calibration.rows, &bundle.labels).map_err(score(Split::Validation))?;
    let wanted = params.decisions.clone().unwrap_or_default();
    let questions = Questions {
        precisions: &wanted.precisions,
        coverages: &wanted.coverages,
        conformal_levels: &wanted.conformal_levels,
    };
    let logits: Vec<&[f32]> = scores.rows().collect();
    let bootstrap = Bootstrap::for_rows(params.seed, test.ids.len(), bundle.labels.len());
    DecisionFigures::measure(
        questions,
        calibration.temperature,
        &validation,
        (&logits, &test.labels),
        &bundle.labels,
        bootstrap,
    )
    .map_err(score(Split::Test))
}
