//! A text classifier on burn: encoder, pooling and head, how rows become batches, how weights come from and
//! go to Hugging Face's files, the bundle that prediction needs, and which words moved a prediction.
//!
//! This crate knows tensors, but no backend: the operations of an encoder, and the devices they run on, are
//! those of `labelproof-kernels`. It reads no `pipeline.yaml` and decides no split; the training loop is the
//! train stage's.

mod adapter;
pub mod attribution;
pub mod batch;
pub mod bundle;
pub mod classifier;
mod dense;
pub mod encoder;
mod error;
pub mod head;
pub mod onnx;
pub mod pooling;
pub mod pretrained;
pub mod weights;

pub use adapter::AdapterFiles;
pub use attribution::Explanation;
pub use bundle::{Bundle, Logits};
pub use classifier::Classifier;
pub use encoder::Encoder;
pub use error::Error;
pub use head::{Head, HeadLayout, HeadSettings};
pub use labelproof_settings::encoder::EncoderConfig;
pub use labelproof_settings::{BatchNormalization, DeviceChoice, HeadKind, Pooling, Precision};
pub use pretrained::Pretrained;

#[cfg(test)]
mod testing;
