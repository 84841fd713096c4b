//! The arguments of `labelproof suggest`.

use clap::{Args, Subcommand};

use super::ConfigArgs;

/// What to suggest.
#[derive(Debug, Args)]
pub struct SuggestArgs {
    /// The suggestion
    #[command(subcommand)]
    pub what: Suggestion,
}

/// What can be suggested.
#[derive(Debug, Subcommand)]
pub enum Suggestion {
    /// Words that every label uses alike, found on the training rows, as YAML to paste
    StopWords(StopWordsArgs),
}

/// For which pipeline.
#[derive(Debug, Args)]
#[command(
    after_help = "Runs the pipeline up to evaluate where it is stale, then once more without the words, in the folder
`ablation` below the artifacts, and compares both on the validation rows. Test rows are not looked at."
)]
pub struct StopWordsArgs {
    /// The pipeline
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Print errors and the result only
    #[arg(long, short)]
    pub quiet: bool,
}
