//! Measures that several checks take of the evidence: pure functions of rows, texts, scores and logs.

pub(crate) mod comparison;
pub mod domain_words;
pub(crate) mod epochs;
pub mod gap;
pub mod label_noise;
pub(crate) mod length_slices;
pub(crate) mod logged_metrics;
pub(crate) mod loss;
pub(crate) mod odd_split;
pub(crate) mod pairing;
pub(crate) mod rows;
pub(crate) mod spelling;
pub(crate) mod text_style;
pub(crate) mod vocabulary;
