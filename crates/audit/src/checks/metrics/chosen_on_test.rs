//! # The test rows are the validation rows
//!
//! The rows that chose the model (the best epoch, the learning rate, the stopping point) are the rows
//! that are reported as test rows, in whole or in part.
//!
//! ## Why the figures look good
//! The best of many models on some rows is partly the luckiest on these rows. The figure is the maximum
//! of several noisy ones, and it agrees perfectly with validation because it is validation.
//!
//! ## How it is tested
//! The audit looks for ids that the validation and the test file share. Numbers of lines are shared by
//! any two files, so shared ids count only if at least 10 are shared and at least 99 % of them have the
//! same label (and the same text, if there are texts) in both files:
//!
//! ```text
//! share = test rows whose id is a validation row / test rows
//! ```
//!
//! The finding is certain: unsound above 1 % of the test rows, a caution below. C40 finds copies of
//! texts under other ids.
//!
//! ## What to do
//! Split once into three parts, save which row is where, and let nothing look at the test rows before
//! the last evaluation.
//!
//! ## Example
//! For the data of the test `shared_rows_are_found_by_id_and_label`, the audit prints:
//!
//! ```text
//! 1. The test rows are the validation rows (C8, fault, certain)
//!    40 of the 100 test rows (40.0 %) are validation rows. The model was chosen by them, so that they
//!    cannot judge it: a new text will be predicted less well.
//!    What to do: Set rows aside that nothing looks at before the last evaluation: split once, into
//!    three parts, and save which row is where.
//!    How to make sure: count the ids that both files have
//! ```
//!
//! ## References
//! - Cawley and Talbot, 2010, *On Over-fitting in Model Selection and Subsequent Selection Bias in
//!   Performance Evaluation*.

use std::collections::BTreeMap;

use labelproof_artifact::Split;

use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::case::Case;
use crate::evidence::{Missing, Need, Part};

/// The share of shared ids at which labels must agree for ids to name rows and not places in a file.
const SAME_LABELS: f64 = 0.99;

/// Shared ids below which nothing can be said of whether they name rows.
const FEWEST_SHARED: usize = 10;

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    let validation = case
        .evidence
        .part(Split::Validation)
        .ok_or(Need::ValidationPredictions)?;
    let test = case.evidence.part(Split::Test).ok_or(Need::TestPredictions)?;
    let (Some(validation_ids), Some(test_ids)) = (&validation.ids, &test.ids) else {
        return Err(Need::Ids.into());
    };
    let rows: BTreeMap<&str, usize> = validation_ids
        .iter()
        .enumerate()
        .map(|(row, id)| (id.as_str(), row))
        .collect();
    let shared: Vec<(usize, usize)> = test_ids
        .iter()
        .enumerate()
        .filter_map(|(row, id)| Some((*rows.get(id.as_str())?, row)))
        .collect();
    let agreeing = shared
        .iter()
        .filter(|&&(one, other)| same_row(validation, one, test, other))
        .count();
    let share = shared.len() as f64 / test.rows.max(1) as f64;
    let names_rows = shared.len() >= FEWEST_SHARED && agreeing as f64 >= SAME_LABELS * shared.len() as f64;
    let measured = Measured::new().statistic("share of test ids that are validation ids", share);
    if !names_rows {
        let summary = if shared.is_empty() {
            "No id is in both validation and test.".to_owned()
        } else {
            format!(
                "{} ids are in both validation and test, but stand for different rows: they number lines.",
                shared.len()
            )
        };
        return Ok(Answer::clear(summary, measured));
    }
    let names: Vec<&str> = shared
        .iter()
        .take(20)
        .map(|&(_, row)| test_ids[row].as_str())
        .collect();
    Ok(Diagnosis {
        severity: if share > 0.01 {
            Severity::Unsound
        } else {
            Severity::Caution
        },
        confidence: Confidence::Certain,
        summary: format!(
            "{} of the {} test rows ({:.1} %) are validation rows. The model was chosen by them, so that \
             they cannot judge it: a new text will be predicted less well.",
            shared.len(),
            test.rows,
            100.0 * share
        ),
        effect: None,
        fix:
            "Set rows aside that nothing looks at before the last evaluation: split once, into three parts, \
             and save which row is where."
                .to_owned(),
        confirm: "count the ids that both files have".to_owned(),
        measured: measured.with("ids", names),
    }
    .into())
}

fn same_row(one: &Part, one_row: usize, other: &Part, other_row: usize) -> bool {
    let same_label = match (&one.truth, &other.truth) {
        (Some(one), Some(other)) => one[one_row] == other[other_row],
        _ => false,
    };
    let same_text = match (&one.texts, &other.texts) {
        (Some(one), Some(other)) => one[one_row] == other[other_row],
        _ => true,
    };
    same_label && same_text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::Cause;
    use crate::evidence::Evidence;
    use crate::testing::{ask, assert_close, clear, evidence, example, predicted, statistic};

    /// 100 rows each; test row 0 is called what validation row `first` is called.
    fn parts(first: usize, same_label: bool) -> Evidence {
        let part = |first: usize, label: fn(usize) -> u32| Part {
            ids: Some((first..first + 100).map(|row| format!("id{row}")).collect()),
            ..predicted(
                &(first..first + 100)
                    .map(|row| (label(row), 0))
                    .collect::<Vec<_>>(),
            )
        };
        let alternating = |row| u32::from(row % 2 == 0);
        let other = if same_label {
            alternating
        } else {
            |row| u32::from(row % 3 == 0)
        };
        evidence(
            &["a", "b"],
            [Part::default(), part(0, alternating), part(first, other)],
        )
    }

    #[test]
    fn shared_rows_are_found_by_id_and_label() {
        let found = example(Cause::ChosenOnTest, &parts(60, true));
        assert_eq!(found.severity, Severity::Unsound);
        assert_close(statistic(&found.measured), 0.4, 1e-12);
        assert_eq!(found.measured.evidence["ids"][0], "id60");
    }

    #[test]
    fn numbers_of_lines_are_no_ids() {
        let measured = clear(ask(Cause::ChosenOnTest, &parts(0, false)));
        assert_close(statistic(&measured), 1.0, 1e-12);
        clear(ask(Cause::ChosenOnTest, &parts(500, true)));
    }
}
