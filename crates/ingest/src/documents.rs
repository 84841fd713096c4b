//! From sorted candidates to `documents.parquet`.
//!
//! Which of them become documents is decided in `merge`.

use std::path::Path;

use labelproof_artifact::{Document, Reporter, TableWriter};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::intake::Intake;
use crate::labels::LabelCounts;
use crate::labels::missing::Missing;
use crate::limits::Limits;
use crate::merge::{Draw, Step, Unique};
use crate::params::Params;
use crate::plausibility::Plausibility;
use crate::rows::{Problem, Reason};
use crate::spill::{Candidate, RunWriter, Sorter};

/// What is known of the documents, and what the cap left out of them.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Documents {
    pub(crate) counts: LabelCounts,
    pub(crate) over_cap: u64,
    /// What would look odd to a person.
    pub(crate) plausibility: Plausibility,
}

impl Documents {
    /// Adds the documents of other ids.
    pub(crate) fn merge(&mut self, other: Self) -> Result<(), Error> {
        self.counts.merge(&other.counts)?;
        self.over_cap += other.over_cap;
        self.plausibility.merge(other.plausibility);
        Ok(())
    }

    fn see(&mut self, params: &Params, candidate: &Candidate) -> Result<(), Error> {
        self.counts.add(&candidate.label, candidate.split)?;
        self.plausibility.see(params, candidate);
        Ok(())
    }
}

/// Writes the documents among the candidates into `documents.parquet`, and rejects those whose id another row
/// has.
pub(crate) fn write(
    params: &Params,
    missing: &Missing,
    out: &Path,
    intake: &mut Intake<'_>,
    reporter: &dyn Reporter,
) -> Result<Documents, Error> {
    // Only the candidates are taken out: the merge adds to the rejects.
    let candidates = std::mem::replace(&mut intake.candidates, Sorter::new(out, Limits::default()));
    reporter.started("writing documents", Some(candidates.len()));
    let mut table = TableWriter::create(out)?;
    let write = |candidate: Candidate| -> Result<(), Error> {
        reporter.advance(1, "");
        Ok(table.push(document(candidate))?)
    };
    let documents = match params.rows_per_label {
        None => merge(params, missing, candidates, intake, write)?,
        Some(rows_per_label) => draw(params, missing, rows_per_label, out, candidates, intake, write)?,
    };
    reporter.finished();
    table.finish()?;
    Ok(documents)
}

/// Gives the documents among the candidates to `write`, in the order of their ids.
pub(crate) fn merge<E: From<Error>>(
    params: &Params,
    missing: &Missing,
    candidates: Sorter<Candidate>,
    intake: &mut Intake<'_>,
    mut write: impl FnMut(Candidate) -> Result<(), E>,
) -> Result<Documents, E> {
    let mut documents = Documents::default();
    let sorted = candidates.finish().map_err(Error::from)?;
    for step in Unique::new(sorted, intake.has_declared_ids(), &missing.labels) {
        if let Some(candidate) = settle(step.map_err(Error::from)?, missing, intake)? {
            documents.see(params, &candidate)?;
            write(candidate)?;
        }
    }
    Ok(documents)
}

/// The same for at most so many rows of each label.
fn draw(
    params: &Params,
    missing: &Missing,
    rows_per_label: u64,
    out: &Path,
    candidates: Sorter<Candidate>,
    intake: &mut Intake<'_>,
    mut write: impl FnMut(Candidate) -> Result<(), Error>,
) -> Result<Documents, Error> {
    // Which rows are drawn shows only when all are there, so they are put down once more in between.
    let mut draw = Draw::new(params.seed, rows_per_label);
    let mut entered = RunWriter::create(out)?;
    let enter = |candidate: Candidate| -> Result<(), Error> {
        draw.enter(&candidate.label, &candidate.id);
        Ok(entered.push(&candidate)?)
    };
    merge(params, missing, candidates, intake, enter)?;
    let mut documents = Documents::default();
    for candidate in entered.finish()? {
        let candidate = candidate?;
        if draw.is_drawn(&candidate.label, &candidate.id) {
            documents.see(params, &candidate)?;
            write(candidate)?;
        } else {
            documents.over_cap += 1;
        }
    }
    Ok(documents)
}

/// The document that a candidate becomes.
fn document(candidate: Candidate) -> Document {
    let Candidate {
        id,
        text,
        label,
        group,
        split,
        ..
    } = candidate;
    Document {
        id,
        text,
        label,
        group,
        split,
    }
}

/// The candidate, unless its id is taken or its label stands for none.
fn settle(step: Step, missing: &Missing, intake: &mut Intake<'_>) -> Result<Option<Candidate>, Error> {
    match step {
        Step::Document(candidate) => Ok(Some(candidate)),
        Step::Unlabelled(candidate) => {
            if missing.is_declared {
                intake.tally.unlabelled.add(&candidate.label, candidate.split)?;
            } else {
                intake.reject_unlabelled(candidate)?;
            }
            Ok(None)
        }
        Step::Repeated {
            candidate,
            kept: (source, line),
        } => {
            let line = line.map(|line| format!(":{line}")).unwrap_or_default();
            let detail = format!("{}{line} has the same id and is kept", intake.source_name(source));
            let problem = Problem::new(Reason::RepeatedId, detail);
            intake.reject(candidate.source, candidate.line, Some(candidate.id), problem)?;
            Ok(None)
        }
    }
}
