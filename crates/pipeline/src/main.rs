//! The `labelproof` command: parses the command line, does what needs no LibTorch, and becomes `labelproof-torch` for the
//! rest. LibTorch takes longer to load than most of this takes: nothing but the driver may be named here.

use clap::Parser;
use labelproof_driver::commands::Cli;
use labelproof_driver::{entry, handover};

fn main() -> std::process::ExitCode {
    let cli = Cli::parse();
    let work = move || match cli.execute_without_libtorch()? {
        Some(code) => Ok(code),
        None => Err(handover::become_sibling(cli.memory()).into()),
    };
    entry::conclude(work).into()
}
