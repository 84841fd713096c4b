//! What a check is: a row of the catalogue.

use crate::answer::finding::{Answer, Family};
use crate::case::Case;
use crate::cause::Cause;
use crate::evidence::{Evidence, Missing, Need};

/// Sets of needs, of which one complete set is enough.
pub type Needs = &'static [&'static [Need]];

/// A cause, and the test for it.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// The cause that it looks for.
    pub cause: Cause,
    /// Its number, such as `C10`.
    pub id: &'static str,
    /// The cause in words.
    pub name: &'static str,
    /// The family of the cause.
    pub family: Family,
    /// What it needs to answer at all. It may still lack something that only shows in the rows, such as their
    /// number.
    pub needs: Needs,
    /// Whether it tests a hypothesis, so that it has a p-value and counts in the correction for many tests.
    pub tests: Tests,
    /// The causes that explain the same signs better: it asks for them, and stands back where they are found.
    pub yields_to: &'static [Cause],
    /// The test; an error names what it lacks.
    pub run: fn(&Case<'_>) -> Result<Answer, Missing>,
    /// What people should know of the cause: the comment at the head of the check's file, as Markdown lines
    /// that begin with `//!`. [`Check::page`] reads it.
    pub(crate) head: &'static str,
}

/// When a check has a p-value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tests {
    /// Never: it counts, compares or recomputes.
    Never,
    /// Whenever it answers.
    Always,
    /// Where the evidence has more than what it needs to answer.
    Given(Needs),
    /// It judges by the gap between validation and test, whose test counts once, for all such checks.
    OfTheGap,
}

impl Check {
    /// Whether the evidence has what the check needs.
    pub fn can_run(&self, evidence: &Evidence) -> bool {
        met(self.needs, evidence)
    }

    /// Whether the check tests a hypothesis on this evidence.
    pub fn tests_on(&self, evidence: &Evidence) -> bool {
        self.can_run(evidence)
            && match self.tests {
                Tests::Never | Tests::OfTheGap => false,
                Tests::Always => true,
                Tests::Given(needs) => met(needs, evidence),
            }
    }

    /// What people should know of the cause, as Markdown.
    pub fn page(&self) -> String {
        let lines = self.head.lines().map(|line| {
            let text = line.strip_prefix("//!").unwrap_or(line);
            text.strip_prefix(' ').unwrap_or(text)
        });
        lines.map(|line| format!("{line}\n")).collect()
    }
}

/// Whether one of the sets is complete.
pub(crate) fn met(needs: Needs, evidence: &Evidence) -> bool {
    needs.iter().any(|set| set.iter().all(|need| evidence.has(*need)))
}
