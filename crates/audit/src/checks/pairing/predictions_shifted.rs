//! # Predictions are shifted against their rows
//!
//! Every prediction stands a constant number of rows above or below its label. A header that is counted
//! as a row, an empty line that one reader drops, or a filter that only one of two files went through
//! does this.
//!
//! ## Why the figures look good
//! As with shuffled predictions (C11), the model is right and validation was scored elsewhere. If the
//! rows are in random order, a shift by a single row makes the accuracy that of chance.
//!
//! ## How it is tested
//! The audit moves the predictions by up to 64 rows to either side and takes the shift `l` that makes
//! most of them right. McNemar's exact test, times the number of shifts tried, compares the rows that
//! are right only before with those that are right only after:
//!
//! ```text
//! accuracy(l) = mean over rows i of [prediction(i) == label(i + l)]
//! p           = McNemar(b, c) · 128
//! ```
//!
//! It is found, and certain, if that is significant (corrected p < 0.01), the shift gains at least 1
//! point, and the accuracy after it is above `0.4 (1 + s)`, with `s` the accuracy of shuffled
//! predictions. If no shift of the whole file counts, the same is tried within the run of rows that
//! collects most mistakes (C13): a row that is dropped half-way shifts only what comes after it.
//!
//! ## What to do
//! Join predictions to labels by a row id, never by position. Look for a header, an empty line or a
//! filter that one of the two files has and the other has not.
//!
//! ## Example
//! For the data of the test `a_header_or_so_is_found_with_its_lag`, the audit prints:
//!
//! ```text
//! 1. Predictions are shifted against their rows (C12, fault, certain, 64.8 points of accuracy)
//!    The test predictions belong to the row 7 places further down: moved there, 84.2 % of them are
//!    right instead of 19.5 %. A header, a dropped row or a join by position does this.
//!    What to do: Join predictions to labels by a row id, never by position; look for a header, an
//!    empty line or a filter that one of the two files has and the other has not.
//!    How to make sure: move the predictions of the test file by 7 rows and audit it again
//! ```
//!
//! ## References
//! - McNemar, 1947, *Note on the Sampling Error of the Difference Between Correlated Proportions*.

use crate::answer::finding::{Confidence, Family, Found, Measured, Missing, Outcome, Severity};
use crate::catalogue::{Check, significant};
use crate::evidence::{Evidence, Predicted};
use crate::measures::comparison::{shuffled_accuracy, suspect};
use crate::measures::pairing::{LARGEST_LAG, Shift, shift, worst_segment};

/// The check.
pub const CHECK: Check = Check {
    id: "C12",
    name: "Predictions are shifted against their rows",
    family: Family::Pairing,
    run,
};

/// The gain in accuracy from which on a shift counts.
const LEAST_GAIN: f64 = 0.01;

/// A shift, and the rows that it concerns.
pub(crate) struct Found12 {
    pub(crate) shift: Shift,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// Moves the predictions by up to 64 rows to either side; the exact test of McNemar, corrected for the shifts tried, decides
/// whether one of them repairs more than it breaks. Where only a run of rows is bad, the same is tried within it: a row
/// that was dropped half-way shifts only what comes after.
pub(crate) fn find(rows: &Predicted<'_>) -> Option<Found12> {
    let count = rows.truth.len();
    let whole = shift(rows.truth, rows.predictions).filter(|shift| counts(shift, rows));
    if let Some(shift) = whole {
        return Some(Found12 {
            shift,
            start: 0,
            end: count,
        });
    }
    let segment = worst_segment(rows).filter(|segment| significant(segment.p_value))?;
    let (start, end) = (segment.start, segment.end);
    let shift = shift(&rows.truth[start..end], &rows.predictions[start..end])?;
    counts(&shift, rows).then_some(Found12 { shift, start, end })
}

fn counts(shift: &Shift, rows: &Predicted<'_>) -> bool {
    let share = |hits: u64| hits as f64 / shift.rows.max(1) as f64;
    significant(shift.p_value)
        && share(shift.shifted_hits) - share(shift.hits) >= LEAST_GAIN
        && share(shift.shifted_hits) > 0.5 * (1.0 + shuffled_accuracy(rows)) * 0.8
}

pub(crate) fn run(evidence: &Evidence) -> Result<Outcome, Missing> {
    let suspect = suspect(evidence)?;
    let name = suspect.split.name();
    let rows = suspect.rows;
    let Some(found) = find(&rows) else {
        let best = shift(rows.truth, rows.predictions);
        let summary = format!(
            "No shift of up to {LARGEST_LAG} rows makes more {name} predictions right than there are now."
        );
        let measured = match best {
            Some(best) => Measured::new()
                .statistic(
                    "best accuracy of a shift",
                    best.shifted_hits as f64 / best.rows.max(1) as f64,
                )
                .p_value(best.p_value),
            None => Measured::new(),
        };
        return Ok(Outcome::clear(summary, measured));
    };
    let Found12 { shift, start, end } = found;
    let share = |hits: u64| hits as f64 / shift.rows as f64;
    let affected = (end - start) as f64 / rows.truth.len() as f64;
    let where_ = if end - start == rows.truth.len() {
        String::new()
    } else {
        format!(" from row {} to row {}", start + 1, end)
    };
    let direction = if shift.lag > 0 {
        "further down"
    } else {
        "further up"
    };
    let count = shift.lag.unsigned_abs();
    let plural = if count == 1 { "" } else { "s" };
    Ok(Found {
        severity: Severity::Unsound,
        confidence: Confidence::Certain,
        summary: format!(
            "The {name} predictions{where_} belong to the row {count} place{plural} {direction}: moved there, {:.1} % of them \
             are right instead of {:.1} %. A header, a dropped row or a join by position does this.",
            100.0 * share(shift.shifted_hits),
            100.0 * share(shift.hits)
        ),
        effect_points: Some(100.0 * affected * (share(shift.shifted_hits) - share(shift.hits))),
        fix: "Join predictions to labels by a row id, never by position; look for a header, an empty line or a filter \
              that one of the two files has and the other has not."
            .to_owned(),
        confirm: format!(
            "move the predictions of the {} file by {} rows and audit it again",
            suspect.split,
            shift.lag
        ),
        measured: Measured::new()
            .statistic("accuracy after the shift", share(shift.shifted_hits))
            .p_value(shift.p_value)
            .with("lag", shift.lag)
            .with("first_row", start + 1)
            .with("last_row", end),
    }
    .into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_close, clear, found, number, predicted_by, simulated};

    fn shifted(start: usize, change: impl Fn(&mut [Vec<f64>])) -> Evidence {
        let (validation, mut test) = (simulated(5, 2000, 0.83, 1), simulated(5, 2000, 0.83, 2));
        change(&mut test.logits[start..]);
        predicted_by(&validation, &test)
    }

    #[test]
    fn a_header_or_so_is_found_with_its_lag() {
        let check = |evidence: &Evidence, lag: i64| {
            let found = found(run(evidence));
            assert_eq!(found.measured.evidence["lag"], lag);
            assert_eq!(found.measured.evidence["first_row"], 1);
            assert_eq!(found.measured.evidence["last_row"], 2000);
            assert_close(found.measured.statistic.unwrap().1, 0.83, 0.03);
            assert_close(found.effect_points.unwrap(), 63.0, 5.0);
        };
        // Prediction i + 7 stands in row i, so that it belongs seven rows further down; and the other way round.
        check(&shifted(0, |rows| rows.rotate_left(7)), 7);
        check(&shifted(0, |rows| rows.rotate_right(1)), -1);
    }

    #[test]
    fn a_row_that_was_dropped_half_way_shifts_what_comes_after() {
        let found = found(run(&shifted(1200, |rows| rows.rotate_left(1))));
        assert_eq!(found.measured.evidence["lag"], 1);
        assert_close(number(&found.measured, "first_row"), 1201.0, 20.0);
        assert_close(number(&found.measured, "last_row"), 2000.0, 20.0);
    }

    #[test]
    fn predictions_in_their_rows_are_clear() {
        clear(run(&shifted(0, |_| ())));
        // More than is tried.
        clear(run(&shifted(0, |rows| rows.rotate_left(200))));
    }
}
