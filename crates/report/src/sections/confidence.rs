//! The section on calibration: whether the confidence of predictions is their accuracy.

use askama::Template;
use askama::filters::HtmlSafe;
use labelproof_artifact::Split;

use labelproof_metrics::{Estimate, ReliabilityBin, SplitMetrics};

use crate::facts::Facts;
use crate::figures::{Figure, ReliabilityDiagram};
use crate::format::{Cell, UNDEFINED, Unit, count, decimal, percent, percent_with_interval};

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

/// The reliability diagrams.
#[derive(Template)]
#[template(path = "confidence.html", whitespace = "minimize")]
pub(crate) struct Confidence {
    classifiers: Vec<Classifier>,
}

impl HtmlSafe for Confidence {}

impl Confidence {
    /// Draws the bins of the test rows.
    pub(crate) fn new(facts: &Facts) -> Self {
        let model = facts.model(Split::Test).map(|metrics| {
            let reliability = Reliability::of(metrics);
            classifier("reliability-model", "model", "BERT".to_owned(), &reliability)
        });
        let calibrated = facts.model(Split::Test).map(|metrics| calibrated(metrics, facts));
        let baseline = facts.baseline(Split::Test).map(|metrics| {
            let reliability = Reliability::of(metrics);
            classifier(
                "reliability-baseline",
                "baseline",
                facts.baseline_name(),
                &reliability,
            )
        });
        Self {
            classifiers: model.into_iter().chain(calibrated).chain(baseline).collect(),
        }
    }

    /// The diagrams.
    pub(crate) fn figures(&self) -> Vec<Figure> {
        let diagrams = self.classifiers.iter().map(|classifier| &classifier.diagram);
        diagrams
            .map(|diagram| Figure::new(diagram.id(), diagram))
            .collect()
    }
}

/// How sure a classifier is of the test rows, and how often it is right.
struct Reliability<'a> {
    rows: u64,
    accuracy: Option<f64>,
    error: Estimate,
    bins: &'a [ReliabilityBin],
}

impl<'a> Reliability<'a> {
    fn of(metrics: &'a SplitMetrics) -> Self {
        Self {
            rows: metrics.rows,
            accuracy: metrics.accuracy.value,
            error: metrics.ece,
            bins: &metrics.reliability,
        }
    }
}

/// The model with the temperature of its bundle.
fn calibrated(metrics: &SplitMetrics, facts: &Facts) -> Classifier {
    let calibration = &facts.evaluation.decisions.calibration;
    let reliability = Reliability {
        error: calibration.ece,
        bins: &calibration.reliability,
        ..Reliability::of(metrics)
    };
    let name = "BERT, calibrated".to_owned();
    let mut classifier = classifier("reliability-calibrated", "model", name, &reliability);
    let loss = |estimate| Cell::new(estimate, Unit::Plain).in_line();
    classifier.sentence.push_str(&format!(
        " Its logits are divided by a temperature of {}, fitted on the validation rows, which changes no \
         label: the loss on test is {} instead of {}.",
        decimal(calibration.temperature),
        loss(calibration.loss),
        loss(metrics.loss),
    ));
    classifier
}

fn classifier(
    id: &'static str,
    style: &'static str,
    name: String,
    reliability: &Reliability<'_>,
) -> Classifier {
    let sentence = sentence(&name, reliability);
    let title = format!("Reliability of {name}");
    Classifier {
        diagram: ReliabilityDiagram::new(id, style, title, sentence.clone(), reliability.bins),
        bins: reliability
            .bins
            .iter()
            .filter(|bin| bin.rows > 0)
            .map(bin)
            .collect(),
        name,
        sentence,
    }
}

fn sentence(name: &str, reliability: &Reliability<'_>) -> String {
    let error = percent_with_interval(reliability.error);
    let sure: f64 = reliability
        .bins
        .iter()
        .filter_map(|bin| Some(bin.rows as f64 * bin.mean_confidence?))
        .sum::<f64>()
        / reliability.rows as f64;
    let Some(right) = reliability.accuracy else {
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
