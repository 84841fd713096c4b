//! `labelproof-torch`: the whole command. `labelproof` becomes it when there is work for LibTorch.

use clap::Parser;
use labelproof_driver::commands::Cli;
use labelproof_driver::entry;

fn main() {
    let cli = Cli::parse();
    entry::leave(entry::conclude(move || labelproof_pipeline::execute(&cli)))
}
