//! Causes in the pairing of rows, labels and predictions.

pub(crate) mod confusion_axes;
pub(crate) mod label_spelling;
pub(crate) mod labels_permuted;
pub(crate) mod part_mispaired;
pub(crate) mod placeholders;
pub(crate) mod predictions_shifted;
pub(crate) mod predictions_shuffled;
pub(crate) mod stale_predictions;
