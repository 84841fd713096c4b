//! Causes in the step from scores to a class.

pub mod calibration;
pub mod stored_predictions;
