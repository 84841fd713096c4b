//! The typography of numbers on the page. Undefined numbers are a dash; no number is rounded to a certainty.

use labelproof_artifact::wording::plural;
use labelproof_metrics::{Estimate, Spread};

/// Stands where a number does not exist.
pub(crate) const UNDEFINED: &str = "–";

/// A space that keeps a number and its unit on one line.
const NO_BREAK: char = '\u{a0}';

/// A share in percent with one decimal. What is not quite all or not quite none does not round to it.
pub(crate) fn percent(share: f64) -> String {
    if !share.is_finite() {
        return UNDEFINED.to_owned();
    }
    let digits = bare_percent(share);
    match digits.as_str() {
        "100.0" if share < 1.0 => format!(">{NO_BREAK}99.9{NO_BREAK}%"),
        "0.0" if share > 0.0 => format!("<{NO_BREAK}0.1{NO_BREAK}%"),
        _ => format!("{digits}{NO_BREAK}%"),
    }
}

fn bare_percent(share: f64) -> String {
    let digits = format!("{:.1}", 100.0 * share);
    // A tiny negative number, such as the difference of two equal shares, must not show as minus nothing.
    if digits == "-0.0" {
        "0.0".to_owned()
    } else {
        digits
    }
}

/// The share that a part has in a whole, or a dash for no whole.
pub(crate) fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return UNDEFINED.to_owned();
    }
    percent(part as f64 / whole as f64)
}

/// A difference of shares in percentage points with one decimal.
pub(crate) fn points(difference: f64) -> String {
    format!("{}{NO_BREAK}points", bare_percent(difference.abs()))
}

/// A difference of shares in percentage points with its sign.
pub(crate) fn signed_points(difference: f64) -> String {
    let digits = bare_percent(difference.abs());
    let sign = match (digits.as_str(), difference < 0.0) {
        ("0.0", _) => "",
        (_, true) => "−",
        (_, false) => "+",
    };
    format!("{sign}{digits}{NO_BREAK}points")
}

/// A number with three decimals.
pub(crate) fn decimal(value: f64) -> String {
    if !value.is_finite() {
        return UNDEFINED.to_owned();
    }
    let digits = format!("{value:.3}");
    if digits == "-0.000" {
        "0.000".to_owned()
    } else {
        digits
    }
}

/// A number of at most 1 with three decimals. What is not quite 1 does not round to it.
fn index(value: f64) -> String {
    match decimal(value).as_str() {
        "1.000" if value < 1.0 => format!(">{NO_BREAK}0.999"),
        digits => digits.to_owned(),
    }
}

/// How a metric is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// The metric is a share, written in per cent.
    Percent,
    /// The metric is written as it is.
    Plain,
    /// The metric is written as it is, and 1 is the best value.
    Index,
}

type Write = fn(f64) -> String;

/// A metric for a table: the value, and its interval where there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cell {
    /// The value with its unit.
    pub(crate) value: String,
    /// The interval as `low–high`, without unit; empty for none.
    pub(crate) interval: String,
}

impl Cell {
    /// A metric in a unit.
    pub(crate) fn new(estimate: Estimate, unit: Unit) -> Self {
        let (whole, end): (Write, Write) = match unit {
            Unit::Percent => (percent, bare_percent),
            Unit::Plain => (decimal, decimal),
            Unit::Index => (index, decimal),
        };
        let interval = match (estimate.low, estimate.high) {
            (Some(low), Some(high)) if low.is_finite() && high.is_finite() => {
                format!("{}–{}", end(low), end(high))
            }
            _ => String::new(),
        };
        Self {
            value: estimate.value.map_or_else(|| UNDEFINED.to_owned(), whole),
            interval,
        }
    }

    /// Value and interval in one line: `97.6 % (96.1–98.6)`.
    pub(crate) fn in_line(&self) -> String {
        if self.interval.is_empty() {
            self.value.clone()
        } else {
            format!("{} ({})", self.value, self.interval)
        }
    }
}

/// A share with its interval in one line.
pub(crate) fn percent_with_interval(estimate: Estimate) -> String {
    Cell::new(estimate, Unit::Percent).in_line()
}

/// The mean and the standard deviation of a share over several models: `97.6 % ± 0.8`.
pub(crate) fn mean_and_deviation(spread: &Spread) -> String {
    format!(
        "{} ±{NO_BREAK}{}",
        percent(spread.mean),
        bare_percent(spread.standard_deviation)
    )
}

/// A p-value with two significant digits, as `p = 0.034`.
pub(crate) fn p_value(value: f64) -> String {
    let digits = match value {
        value if value.is_nan() => return format!("p = {UNDEFINED}"),
        value if value < 0.001 => return format!("p{NO_BREAK}<{NO_BREAK}0.001"),
        value if value < 0.01 => format!("{value:.4}"),
        value if value < 0.1 => format!("{value:.3}"),
        value if value < 0.995 => format!("{value:.2}"),
        _ => "1".to_owned(),
    };
    format!("p{NO_BREAK}={NO_BREAK}{digits}")
}

/// A count with commas between thousands.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count with its noun, which takes an `s` in the plural.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    format!("{}{NO_BREAK}{noun}{}", count(number), plural(number, "", "s"))
}

/// The number of items that are not shown: `3 more rows`; empty for none.
pub(crate) fn more(number: u64, noun: &str) -> String {
    if number == 0 {
        return String::new();
    }
    counted(number, &format!("more {noun}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> String {
        text.replace(NO_BREAK, " ")
    }

    #[test]
    fn shares_do_not_round_to_certainty() {
        let check = |share, expected| assert_eq!(plain(&percent(share)), expected);
        check(0.9756, "97.6 %");
        check(1.0, "100.0 %");
        check(0.99996, "> 99.9 %");
        check(0.0, "0.0 %");
        check(0.000_01, "< 0.1 %");
        check(f64::NAN, "–");
        assert_eq!(plain(&points(-0.051)), "5.1 points");
        assert_eq!(share(1, 0), "–");
    }

    #[test]
    fn intervals_are_shown_where_they_exist() {
        let estimate = |low, high| Estimate {
            value: Some(0.9756),
            low,
            high,
        };
        let both = estimate(Some(0.9612), Some(0.98604));
        assert_eq!(plain(&percent_with_interval(both)), "97.6 % (96.1–98.6)");
        assert_eq!(Cell::new(both, Unit::Plain).in_line(), "0.976 (0.961–0.986)");
        assert_eq!(plain(&percent_with_interval(estimate(None, None))), "97.6 %");
        let nearly_one = Estimate {
            value: Some(0.9997),
            ..Estimate::UNDEFINED
        };
        assert_eq!(plain(&Cell::new(nearly_one, Unit::Index).value), "> 0.999");
        assert_eq!(Cell::new(nearly_one, Unit::Plain).value, "1.000");
        assert_eq!(percent_with_interval(Estimate::UNDEFINED), "–");
    }

    #[test]
    fn p_values_keep_two_digits() {
        let check = |value, expected| assert_eq!(plain(&p_value(value)), expected);
        check(1.0, "p = 1");
        check(0.999, "p = 1");
        check(0.628, "p = 0.63");
        check(0.0341, "p = 0.034");
        check(0.00119, "p = 0.0012");
        check(1e-12, "p < 0.001");
        check(0.0, "p < 0.001");
    }

    #[test]
    fn counts_have_commas_and_nouns_a_number() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1000), "1,000");
        assert_eq!(count(12_345_678), "12,345,678");
        assert_eq!(plain(&counted(1, "row")), "1 row");
        assert_eq!(plain(&counted(2225, "row")), "2,225 rows");
        assert_eq!(
            (more(0, "row").as_str(), plain(&more(1, "row")).as_str()),
            ("", "1 more row")
        );
    }
}
