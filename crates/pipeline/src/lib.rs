//! The driver: reads `pipeline.yaml`, decides which stages must run, runs them, and commits what they wrote.
//!
//! The only crate that reads the configuration, prints, and chooses exit codes. It knows which file a stage reads and
//! writes, and nothing of how it makes one from the other.

pub mod commands;
pub mod config;
pub mod driver;
pub mod exit_code;
pub mod failure;
pub mod interrupt;
pub mod plan;
pub mod printer;
pub mod reproduction;
pub mod run_lock;
