//! Causes in the pairing of rows, labels and predictions.

pub mod confusion_axes;
pub mod label_spelling;
pub mod labels_permuted;
pub mod part_mispaired;
pub mod predictions_shifted;
pub mod predictions_shuffled;
pub mod stale_predictions;
