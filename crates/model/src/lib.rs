//! The classifier: a BERT encoder and a head on burn, how rows become batches, how weights come from and go to
//! Hugging Face files, and the bundle that prediction needs.
//!
//! This is the only crate that knows tensors, and [`backend`] the only file that names a backend. It reads no
//! `pipeline.yaml` and decides no split; training itself is the train stage's.

pub mod attribution;
pub mod backend;
pub mod batch;
pub mod bundle;
pub mod classifier;
mod dense;
mod dropout;
pub mod encoder;
pub mod error;
pub mod features;
pub mod head;
pub mod pooling;
pub mod random;
pub mod weights;

pub use attribution::Explanation;
pub use bundle::{Bundle, Scores};
pub use classifier::Classifier;
pub use encoder::Encoder;
pub use error::Error;
pub use head::{Head, HeadSettings};
pub use labelproof_settings::encoder::EncoderConfig;
pub use labelproof_settings::{BatchNormalization, DeviceChoice, Pooling, Precision};

#[cfg(test)]
mod attribution_tests;
#[cfg(test)]
mod gradient_tests;
#[cfg(test)]
mod reference_tests;
