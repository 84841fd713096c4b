//! `labelproof predict`: reads texts, and writes their labels and probabilities, chunk by chunk. It needs
//! nothing but the bundle.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use labelproof_artifact::fs::{self, FsError};
use labelproof_artifact::{Advice, Diagnostic, Fault};
use labelproof_ingest::{Packing, TextRow, TextSource, shown_entry, texts};
use labelproof_kernels::device;
use labelproof_kernels::workers::Workers;
use labelproof_model::Bundle;

use labelproof_cli::commands::predict::{InputFormat, PredictArgs};
use labelproof_driver::{ExitCode, Failure, printer};
use labelproof_settings::DeviceChoice;

use crate::decisions::{Decided, Decisions};
use crate::named_model;
use crate::workers::WorkerGroup;

/// The arguments of `predict` contradict each other, or leave a format open.
#[derive(Debug, thiserror::Error)]
enum PredictError {
    #[error("`{}` does not say what it is", path.display())]
    UnknownFormat { path: PathBuf },
    #[error("parquet cannot be read from standard input")]
    ParquetFromStandardInput,
    #[error("{workers} workers cannot all read standard input")]
    SharedStandardInput { workers: usize },
    #[error("cannot write `{}`: its name ends neither in .csv nor in .jsonl", path.display())]
    UnknownOutput { path: PathBuf },
    #[error("a set cannot stand in CSV: the label `{label}` has the `|` that separates labels")]
    SeparatorInLabel { label: String },
}

impl Diagnostic for PredictError {
    fn advice(&self) -> Advice {
        Fault::Configuration.hint(match self {
            Self::UnknownFormat { .. } => {
                "add --format csv, tsv, jsonl, json, parquet, spreadsheet, sqlite or lines"
            }
            Self::ParquetFromStandardInput | Self::SharedStandardInput { .. } => "name the file with --input",
            Self::SeparatorInLabel { .. } => "write JSON lines: --output labels.jsonl",
            Self::UnknownOutput { .. } => "use --output labels.csv or --output labels.jsonl",
        })
    }
}

/// The number of rows that are predicted together: enough to batch by length, few enough to write results
/// early.
pub(crate) const CHUNK_ROWS: usize = 1024;
/// How many rows without a label are listed at most.
const SHOWN_PROBLEMS: usize = 10;

pub(crate) fn run(args: &PredictArgs) -> Result<ExitCode, Failure> {
    let devices = args.device.devices.clone();
    let devices = devices.unwrap_or_else(|| DeviceChoice::Auto.into());
    let group = WorkerGroup::new(&devices, args.device.workers(&devices)?)?;
    group.conclude(predict(args, &group))
}

/// Every process reads all texts and predicts its share; the first one writes.
fn predict(args: &PredictArgs, group: &WorkerGroup) -> Result<ExitCode, Failure> {
    let format = input_format(args)?;
    let (workers, device) = group.own()?;
    if workers.count() > 1 && args.input.is_none() {
        let workers = workers.count();
        return Err(PredictError::SharedStandardInput { workers }.into());
    }
    let bundle = load(&args.bundle, args.int8, device, &mut |text| {
        if workers.is_first() {
            printer::note(text);
        }
    })?;
    workers.agree("predict", "bundle", bundle.digest()?.as_str())?;
    let decisions = Decisions::choose(&args.decisions, &bundle, &mut |text| {
        if workers.is_first() {
            printer::note(text);
        }
    })?;
    let columns = Columns {
        labels: bundle.labels.names().to_vec(),
        abstained: decisions.abstain(),
        set: decisions.have_sets(),
    };
    let mut output = if workers.is_first() {
        Output::open(args.output.as_deref(), columns)?
    } else {
        Output::nowhere(columns)
    };
    let source = TextSource {
        path: args.input.clone(),
        format: format.into(),
        sheet: args.sheet.clone(),
        table: args.table.clone(),
        query: args.query.clone(),
        encoding: args.encoding,
        dialect: args.dialect(),
        text: args.text_columns.clone(),
        id: args.id_column.clone(),
        join: "\n".to_owned(),
    };
    let mut without_label = Vec::new();
    let mut count = 0_usize;
    let mut chunk = Vec::with_capacity(CHUNK_ROWS);
    let mut rows = texts(source);
    loop {
        chunk.clear();
        for row in rows.by_ref().take(CHUNK_ROWS) {
            chunk.push(row?);
        }
        if chunk.is_empty() {
            break;
        }
        let predictor = (&bundle, &decisions, workers);
        let written = predict_chunk(predictor, &chunk, count, &mut output, &mut without_label)?;
        count += chunk.len();
        if written == Written::ReaderGone {
            return Ok(ExitCode::Success);
        }
    }
    output.finish()?;
    if without_label.is_empty() || !workers.is_first() {
        return Ok(ExitCode::Success);
    }
    let total = without_label.len();
    printer::note(&format!("{total} of {count} rows have no label:"));
    for problem in without_label.iter().take(SHOWN_PROBLEMS) {
        printer::note(&format!("  {problem}"));
    }
    if total > SHOWN_PROBLEMS {
        printer::note(&format!("  and {} more", total - SHOWN_PROBLEMS));
    }
    Ok(ExitCode::Input)
}

/// Loads the model in a folder, in int8 where that is asked and faster. Says by `note` where it is not.
pub(crate) fn load(
    folder: &Path,
    int8: bool,
    choice: DeviceChoice,
    note: &mut dyn FnMut(&str),
) -> Result<Bundle, Failure> {
    let choice = device::resolve(choice)?;
    let bundle = named_model::load(folder, choice)?;
    if !int8 {
        return Ok(bundle);
    }
    if !device::accelerates_int8(choice) {
        note("this device has no instructions for int8: predicting without it, which is faster");
        return Ok(bundle);
    }
    Ok(bundle.in_int8())
}

fn input_format(args: &PredictArgs) -> Result<InputFormat, PredictError> {
    let by_name = |path: &PathBuf| {
        // Of an address without its query, which may end in anything.
        let shown = PathBuf::from(shown_entry(&path.to_string_lossy()));
        let name = shown
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .to_lowercase();
        match Packing::stripped(&name).rsplit('.').next() {
            Some("csv") => Ok(InputFormat::Csv),
            Some("tsv" | "tab") => Ok(InputFormat::Tsv),
            Some("jsonl" | "ndjson") => Ok(InputFormat::Jsonl),
            Some("json") => Ok(InputFormat::Json),
            Some("parquet" | "pq") => Ok(InputFormat::Parquet),
            Some("xlsx" | "xlsm" | "xlsb" | "xls" | "ods") => Ok(InputFormat::Spreadsheet),
            Some("sqlite" | "sqlite3" | "db" | "db3") => Ok(InputFormat::Sqlite),
            Some("txt") => Ok(InputFormat::Lines),
            _ => Err(PredictError::UnknownFormat { path: shown }),
        }
    };
    match (args.format, &args.input) {
        (Some(InputFormat::Parquet), None) => Err(PredictError::ParquetFromStandardInput),
        (Some(format), _) => Ok(format),
        (None, Some(path)) => by_name(path),
        (None, None) => Ok(InputFormat::Lines),
    }
}

fn predict_chunk(
    (bundle, decisions, workers): (&Bundle, &Decisions, &Workers),
    rows: &[TextRow],
    before: usize,
    output: &mut Output,
    without_label: &mut Vec<String>,
) -> Result<Written, Failure> {
    let readable: Vec<&str> = rows.iter().filter_map(|row| row.text.as_deref().ok()).collect();
    let scores = bundle.predict_apart(&bundle.tokenize(&readable)?, workers, |_| ())?;
    let mut logits = scores.rows();
    for (place, row) in rows.iter().enumerate() {
        let id = row.id.clone().unwrap_or_else(|| (before + place + 1).to_string());
        let result = match &row.text {
            Ok(_) => logits.next().map(|logits| decisions.of(logits)),
            Err(problem) => {
                without_label.push(problem.clone());
                None
            }
        };
        if output.write(&id, result.as_ref())? == Written::ReaderGone {
            return Ok(Written::ReaderGone);
        }
    }
    output.flush()
}

/// Whether the reader of the output is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Written {
    Fine,
    ReaderGone,
}

enum Writer {
    Csv(Box<csv::Writer<Box<dyn Write>>>),
    JsonLines(Box<dyn Write>),
}

/// What stands in the output of each row.
struct Columns {
    labels: Vec<String>,
    /// Whether it says which rows are left to people.
    abstained: bool,
    /// Whether it names the labels of the row's set.
    set: bool,
}

impl Columns {
    /// The first line of CSV.
    fn header(&self) -> Vec<String> {
        let mut header = ["id", "label", "probability"].map(str::to_owned).to_vec();
        header.extend(self.abstained.then(|| "abstained".to_owned()));
        header.extend(self.set.then(|| "set".to_owned()));
        header.extend(self.labels.iter().map(|label| format!("probability of {label}")));
        header
    }

    /// A row of CSV, with empty fields where there was no text.
    fn record(&self, id: &str, decided: Option<&Decided>) -> Vec<String> {
        let field = |value: &dyn Fn(&Decided) -> String| decided.map(value).unwrap_or_default();
        let mut record = vec![
            id.to_owned(),
            field(&|decided| self.labels[decided.class].clone()),
            field(&|decided| short(decided.probabilities[decided.class])),
        ];
        if self.abstained {
            record.push(field(&|decided| {
                decided.abstained.unwrap_or_default().to_string()
            }));
        }
        if self.set {
            record.push(field(&|decided| self.names(decided).join(BETWEEN_LABELS)));
        }
        let classes = 0..self.labels.len();
        record.extend(classes.map(|class| field(&|decided| short(decided.probabilities[class]))));
        record
    }

    /// A row of JSON lines, with nulls where there was no text.
    fn object(&self, id: &str, decided: Option<&Decided>) -> serde_json::Value {
        let of_labels = decided.map(|decided| {
            let rounded = decided.probabilities.iter().map(|value| rounded(*value).into());
            let named = self.labels.iter().cloned().zip(rounded);
            named.collect::<serde_json::Map<String, serde_json::Value>>()
        });
        let mut row = serde_json::json!({
            "id": id,
            "label": decided.map(|decided| self.labels[decided.class].as_str()),
            "probability": decided.map(|decided| rounded(decided.probabilities[decided.class])),
            "probabilities": of_labels,
        });
        if self.abstained {
            row["abstained"] = decided.and_then(|decided| decided.abstained).into();
        }
        if self.set {
            row["set"] = decided.map(|decided| self.names(decided)).into();
        }
        row
    }

    /// The labels of a row's set.
    fn names(&self, decided: &Decided) -> Vec<&str> {
        let set = decided.set.iter().flatten();
        set.map(|&class| self.labels[class].as_str()).collect()
    }

    /// Refuses labels that would make a set of CSV ambiguous.
    fn check_separator(&self) -> Result<(), PredictError> {
        let has_separator = |label: &&String| label.contains(BETWEEN_LABELS);
        match self.labels.iter().find(has_separator) {
            Some(label) if self.set => Err(PredictError::SeparatorInLabel { label: label.clone() }),
            _ => Ok(()),
        }
    }
}

/// What separates the labels of a set in CSV.
const BETWEEN_LABELS: &str = "|";

/// The output. A file appears under its name only when it is complete.
struct Output {
    writer: Writer,
    columns: Columns,
    /// The header is written with the first row, so that an earlier error leaves nothing behind.
    header_written: bool,
    file: Option<(PathBuf, PathBuf)>,
    name: PathBuf,
}

impl Output {
    /// The output of a process that is not the first.
    fn nowhere(columns: Columns) -> Self {
        Self {
            writer: Writer::csv(Box::new(io::sink())),
            columns,
            header_written: false,
            file: None,
            name: PathBuf::new(),
        }
    }

    fn open(path: Option<&Path>, columns: Columns) -> Result<Self, Failure> {
        if path.is_none_or(|path| path.extension().is_none_or(|extension| extension != "jsonl")) {
            columns.check_separator()?;
        }
        let output = |writer, file, name| Self {
            writer,
            columns,
            header_written: false,
            file,
            name,
        };
        let Some(path) = path else {
            let writer = Writer::csv(Box::new(BufWriter::new(io::stdout())));
            return Ok(output(writer, None, PathBuf::from("standard output")));
        };
        let unknown = || PredictError::UnknownOutput {
            path: path.to_path_buf(),
        };
        let extension = path
            .extension()
            .and_then(|extension| extension.to_str())
            .ok_or_else(unknown)?;
        let mut partial = path.as_os_str().to_owned();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        let create = || -> Result<Box<dyn Write>, FsError> {
            let file: File = fs::create(&partial)?;
            Ok(Box::new(BufWriter::new(file)))
        };
        let writer = match extension {
            "csv" => Writer::csv(create()?),
            "jsonl" => Writer::JsonLines(create()?),
            _ => return Err(unknown().into()),
        };
        Ok(output(
            writer,
            Some((partial.clone(), path.to_path_buf())),
            path.to_path_buf(),
        ))
    }

    fn write_header(&mut self) -> io::Result<()> {
        let is_written = std::mem::replace(&mut self.header_written, true);
        let Writer::Csv(writer) = &mut self.writer else {
            return Ok(());
        };
        if is_written {
            return Ok(());
        }
        Ok(writer.write_record(self.columns.header())?)
    }

    /// Writes a row; `None` for one without a text.
    fn write(&mut self, id: &str, decided: Option<&Decided>) -> Result<Written, Failure> {
        let result = self.write_header().and_then(|()| self.write_row(id, decided));
        self.judge(result)
    }

    fn write_row(&mut self, id: &str, decided: Option<&Decided>) -> io::Result<()> {
        match &mut self.writer {
            Writer::Csv(writer) => Ok(writer.write_record(self.columns.record(id, decided))?),
            Writer::JsonLines(writer) => writeln!(writer, "{}", self.columns.object(id, decided)),
        }
    }

    fn flush(&mut self) -> Result<Written, Failure> {
        let result = match &mut self.writer {
            Writer::Csv(writer) => writer.flush(),
            Writer::JsonLines(writer) => writer.flush(),
        };
        self.judge(result)
    }

    fn finish(mut self) -> Result<(), Failure> {
        let result = self.write_header();
        self.judge(result)?;
        self.flush()?;
        if let Some((partial, path)) = self.file.take() {
            fs::rename(&partial, &path)?;
        }
        Ok(())
    }

    /// A reader of standard output that went away, as `head` does, is not an error.
    fn judge(&self, result: io::Result<()>) -> Result<Written, Failure> {
        match result {
            Ok(()) => Ok(Written::Fine),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Written::ReaderGone),
            Err(error) => Err(FsError::new("write", &self.name, error).into()),
        }
    }
}

/// Removes the partial file, whatever ended the prediction.
impl Drop for Output {
    fn drop(&mut self) {
        if let Some((partial, _)) = &self.file {
            // The error that ended the prediction is the one to show.
            let _ = fs::remove(partial);
        }
    }
}

impl Writer {
    fn csv(inner: Box<dyn Write>) -> Self {
        Self::Csv(Box::new(csv::Writer::from_writer(inner)))
    }
}

/// A probability with six decimals, which is the precision of float32.
fn short(value: f64) -> String {
    format!("{value:.6}")
}

/// The number that [`short`] writes.
pub(crate) fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}
