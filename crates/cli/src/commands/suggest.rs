//! The arguments of `labelproof suggest`.

use clap::{Args, Subcommand};

use super::ConfigArgs;

/// The kind of suggestion.
#[derive(Debug, Args)]
pub struct SuggestArgs {
    /// What to suggest
    #[command(subcommand)]
    pub what: Suggestion,
}

/// The kinds of suggestions.
#[derive(Debug, Subcommand)]
pub enum Suggestion {
    /// Suggest stop words: frequent words of the training rows that every label uses alike, as YAML to paste
    StopWords(StopWordsArgs),
}

/// The pipeline.
#[derive(Debug, Args)]
#[command(
    after_help = "Brings the pipeline up to date until the stage evaluate, runs it again without the words \
                  in the
folder `ablation` below the artifacts, and compares both models on the validation \
                  rows. Test rows are
not used."
)]
pub struct StopWordsArgs {
    /// The pipeline
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Print nothing but errors and the result
    #[arg(long, short)]
    pub quiet: bool,
}
