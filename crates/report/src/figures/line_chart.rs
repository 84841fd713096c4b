//! Line charts over epochs, or over a share of the rows.

use std::fmt::Write;

use askama::Template;
use askama::filters::HtmlSafe;

use super::{Pixels, Scale, Tick};

/// Points a line shows; of more, every so many-th and the last are kept. A chart is not wider than that in
/// pixels.
const MOST_POINTS: usize = 400;

/// The most points that get a dot each; more dots would merge.
const MOST_DOTS: usize = 40;

const LEFT: f64 = 58.0;
const RIGHT: f64 = 408.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 224.0;
const MOST_TICKS: usize = 5;

/// One series of the chart, in its own units.
pub(crate) struct Series {
    /// The series' name in the legend.
    pub(crate) name: &'static str,
    /// The series' class in the style sheet.
    pub(crate) style: &'static str,
    /// The points; a value that is not finite, or huge, is a gap.
    pub(crate) points: Vec<(f64, f64)>,
}

/// One series of the chart, in pixels.
struct Line {
    name: &'static str,
    style: &'static str,
    path: String,
    dots: Vec<(Pixels, Pixels)>,
    legend: Pixels,
}

/// The epoch whose weights were kept.
struct Best {
    at: Pixels,
    text: String,
    /// Left of the mark where there is no room to the right.
    anchor: &'static str,
    text_at: Pixels,
}

/// A value that the lines are held against.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reference {
    /// The value at which the line lies.
    pub(crate) value: f64,
    /// What the line marks, in a few words.
    pub(crate) text: String,
}

/// A reference line, in pixels.
struct Level {
    at: Pixels,
    text_at: Pixels,
    text: String,
}

/// A reference farther above the lines than this many times their highest point would flatten them, and is
/// not drawn.
const FAR_ABOVE: f64 = 1.6;

/// Lines over a common axis.
#[derive(Template)]
#[template(path = "figures/line_chart.html", whitespace = "minimize")]
pub(crate) struct LineChart {
    id: &'static str,
    title: &'static str,
    description: String,
    lines: Vec<Line>,
    across: Vec<Tick>,
    along: Vec<Tick>,
    best: Option<Best>,
    levels: Vec<Level>,
    along_name: &'static str,
}

/// The texts of a chart.
pub(crate) struct Labels {
    /// The anchor of the chart.
    pub(crate) id: &'static str,
    /// What the lines show.
    pub(crate) title: &'static str,
    /// The same for those who do not see it, with the ends of the lines.
    pub(crate) description: String,
    /// Whether the values are shares.
    pub(crate) percent: bool,
    /// The horizontal axis.
    pub(crate) along: Along,
}

/// The horizontal axis of a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Along {
    /// Epochs, from 1.
    Epochs {
        /// The epoch whose weights were kept.
        kept: Option<u32>,
    },
    /// A share of something, from none to all of it.
    Share(&'static str),
}

impl HtmlSafe for LineChart {}

impl LineChart {
    /// Places the lines; the axis starts at 0 for what is not a share.
    pub(crate) fn new(labels: Labels, series: &[Series], references: &[Reference]) -> Self {
        let finite = || {
            series
                .iter()
                .flat_map(|series| &series.points)
                .filter(|point| drawable(point.1))
        };
        let least = finite().map(|point| point.1).fold(f64::INFINITY, f64::min);
        let most = finite().map(|point| point.1).fold(f64::NEG_INFINITY, f64::max);
        let near = |reference: &&Reference| reference.value <= FAR_ABOVE * most;
        let highest_reference = references
            .iter()
            .filter(near)
            .map(|reference| reference.value)
            .fold(most, f64::max);
        let range = match (labels.percent, least.is_finite()) {
            (_, false) => (0.0, 1.0),
            // No share is larger than all.
            (true, true) => (least.min(0.99), most.max(least + 0.01).min(1.0)),
            (false, true) => (least.min(0.0), highest_reference.max(0.01)),
        };
        let down = Scale::new(range, (BOTTOM, TOP)).rounded(MOST_TICKS);
        let right = match labels.along {
            Along::Epochs { .. } => {
                let ends = series.iter().filter_map(|series| series.points.last());
                let last = ends.map(|point| point.0).fold(1.0, f64::max);
                Scale::new((1.0, last.max(2.0)), (LEFT + 8.0, RIGHT - 8.0))
            }
            Along::Share(_) => Scale::new((0.0, 1.0), (LEFT, RIGHT - 8.0)),
        };
        let decimals = down.decimals(MOST_TICKS);
        let percent_decimals = decimals.saturating_sub(2);
        let text = |value: f64| {
            if labels.percent {
                format!("{:.percent_decimals$} %", 100.0 * value)
            } else {
                format!("{value:.decimals$}")
            }
        };
        Self {
            lines: place_lines(series, right, down),
            across: down.ticks(MOST_TICKS, text),
            along: match labels.along {
                Along::Epochs { .. } => whole_ticks(right),
                Along::Share(_) => right.ticks(MOST_TICKS, |value| format!("{:.0} %", 100.0 * value)),
            },
            best: match labels.along {
                Along::Epochs { kept } => kept.map(|epoch| mark(f64::from(epoch), right)),
                Along::Share(_) => None,
            },
            levels: references
                .iter()
                .filter(near)
                .map(|reference| level(reference, down))
                .collect(),
            along_name: match labels.along {
                Along::Epochs { .. } => "epoch",
                Along::Share(name) => name,
            },
            id: labels.id,
            title: labels.title,
            description: labels.description,
        }
    }
}

impl LineChart {
    /// The anchor of the chart.
    pub(crate) fn id(&self) -> &'static str {
        self.id
    }

    /// What the lines show.
    pub(crate) fn title(&self) -> &'static str {
        self.title
    }
}

/// A diverged loss would flatten all the others, and its ticks would not fit beside the axis.
fn drawable(value: f64) -> bool {
    const MOST: f64 = 1e6;
    value.is_finite() && value.abs() < MOST
}

/// Epochs are whole, so are their ticks.
fn whole_ticks(right: Scale) -> Vec<Tick> {
    const MOST: usize = 8;
    right
        .ticks(MOST, |value| format!("{value:.3}"))
        .into_iter()
        .filter_map(|tick| {
            let text = tick.text.strip_suffix(".000")?.to_owned();
            Some(Tick { text, ..tick })
        })
        .collect()
}

fn mark(epoch: f64, right: Scale) -> Best {
    let at = right.at(epoch);
    let (anchor, aside) = if at.0 > f64::midpoint(LEFT, RIGHT) {
        ("end", -5.0)
    } else {
        ("start", 5.0)
    };
    Best {
        text: format!("kept: epoch {epoch}"),
        text_at: Pixels(at.0 + aside),
        anchor,
        at,
    }
}

fn level(reference: &Reference, down: Scale) -> Level {
    let at = down.at(reference.value);
    Level {
        text_at: Pixels(at.0 + 13.0),
        text: reference.text.clone(),
        at,
    }
}

fn place_lines(series: &[Series], right: Scale, down: Scale) -> Vec<Line> {
    series
        .iter()
        .enumerate()
        .map(|(place, series)| {
            let points = thinned(&series.points);
            Line {
                name: series.name,
                style: series.style,
                path: path(&points, right, down),
                dots: dots(&points, right, down),
                legend: Pixels(LEFT + 120.0 * place as f64),
            }
        })
        .collect()
}

fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let every = points.len().div_ceil(MOST_POINTS).max(1);
    let last = points.len().saturating_sub(1);
    points
        .iter()
        .enumerate()
        .filter(|&(place, _)| place % every == 0 || place == last)
        .map(|(_, &point)| point)
        .collect()
}

fn path(points: &[(f64, f64)], right: Scale, down: Scale) -> String {
    let mut path = String::new();
    let mut pen = 'M';
    for &(x, y) in points {
        if drawable(y) {
            write!(path, "{pen}{} {}", right.at(x), down.at(y)).expect("a String takes everything");
            pen = 'L';
        } else {
            pen = 'M';
        }
    }
    path
}

fn dots(points: &[(f64, f64)], right: Scale, down: Scale) -> Vec<(Pixels, Pixels)> {
    if points.len() > MOST_DOTS {
        return Vec::new();
    }
    points
        .iter()
        .filter(|&&(_, y)| drawable(y))
        .map(|&(x, y)| (right.at(x), down.at(y)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(points: Vec<(f64, f64)>) -> String {
        let labels = Labels {
            id: "loss",
            title: "Loss",
            description: String::new(),
            percent: false,
            along: Along::Epochs { kept: Some(1) },
        };
        let series = Series {
            name: "train",
            style: "train",
            points,
        };
        LineChart::new(labels, &[series], &[]).to_string()
    }

    #[test]
    fn gaps_single_points_and_long_courses_are_drawn() {
        let gap = chart(vec![(1.0, 0.5), (2.0, f64::NAN), (3.0, 0.25)]);
        assert!(gap.contains("M66 "), "{gap}");
        assert_eq!(gap.matches("<circle").count(), 2);
        assert_eq!(chart(vec![(1.0, 0.5)]).matches("<circle").count(), 1);
        assert!(!chart(vec![(1.0, f64::INFINITY)]).contains("inf"));
        let long = chart((1..=100_000).map(|epoch| (f64::from(epoch), 0.1)).collect());
        assert!(long.len() < 10_000, "{}", long.len());
    }

    #[test]
    fn references_are_drawn_where_they_do_not_flatten_the_lines() {
        let labels = Labels {
            id: "coverage",
            title: "Coverage",
            description: String::new(),
            percent: false,
            along: Along::Share("share of rows"),
        };
        let series = Series {
            name: "model",
            style: "model",
            points: vec![(0.0, 0.5), (1.0, 0.25)],
        };
        let references = [(0.7, "near"), (5.0, "far")].map(|(value, text)| Reference {
            value,
            text: text.to_owned(),
        });
        let chart = LineChart::new(labels, &[series], &references).to_string();
        assert!(chart.contains(">near<") && !chart.contains(">far<"), "{chart}");
        assert!(chart.contains(">100 %<") && chart.contains("M58 "), "{chart}");
    }
}
