//! The opening section: whether the figures can be relied on, and how good the model is by them.

use askama::Template;
use askama::filters::HtmlSafe;
use labelproof_artifact::Split;
use labelproof_artifact::findings;
use labelproof_metrics::comparison::Better;
use labelproof_metrics::{Estimate, SplitMetrics};

use super::bar_percent;
use crate::audited;
use crate::facts::Facts;
use crate::format::{Cell, Unit, percent};
use crate::judgement::Judgement;
use crate::text;

/// The accuracy of one classifier on one part, as a dot with its interval.
struct Bar {
    part: String,
    /// Rows of this part, on the first of its bars only.
    span: usize,
    rows: String,
    name: String,
    style: &'static str,
    accuracy: Cell,
    dot: String,
    left: String,
    width: String,
}

/// The opening of the page.
#[derive(Template)]
#[template(path = "verdict.html", whitespace = "minimize")]
pub(crate) struct Verdict<'a> {
    audit_style: &'static str,
    audit_word: String,
    audit_sentence: String,
    audit_found: String,
    style: &'static str,
    judgement: &'a Judgement,
    bars: Vec<Bar>,
    axis_low: String,
}

impl HtmlSafe for Verdict<'_> {}

impl<'a> Verdict<'a> {
    /// Puts the verdict into words, and the accuracies of all parts on one axis.
    pub(crate) fn new(facts: &Facts, judgement: &'a Judgement) -> Self {
        let verdict = facts.findings.verdict;
        let low = axis_low(facts);
        let bars = Split::ALL
            .into_iter()
            .rev()
            .flat_map(|split| bars(facts, split, low))
            .collect();
        Self {
            audit_style: match verdict {
                findings::Verdict::Sound => "good",
                findings::Verdict::Caution | findings::Verdict::NotExamined => "even",
                findings::Verdict::Unsound => "bad",
            },
            audit_word: text::sentence(verdict.words()),
            audit_sentence: text::sentence(&facts.findings.headline),
            audit_found: audited::counts(&facts.findings),
            style: match judgement.better {
                // A good figure that does not say what it seems to say, or may not, is no good news.
                Some(Better::First)
                    if matches!(verdict, findings::Verdict::Sound | findings::Verdict::Caution) =>
                {
                    "good"
                }
                Some(Better::First | Better::Neither) => "even",
                Some(Better::Second) | None => "bad",
            },
            judgement,
            bars,
            axis_low: percent(low),
        }
    }
}

/// The start of the axis: a round share below all intervals, so that good classifiers can be told apart.
fn axis_low(facts: &Facts) -> f64 {
    let both = Split::ALL
        .into_iter()
        .flat_map(|split| [facts.model(split), facts.baseline(split)]);
    let least = both
        .flatten()
        .filter_map(|metrics| metrics.accuracy.low)
        .fold(1.0, f64::min);
    ((least * 20.0 - 0.2).floor() / 20.0).clamp(0.0, 0.95)
}

fn bars(facts: &Facts, split: Split, low: f64) -> Vec<Bar> {
    let model = facts
        .model(split)
        .map(|metrics| ("BERT".to_owned(), "model", metrics));
    let baseline = facts
        .baseline(split)
        .map(|metrics| (facts.baseline_name(), "baseline", metrics));
    let both: Vec<(String, &'static str, &SplitMetrics)> = model.into_iter().chain(baseline).collect();
    let span = both.len();
    both.into_iter()
        .enumerate()
        .map(|(place, (name, style, metrics))| Bar {
            part: split.to_string(),
            span: if place == 0 { span } else { 0 },
            rows: crate::format::counted(metrics.rows, "row"),
            name,
            style,
            ..placed(metrics.accuracy, low)
        })
        .collect()
}

fn placed(accuracy: Estimate, axis_low: f64) -> Bar {
    let place = |value: f64| ((value - axis_low) / (1.0 - axis_low)).clamp(0.0, 1.0);
    let value = accuracy.value.unwrap_or(axis_low);
    let (low, high) = (
        place(accuracy.low.unwrap_or(value)),
        place(accuracy.high.unwrap_or(value)),
    );
    Bar {
        part: String::new(),
        span: 0,
        rows: String::new(),
        name: String::new(),
        style: "",
        accuracy: Cell::new(accuracy, Unit::Percent),
        dot: bar_percent(place(value)),
        left: bar_percent(low),
        width: bar_percent(high - low),
    }
}
