//! `labelproof report`: brings the report up to date, and opens it.

use std::path::PathBuf;

use clap::Args;
use labelproof_artifact::{Advice, Diagnostic, Fault, StageId};
use labelproof_driver::{ExitCode, Failure};

use super::run::{RunArgs, page};
use super::{ConfigArgs, DeviceArgs};

/// The pipeline, and whether to open its report.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Open the report in the browser
    #[arg(long)]
    pub open: bool,
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

impl ReportArgs {
    /// The arguments of the run that brings the report up to date.
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
            device: self.device.clone(),
            quiet: self.quiet,
        }
    }

    /// Opens the report in the browser if the user asked for it. The report must be up to date.
    pub fn show(&self) -> Result<ExitCode, Failure> {
        if self.open {
            let config = self.config.load(self.device.devices.clone())?;
            let page = page(&config)?;
            open::that(&page).map_err(|source| NoBrowser { page, source })?;
        }
        Ok(ExitCode::Success)
    }
}

/// No program could be started that opens the page.
#[derive(Debug, thiserror::Error)]
#[error("cannot open `{}` in a browser", page.display())]
pub(super) struct NoBrowser {
    page: PathBuf,
    source: std::io::Error,
}

impl Diagnostic for NoBrowser {
    fn advice(&self) -> Advice {
        Fault::Environment.hint("open the file yourself, here or on another machine: it needs nothing else")
    }
}
