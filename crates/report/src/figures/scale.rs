//! Linear scales, from values to pixels.

use std::fmt;

/// A place in a chart, written with one decimal: finer than any screen, and the same digits everywhere.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pixels(pub(super) f64);

impl fmt::Display for Pixels {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:.1}", self.0);
        formatter.write_str(digits.strip_suffix(".0").unwrap_or(&digits))
    }
}

/// A line of the grid.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tick {
    pub(super) at: Pixels,
    pub(super) text: String,
}

/// A linear axis.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    start: f64,
    end: f64,
}

impl Scale {
    /// Maps `low` to `start` and `high` to `end`, which lies left of or above it as well as right or below.
    pub(super) fn new((low, high): (f64, f64), (start, end): (f64, f64)) -> Self {
        let high = if high > low { high } else { low + 1.0 };
        Self {
            low,
            high,
            start,
            end,
        }
    }

    /// The same axis, widened to whole steps of its ticks.
    pub(super) fn rounded(self, most_ticks: usize) -> Self {
        let step = step(self.high - self.low, most_ticks);
        Self {
            low: (self.low / step + 1e-9).floor() * step,
            high: (self.high / step - 1e-9).ceil() * step,
            ..self
        }
    }

    /// The place of a value, in pixels.
    pub(super) fn at(&self, value: f64) -> Pixels {
        let share = (value - self.low) / (self.high - self.low);
        Pixels(self.start + share.clamp(0.0, 1.0) * (self.end - self.start))
    }

    /// Grid lines at round values.
    pub(super) fn ticks(&self, most: usize, text: impl Fn(f64) -> String) -> Vec<Tick> {
        let step = step(self.high - self.low, most);
        let first = (self.low / step - 1e-9).ceil();
        (0..=most)
            .map(|number| (first + number as f64) * step)
            .take_while(|&value| value <= self.high + step * 1e-9)
            .map(|value| Tick {
                at: self.at(value),
                text: text(value),
            })
            .collect()
    }

    /// The number of decimals by which neighbouring ticks differ.
    pub(super) fn decimals(&self, most_ticks: usize) -> usize {
        let step = step(self.high - self.low, most_ticks);
        (0..6)
            .find(|&decimals| {
                let shifted = step * 10_f64.powi(decimals);
                (shifted - shifted.round()).abs() < 1e-6
            })
            .map_or(6, |decimals| usize::try_from(decimals).unwrap_or(0))
    }
}

/// The smallest of 1, 2, 5, 10, 20 … that divides a range into no more than so many parts.
fn step(range: f64, most: usize) -> f64 {
    let least = range / most as f64;
    let power = 10_f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|&step| step >= least * (1.0 - 1e-9))
        .unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(low: f64, high: f64, most: usize) -> Vec<String> {
        let scale = Scale::new((low, high), (0.0, 100.0)).rounded(most);
        let decimals = scale.decimals(most);
        let ticks = scale.ticks(most, |value| format!("{value:.decimals$}"));
        ticks.into_iter().map(|tick| tick.text).collect()
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(texts(0.0, 1.0, 5), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(texts(0.87, 0.99, 4), ["0.85", "0.90", "0.95", "1.00"]);
        assert_eq!(texts(0.0, 1.31, 5), ["0.0", "0.5", "1.0", "1.5"]);
        assert_eq!(texts(3.0, 3.0, 4), ["3.0", "3.5", "4.0"]);
    }

    #[test]
    fn places_are_written_short_and_stay_inside() {
        let scale = Scale::new((0.0, 10.0), (100.0, 0.0));
        assert_eq!(scale.at(5.0).to_string(), "50");
        assert_eq!(scale.at(0.333).to_string(), "96.7");
        assert_eq!(scale.at(99.0).to_string(), "0");
    }
}
