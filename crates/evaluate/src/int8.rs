//! The cost of predicting in int8: the metrics of the test rows, and how many of them get another label.

use labelproof_artifact::{Reporter, Split};
use labelproof_kernels::workers::Workers;
use labelproof_metrics::comparison::mcnemar;
use labelproof_metrics::{Int8Evaluation, argmax};
use labelproof_model::{Bundle, Logits};

use crate::error::Error;
use crate::rows::Rows;
use crate::scoring::Scoring;

/// Predicts the test rows with a bundle in int8.
pub(crate) fn predict(
    bundle: &Bundle,
    test: &Rows,
    workers: &Workers,
    reporter: &dyn Reporter,
) -> Result<Logits, Error> {
    reporter.started("predicting with int8", Some(test.ids.len() as u64));
    let done = |rows: usize| reporter.advance(rows as u64, "test");
    let in_int8 = bundle.predict(&test.texts, workers, done)?;
    reporter.finished();
    Ok(in_int8)
}

/// Predicts the test rows with a bundle in int8, and compares with `scores`, those of its own precision.
pub(crate) fn evaluate(
    bundle: &Bundle,
    scores: &Logits,
    test: &Rows,
    seed: u64,
    (workers, reporter): (&Workers, &dyn Reporter),
) -> Result<Int8Evaluation, Error> {
    let in_int8 = predict(bundle, test, workers, reporter)?;
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
