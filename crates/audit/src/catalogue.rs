//! What a check is, and what each of them answered.

use std::sync::OnceLock;

use crate::answer::finding::{Family, Missing, Outcome, Severity};
use crate::evidence::Evidence;

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

/// What each check of the list answered, once it was asked.
#[derive(Debug)]
pub(crate) struct Answers([OnceLock<Result<Outcome, Missing>>; crate::checks::ALL.len()]);

impl Default for Answers {
    fn default() -> Self {
        Self([const { OnceLock::new() }; crate::checks::ALL.len()])
    }
}

impl Evidence {
    /// The answer of a check of the list. It is made once, also where other checks stand back for what this one finds:
    /// they ask here, and never in a circle.
    pub(crate) fn answer(&self, check: &Check) -> &Result<Outcome, Missing> {
        let place = crate::checks::ALL.iter().position(|each| each.id == check.id);
        let place = place.expect("every check is in the list");
        self.answers.0[place].get_or_init(|| (check.run)(self))
    }

    /// Whether a check of the list finds its cause.
    pub(crate) fn finds(&self, check: &Check) -> bool {
        self.finds_at_least(check, Severity::Note)
    }

    /// Whether a check of the list finds its cause, and calls it this bad or worse.
    pub(crate) fn finds_at_least(&self, check: &Check, severity: Severity) -> bool {
        matches!(self.answer(check), Ok(Outcome::Found(found)) if found.severity >= severity)
    }
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
