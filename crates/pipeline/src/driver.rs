//! Runs stages: each in a scratch folder, committed by one rename with its lock inside.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use labelproof_artifact::fs::{self, FsError};
use labelproof_artifact::{Reporter, StageId, StageLock};

use crate::config::Config;
use crate::failure::Failure;
use crate::plan::{self, Planner};
use crate::printer::Printer;

/// What became of a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing to do.
    UpToDate,
    /// It ran, for this long.
    Ran(Duration),
}

/// The stages to run for these targets: they and all they need, in order. No target means every stage.
pub fn select(targets: &[StageId]) -> Vec<StageId> {
    let wanted = |stage: &StageId| {
        targets.contains(stage)
            || targets
                .iter()
                .any(|&target| plan::upstream(target).contains(stage))
    };
    StageId::ALL
        .into_iter()
        .filter(|stage| targets.is_empty() || wanted(stage))
        .collect()
}

/// Runs what is not up to date. With `force`, the targets run in any case.
pub fn run(config: &Config, targets: &[StageId], force: bool, printer: &Printer) -> Result<(), Failure> {
    let stages = select(targets);
    if stages.contains(&StageId::Preprocess) {
        // Before the first stage: nobody wants to learn of a wrong path after the data are read.
        labelproof_model::bundle::check_encoder(&config.encoder)?;
    }
    let _lock = lock_artifacts(&config.artifacts, printer)?;
    let mut planner = Planner::new(config);
    for stage in stages {
        let forced = force && (targets.is_empty() || targets.contains(&stage));
        let reasons = planner.reasons(stage)?;
        let folder = config.artifacts.join(stage.name());
        if reasons.is_empty() && !forced {
            printer.stage_finished(stage, &Outcome::UpToDate, &folder);
            continue;
        }
        let reasons: Vec<String> = if reasons.is_empty() {
            vec!["forced".to_owned()]
        } else {
            reasons.iter().map(ToString::to_string).collect()
        };
        printer.stage_started(stage, &reasons);
        let started = Instant::now();
        execute(config, stage, &mut planner, printer)?;
        planner.forget(stage);
        printer.stage_finished(stage, &Outcome::Ran(started.elapsed()), &folder);
    }
    Ok(())
}

/// Runs one stage and commits what it wrote. Killed at any moment, it leaves the old folder or the new one, or none: a
/// folder without a lock counts as none.
fn execute(
    config: &Config,
    stage: StageId,
    planner: &mut Planner<'_>,
    printer: &Printer,
) -> Result<(), Failure> {
    let scratch = config.artifacts.join(format!(".tmp-{stage}"));
    fs::remove(&scratch)?;
    fs::create_dir_all(&scratch)?;
    let mut lock = StageLock::new(
        stage,
        plan::revision(stage),
        config.pipeline.params(stage),
        planner.inputs(stage)?,
    );
    run_stage(config, stage, &scratch, printer)?;
    lock.outputs = StageLock::digest_outputs(&scratch)?;
    for path in fs::files_below(&scratch)? {
        fs::sync(&path)?;
    }
    lock.write(&scratch)?;
    let folder = config.artifacts.join(stage.name());
    fs::remove(&folder)?;
    fs::rename(&scratch, &folder)?;
    Ok(())
}

fn run_stage(config: &Config, stage: StageId, out: &Path, printer: &Printer) -> Result<(), Failure> {
    let Config {
        pipeline,
        base,
        encoder,
        artifacts,
        device,
    } = config;
    let reporter: &dyn Reporter = printer;
    match stage {
        StageId::Ingest => labelproof_ingest::run(&pipeline.ingest, base, out, reporter)
            .map_err(|error| Failure::of_stage(stage, error)),
        StageId::Preprocess => {
            labelproof_preprocess::run(&pipeline.preprocess, artifacts, encoder, out, reporter)
                .map_err(|error| Failure::of_stage(stage, error))
        }
        StageId::Split => labelproof_split::run(&pipeline.split, artifacts, out, reporter)
            .map_err(|error| Failure::of_stage(stage, error)),
        StageId::Train => {
            let cache = artifacts.join(CACHE_FOLDER);
            labelproof_train::run(
                &pipeline.train,
                artifacts,
                encoder,
                &cache,
                *device,
                out,
                reporter,
            )
            .map_err(|error| Failure::of_stage(stage, error))
        }
        StageId::Evaluate => labelproof_evaluate::run(&pipeline.evaluate, artifacts, *device, out, reporter)
            .map_err(|error| Failure::of_stage(stage, error)),
        StageId::Audit => labelproof_audit::run(&pipeline.audit, artifacts, *device, out, reporter)
            .map_err(|error| Failure::of_stage(stage, error)),
        StageId::Report => labelproof_report::run(&pipeline.report, artifacts, out, reporter)
            .map_err(|error| Failure::of_stage(stage, error)),
    }
}

/// Where expensive intermediate results are kept between runs; removing it costs time and nothing else.
const CACHE_FOLDER: &str = "cache";
const LOCK_FILE: &str = ".lock";

/// Waits until no other process writes into these artifacts, and keeps others out until it is dropped. The operating
/// system gives the lock up when the process ends, in whatever way.
fn lock_artifacts(artifacts: &Path, printer: &Printer) -> Result<File, FsError> {
    fs::create_dir_all(artifacts)?;
    let path: PathBuf = artifacts.join(LOCK_FILE);
    let file = fs::create(&path)?;
    let locked = match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            printer.message(&format!(
                "waiting for another labelproof that works in `{}`",
                artifacts.display()
            ));
            file.lock()
        }
        Err(TryLockError::Error(error)) => Err(error),
    };
    locked.map_err(|source| FsError::new("lock", &path, source))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_brings_what_it_needs_and_nothing_else() {
        use StageId::{Ingest, Preprocess, Split};
        assert_eq!(select(&[Split]), [Ingest, Preprocess, Split]);
        assert_eq!(select(&[Ingest]), [Ingest]);
        assert_eq!(select(&[]), StageId::ALL);
    }
}
