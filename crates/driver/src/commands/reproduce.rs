//! The arguments of `labelproof reproduce`.

use std::path::PathBuf;

use clap::Args;

use super::ConfigArgs;

/// What to run anew, and what to compare it with.
#[derive(Debug, Args)]
#[command(
    after_help = "The data stages have to give the same bytes on every machine. Training, evaluation and what follows have to \
                  give them on the platform of the lock (system, processor and its instructions, threads, device); elsewhere \
                  their metrics may be 0.02 apart."
)]
pub struct ReproduceArgs {
    /// The pipeline
    #[command(flatten)]
    pub config: ConfigArgs,
    /// The lock to compare with
    #[arg(long, value_name = "FILE", default_value = "pipeline.lock")]
    pub lock: PathBuf,
    /// Write the lock from the artifacts there are, instead of comparing
    #[arg(long)]
    pub write: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Print errors and the result only
    #[arg(long, short)]
    pub quiet: bool,
}
