//! # The model learns its training rows by heart
//!
//! The model gets ever better on the rows that it is trained on, and not on others. From some epoch on,
//! going on costs: the validation loss rises, while the training loss falls.
//!
//! ## Why the figures look good
//! The training accuracy comes near 100 %, and is what one watches. The validation accuracy may even
//! keep rising a little, because it does not count how sure the model is of its wrong answers.
//!
//! ## How it is tested
//! The audit needs a log, or training and validation rows with predictions. It compares the epoch with
//! the lowest validation loss with the end, which is the epoch that the log says was kept, or else the
//! last one:
//!
//! ```text
//! apart   training accuracy - validation accuracy at the end, beyond 3.29 standard errors
//! risen   validation loss at the end / lowest validation loss, while the training loss fell
//! cost    best validation accuracy - validation accuracy at the end
//! ```
//!
//! It is a caution if they are 20 points apart, if they are 10 points apart (or the accuracies are not
//! logged) and the loss has risen by half, or if the loss has risen by a fifth and the accuracy has lost
//! 2 points beyond chance. It is a note if they are 10 points apart, if the loss has risen by half, or
//! if 2 points of accuracy are lost. A training accuracy of 99 % beside a validation accuracy of 93 %,
//! and a loss that rises a little at the end, are usual and not found. The logged training accuracy is a
//! mean over an epoch in which the model still learned, so that the real distance is larger. A loss that
//! has risen, where nothing else has changed, is left to C60 if that finds the probabilities too sure:
//! the loss of a wrong row grows with them, and the model knows as much as before.
//!
//! ## What to do
//! Keep the weights of the epoch with the lowest validation loss: early stopping with
//! `restore_best_weights=True` in Keras, `load_best_model_at_end=True` in transformers. Against the
//! distance itself help more rows, dropout, weight decay, a lower learning rate, or a smaller model.
//!
//! ## Example
//! For the data of the test `a_loss_that_doubles_while_training_goes_on_is_found`, the audit prints:
//!
//! ```text
//! 1. The model learns its training rows by heart (C57, caution, likely)
//!    The model is right on 96.7 % of the training rows and on 69.1 % of the validation rows, 27.6
//!    points fewer: it learns rows by heart (overfitting). The validation loss was lowest in epoch 2
//!    (1.120) and rose to 2.490 in epoch 4, while the training loss fell from 1.100 to 0.105. The
//!    validation accuracy gained 4.1 points since then, and was best in epoch 3 (69.7 %): what going on
//!    cost is how far the probabilities can be trusted.
//!    What to do: Keep the weights of the epoch with the lowest validation loss
//!    (`restore_best_weights=True`, `load_best_model_at_end=True`); against the distance help more
//!    rows, dropout, weight decay or a smaller model.
//!    How to make sure: predict the validation rows with the weights of epoch 2, and compare with the
//!    end
//! ```
//!
//! ## References
//! - Prechelt, 1998, *Early Stopping – But When?*
//! - Guo and others, 2017, *On Calibration of Modern Neural Networks*: a loss that rises while the
//!   accuracy does, too.
//! - `kk7nc/RMDL#14`: 97 % in training, 69 % in validation, and a loss that has doubled.

use labelproof_artifact::Split;
use serde_json::Value;

use crate::answer::effect::{self, Figure};
use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::answer::wording::{percent, rounded};
use crate::case::Case;
use crate::cause::Cause;
use crate::evidence::log::{Epoch, Log};
use crate::evidence::{Missing, Need};

/// How far training and validation accuracy are apart.
const APART: f64 = 0.1;
const FAR_APART: f64 = 0.2;

/// How many times its lowest value the validation loss is at the end.
const RISEN: f64 = 1.2;
const RISEN_MUCH: f64 = 1.5;

/// How far a loss must rise to be worth a word, whatever the ratio.
const LEAST_RISE: f64 = 0.05;

/// What the training loss is of its value in the best epoch, at most, where the model went on learning its
/// rows.
const FALLEN: f64 = 0.9;

/// The accuracy that going on cost.
const LOST: f64 = 0.02;

/// The same where it is not known of how many rows it is.
const LOST_UNKNOWN: f64 = 0.05;

/// A rise of the training accuracy, and the share of it that is no rise of the validation accuracy.
const RISE: f64 = 0.2;
const NO_RISE: f64 = 0.15;

/// The normal quantile of one in a thousand, two-sided.
const Z: f64 = 3.29;

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    let log = case.evidence.log.as_ref();
    let distance = distance(case, log);
    let course = log.and_then(Course::of);
    if distance.is_none() && course.is_none() {
        return Err(Missing(vec![Need::TrainLog, Need::ValidationAccuracy]));
    }
    let apart = distance.as_ref().filter(|distance| distance.beyond_chance);
    let apart_by = |least: f64| apart.is_some_and(|distance| distance.points() >= least);
    let risen = |least: f64| course.as_ref().is_some_and(|course| course.has_risen(least));
    let lost = course.as_ref().is_some_and(|course| course.has_lost(log));
    let is_caution = apart_by(FAR_APART)
        || risen(RISEN_MUCH) && (apart_by(APART) || distance.is_none())
        || risen(RISEN) && lost;
    let mut measured = Measured::new();
    if let Some(distance) = &distance {
        measured = measured
            .statistic(
                "training accuracy above validation accuracy",
                rounded(distance.points()),
            )
            .with("train_accuracy", rounded(distance.train))
            .with("validation_accuracy", rounded(distance.validation));
    }
    if let (Some(course), Some(log)) = (&course, log) {
        measured = measured
            .with("best_epoch", log.name(course.best))
            .with("lowest_validation_loss", rounded(course.lowest))
            .with("validation_loss_at_the_end", rounded(course.last));
    }
    if !is_caution && !apart_by(APART) && !risen(RISEN_MUCH) && !lost {
        return Ok(Answer::clear(
            clear(distance.as_ref(), course.as_ref(), log),
            measured,
        ));
    }
    if !apart_by(APART) && !lost && is_too_sure(case) {
        let summary =
            "The validation loss rose and nothing else changed: the probabilities are too sure (see C60).";
        return Ok(Answer::clear(summary, measured));
    }
    let mut sentences = Vec::new();
    let never_rose = log.is_some_and(never_rose);
    if let Some(distance) = apart.filter(|distance| distance.points() >= APART) {
        sentences.push(format!(
            "The model is right on {} of the training rows and on {} of the {} rows, {:.1} points fewer: {}",
            percent(distance.train),
            percent(distance.validation),
            distance.split,
            100.0 * distance.points(),
            if never_rose {
                "what it learns is not worth anything there, and never was. The validation rows may be of other \
                 classes (the tail of a sorted file), or the labels not those of their texts."
            } else {
                "it learns rows by heart (overfitting)."
            }
        ));
    }
    let cost = course.as_ref().and_then(Course::cost);
    if let (Some(course), Some(log)) = (&course, log) {
        sentences.extend(course.sentences(log));
    }
    let best = match (&course, log) {
        (Some(course), Some(log)) if course.best != course.end => Some(log.name(course.best)),
        _ => None,
    };
    Ok(Diagnosis {
        severity: if is_caution { Severity::Caution } else { Severity::Note },
        confidence: Confidence::Likely,
        summary: sentences.join(" "),
        // The best of many epochs is above the last one by chance as well.
        effect: cost
            .filter(|_| lost)
            .map(|cost| effect::of(Figure::Accuracy(Split::Validation), -cost)),
        fix: "Keep the weights of the epoch with the lowest validation loss (`restore_best_weights=True`, \
              `load_best_model_at_end=True`); against the distance help more rows, dropout, weight decay or a \
              smaller model."
            .to_owned(),
        confirm: match best {
            Some(best) => format!("predict the validation rows with the weights of {best}, and compare with the end"),
            None => "predict the training rows with the finished model, and compare with the validation rows".to_owned(),
        },
        measured,
    }
    .into())
}

/// Whether probabilities are found to be too sure.
fn is_too_sure(case: &Case<'_>) -> bool {
    let Ok(Answer::Found(found)) = case.answer(Cause::Calibration) else {
        return false;
    };
    let above = found.measured.statistic.map_or(0.0, |(_, above)| above);
    let temperature = found.measured.evidence.get("temperature").and_then(Value::as_f64);
    temperature.map_or(above > 0.0, |temperature| temperature > 1.0)
}

fn clear(distance: Option<&Distance>, course: Option<&Course>, log: Option<&Log>) -> String {
    match (distance, course, log) {
        (_, Some(course), Some(log)) => format!(
            "The validation loss was lowest in {} ({:.3}) and is {:.3} at the end, which is no overfitting to speak \
             of.",
            log.name(course.best),
            course.lowest,
            course.last
        ),
        (Some(distance), ..) => format!(
            "Training ({}) and {} accuracy ({}) are not far apart.",
            percent(distance.train),
            distance.split,
            percent(distance.validation)
        ),
        _ => String::from("Training and validation are not far apart."),
    }
}

/// Training and validation accuracy of the same model.
struct Distance {
    train: f64,
    /// That of the test rows, where nothing is known of validation rows.
    validation: f64,
    split: Split,
    /// Whether it is more than the number of validation rows lets chance make.
    beyond_chance: bool,
}

impl Distance {
    fn points(&self) -> f64 {
        self.train - self.validation
    }
}

/// Of the finished model's rows, where both are given, or else as logged at the end.
fn distance(case: &Case<'_>, log: Option<&Log>) -> Option<Distance> {
    let validation_rows = case.predicted(Split::Validation).ok();
    let of_rows = case.predicted(Split::Train).ok().zip(validation_rows);
    let (train, validation, split) = if let Some((train, validation)) = of_rows {
        (train.accuracy(), validation.accuracy(), Split::Validation)
    } else {
        let reported = log?.reported()?;
        let is_validated = |epoch: &Epoch| epoch.validation.accuracy.is_some();
        let (validation, split) = match reported.validation.accuracy {
            Some(accuracy) => (accuracy, Split::Validation),
            None if !log?.epochs.iter().any(is_validated) => (log?.tested()?.accuracy?, Split::Test),
            None => return None,
        };
        (reported.train.accuracy?, validation, split)
    };
    let rows = validation_rows.map(|rows| rows.rows());
    let rows = rows.or_else(|| log.and_then(|log| log.rows(split)));
    Some(Distance {
        train,
        validation,
        split,
        beyond_chance: rows.is_none_or(|rows| train - validation > Z * standard_error(validation, rows)),
    })
}

/// The standard error of a share of so many rows; one more hit and miss keep it from being none.
fn standard_error(share: f64, rows: u64) -> f64 {
    let rows = rows.max(1) as f64;
    let smoothed = (share * rows + 1.0) / (rows + 2.0);
    (smoothed * (1.0 - smoothed) / rows).sqrt()
}

/// The course of the validation loss, and of what goes with it.
struct Course {
    /// The place of the epoch with the lowest validation loss.
    best: usize,
    lowest: f64,
    /// The place of the epoch that the figures are reported of.
    end: usize,
    last: f64,
    /// The training loss in both.
    train: Option<(f64, f64)>,
    /// The best validation accuracy with its place, and that of the end.
    accuracy: Option<(usize, f64, f64)>,
}

impl Course {
    /// Of a log with at least two validation losses.
    fn of(log: &Log) -> Option<Self> {
        let losses: Vec<(usize, f64)> = places(log, |epoch| epoch.validation.loss);
        let (best, lowest) = losses
            .iter()
            .copied()
            .min_by(|one, other| one.1.total_cmp(&other.1))?;
        let kept = log
            .kept
            .and_then(|kept| losses.iter().find(|(place, _)| *place == kept));
        let (end, last) = *kept.or(losses.last())?;
        let train = |place: usize| {
            let until = places(log, |epoch| epoch.train.loss).into_iter();
            until
                .take_while(|(at, _)| *at <= place)
                .last()
                .map(|(_, loss)| loss)
        };
        let accuracies = places(log, |epoch| epoch.validation.accuracy);
        let highest = accuracies
            .iter()
            .copied()
            .reduce(|one, other| if other.1 > one.1 { other } else { one });
        let at_end = log.epochs.get(end).and_then(|epoch| epoch.validation.accuracy);
        (losses.len() >= 2).then(|| Self {
            best,
            lowest,
            end,
            last,
            train: train(best).zip(train(end)),
            accuracy: highest.zip(at_end).map(|((place, most), end)| (place, most, end)),
        })
    }

    /// Whether the validation loss has risen at least so many times, and the training loss, where known, has
    /// not.
    fn has_risen(&self, least: f64) -> bool {
        let went_on = self.train.is_none_or(|(then, end)| end <= FALLEN * then);
        self.end > self.best
            && self.lowest > 0.0
            && self.last >= least * self.lowest
            && self.last - self.lowest >= LEAST_RISE
            && went_on
    }

    /// The validation accuracy that going on cost.
    fn cost(&self) -> Option<f64> {
        let (place, most, end) = self.accuracy?;
        (place < self.end).then_some(most - end)
    }

    /// Whether the validation accuracy fell from its best beyond chance; that the best one is chosen from
    /// many is what the margin is for.
    fn has_lost(&self, log: Option<&Log>) -> bool {
        let (Some(cost), Some((_, most, _))) = (self.cost(), self.accuracy) else {
            return false;
        };
        match log.and_then(|log| log.rows(Split::Validation)) {
            Some(rows) => cost >= LOST.max(Z * standard_error(most, rows)),
            None => cost >= LOST_UNKNOWN,
        }
    }

    fn sentences(&self, log: &Log) -> Vec<String> {
        let mut sentences = Vec::new();
        if self.end > self.best && self.last > self.lowest {
            let train = match self.train {
                Some((then, end)) if end < then => {
                    format!(", while the training loss fell from {then:.3} to {end:.3}")
                }
                _ => String::new(),
            };
            sentences.push(format!(
                "The validation loss was lowest in {} ({:.3}) and rose to {:.3} in {}{train}.",
                log.name(self.best),
                self.lowest,
                self.last,
                log.name(self.end)
            ));
        }
        let cost = self.cost().filter(|cost| *cost >= 5e-4);
        if let (Some((place, most, end)), Some(cost)) = (self.accuracy, cost) {
            let then = log
                .epochs
                .get(self.best)
                .and_then(|epoch| epoch.validation.accuracy);
            let gained = then.map(|then| end - then).filter(|gained| *gained > 0.0);
            sentences.push(match gained {
                Some(gained) if self.best < self.end => format!(
                    "The validation accuracy gained {:.1} points since then, and was best in {} ({}): what going on \
                     cost is how far the probabilities can be trusted.",
                    100.0 * gained,
                    log.name(place),
                    percent(most)
                ),
                _ => format!(
                    "The validation accuracy was best in {} ({}); going on cost {:.1} points.",
                    log.name(place),
                    percent(most),
                    100.0 * cost
                ),
            });
        }
        sentences
    }
}

/// Whether the validation accuracy stayed where it began, against what the training accuracy did.
fn never_rose(log: &Log) -> bool {
    let rise = |accuracies: Vec<(usize, f64)>| {
        let best = accuracies
            .iter()
            .map(|(_, accuracy)| *accuracy)
            .fold(0.0, f64::max);
        accuracies.first().map_or(0.0, |(_, first)| best - first)
    };
    let validation = places(log, |epoch| epoch.validation.accuracy);
    let of_training = rise(places(log, |epoch| epoch.train.accuracy));
    validation.len() >= 3 && of_training >= RISE && rise(validation) < NO_RISE * of_training
}

/// A figure of the epochs that have it, with their places.
fn places(log: &Log, read: impl Fn(&Epoch) -> Option<f64>) -> Vec<(usize, f64)> {
    let epochs = log.epochs.iter().enumerate();
    epochs
        .filter_map(|(place, epoch)| Some((place, read(epoch)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::log::Figures;
    use crate::evidence::{Dataset, Evidence, Part};
    use crate::testing::{
        ask, assert_close, clear, evidence, example, found, number, predicted, scored, statistic,
    };

    /// Training loss and accuracy, validation loss and accuracy of each epoch.
    fn with_log(epochs: &[[f64; 4]], rows: Option<u64>) -> Evidence {
        let figures = |loss, accuracy| Figures {
            loss: Some(loss),
            accuracy: Some(accuracy),
            ..Figures::default()
        };
        let epochs = epochs.iter().map(|[train_loss, train, loss, validation]| Epoch {
            train: figures(*train_loss, *train),
            validation: figures(*loss, *validation),
            ..Epoch::default()
        });
        Evidence {
            log: Some(Log {
                epochs: epochs.collect(),
                validation_rows: rows,
                ..Log::default()
            }),
            ..Evidence::default()
        }
    }

    #[test]
    fn a_loss_that_doubles_while_training_goes_on_is_found() {
        let evidence = with_log(
            &[
                [1.6, 0.52, 1.25, 0.60],
                [1.1, 0.66, 1.12, 0.65],
                [0.32, 0.91, 1.80, 0.697],
                [0.105, 0.967, 2.49, 0.691],
            ],
            Some(7532),
        );
        let found = example(Cause::Overfitting, &evidence);
        assert_eq!(found.severity, Severity::Caution);
        assert_close(statistic(&found.measured), 0.276, 1e-9);
        assert_close(number(&found.measured, "lowest_validation_loss"), 1.12, 1e-12);
        // 0.6 points of 7,532 rows are what the best of four epochs is above the last by chance.
        assert_eq!(found.effect, None);
    }

    /// What fine-tuning usually looks like, and what a small validation file lets chance do.
    #[test]
    fn a_healthy_log_is_at_most_a_note() {
        clear(ask(
            Cause::Overfitting,
            &with_log(
                &[
                    [0.5, 0.8, 0.30, 0.90],
                    [0.1, 0.97, 0.25, 0.93],
                    [0.03, 0.99, 0.29, 0.93],
                ],
                Some(2000),
            ),
        ));
        // The loss more than doubles, and training and validation stay near each other.
        let twice = with_log(
            &[
                [0.5, 0.8, 0.25, 0.91],
                [0.1, 0.97, 0.30, 0.92],
                [0.01, 0.998, 0.55, 0.92],
            ],
            None,
        );
        assert_eq!(found(ask(Cause::Overfitting, &twice)).severity, Severity::Note);
        // 12 points apart, of 30 rows.
        clear(ask(
            Cause::Overfitting,
            &with_log(&[[0.1, 0.98, 0.4, 0.86]], Some(30)),
        ));
        // It got worse on training rows as well: that is no learning by heart.
        clear(ask(
            Cause::Overfitting,
            &with_log(&[[0.5, 0.8, 0.5, 0.8], [0.9, 0.7, 0.9, 0.79]], None),
        ));
    }

    /// The validation rows are right as often as before, and wrong with ever more certainty; of scores that
    /// say so C60 is found.
    #[test]
    fn a_loss_that_only_the_probabilities_raise_is_left_to_them() {
        let log = with_log(
            &[
                [0.5, 0.88, 0.35, 0.90],
                [0.3, 0.91, 0.9, 0.90],
                [0.1, 0.93, 1.5, 0.90],
            ],
            Some(500),
        );
        let too_sure: Vec<(u32, Vec<f64>)> = (0..500)
            .map(|row| (u32::from(row % 10 == 0), vec![0.999, 0.001]))
            .collect();
        let mut with_scores = Evidence {
            log: log.log.clone(),
            ..evidence(
                &["a", "b"],
                [Part::default(), scored(&too_sure), scored(&too_sure)],
            )
        };
        found(ask(Cause::Calibration, &with_scores));
        clear(ask(Cause::Overfitting, &with_scores));
        // Nor where the log has no training accuracy, which alone is a caution.
        for epoch in &mut with_scores.log.as_mut().unwrap().epochs {
            epoch.train.accuracy = None;
        }
        clear(ask(Cause::Overfitting, &with_scores));
        with_scores.dataset = Dataset::default();
        assert_eq!(
            found(ask(Cause::Overfitting, &with_scores)).severity,
            Severity::Caution
        );
        assert_eq!(found(ask(Cause::Overfitting, &log)).severity, Severity::Note);
    }

    #[test]
    fn points_that_were_lost_beyond_chance_are_the_effect() {
        let lost = with_log(&[[0.5, 0.88, 0.35, 0.90], [0.1, 0.99, 0.6, 0.84]], Some(2000));
        assert_close(
            found(ask(Cause::Overfitting, &lost)).effect.unwrap().points,
            -6.0,
            1e-9,
        );
    }

    /// Where the best epoch was kept, what came after it cost nothing.
    #[test]
    fn a_best_epoch_that_was_kept_is_the_end() {
        let mut evidence = with_log(&[[0.5, 0.85, 0.4, 0.83], [0.05, 0.99, 1.2, 0.80]], None);
        assert_eq!(
            found(ask(Cause::Overfitting, &evidence)).severity,
            Severity::Caution
        );
        evidence.log.as_mut().unwrap().kept = Some(0);
        clear(ask(Cause::Overfitting, &evidence));
    }

    #[test]
    fn rows_of_the_finished_model_come_before_the_log() {
        let rows = |hits: u32, all: u32| {
            predicted(
                &(0..all)
                    .map(|row| (row % 2, (row + u32::from(row >= hits)) % 2))
                    .collect::<Vec<_>>(),
            )
        };
        let far = evidence(&["a", "b"], [rows(990, 1000), rows(700, 1000), Part::default()]);
        let far = found(ask(Cause::Overfitting, &far));
        assert_eq!(far.severity, Severity::Caution);
        assert_close(statistic(&far.measured), 0.29, 1e-9);
        let near = evidence(&["a", "b"], [rows(990, 1000), rows(930, 1000), Part::default()]);
        clear(ask(Cause::Overfitting, &near));
    }
}
