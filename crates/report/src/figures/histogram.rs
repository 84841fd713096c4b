//! A histogram of the lengths of the texts.

use askama::Template;
use askama::filters::HtmlSafe;

use super::{Pixels, Scale, Tick};
use crate::facts::Lengths;
use crate::format::{count, counted};

const LEFT: f64 = 46.0;
const RIGHT: f64 = 628.0;
const TOP: f64 = 20.0;
const BOTTOM: f64 = 150.0;
const MOST_TICKS: usize = 6;

/// The number of columns of the chart.
const COLUMNS: u32 = 48;

struct Column {
    left: Pixels,
    width: Pixels,
    top: Pixels,
    height: Pixels,
    hint: String,
}

struct Mark {
    at: Pixels,
    text: String,
    anchor: &'static str,
    text_at: Pixels,
}

/// Rows over length. The longest hundredth is in the last column, or one endless text would flatten all the
/// rest.
#[derive(Template)]
#[template(path = "figures/histogram.html", whitespace = "minimize")]
pub(crate) struct Histogram {
    description: String,
    columns: Vec<Column>,
    along: Vec<Tick>,
    across: Vec<Tick>,
    cut: Option<Mark>,
}

impl HtmlSafe for Histogram {}

impl Histogram {
    /// Counts rows into columns of equal width; none without rows.
    pub(crate) fn new(lengths: &Lengths, cut_at: Option<u32>) -> Option<Self> {
        let end = lengths.quantile(99)?.max(cut_at.unwrap_or(0)).saturating_add(1);
        let width = end.div_ceil(COLUMNS).max(1);
        let mut rows = vec![0_u64; usize::try_from(end.div_ceil(width)).ok()?];
        let last = rows.len() - 1;
        for (&length, &number) in &lengths.counts {
            let column = usize::try_from(length / width).unwrap_or(last).min(last);
            rows[column] += number;
        }
        let right = Scale::new((0.0, rows.len() as f64 * f64::from(width)), (LEFT, RIGHT));
        let most = rows.iter().copied().max().unwrap_or(0);
        let down = Scale::new((0.0, most as f64), (BOTTOM, TOP)).rounded(3);
        let text = |value: f64| format!("{value:.0}");
        Some(Self {
            description: describe(lengths, cut_at),
            columns: (0..)
                .zip(rows)
                .map(|(place, rows)| column(place, rows, width, right, down))
                .collect(),
            along: right.ticks(MOST_TICKS, text),
            across: down.ticks(3, text),
            cut: cut_at.map(|tokens| mark(tokens, right)),
        })
    }
}

fn column(place: u32, rows: u64, width: u32, right: Scale, down: Scale) -> Column {
    let (first, next) = (place.saturating_mul(width), (place + 1).saturating_mul(width));
    let (left, end) = (right.at(f64::from(first)), right.at(f64::from(next)));
    let top = down.at(rows as f64);
    Column {
        left: Pixels(left.0 + 0.5),
        width: Pixels((end.0 - left.0 - 1.0).max(0.5)),
        height: Pixels(BOTTOM - top.0),
        hint: format!("{first} to {} tokens: {}", next - 1, counted(rows, "row")),
        top,
    }
}

fn mark(tokens: u32, right: Scale) -> Mark {
    let at = right.at(f64::from(tokens));
    let (anchor, aside) = if at.0 > f64::midpoint(LEFT, RIGHT) {
        ("end", -5.0)
    } else {
        ("start", 5.0)
    };
    Mark {
        text: format!("cut at {}", count(u64::from(tokens))),
        text_at: Pixels(at.0 + aside),
        anchor,
        at,
    }
}

fn describe(lengths: &Lengths, cut_at: Option<u32>) -> String {
    let at = |hundredths| lengths.quantile(hundredths).map_or(0, u64::from);
    let cut = cut_at.map_or_else(String::new, |tokens| {
        format!(
            " {} are cut at {} tokens.",
            count(lengths.truncated),
            count(u64::from(tokens))
        )
    });
    format!(
        "Half of the {} have {} tokens or fewer, nine in ten {} or fewer.{cut}",
        counted(lengths.rows(), "text"),
        count(at(50)),
        count(at(90)),
    )
}
