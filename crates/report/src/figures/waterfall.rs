//! A waterfall: from the validation accuracy to the test accuracy, step by step.

use askama::Template;
use askama::filters::HtmlSafe;
use labelproof_artifact::findings::Account;
use labelproof_artifact::wording::capitalized;

use super::{Pixels, Scale, Tick};
use crate::format::{percent, signed_points};
use crate::text;

const LEFT: f64 = 12.0;
const RIGHT: f64 = 614.0;
/// The height of a step with its name above the bar.
const STEP: f64 = 46.0;
const BAR: f64 = 16.0;
const MOST_TICKS: usize = 5;

/// A bar with its name above it.
struct Bar {
    /// What the bar is: a whole accuracy, or what lowers, raises or is left over.
    style: &'static str,
    name: String,
    value: String,
    name_at: Pixels,
    left: Pixels,
    width: Pixels,
    top: Pixels,
    /// Where the next bar goes on, and the line down to it.
    end: Pixels,
    link: Option<(Pixels, Pixels)>,
    /// The ends of the interval, and its height.
    whisker: Option<(Pixels, Pixels, Pixels)>,
}

/// Validation, each cause that moves the accuracy, what is left over, and test.
#[derive(Template)]
#[template(path = "figures/waterfall.html", whitespace = "minimize")]
pub(crate) struct Waterfall {
    description: String,
    bars: Vec<Bar>,
    along: Vec<Tick>,
    height: Pixels,
    bottom: Pixels,
    ticks_at: Pixels,
}

impl HtmlSafe for Waterfall {}

impl Waterfall {
    /// Places the steps; none where nothing was found that moves one of the accuracies.
    pub(crate) fn new(account: &Account) -> Option<Self> {
        if account.steps.is_empty() {
            return None;
        }
        let right = Scale::new((0.0, 100.0), (LEFT, RIGHT));
        let mut bars = vec![whole("Validation accuracy", account.validation, right)];
        let mut at = account.validation;
        for step in &account.steps {
            let name = format!(
                "{} ({})",
                capitalized(&text::name(&step.name)),
                text::label(&step.id)
            );
            let interval = step.interval.map(|(low, high)| (at + low, at + high));
            let style = if step.points < 0.0 { "lower" } else { "higher" };
            bars.push(part(style, name, at, step.points, interval, right));
            at += step.points;
        }
        let rest = if account.rest_is_chance {
            "The rest, within chance"
        } else {
            "The rest, which nothing that was found explains"
        };
        bars.push(part("rest", rest.to_owned(), at, account.rest, None, right));
        bars.push(whole("Test accuracy", account.test, right));
        let last = bars.len() - 1;
        for (place, bar) in bars.iter_mut().enumerate() {
            let top = STEP * place as f64;
            bar.name_at = Pixels(top + 16.0);
            bar.top = Pixels(top + 23.0);
            if let Some((_, _, middle)) = &mut bar.whisker {
                *middle = Pixels(top + 23.0 + BAR / 2.0);
            }
            bar.link = (place < last).then_some((Pixels(top + 23.0 + BAR), Pixels(top + 23.0 + STEP)));
        }
        let bottom = STEP * bars.len() as f64;
        Some(Self {
            description: describe(account),
            bars,
            along: right.ticks(MOST_TICKS, |value| format!("{value:.0} %")),
            height: Pixels(bottom + 24.0),
            bottom: Pixels(bottom),
            ticks_at: Pixels(bottom + 16.0),
        })
    }
}

fn whole(name: &str, accuracy: f64, right: Scale) -> Bar {
    Bar {
        value: percent(accuracy / 100.0),
        ..part("model", name.to_owned(), 0.0, accuracy, None, right)
    }
}

fn part(
    style: &'static str,
    name: String,
    from: f64,
    points: f64,
    interval: Option<(f64, f64)>,
    right: Scale,
) -> Bar {
    let (start, end) = (right.at(from), right.at(from + points));
    let left = start.0.min(end.0);
    Bar {
        style,
        name,
        value: signed_points(points / 100.0),
        name_at: Pixels(0.0),
        left: Pixels(left),
        width: Pixels((start.0 - end.0).abs().max(1.0)),
        top: Pixels(0.0),
        end,
        link: None,
        whisker: interval.map(|(low, high)| (right.at(low), right.at(high), Pixels(0.0))),
    }
}

fn describe(account: &Account) -> String {
    let mut words = vec![format!(
        "Validation accuracy is {}",
        percent(account.validation / 100.0)
    )];
    for step in &account.steps {
        words.push(format!(
            "{}: {}",
            text::name(&step.name),
            signed_points(step.points / 100.0)
        ));
    }
    words.push(format!("the rest: {}", signed_points(account.rest / 100.0)));
    words.push(format!("test accuracy is {}", percent(account.test / 100.0)));
    words.join("; ") + "."
}
