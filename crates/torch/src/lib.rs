//! The commands that run a network: `run` and `report` where such a stage is stale, `predict`, `serve`,
//! `evaluate`, `export`, `audit` of a bundle, `reproduce`, and `suggest`.
//!
//! The command line is `labelproof-cli`'s, the configuration and the plan are `labelproof-driver`'s. This is
//! the only crate besides `labelproof-model` and the stages `train` and `evaluate` that links LibTorch.

mod audit;
mod csv_file;
mod decisions;
mod evaluate;
mod export;
mod named_model;
mod predict;
mod predicted_rows;
mod probe;
mod reproduce;
mod serve;
mod stages;
mod suggest;
mod worker;
mod workers;

use labelproof_cli::commands::run::{RunArgs, print_page};
use labelproof_cli::commands::worker::PREDICT;
use labelproof_cli::{Cli, Command};
use labelproof_driver::{ExitCode, Failure, Launch, Printer, Verbosity};

/// Executes a command, whether it runs a network or not.
///
/// Where processes were started together, the first one executes the command, and the others share its work.
pub fn execute(cli: &Cli) -> Result<ExitCode, Failure> {
    if let Some(launch) = Launch::from_environment()?
        && launch.rank > 0
        && is_shared(&cli.command)
    {
        return workers::serve(&launch);
    }
    match &cli.command {
        Command::Run(args) if !args.dry_run => run(args),
        Command::Report(args) => {
            run(&args.as_run())?;
            args.show()
        }
        Command::Predict(args) => predict::run(args),
        Command::Serve(args) => serve::run(args),
        Command::Evaluate(args) => evaluate::run(args),
        Command::Export(args) => export::run(args),
        Command::Audit(args) => audit::run(args),
        Command::Reproduce(args) => reproduce::run(args),
        Command::Suggest(args) => suggest::run(args),
        Command::Worker(args) if args.step == PREDICT => worker::run(args),
        Command::Init(_)
        | Command::Run(_)
        | Command::Status(_)
        | Command::Explain(_)
        | Command::Compare(_)
        | Command::Worker(_)
        | Command::Schema
        | Command::Completions { .. } => {
            let done = cli.execute()?;
            Ok(done.expect("none of these commands runs a network"))
        }
    }
}

/// Whether the first of several processes tells the others what to do; in other commands each finds it out by
/// itself.
fn is_shared(command: &Command) -> bool {
    match command {
        Command::Run(args) => !args.dry_run,
        Command::Report(_) | Command::Reproduce(_) | Command::Suggest(_) => true,
        _ => false,
    }
}

fn run(args: &RunArgs) -> Result<ExitCode, Failure> {
    let config = args.load()?;
    let selection = args.selection();
    let printer = Printer::new(Verbosity::choose(args.quiet));
    stages::run(&config, &selection, args.conduct(), &printer)?;
    print_page(&config, &selection)
}
