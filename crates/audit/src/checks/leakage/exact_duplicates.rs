//! # The same texts in two splits
//!
//! Rows of the test or validation split have the very text of a row of another split. What the model
//! learned by heart counts there as knowledge.
//!
//! ## Why the figures look good
//! A copy of a training text is predicted rightly however little the model understands. New texts have
//! no copies, so real use is worse than the figure.
//!
//! ## How it is tested
//! Texts are equal if their BLAKE3 digests are, after Unicode NFKC, case folding and squeezing of white
//! space; texts without a letter or digit are left out. Where fewer than two files have texts, equal
//! ids count, if at least 99 % of the shared ids have the same label. For test in training, test in
//! validation and validation in training, the accuracy of rows with a copy is compared with that of the
//! others:
//!
//! ```text
//! z = (p1 - p2) / sqrt(p (1 - p) (1/n1 + 1/n2))
//! effect = accuracy of all rows - accuracy of the rows without a copy
//! ```
//!
//! The worst pair of splits is reported: unsound if the test is significant (corrected p < 0.01) and
//! the effect at least 1 point, or if half of the rows have a copy. Where the 95 % interval of the
//! effect holds 0, or stays below 1 point, copies are a note, and from 10 % of the rows on a caution.
//! Where nothing is known of the effect, their share decides: unsound from 10 % on, a caution above 2
//! %, otherwise a note; one or two rows are never more. C45 takes precedence where 90 % of the test
//! rows are in training, and C8 where test rows are validation rows by their ids.
//!
//! ## What to do
//! Split so that all copies of a text fall into one split, as Labelproof's `split` does, train again,
//! and report the new figure.
//!
//! ## Example
//! For the data of the test `copies_in_test_are_counted_named_and_weighed`, the audit prints:
//!
//! ```text
//! 1. The same texts in two splits (C40, fault, certain, +10.0 [+7.7…+11.5] points of test accuracy)
//!    40 of 200 test rows (20.0 %) have the same text as a row of the training file, so the model may
//!    know the answer by heart. The accuracy is 60.0 % with these rows and 50.0 % without them.
//!    What to do: Split again so that copies of a text stay in one split (Labelproof's `split` does),
//!    train again, and report the accuracy on the new test rows.
//!    How to make sure: Open the 20 rows listed under `rows` and search the training file for their
//!    texts; then compute the accuracy without these rows.
//! ```
//!
//! ## References
//! - Lee and others, 2022, *Deduplicating Training Data Makes Language Models Better*.
//! - `bazingagin/npc_gzip#13`: all test texts of `DengueFilipino` and 90.4 % of those of `KirundiNews`
//!   are in training.
//! - `huggingface/datasets#4261` and `flairNLP/flair#1094`: copies in published data sets.

use labelproof_artifact::Split;

use crate::answer::finding::Answer;
use crate::case::Case;
use crate::checks::leakage::copies;
use crate::evidence::Missing;
use crate::measures::overlap::Likeness;

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    let overlap = case.overlap()?;
    let found = |of, with| overlap.shared(of, with, Likeness::Exact);
    if copies::contains_test(overlap) {
        let rows = found(Split::Test, Split::Train).len();
        return Ok(Answer::clear(
            format!("{rows} test rows are in the training file: that is more than copies, see C45"),
            crate::answer::finding::Measured::new().with("test_in_train_rows", rows),
        ));
    }
    copies::answer(case, overlap, "the same text as", &found)
}

#[cfg(test)]
mod tests {
    use crate::answer::finding::Severity;
    use crate::cause::Cause;
    use crate::testing::{ask, clear, evidence, example, found, part};

    fn rows(from: u32, to: u32) -> Vec<(String, u32)> {
        (from..to)
            .map(|row| {
                (
                    format!("alpha{row} beta{row} gamma{row} delta{row} text"),
                    row % 2,
                )
            })
            .collect()
    }

    #[test]
    fn copies_in_test_are_counted_named_and_weighed() {
        // 40 of 200 test rows are in training; the model gets these right, and half of the others.
        let mut test = part(&[rows(0, 40), rows(1000, 1160)].concat());
        test.stored_predictions = Some(
            (0..200)
                .map(|row| {
                    if row < 40 || row % 4 < 2 {
                        row % 2
                    } else {
                        1 - row % 2
                    }
                })
                .collect(),
        );
        test.ids = Some((0..200).map(|row| format!("t{row}")).collect());
        let evidence = evidence(
            &["a", "b"],
            [part(&rows(0, 500)), part(&[] as &[(String, u32)]), test],
        );
        let found = example(Cause::ExactDuplicates, &evidence);
        assert_eq!(found.severity, Severity::Unsound);
        assert!((found.effect.unwrap().points - 10.0).abs() < 1e-9);
        assert_eq!(found.measured.evidence["test_in_train_rows"], 40);
        assert_eq!(found.measured.evidence["rows"].as_array().unwrap().len(), 20);
        assert_eq!(found.measured.evidence["rows"][0], "t0");
    }

    #[test]
    fn a_handful_is_a_note() {
        let test = part(&[rows(0, 2), rows(1000, 1400)].concat());
        let evidence = evidence(&["a", "b"], [part(&rows(0, 500)), part(&rows(600, 700)), test]);
        assert_eq!(
            found(ask(Cause::ExactDuplicates, &evidence)).severity,
            Severity::Note
        );
    }

    #[test]
    fn different_texts_are_clear() {
        let evidence = evidence(
            &["a", "b"],
            [part(&rows(0, 100)), part(&rows(100, 150)), part(&rows(200, 250))],
        );
        assert_eq!(
            clear(ask(Cause::ExactDuplicates, &evidence)).evidence["test_in_train_rows"],
            0
        );
    }

    #[test]
    fn a_test_file_inside_the_training_file_is_left_to_c45() {
        let evidence = evidence(
            &["a", "b"],
            [part(&rows(0, 100)), part(&rows(100, 150)), part(&rows(0, 50))],
        );
        assert_eq!(
            clear(ask(Cause::ExactDuplicates, &evidence)).evidence["test_in_train_rows"],
            50
        );
    }
}
