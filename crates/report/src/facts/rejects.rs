//! The rejected rows, counted by reason.

use std::collections::BTreeMap;

use labelproof_artifact::{ArtifactError, Artifacts, Kind, Reject, Row, StageId, TableReader};

use crate::Error;

/// The most examples of each reason.
const EXAMPLES: usize = 3;

/// The rejects of one stage.
#[derive(Debug, Default)]
pub(crate) struct Rejects {
    /// The number of rejects.
    pub(crate) total: u64,
    /// The number of rejects and the first of them, by reason.
    pub(crate) reasons: BTreeMap<String, (u64, Vec<Reject>)>,
}

/// Reads the rejects of a stage; both stages that have them write the same kind of table.
pub(super) fn read(artifacts: Artifacts<'_>, stage: StageId) -> Result<Rejects, Error> {
    let path = artifacts.path(Kind {
        stage,
        ..Reject::KIND
    });
    if !path.exists() {
        // The table's own error would name ingest, whichever stage's table is missing.
        return Err(ArtifactError::Missing { path, stage }.into());
    }
    let mut rejects = Rejects::default();
    for batch in TableReader::<Reject>::open_file(&path)? {
        for reject in batch? {
            rejects.total += 1;
            let (count, examples) = rejects.reasons.entry(reject.reason.clone()).or_default();
            *count += 1;
            if examples.len() < EXAMPLES {
                examples.push(reject);
            }
        }
    }
    Ok(rejects)
}
