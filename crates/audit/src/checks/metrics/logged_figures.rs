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

use labelproof_artifact::Split;
use labelproof_artifact::wording::listed;
use labelproof_metrics::Totals;

use crate::answer::effect;
use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::answer::wording::{rounded, split_name};
use crate::case::Case;
use crate::case::suspect::mispaired_suspect;
use crate::cause::Cause;
use crate::evidence::log::{Epoch, Figures, hits_of};
use crate::evidence::{Log, argmax_rows};
use crate::evidence::{Missing, Need};
use crate::measures::gap::gap;
use crate::measures::logged_metrics::Metric;
use crate::measures::loss::{loss_bounds, of_loss};
use crate::measures::predicted::{PredictedRows, ScoredRows};
use crate::measures::recounts::{Recount, fitting, of_accuracy, of_metric};
use crate::measures::score_moments::{areas, pooled_area};

/// How far an accuracy may be, in rows: one row may fall to either side on other hardware.
const ROWS_APART: f64 = 0.6;

/// How far a precision, recall or F1 may be: definitions differ in what they do with empty classes.
const METRIC_APART: f64 = 2e-3;

/// What a report of two digits leaves open of its figures, beside its hits.
const REPORTED: f64 = 1e-2;

/// How far an AUC may be: frameworks approximate it by sums over some hundred thresholds.
const AUC_APART: f64 = 5e-3;

/// How far a loss may be, as a share of it.
const LOSS_APART: f64 = 0.03;

/// The least and the most that digits in a log can be told apart by.
const DIGITS: (f64, f64) = (2e-6, 1e-2);

/// How far the accuracy of the highest scores may be from the logged one, where the saved predictions are others.
const NEAR_SCORES: f64 = 1e-2;

/// The difference of an accuracy from which on it is more than rounding and hardware.
const MATERIAL: f64 = 5e-3;
const MATERIAL_ROWS: f64 = 2.5;

/// The same for the other figures.
const MATERIAL_METRIC: f64 = 1e-2;

/// A figure of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Figure {
    Accuracy,
    Metric(Metric),
    Auc,
    Loss,
}

impl Figure {
    const ALL: [Self; 6] = [
        Self::Accuracy,
        Self::Metric(Metric::Precision),
        Self::Metric(Metric::Recall),
        Self::Metric(Metric::F1),
        Self::Auc,
        Self::Loss,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::Metric(metric) => metric.name(),
            Self::Auc => "AUC",
            Self::Loss => "loss",
        }
    }

    fn logged(self, figures: &Figures) -> Option<f64> {
        match self {
            Self::Accuracy => figures.accuracy,
            Self::Metric(metric) => metric.logged(figures),
            Self::Auc => figures.auc,
            Self::Loss => figures.loss,
        }
    }

    /// A value as people read it: shares in per cent, with more digits where two are near each other.
    fn shown(self, value: f64, other: f64) -> String {
        match self {
            Self::Accuracy | Self::Metric(_) if (value - other).abs() < 2e-3 => {
                format!("{:.2} %", 100.0 * value)
            }
            Self::Accuracy | Self::Metric(_) => format!("{:.1} %", 100.0 * value),
            Self::Auc | Self::Loss => format!("{value:.4}"),
        }
    }
}

/// What the rows of a split give.
struct Given<'a> {
    split: Split,
    totals: Totals,
    rows: Option<PredictedRows<'a>>,
    scored: Option<ScoredRows<'a>>,
    /// The share of rows that a report leaves open by its rounding; 0 for rows and a matrix, which are exact.
    left_open: f64,
    /// The figures that can be computed: what each may be, and under which name.
    values: Vec<(Figure, Vec<(&'static str, f64)>)>,
}

impl<'a> Given<'a> {
    /// What can be computed of a split, of the figures that the log has of it.
    fn of(case: &Case<'a>, log: &Log, split: Split) -> Option<Self> {
        let rows = case.predicted(split).ok();
        let totals = match (&rows, split) {
            (Some(rows), _) => rows.confusion().totals(),
            (None, Split::Test) => case.test_totals().ok()?,
            (None, _) => return None,
        };
        let scored = case.scored(split).ok();
        let is_exact = rows.is_some() || case.evidence.confusion.is_some();
        let report = case.evidence.margins(split).filter(|_| !is_exact);
        let left_open = report.map_or(0.0, |report| {
            let hits = report.all_hits.most - report.all_hits.least;
            REPORTED + hits as f64 / report.rows().max(1) as f64
        });
        let mut given = Self {
            left_open,
            split,
            totals,
            rows,
            scored,
            values: Vec::new(),
        };
        for figure in Figure::ALL {
            let is_logged = |epoch: &Epoch| figure.logged(epoch.of(split)).is_some();
            if given.totals.rows > 0 && log.epochs.iter().any(is_logged) {
                let values = given.compute(figure);
                if !values.is_empty() {
                    given.values.push((figure, values));
                }
            }
        }
        (!given.values.is_empty()).then_some(given)
    }

    fn compute(&self, figure: Figure) -> Vec<(&'static str, f64)> {
        match figure {
            Figure::Accuracy => vec![("", self.totals.hits as f64 / self.totals.rows as f64)],
            Figure::Metric(metric) => metric.all_averages(&self.totals),
            Figure::Auc => self
                .scored
                .as_ref()
                .map_or_else(Vec::new, |scored| self.areas(scored)),
            // Rounded probabilities allow a range; what lies within is theirs.
            Figure::Loss => self.scored.as_ref().map_or_else(Vec::new, |scored| {
                let (least, most) = loss_bounds(scored);
                vec![("", least), ("", scored.loss().clamp(least, most)), ("", most)]
            }),
        }
    }

    fn areas(&self, scored: &ScoredRows<'_>) -> Vec<(&'static str, f64)> {
        let areas = areas(scored);
        let known: Vec<(f64, f64)> = areas
            .iter()
            .zip(&self.totals.support)
            .filter_map(|(area, support)| Some(((*area)?, *support as f64)))
            .collect();
        let (sum, weight): (f64, f64) = known.iter().fold((0.0, 0.0), |(sum, weight), (area, support)| {
            (sum + area * support, weight + support)
        });
        let mut all = Vec::new();
        if weight > 0.0 {
            let plain: f64 = known.iter().map(|(area, _)| area).sum();
            all.push(("macro", plain / known.len() as f64));
            all.push(("weighted", sum / weight));
        }
        if let [Some(first), Some(second)] = areas.as_slice() {
            all.push(("first class", *first));
            all.push(("positive class", *second));
        }
        all.extend(pooled_area(scored).map(|area| ("micro", area)));
        all
    }

    /// The value of the rows that is nearest to a logged one, and its name.
    fn nearest(&self, figure: Figure, logged: f64) -> Option<(&'static str, f64)> {
        let (_, values) = self.values.iter().find(|(known, _)| *known == figure)?;
        let distance = |value: f64| (value - logged).abs();
        if figure == Figure::Loss
            && let [(_, least), _, (_, most)] = values.as_slice()
        {
            return Some(("", logged.clamp(*least, *most)));
        }
        let nearest = values
            .iter()
            .min_by(|one, other| distance(one.1).total_cmp(&distance(other.1)));
        nearest.copied()
    }

    /// How far a logged figure may be from that of the rows.
    fn tolerance(&self, log: &Log, figure: Figure, logged: f64) -> f64 {
        let digits = digits(log, figure, self.split);
        match figure {
            Figure::Accuracy => digits + ROWS_APART / self.totals.rows as f64 + self.left_open,
            Figure::Metric(_) => digits.max(METRIC_APART) + self.left_open,
            Figure::Auc => digits.max(AUC_APART),
            Figure::Loss => digits.max(LOSS_APART * logged.abs()),
        }
    }
}

/// The last digit of a figure in the log: what it may be rounded or cut off by.
fn digits(log: &Log, figure: Figure, split: Split) -> f64 {
    let rounding = log.rounding(|epoch| figure.logged(epoch.of(split)));
    (2.0 * rounding).clamp(DIGITS.0, DIGITS.1)
}

/// A figure of a log beside that of the rows.
#[derive(Debug, Clone, Copy)]
struct Pair {
    figure: Figure,
    logged: f64,
    given: f64,
    average: &'static str,
    is_same: bool,
}

/// The figures of an epoch beside those of the rows.
struct Compared {
    epoch: usize,
    pairs: Vec<Pair>,
}

impl Compared {
    fn is_same(&self) -> bool {
        self.pairs.iter().all(|pair| pair.is_same)
    }

    fn of(&self, figure: Figure) -> Option<&Pair> {
        self.pairs.iter().find(|pair| pair.figure == figure)
    }

    /// Epochs of which more is that of the rows come first, then those of a nearer accuracy.
    fn order(&self) -> (bool, usize, f64) {
        let accuracy = self.of(Figure::Accuracy);
        let same = self.pairs.iter().filter(|pair| pair.is_same).count();
        (
            accuracy.is_some_and(|pair| pair.is_same),
            same,
            -accuracy.map_or(1.0, |pair| (pair.logged - pair.given).abs()),
        )
    }
}

/// The epochs of a log that say something of a split, beside its rows.
fn compared(log: &Log, given: &Given<'_>) -> Vec<Compared> {
    let pairs = |epoch: &Epoch| -> Vec<Pair> {
        let figures = epoch.of(given.split);
        let logged = Figure::ALL
            .into_iter()
            .filter_map(|figure| Some((figure, figure.logged(figures)?)));
        logged
            .filter_map(|(figure, logged)| {
                let (average, value) = given.nearest(figure, logged)?;
                Some(Pair {
                    figure,
                    logged,
                    given: value,
                    average,
                    is_same: (logged - value).abs() <= given.tolerance(log, figure, logged),
                })
            })
            .collect()
    };
    let epochs = log.epochs.iter().enumerate();
    epochs
        .map(|(epoch, figures)| Compared {
            epoch,
            pairs: pairs(figures),
        })
        .filter(|compared| !compared.pairs.is_empty())
        .collect()
}

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
        return Err(Missing(vec![Need::ValidationPredictions, Need::Log]));
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
            if logged.is_some_and(|logged| gap(logged, own, case.significance()).significant) {
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
mod tests {
    use super::*;
    use crate::evidence::{Evidence, Part};
    use crate::testing::{
        ask, assert_close, clear, evidence, example, found, log, predicted, predicted_by, scored, simulated,
        statistic,
    };

    /// Whether a row of 1000 is among so many that are strewn over them.
    fn is_among(row: u32, hits: u32) -> bool {
        row * 617 % 1000 < hits
    }

    /// A number below another one, in no order.
    fn drawn(row: u32, below: u32) -> u32 {
        (row.wrapping_mul(2_654_435_761) >> 16) % below
    }

    /// 1000 rows of two classes, of which so many are right.
    fn right(hits: u32) -> Part {
        let rows: Vec<(u32, u32)> = (0..1000)
            .map(|row| {
                (
                    drawn(row, 2),
                    (drawn(row, 2) + u32::from(!is_among(row, hits))) % 2,
                )
            })
            .collect();
        predicted(&rows)
    }

    fn validation(part: Part, epochs: &[(f64, f64)]) -> Evidence {
        Evidence {
            log: Some(log(epochs)),
            ..evidence(&["a", "b"], [Part::default(), part, Part::default()])
        }
    }

    #[test]
    fn an_accuracy_that_the_rows_do_not_give_is_found() {
        let found = example(Cause::LoggedFigures, &validation(right(984), &[(0.5, 0.0977)]));
        assert_eq!(
            (found.severity, found.confidence),
            (Severity::Unsound, Confidence::Certain)
        );
        assert_close(found.effect.unwrap().points, -88.63, 1e-9);
        assert_close(statistic(&found.measured), 0.0977, 1e-12);
    }

    /// Digits of the log, one row to either side, another epoch than the last.
    #[test]
    fn figures_of_the_rows_are_clear() {
        let cause = Cause::LoggedFigures;
        let summary = |evidence: &Evidence| match ask(cause, evidence) {
            Ok(Answer::Clear { summary, .. }) => summary,
            other => panic!("{other:?}"),
        };
        let exact = summary(&validation(right(984), &[(0.5, 0.984)]));
        assert_eq!(
            exact,
            "The validation rows give the logged figures: accuracy (98.4 %)."
        );
        clear(ask(cause, &validation(right(984), &[(0.5, 0.98)])));
        clear(ask(cause, &validation(right(984), &[(0.5, 0.9834)])));
        let another = summary(&validation(right(984), &[(0.5, 0.9), (0.4, 0.984), (0.4, 0.951)]));
        assert!(another.contains("logged figures of epoch 2"), "{another}");
        // Only the test rows are given: what the log says of others is the gap.
        let test = Evidence {
            log: Some(log(&[(0.5, 0.98)])),
            ..evidence(&["a", "b"], [Part::default(), Part::default(), right(500)])
        };
        assert!(ask(cause, &test).is_err());
    }

    #[test]
    fn a_small_difference_is_no_fault() {
        let check = |accuracy| {
            found(ask(
                Cause::LoggedFigures,
                &validation(right(900), &[(0.5, accuracy)]),
            ))
        };
        assert_eq!(check(0.9025).severity, Severity::Note);
        assert_eq!(check(0.9105).severity, Severity::Caution);
        assert_eq!(check(0.9805).severity, Severity::Unsound);
        // 900 of 1000, and 1820 of 2000, which are other rows.
        let mut others = validation(right(900), &[(0.5, 0.9105)]);
        others.log.as_mut().unwrap().validation_rows = Some(2000);
        match ask(Cause::LoggedFigures, &others) {
            Ok(Answer::Clear { summary, .. }) => assert!(
                summary.contains("of which the log has 2000, give 90.0 %, which C5 is about"),
                "{summary}"
            ),
            other => panic!("{other:?}"),
        }
    }

    /// Of three classes, of which one has half of the rows. Of these all are right, of the others 60 %, and where
    /// it is not the first, the true class is the second.
    #[test]
    fn what_makes_one_of_the_other_is_named() {
        let rows: Vec<(u32, Vec<f64>)> = (0..1000_u32)
            .map(|row| {
                let truth = (drawn(row, 4)).saturating_sub(1);
                let wrong = truth > 0 && !is_among(row, 600);
                let predicted = (truth + if wrong { 1 + drawn(row + 7, 2) } else { 0 }) % 3;
                let mut scores = vec![0.1; 3];
                scores[truth as usize] = 0.3;
                scores[predicted as usize] = 0.6;
                if !wrong {
                    scores = vec![0.2; 3];
                    scores[truth as usize] = 0.6;
                }
                (truth, scores)
            })
            .collect();
        let hits = |class: u32| {
            let own = rows.iter().filter(|(truth, _)| *truth == class);
            let right = own
                .clone()
                .filter(|(truth, scores)| scores[*truth as usize] > 0.5);
            right.count() as f64 / own.count() as f64
        };
        let balanced = (hits(0) + hits(1) + hits(2)) / 3.0;
        let accuracy = rows
            .iter()
            .filter(|(truth, scores)| scores[*truth as usize] > 0.5)
            .count() as f64
            / 1000.0;
        let check = |accuracy: f64, words: &str| {
            let evidence = Evidence {
                log: Some(log(&[(0.5, accuracy)])),
                ..evidence(
                    &["a", "b", "c"],
                    [Part::default(), scored(&rows), Part::default()],
                )
            };
            let found = found(ask(Cause::LoggedFigures, &evidence));
            assert!(found.summary.contains(words), "{}", found.summary);
        };
        assert!((balanced - accuracy).abs() > 0.02);
        check(0.9999, "2 highest scores (top-2 accuracy)");
        check(balanced, "balanced accuracy");
        check(1.0 - accuracy, "the share of wrong rows");
        check(accuracy / 100.0, "divided by 100");
        check(0.4567, "No other way of counting");
    }

    #[test]
    fn another_split_is_recognised() {
        let of_training = Evidence {
            log: Some(log(&[(0.5, 0.9)])),
            ..evidence(&["a", "b"], [right(900), right(700), Part::default()])
        };
        let found = found(ask(Cause::LoggedFigures, &of_training));
        assert!(
            found.summary.contains("that of the training rows"),
            "{}",
            found.summary
        );
    }

    /// The matrix has 18 of 20 rows right; the log says its own of the test rows.
    #[test]
    fn logged_test_figures_are_compared_with_the_matrix() {
        let with = |accuracy| {
            let mut log = log(&[(0.5, 0.8)]);
            log.epochs[0].test.accuracy = Some(accuracy);
            Evidence {
                log: Some(log),
                confusion: Some(vec![vec![90, 10], vec![10, 90]]),
                ..Evidence::default()
            }
        };
        clear(ask(Cause::LoggedFigures, &with(0.9)));
        let found = found(ask(Cause::LoggedFigures, &with(0.6)));
        assert!(
            found.summary.contains("test accuracy is 60.0 %"),
            "{}",
            found.summary
        );
    }

    /// Where the validation rows are shuffled, and the log is from before: the shuffling explains it.
    #[test]
    fn a_mispairing_explains_the_difference() {
        let mut rows = simulated(5, 2000, 0.83, 1);
        let logged = {
            let evidence = predicted_by(&rows, &simulated(5, 10, 0.83, 2));
            crate::testing::case(&evidence)
                .predicted(Split::Validation)
                .unwrap()
                .accuracy()
        };
        rows.shuffle(0..2000, 3);
        let mut evidence = predicted_by(&rows, &rows);
        evidence.dataset.test = None;
        evidence.log = Some(log(&[(0.5, logged)]));
        clear(ask(Cause::LoggedFigures, &evidence));
        let shuffled = found(ask(Cause::PredictionsShuffled, &evidence));
        assert!(
            shuffled.summary.contains("validation predictions"),
            "{}",
            shuffled.summary
        );
    }

    #[test]
    fn another_metric_and_its_nearest_average_are_named() {
        let with = |f1| {
            let mut evidence = validation(right(900), &[(0.5, 0.9)]);
            evidence.log.as_mut().unwrap().epochs[0].validation.f1 = Some(f1);
            ask(Cause::LoggedFigures, &evidence)
        };
        clear(with(0.9));
        let found = found(with(0.75));
        assert_eq!((found.severity, found.effect), (Severity::Caution, None));
        assert!(
            found
                .summary
                .contains("The logged accuracy (90.0 %) is that of the rows"),
            "{}",
            found.summary
        );
    }
}
