//! # A split that is drawn again in every epoch
//!
//! The data are shuffled and then cut into training and validation, and the shuffle is repeated in
//! every epoch. Each epoch then cuts other rows off, so that over the epochs nearly all validation rows
//! are trained on.
//!
//! ## Why the figures look good
//! Validation accuracy is measured on rows that were training rows an epoch ago. It rises like training
//! accuracy, shows no overfitting, and chooses the wrong epoch. A test set from a file of its own shows
//! the truth.
//!
//! ## How it is tested
//! In `tf.data`, `shuffle` draws a new order in every epoch unless `reshuffle_each_iteration=False` is
//! given, and `take` and `skip` after it cut that new order. The proof would be the row ids of every
//! epoch:
//!
//! ```text
//! found:  (training rows of all epochs) ∩ (validation rows of all epochs) ≠ ∅
//! ```
//!
//! No file that the audit reads records them, so the answer is *not checked*: silence would read as
//! "not there". A pipeline of Labelproof keeps its split in one file, which all epochs read; the check
//! is clear there if the training read this file in its present version.
//!
//! ## What to do
//! Split once, before anything shuffles, and save which row is where. In `tf.data`, pass
//! `reshuffle_each_iteration=False` to the shuffle before the split, and shuffle the training part
//! again after it.
//!
//! ## Example
//! Under any finding, the audit prints:
//!
//! ```text
//! Not checked. With this, more could be:
//!   the ids of the rows of every epoch, which no file the audit reads records: C43
//! ```
//!
//! ## References
//! - `tensorflow/tensorflow#59279`: users ask for a warning about this leak;
//!   `tensorflow/tensorflow#62782` only made the default visible in the signature.
//! - `huggingface/datasets#5435`: the same question for streamed data sets.

use crate::answer::finding::{Answer, Measured};
use crate::case::Case;
use crate::evidence::{Missing, Need};

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    match &case.evidence.pipeline {
        Some(facts) if facts.stale.is_empty() => Ok(Answer::clear(
            "The split is kept in a file, and the training read this one.",
            Measured::new(),
        )),
        _ => Err(Need::EpochRows.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::Cause;
    use crate::evidence::Evidence;
    use crate::evidence::pipeline::PipelineFacts;
    use crate::testing::{ask, clear};

    #[test]
    fn it_says_that_it_cannot_be_checked() {
        assert_eq!(
            ask(Cause::RedrawnSplit, &Evidence::default()),
            Err(Need::EpochRows.into())
        );
    }

    #[test]
    fn a_split_that_is_kept_is_clear_unless_training_read_another() {
        let pipeline = |stale: &[&str]| Evidence {
            pipeline: Some(PipelineFacts {
                stale: stale.iter().map(ToString::to_string).collect(),
                ..PipelineFacts::default()
            }),
            ..Evidence::default()
        };
        clear(ask(Cause::RedrawnSplit, &pipeline(&[])));
        assert_eq!(
            ask(Cause::RedrawnSplit, &pipeline(&["split/split.parquet"])),
            Err(Need::EpochRows.into())
        );
    }
}
