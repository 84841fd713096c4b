//! The arguments of `labelproof predict`.

use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum};
use labelproof_ingest::{Dialect, Encoding, Escape, Header, Quote, TextFormat};
use labelproof_metrics::decisions::Wanted;

use super::DeviceArgs;

/// The texts, the bundle that classifies them, and where the predictions go.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("decision").args(["abstain", "conformal"]).multiple(true)))]
#[command(after_help = "Examples:
  echo 'the match ended in a draw' | labelproof predict --bundle artifacts/train/model
  labelproof predict --bundle model --input new.csv --text title --text body --output labels.csv
  labelproof predict --bundle model --input new.jsonl.gz --text body --output labels.jsonl
  labelproof predict --bundle model --input new.csv --abstain precision=0.95 --output labels.csv

The output has a row for each input row: its id (the number of the row unless --id names a column),
the predicted label and its probability, and the probability of every label. A row whose text cannot
be read gets an empty label, and the exit code is 3. --abstain and --conformal add columns, and what
they rest on are calibrated probabilities, which then stand in the output: docs/decisions.md.")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
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
    /// Write calibrated probabilities: those of the logits divided by the bundle's temperature, which
    /// changes no label
    #[arg(long)]
    pub calibrated: bool,
    /// Leave unsure predictions to people: precision=0.95, coverage=0.8 or confidence=0.9 of the kept
    /// ones. Adds the column `abstained`; the label stays
    #[arg(long, value_name = "RULE", value_parser = rule)]
    pub abstain: Option<Wanted>,
    /// Name the labels that hold the true one in this share of the rows, such as 0.9. Adds the column
    /// `set`, with | between labels
    #[arg(long, value_name = "LEVEL", value_parser = level)]
    pub conformal: Option<f64>,
    /// Choose the threshold or the sets for each label by itself
    #[arg(long, requires = "decision")]
    pub per_label: bool,
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

/// The rule of abstention, for the command line.
fn rule(text: &str) -> Result<Wanted, String> {
    let expected = || "expected precision=0.95, coverage=0.8 or confidence=0.9".to_owned();
    let (name, value) = text.split_once('=').ok_or_else(expected)?;
    let value: f64 = value.parse().ok().ok_or_else(expected)?;
    match name {
        "precision" => level_of(value).map(Wanted::Precision),
        "coverage" if value >= 1.0 => Err("expected a coverage below 1: 1 keeps everything".to_owned()),
        "coverage" => level_of(value).map(Wanted::Coverage),
        "confidence" => level_of(value).map(Wanted::Confidence),
        _ => Err(expected()),
    }
}

/// The level of conformal sets, for the command line.
fn level(text: &str) -> Result<f64, String> {
    let share = text.parse().ok();
    share
        .ok_or_else(|| "expected a share, such as 0.9".to_owned())
        .and_then(level_of)
}

/// A share that is neither none nor all.
fn level_of(value: f64) -> Result<f64, String> {
    if value > 0.0 && value < 1.0 {
        Ok(value)
    } else {
        Err("expected a share between 0 and 1, such as 0.9".to_owned())
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
