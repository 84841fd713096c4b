//! Rows that a thread of its own reads, a bounded number ahead: for libraries whose rows borrow from their
//! file, which no reader could keep beside it.
//!
//! What the rows are is the affair of `workbook` and `sqlite`.

use std::borrow::Cow;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use labelproof_artifact::contained;

use crate::error::Error;
use crate::row::{Cell, Place, Row};

/// A cell that borrows nothing.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum OwnedCell {
    /// No value.
    Missing,
    /// A string.
    Text(String),
    /// What should be a string, and is not UTF-8.
    Bytes(Vec<u8>),
    /// A number that is no integer.
    Number(f64),
    /// Something that is no text, in words with an article.
    Other(&'static str),
}

impl OwnedCell {
    fn cell(&self) -> Cell<'_> {
        match self {
            Self::Missing => Cell::Missing,
            Self::Text(text) => Cell::Text(Cow::Borrowed(text)),
            Self::Bytes(bytes) => Cell::Bytes(bytes),
            Self::Number(number) => Cell::Number(*number),
            Self::Other(what) => Cell::Other(what),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
            _ => 0,
        }
    }
}

/// A row that borrows nothing.
#[derive(Debug)]
pub(crate) struct OwnedRow {
    pub(crate) place: Place,
    pub(crate) cells: Vec<OwnedCell>,
}

/// The rows that are sent at once, and their bytes, unless one row is longer.
const ROWS: usize = 512;
const BYTES: usize = 1 << 20;
/// The batches that wait for the reader of the rows.
const WAITING: usize = 2;

/// Rows that another thread reads, of a table that has at least one.
#[derive(Debug)]
pub(crate) struct Ahead {
    /// What the table is called.
    name: String,
    has_row: bool,
    receiver: Receiver<Result<Vec<OwnedRow>, Error>>,
    batch: std::vec::IntoIter<OwnedRow>,
    row: Option<OwnedRow>,
}

/// Takes the rows of the thread that reads them.
pub(crate) struct Sink {
    sender: SyncSender<Result<Vec<OwnedRow>, Error>>,
    batch: Vec<OwnedRow>,
    bytes: usize,
}

/// Nobody wants more rows.
pub(crate) struct Unwanted;

impl Sink {
    /// Takes the next row.
    pub(crate) fn push(&mut self, row: OwnedRow) -> Result<(), Unwanted> {
        self.bytes += row.cells.iter().map(OwnedCell::bytes).sum::<usize>();
        self.batch.push(row);
        if self.batch.len() == ROWS || self.bytes >= BYTES {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Unwanted> {
        self.bytes = 0;
        let batch = std::mem::take(&mut self.batch);
        self.sender.send(Ok(batch)).map_err(|_closed| Unwanted)
    }
}

impl Ahead {
    /// Starts a thread that reads rows with `read`, which ends early where the sink wants no more. A panic of
    /// the library, on damaged bytes, becomes what `damaged` makes of its message.
    pub(crate) fn start(
        name: String,
        read: impl FnOnce(&mut Sink) -> Result<(), Error> + Send + 'static,
        damaged: impl FnOnce(String) -> Error + Send + 'static,
    ) -> Self {
        let (sender, receiver) = sync_channel(WAITING);
        thread::spawn(move || {
            let mut sink = Sink {
                sender,
                batch: Vec::new(),
                bytes: 0,
            };
            let result =
                contained(|| read(&mut sink)).unwrap_or_else(|panicked| Err(damaged(panicked.to_string())));
            // Rows before an error are given. If nobody takes them, nobody wants to know either.
            let is_wanted = sink.flush().is_ok();
            if let (Err(error), true) = (result, is_wanted) {
                drop(sink.sender.send(Err(error)));
            }
        });
        Self {
            name,
            has_row: false,
            receiver,
            batch: Vec::new().into_iter(),
            row: None,
        }
    }

    /// The next row; none after the last. That there is none at all is an error.
    pub(crate) fn next_row(&mut self) -> Result<Option<Row<'_>>, Error> {
        let row = loop {
            if let Some(row) = self.batch.next() {
                break row;
            }
            match self.receiver.recv() {
                Ok(batch) => self.batch = batch?.into_iter(),
                Err(_closed) if self.has_row => return Ok(None),
                Err(_closed) => {
                    let file = self.name.clone();
                    return Err(Error::NoRecords { file });
                }
            }
        };
        self.has_row = true;
        let row = self.row.insert(row);
        Ok(Some(Row {
            place: row.place,
            cells: Ok(row.cells.iter().map(OwnedCell::cell).collect()),
        }))
    }
}
