//! # One author, thread or source in two splits
//!
//! Rows of one author, thread, patient or source are in training and in test. The model may know the
//! author's style or the thread's subject instead of the class.
//!
//! ## Why the figures look good
//! A random split spreads every group over all parts. The test then asks for new rows of known groups,
//! while real use brings new groups.
//!
//! ## How it is tested
//! The audit needs a group for each row (`--group`, or `group` under `ingest.columns` in a pipeline).
//! Test rows (validation rows, where there is no test) whose group has training rows are compared with
//! those of new groups:
//!
//! ```text
//! z = (p1 - p2) / sqrt(p (1 - p) (1/n1 + 1/n2))
//! effect = accuracy of all rows - accuracy of the rows of new groups
//! ```
//!
//! It is unsound if rows of known groups are significantly (corrected p < 0.01) better, by at least 1
//! point; a caution if there are at least 20 groups and more than 1 % of the rows are of known ones,
//! because then a split by group was possible; otherwise a note.
//!
//! ## What to do
//! If the model is meant for new authors, threads or sources, split by them: all rows of one in one
//! split.
//!
//! ## Example
//! For the data of the test `known_authors_that_are_easier_make_the_figure_unsound`, the audit prints:
//!
//! ```text
//! 1. One author, thread or source in two splits (C42, fault, likely, +25.0 [+21.4…+28.4] points of
//!    test accuracy)
//!    200 of 400 test rows (50.0 %) come from an author, thread or source that the model was trained
//!    on. The accuracy is 100.0 % on rows of known ones and 50.0 % on rows of new ones.
//!    What to do: If the model is meant for new authors, threads or sources, split by them: all rows of
//!    one in one split.
//!    How to make sure: Split once by group and once at random, and train on both: the difference is
//!    the leak.
//! ```
//!
//! ## References
//! - scikit-learn user guide, *Cross-validation iterators for grouped data*.
//! - `scikit-learn/scikit-learn#12076` and `scikit-learn/scikit-learn#13621`: splits that are both
//!   stratified and by group.

use std::collections::BTreeSet;

use labelproof_artifact::Split;
use labelproof_metrics::comparison::two_proportion_z;

use crate::answer::effect::{self, Figure};
use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::answer::wording::{percent, rounded, row_names, split_name};
use crate::case::Case;
use crate::evidence::{Missing, Need};

/// Fewer groups than this cannot be split by.
const LEAST_GROUPS: usize = 20;
/// A share of rows that is more than a slip.
const MANY: f64 = 0.01;
/// A difference in accuracy that matters.
const MATERIAL: f64 = 0.01;

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    let groups = |split| case.evidence.part(split).and_then(|part| part.groups.as_ref());
    let train: BTreeSet<&str> = groups(Split::Train)
        .ok_or(Need::Groups)?
        .iter()
        .map(String::as_str)
        .filter(|group| !group.is_empty())
        .collect();
    let split = [Split::Test, Split::Validation]
        .into_iter()
        .find(|split| groups(*split).is_some_and(|groups| !groups.is_empty()))
        .ok_or(Need::Groups)?;
    let part = case.evidence.part(split).ok_or(Need::Groups)?;
    let given = groups(split).ok_or(Need::Groups)?;
    let shared: Vec<bool> = given.iter().map(|group| train.contains(group.as_str())).collect();
    let rows: Vec<usize> = (0..shared.len()).filter(|&row| shared[row]).collect();
    let share = rows.len() as f64 / shared.len() as f64;
    let all: BTreeSet<&str> = given
        .iter()
        .map(String::as_str)
        .chain(train.iter().copied())
        .collect();
    let mut measured = Measured::new()
        .statistic("share of rows of a group with training rows", rounded(share))
        .with("groups", all.len());
    let name = split_name(split);
    if rows.is_empty() {
        return Ok(Answer::clear(
            format!("no {name} row is of an author, thread or source that has training rows"),
            measured,
        ));
    }
    let mut cells = [(0_u64, 0_u64); 2];
    if let Ok(predicted) = case.predicted(split) {
        for (hit, shared) in predicted.hits().zip(&shared) {
            let cell = &mut cells[usize::from(*shared)];
            cell.0 += u64::from(hit);
            cell.1 += 1;
        }
    }
    let comparison = two_proportion_z(cells[1], cells[0]);
    let better = comparison.is_some_and(|test| case.significant(test.p_value) && test.difference >= MATERIAL);
    let known = cells[1].1 as f64 / (cells[0].1 + cells[1].1).max(1) as f64;
    let effect = effect::of_part(Figure::Accuracy(split), known, cells[1], cells[0]);
    let (severity, confidence) = match (better, all.len() >= LEAST_GROUPS && share > MANY) {
        (true, _) => (Severity::Unsound, Confidence::Likely),
        (false, true) => (Severity::Caution, Confidence::Certain),
        (false, false) => (Severity::Note, Confidence::Certain),
    };
    if let Some(test) = comparison {
        measured = measured
            .p_value(test.p_value)
            .with(
                "accuracy_of_known_groups",
                rounded(cells[1].0 as f64 / cells[1].1 as f64),
            )
            .with(
                "accuracy_of_new_groups",
                rounded(cells[0].0 as f64 / cells[0].1 as f64),
            );
    }
    let compared = match comparison {
        Some(_) => format!(
            " The accuracy is {} on rows of known ones and {} on rows of new ones.",
            percent(cells[1].0 as f64 / cells[1].1 as f64),
            percent(cells[0].0 as f64 / cells[0].1 as f64),
        ),
        None => String::from(" How well the model does on new ones cannot be said from these rows."),
    };
    Ok(Diagnosis {
        severity,
        confidence,
        summary: format!(
            "{} of {} {name} rows ({}) come from an author, thread or source that the model was trained \
             on.{compared}",
            rows.len(),
            shared.len(),
            percent(share),
        ),
        effect,
        fix: String::from(
            "If the model is meant for new authors, threads or sources, split by them: all rows of one in \
             one split.",
        ),
        confirm: String::from(
            "Split once by group and once at random, and train on both: the difference is the leak.",
        ),
        measured: measured.with("split", name).with("rows", row_names(part, &rows)),
    }
    .into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::Cause;
    use crate::evidence::Part;
    use crate::testing::{ask, clear, evidence, example, predicted};

    fn grouped(rows: &[(u32, u32)], group: impl Fn(usize) -> String) -> Part {
        let mut part = predicted(rows);
        part.groups = Some((0..rows.len()).map(group).collect());
        part
    }

    #[test]
    fn known_authors_that_are_easier_make_the_figure_unsound() {
        // Authors 0 to 49 are known; the model gets all of their rows, and half of the others.
        let test: Vec<(u32, u32)> = (0..400)
            .map(|row| (0, u32::from(row % 100 >= 50 && row % 2 == 0)))
            .collect();
        let evidence = evidence(
            &["a", "b"],
            [
                grouped(&[(0, 0); 50], |row| format!("author{row}")),
                predicted(&[(0, 0)]),
                grouped(&test, |row| format!("author{}", row % 100)),
            ],
        );
        let found = example(Cause::SharedGroups, &evidence);
        assert_eq!(found.severity, Severity::Unsound);
        assert_eq!(found.measured.evidence["accuracy_of_known_groups"], 1.0);
        assert_eq!(found.measured.evidence["accuracy_of_new_groups"], 0.5);
        assert!((found.effect.unwrap().points - 25.0).abs() < 1e-9);
    }

    #[test]
    fn groups_of_their_own_are_clear() {
        let evidence = evidence(
            &["a", "b"],
            [
                grouped(&[(0, 0); 50], |row| format!("author{row}")),
                predicted(&[(0, 0)]),
                grouped(&[(0, 0); 30], |row| format!("writer{row}")),
            ],
        );
        assert_eq!(clear(ask(Cause::SharedGroups, &evidence)).evidence["groups"], 80);
    }
}
