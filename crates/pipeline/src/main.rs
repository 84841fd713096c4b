//! The `labelproof` binary: parses the command line and turns the result into an exit code.

use std::panic;

use clap::Parser;
use labelproof_pipeline::commands::Cli;
use labelproof_pipeline::exit_code::ExitCode;
use labelproof_pipeline::{interrupt, printer};

fn main() -> std::process::ExitCode {
    let cli = Cli::parse();
    interrupt::listen();
    // A panic is a bug in labelproof, never the answer to some input; say so, and whom to tell.
    let outcome = panic::catch_unwind(move || cli.execute());
    let code = match outcome {
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
