//! What of the `labelproof` command runs the network: the stages, prediction, and the commands that run them.
//!
//! The command line, the configuration and the plan are `labelproof-driver`'s.

mod audit;
mod predict;
mod reproduce;
mod stages;
mod suggest;

use labelproof_driver::commands::{self, Cli, Command, RunArgs};
use labelproof_driver::exit_code::ExitCode;
use labelproof_driver::failure::Failure;
use labelproof_driver::printer::{Printer, Verbosity};

/// Does what the command line asks for.
pub fn execute(cli: &Cli) -> Result<ExitCode, Failure> {
    match &cli.command {
        Command::Run(args) if !args.dry_run => run(args),
        Command::Report(args) => {
            run(&args.as_run())?;
            args.show()
        }
        Command::Predict(args) => predict::run(args),
        Command::Audit(args) => audit::run(args),
        Command::Reproduce(args) => reproduce::run(args),
        Command::Suggest(args) => suggest::run(args),
        Command::Run(_)
        | Command::Status(_)
        | Command::Compare(_)
        | Command::Schema
        | Command::Completions { .. } => {
            let done = cli.execute_without_libtorch()?;
            Ok(done.expect("none of these needs LibTorch"))
        }
    }
}

fn run(args: &RunArgs) -> Result<ExitCode, Failure> {
    let config = args.config.load(args.device)?;
    let selection = args.selection();
    let printer = Printer::new(Verbosity::choose(args.quiet));
    stages::run(&config, &selection, args.conduct(), &printer)?;
    commands::print_page(&config, &selection)
}
