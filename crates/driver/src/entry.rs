//! What both binaries do around a command: signals, panics, the message of a failure, and the exit code.

use std::io::{self, Write};
use std::panic::{self, UnwindSafe};

use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::{interrupt, printer};

/// Does a command's work, prints why it failed if it did, and gives the process's exit code.
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

/// Ends the process at once, when its work is done and everything of its own was dropped. The system forgets in no time what LibTorch
/// takes a tenth of a second to forget piece by piece.
pub fn leave(code: ExitCode) -> ! {
    // Nobody is left to be told, and every writer of something that matters has flushed it and asked.
    let _ = io::stdout().flush();
    signal_hook::low_level::exit(i32::from(code as u8))
}
