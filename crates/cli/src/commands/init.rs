//! `labelproof init`: from somebody's files to a `pipeline.yaml` that reads them.

use std::path::{Path, PathBuf};

use clap::Args;
use labelproof_artifact::wording::quoted;
use labelproof_artifact::{Advice, Diagnostic, Fault, Reporter, StageId, fs};
use labelproof_driver::{ExitCode, Failure, Printer, Verbosity, printer, starter};
use labelproof_ingest::{Guess, Said, guess};

/// The files to look at, and where the configuration goes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  labelproof init reviews.csv
  labelproof init train.jsonl test.jsonl --text body --label stars
  labelproof init aclImdb/ --output imdb.yaml

What each file is (format, separator, encoding, header, columns) is told by its content. Then ingest
reads everything once, so that what is written is known to work; nothing but the file is kept.")]
pub struct InitArgs {
    /// Files, or folders of files
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Column of the text, where the guess is not right; can be repeated, and the columns are joined
    #[arg(long = "text", value_name = "COLUMN")]
    pub text_columns: Vec<String>,
    /// Column of the label, where the guess is not right
    #[arg(long = "label", value_name = "COLUMN")]
    pub label_column: Option<String>,
    /// Encoder: the folder of a BERT or one of its kin in the layout of Hugging Face, or a model of its Hub,
    /// owner/name
    #[arg(long, value_name = "ENCODER")]
    pub encoder: Option<PathBuf>,
    /// File to write; `-` is standard output
    #[arg(long, short, value_name = "FILE", default_value = "pipeline.yaml")]
    pub output: PathBuf,
    /// Replace the file if it is there
    #[arg(long)]
    pub force: bool,
}

/// The configuration that would be written is there already.
#[derive(Debug, thiserror::Error)]
#[error("`{}` is there already", path.display())]
struct OutputExists {
    path: PathBuf,
}

impl Diagnostic for OutputExists {
    fn advice(&self) -> Advice {
        Fault::Configuration.hint("name another file with --output FILE, or replace this one with --force")
    }
}

/// Where `make setup` puts the sample encoder, relative to the configuration.
const SAMPLE_ENCODER: &str = "external/encoders/all-minilm-l6-v2";

/// The same encoder on the Hub, for a command that can fetch it.
const HUB_ENCODER: &str = "sentence-transformers/all-MiniLM-L6-v2";

/// What git is told to leave out, where nobody has told it anything yet.
const IGNORED: &str = "# Written by `labelproof init`: what the pipeline makes of the rest.\n/artifacts/\n";

pub(super) fn run(args: &InitArgs) -> Result<ExitCode, Failure> {
    let is_printed = args.output == Path::new("-");
    if !is_printed && !args.force && args.output.exists() {
        let path = args.output.clone();
        return Err(OutputExists { path }.into());
    }
    let folder = match args.output.parent() {
        Some(folder) if !is_printed && !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let said = Said {
        text: args.text_columns.clone(),
        label: args.label_column.clone(),
    };
    let reporter = Printer::new(Verbosity::choose(false));
    let found = guess(&args.files, folder, &said, &reporter)
        .map_err(|error| Failure::of_stage(StageId::Ingest, error))?;
    reporter.message(&understood(&found));
    let sample = folder.join(SAMPLE_ENCODER);
    let encoder = args
        .encoder
        .clone()
        .or_else(|| sample.is_dir().then(|| PathBuf::from(SAMPLE_ENCODER)))
        .or_else(|| cfg!(feature = "remote").then(|| PathBuf::from(HUB_ENCODER)));
    let text = starter::text(&found.params, encoder.as_deref(), &found.remarks);
    if is_printed {
        printer::data(text.trim_end());
        return Ok(ExitCode::Success);
    }
    fs::write_atomic(&args.output, text.as_bytes())?;
    let ignore = folder.join(".gitignore");
    if !ignore.exists() {
        fs::write_atomic(&ignore, IGNORED.as_bytes())?;
    }
    reporter.message(&next(args, encoder.is_none()));
    Ok(ExitCode::Success)
}

/// What was found, for people.
fn understood(found: &Guess) -> String {
    let mut lines = Vec::new();
    if let Some(columns) = &found.params.columns {
        let mut line = format!("text: {}; label: `{}`", quoted(&columns.text, 10), columns.label);
        for (key, name) in [("id", &columns.id), ("split", &columns.split)] {
            if let Some(name) = name {
                line.push_str(&format!("; {key}: `{name}`"));
            }
        }
        lines.push(line);
    }
    lines.extend(found.remarks.iter().map(|remark| format!("note: {remark}")));
    if !found.rows.is_empty() {
        lines.push("the first rows, label and text:".to_owned());
        let width = found.rows.iter().map(|(label, _)| label.chars().count()).max();
        let width = width.unwrap_or(0).min(20);
        lines.extend(
            found
                .rows
                .iter()
                .map(|(label, text)| format!("  {label:<width$}  {text}")),
        );
    }
    lines.push(found.summary.clone());
    lines.join("\n")
}

/// What there is to do now.
fn next(args: &InitArgs, needs_encoder: bool) -> String {
    let output = args.output.display();
    let config = if args.output == Path::new("pipeline.yaml") {
        String::new()
    } else {
        format!(" --config {output}")
    };
    let first = if needs_encoder {
        format!("name an encoder in `{output}` (`encoder:`), and run it with")
    } else {
        "run it with".to_owned()
    };
    format!("wrote {output}; {first}: labelproof run{config}")
}
