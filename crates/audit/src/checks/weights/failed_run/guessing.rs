//! Losses and accuracies that are no better than those of a guess: among the classes, or by their shares.

use labelproof_artifact::Split;
use labelproof_metrics::statistics::binomial_survival;

use super::{MARGIN, SOLVED, best_accuracy, diagnosis, guessing_loss, values};
use crate::answer::finding::{Confidence, Diagnosis, Measured};
use crate::answer::wording::percent;
use crate::case::Case;
use crate::evidence::log::Log;
use crate::measures::class_counts::{Guess, class_counts, largest_share};

/// The same below the entropy of the shares, and above the share of the largest class.
const SHARES_MARGIN: f64 = 0.02;

/// How many times the accuracy of guessing shows that something was learnt, whatever the loss is.
const LEARNT: f64 = 1.5;

/// How far above the share of the largest class an accuracy shows the same.
const ABOVE_LARGEST: f64 = 0.05;

/// How near the mean accuracy must be to that of guessing to tell the number of classes, how many these may
/// be (the shares of more are near each other), and how little it may rise.
const RISE: f64 = 0.05;
const NEAR_ACCURACY: f64 = 0.03;
const MOST_INFERRED: usize = 10;

/// How many times the loss of guessing a loss may be that still is one of guessing; a larger one says something else.
const FAR_ABOVE: f64 = 1.5;

/// More classes than anybody guesses among.
const MOST_CLASSES: f64 = 1000.0;

/// The share of wrong rows from which on a loss is theirs.
const MOSTLY_WRONG: f64 = 0.5;

/// A loss that never fell below that of guessing among the classes.
pub(super) fn guessing(case: &Case<'_>, log: &Log, least: f64) -> Option<Diagnosis> {
    let accuracy = best_accuracy(log);
    let (classes, confidence) = match case.evidence.classes() {
        Some(classes) => (classes, Confidence::Certain),
        None => (inferred_classes(log, least)?, Confidence::Likely),
    };
    let guessing = guessing_loss(classes);
    let best = accuracy.unwrap_or(0.0);
    let largest = largest_share(&case.evidence.dataset, Split::Validation);
    let learnt = best > LEARNT / classes.max(2) as f64 && best > largest + ABOVE_LARGEST;
    if !least.is_finite() || least < guessing - MARGIN || learnt || beats_the_guess(case) {
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

/// The number of classes that accuracies of guessing tell, beside a loss that is no better than guessing
/// either.
fn inferred_classes(log: &Log, least: f64) -> Option<usize> {
    let accuracies = values(log, |epoch| epoch.validation.accuracy.or(epoch.train.accuracy));
    let (first, last) = (accuracies.first()?, accuracies.last()?);
    let mean = accuracies.iter().sum::<f64>() / accuracies.len() as f64;
    let best = accuracies.iter().copied().fold(0.0, f64::max);
    let fits = |&classes: &usize| {
        let share = 1.0 / classes as f64;
        (mean - share).abs() <= NEAR_ACCURACY
            && best <= LEARNT * share
            && last - first <= RISE
            && (guessing_loss(classes) - MARGIN..=FAR_ABOVE * guessing_loss(classes)).contains(&least)
    };
    let off = |classes: usize| (mean - 1.0 / classes as f64).abs();
    let fitting = (2..=MOST_INFERRED).filter(fits);
    fitting.min_by(|one, other| off(*one).total_cmp(&off(*other)))
}

/// A loss that no guess has, however many classes there are, beside an accuracy of few rows: the answers are nearly
/// certain, and wrong. A model of so many right rows whose other rows are guessed among a thousand classes has at most
/// h(a) + (1 − a) ln 999 (Fano).
pub(super) fn certain_and_wrong(log: &Log) -> Option<Diagnosis> {
    let figures = &log.reported()?.validation;
    let (loss, accuracy) = (figures.loss?, figures.accuracy?);
    let entropy = [accuracy, 1.0 - accuracy]
        .into_iter()
        .filter(|share| *share > 0.0)
        .map(|share| -share * share.ln())
        .sum::<f64>();
    let most = entropy + (1.0 - accuracy) * (MOST_CLASSES - 1.0).ln();
    (1.0 - accuracy >= MOSTLY_WRONG && loss > most).then(|| Diagnosis {
        fix: "Compare the labels of these rows with those of the training rows: the same classes, numbered alike, and no \
              placeholders such as 0 for all of them. Then predict some training rows with the same program."
            .to_owned(),
        confirm: "count the true and the predicted labels of these rows, class by class".to_owned(),
        ..diagnosis(
            Confidence::Possible,
            format!(
                "The validation loss is {loss:.2} where {} of the rows are right: guessing among 1,000 classes would cost \
                 {most:.2}, so that most answers are nearly certain, and wrong. The true labels are not those that the \
                 model was trained with (other classes, another order, placeholders), the training diverged, or the loss \
                 is a sum.",
                percent(accuracy)
            ),
            Measured::new()
                .statistic("validation loss", loss)
                .with("most_by_guessing", most)
                .with("accuracy", accuracy),
        )
    })
}

/// A loss and an accuracy that are no better than those of always saying the shares of the classes.
pub(super) fn at_the_shares(case: &Case<'_>, log: &Log) -> Option<Diagnosis> {
    let guess = shares(case)?;
    let least = values(log, |epoch| epoch.validation.loss)
        .into_iter()
        .reduce(f64::min)?;
    let best = values(log, |epoch| epoch.validation.accuracy)
        .into_iter()
        .reduce(f64::max)?;
    // Of one class, there is nothing to be learnt.
    let telling =
        guess.accuracy < SOLVED && !learnt_on_training_rows(log, guess.accuracy) && !beats_the_guess(case);
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

/// Whether the saved predictions are right more often than the largest class of their rows is frequent,
/// beyond chance: then something was learnt, however little.
fn beats_the_guess(case: &Case<'_>) -> bool {
    [Split::Validation, Split::Test].into_iter().any(|split| {
        case.predicted(split).is_ok_and(|rows| {
            let largest = largest_share(&case.evidence.dataset, split);
            case.significant(binomial_survival(rows.hit_count(), rows.rows(), largest))
        })
    })
}

/// Whether the training rows were learnt: then the validation rows are the odd ones, and the training did not
/// fail.
fn learnt_on_training_rows(log: &Log, largest: f64) -> bool {
    let best = values(log, |epoch| epoch.train.accuracy)
        .into_iter()
        .reduce(f64::max);
    best.is_some_and(|best| best > largest + ABOVE_LARGEST)
}

/// What the shares of the classes alone reach on the validation rows, or on the test rows, which are drawn
/// alike.
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
