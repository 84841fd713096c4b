//! What is wrong with what an engine hands to a step.

use labelproof_artifact::{Advice, Diagnostic, Fault};

use crate::Step;

/// A context is none of the step's.
#[derive(Debug, thiserror::Error)]
#[error("the context of the step: {problem}")]
pub struct BadContext {
    /// What is wrong with it.
    pub problem: String,
}

impl Diagnostic for BadContext {
    fn advice(&self) -> Advice {
        Fault::Configuration.hint("docs/cluster.md lists the keys that each step needs")
    }
}

/// No step has the name.
#[derive(Debug, thiserror::Error)]
#[error("no step is called `{name}`")]
pub struct UnknownStep {
    /// The name.
    pub name: String,
}

impl Diagnostic for UnknownStep {
    fn advice(&self) -> Advice {
        let names: Vec<&str> = Step::ALL.into_iter().map(Step::name).collect();
        Fault::Configuration.hint(format!("the steps are: {}, predict", names.join(", ")))
    }
}

/// Who gives the rows of a step failed.
#[derive(Debug, thiserror::Error)]
#[error("the rows of the step broke off: {problem}")]
pub struct BrokenInput {
    /// What the engine says.
    pub problem: String,
}

impl Diagnostic for BrokenInput {
    fn advice(&self) -> Advice {
        Fault::Environment.hint("the engine's own log says why; a task that is run again reads them anew")
    }
}

/// Batches are none of the step's, or not in its order.
#[derive(Debug, thiserror::Error)]
#[error("the rows of the step: {problem}")]
pub struct BadInput {
    /// What is wrong with them.
    pub problem: String,
}

impl Diagnostic for BadInput {
    fn advice(&self) -> Advice {
        Fault::Configuration
            .hint("docs/cluster.md lists the columns of each step, and the order that it needs")
    }
}
