//! The arguments of `labelproof predict`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use labelproof_ingest::{Encoding, TextFormat};
use labelproof_settings::DeviceChoice;

/// The texts, the bundle that classifies them, and where the predictions go.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  echo 'the match ended in a draw' | labelproof predict --bundle artifacts/train/model
  labelproof predict --bundle model --input new.csv --text title --text body --output labels.csv
  labelproof predict --bundle model --input new.jsonl.gz --text body --output labels.jsonl

The output has a row for each input row: its id (the number of the row unless --id names a column),
the predicted label and its probability, and the probability of every label. A row whose text cannot
be read gets an empty label, and the exit code is 3.")]
pub struct PredictArgs {
    /// Bundle of the model: the folder `model` that the stage train writes
    #[arg(long, value_name = "DIR")]
    pub bundle: PathBuf,
    /// File or address of the texts to classify; standard input by default
    #[arg(long, value_name = "FILE")]
    pub input: Option<PathBuf>,
    /// Format of the input; by default that of the file name's extension, and lines for standard input
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<InputFormat>,
    /// Sheet of a workbook, where several have rows
    #[arg(long, value_name = "NAME")]
    pub sheet: Option<String>,
    /// Table or view of a database, where there are several
    #[arg(long, value_name = "NAME", conflicts_with = "query")]
    pub table: Option<String>,
    /// SELECT statement whose rows are read from a database
    #[arg(long, value_name = "SELECT")]
    pub query: Option<String>,
    /// Column of the text; can be repeated, and the columns are joined by line breaks
    #[arg(long = "text", value_name = "COLUMN", default_value = "text")]
    pub text_columns: Vec<String>,
    /// Column of the id
    #[arg(long = "id", value_name = "COLUMN")]
    pub id_column: Option<String>,
    /// Character encoding of the input
    #[arg(long, value_name = "NAME", default_value = "utf-8", value_parser = encoding)]
    pub encoding: Encoding,
    /// File to write: CSV, or JSON lines if its name ends in .jsonl; standard output by default
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Quantise the encoder's dense layers to int8 where that is faster. Some labels may change:
    /// `labelproof run evaluate --set evaluate.int8=true` tells how many, and the accuracy
    #[arg(long)]
    pub int8: bool,
    /// Device of the network: auto, cpu, cuda, cuda:1, mps or flex
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    pub device: DeviceChoice,
}

/// The format of the input.
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
    Json,
    Parquet,
    Spreadsheet,
    Sqlite,
}

/// The encoding of this name, for the command line.
fn encoding(name: &str) -> Result<Encoding, String> {
    Encoding::of_name(name).ok_or_else(|| {
        "expected a name of the Encoding Standard, such as utf-8, latin-1 or utf-16le".to_owned()
    })
}

impl From<InputFormat> for TextFormat {
    fn from(format: InputFormat) -> Self {
        match format {
            InputFormat::Lines => Self::Lines,
            InputFormat::Csv => Self::Csv,
            InputFormat::Tsv => Self::Tsv,
            InputFormat::Jsonl => Self::JsonLines,
            InputFormat::Json => Self::Json,
            InputFormat::Parquet => Self::Parquet,
            InputFormat::Spreadsheet => Self::Spreadsheet,
            InputFormat::Sqlite => Self::Sqlite,
        }
    }
}
