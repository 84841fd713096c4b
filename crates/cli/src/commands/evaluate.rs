//! The arguments of `labelproof evaluate`.

use std::path::PathBuf;

use clap::Args;
use labelproof_settings::DeviceChoice;

/// A model, and the labelled rows that it is to predict.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  labelproof evaluate --model my-finetuned-bert --test test.csv
  labelproof evaluate --model artifacts/train/model --test new.csv --label topic --output predictions.csv

The columns are found as `labelproof audit` finds them, and the labels of the model are matched with those
of the rows by their names. `labelproof audit --bundle DIR --test FILE` tells whether the figures can be
relied on.")]
pub struct EvaluateArgs {
    /// The model: the folder of an AutoModelForSequenceClassification, or the folder `model` that the stage
    /// train writes
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// Rows with texts and true labels
    #[arg(long, value_name = "FILE")]
    pub test: PathBuf,
    /// Column of the id
    #[arg(long, value_name = "COLUMN")]
    pub id: Option<String>,
    /// Column of the text
    #[arg(long, value_name = "COLUMN")]
    pub text: Option<String>,
    /// Column of the true label
    #[arg(long, value_name = "COLUMN")]
    pub label: Option<String>,
    /// Take the first row as a row; columns are then named by their numbers
    #[arg(long)]
    pub no_header: bool,
    /// File to write the rows with their predictions to, as CSV
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Device of the network: auto, cpu, cuda, cuda:1, mps or flex
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    pub device: DeviceChoice,
}
