//! The trial of a guess: ingest reads everything with it, and what a person would have to add to make it pass
//! is added.
//!
//! What comes out is thrown away; only that it passes, and what is said of it, counts.

use std::path::Path;

use labelproof_artifact::wording::{counted, quoted};
use labelproof_artifact::{MessageKeeper, Reporter};

use crate::error::Error;
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
        let keeper = MessageKeeper::hiding(reporter);
        let error = match crate::run(&params, base, scratch.path(), &keeper) {
            Ok(()) => {
                let summary = keeper.into_messages().join("\n");
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
