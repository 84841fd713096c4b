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
//! 1. Predictions are shifted against their rows (C12, fault, certain, −64.8 [−67.1…−62.3] points of
//!    test accuracy)
//!    The test predictions belong to the row 7 places further down: moved there, 84.2 % of them are
//!    right instead of 19.5 %. A header, a dropped row or a join by position does this.
//!    What to do: Join predictions to labels by a row id, never by position; look for a header, an
//!    empty line or a filter that one of the two files has and the other has not.
//!    How to make sure: move the predictions of the test file 7 places further down and audit it again
//! ```
//!
//! ## References
//! - McNemar, 1947, *Note on the Sampling Error of the Difference Between Correlated Proportions*.

use crate::answer::effect::{self, Figure};
use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::case::Case;
use crate::case::suspect::mispaired_suspect;
use crate::cause::Cause;
use crate::evidence::Missing;
use crate::measures::pairing::{LARGEST_LAG, ShiftedRun, shift, shifted_run};
use labelproof_artifact::wording::counted;

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    let suspect = mispaired_suspect(case)?;
    let name = suspect.split.name();
    let rows = suspect.rows;
    let Some(found) = shifted_run(&rows, case.significance()) else {
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
        return Ok(Answer::clear(summary, measured));
    };
    if case.finds(Cause::LabelsPermuted) {
        let summary = format!(
            "Classes in another order explain the mistakes of the {name} rows (see C10); where labels take \
             turns, that looks like a shift."
        );
        return Ok(Answer::clear(summary, Measured::new()));
    }
    let ShiftedRun { shift, start, end } = found;
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
    let places = counted(count, "place");
    Ok(Diagnosis {
        severity: Severity::Unsound,
        confidence: Confidence::Certain,
        summary: format!(
            "The {name} predictions{where_} belong to the row {places} {direction}: moved there, {:.1} % of \
             them are right instead of {:.1} %. A header, a dropped row or a join by position does this.",
            100.0 * share(shift.shifted_hits),
            100.0 * share(shift.hits)
        ),
        effect: effect::of_part(
            Figure::Accuracy(suspect.split),
            affected,
            (shift.hits, shift.rows),
            (shift.shifted_hits, shift.rows),
        ),
        fix:
            "Join predictions to labels by a row id, never by position; look for a header, an empty line or \
             a filter that one of the two files has and the other has not."
                .to_owned(),
        confirm: format!(
            "move the predictions of the {} file {places} {direction} and audit it again",
            suspect.split
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
    use crate::cause::Cause;
    use crate::evidence::Evidence;
    use crate::testing::{ask, assert_close, clear, example, found, number, predicted_by, simulated};

    fn shifted(start: usize, change: impl Fn(&mut [Vec<f64>])) -> Evidence {
        let (validation, mut test) = (simulated(5, 2000, 0.83, 1), simulated(5, 2000, 0.83, 2));
        change(&mut test.logits[start..]);
        predicted_by(&validation, &test)
    }

    #[test]
    fn a_header_or_so_is_found_with_its_lag() {
        let check = |evidence: &Evidence, lag: i64| {
            let found = found(ask(Cause::PredictionsShifted, evidence));
            assert_eq!(found.measured.evidence["lag"], lag);
            assert_eq!(found.measured.evidence["first_row"], 1);
            assert_eq!(found.measured.evidence["last_row"], 2000);
            assert_close(found.measured.statistic.unwrap().1, 0.83, 0.03);
            assert_close(found.effect.unwrap().points, -63.0, 5.0);
        };
        // Prediction i + 7 stands in row i, so that it belongs seven rows further down; and the other way
        // round.
        check(&shifted(0, |rows| rows.rotate_left(7)), 7);
        check(&shifted(0, |rows| rows.rotate_right(1)), -1);
        example(Cause::PredictionsShifted, &shifted(0, |rows| rows.rotate_left(7)));
    }

    #[test]
    fn a_row_that_was_dropped_half_way_shifts_what_comes_after() {
        let found = found(ask(
            Cause::PredictionsShifted,
            &shifted(1200, |rows| rows.rotate_left(1)),
        ));
        assert_eq!(found.measured.evidence["lag"], 1);
        assert_close(number(&found.measured, "first_row"), 1201.0, 20.0);
        assert_close(number(&found.measured, "last_row"), 2000.0, 20.0);
    }

    #[test]
    fn predictions_in_their_rows_are_clear() {
        clear(ask(Cause::PredictionsShifted, &shifted(0, |_| ())));
        // More than is tried.
        clear(ask(
            Cause::PredictionsShifted,
            &shifted(0, |rows| rows.rotate_left(200)),
        ));
    }

    #[test]
    fn validation_rows_alone_are_looked_at() {
        let mut alone = shifted(0, |rows| rows.rotate_left(7));
        alone.dataset.validation = alone.dataset.test.take();
        let found = found(ask(Cause::PredictionsShifted, &alone));
        assert_eq!(found.measured.evidence["lag"], 7);
        assert!(
            found.summary.contains("validation predictions"),
            "{}",
            found.summary
        );
    }
}
