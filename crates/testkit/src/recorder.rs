//! A reporter that remembers what a stage told the user.

use std::sync::{Mutex, PoisonError};

use labelproof_artifact::Reporter;

/// Records the messages of a stage, and never asks it to stop.
#[derive(Debug, Default)]
pub struct Recorder(Mutex<Vec<String>>);

impl Recorder {
    /// The messages so far, oldest first.
    pub fn messages(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The messages so far, joined by line breaks.
    pub fn text(&self) -> String {
        self.messages().join("\n")
    }
}

impl Reporter for Recorder {
    fn started(&self, _work: &str, _total: Option<u64>) {}
    fn advance(&self, _units: u64, _note: &str) {}
    fn finished(&self) {}

    fn message(&self, text: &str) {
        let mut messages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        messages.push(text.to_owned());
    }

    fn stop_requested(&self) -> bool {
        false
    }
}
