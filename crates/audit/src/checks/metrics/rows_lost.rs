//! # Rows are missing or counted twice in the evaluation
//!
//! The evaluation does not see every row once. A loader drops the last, smaller batch, the number of
//! steps is rounded down, or several workers get padded batches and their predictions are gathered with
//! the padding.
//!
//! ## Why the figures look good
//! The figure is computed over other rows than one thinks. A few lost rows hardly move it; rows that
//! are counted twice also break every later step that joins by position (C12, C13).
//!
//! ## How it is tested
//! The audit counts the ids that occur more than once in the validation and in the test file, and
//! compares the number of validation rows in the log with that of the file. Both are facts, and no
//! statistic is needed:
//!
//! ```text
//! surplus = Σ over ids of (times it occurs - 1)
//! lost    = |rows in the log - rows in the file|
//! ```
//!
//! Repeated ids are unsound above 1 % of the rows and a caution below; a difference in the number of
//! rows is a caution above 1 % and a note below. If the logged number is exactly that of the whole
//! batches, the summary says so.
//!
//! ## What to do
//! Evaluate every row once: no `drop_last`, the number of steps rounded up, one prediction for each id
//! before anything is computed. In Accelerate, `gather_for_metrics` removes the padding.
//!
//! ## Example
//! For the data of the test `a_dropped_last_batch_is_found`, the audit prints:
//!
//! ```text
//! 1. Rows are missing or counted twice in the evaluation (C5, note, certain)
//!    The log was computed over 992 validation rows, the file has 1000: 8 rows are counted in one and
//!    not in the other. That is the number of whole batches of 32: the last, smaller one was dropped.
//!    What to do: Evaluate every row once: no `drop_last`, and the number of steps rounded up.
//!    How to make sure: count the rows that the evaluation loop sees
//! ```
//!
//! ## References
//! - `tensorflow/tensorflow#25284`: of 1,000 rows 992 or 984 are evaluated, depending on the batch
//!   size.
//! - `huggingface/accelerate#575` and `huggingface/accelerate#540`: rows that are gathered twice, and
//!   `gather_for_metrics`.
//! - `keras-team/keras#11427` and `keras-team/keras#13077`: numbers of predictions that are not those
//!   of the rows.

use std::collections::BTreeMap;

use labelproof_artifact::Split;

use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::case::Case;
use crate::evidence::{Missing, Need};

/// Ids that are named in the evidence.
const SHOWN: usize = 20;

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    let parts: Vec<_> = [Split::Validation, Split::Test]
        .into_iter()
        .filter_map(|split| Some((split, case.evidence.part(split)?)))
        .collect();
    let logged_rows = case.evidence.log.as_ref().and_then(|log| log.validation_rows);
    let mut looked = Vec::new();
    for (split, part) in &parts {
        if let Some(ids) = &part.ids {
            let repeated = repeated(ids);
            if !repeated.is_empty() {
                return Ok(counted_twice(*split, part.rows, &repeated));
            }
            looked.push(format!("every id of the {split} file occurs once"));
        }
        if let (Split::Validation, Some(logged)) = (split, logged_rows) {
            let rows = part.rows as u64;
            if rows != logged {
                return Ok(miscounted(
                    logged,
                    rows,
                    case.evidence.log.as_ref().and_then(|log| log.batch_size),
                ));
            }
            looked.push("the log and the validation file have the same number of rows".to_owned());
        }
    }
    if looked.is_empty() {
        return Err(Need::Ids.into());
    }
    Ok(Answer::clear(looked.join("; "), Measured::new()))
}

/// Ids that occur more than once, with how often.
fn repeated(ids: &[String]) -> Vec<(&str, u64)> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for id in ids {
        *counts.entry(id).or_insert(0) += 1;
    }
    counts.into_iter().filter(|(_, count)| *count > 1).collect()
}

fn counted_twice(split: Split, rows: usize, repeated: &[(&str, u64)]) -> Answer {
    let surplus: u64 = repeated.iter().map(|(_, count)| count - 1).sum();
    let share = surplus as f64 / rows as f64;
    let names: Vec<&str> = repeated.iter().take(SHOWN).map(|(id, _)| *id).collect();
    Diagnosis {
        severity: if share > 0.01 {
            Severity::Unsound
        } else {
            Severity::Caution
        },
        confidence: Confidence::Certain,
        summary: format!(
            "{surplus} of the {rows} {split} predictions are of rows that were counted before: {} ids occur \
             more than once. Padding of the last batch over several workers does this, or a sampler that \
             draws with replacement.",
            repeated.len()
        ),
        effect: None,
        fix: "Keep one prediction for each id before anything is computed (in Accelerate: \
              `gather_for_metrics`)."
            .to_owned(),
        confirm: format!("remove the repeated ids from the {split} file and audit it again"),
        measured: Measured::new()
            .statistic("surplus rows", surplus as f64)
            .with("ids", names),
    }
    .into()
}

fn miscounted(logged: u64, rows: u64, batch_size: Option<u64>) -> Answer {
    let lost = logged.abs_diff(rows);
    let dropped = batch_size.filter(|size| *size > 0 && logged < rows && logged == rows / size * size);
    let guess = match dropped {
        Some(size) => {
            format!(" That is the number of whole batches of {size}: the last, smaller one was dropped.")
        }
        None => String::new(),
    };
    Diagnosis {
        severity: if lost as f64 > 0.01 * rows as f64 {
            Severity::Caution
        } else {
            Severity::Note
        },
        confidence: Confidence::Certain,
        summary: format!(
            "The log was computed over {logged} validation rows, the file has {rows}: {lost} rows are \
             counted in one and not in the other.{guess}"
        ),
        effect: None,
        fix: "Evaluate every row once: no `drop_last`, and the number of steps rounded up.".to_owned(),
        confirm: "count the rows that the evaluation loop sees".to_owned(),
        measured: Measured::new()
            .statistic("rows of difference", lost as f64)
            .with("logged_rows", logged)
            .with("rows", rows),
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::Cause;
    use crate::evidence::Evidence;
    use crate::evidence::Part;
    use crate::evidence::log::Log;
    use crate::testing::{ask, clear, evidence, example, found, predicted, statistic};

    fn with_ids(ids: Vec<String>) -> Evidence {
        let rows = vec![(0, 0); ids.len()];
        let part = Part {
            ids: Some(ids),
            ..predicted(&rows)
        };
        evidence(&["a"], [Part::default(), Part::default(), part])
    }

    #[test]
    fn rows_that_are_counted_twice_are_found_by_their_ids() {
        let ids = (0..100).map(|row: usize| format!("id{}", row.min(96))).collect();
        let found = found(ask(Cause::RowsLost, &with_ids(ids)));
        assert_eq!(found.severity, Severity::Unsound);
        assert!((statistic(&found.measured) - 3.0).abs() < 1e-12);
        assert_eq!(found.measured.evidence["ids"], serde_json::json!(["id96"]));
    }

    #[test]
    fn ids_that_occur_once_are_clear() {
        clear(ask(
            Cause::RowsLost,
            &with_ids((0..100).map(|row| format!("id{row}")).collect()),
        ));
    }

    fn logged(rows: u64) -> Evidence {
        Evidence {
            log: Some(Log {
                validation_rows: Some(rows),
                batch_size: Some(32),
                ..Log::default()
            }),
            ..evidence(
                &["a"],
                [Part::default(), predicted(&[(0, 0); 1000]), Part::default()],
            )
        }
    }

    /// tensorflow#25284: 1,000 rows of which 992 were counted.
    #[test]
    fn a_dropped_last_batch_is_found() {
        let found = example(Cause::RowsLost, &logged(992));
        assert!((statistic(&found.measured) - 8.0).abs() < 1e-12);
        assert!(found.summary.contains("whole batches of 32"), "{}", found.summary);
        clear(ask(Cause::RowsLost, &logged(1000)));
    }
}
