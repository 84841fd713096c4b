//! # Nearly the same texts in two splits
//!
//! Rows of two splits are edited copies of each other, or come from one template with other names,
//! dates and numbers.
//!
//! ## Why the figures look good
//! Removing exact duplicates leaves them, and to a model they are as good as copies. Forms, adverts,
//! notices and automatic messages are full of them.
//!
//! ## How it is tested
//! Texts are compared as sets of 5 consecutive characters, after the same normalisation as for exact
//! copies. MinHash with 128 hashes in 16 bands of 8 finds candidates, and each pair is then compared
//! truly:
//!
//! ```text
//! J(A, B) = |A ∩ B| / |A ∪ B| ≥ 0.8          candidates are found with probability 1 - (1 - J^8)^16
//! ```
//!
//! Pairs are joined to groups, so a chain of similar texts is one group. Some 5 % of the pairs at
//! exactly 0.8 are missed, and 0.01 % at 0.9. Rows that also have an exact copy in the other split are
//! left out; C40 finds those. How bad it is, and what it does to the accuracy, is judged as in C40.
//!
//! ## What to do
//! Split so that near copies stay in one split (Labelproof's `split` does), train again, and report the
//! new figure. For one template, ask whether new texts will come from it as well.
//!
//! ## Example
//! For the data of the test `edited_copies_are_found_and_exact_ones_left_to_c40`, the audit prints:
//!
//! ```text
//! 1. Nearly the same texts in two splits (C41, fault, certain)
//!    10 of 50 test rows (20.0 %) have nearly the same text as a row of the training file, so the model
//!    may know the answer by heart.
//!    What to do: Split again so that copies of a text stay in one split (Labelproof's `split` does),
//!    train again, and report the accuracy on the new test rows.
//!    How to make sure: Open the 10 rows listed under `rows` and search the training file for their
//!    texts; then compute the accuracy without these rows.
//! ```
//!
//! ## References
//! - Broder, 1997, *On the Resemblance and Containment of Documents*.
//! - Leskovec, Rajaraman and Ullman, *Mining of Massive Datasets*, chapter 3 (shingles, MinHash and
//!   banding).
//! - `cleanlab/cleanlab#780`: near duplicates in large data sets.

use std::collections::BTreeSet;

use crate::answer::finding::Answer;
use crate::case::Case;
use crate::checks::leakage::copies;
use crate::evidence::Missing;
use crate::measures::overlap::Likeness;

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    let overlap = case.overlap()?;
    copies::answer(case, overlap, "nearly the same text as", &|of, with| {
        let exact: BTreeSet<usize> = overlap.shared(of, with, Likeness::Exact).into_iter().collect();
        let mut near = overlap.shared(of, with, Likeness::Near);
        near.retain(|row| !exact.contains(row));
        near
    })
}

#[cfg(test)]
mod tests {
    use crate::answer::finding::Severity;
    use crate::cause::Cause;
    use crate::measures::sampling::shuffled;
    use crate::testing::{ask, clear, evidence, example, part};
    use labelproof_artifact::Split;

    fn text(row: u32, ending: &str) -> (String, u32) {
        let words: Vec<String> = shuffled(100_000, u64::from(row))
            .iter()
            .take(20)
            .map(usize::to_string)
            .collect();
        (format!("{} {ending}", words.join(" ")), row % 2)
    }

    #[test]
    fn edited_copies_are_found_and_exact_ones_left_to_c40() {
        let train: Vec<_> = (0..60).map(|row| text(row, "one")).collect();
        // 10 edited copies, 5 exact ones, 35 of their own.
        let test: Vec<_> = (0..10)
            .map(|row| text(row, "two"))
            .chain((10..15).map(|row| text(row, "one")))
            .chain((100..135).map(|row| text(row, "one")))
            .collect();
        let evidence = evidence(&["a", "b"], [part(&train), part(&[("x", 0)]), part(&test)]);
        let found = example(Cause::NearDuplicates, &evidence);
        assert_eq!(found.measured.evidence["test_in_train_rows"], 10);
        assert_eq!(found.severity, Severity::Unsound);
        assert_eq!(evidence.part(Split::Test).unwrap().rows, 50);
    }

    #[test]
    fn other_texts_are_clear() {
        let train: Vec<_> = (0..60).map(|row| text(row, "one")).collect();
        let test: Vec<_> = (100..160).map(|row| text(row, "one")).collect();
        let evidence = evidence(&["a", "b"], [part(&train), part(&[("x", 0)]), part(&test)]);
        assert_eq!(
            clear(ask(Cause::NearDuplicates, &evidence)).evidence["test_in_train_rows"],
            0
        );
    }
}
