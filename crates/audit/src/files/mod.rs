//! Anyone's files as evidence: rows as CSV, JSON lines, Parquet or NumPy arrays, a log, a confusion matrix, a
//! tokenizer.
//!
//! Responsible for finding out what is what in them, and for one numbering of the labels over all of them.
//! What cannot be understood is an error that says where and what to do; nothing is guessed silently.

mod confusion;
mod error;
mod forms;
mod join;
mod labels;
mod literal;
mod log;
mod order;
mod pasted;
mod placeholders;
mod printed;
mod profile;
mod readings;
mod report;
mod roles;
mod rows;
mod scores;
mod table;
mod vocabulary;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use labelproof_artifact::{MessageKeeper, Reporter, Split, wording};
use labelproof_tables::Batches;
use labelproof_text::tokenizer::Tokenizer;

pub use error::{ConfusionProblem, Error, LogProblem, RowProblem};
pub use log::Seems;
use roles::Purpose;
pub use roles::{Columns, Role};

use crate::evidence::{BundleFacts, Dataset, Evidence, Part, Reading};
use confusion::{Given, MOST_CLASSES};
use labels::LabelNumbers;
use log::ReadLog;
use report::Reports;
use table::Table;

/// What a name stands for that is no file, but in memory.
#[derive(Debug, Clone, PartialEq)]
pub enum Held {
    /// A table of rows.
    Rows(Batches),
    /// The text of a log or of a confusion matrix.
    Text(String),
}

/// Files to audit.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Files {
    /// What is in memory: a path below that is one of these names stands for it, and messages call it so.
    pub held: BTreeMap<PathBuf, Held>,
    /// Rows that the model was chosen by.
    pub validation: Option<PathBuf>,
    /// Rows that were kept apart.
    pub test: Option<PathBuf>,
    /// Rows that were trained on.
    pub train: Option<PathBuf>,
    /// Predictions of the test rows, where they are in a file of their own.
    pub predictions: Option<PathBuf>,
    /// Predictions of the validation rows, where they are in a file of their own.
    pub validation_predictions: Option<PathBuf>,
    /// The folder of predictions that a model made just now, and what messages call the model.
    pub predicted_by: Option<(PathBuf, String)>,
    /// Whether the files of rows have no header.
    pub no_header: bool,
    /// Logs of the training, which are read as one: paths, or `key=value,key=value`.
    pub logs: Vec<String>,
    /// A confusion matrix of the test rows.
    pub confusion: Option<PathBuf>,
    /// A `tokenizer.json`.
    pub tokenizer: Option<PathBuf>,
    /// Columns by name.
    pub columns: Columns,
    /// What a log does not say.
    pub counts: Counts,
}

/// Numbers that a log often does not say, and without which its figures tell little.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// The number of classes.
    pub classes: Option<u64>,
    /// Rows that the validation figures are of.
    pub validation_rows: Option<u64>,
    /// Rows that the test figures are of.
    pub test_rows: Option<u64>,
    /// Rows that were trained on.
    pub train_rows: Option<u64>,
    /// Rows a batch.
    pub batch_size: Option<u64>,
}

impl Files {
    fn held_rows(&self, name: &Path) -> Option<&Batches> {
        match self.held.get(name) {
            Some(Held::Rows(rows)) => Some(rows),
            _ => None,
        }
    }

    fn held_text(&self, name: &Path) -> Option<&str> {
        match self.held.get(name) {
            Some(Held::Text(text)) => Some(text),
            _ => None,
        }
    }
}

/// Reads the files into one body of evidence. What was decided on the way is reported as messages.
pub fn read(files: &Files, reporter: &dyn Reporter) -> Result<Evidence, Error> {
    read_evidence(files, read_dataset(files, reporter)?, None)
}

/// Reads the files of rows. What was decided on the way is reported as messages.
pub fn read_dataset(files: &Files, reporter: &dyn Reporter) -> Result<Dataset, Error> {
    let keeper = MessageKeeper::showing(reporter);
    let mut dataset = read_rows(files, &keeper)?;
    readings::share(keeper.into_messages(), &mut dataset.readings);
    Ok(dataset)
}

fn read_rows(files: &Files, reporter: &dyn Reporter) -> Result<Dataset, Error> {
    let mut predicted = Vec::new();
    let mut table = |split: Split, path: &Option<PathBuf>, predictions: &Option<PathBuf>| {
        let Some(path) = path.as_ref().filter(|path| !report::is_report(files, path)) else {
            return match predictions {
                None => Ok(None),
                Some(path) => Err(Error::PredictionsAlone { path: path.clone() }),
            };
        };
        let purpose = if predictions.is_some() {
            Purpose::Truth
        } else {
            Purpose::Rows
        };
        let mut table = read_table(files, split, purpose, path, reporter)?;
        if let Some(path) = predictions {
            let mut beside = read_table(files, split, Purpose::Predictions, path, reporter)?;
            let reading = readings::of_table(&beside);
            join::join(&mut table, &mut beside, reporter)?;
            table.named.append(&mut beside.named);
            predicted.push(reading);
        }
        Ok(Some(table))
    };
    let mut train = table(Split::Train, &files.train, &None)?;
    let mut validation = table(
        Split::Validation,
        &files.validation,
        &files.validation_predictions,
    )?;
    let mut test = table(Split::Test, &files.test, &files.predictions)?;
    let mut tables: Vec<&mut Table> = [&mut train, &mut validation, &mut test]
        .into_iter()
        .filter_map(Option::as_mut)
        .collect();
    check_named(&files.columns, &tables, reporter)?;
    drop_counted_ids(&mut tables, reporter);
    placeholders::set_aside(&mut tables, reporter);
    vocabulary::join(&mut tables, reporter);
    labels::adopt_candidates(&mut tables);
    for table in &tables {
        say_what_lacks(table, reporter);
    }
    let slots = [(&train, true), (&validation, true), (&test, false)];
    let known: Vec<(&Table, bool)> = slots
        .into_iter()
        .filter_map(|(table, is_first)| Some((table.as_ref()?, is_first)))
        .collect();
    let map = LabelNumbers::of(&known)?;
    let places = [&train, &validation, &test].map(|table| {
        table
            .as_ref()
            .map_or_else(Default::default, |table| map.places(table))
    });
    let mut readings = Vec::new();
    let mut part = |table: Option<Table>| -> Result<Option<Part>, Error> {
        let Some(table) = table else { return Ok(None) };
        let mut reading = readings::of_table(&table);
        let part = part(table, &map, reporter)?;
        readings::add_part(&mut reading, &part, &map.names);
        readings.push(reading);
        Ok(Some(part))
    };
    let (train, validation, test) = (part(train)?, part(validation)?, part(test)?);
    readings.append(&mut predicted);
    let mut dataset = Dataset {
        train,
        validation,
        test,
        readings,
        labels: map.names,
    };
    order::fit(&mut dataset, places, reporter);
    placeholders::of_one_class(&mut dataset, reporter);
    Ok(dataset)
}

/// Reads a file of rows.
fn read_table(
    files: &Files,
    split: Split,
    purpose: Purpose,
    path: &Path,
    reporter: &dyn Reporter,
) -> Result<Table, Error> {
    let reading = rows::Reading {
        split,
        purpose,
        columns: &files.columns,
        no_header: files.no_header,
    };
    let name = match &files.predicted_by {
        Some((folder, model)) if path.starts_with(folder) => model.clone(),
        _ => path.display().to_string(),
    };
    reporter.started(&format!("reading {name}"), None);
    let table = rows::read(files.held_rows(path), path, name, reading, reporter);
    reporter.finished();
    let mut table = table?;
    table.reading.source.clone_from(&table.source);
    if table.reading.role.is_empty() {
        table.reading.role = match purpose {
            Purpose::Predictions => format!("predictions of the {}", role_of(split)),
            _ => role_of(split).to_owned(),
        };
    }
    Ok(table)
}

/// What the rows of a split are called in a reading.
fn role_of(split: Split) -> &'static str {
    match split {
        Split::Train => "training rows",
        Split::Validation => "validation rows",
        Split::Test => "test rows",
    }
}

/// Reads the other files, and joins them with the rows and with what running a bundle told.
pub fn read_evidence(
    files: &Files,
    mut dataset: Dataset,
    bundle: Option<BundleFacts>,
) -> Result<Evidence, Error> {
    let mut readings = std::mem::take(&mut dataset.readings);
    let mut reports = Reports::of(files);
    let (log, mut given) = read_logs(files, &mut reports)?;
    let confusion = match &files.confusion {
        Some(path) => {
            let counted = counted(&dataset);
            match confusion::read(path, files.held_text(path), &dataset.labels, counted.as_deref())? {
                Given::Report(report) => {
                    reports.add(path, report::split_of(path).or(Some(Split::Test)), *report);
                    None
                }
                Given::Shares(reading) => {
                    given.push(reading);
                    None
                }
                Given::Matrix(matrix) => {
                    let mut reading = matrix.reading.clone();
                    readings::add_matrix(&mut reading, &matrix.counts, matrix.labels.as_deref());
                    given.push(reading);
                    Some(*matrix)
                }
            }
        }
        None => None,
    };
    let (margins, of_reports) = reports.margins(&dataset);
    given.extend(of_reports);
    readings.extend(given);
    let mut tokenizer = None;
    if let Some(path) = &files.tokenizer {
        let read = if path.is_dir() {
            Tokenizer::from_folder(path)?
        } else {
            Tokenizer::from_file(path)?
        };
        let mut reading = Reading::new(path.display().to_string(), "tokenizer of the model");
        reading.says(format!("{}.", wording::counted(read.vocabulary_size(), "token")));
        readings.push(reading);
        tokenizer = Some(read);
    }
    if let Some(bundle) = &bundle {
        let mut reading = Reading::new(bundle.path.display().to_string(), "bundle of the model");
        reading.says(match (bundle.canaries, &bundle.replay) {
            (0, None) => "Its configuration and weights were read.",
            (0, Some(_)) => "It was run on test rows.",
            _ => "It was run on its own sample texts and on test rows.",
        });
        readings.push(reading);
    }
    if let Some(margins) = margins.first()
        && dataset.labels.is_empty()
        && confusion.as_ref().is_none_or(|matrix| matrix.labels.is_none())
    {
        dataset.labels.clone_from(&margins.names);
    }
    if let Some(names) = confusion.as_ref().and_then(|matrix| matrix.labels.as_ref())
        && dataset.labels.is_empty()
    {
        dataset.labels.clone_from(names);
    }
    if let Some(classes) = files.counts.classes
        && !dataset.labels.is_empty()
        && classes != dataset.labels.len() as u64
        && let Some(reading) = readings.last_mut()
    {
        reading.leaves(format!(
            "--classes {classes}, because the files name {}",
            wording::counted(dataset.labels.len(), "label")
        ));
    }
    let (class_count, log) = log.map_or((None, None), |read| (read.classes, Some(read.log)));
    let evidence = Evidence {
        dataset,
        class_count,
        log,
        margins,
        bundle,
        tokenizer,
        readings,
        ..Evidence::default()
    };
    Ok(match confusion {
        None => evidence,
        Some(matrix) => Evidence {
            confusion: Some(matrix.counts),
            confusion_labels: matrix.labels,
            confusion_columns: matrix.columns,
            confusion_spellings: matrix.spellings,
            ..evidence
        },
    })
}

/// Reads the logs as one, and puts the numbers given beside them into it; with a reading of each.
fn read_logs(files: &Files, reports: &mut Reports) -> Result<(Option<ReadLog>, Vec<Reading>), Error> {
    // What names no rows is of those that were given.
    let unnamed = match (&files.validation, &files.test) {
        (Some(_), None) => Split::Validation,
        _ => Split::Test,
    };
    let mut merged: Option<ReadLog> = None;
    let mut given = Vec::new();
    for log in &files.logs {
        if reports.have(log) {
            continue;
        }
        let held = files.held_text(Path::new(log));
        let mut read = log::read(log, held, unnamed, files.logs.len() > 1)?;
        if let Some(report) = read.report.take() {
            reports.add_of_log(&read.log.source, report);
        }
        read.reading.source.clone_from(&read.log.source);
        if read.reading.role.is_empty() {
            "log of the training".clone_into(&mut read.reading.role);
        }
        readings::add_log(&mut read.reading, &read.log);
        given.push(read.reading.clone());
        merged = Some(match merged {
            None => read,
            Some(merged) => log::merge(merged, &read)?,
        });
    }
    let Some(mut read) = merged else {
        return match files.counts.first() {
            Some(option) => Err(Error::CountWithoutLog { option }),
            None => Ok((None, given)),
        };
    };
    if read.log.epochs.is_empty() {
        return Err(Error::Log {
            place: "--log".to_owned(),
            problem: LogProblem::NoFigures { keys: Vec::new() },
        });
    }
    read.reading.read.clear();
    put_counts(&mut read, files.counts);
    if let Some(last) = given.last_mut() {
        last.read.append(&mut read.reading.read);
    }
    Ok((Some(read), given))
}

/// Puts the numbers of the command line into a log; they are worth more than what the log says.
fn put_counts(read: &mut ReadLog, counts: Counts) {
    let ReadLog {
        log,
        classes,
        reading,
        ..
    } = read;
    let mut said: Vec<String> = Vec::new();
    let mut put = |slot: &mut Option<u64>, given: Option<u64>, option: &str| {
        let Some(given) = given else { return };
        let before = slot.replace(given).filter(|before| *before != given);
        said.push(match before {
            Some(before) => format!("{option} {given}, in place of the log's {before}"),
            None => format!("{option} {given}"),
        });
    };
    put(
        &mut log.validation_rows,
        counts.validation_rows,
        "--validation-rows",
    );
    put(&mut log.test_rows, counts.test_rows, "--test-rows");
    put(&mut log.train_rows, counts.train_rows, "--train-rows");
    put(&mut log.batch_size, counts.batch_size, "--batch-size");
    let mut number = classes.and_then(|classes| u64::try_from(classes).ok());
    put(&mut number, counts.classes, "--classes");
    *classes = number.and_then(|classes| usize::try_from(classes).ok());
    if !said.is_empty() {
        reading.says(format!("Given beside it: {}.", wording::listed(&said)));
    }
}

impl Counts {
    /// The option of the first number that is given.
    fn first(self) -> Option<&'static str> {
        let all = [
            (self.classes, "--classes"),
            (self.validation_rows, "--validation-rows"),
            (self.test_rows, "--test-rows"),
            (self.train_rows, "--train-rows"),
            (self.batch_size, "--batch-size"),
        ];
        all.into_iter()
            .find_map(|(number, option)| number.map(|_| option))
    }
}

/// The confusion matrix of the test rows, if they have predictions.
fn counted(dataset: &Dataset) -> Option<Vec<Vec<u64>>> {
    let part = dataset
        .test
        .as_ref()
        .filter(|_| dataset.labels.len() <= MOST_CLASSES)?;
    let predictions = part.predictions()?;
    let mut counts = vec![vec![0; dataset.labels.len()]; dataset.labels.len()];
    for (truth, predicted) in part.truth.as_ref()?.iter().zip(predictions.iter()) {
        *counts.get_mut(*truth as usize)?.get_mut(*predicted as usize)? += 1;
    }
    Some(counts)
}

fn lower_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().to_lowercase()
}

/// A column named on the command line may be missing in some files, but not in all.
fn check_named(columns: &Columns, tables: &[&mut Table], reporter: &dyn Reporter) -> Result<(), Error> {
    for (role, column) in [
        (Role::Id, &columns.id),
        (Role::Text, &columns.text),
        (Role::Truth, &columns.label),
        (Role::Predicted, &columns.predicted),
        (Role::Group, &columns.group),
    ] {
        let Some(column) = column else { continue };
        let Some(first) = tables.first() else {
            return Err(Error::ColumnWithoutRows { role });
        };
        if !tables.iter().any(|table| table.named.contains(&role)) {
            return Err(Error::NoSuchColumn {
                place: first.source.clone(),
                role,
                column: column.clone(),
                columns: first.header.clone(),
            });
        }
        for table in tables.iter().filter(|table| !table.named.contains(&role)) {
            let instead = table.columns_used.iter().find(|(what, _)| *what == role.plural());
            let instead = instead.map_or_else(String::new, |(what, other)| {
                format!("; {what} are taken from `{other}`")
            });
            reporter.message(&format!("{}: no column `{column}`{instead}", table.source));
        }
    }
    Ok(())
}

/// Rows without labels allow hardly any check, and those without predictions not many; whoever has them under
/// another name has to know.
fn say_what_lacks(table: &Table, reporter: &dyn Reporter) {
    let header = wording::quoted(&table.header, COLUMNS_SHOWN);
    let is_training = table.reading.role == role_of(Split::Train);
    if table.is_multi_label {
        return;
    }
    if table.truth.is_none() && !table.header.is_empty() && table.wording.placeholders.is_none() {
        reporter.message(&format!(
            "{}: no column of true labels among {header}; name it with --label",
            table.source,
        ));
        if let Some((place, rows)) = only_answer(table) {
            reporter.message(&format!(
                "{}: all {rows} predictions are {place}, whatever the row is",
                table.source
            ));
        }
    }
    let is_predicted = table.predicted.is_some() || table.scores.is_some() || table.wording.apart.is_some();
    if !is_predicted && !is_training && !table.header.is_empty() {
        reporter.message(&format!(
            "{}: no column of predicted labels or scores among {header}; name it with --predicted",
            table.source,
        ));
    }
}

/// The only class that is predicted, and the rows, of a table with enough rows for it to say something.
fn only_answer(table: &Table) -> Option<(String, usize)> {
    const FEWEST: usize = 20;
    if table.rows < FEWEST {
        return None;
    }
    if let Some(predicted) = &table.predicted {
        let [only] = predicted.spellings.as_slice() else {
            return None;
        };
        return Some((format!("`{}`", wording::one_line(only)), table.rows));
    }
    let scores = table.scores.as_ref().filter(|scores| scores.width > 1)?;
    let highest = |row: &[f64]| {
        let places = (0..row.len()).reduce(|best, place| if row[place] > row[best] { place } else { best });
        places.unwrap_or(0)
    };
    let mut rows = scores.values.chunks_exact(scores.width).map(highest);
    let first = rows.next()?;
    rows.all(|place| place == first).then(|| {
        let name = scores.names.as_ref().and_then(|names| names.get(first));
        let class = name.map_or_else(
            || format!("class {first}, counted from 0"),
            |name| format!("`{name}`"),
        );
        (class, table.rows)
    })
}

/// Columns that a message lists.
const COLUMNS_SHOWN: usize = 20;

/// Ids that only count the rows of their own file name nothing: the same ones in two files are no shared
/// rows.
fn drop_counted_ids(tables: &mut [&mut Table], reporter: &dyn Reporter) {
    let counts = |table: &Table| {
        let ids = table.ids.as_ref()?;
        let first: u64 = ids.first()?.parse().ok().filter(|first| *first <= 1)?;
        (first..)
            .zip(ids)
            .all(|(number, id)| id.parse() == Ok(number))
            .then_some(())
    };
    let counted = tables.iter().filter(|table| counts(table).is_some()).count();
    for table in tables {
        let is_named = table.named.contains(&Role::Id);
        if !is_named && (table.id_is_nameless || counted > 1) && counts(table).is_some() {
            table.ids = None;
            reporter.message(&format!(
                "{}: the ids only count the rows, and are not used; if they do name rows, say so with --id",
                table.source
            ));
        }
    }
}

/// The rows of a table with their labels numbered.
fn part(table: Table, map: &LabelNumbers, reporter: &dyn Reporter) -> Result<Part, Error> {
    let source = table.source;
    let mut wording = table.wording;
    wording
        .joined
        .extend(map.guessed_places(&[&table.truth, &table.predicted]));
    let mut part = Part {
        rows: table.rows,
        true_spellings: wording.true_spellings,
        equal_as_spelled: wording.equal_as_spelled,
        joined: wording.joined,
        apart: wording.apart,
        placeholders: wording.placeholders,
        ids: table.ids,
        texts: table.texts,
        groups: table.groups,
        ..Part::default()
    };
    let mut spellings = Vec::new();
    if let Some(labels) = &table.truth {
        spellings.extend(labels.spellings.iter().cloned());
    }
    if let Some(labels) = table
        .predicted
        .as_ref()
        .filter(|labels| !map.are_places(&labels.spellings))
    {
        spellings.extend(labels.spellings.iter().cloned());
    }
    spellings.sort();
    spellings.dedup();
    part.spellings = spellings;
    let number = |labels: Option<table::Labels>| {
        labels
            .map(|labels| map.number(labels, &source, reporter))
            .transpose()
    };
    part.truth = number(table.truth)?;
    part.stored_predictions = number(table.predicted)?;
    if let Some(raw) = table.scores {
        let predicted = part.stored_predictions.as_deref();
        if let Some(settled) = scores::settle(raw, map, predicted, &source, reporter)? {
            part.normalized_scores = settled.normalised;
            part.scores = Some(settled.scores);
        }
    }
    part.source = source;
    Ok(part)
}
