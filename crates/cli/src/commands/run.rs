//! `labelproof run`: the stages that are not up to date.

use std::path::PathBuf;

use clap::Args;
use labelproof_artifact::{StageId, fs};
use labelproof_driver::{
    Conduct, Config, ExitCode, Failure, Launch, Printer, Selection, Verbosity, data_stages, dry_run,
    is_up_to_date, printer,
};

use super::{ConfigArgs, DeviceArgs, stage_line};

/// Which stages of which pipeline to run, and how.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  labelproof run
  labelproof run report
  labelproof run train --force
  labelproof run --dry-run                         what would run, and why
  labelproof run --from evaluate                   evaluate and all later stages
  labelproof run --config pipelines/finetune.yaml --set train.epochs=2 --device cuda:1
  labelproof run --device cuda:0,cuda:1            a process for each device")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct RunArgs {
    /// Stages to run, with all the stages they read from; every stage by default
    #[arg(value_name = "STAGE")]
    pub stages: Vec<StageId>,
    /// First stage to run; the output of earlier stages is used as it is
    #[arg(long, value_name = "STAGE", conflicts_with_all = ["stages", "only"])]
    pub from: Option<StageId>,
    /// Last stage to run
    #[arg(long, value_name = "STAGE", conflicts_with_all = ["stages", "only"])]
    pub until: Option<StageId>,
    /// The only stage to run; the output of earlier stages is used as it is
    #[arg(long, value_name = "STAGE", conflicts_with = "stages")]
    pub only: Option<StageId>,
    /// Run the stages even if they are up to date
    #[arg(long)]
    pub force: bool,
    /// Print which stages would run, and why, without running them
    #[arg(long)]
    pub dry_run: bool,
    /// Fail at once if another run uses the same folder of artifacts, instead of waiting for its end
    #[arg(long)]
    pub no_wait: bool,
    /// The pipeline
    #[command(flatten)]
    pub config: ConfigArgs,
    /// The devices
    #[command(flatten)]
    pub device: DeviceArgs,
    /// Print nothing but errors and results
    #[arg(long, short)]
    pub quiet: bool,
}

impl RunArgs {
    /// Reads and checks the configuration.
    pub fn load(&self) -> Result<Config, Failure> {
        let mut config = self.config.load(self.device.devices.clone())?;
        config.workers = self.device.workers(&config.devices)?;
        Ok(config)
    }

    /// The stages that the arguments name.
    pub fn selection(&self) -> Selection {
        match (self.only, self.from, self.until) {
            (Some(only), ..) => Selection::between(Some(only), Some(only)),
            (None, None, None) => Selection::with_upstream(&self.stages),
            (None, from, until) => Selection::between(from, until),
        }
    }

    /// Whether to run stages that are up to date, and whether to wait for another run.
    pub fn conduct(&self) -> Conduct {
        Conduct {
            force: self.force,
            wait: !self.no_wait,
        }
    }
}

/// Runs the stages unless one of them has to run a network: then nothing is done, and the result is `None`.
pub(super) fn run(args: &RunArgs) -> Result<Option<ExitCode>, Failure> {
    let config = args.load()?;
    let selection = args.selection();
    if args.dry_run {
        return print_plan(args, &config, &selection).map(Some);
    }
    if Launch::from_environment()?.is_some() {
        // The others wait to be told what to do, even if that is nothing.
        return Ok(None);
    }
    let printer = Printer::new(Verbosity::choose(args.quiet));
    if data_stages::are_all_of(&selection) {
        let run_stage = &data_stages::run_stage;
        labelproof_driver::run(&config, &selection, args.conduct(), &printer, run_stage)?;
        return print_page(&config, &selection).map(Some);
    }
    if is_up_to_date(&config, &selection, args.conduct(), &printer)? {
        print_page(&config, &selection).map(Some)
    } else {
        Ok(None)
    }
}

fn print_plan(args: &RunArgs, config: &Config, selection: &Selection) -> Result<ExitCode, Failure> {
    let printer = Printer::new(Verbosity::choose(args.quiet));
    for (stage, reasons) in dry_run(config, selection, args.conduct(), &printer)? {
        printer::data(&stage_line(stage, &reasons, "would run"));
    }
    Ok(ExitCode::Success)
}

/// Prints the path of the report's page if the report is among the selected stages.
pub fn print_page(config: &Config, selection: &Selection) -> Result<ExitCode, Failure> {
    if selection.stages.contains(&StageId::Report) {
        printer::data(&page(config)?.display().to_string());
    }
    Ok(ExitCode::Success)
}

/// The path of the report's page.
pub(super) fn page(config: &Config) -> Result<PathBuf, Failure> {
    let folder = config.artifacts.join(StageId::Report.name());
    Ok(fs::absolute(&folder.join(labelproof_report::PAGE))?)
}
