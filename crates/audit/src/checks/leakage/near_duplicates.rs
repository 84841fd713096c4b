//! C41: nearly the same text in two splits.

use std::collections::BTreeSet;

use crate::answer::finding::{Family, Missing, Outcome};
use crate::case::Likeness;
use crate::catalogue::Check;
use crate::checks::leakage::copies;
use crate::evidence::Evidence;

/// Nearly the same text in two splits: an edited copy, or one template with other names.
///
/// `MinHash` with 128 hashes of shingles, 16 bands of 8, then the true Jaccard similarity of at least .8 (Broder 1997;
/// see [`labelproof_text::duplicates`]), joined to groups; rows with an exact copy there are C40's and left out. The
/// accuracy with and without these rows is compared as in C40.
pub const CHECK: Check = Check {
    id: "C41",
    name: "nearly the same texts in two splits",
    family: Family::Leakage,
    run,
};

fn run(evidence: &Evidence) -> Result<Outcome, Missing> {
    let overlap = evidence.overlap()?;
    copies::answer(evidence, overlap, "nearly the same text as", &|of, with| {
        let exact: BTreeSet<usize> = overlap.shared(of, with, Likeness::Exact).into_iter().collect();
        let mut near = overlap.shared(of, with, Likeness::Near);
        near.retain(|row| !exact.contains(row));
        near
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::finding::Severity;
    use crate::measures::rows::shuffled;
    use crate::testing::{clear, evidence, found, part};
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
        let found = found(run(&evidence));
        assert_eq!(found.measured.evidence["test_in_train_rows"], 10);
        assert_eq!(found.severity, Severity::Unsound);
        assert_eq!(evidence.part(Split::Test).unwrap().rows, 50);
    }

    #[test]
    fn other_texts_are_clear() {
        let train: Vec<_> = (0..60).map(|row| text(row, "one")).collect();
        let test: Vec<_> = (100..160).map(|row| text(row, "one")).collect();
        let evidence = evidence(&["a", "b"], [part(&train), part(&[("x", 0)]), part(&test)]);
        assert_eq!(clear(run(&evidence)).evidence["test_in_train_rows"], 0);
    }
}
