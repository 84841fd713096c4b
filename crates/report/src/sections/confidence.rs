//! The section on calibration: whether the confidence of predictions is their accuracy.

use askama::Template;
use askama::filters::HtmlSafe;
use labelproof_artifact::Split;

use labelproof_metrics::{Kept, OperatingPoint, ReliabilityBin, SplitMetrics, wilson};

use crate::facts::Facts;
use crate::figures::line_chart::{Along, Labels};
use crate::figures::{Figure, LineChart, ReliabilityDiagram, Series};
use crate::format::{Cell, UNDEFINED, Unit, count, percent, percent_with_interval, share};

/// Confidence and accuracy closer than this are called equal: below, few rows decide which is larger.
const CLOSE: f64 = 0.02;

struct Bin {
    range: String,
    rows: String,
    confidence: String,
    accuracy: String,
}

struct Classifier {
    name: String,
    sentence: String,
    diagram: ReliabilityDiagram,
    bins: Vec<Bin>,
}

/// A wanted precision, and what the threshold that gives it on validation gives on test.
struct Choice {
    wanted: String,
    threshold: String,
    validation_kept: String,
    test_kept: String,
    test_precision: Cell,
}

/// The reliability diagrams, and what is gained by leaving the least sure rows to people.
#[derive(Template)]
#[template(path = "confidence.html", whitespace = "minimize")]
pub(crate) struct Confidence {
    classifiers: Vec<Classifier>,
    coverage: Option<LineChart>,
    thresholds: Vec<Choice>,
}

impl HtmlSafe for Confidence {}

impl Confidence {
    /// Draws the bins of the test rows.
    pub(crate) fn new(facts: &Facts) -> Self {
        let model = facts
            .model(Split::Test)
            .map(|metrics| classifier("reliability-model", "model", "BERT".to_owned(), metrics));
        let baseline = facts
            .baseline(Split::Test)
            .map(|metrics| classifier("reliability-baseline", "baseline", facts.baseline_name(), metrics));
        Self {
            classifiers: model.into_iter().chain(baseline).collect(),
            coverage: coverage(facts),
            thresholds: facts.evaluation.operating_points.iter().map(threshold).collect(),
        }
    }
}

impl Confidence {
    /// The diagrams and the curve.
    pub(crate) fn figures(&self) -> Vec<Figure> {
        let diagrams = self.classifiers.iter().map(|classifier| &classifier.diagram);
        let curves = self.coverage.iter().map(|chart| Figure::new(chart.id(), chart));
        diagrams
            .map(|diagram| Figure::new(diagram.id(), diagram))
            .chain(curves)
            .collect()
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

fn threshold(point: &OperatingPoint) -> Choice {
    let kept = |kept: Kept| format!("{} ({})", count(kept.kept), share(kept.kept, kept.rows));
    let none = || UNDEFINED.to_owned();
    let reached = point.threshold.is_some();
    Choice {
        wanted: percent(point.wanted),
        threshold: point
            .threshold
            .map_or_else(none, |threshold| format!("{threshold:.4}")),
        validation_kept: if reached { kept(point.validation) } else { none() },
        test_kept: if reached { kept(point.test) } else { none() },
        test_precision: Cell::new(wilson(point.test.hits, point.test.kept), Unit::Percent),
    }
}

fn classifier(id: &'static str, style: &'static str, name: String, metrics: &SplitMetrics) -> Classifier {
    let sentence = sentence(&name, metrics);
    let title = format!("Reliability of {name}");
    Classifier {
        diagram: ReliabilityDiagram::new(id, style, title, sentence.clone(), &metrics.reliability),
        bins: metrics
            .reliability
            .iter()
            .filter(|bin| bin.rows > 0)
            .map(bin)
            .collect(),
        name,
        sentence,
    }
}

fn sentence(name: &str, metrics: &SplitMetrics) -> String {
    let error = percent_with_interval(metrics.ece);
    let sure: f64 = metrics
        .reliability
        .iter()
        .filter_map(|bin| Some(bin.rows as f64 * bin.mean_confidence?))
        .sum::<f64>()
        / metrics.rows as f64;
    let Some(right) = metrics.accuracy.value else {
        return format!("Calibration error {error}.");
    };
    let verdict = if (sure - right).abs() < CLOSE {
        "about as sure as it is right"
    } else if sure > right {
        "surer than it is right: do not take its probabilities at their word"
    } else {
        "less sure than it could be"
    };
    format!(
        "{name} is {} sure on average and right for {}: {verdict}. Calibration error (ECE) {error}.",
        percent(sure),
        percent(right)
    )
}

fn bin(bin: &ReliabilityBin) -> Bin {
    let optional = |value: Option<f64>| value.map_or_else(|| UNDEFINED.to_owned(), percent);
    Bin {
        range: format!("{:.0}–{:.0}\u{a0}%", 100.0 * bin.low, 100.0 * bin.high),
        rows: count(bin.rows),
        confidence: optional(bin.mean_confidence),
        accuracy: optional(bin.accuracy),
    }
}
