//! The log of a training in whatever form people have it: files of frameworks and trackers, pasted console output,
//! standard input, or figures on the command line.
//!
//! What a log is, its content says, and never its name alone. A reader for each family of formats puts names and
//! values into a [`Course`]; what the names mean is settled in `keys`, what belongs to one epoch in `course`.
//!
//! | where | what there is |
//! | --- | --- |
//! | `keys`, `number`, `rows` | what a name means, what a number is, how many rows a figure is of |
//! | `course` | from single entries to epochs |
//! | `json`, `literal` | JSON, and what Python prints |
//! | `table` | tables with a row an epoch, a step or an evaluation |
//! | `console`, `lines`, `programs` | text with anything around the figures |
//! | `tensorboard`, `folder` | event files, and folders of trackers |
//! | `merge` | several logs of one training |
//! | `seems` | what a file is that is no log |

mod console;
mod course;
mod folder;
mod json;
mod keys;
mod lines;
mod literal;
mod merge;
mod number;
mod programs;
mod rows;
mod seems;
mod table;
mod tensorboard;

#[cfg(test)]
mod tests;

use std::io::{Cursor, stdin};
use std::path::Path;

use labelproof_artifact::Split;
use labelproof_tables::{
    Dialect, Encoding, Error as TableError, Form, Format, Limits, Options, Part, Source, Table, read_bytes,
};
use serde_json::Value;

use super::error::{Error, LogProblem};
use super::report::{self, Report};
use super::rows::SETTINGS;
use crate::evidence::Reading;
use crate::evidence::log::Log;
use course::{Course, Entry, Manner};
use table::Columns;

pub(super) use merge::merge;
pub(super) use programs::class_counts;
pub use seems::Seems;

/// A log, and what it says beside the figures of the epochs.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct ReadLog {
    pub(super) log: Log,
    /// The number of classes.
    pub(super) classes: Option<usize>,
    /// What was read and what was left aside.
    pub(super) reading: Reading,
    /// A classification report that stands in the midst of it.
    pub(super) report: Option<Report>,
}

/// The longest log that is read.
const MOST_BYTES: usize = 256 << 20;

/// The longest text in which a report is looked for.
const LONGEST_REPORT: usize = 1 << 20;

/// Reads what is held in memory under the name, or else a file, a folder, standard input, or `key=value,key=value`. Figures of a single evaluation that name no
/// rows are of `unnamed`; where it completes another log, counts on the command line are enough.
pub(super) fn read(
    given: &str,
    held: Option<&str>,
    unnamed: Split,
    is_completing: bool,
) -> Result<ReadLog, Error> {
    if let Some(text) = held {
        let mut read = of_bytes(text.as_bytes(), given, unnamed)?;
        given.clone_into(&mut read.log.source);
        return Ok(read);
    }
    let path = Path::new(given);
    let mut read = if given == "-" {
        let bytes = bytes_of(Source::stream("standard input", stdin()))?;
        of_bytes(&bytes, "standard input", unnamed)?
    } else if !path.exists()
        && let Some(read) = of_argument(given, unnamed, is_completing)
    {
        read.map_err(|problem| Error::Log {
            place: "--log".to_owned(),
            problem,
        })?
    } else if path.is_dir() {
        folder::read(path, unnamed)?
    } else {
        of_bytes(&bytes_of(Source::file(given, path))?, given, unnamed)?
    };
    read.log.source = match given {
        "-" => "standard input".to_owned(),
        _ if path.exists() => given.to_owned(),
        _ => "--log".to_owned(),
    };
    Ok(read)
}

fn bytes_of(source: Source) -> Result<Vec<u8>, Error> {
    let file = source.name().to_owned();
    let bytes = read_bytes(source, Encoding::Utf8, SETTINGS, MOST_BYTES).map_err(|error| match error {
        TableError::TooLong { place, .. } => TableError::TooLarge {
            file: place,
            mebibytes: (MOST_BYTES as u64 >> 20) + 1,
            what: "log",
        },
        other => other,
    })?;
    if bytes.is_empty() {
        return Err(TableError::Empty { file }.into());
    }
    Ok(bytes)
}

/// Figures on the command line; `None` if what is given can only be the path of a file.
fn of_argument(given: &str, unnamed: Split, is_completing: bool) -> Option<Result<ReadLog, LogProblem>> {
    if given.contains('=') && !given.contains(['\n', '{']) {
        return Some(of_pairs(given, is_completing));
    }
    let course = console::read(given, unnamed).ok()?;
    (!course.is_empty()).then(|| course.finish())
}

/// `key=value,key=value`, also with blanks or semicolons between them.
fn of_pairs(given: &str, is_completing: bool) -> Result<ReadLog, LogProblem> {
    let mut course = Course::new(Manner::Strict);
    let mut entry = Entry::default();
    let mut parts: Vec<String> = Vec::new();
    for part in given
        .split([',', ' ', ';'])
        .map(str::trim)
        .filter(|part| !part.is_empty())
    {
        // The decimals after a comma: `loss=0,52`.
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        match parts.last_mut() {
            Some(before)
                if is_number(part) && before.split_once('=').is_some_and(|(_, whole)| is_number(whole)) =>
            {
                before.push('.');
                before.push_str(part);
            }
            _ => parts.push(part.to_owned()),
        }
    }
    for part in parts {
        let (name, value) = part
            .split_once('=')
            .ok_or_else(|| LogProblem::NoPair { part: part.clone() })?;
        let name = name.trim();
        if keys::key(name).is_none() {
            return Err(LogProblem::UnknownKey { key: name.to_owned() });
        }
        let number = number::written(value).ok_or_else(|| LogProblem::NotANumber {
            key: name.to_owned(),
            value: value.to_owned(),
        })?;
        course.put(&mut entry, name, number)?;
    }
    course.push(entry)?;
    if is_completing && course.is_empty() {
        return Ok(course.finish_counts());
    }
    course.finish()
}

/// Reads what is in a file; `name` is that of the file, which TensorBoard and MLflow put the figure's name into.
fn of_bytes(bytes: &[u8], name: &str, unnamed: Split) -> Result<ReadLog, Error> {
    let failed = |problem| Error::Log {
        place: name.to_owned(),
        problem,
    };
    if tensorboard::is_event_file(bytes) {
        let mut course = Course::new(Manner::Lenient);
        folder::put_scalars(tensorboard::scalars(bytes), name, &mut course).map_err(failed)?;
        return course.finish().map_err(failed);
    }
    if let Some(seems) = seems::of_bytes(bytes) {
        return Err(failed(LogProblem::NoLog { seems }));
    }
    // A console writes whatever bytes a program gives it; figures are plain in every encoding.
    let text = String::from_utf8_lossy(bytes);
    of_text(&text, name, unnamed)
}

fn of_text(text: &str, name: &str, unnamed: Split) -> Result<ReadLog, Error> {
    let failed = |problem| Error::Log {
        place: name.to_owned(),
        problem,
    };
    if let Some(value) = parsed(text) {
        if let Some(text) = json::text_of_notebook(&value) {
            return of_console(&text, unnamed).map_err(failed);
        }
        let mut course = Course::new(Manner::Strict);
        let is_read = json::read(&value, name, unnamed, &mut course).map_err(failed)?;
        return if is_read {
            course.finish()
        } else {
            Err(seems::no_log(&value))
        }
        .map_err(failed);
    }
    if let Some(points) = folder::points_of_mlflow(text, name) {
        let mut course = Course::new(Manner::Lenient);
        json::of_points(points, &mut course).map_err(failed)?;
        return course.finish().map_err(failed);
    }
    if is_table(text, name) {
        return of_csv(text, name);
    }
    let mut read = of_console(text, unnamed).map_err(|problem| failed(seems::instead(problem, text)))?;
    if text.len() <= LONGEST_REPORT && (text.contains("f1-score") || text.contains(" tp: ")) {
        read.report = report::recognise(text);
    }
    Ok(read)
}

fn of_console(text: &str, unnamed: Split) -> Result<ReadLog, LogProblem> {
    console::read(text, unnamed)?.finish()
}

/// JSON, lines of JSON, or one literal of Python.
fn parsed(text: &str) -> Option<Value> {
    let text = text.trim_start_matches('\u{feff}').trim();
    if !text.starts_with(['{', '[']) {
        return None;
    }
    if let Ok(value) = serde_json::from_str(text) {
        return Some(value);
    }
    if let Some(value) = literal::whole(text) {
        return Some(value);
    }
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let values: Option<Vec<Value>> = lines
        .map(|line| line.starts_with('{').then(|| literal::whole(line))?)
        .collect();
    // A dictionary on each line is what a Trainer prints; the console reader knows what that means.
    values.filter(|_| !text.contains("'loss'")).map(Value::Array)
}

/// Whether the first line names columns of figures, and the next one has as many cells.
fn is_table(text: &str, name: &str) -> bool {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let (Some(header), Some(row)) = (lines.next(), lines.next()) else {
        return false;
    };
    let separator = [',', '\t', ';']
        .into_iter()
        .find(|separator| header.contains(*separator));
    let split = |line: &str| -> Vec<String> {
        match separator {
            Some(separator) => line
                .split(separator)
                .map(|cell| cell.trim().trim_matches('"').to_owned())
                .collect(),
            None => vec![line.trim().to_owned()],
        }
    };
    // Where something else follows, it is what a console or a page shows, and not a file that a program wrote.
    let cells = split(header).len();
    if separator != Some(',') && lines.any(|line| split(line).len() != cells) {
        return false;
    }
    let (header, row) = (split(header), split(row));
    let is_report = ["precision", "support"]
        .iter()
        .all(|name| header.iter().any(|found| found == name));
    if is_report || header.len() != row.len() || header.iter().any(|name| number::written(name).is_some()) {
        return false;
    }
    Columns::of(&header, name).map_or(true, |columns| {
        let cells: Vec<&str> = row.iter().map(String::as_str).collect();
        columns.have_figures() && (separator.is_some() || columns.fit(&cells))
    })
}

fn header_line(text: &str) -> &str {
    text.lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default()
}

/// A table with a row an epoch.
fn of_csv(text: &str, file: &str) -> Result<ReadLog, Error> {
    let options = Options {
        format: Format::Delimited(Dialect {
            alternatives: b"\t;",
            ..Dialect::CSV
        }),
        part: Part::Only,
        encoding: Encoding::Utf8,
        form: Form::Text,
        limits: Limits::default(),
        settings: SETTINGS,
    };
    let at = |place: String| move |problem| Error::Log { place, problem };
    let mut table = Table::open(
        Source::stream(file, Cursor::new(text.as_bytes().to_vec())),
        &options,
    )?;
    let header: Vec<String> = table
        .columns()?
        .iter()
        .map(|column| column.name.clone())
        .collect();
    let columns = Columns::of(&header, file).map_err(at(file.to_owned()))?;
    let places: Vec<usize> = (0..header.len()).collect();
    let mut rows = table.rows_by_place(&places)?;
    let mut course = Course::new(Manner::Strict);
    columns.leave_unknown(&mut course);
    let mut run = None;
    // Whoever separates cells by semicolons needs the comma for decimals.
    let has_decimal_commas = !header_line(text).contains(',') && header_line(text).contains(';');
    while let Some(row) = rows.next_row()? {
        let place = row.place.within(file);
        let cells = row.cells.map_err(|problem| Error::Row {
            place: place.clone(),
            problem: problem.into(),
        })?;
        let mut values = Vec::with_capacity(cells.len());
        for (name, cell) in header.iter().zip(&cells) {
            let value = super::table::text(cell, || name.clone()).map_err(|problem| Error::Row {
                place: place.clone(),
                problem,
            })?;
            values.push(if has_decimal_commas {
                value.replacen(',', ".", 1).into()
            } else {
                value
            });
        }
        let values: Vec<&str> = values.iter().map(AsRef::as_ref).collect();
        let entry = columns
            .entry(&values, &mut course, Manner::Strict, &mut run)
            .map_err(at(place.clone()))?;
        course.push(entry).map_err(at(place))?;
    }
    course.finish().map_err(at(file.to_owned()))
}
