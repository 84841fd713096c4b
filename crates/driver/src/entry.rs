//! What both binaries do around a command: signals, panics, the message of a failure, and the exit code.

use std::panic::{self, UnwindSafe};

use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::{interrupt, printer};

/// Does a command's work, prints why it failed if it did, and gives the process's exit code.
pub fn conclude(work: impl FnOnce() -> Result<ExitCode, Failure> + UnwindSafe) -> std::process::ExitCode {
    interrupt::listen();
    // A panic is a bug in labelproof, never the answer to some input; say so, and whom to tell.
    let code = match panic::catch_unwind(work) {
        Ok(Ok(code)) => code,
        Ok(Err(failure)) => {
            printer::note(&failure.render());
            failure.fault().into()
        }
        Err(_) => {
            printer::note("error: this is a bug in labelproof; please report it with the lines above");
            ExitCode::Bug
        }
    };
    code.into()
}
