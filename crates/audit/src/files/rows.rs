//! The rows of one file, in any format that the crate `tables` reads.
//!
//! Responsible for finding out which columns the file has and which of them are read; `table` gathers their
//! cells.

use std::path::Path;

use labelproof_artifact::{Reporter, Split};
use labelproof_tables::{
    Cell, Column, ColumnKind, Encoding, Form, Format, Limits, Options, Settings, Source,
};

use super::error::{Error, RowProblem};
use super::roles::{Columns, Role, Roles, ScoreColumns};
use super::table::{Builder, Table};

/// The settings that messages about tables may name. The audit has none for the encoding.
pub(super) const SETTINGS: Settings = Settings {
    encoding: None,
    json_lines: ".jsonl",
    json: ".json",
};

/// Rows between two reports of progress.
const ROWS_A_STEP: usize = 10_000;

/// Reads a file of rows; its name says the format.
pub(super) fn read(
    path: &Path,
    split: Split,
    columns: &Columns,
    reporter: &dyn Reporter,
) -> Result<Table, Error> {
    let format = Format::of_name(path).ok_or_else(|| Error::UnknownFormat {
        path: path.to_path_buf(),
        wanted: "rows are read from .csv, .tsv, .jsonl or .json (.gz too), .parquet, .npz and .npy",
    })?;
    let file = path.display().to_string();
    let options = Options {
        format,
        encoding: Encoding::Utf8,
        form: Form::Typed,
        limits: Limits::default(),
        settings: SETTINGS,
    };
    let mut table = labelproof_tables::Table::open(Source::file(&file, path), &options)?;
    let mut header = Header::of(table.columns()?);
    let roles = if format == Format::Npy {
        roles_of_array(&mut header, &file, split, reporter)?
    } else {
        let place = table.header_place();
        let mut roles = Roles::find(&header.names, columns, &place)?;
        roles.check(&header.names, columns, &place)?;
        header.settle(&mut roles, &file)?;
        if format == Format::Npz {
            // Other arrays may be of other rows.
            roles.candidates.clear();
        }
        roles
    };
    let needed = needed(&roles);
    let places: Vec<usize> = needed.iter().map(|column| header.places[*column]).collect();
    let mut rows = table.rows_by_place(&places)?;
    let mut builder = Builder::new(file.clone(), &header.names, roles);
    while let Some(row) = rows.next_row()? {
        let place = row.place;
        let cells = row.cells.map_err(|problem| Error::Row {
            place: place.within(&file),
            problem: problem.into(),
        })?;
        let cell = |column: usize| &cells[needed.partition_point(|needed| *needed < column)];
        builder
            .push(cell)
            .map_err(|stop| stop.at(&file, || place.within(&file)))?;
        if builder.rows().is_multiple_of(ROWS_A_STEP) {
            reporter.advance(ROWS_A_STEP as u64, "");
        }
    }
    Ok(builder.finish())
}

/// Keys whose object holds a score for each class.
const SCORE_OBJECTS: [&str; 6] = ["probabilities", "probs", "proba", "scores", "logits", "y_proba"];

fn holds_scores(key: &str) -> bool {
    SCORE_OBJECTS.contains(&key.to_lowercase().as_str())
}

/// The columns that roles are looked for in.
struct Header {
    names: Vec<String>,
    /// Where each of them is in its table.
    places: Vec<usize>,
    columns: Vec<Column>,
}

impl Header {
    /// The columns of a table, in which those of an object of scores stand for the object.
    fn of(columns: &[Column]) -> Self {
        let mut header = Self {
            names: Vec::new(),
            places: Vec::new(),
            columns: Vec::new(),
        };
        for (place, column) in columns.iter().enumerate() {
            let is_object = columns
                .iter()
                .any(|inner| inner.within.as_ref() == Some(&column.name));
            let name = match &column.within {
                None if is_object && holds_scores(&column.name) => continue,
                None => column.name.clone(),
                Some(object) if object.eq_ignore_ascii_case("logits") => format!("logit_{}", column.name),
                Some(object) if holds_scores(object) => format!("probability of {}", column.name),
                Some(_) => continue,
            };
            header.names.push(name);
            header.places.push(place);
            header.columns.push(column.clone());
        }
        header
    }

    fn kind(&self, column: usize) -> ColumnKind {
        self.columns[column].kind
    }

    /// Makes of the roles what the types of the columns say: predictions that are lists of numbers are
    /// scores.
    fn settle(&self, roles: &mut Roles, file: &str) -> Result<(), Error> {
        if let Some(place) = roles.predicted
            && self.kind(place) == ColumnKind::NumberList
        {
            roles.predicted = None;
            roles.named.retain(|role| *role != Role::Predicted);
            // Hugging Face's Trainer calls its logits `predictions`.
            if roles.scores == ScoreColumns::None {
                roles.scores = ScoreColumns::One {
                    place,
                    class: None,
                    logits: false,
                };
            }
        }
        roles
            .candidates
            .retain(|place| matches!(self.kind(*place), ColumnKind::Untyped | ColumnKind::Number));
        self.check(roles, file)
    }

    fn check(&self, roles: &Roles, file: &str) -> Result<(), Error> {
        use ColumnKind::{Boolean, Number, NumberList, Text, Untyped};
        const SCALARS: [ColumnKind; 4] = [Untyped, Text, Number, Boolean];
        let check = |place: usize, kinds: &[ColumnKind], expected: &'static str| {
            let kind = self.kind(place);
            // Why a column is unreadable is said by its reader.
            if kinds.contains(&kind) || kind == ColumnKind::Unreadable {
                return Ok(());
            }
            Err(labelproof_tables::Error::ColumnType {
                file: file.to_owned(),
                setting: None,
                column: self.names[place].clone(),
                found: self.columns[place].type_name.clone(),
                expected,
            })
        };
        for place in [roles.id, roles.text, roles.predicted, roles.group]
            .into_iter()
            .flatten()
        {
            check(place, &SCALARS, "a string, number or boolean")?;
        }
        if let Some(place) = roles.truth {
            // A list may be one-hot, which its rows tell.
            let kinds = [&SCALARS[..], &[NumberList]].concat();
            check(place, &kinds, "a string, number or boolean")?;
        }
        match &roles.scores {
            ScoreColumns::None => {}
            ScoreColumns::Each { places, .. } => {
                for place in places {
                    check(*place, &[Untyped, Number], "numbers")?;
                }
            }
            ScoreColumns::One { place, .. } => {
                let kinds = [Untyped, Text, Number, NumberList];
                check(*place, &kinds, "a list of numbers, or numbers")?;
            }
        }
        Ok(())
    }
}

/// What an array without a name is: scores if it has two dimensions, and otherwise predictions.
fn roles_of_array(
    header: &mut Header,
    file: &str,
    split: Split,
    reporter: &dyn Reporter,
) -> Result<Roles, Error> {
    let mut roles = Roles::find(&[], &Columns::default(), file)?;
    let name = if header.kind(0) == ColumnKind::NumberList {
        roles.scores = ScoreColumns::One {
            place: 0,
            class: None,
            logits: false,
        };
        "scores"
    } else {
        roles.predicted = Some(0);
        "predictions"
    };
    header.names = vec![name.to_owned()];
    let split = split.name();
    reporter.message(&format!(
        "{file}: taken as {name} without true labels; for these give an .npz: \
         np.savez(\"{split}.npz\", y_true=labels, {name}={name})"
    ));
    Ok(roles)
}

/// The columns that have a role, in their order.
fn needed(roles: &Roles) -> Vec<usize> {
    let singles = [roles.id, roles.text, roles.truth, roles.predicted, roles.group];
    let mut needed: Vec<usize> = singles.into_iter().flatten().collect();
    match &roles.scores {
        ScoreColumns::None => {}
        ScoreColumns::Each { places, .. } => needed.extend(places),
        ScoreColumns::One { place, .. } => needed.push(*place),
    }
    needed.extend(&roles.candidates);
    needed.sort_unstable();
    needed.dedup();
    needed
}

/// The problem of a cell that has nothing where something must be.
pub(super) fn nothing(cell: &Cell<'_>, column: String) -> RowProblem {
    match cell {
        Cell::Absent => RowProblem::Missing { column },
        _ => RowProblem::Empty { column },
    }
}
