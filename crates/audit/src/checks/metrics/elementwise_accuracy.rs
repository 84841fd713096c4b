//! # The logged accuracy counts single outputs, not rows
//!
//! With binary cross-entropy on several classes, some frameworks read `accuracy` as binary accuracy:
//! every output of every row is compared with one half, and each one that is on the right side counts.
//! A row of `K` classes then has `K` chances to be right.
//!
//! ## Why the figures look good
//! A row whose class is wrong still has `K - 2` outputs on the right side: all but the class that was
//! predicted and the one that is true. The more classes there are, the nearer the figure is to 100 %,
//! whatever the model does.
//!
//! ## How it is tested
//! The audit needs the log and a score for each class of the validation rows; two classes cannot be
//! told apart in this way. It computes the share of rows that are right, `a`, and the share of outputs
//! on the right side of one half:
//!
//! ```text
//! b = mean over rows and classes of [(p > 1/2) == (class is the true one)]
//! b ≈ 1 - (2/K)(1 - a)                for outputs near 0 and 1
//! ```
//!
//! Saved logits are tried with softmax and with sigmoids. The cause is found, and certain, if an epoch
//! logs `b` (within 0.0015), `b` exceeds `a` by at least 0.01, and the log does not hold the row
//! accuracy as well: no epoch has both the accuracy and the loss of the saved rows, and `a` is not
//! logged where another figure than `b` is reported. The effect is `b - a` in points.
//!
//! Without scores, but with test rows or their matrix, it is found if the logged accuracy is
//! `1 - (2/K)(1 - a)` of the test accuracy `a`, within three standard errors of that, and validation is
//! above test beyond chance. It is likely if the first logged accuracy is within `1/(2K)` of `1 - 1/K`, at
//! which such counting begins; otherwise it is a caution, and possible, since a leak may look the same.
//!
//! With a log alone, it is found if the last two accuracies are `1 - 1/K`, within 0.05 points and the
//! digits of the log: that is `b` where no output is above one half. It is likely where the number of
//! classes is known; otherwise up to 20 classes are tried, the training accuracies must be there as
//! well, and it is possible.
//!
//! ## What to do
//! Use categorical cross-entropy on a softmax over the classes, and a metric that counts rows, such as
//! `categorical_accuracy` in Keras.
//!
//! ## Example
//! For the data of the test `outputs_that_are_counted_one_by_one_are_found`, the audit prints:
//!
//! ```text
//! 1. The logged accuracy counts single outputs, not rows (C2, fault, certain, +15.2 points in the
//!    log)
//!    The logged accuracy of 98.2 % counts single outputs: each row has 19 of them, and a wrong row
//!    still has 17 right. Of the rows 83.0 % are right.
//!    What to do: Use categorical cross-entropy on a softmax over the classes, and
//!    `categorical_accuracy` (the share of rows whose highest output is right).
//!    How to make sure: count the rows of the validation file whose highest score belongs to the true
//!    class
//! ```
//!
//! ## References
//! - `keras-team/keras#6611`: 89 % by `evaluate` and 8 % by counting rows, with binary cross-entropy on
//!   17 classes; also `keras-team/keras#5210` and `keras-team/keras#9939`.

use labelproof_artifact::Split;

use crate::answer::effect::{self, Figure};
use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::case::Case;
use crate::case::epochs::predicting_epochs;
use crate::evidence::log::Log;
use crate::evidence::{Missing, Need, ScoreKind, Scores};
use crate::measures::loss::elementwise_accuracy;

/// How far the logged accuracy may be from a recomputed one.
const TOLERANCE: f64 = 1.5e-3;

/// How far both accuracies must be apart for a log to tell them apart.
const LEAST_DISTANCE: f64 = 1e-2;

/// How near `1 − 1/K` an accuracy must be that counts single outputs of which none is above one half, beside the
/// digits of the log.
const OF_NOTHING: f64 = 5e-4;

/// How many times the distance from the share of outputs the distance from the share of rows must be.
const MOST_APART: f64 = 4.0;

/// Classes that are tried where nobody says how many there are.
const INFERRED: std::ops::RangeInclusive<usize> = 3..=20;

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    let log = case.evidence.log()?;
    let scored = match case.scored(Split::Validation) {
        Ok(scored) => scored,
        Err(missing) => {
            return of_test(case, log)
                .or_else(|| of_log(log, case.evidence.classes()))
                .ok_or(missing);
        }
    };
    let logged: Vec<f64> = log
        .epochs
        .iter()
        .filter_map(|epoch| epoch.validation.accuracy)
        .collect();
    let reported = log
        .reported()
        .and_then(|epoch| epoch.validation.accuracy)
        .or(logged.last().copied())
        .ok_or(Need::Log)?;
    let by_row = scored.predicted.accuracy();
    let is_logged = |value: f64| logged.iter().any(|logged| (logged - value).abs() <= TOLERANCE);
    // What the framework compared with one half: the softmax of saved logits, their sigmoid, or what was
    // saved.
    let truth = scored.predicted.truth;
    let candidates = match scored.saved.kind {
        ScoreKind::Logits => vec![
            elementwise_accuracy(scored.probabilities, truth),
            elementwise_accuracy(&sigmoids(scored.saved), truth),
        ],
        ScoreKind::Probabilities => vec![elementwise_accuracy(scored.saved, truth)],
    };
    let by_output = candidates
        .iter()
        .copied()
        .find(|value| is_logged(*value))
        .unwrap_or(candidates[0]);
    let measured = Measured::new()
        .statistic("share of outputs on the right side of one half", by_output)
        .with("accuracy", by_row)
        .with("logged_accuracy", reported);
    let classes = scored.predicted.classes;
    // The accuracy of the rows may be that of some other epoch by chance; with their loss beside it, it is
    // theirs.
    let near = |value: f64| (reported - value).abs() <= TOLERANCE;
    let is_theirs = !predicting_epochs(case, true)?.is_empty() || is_logged(by_row) && !near(by_output);
    if classes <= 2 || !is_logged(by_output) || is_theirs || by_output - by_row < LEAST_DISTANCE {
        let summary = format!(
            "The logged accuracy ({:.1} %) is not the share of single outputs on the right side of one half \
             ({:.1} %).",
            100.0 * reported,
            100.0 * by_output
        );
        return Ok(Answer::clear(summary, measured));
    }
    Ok(Diagnosis {
        severity: Severity::Unsound,
        confidence: Confidence::Certain,
        summary: format!(
            "The logged accuracy of {:.1} % counts single outputs: each row has {classes} of them, and a \
             wrong row still has {} right. Of the rows {:.1} % are right.",
            100.0 * by_output,
            classes - 2,
            100.0 * by_row
        ),
        effect: Some(effect::of(Figure::Logged, by_output - by_row)),
        fix: FIX.to_owned(),
        confirm: "count the rows of the validation file whose highest score belongs to the true \
                  class"
            .to_owned(),
        measured,
    }
    .into())
}

/// With the test rows, or their matrix, in the place of scores: the logged validation accuracy is what counting outputs
/// gives of as many right rows as there are in test, and far above that share of rows.
fn of_test(case: &Case<'_>, log: &Log) -> Option<Answer> {
    let gap = case
        .gap()
        .ok()
        .filter(|gap| gap.significant && gap.points > 0.0)?;
    let classes = case.evidence.classes().filter(|classes| *classes > 2)?;
    let reported = log.reported()?.validation.accuracy?;
    let by_row = gap.test_hits as f64 / gap.test_rows as f64;
    let weight = 2.0 / classes as f64;
    let by_output = 1.0 - weight * (1.0 - by_row);
    let error = (by_row * (1.0 - by_row) / gap.test_rows as f64).sqrt();
    let apart = TOLERANCE + log.rounding(|epoch| epoch.validation.accuracy).min(5e-3) + 3.0 * weight * error;
    let is_it = (reported - by_output).abs() <= apart && reported - by_row >= MOST_APART * apart;
    let (severity, confidence, or) = if begins_at_no_output(log, classes) {
        (Severity::Unsound, Confidence::Likely, "")
    } else {
        let or = " Rows that leak into validation, or differ from those of test, may look the same.";
        (Severity::Caution, Confidence::Possible, or)
    };
    is_it.then(|| {
        Diagnosis {
            severity,
            confidence,
            summary: format!(
                "The logged validation accuracy, {:.1} %, is what counting single outputs gives where {:.1} % of the rows \
                 are right, as in test: each row has {classes} outputs, and a wrong row still has {} right, which makes \
                 {:.1} %.{or}",
                100.0 * reported,
                100.0 * by_row,
                classes - 2,
                100.0 * by_output
            ),
            // Only what is likely says that the gap is none of rows.
            effect: (confidence == Confidence::Likely).then(|| effect::of(Figure::Logged, reported - by_row)),
            fix: FIX.to_owned(),
            confirm: "predict the validation rows and count those whose highest output is that of the true class"
                .to_owned(),
            measured: Measured::new()
                .statistic("share of outputs on the right side of one half", by_output)
                .with("accuracy", by_row)
                .with("logged_accuracy", reported)
                .with("classes", classes),
        }
        .into()
    })
}

/// Whether the first of several logged accuracies is nearer to that of no output above one half than a model
/// that has learnt little comes by counting rows.
fn begins_at_no_output(log: &Log, classes: usize) -> bool {
    let of = |split: Split| {
        log.epochs
            .iter()
            .filter_map(move |epoch| epoch.of(split).accuracy)
    };
    let first = of(Split::Train).next().or_else(|| of(Split::Validation).next());
    let share = 1.0 / classes as f64;
    log.epochs.len() > 1 && first.is_some_and(|first| (first - (1.0 - share)).abs() <= 0.5 * share)
}

/// With a log alone: accuracies that stay where they are if no output of any row is above one half. Then every
/// output is on the right side but that of the true class. Without the number of classes, those of training must
/// be there as well.
fn of_log(log: &Log, classes: Option<usize>) -> Option<Answer> {
    let of = |split: Split| -> Vec<f64> {
        let logged = log.epochs.iter().filter_map(|epoch| epoch.of(split).accuracy);
        logged.collect()
    };
    let (validation, train) = (of(Split::Validation), of(Split::Train));
    // Values that end in zeros have lost them.
    let rounding = log
        .rounding(|epoch| epoch.validation.accuracy)
        .min(log.rounding(|epoch| epoch.train.accuracy));
    let digits = rounding <= OF_NOTHING;
    let last = |values: &[f64]| values.iter().rev().take(2).copied().collect::<Vec<f64>>();
    let is_at = |values: &[f64], classes: usize| {
        let expected = 1.0 - 1.0 / classes as f64;
        let values = last(values);
        !values.is_empty()
            && values
                .iter()
                .all(|value| (value - expected).abs() <= rounding + OF_NOTHING)
    };
    let measured = Measured::new().with("logged_accuracy", *validation.last()?);
    let inferred = || {
        let enough = validation.len() >= 2 && train.len() >= 2;
        INFERRED
            .into_iter()
            .find(|classes| enough && is_at(&validation, *classes) && is_at(&train, *classes))
    };
    let of_classes = match classes {
        Some(classes) => Some(classes).filter(|classes| *classes > 2 && is_at(&validation, *classes)),
        None => inferred(),
    };
    let Some(count) = of_classes.filter(|_| digits) else {
        // Without the number of classes, other figures cannot be told from those of rows.
        classes?;
        let summary = "The logged accuracy is not that of single outputs of which none is above one half.";
        return Some(Answer::clear(summary, measured));
    };
    let (severity, confidence, or) = match classes {
        Some(_) => (Severity::Unsound, Confidence::Likely, ""),
        None => (
            Severity::Caution,
            Confidence::Possible,
            " The share of the largest class would look the same.",
        ),
    };
    Some(
        Diagnosis {
            severity,
            confidence,
            summary: format!(
                "The logged accuracy stays at {:.1} %, which is 1 − 1/{count}: what counting single outputs gives where \
                 none of {count} is ever above one half, whatever the rows are.{or}",
                100.0 * (1.0 - 1.0 / count as f64)
            ),
            effect: None,
            fix: FIX.to_owned(),
            confirm: "count the rows whose highest output is that of the true class".to_owned(),
            measured: measured.with("classes", count),
        }
        .into(),
    )
}

const FIX: &str = "Use categorical cross-entropy on a softmax over the classes, and `categorical_accuracy` (the \
                   share of rows whose highest output is right).";

/// What a sigmoid makes of each logit by itself.
fn sigmoids(logits: &Scores) -> Scores {
    Scores {
        kind: ScoreKind::Probabilities,
        classes: logits.classes,
        values: logits
            .values
            .iter()
            .map(|logit| 1.0 / (1.0 + (-logit).exp()))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::Cause;
    use crate::evidence::Evidence;
    use crate::evidence::Part;
    use crate::testing::{ask, assert_close, clear, evidence, example, found, log, scored, statistic};

    /// 83 of 100 rows right, with outputs of exactly 0 and 1.
    fn with_accuracy(labels: &[&str], accuracy: f64) -> Evidence {
        let one_hot = |class: usize| {
            (0..labels.len())
                .map(|each| f64::from(u8::from(each == class)))
                .collect()
        };
        let rows: Vec<(u32, Vec<f64>)> = (0..100).map(|row| (0, one_hot(usize::from(row >= 83)))).collect();
        Evidence {
            log: Some(log(&[(0.1, accuracy)])),
            ..evidence(labels, [Part::default(), scored(&rows), Part::default()])
        }
    }

    /// With 19 classes, 83 % of the rows make 98.2 % of the outputs.
    #[test]
    fn outputs_that_are_counted_one_by_one_are_found() {
        let found = example(Cause::ElementwiseAccuracy, &with_accuracy(&["x"; 19], 0.982));
        assert_close(statistic(&found.measured), 1.0 - 2.0 / 19.0 * 0.17, 1e-12);
        assert_close(found.effect.unwrap().points, 15.21, 0.01);
        assert!(
            found.summary.contains("a wrong row still has 17 right"),
            "{}",
            found.summary
        );
    }

    #[test]
    fn an_accuracy_of_rows_is_clear() {
        clear(ask(Cause::ElementwiseAccuracy, &with_accuracy(&["x"; 19], 0.83)));
        // With two outputs a row, half of a wrong row is not right: both ways of counting agree.
        clear(ask(Cause::ElementwiseAccuracy, &with_accuracy(&["x"; 2], 0.83)));
    }

    /// Ten sigmoids that begin at 0 and have learnt nothing but that.
    #[test]
    fn a_log_that_stays_at_the_accuracy_of_no_output_is_found() {
        let check = |validation: [f64; 2], train: Option<[f64; 2]>, classes: Option<usize>| {
            let mut log = log(&validation.map(|accuracy| (0.35, accuracy)));
            for (epoch, accuracy) in log.epochs.iter_mut().zip(train.iter().flatten()) {
                epoch.train.accuracy = Some(*accuracy);
            }
            let evidence = Evidence {
                log: Some(log),
                class_count: classes,
                ..Evidence::default()
            };
            ask(Cause::ElementwiseAccuracy, &evidence)
        };
        let known = found(check([0.8997, 0.9], None, Some(10)));
        assert_eq!(known.severity, Severity::Unsound);
        let unknown = found(check([0.9, 0.9], Some([0.8996, 0.9]), None));
        assert_eq!(unknown.severity, Severity::Caution);
        clear(check([0.9, 0.9123], None, Some(10)));
        clear(check([0.9, 0.9], None, Some(5)));
        assert!(check([0.9, 0.9], Some([0.94, 0.95]), None).is_err());
        assert!(check([0.9, 0.9], None, None).is_err());
    }

    /// Of four classes with 70 % of the test rows right, counting outputs gives 85 %; so may a leak.
    #[test]
    fn a_gap_alone_is_hardly_a_sign_of_counted_outputs() {
        let with = |first: f64| {
            let right = |row: usize| u32::try_from(if row < 700 { row % 4 } else { (row + 1) % 4 }).unwrap();
            let rows: Vec<(u32, u32)> = (0..1000)
                .map(|row| (u32::try_from(row % 4).unwrap(), right(row)))
                .collect();
            let mut log = log(&[(0.9, first), (0.4, 0.85)]);
            log.validation_rows = Some(1000);
            let evidence = Evidence {
                log: Some(log),
                ..evidence(
                    &["a", "b", "c", "d"],
                    [Part::default(), Part::default(), crate::testing::predicted(&rows)],
                )
            };
            found(ask(Cause::ElementwiseAccuracy, &evidence)).confidence
        };
        assert_eq!(with(0.26), Confidence::Possible);
        assert_eq!(with(0.76), Confidence::Likely);
    }
}
