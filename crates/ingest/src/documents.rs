//! From sorted candidates to `documents.parquet`.
//!
//! Which of them become documents is decided in `merge`.

use std::path::Path;

use labelproof_artifact::{Document, Reporter, TableWriter};

use crate::error::Error;
use crate::intake::Intake;
use crate::labels::LabelCounts;
use crate::labels::missing::{self, Missing};
use crate::limits::Limits;
use crate::merge::{Draw, Step, Unique};
use crate::params::Params;
use crate::plausibility::Plausibility;
use crate::rows::{Problem, Reason};
use crate::spill::{Candidate, RunWriter, Sorter};

/// What `documents.parquet` holds, and what the cap left out of it.
pub(crate) struct Documents {
    pub(crate) counts: LabelCounts,
    pub(crate) over_cap: u64,
    pub(crate) missing: Missing,
    /// What would look odd to a person.
    pub(crate) warnings: Vec<String>,
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
    let missing = missing::decide(&params.labels, &intake.labels);
    let unique = Unique::new(candidates.finish()?, intake.has_declared_ids(), &missing.labels);
    let settle = |step, intake: &mut Intake<'_>| settle(step, &missing, intake);
    let mut writer = DocumentWriter {
        table: TableWriter::create(out)?,
        counts: LabelCounts::default(),
        plausibility: Plausibility::new(params),
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
    let place = |source, line: Option<u64>| {
        let line = line.map(|line| format!(":{line}")).unwrap_or_default();
        format!("{}{line}", intake.source_name(source))
    };
    let warnings = writer.plausibility.warnings(&writer.counts, &place);
    Ok(Documents {
        warnings,
        counts: writer.counts,
        over_cap,
        missing,
    })
}

/// The candidate, unless its id is taken or its label stands for none.
fn settle(step: Step, missing: &Missing, intake: &mut Intake<'_>) -> Result<Option<Candidate>, Error> {
    match step {
        Step::Document(candidate) => Ok(Some(candidate)),
        Step::Unlabelled(candidate) => {
            if missing.is_declared {
                intake.unlabelled.add(&candidate.label, candidate.split)?;
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

struct DocumentWriter<'a> {
    table: TableWriter<Document>,
    counts: LabelCounts,
    plausibility: Plausibility<'a>,
    reporter: &'a dyn Reporter,
}

impl DocumentWriter<'_> {
    fn push(&mut self, candidate: Candidate) -> Result<(), Error> {
        self.counts.add(&candidate.label, candidate.split)?;
        self.plausibility.see(&candidate);
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
