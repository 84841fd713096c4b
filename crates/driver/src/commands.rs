//! The command line: one struct for each command, and what each does.

pub mod audit;
mod compare;
pub mod predict;
mod report;
pub mod reproduce;
pub mod suggest;

use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand};
use labelproof_artifact::{StageId, fs};
use labelproof_settings::DeviceChoice;
use labelproof_settings::train::Trainable;

use crate::config::{Config, Pipeline};
use crate::data_stages;
use crate::driver::{self, Conduct, Selection};
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::handover::Memory;
use crate::plan::Planner;
use crate::printer::{self, Printer, Verbosity};
use crate::times::Times;

/// Trains a text classifier as a reproducible pipeline, and says what its numbers are worth.
#[derive(Debug, Parser)]
#[command(name = "labelproof", version, about, max_term_width = 100)]
#[command(after_help = "Examples:
  labelproof run                                   run every stage that is not up to date
  labelproof run train --set train.epochs=5        train again with other settings
  labelproof report --open                         show the report in the browser
  labelproof status                                say what is stale, and why
  labelproof predict --bundle artifacts/train/model --input new.csv --text body
  labelproof audit --validation val.csv --test test.csv --train train.csv

Exit codes: 0 ok, 1 bug, 2 usage or configuration, 3 input data, 4 damaged artifact, 5 stale,
6 model or device, 7 file system, 8 unsound figures, 9 not reproduced, 130 stopped")]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the pipeline, or some stages and what they need
    Run(RunArgs),
    /// Bring the report up to date, and say where it is or show it
    Report(report::ReportArgs),
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

/// Which pipeline.
#[derive(Debug, Clone, Args)]
pub struct ConfigArgs {
    /// The pipeline's configuration
    #[arg(long, short, value_name = "FILE", default_value = "pipeline.yaml")]
    pub config: PathBuf,
    /// Override a value of the configuration, such as train.epochs=5; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,
    /// Keep the artifacts in this folder
    #[arg(long, value_name = "DIR")]
    pub artifacts: Option<PathBuf>,
}

impl ConfigArgs {
    /// Reads and checks it.
    pub fn load(&self, device: Option<DeviceChoice>) -> Result<Config, Failure> {
        Ok(Config::load(
            &self.config,
            &self.overrides,
            device,
            self.artifacts.as_deref(),
        )?)
    }
}

/// Which stages, of which pipeline, and how.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  labelproof run
  labelproof run report
  labelproof run train --force
  labelproof run --dry-run                         what would run, and why
  labelproof run --from evaluate                   evaluate and what follows, whatever lies before
  labelproof run --config pipelines/finetune.yaml --set train.epochs=2 --device cuda:1")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct RunArgs {
    /// Run these stages and what they need; all by default
    #[arg(value_name = "STAGE")]
    pub stages: Vec<StageId>,
    /// Begin with this stage, and take what lies before it as it is
    #[arg(long, value_name = "STAGE", conflicts_with_all = ["stages", "only"])]
    pub from: Option<StageId>,
    /// End with this stage
    #[arg(long, value_name = "STAGE", conflicts_with_all = ["stages", "only"])]
    pub until: Option<StageId>,
    /// Run this stage alone, and take what lies before it as it is
    #[arg(long, value_name = "STAGE", conflicts_with = "stages")]
    pub only: Option<StageId>,
    /// Run the stages even if they are up to date
    #[arg(long)]
    pub force: bool,
    /// Say what would run, and why, and run nothing
    #[arg(long)]
    pub dry_run: bool,
    /// If another run works in the same folder, fail at once
    #[arg(long)]
    pub no_wait: bool,
    /// The pipeline
    #[command(flatten)]
    pub config: ConfigArgs,
    /// auto, cpu, cuda, cuda:1, mps or flex; wins over the configuration
    #[arg(long, value_name = "DEVICE")]
    pub device: Option<DeviceChoice>,
    /// Print errors only
    #[arg(long, short)]
    pub quiet: bool,
}

/// Which pipeline, and how to say it.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// The pipeline
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Exit with 5 if a stage is not up to date
    #[arg(long)]
    pub check: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

impl Cli {
    /// Does what the command line asks for if LibTorch is not needed; nothing is done otherwise.
    pub fn execute_without_libtorch(&self) -> Result<Option<ExitCode>, Failure> {
        match &self.command {
            Command::Run(args) => run(args),
            Command::Report(args) => {
                let done = run(&args.as_run())?;
                done.map(|_| args.show()).transpose()
            }
            Command::Status(args) => status(args).map(Some),
            Command::Compare(args) => compare::run(args).map(Some),
            Command::Schema => {
                printer::data(Pipeline::schema().trim_end());
                Ok(Some(ExitCode::Success))
            }
            Command::Completions { shell } => {
                let mut text = Vec::new();
                clap_complete::generate(*shell, &mut Self::command(), "labelproof", &mut text);
                printer::data(String::from_utf8_lossy(&text).trim_end());
                Ok(Some(ExitCode::Success))
            }
            Command::Predict(_) | Command::Audit(_) | Command::Reproduce(_) | Command::Suggest(_) => Ok(None),
        }
    }

    /// How the sibling with LibTorch is to allocate memory for this command.
    pub fn memory(&self) -> Memory {
        let config = match &self.command {
            Command::Run(args) => &args.config,
            Command::Report(args) => &args.config,
            Command::Reproduce(args) => &args.config,
            Command::Suggest(args) => match &args.what {
                suggest::Suggestion::StopWords(args) => &args.config,
            },
            Command::Predict(_)
            | Command::Audit(_)
            | Command::Status(_)
            | Command::Compare(_)
            | Command::Schema
            | Command::Completions { .. } => return Memory::Kept,
        };
        // What is wrong with a configuration is for the sibling to say.
        match config.load(None) {
            Ok(config) if config.pipeline.train.trainable != Trainable::None => Memory::KeptInLargePages,
            _ => Memory::Kept,
        }
    }
}

impl RunArgs {
    /// Which stages are meant.
    pub fn selection(&self) -> Selection {
        match (self.only, self.from, self.until) {
            (Some(only), ..) => Selection::between(Some(only), Some(only)),
            (None, None, None) => Selection::with_upstream(&self.stages),
            (None, from, until) => Selection::between(from, until),
        }
    }

    /// How to run them.
    pub fn conduct(&self) -> Conduct {
        Conduct {
            force: self.force,
            wait: !self.no_wait,
        }
    }
}

/// Nothing is done where a stage has to run that runs the network.
fn run(args: &RunArgs) -> Result<Option<ExitCode>, Failure> {
    let config = args.config.load(args.device)?;
    let selection = args.selection();
    if args.dry_run {
        return print_plan(args, &config, &selection).map(Some);
    }
    let printer = Printer::new(Verbosity::choose(args.quiet));
    if data_stages::are_all_of(&selection) {
        let run_stage = &data_stages::run_stage;
        driver::run(&config, &selection, args.conduct(), &printer, run_stage)?;
        return print_page(&config, &selection).map(Some);
    }
    if driver::is_up_to_date(&config, &selection, args.conduct(), &printer)? {
        print_page(&config, &selection).map(Some)
    } else {
        Ok(None)
    }
}

fn print_plan(args: &RunArgs, config: &Config, selection: &Selection) -> Result<ExitCode, Failure> {
    for (stage, reasons) in driver::plan(config, selection, args.conduct())? {
        printer::data(&stage_line(stage, &reasons, "would run"));
    }
    Ok(ExitCode::Success)
}

/// Says where the page lies, if it was asked for.
pub fn print_page(config: &Config, selection: &Selection) -> Result<ExitCode, Failure> {
    if selection.stages.contains(&StageId::Report) {
        printer::data(&page(config)?.display().to_string());
    }
    Ok(ExitCode::Success)
}

/// Where the report's page lies.
fn page(config: &Config) -> Result<PathBuf, Failure> {
    let folder = config.artifacts.join(StageId::Report.name());
    Ok(fs::absolute(&folder.join(labelproof_report::PAGE))?)
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
    let times = Times::read(&config.artifacts);
    let texts: Vec<(StageId, Vec<String>)> = stages
        .into_iter()
        .map(|(stage, reasons)| (stage, reasons.iter().map(ToString::to_string).collect()))
        .collect();
    if args.json {
        let rows: Vec<serde_json::Value> = texts
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
        printer::data(&serde_json::to_string_pretty(&rows).expect("a JSON value always serialises"));
    } else {
        for (stage, reasons) in &texts {
            let mut line = stage_line(*stage, reasons, "stale");
            if let Some(time) = times.of(*stage).filter(|_| reasons.is_empty()) {
                line.push_str(&format!(", took {}", printer::duration(time)));
            }
            printer::data(&line);
        }
    }
    Ok(if args.check && stale {
        ExitCode::Stale
    } else {
        ExitCode::Success
    })
}
