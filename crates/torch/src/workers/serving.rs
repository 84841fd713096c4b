//! The side of a process that is not the first of a run: it shares the work of the stages that the first one
//! names, and writes and prints nothing.

use std::path::Path;

use labelproof_artifact::{Reporter, StageId};
use labelproof_driver::{ExitCode, Failure, Launch, interrupt};
use labelproof_kernels::workers::Workers;
use labelproof_settings::DeviceChoice;

use super::{Job, conclude_failure, done_name, job_name, meet};
use crate::stages::CACHE_FOLDER;

/// Shares the work until the first process ends it.
pub(crate) fn serve(launch: &Launch) -> Result<ExitCode, Failure> {
    let (workers, device) = meet(launch, None)?;
    match serve_jobs(&workers, device) {
        Ok(()) => Ok(ExitCode::Success),
        Err(failure) => conclude_failure(launch, &workers, failure),
    }
}

fn serve_jobs(workers: &Workers, device: DeviceChoice) -> Result<(), Failure> {
    for number in 1.. {
        let text = workers.hear(&job_name(number))?;
        let job = serde_json::from_str(&text).expect("the first process is the same build");
        if !share(&job, (device, workers))? {
            break;
        }
    }
    workers.tell(&done_name(workers.rank()), "")?;
    Ok(())
}

/// Shares the work of a job, which writes nothing here. Whether there may be another one.
fn share(job: &Job, own: (DeviceChoice, &Workers)) -> Result<bool, Failure> {
    let nowhere = Path::new("");
    match job {
        Job::Train {
            params,
            artifacts,
            encoder,
        } => interrupt::while_running(StageId::Train, || {
            let cache = artifacts.join(CACHE_FOLDER);
            labelproof_train::run(params, artifacts, encoder, &cache, own, nowhere, &Quiet)
                .map(|_| true)
                .map_err(|error| Failure::of_stage(StageId::Train, error))
        }),
        Job::Evaluate { params, artifacts } => interrupt::while_running(StageId::Evaluate, || {
            labelproof_evaluate::run(params, artifacts, own, nowhere, &Quiet)
                .map(|()| true)
                .map_err(|error| Failure::of_stage(StageId::Evaluate, error))
        }),
        Job::End => Ok(false),
    }
}

/// Prints nothing: the first process does.
struct Quiet;

impl Reporter for Quiet {
    fn started(&self, _: &str, _: Option<u64>) {}
    fn advance(&self, _: u64, _: &str) {}
    fn finished(&self) {}
    fn message(&self, _: &str) {}
    fn stop_requested(&self) -> bool {
        interrupt::requested()
    }
}
