//! # Cached tokens are those of other texts or settings
//!
//! A cache of tokens or features was made from other texts, another tokenizer or another maximum
//! length, and is read because its name is still the same.
//!
//! ## Why the figures look good
//! Training and validation use the cache and agree. Prediction tokenises anew, and the model meets
//! another input.
//!
//! ## How it is tested
//! Only the artifacts of a pipeline tell. Up to 64 documents, evenly spread, are cleaned and tokenised
//! again and compared with the stored ids:
//!
//! ```text
//! found:  documents that give other tokens > 0
//! ```
//!
//! The finding is certain.
//!
//! ## What to do
//! Name a cache by a digest of its input and its settings, or make it anew:
//! `labelproof run preprocess --force`. Labelproof's own caches are named in this way.
//!
//! ## Example
//! For the data of the test `other_tokens_are_found_and_counted`, the audit prints:
//!
//! ```text
//! 1. Cached tokens are those of other texts or settings (C36, fault, certain)
//!    5 of 64 documents, tokenised again, give other tokens than those that were trained on: the stored
//!    ones are of other texts or settings.
//!    What to do: Make the tokens anew: labelproof run preprocess --force
//!    How to make sure: labelproof status
//! ```
//!
//! ## References
//! - `ThilinaRajapakse/simpletransformers#28`, `ThilinaRajapakse/simpletransformers#203` and
//!   `ThilinaRajapakse/simpletransformers#1073`: features of a cache that belong to other data.

use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::case::Case;
use crate::evidence::Missing;

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    let pipeline = case.evidence.pipeline()?;
    let measured = Measured::new()
        .statistic(
            "documents that give other tokens",
            pipeline.retokenized_differently as f64,
        )
        .with("documents", pipeline.rechecked);
    if pipeline.retokenized_differently == 0 {
        let summary = format!(
            "{} documents, cleaned and tokenised again, give the stored tokens.",
            pipeline.rechecked
        );
        return Ok(Answer::clear(summary, measured));
    }
    Ok(Diagnosis {
        severity: Severity::Unsound,
        confidence: Confidence::Certain,
        summary: format!(
            "{} of {} documents, tokenised again, give other tokens than those that were trained on: the \
             stored ones are of other texts or settings.",
            pipeline.retokenized_differently, pipeline.rechecked
        ),
        effect: None,
        fix: "Make the tokens anew: labelproof run preprocess --force".to_owned(),
        confirm: "labelproof status".to_owned(),
        measured,
    }
    .into())
}

#[cfg(test)]
mod tests {
    use crate::cause::Cause;
    use crate::evidence::Evidence;
    use crate::evidence::pipeline::PipelineFacts;
    use crate::testing::{ask, assert_close, clear, example, statistic};

    fn rows(bad: usize) -> Evidence {
        Evidence {
            pipeline: Some(PipelineFacts {
                rechecked: 64,
                retokenized_differently: bad,
                ..PipelineFacts::default()
            }),
            ..Evidence::default()
        }
    }

    #[test]
    fn other_tokens_are_found_and_counted() {
        let found = example(Cause::StaleFeatures, &rows(5));
        assert_close(statistic(&found.measured), 5.0, 1e-12);
        assert!(found.summary.starts_with("5 of 64"), "{}", found.summary);
        clear(ask(Cause::StaleFeatures, &rows(0)));
    }
}
