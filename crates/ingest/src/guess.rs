//! From files that somebody has to the parameters that read them: `labelproof init`.
//!
//! What a file is, is told by its bytes; which column holds what, by names and by the first rows; and the guess
//! is tried: ingest reads everything with it before anybody is told to use it.

mod columns;
mod files;
mod looked;
mod names;
mod plain;
mod profile;
mod together;
mod trial;

use std::path::{Path, PathBuf};

use labelproof_artifact::Reporter;
use labelproof_artifact::fs::FsError;
use labelproof_artifact::wording::quoted;

use crate::error::Error;
use crate::params::{Dialect, Format, Header, Params};
use files::File;
use looked::Looked;
use plain::Plain;
use together::Together;

/// What somebody says of the files beside naming them.
#[derive(Debug, Clone, Default)]
pub struct Said {
    /// The columns of the text; empty if nothing is said.
    pub text: Vec<String>,
    /// The column of the label.
    pub label: Option<String>,
}

/// What files were found to be.
#[derive(Debug, Clone)]
pub struct Guess {
    /// The parameters that read them. Ingest has passed with them.
    pub params: Params,
    /// What was understood, and what a person should look at.
    pub remarks: Vec<String>,
    /// The label and the text of the first rows, each on one line.
    pub rows: FirstRows,
    /// What ingest says of all rows.
    pub summary: String,
}

/// Why no column is chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unclear {
    ColumnMissing(String),
    LabelNotFound,
    TextNotFound,
}

/// The label and the text of some rows, each on one line.
type FirstRows = Vec<(String, String)>;

/// The rows that are shown.
const SHOWN_ROWS: usize = 5;

/// Finds out how these files and folders are to be read. The paths of the result are relative to `base`, the
/// folder of the `pipeline.yaml` to be.
pub fn guess(paths: &[PathBuf], base: &Path, said: &Said, reporter: &dyn Reporter) -> Result<Guess, Error> {
    let named = files::look(paths, base)?;
    let shown: Vec<String> = paths.iter().map(|path| relative(path, base)).collect();
    let mut remarks = Vec::new();
    let (params, rows) = if named.tables.is_empty() {
        (Params::new(Format::Folder, shown), Vec::new())
    } else {
        of_files(&named.tables, shown, said, &mut remarks)?
    };
    if !named.left_aside.is_empty() {
        remarks.push(format!(
            "left aside, because they are no tables: {}",
            quoted(&named.left_aside, SHOWN_ROWS)
        ));
    }
    let trial = trial::run(params, base, reporter)?;
    remarks.extend(trial.remarks);
    Ok(Guess {
        params: trial.params,
        remarks,
        rows,
        summary: trial.summary,
    })
}

/// A folder that goes when it is dropped.
fn scratch() -> Result<tempfile::TempDir, Error> {
    tempfile::tempdir()
        .map_err(|source| FsError::new("create a folder in", &std::env::temp_dir(), source).into())
}

/// A path as `pipeline.yaml` names it, with `/`.
fn relative(path: &Path, base: &Path) -> String {
    let within = match (path.canonicalize(), base.canonicalize()) {
        (Ok(path), Ok(base)) => path.strip_prefix(base).map(Path::to_path_buf).ok(),
        _ => None,
    };
    let path = within.unwrap_or_else(|| path.to_path_buf());
    path.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/")
}

/// The parameters of files that are no folder of texts, and the first rows.
fn of_files(
    files: &[File],
    paths: Vec<String>,
    said: &Said,
    remarks: &mut Vec<String>,
) -> Result<(Params, FirstRows), Error> {
    let looked = Looked::at(&files[0], said);
    let has_columns = looked.as_ref().is_ok_and(Looked::has_columns);
    if let Some((plain, rows)) = plain::look(files, has_columns)? {
        return Ok((of_lines(&plain, files, paths), rows));
    }
    let together = Together::look(files, looked?, said)?;
    remarks.extend(together.lead.said());
    let (mut params, rows, is_kept) = of_tables(&together, said, remarks)?;
    params.paths = if is_kept.contains(&false) && !files.iter().any(|file| file.is_member) {
        let kept = files.iter().zip(is_kept).filter(|(_, is_kept)| *is_kept);
        kept.map(|(file, _)| file.name.clone()).collect()
    } else {
        paths
    };
    Ok((params, rows))
}

/// The parameters of files of lines. Parallel files are named one by one, even if a folder of them was.
fn of_lines(plain: &Plain, files: &[File], paths: Vec<String>) -> Params {
    match *plain {
        Plain::Fasttext => Params::new(Format::Fasttext, paths),
        Plain::LabelInName => Params::new(Format::Lines, paths),
        Plain::Parallel(texts, labels) => {
            let path = |place: usize| vec![files[place].name.clone()];
            let mut params = Params::new(Format::Lines, path(texts));
            params.label_paths = path(labels);
            params
        }
    }
}

/// The parameters but for the paths of tables that were looked at, the first rows of their lead, and which of
/// the files are read.
fn of_tables(
    together: &Together,
    said: &Said,
    remarks: &mut Vec<String>,
) -> Result<(Params, FirstRows, Vec<bool>), Error> {
    let looked = &together.lead;
    together.check()?;
    let unclear = |why: Unclear| Error::Unclear {
        file: looked.file.clone(),
        columns: looked.described(),
        why: why.in_words(),
        option: why.option(),
    };
    let format = files::format_of(looked.sniffed.format).ok_or_else(|| unclear(Unclear::TextNotFound))?;
    let choice = columns::choose(&looked.columns, looked.rows, said).map_err(unclear)?;
    remarks.extend(choice.remarks);
    let place = |name: &String| looked.columns.iter().position(|column| column.name == *name);
    let rows = looked.first.iter().map(|row| {
        let cell = |name: &String| {
            place(name)
                .and_then(|place| row.get(place))
                .cloned()
                .unwrap_or_default()
        };
        let text: Vec<String> = choice.columns.text.iter().map(cell).collect();
        (cell(&choice.columns.label), text.join(" | "))
    });
    let rows = rows.collect();
    let mut columns = choice.columns;
    let is_kept = together.settle(&mut columns, &choice.conditions, remarks);
    let mut params = Params::new(together.format(format, &is_kept), Vec::new());
    match looked.sniffed.format {
        labelproof_tables::Format::Spreadsheet => params.sheet.clone_from(&looked.part),
        labelproof_tables::Format::Sqlite => params.table.clone_from(&looked.part),
        _ => params.encoding = looked.sniffed.encoding,
    }
    let mut dialect = Dialect {
        separator: looked.separator(),
        ..Dialect::default()
    };
    if looked.lacks_header() {
        let names: Vec<String> = looked.columns.iter().map(|column| column.name.clone()).collect();
        dialect.header = Header::Names(columns::name_by_role(&mut columns, names));
    }
    if dialect != Dialect::default() {
        params.dialect = Some(dialect);
    }
    params.columns = Some(columns);
    params.conditions = choice.conditions;
    Ok((params, rows, is_kept))
}

impl Unclear {
    fn in_words(&self) -> String {
        match self {
            Self::ColumnMissing(name) => format!("no column is called `{name}`"),
            Self::LabelNotFound => {
                "no column looks like labels: a few different values, each of them in several rows".to_owned()
            }
            Self::TextNotFound => "no column looks like texts: words, nearly all different".to_owned(),
        }
    }

    fn option(&self) -> &'static str {
        match self {
            Self::ColumnMissing(_) => "--text COLUMN or --label COLUMN",
            Self::LabelNotFound => "--label COLUMN",
            Self::TextNotFound => "--text COLUMN",
        }
    }
}

#[cfg(test)]
mod tests;
