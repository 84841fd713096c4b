//! What a check says: its cause is found, or it is not there as far as the data tell.

use std::collections::BTreeMap;

use serde_json::Value;

use super::effect::Effect;
pub use labelproof_artifact::findings::{Confidence, Family, Severity};

/// A cause that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnosis {
    /// How bad it is.
    pub severity: Severity,
    /// How sure it is.
    pub confidence: Confidence,
    /// What was found, in one to three sentences for somebody who trained one model in their life.
    pub summary: String,
    /// How far it moves a figure, where that can be said.
    pub effect: Option<Effect>,
    /// What to do, as an order: "Shuffle before you split."
    pub fix: String,
    /// A command, or a small experiment, that proves or disproves it.
    pub confirm: String,
    /// What was measured.
    pub measured: Measured,
}

/// The numbers behind an answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Measured {
    /// The name of the statistic and its value.
    pub statistic: Option<(&'static str, f64)>,
    /// Of the statistic, before any correction.
    pub p_value: Option<f64>,
    /// Everything else: numbers, row ids, the permutation, the lag, the words.
    pub evidence: BTreeMap<&'static str, Value>,
}

impl Measured {
    /// Nothing measured yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// With a statistic.
    pub fn statistic(mut self, name: &'static str, value: f64) -> Self {
        self.statistic = Some((name, value));
        self
    }

    /// With the uncorrected p-value of the statistic.
    pub fn p_value(mut self, p_value: f64) -> Self {
        self.p_value = Some(p_value);
        self
    }

    /// With one more piece of evidence.
    pub fn with(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        self.evidence.insert(key, value.into());
        self
    }
}

/// The answer of a check that had what it needs.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The cause is there.
    Found(Box<Diagnosis>),
    /// It is not, as far as the data tell.
    Clear {
        /// What was looked at, in one sentence.
        summary: String,
        /// What was measured.
        measured: Measured,
    },
}

impl Answer {
    /// The cause is not there; `summary` says what was looked at.
    pub fn clear(summary: impl Into<String>, measured: Measured) -> Self {
        Self::Clear {
            summary: summary.into(),
            measured,
        }
    }

    /// The numbers behind the answer.
    pub fn measured(&self) -> &Measured {
        match self {
            Self::Found(diagnosis) => &diagnosis.measured,
            Self::Clear { measured, .. } => measured,
        }
    }
}

impl From<Diagnosis> for Answer {
    fn from(found: Diagnosis) -> Self {
        Self::Found(Box::new(found))
    }
}
