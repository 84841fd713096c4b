//! The preparation of texts: the cleaning steps and the longest input of preprocess, which the bundle repeats
//! at prediction.

use serde::{Deserialize, Serialize};

use crate::cleaning::Step;
use crate::windows::Windows;

/// The cleaning steps and the longest input. Preprocess writes it, training reads it and puts it into the
/// bundle.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preparation {
    /// Applied to a text before tokenising, in order.
    pub clean: Vec<Step>,
    /// Longest input in tokens, special ones included.
    pub max_tokens: usize,
    /// How texts longer than one window are read, where they are not read at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub windows: Option<Windows>,
}
