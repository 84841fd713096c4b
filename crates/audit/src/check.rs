//! What a check is.

use crate::evidence::Evidence;
use crate::finding::{Family, Missing, Outcome};

/// A small function from evidence to an answer, with its name in the catalogue.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// Its number in the catalogue, such as `C10`.
    pub id: &'static str,
    /// The cause that it looks for.
    pub name: &'static str,
    /// The family of the cause.
    pub family: Family,
    /// The test; an error names what it lacks.
    pub run: fn(&Evidence) -> Result<Outcome, Missing>,
}

/// The chance of a false alarm, over all checks together, at which a finding that rests on a test is made.
pub const FALSE_ALARMS: f64 = 0.01;

/// A p-value corrected for the number of checks (Bonferroni).
pub fn corrected(p_value: f64) -> f64 {
    (p_value * crate::checks::ALL.len() as f64).min(1.0)
}

/// Whether a p-value is small enough although so many checks are made.
pub fn significant(p_value: f64) -> bool {
    corrected(p_value) < FALSE_ALARMS
}
