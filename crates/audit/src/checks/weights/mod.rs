//! Causes in the weights and in the state of the model that predicts.

pub(crate) mod collapsed;
pub(crate) mod dropout_at_prediction;
pub(crate) mod export_changed;
pub(crate) mod failed_run;
pub(crate) mod frozen_encoder_changed;
pub(crate) mod normalization_statistics;
pub(crate) mod other_checkpoint;
pub(crate) mod untrained_head;
