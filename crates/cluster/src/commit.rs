//! The first and the last step of a stage: its plan, and its commit.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use labelproof_artifact::{Advice, Diagnostic, Digest, Fault, Silent, StageId, StageLock, fs};
use labelproof_driver::{
    Config, Failure, Planner, catch_up, commit_from, commit_stored, left_as_they_are, new_lock,
};
use labelproof_ingest::shares;
use labelproof_settings::encoder;
use serde_json::json;
use tempfile::TempDir;

use crate::columns::{Columns, give_json, next};
use crate::context::Context;
use crate::error::BadInput;
use crate::parts::ATTEMPTS;
use crate::{Input, Output};

/// The folder in the scratch folder that holds the lock until the stage is committed.
const LOCK_FOLDER: &str = ".lock-of-plan";

/// Says whether the stage must run, and makes its scratch folder with the lock of what the stage reads.
pub(crate) fn plan(context: &Context, output: Output<'_>) -> Result<(), Failure> {
    // This process may have asked before, for another run.
    labelproof_remote::forget();
    let config = context.config()?;
    let stage = context.stage;
    check_sources(stage, &config)?;
    if stage == StageId::Preprocess {
        // Fetched first: the lock names what is there. And a wrong one should not show after hours.
        encoder::check(config.encoder.source(&Silent)?)?;
    }
    catch_up(&config, stage, &Silent)?;
    let mut planner = Planner::new(&config, &Silent);
    let notes = if context.is_first {
        left_as_they_are(&mut planner, Some(stage))?
    } else {
        Vec::new()
    };
    let reasons: Vec<String> = planner.reasons(stage)?.iter().map(ToString::to_string).collect();
    let mut scratch = None;
    if !reasons.is_empty() {
        fs::create_dir_all(&config.artifacts)?;
        let prefix = format!(".tmp-{stage}-");
        let folder = TempDir::with_prefix_in(prefix, &config.artifacts)
            .map_err(|source| fs::FsError::new("create a folder in", &config.artifacts, source))?;
        let lock_folder = folder.path().join(LOCK_FOLDER);
        fs::create_dir_all(&lock_folder)?;
        fs::create_dir_all(&folder.path().join(ATTEMPTS))?;
        new_lock(&config, stage, &mut planner, &Silent)?.write(&lock_folder)?;
        scratch = Some(folder.keep());
    }
    let answer = json!({
        "artifacts": config.artifacts,
        "scratch": scratch,
        "reasons": reasons,
        "notes": notes,
    });
    give_json(&answer, output)
}

/// Refuses sources that cannot be read in shares before the plan reads them for their digests: standard input
/// of the driver may never end.
fn check_sources(stage: StageId, config: &Config) -> Result<(), Failure> {
    let params = &config.pipeline.ingest;
    if stage == StageId::Ingest || shares::reads_standard_input(params) {
        shares::check(params).map_err(|error| Failure::of_stage(StageId::Ingest, error))?;
    }
    Ok(())
}

/// Checks that all parts are there, and commits the stage.
pub(crate) fn commit(context: &Context, input: Input<'_>, output: Output<'_>) -> Result<(), Failure> {
    let config = context.config()?;
    let (stage, scratch) = (context.stage, context.scratch()?);
    let mut written = Written::default();
    for batch in input {
        let batch = next(batch)?;
        let columns = Columns(&batch);
        let files = columns.all_texts("file")?;
        if config.stored.is_some() {
            let digests = columns.all_texts("digest")?;
            for (file, digits) in files.iter().zip(digests) {
                let digest = Digest::parse(&digits).ok_or_else(|| BadInput {
                    problem: format!("`digest` of `{file}` is no digest"),
                })?;
                written.digests.insert(file.clone(), digest);
            }
        }
        written
            .rows
            .extend(files.into_iter().zip(columns.all_numbers("rows")?));
    }
    check(context, &config, &written.rows, scratch)?;
    let lock_folder = scratch.join(LOCK_FOLDER);
    let lock = StageLock::read(&lock_folder).ok_or_else(|| BadInput {
        problem: format!("`{}` does not hold the plan of the stage", scratch.display()),
    })?;
    if Planner::new(&config, &Silent).inputs(stage)? != lock.inputs {
        return Err(Changed { stage }.into());
    }
    fs::remove(&lock_folder)?;
    let whole = whole(&config.artifacts, stage, scratch)?;
    if config.stored.is_some() {
        commit_stored(&config, lock, &whole, &written.digests, &Silent)?;
    } else {
        commit_from(&config, lock, &whole, &Silent)?;
    }
    fs::remove(scratch)?;
    give_json(&json!({ "folder": config.shown_folder(stage) }), output)
}

/// The parts that tasks have written.
#[derive(Default)]
struct Written {
    /// Their rows, by name.
    rows: BTreeMap<String, i64>,
    /// Their digests, by name, where they are in object storage.
    digests: BTreeMap<String, Digest>,
}

/// Moves what was written into a folder that no task knows: one that an engine takes for lost may still
/// write.
fn whole(artifacts: &Path, stage: StageId, scratch: &Path) -> Result<PathBuf, Failure> {
    let list = |source| fs::FsError::new("list", scratch, source);
    let whole = TempDir::with_prefix_in(format!(".tmp-{stage}-"), artifacts)
        .map_err(|source| fs::FsError::new("create a folder in", artifacts, source))?
        .keep();
    for entry in scratch.read_dir().map_err(list)? {
        let name = entry.map_err(list)?.file_name();
        if name != ATTEMPTS {
            fs::rename(&scratch.join(&name), &whole.join(&name))?;
        }
    }
    Ok(whole)
}

/// What a stage reads is not what its plan saw.
#[derive(Debug, thiserror::Error)]
#[error("what `{stage}` reads changed while it ran")]
struct Changed {
    stage: StageId,
}

impl Diagnostic for Changed {
    fn advice(&self) -> Advice {
        Fault::Input.hint("run it again when nobody writes to the sources")
    }
}

/// A task that an engine lost, or ran on half of its rows, would leave a table with holes.
fn check(
    context: &Context,
    config: &Config,
    written: &BTreeMap<String, i64>,
    scratch: &Path,
) -> Result<(), Failure> {
    let is_lost = |file: &&String| config.stored.is_none() && !scratch.join(file).exists();
    let rows: i64 = written.values().sum();
    let problem = if written.len() != context.parts()? as usize {
        format!("{} of {} parts were written", written.len(), context.parts()?)
    } else if u64::try_from(rows).ok() != Some(context.rows()?) {
        format!("{rows} rows were written, and not {}", context.rows()?)
    } else if let Some(file) = written.keys().find(is_lost) {
        format!("`{file}` was written, and is not there: do all machines share the folder of the artifacts?")
    } else {
        return Ok(());
    };
    Err(BadInput { problem }.into())
}
