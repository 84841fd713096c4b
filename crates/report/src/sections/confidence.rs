//! Whether the classifier is as sure as it is right.

use askama::Template;
use askama::filters::HtmlSafe;
use labelproof_artifact::Split;
use labelproof_metrics::{ReliabilityBin, SplitMetrics};

use crate::facts::Facts;
use crate::figures::ReliabilityDiagram;
use crate::format::{UNDEFINED, count, percent, percent_with_interval};

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
        let model = facts
            .model(Split::Test)
            .map(|metrics| classifier("reliability-model", "model", "BERT".to_owned(), metrics));
        let baseline = facts
            .baseline(Split::Test)
            .map(|metrics| classifier("reliability-baseline", "baseline", facts.baseline_name(), metrics));
        Self {
            classifiers: model.into_iter().chain(baseline).collect(),
        }
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
