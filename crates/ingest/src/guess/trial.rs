//! The trial of a guess: ingest reads everything with it, and what a person would have to add to make it pass
//! is added.
//!
//! What comes out is thrown away; only that it passes, and what is said of it, counts.

use std::path::Path;
use std::sync::Mutex;

use labelproof_artifact::Reporter;
use labelproof_artifact::wording::{counted, quoted};

use crate::error::{Error, yaml_list};
use crate::params::{OnReject, Params};

/// What became of a trial.
pub(super) struct Trial {
    pub(super) params: Params,
    /// What was added to the parameters, and why.
    pub(super) remarks: Vec<String>,
    /// What ingest says at its end.
    pub(super) summary: String,
}

/// Each repair makes one kind of failure impossible, so that more would not end.
const MOST_REPAIRS: usize = 4;

/// Runs ingest on everything, and repairs the parameters where it says how.
pub(super) fn run(mut params: Params, base: &Path, reporter: &dyn Reporter) -> Result<Trial, Error> {
    let mut remarks = Vec::new();
    loop {
        let scratch = super::scratch()?;
        let overheard = Overheard {
            reporter,
            messages: Mutex::default(),
        };
        let error = match crate::run(&params, base, scratch.path(), &overheard) {
            Ok(()) => {
                let summary = overheard.messages.into_inner().unwrap_or_default().join("\n");
                return Ok(Trial {
                    params,
                    remarks,
                    summary,
                });
            }
            Err(error) => error,
        };
        match repair(&mut params, &error) {
            Some(remark) if remarks.len() < MOST_REPAIRS => remarks.push(remark),
            _ => return Err(error),
        }
    }
}

/// Changes the parameters so that this error does not come again; none where only a person can.
fn repair(params: &mut Params, error: &Error) -> Option<String> {
    match error {
        Error::Rejected { missing, .. } if !missing.is_empty() && params.labels.missing.is_none() => {
            params.labels.missing = Some(missing.clone());
            Some(format!(
                "rows with these labels are left out, because they stand for no label: {}; `missing: []` takes \
                 them as classes",
                quoted(missing, MOST_REPAIRS)
            ))
        }
        Error::Rejected { missing, .. } if !missing.is_empty() && params.labels.missing.is_none() => {
            params.labels.missing = Some(missing.clone());
            Some(format!(
                "`labels: {{ missing: {} }}`, because these stand for no label; their rows are left out",
                yaml_list(missing)
            ))
        }
        Error::Rejected { rejects, total, .. } if params.on_reject == OnReject::Fail => {
            if let Some(columns) = &mut params.columns
                && columns.id.is_some()
                && rejects.iter().all(|reject| reject.reason == "repeated id")
            {
                let id = columns.id.take()?;
                return Some(format!(
                    "`{id}` is no unique id and is left out: the same value stands in several rows"
                ));
            }
            params.on_reject = OnReject::Continue;
            Some(format!(
                "`on_reject: continue`, because {} cannot become documents; they are listed in `rejects.parquet`",
                counted(*total, "row")
            ))
        }
        Error::LabelsAlike { alike } => {
            let mut renamed = Vec::new();
            for pair in alike {
                renamed.push(format!("`{}` to `{}`", pair.other, pair.one));
                params.labels.rename.insert(pair.other.clone(), pair.one.clone());
            }
            Some(format!(
                "labels that differ in their spelling alone are renamed: {}",
                renamed.join(", ")
            ))
        }
        _ => None,
    }
}

/// Keeps the messages, and passes the progress on.
struct Overheard<'r> {
    reporter: &'r dyn Reporter,
    messages: Mutex<Vec<String>>,
}

impl Reporter for Overheard<'_> {
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
        if let Ok(mut messages) = self.messages.lock() {
            messages.push(text.to_owned());
        }
    }

    fn stop_requested(&self) -> bool {
        self.reporter.stop_requested()
    }
}
