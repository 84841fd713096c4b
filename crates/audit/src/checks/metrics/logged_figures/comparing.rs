//! The figures of a log beside those that the rows of a split give, epoch by epoch, and how far the two may be.

use labelproof_artifact::Split;
use labelproof_metrics::Totals;

use crate::case::Case;
use crate::evidence::Log;
use crate::evidence::log::{Epoch, Figures};
use crate::measures::logged_metrics::Metric;
use crate::measures::loss::loss_bounds;
use crate::measures::predicted::{PredictedRows, ScoredRows};
use crate::measures::score_moments::{areas, pooled_area};

/// How far an accuracy may be, in rows: one row may fall to either side on other hardware.
const ROWS_APART: f64 = 0.6;

/// How far a precision, recall or F1 may be: definitions differ in what they do with empty classes.
const METRIC_APART: f64 = 2e-3;

/// What a report of two digits leaves open of its figures, beside its hits.
const REPORTED: f64 = 1e-2;

/// How far an AUC may be: frameworks approximate it by sums over some hundred thresholds.
pub(super) const AUC_APART: f64 = 5e-3;

/// How far a loss may be, as a share of it.
const LOSS_APART: f64 = 0.03;

/// The least and the most that digits in a log can be told apart by.
const DIGITS: (f64, f64) = (2e-6, 1e-2);

/// A figure of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Figure {
    Accuracy,
    Metric(Metric),
    Auc,
    Loss,
}

impl Figure {
    pub(super) const ALL: [Self; 6] = [
        Self::Accuracy,
        Self::Metric(Metric::Precision),
        Self::Metric(Metric::Recall),
        Self::Metric(Metric::F1),
        Self::Auc,
        Self::Loss,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::Metric(metric) => metric.name(),
            Self::Auc => "AUC",
            Self::Loss => "loss",
        }
    }

    pub(super) fn logged(self, figures: &Figures) -> Option<f64> {
        match self {
            Self::Accuracy => figures.accuracy,
            Self::Metric(metric) => metric.logged(figures),
            Self::Auc => figures.auc,
            Self::Loss => figures.loss,
        }
    }

    /// A value as people read it: shares in per cent, with more digits where two are near each other.
    pub(super) fn shown(self, value: f64, other: f64) -> String {
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
pub(super) struct Given<'a> {
    pub(super) split: Split,
    pub(super) totals: Totals,
    pub(super) rows: Option<PredictedRows<'a>>,
    pub(super) scored: Option<ScoredRows<'a>>,
    /// The share of rows that a report leaves open by its rounding; 0 for rows and a matrix, which are exact.
    left_open: f64,
    /// The figures that can be computed: what each may be, and under which name.
    values: Vec<(Figure, Vec<(&'static str, f64)>)>,
}

impl<'a> Given<'a> {
    /// What can be computed of a split, of the figures that the log has of it.
    pub(super) fn of(case: &Case<'a>, log: &Log, split: Split) -> Option<Self> {
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
    pub(super) fn tolerance(&self, log: &Log, figure: Figure, logged: f64) -> f64 {
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
pub(super) fn digits(log: &Log, figure: Figure, split: Split) -> f64 {
    let rounding = log.rounding(|epoch| figure.logged(epoch.of(split)));
    (2.0 * rounding).clamp(DIGITS.0, DIGITS.1)
}

/// A figure of a log beside that of the rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair {
    pub(super) figure: Figure,
    pub(super) logged: f64,
    pub(super) given: f64,
    pub(super) average: &'static str,
    pub(super) is_same: bool,
}

/// The figures of an epoch beside those of the rows.
pub(super) struct Compared {
    pub(super) epoch: usize,
    pub(super) pairs: Vec<Pair>,
}

impl Compared {
    pub(super) fn is_same(&self) -> bool {
        self.pairs.iter().all(|pair| pair.is_same)
    }

    pub(super) fn of(&self, figure: Figure) -> Option<&Pair> {
        self.pairs.iter().find(|pair| pair.figure == figure)
    }

    /// Epochs of which more is that of the rows come first, then those of a nearer accuracy.
    pub(super) fn order(&self) -> (bool, usize, f64) {
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
pub(super) fn compared(log: &Log, given: &Given<'_>) -> Vec<Compared> {
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
