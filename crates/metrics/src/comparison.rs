//! Tests of whether two results differ by more than chance.
//!
//! Two classifiers on the same rows are compared with [`mcnemar`], two shares of different rows with
//! [`two_proportion_z`]. The correction for several comparisons is the caller's responsibility.

use serde::{Deserialize, Serialize};

use crate::Error;

/// An exact McNemar test of two classifiers on the same rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct McNemar {
    /// Rows that only the first classifier gets right.
    pub only_first: u64,
    /// Rows that only the second classifier gets right.
    pub only_second: u64,
    /// The chance of a split at least this uneven if both were equally good.
    pub p_value: f64,
}

/// Which of two classifiers is better, as far as a test on their rows can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// The first classifier.
    First,
    /// The second classifier.
    Second,
    /// The difference is no larger than chance explains.
    Neither,
}

impl McNemar {
    /// The level of significance below which a difference counts as real. Where more than one comparison is
    /// made, the p-value has to be corrected before.
    pub const SIGNIFICANCE_LEVEL: f64 = 0.05;

    /// The better classifier at the level of significance.
    pub fn better(self) -> Better {
        if self.p_value >= Self::SIGNIFICANCE_LEVEL {
            Better::Neither
        } else if self.only_first > self.only_second {
            Better::First
        } else {
            Better::Second
        }
    }
}

/// Compares two classifiers by the rows that only one of them gets right; entry `i` of both says whether row
/// `i` was.
pub fn mcnemar(first_hits: &[bool], second_hits: &[bool]) -> Result<McNemar, Error> {
    if first_hits.len() != second_hits.len() {
        return Err(Error::Length {
            what: "rows from the second classifier",
            expected: first_hits.len(),
            found: second_hits.len(),
        });
    }
    let only = |wanted: (bool, bool)| {
        first_hits
            .iter()
            .zip(second_hits)
            .filter(|&(&first, &second)| (first, second) == wanted)
            .count() as u64
    };
    Ok(mcnemar_from_counts(only((true, false)), only((false, true))))
}

/// The same from the two counts of discordant rows.
///
/// Two-sided exact binomial test (McNemar 1947; the exact form in Agresti, "Categorical Data Analysis",
/// section 10.1): with `n = only_first + only_second` and `m` the smaller of them, `p = min(1, 2 · Σ_{k=0..m}
/// C(n, k) / 2^n)`, and 1 without discordant rows. Exact, because the usual chi-squared approximation fails
/// for the few discordant rows of two good classifiers.
pub fn mcnemar_from_counts(only_first: u64, only_second: u64) -> McNemar {
    let rows = only_first.saturating_add(only_second);
    let smaller = only_first.min(only_second);
    let p_value = if only_first == only_second {
        1.0
    } else {
        (2.0 * lower_tail(rows, smaller)).min(1.0)
    };
    McNemar {
        only_first,
        only_second,
        p_value,
    }
}

/// `Σ_{k=0..most} C(trials, k) / 2^trials`, for `most` below half of `trials`.
fn lower_tail(trials: u64, most: u64) -> f64 {
    // The largest term first, as a logarithm since 2^-trials soon leaves the range of f64. Terms are summed
    // with their rounding errors (Neumaier), or a long sum would cost digits of the p-value.
    let mut logarithm = 0.0_f64;
    let mut lost = 0.0_f64;
    let mut add = |term: f64| {
        let sum = logarithm + term;
        lost += if logarithm.abs() >= term.abs() {
            (logarithm - sum) + term
        } else {
            (term - sum) + logarithm
        };
        logarithm = sum;
    };
    for factor in 1..=most {
        add(((trials - most + factor) as f64 / factor as f64).ln());
    }
    add(-(trials as f64) * std::f64::consts::LN_2);
    let largest = (logarithm + lost).exp();
    // From there down: C(n, k - 1) = C(n, k) · k / (n - k + 1), until nothing more is added.
    let (mut sum, mut term) = (1.0_f64, 1.0_f64);
    for successes in (1..=most).rev() {
        term *= successes as f64 / (trials - successes + 1) as f64;
        sum += term;
        if term < sum * 1e-18 {
            break;
        }
    }
    largest * sum
}

/// A test of whether two shares of different rows are equal.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TwoProportions {
    /// The first share minus the second.
    pub difference: f64,
    /// The difference in standard errors.
    pub z: f64,
    /// The chance of a difference at least this large, to either side, if the shares were equal.
    pub p_value: f64,
}

/// Two-proportion z test with pooled variance, two-sided: with `p` the share of both together, `z = (p₁ − p₂)
/// / √(p(1−p)(1/n₁ + 1/n₂))`, as `statsmodels.stats.proportion.proportions_ztest`.
///
/// Each pair is successes and trials. `None` where the test does not exist: zero trials, more successes than
/// trials, or both shares 0 or both 1. Normal approximation: do not trust it below about five successes and
/// five failures on each side.
pub fn two_proportion_z(first: (u64, u64), second: (u64, u64)) -> Option<TwoProportions> {
    let share = |(successes, trials): (u64, u64)| {
        (trials > 0 && successes <= trials).then(|| successes as f64 / trials as f64)
    };
    let difference = share(first)? - share(second)?;
    let (first_trials, second_trials) = (first.1 as f64, second.1 as f64);
    let pooled = (first.0 as f64 + second.0 as f64) / (first_trials + second_trials);
    let variance = pooled * (1.0 - pooled) * (1.0 / first_trials + 1.0 / second_trials);
    (variance > 0.0).then(|| {
        let z = difference / variance.sqrt();
        TwoProportions {
            difference,
            z,
            p_value: two_sided_normal(z),
        }
    })
}

/// The chance that a standard normal variable is at least this far from 0: `erfc(|z| / √2)`.
pub fn two_sided_normal(z: f64) -> f64 {
    complementary_error_function(z.abs() / std::f64::consts::SQRT_2)
}

/// `erfc(x) = 2/√π · ∫_x^∞ exp(−t²) dt` for `x` of 0 or more.
fn complementary_error_function(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    if x < 2.0 {
        // Abramowitz & Stegun 7.1.6: erf(x) = 2/√π · exp(−x²) · Σ 2^k x^(2k+1) / (1·3·…·(2k+1)). All terms
        // are positive, so nothing cancels but in the last step, which costs less than three digits below 2.
        let (mut term, mut sum, mut divisor) = (x, x, 1.0);
        while term > sum * 1e-17 {
            divisor += 2.0;
            term *= 2.0 * x * x / divisor;
            sum += term;
        }
        return 1.0 - std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp() * sum;
    }
    // Abramowitz & Stegun 7.1.14: √π · exp(x²) · erfc(x) = 1/(x + (1/2)/(x + (2/2)/(x + (3/2)/(x + …)))).
    // From 2 on 100 levels are more than f64 can tell apart; evaluated from the innermost out.
    let fraction = (1..=100)
        .rev()
        .fold(x, |inner, level| x + f64::from(level) / 2.0 / inner);
    (-x * x).exp() * std::f64::consts::FRAC_2_SQRT_PI / 2.0 / fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn discordant_rows_are_counted_by_side() {
        let first = [true, true, false, true, false, true];
        let second = [true, false, true, false, false, false];
        let test = mcnemar(&first, &second).unwrap();
        assert_eq!((test.only_first, test.only_second), (3, 1));
        // 2 · (C(4,0) + C(4,1)) / 16.
        assert!((test.p_value - 0.625).abs() < 1e-15);
    }

    #[test]
    fn the_better_one_is_beyond_chance() {
        // 2 / 2^5 is above the level, 2 / 2^6 below it.
        assert_eq!(mcnemar_from_counts(5, 0).better(), Better::Neither);
        assert_eq!(mcnemar_from_counts(6, 0).better(), Better::First);
        assert_eq!(mcnemar_from_counts(0, 6).better(), Better::Second);
    }

    #[test]
    fn rows_must_be_the_same() {
        let problem = mcnemar(&[true], &[true, false]).unwrap_err();
        assert_eq!(
            problem.to_string(),
            "expected 1 rows from the second classifier, found 2"
        );
    }

    #[test]
    fn equal_classifiers_do_not_differ() {
        let alike = McNemar {
            only_first: 0,
            only_second: 0,
            p_value: 1.0,
        };
        assert_eq!(mcnemar(&[true, false], &[true, false]), Ok(alike));
        assert_eq!(mcnemar(&[], &[]), Ok(alike));
    }

    #[test]
    fn tests_that_do_not_exist() {
        assert_eq!(two_proportion_z((0, 0), (1, 2)), None);
        assert_eq!(two_proportion_z((3, 2), (1, 2)), None);
        assert_eq!(two_proportion_z((5, 5), (7, 7)), None);
        assert_eq!(two_proportion_z((0, 5), (0, 7)), None);
    }

    /// The two formulas meet at 2 and must agree there.
    #[test]
    fn the_error_function_has_no_step() {
        let (below, above) = (2.0_f64.next_down(), 2.0);
        let ratio = complementary_error_function(below) / complementary_error_function(above);
        assert!((ratio - 1.0).abs() < 1e-12, "{ratio}");
    }
}
