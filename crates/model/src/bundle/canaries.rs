//! Canaries: texts that a bundle keeps with the token ids and logits they had when it was written, and their
//! replay.

use labelproof_kernels::workers::Workers;
use labelproof_settings::Precision;
use serde::{Deserialize, Serialize};

use super::Bundle;
use crate::error::Error;

/// The number of canaries that are predicted again when a bundle is loaded. One of them is as long as a text
/// can be, and takes longer than all the rest of loading; the shortest do not.
pub(super) const REPLAYED_AT_LOADING: usize = 3;

/// A text, and what the bundle made of it when it was written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Canary {
    pub(super) text: String,
    pub(super) tokens: Vec<u32>,
    pub(super) logits: Vec<f32>,
}

/// How far a replayed logit may be from the recorded one, relative to the larger of 1 and the recorded one.
/// Rounding in another order (other threads, another processor, a GPU) stays below it, a wrong input does
/// not. In bfloat16 the instructions of another processor moved logits of 4 by up to 0.02.
fn tolerance(precision: Precision) -> f32 {
    match precision {
        Precision::Float32 => 1e-3,
        Precision::Bfloat16 | Precision::Int8 => 5e-2,
    }
}

/// The result of predicting the canaries again.
#[derive(Debug, Clone, PartialEq)]
pub struct CanaryReplay {
    /// The number of canaries that were predicted again.
    pub rows: usize,
    /// The first canary whose token ids differ.
    pub other_tokens: Option<usize>,
    /// The first differing logit of each canary that has one.
    pub other_logits: Vec<OtherLogit>,
}

/// A logit that differs from the recorded one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OtherLogit {
    /// The canary's place in the bundle, from 0.
    pub row: usize,
    /// The recorded logit.
    pub expected: f32,
    /// The logit of the replay.
    pub found: f32,
}

impl OtherLogit {
    /// The absolute difference of both.
    pub fn distance(&self) -> f32 {
        (self.expected - self.found).abs()
    }
}

impl Bundle {
    /// Predicts the canaries again and compares with what was recorded.
    pub fn replay(&self) -> Result<CanaryReplay, Error> {
        self.replay_shortest(usize::MAX)
    }

    /// Fails unless all canaries give what was recorded.
    pub fn require_canaries(&self) -> Result<(), Error> {
        self.require(&self.replay()?)
    }

    /// Compares the token ids of all canaries, and the logits of the shortest, `most` of them at most.
    pub(super) fn replay_shortest(&self, most: usize) -> Result<CanaryReplay, Error> {
        let canaries = &self.description.canaries;
        let texts: Vec<&str> = canaries.iter().map(|canary| canary.text.as_str()).collect();
        let tokens = self.tokenize(&texts)?;
        let recorded = canaries.iter().map(|canary| &canary.tokens);
        let other_tokens = recorded
            .zip(&tokens)
            .position(|(recorded, found)| recorded != found);
        let mut rows: Vec<usize> = (0..canaries.len()).collect();
        rows.sort_by_key(|&row| tokens[row].len());
        rows.truncate(most);
        rows.sort_unstable();
        let predicted: Vec<Vec<u32>> = rows.iter().map(|&row| tokens[row].clone()).collect();
        let logits = self.predict_tokens(&predicted, &Workers::alone(), |_| ())?;
        let other_logits = rows
            .iter()
            .zip(logits.rows())
            .filter_map(|(&row, found)| self.first_difference(row, found))
            .collect();
        Ok(CanaryReplay {
            rows: rows.len(),
            other_tokens,
            other_logits,
        })
    }

    fn first_difference(&self, row: usize, found: &[f32]) -> Option<OtherLogit> {
        let tolerance = tolerance(self.description.precision);
        let recorded = &self.description.canaries[row].logits;
        recorded
            .iter()
            .zip(found)
            .map(|(&expected, &found)| OtherLogit { row, expected, found })
            .find(|logit| {
                // Written so that a NaN counts as well.
                let close = logit.distance() <= tolerance * logit.expected.abs().max(1.0);
                !close
            })
    }

    /// The texts of the canaries.
    pub fn canary_texts(&self) -> Vec<String> {
        let canaries = self.description.canaries.iter();
        canaries.map(|canary| canary.text.clone()).collect()
    }

    /// Fails if the replay of a canary differs from what was recorded.
    pub(super) fn require(&self, replay: &CanaryReplay) -> Result<(), Error> {
        if let Some(row) = replay.other_tokens {
            return Err(Error::CanaryTokens {
                path: self.path.clone(),
                row,
            });
        }
        match replay.other_logits.first() {
            None => Ok(()),
            Some(&OtherLogit { row, expected, found }) => Err(Error::Canary {
                path: self.path.clone(),
                row,
                expected,
                found,
            }),
        }
    }
}
