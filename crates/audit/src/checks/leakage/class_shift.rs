//! # Other shares of the classes in test
//!
//! The classes have other shares in the test rows than where the model was trained or chosen. The
//! accuracy changes with them although the model does not.
//!
//! ## Why the figures look good
//! If easy classes are more frequent in validation, its accuracy is higher. Both figures are right,
//! each for its own mixture.
//!
//! ## How it is tested
//! The class counts of test are compared with those of validation (of training, where there is no
//! validation) by the chi-squared test, and the test accuracy is computed again with the classes
//! weighted as there:
//!
//! ```text
//! distance = (1/2) Σ_k |share of k in test - share of k there|
//! accuracy with the other shares = Σ_k w_k · recall_k        over the classes that test has
//! ```
//!
//! It is found if the test is significant (corrected p < 0.01) and the distance at least 0.05; smaller
//! shifts are in many good data sets. It is a caution if the re-weighted accuracy differs by at least 1
//! point, and a note otherwise.
//!
//! ## What to do
//! Decide which shares are those of real use. Draw the splits in these shares, or give the recall of
//! each class beside the total.
//!
//! ## Example
//! For the data of the test `a_shift_is_found_and_weighed`, the audit prints:
//!
//! ```text
//! 1. Other shares of the classes in test (C47, caution, certain, −30.0 points of test accuracy)
//!    The classes have other shares in test than in validation: 60.0 % of the rows would have to change
//!    their class to make them alike. With the shares of the validation rows, the test accuracy would
//!    be 30.0 points higher.
//!    What to do: Decide which shares are those of real use. Draw the splits in these shares, or give
//!    the accuracy of each class beside the total.
//!    How to make sure: Count the labels of both files, and compare the accuracy class by class.
//! ```
//!
//! ## References
//! - Saerens, Latinne and Decaestecker, 2002, *Adjusting the Outputs of a Classifier to New a Priori
//!   Probabilities: A Simple Procedure*.

use labelproof_artifact::Split;
use labelproof_metrics::statistics::chi_squared_independence;

use crate::answer::effect::{self, Figure};
use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::answer::wording::{percent, rounded, split_name};
use crate::case::Case;
use crate::evidence::{Missing, Need};
use crate::measures::class_counts::{class_counts, distance_of_shares};

/// Shifts of less than this share of the rows are there in many good data sets.
const MATERIAL: f64 = 0.05;
/// Points of accuracy from which on the shift matters for the figure.
const CAUTION_POINTS: f64 = 1.0;

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    let truth = |split| case.evidence.part(split).and_then(|part| part.truth.as_deref());
    let test = truth(Split::Test).ok_or(Need::TestPredictions)?;
    let classes = case.evidence.classes().ok_or(Need::TestPredictions)?;
    let split = [Split::Validation, Split::Train]
        .into_iter()
        .find(|split| truth(*split).is_some_and(|rows| !rows.is_empty()))
        .ok_or(Need::ValidationPredictions)?;
    let reference = class_counts(truth(split).unwrap_or_default(), classes);
    let counts = class_counts(test, classes);
    let chi_squared = chi_squared_independence(&[reference.clone(), counts.clone()]).ok_or(Need::MoreRows)?;
    let distance = distance_of_shares(&reference, &counts);
    let mut measured = Measured::new()
        .statistic("chi-squared of the class counts", rounded(chi_squared.statistic))
        .p_value(chi_squared.p_value)
        .with("distance_of_shares", rounded(distance))
        .with("compared_with", split_name(split));
    let effect = reweighted_accuracy(case, &reference).map(|(raw, weighted)| {
        measured = std::mem::take(&mut measured)
            .with("accuracy", rounded(raw))
            .with("accuracy_with_the_other_shares", rounded(weighted));
        (weighted - raw) * 100.0
    });
    if !(case.significant(chi_squared.p_value) && distance >= MATERIAL) {
        return Ok(Answer::clear(
            format!(
                "the test classes have the shares of the {} classes",
                split_name(split)
            ),
            measured,
        ));
    }
    let cost = match effect {
        Some(points) => format!(
            " With the shares of the {} rows, the test accuracy would be {:.1} points {}.",
            split_name(split),
            points.abs(),
            if points >= 0.0 { "higher" } else { "lower" },
        ),
        None => String::new(),
    };
    Ok(Diagnosis {
        severity: if effect.is_some_and(|points| points.abs() >= CAUTION_POINTS) {
            Severity::Caution
        } else {
            Severity::Note
        },
        confidence: Confidence::Certain,
        summary: format!(
            "The classes have other shares in test than in {}: {} of the rows would have to change their \
             class to make them alike.{cost}",
            split_name(split),
            percent(distance),
        ),
        effect: effect.map(|points| effect::of(Figure::Accuracy(Split::Test), -points / 100.0)),
        fix: String::from(
            "Decide which shares are those of real use. Draw the splits in these shares, or give the \
             accuracy of each class beside the total.",
        ),
        confirm: String::from("Count the labels of both files, and compare the accuracy class by class."),
        measured,
    }
    .into())
}

/// The test accuracy, and what it would be with classes in the given shares; classes that test lacks are left
/// out.
fn reweighted_accuracy(case: &Case<'_>, reference: &[u64]) -> Option<(f64, f64)> {
    let predicted = case.predicted(Split::Test).ok()?;
    let totals = predicted.confusion().totals();
    let (mut weights, mut weighted) = (0.0, 0.0);
    for ((&weight, &hits), &rows) in reference.iter().zip(&totals.class_hits).zip(&totals.support) {
        if rows > 0 {
            weights += weight as f64;
            weighted += weight as f64 * hits as f64 / rows as f64;
        }
    }
    (weights > 0.0).then(|| (predicted.accuracy(), weighted / weights))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::Cause;
    use crate::testing::{ask, clear, evidence, example, predicted};

    /// Rows of two classes; the first is always right, the second half of the time.
    fn rows(first: usize, second: usize) -> Vec<(u32, u32)> {
        let second = (0..second).map(|row| (1, u32::from(row % 2 == 0)));
        (0..first).map(|_| (0, 0)).chain(second).collect()
    }

    #[test]
    fn a_shift_is_found_and_weighed() {
        let evidence = evidence(
            &["a", "b"],
            [
                predicted(&[]),
                predicted(&rows(800, 200)),
                predicted(&rows(200, 800)),
            ],
        );
        let found = example(Cause::ClassShift, &evidence);
        assert_eq!(found.severity, Severity::Caution);
        // .2 · 1 + .8 · .5 = .6 in test; .8 · 1 + .2 · .5 = .9 with the shares of validation.
        assert!((found.effect.unwrap().points + 30.0).abs() < 1e-9);
        assert_eq!(found.measured.evidence["distance_of_shares"], 0.6);
    }

    #[test]
    fn equal_shares_are_clear() {
        let evidence = evidence(
            &["a", "b"],
            [
                predicted(&[]),
                predicted(&rows(300, 200)),
                predicted(&rows(610, 390)),
            ],
        );
        clear(ask(Cause::ClassShift, &evidence));
    }
}
