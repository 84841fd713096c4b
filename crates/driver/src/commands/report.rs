//! `labelproof report`: the report, up to date, and shown.

use std::path::PathBuf;

use clap::Args;
use labelproof_artifact::{Diagnostic, Fault, StageId};
use labelproof_settings::DeviceChoice;

use super::{ConfigArgs, RunArgs};
use crate::exit_code::ExitCode;
use crate::failure::Failure;

/// Which report, and whether to show it.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Open it in the browser
    #[arg(long)]
    pub open: bool,
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

impl ReportArgs {
    /// The same as a run: of the report, and of what it needs.
    pub fn as_run(&self) -> RunArgs {
        RunArgs {
            stages: vec![StageId::Report],
            from: None,
            until: None,
            only: None,
            force: false,
            dry_run: false,
            no_wait: false,
            config: self.config.clone(),
            device: self.device,
            quiet: self.quiet,
        }
    }

    /// Opens the report, if that is wanted; it has just been made, or was up to date.
    pub fn show(&self) -> Result<ExitCode, Failure> {
        if self.open {
            let config = self.config.load(self.device)?;
            let page = super::page(&config)?;
            open::that(&page).map_err(|source| NoBrowser { page, source })?;
        }
        Ok(ExitCode::Success)
    }
}

/// No program opens the page.
#[derive(Debug, thiserror::Error)]
#[error("cannot open `{}` in a browser", page.display())]
pub(super) struct NoBrowser {
    page: PathBuf,
    source: std::io::Error,
}

impl Diagnostic for NoBrowser {
    fn fault(&self) -> Fault {
        Fault::Environment
    }

    fn hints(&self) -> Vec<String> {
        vec!["open the file yourself, here or on another machine: it needs nothing else".to_owned()]
    }
}
