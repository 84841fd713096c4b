//! # The classes of labels and predictions are in another order
//!
//! A label encoder was fitted again, or the list of classes was sorted in another way, so that class 3
//! of the model is not class 3 of the table. The model is right and its predictions carry the wrong
//! names.
//!
//! ## Why the figures look good
//! Validation was scored with the encoder of the training. Only the test predictions were translated by
//! the other one. The model stays as sure of itself as it was, and its predictions still carry the same
//! information on the labels; only the names are wrong.
//!
//! ## How it is tested
//! The audit needs test predictions, or a confusion matrix. It finds the renaming of the classes that
//! makes most predictions right (the Hungarian method on the confusion matrix) and judges it by the
//! rows of the moved classes that are right only now (`b`) or only after renaming (`c`): the exact test
//! of McNemar, times the number of renamings that move as many of the `K` classes:
//!
//! ```text
//! p = binomial(b, b + c, 1/2) · C(K, m) · !m        m classes moved, !m derangements of them
//! ```
//!
//! It is found if that is significant (corrected p < 0.01), the accuracy rises by at least 0.5 points,
//! `c ≥ 3 b`, most rows of the moved classes become right, and, where the split is below expectation,
//! at least half of the missing accuracy comes back. It is certain if the repaired accuracy is within
//! three standard errors of the other split's. C44 (a split that lacks classes) and, with two classes,
//! C61 (predictions that are not the highest score) take precedence.
//!
//! ## What to do
//! Save the ordered list of class names with the model and use that list, and no other, to number
//! labels and to name predictions.
//!
//! ## Example
//! For the data of the test `a_cycle_of_three_classes_is_found_and_undone`, the audit prints:
//!
//! ```text
//! 1. The classes of labels and predictions are in another order (C10, fault, certain, −47.0
//!    [−49.3…−44.5] points of test accuracy)
//!    The model is better than its test figures: with 3 of 5 classes renamed, 84.3 % of the test rows
//!    are right instead of 37.4 %. Your label `b` is their label `d`, your label `c` is their label
//!    `b`, your label `d` is their label `c`.
//!    What to do: Save the ordered list of class names with the model and use that list, and no other,
//!    to number labels and to name predictions; do not fit the label encoder again.
//!    How to make sure: rename the predictions of the test file as listed and audit it again: its
//!    accuracy must become 84.3 %
//! ```
//!
//! ## References
//! - Kuhn, 1955, *The Hungarian Method for the Assignment Problem*.
//! - `huggingface/transformers#10401`: 90.6 % becomes 4.28 % with the labels in another order; also
//!   `huggingface/transformers#28589`.
//! - `scikit-learn/scikit-learn#18961`, `QData/TextAttack#684`, `huggingface/setfit#587`: orders of
//!   classes that are lost or not what one expects.

use labelproof_artifact::Split;
use serde_json::json;

use crate::answer::effect::{self, Figure};
use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::answer::wording::capitalized;
use crate::case::Case;
use crate::case::suspect::mispaired_suspect;
use crate::cause::Cause;
use crate::evidence::Missing;
use crate::measures::pairing::{Renaming, renaming};

/// The gain in accuracy below which a renaming is not worth a word.
const LEAST_GAIN: f64 = 0.005;

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    let (matrix, expected, split) = if let Ok(suspect) = mispaired_suspect(case) {
        (
            suspect.rows.confusion().matrix(),
            suspect.expected_at_least(),
            suspect.split,
        )
    } else {
        let reference = case.validation_hits().ok();
        let expected = reference.map(|(hits, rows)| hits as f64 / rows as f64);
        (case.test_confusion()?.matrix(), expected, Split::Test)
    };
    let name = split.name();
    if case.finds(Cause::SortedSplit) {
        let summary = "The splits have other classes (see C44), so that a renaming cannot be told from that.";
        return Ok(Answer::clear(summary, Measured::new()));
    }
    // With two classes, the class of the lowest score is the other one's name.
    if matrix.len() == 2 && case.finds(Cause::StoredPredictions) {
        let summary =
            "The saved predictions are not those of the saved scores (see C61); the classes are in order.";
        return Ok(Answer::clear(summary, Measured::new()));
    }
    let rows: u64 = matrix.iter().flatten().sum();
    let renaming = renaming(&matrix);
    let share = |hits: u64| hits as f64 / rows.max(1) as f64;
    let (now, matched) = (share(renaming.hits), share(renaming.matched_hits));
    let measured = Measured::new()
        .statistic("accuracy after the best renaming", matched)
        .p_value(renaming.p_value)
        .with("accuracy", now)
        .with("rows", rows);
    if !explains(case, &renaming, &matrix, now, matched, expected) {
        let summary = format!(
            "No renaming of classes explains the mistakes of the {name} rows: the best one takes the \
             accuracy from {:.1} % to {:.1} %.",
            100.0 * now,
            100.0 * matched
        );
        return Ok(Answer::clear(summary, measured));
    }
    let moved = renaming.moved();
    let pairs: Vec<_> = moved
        .iter()
        .map(|&class| {
            json!({
                "label": case.evidence.label(number(class)),
                "predicted_as": case.evidence.label(number(renaming.predicted_as[class])),
            })
        })
        .collect();
    let listed: Vec<String> = moved
        .iter()
        .take(5)
        .map(|&class| {
            format!(
                "your label `{}` is their label `{}`",
                case.evidence.label(number(class)),
                case.evidence.label(number(renaming.predicted_as[class]))
            )
        })
        .collect();
    let more = match moved.len().saturating_sub(listed.len()) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    Ok(Diagnosis {
        severity: Severity::Unsound,
        confidence: if expected.is_none_or(|expected| matched >= expected) {
            Confidence::Certain
        } else {
            Confidence::Likely
        },
        summary: format!(
            "The model is better than its {name} figures: with {} of {} classes renamed, {:.1} % of the \
             {name} rows are right instead of {:.1} %. {}{more}.",
            moved.len(),
            matrix.len(),
            100.0 * matched,
            100.0 * now,
            capitalized(&listed.join(", "))
        ),
        effect: Some(effect::of_exchange(
            Figure::Accuracy(split),
            renaming.exchanged.0,
            renaming.exchanged.1,
            rows,
        )),
        fix:
            "Save the ordered list of class names with the model and use that list, and no other, to number \
             labels and to name predictions; do not fit the label encoder again."
                .to_owned(),
        confirm: format!(
            "rename the predictions of the {name} file as listed and audit it again: its accuracy must \
             become {:.1} %",
            100.0 * matched
        ),
        measured: measured.with("renamed", pairs),
    }
    .into())
}

fn explains(
    case: &Case<'_>,
    renaming: &Renaming,
    matrix: &[Vec<u64>],
    now: f64,
    matched: f64,
    expected: Option<f64>,
) -> bool {
    let moved_rows: u64 = renaming.moved().iter().flat_map(|&class| &matrix[class]).sum();
    let (only_now, only_renamed) = renaming.exchanged;
    let plausible = match expected {
        // At least half of what is missing comes back.
        Some(expected) if now < expected => matched - now >= 0.5 * (expected - now),
        _ => true,
    };
    case.significant(renaming.p_value)
        && matched - now >= LEAST_GAIN
        && only_renamed >= 3 * only_now
        && 2 * only_renamed >= moved_rows
        && plausible
}

fn number(class: usize) -> u32 {
    u32::try_from(class).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{
        Simulated, ask, assert_close, clear, example, number, predicted_by, simulated, statistic,
    };

    /// Writes the score of class `c` where that of class `to[c]` belongs.
    fn renamed(rows: &Simulated, to: [usize; 5]) -> Simulated {
        let mut renamed = rows.clone();
        for (row, before) in renamed.logits.iter_mut().zip(&rows.logits) {
            for (class, score) in before.iter().enumerate() {
                row[to[class]] = *score;
            }
        }
        renamed
    }

    /// As in the table of docs/causes.md: three classes exchange their names, so that two of five stay right.
    #[test]
    fn a_cycle_of_three_classes_is_found_and_undone() {
        let (validation, test) = (simulated(5, 2000, 0.83, 1), simulated(5, 2000, 0.83, 2));
        let found = example(
            Cause::LabelsPermuted,
            &predicted_by(&validation, &renamed(&test, [0, 3, 1, 2, 4])),
        );
        assert_eq!(found.confidence, Confidence::Certain);
        assert_eq!(
            found.measured.evidence["renamed"],
            json!([
                { "label": "b", "predicted_as": "d" },
                { "label": "c", "predicted_as": "b" },
                { "label": "d", "predicted_as": "c" },
            ])
        );
        assert_close(statistic(&found.measured), 0.83, 0.03);
        assert_close(number(&found.measured, "accuracy"), 0.357, 0.04);
    }

    #[test]
    fn predictions_under_their_own_names_are_clear() {
        clear(ask(
            Cause::LabelsPermuted,
            &predicted_by(&simulated(5, 2000, 0.83, 1), &simulated(5, 2000, 0.83, 2)),
        ));
    }

    /// SciPy's `linear_sum_assignment` leaves every class of that matrix where it is.
    #[test]
    fn no_renaming_explains_the_origin_case() {
        let measured = clear(ask(Cause::LabelsPermuted, &crate::testing::origin()));
        assert_close(statistic(&measured), 4805.0 / 15000.0, 1e-12);
    }

    #[test]
    fn validation_rows_alone_are_looked_at() {
        let mut alone = predicted_by(
            &renamed(&simulated(5, 2000, 0.83, 2), [0, 3, 1, 2, 4]),
            &simulated(5, 10, 0.83, 1),
        );
        alone.dataset.test = None;
        let found = crate::testing::found(ask(Cause::LabelsPermuted, &alone));
        assert!(found.summary.contains("validation figures"), "{}", found.summary);
    }
}
