//! # The training file holds the test file
//!
//! Nearly all test rows are in the training file: a slip of a file name, or a final training on all
//! rows whose figures are then taken from the old test file.
//!
//! ## Why the figures look good
//! The model is tested on what it was trained on. The figure says how well it remembers.
//!
//! ## How it is tested
//! Texts are compared as in C40, by the digests of their normal forms:
//!
//! ```text
//! share = test rows whose text is a training text / test rows
//! found:  share ≥ 0.9 and at least 20 test rows
//! ```
//!
//! The finding is unsound, and certain. C40 finds smaller shares.
//!
//! ## What to do
//! Look at which files the training read. Take the test rows out of it, train again, and test again.
//!
//! ## Example
//! For the data of the test `a_test_file_inside_the_training_file_is_found`, the audit prints:
//!
//! ```text
//! 1. The training file holds the test file (C45, fault, certain)
//!    48 of 50 test rows (96.0 %) are in the training file: the model was tested on what it was trained
//!    on. The test accuracy says how well it remembers, not how well it will do on new texts.
//!    What to do: Check which files the training read. Take the test rows out of it, train again, and
//!    test again.
//!    How to make sure: Compare the two files: `comm -12 <(sort -u train.csv) <(sort -u test.csv) | wc
//!    -l`.
//! ```
//!
//! ## References
//! - `webis-de/small-text#70`: an example that built its training set from the test set.

use labelproof_artifact::Split;

use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::answer::wording::{percent, rounded, row_names, split_name};
use crate::case::Case;
use crate::checks::leakage::copies;
use crate::evidence::Missing;
use crate::measures::overlap::Likeness;

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    let overlap = case.overlap()?;
    if overlap.rows(Split::Train) == 0 || overlap.rows(Split::Test) == 0 {
        return Err(copies::missing(case));
    }
    let part = case
        .evidence
        .part(Split::Test)
        .ok_or_else(|| copies::missing(case))?;
    let rows = overlap.shared(Split::Test, Split::Train, Likeness::Exact);
    let share = rows.len() as f64 / part.rows.max(1) as f64;
    let measured = Measured::new()
        .statistic("share of test rows in training", rounded(share))
        .with("test_in_train_rows", rows.len());
    if !copies::contains_test(overlap) {
        return Ok(Answer::clear(
            format!("{} of the test rows are in the training file", percent(share)),
            measured,
        ));
    }
    Ok(Diagnosis {
        severity: Severity::Unsound,
        confidence: Confidence::Certain,
        summary: format!(
            "{} of {} test rows ({}) are in the training file: the model was tested on what it was trained \
             on. The test accuracy says how well it remembers, not how well it will do on new texts.",
            rows.len(),
            part.rows,
            percent(share),
        ),
        effect: None,
        fix: String::from(
            "Check which files the training read. Take the test rows out of it, train again, and test again.",
        ),
        confirm: String::from(
            "Compare the two files: `comm -12 <(sort -u train.csv) <(sort -u test.csv) | wc -l`.",
        ),
        measured: measured
            .with("split", split_name(Split::Test))
            .with("rows", row_names(part, &rows)),
    }
    .into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::Cause;
    use crate::testing::{ask, clear, evidence, example, part};

    fn rows(from: u32, to: u32) -> Vec<(String, u32)> {
        (from..to)
            .map(|row| (format!("alpha{row} beta{row}"), row % 2))
            .collect()
    }

    #[test]
    fn a_test_file_inside_the_training_file_is_found() {
        let test = part(&[rows(0, 48), rows(900, 902)].concat());
        let evidence = evidence(&["a", "b"], [part(&rows(0, 100)), part(&rows(200, 210)), test]);
        let found = example(Cause::TestInsideTrain, &evidence);
        assert_eq!(found.severity, Severity::Unsound);
        assert_eq!(
            found.measured.statistic,
            Some(("share of test rows in training", 0.96))
        );
    }

    #[test]
    fn half_a_test_file_is_left_to_c40() {
        let test = part(&rows(50, 150));
        let evidence = evidence(&["a", "b"], [part(&rows(0, 100)), part(&rows(200, 210)), test]);
        assert_eq!(
            clear(ask(Cause::TestInsideTrain, &evidence)).evidence["test_in_train_rows"],
            50
        );
    }
}
