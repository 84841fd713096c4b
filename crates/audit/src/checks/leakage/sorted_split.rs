//! # A split that is the tail of a sorted file
//!
//! The rows are in the order of their class (or of a source or a date that goes with it), and a split
//! was cut off the end without shuffling. It lacks classes, or consists of a few.
//!
//! ## Why the figures look good
//! A validation part of one or two classes is easy, or its figure says nothing of the others.
//! `validation_split` in Keras takes the last rows, before any shuffling.
//!
//! ## How it is tested
//! The class counts of training are compared with those of validation and of test (chi-squared test),
//! together with the share of rows that would have to change their class, and classes that are absent
//! although chance would hardly leave them out. The runs test on the order of the labels says whether a
//! file is sorted:
//!
//! ```text
//! distance = (1/2) Σ_k |share of k here - share of k there|
//! absent:    (1 - share of k)^n is significant
//! runs:      mean (n(n + 1) - s2) / n, variance (s2(s2 + n(n + 1)) - 2 n s3 - n³) / (n²(n - 1)),
//!            s2 and s3 the sums of the squares and cubes of the class counts
//! ```
//!
//! It is found if the chi-squared test is significant (corrected p < 0.01) and a class is absent, or
//! the distance is at least 0.5, or at least 0.25 in a sorted file: significantly fewer than half of
//! the expected runs. (Published test sets that were balanced on purpose differ by about 0.1.) It is
//! certain in a sorted file and likely otherwise.
//!
//! ## What to do
//! Shuffle the rows before you split, and draw each class in proportion.
//!
//! ## Example
//! For the data of the test `the_tail_of_a_sorted_file_is_found`, the audit prints:
//!
//! ```text
//! 1. A split that is the tail of a sorted file (C44, fault, certain)
//!    The classes of the validation rows are not those of the training rows: 88.9 % of the rows would
//!    have to change their class to make them alike. Only one of the two has the class a, b, c, d. Rows
//!    of one class stand together in the file, as if it had been sorted and then cut. A figure measured
//!    on such rows says little about the others.
//!    What to do: Shuffle the rows before you split, and draw each class in proportion (a stratified
//!    split).
//!    How to make sure: Count the labels of each split: `cut -d, -f2 validation.csv | sort | uniq -c`.
//! ```
//!
//! ## References
//! - Wald and Wolfowitz, 1940, *On a Test Whether Two Samples Are from the Same Population*; Barton and
//!   David, 1957, for several classes.
//! - `keras-team/keras#597`, `keras-team/keras#8346` and `keras-team/keras#10374`: `validation_split`
//!   takes the last rows.

use labelproof_artifact::Split;
use labelproof_metrics::comparison::two_sided_normal;
use labelproof_metrics::statistics::chi_squared_independence;
use serde_json::Value;

use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::answer::wording::{percent, rounded, split_name};
use crate::case::Case;
use crate::evidence::{Missing, Need};
use crate::measures::class_counts::{class_counts, distance_of_shares};
use crate::measures::significance::Significance;

/// Shares of rows that would have to change their class for the splits to be alike.
const HUGE: f64 = 0.5;
const LARGE: f64 = 0.25;
/// Fewer runs than this share of those expected: the file is sorted.
const SORTED: f64 = 0.5;

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    let truth = |split| case.evidence.part(split).and_then(|part| part.truth.as_deref());
    let train = truth(Split::Train).ok_or(Need::TrainTexts)?;
    let classes = case.evidence.classes().ok_or(Need::TrainTexts)?;
    let others: Vec<(Split, &[u32])> = [Split::Validation, Split::Test]
        .into_iter()
        .filter_map(|split| Some((split, truth(split).filter(|rows| !rows.is_empty())?)))
        .collect();
    if train.is_empty() || others.is_empty() {
        return Err(Need::ValidationPredictions.into());
    }
    let train_counts = class_counts(train, classes);
    let sorted = [Split::Train, Split::Validation, Split::Test]
        .into_iter()
        .filter_map(truth)
        .filter_map(|labels| runs(labels, classes))
        .any(|runs| runs.share < SORTED && case.significant(runs.p_value));
    let mut measured = Measured::new().with("sorted", sorted);
    for (split, labels) in others {
        let counts = class_counts(labels, classes);
        let Some(test) = chi_squared_independence(&[train_counts.clone(), counts.clone()]) else {
            continue;
        };
        let distance = distance_of_shares(&train_counts, &counts);
        let mut absent = absent_classes(&train_counts, &counts, case.significance());
        absent.extend(absent_classes(&counts, &train_counts, case.significance()));
        let names: Vec<String> = absent
            .iter()
            .map(|&class| case.evidence.label(u32::try_from(class).unwrap_or(u32::MAX)))
            .collect();
        let name = split_name(split);
        measured = measured
            .statistic("chi-squared of the class counts", rounded(test.statistic))
            .p_value(test.p_value)
            .with("distance_of_shares", rounded(distance));
        let odd = !absent.is_empty() || distance >= HUGE || (sorted && distance >= LARGE);
        if !(case.significant(test.p_value) && odd) {
            continue;
        }
        let lacking = if names.is_empty() {
            String::new()
        } else {
            format!(" Only one of the two has the class {}.", names.join(", "))
        };
        let order = if sorted {
            " Rows of one class stand together in the file, as if it had been sorted and then cut."
        } else {
            ""
        };
        return Ok(Diagnosis {
            severity: Severity::Unsound,
            confidence: if sorted {
                Confidence::Certain
            } else {
                Confidence::Likely
            },
            summary: format!(
                "The classes of the {name} rows are not those of the training rows: {} of the rows would \
                 have to change their class to make them alike.{lacking}{order} A figure measured on such \
                 rows says little about the others.",
                percent(distance),
            ),
            effect: None,
            fix: String::from(
                "Shuffle the rows before you split, and draw each class in proportion (a stratified split).",
            ),
            confirm: String::from(
                "Count the labels of each split: `cut -d, -f2 validation.csv | sort | uniq -c`.",
            ),
            measured: measured.with("split", name).with(
                "absent_classes",
                names.into_iter().map(Value::from).collect::<Value>(),
            ),
        }
        .into());
    }
    Ok(Answer::clear(
        "the splits have the same classes in similar shares",
        measured,
    ))
}

/// Classes of the first counts that the second lack although chance would hardly leave them out.
fn absent_classes(present: &[u64], other: &[u64], significance: Significance) -> Vec<usize> {
    let total = present.iter().sum::<u64>().max(1) as f64;
    let rows = other.iter().sum::<u64>() as f64;
    (0..present.len())
        .filter(|&class| {
            let share = present[class] as f64 / total;
            other[class] == 0 && share > 0.0 && significance.holds((rows * (-share).ln_1p()).exp())
        })
        .collect()
}

struct Runs {
    /// Runs over those expected of a random order.
    share: f64,
    p_value: f64,
}

/// Runs of equal classes: in a random order their number has mean `(n(n + 1) - s₂) / n` and variance
/// `(s₂(s₂ + n(n + 1)) - 2n s₃ - n³) / (n²(n - 1))`, with `s` the sums of the squares and cubes of the class
/// counts.
fn runs(labels: &[u32], classes: usize) -> Option<Runs> {
    let counts = class_counts(labels, classes);
    let n = counts.iter().sum::<u64>() as f64;
    let power = |exponent| {
        counts
            .iter()
            .map(|&count| (count as f64).powi(exponent))
            .sum::<f64>()
    };
    let (squares, cubes) = (power(2), power(3));
    if labels.len() < 20 || squares >= n * n {
        return None;
    }
    let observed = 1 + labels.windows(2).filter(|pair| pair[0] != pair[1]).count();
    let mean = (n * (n + 1.0) - squares) / n;
    let variance = (squares * (squares + n * (n + 1.0)) - 2.0 * n * cubes - n.powi(3)) / (n * n * (n - 1.0));
    if variance <= 0.0 {
        return None;
    }
    Some(Runs {
        share: observed as f64 / mean,
        p_value: two_sided_normal((observed as f64 - mean) / variance.sqrt()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::Cause;
    use crate::testing::{ask, clear, evidence, example, predicted};

    fn rows(labels: impl Iterator<Item = u32>) -> Vec<(u32, u32)> {
        labels.map(|label| (label, label)).collect()
    }

    #[test]
    fn the_tail_of_a_sorted_file_is_found() {
        // 1,000 rows of five classes in order, the last tenth is validation.
        let train = rows((0..900).map(|row| row / 200));
        let validation = rows((900..1000).map(|row| row / 200));
        let evidence = evidence(
            &["a", "b", "c", "d", "e"],
            [predicted(&train), predicted(&validation), predicted(&[])],
        );
        let found = example(Cause::SortedSplit, &evidence);
        assert_eq!(found.confidence, Confidence::Certain);
        assert_eq!(
            found.measured.evidence["absent_classes"],
            serde_json::json!(["a", "b", "c", "d"])
        );
        assert!((found.measured.evidence["distance_of_shares"].as_f64().unwrap() - 8.0 / 9.0).abs() < 1e-6);
    }

    #[test]
    fn a_sorted_file_that_was_split_class_by_class_is_clear() {
        let train = rows((0..900).map(|row| row / 180));
        let validation = rows((0..100).map(|row| row / 20));
        let evidence = evidence(
            &["a", "b", "c", "d", "e"],
            [predicted(&train), predicted(&validation), predicted(&[])],
        );
        let measured = clear(ask(Cause::SortedSplit, &evidence));
        assert_eq!(measured.evidence["sorted"], true);
    }

    #[test]
    fn runs_have_the_moments_of_a_random_order() {
        // All 20!/(10! 10!) orders of two classes of ten: the mean is 11 and the variance 90/19, as for two
        // kinds (Wald and Wolfowitz 1940): 2n₁n₂/n + 1 and 2n₁n₂(2n₁n₂ - n)/(n²(n - 1)).
        let labels: Vec<u32> = (0..20).map(|row| row % 2).collect();
        let found = runs(&labels, 2).unwrap();
        assert!((found.share - 20.0 / 11.0).abs() < 1e-12);
        let expected = two_sided_normal((20.0 - 11.0) / (90.0_f64 / 19.0).sqrt());
        assert!((found.p_value - expected).abs() < 1e-12);
    }

    #[test]
    fn a_rare_class_that_chance_left_out_is_no_finding() {
        let train = rows((0..1000).map(|row| u32::from(row % 500 == 7)));
        let validation = rows((0..100).map(|_| 0));
        let evidence = evidence(
            &["a", "b"],
            [predicted(&train), predicted(&validation), predicted(&[])],
        );
        clear(ask(Cause::SortedSplit, &evidence));
    }
}
