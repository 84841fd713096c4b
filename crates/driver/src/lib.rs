//! The driver: reads `pipeline.yaml`, decides which stages must run, runs them, and commits what they wrote.
//!
//! Responsible for the configuration, the plan, the locks, interruption, and what is printed and with which
//! exit code the process ends. It knows which files a stage reads and writes, and nothing of how the stage
//! makes one from the other. The command line is `labelproof-cli`'s; the stages that run a network are
//! `labelproof-torch`'s, which hands them in as a [`RunStage`]. Nothing here links LibTorch.

pub mod config;
pub mod data_stages;
mod encoder;
mod exit_code;
mod failure;
pub mod interrupt;
pub mod launch;
pub mod plan;
pub mod printer;
pub mod reproduction;
mod run;
mod run_lock;
mod shared_artifacts;
pub mod starter;
mod times;

pub use config::Config;
pub use encoder::Encoder;
pub use exit_code::ExitCode;
pub use failure::Failure;
pub use launch::Launch;
pub use plan::Planner;
pub use printer::{Printer, Verbosity};
pub use run::{
    Conduct, RunStage, Selection, StageOutcome, commit_from, dry_run, is_up_to_date, left_as_they_are,
    new_lock, run,
};
pub use shared_artifacts::{
    catch_up, commit_stored, fetch_stored, folder_of_artifacts, refresh, store_file, stored_files,
};
pub use times::Times;
