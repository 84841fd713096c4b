//! Rows of plain text, one on each line.

use crate::error::Error;
use crate::limits::Limits;
use crate::row::{Cell, Place, Row};
use crate::source::Input;

/// A reader of lines.
pub(crate) struct Lines {
    input: Input,
    limits: Limits,
    line: Vec<u8>,
    number: u64,
}

impl Lines {
    pub(crate) fn new(input: Input, limits: Limits) -> Self {
        Self {
            input,
            limits,
            line: Vec::new(),
            number: 0,
        }
    }

    pub(crate) fn next_row(&mut self) -> Result<Option<Row<'_>>, Error> {
        let number = self.number + 1;
        if !self
            .input
            .read_line(&mut self.line, number, self.limits.row_bytes)?
        {
            return Ok(None);
        }
        self.number = number;
        let text = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        Ok(Some(Row {
            place: Place::Line(number),
            cells: Ok(vec![Cell::Bytes(text)]),
        }))
    }
}
