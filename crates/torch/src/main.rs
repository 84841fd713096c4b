//! The binary `labelproof-torch`: the whole command. `labelproof` becomes it when a network has to run.

use clap::Parser;
use labelproof_cli::{Cli, entry};

fn main() {
    let cli = Cli::parse();
    entry::leave(entry::conclude(move || labelproof_torch::execute(&cli)))
}
