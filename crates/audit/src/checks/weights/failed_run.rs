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
//!             (16.12 for 1e-7, 15.94, 18.42, 34.54, or 100), in at least two epochs
//! exploded    the training loss ends at 10 times its first value or more, and above 10
//! guessing    least logged loss ≥ ln K - 0.05, for K classes, and not (best accuracy > 1.5/K and best
//!             accuracy > share of the largest validation class + 0.05)
//! shares      least validation loss ≥ entropy of the classes' shares - 0.02, and best accuracy ≤ share of
//!             the largest class + 0.02, where the shares are known
//! unmoved     the loss of every epoch, of at least three, is the same to all digits
//! stuck       the validation accuracy of every epoch, of at least four, is the same to three digits or
//!             more, and neither the training accuracy (by 2 points) nor the loss (by a tenth) moves
//! broken down the last three accuracies are at least 20 points below the best one
//! ```
//!
//! Whoever gives each of `K` classes the same probability has the loss `ln K`; whoever gives them their
//! shares has the entropy of these. Losses of training and validation both count. If the number of
//! classes is not known, accuracies tell it that are `1/K` on average within 3 points, for up to 10
//! classes, never above `1.5/K`, and do not rise by more than 5 points. A loss that is 0, or an accuracy
//! of at least 98 %, may stay as it is. A breakdown after the epoch that the log says was kept is a
//! note, as is a loss of NaN; all else is unsound. It is certain where loss and number of classes say
//! it, and likely otherwise.
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

use labelproof_artifact::Split;
use labelproof_artifact::wording::listed;

use crate::answer::effect::{self, Figure};
use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::answer::wording::{percent, split_name};
use crate::case::Case;
use crate::evidence::log::{Epoch, Log};
use crate::evidence::{Missing, Need};
use crate::measures::class_counts::{Guess, class_counts, largest_share};

/// How little below `ln K` a loss may be that learnt nothing.
const MARGIN: f64 = 0.05;

/// The same below the entropy of the shares, and above the share of the largest class.
const SHARES_MARGIN: f64 = 0.02;

/// How many times the accuracy of guessing shows that something was learnt, whatever the loss is.
const LEARNT: f64 = 1.5;

/// How far above the share of the largest class an accuracy shows the same.
const ABOVE_LARGEST: f64 = 0.05;

/// How near the mean accuracy must be to that of guessing to tell the number of classes, how many these may be
/// (the shares of more are near each other), and how little it may rise.
const RISE: f64 = 0.05;
const NEAR_ACCURACY: f64 = 0.03;
const MOST_INFERRED: usize = 10;

/// What a row costs that is answered wrongly and with certainty: probabilities are clipped to 1e-7 (Keras; in 32
/// bits, 1 less that is 1 − 2⁻²³), 1e-8 or 1e-15, and PyTorch cuts the logarithm off at −100.
const CERTAIN_AND_WRONG: [f64; 5] = [16.118_096, 15.942_385, 18.420_681, 34.538_776, 100.0];

/// How near a loss must be to that, relative to it, and the share of wrong rows from which on it says something.
const NEAR_CERTAIN: f64 = 3e-3;
const FEWEST_WRONG: f64 = 0.05;

/// How many times its first value a loss is that explodes, and the least that it then is.
const EXPLODED: f64 = 10.0;

/// Epochs from which on a loss, and an accuracy, do not stay the same by chance.
const UNMOVED_EPOCHS: usize = 3;
const STUCK_EPOCHS: usize = 4;

/// Digits from which on a loss that stays the same says something: a thousandth.
const UNMOVED_DIGITS: f64 = 5e-4;

/// Validation rows below which some epochs may have the same accuracy by chance.
const STUCK_ROWS: u64 = 200;

/// Digits from which on an accuracy that stays the same says something: a thousandth.
const STUCK_DIGITS: f64 = 5e-4;

/// A training accuracy that moves by more, or a loss that moves by more, relative to it.
const MOVED: f64 = 0.02;
const MOVED_LOSS: f64 = 0.1;

/// An accuracy that has no reason to move any more, and a loss that has none.
const SOLVED: f64 = 0.98;
const SOLVED_LOSS: f64 = 1e-3;

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
    let found = saturated(log)
        .or_else(|| exploded(log))
        .or_else(|| guessing(case, log, least))
        .or_else(|| at_the_shares(case, log))
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

/// A loss that never fell below that of guessing among the classes.
fn guessing(case: &Case<'_>, log: &Log, least: f64) -> Option<Diagnosis> {
    let accuracy = best_accuracy(log);
    let (classes, confidence) = match case.evidence.classes() {
        Some(classes) => (classes, Confidence::Certain),
        None => (inferred_classes(log, least)?, Confidence::Likely),
    };
    let guessing = guessing_loss(classes);
    let best = accuracy.unwrap_or(0.0);
    let largest = largest_share(&case.evidence.dataset, Split::Validation);
    let learnt = best > LEARNT / classes.max(2) as f64 && best > largest + ABOVE_LARGEST;
    if !least.is_finite() || least < guessing - MARGIN || learnt {
        return None;
    }
    let measured = Measured::new()
        .statistic("least logged loss", least)
        .with("loss_of_guessing", guessing)
        .with("classes", classes);
    let known = if confidence == Confidence::Likely {
        format!(
            " The accuracy, {} at best, is that of guessing among as many.",
            percent(best)
        )
    } else {
        String::new()
    };
    Some(diagnosis(
        confidence,
        format!(
            "The loss never fell clearly below {guessing:.3}, what guessing among {classes} classes gives: the \
             model has learnt nothing.{known}"
        ),
        measured,
    ))
}

/// The number of classes that accuracies of guessing tell, beside a loss that is no better than guessing either.
fn inferred_classes(log: &Log, least: f64) -> Option<usize> {
    let accuracies = values(log, |epoch| epoch.validation.accuracy.or(epoch.train.accuracy));
    let (first, last) = (accuracies.first()?, accuracies.last()?);
    let mean = accuracies.iter().sum::<f64>() / accuracies.len() as f64;
    let best = accuracies.iter().copied().fold(0.0, f64::max);
    (2..=MOST_INFERRED).find(|&classes| {
        let share = 1.0 / classes as f64;
        (mean - share).abs() <= NEAR_ACCURACY
            && best <= LEARNT * share
            && last - first <= RISE
            && least >= guessing_loss(classes) - MARGIN
    })
}

/// Losses that are those of one who answers every row with certainty.
fn saturated(log: &Log) -> Option<Diagnosis> {
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
    if !is_reported || log.epochs.len() > 1 && costs.len() < 2 {
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

/// A loss and an accuracy that are no better than those of always saying the shares of the classes.
fn at_the_shares(case: &Case<'_>, log: &Log) -> Option<Diagnosis> {
    let guess = shares(case)?;
    let least = values(log, |epoch| epoch.validation.loss)
        .into_iter()
        .reduce(f64::min)?;
    let best = values(log, |epoch| epoch.validation.accuracy)
        .into_iter()
        .reduce(f64::max)?;
    // Of one class, there is nothing to be learnt.
    let telling = guess.accuracy < SOLVED;
    let is_guess = least >= guess.loss - SHARES_MARGIN && best <= guess.accuracy + SHARES_MARGIN;
    (telling && is_guess).then(|| {
        diagnosis(
            Confidence::Certain,
            format!(
                "Who always gives the classes their shares has a loss of {:.3} and, with the largest class, {} of \
                 the rows right. The model has {least:.3} and {} at best: it has learnt nothing.",
                guess.loss,
                percent(guess.accuracy),
                percent(best)
            ),
            Measured::new()
                .statistic("least logged loss", least)
                .with("loss_of_the_shares", guess.loss)
                .with("share_of_the_largest_class", guess.accuracy),
        )
    })
}

/// What the shares of the classes alone reach on the validation rows, or on the test rows, which are drawn alike.
fn shares(case: &Case<'_>) -> Option<Guess> {
    let classes = case.evidence.dataset.labels.len();
    let truth = |split| case.evidence.part(split).and_then(|part| part.truth.as_deref());
    let labels = truth(Split::Validation).or_else(|| truth(Split::Test));
    let counts = match labels {
        Some(labels) => class_counts(labels, classes),
        None => case.test_totals().ok()?.support,
    };
    Guess::of(&counts)
}

/// Losses that are the same in every epoch: of the validation rows, which are predicted alike each time, or else of
/// the training rows.
fn unmoved(log: &Log) -> Option<Diagnosis> {
    let of_split = |split: Split| {
        let losses = values(log, |epoch| epoch.of(split).loss);
        (losses.len() >= UNMOVED_EPOCHS).then_some((split, losses))
    };
    let (split, losses) = of_split(Split::Validation).or_else(|| of_split(Split::Train))?;
    let least = losses.iter().copied().fold(f64::INFINITY, f64::min);
    let has_digits = log.rounding(|epoch| epoch.of(split).loss) <= UNMOVED_DIGITS;
    // As near as 32 bits tell numbers apart.
    let is_same = least > SOLVED_LOSS && range(&losses) <= 2e-6 * least;
    if !is_same || !has_digits || best_accuracy(log).is_some_and(|best| best >= SOLVED) {
        return None;
    }
    Some(diagnosis(
        Confidence::Likely,
        format!(
            "The {} loss is {:.4} in each of {} epochs, to the last digit: the weights do not change, because the \
             optimiser does not hold them, they are frozen, the learning rate is 0, or the outputs are saturated.",
            split_name(split),
            losses[0],
            losses.len()
        ),
        Measured::new()
            .statistic("range of the loss", range(&losses))
            .with("epochs", losses.len()),
    ))
}

/// A validation accuracy that is the same in every epoch while nothing else moves.
fn stuck(log: &Log) -> Option<Diagnosis> {
    let accuracies = values(log, |epoch| epoch.validation.accuracy);
    let of_training = accuracies.is_empty();
    let accuracies = if of_training {
        values(log, |epoch| epoch.train.accuracy)
    } else {
        accuracies
    };
    let &first = accuracies.first()?;
    let rounding = log.rounding(|epoch| {
        let figures = if of_training {
            epoch.train
        } else {
            epoch.validation
        };
        figures.accuracy
    });
    let is_same = accuracies.len() >= STUCK_EPOCHS && range(&accuracies) <= 1e-6;
    if !is_same || rounding > STUCK_DIGITS || first >= SOLVED {
        return None;
    }
    let train = values(log, |epoch| epoch.train.accuracy);
    let train_loss = values(log, |epoch| epoch.train.loss);
    let loss = values(log, |epoch| epoch.validation.loss);
    let falls = |losses: &[f64]| match (losses.first(), losses.last()) {
        (Some(first), Some(last)) => *last < (1.0 - MOVED_LOSS) * first,
        _ => false,
    };
    let enough_rows = log.rows(Split::Validation).is_none_or(|rows| rows >= STUCK_ROWS);
    let moves = range(&train) > MOVED || falls(&train_loss) || falls(&loss);
    // A training accuracy that stays as well says more than the number of rows.
    if moves || train.len() < 2 && !enough_rows {
        return None;
    }
    let what = if of_training { "training" } else { "validation" };
    Some(diagnosis(
        Confidence::Likely,
        format!(
            "The {what} accuracy is {:.2} % in each of {} epochs, to the row, and nothing else moves either: the \
             model answers the same whatever it reads, or its weights do not change.",
            100.0 * first,
            accuracies.len()
        ),
        Measured::new()
            .statistic("range of the accuracy", range(&accuracies))
            .with("epochs", accuracies.len())
            .with("accuracy", first),
    ))
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
mod tests {
    use super::*;
    use crate::cause::Cause;
    use crate::evidence::Evidence;
    use crate::evidence::Part;
    use crate::evidence::log::{Figures, NotFinite};
    use crate::testing::{
        ask, assert_close, clear, evidence, example, found, log, number, predicted, statistic,
    };

    fn with_log(epochs: &[(f64, f64)]) -> Evidence {
        Evidence {
            class_count: Some(4),
            ..without_classes(epochs)
        }
    }

    fn without_classes(epochs: &[(f64, f64)]) -> Evidence {
        Evidence {
            log: Some(log(epochs)),
            ..Evidence::default()
        }
    }

    #[test]
    fn a_loss_that_stays_at_guessing_is_found() {
        let found = example(Cause::FailedRun, &with_log(&[(1.39, 0.25), (1.385, 0.26)]));
        assert_close(statistic(&found.measured), 1.385, 1e-12);
        assert_close(number(&found.measured, "loss_of_guessing"), 4.0_f64.ln(), 1e-12);
    }

    #[test]
    fn a_loss_that_fell_is_clear() {
        clear(ask(Cause::FailedRun, &with_log(&[(1.39, 0.25), (0.9, 0.26)])));
        // Something was learnt, whatever the loss is made of.
        clear(ask(Cause::FailedRun, &with_log(&[(2.0, 0.8)])));
        clear(ask(Cause::FailedRun, &with_log(&[(1.38, 0.40)])));
    }

    /// Guessing the largest class is right often, and nothing was learnt all the same.
    #[test]
    fn an_accuracy_that_the_largest_class_gives_shows_nothing() {
        let rows: Vec<(u32, u32)> = (0..100).map(|row| (u32::from(row >= 80), 0)).collect();
        let of_rows = |epochs: &[(f64, f64)]| Evidence {
            log: Some(log(epochs)),
            ..evidence(
                &["a", "b", "c", "d"],
                [Part::default(), predicted(&rows), Part::default()],
            )
        };
        found(ask(Cause::FailedRun, &of_rows(&[(1.39, 0.80)])));
        // The entropy of 80 and 20 % is 0.5004; a loss far below ln 4 is no better than that.
        let found = found(ask(Cause::FailedRun, &of_rows(&[(0.52, 0.80), (0.501, 0.80)])));
        assert_close(number(&found.measured, "loss_of_the_shares"), 0.500_402, 1e-6);
        clear(ask(Cause::FailedRun, &of_rows(&[(0.52, 0.80), (0.42, 0.80)])));
    }

    /// google-research/bert#688: seven evaluations, and nobody says that there are two classes.
    #[test]
    fn guessing_tells_how_many_classes_there_are() {
        let found = found(ask(
            Cause::FailedRun,
            &without_classes(&[(0.7122, 0.4878), (0.6929, 0.5122), (0.6955, 0.4878)]),
        ));
        assert_eq!(
            (found.confidence, number(&found.measured, "classes")),
            (Confidence::Likely, 2.0)
        );
        // 0.69 is a loss like any other where the accuracy is not one half.
        clear(ask(
            Cause::FailedRun,
            &without_classes(&[(0.9, 0.70), (0.69, 0.78)]),
        ));
    }

    #[test]
    fn losses_that_are_no_numbers_are_found() {
        let mut evidence = without_classes(&[(0.6, 0.7), (0.5, 0.75), (0.5, 0.5), (0.5, 0.5)]);
        let log = evidence.log.as_mut().unwrap();
        for epoch in &mut log.epochs[2..] {
            epoch.validation.loss = None;
            epoch.train = Figures {
                loss_not_finite: Some(NotFinite::NotANumber),
                ..Figures::default()
            };
        }
        let nan = found(ask(Cause::FailedRun, &evidence));
        assert_eq!(
            (nan.severity, nan.confidence),
            (Severity::Unsound, Confidence::Certain)
        );
        assert!(
            nan.summary
                .starts_with("The training loss is NaN from epoch 3 on"),
            "{}",
            nan.summary
        );
        assert_close(statistic(&nan.measured), 2.0, 1e-12);
        let log = evidence.log.as_mut().unwrap();
        log.kept = Some(1);
        assert_eq!(found(ask(Cause::FailedRun, &evidence)).severity, Severity::Note);
        // One epoch, and it recovered.
        let log = evidence.log.as_mut().unwrap();
        log.kept = None;
        log.epochs[3].train = Figures {
            loss: Some(0.5),
            ..Figures::default()
        };
        assert_eq!(
            found(ask(Cause::FailedRun, &evidence)).severity,
            Severity::Caution
        );
    }

    #[test]
    fn what_does_not_move_is_found() {
        let check = |epochs: &[(f64, f64)]| ask(Cause::FailedRun, &without_classes(epochs));
        let same = found(check(&[(1.607, 0.7567), (1.607, 0.7567), (1.607, 0.7567)]));
        assert!(
            same.summary.contains("1.6070 in each of 3 epochs"),
            "{}",
            same.summary
        );
        let stuck = found(check(&[
            (0.412, 0.8312),
            (0.405, 0.8312),
            (0.409, 0.8312),
            (0.401, 0.8312),
        ]));
        assert!(
            stuck.summary.contains("83.12 % in each of 4 epochs"),
            "{}",
            stuck.summary
        );
        // The loss still falls; the accuracy has no reason to move; two digits say nothing.
        clear(check(&[
            (0.6, 0.8312),
            (0.5, 0.8312),
            (0.4, 0.8312),
            (0.3, 0.8312),
        ]));
        clear(check(&[
            (0.03, 0.9912),
            (0.03, 0.9912),
            (0.029, 0.9912),
            (0.03, 0.9912),
        ]));
        clear(check(&[
            (0.41, 0.83),
            (0.405, 0.83),
            (0.409, 0.83),
            (0.401, 0.83),
        ]));
        // Few rows have the same accuracy often.
        let mut few = without_classes(&[(0.412, 0.8312), (0.405, 0.8312), (0.409, 0.8312), (0.401, 0.8312)]);
        few.log.as_mut().unwrap().validation_rows = Some(77);
        clear(ask(Cause::FailedRun, &few));
    }

    #[test]
    fn a_training_that_broke_down_is_found() {
        let epochs = [(0.5, 0.8), (0.4, 0.85), (3.0, 0.2), (2.9, 0.21), (2.9, 0.2)];
        let broken = found(ask(Cause::FailedRun, &without_classes(&epochs)));
        assert_close(broken.effect.unwrap().points, -65.0, 1e-9);
        assert!(
            broken.summary.contains("broke down in epoch 3"),
            "{}",
            broken.summary
        );
        let mut kept = without_classes(&epochs);
        kept.log.as_mut().unwrap().kept = Some(1);
        assert_eq!(found(ask(Cause::FailedRun, &kept)).severity, Severity::Note);
        clear(ask(
            Cause::FailedRun,
            &without_classes(&[(0.5, 0.8), (0.4, 0.85), (0.9, 0.6), (0.4, 0.84)]),
        ));
    }

    /// As Keras prints it: 16.118 for each wrong row, with 1 − 2⁻²³ for two classes 15.942.
    #[test]
    fn outputs_that_are_saturated_are_found() {
        let check = |epochs: &[(f64, f64)]| ask(Cause::FailedRun, &without_classes(epochs));
        let keras = found(check(&[(10.2977, 0.3611), (10.2977, 0.3611)]));
        assert_close(statistic(&keras.measured), 16.118_096, 1e-9);
        assert_close(
            statistic(&found(check(&[(6.4329, 0.5965)])).measured),
            15.942_385,
            1e-9,
        );
        assert_close(
            statistic(&found(check(&[(49.123, 0.5088), (49.123, 0.5088)])).measured),
            100.0,
            1e-9,
        );
        // Sure of its mistakes, and no more than that; few mistakes.
        clear(check(&[(1.9, 0.85), (2.1, 0.86)]));
        clear(check(&[(0.322, 0.98), (0.322, 0.979)]));
    }

    #[test]
    fn a_loss_that_explodes_is_found() {
        let check = |losses: &[(f64, f64)]| ask(Cause::FailedRun, &without_classes(losses));
        let grown = found(check(&[(11.7, 0.18), (265.0, 0.28), (3748.0, 0.15)]));
        assert!(
            grown.summary.contains("grew from 11.700 to 3748.000"),
            "{}",
            grown.summary
        );
        // An overfitted model, a sum over batches that falls, and a first step that was too large.
        clear(check(&[(0.4, 0.85), (1.9, 0.86)]));
        clear(check(&[(1200.0, 0.6), (400.0, 0.8)]));
        clear(check(&[(5000.0, 0.4), (0.9, 0.7)]));
    }
}
