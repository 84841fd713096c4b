//! What people see of a transfer.

use std::cell::Cell;

use labelproof_artifact::Reporter;
use labelproof_artifact::wording::counted;

/// Tells a reporter of a transfer, once there is one.
pub(crate) struct Progress<'a> {
    reporter: &'a dyn Reporter,
    /// What is done: fetching or storing something.
    what: String,
    begun: Cell<bool>,
    bytes: Cell<u64>,
}

impl<'a> Progress<'a> {
    pub(crate) fn new(reporter: &'a dyn Reporter, what: String) -> Self {
        Self {
            reporter,
            what,
            begun: Cell::new(false),
            bytes: Cell::new(0),
        }
    }

    /// Bytes are about to come, or to go.
    pub(crate) fn begin(&self) {
        if !self.begun.replace(true) {
            self.reporter.started(&format!("{} (bytes)", self.what), None);
        }
    }

    pub(crate) fn advance(&self, bytes: u64) {
        self.bytes.set(self.bytes.get() + bytes);
        self.reporter.advance(bytes, "");
    }

    /// All is there.
    pub(crate) fn end(&self) {
        if self.begun.replace(false) {
            self.reporter.finished();
        }
    }

    /// How much it was, for people; nothing if it was nothing.
    pub(crate) fn size(&self) -> Option<String> {
        match self.bytes.get() {
            0 => None,
            bytes @ 1..1_000 => Some(counted(bytes, "byte")),
            bytes @ 1_000..1_000_000 => Some(format!("{:.1} kB", bytes as f64 / 1e3)),
            bytes => Some(format!("{:.1} MB", bytes as f64 / 1e6)),
        }
    }
}
