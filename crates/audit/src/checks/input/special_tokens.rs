//! # The tokens that begin and end an input are missing
//!
//! An encoder that was pre-trained with special tokens, such as `[CLS]` and `[SEP]` of BERT, expects
//! them. Without them, the vector that the classifier reads is not the one that pre-training made for
//! it.
//!
//! ## Why the figures look good
//! Fine-tuning can get used to it, and reaches a fair accuracy. It fails where prediction adds the
//! tokens again.
//!
//! ## How it is tested
//! Only the artifacts of a pipeline tell. The first and the last token id of the stored rows are
//! compared with the special tokens of the tokenizer:
//!
//! ```text
//! found:  rows with another first or last token > 0
//! ```
//!
//! The finding is certain.
//!
//! ## What to do
//! Let the tokenizer add its special tokens (`add_special_tokens=True`), and look at the first ids of
//! some rows.
//!
//! ## Example
//! For the data of the test `other_tokens_are_found_and_counted`, the audit prints:
//!
//! ```text
//! 1. The tokens that begin and end an input are missing (C35, fault, certain)
//!    5 of 64 inputs do not begin and end with the encoder's special tokens.
//!    What to do: Make the tokens anew: labelproof run preprocess --force
//!    How to make sure: look at the first token ids in tokens.parquet
//! ```
//!
//! ## References
//! - Devlin and others, 2019, *BERT: Pre-training of Deep Bidirectional Transformers for Language
//!   Understanding*.

use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::case::Case;
use crate::evidence::Missing;

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    let pipeline = case.evidence.pipeline()?;
    let measured = Measured::new()
        .statistic(
            "rows with other first or last tokens",
            pipeline.rows_without_special_tokens as f64,
        )
        .with("rows", pipeline.rows);
    if pipeline.rows_without_special_tokens == 0 {
        let summary = "Every input begins and ends with the same special tokens.";
        return Ok(Answer::clear(summary, measured));
    }
    Ok(Diagnosis {
        severity: Severity::Unsound,
        confidence: Confidence::Certain,
        summary: format!(
            "{} of {} inputs do not begin and end with the encoder's special tokens.",
            pipeline.rows_without_special_tokens, pipeline.rows
        ),
        effect: None,
        fix: "Make the tokens anew: labelproof run preprocess --force".to_owned(),
        confirm: "look at the first token ids in tokens.parquet".to_owned(),
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
                rows: 64,
                rows_without_special_tokens: bad,
                ..PipelineFacts::default()
            }),
            ..Evidence::default()
        }
    }

    #[test]
    fn other_tokens_are_found_and_counted() {
        let found = example(Cause::SpecialTokens, &rows(5));
        assert_close(statistic(&found.measured), 5.0, 1e-12);
        assert!(found.summary.starts_with("5 of 64"), "{}", found.summary);
        clear(ask(Cause::SpecialTokens, &rows(0)));
    }
}
