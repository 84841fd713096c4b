//! # Two topics in one document
//!
//! Two classes are taken for each other because many documents are about both, although each was given
//! one label.
//!
//! ## Why the figures look good
//! They are lower than they could be: the model is right about the document and wrong about the label.
//! Its second choice is the label, by little.
//!
//! ## How it is tested
//! The audit needs scores of at least 50 rows and three classes. It takes the pair of classes whose
//! confusions, in both directions, cost most:
//!
//! ```text
//! gain by merging the pair                                             ≥ 0.03
//! its share of all errors                                              ≥ 0.30
//! errors of the pair whose true class is the second choice             ≥ 0.80
//! share of the rarer direction among the errors of the pair            ≥ 0.20
//! undecided: the two highest probabilities are less than 0.2 apart
//! ```
//!
//! All of these must hold, and rows of the pair must be undecided significantly more often than others
//! (two-proportion z test, corrected p < 0.01). It is a note, and possible.
//!
//! ## What to do
//! Read some of these documents. If they are about both, merge the two classes, allow two labels, or
//! write down a rule for which one wins and label again.
//!
//! ## Example
//! For the data of the test `a_pair_that_is_undecided_is_found`, the audit prints:
//!
//! ```text
//! 1. Two topics in one document (C52, note, possible, −16.7 points of accuracy)
//!    `a` and `b` are taken for each other in 50 of 60 errors, and in most of these the right one is
//!    the model's second choice by little. Perhaps many documents are about both, and one label is too
//!    few for them.
//!    What to do: Read some of these documents. If they are about both, merge the two classes, allow
//!    two labels, or write down a rule for which one wins and label again.
//!    How to make sure: Count how many of 30 such documents two people label alike, or train with the
//!    two classes merged: the accuracy would be about 96.7 %.
//! ```
//!
//! ## References
//! - Tsoumakas and Katakis, 2007, *Multi-Label Classification: An Overview*.

use labelproof_artifact::Split;
use labelproof_metrics::comparison::two_proportion_z;
use serde_json::json;

use crate::answer::effect::{self, Figure};
use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::answer::wording::{percent, rounded};
use crate::case::Case;
use crate::evidence::{Missing, Need};

const GAIN: f64 = 0.03;
const SHARE_OF_ERRORS: f64 = 0.3;
const SECOND_CHOICE: f64 = 0.8;
/// A share of the errors of a pair that each direction must have: otherwise one class swallows the other.
const EACH_WAY: f64 = 0.2;
const UNDECIDED: f64 = 0.2;

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    let scored = case
        .scored(Split::Test)
        .or_else(|missing| case.scored(Split::Validation).ok().ok_or(missing))?;
    let predicted = scored.predicted;
    let classes = scored.probabilities.classes;
    if classes < 3 || predicted.rows() < 50 {
        return Err(Need::MoreRows.into());
    }
    let matrix = predicted.confusion().matrix();
    let pairs = (0..matrix.len()).flat_map(|one| (one + 1..matrix.len()).map(move |other| (one, other)));
    let (one, other) = pairs
        .max_by_key(|&(one, other)| {
            (
                matrix[one][other] + matrix[other][one],
                std::cmp::Reverse((one, other)),
            )
        })
        .ok_or(Need::MoreRows)?;
    let errors = predicted.rows() - predicted.hit_count();
    let of_pair = matrix[one][other] + matrix[other][one];
    let gain = of_pair as f64 / predicted.rows() as f64;
    let mut second_choices = 0_u64;
    let mut top_two = 0_u64;
    // Undecided rows and all rows, of the pair and of the other classes.
    let mut cells = [(0_u64, 0_u64); 2];
    for ((row, &truth), &prediction) in scored
        .probabilities
        .rows()
        .zip(predicted.truth)
        .zip(predicted.predictions)
    {
        let (first, second) = two_largest(row);
        let in_top_two = truth as usize == first || truth as usize == second;
        let of_pair = |class: usize| class == one || class == other;
        top_two += u64::from(in_top_two);
        if truth != prediction && of_pair(truth as usize) && of_pair(prediction as usize) {
            second_choices += u64::from(in_top_two);
        }
        let cell = &mut cells[usize::from(of_pair(truth as usize))];
        cell.0 += u64::from(row[first] - row[second] < UNDECIDED);
        cell.1 += 1;
    }
    let comparison = two_proportion_z(cells[1], cells[0]);
    let name = |class: usize| case.evidence.label(u32::try_from(class).unwrap_or(u32::MAX));
    let undecided = cells.map(|(undecided, rows)| undecided as f64 / rows.max(1) as f64);
    let top_two = top_two as f64 / predicted.rows() as f64;
    let mut measured = Measured::new()
        .statistic("accuracy gained by merging the pair", rounded(gain))
        .with("pair", json!([name(one), name(other)]))
        .with("accuracy", rounded(predicted.accuracy()))
        .with("top_two_accuracy", rounded(top_two))
        .with("undecided_in_the_pair", rounded(undecided[1]))
        .with("undecided_elsewhere", rounded(undecided[0]));
    if let Some(test) = comparison {
        measured = measured.p_value(test.p_value);
    }
    let smaller = matrix[one][other].min(matrix[other][one]);
    let is_pair = gain >= GAIN
        && of_pair as f64 >= SHARE_OF_ERRORS * errors as f64
        && second_choices as f64 >= SECOND_CHOICE * of_pair as f64
        && smaller as f64 >= EACH_WAY * of_pair as f64
        && comparison.is_some_and(|test| case.significant(test.p_value) && test.difference > 0.0);
    if !is_pair {
        return Ok(Answer::clear(
            format!(
                "no two classes stand out as mixed up; `{}` and `{}` cost most, {}",
                name(one),
                name(other),
                percent(gain)
            ),
            measured,
        ));
    }
    Ok(Diagnosis {
        severity: Severity::Note,
        confidence: Confidence::Possible,
        summary: format!(
            "`{}` and `{}` are taken for each other in {of_pair} of {errors} errors, and in most of these \
             the right one is the model's second choice by little. Perhaps many documents are about both, \
             and one label is too few for them.",
            name(one),
            name(other),
        ),
        effect: Some(effect::of(Figure::EverySplit, -gain)),
        fix: String::from(
            "Read some of these documents. If they are about both, merge the two classes, allow two labels, \
             or write down a rule for which one wins and label again.",
        ),
        confirm: format!(
            "Count how many of 30 such documents two people label alike, or train with the two classes \
             merged: the accuracy would be about {}.",
            percent(predicted.accuracy() + gain),
        ),
        measured,
    }
    .into())
}

fn two_largest(row: &[f64]) -> (usize, usize) {
    let (mut first, mut second) = if row[1] > row[0] { (1, 0) } else { (0, 1) };
    for class in 2..row.len() {
        if row[class] > row[first] {
            (first, second) = (class, first);
        } else if row[class] > row[second] {
            second = class;
        }
    }
    (first, second)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::Cause;
    use crate::evidence::Evidence;
    use crate::testing::{ask, clear, evidence, example, scored};

    fn test_rows(mixed: bool) -> Evidence {
        let rows: Vec<(u32, Vec<f64>)> = (0..300)
            .map(|row| {
                let truth = row % 3;
                let mut p = vec![0.05; 3];
                p[truth as usize] = 0.9;
                if mixed && truth < 2 {
                    // Every third row of the pair is wrong by little, the others right by little.
                    let (high, low) = if row % 4 == 0 {
                        (1 - truth, truth)
                    } else {
                        (truth, 1 - truth)
                    };
                    (p[high as usize], p[low as usize], p[2]) = (0.5, 0.45, 0.05);
                } else if row % 10 == 0 {
                    p.rotate_left(1);
                }
                (truth, p)
            })
            .collect();
        evidence(&["a", "b", "c"], [scored(&[]), scored(&[]), scored(&rows)])
    }

    #[test]
    fn a_pair_that_is_undecided_is_found() {
        let found = example(Cause::TwoTopics, &test_rows(true));
        assert_eq!(found.measured.evidence["pair"], json!(["a", "b"]));
        // 25 of 100 rows of each of the two classes are wrong.
        assert!((found.measured.statistic.unwrap().1 - 50.0 / 300.0).abs() < 1e-6);
        assert_eq!(found.measured.evidence["undecided_in_the_pair"], 1.0);
    }

    #[test]
    fn errors_all_over_are_clear() {
        clear(ask(Cause::TwoTopics, &test_rows(false)));
    }
}
