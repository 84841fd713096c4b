//! How the library that knows the formats of spreadsheets is asked, with bounds on what a file may unfold to.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek};

use calamine::{
    DataRef, DataType, Dimensions, Ods, Range, Reader, Sheet as SheetOf, SheetType, SheetVisible, Xls, Xlsb,
    Xlsx,
};
use labelproof_artifact::contained;
use zip::ZipArchive;

use super::{value, xls};
use crate::ahead::OwnedCell;
use crate::dialect::Form;
use crate::error::Error;
use crate::source::unreadable;

/// The bytes that a workbook may unfold to.
pub(super) const MOST_BYTES: u64 = 2 << 30;

/// An open workbook.
pub(super) struct Book {
    format: Opened,
    /// The sheet that was visited last, of a format whose sheets the library copies as a whole.
    copied: Option<(String, Range<calamine::Data>)>,
}

/// A workbook of one of the formats.
enum Opened {
    Xlsx(Xlsx<BufReader<File>>),
    Xlsb(Xlsb<BufReader<File>>),
    Xls(Xls<BufReader<File>>),
    Ods(Ods<BufReader<File>>),
}

/// A sheet with cells.
pub(super) struct Sheet {
    pub(super) name: String,
    pub(super) is_hidden: bool,
}

/// Why no more cells are visited.
pub(super) enum Stop {
    /// Nobody wants them.
    Unwanted,
    /// The file is damaged.
    Damaged(String),
}

/// A cell, as the file has it.
pub(super) struct Found<'f> {
    /// From 0.
    pub(super) row: u32,
    /// From 0.
    pub(super) column: u32,
    value: &'f dyn Cell,
    is_formula: bool,
}

/// The two kinds of values that the library has.
trait Cell {
    fn is_missing(&self) -> bool;
    fn cell(&self, form: Form) -> OwnedCell;
}

impl<D: DataType> Cell for D {
    fn is_missing(&self) -> bool {
        self.is_empty()
    }

    fn cell(&self, form: Form) -> OwnedCell {
        value::cell(self, form)
    }
}

impl Found<'_> {
    /// Whether there is nothing in the cell but perhaps a colour.
    pub(super) fn is_missing(&self) -> bool {
        self.value.is_missing() && !self.is_formula
    }

    /// What a person sees.
    pub(super) fn cell(&self, form: Form) -> OwnedCell {
        if self.value.is_missing() && self.is_formula {
            return OwnedCell::Other(
                "a formula of which the file has no value: open it in a spreadsheet, and save it",
            );
        }
        self.value.cell(form)
    }
}

impl Book {
    pub(super) fn open(name: &str, file: File) -> Result<Self, Error> {
        let failed = |problem: String| Error::BadWorkbook {
            place: name.to_owned(),
            problem,
        };
        let mut reader = BufReader::new(file);
        let opened = contained(|| Self::open_any(&mut reader))
            .unwrap_or_else(|panicked| Err(Problem::Damaged(panicked.to_string())));
        match opened {
            Ok(kind) => {
                reader.rewind().map_err(|source| unreadable(name, source))?;
                contained(|| kind.read(reader))
                    .map_err(|panicked| panicked.to_string())
                    .flatten()
                    .map(|format| Self { format, copied: None })
                    .map_err(failed)
            }
            Err(Problem::Damaged(problem)) => Err(failed(problem)),
            Err(Problem::TooLarge(bytes)) => Err(Error::TooLarge {
                file: name.to_owned(),
                mebibytes: bytes >> 20,
                what: "workbook",
            }),
        }
    }

    /// Which of the formats the file has.
    fn open_any(reader: &mut BufReader<File>) -> Result<Kind, Problem> {
        let damaged = |error: &dyn Display| Problem::Damaged(error.to_string());
        let mut start = [0; 4];
        reader.read_exact(&mut start).map_err(|error| damaged(&error))?;
        if start == *b"\xD0\xCF\x11\xE0" {
            let mut bytes = start.to_vec();
            let behind = MOST_BYTES - bytes.len() as u64 + 1;
            let count = reader.take(behind).read_to_end(&mut bytes);
            if count.map_err(|error| damaged(&error))? as u64 == behind {
                return Err(Problem::TooLarge(MOST_BYTES));
            }
            xls::check(&bytes)?;
            return Ok(Kind::Xls);
        }
        let mut archive = ZipArchive::new(&mut *reader).map_err(|error| damaged(&error))?;
        check_size(&mut archive)?;
        let has = |name: &str| archive.file_names_raw().any(|entry| entry == name.as_bytes());
        Ok(if has("xl/workbook.bin") {
            Kind::Xlsb
        } else if has("content.xml") {
            Kind::Ods
        } else {
            Kind::Xlsx
        })
    }

    /// The worksheets, in their order.
    pub(super) fn sheets(&self) -> Vec<Sheet> {
        let sheets: &[SheetOf] = match &self.format {
            Opened::Xlsx(book) => book.sheets_metadata(),
            Opened::Xlsb(book) => book.sheets_metadata(),
            Opened::Xls(book) => book.sheets_metadata(),
            Opened::Ods(book) => book.sheets_metadata(),
        };
        let sheets = sheets.iter().filter(|sheet| sheet.typ == SheetType::WorkSheet);
        sheets
            .map(|sheet| Sheet {
                name: sheet.name.clone(),
                is_hidden: sheet.visible != SheetVisible::Visible,
            })
            .collect()
    }

    /// The merged cells of a sheet; none where the library does not know.
    pub(super) fn merged(&mut self, name: &str, sheet: &str) -> Result<Vec<Dimensions>, Error> {
        let merged = contained(|| match &mut self.format {
            Opened::Xlsx(book) => book
                .merge_cells_by_sheet_name(sheet)
                .map_err(|error| error.to_string()),
            Opened::Xls(book) => book
                .merge_cells_by_sheet_name(sheet)
                .map_err(|error| error.to_string()),
            Opened::Xlsb(_) | Opened::Ods(_) => Ok(Vec::new()),
        });
        merged
            .map_err(|panicked| panicked.to_string())
            .flatten()
            .map_err(|problem| Error::BadWorkbook {
                place: super::place(name, sheet),
                problem,
            })
    }

    /// Visits the cells of a sheet, row by row.
    pub(super) fn visit(
        &mut self,
        sheet: &str,
        take: &mut dyn FnMut(Found<'_>) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        contained(|| self.visit_any(sheet, take))
            .unwrap_or_else(|panicked| Err(Stop::Damaged(panicked.to_string())))
    }

    fn visit_any(
        &mut self,
        sheet: &str,
        take: &mut dyn FnMut(Found<'_>) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        match &mut self.format {
            Opened::Xlsx(book) => {
                let mut cells = book.worksheet_cells_reader(sheet).map_err(damaged)?;
                while let Some(record) = cells.next_cell_with_formula_metadata().map_err(damaged)? {
                    take(Found {
                        row: record.pos.0,
                        column: record.pos.1,
                        value: &record.value,
                        is_formula: record.formula.is_some(),
                    })?;
                }
                Ok(())
            }
            Opened::Xlsb(book) => {
                let mut cells = book.worksheet_cells_reader(sheet).map_err(damaged)?;
                while let Some(cell) = cells.next_cell().map_err(damaged)? {
                    let (row, column) = cell.get_position();
                    let value: &DataRef<'_> = cell.get_value();
                    take(Found {
                        row,
                        column,
                        value,
                        is_formula: false,
                    })?;
                }
                Ok(())
            }
            Opened::Xls(_) | Opened::Ods(_) => visit_range(self.copied(sheet)?, take),
        }
    }

    /// The cells of a sheet of a format whose sheets the library copies as a whole.
    fn copied(&mut self, sheet: &str) -> Result<&Range<calamine::Data>, Stop> {
        let is_known = self.copied.as_ref().is_some_and(|(name, _)| name == sheet);
        if !is_known {
            // Not two copies at once.
            self.copied = None;
            let range = match &mut self.format {
                Opened::Xls(book) => book.worksheet_range(sheet).map_err(damaged)?,
                Opened::Ods(book) => book.worksheet_range(sheet).map_err(damaged)?,
                Opened::Xlsx(_) | Opened::Xlsb(_) => Range::empty(),
            };
            self.copied = Some((sheet.to_owned(), range));
        }
        match &self.copied {
            Some((_, range)) => Ok(range),
            None => Err(damaged("it has no such sheet")),
        }
    }
}

fn visit_range(
    range: &Range<calamine::Data>,
    take: &mut dyn FnMut(Found<'_>) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let (first_row, first_column) = range.start().unwrap_or_default();
    for (row, column, value) in range.used_cells() {
        let place =
            |first: u32, offset: usize| first.saturating_add(u32::try_from(offset).unwrap_or(u32::MAX));
        take(Found {
            row: place(first_row, row),
            column: place(first_column, column),
            value,
            is_formula: false,
        })?;
    }
    Ok(())
}

fn damaged(error: impl Display) -> Stop {
    Stop::Damaged(error.to_string())
}

/// The formats.
enum Kind {
    Xlsx,
    Xlsb,
    Xls,
    Ods,
}

impl Kind {
    fn read(&self, reader: BufReader<File>) -> Result<Opened, String> {
        Ok(match self {
            Self::Xlsx => Opened::Xlsx(Xlsx::new(reader).map_err(|error| error.to_string())?),
            Self::Xlsb => Opened::Xlsb(Xlsb::new(reader).map_err(|error| error.to_string())?),
            Self::Xls => Opened::Xls(Xls::new(reader).map_err(|error| error.to_string())?),
            Self::Ods => Opened::Ods(Ods::new(reader).map_err(|error| error.to_string())?),
        })
    }
}

/// Why a workbook is not read.
pub(super) enum Problem {
    Damaged(String),
    /// So many bytes.
    TooLarge(u64),
}

/// Counts what the entries of a workbook unfold to, whatever they say of it: the library has most of them in
/// memory.
fn check_size(archive: &mut ZipArchive<&mut BufReader<File>>) -> Result<(), Problem> {
    let mut total = 0;
    for index in 0..archive.len() {
        let entry = archive
            .by_index(index)
            .map_err(|error| Problem::Damaged(error.to_string()))?;
        let left = MOST_BYTES - total + 1;
        total += io::copy(&mut entry.take(left), &mut io::sink())
            .map_err(|error| Problem::Damaged(error.to_string()))?;
        if total > MOST_BYTES {
            return Err(Problem::TooLarge(total));
        }
    }
    Ok(())
}
