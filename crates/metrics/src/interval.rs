//! Confidence intervals of metrics, by the number of rows that they were computed from.
//!
//! Two kinds of 95 % interval: Wilson's for shares of independent rows, and the percentile bootstrap for
//! everything else. Both describe the chance of drawing these rows and not others; neither knows about leaks,
//! duplicates or a shift of the data, so a narrow interval is no proof of a sound evaluation.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// A value and its 95 % interval.
///
/// `None` is "does not exist for these rows", such as the ROC AUC of a class that is absent. A value may
/// exist without an interval (no resamples were asked for, or a convention gives the value) but not the other
/// way round.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Estimate {
    /// The metric on the rows themselves.
    pub value: Option<f64>,
    /// The lower end of the interval.
    pub low: Option<f64>,
    /// The upper end of the interval.
    pub high: Option<f64>,
}

impl Estimate {
    /// The estimate of a metric that does not exist.
    pub const UNDEFINED: Self = Self {
        value: None,
        low: None,
        high: None,
    };

    /// A value, and its percentile interval over resamples.
    ///
    /// A resample may lose every row of a rare class, and with it the metric; such resamples are left out.
    /// Where they are half or more of all, there is no interval: it would describe the lucky resamples only.
    pub(crate) fn from_resamples(value: Option<f64>, resampled: impl Iterator<Item = Option<f64>>) -> Self {
        let mut defined = Vec::new();
        let mut resamples = 0_usize;
        for resample in resampled {
            resamples += 1;
            defined.extend(resample);
        }
        let (Some(_), true) = (value, defined.len() * 2 > resamples) else {
            return Self {
                value,
                low: None,
                high: None,
            };
        };
        let interval = percentile_interval(&mut defined);
        Self {
            value,
            low: interval.map(|(low, _)| low),
            high: interval.map(|(_, high)| high),
        }
    }
}

/// The 97.5th percentile of the normal distribution: 2.5 % lie above it and 2.5 % below its negative.
const NORMAL_QUANTILE: f64 = 1.959_963_984_540_054;

/// A share of independent rows with Wilson's 95 % score interval (Wilson 1927, without continuity
/// correction): `(p + z²/2n ± z·√(p(1−p)/n + z²/4n²)) / (1 + z²/n)`.
///
/// Undefined for zero trials, and for more successes than trials. Chosen over `p ± z·√(p(1−p)/n)` because
/// that one has no width at 0 % and 100 %, where good classifiers live (Brown, Cai & DasGupta 2001).
pub fn wilson(successes: u64, trials: u64) -> Estimate {
    if trials == 0 || successes > trials {
        return Estimate::UNDEFINED;
    }
    let count = trials as f64;
    let share = successes as f64 / count;
    let square = NORMAL_QUANTILE * NORMAL_QUANTILE;
    let centre = share + square / (2.0 * count);
    let reach = NORMAL_QUANTILE * (share * (1.0 - share) / count + square / (4.0 * count * count)).sqrt();
    let scale = 1.0 + square / count;
    // At the ends the formula gives exactly 0 or 1; rounding would not.
    let low = if successes == 0 {
        0.0
    } else {
        (centre - reach) / scale
    };
    let high = if successes == trials {
        1.0
    } else {
        (centre + reach) / scale
    };
    Estimate {
        value: Some(share),
        low: Some(low),
        high: Some(high),
    }
}

/// The 2.5th and 97.5th percentile, between two values by linear interpolation as `numpy.percentile`. `None`
/// for no values. Sorts the values.
pub fn percentile_interval(values: &mut [f64]) -> Option<(f64, f64)> {
    values.sort_unstable_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    let at = |per_mille: usize| {
        // Exact in integers: which two values the percentile lies between, and how far.
        let place = last * per_mille;
        let (below, rest) = (values[place / 1000], place % 1000);
        let above = values[(place / 1000 + 1).min(last)];
        below + (above - below) * (rest as f64 / 1000.0)
    };
    Some((at(25), at(975)))
}

/// The resamples that a bootstrap draws (Efron 1979): each draws as many rows as there are, with replacement.
///
/// The same seed gives the same intervals on every machine and with any number of threads: resample `i` reads
/// stream `i` of a ChaCha generator, whichever thread works on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bootstrap {
    /// The seed that the resamples are drawn with.
    pub seed: u64,
    /// The number of resamples; 0 for no intervals.
    pub resamples: usize,
}

impl Bootstrap {
    /// What a percentile interval ordinarily wants: at 1000 resamples 25 values lie beyond each end, and the
    /// ends repeat to about a tenth of the width of the interval (Efron & Tibshirani 1993, section 13).
    const ORDINARY: usize = 1000;

    /// With fewer, the 2.5th percentile would be the second smallest value or less, and the interval mostly
    /// luck.
    const FEWEST: usize = 100;

    /// How many scores may be walked over in all. Measured on two shared cores, that is two to ten seconds: 5
    /// ns a score while the rows fit the processor's cache, 35 ns when each step of the walk waits for
    /// memory.
    const BUDGET: usize = 300_000_000;

    /// As many resamples as the size of the data allows: 1000 for up to 300,000 scores (rows times classes),
    /// then fewer, so that the time stays the same, and from 3,000,000 scores on 100.
    ///
    /// Little is lost by it: so many rows make the interval so narrow that its ends matter less, too. The
    /// number depends on nothing else, so that the same data gets the same intervals everywhere.
    pub fn for_rows(seed: u64, rows: usize, classes: usize) -> Self {
        let scores = rows.saturating_mul(classes).max(1);
        Self {
            seed,
            resamples: (Self::BUDGET / scores).clamp(Self::FEWEST, Self::ORDINARY),
        }
    }

    /// A statistic of each resample, in the order of the resamples.
    ///
    /// The statistic is handed how many times each row was drawn. Nothing is drawn from zero rows.
    pub fn resample<T: Send>(&self, rows: u32, statistic: impl Fn(&[u32]) -> T + Sync) -> Vec<T> {
        if rows == 0 {
            return Vec::new();
        }
        (0..self.resamples)
            .into_par_iter()
            .map_init(Vec::new, |counts, resample| {
                self.draw(resample as u64, rows, counts);
                statistic(counts)
            })
            .collect()
    }

    fn draw(&self, resample: u64, rows: u32, counts: &mut Vec<u32>) {
        counts.clear();
        counts.resize(rows as usize, 0);
        // ChaCha with 8 rounds: far more than statistics need, and the fastest of the family.
        let mut generator = ChaCha8Rng::seed_from_u64(self.seed);
        generator.set_stream(resample);
        for _ in 0..rows {
            // The high half of a product maps 2^64 values to `rows` rows; no row's chance is off by more than
            // 2^-32 of itself, far below what any number of resamples could show, so nothing is drawn again.
            let row = (u128::from(generator.next_u64()) * u128::from(rows)) >> 64;
            counts[usize::try_from(row).expect("the high half is below `rows`, a u32")] += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilson_of_nothing_is_undefined() {
        assert_eq!(wilson(0, 0), Estimate::UNDEFINED);
        assert_eq!(wilson(3, 2), Estimate::UNDEFINED);
    }

    #[test]
    fn wilson_ends_are_exact() {
        assert_eq!(wilson(0, 7).low, Some(0.0));
        assert_eq!(wilson(7, 7).high, Some(1.0));
        assert!(wilson(7, 7).low.unwrap() < 1.0);
    }

    #[test]
    fn percentiles_of_few_values() {
        assert_eq!(percentile_interval(&mut []), None);
        assert_eq!(percentile_interval(&mut [3.0]), Some((3.0, 3.0)));
        let (low, high) = percentile_interval(&mut [10.0, 0.0]).unwrap();
        assert!((low - 0.25).abs() < 1e-12 && (high - 9.75).abs() < 1e-12);
    }

    #[test]
    fn large_data_gets_fewer_resamples() {
        let resamples = |rows, classes| Bootstrap::for_rows(1, rows, classes).resamples;
        assert_eq!(resamples(0, 0), 1000);
        assert_eq!(resamples(15_000, 5), 1000);
        assert_eq!(resamples(300_000, 1), 1000);
        assert_eq!(resamples(120_000, 5), 500);
        assert_eq!(resamples(10_000_000, 50), 100);
        assert_eq!(resamples(usize::MAX, 2), 100);
    }

    #[test]
    fn a_resample_draws_as_many_rows_as_there_are() {
        let drawn = Bootstrap {
            seed: 3,
            resamples: 50,
        }
        .resample(40, <[u32]>::to_vec);
        assert_eq!(drawn.len(), 50);
        assert!(
            drawn
                .iter()
                .all(|counts| counts.len() == 40 && counts.iter().sum::<u32>() == 40)
        );
        assert!(drawn.windows(2).all(|pair| pair[0] != pair[1]));
        assert_eq!(
            Bootstrap {
                seed: 3,
                resamples: 50
            }
            .resample(0, <[u32]>::to_vec),
            Vec::<Vec<u32>>::new()
        );
    }

    #[test]
    fn more_resamples_begin_with_the_same_ones() {
        let draw = |resamples| Bootstrap { seed: 9, resamples }.resample(25, <[u32]>::to_vec);
        assert_eq!(draw(60)[..20], draw(20));
    }

    #[test]
    fn every_row_is_drawn_equally_often() {
        let rows = 10_u32;
        let drawn = Bootstrap {
            seed: 5,
            resamples: 20_000,
        }
        .resample(rows, <[u32]>::to_vec);
        for row in 0..rows as usize {
            let total: u32 = drawn.iter().map(|counts| counts[row]).sum();
            // 20,000 expected; the standard deviation is 134.
            assert!(total.abs_diff(20_000) < 600, "row {row}: {total}");
        }
    }

    /// The interval must hold the truth about as often as it says. 400 data sets of 120 rows with a known
    /// mean.
    #[test]
    fn ninety_five_percent_of_intervals_hold_the_truth() {
        let rows = 120_u32;
        let mut held = 0;
        for data_set in 0..400_u64 {
            let mut generator = ChaCha8Rng::seed_from_u64(1_000 + data_set);
            let values: Vec<f64> = (0..rows)
                .map(|_| f64::from(generator.next_u32()) / f64::from(u32::MAX))
                .collect();
            let mut means = Bootstrap {
                seed: data_set,
                resamples: 400,
            }
            .resample(rows, |counts| {
                counts
                    .iter()
                    .zip(&values)
                    .map(|(&count, value)| f64::from(count) * value)
                    .sum::<f64>()
                    / f64::from(rows)
            });
            let (low, high) = percentile_interval(&mut means).unwrap();
            held += u32::from(low <= 0.5 && 0.5 <= high);
        }
        // 380 expected; the standard deviation is 4.4.
        assert!((360..=396).contains(&held), "{held} of 400");
    }

    #[test]
    fn a_metric_lost_in_most_resamples_has_no_interval() {
        let resampled = |lost: usize| (0..10).map(move |at| (at >= lost).then_some(0.5));
        assert_eq!(Estimate::from_resamples(Some(0.5), resampled(4)).low, Some(0.5));
        assert_eq!(Estimate::from_resamples(Some(0.5), resampled(5)).low, None);
        assert_eq!(Estimate::from_resamples(None, resampled(0)), Estimate::UNDEFINED);
        assert_eq!(Estimate::from_resamples(Some(0.5), std::iter::empty()).high, None);
    }
}
