//! Whether a workbook of the old binary format can be read in bounded memory.
//!
//! The library that reads the cells believes what such a file says of itself: a chain of sectors that comes
//! back to its beginning, a sheet of four billion rows, a cell in the last corner of each of a hundred sheets
//! or a million copies of one long string would take all memory. So a file is walked first, as [MS-CFB] and
//! [MS-XLS] describe it and in the library's steps. What the cells hold is the library's affair.
//!
//! [MS-CFB]: https://learn.microsoft.com/openspecs/windows_protocols/ms-cfb/
//! [MS-XLS]: https://learn.microsoft.com/openspecs/office_file_formats/ms-xls/

mod compound;
mod strings;

use compound::{Compound, four_bytes, two_bytes};

use super::book::{MOST_BYTES, Problem};

/// The columns that a sheet of the format has.
const COLUMNS: u32 = 256;
/// The rows that a sheet of the format has.
const ROWS: u32 = 65_536;
/// The cells that the sheets of a workbook may take together: the library holds the whole rectangle between
/// the outermost cells of each sheet, and another one of its formulas. Two full sheets have so many.
const MOST_CELLS: u64 = 2 * (COLUMNS as u64) * (ROWS as u64);
/// About the bytes of a cell in memory.
const CELL_BYTES: u64 = 32;

/// Checks the bytes of a file.
pub(super) fn check(bytes: &[u8]) -> Result<(), Problem> {
    let stream = Compound::open(bytes)
        .and_then(|compound| compound.stream("Workbook").or_else(|_| compound.stream("Book")))
        .map_err(|problem| Problem::Damaged(problem.to_owned()))?;
    let lengths = strings::lengths(&stream);
    let (mut cells, mut characters) = (0, 0);
    let mut walked = 0;
    for start in sheets(&stream) {
        let Some(sheet) = stream.get(start..) else {
            return Err(damaged("a sheet begins behind the end of the workbook"));
        };
        let area = area(sheet, &lengths)?;
        cells += area.cells;
        characters += area.characters;
        walked += area.bytes;
        let bytes = cells * CELL_BYTES + characters;
        if cells > MOST_CELLS || bytes > MOST_BYTES {
            return Err(Problem::TooLarge(bytes));
        }
        // Sheets do not share rows, so that they are not longer than the stream together.
        if walked > 2 * stream.len() {
            return Err(damaged("its sheets overlap"));
        }
    }
    Ok(())
}

fn damaged(problem: &str) -> Problem {
    Problem::Damaged(problem.to_owned())
}

/// The kinds of records that are looked at, as the section "Record Enumeration" of [MS-XLS] numbers them.
///
/// [MS-XLS]: https://learn.microsoft.com/openspecs/office_file_formats/ms-xls/
mod kind {
    pub(super) const FORMULA: u16 = 0x0006;
    pub(super) const END: u16 = 0x000A;
    pub(super) const CONTINUATION: u16 = 0x003C;
    pub(super) const SHEET: u16 = 0x0085;
    pub(super) const SHARED_STRINGS: u16 = 0x00FC;
    /// A cell with one of them.
    pub(super) const SHARED: u16 = 0x00FD;
    pub(super) const SEVERAL_NUMBERS: u16 = 0x00BD;
    pub(super) const DIMENSIONS: u16 = 0x0200;
    pub(super) const BEGINNING: u16 = 0x0809;
    /// Those of one cell: shared string, number, string of two kinds, truth value or error, short number.
    pub(super) const CELLS: [u16; 6] = [SHARED, 0x0203, 0x0204, 0x00D6, 0x0205, 0x027E];
}

/// The records of a stream: the kind of each, and its content. Behind one that is cut off there is none.
struct Records<'s>(&'s [u8]);

impl<'s> Iterator for Records<'s> {
    type Item = (u16, &'s [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let kind = two_bytes(self.0, 0)?;
        let end = 4 + usize::from(two_bytes(self.0, 2)?);
        let content = self.0.get(4..end)?;
        self.0 = &self.0[end..];
        Some((kind, content))
    }
}

/// Where the sheets begin in the stream.
fn sheets(stream: &[u8]) -> Vec<usize> {
    Records(stream)
        .take_while(|(kind, _)| *kind != kind::END)
        .filter(|(kind, _)| *kind == kind::SHEET)
        .filter_map(|(_, content)| usize::try_from(four_bytes(content, 0)?).ok())
        .collect()
}

/// What a sheet takes.
struct Area {
    /// The cells in memory.
    cells: u64,
    /// The characters of the cells whose strings are shared.
    characters: u64,
    /// The bytes of its records.
    bytes: usize,
}

/// Walks a sheet to its end. The charts in it are passed over.
fn area(sheet: &[u8], lengths: &[u16]) -> Result<Area, Problem> {
    let mut records = Records(sheet);
    let (mut values, mut formulas) = (Rectangle::default(), Rectangle::default());
    let mut depth = 0;
    let mut characters = 0;
    for (kind, content) in records.by_ref() {
        match kind {
            kind::BEGINNING => depth += 1,
            kind::END if depth <= 1 => break,
            kind::END => depth -= 1,
            _ if depth > 1 => {}
            kind::DIMENSIONS => check_dimensions(content)?,
            kind::FORMULA => {
                values.take(content, 1)?;
                formulas.take(content, 1)?;
            }
            kind::SEVERAL_NUMBERS => values.take(content, content.len().saturating_sub(6) / 6)?,
            kind if kind::CELLS.contains(&kind) => {
                values.take(content, 1)?;
                let string = four_bytes(content, 6).filter(|_| kind == kind::SHARED);
                let length = string.and_then(|string| lengths.get(string as usize));
                characters += u64::from(length.copied().unwrap_or(0));
            }
            _ => {}
        }
    }
    Ok(Area {
        cells: values.cells() + formulas.cells(),
        characters,
        bytes: sheet.len() - records.0.len(),
    })
}

/// Checks what a sheet says of its size: the library reserves memory for all of it.
fn check_dimensions(content: &[u8]) -> Result<(), Problem> {
    let short = |place| two_bytes(content, place).map(u32::from);
    let found = if content.len() < 14 {
        (short(0), short(2), short(6))
    } else {
        (four_bytes(content, 0), four_bytes(content, 4), short(10))
    };
    match found {
        (Some(first), Some(end), Some(columns)) if end > ROWS || columns > COLUMNS || first > end => {
            Err(damaged("a sheet says that it is larger than the format allows"))
        }
        _ => Ok(()),
    }
}

/// The outermost of some cells, from 0.
struct Rectangle {
    top: u32,
    bottom: u32,
    left: u32,
    right: u32,
    is_empty: bool,
}

impl Default for Rectangle {
    fn default() -> Self {
        Self {
            top: u32::MAX,
            bottom: 0,
            left: u32::MAX,
            right: 0,
            is_empty: true,
        }
    }
}

impl Rectangle {
    /// Takes so many cells beside each other, of which the first is where a record says.
    fn take(&mut self, content: &[u8], count: usize) -> Result<(), Problem> {
        let (Some(row), Some(column)) = (two_bytes(content, 0), two_bytes(content, 2)) else {
            return Ok(());
        };
        let (row, column) = (u32::from(row), u32::from(column));
        let last = column.saturating_add(u32::try_from(count).unwrap_or(u32::MAX).saturating_sub(1));
        if last >= COLUMNS {
            return Err(damaged(&format!(
                "a cell lies in column {}, and a sheet of the format has {COLUMNS}",
                last.saturating_add(1)
            )));
        }
        *self = Self {
            top: self.top.min(row),
            bottom: self.bottom.max(row),
            left: self.left.min(column),
            right: self.right.max(last),
            is_empty: false,
        };
        Ok(())
    }

    fn cells(&self) -> u64 {
        if self.is_empty {
            return 0;
        }
        u64::from(self.bottom - self.top + 1) * u64::from(self.right - self.left + 1)
    }
}

#[cfg(test)]
mod tests;
