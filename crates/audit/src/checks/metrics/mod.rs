//! Causes in the loss, the metrics and the choice of the reported figure.

pub(crate) mod averages_mixed;
pub(crate) mod batch_averages;
pub(crate) mod chosen_on_test;
pub(crate) mod class_bias;
pub(crate) mod double_softmax;
pub(crate) mod elementwise_accuracy;
pub(crate) mod impossible_figures;
pub(crate) mod logged_figures;
pub(crate) mod loss_mismatch;
pub(crate) mod rows_lost;
pub(crate) mod running_metric;
