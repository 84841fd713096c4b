//! The binary `labelproof`: parses the command line, runs the command if no network has to run, and otherwise
//! becomes `labelproof-torch`.

use clap::Parser;
use labelproof_cli::{Cli, entry, handover};

fn main() -> std::process::ExitCode {
    let cli = Cli::parse();
    let work = move || {
        if let Some(code) = cli.execute()? {
            return Ok(code);
        }
        let sibling = handover::sibling()?;
        Err(handover::become_sibling(sibling, cli.memory(), std::env::args_os()).into())
    };
    entry::conclude(work).into()
}
