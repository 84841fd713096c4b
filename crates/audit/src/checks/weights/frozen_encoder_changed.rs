//! # A frozen encoder has changed, or a trained one has not
//!
//! What was meant to be frozen has moved, or what was meant to learn has not: the wrong parameters were
//! given to the optimiser, or freezing happened after the optimiser was made.
//!
//! ## Why the figures look good
//! A head alone often reaches a fair accuracy, so a model whose encoder never learned looks like a
//! model that is merely not better. And an encoder that moved although it was frozen no longer matches
//! features that were computed before.
//!
//! ## How it is tested
//! Only the artifacts of a pipeline tell. The digest (BLAKE3) of the encoder's weights in the bundle is
//! compared with that of the encoder that training started from; `labelproof.json` has both:
//!
//! ```text
//! frozen  and digests differ   unsound, certain
//! trained and digests equal    unsound, certain
//! ```
//!
//! ## What to do
//! Run the training again. In a framework, list the parameters that the optimiser holds after freezing,
//! and compare the weights before and after some steps: the change must be 0 where they are frozen and
//! more than 0 elsewhere.
//!
//! ## Example
//! For the data of the test `a_frozen_encoder_must_stay_and_a_trained_one_must_move`, the audit prints:
//!
//! ```text
//! 1. A frozen encoder has changed, or a trained one has not (C24, fault, certain)
//!    The encoder was to stay as it is (`train.trainable: none`), but the bundle holds other weights.
//!    What to do: Run `labelproof run train --force`; if it stays, this is a bug to report.
//!    How to make sure: compare the encoder's tensors with those of the bundle
//! ```
//!
//! ## References
//! - `CyberZHG/keras-bert#108`: 0.89 becomes 0.15; `kpe/bert-for-tf2#29`, `tensorflow/tensorflow#29531`
//!   and `huggingface/transformers#8960` on what is frozen.

use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::case::Case;
use crate::evidence::{Missing, Need};

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    let pipeline = case.evidence.pipeline()?;
    let unchanged = pipeline.encoder_unchanged.ok_or(Need::EncoderWeights)?;
    let measured = Measured::new()
        .with("frozen", pipeline.encoder_frozen)
        .with("unchanged", unchanged);
    if pipeline.encoder_frozen == unchanged {
        let summary = if pipeline.encoder_frozen {
            "The encoder was frozen, and the bundle holds its weights byte for byte."
        } else {
            "The encoder was trained, and its weights have changed."
        };
        return Ok(Answer::clear(summary, measured));
    }
    let summary = if pipeline.encoder_frozen {
        "The encoder was to stay as it is (`train.trainable: none`), but the bundle holds other weights."
    } else {
        "The encoder was to be trained, but the bundle holds the weights that training started from."
    };
    Ok(Diagnosis {
        severity: Severity::Unsound,
        confidence: Confidence::Certain,
        summary: summary.to_owned(),
        effect: None,
        fix: "Run `labelproof run train --force`; if it stays, this is a bug to report.".to_owned(),
        confirm: "compare the encoder's tensors with those of the bundle".to_owned(),
        measured,
    }
    .into())
}

#[cfg(test)]
mod tests {
    use crate::cause::Cause;
    use crate::evidence::pipeline::PipelineFacts;
    use crate::evidence::{Evidence, Need};
    use crate::testing::{ask, clear, example, found};

    fn encoder(encoder_frozen: bool, encoder_unchanged: impl Into<Option<bool>>) -> Evidence {
        Evidence {
            pipeline: Some(PipelineFacts {
                encoder_frozen,
                encoder_unchanged: encoder_unchanged.into(),
                ..PipelineFacts::default()
            }),
            ..Evidence::default()
        }
    }

    #[test]
    fn a_frozen_encoder_must_stay_and_a_trained_one_must_move() {
        clear(ask(Cause::FrozenEncoderChanged, &encoder(true, true)));
        clear(ask(Cause::FrozenEncoderChanged, &encoder(false, false)));
        assert!(
            example(Cause::FrozenEncoderChanged, &encoder(true, false))
                .summary
                .contains("was to stay as it is")
        );
        assert!(
            found(ask(Cause::FrozenEncoderChanged, &encoder(false, true)))
                .summary
                .contains("was to be trained")
        );
        // A bundle without the digests is not said to have changed.
        let other_form = ask(Cause::FrozenEncoderChanged, &encoder(true, None));
        assert_eq!(other_form, Err(Need::EncoderWeights.into()));
    }
}
