//! How many rows figures are of, where the log does not say: by runtime and rows a second, by the accuracies as
//! fractions, by batches.

use labelproof_artifact::Split;

use crate::evidence::log::{Basis, RowEstimate};

/// How fast a pass over rows was.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pace {
    pub(super) seconds: Option<f64>,
    pub(super) rows_a_second: Option<f64>,
    /// How often the rows were passed over.
    pub(super) passes: f64,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            seconds: None,
            rows_a_second: None,
            passes: 1.0,
        }
    }
}

impl Pace {
    pub(super) fn is_whole(&self) -> bool {
        self.seconds.is_some() && self.rows_a_second.is_some()
    }

    /// The least and the most rows that it may be of, since both numbers are rounded.
    fn bounds(self) -> Option<(f64, f64)> {
        let (seconds, rate) = (self.seconds?, self.rows_a_second?);
        if !(seconds > 0.0 && rate > 0.0 && self.passes >= 1.0 && (seconds * rate).is_finite()) {
            return None;
        }
        let (of_seconds, of_rate) = (half_digit(seconds), half_digit(rate));
        let rows = |seconds: f64, rate: f64| seconds.max(0.0) * rate.max(0.0) / self.passes;
        Some((
            rows(seconds - of_seconds, rate - of_rate),
            rows(seconds + of_seconds, rate + of_rate),
        ))
    }
}

/// Half of the last decimal of a number as it is written.
fn half_digit(value: f64) -> f64 {
    0.5 * 10_f64.powi(-decimals(value))
}

fn decimals(value: f64) -> i32 {
    let text = value.to_string();
    let decimals = text.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    i32::try_from(decimals).unwrap_or(17).min(17)
}

/// More rows than one can tell apart by a pace.
const MOST_ROWS: f64 = 1e12;

/// The rows that are certain, or else an estimate.
pub(super) fn count(split: Split, paces: &[Pace], accuracies: &[f64]) -> (Option<u64>, Option<RowEstimate>) {
    if let Some((least, most)) = intersection(paces) {
        let (first, last) = (least.ceil().max(1.0), most.floor());
        if first > last || last > MOST_ROWS {
            // Another number of rows each time: a part of them was evaluated.
            return (None, fractions(accuracies));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 1 and 1e12"
        )]
        let (first, last) = (first as u64, last as u64);
        // How often a training passes over its rows may be rounded, too.
        if first == last && split != Split::Train {
            return (Some(first), None);
        }
        let rows = first.midpoint(last);
        let basis = Basis::Throughput;
        return (None, Some(RowEstimate { rows, basis }));
    }
    (None, fractions(accuracies))
}

/// What all paces allow.
fn intersection(paces: &[Pace]) -> Option<(f64, f64)> {
    let bounds = paces.iter().filter_map(|pace| pace.bounds());
    bounds.reduce(|one, other| (one.0.max(other.0), one.1.min(other.1)))
}

/// Rows of so many batches, the last of which may be smaller.
pub(super) fn of_batches(batches: u64, size: u64) -> Option<RowEstimate> {
    Some(RowEstimate {
        rows: batches.checked_mul(size)?,
        basis: Basis::Batches,
    })
}

/// Of how many logs that have nothing to do with a number of rows it may explain the accuracies by accident.
const MOST_ACCIDENTS: f64 = 1e-3;

/// The longest denominator that is looked for.
const MOST_FRACTION: u64 = 1_000_000;

/// Accuracies that are looked at; more of them prove nothing more.
const MOST_ACCURACIES: usize = 64;

/// Four digits.
const ROUNDED: u64 = 10_000;

/// The largest denominator of a fraction that proves nothing.
const MOST_SIMPLE: u64 = 12;

/// The error of a number of 32 bits near 1 that was written with all the digits of 64.
const SINGLE: f64 = 6.5e-8;

/// The error of the sum of shares in 64 bits.
const DOUBLE: f64 = 1e-12;

/// The smallest number of rows of which every accuracy is a whole number of hits, within the digits that it has.
/// Only where that cannot well be an accident: among numbers that have nothing to do with the accuracies, each of
/// m different ones is met by n with a chance of twice the rounding times n, all by all smaller ones together
/// with a chance of n (2 r n)^m / (m + 1).
pub(super) fn fractions(accuracies: &[f64]) -> Option<RowEstimate> {
    let decimals = accuracies.iter().map(|accuracy| decimals(*accuracy)).max()?;
    // A number of hits and the number of misses say the same.
    let mut values: Vec<f64> = accuracies
        .iter()
        .map(|accuracy| accuracy.min(1.0 - accuracy))
        .filter(|value| *value > SINGLE)
        .collect();
    values.sort_by(f64::total_cmp);
    let printed = 0.5 * 10_f64.powi(-decimals) * (1.0 + 1e-9);
    values.dedup_by(|one, other| (*one - *other).abs() <= 2.0 * printed.max(SINGLE));
    values.truncate(MOST_ACCURACIES);
    let roundings: &[f64] = if decimals >= 12 {
        &[DOUBLE, SINGLE]
    } else {
        &[printed.max(DOUBLE)]
    };
    roundings.iter().find_map(|&rounding| {
        let rows = smallest(&values, rounding)?;
        // The mean of the accuracies of batches is a fraction, too: of the number of batches times the batch size
        // times that of the last, smaller one.
        let may_be_of_batches = rows.is_multiple_of(16);
        // So is what somebody rounded to four digits before it was logged.
        let may_be_rounded = ROUNDED.is_multiple_of(rows);
        (!may_be_of_batches && !may_be_rounded).then_some(RowEstimate {
            rows,
            basis: Basis::Fractions,
        })
    })
}

/// The smallest denominator of all values, up to the largest that proves something.
fn smallest(values: &[f64], rounding: f64) -> Option<u64> {
    let is_explained = |rows: u64, value: f64| {
        let rows = rows as f64;
        ((value * rows).round() - value * rows).abs() <= rounding * rows
    };
    // A half, a third or a tenth is what a constant answer gives for balanced classes, and proves nothing.
    let is_simple = |value: &&f64| (1..=MOST_SIMPLE).any(|rows| is_explained(rows, **value));
    let telling = values.iter().filter(|value| !is_simple(value)).count();
    if telling == 0 {
        return None;
    }
    let proves = |rows: u64| {
        let different = telling as f64;
        let chance = (2.0 * rounding * rows as f64).powf(different);
        rows as f64 * chance / (different + 1.0) <= MOST_ACCIDENTS
    };
    (2..=MOST_FRACTION)
        .take_while(|rows| proves(*rows))
        .find(|rows| values.iter().all(|value| is_explained(*rows, *value)))
}

/// How an estimate is told.
pub(super) fn wording(estimate: RowEstimate, split: &str) -> String {
    let rows = estimate.rows;
    match estimate.basis {
        Basis::Throughput => format!("about {rows} {split} rows, by runtime and rows a second"),
        Basis::Fractions => {
            format!("{rows} {split} rows or a multiple of them, as all accuracies are fractions of {rows}")
        }
        Basis::Batches => format!("at most {rows} {split} rows, by batches and their size"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(accuracies: &[f64]) -> Option<u64> {
        fractions(accuracies).map(|estimate| estimate.rows)
    }

    #[test]
    fn accuracies_with_enough_digits_tell_of_how_many_rows_they_are() {
        // 20 and 21 of 41; 82 rows give the same.
        assert_eq!(rows(&[0.487_804_9, 0.512_195_1]), Some(41));
        assert_eq!(rows(&[244.0 / 294.0]), Some(147));
        assert_eq!(rows(&[244.0 / 294.0, 245.0 / 294.0]), Some(294));
        assert_eq!(rows(&[701.0 / 872.0, 766.0 / 872.0, 779.0 / 872.0]), Some(872));
        // The same, of 32 bits.
        let single = |hits: f32| f64::from(hits / 872.0);
        assert_eq!(rows(&[single(701.0), single(766.0), single(779.0)]), Some(872));
    }

    #[test]
    fn what_may_be_an_accident_tells_nothing() {
        assert_eq!(rows(&[0.83]), None);
        assert_eq!(
            rows(&[0.6, 0.65, 0.6699, 0.675, 0.68, 0.69, 0.697, 0.684, 0.6911]),
            None
        );
        assert_eq!(rows(&[0.8299]), None);
        assert_eq!(rows(&[1.0, 0.0]), None);
        // Stuck at a tenth; rounded to two digits, and kept with 32 bits.
        assert_eq!(rows(&[0.8333, 0.1, 0.1]), None);
        assert_eq!(rows(&[0.829_999_983_310_699_5, 0.850_000_023_841_857_9]), None);
        assert_eq!(rows(&[f64::NAN]), None);
        // The mean over three batches, of 32, 32 and 18 rows.
        let mean = |hits: [f64; 3]| (hits[0] / 32.0 + hits[1] / 32.0 + hits[2] / 18.0) / 3.0;
        assert_eq!(rows(&[mean([17.0, 20.0, 11.0]), mean([18.0, 21.0, 13.0])]), None);
    }

    #[test]
    fn a_pace_tells_the_rows_up_to_its_rounding() {
        let pace = |seconds, rate| Pace {
            seconds: Some(seconds),
            rows_a_second: Some(rate),
            passes: 1.0,
        };
        // 872 rows in 3.2147 s.
        assert_eq!(
            count(Split::Validation, &[pace(3.2147, 271.254)], &[]),
            (Some(872), None)
        );
        let many = count(Split::Test, &[pace(12.3, 2032.5)], &[]).1.unwrap();
        assert!((many.rows as f64 - 25000.0).abs() < 150.0);
        assert_eq!(many.basis, Basis::Throughput);
        assert_eq!(
            count(Split::Test, &[pace(1.5, 100.0), pace(1.5, 300.0)], &[]),
            (None, None)
        );
    }
}
