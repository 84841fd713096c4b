//! From sorted candidates to `documents.parquet`.
//!
//! Which of them become documents is decided in `merge`.

use std::path::Path;

use labelproof_artifact::{Document, Reporter, TableWriter};

use crate::error::Error;
use crate::intake::Intake;
use crate::labels::LabelCounts;
use crate::limits::Limits;
use crate::merge::{Draw, Step, Unique};
use crate::params::{Format, Params};
use crate::rows::{Problem, Reason};
use crate::spill::{Candidate, RunWriter, Sorter};

/// What `documents.parquet` holds, and what the cap left out of it.
pub(crate) struct Documents {
    pub(crate) counts: LabelCounts,
    pub(crate) over_cap: u64,
}

/// Merges the candidates into `documents.parquet`, and rejects those whose id another row has.
pub(crate) fn write(
    params: &Params,
    out: &Path,
    intake: &mut Intake<'_>,
    reporter: &dyn Reporter,
) -> Result<Documents, Error> {
    // Only the candidates are taken out: the merge adds to the rejects.
    let candidates = std::mem::replace(&mut intake.candidates, Sorter::new(out, Limits::default()));
    let total = candidates.len();
    let is_declared = params.format == Format::Folder
        || params
            .columns
            .as_ref()
            .is_some_and(|columns| columns.id.is_some());
    let unique = Unique::new(candidates.finish()?, is_declared);
    let mut writer = DocumentWriter {
        table: TableWriter::create(out)?,
        counts: LabelCounts::default(),
        reporter,
    };
    let mut over_cap = 0;
    reporter.started("writing documents", Some(total));
    match params.rows_per_label {
        None => {
            for step in unique {
                if let Some(candidate) = settle(step?, intake)? {
                    writer.push(candidate)?;
                }
            }
        }
        // Which rows are drawn shows only when all are there, so they are put down once more in between.
        Some(rows_per_label) => {
            let mut draw = Draw::new(params.seed, rows_per_label);
            let mut entered = RunWriter::create(out)?;
            for step in unique {
                if let Some(candidate) = settle(step?, intake)? {
                    draw.enter(&candidate.label, &candidate.id);
                    entered.push(&candidate)?;
                }
            }
            for candidate in entered.finish()? {
                let candidate = candidate?;
                if draw.is_drawn(&candidate.label, &candidate.id) {
                    writer.push(candidate)?;
                } else {
                    over_cap += 1;
                }
            }
        }
    }
    reporter.finished();
    writer.table.finish()?;
    Ok(Documents {
        counts: writer.counts,
        over_cap,
    })
}

/// The candidate, unless its id is taken.
fn settle(step: Step, intake: &mut Intake<'_>) -> Result<Option<Candidate>, Error> {
    match step {
        Step::Document(candidate) => Ok(Some(candidate)),
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

struct DocumentWriter<'a> {
    table: TableWriter<Document>,
    counts: LabelCounts,
    reporter: &'a dyn Reporter,
}

impl DocumentWriter<'_> {
    fn push(&mut self, candidate: Candidate) -> Result<(), Error> {
        self.counts.add(&candidate.label)?;
        self.reporter.advance(1, "");
        let Candidate {
            id,
            text,
            label,
            group,
            split,
            ..
        } = candidate;
        Ok(self.table.push(Document {
            id,
            text,
            label,
            group,
            split,
        })?)
    }
}
