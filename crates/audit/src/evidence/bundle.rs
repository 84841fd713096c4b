//! What running a bundle tells: whether it repeats itself, and what it said when training ended.

use std::path::PathBuf;

use labelproof_settings::Precision;

/// What probes of a bundle gave.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BundleFacts {
    /// Its folder.
    pub path: PathBuf,
    /// What its encoder computes in, which says how much rounding may do.
    pub precision: Precision,
    /// Whether its head was trained, as far as its weights tell.
    pub head: HeadState,
    /// Texts that it keeps with what it said of them; none where somebody else trained the model.
    pub canaries: usize,
    /// Whether it makes the same tokens of them.
    pub tokens_repeated: bool,
    /// Whether it gives them the same scores.
    pub logits_repeated: bool,
    /// Of how many of them the scores differ.
    pub different_canaries: usize,
    /// The largest difference of a score.
    pub largest_logit_difference: f64,
    /// The largest difference of a probability when it is asked twice.
    pub repeat_difference: f64,
    /// The largest difference of a probability between a text alone and the same text padded beside a longer
    /// one.
    pub padding_difference: f64,
    /// Whether the running statistics of its batch normalisation were ever updated; `None` without batch
    /// normalisation.
    pub normalization_updated: Option<bool>,
    /// Some rows of the test file, predicted again.
    pub replay: Option<Replay>,
}

/// Whether a classification head was trained, as far as its weights tell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum HeadState {
    /// It is there, and its weights are not those of an initialisation.
    #[default]
    Trained,
    /// Its last dense layer is as transformers initialises it.
    Initial,
    /// These tensors of it are missing.
    Missing(Vec<String>),
}

/// Rows whose saved predictions were compared with new ones.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Replay {
    /// Rows predicted again.
    pub rows: usize,
    /// Rows that got the saved class.
    pub same_class: usize,
    /// The largest difference of a probability.
    pub largest_difference: f64,
}
