//! What is found out about a bundle by running it: whether it repeats itself, and what it said when training ended.

use std::path::{Path, PathBuf};

use labelproof_artifact::Split;
use labelproof_kernels::device;
use labelproof_metrics::{argmax, softmax};
use labelproof_model::{Bundle, DeviceChoice, Logits, Precision};

use crate::error::Error;
use crate::evidence::{Evidence, Part};

/// Rows that are predicted again at most.
const REPLAYED_ROWS: usize = 64;

/// Texts that are predicted alone and padded at most.
const PADDED_ROWS: usize = 16;

/// What probes of a bundle gave.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BundleFacts {
    /// Its folder.
    pub path: PathBuf,
    /// What its encoder computes in, which says how much rounding may do.
    pub precision: Precision,
    /// Texts that it keeps with what it said of them.
    pub canaries: usize,
    /// Whether it makes the same tokens of them.
    pub tokens_repeated: bool,
    /// Whether it gives them the same scores.
    pub logits_repeated: bool,
    /// Of how many of them the scores differ.
    pub different_canaries: usize,
    /// The largest difference of a score.
    pub largest_logit_difference: f64,
    /// The largest difference of a probability when it is asked twice.
    pub repeat_difference: f64,
    /// The largest difference of a probability between a text alone and the same text padded beside a longer one.
    pub padding_difference: f64,
    /// Whether the running statistics of its batch normalisation were ever updated; `None` without batch normalisation.
    pub normalization_updated: Option<bool>,
    /// Some rows of the test file, predicted again.
    pub replay: Option<Replay>,
}

/// Rows whose saved predictions were compared with new ones.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Replay {
    /// Rows predicted again.
    pub rows: usize,
    /// Rows that got the saved class.
    pub same_class: usize,
    /// The largest difference of a probability.
    pub largest_difference: f64,
}

/// Loads a bundle and asks it: the texts that it keeps, twice; alone and padded; and some rows of the test split.
pub fn probe(path: &Path, choice: DeviceChoice, evidence: &Evidence) -> Result<BundleFacts, Error> {
    let bundle = Bundle::load_unreplayed(path, &device::open(choice)?)?;
    let replay = bundle.replay()?;
    let texts = bundle.canary_texts();
    let once = bundle.predict(&texts, |_| ())?;
    let twice = bundle.predict(&texts, |_| ())?;
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
        replay: evidence
            .part(Split::Test)
            .map(|part| replay_rows(&bundle, evidence, part))
            .transpose()?
            .flatten(),
    })
}

/// The largest difference of a probability over the rows that both have.
fn largest_difference(one: &Logits, other: &Logits) -> f64 {
    one.rows()
        .zip(other.rows())
        .flat_map(|(one, other)| {
            let pairs = softmax(one).into_iter().zip(softmax(other));
            pairs.map(|(one, other)| (one - other).abs()).collect::<Vec<_>>()
        })
        .fold(0.0, f64::max)
}

/// Predicts rows that are evenly spread over a split and compares with what was saved, by the names of classes.
fn replay_rows(bundle: &Bundle, evidence: &Evidence, part: &Part) -> Result<Option<Replay>, Error> {
    let texts = part.raw_texts.as_ref().or(part.texts.as_ref());
    let (Some(texts), Some(saved)) = (texts, part.predictions()) else {
        return Ok(None);
    };
    let step = texts.len().div_ceil(REPLAYED_ROWS).max(1);
    let chosen: Vec<usize> = (0..texts.len()).step_by(step).collect();
    let scores = bundle.predict(&chosen.iter().map(|&row| &texts[row]).collect::<Vec<_>>(), |_| ())?;
    let (mut same_class, mut largest) = (0, 0.0_f64);
    for (&row, logits) in chosen.iter().zip(scores.rows()) {
        let class = bundle.labels.name(argmax(logits));
        same_class += usize::from(
            evidence
                .labels
                .get(saved[row] as usize)
                .is_some_and(|name| name == class),
        );
        let Some(saved) = part
            .probabilities()
            .filter(|_| evidence.labels == bundle.labels.names())
        else {
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
