//! The arguments of `labelproof predict`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use labelproof_ingest::{Dialect, Encoding, Escape, Header, Quote, TextFormat};

use super::DeviceArgs;
use super::decisions::DecisionArgs;

/// The texts, the bundle that classifies them, and where the predictions go.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  echo 'the match ended in a draw' | labelproof predict --bundle artifacts/train/model
  labelproof predict --bundle model --input new.csv --text title --text body --output labels.csv
  labelproof predict --bundle model --input new.jsonl.gz --text body --output labels.jsonl
  labelproof predict --bundle model --input new.csv --abstain precision=0.95 --output labels.csv

The output has a row for each input row: its id (the number of the row unless --id names a column),
the predicted label and its probability, and the probability of every label. A row whose text cannot
be read gets an empty label, and the exit code is 3. --abstain and --conformal add columns, and what
they rest on are calibrated probabilities, which then stand in the output: docs/decisions.md.")]
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
    /// Character between the fields of a delimited file; told from the file by default
    #[arg(long, value_name = "CHARACTER", value_parser = separator)]
    pub separator: Option<char>,
    /// What its fields are quoted with: none, " or '; told from the file by default
    #[arg(long, value_name = "MARK", value_parser = quote)]
    pub quote: Option<Quote>,
    /// Where a backslash escapes in it: none, \ for everywhere, \" for quotation marks within quoted fields
    #[arg(long, value_name = "WHERE", value_parser = escape)]
    pub escape: Option<Escape>,
    /// Its first line names no columns: --text and --id name them by their numbers from 1
    #[arg(long)]
    pub no_header: bool,
    /// File to write: CSV, or JSON lines if its name ends in .jsonl; standard output by default
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// What is decided of each text
    #[command(flatten)]
    pub decisions: DecisionArgs,
    /// Quantise the encoder's dense layers to int8 where that is faster. Some labels may change:
    /// `labelproof run evaluate --set evaluate.int8=true` tells how many, and the accuracy
    #[arg(long)]
    pub int8: bool,
    /// The devices
    #[command(flatten)]
    pub device: DeviceArgs,
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

impl PredictArgs {
    /// How a delimited file is written, as far as it is said.
    pub fn dialect(&self) -> Dialect {
        Dialect {
            separator: self.separator,
            quote: self.quote,
            escape: self.escape,
            header: if self.no_header {
                Header::Absent
            } else {
                Header::Line
            },
            ..Dialect::default()
        }
    }
}

/// The separator, for the command line.
fn separator(text: &str) -> Result<char, String> {
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some(one), None) if one.is_ascii() && !one.is_ascii_alphanumeric() && !"\"'\\\r\n".contains(one) => {
            Ok(one)
        }
        _ => Err("expected one character that stands between fields, such as ; or |".to_owned()),
    }
}

/// The quotation mark of this name, for the command line.
fn quote(name: &str) -> Result<Quote, String> {
    match name {
        "none" => Ok(Quote::None),
        "\"" => Ok(Quote::Double),
        "'" => Ok(Quote::Single),
        _ => Err("expected none, \" or '".to_owned()),
    }
}

/// The place of backslashes of this name, for the command line.
fn escape(name: &str) -> Result<Escape, String> {
    match name {
        "none" => Ok(Escape::None),
        "\\" => Ok(Escape::Everywhere),
        "\\\"" => Ok(Escape::Quoted),
        _ => Err("expected none, \\ or \\\"".to_owned()),
    }
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
