//! What `pipeline.yaml` says about the stages that run the network, the encoder that it names, and the revisions of their code.
//!
//! Apart from those stages, so that the `labelproof` binary can tell what is up to date without loading LibTorch. Knows
//! no network; the other stages' parameters are in their own crates.

pub mod audit;
mod device;
pub mod encoder;
pub mod evaluate;
mod network;
pub mod train;

pub use device::{DeviceChoice, UnknownDevice};
pub use network::{BatchNormalization, Pooling, Precision};
