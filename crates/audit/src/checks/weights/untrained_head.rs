//! # Predictions come from weights that were not trained
//!
//! The classification head was not saved, not loaded, or made anew after loading, or a checkpoint of
//! another model was loaded. Part of the network, or all of it, has the weights of its initialisation.
//!
//! ## Why the figures look good
//! The validation figure was computed before saving, with the trained weights in memory. Frameworks
//! report tensors that are missing or unexpected as a warning among many, and go on with random ones.
//!
//! ## How it is tested
//! A bundle of Labelproof keeps texts with the logits that they got when training ended; it is loaded
//! and must repeat them. Of a model that somebody else trained (`--bundle` with a folder of transformers)
//! the weights tell: the head is missing, or its bias is exactly 0 and its weights have the standard
//! deviation that they are initialised with by default. From files, the audit looks for a split that was
//! predicted in another way than the other one: it is worse beyond chance; the confidence or the
//! predicted classes differ significantly; and neither leaks (C40, C41, C45), nor texts of another kind
//! (C48), nor harder texts, nor mis-pairing (C10, C12, C13) explain it. Its scores are those of a fresh
//! head if they hardly vary and hardly order the rows:
//!
//! ```text
//! spread = mean standard deviation of the centred ln p of each class, over that of the other split
//! found:   spread < 0.15 and mean area under the ROC curve < 0.75
//! ```
//!
//! Where scores depend on the length of the text alone, C33 takes precedence; where a bundle makes
//! other tokens, C30.
//!
//! ## What to do
//! Save and load the whole model, head included. Treat missing and unexpected tensors as errors. After
//! loading, predict a few known texts and compare with what training gave.
//!
//! ## Example
//! For the data of the test `scores_of_a_fresh_head_are_found`, the audit prints:
//!
//! ```text
//! 1. Predictions come from weights that were not trained (C20, fault, likely, −63.2 [−66.4…−59.6]
//!    points of test accuracy)
//!    The test scores vary 0.05 times as much as those of the other split, the model is 22 % sure on
//!    average where it was 71 %, and its scores hardly say anything of the labels: the test rows were
//!    predicted by a head that was never trained. It was not saved, not loaded, or made anew after
//!    loading.
//!    What to do: Save and load the whole model, head included; treat missing and unexpected tensors on
//!    loading as errors, and predict a few known texts after loading to compare with what training
//!    gave.
//!    How to make sure: predict 20 validation texts with the loaded model and compare with the
//!    validation file
//! ```
//!
//! ## References
//! - `huggingface/transformers#3430`: 88 % becomes 17 % after loading; `huggingface/transformers#8271`:
//!   0.85 becomes 0.41.
//! - `keras-team/keras#4875`, `tensorflow/tensorflow#27887`, `huggingface/setfit#522`: models that
//!   predict otherwise after loading.

use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::case::Case;
use crate::case::odd_split::odd_split;
use crate::cause::Cause;
use crate::evidence::Missing;
use crate::evidence::bundle::{BundleFacts, HeadState};
use labelproof_artifact::wording;

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    if let Some(bundle) = &case.evidence.bundle {
        match &bundle.head {
            HeadState::Trained if bundle.canaries > 0 => return Ok(of_bundle(bundle)),
            // Somebody else's model keeps nothing to be compared with: its rows tell.
            HeadState::Trained => {}
            HeadState::Initial => return Ok(initial_head(bundle)),
            HeadState::Missing(tensors) => return Ok(missing_head(bundle, tensors)),
        }
    }
    let Some(odd) = odd_split(case)? else {
        let summary = "Validation and test were predicted by the same model, as far as its scores tell.";
        return Ok(Answer::clear(summary, Measured::new()));
    };
    let name = odd.suspect.split.name();
    let measured = Measured::new()
        .statistic("spread of the scores, against the other split", odd.spread)
        .with("area_under_roc_curve", odd.area)
        .with("mean_confidence", odd.shift.mean)
        .with("mean_confidence_of_the_other_split", odd.shift.reference_mean);
    if !odd.looks_untrained() || case.finds(Cause::TextIgnored) {
        let summary = format!("The {name} scores vary as those of a trained model do.");
        return Ok(Answer::clear(summary, measured));
    }
    Ok(Diagnosis {
        severity: Severity::Unsound,
        confidence: Confidence::Likely,
        summary: format!(
            "The {name} scores vary {:.2} times as much as those of the other split, the model is {:.0} % \
             sure on average where it was {:.0} %, and its scores hardly say anything of the labels: the \
             {name} rows were predicted by a head that was never trained. It was not saved, not loaded, or \
             made anew after loading.",
            odd.spread,
            100.0 * odd.shift.mean,
            100.0 * odd.shift.reference_mean
        ),
        effect: odd.suspect.effect(),
        fix: "Save and load the whole model, head included; treat missing and unexpected tensors on loading \
              as errors, and predict a few known texts after loading to compare with what training gave."
            .to_owned(),
        confirm: "predict 20 validation texts with the loaded model and compare with the validation \
                  file"
            .to_owned(),
        measured,
    }
    .into())
}

/// The head of a model is as transformers initialises it.
fn initial_head(bundle: &BundleFacts) -> Answer {
    not_trained(format!(
        "The classification head of `{}` is as transformers initialises it: a bias of zeros, and weights of the \
         standard deviation that they begin with. It was never trained, or was made anew when the model was \
         loaded, and then saved.",
        bundle.path.display()
    ))
}

/// A model has no head.
fn missing_head(bundle: &BundleFacts, tensors: &[String]) -> Answer {
    not_trained(format!(
        "`{}` has no classification head: its weights lack {}. transformers puts random numbers there when it \
         loads the folder, with a warning, and predicts noise.",
        bundle.path.display(),
        wording::quoted(tensors, TENSORS_SHOWN)
    ))
}

/// Tensors that a summary lists.
const TENSORS_SHOWN: usize = 4;

fn not_trained(summary: String) -> Answer {
    Diagnosis {
        severity: Severity::Unsound,
        confidence: Confidence::Certain,
        summary,
        effect: None,
        fix: "Save the whole classifier after training: `trainer.save_model(folder)`, or \
              `model.save_pretrained(folder)` of the AutoModelForSequenceClassification."
            .to_owned(),
        confirm: "load the folder with transformers and read which weights it says are newly initialised"
            .to_owned(),
        measured: Measured::new(),
    }
    .into()
}

fn of_bundle(bundle: &BundleFacts) -> Answer {
    let measured = Measured::new()
        .statistic(
            "largest difference of a replayed score",
            bundle.largest_logit_difference,
        )
        .with("canaries", bundle.canaries);
    if bundle.logits_repeated || !bundle.tokens_repeated {
        let summary = if bundle.tokens_repeated {
            format!(
                "The bundle repeats the scores that it gave to {} texts when training ended.",
                bundle.canaries
            )
        } else {
            "The bundle's input differs from training (see C30), so that its scores cannot be compared."
                .to_owned()
        };
        return Answer::clear(summary, measured);
    }
    Diagnosis {
        severity: Severity::Unsound,
        confidence: Confidence::Certain,
        summary: format!(
            "The bundle does not repeat what it said when training ended: of {} texts that it keeps with \
             their scores, {} get other ones, by up to {:.3}. Its weights are not the ones that were \
             trained.",
            bundle.canaries, bundle.different_canaries, bundle.largest_logit_difference
        ),
        effect: None,
        fix: "Make the bundle anew (`labelproof run train --force`), and copy it as a whole \
              folder."
            .to_owned(),
        confirm: "labelproof predict --bundle DIR refuses the bundle for the same reason".to_owned(),
        measured,
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Evidence;
    use crate::evidence::bundle::BundleFacts;
    use crate::testing::{ask, assert_close, clear, example, found, predicted_by, simulated, statistic};

    #[test]
    fn scores_of_a_fresh_head_are_found() {
        let (validation, mut test) = (simulated(5, 1000, 0.83, 1), simulated(5, 1000, 0.83, 2));
        clear(ask(Cause::UntrainedHead, &predicted_by(&validation, &test)));
        // A head from initialisation: small scores that are not those of the text.
        test.shuffle(0..1000, 3);
        test.logits.iter_mut().flatten().for_each(|score| *score *= 0.05);
        let found = example(Cause::UntrainedHead, &predicted_by(&validation, &test));
        assert_close(statistic(&found.measured), 0.05, 0.01);
        assert_close(found.effect.unwrap().points, -63.0, 6.0);
    }

    #[test]
    fn a_worse_model_that_was_trained_is_clear() {
        let (validation, mut test) = (simulated(5, 1000, 0.83, 1), simulated(5, 1000, 0.4, 2));
        test.logits.iter_mut().flatten().for_each(|score| *score *= 0.6);
        let measured = clear(ask(Cause::UntrainedHead, &predicted_by(&validation, &test)));
        assert_close(statistic(&measured), 0.6, 0.1);
    }

    fn bundle(tokens_repeated: bool, logits_repeated: bool) -> Evidence {
        Evidence {
            bundle: Some(BundleFacts {
                canaries: 64,
                tokens_repeated,
                logits_repeated,
                different_canaries: 60,
                largest_logit_difference: 1.5,
                ..BundleFacts::default()
            }),
            ..Evidence::default()
        }
    }

    #[test]
    fn a_head_that_is_missing_or_new_is_found_without_rows() {
        let of = |head| Evidence {
            bundle: Some(BundleFacts {
                head,
                tokens_repeated: true,
                logits_repeated: true,
                ..BundleFacts::default()
            }),
            ..Evidence::default()
        };
        let missing = HeadState::Missing(vec!["classifier.weight".to_owned()]);
        let summary = found(ask(Cause::UntrainedHead, &of(missing))).summary;
        assert!(
            summary.contains("its weights lack `classifier.weight`."),
            "{summary}"
        );
        let summary = found(ask(Cause::UntrainedHead, &of(HeadState::Initial))).summary;
        assert!(summary.contains("as transformers initialises it"), "{summary}");
        // Without canaries and rows nothing tells.
        assert!(ask(Cause::UntrainedHead, &of(HeadState::Trained)).is_err());
    }

    #[test]
    fn a_bundle_that_says_something_else_is_found() {
        let found = found(ask(Cause::UntrainedHead, &bundle(true, false)));
        assert_eq!(found.confidence, Confidence::Certain);
        assert_close(statistic(&found.measured), 1.5, 1e-12);
        clear(ask(Cause::UntrainedHead, &bundle(true, true)));
        // Other tokens are C30's.
        clear(ask(Cause::UntrainedHead, &bundle(false, false)));
    }
}
