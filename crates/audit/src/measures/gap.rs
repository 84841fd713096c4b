//! The gap test: two random parts of the same rows, scored by the same code, must score alike.
//!
//! It comes first, because it says which families of causes can explain what is seen: what hits validation
//! and test alike (hard classes, label noise, a wrong loss) cannot make a gap, and what hits one of them
//! must.

use labelproof_artifact::findings::Gap;
use labelproof_metrics::comparison::two_proportion_z;
use labelproof_metrics::statistics::fisher_exact;

use crate::measures::significance::Significance;

/// Expected hits and misses on each side below which the normal approximation is no evidence.
const FEWEST_EXPECTED: f64 = 5.0;

/// The two-sided normal quantile of one in a thousand.
const Z_ONE_IN_A_THOUSAND: f64 = 3.290_526_731_491_926;

/// Compares validation and test accuracy, given as hits and rows: the two-proportion z test, or Fisher's
/// exact test where there are too few hits or misses for it.
pub fn gap(validation: (u64, u64), test: (u64, u64), significance: Significance) -> Gap {
    let share = |(hits, rows): (u64, u64)| hits as f64 / rows as f64;
    let pooled = share((validation.0 + test.0, validation.1 + test.1));
    let fewer = validation.1.min(test.1) as f64;
    let enough = fewer * pooled.min(1.0 - pooled) >= FEWEST_EXPECTED;
    let z_test = two_proportion_z(validation, test).filter(|_| enough);
    let p_value = match z_test {
        Some(test) => test.p_value,
        None => fisher_exact(validation, test).unwrap_or(1.0),
    };
    let standard_error = (pooled * (1.0 - pooled) * (1.0 / validation.1 as f64 + 1.0 / test.1 as f64)).sqrt();
    Gap {
        validation_hits: validation.0,
        validation_rows: validation.1,
        test_hits: test.0,
        test_rows: test.1,
        points: 100.0 * (share(validation) - share(test)),
        z: z_test.map(|test| test.z),
        p_value,
        chance_points: 100.0 * Z_ONE_IN_A_THOUSAND * standard_error,
        significant: significance.holds(p_value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{case, origin};

    /// The figures of the question that the project began with, worked out by hand: z is 55, and chance
    /// allows 2.3 points (there taken at the test's own variance, here pooled).
    #[test]
    fn the_gap_of_the_origin_case_is_no_chance() {
        let gap = case(&origin()).gap().unwrap().clone();
        assert_eq!(
            (gap.validation_hits, gap.test_hits, gap.test_rows),
            (2905, 4805, 15000)
        );
        assert!((gap.z.unwrap() - 55.0).abs() < 0.5, "z is {:?}", gap.z);
        assert!((gap.points - 50.97).abs() < 0.01);
        assert!(gap.chance_points < 3.1);
        assert!(gap.significant);
    }

    #[test]
    fn few_mistakes_are_judged_exactly() {
        // 0 of 20 wrong against 3 of 30: SciPy's fisher_exact([[20, 0], [27, 3]]) gives 0.2663.
        let gap = gap((20, 20), (27, 30), Significance::of(1));
        assert_eq!(gap.z, None);
        assert!(!gap.significant);
        assert!((gap.p_value - 0.2663).abs() < 1e-3, "{}", gap.p_value);
    }
}
