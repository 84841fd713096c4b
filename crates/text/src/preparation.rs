//! The preparation of texts: the cleaning steps and the longest input of preprocess, which the bundle repeats
//! at prediction.

use serde::{Deserialize, Serialize};

use crate::cleaning::Step;

/// The cleaning steps and the longest input. Preprocess writes it, training reads it and puts it into the
/// bundle.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preparation {
    /// Applied to a text before tokenising, in order.
    pub clean: Vec<Step>,
    /// Longest input in tokens, special ones included.
    pub max_tokens: usize,
}
