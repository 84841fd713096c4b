//! The command line: a module for each command, with its arguments and, unless the command always runs a
//! network, what it does.

pub mod audit;
mod compare;
pub mod decisions;
pub mod evaluate;
mod explain;
pub mod export;
mod init;
pub mod predict;
mod report;
pub mod reproduce;
pub mod run;
pub mod serve;
mod status;
pub mod suggest;
pub mod worker;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand};
use labelproof_artifact::{Advice, Diagnostic, Fault, StageId};
use labelproof_driver::config::Pipeline;
use labelproof_driver::{Config, ExitCode, Failure, printer};
use labelproof_settings::Devices;

use crate::handover::Memory;

/// Labelproof is a reproducible pipeline that trains a BERT text classifier on your labelled texts, and an
/// audit that finds out why a classifier's metrics look better than its predictions
#[derive(Debug, Parser)]
#[command(name = "labelproof", version, max_term_width = 100)]
#[command(after_help = "Examples:
  labelproof init reviews.csv                      write a pipeline.yaml for what the file is
  labelproof run                                   run every stage that is not up to date
  labelproof run train --set train.epochs=5        train again with other settings
  labelproof report --open                         open the report in the browser
  labelproof status                                tell which stages are stale, and why
  labelproof predict --bundle artifacts/train/model --input new.csv --text body
  labelproof serve --bundle artifacts/train/model  answer requests over HTTP
  labelproof evaluate --model my-finetuned-bert --test test.csv
  labelproof audit --validation val.csv --test test.csv --train train.csv

Exit codes: 0 ok, 1 bug, 2 usage or configuration, 3 input data, 4 damaged artifact, 5 stale,
6 model or device, 7 file system, 8 unsound figures, 9 not reproduced, 10 figures not examined,
130 stopped")]
pub struct Cli {
    /// The command to execute
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Look at files of labelled texts, tell what they are, and write the pipeline.yaml that reads them
    Init(init::InitArgs),
    /// Run the stages of the pipeline that are not up to date
    Run(run::RunArgs),
    /// Bring the report up to date, and print its path or open it in the browser
    Report(report::ReportArgs),
    /// Tell which stages are up to date, and why the others are not
    Status(status::StatusArgs),
    /// Classify texts with a trained model
    Predict(predict::PredictArgs),
    /// Answer requests over HTTP with a trained model
    Serve(serve::ServeArgs),
    /// Measure a model, also one that another program trained, on labelled rows
    Evaluate(evaluate::EvaluateArgs),
    /// Find out why metrics look good although predictions are bad, from the files of any classifier
    ///
    /// Give every file you have: each one makes more checks possible. A check that cannot run says which file
    /// it lacks.
    Audit(Box<audit::AuditArgs>),
    /// Write the network of a trained model as an ONNX graph
    Export(export::ExportArgs),
    /// Explain a cause that the audit looks for, or list them all
    Explain(explain::ExplainArgs),
    /// Compare two runs: their parameters, their metrics, and the test rows they classify differently
    Compare(compare::CompareArgs),
    /// Run the whole pipeline again, and compare what it writes with pipeline.lock
    Reproduce(reproduce::ReproduceArgs),
    /// Suggest settings, and measure whether they improve the model
    Suggest(suggest::SuggestArgs),
    /// Run a step of a stage on rows that a cluster's engine pipes through
    Worker(worker::WorkerArgs),
    /// Print the JSON schema of pipeline.yaml, for editors
    Schema,
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// The devices that run the network, and how many processes share the work.
#[derive(Debug, Clone, Args)]
pub struct DeviceArgs {
    /// Device of the network: auto, cpu, cuda, cuda:1, mps or flex; several, such as cuda:0,cuda:1, share the
    /// work; overrides the configuration
    #[arg(long = "device", value_name = "DEVICE")]
    pub devices: Option<Devices>,
    /// Number of processes that share the work on this machine: each on a GPU of its own, or on its share of
    /// the processors; by default one for each device
    #[arg(long, value_name = "NUMBER")]
    pub workers: Option<NonZeroUsize>,
}

impl DeviceArgs {
    /// The number of processes that share the work on these devices.
    pub fn workers(&self, devices: &Devices) -> Result<usize, Failure> {
        let (named, asked) = (devices.count(), self.workers.map_or(1, NonZeroUsize::get));
        if named > 1 && self.workers.is_some() && asked != named {
            return Err(WorkersError { named, asked }.into());
        }
        Ok(named.max(asked))
    }
}

/// The number of devices and the number of processes contradict each other.
#[derive(Debug, thiserror::Error)]
#[error("{named} devices are named, and `--workers` asks for {asked} processes")]
struct WorkersError {
    named: usize,
    asked: usize,
}

impl Diagnostic for WorkersError {
    fn advice(&self) -> Advice {
        Fault::Configuration.hint("leave out `--workers`: each device gets a process")
    }
}

/// Which pipeline a command is about.
#[derive(Debug, Clone, Args)]
pub struct ConfigArgs {
    /// Configuration of the pipeline
    #[arg(long, short, value_name = "FILE", default_value = "pipeline.yaml")]
    pub config: PathBuf,
    /// Value that overrides the configuration's, such as train.epochs=5; can be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,
    /// Folder of the artifacts, or its address in object storage (s3://, gs://, az://); overrides the
    /// configuration
    #[arg(long, value_name = "DIR")]
    pub artifacts: Option<PathBuf>,
}

impl ConfigArgs {
    /// Reads and checks the configuration.
    pub fn load(&self, devices: Option<Devices>) -> Result<Config, Failure> {
        Ok(Config::load(
            &self.config,
            &self.overrides,
            devices,
            self.artifacts.as_deref(),
        )?)
    }
}

impl Cli {
    /// Executes the command unless a network has to run: then nothing is done, and the result is `None`.
    pub fn execute(&self) -> Result<Option<ExitCode>, Failure> {
        match &self.command {
            Command::Run(args) => run::run(args),
            Command::Report(args) => {
                let done = run::run(&args.as_run())?;
                done.map(|_| args.show()).transpose()
            }
            Command::Init(args) => init::run(args).map(Some),
            Command::Status(args) => status::run(args).map(Some),
            Command::Explain(args) => explain::run(args).map(Some),
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
            Command::Audit(args) => audit::run(args),
            Command::Worker(args) => worker::execute(args),
            Command::Predict(_)
            | Command::Serve(_)
            | Command::Evaluate(_)
            | Command::Export(_)
            | Command::Reproduce(_)
            | Command::Suggest(_) => Ok(None),
        }
    }

    /// How `labelproof-torch` is to allocate memory for this command.
    pub fn memory(&self) -> Memory {
        let config = match &self.command {
            Command::Run(args) => &args.config,
            Command::Report(args) => &args.config,
            Command::Reproduce(args) => &args.config,
            Command::Suggest(args) => match &args.what {
                suggest::Suggestion::StopWords(args) => &args.config,
            },
            Command::Predict(_)
            | Command::Serve(_)
            | Command::Evaluate(_)
            | Command::Export(_)
            | Command::Audit(_)
            | Command::Explain(_)
            | Command::Init(_)
            | Command::Status(_)
            | Command::Compare(_)
            | Command::Worker(_)
            | Command::Schema
            | Command::Completions { .. } => return Memory::Kept,
        };
        // An invalid configuration is reported by `labelproof-torch`.
        match config.load(None) {
            Ok(config) if config.pipeline.train.trains_encoder() => Memory::KeptInLargePages,
            _ => Memory::Kept,
        }
    }
}

/// The line of a stage in `status` and `run --dry-run`: up to date, or else `otherwise` and the reasons.
fn stage_line(stage: StageId, reasons: &[String], otherwise: &str) -> String {
    if reasons.is_empty() {
        format!("{stage:<11} up to date")
    } else {
        format!("{stage:<11} {otherwise}: {}", printer::summarize_reasons(reasons))
    }
}
