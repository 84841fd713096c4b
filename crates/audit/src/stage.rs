//! The stage: an audit of a pipeline's artifacts, written as `audit.json`.

use std::path::{Path, PathBuf};

use crate::params::{Params, STAGE};
use labelproof_artifact::{Artifacts, BUNDLE, Reporter};

use crate::answer::summary;
use crate::artifacts::read_evidence;
use crate::error::Error;
use crate::evidence::{BundleFacts, Dataset};

/// The folder of the bundle that the stage audits. Whoever runs the stage runs the bundle, which this crate
/// cannot.
pub fn bundle_of(artifacts: &Path) -> PathBuf {
    Artifacts::for_stage(artifacts, &STAGE).path(BUNDLE)
}

/// Audits what the stages before wrote: the rows of all splits, what running the bundle told, and everything
/// else that the artifacts tell. Writes `audit.json` into `out`.
pub fn run(
    params: &Params,
    artifacts: &Path,
    dataset: Dataset,
    bundle: BundleFacts,
    out: &Path,
    reporter: &dyn Reporter,
) -> Result<(), Error> {
    let evidence = read_evidence(artifacts, dataset, Some(bundle), params.seed)?;
    reporter.started("checking", None);
    let findings = crate::audit(&evidence);
    reporter.finished();
    findings.write(out)?;
    reporter.message(&summary::in_short(&findings));
    Ok(())
}
