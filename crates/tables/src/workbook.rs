//! Rows of spreadsheets: a sheet of a workbook of Excel's or of the OpenDocument format.
//!
//! Values are taken as a person sees them in the cells, and of a formula the value that the program which
//! saved the file has stored. What a cell looks like is the affair of `workbook/value`, and how the library
//! that knows the formats is asked, of `workbook/book`; `workbook/xls` looks at the oldest format before it
//! does.

mod book;
mod merged;
mod value;
mod xls;

use crate::ahead::{Ahead, OwnedCell, OwnedRow, Sink};
use crate::column::Column;
use crate::dialect::{Form, Format, Options, Part, Settings};
use crate::error::Error;
use crate::row::Place;
use crate::source::Source;
use book::{Book, Found, Stop};
use labelproof_artifact::wording::{listed, nearest};
use merged::Merged;

/// A sheet whose header has been read.
pub(crate) struct Workbook {
    name: String,
    book: Book,
    sheet: String,
    form: Form,
    /// The row of the header, from 0.
    header: u32,
    /// Where each column is in the sheet, from 0.
    places: Vec<u32>,
    columns: Vec<Column>,
    remarks: Vec<String>,
}

/// The rows that are looked at for the header: there may be a title above it.
const HEADER_ROWS: usize = 12;

impl Workbook {
    pub(crate) fn open(source: &Source, options: &Options<'_>) -> Result<Self, Error> {
        let name = source.name().to_owned();
        let file = source
            .open_as(Format::Spreadsheet, "a workbook", options.settings)?
            .file;
        let mut book = Book::open(&name, file)?;
        let (sheet, mut remarks) = choose(&mut book, &name, options.part, options.settings)?;
        let first = first_rows(&mut book, &name, &sheet)?;
        let Some(header) = header(&first) else {
            return Err(Error::Empty {
                file: place(&name, &sheet),
            });
        };
        if header > 0 {
            remarks.push(format!("its header in row {}", first[header].number + 1));
        }
        let OfSheet { number, cells } = &first[header];
        let last = cells.last().map_or(0, |(place, _)| *place);
        let start = cells.first().map_or(0, |(place, _)| *place);
        let title = |place: u32| {
            let cell = cells.binary_search_by_key(&place, |(at, _)| *at);
            cell.map_or_else(|_| String::new(), |at| cells[at].1.clone())
        };
        Ok(Self {
            name,
            book,
            sheet,
            form: options.form,
            header: *number,
            places: (start..=last).collect(),
            columns: (start..=last).map(title).map(Column::untyped).collect(),
            remarks,
        })
    }

    pub(crate) fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Where the header is.
    pub(crate) fn header_place(&self) -> String {
        let row = Place::Row(u64::from(self.header) + 1);
        row.within(&place(&self.name, &self.sheet))
    }

    /// What was decided of the sheet, in the words of a sentence that lists it.
    pub(crate) fn remarks(&self) -> &[String] {
        &self.remarks
    }

    /// The rows below the header, with a cell for each of these columns. Their numbers are those at the
    /// sheet's edge.
    pub(crate) fn rows(self, places: &[usize]) -> Ahead {
        let wanted: Vec<u32> = places.iter().map(|place| self.places[*place]).collect();
        let name = place(&self.name, &self.sheet);
        let place = name.clone();
        let panicked = move |problem| Error::BadWorkbook { place, problem };
        Ahead::start(name, move |sink| self.read(&wanted, sink), panicked)
    }

    fn read(mut self, wanted: &[u32], sink: &mut Sink) -> Result<(), Error> {
        let merged = self.book.merged(&self.name, &self.sheet)?;
        let mut gather = Gather {
            wanted,
            header: self.header,
            form: self.form,
            merged: Merged::new(merged),
            row: None,
            sink,
        };
        let found = self.book.visit(&self.sheet, &mut |found| gather.take(&found));
        match found {
            Ok(()) => drop(gather.finish()),
            Err(Stop::Unwanted) => {}
            Err(Stop::Damaged(problem)) => {
                let row = gather.row.as_ref().map_or(1, |row| u64::from(row.number) + 1);
                // The rows before the damage are whole.
                let place = Place::Row(row).within(&place(&self.name, &self.sheet));
                return Err(Error::BadWorkbook { place, problem });
            }
        }
        Ok(())
    }
}

/// What a sheet is called in messages.
fn place(file: &str, sheet: &str) -> String {
    format!("{file}, sheet `{sheet}`")
}

/// The row that cells are gathered for.
struct AtHand {
    number: u32,
    cells: Vec<OwnedCell>,
    /// Whether any cell of the sheet's row has a value.
    has_values: bool,
}

struct Gather<'g> {
    wanted: &'g [u32],
    header: u32,
    form: Form,
    merged: Merged,
    row: Option<AtHand>,
    sink: &'g mut Sink,
}

impl Gather<'_> {
    fn take(&mut self, found: &Found<'_>) -> Result<(), Stop> {
        let &Found { row, column, .. } = found;
        if row <= self.header {
            return Ok(());
        }
        let at_hand = self.row.as_ref().map(|at_hand| at_hand.number);
        if at_hand.is_some_and(|at_hand| at_hand > row) {
            return Err(Stop::Damaged(format!(
                "row {} stands behind row {}",
                row + 1,
                at_hand.unwrap_or(0) + 1
            )));
        }
        if at_hand != Some(row) {
            self.finish()?;
            self.row = Some(AtHand {
                number: row,
                cells: vec![OwnedCell::Missing; self.wanted.len()],
                has_values: false,
            });
        }
        let Some(at_hand) = &mut self.row else {
            return Ok(());
        };
        if found.is_missing() {
            return Ok(());
        }
        at_hand.has_values = true;
        for (place, cell) in self.wanted.iter().zip(&mut at_hand.cells) {
            if *place == column {
                *cell = found.cell(self.form);
            }
        }
        Ok(())
    }

    /// Hands the row at hand over, if it has a value.
    fn finish(&mut self) -> Result<(), Stop> {
        let Some(mut row) = self.row.take().filter(|row| row.has_values) else {
            return Ok(());
        };
        for (place, cell) in self.wanted.iter().zip(&mut row.cells) {
            if *cell == OwnedCell::Missing && self.merged.hides(row.number, *place) {
                *cell = OwnedCell::Other("a part of merged cells, of which only the first has the value");
            }
        }
        let place = Place::Row(u64::from(row.number) + 1);
        let cells = row.cells;
        self.sink
            .push(OwnedRow { place, cells })
            .map_err(|_unwanted| Stop::Unwanted)
    }
}

/// The sheet that is meant, and what is to be said of the choice.
fn choose(
    book: &mut Book,
    name: &str,
    part: Part<'_>,
    settings: Settings,
) -> Result<(String, Vec<String>), Error> {
    let sheets = book.sheets();
    if let Part::Sheet(wanted) = part {
        if sheets.iter().any(|sheet| sheet.name == wanted) {
            return Ok((wanted.to_owned(), Vec::new()));
        }
        let parts: Vec<String> = sheets.into_iter().map(|sheet| sheet.name).collect();
        return Err(Error::NoSuchPart {
            file: name.to_owned(),
            what: "sheet",
            wanted: wanted.to_owned(),
            nearest: nearest(wanted, &parts).map(str::to_owned),
            parts,
        });
    }
    let mut hidden = Vec::new();
    let mut shown = Vec::new();
    for sheet in sheets {
        if first_rows(book, name, &sheet.name)?.is_empty() {
            continue;
        }
        if sheet.is_hidden {
            hidden.push(sheet.name);
        } else {
            shown.push(sheet.name);
        }
    }
    // A workbook of hidden sheets alone.
    let (mut candidates, hidden) = if shown.is_empty() {
        (hidden, shown)
    } else {
        (shown, hidden)
    };
    let quoted = |names: &[String]| {
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        listed(&names)
    };
    let mut remarks = Vec::new();
    if !hidden.is_empty() {
        remarks.push(format!("without its hidden sheets {}", quoted(&hidden)));
    }
    match candidates.len() {
        0 => Err(Error::Empty {
            file: name.to_owned(),
        }),
        1 => Ok((candidates.remove(0), remarks)),
        // Whoever cannot choose gets the first.
        _ if settings.sheet.is_none() => {
            let sheet = candidates.remove(0);
            let others = quoted(&candidates);
            remarks.insert(0, format!("the sheet `{sheet}`, and not {others}"));
            Ok((sheet, remarks))
        }
        _ => Err(Error::SeveralParts {
            file: name.to_owned(),
            what: "sheets",
            parts: candidates,
            setting: settings.sheet,
        }),
    }
}

/// The cells with a value of a row of a sheet, with their places.
struct OfSheet {
    number: u32,
    cells: Vec<(u32, String)>,
}

/// The first rows of a sheet that have a value.
fn first_rows(book: &mut Book, name: &str, sheet: &str) -> Result<Vec<OfSheet>, Error> {
    let mut rows: Vec<OfSheet> = Vec::new();
    let result = book.visit(sheet, &mut |found| {
        if found.is_missing() {
            return Ok(());
        }
        let text = match found.cell(Form::Text) {
            OwnedCell::Text(text) => text,
            _ => String::new(),
        };
        let cell = (found.column, text);
        let count = rows.len();
        match rows.last_mut() {
            Some(row) if row.number == found.row => row.cells.push(cell),
            _ if count == HEADER_ROWS => return Err(Stop::Unwanted),
            _ => rows.push(OfSheet {
                number: found.row,
                cells: vec![cell],
            }),
        }
        Ok(())
    });
    match result {
        Ok(()) | Err(Stop::Unwanted) => {
            for row in &mut rows {
                row.cells.sort_by_key(|(place, _)| *place);
            }
            Ok(rows)
        }
        Err(Stop::Damaged(problem)) => Err(Error::BadWorkbook {
            place: place(name, sheet),
            problem,
        }),
    }
}

/// Which of the first rows is the header: the first, but for titles of a single cell above a wider table.
fn header(rows: &[OfSheet]) -> Option<usize> {
    if rows.is_empty() {
        return None;
    }
    let wide = rows.iter().position(|row| row.cells.len() > 1);
    let is_table = |at: &usize| rows[*at..].iter().all(|row| row.cells.len() > 1);
    Some(wide.filter(is_table).unwrap_or(0))
}

#[cfg(test)]
mod tests;
