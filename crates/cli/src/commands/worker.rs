//! `labelproof worker`: a step of a stage on rows that a cluster's engine pipes through.

use std::io;
use std::path::PathBuf;

use clap::Args;
use labelproof_artifact::fs;
use labelproof_cluster::{Context, Step, pipe, run};
use labelproof_driver::{ExitCode, Failure};

/// The step that runs a network.
pub const PREDICT: &str = "predict";

/// The step, and what it knows besides its rows.
#[derive(Debug, Args)]
#[command(
    after_help = "Reads an Arrow stream from standard input and writes one to standard output. The steps,
their columns, and what an engine does between them are in docs/cluster.md."
)]
pub struct WorkerArgs {
    /// Step: plan, ingest-read, preprocess-look, predict, …
    #[arg(value_name = "STEP")]
    pub step: String,
    /// JSON with the configuration and what earlier steps decided
    #[arg(long, value_name = "FILE")]
    pub context: PathBuf,
}

/// Runs the step unless it runs a network.
pub(super) fn execute(args: &WorkerArgs) -> Result<Option<ExitCode>, Failure> {
    if args.step == PREDICT {
        return Ok(None);
    }
    let step: Step = args.step.parse()?;
    let context = Context::parse(&fs::read_to_string(&args.context)?)?;
    let from = step.takes_rows().then(|| io::stdin().lock());
    pipe(from, io::stdout().lock(), |input, output| {
        run(step, &context, input, output)
    })?;
    Ok(Some(ExitCode::Success))
}
