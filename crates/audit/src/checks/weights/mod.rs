//! Causes in the weights and in the state of the model that predicts.

pub mod collapsed;
pub mod dropout_at_prediction;
pub mod export_changed;
pub mod failed_run;
pub mod frozen_encoder_changed;
pub mod normalization_statistics;
pub mod other_checkpoint;
pub mod untrained_head;
