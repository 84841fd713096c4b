//! # The predictions are those of other rows or of another run
//!
//! A file holds the predictions of the other split, or of an earlier model: a variable kept its old
//! value, a cache was not emptied, or a file was not written again.
//!
//! ## Why the figures look good
//! The old predictions were good where they were made. Nothing in the file says that it is old, as long
//! as it has the right number of rows.
//!
//! ## How it is tested
//! From files, the audit compares the scores of the validation and the test file row by row. Two
//! different sets of texts do not get the same ones:
//!
//! ```text
//! equal = rows i with scores_validation(i) == scores_test(i), of the first min(n, m)
//! ```
//!
//! It is found, and certain, if at least 10 rows and at least half of those compared are equal, and
//! fewer than half of the texts are the same. Equal rows of which fewer than half differ among themselves
//! say nothing: a model that says the same of every row does so in both files. In a pipeline of Labelproof,
//! the digests of what each stage read are compared with what is there; whatever is stale is named.
//!
//! ## What to do
//! Predict again and save what comes out, with the row ids, the name of the split and a digest of the
//! weights.
//!
//! ## Example
//! For the data of the test `scores_of_the_other_split_are_found`, the audit prints:
//!
//! ```text
//! 1. The predictions are those of other rows or of another run (C15, fault, certain)
//!    200 of the first 200 rows of the test file have exactly the scores of the validation file: a
//!    variable or a file of the other split was saved.
//!    What to do: Predict the test rows again and save what comes out, with the row ids and the name of
//!    the split.
//!    How to make sure: compare the first rows of both files
//! ```
//!
//! ## References
//! - `ThilinaRajapakse/simpletransformers#28` and `ThilinaRajapakse/simpletransformers#267`: a cache
//!   returns the predictions of other data.

use std::hash::{DefaultHasher, Hash, Hasher};

use labelproof_artifact::Split;

use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::case::Case;
use crate::evidence::Missing;

/// Rows below which equal scores may be chance.
const FEWEST_ROWS: usize = 10;

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    if let Some(pipeline) = &case.evidence.pipeline
        && let Some(stale) = pipeline.stale.first()
    {
        let all = pipeline.stale.join("; ");
        return Ok(Diagnosis {
            severity: Severity::Unsound,
            confidence: Confidence::Certain,
            summary: format!("The artifacts are not of one run: {all}."),
            effect: None,
            fix: "Run `labelproof run`: it makes anew what is stale, and only that.".to_owned(),
            confirm: "labelproof status".to_owned(),
            measured: Measured::new().with("stale", stale.clone()),
        }
        .into());
    }
    let validation = case.scored(Split::Validation)?;
    let test = case.scored(Split::Test)?;
    let rows = validation.saved.rows().zip(test.saved.rows());
    let compared = validation.predicted.truth.len().min(test.predicted.truth.len());
    let mut same: Vec<u64> = rows
        .filter(|(one, other)| one == other)
        .map(|(one, _)| hash(one))
        .collect();
    let equal = same.len();
    same.sort_unstable();
    same.dedup();
    let same_texts = match (
        case.evidence.texts(Split::Validation),
        case.evidence.texts(Split::Test),
    ) {
        (Ok(one), Ok(other)) => one.iter().zip(other).filter(|(a, b)| a == b).count(),
        _ => 0,
    };
    let measured = Measured::new().statistic("rows with equal scores in both files", equal as f64);
    // A model that says the same of every row, or only 0 and 1, says it in both files by itself.
    let says_the_same = 2 * same.len() < equal;
    if equal < FEWEST_ROWS || 2 * equal < compared || 2 * same_texts >= compared || says_the_same {
        let summary = "The scores of the test file are its own.";
        return Ok(Answer::clear(summary, measured));
    }
    Ok(Diagnosis {
        severity: Severity::Unsound,
        confidence: Confidence::Certain,
        summary: format!(
            "{equal} of the first {compared} rows of the test file have exactly the scores of the validation \
             file: a variable or a file of the other split was saved."
        ),
        effect: None,
        fix: "Predict the test rows again and save what comes out, with the row ids and the name of the \
              split."
            .to_owned(),
        confirm: "compare the first rows of both files".to_owned(),
        measured,
    }
    .into())
}

/// A number that is equal for equal scores.
fn hash(scores: &[f64]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for score in scores {
        score.to_bits().hash(&mut hasher);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use crate::cause::Cause;
    use crate::evidence::Evidence;
    use crate::evidence::pipeline::PipelineFacts;
    use crate::testing::{ask, assert_close, clear, example, found, predicted_by, simulated, statistic};

    #[test]
    fn scores_of_the_other_split_are_found() {
        let (validation, mut test) = (simulated(5, 300, 0.83, 1), simulated(5, 200, 0.83, 2));
        clear(ask(Cause::StalePredictions, &predicted_by(&validation, &test)));
        test.logits = validation.logits[..200].to_vec();
        let found = example(Cause::StalePredictions, &predicted_by(&validation, &test));
        assert_close(statistic(&found.measured), 200.0, 1e-12);
    }

    #[test]
    fn a_model_that_says_the_same_of_every_row_does_so_in_both_files() {
        let (mut validation, mut test) = (simulated(5, 300, 0.83, 1), simulated(5, 200, 0.83, 2));
        let says = validation.logits[0].clone();
        validation.logits.fill(says.clone());
        test.logits.fill(says);
        clear(ask(Cause::StalePredictions, &predicted_by(&validation, &test)));
    }

    #[test]
    fn the_same_texts_may_have_the_same_scores() {
        let rows = simulated(5, 100, 0.83, 1);
        let mut evidence = predicted_by(&rows, &rows);
        for part in [&mut evidence.dataset.validation, &mut evidence.dataset.test] {
            *part = Some(rows.with_texts(|row| format!("text {row}")));
        }
        clear(ask(Cause::StalePredictions, &evidence));
    }

    #[test]
    fn artifacts_of_two_runs_are_found() {
        let stale = Evidence {
            pipeline: Some(PipelineFacts {
                stale: vec![String::from("predictions are of an older bundle")],
                ..PipelineFacts::default()
            }),
            ..Evidence::default()
        };
        assert!(
            found(ask(Cause::StalePredictions, &stale))
                .summary
                .contains("of an older bundle")
        );
    }
}
