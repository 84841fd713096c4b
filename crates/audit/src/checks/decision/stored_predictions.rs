//! # Predictions that are not the highest score
//!
//! The stored prediction of a row is not the class of its highest stored score: the maximum was taken
//! over the wrong axis, the columns have another order than the names, or a threshold was applied.
//!
//! ## Why the figures look good
//! The scores are good, and every metric that is made of them (loss, area under the curve) is. The
//! labels that are used come from the other column.
//!
//! ## How it is tested
//! The audit compares the two in every split that has both. Equal scores, which rounding makes, do not
//! count:
//!
//! ```text
//! mismatch:  score[stored class] < max_k score[k]
//! share    = rows with a mismatch / rows
//! ```
//!
//! From 1 % of the rows on it is unsound, below a caution; it is certain. The explanation is looked for
//! in two ways: with two classes, one threshold that separates all stored predictions, which is only
//! noted, unless it costs accuracy beyond chance where the other split is decided by the highest score;
//! otherwise the renaming of the classes (Hungarian method) that explains at least 99 % of the rows.
//!
//! ## What to do
//! Make both from one array: the prediction is the class of the largest score of the row
//! (`argmax(axis=1)`), named by the list that names the columns. Choose a threshold on validation rows
//! only.
//!
//! ## Example
//! For the data of the test `renamed_classes_are_named`, the audit prints:
//!
//! ```text
//! 1. Predictions that are not the highest score (C61, fault, certain, −66.7 [−75.2…−55.3] points of
//!    test accuracy)
//!    In 60 of 90 test rows (66.7 %) the stored prediction is not the class with the highest stored
//!    score. The classes were renamed on the way: `b` is stored as `c`, `c` is stored as `b`. By the
//!    highest score the accuracy would be 66.7 points higher.
//!    What to do: Make both from one array: the prediction is the class of the largest score of the row
//!    (`argmax(axis=1)`), named by the same list that names the columns. Choose a threshold on
//!    validation rows only.
//!    How to make sure: Take one row of `rows`, read off the column of its largest score, and compare.
//! ```
//!
//! ## References
//! - Kuhn, 1955, *The Hungarian Method for the Assignment Problem*.

use labelproof_artifact::Split;
use labelproof_metrics::statistics::maximum_assignment;

use crate::answer::effect::{self, Effect, Figure};
use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::answer::wording::{percent, rounded, row_names, split_name};
use crate::case::Case;
use crate::case::suspect::other;
use crate::evidence::{Missing, Need, Part, argmax_rows};

/// A share of rows above which the figures are not those of the scores.
const MANY: f64 = 0.01;
/// A share of rows that a renaming must explain.
const EXPLAINED: f64 = 0.99;

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    let mut measured = Measured::new();
    let mut checked = 0_usize;
    let mut worst: Option<(f64, Split, Vec<usize>)> = None;
    for (split, key) in [
        (Split::Test, "test_rows"),
        (Split::Validation, "validation_rows"),
        (Split::Train, "training_rows"),
    ] {
        let Some(part) = case.evidence.part(split) else {
            continue;
        };
        let Some(rows) = mismatches(part) else { continue };
        checked += part.rows;
        measured = measured.with(key, rows.len());
        let share = rows.len() as f64 / part.rows.max(1) as f64;
        if share > worst.as_ref().map_or(0.0, |(worst, ..)| *worst) {
            worst = Some((share, split, rows));
        }
    }
    if checked == 0 {
        return Err(Missing(vec![Need::TestPredictions, Need::TestScores]));
    }
    let Some((share, split, rows)) = worst else {
        return Ok(Answer::clear(
            format!("all {checked} stored predictions are the class of the highest stored score"),
            measured,
        ));
    };
    let part = case.evidence.part(split).ok_or(Need::TestScores)?;
    let (pattern, is_threshold) = explain(case, part);
    let effect = effect(part, split);
    let is_odd = is_threshold && costs(effect) && is_by_highest_score(case, other(split));
    let cost = effect.map_or_else(String::new, |effect| {
        let points = -effect.points;
        format!(
            " By the highest score the accuracy would be {:.1} points {}.",
            points.abs(),
            if points >= 0.0 { "higher" } else { "lower" }
        )
    });
    Ok(Diagnosis {
        severity: match (share >= MANY, is_threshold && !is_odd) {
            (_, true) => Severity::Note,
            (true, false) => Severity::Unsound,
            (false, false) => Severity::Caution,
        },
        confidence: Confidence::Certain,
        summary: format!(
            "In {} of {} {} rows ({}) the stored prediction is not the class with the highest stored \
             score.{pattern}{cost}",
            rows.len(),
            part.rows,
            split_name(split),
            percent(share),
        ),
        effect,
        fix: String::from(
            "Make both from one array: the prediction is the class of the largest score of the row \
             (`argmax(axis=1)`), named by the same list that names the columns. Choose a threshold on \
             validation rows only.",
        ),
        confirm: String::from(
            "Take one row of `rows`, read off the column of its largest score, and compare.",
        ),
        measured: measured
            .statistic("share of rows that differ", rounded(share))
            .with("rows", row_names(part, &rows)),
    }
    .into())
}

/// Whether accuracy is lost beyond chance.
fn costs(effect: Option<Effect>) -> bool {
    let interval = effect.and_then(|effect| effect.interval);
    interval.is_some_and(|(_, high)| high < 0.0)
}

/// Whether all stored predictions of a split are the classes of the highest scores.
fn is_by_highest_score(case: &Case<'_>, split: Split) -> bool {
    let part = case.evidence.part(split).filter(|part| part.rows > 0);
    part.and_then(mismatches).is_some_and(|rows| rows.is_empty())
}

/// Rows whose stored class has a lower score than the highest; `None` without both.
fn mismatches(part: &Part) -> Option<Vec<usize>> {
    let (stored, scores) = (part.stored_predictions.as_ref()?, part.scores.as_ref()?);
    let differs = |row: &[f64], class: u32| {
        let own = row.get(class as usize).copied();
        let highest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        own.is_none_or(|own| own < highest)
    };
    Some(
        scores
            .rows()
            .zip(stored)
            .enumerate()
            .filter(|(_, (row, class))| differs(row, **class))
            .map(|(row, _)| row)
            .collect(),
    )
}

/// What the predictions are instead, in a sentence, and whether that is a threshold.
fn explain(case: &Case<'_>, part: &Part) -> (String, bool) {
    let (Some(stored), Some(scores)) = (&part.stored_predictions, &part.scores) else {
        return (String::new(), false);
    };
    if scores.classes == 2 {
        let differences = |class: u32| {
            scores
                .rows()
                .zip(stored)
                .filter(move |(_, stored)| **stored == class)
                .map(|(row, _)| row[1] - row[0])
        };
        let highest_first = differences(0).fold(f64::NEG_INFINITY, f64::max);
        let lowest_second = differences(1).fold(f64::INFINITY, f64::min);
        if highest_first <= lowest_second && highest_first.is_finite() && lowest_second.is_finite() {
            let text = " All of them fit a threshold other than one half; was it chosen on validation rows?";
            return (String::from(text), true);
        }
    }
    let highest = argmax_rows(scores);
    if let [first, rest @ ..] = &stored[..]
        && rest.iter().all(|class| class == first)
        && highest.iter().any(|class| class != first)
    {
        return (
            format!(
                " Every stored prediction is `{}`: a probability that is cut to a whole number (`int(score)`, \
                 `astype(int)`) gives that, as does the arg max over the wrong axis.",
                case.evidence.label(*first)
            ),
            false,
        );
    }
    let mut table = vec![vec![0_u64; scores.classes]; scores.classes];
    for (&from, &to) in highest.iter().zip(stored) {
        if let Some(cell) = table
            .get_mut(from as usize)
            .and_then(|row| row.get_mut(to as usize))
        {
            *cell += 1;
        }
    }
    let assignment = maximum_assignment(&table);
    let explained: u64 = assignment
        .iter()
        .enumerate()
        .map(|(from, &to)| table[from][to])
        .sum();
    let renamed: Vec<String> = assignment
        .iter()
        .enumerate()
        .filter(|(from, to)| from != *to && table[*from][**to] > 0)
        .map(|(from, &to)| {
            let name = |class: usize| case.evidence.label(u32::try_from(class).unwrap_or(u32::MAX));
            format!("`{}` is stored as `{}`", name(from), name(to))
        })
        .collect();
    if !renamed.is_empty() && explained as f64 >= EXPLAINED * stored.len() as f64 {
        let more = if renamed.len() > 3 { " and so on" } else { "" };
        let list = renamed[..renamed.len().min(3)].join(", ");
        return (
            format!(" The classes were renamed on the way: {list}{more}."),
            false,
        );
    }
    (String::new(), false)
}

/// What it does to the accuracy that the stored predictions count, and not the highest scores.
fn effect(part: &Part, split: Split) -> Option<Effect> {
    let (truth, stored) = (part.truth.as_ref()?, part.stored_predictions.as_ref()?);
    let highest = argmax_rows(part.scores.as_ref()?);
    let (mut only_stored, mut only_highest) = (0, 0);
    for ((truth, stored), highest) in truth.iter().zip(stored).zip(&highest) {
        only_stored += u64::from(stored == truth && highest != truth);
        only_highest += u64::from(highest == truth && stored != truth);
    }
    let rows = u64::try_from(truth.len()).unwrap_or(u64::MAX);
    (rows > 0).then(|| effect::of_exchange(Figure::Accuracy(split), only_stored, only_highest, rows))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::Cause;
    use crate::evidence::Evidence;
    use crate::testing::{ask, clear, evidence, example, found, scored};

    fn rows(stored: impl Fn(u32) -> u32) -> Part {
        let rows: Vec<(u32, Vec<f64>)> = (0..90)
            .map(|row| {
                let mut p = vec![0.1, 0.1, 0.1];
                p[row as usize % 3] = 0.8;
                (row % 3, p)
            })
            .collect();
        let mut part = scored(&rows);
        part.stored_predictions = Some((0..90).map(stored).collect());
        part
    }

    fn test_rows(part: Part) -> Evidence {
        evidence(&["a", "b", "c"], [scored(&[]), scored(&[]), part])
    }

    #[test]
    fn renamed_classes_are_named() {
        let found = example(
            Cause::StoredPredictions,
            &test_rows(rows(|row| [0, 2, 1][row as usize % 3])),
        );
        assert_eq!(found.severity, Severity::Unsound);
        assert!(
            found.summary.contains("`b` is stored as `c`"),
            "{}",
            found.summary
        );
        assert!((found.effect.unwrap().points + 200.0 / 3.0).abs() < 1e-4);
        assert_eq!(found.measured.evidence["rows"][0], 2);
    }

    #[test]
    fn ties_do_not_count() {
        let mut part = rows(|row| row % 3);
        let scores = part.scores.as_mut().unwrap();
        scores.values[..3].copy_from_slice(&[0.5, 0.5, 0.0]);
        part.stored_predictions.as_mut().unwrap()[0] = 1;
        assert_eq!(
            clear(ask(Cause::StoredPredictions, &test_rows(part))).evidence["test_rows"],
            0
        );
    }

    #[test]
    fn a_threshold_is_called_one() {
        let rows: Vec<(u32, Vec<f64>)> = (0..100)
            .map(|row| (0, vec![f64::from(row) / 100.0, 1.0 - f64::from(row) / 100.0]))
            .collect();
        let mut part = scored(&rows);
        part.stored_predictions = Some((0..100).map(|row| u32::from(row < 20)).collect());
        let found = found(ask(
            Cause::StoredPredictions,
            &evidence(&["a", "b"], [scored(&[]), scored(&[]), part]),
        ));
        assert_eq!(found.severity, Severity::Note);
        assert!(found.summary.contains("threshold"));
    }

    /// The threshold makes 30 of 100 rows wrong, in test alone or in both splits.
    #[test]
    fn a_threshold_that_only_one_split_has_and_that_costs_is_a_fault() {
        let decided = |threshold: u32| {
            let rows: Vec<(u32, Vec<f64>)> = (0..100)
                .map(|row| (0, vec![f64::from(row) / 100.0, 1.0 - f64::from(row) / 100.0]))
                .collect();
            let mut part = scored(&rows);
            part.stored_predictions = Some((0..100).map(|row| u32::from(row < threshold)).collect());
            part
        };
        let severity = |of_validation| {
            let parts = [scored(&[]), decided(of_validation), decided(80)];
            found(ask(Cause::StoredPredictions, &evidence(&["a", "b"], parts))).severity
        };
        assert_eq!(severity(50), Severity::Unsound);
        assert_eq!(severity(80), Severity::Note);
    }
}
