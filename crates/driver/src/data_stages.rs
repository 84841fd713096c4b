//! The data stages, which run no network: ingest, preprocess, split and report. A run of no other stages does
//! not need LibTorch, which takes time to load and memory to hold.

use std::path::{Path, PathBuf};

use labelproof_artifact::{Reporter, StageId};

use crate::config::Config;
use crate::failure::Failure;
use crate::run::Selection;

/// Whether all selected stages are data stages.
pub fn are_all_of(selection: &Selection) -> bool {
    !selection.stages.iter().any(|stage| stage.uses_device())
}

/// Runs a data stage; see [`RunStage`](crate::RunStage).
pub fn run_stage(
    config: &Config,
    stage: StageId,
    out: &Path,
    reporter: &dyn Reporter,
) -> Result<Option<PathBuf>, Failure> {
    let Config {
        pipeline,
        base,
        encoder,
        artifacts,
        ..
    } = config;
    match stage {
        StageId::Ingest => labelproof_ingest::run(&pipeline.ingest, base, out, reporter)
            .map_err(|error| Failure::of_stage(stage, error))?,
        StageId::Preprocess => {
            let folder = &encoder.source(reporter)?.files.folder;
            labelproof_preprocess::run(&pipeline.preprocess, artifacts, folder, out, reporter)
                .map_err(|error| Failure::of_stage(stage, error))?;
        }
        StageId::Split => labelproof_split::run(&pipeline.split, artifacts, out, reporter)
            .map_err(|error| Failure::of_stage(stage, error))?,
        StageId::Report => labelproof_report::run(&pipeline.report, artifacts, out, reporter)
            .map_err(|error| Failure::of_stage(stage, error))?,
        StageId::Train | StageId::Evaluate | StageId::Audit => {
            unreachable!("{stage} runs a network: the caller runs it itself")
        }
    }
    Ok(None)
}
