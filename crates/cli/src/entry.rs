//! What both binaries do around a command: signals, panics, the message of a failure, and the exit code.

use std::io::{self, Write};
use std::panic::{self, UnwindSafe};

use labelproof_driver::{ExitCode, Failure, interrupt, printer};

/// Executes a command, prints why it failed if it did, and returns the exit code of the process.
pub fn conclude(work: impl FnOnce() -> Result<ExitCode, Failure> + UnwindSafe) -> ExitCode {
    interrupt::listen();
    // A panic is a bug in labelproof, never the answer to some input; say so, and whom to tell.
    match panic::catch_unwind(work) {
        Ok(Ok(code)) => code,
        Ok(Err(failure)) => {
            printer::note(&failure.render());
            failure.fault().into()
        }
        Err(_) => {
            printer::note("error: this is a bug in labelproof; please report it with the lines above");
            ExitCode::Bug
        }
    }
}

/// Ends the process without running LibTorch's destructors, which take a tenth of a second to free memory
/// that the system frees at once. To be called when everything of our own was dropped.
pub fn leave(code: ExitCode) -> ! {
    // Nobody is left to be told, and every writer of something that matters has flushed it and checked the
    // result.
    let _ = io::stdout().flush();
    signal_hook::low_level::exit(i32::from(code as u8))
}
