//! How far a cause moves a figure, and between what and what that may lie, where rows can be counted.
//!
//! A share of rows has Wilson's interval, the difference of two shares Newcombe's, and an exchange of hits on
//! the same rows that of Agresti and Min.

pub use labelproof_artifact::findings::{Effect, Figure};
use labelproof_metrics::wilson;

use super::wording::{rounded, signed, split_name};

/// The 97.5th percentile of the normal distribution.
const NORMAL_QUANTILE: f64 = 1.959_963_984_540_054;

/// The effect in a few words: how far it moves what, with its interval.
pub(crate) fn in_words(effect: &Effect) -> String {
    let between = effect.interval.map_or_else(String::new, |(low, high)| {
        format!(" [{}…{}]", signed(low), signed(high))
    });
    let of = match effect.on {
        Figure::Accuracy(split) => format!("points of {} accuracy", split_name(split)),
        Figure::EverySplit => "points of accuracy".to_owned(),
        Figure::Logged => "points in the log".to_owned(),
    };
    format!("{}{between} {of}", signed(effect.points))
}

/// A figure that is moved by a share (0.05 is 5 points) of which no rows tell how near it is known.
pub(crate) fn of(on: Figure, share: f64) -> Effect {
    Effect {
        points: rounded(100.0 * share),
        interval: None,
        on,
    }
}

/// What makes the first hits and rows differ from the second, other rows with and without the cause.
pub(crate) fn of_difference(on: Figure, with: (u64, u64), without: (u64, u64)) -> Option<Effect> {
    of_part(on, 1.0, with, without)
}

/// What a part of the rows does to the figure of all: the hits and rows of the part, and those of the others,
/// which the part would be like without the cause.
pub(crate) fn of_part(on: Figure, share: f64, part: (u64, u64), others: (u64, u64)) -> Option<Effect> {
    let (difference, low, high) = newcombe(part, others)?;
    Some(Effect {
        interval: Some((rounded(100.0 * share * low), rounded(100.0 * share * high))),
        ..of(on, share * difference)
    })
}

/// What it does to a figure that some rows are right only with the cause, and others only without.
pub(crate) fn of_exchange(on: Figure, only_with: u64, only_without: u64, rows: u64) -> Effect {
    // One more row for each of the two cells, so that an exchange of nothing has a width.
    let (with, without) = (only_with as f64 + 0.5, only_without as f64 + 0.5);
    let count = rows as f64 + 2.0;
    let middle = (with - without) / count;
    let reach = NORMAL_QUANTILE * ((with + without) / count - middle * middle).max(0.0).sqrt() / count.sqrt();
    let points = (only_with as f64 - only_without as f64) / rows.max(1) as f64;
    Effect {
        interval: Some((
            rounded(100.0 * (middle - reach).min(points)),
            rounded(100.0 * (middle + reach).max(points)),
        )),
        ..of(on, points)
    }
}

/// The difference of two shares with Newcombe's 95 % interval (1998, method 10): Wilson's of each, joined.
fn newcombe(one: (u64, u64), other: (u64, u64)) -> Option<(f64, f64, f64)> {
    let bounds = |(hits, rows)| {
        let estimate = wilson(hits, rows);
        Some((estimate.value?, estimate.low?, estimate.high?))
    };
    let (first, second) = (bounds(one)?, bounds(other)?);
    let difference = first.0 - second.0;
    let below = (first.0 - first.1).hypot(second.2 - second.0);
    let above = (first.2 - first.0).hypot(second.0 - second.1);
    Some((difference, difference - below, difference + above))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::assert_close;
    use labelproof_artifact::Split;

    const TEST: Figure = Figure::Accuracy(Split::Test);

    /// Newcombe 1998, table II: 56/70 against 48/80 is 0.20 with 0.0524 and 0.3339; 9/10 against 3/10 is 0.60
    /// with 0.1705 and 0.8090.
    #[test]
    fn a_difference_has_the_interval_of_newcombes_table() {
        let check = |one, other, points, low, high| {
            let effect = of_difference(TEST, one, other).unwrap();
            let interval = effect.interval.unwrap();
            assert_close(effect.points, points, 1e-4);
            assert_close(interval.0, low, 0.006);
            assert_close(interval.1, high, 0.006);
        };
        check((56, 70), (48, 80), 20.0, 5.24, 33.39);
        check((9, 10), (3, 10), 60.0, 17.05, 80.90);
        assert_eq!(of_difference(TEST, (0, 0), (3, 10)), None);
    }

    /// By hand: 2.5 − 12.5 of 102 is −0.0980; √(15/102 − 0.0980²) / √102 · 1.96 is 0.0720.
    #[test]
    fn an_exchange_counts_the_rows_that_change() {
        let effect = of_exchange(TEST, 2, 12, 100);
        let (low, high) = effect.interval.unwrap();
        assert_close(effect.points, -10.0, 1e-9);
        assert_close(low, -17.0, 0.02);
        assert_close(high, -2.60, 0.02);
    }

    #[test]
    fn a_part_counts_by_its_share() {
        let whole = of_difference(TEST, (20, 100), (80, 100)).unwrap();
        let part = of_part(TEST, 0.25, (20, 100), (80, 100)).unwrap();
        assert_close(part.points, whole.points / 4.0, 1e-9);
        assert_close(part.interval.unwrap().0, whole.interval.unwrap().0 / 4.0, 1e-4);
    }
}
