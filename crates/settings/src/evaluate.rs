//! What `pipeline.yaml` says about evaluation.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Raised when the same parameters and input would give other figures.
pub const REVISION: u32 = 3;

/// How the figures are made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Params {
    /// Of the bootstrap intervals.
    pub seed: u64,
}

impl Default for Params {
    fn default() -> Self {
        Self { seed: 10 }
    }
}

impl Params {
    /// Everything that is out of range, each with its key: nothing can be.
    pub fn check(&self) -> Vec<String> {
        Vec::new()
    }
}
