//! Runs the stages that run a network; the driver runs the others.

use std::path::{Path, PathBuf};

use labelproof_artifact::{Reporter, StageId};
use labelproof_driver::{Conduct, Config, Failure, Printer, Selection, data_stages};
use labelproof_kernels::device;

/// Runs what is not up to date.
pub(crate) fn run(
    config: &Config,
    selection: &Selection,
    conduct: Conduct,
    printer: &Printer,
) -> Result<(), Failure> {
    if selection.stages.iter().any(|stage| stage.uses_device()) {
        device::resolve(config.device)?;
    }
    labelproof_driver::run(config, selection, conduct, printer, &run_stage)
}

/// Runs a stage. Returns what it kept to go on from, which is to be removed when its output is safe.
fn run_stage(
    config: &Config,
    stage: StageId,
    out: &Path,
    reporter: &dyn Reporter,
) -> Result<Option<PathBuf>, Failure> {
    let Config {
        pipeline,
        encoder,
        artifacts,
        device,
        ..
    } = config;
    match stage {
        StageId::Train => {
            let cache = artifacts.join(CACHE_FOLDER);
            return labelproof_train::run(
                &pipeline.train,
                artifacts,
                encoder,
                &cache,
                *device,
                out,
                reporter,
            )
            .map(Some)
            .map_err(|error| Failure::of_stage(stage, error));
        }
        StageId::Evaluate => labelproof_evaluate::run(&pipeline.evaluate, artifacts, *device, out, reporter)
            .map_err(|error| Failure::of_stage(stage, error))?,
        StageId::Audit => labelproof_audit::run(&pipeline.audit, artifacts, *device, out, reporter)
            .map_err(|error| Failure::of_stage(stage, error))?,
        StageId::Ingest | StageId::Preprocess | StageId::Split | StageId::Report => {
            return data_stages::run_stage(config, stage, out, reporter);
        }
    }
    Ok(None)
}

/// Where expensive intermediate results are kept between runs; removing it costs time and nothing else.
const CACHE_FOLDER: &str = "cache";
