//! The correction for many tests: at which p-value a finding is made although so many hypotheses are tested.

/// The chance of a false alarm, over all tests of an audit together, at which a finding that rests on a test
/// is made.
pub const FALSE_ALARMS: f64 = 0.01;

/// The number of hypotheses that an audit tests, and what follows for the p-value of each.
///
/// The correction is Bonferroni's: with `m` tests, `p` becomes `min(1, m p)`, which holds the chance of one
/// false alarm or more (the family-wise error rate) at [`FALSE_ALARMS`] however the tests depend on each
/// other (Dunn 1961, "Multiple Comparisons among Means"). The step-down method of Holm (1979) rejects more,
/// but needs every p-value before it judges the first; here one judgement decides whether another check
/// stands back.
///
/// `m` must not depend on what the tests find. It is the number of checks of the catalogue that declare a
/// p-value and whose needs the evidence meets, and one for the gap between validation and test where both
/// accuracies are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Significance {
    tests: usize,
}

impl Significance {
    /// The correction for so many tests; at least one.
    pub fn of(tests: usize) -> Self {
        Self { tests: tests.max(1) }
    }

    /// The number of tests.
    pub fn tests(self) -> usize {
        self.tests
    }

    /// The p-value of one test, corrected for the number of all tests.
    pub fn corrected(self, p_value: f64) -> f64 {
        (p_value * self.tests as f64).min(1.0)
    }

    /// Whether a p-value is small enough although so many tests are made.
    pub fn holds(self, p_value: f64) -> bool {
        self.corrected(p_value) < FALSE_ALARMS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::assert_close;

    #[test]
    fn a_p_value_is_multiplied_by_the_number_of_tests_and_stays_a_probability() {
        let significance = Significance::of(20);
        assert_close(significance.corrected(1e-4), 2e-3, 1e-15);
        assert_close(significance.corrected(0.5), 1.0, 1e-15);
        assert!(significance.holds(4.9e-4) && !significance.holds(5.1e-4));
        assert!(Significance::of(0).holds(0.0099));
    }
}
