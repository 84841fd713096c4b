//! The numeric kernels below the network: fused operations with their backward passes, int8 quantisation,
//! AdamW's step, dropout's keep-masks, and the devices that all of it runs on.
//!
//! This is the only crate that names a backend of burn, LibTorch's bindings (`tch`) or the linker, and the
//! only one with `unsafe` code but for the memory map of `labelproof_artifact::fs`. It knows tensors and
//! parameters: what a BERT is made of stands in `labelproof-model`, what a training is in `labelproof-train`.
//!
//! - [`device`]: the devices of this machine, and the precisions that each computes fast.
//! - [`fused`]: the operations of an encoder, each as one call, on every backend.
//! - [`adamw`]: one step of AdamW over one parameter.
//! - [`gradients`]: the clipping of gradients by their norm on the device that has them.
//! - [`int8`]: a dense layer's weight for dynamic quantisation.
//! - [`dropout`]: keep-masks that follow from a seed alone.
//! - [`random`]: the random streams below them, which are the same on every machine.
//! - [`workers`]: several processes that run a network together, each on a device of its own.
//! - [`operators`]: what of LibTorch has no bindings, and a record of what is called of it.
//! - `gelu`, `residual`: the loops over memory that [`fused`] runs on a processor.
//! - `processor`, `threads`: the instruction sets of the processor, and LibTorch's own threads.

pub mod adamw;
pub mod device;
pub mod dropout;
pub mod fused;
mod gelu;
pub mod gradients;
pub mod int8;
pub mod operators;
mod processor;
pub mod random;
mod residual;
mod threads;
pub mod workers;

pub use device::DeviceError;
pub use threads::share_processors;
