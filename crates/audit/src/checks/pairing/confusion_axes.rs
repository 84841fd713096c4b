//! # The confusion matrix is transposed or its classes are misnamed
//!
//! A published confusion matrix is not that of the test rows: its axes are swapped, its classes are in
//! another order than the names beside them, or it is of other predictions.
//!
//! ## Why the figures look good
//! The accuracy is the same: the diagonal stays what it is. But precision and recall change places, and
//! the errors are reported for classes that did not make them.
//!
//! ## How it is tested
//! The audit needs the published matrix (`--confusion`) and the test rows with their predictions. It
//! counts the rows anew, brings the matrix into the order of the class names on its axes where it has
//! names, and compares:
//!
//! ```text
//! equal              clear
//! M == Cᵀ            transposed: rows are the predicted classes
//! M == P C Pᵀ        the same counts with the classes in another order P
//! ```
//!
//! The order is looked for by the diagonal and the sorted lines of each class, and certain if it makes
//! the two matrices equal. Any other difference is reported with the number of cells that differ.
//!
//! Of a classification report, which has only the sums of the matrix and its diagonal, these are
//! compared, within the rounding of its figures: rows, hits and predictions of each class. Where rows
//! and predictions have changed places, so have the arguments of `classification_report`.
//!
//! ## What to do
//! Call `confusion_matrix(y_true, y_pred, labels=names)` with the arguments in this order and with the
//! class list that the model was trained with, and label both axes from that list. The sum of a row
//! must be the number of test rows of its class.
//!
//! ## Example
//! For the data of the test `what_was_done_to_a_matrix_is_told`, the audit prints:
//!
//! ```text
//! 1. The confusion matrix is transposed or its classes are misnamed (C14, fault, certain)
//!    The published confusion matrix is not that of the test rows: its rows are the predicted classes
//!    and its columns the true ones: precision and recall are swapped.
//!    What to do: Call `confusion_matrix(y_true, y_pred, labels=names)` in this order and with the list
//!    of class names that the model was trained with, and label both axes from that list.
//!    How to make sure: compare a row's sum with the number of test rows of that class
//! ```
//!
//! ## References
//! - `scikit-learn/scikit-learn#16822`, `scikit-learn/scikit-learn#19513` and
//!   `scikit-learn/scikit-learn#26446`: order of the arguments, names on the axes, and normalisation.

use labelproof_artifact::Split;
use labelproof_metrics::Totals;

use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::case::Case;
use crate::evidence::{Margins, Missing, Need};

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    let counted = case
        .predicted(Split::Test)
        .or(Err(Need::ConfusionMatrix))?
        .confusion();
    let Some(published) = &by_name(case) else {
        let report = case.evidence.margins(Split::Test).ok_or(Need::ConfusionMatrix)?;
        return Ok(of_report(report, &counted.totals()));
    };
    let counted = counted.matrix();
    let measured = Measured::new().with("counted", matrix_json(&counted));
    if *published == counted {
        let summary = "The published confusion matrix is that of the test rows.";
        return Ok(Answer::clear(summary, measured));
    }
    let (what, confidence) = if published.len() != counted.len() {
        let text = format!(
            "it has {} classes, the test rows have {}",
            published.len(),
            counted.len()
        );
        (text, Confidence::Certain)
    } else if *published == transposed(&counted) {
        (
            "its rows are the predicted classes and its columns the true ones: precision and recall are \
             swapped"
                .to_owned(),
            Confidence::Certain,
        )
    } else if let Some(proved) = reordered(published, &counted) {
        (
            "its counts are those of the test rows with the classes in another order, so that each line \
             carries the name of another class"
                .to_owned(),
            if proved {
                Confidence::Certain
            } else {
                Confidence::Likely
            },
        )
    } else {
        let differing = published
            .iter()
            .flatten()
            .zip(counted.iter().flatten())
            .filter(|(one, other)| one != other)
            .count();
        (
            format!(
                "{differing} of its cells differ from the count of the test rows: it is of other predictions"
            ),
            Confidence::Likely,
        )
    };
    Ok(Diagnosis {
        severity: Severity::Unsound,
        confidence,
        summary: format!("The published confusion matrix is not that of the test rows: {what}."),
        effect: None,
        fix:
            "Call `confusion_matrix(y_true, y_pred, labels=names)` in this order and with the list of class \
             names that the model was trained with, and label both axes from that list."
                .to_owned(),
        confirm: "compare a row's sum with the number of test rows of that class".to_owned(),
        measured,
    }
    .into())
}

/// Compares what a report tells of each class: its rows, hits and predictions.
fn of_report(report: &Margins, counted: &Totals) -> Answer {
    let measured = Measured::new()
        .with("support", counted.support.clone())
        .with("hits", counted.class_hits.clone())
        .with("predicted", counted.predicted.clone());
    let classes = report.support.len();
    let fits = |class: usize, as_class: usize, support: &[u64], predicted: &[u64]| {
        report.support[class] == support[as_class]
            && report.hits[class].holds(counted.class_hits[as_class])
            && report.predicted[class].holds(predicted[as_class])
    };
    let all_fit =
        |support: &[u64], predicted: &[u64]| (0..classes).all(|class| fits(class, class, support, predicted));
    let what = if classes != counted.support.len() {
        format!(
            "it has {classes} classes, the test rows have {}",
            counted.support.len()
        )
    } else if all_fit(&counted.support, &counted.predicted) {
        return Answer::clear("The classification report is that of the test rows.", measured);
    } else if all_fit(&counted.predicted, &counted.support) {
        "its precision is their recall, and its recall their precision: true and predicted labels have changed places"
            .to_owned()
    } else {
        let other =
            |class: usize| (0..classes).any(|other| fits(class, other, &counted.support, &counted.predicted));
        let differing = (0..classes)
            .filter(|&class| !fits(class, class, &counted.support, &counted.predicted))
            .count();
        if (0..classes).all(other) {
            format!("the lines of {differing} classes are those of other classes")
        } else {
            format!(
                "the lines of {differing} of {classes} classes are not theirs: it is of other predictions"
            )
        }
    };
    Diagnosis {
        severity: Severity::Unsound,
        confidence: Confidence::Likely,
        summary: format!("The classification report is not that of the test rows: {what}."),
        effect: None,
        fix: "Call `classification_report(y_true, y_pred, labels=names)` in this order, with the predictions of this \
              model and the list of class names that it was trained with."
            .to_owned(),
        confirm: "compare `support` with the number of test rows of each class".to_owned(),
        measured,
    }
    .into()
}

/// The published matrix with its classes in the order of the evidence, by the names on its axes where it has
/// names.
fn by_name(case: &Case<'_>) -> Option<Vec<Vec<u64>>> {
    let matrix = case.evidence.confusion.as_ref()?;
    let order = |names: Option<&Vec<String>>| -> Option<Vec<usize>> {
        let names = names?;
        let places = case
            .evidence
            .dataset
            .labels
            .iter()
            .map(|label| names.iter().position(|name| name == label));
        places.collect()
    };
    let rows = order(case.evidence.confusion_labels.as_ref());
    let columns = order(case.evidence.confusion_columns.as_ref()).or_else(|| rows.clone());
    let (Some(rows), Some(columns)) = (rows, columns) else {
        return Some(matrix.clone());
    };
    let ordered = rows
        .iter()
        .map(|&row| columns.iter().map(|&column| matrix[row][column]).collect());
    Some(ordered.collect())
}

fn matrix_json(matrix: &[Vec<u64>]) -> Vec<serde_json::Value> {
    matrix
        .iter()
        .map(|row| serde_json::Value::from(row.clone()))
        .collect()
}

fn transposed(matrix: &[Vec<u64>]) -> Vec<Vec<u64>> {
    (0..matrix.len())
        .map(|column| matrix.iter().map(|row| row[column]).collect())
        .collect()
}

/// Whether one matrix is the other with its classes in another order: none if they have not the same diagonal
/// with the same lines; true if an order was found that makes them equal. Classes with equal lines are taken
/// as they come, so that not every order is tried.
fn reordered(one: &[Vec<u64>], other: &[Vec<u64>]) -> Option<bool> {
    let fingerprints = |matrix: &[Vec<u64>]| {
        let mut lines: Vec<(u64, Vec<u64>, usize)> = matrix
            .iter()
            .enumerate()
            .map(|(class, row)| {
                let mut sorted = row.clone();
                sorted.sort_unstable();
                (row[class], sorted, class)
            })
            .collect();
        lines.sort_unstable();
        lines
    };
    let (own, others) = (fingerprints(one), fingerprints(other));
    let alike = own
        .iter()
        .zip(&others)
        .all(|(own, other)| (own.0, &own.1) == (other.0, &other.1));
    let places: Vec<(usize, usize)> = own
        .iter()
        .map(|line| line.2)
        .zip(others.iter().map(|line| line.2))
        .collect();
    let proved = || {
        places.iter().all(|&(own_row, other_row)| {
            places
                .iter()
                .all(|&(own_column, other_column)| one[own_row][own_column] == other[other_row][other_column])
        })
    };
    alike.then(proved)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::Cause;
    use crate::evidence::Evidence;
    use crate::evidence::Part;
    use crate::evidence::margins::Bounds;
    use crate::testing::{ask, clear, evidence, example, found, predicted};

    fn published(matrix: &[&[u64]]) -> Evidence {
        // Counts to [[3, 1, 0], [2, 2, 0], [0, 1, 1]].
        let rows = [
            (0, 0),
            (0, 0),
            (0, 0),
            (0, 1),
            (1, 0),
            (1, 0),
            (1, 1),
            (1, 1),
            (2, 1),
            (2, 2),
        ];
        Evidence {
            confusion: Some(matrix.iter().map(|row| row.to_vec()).collect()),
            ..evidence(
                &["a", "b", "c"],
                [Part::default(), Part::default(), predicted(&rows)],
            )
        }
    }

    #[test]
    fn what_was_done_to_a_matrix_is_told() {
        let check = |matrix: &[&[u64]], words: &str, confidence| {
            let found = found(ask(Cause::ConfusionAxes, &published(matrix)));
            assert!(found.summary.contains(words), "{}", found.summary);
            assert_eq!(found.confidence, confidence);
            assert_eq!(
                found.measured.evidence["counted"],
                serde_json::json!([[3, 1, 0], [2, 2, 0], [0, 1, 1]])
            );
        };
        check(
            &[&[3, 2, 0], &[1, 2, 1], &[0, 0, 1]],
            "precision and recall are swapped",
            Confidence::Certain,
        );
        check(
            &[&[1, 0, 1], &[0, 3, 1], &[0, 2, 2]],
            "classes in another order",
            Confidence::Certain,
        );
        check(
            &[&[4, 0, 0], &[2, 2, 0], &[0, 1, 1]],
            "2 of its cells differ",
            Confidence::Likely,
        );
        check(&[&[5, 1], &[2, 2]], "it has 2 classes", Confidence::Certain);
        example(
            Cause::ConfusionAxes,
            &published(&[&[3, 2, 0], &[1, 2, 1], &[0, 0, 1]]),
        );
    }

    /// The report of [[3, 1, 0], [2, 2, 0], [0, 1, 1]], exact, with what was done to it.
    fn reported(support: [u64; 3], hits: [u64; 3], predicted: [u64; 3]) -> Evidence {
        let exact = |counts: [u64; 3]| {
            let bounds = |count| Bounds {
                least: count,
                most: count,
                likely: count,
            };
            counts.map(bounds).to_vec()
        };
        Evidence {
            confusion: None,
            margins: vec![Margins {
                source: "report.txt".to_owned(),
                split: Split::Test,
                names: ["a", "b", "c"].map(str::to_owned).to_vec(),
                support: support.to_vec(),
                hits: exact(hits),
                predicted: exact(predicted),
                all_hits: exact([hits.iter().sum(); 3])[0],
                is_whole: true,
                contradictions: Vec::new(),
            }],
            ..published(&[])
        }
    }

    #[test]
    fn a_report_is_compared_by_its_sums() {
        clear(ask(
            Cause::ConfusionAxes,
            &reported([4, 4, 2], [3, 2, 1], [5, 4, 1]),
        ));
        let check = |evidence: &Evidence, words: &str| {
            let found = found(ask(Cause::ConfusionAxes, evidence));
            assert!(found.summary.contains(words), "{}", found.summary);
        };
        check(
            &reported([5, 4, 1], [3, 2, 1], [4, 4, 2]),
            "true and predicted labels have changed places",
        );
        check(
            &reported([4, 4, 2], [2, 3, 1], [4, 5, 1]),
            "the lines of 2 classes are those of other classes",
        );
        check(&reported([4, 4, 2], [4, 2, 1], [5, 4, 1]), "of other predictions");
    }

    #[test]
    fn the_matrix_of_the_rows_is_clear() {
        clear(ask(
            Cause::ConfusionAxes,
            &published(&[&[3, 1, 0], &[2, 2, 0], &[0, 1, 1]]),
        ));
    }
}
