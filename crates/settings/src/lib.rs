//! The settings of the stages that run a network: their sections of `pipeline.yaml`, the encoder and the
//! device, and what the stages declare of themselves.
//!
//! The driver needs these without LibTorch, so they are not in the stages' crates. The other stages'
//! parameters are in their own crates.

mod device;
pub mod encoder;
pub mod encoder_files;
pub mod encoder_name;
pub mod evaluate;
mod network;
pub mod peft;
pub mod train;

pub use device::{DeviceChoice, Devices, UnknownDevice};
pub use network::{BatchNormalization, HeadKind, Pooling, Precision};
