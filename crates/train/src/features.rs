//! The features of a frozen encoder: taken from the cache, or computed.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use labelproof_artifact::FeatureRow;
use labelproof_model::batch::Batch;
use labelproof_model::classifier::BatchedRun;
use labelproof_model::{Classifier, Pretrained};

use crate::error::Error;
use crate::feature_cache::FeatureCache;
use crate::training::Training;

/// The features of the training and of the validation rows, from the cache or computed.
pub(crate) fn features(
    training: &Training<'_>,
    classifier: &Classifier,
    pretrained: &Pretrained,
    cache: &FeatureCache,
) -> Result<(Vec<FeatureRow>, Vec<FeatureRow>), Error> {
    let data = training.data;
    let count = data.train.ids.len();
    if let Some(mut kept) = cache.read() {
        training
            .reporter
            .message("the encoder's features are taken from the cache");
        let validation = kept.split_off(count);
        return Ok((kept, validation));
    }
    let rows: Vec<(&String, &[u32])> = [&data.train, &data.validation]
        .into_iter()
        .flat_map(|rows| rows.ids.iter().zip(rows.tokens.iter().map(Vec::as_slice)))
        .collect();
    let mut train = compute(training, classifier, pretrained, cache, &rows)?;
    if training.workers.is_first() {
        cache.write(&train)?;
        cache.partial().remove()?;
    }
    let validation = train.split_off(count);
    Ok((train, validation))
}

/// The time after which the features computed so far are written to the cache.
const SAVE_INTERVAL: Duration = Duration::from_mins(5);

/// Computes the features of rows of token ids, except those that an interrupted run has finished.
fn compute(
    training: &Training<'_>,
    classifier: &Classifier,
    pretrained: &Pretrained,
    cache: &FeatureCache,
    rows: &[(&String, &[u32])],
) -> Result<Vec<FeatureRow>, Error> {
    let reporter = training.reporter;
    reporter.started("computing the encoder's features", Some(rows.len() as u64));
    let partial = cache.partial();
    let mut known: BTreeMap<String, Vec<f32>> = BTreeMap::new();
    if let Some(rows) = partial.read() {
        reporter.message(&format!(
            "{} rows' features are there from an interrupted run",
            rows.len()
        ));
        known.extend(rows.into_iter().map(|row| (row.id, row.values)));
    }
    let mut results: Vec<Vec<f32>> = rows
        .iter()
        .map(|(id, _)| known.remove(*id).unwrap_or_default())
        .collect();
    let tokens: Vec<&[u32]> = rows.iter().map(|(_, tokens)| *tokens).collect();
    let forward = |batch: &Batch| classifier.features(batch);
    let mut saved = Instant::now();
    let done = |results: &[Vec<f32>], count: usize| {
        reporter.advance(count as u64, "");
        if training.workers.is_first() && saved.elapsed() >= SAVE_INTERVAL {
            // Nothing reads them unless something interrupts the training.
            let _ = partial.write(&finished(rows, results));
            saved = Instant::now();
        }
        if reporter.stop_requested() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let run = BatchedRun {
        layout: training.layout,
        device: training.device,
        workers: training.workers,
    };
    let width = pretrained.config.hidden_size;
    let flow = run.fill(&mut results, &tokens, width, forward, done)?;
    reporter.finished();
    if flow.is_break() {
        let finished = finished(rows, &results);
        let after = format!(
            "the encoder's features of {} of {} rows",
            finished.len(),
            rows.len()
        );
        let kept = if training.workers.is_first() {
            partial.write(&finished)
        } else {
            Ok(())
        };
        return Err(Error::interrupted(after, kept));
    }
    Ok(feature_rows(rows, &results).collect())
}

/// The rows whose features are there.
fn finished(rows: &[(&String, &[u32])], results: &[Vec<f32>]) -> Vec<FeatureRow> {
    feature_rows(rows, results)
        .filter(|row| !row.values.is_empty())
        .collect()
}

fn feature_rows(rows: &[(&String, &[u32])], results: &[Vec<f32>]) -> impl Iterator<Item = FeatureRow> {
    rows.iter().zip(results).map(|((id, _), values)| FeatureRow {
        id: (*id).clone(),
        values: values.clone(),
    })
}
