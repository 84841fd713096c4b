//! Ctrl-C and the signals that ask a process to end.
//!
//! A training is asked to stop, keeps a checkpoint and ends; anything else ends at once, because nothing it does takes
//! longer to do again than to keep. A second signal always ends at once.

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
/// The stage at work.
static RUNNING: Mutex<Option<StageId>> = Mutex::new(None);

/// Whether the user wants the work at hand to end.
pub fn requested() -> bool {
    REQUESTED.load(Ordering::Relaxed)
}

/// Says which stage is at work while it is.
pub fn while_running<T>(stage: StageId, work: impl FnOnce() -> T) -> T {
    set_running(Some(stage));
    let result = work();
    set_running(None);
    result
}

fn set_running(stage: Option<StageId>) {
    if let Ok(mut running) = RUNNING.lock() {
        *running = stage;
    }
}

/// Listens from now on. If that is not possible, signals end the process as they always do, which loses no more.
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
    let running = RUNNING.lock().map_or(None, |running| *running);
    if running == Some(StageId::Train) && !REQUESTED.swap(true, Ordering::Relaxed) {
        printer::note("stopping after this batch; a second Ctrl-C stops at once");
        return;
    }
    match running {
        Some(stage) => printer::note(&format!(
            "error: stopped in stage `{stage}`\n\nhint: finished stages are kept: run the same command again, and it goes on \
             with `{stage}`"
        )),
        None => printer::note("error: stopped"),
    }
    // Not `std::process::exit`: LibTorch's threads are at work, and do not bear to be torn down.
    low_level::exit(ExitCode::Interrupted as i32);
}
