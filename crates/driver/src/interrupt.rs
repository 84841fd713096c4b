//! Ctrl-C, and the other signals that ask a process to end.
//!
//! A training is asked to stop: it writes a checkpoint and ends. Every other stage is ended at once, because
//! it takes no longer to run again than a checkpoint would take. A server is told to stop. A second signal always
//! ends the process at once.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use labelproof_artifact::StageId;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level;

use crate::exit_code::ExitCode;
use crate::printer;

static REQUESTED: AtomicBool = AtomicBool::new(false);
/// The stage that is running.
static RUNNING: Mutex<Option<StageId>> = Mutex::new(None);

/// What a first signal calls instead of ending the process.
static STOP: Mutex<Option<Box<dyn FnOnce() + Send>>> = Mutex::new(None);

/// Whether the user asked to stop.
pub fn requested() -> bool {
    REQUESTED.load(Ordering::Relaxed)
}

/// Runs a stage, and records meanwhile that it is running.
pub fn while_running<T>(stage: StageId, work: impl FnOnce() -> T) -> T {
    set_running(Some(stage));
    let result = work();
    set_running(None);
    result
}

/// Does work that a first signal ends by calling `stop`.
pub fn while_stoppable<T>(stop: impl FnOnce() + Send + 'static, work: impl FnOnce() -> T) -> T {
    if let Ok(mut current) = STOP.lock() {
        *current = Some(Box::new(stop));
    }
    let result = work();
    if let Ok(mut current) = STOP.lock() {
        *current = None;
    }
    result
}

fn set_running(stage: Option<StageId>) {
    if let Ok(mut running) = RUNNING.lock() {
        *running = stage;
    }
}

/// Starts listening for signals. Where that fails, signals end the process, which loses no more than before.
pub fn listen() {
    if let Ok(mut signals) = Signals::new([SIGINT, SIGTERM, SIGHUP]) {
        thread::spawn(move || {
            for _ in signals.forever() {
                stop();
            }
        });
    }
}

fn stop() {
    let stop = STOP.lock().map_or(None, |mut stop| stop.take());
    if let Some(stop) = stop {
        stop();
        return;
    }
    let running = RUNNING.lock().map_or(None, |running| *running);
    if running == Some(StageId::Train) && !REQUESTED.swap(true, Ordering::Relaxed) {
        printer::note("stopping after this batch; a second Ctrl-C stops at once");
        return;
    }
    match running {
        Some(stage) => printer::note(&format!(
            "error: stopped in stage `{stage}`\n\nhint: finished stages are kept: run the same command again, and \
             it goes on with `{stage}`"
        )),
        None => printer::note(
            "error: stopped\n\nhint: finished stages are kept: run the same command again, and it goes on from there",
        ),
    }
    // Not `std::process::exit`: LibTorch's threads are at work, and do not bear to be torn down.
    low_level::exit(ExitCode::Interrupted as i32);
}
