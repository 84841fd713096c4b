//! What people see of a download.

use std::cell::Cell;

use labelproof_artifact::Reporter;

use crate::address::Address;

/// Tells a reporter of the download of an address, once there is one.
pub(crate) struct Progress<'a> {
    reporter: &'a dyn Reporter,
    begun: Cell<bool>,
    bytes: Cell<u64>,
}

impl<'a> Progress<'a> {
    pub(crate) fn new(reporter: &'a dyn Reporter) -> Self {
        Self {
            reporter,
            begun: Cell::new(false),
            bytes: Cell::new(0),
        }
    }

    /// Bytes are about to come.
    pub(crate) fn begin(&self, address: &Address) {
        if !self.begun.replace(true) {
            self.reporter
                .started(&format!("fetching {} (bytes)", address.shown()), None);
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

    /// The bytes that came.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.get()
    }
}
