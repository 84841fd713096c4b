//! Measures that checks share: pure functions of rows, texts, scores and logs. They judge nothing; what a
//! number means for a cause is the business of the cause's check.

pub mod ablation;
pub mod baseline;
pub(crate) mod class_counts;
pub(crate) mod comparison;
pub mod domain_words;
pub mod gap;
pub mod label_noise;
pub(crate) mod length_dependence;
pub(crate) mod length_slices;
pub(crate) mod logged_metrics;
pub(crate) mod loss;
pub mod overlap;
pub(crate) mod pairing;
pub mod predicted;
pub(crate) mod recounts;
pub(crate) mod sampling;
pub(crate) mod score_moments;
pub mod significance;
pub(crate) mod text_style;
pub(crate) mod validated_epochs;
pub(crate) mod vocabulary;
