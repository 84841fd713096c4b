//! The columns of a table, and the choice of some of them by name.

use std::collections::BTreeSet;

use labelproof_artifact::wording::nearest;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// A column as its file describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The name in the header.
    pub name: String,
    /// The key of the object that the column is a part of, where JSON has objects within a row.
    pub within: Option<String>,
    /// What the cells hold, as far as the format has types.
    pub kind: ColumnKind,
    /// The type as the format calls it; empty where the format has no types.
    pub type_name: String,
}

impl Column {
    /// A column of a format without types.
    pub(crate) fn untyped(name: String) -> Self {
        Self {
            name,
            within: None,
            kind: ColumnKind::Untyped,
            type_name: String::new(),
        }
    }
}

/// What the cells of a column hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// Anything: the format has no types.
    Untyped,
    /// Strings.
    Text,
    /// Numbers of any kind.
    Number,
    /// Truth values.
    Boolean,
    /// Lists of numbers.
    NumberList,
    /// Lists of strings or truth values.
    TextList,
    /// Something that can be read and is none of these.
    Other,
    /// Something that cannot be read. The error says why when the column is chosen.
    Unreadable,
}

/// What a column may hold that is chosen by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepts {
    /// Strings.
    Text,
    /// Strings, numbers and truth values.
    Scalars,
}

impl Accepts {
    fn fits(self, kind: ColumnKind) -> bool {
        match kind {
            ColumnKind::Untyped | ColumnKind::Text | ColumnKind::Unreadable => true,
            // A list of one is as good as what is in it, which its rows tell.
            ColumnKind::Number | ColumnKind::Boolean | ColumnKind::NumberList | ColumnKind::TextList => {
                self == Self::Scalars
            }
            ColumnKind::Other => false,
        }
    }

    fn in_words(self) -> &'static str {
        match self {
            Self::Text => "a string",
            Self::Scalars => "a string, number or boolean",
        }
    }
}

/// A column that a setting names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The setting, as messages show it.
    pub setting: String,
    /// The name of the column.
    pub column: String,
    /// What the column may hold.
    pub accepts: Accepts,
}

/// Columns chosen by name in one or several tables, and which of them were there.
#[derive(Debug)]
pub struct Selection {
    wanted: Vec<Wanted>,
    seen: SeenColumns,
    /// The rows whose keys were asked for.
    noted_rows: usize,
    /// Whether the keys are what is wanted.
    is_listing: bool,
}

/// What tables had of a [`Selection`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenColumns {
    /// Whether any row has had the column: objects of JSON lines may each have other keys.
    columns: Vec<bool>,
    /// The keys of the objects so far, which the error of a column that is never seen lists.
    keys: BTreeSet<String>,
    /// In how many rows a column that is an item of a list had others beside it.
    passed_over: Vec<u64>,
}

impl SeenColumns {
    /// Adds what other tables had of the same selection.
    pub fn merge(&mut self, other: Self) {
        if self.columns.is_empty() {
            *self = other;
            return;
        }
        for (seen, of_other) in self.columns.iter_mut().zip(other.columns) {
            *seen |= of_other;
        }
        for (rows, of_other) in self.passed_over.iter_mut().zip(other.passed_over) {
            *rows += of_other;
        }
        for key in other.keys {
            if self.keys.len() < MOST_KEYS {
                self.keys.insert(key);
            }
        }
    }
}

/// The keys that are remembered. Objects that are maps from data to data would fill the memory.
const MOST_KEYS: usize = 200;
/// The rows whose keys are remembered as long as a column was not seen: finding them takes time.
const NOTED_ROWS: usize = 1000;

impl Selection {
    /// A choice of which nothing has been looked for yet.
    pub fn new(wanted: Vec<Wanted>) -> Self {
        Self {
            seen: SeenColumns {
                columns: vec![false; wanted.len()],
                keys: BTreeSet::new(),
                passed_over: vec![0; wanted.len()],
            },
            wanted,
            noted_rows: 0,
            is_listing: false,
        }
    }

    /// A choice of no column, which remembers what those of the first rows are called: for JSON, whose rows
    /// name their columns one by one.
    pub fn listing() -> Self {
        Self {
            is_listing: true,
            ..Self::new(Vec::new())
        }
    }

    /// The names that a [`listing`](Self::listing) has remembered.
    pub fn names(&self) -> impl Iterator<Item = &String> {
        self.seen.keys.iter()
    }

    /// What the tables so far had of the columns.
    pub fn into_seen(self) -> SeenColumns {
        self.seen
    }

    /// The same choice, after tables that had so much of it.
    pub fn with_seen(self, seen: SeenColumns) -> Self {
        Self { seen, ..self }
    }

    /// After the last table: a column that no row of any table has is a wrong name. `place` is the first
    /// table.
    pub fn check(self, place: &str) -> Result<(), Error> {
        let unseen = self
            .wanted
            .iter()
            .zip(&self.seen.columns)
            .find(|(_, seen)| !**seen);
        let Some((wanted, _)) = unseen else {
            return Ok(());
        };
        let columns = self.seen.keys.into_iter().collect();
        Err(no_such_column(wanted, columns, place))
    }

    /// The columns that are an item of a list, and in how many rows there are other items beside it.
    pub fn passed_over(&self) -> impl Iterator<Item = (&Wanted, u64)> {
        let counts = self.seen.passed_over.iter().copied();
        self.wanted.iter().zip(counts).filter(|(_, rows)| *rows > 0)
    }

    /// Finds the columns in a header; `place` says where that is.
    pub(crate) fn find(&mut self, header: &[Column], place: &str, file: &str) -> Result<Vec<usize>, Error> {
        let places = self
            .wanted
            .iter()
            .map(|wanted| find(wanted, header, place))
            .collect::<Result<Vec<_>, _>>()?;
        for (wanted, place) in self.wanted.iter().zip(&places) {
            let column = &header[*place];
            if !wanted.accepts.fits(column.kind) {
                return Err(Error::ColumnType {
                    file: file.to_owned(),
                    setting: Some(wanted.setting.clone()),
                    column: column.name.clone(),
                    found: column.type_name.clone(),
                    expected: wanted.accepts.in_words(),
                });
            }
        }
        self.seen.columns.fill(true);
        Ok(places)
    }

    /// The columns that are chosen.
    pub(crate) fn wanted(&self) -> &[Wanted] {
        &self.wanted
    }

    /// Whether the keys of the next row may be needed for an error.
    pub(crate) fn notes_keys(&mut self) -> bool {
        let is_needed = self.is_listing || self.seen.columns.iter().any(|seen| !seen);
        let notes = self.noted_rows < NOTED_ROWS && is_needed;
        self.noted_rows += usize::from(notes);
        notes
    }

    /// Remembers a key of an object.
    pub(crate) fn note_key(&mut self, key: String) {
        if self.seen.keys.len() < MOST_KEYS {
            self.seen.keys.insert(key);
        }
    }

    /// Remembers that a row has other items beside the one that a column is.
    pub(crate) fn note_passed_over(&mut self, place: usize) {
        if let Some(rows) = self.seen.passed_over.get_mut(place) {
            *rows += 1;
        }
    }

    /// Remembers that a row has a column.
    pub(crate) fn note_seen(&mut self, place: usize) {
        if let Some(seen) = self.seen.columns.get_mut(place) {
            *seen = true;
        }
    }
}

fn find(wanted: &Wanted, header: &[Column], place: &str) -> Result<usize, Error> {
    let mut matches = header
        .iter()
        .enumerate()
        .filter(|(_, column)| column.name == wanted.column);
    match (matches.next(), matches.next()) {
        (Some((index, _)), None) => Ok(index),
        (Some(_), Some(_)) => Err(Error::RepeatedColumn {
            place: place.to_owned(),
            setting: wanted.setting.clone(),
            column: wanted.column.clone(),
        }),
        (None, _) => {
            let columns = header.iter().map(|column| column.name.clone()).collect();
            Err(no_such_column(wanted, columns, place))
        }
    }
}

fn no_such_column(wanted: &Wanted, columns: Vec<String>, place: &str) -> Error {
    Error::NoSuchColumn {
        place: place.to_owned(),
        setting: wanted.setting.clone(),
        column: wanted.column.clone(),
        nearest: nearest_path(&wanted.column, &columns).map(str::to_owned),
        columns,
    }
}

/// The column that is most like a wanted one: its own name within an object comes before another spelling.
fn nearest_path<'c>(wanted: &str, columns: &'c [String]) -> Option<&'c str> {
    let last = |name: &'c String| name.rsplit_once('.').map(|(_, last)| last);
    let is_inside = |name: &&'c String| last(name).is_some_and(|last| last.eq_ignore_ascii_case(wanted));
    let inside = columns.iter().filter(is_inside).min_by_key(|name| name.len());
    inside
        .map(String::as_str)
        .or_else(|| nearest(wanted, columns))
        .or_else(|| {
            let alike = nearest(wanted, columns.iter().filter_map(last))?;
            columns
                .iter()
                .find(|name| last(name) == Some(alike))
                .map(String::as_str)
        })
}

/// The number of rows of columns that must be of one length; 0 where there are no columns.
pub(crate) fn same_length<'a>(
    file: &str,
    lengths: impl IntoIterator<Item = (&'a String, usize)>,
) -> Result<usize, Error> {
    let mut lengths = lengths.into_iter();
    let Some((first, first_rows)) = lengths.next() else {
        return Ok(0);
    };
    match lengths.find(|(_, rows)| *rows != first_rows) {
        None => Ok(first_rows),
        Some((second, second_rows)) => Err(Error::ColumnLengths {
            file: file.to_owned(),
            first: first.clone(),
            first_rows,
            second: second.clone(),
            second_rows,
        }),
    }
}
