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
//! The audit needs test predictions, or a confusion matrix, or else validation predictions. It finds the
//! renaming of the classes that makes most predictions right (the Hungarian method on the confusion
//! matrix) and judges it by the rows of the moved classes that are right only now (`b`) or only after
//! renaming (`c`): the exact test of McNemar, times the number of renamings that move as many of the
//! `K` classes:
//!
//! ```text
//! p = binomial(b, b + c, 1/2) · C(K, m) · !m        m classes moved, !m derangements of them
//! ```
//!
//! It is found if that is significant (corrected p < 0.01), the accuracy rises by at least 0.5 points,
//! `c ≥ 1.25 b`, and every moved class is called by the other name more often than by its own: of two
//! classes that are merely taken for each other, at least one keeps its name. (Of four moved classes or
//! more, one in four may fail that.) The moved classes must then be as right as a model allows that is
//! this good: most of their rows, or at least 0.6 of the share that is right of the classes that keep
//! their names, or of what the other split lets expect. Where the split is below expectation, at least
//! half of the missing accuracy must come back. It is certain if the repaired accuracy is within three
//! standard errors of the other split's, or, without another split, if `c ≥ 3 b`.
//!
//! Numbers that count from 1 in one column and from 0 in the other are read as the same classes, and
//! reported here. Where numbers are places among names whose order nobody gave, the order of the alphabet
//! is tried and then the one that fits; that it is another one is a caution. C44 (a split that lacks
//! classes) and, with two classes, C61 (predictions that are not the highest score) take precedence.
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
use labelproof_artifact::wording::quoted;
use serde_json::json;

use crate::answer::effect::{self, Figure};
use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::answer::wording::{capitalized, percent};
use crate::case::Case;
use crate::case::suspect::mispaired_suspect;
use crate::cause::Cause;
use crate::evidence::{Join, Missing};
use crate::measures::pairing::{Renaming, renaming};

/// The gain in accuracy below which a renaming is not worth a word.
const LEAST_GAIN: f64 = 0.005;

/// How many rows a renaming must make right for each that it makes wrong.
const LEAST_RATIO: f64 = 1.25;

/// The share right of a moved class after renaming, over what is to be expected of it.
const AS_GOOD: f64 = 0.6;

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    let (matrix, expected, split) = looked_at(case)?;
    let name = split.name();
    if let Some(answer) = off_by_one(case).or_else(|| fitted_order(case)) {
        return Ok(answer);
    }
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
                "label": case.evidence.label(class_number(class)),
                "predicted_as": case.evidence.label(class_number(renaming.predicted_as[class])),
            })
        })
        .collect();
    let listed: Vec<String> = moved
        .iter()
        .take(5)
        .map(|&class| {
            format!(
                "your label `{}` is their label `{}`",
                case.evidence.label(class_number(class)),
                case.evidence.label(class_number(renaming.predicted_as[class]))
            )
        })
        .collect();
    let more = match moved.len().saturating_sub(listed.len()) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    let (only_now, only_renamed) = renaming.exchanged;
    Ok(Diagnosis {
        severity: Severity::Unsound,
        confidence: match expected {
            Some(expected) if matched >= expected => Confidence::Certain,
            None if only_renamed >= 3 * only_now => Confidence::Certain,
            _ => Confidence::Likely,
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

/// Counts of true and predicted classes, the least accuracy to expect of them, and the split.
type LookedAt = (Vec<Vec<u64>>, Option<f64>, Split);

/// The split to suspect, or the test matrix, or validation where there is nothing else.
fn looked_at(case: &Case<'_>) -> Result<LookedAt, Missing> {
    if let Ok(suspect) = mispaired_suspect(case) {
        let matrix = suspect.rows.confusion().matrix();
        return Ok((matrix, suspect.expected_at_least(), suspect.split));
    }
    case.test_confusion().map_or_else(
        |missing| {
            let rows = case.predicted(Split::Validation).or(Err(missing))?;
            Ok((rows.confusion().matrix(), None, Split::Validation))
        },
        |confusion| {
            let reference = case.validation_hits().ok();
            let expected = reference.map(|(hits, rows)| hits as f64 / rows as f64);
            Ok((confusion.matrix(), expected, Split::Test))
        },
    )
}

/// Numbers that count from 1 in one column and from 0 in the other.
fn off_by_one(case: &Case<'_>) -> Option<Answer> {
    let (part, joined) = [Split::Test, Split::Validation, Split::Train]
        .into_iter()
        .filter_map(|split| case.evidence.part(split))
        .find_map(|part| {
            let joined = part.joined.iter().find(|joined| joined.how == Join::OffByOne)?;
            Some((part, joined))
        })?;
    let (truth, predictions) = (part.truth.as_deref()?, part.predictions()?);
    let right = truth
        .iter()
        .zip(predictions.iter())
        .filter(|(one, other)| one == other)
        .count() as f64;
    let rows = truth.len().max(1) as f64;
    let equal = part.equal_as_spelled.unwrap_or(0) as f64;
    let found = Diagnosis {
        severity: Severity::Unsound,
        confidence: Confidence::Certain,
        summary: format!(
            "Labels and predictions of {} count from different numbers, one from 1 and the other from 0: they are off by one. \
             As they are, {} of the rows are right; with `{}` of `{}` read as `{}`, {} are. The audit goes on with that.",
            part.source,
            percent(equal / rows),
            joined.written,
            joined.column,
            joined.read,
            percent(right / rows)
        ),
        // The rows are compared as they are meant, so that no figure here is moved by it.
        effect: None,
        fix: "Number the classes from 0 in one list, and use that list for labels and for predictions."
            .to_owned(),
        confirm: "print the smallest and the largest label of both columns".to_owned(),
        measured: Measured::new()
            .statistic("accuracy after the best renaming", right / rows)
            .with("accuracy", equal / rows)
            .with("rows", part.rows),
    };
    Some(found.into())
}

/// Numbers that are places in a list of classes that nobody gave, and that is not in the order of the alphabet.
fn fitted_order(case: &Case<'_>) -> Option<Answer> {
    let mut parts = Split::ALL
        .into_iter()
        .filter_map(|split| case.evidence.part(split));
    let (part, fitted) = parts.find_map(|part| Some((part, part.fitted.as_ref()?)))?;
    let share = |hits: u64| hits as f64 / fitted.rows.max(1) as f64;
    let found = Diagnosis {
        severity: Severity::Caution,
        confidence: Confidence::Possible,
        summary: format!(
            "The numbers of {} are places in a list of classes that was not given. In the order of the alphabet, which \
             scikit-learn's LabelEncoder takes, {} of the rows are right; in the order {}, {} are, and the audit goes on \
             with that. If it is the model's, nothing is wrong; if the model has another, its predictions carry the wrong \
             names.",
            part.source,
            percent(share(fitted.alphabet)),
            quoted(&fitted.order, 10),
            percent(share(fitted.hits))
        ),
        // The rows are compared in the order that fits, so that no figure here is moved by it.
        effect: None,
        fix: "Compare that order with the list of classes that the model was trained with, and write names in both \
              columns."
            .to_owned(),
        confirm: "print the model's `id2label`, or the `classes_` of its label encoder".to_owned(),
        measured: Measured::new()
            .statistic("accuracy after the best renaming", share(fitted.hits))
            .with("accuracy", share(fitted.alphabet))
            .with("order", fitted.order.clone()),
    };
    Some(found.into())
}

fn explains(
    case: &Case<'_>,
    renaming: &Renaming,
    matrix: &[Vec<u64>],
    now: f64,
    matched: f64,
    expected: Option<f64>,
) -> bool {
    let (only_now, only_renamed) = renaming.exchanged;
    let plausible = match expected {
        // At least half of what is missing comes back.
        Some(expected) if now < expected => matched - now >= 0.5 * (expected - now),
        _ => true,
    };
    case.significant(renaming.p_value)
        && matched - now >= LEAST_GAIN
        && only_renamed as f64 >= LEAST_RATIO * only_now as f64
        && plausible
        && all_have_moved(renaming, matrix)
        && is_as_good(renaming, matrix, expected)
}

/// Whether the moved classes go by their other names: two classes that are merely taken for each other, or one
/// that takes in another, keep at least one name.
fn all_have_moved(renaming: &Renaming, matrix: &[Vec<u64>]) -> bool {
    let moved = renaming.moved();
    let with_rows = moved
        .iter()
        .filter(|&&class| matrix[class].iter().sum::<u64>() > 0)
        .count();
    let staying = moved
        .iter()
        .filter(|&&class| matrix[class][class] > matrix[class][renaming.predicted_as[class]])
        .count();
    with_rows >= 2 && staying <= moved.len() / 4
}

/// Whether the moved classes are, after renaming, about as often right as there is reason to expect.
fn is_as_good(renaming: &Renaming, matrix: &[Vec<u64>], expected: Option<f64>) -> bool {
    let right = |moved: bool| {
        let classes = (0..matrix.len()).filter(|&class| (renaming.predicted_as[class] != class) == moved);
        let (mut hits, mut rows) = (0_u64, 0_u64);
        for class in classes {
            hits += matrix[class][renaming.predicted_as[class]];
            rows += matrix[class].iter().sum::<u64>();
        }
        (rows > 0).then(|| hits as f64 / rows as f64)
    };
    let Some(moved) = right(true) else { return false };
    let chance = 1.0 / matrix.len().max(1) as f64;
    // Classes that keep their names show what the model can do, if it can do anything.
    let others = right(false).filter(|share| *share >= 2.0 * chance);
    let usual = [others, expected].into_iter().flatten().reduce(f64::max);
    moved >= 0.5 || usual.is_some_and(|usual| moved >= AS_GOOD * usual)
}

fn class_number(class: usize) -> u32 {
    u32::try_from(class).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{Evidence, Joined, Part};
    use crate::testing::{
        FIVE, Simulated, ask, assert_close, clear, evidence, example, found, number, predicted, predicted_by,
        simulated, statistic,
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

    /// Counts of a classifier of this accuracy whose mistakes go to the other classes alike, of which the
    /// first two have exchanged their names.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a count of rows is between 0 and that count"
    )]
    fn exchanged(classes: usize, rows: u64, accuracy: f64) -> Vec<Vec<u64>> {
        let wrong = (1.0 - accuracy) / (classes as f64 - 1.0);
        let line = |class: usize| {
            let name = [1, 0].get(class).copied().unwrap_or(class);
            let count = |predicted| if predicted == name { accuracy } else { wrong };
            (0..classes)
                .map(|predicted| (rows as f64 * count(predicted)).round() as u64)
                .collect()
        };
        (0..classes).map(line).collect()
    }

    fn matrix_alone(matrix: Vec<Vec<u64>>) -> Evidence {
        Evidence {
            confusion: Some(matrix),
            ..Evidence::default()
        }
    }

    #[test]
    fn two_exchanged_classes_are_found_at_every_accuracy_that_tells() {
        for (classes, rows, accuracy) in [
            (2, 1000, 0.6),
            (2, 5000, 0.57),
            (2, 50, 0.9),
            (3, 500, 0.5),
            (5, 200, 0.6),
            (20, 100, 0.6),
            (20, 200, 0.35),
            (20, 100, 0.95),
        ] {
            let found = found(ask(
                Cause::LabelsPermuted,
                &matrix_alone(exchanged(classes, rows, accuracy)),
            ));
            assert_eq!(found.measured.evidence["renamed"].as_array().unwrap().len(), 2);
        }
    }

    #[test]
    fn classes_that_are_taken_for_each_other_keep_their_names() {
        let check = |matrix: &[&[u64]]| {
            let matrix = matrix.iter().map(|row| row.to_vec()).collect();
            clear(ask(Cause::LabelsPermuted, &matrix_alone(matrix)));
        };
        // Half and half; one takes in the other, which is larger; a collapse; a class that has few rows.
        check(&[&[48, 52, 0], &[51, 49, 0], &[0, 0, 100]]);
        check(&[&[100, 900, 0], &[0, 100, 0], &[0, 0, 1000]]);
        check(&[&[20, 480], &[25, 475]]);
        check(&[&[900, 100, 0], &[9, 1, 0], &[0, 0, 500]]);
        // 10,000 rows tell 51 from 49, but it is no exchange.
        check(&[&[4900, 5100], &[5100, 4900]]);
    }

    /// Validation rows are all there is, and two classes have exchanged their names.
    #[test]
    fn validation_rows_alone_are_enough() {
        let mut rows = Vec::new();
        for (truth, line) in (0_u32..).zip(exchanged(5, 100, 0.6)) {
            for (predicted, count) in (0_u32..).zip(line) {
                rows.extend((0..count).map(|_| (truth, predicted)));
            }
        }
        let evidence = evidence(&FIVE, [Part::default(), predicted(&rows), Part::default()]);
        let found = found(ask(Cause::LabelsPermuted, &evidence));
        assert!(
            found.summary.contains("of the validation rows"),
            "{}",
            found.summary
        );
        assert_close(statistic(&found.measured), 0.6, 1e-9);
    }

    #[test]
    fn columns_that_count_from_other_numbers_are_named_so() {
        let mut part = predicted(&[(0, 0), (1, 1), (2, 2), (2, 0)]);
        part.equal_as_spelled = Some(1);
        part.joined = vec![Joined {
            column: "pred".to_owned(),
            written: "0".to_owned(),
            read: "1".to_owned(),
            how: Join::OffByOne,
        }];
        let found = found(ask(
            Cause::LabelsPermuted,
            &evidence(&["1", "2", "3"], [Part::default(), Part::default(), part]),
        ));
        assert!(found.summary.contains("off by one"), "{}", found.summary);
        assert_close(statistic(&found.measured), 0.75, 1e-12);
        assert_close(number(&found.measured, "accuracy"), 0.25, 1e-12);
    }
}
