//! # Softmax is applied twice in the loss
//!
//! The network ends in a softmax, and the loss function applies another one, because it was told that
//! it gets logits: `from_logits=True` in Keras, or `CrossEntropyLoss` in PyTorch, which always expects
//! logits. The loss then works on numbers between 0 and 1 and can hardly fall.
//!
//! ## Why the figures look good
//! Softmax is monotonic, so a second one leaves the order of the classes and the accuracy of these
//! weights as they are. What suffers is the training, whose gradients become small, and every
//! probability. The fault cannot make validation and test differ, because both go through the same
//! loss.
//!
//! ## How it is tested
//! The audit needs the validation losses of the log. With the probabilities `p` of the validation rows,
//! it computes both candidates:
//!
//! ```text
//! L0 = mean(-ln p[y])                 one softmax
//! L1 = mean(-ln softmax(p)[y])        two
//! ```
//!
//! The cause is found, and certain, if some logged validation loss is `L1` (within 0.002, or 0.2 % of
//! losses above 1), none is `L0`, and the two candidates are at least 0.02 apart. If some epochs have
//! the accuracy of the rows, only theirs count: the losses of a long training pass many values.
//!
//! With the log alone, a second softmax over `K` classes keeps the loss of every row between
//! `f = ln(1 + (K - 1)/e)`, where the first softmax gave the true class everything, and `f + 1`. Some
//! values of `f`: 0.313 for 2 classes, 0.744 for 4, 0.905 for 5, 1.461 for 10. The cause is *possible*
//! if all logged losses lie in this range and the reported validation loss is more than 1.5 times the
//! largest loss of a calibrated classifier of the logged accuracy `a`, which follows from Fano's
//! inequality: `h(a) + (1 - a) ln(K - 1)` with the binary entropy `h`. A model that is merely unsure of
//! itself can log the same. If the number of classes is not known, all from 4 to 30 are tried, the
//! training loss must be logged, and the loss must be too large for any of them. Log-probabilities as
//! input are no fault: the softmax of `log_softmax(z)` is the softmax of `z`.
//!
//! ## What to do
//! Remove the last softmax and keep the loss that takes logits, or keep the softmax and say
//! `from_logits=False`. Train again, and look at the first epochs: the loss must fall below `f`.
//!
//! ## Example
//! For the data of the test `a_second_softmax_is_proven_by_the_saved_probabilities`, the audit prints:
//!
//! ```text
//! 1. Softmax is applied twice in the loss (C1, fault, certain)
//!    The logged validation loss is 0.9326: exactly what comes out if softmax is applied to the saved
//!    probabilities once more. Their real loss is 0.7764. The loss was given probabilities where it
//!    expects logits, so that it can hardly fall, training is slow, and the probabilities are worth
//!    little.
//!    What to do: Remove the softmax at the end of the model and keep `from_logits=True` (or
//!    `CrossEntropyLoss`), or keep the softmax and say `from_logits=False`; then train again.
//!    How to make sure: train again with the last softmax removed: the loss of the first epochs must
//!    fall below the old floor
//! ```
//!
//! ## References
//! - Cover and Thomas, *Elements of Information Theory*, section 2.10 (Fano's inequality).
//! - `ariecattan/SciCo#2`: a reader derives the floor of 0.74 for four classes, which is `f`.
//! - `illiterate/BertClassifier#2`, `Lightning-Universe/lightning-bolts#654` and
//!   `nfmcclure/tensorflow_cookbook#86`: the same fault in published code.
//! - `tensorflow/tensorflow#32869`: older versions of tf.keras did not notice; the TensorFlow backend
//!   of Keras 3 takes the logits from before the softmax and warns.

use labelproof_artifact::Split;

use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::case::Case;
use crate::case::epochs::predicting_epochs;
use crate::evidence::Log;
use crate::evidence::{Missing, Need};
use crate::measures::loss::{
    LOSS_TOLERANCE, above_cap, double_softmax_floor, double_softmax_loss, is_logged,
};

/// How far the two losses must be apart for a log to tell them apart.
const LEAST_DISTANCE: f64 = 2e-2;

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    let log = case.evidence.log()?;
    if log.epochs.iter().all(|epoch| epoch.validation.loss.is_none()) {
        return Err(Need::Log.into());
    }
    match case.scored(Split::Validation) {
        Ok(scored) => {
            let once = scored.loss();
            let twice = double_softmax_loss(scored.probabilities, scored.predicted.truth);
            Ok(compare(&epochs_of(case, log), once, twice))
        }
        Err(missing) => match case.evidence.classes() {
            Some(classes) => Ok(from_log(log, classes)),
            None => of_some_classes(log).ok_or(missing),
        },
    }
}

/// The log with only the epochs that have the accuracy of the validation rows, if there are any.
fn epochs_of(case: &Case<'_>, log: &Log) -> Log {
    let matching = predicting_epochs(case, false).unwrap_or_default();
    let mut log = log.clone();
    if !matching.is_empty() {
        log.epochs = matching.iter().map(|&place| log.epochs[place]).collect();
        log.kept = log
            .kept
            .and_then(|kept| matching.iter().position(|&place| place == kept));
    }
    log
}

fn compare(log: &Log, once: f64, twice: f64) -> Answer {
    let reported = log.reported().and_then(|epoch| epoch.validation.loss);
    let mut measured = Measured::new()
        .statistic("loss with softmax applied twice", twice)
        .with("loss", once);
    if let Some(reported) = reported {
        measured = measured.with("logged_loss", reported);
    }
    if !is_logged(log, twice) || is_logged(log, once) || (once - twice).abs() < LEAST_DISTANCE {
        let summary = format!(
            "The logged validation loss is not what a second softmax would give ({twice:.4}); from the saved \
             probabilities it is {once:.4}."
        );
        return Answer::clear(summary, measured);
    }
    Diagnosis {
        severity: Severity::Unsound,
        confidence: Confidence::Certain,
        summary: format!(
            "The logged validation loss is {twice:.4}: exactly what comes out if softmax is applied to the \
             saved probabilities once more. Their real loss is {once:.4}. The loss was given probabilities \
             where it expects logits, so that it can hardly fall, training is slow, and the probabilities \
             are worth little."
        ),
        effect: None,
        fix: FIX.to_owned(),
        confirm: "train again with the last softmax removed: the loss of the first epochs must fall below \
                  the old floor"
            .to_owned(),
        measured,
    }
    .into()
}

const FIX: &str = "Remove the softmax at the end of the model and keep `from_logits=True` (or \
                   `CrossEntropyLoss`), or keep the softmax and say `from_logits=False`; then train again.";

/// Numbers of classes that are tried where nobody says how many there are. With fewer, losses of label
/// smoothing look the same.
const INFERRED: std::ops::RangeInclusive<usize> = 4..=30;

/// A log of which no number of classes is known: found if some fit, and the loss is too large for the
/// accuracy with any of them.
fn of_some_classes(log: &Log) -> Option<Answer> {
    let reported = log.reported()?;
    reported.train.loss?;
    above_cap(reported.validation, *INFERRED.end()).then_some(())?;
    let found = |classes: &usize| match from_log(log, *classes) {
        Answer::Found(found) => Some((*classes, found)),
        Answer::Clear { .. } => None,
    };
    let fitting: Vec<_> = INFERRED.filter_map(|classes| found(&classes)).collect();
    let (least, most) = (fitting.first()?.0, fitting.last()?.0);
    let (_, found) = fitting.into_iter().next()?;
    Some(
        Diagnosis {
            summary: format!(
                "For {least} to {most} classes, a softmax that is applied twice keeps every loss where the log has \
                 them, and the loss is too large for the logged accuracy. That fits `from_logits=True` on the output \
                 of a softmax. A model that is merely unsure of itself, or label smoothing, can log the same; the \
                 number of classes (`classes=`) tells more."
            ),
            measured: found.measured.clone().with("classes", serde_json::json!([least, most])),
            ..*found
        }
        .into(),
    )
}

fn from_log(log: &Log, classes: usize) -> Answer {
    let floor = double_softmax_floor(classes);
    let losses: Vec<f64> = log
        .epochs
        .iter()
        .flat_map(|epoch| [epoch.train.loss, epoch.validation.loss])
        .flatten()
        .collect();
    let least = losses.iter().copied().fold(f64::INFINITY, f64::min);
    let most = losses.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let within = least >= floor - LOSS_TOLERANCE && most <= floor + 1.0 + LOSS_TOLERANCE;
    let reported = log.reported().map(|epoch| epoch.validation);
    let measured = Measured::new()
        .statistic("least loss that a double softmax allows", floor)
        .with("most_loss_it_allows", floor + 1.0)
        .with("least_logged_loss", least)
        .with("most_logged_loss", most);
    let beyond = reported.is_some_and(|figures| above_cap(figures, classes));
    if !within || !beyond {
        let summary = format!(
            "The logged losses ({least:.3} to {most:.3}) are not those of a softmax applied twice, which for \
             {classes} classes lie between {floor:.3} and {:.3} whatever the model learns.",
            floor + 1.0
        );
        return Answer::clear(summary, measured);
    }
    Diagnosis {
        severity: Severity::Caution,
        confidence: Confidence::Possible,
        summary: format!(
            "Every logged loss ({least:.3} to {most:.3}) lies between {floor:.3} and {:.3}, where a softmax \
             that is applied twice keeps it for {classes} classes, and it is too large for the logged \
             accuracy. That fits `from_logits=True` on the output of a softmax. A model that is merely \
             unsure of itself can log the same, so this is no proof. It does not change which class is \
             predicted.",
            floor + 1.0
        ),
        effect: None,
        fix: FIX.to_owned(),
        confirm: "save the probabilities of the validation rows and run `labelproof audit --validation FILE \
                  --log LOG`: the loss computed from them, with one softmax and with two, decides it"
            .to_owned(),
        measured,
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::Cause;
    use crate::evidence::Evidence;
    use crate::evidence::Part;
    use crate::testing::{
        ask, assert_close, clear, evidence, example, found, log, number, scored, statistic,
    };

    /// The log was rounded to four digits.
    const ROUNDED: f64 = 5e-5;

    /// SciPy: the mean of `-ln p` is 0.776387, that of `-log_softmax(p)` 0.932644.
    fn validation() -> Part {
        scored(&[
            (0, vec![0.7, 0.2, 0.1]),
            (1, vec![0.1, 0.8, 0.1]),
            (2, vec![0.3, 0.3, 0.4]),
            (0, vec![0.2, 0.5, 0.3]),
        ])
    }

    fn with_loss(loss: f64) -> Evidence {
        Evidence {
            log: Some(log(&[(loss + 0.2, 0.5), (loss, 0.75)])),
            ..evidence(&["a", "b", "c"], [Part::default(), validation(), Part::default()])
        }
    }

    fn log_only(classes: usize, epochs: &[(f64, f64)]) -> Evidence {
        Evidence {
            log: Some(log(epochs)),
            class_count: Some(classes),
            ..Evidence::default()
        }
    }

    #[test]
    fn a_second_softmax_is_proven_by_the_saved_probabilities() {
        let found = example(Cause::DoubleSoftmax, &with_loss(0.9326));
        assert_eq!(found.confidence, Confidence::Certain);
        assert_close(statistic(&found.measured), 0.9326, ROUNDED);
        assert_close(number(&found.measured, "loss"), 0.7764, ROUNDED);
    }

    /// An earlier epoch had by chance the loss that the saved probabilities have.
    #[test]
    fn a_loss_that_the_training_passed_proves_nothing() {
        let mut evidence = with_loss(0.9326);
        evidence.log = Some(log(&[(0.7764, 0.5), (0.9326, 0.75)]));
        found(ask(Cause::DoubleSoftmax, &evidence));
        evidence.log = Some(log(&[(0.7764, 0.75), (0.9326, 0.5)]));
        clear(ask(Cause::DoubleSoftmax, &evidence));
    }

    #[test]
    fn the_loss_of_one_softmax_is_clear() {
        clear(ask(Cause::DoubleSoftmax, &with_loss(0.7764)));
    }

    /// The two epochs that the origin case logged: consistent with it, and no proof.
    #[test]
    fn the_log_of_the_origin_case_fits_and_proves_nothing() {
        let found = found(ask(
            Cause::DoubleSoftmax,
            &log_only(5, &[(1.2433, 0.8024), (1.2148, 0.83)]),
        ));
        assert_eq!(found.confidence, Confidence::Possible);
        assert_eq!(found.severity, Severity::Caution);
        // As the page above has it: ln(1 + 4 / e).
        assert_close(statistic(&found.measured), 0.905, 5e-4);
    }

    #[test]
    fn a_loss_below_the_floor_had_one_softmax() {
        clear(ask(
            Cause::DoubleSoftmax,
            &log_only(5, &[(1.2, 0.7), (0.6, 0.83)]),
        ));
        // Within the bounds, and no more than such an accuracy lets expect.
        clear(ask(
            Cause::DoubleSoftmax,
            &log_only(5, &[(1.2, 0.55), (1.1, 0.6)]),
        ));
    }

    /// Keras on ten digits; the number of classes is not said.
    #[test]
    fn some_number_of_classes_may_fit() {
        let with = |train: f64, epochs: &[(f64, f64)]| {
            let mut log = log(epochs);
            for epoch in &mut log.epochs {
                epoch.train.loss = Some(train);
            }
            let evidence = Evidence {
                log: Some(log),
                ..Evidence::default()
            };
            ask(Cause::DoubleSoftmax, &evidence)
        };
        let some = found(with(1.644, &[(1.8, 0.7), (1.6135, 0.8942)]));
        assert_eq!(
            (some.severity, some.confidence),
            (Severity::Caution, Confidence::Possible)
        );
        // The floor of 12 classes, ln(1 + 11/e), is 1.619; 1.8 is within 1 of that of 5, 0.905.
        assert_eq!(some.measured.evidence["classes"], serde_json::json!([5, 11]));
        // Overfitted, and as unsure as its accuracy.
        assert!(with(0.2, &[(1.8, 0.7), (1.6135, 0.8942)]).is_err());
        assert!(with(0.9, &[(1.0, 0.7), (0.9, 0.72)]).is_err());
    }
}
