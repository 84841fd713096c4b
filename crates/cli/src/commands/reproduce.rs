//! The arguments of `labelproof reproduce`.

use std::path::PathBuf;

use clap::Args;

use super::ConfigArgs;

/// The pipeline to run again, and the lock to compare it with.
#[derive(Debug, Args)]
#[command(
    after_help = "Ingest, preprocess and split must write the same bytes on every machine. The later stages \
                  must do so on the platform of the lock (operating system, processor and its instruction \
                  sets, number of threads, device); on other platforms their metrics may differ by 0.02."
)]
pub struct ReproduceArgs {
    /// The pipeline
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Lock to compare with
    #[arg(long, value_name = "FILE", default_value = "pipeline.lock")]
    pub lock: PathBuf,
    /// Write the lock instead of comparing with it
    #[arg(long)]
    pub write: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Print nothing but errors and the result
    #[arg(long, short)]
    pub quiet: bool,
}
