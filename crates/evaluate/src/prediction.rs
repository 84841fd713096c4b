//! The logits of every row: from its text, or from the features that training kept.

use std::collections::BTreeMap;

use labelproof_artifact::{Artifacts, FeatureRow, Reporter, Row, Split, read_table};
use labelproof_kernels::workers::Workers;
use labelproof_model::{Bundle, Logits, Precision};

use crate::error::Error;
use crate::rows::Rows;

/// Rows of a split that are predicted from their text although their features were kept.
const REPEATED_ROWS: usize = 8;

/// The predictions of the bundle.
pub(crate) struct Predicted {
    /// The logits of every split, in the order of its rows.
    pub(crate) logits: BTreeMap<Split, Logits>,
    /// The pooled vectors of the test rows, `[rows, hidden]`, row-major.
    pub(crate) test_features: Vec<f32>,
    /// Those of the validation rows, where training kept them.
    pub(crate) validation_features: Option<Vec<f32>>,
}

/// Predicts every row from its text, as a user of the bundle would. Where the encoder was frozen, training
/// kept the features of its own rows and of the validation rows, and these are used instead.
pub(crate) fn predict(
    bundle: &Bundle,
    splits: &BTreeMap<Split, Rows>,
    artifacts: Artifacts<'_>,
    workers: &Workers,
    reporter: &dyn Reporter,
) -> Result<Predicted, Error> {
    let features_kept = artifacts.path(FeatureRow::KIND).exists();
    let is_from_text = |split: &Split| !features_kept || *split == Split::Test;
    let mut predicted = predict_texts(bundle, splits, is_from_text, workers, reporter)?;
    if features_kept {
        let kept: BTreeMap<String, Vec<f32>> = read_table::<FeatureRow>(artifacts)?
            .into_iter()
            .map(|row| (row.id, row.values))
            .collect();
        for split in [Split::Train, Split::Validation] {
            let features = features_of(&splits[&split], &kept, artifacts)?;
            let scores = bundle.predict_features(&features);
            check_kept(bundle, &splits[&split], &scores)?;
            predicted.logits.insert(split, scores);
            if split == Split::Validation {
                predicted.validation_features = Some(features);
            }
        }
    }
    Ok(predicted)
}

fn predict_texts(
    bundle: &Bundle,
    splits: &BTreeMap<Split, Rows>,
    is_from_text: impl Fn(&Split) -> bool,
    workers: &Workers,
    reporter: &dyn Reporter,
) -> Result<Predicted, Error> {
    let from_text: Vec<Split> = Split::ALL.into_iter().filter(is_from_text).collect();
    let total: usize = from_text.iter().map(|split| splits[split].ids.len()).sum();
    reporter.started("predicting from text", Some(total as u64));
    let mut predicted = Predicted {
        logits: BTreeMap::new(),
        test_features: Vec::new(),
        validation_features: None,
    };
    for split in from_text {
        let texts = &splits[&split].texts;
        let done = |rows: usize| reporter.advance(rows as u64, split.name());
        let scores = if split == Split::Test {
            let (scores, features) = bundle.predict_with_features(texts, workers, done)?;
            predicted.test_features = features;
            scores
        } else {
            bundle.predict(texts, workers, done)?
        };
        predicted.logits.insert(split, scores);
    }
    reporter.finished();
    Ok(predicted)
}

/// The kept features of the rows of a split, `[rows, hidden]`, row-major.
fn features_of(
    rows: &Rows,
    kept: &BTreeMap<String, Vec<f32>>,
    artifacts: Artifacts<'_>,
) -> Result<Vec<f32>, Error> {
    let mut features = Vec::new();
    for id in &rows.ids {
        let Some(values) = kept.get(id) else {
            let problem = format!("row `{id}` is missing");
            return Err(artifacts.damaged(FeatureRow::KIND, problem).into());
        };
        features.extend_from_slice(values);
    }
    Ok(features)
}

/// Predicts a few rows from their text as well, to make sure that the kept features are those of the text.
fn check_kept(bundle: &Bundle, rows: &Rows, scores: &Logits) -> Result<(), Error> {
    // Evenly over the rows, so that no part of the table goes unchecked.
    let step = rows.ids.len().div_ceil(REPEATED_ROWS).max(1);
    let chosen: Vec<usize> = (0..rows.ids.len()).step_by(step).collect();
    let texts: Vec<&str> = chosen.iter().map(|&row| rows.texts[row].as_str()).collect();
    let repeated = bundle.predict(&texts, &Workers::alone(), |_| ())?;
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
    Ok(())
}

/// How far the two logits of such a row may differ, relative to the larger of 1 and the logit itself: batches
/// of another size round differently.
fn feature_tolerance(precision: Precision) -> f32 {
    match precision {
        Precision::Float32 => 1e-4,
        Precision::Bfloat16 | Precision::Int8 => 5e-2,
    }
}
