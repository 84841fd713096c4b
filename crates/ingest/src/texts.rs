//! Texts to label: what `labelproof predict` reads, with the readers of the stage.
//!
//! Rows flow while the caller works, and none is dropped: a row without a usable text is a row that says why.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::iter::FusedIterator;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use labelproof_artifact::fs::FsError;
use labelproof_tables::{Dialect, Encoding, Form, Format, Limits, Options, Part, Source};
use tempfile::NamedTempFile;

use crate::columns::Names;
use crate::error::{Error, problem_line};
use crate::opening::open_table;
use crate::params;
use crate::rows::{Fields, Problem, row_id, row_text};
use crate::settings::Settings;
use crate::sources::one_file;

/// The format of a source of texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextFormat {
    /// A text on each line.
    Lines,
    /// Fields separated by commas and quoted as in RFC 4180, with a header.
    Csv,
    /// Fields separated by tabs and quoted as in RFC 4180, with a header.
    Tsv,
    /// A JSON object on each line.
    JsonLines,
    /// JSON in another shape: an array of objects, or an object of columns as pandas writes it.
    Json,
    /// Apache Parquet.
    Parquet,
    /// A sheet of a workbook: .xlsx, .xlsm, .xlsb, .xls or .ods.
    Spreadsheet,
    /// An SQLite database.
    Sqlite,
}

/// A source of texts, and where its table has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextSource {
    /// A file or an address, which is unpacked if it is packed. None is standard input, from which Parquet,
    /// workbooks and databases cannot be read.
    pub path: Option<PathBuf>,
    /// The format of the source.
    pub format: TextFormat,
    /// Which sheet of a workbook is read, where several have rows.
    pub sheet: Option<String>,
    /// Which table or view of a database is read, where there are several.
    pub table: Option<String>,
    /// The SELECT statement whose rows are read from a database.
    pub query: Option<String>,
    /// How its bytes become characters. Parquet is always UTF-8.
    pub encoding: Encoding,
    /// How a delimited table is written. What is left out is told from the file.
    pub dialect: params::Dialect,
    /// The columns of the text. Lines have no columns, and for them this means nothing.
    pub text: Vec<String>,
    /// The column of the id.
    pub id: Option<String>,
    /// What stands between the text columns of a row where there are several. A column that is empty in a row
    /// is left out together with its separator.
    pub join: String,
}

/// A row of a source of texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextRow {
    /// What the column of the id says. None without such a column, and for a row of which it cannot be read.
    pub id: Option<String>,
    /// The line that the row starts on, from 1; in Parquet the number of the row.
    pub line: Option<u64>,
    /// The text, or `file:line: reason: detail` on one line for people. A row whose id is empty or cannot be
    /// read has no text either: under any other id its label would go astray.
    pub text: Result<String, String>,
}

/// Rows that the reader may be ahead of the caller.
const ROWS_AHEAD: usize = 1024;

/// What standard input is called in messages.
const STANDARD_INPUT: &str = "standard input";

/// The rows of a source in their order. A thread of its own reads them, a bounded number ahead; it stops when
/// this is dropped. An error is the last item. In JSON lines, that no object has a wanted column shows only
/// at the end, so that this error comes after all rows.
pub fn texts(source: TextSource) -> TextRows {
    texts_within(source, io::stdin(), Limits::default())
}

fn texts_within(source: TextSource, standard_input: impl Read + Send + 'static, limits: Limits) -> TextRows {
    let (sender, receiver) = sync_channel(ROWS_AHEAD);
    let reader = thread::spawn(move || {
        if let Err(Stop::Failed(error)) = read(&source, standard_input, limits, &sender) {
            // If nobody takes rows any more, nobody wants to know either.
            drop(sender.send(Err(error)));
        }
    });
    TextRows {
        receiver,
        reader: Some(reader),
    }
}

/// The rows that [`texts`] reads.
#[derive(Debug)]
pub struct TextRows {
    receiver: Receiver<Result<TextRow, Error>>,
    /// None after the last row. It is not waited for when rows are left, because it may itself wait for
    /// standard input.
    reader: Option<JoinHandle<()>>,
}

impl Iterator for TextRows {
    type Item = Result<TextRow, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Ok(row) = self.receiver.recv() {
            return Some(row);
        }
        // The end of a reader that panicked must not look like the end of the source.
        if let Some(Err(panic)) = self.reader.take().map(JoinHandle::join) {
            resume_unwind(panic);
        }
        None
    }
}

impl FusedIterator for TextRows {}

/// Why the reading thread stops before the end of the source.
enum Stop {
    Failed(Error),
    /// The caller takes no more rows.
    Unwanted,
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<labelproof_tables::Error> for Stop {
    fn from(error: labelproof_tables::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// Where the settings of the rows stand.
const SETTINGS: Settings = Settings::CommandLine;

fn read(
    source: &TextSource,
    standard_input: impl Read + 'static,
    limits: Limits,
    sender: &SyncSender<Result<TextRow, Error>>,
) -> Result<(), Stop> {
    let problems = source.check();
    if !problems.is_empty() {
        return Err(Error::BadParams { problems }.into());
    }
    // How a delimited table is written is told from all of it, so that it is read twice.
    let mut spool = None;
    let bytes = match &source.path {
        Some(path) => {
            let file = one_file(path)?;
            Source::file(file.name, &file.path)
        }
        None if matches!(source.format, TextFormat::Csv | TextFormat::Tsv) => {
            let file = put_down(standard_input)?;
            Source::file(STANDARD_INPUT, spool.insert(file).path())
        }
        None => Source::stream(STANDARD_INPUT, standard_input),
    };
    let name = bytes.name().to_owned();
    let line = ["line".to_owned()];
    let names = Names {
        text: match source.format {
            TextFormat::Lines => &line,
            _ => &source.text,
        },
        label: None,
        id: source.id.as_deref(),
        group: None,
        split: None,
        conditions: None,
    };
    let options = Options {
        format: source.format.table(),
        part: source.part(),
        encoding: source.encoding,
        form: Form::Text,
        limits,
        settings: SETTINGS.of_tables(),
    };
    let sink = TextSink::new(source, &name, sender);
    let (table, _) = open_table(bytes, &options, &source.dialect, &names.all())?;
    let mut rows = table.rows_by_name(names.selection(SETTINGS))?;
    let mut count = 0_u64;
    while let Some(row) = rows.next_row()? {
        count += 1;
        let line = Some(row.place.number());
        match row.cells {
            Ok(cells) => sink.row(line, names.fields(cells))?,
            Err(problem) => sink.send(line, None, Err(Problem::of_row(problem, SETTINGS)))?,
        }
    }
    // A filter of lines that gets none gives none.
    if count == 0 && source.path.is_some() {
        return Err(labelproof_tables::Error::Empty { file: name }.into());
    }
    Ok(rows.into_selection().check(&name)?)
}

/// Puts a stream down in a file that is gone when it is dropped.
fn put_down(mut stream: impl Read) -> Result<NamedTempFile, Error> {
    let failed = |source| FsError::new("put down", Path::new(STANDARD_INPUT), source);
    let mut file = NamedTempFile::new().map_err(failed)?;
    io::copy(&mut stream, &mut file).map_err(failed)?;
    Ok(file)
}

impl TextFormat {
    fn table(self) -> Format {
        match self {
            Self::Lines => Format::Lines,
            Self::Csv => Format::Delimited(Dialect::CSV),
            Self::Tsv => Format::Delimited(Dialect::TSV),
            Self::JsonLines => Format::JsonLines,
            Self::Json => Format::Json,
            Self::Parquet => Format::Parquet,
            Self::Spreadsheet => Format::Spreadsheet,
            Self::Sqlite => Format::Sqlite,
        }
    }
}

impl TextSource {
    /// The table that is meant.
    fn part(&self) -> Part<'_> {
        match (&self.query, &self.table, &self.sheet) {
            (Some(query), ..) => Part::Query(query),
            (None, Some(table), _) => Part::Table(table),
            (None, None, Some(sheet)) => Part::Sheet(sheet),
            (None, None, None) => Part::Only,
        }
    }

    /// Every problem that shows without opening a file, each with its option in front.
    fn check(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let binary = match self.format {
            TextFormat::Parquet => Some(("Parquet", "Parquet is always UTF-8")),
            TextFormat::Spreadsheet => Some(("a workbook", "a workbook says itself how it is encoded")),
            TextFormat::Sqlite => Some(("a database", "a database says itself how it is encoded")),
            _ => None,
        };
        if let Some((called, own_encoding)) = binary {
            if self.path.is_none() {
                problems.push(format!(
                    "--format: {called} cannot be read from {STANDARD_INPUT}, name a file"
                ));
            }
            if self.encoding != Encoding::Utf8 {
                problems.push(format!(
                    "--encoding: {own_encoding}, remove `{}`",
                    self.encoding.name()
                ));
            }
        }
        let parts = [
            ("sheet", &self.sheet, TextFormat::Spreadsheet, "spreadsheet"),
            ("table", &self.table, TextFormat::Sqlite, "sqlite"),
            ("query", &self.query, TextFormat::Sqlite, "sqlite"),
        ];
        for (option, value, format, name) in parts {
            if value.is_some() && self.format != format {
                problems.push(format!("--{option}: only the format `{name}` has it, remove it"));
            }
        }
        if self.format == TextFormat::Lines {
            if let Some(id) = &self.id {
                problems.push(format!("--id: lines have no columns, remove `{id}`"));
            }
            return problems;
        }
        if self.text.is_empty() {
            problems.push("--text: name at least one column".to_owned());
        }
        let mut seen = BTreeSet::new();
        for name in &self.text {
            if name.is_empty() {
                problems.push("--text: the name of the column is empty".to_owned());
            } else if !seen.insert(name) {
                problems.push(format!("--text: `{name}` is named twice"));
            }
        }
        if self.id.as_ref().is_some_and(String::is_empty) {
            problems.push("--id: the name of the column is empty".to_owned());
        }
        problems
    }
}

/// Turns the cells of a row into a text, and sends it to the caller.
struct TextSink<'a> {
    file: &'a str,
    /// What the fields of the text are called in messages.
    text: Vec<String>,
    /// What the field of the id is called in messages.
    id: String,
    join: &'a str,
    sender: &'a SyncSender<Result<TextRow, Error>>,
}

impl<'a> TextSink<'a> {
    fn new(source: &'a TextSource, file: &'a str, sender: &'a SyncSender<Result<TextRow, Error>>) -> Self {
        let quoted = |column: &String| format!("`{column}`");
        Self {
            file,
            text: match source.format {
                TextFormat::Lines => vec!["the line".to_owned()],
                _ => source.text.iter().map(quoted).collect(),
            },
            id: source.id.as_ref().map(quoted).unwrap_or_default(),
            join: &source.join,
            sender,
        }
    }

    fn row(&self, line: Option<u64>, fields: Fields<'_>) -> Result<(), Stop> {
        let id = fields
            .id
            .map(|cell| row_id(&cell, &self.id, SETTINGS))
            .transpose();
        match id {
            Ok(id) => {
                let text = row_text(&fields.text, &self.text, self.join, SETTINGS);
                self.send(line, id, text)
            }
            Err(problem) => self.send(line, None, Err(problem)),
        }
    }

    fn send(&self, line: Option<u64>, id: Option<String>, text: Result<String, Problem>) -> Result<(), Stop> {
        let text =
            text.map_err(|problem| problem_line(self.file, line, problem.reason.name(), &problem.detail));
        let sent = self.sender.send(Ok(TextRow { id, line, text }));
        sent.or(Err(Stop::Unwanted))
    }
}

#[cfg(test)]
mod tests;
