//! Rows of delimited tables: CSV, TSV and their kin.
//!
//! The splitter is our own because a row has the line that it starts on and a table must not end within
//! quotes: the csv crate counts lines wrongly after CRLF and empty lines, and takes the end of a file for the
//! closing quote. Apart from that both split alike, which a test compares.

use labelproof_artifact::wording::one_line;

use crate::column::{Column, Wanted};
use crate::dialect::{Dialect, Header, Settings, nameless};
use crate::error::Error;
use crate::limits::Limits;
use crate::row::{Cell, Place, Row, RowProblem};
use crate::sniff;
use crate::source::Input;

mod records;
mod splitter;

pub(crate) use records::Records;
pub(crate) use splitter::{Counts, Written};

/// A delimited table whose header has been read.
pub(crate) struct Delimited {
    records: Records,
    settings: Settings,
    columns: Vec<Column>,
    header_line: u64,
    /// Whether the record at hand is a row that nobody has seen.
    has_row: bool,
    is_empty: bool,
}

impl Delimited {
    pub(crate) fn open(
        mut input: Input,
        dialect: Dialect,
        limits: Limits,
        settings: Settings,
    ) -> Result<Self, Error> {
        let separator = separator(&mut input, dialect)?;
        let dialect = Dialect { separator, ..dialect };
        let mut records = Records::new(input, dialect, limits.row_bytes, settings);
        records.skip_lines(dialect.preamble)?;
        if !records.next()? {
            return Err(Error::Empty {
                file: records.name().to_owned(),
            });
        }
        let names = names(&records, dialect).ok_or_else(|| Error::BadHeader {
            file: records.name().to_owned(),
            line: records.start(),
            setting: settings.encoding,
        })?;
        Ok(Self {
            header_line: records.start(),
            records,
            settings,
            columns: names.into_iter().map(Column::untyped).collect(),
            has_row: dialect.header == Header::None,
            is_empty: true,
        })
    }

    pub(crate) fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Calls the columns so.
    pub(crate) fn name_columns(
        &mut self,
        names: &[String],
        place: String,
        setting: &'static str,
    ) -> Result<(), Error> {
        if names.len() != self.columns.len() {
            return Err(Error::ColumnCount {
                place,
                found: self.columns.len(),
                named: names.len(),
                setting,
            });
        }
        self.columns = names.iter().cloned().map(Column::untyped).collect();
        Ok(())
    }

    /// Where the header is.
    pub(crate) fn header_place(&self) -> String {
        format!("{}:{}", self.records.name(), self.header_line)
    }

    /// The error of a column that is not there: another one if the header is none, or is not separated so.
    /// Nothing can be read afterwards.
    pub(crate) fn explained(mut self, error: Error, wanted: &[Wanted]) -> Error {
        const ROWS: usize = 100;
        let Error::NoSuchColumn {
            place,
            setting,
            column,
            columns,
            nearest,
        } = &error
        else {
            return error;
        };
        let is_header = columns
            .iter()
            .any(|name| wanted.iter().any(|wanted| wanted.column == *name));
        if is_header || self.has_row {
            return error;
        }
        if let [header] = &columns[..] {
            let is_a_name = !header.contains([',', ';', '\t', '|']);
            if is_a_name && nearest.is_some() {
                return error;
            }
            return Error::OneColumn {
                place: place.clone(),
                setting: setting.clone(),
                column: column.clone(),
                header: header.clone(),
                separator_key: self.settings.dialect_key("separator", "\"…\""),
            };
        }
        let text = |records: &Records| -> Vec<String> {
            let field = |index| String::from_utf8_lossy(records.field(index)).into_owned();
            (0..records.len()).map(field).collect()
        };
        let mut rows = vec![columns.clone()];
        while rows.len() <= ROWS && self.records.next().unwrap_or(false) {
            rows.push(text(&self.records));
        }
        if !sniff::is_without_header(&rows) {
            return error;
        }
        Error::NoHeader {
            place: place.clone(),
            setting: setting.clone(),
            column: column.clone(),
            fields: columns.iter().map(|field| one_line(field)).collect(),
            hint: self.settings.header_hint(&names_for(&rows, wanted)),
        }
    }

    /// The next row, with a cell for each of these columns.
    pub(crate) fn next_row(&mut self, places: &[usize]) -> Result<Option<Row<'_>>, Error> {
        if !std::mem::take(&mut self.has_row) && !self.records.next()? {
            if self.is_empty {
                let file = self.records.name().to_owned();
                return Err(Error::NoRecords { file });
            }
            return Ok(None);
        }
        self.is_empty = false;
        let (found, expected) = (self.records.len(), self.columns.len());
        let cells = if found == expected {
            let cell = |place: &usize| match self.records.written(*place) {
                Written::Null => Cell::Missing,
                Written::Bare | Written::Quoted => Cell::Bytes(self.records.field(*place)),
            };
            Ok(places.iter().map(cell).collect())
        } else {
            Err(RowProblem::Ragged { found, expected })
        };
        let place = Place::Line(self.records.start());
        Ok(Some(Row { place, cells }))
    }
}

/// The wanted names for the columns of rows without a header: the first for the column of the longest fields,
/// because texts are wanted first.
fn names_for(rows: &[Vec<String>], wanted: &[Wanted]) -> Vec<String> {
    let width = rows.first().map_or(0, Vec::len);
    let bytes = |place: usize| {
        rows.iter()
            .filter_map(|row| row.get(place))
            .map(String::len)
            .sum::<usize>()
    };
    let longest = (0..width).max_by_key(|place| (bytes(*place), width - place));
    let mut rest = wanted.iter().map(|wanted| wanted.column.clone());
    let first = rest.next();
    let name = |place: usize| match &first {
        Some(first) if Some(place) == longest => first.clone(),
        _ => rest.next().unwrap_or_else(|| format!("column_{}", place + 1)),
    };
    (0..width).map(name).collect()
}

/// The names of the columns; none if they are not UTF-8.
fn names(records: &Records, dialect: Dialect) -> Option<Vec<String>> {
    if dialect.header == Header::None {
        return Some((0..records.len()).map(nameless).collect());
    }
    let name = |index| String::from_utf8(records.field(index).to_vec()).ok();
    let mut names = (0..records.len()).map(name).collect::<Option<Vec<_>>>()?;
    match (dialect.header, names.first_mut()) {
        (Header::NamesButFirst, _) => names.insert(0, String::new()),
        (Header::Comment, Some(first)) => {
            *first = first.trim_start_matches('#').trim().to_owned();
            if first.is_empty() && dialect.is_merged {
                names.remove(0);
            }
        }
        _ => {}
    }
    Some(names)
}

/// The separator that the first line has, as far as the line is in the buffer.
fn separator(input: &mut Input, dialect: Dialect) -> Result<u8, Error> {
    let start = input.fill()?.trim_ascii_start();
    let line = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let mut separators = [dialect.separator]
        .into_iter()
        .chain(dialect.alternatives.iter().copied());
    let found = separators.find(|separator| line.contains(separator));
    Ok(found.unwrap_or(dialect.separator))
}
