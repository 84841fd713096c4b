//! The `labelproof` command: its command line, and every command that runs no network.
//!
//! Responsible for the arguments, the help, and what surrounds a command in a process (signals, panics, the
//! exit code). What a stage is and when it runs is `labelproof-driver`'s. Where a network has to run, the
//! process becomes `labelproof-torch`, which parses the same command line: so this crate links no LibTorch,
//! which takes 0.3 s to load and has to be installed first.

pub mod commands;
pub mod entry;
pub mod handover;

pub use commands::{Cli, Command};
