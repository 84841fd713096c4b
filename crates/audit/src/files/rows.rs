//! The rows of one file, in any format that the crate `tables` reads.
//!
//! Responsible for finding out which columns the file has and which of them are read; `table` gathers their
//! cells.

use std::io::Cursor;
use std::path::Path;

use labelproof_artifact::{Reporter, Split, wording};
use labelproof_tables::{
    Batches, Cell, Column, ColumnKind, Expected, Form, Format, Limits, Options, Part, Settings, Sniffed,
    Source,
};

use super::error::{Error, RowProblem};
use super::pasted;
use super::profile::{self, Profile};
use super::roles::{Columns, Look, Purpose, Role, Roles, ScoreColumns};
use super::table::{Builder, Table};

/// The settings that messages about tables may name. The audit has none for the encoding.
pub(super) const SETTINGS: Settings = Settings {
    encoding: None,
    format: None,
    sheet: None,
    table: None,
    json_lines: ".jsonl",
    json: ".json",
    dialect: None,
};

/// More columns than this are not looked at.
const MOST_COLUMNS: usize = 5_000;
/// Rows between two reports of progress.
const ROWS_A_STEP: usize = 10_000;

/// How a file of rows is read.
#[derive(Clone, Copy)]
pub(super) struct Reading<'r> {
    pub(super) split: Split,
    pub(super) purpose: Purpose,
    pub(super) columns: &'r Columns,
    /// Whether the command line says that there is no header.
    pub(super) no_header: bool,
}

/// Where rows come from.
enum Origin<'o> {
    Memory(&'o Batches),
    File(&'o Path, Sniffed),
    /// The rows of a text that was written anew.
    Text(Vec<u8>, Sniffed),
}

impl Origin<'_> {
    /// Opens the table, which messages call `file`.
    fn open(&self, file: &str) -> Result<labelproof_tables::Table, labelproof_tables::Error> {
        match self {
            Self::Memory(held) => {
                let held = Batches::clone(held);
                Ok(labelproof_tables::Table::in_memory(file, held, Form::Typed))
            }
            Self::File(path, sniffed) => {
                labelproof_tables::Table::open(Source::file(file, *path), &options(sniffed))
            }
            Self::Text(text, sniffed) => {
                let text = Cursor::new(text.clone());
                labelproof_tables::Table::open(Source::stream(file, text), &options(sniffed))
            }
        }
    }

    fn format(&self) -> Option<Format> {
        match self {
            Self::Memory(_) => None,
            Self::File(_, sniffed) | Self::Text(_, sniffed) => Some(sniffed.format),
        }
    }

    fn has_decimal_commas(&self) -> bool {
        matches!(self, Self::File(_, sniffed) if sniffed.has_decimal_commas)
    }

    /// What is unusual, in the words of a sentence that lists it.
    fn remarks(&self) -> &[String] {
        match self {
            Self::Memory(_) => &[],
            Self::File(_, sniffed) | Self::Text(_, sniffed) => &sniffed.remarks,
        }
    }
}

fn options(sniffed: &Sniffed) -> Options<'static> {
    Options {
        format: sniffed.format,
        part: Part::Only,
        encoding: sniffed.encoding,
        form: Form::Typed,
        limits: Limits::default(),
        settings: SETTINGS,
    }
}

/// Reads rows, which messages call `file`: those that are held in memory, or those of a file, whose bytes say what
/// it is where its name does not.
pub(super) fn read(
    held: Option<&Batches>,
    path: &Path,
    file: String,
    reading: Reading<'_>,
    reporter: &dyn Reporter,
) -> Result<Table, Error> {
    let origin = if let Some(held) = held {
        Origin::Memory(held)
    } else if let Some(pasted) = pasted::of_file(path) {
        Origin::Text(pasted.text.into_bytes(), pasted.sniffed)
    } else {
        let is_name = |cell: &str| {
            super::roles::is_name(cell) || cell.parse::<f64>().is_err() && reading.columns.name(cell)
        };
        let expected = Expected {
            is_name: &is_name,
            no_header: reading.no_header,
            settings: SETTINGS,
        };
        Origin::File(path, labelproof_tables::sniff(&file, path, expected)?)
    };
    let mut table = origin.open(&file)?;
    let mut header = Header::of(table.columns()?);
    let is_array = matches!(origin.format(), Some(Format::Npy | Format::Npz));
    let mut roles = if origin.format() == Some(Format::Npy) {
        roles_of_array(&mut header, &file, reading, reporter)?
    } else {
        let place = table.header_place();
        let profiles = if is_array {
            Vec::new()
        } else {
            header.profiles(origin.open(&file)?, origin.has_decimal_commas())
        };
        let look = Look {
            header: &header.names,
            profiles: &profiles,
            is_named: !origin.format().is_some_and(is_nameless),
            purpose: reading.purpose,
            place: &place,
        };
        let mut roles = Roles::find(look, reading.columns)?;
        roles.check(&header.names, reading.columns, &place)?;
        header.settle(&mut roles, &file)?;
        if is_array {
            // Other arrays may be of other rows.
            roles.candidates.clear();
        }
        roles
    };
    if let Some(column) = roles.truth.filter(|_| roles.truth == roles.predicted) {
        return Err(Error::SameColumn {
            place: file,
            column: header.names[column].clone(),
        });
    }
    let decisions = std::mem::take(&mut roles.decisions);
    for doubt in std::mem::take(&mut roles.doubts) {
        reporter.message(&format!("{file}: {doubt}"));
    }
    let left_aside = table.left_aside().to_vec();
    let remarks = table.remarks().to_vec();
    let mut builder = Builder::new(
        file.clone(),
        &header.names,
        roles.clone(),
        origin.has_decimal_commas(),
    );
    gather(table, &header, &roles, &mut builder, &file, reporter)?;
    let mut table = builder.finish();
    let remarks = [origin.remarks(), &remarks].concat();
    if !remarks.is_empty() {
        let remarks = wording::listed(&remarks);
        table.reading.says(format!("{}.", wording::capitalized(&remarks)));
    }
    for decision in decisions {
        table
            .reading
            .says(format!("{}.", wording::capitalized(&decision)));
    }
    for key in left_aside {
        table.reading.leaves(format!("key `{key}`"));
    }
    Ok(table)
}

/// Whether the columns of a table have numbers in place of names.
fn is_nameless(format: Format) -> bool {
    match format {
        Format::Delimited(dialect) => dialect.header == labelproof_tables::Header::None,
        Format::JsonArrays { has_header, .. } => !has_header,
        Format::JsonValues { .. } => true,
        _ => false,
    }
}

/// Hands the cells of every row to the builder.
fn gather(
    table: labelproof_tables::Table,
    header: &Header,
    roles: &Roles,
    builder: &mut Builder,
    file: &str,
    reporter: &dyn Reporter,
) -> Result<(), Error> {
    let needed = needed(roles);
    let places: Vec<usize> = needed.iter().map(|column| header.places[*column]).collect();
    let mut rows = table.rows_by_place(&places)?;
    while let Some(row) = rows.next_row()? {
        let place = row.place;
        let cells = row.cells.map_err(|problem| Error::Row {
            place: place.within(file),
            problem: problem.into(),
        })?;
        let cell = |column: usize| &cells[needed.partition_point(|needed| *needed < column)];
        builder
            .push(cell)
            .map_err(|stop| stop.at(file, || place.within(file)))?;
        if builder.rows().is_multiple_of(ROWS_A_STEP) {
            reporter.advance(ROWS_A_STEP as u64, "");
        }
    }
    Ok(())
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
                Some(object) => format!("{object}.{}", column.name),
            };
            header.names.push(name);
            header.places.push(place);
            header.columns.push(column.clone());
        }
        header
    }

    /// What the first rows hold. A row that cannot be read is for whoever reads them all.
    fn profiles(&self, table: labelproof_tables::Table, commas: bool) -> Vec<Profile> {
        let mut profiles = vec![Profile::default(); self.names.len()];
        if self.names.len() > MOST_COLUMNS {
            return profiles;
        }
        let readable: Vec<usize> = (0..self.names.len())
            .filter(|column| self.kind(*column) != ColumnKind::Unreadable)
            .collect();
        let places: Vec<usize> = readable.iter().map(|column| self.places[*column]).collect();
        let Ok(mut rows) = table.rows_by_place(&places) else {
            return profiles;
        };
        for _ in 0..profile::ROWS {
            let Ok(Some(row)) = rows.next_row() else { break };
            let Ok(cells) = row.cells else { continue };
            for (column, cell) in readable.iter().zip(&cells) {
                profiles[*column].push(cell, commas);
            }
        }
        profiles
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
        for place in roles.one_hot.iter().flat_map(|(places, _)| places) {
            check(*place, &[Untyped, Number, Boolean], "numbers")?;
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

/// What an array without a name is: scores if it has two dimensions, and otherwise labels, which are the
/// predicted ones unless predictions are given in a file of their own.
fn roles_of_array(
    header: &mut Header,
    file: &str,
    reading: Reading<'_>,
    reporter: &dyn Reporter,
) -> Result<Roles, Error> {
    let look = Look {
        header: &[],
        profiles: &[],
        is_named: true,
        purpose: reading.purpose,
        place: file,
    };
    let mut roles = Roles::find(look, &Columns::default())?;
    let name = if header.kind(0) == ColumnKind::NumberList {
        roles.scores = ScoreColumns::One {
            place: 0,
            class: None,
            logits: false,
        };
        "scores"
    } else if reading.purpose == Purpose::Truth {
        roles.truth = Some(0);
        "labels"
    } else {
        roles.predicted = Some(0);
        "predictions"
    };
    header.names = vec![name.to_owned()];
    if reading.purpose == Purpose::Rows {
        let split = reading.split.name();
        reporter.message(&format!(
            "{file}: taken as {name} without true labels; for these give an .npz: \
             np.savez(\"{split}.npz\", y_true=labels, {name}={name})"
        ));
    }
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
    needed.extend(roles.one_hot.iter().flat_map(|(places, _)| places));
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
