//! The command line: one struct for each command, and what each does.

mod audit;
mod compare;
mod predict;
mod reproduce;
mod suggest;

use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand};
use labelproof_artifact::{StageId, fs};
use labelproof_model::DeviceChoice;

use crate::config::{Config, Pipeline};
use crate::driver::{self, Conduct, Selection};
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::plan::Planner;
use crate::printer::{self, Printer, Verbosity};

/// Trains a text classifier as a reproducible pipeline, and says what its numbers are worth.
#[derive(Debug, Parser)]
#[command(name = "labelproof", version, about, max_term_width = 100)]
#[command(after_help = "Examples:
  labelproof run                                   run every stage that is not up to date
  labelproof run train --set train.epochs=5        train again with other settings
  labelproof status                                say what is stale, and why
  labelproof predict --bundle artifacts/train/model --input new.csv --text body
  labelproof audit --validation val.csv --test test.csv --train train.csv

Exit codes: 0 ok, 1 bug, 2 usage or configuration, 3 input data, 4 damaged artifact, 5 stale,
6 model or device, 7 file system, 8 unsound figures, 9 not reproduced, 130 stopped")]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the pipeline, or some stages and what they need
    Run(RunArgs),
    /// Say for each stage whether it is up to date, or why not
    Status(StatusArgs),
    /// Classify texts with a trained bundle
    Predict(predict::PredictArgs),
    /// Look for causes of good numbers beside bad predictions, in anyone's files
    Audit(Box<audit::AuditArgs>),
    /// Compare two folders of artifacts: parameters, metrics, and the test rows on which they differ
    Compare(compare::CompareArgs),
    /// Run everything anew in a folder of its own, and compare with pipeline.lock
    Reproduce(reproduce::ReproduceArgs),
    /// Suggest settings, with the proof that they help or do not
    Suggest(suggest::SuggestArgs),
    /// Print the JSON schema of pipeline.yaml
    Schema,
    /// Print the completions of a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Args)]
struct ConfigArgs {
    /// The pipeline's configuration
    #[arg(long, short, value_name = "FILE", default_value = "pipeline.yaml")]
    config: PathBuf,
    /// Override a value of the configuration, such as train.epochs=5; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
    /// Keep the artifacts in this folder
    #[arg(long, value_name = "DIR")]
    artifacts: Option<PathBuf>,
}

impl ConfigArgs {
    fn load(&self, device: Option<DeviceChoice>) -> Result<Config, Failure> {
        Ok(Config::load(
            &self.config,
            &self.overrides,
            device,
            self.artifacts.as_deref(),
        )?)
    }
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  labelproof run
  labelproof run report
  labelproof run train --force
  labelproof run --dry-run                         what would run, and why
  labelproof run --from evaluate                   evaluate and what follows, whatever lies before
  labelproof run --config pipelines/finetune.yaml --set train.epochs=2 --device cuda:1")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
struct RunArgs {
    /// Run these stages and what they need; all by default
    #[arg(value_name = "STAGE")]
    stages: Vec<StageId>,
    /// Begin with this stage, and take what lies before it as it is
    #[arg(long, value_name = "STAGE", conflicts_with_all = ["stages", "only"])]
    from: Option<StageId>,
    /// End with this stage
    #[arg(long, value_name = "STAGE", conflicts_with_all = ["stages", "only"])]
    until: Option<StageId>,
    /// Run this stage alone, and take what lies before it as it is
    #[arg(long, value_name = "STAGE", conflicts_with = "stages")]
    only: Option<StageId>,
    /// Run the stages even if they are up to date
    #[arg(long)]
    force: bool,
    /// Say what would run, and why, and run nothing
    #[arg(long)]
    dry_run: bool,
    /// If another run works in the same folder, fail at once
    #[arg(long)]
    no_wait: bool,
    #[command(flatten)]
    config: ConfigArgs,
    /// auto, cpu, cuda, cuda:1, mps or flex; wins over the configuration
    #[arg(long, value_name = "DEVICE")]
    device: Option<DeviceChoice>,
    /// Print errors only
    #[arg(long, short)]
    quiet: bool,
}

#[derive(Debug, Args)]
struct StatusArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Exit with 5 if a stage is not up to date
    #[arg(long)]
    check: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Cli {
    /// Does what the command line asks for.
    pub fn execute(self) -> Result<ExitCode, Failure> {
        match self.command {
            Command::Run(args) => run(&args),
            Command::Status(args) => status(&args),
            Command::Predict(args) => predict::run(&args),
            Command::Audit(args) => audit::run(&args),
            Command::Reproduce(args) => reproduce::run(&args),
            Command::Compare(args) => compare::run(&args),
            Command::Suggest(args) => suggest::run(&args),
            Command::Schema => {
                printer::data(Pipeline::schema().trim_end());
                Ok(ExitCode::Success)
            }
            Command::Completions { shell } => {
                let mut text = Vec::new();
                clap_complete::generate(shell, &mut Self::command(), "labelproof", &mut text);
                printer::data(String::from_utf8_lossy(&text).trim_end());
                Ok(ExitCode::Success)
            }
        }
    }
}

impl RunArgs {
    fn selection(&self) -> Selection {
        match (self.only, self.from, self.until) {
            (Some(only), ..) => Selection::between(Some(only), Some(only)),
            (None, None, None) => Selection::with_upstream(&self.stages),
            (None, from, until) => Selection::between(from, until),
        }
    }
}

fn run(args: &RunArgs) -> Result<ExitCode, Failure> {
    let config = args.config.load(args.device)?;
    let selection = args.selection();
    let conduct = Conduct {
        force: args.force,
        wait: !args.no_wait,
    };
    if args.dry_run {
        for (stage, reasons) in driver::plan(&config, &selection, conduct)? {
            printer::data(&stage_line(stage, &reasons, "would run"));
        }
        return Ok(ExitCode::Success);
    }
    let printer = Printer::new(Verbosity::choose(args.quiet));
    driver::run(&config, &selection, conduct, &printer)?;
    if selection.stages.contains(&StageId::Report) {
        let page = config.artifacts.join("report").join("index.html");
        printer::data(&fs::absolute(&page)?.display().to_string());
    }
    Ok(ExitCode::Success)
}

/// A stage and its state: up to date, or not and why.
fn stage_line(stage: StageId, reasons: &[String], otherwise: &str) -> String {
    if reasons.is_empty() {
        format!("{stage:<11} up to date")
    } else {
        format!("{stage:<11} {otherwise}: {}", printer::summarize_reasons(reasons))
    }
}

fn status(args: &StatusArgs) -> Result<ExitCode, Failure> {
    let config = args.config.load(None)?;
    let stages = Planner::new(&config).status()?;
    let stale = stages.iter().any(|(_, reasons)| !reasons.is_empty());
    let texts: Vec<(StageId, Vec<String>)> = stages
        .into_iter()
        .map(|(stage, reasons)| (stage, reasons.iter().map(ToString::to_string).collect()))
        .collect();
    if args.json {
        let rows: Vec<serde_json::Value> = texts
            .iter()
            .map(|(stage, reasons)| {
                serde_json::json!({ "stage": stage, "up_to_date": reasons.is_empty(), "reasons": reasons })
            })
            .collect();
        printer::data(&serde_json::to_string_pretty(&rows).expect("a JSON value always serialises"));
    } else {
        for (stage, reasons) in &texts {
            printer::data(&stage_line(*stage, reasons, "stale"));
        }
    }
    Ok(if args.check && stale {
        ExitCode::Stale
    } else {
        ExitCode::Success
    })
}
