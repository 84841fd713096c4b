//! A reliability diagram: the accuracy of the predictions by their confidence.

use askama::Template;
use askama::filters::HtmlSafe;
use labelproof_metrics::ReliabilityBin;

use super::{Pixels, Scale, Tick};
use crate::format::{counted, percent};

const LEFT: f64 = 46.0;
const RIGHT: f64 = 326.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 292.0;
/// The strip below that shows how many rows there are.
const STRIP_TOP: f64 = 306.0;
const STRIP_BOTTOM: f64 = 346.0;

/// A bin with rows, in pixels.
struct Bar {
    left: Pixels,
    width: Pixels,
    top: Pixels,
    height: Pixels,
    centre: Pixels,
    strip_top: Pixels,
    strip_height: Pixels,
    hint: String,
}

/// Bars of accuracy over confidence, against the diagonal where both are equal.
#[derive(Template)]
#[template(path = "figures/reliability.html", whitespace = "minimize")]
pub(crate) struct ReliabilityDiagram {
    id: &'static str,
    style: &'static str,
    title: String,
    description: String,
    bars: Vec<Bar>,
    along: Vec<Tick>,
    across: Vec<Tick>,
}

impl HtmlSafe for ReliabilityDiagram {}

impl ReliabilityDiagram {
    /// Places the bins that have rows.
    pub(crate) fn new(
        id: &'static str,
        style: &'static str,
        title: String,
        description: String,
        bins: &[ReliabilityBin],
    ) -> Self {
        let right = Scale::new((0.0, 1.0), (LEFT, RIGHT));
        let down = Scale::new((0.0, 1.0), (BOTTOM, TOP));
        let most = bins.iter().map(|bin| bin.rows).max().unwrap_or(0);
        let strip = Scale::new((0.0, most as f64), (STRIP_BOTTOM, STRIP_TOP));
        let text = |value: f64| format!("{:.0} %", 100.0 * value);
        Self {
            bars: bins
                .iter()
                .filter_map(|bin| bar(bin, right, down, strip))
                .collect(),
            along: right.ticks(5, text),
            across: down.ticks(5, text),
            id,
            style,
            title,
            description,
        }
    }
}

impl ReliabilityDiagram {
    /// The anchor of the diagram.
    pub(crate) fn id(&self) -> &'static str {
        self.id
    }
}

fn bar(bin: &ReliabilityBin, right: Scale, down: Scale, strip: Scale) -> Option<Bar> {
    let (confidence, accuracy) = (bin.mean_confidence?, bin.accuracy?);
    let (left, end, top) = (right.at(bin.low), right.at(bin.high), down.at(accuracy));
    let strip_top = strip.at(bin.rows as f64);
    Some(Bar {
        left: Pixels(left.0 + 1.0),
        width: Pixels((end.0 - left.0 - 2.0).max(0.0)),
        height: Pixels(BOTTOM - top.0),
        centre: right.at(confidence),
        strip_height: Pixels(STRIP_BOTTOM - strip_top.0),
        hint: format!(
            "{}: {} sure on average, {} right",
            counted(bin.rows, "row"),
            percent(confidence),
            percent(accuracy)
        ),
        strip_top,
        top,
    })
}
