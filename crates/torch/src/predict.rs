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
use labelproof_metrics::{argmax, softmax};
use labelproof_model::Bundle;

use labelproof_cli::commands::predict::{InputFormat, PredictArgs};
use labelproof_driver::{ExitCode, Failure, printer};
use labelproof_settings::DeviceChoice;

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
}

impl Diagnostic for PredictError {
    fn advice(&self) -> Advice {
        Fault::Configuration.hint(match self {
            Self::UnknownFormat { .. } => {
                "add --format csv, tsv, jsonl, json, parquet, spreadsheet, sqlite or lines"
            }
            Self::ParquetFromStandardInput | Self::SharedStandardInput { .. } => "name the file with --input",
            Self::UnknownOutput { .. } => "use --output labels.csv or --output labels.jsonl",
        })
    }
}

/// The number of rows that are predicted together: enough to batch by length, few enough to write results
/// early.
const CHUNK_ROWS: usize = 1024;
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
    let bundle = load(args, device, workers.is_first())?;
    workers.agree("predict", "bundle", bundle.digest()?.as_str())?;
    let mut output = if workers.is_first() {
        Output::open(args.output.as_deref(), bundle.labels.names())?
    } else {
        Output::nowhere(bundle.labels.names())
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
        let written = predict_chunk(&bundle, workers, &chunk, count, &mut output, &mut without_label)?;
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

fn load(args: &PredictArgs, choice: DeviceChoice, is_first: bool) -> Result<Bundle, Failure> {
    let choice = device::resolve(choice)?;
    let bundle = Bundle::load(&args.bundle, &device::open(choice)?)?;
    if !args.int8 {
        return Ok(bundle);
    }
    if !device::accelerates_int8(choice) {
        if is_first {
            printer::note("this device has no instructions for int8: predicting without it, which is faster");
        }
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
    bundle: &Bundle,
    workers: &Workers,
    rows: &[TextRow],
    before: usize,
    output: &mut Output,
    without_label: &mut Vec<String>,
) -> Result<Written, Failure> {
    let readable: Vec<&str> = rows.iter().filter_map(|row| row.text.as_deref().ok()).collect();
    let scores = bundle.predict(&readable, workers, |_| ())?;
    let mut logits = scores.rows();
    for (place, row) in rows.iter().enumerate() {
        let id = row.id.clone().unwrap_or_else(|| (before + place + 1).to_string());
        let result = match &row.text {
            Ok(_) => logits.next().map(softmax),
            Err(problem) => {
                without_label.push(problem.clone());
                None
            }
        };
        if output.write(&id, result.as_deref())? == Written::ReaderGone {
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

/// The output. A file appears under its name only when it is complete.
struct Output {
    writer: Writer,
    labels: Vec<String>,
    /// The header is written with the first row, so that an earlier error leaves nothing behind.
    header_written: bool,
    file: Option<(PathBuf, PathBuf)>,
    name: PathBuf,
}

impl Output {
    /// The output of a process that is not the first.
    fn nowhere(labels: &[String]) -> Self {
        Self {
            writer: Writer::csv(Box::new(io::sink())),
            labels: labels.to_vec(),
            header_written: false,
            file: None,
            name: PathBuf::new(),
        }
    }

    fn open(path: Option<&Path>, labels: &[String]) -> Result<Self, Failure> {
        let output = |writer, file, name| Self {
            writer,
            labels: labels.to_vec(),
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
        let columns = ["id", "label", "probability"].into_iter().map(str::to_owned);
        let of_labels = self.labels.iter().map(|label| format!("probability of {label}"));
        Ok(writer.write_record(columns.chain(of_labels))?)
    }

    /// Writes a row; `probabilities` has the shape `[labels]`, and is `None` for a row without a text.
    fn write(&mut self, id: &str, probabilities: Option<&[f64]>) -> Result<Written, Failure> {
        let result = self
            .write_header()
            .and_then(|()| self.write_row(id, probabilities));
        self.judge(result)
    }

    fn write_row(&mut self, id: &str, probabilities: Option<&[f64]>) -> io::Result<()> {
        let labels = &self.labels;
        let best = probabilities.map(|values| (labels[argmax(values)].as_str(), values[argmax(values)]));
        match &mut self.writer {
            Writer::Csv(writer) => {
                let (label, probability) = best.map_or((String::new(), String::new()), |(label, value)| {
                    (label.to_owned(), short(value))
                });
                let values = match probabilities {
                    Some(values) => values.iter().copied().map(short).collect(),
                    None => vec![String::new(); labels.len()],
                };
                let record = [id.to_owned(), label, probability].into_iter().chain(values);
                Ok(writer.write_record(record)?)
            }
            Writer::JsonLines(writer) => {
                let of_labels: Option<serde_json::Map<String, serde_json::Value>> =
                    probabilities.map(|values| {
                        let rounded = values.iter().map(|value| rounded(*value).into());
                        labels.iter().cloned().zip(rounded).collect()
                    });
                let row = serde_json::json!({
                    "id": id,
                    "label": best.map(|(label, _)| label),
                    "probability": best.map(|(_, value)| rounded(value)),
                    "probabilities": of_labels,
                });
                writeln!(writer, "{row}")
            }
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

fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}
