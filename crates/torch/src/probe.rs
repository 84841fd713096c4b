//! Runs a bundle for the audit: whether its predictions are repeatable, and equal to its canaries and to
//! saved ones.

use std::path::Path;

use labelproof_artifact::{Advice, Diagnostic};
use labelproof_audit::evidence::bundle::{BundleFacts, HeadState, Replay};
use labelproof_audit::evidence::{Dataset, Part};
use labelproof_driver::Failure;
use labelproof_kernels::workers::Workers;
use labelproof_kernels::{DeviceError, device};
use labelproof_metrics::{argmax, softmax};
use labelproof_model::{Bundle, DeviceChoice, Error, Logits};

use crate::named_model;

/// How many rows are predicted again at most.
const REPLAYED_ROWS: usize = 64;

/// How many texts are predicted both alone and padded at most.
const PADDED_ROWS: usize = 16;

/// Opens a bundle to be probed. Where a model has no classification head, that is what is known of it.
pub(crate) fn open(path: &Path, choice: DeviceChoice) -> Result<Result<Bundle, BundleFacts>, Failure> {
    match named_model::load_unreplayed(path, choice)? {
        Ok(bundle) => Ok(Ok(bundle)),
        Err(Error::NoHead { missing, .. }) => Ok(Err(BundleFacts {
            path: path.to_path_buf(),
            head: HeadState::Missing(missing),
            tokens_repeated: true,
            logits_repeated: true,
            ..BundleFacts::default()
        })),
        Err(error) => Err(error.into()),
    }
}

/// The bundle of a pipeline cannot be run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProbeError {
    /// The device is not available.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The bundle cannot be used.
    #[error(transparent)]
    Model(#[from] Error),
}

impl Diagnostic for ProbeError {
    fn advice(&self) -> Advice {
        match self {
            Self::Device(error) => error.advice(),
            Self::Model(error) => error.advice(),
        }
    }
}

/// Loads the bundle of a pipeline and probes it.
pub(crate) fn probe(path: &Path, choice: DeviceChoice, dataset: &Dataset) -> Result<BundleFacts, ProbeError> {
    let bundle = Bundle::load_unreplayed(path, &device::open(choice)?)?;
    Ok(facts(path, &bundle, dataset)?)
}

/// Predicts the canaries of a bundle twice, alone and padded, and some rows of the test split. A bundle without
/// canaries is tried with the first texts of that split.
pub(crate) fn facts(path: &Path, bundle: &Bundle, dataset: &Dataset) -> Result<BundleFacts, Error> {
    let replay = bundle.replay()?;
    let mut texts = bundle.canary_texts();
    if texts.is_empty() {
        let test = dataset.test.as_ref().and_then(|part| part.texts.as_ref());
        let first = test.into_iter().flatten().take(PADDED_ROWS);
        texts = first.cloned().collect();
    }
    let once = bundle.predict(&texts, &Workers::alone(), |_| ())?;
    let twice = bundle.predict(&texts, &Workers::alone(), |_| ())?;
    let tokens = bundle.tokenize(&texts)?;
    let some = &tokens[..tokens.len().min(PADDED_ROWS)];
    let padding_difference = match some {
        [] => 0.0,
        some => largest_difference(&bundle.predict_padded(some), &bundle.predict_alone(some)),
    };
    let distances = replay
        .other_logits
        .iter()
        .map(|logit| f64::from(logit.distance()));
    Ok(BundleFacts {
        path: path.to_path_buf(),
        head: if bundle.is_foreign() && bundle.classifier.head.is_initial() {
            HeadState::Initial
        } else {
            HeadState::Trained
        },
        precision: bundle.description.precision,
        canaries: replay.rows,
        tokens_repeated: replay.other_tokens.is_none(),
        logits_repeated: replay.other_logits.is_empty(),
        different_canaries: replay.other_logits.len(),
        largest_logit_difference: distances.fold(0.0, f64::max),
        repeat_difference: largest_difference(&once, &twice),
        padding_difference,
        normalization_updated: bundle
            .classifier
            .head
            .normalization_updated(&bundle.description.head),
        replay: dataset
            .test
            .as_ref()
            .map(|part| replay_rows(bundle, &dataset.labels, part))
            .transpose()?
            .flatten(),
    })
}

/// The largest difference between two probabilities, over all rows and classes.
fn largest_difference(one: &Logits, other: &Logits) -> f64 {
    one.rows()
        .zip(other.rows())
        .flat_map(|(one, other)| {
            let pairs = softmax(one).into_iter().zip(softmax(other));
            pairs.map(|(one, other)| (one - other).abs()).collect::<Vec<_>>()
        })
        .fold(0.0, f64::max)
}

/// Predicts rows that are evenly spread over a split, and compares the classes with the saved ones by name.
fn replay_rows(bundle: &Bundle, labels: &[String], part: &Part) -> Result<Option<Replay>, Error> {
    let texts = part.raw_texts.as_ref().or(part.texts.as_ref());
    let (Some(texts), Some(saved)) = (texts, part.predictions()) else {
        return Ok(None);
    };
    let step = texts.len().div_ceil(REPLAYED_ROWS).max(1);
    let chosen: Vec<usize> = (0..texts.len()).step_by(step).collect();
    let chosen_texts: Vec<&String> = chosen.iter().map(|&row| &texts[row]).collect();
    let scores = bundle.predict(&chosen_texts, &Workers::alone(), |_| ())?;
    // Probabilities can be compared where both number the classes alike.
    let saved_probabilities = part.probabilities().filter(|_| labels == bundle.labels.names());
    let (mut same_class, mut largest) = (0, 0.0_f64);
    for (&row, logits) in chosen.iter().zip(scores.rows()) {
        let class = bundle.labels.name(argmax(logits));
        let saved_class = labels.get(saved[row] as usize);
        same_class += usize::from(saved_class.is_some_and(|name| name == class));
        let Some(saved) = &saved_probabilities else {
            continue;
        };
        for (new, saved) in softmax(logits).into_iter().zip(saved.row(row)) {
            largest = largest.max((new - saved).abs());
        }
    }
    Ok(Some(Replay {
        rows: chosen.len(),
        same_class,
        largest_difference: largest,
    }))
}
