//! Causes in the step from scores to a class.

pub(crate) mod calibration;
pub(crate) mod stored_predictions;
