//! The arguments of `labelproof predict`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use labelproof_ingest::{Encoding, TextFormat};
use labelproof_settings::DeviceChoice;

/// Texts, the bundle that classifies them, and where the labels go.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  echo 'the match ended in a draw' | labelproof predict --bundle artifacts/train/model
  labelproof predict --bundle model --input new.csv --text title --text body --id key --output labels.csv
  labelproof predict --bundle model --input new.jsonl.gz --text body --output labels.jsonl

Each row gives its id (the row's number without --id), its label, that label's probability, and the
probability of every label. A row without a readable text gets an empty label; then the exit code is 3.")]
pub struct PredictArgs {
    /// The bundle: the `model` folder that train writes
    #[arg(long, value_name = "DIR")]
    pub bundle: PathBuf,
    /// Texts to classify; standard input by default
    #[arg(long, value_name = "FILE")]
    pub input: Option<PathBuf>,
    /// What the input is; by default what its name says, and lines on standard input
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<InputFormat>,
    /// The column of the text; several are joined by a line break
    #[arg(long = "text", value_name = "COLUMN", default_value = "text")]
    pub text_columns: Vec<String>,
    /// The column of the id
    #[arg(long = "id", value_name = "COLUMN")]
    pub id_column: Option<String>,
    /// The encoding of the input
    #[arg(long, default_value = "utf-8")]
    pub encoding: InputEncoding,
    /// Where to write, as CSV or, if the name ends in .jsonl, JSON lines; standard output by default
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Compute the encoder's dense layers in 8 bits where that is faster. Labels may change: `labelproof run evaluate
    /// --set evaluate.int8=true` says how many, and what becomes of the accuracy
    #[arg(long)]
    pub int8: bool,
    /// auto, cpu, cuda, cuda:1, mps or flex
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    pub device: DeviceChoice,
}

/// What the input is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(
    missing_docs,
    reason = "a comment would become a line of the help, and the names say it"
)]
pub enum InputFormat {
    Lines,
    Csv,
    Tsv,
    Jsonl,
    Parquet,
}

/// How the input writes letters as bytes.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[expect(
    missing_docs,
    reason = "a comment would become a line of the help, and the names say it"
)]
pub enum InputEncoding {
    #[value(name = "utf-8")]
    Utf8,
    #[value(name = "latin-1")]
    Latin1,
    #[value(name = "windows-1252")]
    Windows1252,
}

impl From<InputFormat> for TextFormat {
    fn from(format: InputFormat) -> Self {
        match format {
            InputFormat::Lines => Self::Lines,
            InputFormat::Csv => Self::Csv,
            InputFormat::Tsv => Self::Tsv,
            InputFormat::Jsonl => Self::JsonLines,
            InputFormat::Parquet => Self::Parquet,
        }
    }
}

impl From<InputEncoding> for Encoding {
    fn from(encoding: InputEncoding) -> Self {
        match encoding {
            InputEncoding::Utf8 => Self::Utf8,
            InputEncoding::Latin1 => Self::Latin1,
            InputEncoding::Windows1252 => Self::Windows1252,
        }
    }
}
