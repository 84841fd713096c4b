//! The figures of trainings with other seeds, beside those of the bundle.

use std::collections::BTreeMap;

use labelproof_artifact::{Artifacts, REPEATS, Reporter, Split, fs};
use labelproof_kernels::workers::Workers;
use labelproof_metrics::{Confusion, Spreads, argmax};
use labelproof_model::{Bundle, Logits};

use crate::error::Error;
use crate::prediction::Predicted;
use crate::rows::Rows;

/// The splits that are predicted with every seed: those that no seed is trained on.
const SPLITS: [Split; 2] = [Split::Validation, Split::Test];

/// The logits of some rows by each model, the bundle first.
pub(crate) type Repeated = BTreeMap<Split, Vec<Logits>>;

/// Predicts with the weights of every training; nothing where train was not asked for several. All processes take part.
pub(crate) fn predict(
    bundle: &mut Bundle,
    predicted: &Predicted,
    splits: &BTreeMap<Split, Rows>,
    artifacts: Artifacts<'_>,
    workers: &Workers,
    reporter: &dyn Reporter,
) -> Result<Option<Repeated>, Error> {
    let folder = artifacts.path(REPEATS);
    if !folder.exists() {
        return Ok(None);
    }
    let first = |split| (split, vec![predicted.logits[&split].clone()]);
    let mut repeated: Repeated = SPLITS.map(first).into();
    let files = fs::files_below(&folder)?;
    let is_frozen = predicted.validation_features.is_some();
    let rows: usize = SPLITS.iter().map(|split| splits[split].ids.len()).sum();
    reporter.started("predicting with other seeds", Some((rows * files.len()) as u64));
    for file in files {
        let classifier = bundle.read_classifier(&file, !is_frozen)?;
        let own = std::mem::replace(&mut bundle.classifier, classifier);
        for (split, models) in &mut repeated {
            models.push(logits(
                bundle,
                *split,
                predicted,
                &splits[split],
                workers,
                reporter,
            )?);
        }
        bundle.classifier = own;
    }
    reporter.finished();
    Ok(Some(repeated))
}

/// The logits of a split: from the features, where one encoder has given them to all heads, or else from the texts.
fn logits(
    bundle: &Bundle,
    split: Split,
    predicted: &Predicted,
    rows: &Rows,
    workers: &Workers,
    reporter: &dyn Reporter,
) -> Result<Logits, Error> {
    let done = |rows: usize| reporter.advance(rows as u64, split.name());
    let Some(validation_features) = &predicted.validation_features else {
        return Ok(bundle.predict(&rows.texts, workers, done)?);
    };
    let features = match split {
        Split::Test => &predicted.test_features,
        _ => validation_features,
    };
    Ok(bundle.predict_features(features))
}

/// The figures of the models on each split that has rows.
pub(crate) fn figures(
    repeated: &Repeated,
    splits: &BTreeMap<Split, Rows>,
    classes: usize,
) -> Result<BTreeMap<Split, Spreads>, Error> {
    let mut figures = BTreeMap::new();
    for (&split, models) in repeated {
        let labels = &splits[&split].labels;
        if labels.is_empty() {
            continue;
        }
        let confusions = models.iter().map(|logits| {
            let mut matrix = vec![vec![0; classes]; classes];
            for (logits, &label) in logits.rows().zip(labels) {
                matrix[label as usize][argmax(logits)] += 1;
            }
            Confusion::from_matrix(&matrix).map_err(|source| Error::Score { split, source })
        });
        let confusions: Vec<_> = confusions.collect::<Result<_, _>>()?;
        figures.insert(split, Spreads::of_models(&confusions));
    }
    Ok(figures)
}
