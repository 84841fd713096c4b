//! Rows of the format `lines`: a text on each line, and its label on the same line of another file, or in the
//! name of the file.

mod names;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use labelproof_artifact::Reporter;
use labelproof_tables::{Cell, Options, Rows, Source, Table};

use crate::error::Error;
use crate::intake::Intake;
use crate::params::Params;
use crate::rows::Fields;
use crate::share::Share;
use crate::sources::{self, Found, SourceFile};

/// Reads every line into the intake.
pub(crate) fn read(
    params: &Params,
    base: &Path,
    sources: &[Found],
    share: &Share,
    options: &Options<'_>,
    intake: &mut Intake<'_>,
) -> Result<(), Error> {
    if params.label_paths.is_empty() {
        let labels = names::labels(sources)?;
        for ((number, found), label) in (0..).zip(sources).zip(&labels) {
            if !share.contains(number) {
                continue;
            }
            read_labelled(found, label, number, options, intake)?;
        }
        return Ok(());
    }
    let labels = files_of_labels(params, base, intake.reporter)?;
    for (number, found) in share.of(sources) {
        let Some(labels) = labels.get(&found.file.name) else {
            let problem = format!(
                "ingest.label_paths: no file of labels belongs to `{}`, name the files themselves",
                found.file.name
            );
            return Err(Error::BadParams {
                problems: vec![problem],
            });
        };
        intake.tally.remarks.push(format!(
            "the labels of `{}` are the lines of `{}`",
            found.file.name, labels.name
        ));
        read_pair(&found.file, labels, number, options, intake)?;
    }
    Ok(())
}

/// The file of labels for the name of each file of texts: the files of an entry of `ingest.paths` and those
/// of the entry of `ingest.label_paths` at the same place, in the order of their names.
fn files_of_labels(
    params: &Params,
    base: &Path,
    reporter: &dyn Reporter,
) -> Result<BTreeMap<String, SourceFile>, Error> {
    let mut all = BTreeMap::new();
    for (texts, labels) in params.paths.iter().zip(&params.label_paths) {
        let files = |path: &String| {
            let params = Params {
                paths: vec![path.clone()],
                ..params.clone()
            };
            sources::find(&params, base, reporter)
        };
        let (of_texts, of_labels) = (files(texts)?, files(labels)?);
        if of_texts.len() != of_labels.len() {
            return Err(Error::FileCounts {
                texts: texts.clone(),
                text_files: of_texts.len(),
                labels: labels.clone(),
                label_files: of_labels.len(),
            });
        }
        for (of_text, of_label) in of_texts.into_iter().zip(of_labels) {
            if all.insert(of_text.file.name.clone(), of_label.file).is_some() {
                let problem = format!("ingest.paths: `{}` is named twice", of_text.file.name);
                return Err(Error::BadParams {
                    problems: vec![problem],
                });
            }
        }
    }
    Ok(all)
}

/// Reads a file whose name says the label.
fn read_labelled(
    found: &Found,
    label: &str,
    source: u32,
    options: &Options<'_>,
    intake: &mut Intake<'_>,
) -> Result<(), Error> {
    let mut rows = open(&found.file, options)?;
    let mut count = 0;
    while let Some((line, cell)) = next(&mut rows)? {
        count += 1;
        // A blank line holds no text that could have been lost.
        if !is_blank(&cell) {
            intake.row(source, Some(line), fields(cell, Cell::Text(Cow::Borrowed(label))))?;
        }
    }
    if count == 0 {
        let file = found.file.name.clone();
        return Err(labelproof_tables::Error::Empty { file }.into());
    }
    Ok(())
}

/// Reads two files whose lines belong together.
fn read_pair(
    texts: &SourceFile,
    labels: &SourceFile,
    source: u32,
    options: &Options<'_>,
    intake: &mut Intake<'_>,
) -> Result<(), Error> {
    let (mut of_texts, mut of_labels) = (open(texts, options)?, open(labels, options)?);
    let mut count = 0;
    loop {
        match (next(&mut of_texts)?, next(&mut of_labels)?) {
            (None, None) => break,
            (Some((line, text)), Some((_, label))) => {
                count += 1;
                intake.row(source, Some(line), fields(text, label))?;
            }
            (text, label) => {
                let has_more_texts = text.is_some();
                let left = text.or(label);
                let mut is_nothing = left.is_some_and(|(_, cell)| is_blank(&cell));
                let rows = if has_more_texts {
                    &mut of_texts
                } else {
                    &mut of_labels
                };
                let mut more = 1;
                while let Some((_, cell)) = next(rows)? {
                    more += 1;
                    is_nothing &= is_blank(&cell);
                }
                // A file that ends in blank lines has nothing more to say than one that does not.
                if is_nothing {
                    break;
                }
                let (text_lines, label_lines) = if has_more_texts {
                    (count + more, count)
                } else {
                    (count, count + more)
                };
                return Err(Error::LineCounts {
                    texts: texts.name.clone(),
                    text_lines,
                    labels: labels.name.clone(),
                    label_lines,
                });
            }
        }
    }
    if count == 0 {
        let file = texts.name.clone();
        return Err(labelproof_tables::Error::Empty { file }.into());
    }
    Ok(())
}

fn open(file: &SourceFile, options: &Options<'_>) -> Result<Rows, Error> {
    let source = Source::file(&file.name, &file.path);
    Ok(Table::open(source, options)?.rows_by_place(&[0])?)
}

/// The next line, with its number.
fn next(rows: &mut Rows) -> Result<Option<(u64, Cell<'_>)>, Error> {
    let Some(row) = rows.next_row()? else {
        return Ok(None);
    };
    let line = row.place.number();
    // A line is its only cell, whatever is in it.
    let cell = row.cells.ok().and_then(|cells| cells.into_iter().next());
    Ok(Some((line, cell.unwrap_or(Cell::Missing))))
}

fn is_blank(cell: &Cell<'_>) -> bool {
    matches!(cell, Cell::Bytes(bytes) if bytes.trim_ascii().is_empty())
}

fn fields<'c>(text: Cell<'c>, label: Cell<'c>) -> Fields<'c> {
    Fields {
        text: vec![text],
        label,
        id: None,
        group: None,
        split: None,
        conditions: Vec::new(),
    }
}
