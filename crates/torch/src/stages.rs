//! Runs the stages that run a network; the driver runs the others.

use std::path::{Path, PathBuf};

use labelproof_artifact::{Reporter, StageId};
use labelproof_driver::{Conduct, Config, Failure, Printer, Selection, data_stages};
use labelproof_kernels::device;
use labelproof_settings::DeviceChoice;

use crate::probe::probe;
use crate::workers::{Job, WorkerGroup};

/// Runs the selected stages that are not up to date.
pub(crate) fn run(
    config: &Config,
    selection: &Selection,
    conduct: Conduct,
    printer: &Printer,
) -> Result<(), Failure> {
    let group = WorkerGroup::new(&config.devices, config.workers)?;
    if selection.stages.iter().any(|stage| stage.uses_device()) {
        device::resolve(group.device())?;
    }
    let run_stage = |config: &Config, stage: StageId, out: &Path, reporter: &dyn Reporter| {
        run_stage(config, stage, &group, out, reporter)
    };
    labelproof_driver::run(config, selection, conduct, printer, &run_stage)
}

/// Runs a stage. Returns the folder of its checkpoints, if it has any, which is removed once the output is
/// committed.
fn run_stage(
    config: &Config,
    stage: StageId,
    group: &WorkerGroup,
    out: &Path,
    reporter: &dyn Reporter,
) -> Result<Option<PathBuf>, Failure> {
    let Config {
        pipeline,
        encoder,
        artifacts,
        ..
    } = config;
    let device = group.device();
    match stage {
        StageId::Train => {
            let encoder = encoder.source(reporter)?;
            let workers = group.start(&Job::Train {
                params: Box::new(pipeline.train.clone()),
                artifacts: artifacts.clone(),
                encoder: encoder.clone(),
            })?;
            let cache = artifacts.join(CACHE_FOLDER);
            return labelproof_train::run(
                &pipeline.train,
                artifacts,
                encoder,
                &cache,
                (device, workers),
                out,
                reporter,
            )
            .map(Some)
            .map_err(|error| Failure::of_stage(stage, error));
        }
        StageId::Evaluate => {
            let workers = group.start(&Job::Evaluate {
                params: pipeline.evaluate.clone(),
                artifacts: artifacts.clone(),
            })?;
            labelproof_evaluate::run(&pipeline.evaluate, artifacts, (device, workers), out, reporter)
                .map_err(|error| Failure::of_stage(stage, error))?;
        }
        StageId::Audit => audit(config, device, out, reporter)?,
        StageId::Ingest | StageId::Preprocess | StageId::Split | StageId::Report => {
            return data_stages::run_stage(config, stage, out, reporter);
        }
    }
    Ok(None)
}

/// Runs the bundle, and audits the artifacts together with what that showed.
fn audit(config: &Config, device: DeviceChoice, out: &Path, reporter: &dyn Reporter) -> Result<(), Failure> {
    let artifacts = &config.artifacts;
    let of_audit = |error| Failure::of_stage(StageId::Audit, error);
    let dataset = labelproof_audit::artifacts::read_dataset(artifacts).map_err(of_audit)?;
    reporter.started("asking the bundle", None);
    let bundle = probe(&labelproof_audit::bundle_of(artifacts), device, &dataset)
        .map_err(|error| Failure::of_stage(StageId::Audit, error))?;
    reporter.finished();
    labelproof_audit::run(&config.pipeline.audit, artifacts, dataset, bundle, out, reporter).map_err(of_audit)
}

/// The folder of features and checkpoints below the artifacts; removing it costs nothing but time.
pub(crate) const CACHE_FOLDER: &str = "cache";
