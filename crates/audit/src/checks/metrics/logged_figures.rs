//! # The logged figures are not those of the rows
//!
//! The log says one thing of the validation (or test) rows, and the saved predictions of the same rows
//! say another. One of the two is not what its name says, and who reports the better one reports a
//! number that nobody can reproduce.
//!
//! ## Why the figures look good
//! A number that a framework prints is believed. Whether "accuracy" was resolved to another metric,
//! computed over other rows, or over labels that were paired otherwise, only the rows can tell.
//!
//! ## How it is tested
//! The audit needs a log, and the rows that it speaks of with true and predicted labels (of the test
//! rows a confusion matrix is enough). Every figure of every epoch is compared with what the rows give:
//!
//! ```text
//! accuracy               hits / rows
//! precision, recall, F1  any of: macro, weighted, micro, one of two classes, over classes that occur
//! AUC                    any of: macro, weighted, micro, one of two classes
//! loss                   the mean of -ln p of the true class
//! ```
//!
//! within the digits that the log gives, 0.6 rows, 0.2 points of a precision, recall or F1, half a point
//! of an AUC (which frameworks approximate), and 3 % of a loss. If one epoch has only figures of the
//! rows, they agree, and the answer names the epoch. Otherwise the epoch is taken that is nearest, and
//! its accuracy compared first. What would make one of the other is tried: single outputs, the highest
//! scores, the true class among the highest two to five, other averages, wrong rows, a division by 100,
//! whole, padded or averaged batches, one class alone, precision and recall exchanged, and the rows of
//! another split. As many ways are tried as fit a number of that many digits by chance in at most one
//! log of twenty.
//!
//! A difference of the accuracy is unsound if chance would not make it between two draws of so many rows
//! (corrected p < 0.01), a caution from half a point and three rows on, and a note below. The other
//! figures are a caution from one point on. Losses of validation rows are left to C1 and C3, single
//! outputs to C2, means over batches to C4, small differences to lost rows (C5), and predictions that
//! are paired wrongly or are not the highest score to C10, C11, C12, C13 and C61.
//!
//! ## What to do
//! Compute the figure over the saved rows, report that one, and find out what the log's figure is of:
//! which function the framework resolved the metric's name to, which rows it saw, and when it was reset.
//!
//! ## Example
//! For the data of the test `an_accuracy_that_the_rows_do_not_give_is_found`, the audit prints:
//!
//! ```text
//! 1. The logged figures are not those of the rows (C17, fault, certain, −88.6 points in the log)
//!    The log says that the validation accuracy is 9.8 %; the same 1000 rows give 98.4 %. No other way
//!    of counting that was tried makes one of the other.
//!    What to do: Report the accuracy that the saved rows give, and find out what the log's is of:
//!    which function its name was resolved to, which rows and labels it saw, and which weights.
//!    How to make sure: compute the accuracy of the validation file by itself (scikit-learn's
//!    classification_report), and let the loop that logs save its labels and predictions
//! ```
//!
//! ## References
//! - `ageron/handson-ml2#258`: a logged accuracy of 9.8 % beside a loss that only 98 % explains: the
//!   name `accuracy` was resolved to another metric.
//! - `keras-team/keras#6499`: predictions of a generator that are not in the order of its labels.
//! - scikit-learn user guide, section 3.4.4, for the averages.

mod comparing;

use labelproof_artifact::Split;
use labelproof_artifact::wording::listed;

use self::comparing::{AUC_APART, Compared, Figure, Given, Pair, compared, digits};

use crate::answer::effect;
use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::answer::wording::{rounded, split_name};
use crate::case::Case;
use crate::case::suspect::mispaired_suspect;
use crate::cause::Cause;
use crate::evidence::log::hits_of;
use crate::evidence::{Log, argmax_rows};
use crate::evidence::{Missing, Need};
use crate::measures::gap::gap;
use crate::measures::loss::of_loss;
use crate::measures::recounts::{Recount, fitting, of_accuracy, of_metric};

/// How far the accuracy of the highest scores may be from the logged one, where the saved predictions are
/// others.
const NEAR_SCORES: f64 = 1e-2;

/// The difference of an accuracy from which on it is more than rounding and hardware.
const MATERIAL: f64 = 5e-3;
const MATERIAL_ROWS: f64 = 2.5;

/// The same for the other figures.
const MATERIAL_METRIC: f64 = 1e-2;

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    let log = case.evidence.log()?;
    let mut agreeing = Vec::new();
    let mut explained = Vec::new();
    let mut worst: Option<Diagnosis> = None;
    for split in [Split::Validation, Split::Test] {
        let Some(given) = Given::of(case, log, split) else {
            continue;
        };
        let epochs = compared(log, &given);
        let kept = log
            .kept
            .and_then(|kept| epochs.iter().find(|compared| compared.epoch == kept));
        let same = kept.filter(|compared| compared.is_same());
        let same = same.or_else(|| epochs.iter().rev().find(|compared| compared.is_same()));
        if let Some(same) = same {
            agreeing.push(agreement(log, split, same));
            continue;
        }
        let Some(nearest) = epochs.iter().max_by(|one, other| {
            one.order()
                .partial_cmp(&other.order())
                .unwrap_or(std::cmp::Ordering::Equal)
        }) else {
            continue;
        };
        match difference(case, log, &given, nearest, epochs.len()) {
            Judged::Differs(found) if worst.as_ref().is_none_or(|worst| found.severity > worst.severity) => {
                worst = Some(*found);
            }
            Judged::Differs(_) => {}
            Judged::Explained(summary) => explained.push(summary),
        }
    }
    if let Some(found) = worst {
        return Ok(found.into());
    }
    if agreeing.is_empty() && explained.is_empty() {
        return Err(Missing(vec![
            Need::ValidationPredictions,
            Need::Log,
            Need::LoggedMetric,
        ]));
    }
    agreeing.extend(explained);
    Ok(Answer::clear(agreeing.join(" "), Measured::new()))
}

/// That the rows give the figures of an epoch.
fn agreement(log: &Log, split: Split, same: &Compared) -> String {
    let figures: Vec<String> = same
        .pairs
        .iter()
        .map(|pair| {
            let average = if pair.average.is_empty() {
                String::new()
            } else {
                format!(", {}", pair.average)
            };
            format!(
                "{} ({}{average})",
                pair.figure.name(),
                pair.figure.shown(pair.given, 1.0)
            )
        })
        .collect();
    let epoch = if log.epochs.len() > 1 {
        format!(" of {}", log.name(same.epoch))
    } else {
        String::new()
    };
    format!(
        "The {} rows give the logged figures{epoch}: {}.",
        split_name(split),
        listed(&figures)
    )
}

enum Judged {
    Differs(Box<Diagnosis>),
    /// Another check says why, or whether.
    Explained(String),
}

/// What is to be said of the epoch that is nearest to the rows, and has other figures.
fn difference(case: &Case<'_>, log: &Log, given: &Given<'_>, nearest: &Compared, epochs: usize) -> Judged {
    let split = given.split;
    let differing = nearest.pairs.iter().filter(|pair| !pair.is_same);
    // Accuracy first: the other figures follow from the same predictions.
    let Some(pair) = differing.clone().next() else {
        return Judged::Explained(String::new());
    };
    let rows = given.totals.rows;
    let rows = match log.said_rows(split) {
        Some(said) if said != rows => {
            format!("the {rows} rows of the file, of which the log has {said}, give")
        }
        _ => format!("the same {rows} rows give"),
    };
    let sides = format!(
        "the log says {}, {rows} {}",
        pair.figure.shown(pair.logged, pair.given),
        pair.figure.shown(pair.given, pair.logged)
    );
    let name = format!("{} {}", split_name(split), pair.figure.name());
    if let Some(cause) = explaining(case, log, given, nearest, pair) {
        return Judged::Explained(format!(
            "Of the {name} {sides}, which {} is about.",
            case.id(cause)
        ));
    }
    let epoch = match epochs {
        0 | 1 => String::new(),
        _ => format!(
            " in {}, the nearest of {epochs}{}",
            log.name(nearest.epoch),
            in_reported(log, given, nearest, pair)
        ),
    };
    let way = way(case, log, given, pair);
    let (severity, points) = weigh(case, log, given, pair);
    let measured = Measured::new()
        .statistic("logged figure", rounded(pair.logged))
        .with("figure", pair.figure.name())
        .with("split", split.name())
        .with("of_the_rows", rounded(pair.given))
        .with("rows", given.totals.rows)
        .with("what_it_is", way.as_ref().map(|way| way.is.clone()));
    Judged::Differs(Box::new(Diagnosis {
        severity,
        // Both numbers are facts; only what made one of the other is a guess.
        confidence: Confidence::Certain,
        summary: format!(
            "The log says that the {name} is {}{epoch}; {rows} {}{}. {}{}",
            pair.figure.shown(pair.logged, pair.given),
            pair.figure.shown(pair.given, pair.logged),
            if pair.average.is_empty() {
                String::new()
            } else {
                format!(" at the nearest ({})", pair.average)
            },
            match &way {
                Some(way) => format!("What the log has is {}.", way.is),
                None => "No other way of counting that was tried makes one of the other.".to_owned(),
            },
            beside(nearest, pair),
        ),
        effect: points.map(|points| effect::of(effect::Figure::Logged, points)),
        fix: format!(
            "Report the {} that the saved rows give, and find out what the log's is of: which function its name \
             was resolved to, which rows and labels it saw, and which weights.",
            pair.figure.name()
        ),
        confirm: format!(
            "compute the {} of the {} file by itself (scikit-learn's classification_report), and let the loop that \
             logs save its labels and predictions",
            pair.figure.name(),
            split.name()
        ),
        measured,
    }))
}

/// What the epoch says that is reported, where another one is nearer to the rows.
fn in_reported(log: &Log, given: &Given<'_>, nearest: &Compared, pair: &Pair) -> String {
    let last = log
        .epochs
        .iter()
        .rposition(|epoch| pair.figure.logged(epoch.of(given.split)).is_some());
    let reported = log.kept.or(last).filter(|reported| *reported != nearest.epoch);
    let logged = reported.and_then(|place| {
        let value = pair.figure.logged(log.epochs.get(place)?.of(given.split))?;
        Some((place, value))
    });
    logged.map_or_else(String::new, |(place, value)| {
        format!(
            " ({} is in {}, of which the figures are reported)",
            pair.figure.shown(value, pair.given),
            log.name(place)
        )
    })
}

/// The check that explains a difference better, if it finds something.
fn explaining(
    case: &Case<'_>,
    log: &Log,
    given: &Given<'_>,
    nearest: &Compared,
    pair: &Pair,
) -> Option<Cause> {
    const OF_PAIRING: [Cause; 4] = [
        Cause::LabelsPermuted,
        Cause::PredictionsShifted,
        Cause::PartMispaired,
        Cause::PredictionsShuffled,
    ];
    let of_validation = given.split == Split::Validation;
    // What is only possible explains nothing yet.
    let found = |cause: &Cause| {
        let answer = case.answer(*cause);
        matches!(answer, Ok(Answer::Found(found))
            if found.severity >= Severity::Caution && found.confidence >= Confidence::Likely)
    };
    let own = match pair.figure {
        Figure::Accuracy if of_validation && found(&Cause::ElementwiseAccuracy) => {
            Some(Cause::ElementwiseAccuracy)
        }
        // Some rows more or fewer make a small difference.
        Figure::Accuracy | Figure::Metric(_)
            if weigh(case, log, given, pair).0 < Severity::Unsound && case.finds(Cause::RowsLost) =>
        {
            return Some(Cause::RowsLost);
        }
        Figure::Metric(_) if of_validation => Some(Cause::BatchAverages),
        Figure::Loss if of_validation => return Some(Cause::LossMismatch),
        _ => None,
    };
    // What is paired wrongly has fewer rows right than the log, and another accuracy above all.
    let accuracy = nearest.of(Figure::Accuracy);
    let is_below = accuracy.is_none_or(|pair| !pair.is_same && pair.logged > pair.given);
    let is_suspect = mispaired_suspect(case).is_ok_and(|suspect| suspect.split == given.split);
    let pairing = OF_PAIRING.into_iter().filter(|_| is_below && is_suspect);
    // Their own scores must have the logged accuracy, but for what rounds them.
    let of_scores = given.scored.as_ref().map(|scored| {
        let best = argmax_rows(scored.saved);
        let truth = scored.predicted.truth.iter();
        let hits = truth.zip(best).filter(|(truth, best)| **truth == *best).count();
        hits as f64 / given.totals.rows as f64
    });
    let stored = accuracy.zip(of_scores).is_some_and(|(pair, of_scores)| {
        (pair.logged - of_scores).abs() <= given.tolerance(log, Figure::Accuracy, pair.logged) + NEAR_SCORES
    });
    let stored = stored.then_some(Cause::StoredPredictions);
    own.into_iter().chain(pairing).chain(stored).find(found)
}

/// What makes the logged figure of the rows.
fn way(case: &Case<'_>, log: &Log, given: &Given<'_>, pair: &Pair) -> Option<Recount> {
    let label = |class| case.evidence.label(class);
    let batch = log.batch_size.and_then(|size| usize::try_from(size).ok());
    let mut ways = match pair.figure {
        Figure::Accuracy => given.rows.as_ref().map_or_else(Vec::new, |rows| {
            of_accuracy(rows, given.scored.as_ref(), batch, label)
        }),
        Figure::Metric(metric) => of_metric(metric, &given.totals, label),
        Figure::Auc => vec![Recount {
            value: 1.0 - pair.given,
            is: "that of the opposite order: the score of the other class was used".to_owned(),
        }],
        Figure::Loss => given
            .scored
            .as_ref()
            .map_or_else(Vec::new, |scored| of_loss(scored, log.batch_size)),
    };
    // Of another split, where its rows are given.
    let others = Split::ALL.into_iter().filter(|split| *split != given.split);
    let of_others = others.filter_map(|split| {
        let rows = case.predicted(split).ok()?;
        let value = match pair.figure {
            Figure::Accuracy => rows.accuracy(),
            Figure::Metric(metric) => {
                let averages = metric.all_averages(&rows.confusion().totals());
                averages
                    .iter()
                    .map(|(_, value)| *value)
                    .min_by(|one, other| (one - pair.logged).abs().total_cmp(&(other - pair.logged).abs()))?
            }
            Figure::Auc | Figure::Loss => return None,
        };
        Some(Recount {
            value,
            is: format!("that of the {} rows", split_name(split)),
        })
    });
    ways.splice(0..0, of_others);
    let tolerance = digits(log, pair.figure, given.split);
    let tolerance = match pair.figure {
        // Sums in 32 bits, and rounded probabilities.
        Figure::Loss => tolerance.max(5e-3 * pair.logged.abs()),
        Figure::Auc => AUC_APART,
        Figure::Accuracy | Figure::Metric(_) => tolerance,
    };
    fitting(ways, pair.logged, tolerance)
}

/// How bad a difference is, and by what share it moves the logged accuracy.
fn weigh(case: &Case<'_>, log: &Log, given: &Given<'_>, pair: &Pair) -> (Severity, Option<f64>) {
    let difference = pair.logged - pair.given;
    let material = match pair.figure {
        Figure::Accuracy => {
            let own = (given.totals.hits, given.totals.rows);
            let logged = hits_of(pair.logged, log.rows(given.split).unwrap_or(own.1));
            if logged.is_some_and(|logged| gap(logged, own, 1, case.significance()).significant) {
                return (Severity::Unsound, Some(difference));
            }
            // Of other rows, chance makes such a difference.
            if log
                .said_rows(given.split)
                .is_some_and(|said| said != given.totals.rows)
            {
                return (Severity::Note, Some(difference));
            }
            MATERIAL.max(MATERIAL_ROWS / given.totals.rows as f64)
        }
        Figure::Metric(_) | Figure::Auc => MATERIAL_METRIC,
        Figure::Loss => 0.0,
    };
    let severity = if difference.abs() >= material {
        Severity::Caution
    } else {
        Severity::Note
    };
    let points = (pair.figure == Figure::Accuracy).then_some(difference);
    (severity, points)
}

/// What the other figures of the epoch say: which are those of the rows, and which are not either.
fn beside(nearest: &Compared, about: &Pair) -> String {
    let others = nearest.pairs.iter().filter(|pair| pair.figure != about.figure);
    let (same, differing): (Vec<&Pair>, Vec<&Pair>) = others.partition(|pair| pair.is_same);
    let mut text = String::new();
    if !same.is_empty() {
        let names: Vec<String> = same
            .iter()
            .map(|pair| format!("{} ({})", pair.figure.name(), pair.figure.shown(pair.logged, 1.0)))
            .collect();
        text += &format!(
            " The logged {} {} of the rows, so that the log is of these predictions and only its {} is not.",
            listed(&names),
            if same.len() == 1 { "is that" } else { "are those" },
            about.figure.name()
        );
    }
    if !differing.is_empty() {
        let names: Vec<String> = differing
            .iter()
            .map(|pair| {
                format!(
                    "{} ({} against {})",
                    pair.figure.name(),
                    pair.figure.shown(pair.logged, pair.given),
                    pair.figure.shown(pair.given, pair.logged)
                )
            })
            .collect();
        text += &format!(
            " The {} {} as well.",
            listed(&names),
            if differing.len() == 1 { "differs" } else { "differ" }
        );
    }
    text
}

#[cfg(test)]
mod tests;
