//! `labelproof status`: which stages are up to date, and why the others are not.

use clap::Args;
use labelproof_artifact::StageId;
use labelproof_driver::{ExitCode, Failure, Planner, Printer, Times, Verbosity, printer, refresh};

use super::{ConfigArgs, stage_line};

/// The pipeline to look at, and the form of the answer.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// The pipeline
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Exit with code 5 if a stage is not up to date
    #[arg(long)]
    pub check: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

pub(super) fn run(args: &StatusArgs) -> Result<ExitCode, Failure> {
    let config = args.config.load(None)?;
    let printer = Printer::new(Verbosity::choose(false));
    refresh(&config, StageId::Report, &printer)?;
    let stages: Vec<(StageId, Vec<String>)> = Planner::new(&config, &printer)
        .status()?
        .into_iter()
        .map(|(stage, reasons)| (stage, reasons.iter().map(ToString::to_string).collect()))
        .collect();
    let times = Times::read(&config.artifacts);
    if args.json {
        printer::data(&json(&stages, &times));
    } else {
        for (stage, reasons) in &stages {
            printer::data(&line(*stage, reasons, &times));
        }
    }
    let stale = stages.iter().any(|(_, reasons)| !reasons.is_empty());
    Ok(if args.check && stale {
        ExitCode::Stale
    } else {
        ExitCode::Success
    })
}

fn line(stage: StageId, reasons: &[String], times: &Times) -> String {
    let mut line = stage_line(stage, reasons, "stale");
    if let Some(time) = times.of(stage).filter(|_| reasons.is_empty()) {
        line.push_str(&format!(", took {}", printer::duration(time)));
    }
    line
}

fn json(stages: &[(StageId, Vec<String>)], times: &Times) -> String {
    let rows: Vec<serde_json::Value> = stages
        .iter()
        .map(|(stage, reasons)| {
            serde_json::json!({
                "stage": stage,
                "up_to_date": reasons.is_empty(),
                "reasons": reasons,
                "seconds": times.of(*stage).map(|time| time.as_secs_f64()),
            })
        })
        .collect();
    serde_json::to_string_pretty(&rows).expect("a JSON value always serialises")
}
