//! The run of stages: each writes into a scratch folder, which one rename commits with the stage's lock
//! inside.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use labelproof_artifact::{Advice, Diagnostic, Fault, Reporter, StageId, StageLock, fs};
use labelproof_settings::encoder;

use crate::config::Config;
use crate::failure::Failure;
use crate::interrupt;
use crate::plan::{self, Planner, Stale};
use crate::printer::Printer;
use crate::run_lock::{RunLock, RunLockError};
use crate::shared_artifacts::{self, refresh};
use crate::times::Times;

/// What became of a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StageOutcome {
    /// It was up to date, and did not run.
    UpToDate,
    /// It ran for this long.
    Ran(Duration),
}

/// The stages of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// The stages to run if they are not up to date, in order.
    pub stages: Vec<StageId>,
    /// The stages among them that the user asked for, and not only those they need.
    pub asked: Vec<StageId>,
}

impl Selection {
    /// Selects stages and everything upstream of them; every stage if none is named.
    pub fn with_upstream(targets: &[StageId]) -> Self {
        let wanted = |stage: &StageId| {
            let needs = |&target: &StageId| {
                plan::declaration(target)
                    .upstream()
                    .any(|needed| needed == *stage)
            };
            targets.contains(stage) || targets.iter().any(needs)
        };
        let stages: Vec<StageId> = StageId::ALL
            .into_iter()
            .filter(|stage| targets.is_empty() || wanted(stage))
            .collect();
        Self {
            asked: if targets.is_empty() {
                stages.clone()
            } else {
                targets.to_vec()
            },
            stages,
        }
    }

    /// Selects the stages from one to another, both included, and nothing upstream of them.
    pub fn between(from: Option<StageId>, until: Option<StageId>) -> Self {
        let stages: Vec<StageId> = StageId::ALL
            .into_iter()
            .skip_while(|stage| from.is_some_and(|from| *stage != from))
            .take_while(|stage| until.is_none_or(|until| *stage <= until))
            .collect();
        Self {
            asked: stages.clone(),
            stages,
        }
    }
}

/// How a run behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conduct {
    /// Whether the stages that were asked for run even if they are up to date.
    pub force: bool,
    /// Whether to wait for another run that uses the folder of artifacts, instead of failing.
    pub wait: bool,
}

impl Default for Conduct {
    fn default() -> Self {
        Self {
            force: false,
            wait: true,
        }
    }
}

/// What a [`run`] would do now: for every stage of a selection the reasons for which it would run, none if it
/// is up to date. Writes nothing, but for the copy of artifacts in object storage.
pub fn dry_run(
    config: &Config,
    selection: &Selection,
    conduct: Conduct,
    printer: &Printer,
) -> Result<Vec<(StageId, Vec<String>)>, Failure> {
    let last = selection.stages.last().copied().unwrap_or(StageId::Report);
    refresh(config, last, printer)?;
    let all = Planner::new(config, printer).status()?;
    let of_selection = all
        .into_iter()
        .filter(|(stage, _)| selection.stages.contains(stage));
    Ok(of_selection
        .map(|(stage, reasons)| {
            let mut reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
            if reasons.is_empty() && conduct.force && selection.asked.contains(&stage) {
                reasons.push(FORCED.to_owned());
            }
            (stage, reasons)
        })
        .collect())
}

/// Runs a stage, which writes into the given folder. Returns the folder of its checkpoints, if it has any,
/// which is removed once the output is committed.
pub type RunStage<'a> =
    &'a dyn Fn(&Config, StageId, &Path, &dyn Reporter) -> Result<Option<PathBuf>, Failure>;

/// Runs the selected stages that are not up to date.
pub fn run(
    config: &Config,
    selection: &Selection,
    conduct: Conduct,
    printer: &Printer,
    run_stage: RunStage<'_>,
) -> Result<(), Failure> {
    // A wrong path is reported before minutes are spent on reading the data.
    if selection.stages.iter().any(|stage| plan::reads_encoder(*stage)) {
        let source = config.encoder.source(printer)?;
        if selection.stages.contains(&StageId::Preprocess) {
            encoder::check(source)?;
        }
    }
    let _lock = RunLock::acquire(&config.artifacts, conduct.wait, printer)?;
    shared_artifacts::tell(config, printer);
    shared_artifacts::bring_up_to_date(config, selection, printer)?;
    let mut planner = Planner::new(config, printer);
    for (stage, note) in left_as_they_are(&mut planner, selection.stages.first().copied())? {
        printer.note_of_stage(stage, &note);
    }
    for &stage in &selection.stages {
        let forced = conduct.force && selection.asked.contains(&stage);
        let reasons = planner.reasons(stage)?;
        let folder = config.shown_folder(stage);
        if reasons.is_empty() && !forced {
            printer.stage_finished(stage, &StageOutcome::UpToDate, &folder);
            continue;
        }
        let reasons: Vec<String> = if reasons.is_empty() {
            vec![FORCED.to_owned()]
        } else {
            reasons.iter().map(ToString::to_string).collect()
        };
        printer.stage_started(stage, &reasons);
        let started = Instant::now();
        interrupt::while_running(stage, || execute(config, stage, &mut planner, printer, run_stage))?;
        planner.forget(stage);
        let elapsed = started.elapsed();
        Times::note(&config.artifacts, stage, elapsed);
        // Outside of the stage: who stops it here loses nothing.
        shared_artifacts::store(config, stage, printer)?;
        printer.stage_finished(stage, &StageOutcome::Ran(elapsed), &folder);
        if interrupt::requested() {
            return Err(Stopped { stage }.into());
        }
    }
    Ok(())
}

/// Whether every stage up to the last selected one is up to date; prints so if it is. The answer is also no
/// where LibTorch would have to be asked for the device, or where another run is using the folder.
pub fn is_up_to_date(
    config: &Config,
    selection: &Selection,
    conduct: Conduct,
    printer: &Printer,
) -> Result<bool, Failure> {
    if conduct.force || !config.devices.first().is_always_there() {
        return Ok(false);
    }
    let _lock = match RunLock::acquire(&config.artifacts, false, printer) {
        Ok(lock) => lock,
        Err(RunLockError::Busy { .. }) => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    shared_artifacts::bring_up_to_date(config, selection, printer)?;
    let mut planner = Planner::new(config, printer);
    let last = selection.stages.last().copied();
    for stage in StageId::ALL.into_iter().take_while(|stage| Some(*stage) <= last) {
        if !planner.reasons(stage)?.is_empty() {
            return Ok(false);
        }
    }
    shared_artifacts::tell(config, printer);
    for &stage in &selection.stages {
        printer.stage_finished(stage, &StageOutcome::UpToDate, &config.shown_folder(stage));
    }
    Ok(true)
}

/// The user asked to stop while a stage was ending.
#[derive(Debug, thiserror::Error)]
#[error("stopped after stage `{stage}`")]
pub(crate) struct Stopped {
    stage: StageId,
}

impl Diagnostic for Stopped {
    fn advice(&self) -> Advice {
        Fault::Interrupted
            .hint("finished stages are kept: run the same command again, and it goes on from there")
    }
}

const FORCED: &str = "forced";

/// A file that a later stage would read is not what its stage wrote.
#[derive(Debug, thiserror::Error)]
#[error("`{}` is not what `{stage}` wrote: it was edited, cut or removed since", path.display())]
pub(crate) struct ChangedArtifact {
    stage: StageId,
    path: PathBuf,
}

impl Diagnostic for ChangedArtifact {
    fn advice(&self) -> Advice {
        Fault::Artifact.hint(format!("make it anew: labelproof run {}", self.stage))
    }
}

/// What is to be said of stages before the first one of a run that are stale, because their old output
/// is used. Output that was edited since is refused.
pub fn left_as_they_are(
    planner: &mut Planner<'_>,
    first: Option<StageId>,
) -> Result<Vec<(StageId, String)>, Failure> {
    let mut notes = Vec::new();
    for stage in StageId::ALL.into_iter().take_while(|stage| Some(*stage) != first) {
        let reasons = planner.reasons(stage)?;
        if let Some(path) = reasons.iter().find_map(Stale::changed_output) {
            let path = path.to_path_buf();
            return Err(ChangedArtifact { stage, path }.into());
        }
        if let Some(reason) = reasons.first() {
            notes.push((stage, format!("left as it is, although {reason}")));
        }
    }
    Ok(notes)
}

/// Runs a stage and commits its output.
fn execute(
    config: &Config,
    stage: StageId,
    planner: &mut Planner<'_>,
    printer: &Printer,
    run_stage: RunStage<'_>,
) -> Result<(), Failure> {
    let scratch = config.artifacts.join(format!(".tmp-{stage}"));
    fs::remove(&scratch)?;
    fs::create_dir_all(&scratch)?;
    let lock = new_lock(config, stage, planner, printer)?;
    let leftovers = run_stage(config, stage, &scratch, printer)?;
    commit(config, lock, &scratch)?;
    if let Some(leftovers) = leftovers {
        fs::remove(&leftovers)?;
    }
    Ok(())
}

/// The lock of a stage that is about to run: all but its outputs.
pub fn new_lock(
    config: &Config,
    stage: StageId,
    planner: &mut Planner<'_>,
    reporter: &dyn Reporter,
) -> Result<StageLock, Failure> {
    let mut lock = StageLock::new(
        stage,
        plan::declaration(stage).revision,
        config.pipeline.params(stage),
        planner.inputs(stage)?,
    );
    if plan::reads_encoder(stage) {
        let source = config.encoder.source(reporter)?;
        lock.encoder = source.pinned();
    }
    Ok(lock)
}

/// Commits what a stage wrote into `scratch`, a folder beside its own. If the process is killed at any
/// moment, the stage's folder is the old one or the new one, or does not exist; a folder without a lock
/// counts as missing.
fn commit(config: &Config, mut lock: StageLock, scratch: &Path) -> Result<(), Failure> {
    lock.outputs = StageLock::digest_outputs(scratch)?;
    for path in fs::files_below(scratch)? {
        fs::sync(&path)?;
    }
    lock.write(scratch)?;
    let folder = config.artifacts.join(lock.stage.name());
    fs::remove(&folder)?;
    Ok(fs::rename(scratch, &folder)?)
}

/// Commits what was written elsewhere than in a [`run`], once no run uses the folder of artifacts.
pub fn commit_from(
    config: &Config,
    lock: StageLock,
    scratch: &Path,
    reporter: &dyn Reporter,
) -> Result<(), Failure> {
    let _lock = RunLock::acquire(&config.artifacts, true, reporter)?;
    commit(config, lock, scratch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_brings_what_it_needs_and_nothing_else() {
        use StageId::{Ingest, Preprocess, Split};
        let select = |targets: &[StageId]| Selection::with_upstream(targets).stages;
        assert_eq!(select(&[Split]), [Ingest, Preprocess, Split]);
        assert_eq!(select(&[Ingest]), [Ingest]);
        assert_eq!(select(&[]), StageId::ALL);
    }

    #[test]
    fn a_range_brings_nothing_that_lies_before_it() {
        use StageId::{Audit, Evaluate, Ingest, Preprocess, Report, Split};
        let select = |from, until| Selection::between(from, until).stages;
        assert_eq!(select(Some(Evaluate), None), [Evaluate, Audit, Report]);
        assert_eq!(select(None, Some(Split)), [Ingest, Preprocess, Split]);
        assert_eq!(select(Some(Split), Some(Split)), [Split]);
        assert_eq!(select(Some(Split), Some(Ingest)), []);
    }
}
