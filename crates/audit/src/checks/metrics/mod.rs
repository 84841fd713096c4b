//! Causes in the loss, the metrics and the choice of the reported figure.

pub mod averages_mixed;
pub mod batch_averages;
pub mod chosen_on_test;
pub mod class_bias;
pub mod double_softmax;
pub mod elementwise_accuracy;
pub mod loss_mismatch;
pub mod rows_lost;
pub mod running_metric;
