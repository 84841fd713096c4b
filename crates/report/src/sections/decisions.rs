//! The section on decisions: what is gained by leaving unsure predictions to people, which thresholds and
//! sets of labels give what is wanted, and what they give on the test rows.

use askama::Template;
use askama::filters::HtmlSafe;
use labelproof_artifact::Split;
use labelproof_metrics::decisions::{ConformalFigures, OperatingPoint, Wanted};
use labelproof_metrics::{Estimate, SplitMetrics};

use crate::facts::Facts;
use crate::figures::line_chart::{Along, Labels};
use crate::figures::{Figure, LineChart, Series};
use crate::format::{Cell, UNDEFINED, Unit, count, decimal, more, percent, percent_with_interval, share};

/// The most labels whose thresholds are shown.
const SHOWN_LABELS: usize = 30;

/// A threshold for what is wanted, and what it gives.
struct Choice {
    wanted: String,
    /// The predicted label, where the threshold is for one.
    label: String,
    threshold: String,
    validation_kept: String,
    test_kept: Cell,
    test_precision: Cell,
}

/// Conformal sets of a level.
struct Sets {
    level: String,
    calibrated: &'static str,
    covered: Cell,
    /// The label whose rows have the fewest sets with it.
    worst: String,
    empty: String,
    single: String,
    several: String,
    mean: String,
}

/// Thresholds, and sets of labels.
#[derive(Template)]
#[template(path = "decisions.html", whitespace = "minimize")]
pub(crate) struct Decisions {
    coverage: Option<LineChart>,
    thresholds: Vec<Choice>,
    of_labels: Vec<Choice>,
    labels_left_out: String,
    sets: Vec<Sets>,
    validation_rows: String,
    /// The highest precision that the validation rows show.
    highest: String,
}

impl HtmlSafe for Decisions {}

impl Decisions {
    /// Writes down what was measured on the test rows.
    pub(crate) fn new(facts: &Facts) -> Self {
        let decisions = &facts.evaluation.decisions;
        let points = decisions.thresholds.iter();
        let overall = points.clone().filter(|point| point.label.is_none());
        let shown = &facts.labels.names()[..facts.labels.len().min(SHOWN_LABELS)];
        let is_shown =
            |point: &&OperatingPoint| point.label.as_ref().is_some_and(|label| shown.contains(label));
        let left_out = facts.labels.len() - shown.len();
        Self {
            coverage: coverage(facts),
            thresholds: overall.map(choice).collect(),
            of_labels: points.filter(is_shown).map(choice).collect(),
            labels_left_out: more(left_out as u64, "label"),
            sets: decisions
                .conformal
                .iter()
                .map(|sets| Sets::of(sets, facts))
                .collect(),
            highest: percent(decisions.highest_precision),
            validation_rows: facts
                .model(Split::Validation)
                .map_or_else(|| "0".to_owned(), |metrics| count(metrics.rows)),
        }
    }

    /// The curve.
    pub(crate) fn figures(&self) -> Vec<Figure> {
        let curves = self.coverage.iter().map(|chart| Figure::new(chart.id(), chart));
        curves.collect()
    }
}

/// The accuracy of the most confident rows, by the share of rows that is kept.
fn coverage(facts: &Facts) -> Option<LineChart> {
    let model = facts.model(Split::Test)?;
    let mut series = vec![curve("BERT", "model", model)];
    series.extend(
        facts
            .baseline(Split::Test)
            .map(|metrics| curve("baseline", "baseline", metrics)),
    );
    let at_half = |series: &Series| {
        let half = series.points.iter().find(|point| point.0 >= 0.5)?;
        Some(format!(
            "{} {} on the surest {}",
            series.name,
            percent(half.1),
            percent(half.0)
        ))
    };
    let description: Vec<String> = series.iter().filter_map(at_half).collect();
    let labels = Labels {
        id: "coverage-curve",
        title: "Accuracy by share of rows kept",
        description: format!("Right: {}.", description.join(", ")),
        percent: true,
        along: Along::Share("share of test rows kept, the surest first"),
    };
    Some(LineChart::new(labels, &series, &[]))
}

fn curve(name: &'static str, style: &'static str, metrics: &SplitMetrics) -> Series {
    let rows = metrics.rows.max(1) as f64;
    let points = metrics.coverage.iter().filter(|point| point.rows > 0);
    Series {
        name,
        style,
        points: points
            .map(|point| (point.rows as f64 / rows, point.hits as f64 / point.rows as f64))
            .collect(),
    }
}

fn choice(point: &OperatingPoint) -> Choice {
    let validation = point.validation;
    let is_reached = point.threshold.is_some();
    Choice {
        wanted: match point.wanted {
            Wanted::Precision(wanted) => format!("precision {}", percent(wanted)),
            Wanted::Coverage(wanted) => format!("coverage {}", percent(wanted)),
            Wanted::Confidence(wanted) => format!("confidence {}", percent(wanted)),
        },
        label: point.label.as_deref().map(crate::text::label).unwrap_or_default(),
        threshold: point
            .threshold
            .map_or_else(|| "not reached".to_owned(), |threshold| format!("{threshold:.4}")),
        validation_kept: if is_reached {
            format!(
                "{} ({})",
                count(validation.kept),
                share(validation.kept, validation.rows)
            )
        } else {
            UNDEFINED.to_owned()
        },
        test_kept: Cell::new(
            if is_reached {
                point.test.coverage
            } else {
                Estimate::UNDEFINED
            },
            Unit::Percent,
        ),
        test_precision: Cell::new(point.test.precision, Unit::Percent),
    }
}

impl Sets {
    fn of(figures: &ConformalFigures, facts: &Facts) -> Self {
        let rows = figures.covered.rows;
        let with_value = figures.labels.iter().enumerate();
        let worst = with_value
            .filter_map(|(class, covered)| Some((class, covered.coverage, covered.coverage.value?)))
            .min_by(|left, right| left.2.total_cmp(&right.2));
        let worst = worst.map(|(class, coverage, _)| {
            format!("{}: {}", facts.label(class), percent_with_interval(coverage))
        });
        Self {
            level: percent(figures.level),
            calibrated: if figures.per_label {
                "each label"
            } else {
                "all rows"
            },
            covered: Cell::new(figures.covered.coverage, Unit::Percent),
            worst: worst.unwrap_or_else(|| UNDEFINED.to_owned()),
            empty: share(figures.sizes.empty, rows),
            single: share(figures.sizes.single, rows),
            several: share(figures.sizes.several, rows),
            mean: figures.sizes.mean.map_or_else(|| UNDEFINED.to_owned(), decimal),
        }
    }
}
