//! The gap test: two random parts of the same rows, scored by the same code, must score alike.
//!
//! It comes first, because it says which families of causes can explain what is seen: what hits validation
//! and test alike (hard classes, label noise, a wrong loss) cannot make a gap, and what hits one of them
//! must.

use labelproof_artifact::findings::Gap;
use labelproof_metrics::comparison::{two_proportion_z, two_sided_normal};
use labelproof_metrics::statistics::fisher_exact;

use crate::measures::significance::Significance;

/// Expected hits and misses on each side below which the normal approximation is no evidence.
const FEWEST_EXPECTED: f64 = 5.0;

/// The chance that two random parts are further apart than [`Gap::chance_points`].
const ONE_IN_A_THOUSAND: f64 = 0.001;

/// Compares validation and test accuracy, given as hits and rows: the two-proportion z test, or Fisher's
/// exact test where there are too few hits or misses for it.
///
/// `looks` epochs were looked at by the validation rows, which chose the best of them; 1 where none was chosen. The
/// chance that validation is so far above test is then at most the sum of that of each epoch (Bonferroni),
/// whatever the epochs have in common and whatever chose among them: one tail of the test counts `looks`
/// times.
pub fn gap(validation: (u64, u64), test: (u64, u64), looks: u64, significance: Significance) -> Gap {
    let share = |(hits, rows): (u64, u64)| hits as f64 / rows as f64;
    let pooled = share((validation.0 + test.0, validation.1 + test.1));
    let fewer = validation.1.min(test.1) as f64;
    let enough = fewer * pooled.min(1.0 - pooled) >= FEWEST_EXPECTED;
    let z_test = two_proportion_z(validation, test).filter(|_| enough);
    let p_value = match z_test {
        Some(test) => test.p_value,
        None => fisher_exact(validation, test).unwrap_or(1.0),
    };
    let points = 100.0 * (share(validation) - share(test));
    // A choice among epochs makes validation better, and never worse.
    let tails = if points > 0.0 {
        f64::midpoint(looks.max(1) as f64, 1.0)
    } else {
        1.0
    };
    let significant = significance.holds((tails * p_value).min(1.0));
    let standard_error = (pooled * (1.0 - pooled) * (1.0 / validation.1 as f64 + 1.0 / test.1 as f64)).sqrt();
    Gap {
        validation_hits: validation.0,
        validation_rows: validation.1,
        is_of_fewest: false,
        is_test_of_fewest: false,
        test_hits: test.0,
        test_rows: test.1,
        points,
        z: z_test.map(|test| test.z),
        p_value,
        looks: looks.max(1),
        chance_points: 100.0 * two_sided_quantile(ONE_IN_A_THOUSAND / tails) * standard_error,
        significant,
        of_choice: !significant && significance.holds(p_value),
    }
}

/// The `z` that a normal number lies beyond, on either side, with this chance.
fn two_sided_quantile(chance: f64) -> f64 {
    const FURTHEST: f64 = 40.0;
    let (mut low, mut high) = (0.0, FURTHEST);
    for _ in 0..100 {
        let middle = f64::midpoint(low, high);
        if two_sided_normal(middle) > chance {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
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
        let gap = gap((20, 20), (27, 30), 1, Significance::of(1));
        assert_eq!(gap.z, None);
        assert!(!gap.significant);
        assert!((gap.p_value - 0.2663).abs() < 1e-3, "{}", gap.p_value);
    }

    /// 480 of 532 validation rows and 1,931 of 2,280 test rows: SciPy's `norm` gives z = 3.28615 and p =
    /// 0.00101566; of the best of 15 epochs 8 times that, and for 0.001 / 8 the quantile 3.83611 in place of
    /// 3.29053.
    #[test]
    fn the_best_of_many_epochs_may_be_further_above_test() {
        let of = |looks, significance| gap((480, 532), (1931, 2280), looks, significance);
        let one = of(1, Significance::of(5));
        assert!((one.z.unwrap() - 3.28615).abs() < 1e-5, "z is {:?}", one.z);
        assert!((one.p_value - 0.001_015_66).abs() < 1e-8, "{}", one.p_value);
        assert!(one.significant && !one.of_choice);
        let chosen = of(15, Significance::of(5));
        assert!(!chosen.significant && chosen.of_choice);
        let wider = chosen.chance_points / one.chance_points;
        assert!((wider - 3.83611 / 3.29053).abs() < 1e-5, "{wider}");
        // Neither by one epoch nor by fifteen, where more hypotheses are tested.
        let many = of(15, Significance::of(20));
        assert!(!many.significant && !many.of_choice);
        // Where test is above validation no choice explains it.
        let below = gap((1931, 2280), (480, 532), 15, Significance::of(5));
        assert!(below.significant && !below.of_choice);
        assert!((below.chance_points - one.chance_points).abs() < 1e-9);
    }
}
