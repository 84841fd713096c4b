//! # Too few rows to measure by
//!
//! There are too few validation or test rows to say how good the model is.
//!
//! ## Why the figures look good
//! With 50 rows, an accuracy of 80 % may as well be 67 % or 89 %. Who tries several models or epochs
//! and reports the best one picks from the upper end.
//!
//! ## How it is tested
//! The width of Wilson's 95 % interval of each accuracy is the statistic. The best of `m` equally good
//! results exceeds their mean by about the second line:
//!
//! ```text
//! (p + z²/2n ± z sqrt(p (1 - p)/n + z²/4n²)) / (1 + z²/n),  z = 1.96
//! optimism ≈ sqrt(p (1 - p)/n) · sqrt(2 ln m)               m epochs of the log
//! ```
//!
//! A width above 10 points is a note, from 20 points on a caution. About 400 rows give an interval of
//! 10 points at the worst, and 1,600 one of 5.
//!
//! ## What to do
//! Keep more rows apart, or use cross-validation (`train.folds` of a pipeline). Compare two models on
//! the same rows with a paired test; `labelproof compare` makes McNemar's for two runs of a pipeline.
//!
//! ## Example
//! For the data of the test `fifty_rows_are_too_few`, the audit prints:
//!
//! ```text
//! 1. Too few rows to measure by (C49, caution, certain)
//!    With 50 validation rows the accuracy is only known to lie between 67.0 % and 88.8 %. Two models,
//!    or two splits, that differ by less cannot be told apart. The best of 10 epochs was chosen by it,
//!    which makes it look better still.
//!    What to do: Keep more rows apart: about 400 give an interval of 10 points at the worst, and 1,600
//!    one of 5. With too few rows for that, use cross-validation.
//!    How to make sure: Split again with three other seeds and see how far the accuracy moves.
//! ```
//!
//! ## References
//! - Wilson, 1927, *Probable Inference, the Law of Succession, and Statistical Inference*.

use labelproof_metrics::wilson;

use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::answer::wording::{percent, rounded};
use crate::case::Case;
use crate::evidence::Missing;

/// The widest interval, as a share, that still tells a good model from a bad one.
const WIDEST: f64 = 0.1;

/// From this width on the figure itself says little.
const HOPELESS: f64 = 0.2;

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    let validation = case.validation_hits();
    let test = case.test_hits();
    if let (Err(missing), Err(_)) = (&validation, &test) {
        return Err(missing.clone());
    }
    let looks = case.evidence.log.as_ref().map_or(1, |log| log.epochs.len());
    let mut measured = Measured::new();
    let mut wide = Vec::new();
    for (name, key, hits) in [
        ("validation", "validation_interval", validation.ok()),
        ("test", "test_interval", test.ok()),
    ] {
        let Some((hits, rows)) = hits else { continue };
        let interval = wilson(hits, rows);
        let (Some(low), Some(high)) = (interval.low, interval.high) else {
            continue;
        };
        measured = measured.with(key, serde_json::json!([rounded(low), rounded(high)]));
        if key == "validation_interval" {
            let share = hits as f64 / rows as f64;
            let error = (share * (1.0 - share) / rows as f64).sqrt();
            measured = measured.with("looks", looks).with(
                "optimism_of_the_best_look",
                rounded(error * (2.0 * (looks as f64).ln()).sqrt()),
            );
        }
        if high - low > WIDEST {
            // Rows for a width of 10 points at this accuracy: 4 · 1.96² · p(1 - p) / 0.1².
            wide.push((name, rows, low, high));
        }
    }
    let Some(&(name, rows, low, high)) = wide
        .iter()
        .max_by(|one, other| (one.3 - one.2).total_cmp(&(other.3 - other.2)))
    else {
        return Ok(Answer::clear(
            "there are enough rows to know the accuracy within 10 points",
            measured,
        ));
    };
    let choosing = if name == "validation" && looks > 1 {
        format!(" The best of {looks} epochs was chosen by it, which makes it look better still.")
    } else {
        String::new()
    };
    Ok(Diagnosis {
        severity: if high - low >= HOPELESS {
            Severity::Caution
        } else {
            Severity::Note
        },
        // Ten points may be near enough for what the figure is wanted for, twenty are not.
        confidence: if high - low >= HOPELESS {
            Confidence::Certain
        } else {
            Confidence::Possible
        },
        summary: format!(
            "With {rows} {name} rows the accuracy is only known to lie between {} and {}. Two models, or two \
             splits, that differ by less cannot be told apart.{choosing}",
            percent(low),
            percent(high),
        ),
        effect: None,
        fix: String::from(
            "Keep more rows apart: about 400 give an interval of 10 points at the worst, and 1,600 one of 5. \
             With too few rows for that, use cross-validation.",
        ),
        confirm: String::from("Split again with three other seeds and see how far the accuracy moves."),
        measured: measured.statistic("width of the 95 % interval", rounded(high - low)),
    }
    .into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::Cause;
    use crate::evidence::log::{Epoch, Log};
    use crate::testing::{ask, clear, evidence, example, found, predicted};

    fn rows(hits: usize, all: usize) -> Vec<(u32, u32)> {
        (0..all).map(|row| (0, u32::from(row >= hits))).collect()
    }

    #[test]
    fn fifty_rows_are_too_few() {
        let mut evidence = evidence(
            &["a", "b"],
            [
                predicted(&[]),
                predicted(&rows(40, 50)),
                predicted(&rows(900, 1000)),
            ],
        );
        evidence.log = Some(Log {
            epochs: vec![Epoch::default(); 10],
            ..Log::default()
        });
        let found = example(Cause::SmallValidation, &evidence);
        // statsmodels: proportion_confint(40, 50, method="wilson") = (0.669628, 0.887569).
        let width = found.measured.statistic.unwrap().1;
        assert!((width - (0.887_569 - 0.669_628)).abs() < 2e-5, "{width}");
        assert_eq!(found.measured.evidence["looks"], 10);
        assert_eq!(found.severity, Severity::Caution);
    }

    #[test]
    fn two_hundred_rows_are_a_note() {
        let evidence = evidence(
            &["a", "b"],
            [predicted(&[]), predicted(&rows(140, 200)), predicted(&[])],
        );
        // statsmodels: proportion_confint(140, 200, method="wilson") = (0.633209, 0.759253).
        let found = found(ask(Cause::SmallValidation, &evidence));
        assert_eq!(found.severity, Severity::Note);
        assert!((found.measured.statistic.unwrap().1 - 0.126_043).abs() < 2e-5);
    }

    #[test]
    fn a_thousand_rows_are_enough() {
        let evidence = evidence(
            &["a", "b"],
            [
                predicted(&[]),
                predicted(&rows(500, 1000)),
                predicted(&rows(500, 1000)),
            ],
        );
        clear(ask(Cause::SmallValidation, &evidence));
    }
}
