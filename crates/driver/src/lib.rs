//! The driver: reads `pipeline.yaml`, decides which stages must run, has them run, and commits what they wrote.
//!
//! The only crate that reads the configuration, prints, and chooses exit codes. It knows which file a stage reads and
//! writes, and nothing of how it makes one from the other. It does not link LibTorch, and neither does the `labelproof`
//! binary, which is this crate and a `main`: what runs the network is in `labelproof-pipeline`.

pub mod commands;
pub mod config;
pub mod data_stages;
pub mod driver;
pub mod entry;
pub mod exit_code;
pub mod failure;
pub mod handover;
pub mod interrupt;
pub mod plan;
pub mod printer;
pub mod reproduction;
pub mod run_lock;
pub mod times;
