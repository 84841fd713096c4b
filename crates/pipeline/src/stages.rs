//! What each stage of a run does, with LibTorch.

use std::path::{Path, PathBuf};

use labelproof_artifact::{Reporter, StageId};
use labelproof_driver::config::Config;
use labelproof_driver::driver::{self, Conduct, Selection};
use labelproof_driver::failure::Failure;
use labelproof_driver::printer::Printer;
use labelproof_model::{backend, bundle};

/// Runs what is not up to date.
pub(crate) fn run(
    config: &Config,
    selection: &Selection,
    conduct: Conduct,
    printer: &Printer,
) -> Result<(), Failure> {
    if selection.stages.contains(&StageId::Preprocess) {
        // Before the first stage: nobody wants to learn of a wrong path after the data are read.
        bundle::check_encoder(&config.encoder)?;
    }
    if selection.stages.iter().any(|stage| stage.uses_device()) {
        backend::resolve(config.device)?;
    }
    driver::run(config, selection, conduct, printer, &run_stage)
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
        base,
        encoder,
        artifacts,
        device,
    } = config;
    match stage {
        StageId::Ingest => labelproof_ingest::run(&pipeline.ingest, base, out, reporter)
            .map_err(|error| Failure::of_stage(stage, error))?,
        StageId::Preprocess => {
            labelproof_preprocess::run(&pipeline.preprocess, artifacts, encoder, out, reporter)
                .map_err(|error| Failure::of_stage(stage, error))?;
        }
        StageId::Split => labelproof_split::run(&pipeline.split, artifacts, out, reporter)
            .map_err(|error| Failure::of_stage(stage, error))?,
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
        StageId::Report => labelproof_report::run(&pipeline.report, artifacts, out, reporter)
            .map_err(|error| Failure::of_stage(stage, error))?,
    }
    Ok(None)
}

/// Where expensive intermediate results are kept between runs; removing it costs time and nothing else.
const CACHE_FOLDER: &str = "cache";
