//! From files that somebody has to the parameters that read them: `labelproof init`.
//!
//! What a file is, is told by its bytes; which column holds what, by names and by the first rows; and the guess
//! is tried: ingest reads everything with it before anybody is told to use it.

mod columns;
mod files;
mod names;
mod profile;
mod trial;

use std::path::{Path, PathBuf};

use labelproof_artifact::Reporter;
use labelproof_artifact::wording::{listed, one_line, quoted};
use labelproof_tables::{Cell, Encoding, Expected, Form, Options, Part, Sniffed, Source, Table, sniff};

use crate::error::Error;
use crate::limits::Limits;
use crate::params::{Format, Params};
use crate::settings::Settings;
use columns::Candidate;
use profile::Profile;

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
    pub rows: Vec<(String, String)>,
    /// What ingest says of all rows.
    pub summary: String,
}

/// Why no column is chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unclear {
    NoSuchColumn(String),
    NoLabel,
    NoText,
}

/// The rows that are shown.
const SHOWN_ROWS: usize = 5;

/// Finds out how these files and folders are to be read. The paths of the result are relative to `base`, the
/// folder of the `pipeline.yaml` to be.
pub fn guess(paths: &[PathBuf], base: &Path, said: &Said, reporter: &dyn Reporter) -> Result<Guess, Error> {
    let named = files::look(paths)?;
    let shown: Vec<String> = paths.iter().map(|path| relative(path, base)).collect();
    let mut remarks = Vec::new();
    let (params, rows) = match named.tables.first() {
        None => (Params::new(Format::Folder, shown), Vec::new()),
        Some(first) => {
            let looked = Looked::at(first, base)?;
            remarks.extend(looked.said());
            if !named.left_aside.is_empty() {
                remarks.push(format!(
                    "left aside, because they are no tables: {}",
                    quoted(&named.left_aside, 5)
                ));
            }
            of_table(looked, shown, said, &mut remarks)?
        }
    };
    let trial = trial::run(params, base, reporter)?;
    remarks.extend(trial.remarks);
    Ok(Guess {
        params: trial.params,
        remarks,
        rows,
        summary: trial.summary,
    })
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

/// The first rows of a table.
struct Looked {
    file: String,
    sniffed: Sniffed,
    columns: Vec<Candidate>,
    /// Words with characters beyond ASCII, by which a person sees whether the encoding is right.
    telling: Vec<String>,
    /// The first of the rows, with a cell for each column.
    first: Vec<Vec<String>>,
    rows: usize,
}

impl Looked {
    fn at(path: &Path, base: &Path) -> Result<Self, Error> {
        let file = relative(path, base);
        let expected = Expected {
            is_name: &names::is_name,
            no_header: false,
            settings: Settings::Pipeline.of_tables(),
        };
        let sniffed = sniff(&file, path, expected)?;
        let options = Options {
            format: sniffed.format,
            encoding: sniffed.encoding,
            part: Part::Only,
            form: Form::Text,
            limits: Limits::default().tables,
            settings: Settings::Pipeline.of_tables(),
        };
        let mut table = Table::open(Source::file(&file, path), &options)?;
        let mut columns: Vec<Candidate> = table
            .columns()?
            .iter()
            .map(|column| Candidate {
                name: match &column.within {
                    Some(within) => format!("{within}.{}", column.name),
                    None => column.name.clone(),
                },
                profile: Profile::default(),
            })
            .collect();
        let places: Vec<usize> = (0..columns.len()).collect();
        let mut reader = table.rows_by_place(&places)?;
        let mut first = Vec::new();
        let mut telling = Vec::new();
        let mut rows = 0;
        while rows < profile::ROWS
            && let Some(row) = reader.next_row()?
        {
            let Ok(cells) = row.cells else { continue };
            rows += 1;
            for (column, cell) in columns.iter_mut().zip(&cells) {
                column.profile.push(cell);
                if sniffed.encoding != Encoding::Utf8 && telling.len() < SHOWN_ROWS {
                    telling.extend(word_beyond_ascii(cell));
                }
            }
            if first.len() < SHOWN_ROWS {
                first.push(cells.iter().map(shown).collect());
            }
        }
        Ok(Self {
            file,
            sniffed,
            columns,
            telling,
            first,
            rows,
        })
    }
}

fn word_beyond_ascii(cell: &Cell<'_>) -> Option<String> {
    let text = match cell {
        Cell::Text(text) => text.as_ref(),
        Cell::Bytes(bytes) => std::str::from_utf8(bytes).ok()?,
        _ => return None,
    };
    let word = text.split_whitespace().find(|word| !word.is_ascii())?;
    Some(one_line(word))
}

fn shown(cell: &Cell<'_>) -> String {
    match cell {
        Cell::Text(text) => one_line(text),
        Cell::Bytes(bytes) => one_line(&String::from_utf8_lossy(bytes)),
        Cell::Number(number) => number.to_string(),
        Cell::Missing | Cell::Absent => String::new(),
        Cell::Other(what) => format!("({what})"),
        Cell::Boolean(value) => value.to_string(),
        Cell::List(items) | Cell::Each(items) if items.len() == 1 => items.iter().map(shown).collect(),
        Cell::Numbers(_) | Cell::List(_) | Cell::Each(_) | Cell::Nested(_) => "(a list)".to_owned(),
    }
}

/// The parameters of a table that was looked at, and its first rows.
fn of_table(
    looked: Looked,
    paths: Vec<String>,
    said: &Said,
    remarks: &mut Vec<String>,
) -> Result<(Params, Vec<(String, String)>), Error> {
    let unclear = |why: Unclear| Error::Unclear {
        file: looked.file.clone(),
        columns: looked.described(),
        why: why.in_words(),
        option: why.option(),
    };
    let format = files::format_of(looked.sniffed.format).ok_or_else(|| unclear(Unclear::NoText))?;
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
    let mut params = Params::new(format, paths);
    params.encoding = looked.sniffed.encoding;
    params.columns = Some(choice.columns);
    Ok((params, rows))
}

impl Looked {
    /// What is unusual about the file, in a sentence.
    fn said(&self) -> Option<String> {
        let mut remarks = self.sniffed.remarks.clone();
        if !self.telling.is_empty() {
            let words = quoted(&self.telling, SHOWN_ROWS);
            remarks.push(format!(
                "with {words} in it: if that looks wrong, set another `encoding`"
            ));
        }
        (!remarks.is_empty()).then(|| format!("{}: {}", self.file, listed(&remarks)))
    }

    /// A line for each column: its name and what it looks like.
    fn described(&self) -> Vec<String> {
        let line =
            |column: &Candidate| format!("`{}`: {}", one_line(&column.name), column.profile.examples());
        self.columns.iter().map(line).collect()
    }
}

impl Unclear {
    fn in_words(&self) -> String {
        match self {
            Self::NoSuchColumn(name) => format!("no column is called `{name}`"),
            Self::NoLabel => {
                "no column looks like labels: a few different values, each of them in several rows".to_owned()
            }
            Self::NoText => "no column looks like texts: words, nearly all different".to_owned(),
        }
    }

    fn option(&self) -> &'static str {
        match self {
            Self::NoSuchColumn(_) => "--text COLUMN or --label COLUMN",
            Self::NoLabel => "--label COLUMN",
            Self::NoText => "--text COLUMN",
        }
    }
}

#[cfg(test)]
mod tests;
