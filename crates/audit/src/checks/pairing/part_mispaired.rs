//! # A part of the file is paired with the wrong labels
//!
//! Most rows are right, and one run of rows is as wrong as shuffled predictions would be: a shard that
//! was gathered in another order, the tail of a resumed run, or a block that was appended twice.
//!
//! ## Why the figures look good
//! The mistakes dilute in the total. With five equal classes, a quarter of the rows mis-paired turns 83
//! % into some 67 %, which looks like a harder test set.
//!
//! ## How it is tested
//! In the order of the file, the hits minus the mean hit rate of their true class are added up, so that
//! a file that is sorted by class shows nothing. If mistakes are spread at random, this cumulative sum
//! is a Brownian bridge, and its range has Kuiper's distribution:
//!
//! ```text
//! V = (max S - min S) / sqrt(Σ r (1 - r))     r the hit rate of the row's class
//! P(V > x) = 2 Σ_k (4 k² x² - 1) exp(-2 k² x²)
//! ```
//!
//! It is found, and certain, if the range is significant (corrected p < 0.01), the run of rows is
//! nearer to the accuracy of shuffled predictions than to that of the other rows, and the model is as
//! sure of itself within the run as outside it (a significant Kolmogorov-Smirnov distance above 0.2
//! would mean other texts). If a shift explains the rows, C12 takes precedence.
//!
//! ## What to do
//! Join predictions to labels by a row id. Look at what was appended, resumed or gathered from several
//! workers at the named row.
//!
//! ## Example
//! For the data of the test `a_tail_or_a_shard_is_found_with_its_rows`, the audit prints:
//!
//! ```text
//! 1. A part of the file is paired with the wrong labels (C13, fault, certain, −15.8 [−16.8…−14.8]
//!    points of test accuracy)
//!    From row 1509 to row 2000 of the test file (25 % of it) 20.5 % of the predictions are right,
//!    elsewhere 84.9 %; shuffled predictions would be right in 20.1 %. These rows stand beside the
//!    labels of other rows.
//!    What to do: Join predictions to labels by a row id; look at what was appended, resumed or
//!    gathered from several workers at that row.
//!    How to make sure: predict the texts of rows 1509 to 2000 again, one by one, and compare with the
//!    file
//! ```
//!
//! ## References
//! - Kuiper, 1960, *Tests Concerning Random Points on a Circle*; Stephens, 1970, for percentage points.
//! - `keras-team/keras#13077`: the last quarter of the predictions is all wrong.

use labelproof_metrics::statistics::kolmogorov_smirnov;
use serde_json::json;

use crate::answer::effect::{self, Effect, Figure};
use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::case::Case;
use crate::case::suspect::{Suspect, mispaired_suspect};
use crate::evidence::{Missing, Need};
use crate::measures::comparison::shuffled_accuracy;
use crate::measures::pairing::{Segment, shifted_run, worst_segment};

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    let suspect = mispaired_suspect(case)?;
    let rows = suspect.rows;
    let name = suspect.split.name();
    let segment = worst_segment(&rows).ok_or(Need::MoreRows)?;
    let chance = shuffled_accuracy(&rows);
    let affected = (segment.end - segment.start) as f64 / rows.truth.len() as f64;
    let surprise = confidence_differs(case, &suspect, &segment);
    let measured = Measured::new()
        .statistic("accuracy of the worst run of rows", segment.inside)
        .p_value(segment.p_value)
        .with("rows", json!([segment.start + 1, segment.end]))
        .with("accuracy_elsewhere", segment.outside)
        .with("accuracy_if_shuffled", chance);
    let shifted = shifted_run(&rows, case.significance()).is_some();
    let collapsed = segment.inside - chance < 0.5 * (segment.outside - chance);
    if !case.significant(segment.p_value) || !collapsed || surprise || shifted {
        let summary = if shifted {
            format!("The {name} predictions are shifted, which explains their mistakes (see C12).")
        } else {
            format!("The mistakes are spread over the {name} file as chance would spread them.")
        };
        return Ok(Answer::clear(summary, measured));
    }
    Ok(Diagnosis {
        severity: Severity::Unsound,
        confidence: Confidence::Certain,
        summary: format!(
            "From row {} to row {} of the {name} file ({:.0} % of it) {:.1} % of the predictions are right, \
             elsewhere {:.1} %; shuffled predictions would be right in {:.1} %. These rows stand beside the \
             labels of other rows.",
            segment.start + 1,
            segment.end,
            100.0 * affected,
            100.0 * segment.inside,
            100.0 * segment.outside,
            100.0 * chance
        ),
        effect: effect(&suspect, &segment),
        fix: "Join predictions to labels by a row id; look at what was appended, resumed or gathered from \
              several workers at that row."
            .to_owned(),
        confirm: format!(
            "predict the texts of rows {} to {} again, one by one, and compare with the file",
            segment.start + 1,
            segment.end
        ),
        measured,
    }
    .into())
}

/// What the run of rows takes from the accuracy: without it, the file would be as right as elsewhere.
fn effect(suspect: &Suspect<'_>, segment: &Segment) -> Option<Effect> {
    let (inside, outside) = suspect.rows.hits().enumerate().fold(
        ((0, 0), (0, 0)),
        |(inside, outside): ((u64, u64), (u64, u64)), (row, hit)| {
            if (segment.start..segment.end).contains(&row) {
                ((inside.0 + u64::from(hit), inside.1 + 1), outside)
            } else {
                (inside, (outside.0 + u64::from(hit), outside.1 + 1))
            }
        },
    );
    let affected = inside.1 as f64 / suspect.rows.rows() as f64;
    effect::of_part(Figure::Accuracy(suspect.split), affected, inside, outside)
}

/// Whether the model is surer, or less sure, of itself within the run of rows: then these are other texts
/// rather than other labels.
fn confidence_differs(case: &Case<'_>, suspect: &Suspect<'_>, segment: &Segment) -> bool {
    let Ok(scored) = case.scored(suspect.split) else {
        return false;
    };
    let confidences = scored.confidences();
    let inside = &confidences[segment.start..segment.end];
    let outside = [&confidences[..segment.start], &confidences[segment.end..]].concat();
    kolmogorov_smirnov(inside, &outside)
        .is_some_and(|test| case.significant(test.p_value) && test.statistic > 0.2)
}

#[cfg(test)]
mod tests {
    use crate::cause::Cause;
    use crate::evidence::Evidence;
    use crate::testing::{
        ask, assert_close, clear, example, found, number, predicted_by, simulated, statistic,
    };

    fn mispaired(rows: std::ops::Range<usize>) -> Evidence {
        let (validation, mut test) = (simulated(5, 2000, 0.83, 1), simulated(5, 2000, 0.83, 2));
        test.shuffle(rows, 3);
        predicted_by(&validation, &test)
    }

    /// keras#13077: the last quarter was all wrong.
    #[test]
    fn a_tail_or_a_shard_is_found_with_its_rows() {
        let check = |start: usize, end: usize| {
            let found = found(ask(Cause::PartMispaired, &mispaired(start..end)));
            let rows = &found.measured.evidence["rows"];
            assert_close(rows[0].as_f64().unwrap(), start as f64 + 1.0, 20.0);
            assert_close(rows[1].as_f64().unwrap(), end as f64, 20.0);
            assert_close(statistic(&found.measured), 0.2, 0.05);
            assert_close(number(&found.measured, "accuracy_elsewhere"), 0.83, 0.03);
            assert_close(
                -found.effect.unwrap().points,
                63.0 * (end - start) as f64 / 2000.0,
                3.0,
            );
        };
        check(1500, 2000);
        check(600, 1100);
        check(0, 400);
        example(Cause::PartMispaired, &mispaired(1500..2000));
    }

    #[test]
    fn mistakes_that_are_spread_are_clear() {
        clear(ask(Cause::PartMispaired, &mispaired(0..0)));
        clear(ask(Cause::PartMispaired, &mispaired(0..2000)));
    }

    /// Harder texts at the end: the model is less sure of them, and says so.
    #[test]
    fn a_hard_tail_is_clear() {
        let (validation, mut test) = (simulated(5, 2000, 0.83, 1), simulated(5, 2000, 0.83, 2));
        let hard = simulated(5, 500, 0.25, 4);
        test.truth.splice(1500.., hard.truth);
        test.logits.splice(
            1500..,
            hard.logits
                .into_iter()
                .map(|row| row.into_iter().map(|score| 0.3 * score).collect()),
        );
        clear(ask(Cause::PartMispaired, &predicted_by(&validation, &test)));
    }

    #[test]
    fn validation_rows_alone_are_looked_at() {
        let mut alone = mispaired(1500..2000);
        alone.dataset.validation = alone.dataset.test.take();
        let found = found(ask(Cause::PartMispaired, &alone));
        assert!(
            found.summary.contains("of the validation file"),
            "{}",
            found.summary
        );
    }
}
