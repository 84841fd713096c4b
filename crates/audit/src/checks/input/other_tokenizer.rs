//! # Texts reach the model as other tokens than in training
//!
//! The tokenizer at prediction is not that of the training: another vocabulary, other casing or accent
//! stripping, or a word index that was built anew and numbers its words in another order.
//!
//! ## Why the figures look good
//! Validation went through the tokenizer in memory, test through the one that was loaded or built
//! again. The model sees other words than the text has, and still gives an answer.
//!
//! ## How it is tested
//! A bundle must make the token ids of the texts that it keeps again. With a tokenizer (`--tokenizer`),
//! the share of unknown tokens in at most 5,000 texts of test is compared with that of validation:
//!
//! ```text
//! z = (p1 - p2) / sqrt(p (1 - p) (1/n1 + 1/n2))
//! found:  significant, share in test > 2 %, and more than 3 times that of validation
//! ```
//!
//! From predictions alone, it is *possible* where a split was predicted in another way than the other
//! one (see C20 for the conditions), its scores vary as those of a trained model do, and nothing more
//! special explains it: C20, C21, C22, C23, C32, C33 and C34 take precedence.
//!
//! ## What to do
//! Keep tokenizer and cleaning in one folder with the weights and load all of it from there. Compare
//! the token ids of a few known texts before anything is predicted.
//!
//! ## Example
//! For the data of the test `words_that_the_tokenizer_does_not_know_are_counted`, the audit prints:
//!
//! ```text
//! 1. Texts reach the model as other tokens than in training (C30, fault, likely)
//!    The tokenizer does not know 50.0 % of the tokens of the test texts, and 0.0 % of those of the
//!    validation texts: they are not prepared in the same way.
//!    What to do: Keep tokenizer and cleaning in one folder with the weights, load all of it from
//!    there, and compare the token ids of a few known texts before anything is predicted.
//!    How to make sure: predict 20 validation texts with the code that predicted the test file and
//!    compare with the validation file
//! ```
//!
//! ## References
//! - `keras-team/keras#4875`: a word index that is numbered in the order of a Python set.
//! - `huggingface/transformers#3823`, `huggingface/transformers#4264` and `dmis-lab/biobert#163`:
//!   tokenizers and casing that are not those of the model.

use labelproof_artifact::Split;
use labelproof_metrics::comparison::two_proportion_z;
use labelproof_text::tokenizer::Tokenizer;

use crate::answer::effect::Effect;
use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::case::Case;
use crate::case::odd_split::odd_split;
use crate::cause::Cause;
use crate::evidence::Missing;

/// The share of unknown tokens from which on a tokenizer does not fit the texts.
const MANY_UNKNOWN: f64 = 0.02;

/// Texts of a split that are tokenised at most.
const MOST_TEXTS: usize = 5_000;

/// The longest text in tokens that is looked at.
const MOST_TOKENS: usize = 512;

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    if let Some(bundle) = &case.evidence.bundle
        && !bundle.tokens_repeated
    {
        let summary = "The bundle makes other tokens of the texts that it keeps than it did when training \
                       ended: its tokenizer or its cleaning rules were changed."
            .to_owned();
        return Ok(found(summary, Confidence::Certain, None, Measured::new()));
    }
    if let Some(tokenizer) = &case.evidence.tokenizer
        && let Some(outcome) = unknown_tokens(case, tokenizer)
    {
        return Ok(outcome);
    }
    if case
        .evidence
        .bundle
        .as_ref()
        .is_some_and(|bundle| bundle.canaries > 0)
    {
        let summary = "The bundle makes the same tokens as when training ended.";
        return Ok(Answer::clear(summary, Measured::new()));
    }
    let Some(odd) = odd_split(case)? else {
        let summary = "The predictions of validation and test look alike: both sets of texts reached the \
                       model in the same form.";
        return Ok(Answer::clear(summary, Measured::new()));
    };
    let name = odd.suspect.split.name();
    let measured = Measured::new()
        .statistic(
            "distance of the distributions of confidence",
            odd.shift.test.statistic,
        )
        .p_value(odd.shift.test.p_value)
        .with("mean_confidence", odd.shift.mean)
        .with("mean_confidence_of_the_other_split", odd.shift.reference_mean)
        .with("area_under_roc_curve", odd.area);
    let explained = odd.looks_untrained()
        || case.finds(Cause::NormalizationStatistics)
        || case.finds(Cause::TextCutOff)
        || case.finds(Cause::TextIgnored)
        || case.finds(Cause::PaddingPooled)
        || case.finds(Cause::DropoutAtPrediction)
        || case.finds(Cause::OtherCheckpoint);
    if explained {
        let summary = format!("Another check explains the {name} predictions better.");
        return Ok(Answer::clear(summary, measured));
    }
    let summary = format!(
        "The {name} rows were predicted in another way than the others: {:.1} % are right where {:.1} % were \
         to be expected, and the model is {:.0} % sure on average where it was {:.0} %. Labels beside the \
         wrong rows would not change how sure it is. The texts reached it in another form (tokenizer, \
         cleaning, column, a cut), or other weights predicted.",
        100.0 * odd.suspect.rows.accuracy(),
        100.0 * odd.suspect.reference_accuracy().unwrap_or(0.0),
        100.0 * odd.shift.mean,
        100.0 * odd.shift.reference_mean
    );
    Ok(found(
        summary,
        Confidence::Possible,
        odd.suspect.effect(),
        measured,
    ))
}

fn found(summary: String, confidence: Confidence, effect: Option<Effect>, measured: Measured) -> Answer {
    Diagnosis {
        severity: Severity::Unsound,
        confidence,
        summary,
        effect,
        fix: "Keep tokenizer and cleaning in one folder with the weights, load all of it from there, and \
              compare the token ids of a few known texts before anything is predicted."
            .to_owned(),
        confirm: "predict 20 validation texts with the code that predicted the test file and compare with \
                  the validation file"
            .to_owned(),
        measured,
    }
    .into()
}

fn unknown_tokens(case: &Case<'_>, tokenizer: &Tokenizer) -> Option<Answer> {
    let (validation, test) = (
        unknown(case, Split::Validation, tokenizer)?,
        unknown(case, Split::Test, tokenizer)?,
    );
    let share = |(unknown, all): (u64, u64)| unknown as f64 / all.max(1) as f64;
    let p_value = two_proportion_z(validation, test)?.p_value;
    let measured = Measured::new()
        .statistic("share of unknown tokens in test", share(test))
        .p_value(p_value)
        .with("share_in_validation", share(validation));
    let differs =
        case.significant(p_value) && share(test) > MANY_UNKNOWN && share(test) > 3.0 * share(validation);
    differs.then(|| {
        let summary = format!(
            "The tokenizer does not know {:.1} % of the tokens of the test texts, and {:.1} % of those of \
             the validation texts: they are not prepared in the same way.",
            100.0 * share(test),
            100.0 * share(validation)
        );
        found(summary, Confidence::Likely, None, measured)
    })
}

fn unknown(case: &Case<'_>, split: Split, tokenizer: &Tokenizer) -> Option<(u64, u64)> {
    let texts = case.evidence.texts(split).ok()?;
    let step = texts.len().div_ceil(MOST_TEXTS).max(1);
    let some: Vec<&str> = texts.iter().step_by(step).map(String::as_str).collect();
    let unknown = tokenizer.unknown_id()?;
    let encodings = tokenizer.encode_batch(&some, MOST_TOKENS).ok()?;
    let ids = encodings.iter().flat_map(|encoding| &encoding.ids);
    let (mut missed, mut all) = (0, 0);
    for id in ids {
        all += 1;
        missed += u64::from(*id == unknown);
    }
    Some((missed, all))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Evidence;
    use crate::evidence::Part;
    use crate::evidence::bundle::BundleFacts;
    use crate::testing::{
        ask, assert_close, case, clear, evidence, example, found, part, predicted_by, simulated, statistic,
    };

    #[test]
    fn a_bundle_that_makes_other_tokens_is_found() {
        let bundle = |tokens_repeated| Evidence {
            bundle: Some(BundleFacts {
                canaries: 8,
                tokens_repeated,
                ..BundleFacts::default()
            }),
            ..Evidence::default()
        };
        assert_eq!(
            found(ask(Cause::OtherTokenizer, &bundle(false))).confidence,
            Confidence::Certain
        );
        clear(ask(Cause::OtherTokenizer, &bundle(true)));
    }

    /// A tokenizer that knows three words.
    fn tokenizer() -> Tokenizer {
        let json = serde_json::json!({
            "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null,
            "pre_tokenizer": {"type": "BertPreTokenizer"}, "post_processor": null, "decoder": null,
            "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                      "max_input_chars_per_word": 100,
                      "vocab": {"[UNK]": 0, "the": 1, "road": 2, "clean": 3}},
        });
        Tokenizer::from_bytes(json.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn words_that_the_tokenizer_does_not_know_are_counted() {
        let texts = |text: &'static str| part(&vec![(text, 0); 100]);
        let with_test = |text| Evidence {
            tokenizer: Some(tokenizer()),
            ..evidence(&["a"], [Part::default(), texts("the clean road"), texts(text)])
        };
        let found = example(Cause::OtherTokenizer, &with_test("THE clean ROAD road"));
        assert_close(statistic(&found.measured), 0.5, 1e-12);
        assert!(unknown_tokens(&case(&with_test("the road")), &tokenizer()).is_none());
    }

    #[test]
    fn predictions_of_another_model_are_found_and_nothing_more_is_claimed() {
        let (validation, mut test) = (simulated(5, 2000, 0.83, 1), simulated(5, 2000, 0.5, 2));
        test.logits.iter_mut().flatten().for_each(|score| *score *= 0.5);
        let found = found(ask(Cause::OtherTokenizer, &predicted_by(&validation, &test)));
        assert_eq!(found.confidence, Confidence::Possible);
        assert_close(found.effect.unwrap().points, -33.0, 5.0);
        clear(ask(
            Cause::OtherTokenizer,
            &predicted_by(&validation, &simulated(5, 2000, 0.83, 3)),
        ));
    }
}
