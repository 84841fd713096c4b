//! Anyone's files as evidence: rows as CSV, JSON lines, Parquet or NumPy arrays, a log, a confusion matrix, a
//! tokenizer.
//!
//! Responsible for finding out what is what in them, and for one numbering of the labels over all of them.
//! What cannot be understood is an error that says where and what to do; nothing is guessed silently.

mod confusion;
mod error;
mod labels;
mod log;
mod roles;
mod rows;
mod scores;
mod table;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use labelproof_artifact::{Reporter, Split};
use labelproof_text::tokenizer::Tokenizer;

pub use error::{ConfusionProblem, Error, LogProblem, RowProblem};
pub use roles::{Columns, Role};

use crate::evidence::{BundleFacts, Dataset, Evidence, Part};
use labels::LabelNumbers;
use table::Table;

/// Files to audit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files {
    /// Rows that the model was chosen by.
    pub validation: Option<PathBuf>,
    /// Rows that were kept apart.
    pub test: Option<PathBuf>,
    /// Rows that were trained on.
    pub train: Option<PathBuf>,
    /// The log of the training: a path, or `key=value,key=value`.
    pub log: Option<String>,
    /// A confusion matrix of the test rows.
    pub confusion: Option<PathBuf>,
    /// A `tokenizer.json`.
    pub tokenizer: Option<PathBuf>,
    /// Columns by name.
    pub columns: Columns,
}

/// Reads the files into one body of evidence. What was decided on the way is reported as messages.
pub fn read(files: &Files, reporter: &dyn Reporter) -> Result<Evidence, Error> {
    read_evidence(files, read_dataset(files, reporter)?, None, reporter)
}

/// Reads the files of rows. What was decided on the way is reported as messages.
pub fn read_dataset(files: &Files, reporter: &dyn Reporter) -> Result<Dataset, Error> {
    let table = |split: Split, path: &Option<PathBuf>| {
        let Some(path) = path else { return Ok(None) };
        reporter.started(&format!("reading {}", path.display()), None);
        let table = rows::read(path, split, &files.columns, reporter);
        reporter.finished();
        table.map(Some)
    };
    let mut train = table(Split::Train, &files.train)?;
    let mut validation = table(Split::Validation, &files.validation)?;
    let mut test = table(Split::Test, &files.test)?;
    let mut tables: Vec<&mut Table> = [&mut train, &mut validation, &mut test]
        .into_iter()
        .filter_map(Option::as_mut)
        .collect();
    check_named(&files.columns, &tables)?;
    drop_counted_ids(&mut tables, reporter);
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
    let part = |table: Option<Table>| table.map(|table| part(table, &map, reporter)).transpose();
    Ok(Dataset {
        train: part(train)?,
        validation: part(validation)?,
        test: part(test)?,
        labels: map.names,
    })
}

/// Reads the other files, and joins them with the rows and with what running a bundle told.
pub fn read_evidence(
    files: &Files,
    mut dataset: Dataset,
    bundle: Option<BundleFacts>,
    reporter: &dyn Reporter,
) -> Result<Evidence, Error> {
    let log = files
        .log
        .as_ref()
        .map(|given| log::read(given, reporter))
        .transpose()?;
    let confusion = match &files.confusion {
        Some(path) => Some(confusion::read(path, &dataset.labels, reporter)?),
        None => None,
    };
    if let Some(names) = confusion.as_ref().and_then(|matrix| matrix.labels.as_ref())
        && dataset.labels.is_empty()
    {
        dataset.labels.clone_from(names);
    }
    let (class_count, log) = log.map_or((None, None), |read| (read.classes, Some(read.log)));
    let evidence = Evidence {
        dataset,
        class_count,
        log,
        bundle,
        tokenizer: files.tokenizer.as_ref().map(Tokenizer::from_file).transpose()?,
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

fn lower_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().to_lowercase()
}

/// A column named on the command line may be missing in some files, but not in all.
fn check_named(columns: &Columns, tables: &[&mut Table]) -> Result<(), Error> {
    let Some(first) = tables.first() else {
        return Ok(());
    };
    for (role, column) in [
        (Role::Id, &columns.id),
        (Role::Text, &columns.text),
        (Role::Truth, &columns.label),
        (Role::Predicted, &columns.predicted),
        (Role::Group, &columns.group),
    ] {
        if let Some(column) = column
            && !tables.iter().any(|table| table.named.contains(&role))
        {
            return Err(Error::NoSuchColumn {
                place: first.source.clone(),
                role,
                column: column.clone(),
                columns: first.header.clone(),
            });
        }
    }
    Ok(())
}

/// Rows without labels allow hardly any check; whoever has them under another name has to know.
fn say_what_lacks(table: &Table, reporter: &dyn Reporter) {
    if table.truth.is_none() && !table.header.is_empty() {
        reporter.message(&format!(
            "{}: no column of true labels among {}; name it with --label",
            table.source,
            table
                .header
                .iter()
                .map(|name| format!("`{name}`"))
                .collect::<Vec<_>>()
                .join(", ")
        ));
    }
}

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
    let mut part = Part {
        rows: table.rows,
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
