//! The interface by which a stage reports progress, and learns that it is to stop. Stages never print: they
//! call a [`Reporter`], and the driver decides what is shown.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Receives the progress of a stage.
pub trait Reporter: Send + Sync {
    /// A piece of work begins; `total` is in its own units (rows, batches) and absent when unknown.
    fn started(&self, work: &str, total: Option<u64>);

    /// `units` more of the current work are done; `note` is a short state such as `loss 0.31`.
    fn advance(&self, units: u64, note: &str);

    /// The current piece of work is done.
    fn finished(&self);

    /// A line, or several, that the user should see and may want to keep.
    fn message(&self, text: &str);

    /// Whether the user asked the stage to stop. A stage that can resume asks this, and keeps what it needs
    /// to resume; other stages end at once.
    fn stop_requested(&self) -> bool;
}

/// A reporter that discards everything, and never asks a stage to stop.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Reporter for Silent {
    fn started(&self, _work: &str, _total: Option<u64>) {}
    fn advance(&self, _units: u64, _note: &str) {}
    fn finished(&self) {}
    fn message(&self, _text: &str) {}
    fn stop_requested(&self) -> bool {
        false
    }
}

/// A reporter that keeps the messages. Everything else is passed on to another one.
pub struct MessageKeeper<'r> {
    reporter: &'r dyn Reporter,
    is_shown: bool,
    messages: Mutex<Vec<String>>,
}

impl<'r> MessageKeeper<'r> {
    /// Keeps the messages, and passes them on as well.
    pub fn showing(reporter: &'r dyn Reporter) -> Self {
        Self::new(reporter, true)
    }

    /// Keeps the messages, which the other reporter does not get.
    pub fn hiding(reporter: &'r dyn Reporter) -> Self {
        Self::new(reporter, false)
    }

    fn new(reporter: &'r dyn Reporter, is_shown: bool) -> Self {
        Self {
            reporter,
            is_shown,
            messages: Mutex::default(),
        }
    }

    /// Passes the messages on that were kept until now.
    pub fn release(&self) {
        for message in self.lock().drain(..) {
            self.reporter.message(&message);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<String>> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The messages, in the order in which they came.
    pub fn into_messages(self) -> Vec<String> {
        self.messages.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reporter for MessageKeeper<'_> {
    fn started(&self, work: &str, total: Option<u64>) {
        self.reporter.started(work, total);
    }

    fn advance(&self, units: u64, note: &str) {
        self.reporter.advance(units, note);
    }

    fn finished(&self) {
        self.reporter.finished();
    }

    fn message(&self, text: &str) {
        self.lock().push(text.to_owned());
        if self.is_shown {
            self.reporter.message(text);
        }
    }

    fn stop_requested(&self) -> bool {
        self.reporter.stop_requested()
    }
}
