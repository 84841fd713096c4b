//! # The training did not learn anything
//!
//! The loss becomes NaN or infinite, or never leaves the value of guessing, or nothing moves from epoch
//! to epoch. Some seeds of fine-tuning fail in this way, and so does a training whose learning rate is
//! far too large, whose optimiser does not hold the weights, or whose loss does not fit the labels.
//!
//! ## Why the figures look good
//! On unbalanced data the accuracy of such a model is the share of the largest class, which may be
//! high. And who trains several seeds and shows the best one never sees that half of them failed.
//!
//! ## How it is tested
//! The audit needs the log. Of these signs, the first that is there is named:
//!
//! ```text
//! not finite  a logged loss is NaN or infinite
//! saturated   loss = (1 - accuracy) c, where c is what a wrong row costs whose probability was clipped
//!             (16.12 for 1e-7, 15.94, 18.42, 34.54, or 100), in half of the epochs and at least two, and
//!             not where validation scores show a mean highest probability below 0.95
//! exploded    the training loss ends at 10 times its first value or more, and above 10
//! guessing    least logged loss ≥ ln K - 0.05, for K classes, and not (best accuracy > 1.5/K and best
//!             accuracy > share of the largest validation class + 0.05)
//! shares      least validation loss ≥ entropy of the classes' shares - 0.02, and best accuracy ≤ share of
//!             the largest class + 0.02, where the shares are known, and the training accuracy, where it
//!             is logged, is not above that share by more than 0.05
//! unmoved     the loss of every epoch, of at least three, is the same to all digits
//! stuck       the validation accuracy of every epoch, of at least four, is the same to three digits or
//!             more, and neither the training accuracy (by 2 points) nor the loss (by a tenth) moves
//! broken down the last three accuracies are at least 20 points below the best one
//! ```
//!
//! Whoever gives each of `K` classes the same probability has the loss `ln K`; whoever gives them their
//! shares has the entropy of these. Losses of training and validation both count. Neither is said where
//! the predictions of validation or test rows are right more often than their largest class is frequent
//! (corrected p < 0.01): that is little, and not nothing. If the number of classes is not known,
//! accuracies tell it that are `1/K` on average within 3 points, for up to 10 classes, never above
//! `1.5/K`, and do not rise by more than 5 points. A loss that is 0, or an accuracy of at least 98 %,
//! may stay as it is. A breakdown after the epoch that the log says was kept is a note, as is a loss of
//! NaN; all else is unsound. It is certain where loss and number of classes say it, and likely
//! otherwise.
//!
//! ## What to do
//! After NaN, lower the learning rate, clip gradients, train in 32 bits, and look for a logarithm or a
//! division of 0 in the loss. Otherwise try other seeds, a lower learning rate and a warm-up, and make
//! sure that the head is given to the optimiser and that the loss fits the form of the labels. Compare
//! at least three seeds before a model is chosen; `labelproof compare` compares two runs of a pipeline
//! row by row.
//!
//! ## Example
//! For the data of the test `a_loss_that_stays_at_guessing_is_found`, the audit prints:
//!
//! ```text
//! 1. The training did not learn anything (C26, fault, certain)
//!    The loss never fell clearly below 1.386, what guessing among 4 classes gives: the model has
//!    learnt nothing.
//!    What to do: Try other seeds, a lower learning rate with warm-up, and make sure that the head is
//!    given to the optimiser; compare at least three seeds before a model is chosen.
//!    How to make sure: train with two other seeds
//! ```
//!
//! ## References
//! - Dodge and others, 2020, *Fine-Tuning Pretrained Language Models: Weight Initializations, Data
//!   Orders, and Early Stopping*.
//! - Mosbach, Andriushchenko and Klakow, 2021, *On the Stability of Fine-tuning BERT*.
//! - `huggingface/transformers#68` and `huggingface/transformers#11443`: results that depend on the
//!   seed.
//! - `google-research/bert#688`: a loss of 0.69 and an accuracy of one half in every evaluation.

mod guessing;
mod standing;

use labelproof_artifact::Split;
use labelproof_artifact::wording::listed;

use self::guessing::{at_the_shares, certain_and_wrong, guessing};
use self::standing::{stuck, unmoved};

use crate::answer::effect::{self, Figure};
use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::answer::wording::percent;
use crate::case::Case;
use crate::evidence::log::{Epoch, Log};
use crate::evidence::{Missing, Need};

/// How little below `ln K` a loss may be that learnt nothing.
const MARGIN: f64 = 0.05;

/// What a row costs that is answered wrongly and with certainty: probabilities are clipped to 1e-7 (Keras; in
/// 32 bits, 1 less that is 1 − 2⁻²³), 1e-8 or 1e-15, and PyTorch cuts the logarithm off at −100.
const CERTAIN_AND_WRONG: [f64; 5] = [16.118_096, 15.942_385, 18.420_681, 34.538_776, 100.0];

/// How near a loss must be to that, relative to it, and the share of wrong rows from which on it says
/// something.
const NEAR_CERTAIN: f64 = 3e-3;
const FEWEST_WRONG: f64 = 0.05;

/// The mean highest probability of outputs that are saturated, at least.
const CERTAIN: f64 = 0.95;

/// How many times its first value a loss is that explodes, and the least that it then is.
const EXPLODED: f64 = 10.0;

/// An accuracy that has no reason to move any more.
const SOLVED: f64 = 0.98;

/// How far below the best one the last accuracies are where a training broke down, and how many of them.
const BROKEN: f64 = 0.2;
const BROKEN_EPOCHS: usize = 3;

const FIX: &str = "Try other seeds, a lower learning rate with warm-up, and make sure that the head is given to \
                   the optimiser; compare at least three seeds before a model is chosen.";

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    let log = case.evidence.log()?;
    if let Some(found) = not_finite(log) {
        return Ok(found.into());
    }
    let losses: Vec<f64> = log
        .epochs
        .iter()
        .flat_map(|epoch| [epoch.validation.loss, epoch.train.loss])
        .flatten()
        .collect();
    let least = losses.iter().copied().fold(f64::INFINITY, f64::min);
    let found = saturated(case, log)
        .or_else(|| exploded(log))
        .or_else(|| guessing(case, log, least))
        .or_else(|| at_the_shares(case, log))
        .or_else(|| certain_and_wrong(log))
        .or_else(|| unmoved(log))
        .or_else(|| stuck(log))
        .or_else(|| broken_down(log));
    if let Some(found) = found {
        return Ok(found.into());
    }
    let best = best_accuracy(log);
    let moving = values(log, |epoch| epoch.validation.accuracy).len() >= 2;
    let summary = match (case.evidence.classes(), best) {
        (Some(classes), Some(best)) if least.is_finite() && least >= guessing_loss(classes) - MARGIN => {
            format!(
                "The accuracy rose to {:.1} %, which guessing does not.",
                100.0 * best
            )
        }
        (Some(classes), _) if least.is_finite() => format!(
            "The loss fell to {least:.3}, below that of guessing ({:.3}).",
            guessing_loss(classes)
        ),
        _ if moving => "Loss and accuracy move from epoch to epoch, and are finite.".to_owned(),
        _ => return Err(Need::Log.into()),
    };
    Ok(Answer::clear(summary, Measured::new()))
}

/// The loss of giving each class the same probability.
fn guessing_loss(classes: usize) -> f64 {
    (classes.max(2) as f64).ln()
}

/// The values that a figure has in the epochs that log it.
fn values(log: &Log, read: impl Fn(&Epoch) -> Option<f64>) -> Vec<f64> {
    log.epochs.iter().filter_map(read).collect()
}

fn range(values: &[f64]) -> f64 {
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    most - least
}

fn best_accuracy(log: &Log) -> Option<f64> {
    values(log, |epoch| epoch.validation.accuracy.or(epoch.train.accuracy))
        .into_iter()
        .reduce(f64::max)
}

fn diagnosis(confidence: Confidence, summary: String, measured: Measured) -> Diagnosis {
    Diagnosis {
        severity: Severity::Unsound,
        confidence,
        summary,
        effect: None,
        fix: FIX.to_owned(),
        confirm: "train with two other seeds".to_owned(),
        measured,
    }
}

/// A loss that is no finite number.
fn not_finite(log: &Log) -> Option<Diagnosis> {
    let of = |epoch: &Epoch| {
        let splits = [Split::Train, Split::Validation, Split::Test];
        splits
            .into_iter()
            .find_map(|split| Some((split, epoch.of(split).loss_not_finite?)))
    };
    let bad: Vec<usize> = (0..log.epochs.len())
        .filter(|place| of(&log.epochs[*place]).is_some())
        .collect();
    let &first = bad.first()?;
    let (split, value) = of(&log.epochs[first])?;
    let to_the_end = (first..log.epochs.len()).all(|place| {
        let epoch = &log.epochs[place];
        of(epoch).is_some() || epoch.train.loss.is_none() && epoch.validation.loss.is_none()
    });
    let kept_before = log.kept.is_some_and(|kept| kept < first);
    let from = match (log.epochs.len(), to_the_end, bad.len()) {
        (1, ..) => String::new(),
        (_, true, _) => format!(" from {} on", log.name(first)),
        (_, _, 1) => format!(" in {}", log.name(first)),
        (_, _, more) => format!(
            " in {more} of {} entries of the log, first in {}",
            log.epochs.len(),
            log.name(first)
        ),
    };
    let until = first.checked_sub(1).map(|before| log.name(before));
    let consequence = match (until, kept_before) {
        (_, true) => " The weights that were kept are of an epoch before it.".to_owned(),
        (Some(until), _) if to_the_end => format!(
            " Weights that such a loss was computed with are worth nothing; those of {until} are the last that may be."
        ),
        (_, _) if to_the_end => " Weights that such a loss was computed with are worth nothing.".to_owned(),
        _ => " Figures of these epochs are worth nothing.".to_owned(),
    };
    let what = if split == Split::Train {
        "training"
    } else {
        split.name()
    };
    Some(Diagnosis {
        severity: if kept_before {
            Severity::Note
        } else if to_the_end {
            Severity::Unsound
        } else {
            Severity::Caution
        },
        confidence: Confidence::Certain,
        summary: format!(
            "The {what} loss is {}{from}: the training diverged, or a logarithm or division of 0 is in the \
             loss.{consequence}",
            value.name()
        ),
        effect: None,
        fix: "Lower the learning rate (ten times), clip the gradients, train in 32 bits, and look for empty \
              texts, missing values and labels outside of the classes in the training rows."
            .to_owned(),
        confirm:
            "train again with a tenth of the learning rate, and stop at the first loss that is no number \
                  (Keras: `TerminateOnNaN`; PyTorch: `torch.autograd.set_detect_anomaly(True)`)"
                .to_owned(),
        measured: Measured::new()
            .statistic("epochs without a finite loss", bad.len() as f64)
            .with("first", log.name(first))
            .with("loss", value.name()),
    })
}

/// Losses that are those of one who answers every row with certainty.
fn saturated(case: &Case<'_>, log: &Log) -> Option<Diagnosis> {
    let confidences = case.scored(Split::Validation).map(|scored| scored.confidences());
    let is_unsure =
        |confidences: Vec<f64>| confidences.iter().sum::<f64>() / (confidences.len().max(1) as f64) < CERTAIN;
    if confidences.is_ok_and(is_unsure) {
        return None;
    }
    let cost = |epoch: &Epoch| {
        let figures = if epoch.validation.loss.is_some() {
            epoch.validation
        } else {
            epoch.train
        };
        let (loss, wrong) = (figures.loss?, 1.0 - figures.accuracy?);
        let of_rounding = log.rounding(|epoch| epoch.validation.accuracy.or(epoch.train.accuracy)) / wrong;
        let is_it = |cost: f64| (loss / wrong - cost).abs() <= (NEAR_CERTAIN + of_rounding.min(0.01)) * cost;
        (wrong >= FEWEST_WRONG)
            .then(|| CERTAIN_AND_WRONG.into_iter().find(|cost| is_it(*cost)))
            .flatten()
    };
    let costs: Vec<f64> = log.epochs.iter().filter_map(cost).collect();
    let &last = costs.last()?;
    let is_reported = log.reported().and_then(cost).is_some();
    // A loss passes such a number on its way.
    let is_state = 2 * costs.len() >= log.epochs.len() && (log.epochs.len() == 1 || costs.len() >= 2);
    if !is_reported || !is_state {
        return None;
    }
    Some(Diagnosis {
        fix:
            "Normalise the features, lower the learning rate, and look at the last layer: a softmax over one \
              unit says 1 whatever it gets, and needs a sigmoid or one unit for each class."
                .to_owned(),
        confirm: "look at the probabilities of some rows: all are 0 or 1".to_owned(),
        ..diagnosis(
            Confidence::Likely,
            format!(
                "The loss is the share of wrong rows times {last:.2}, which is what a wrong row costs whose \
                 probability was 0 and clipped: every row is answered with certainty, whatever it is, because the \
                 outputs are saturated."
            ),
            Measured::new()
                .statistic("cost of a wrong row", last)
                .with("epochs", costs.len()),
        )
    })
}

/// A loss that grows without end.
fn exploded(log: &Log) -> Option<Diagnosis> {
    let train = values(log, |epoch| epoch.train.loss);
    let losses = if train.len() >= 2 {
        train
    } else {
        values(log, |epoch| epoch.validation.loss)
    };
    let (&first, &last) = (losses.first()?, losses.last()?);
    let kept = log.kept.is_some_and(|kept| kept + 1 < log.epochs.len());
    (!kept && first > 0.0 && last >= EXPLODED * first && last >= EXPLODED).then(|| Diagnosis {
        fix: "Lower the learning rate, clip the gradients, and set them to zero before each step.".to_owned(),
        confirm: "train again with a tenth of the learning rate".to_owned(),
        ..diagnosis(
            Confidence::Likely,
            format!(
                "The loss grew from {first:.3} to {last:.3}: every step makes the model worse, because the learning \
                 rate is far too high or gradients of all batches add up."
            ),
            Measured::new().statistic("times its first value", last / first),
        )
    })
}

/// A training that was better, fell, and stayed there.
fn broken_down(log: &Log) -> Option<Diagnosis> {
    let accuracies: Vec<(usize, f64)> = log
        .epochs
        .iter()
        .enumerate()
        .filter_map(|(place, epoch)| Some((place, epoch.validation.accuracy?)))
        .collect();
    let &(best_place, best) = accuracies.iter().max_by(|one, other| one.1.total_cmp(&other.1))?;
    let low: Vec<&(usize, f64)> = accuracies
        .iter()
        .rev()
        .take_while(|(place, accuracy)| *place > best_place && *accuracy <= best - BROKEN)
        .collect();
    let &&(from, _) = low.last()?;
    let &&(_, last) = low.first()?;
    // Where the training rows are predicted as before, the validation rows are another matter.
    let train = |place: usize| log.epochs.get(place).and_then(|epoch| epoch.train.accuracy);
    let training_stands = match (train(best_place), train(low[0].0)) {
        (Some(then), Some(end)) => end > then - BROKEN / 2.0,
        _ => false,
    };
    if low.len() < BROKEN_EPOCHS || training_stands {
        return None;
    }
    let kept = log.kept.is_some_and(|kept| kept < from);
    let names = [format!("{} ({})", log.name(best_place), percent(best))];
    Some(Diagnosis {
        severity: if kept { Severity::Note } else { Severity::Unsound },
        effect: Some(effect::of(Figure::Accuracy(Split::Validation), last - best)),
        fix: "Lower the learning rate, clip the gradients, and keep the weights of the best epoch."
            .to_owned(),
        confirm: "train again with a tenth of the learning rate".to_owned(),
        ..diagnosis(
            Confidence::Likely,
            format!(
                "The training broke down in {}: the validation accuracy was best in {}, and has been {} or so since.",
                log.name(from),
                listed(&names),
                percent(last)
            ),
            Measured::new()
                .statistic("accuracy lost", best - last)
                .with("from", log.name(from)),
        )
    })
}

#[cfg(test)]
mod tests;
