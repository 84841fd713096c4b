//! `ingest.splits`: what the names of files and folders say of splits.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether the layout of the sources gives a split.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Splits {
    /// Files or folders called train, validation (also valid, val, dev, eval) or test give a split, if all of
    /// them are called so and one is train.
    #[default]
    Layout,
    /// Names mean nothing.
    None,
}
