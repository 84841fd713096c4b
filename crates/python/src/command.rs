//! The command `labelproof`, run by Python: the same command line in Python's process, so that the wheel
//! needs no binary beside the module.

use std::ffi::OsString;
use std::io::{self, Write};
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;

use clap::Parser;
use labelproof_artifact::Silent;
use labelproof_cli::handover::{self, HandoverError};
use labelproof_cli::{Cli, entry};
use labelproof_driver::{Config, folder_of_artifacts};
use pyo3::prelude::*;

use crate::errors;

/// Executes a command line, whose first argument is the name of the program, and returns the exit code.
/// `sibling` is the binary with LibTorch, as which the process goes on where a network has to run; without
/// it, `hint` says how to get it.
#[pyfunction]
pub(crate) fn main(py: Python<'_>, arguments: Vec<OsString>, sibling: Option<PathBuf>, hint: String) -> i32 {
    let code = py.detach(|| run(arguments, sibling, hint));
    // Python ends the process, and knows nothing of what Rust has not written yet. Where nobody reads it,
    // there is nobody to be told.
    let _ = io::stdout().flush();
    code
}

fn run(arguments: Vec<OsString>, sibling: Option<PathBuf>, hint: String) -> i32 {
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Where nobody reads it, there is nobody to be told that.
            let _ = error.print();
            return error.exit_code();
        }
    };
    let work = AssertUnwindSafe(|| {
        if let Some(code) = cli.execute()? {
            return Ok(code);
        }
        let sibling = sibling.ok_or(HandoverError::NotInstalled { hint })?;
        Err(handover::become_sibling(sibling, cli.memory(), arguments).into())
    });
    i32::from(entry::conclude(work) as u8)
}

/// The folder into which the pipeline of a configuration writes, with values that override it, as
/// `key=value`, and with other artifacts than the configuration's, if there are any. Of an address it is the
/// copy.
#[pyfunction]
#[pyo3(signature = (config, overrides, artifacts=None))]
pub(crate) fn artifacts_folder(
    py: Python<'_>,
    config: PathBuf,
    overrides: Vec<String>,
    artifacts: Option<PathBuf>,
) -> PyResult<PathBuf> {
    let config = Config::load(&config, &overrides, None, artifacts.as_deref());
    config
        .map(|config| config.artifacts)
        .map_err(|error| errors::raised(py, error))
}

/// The folder that a name of artifacts means: of an address the copy, which is made what the store has.
#[pyfunction]
pub(crate) fn fetched_artifacts(py: Python<'_>, artifacts: PathBuf) -> PyResult<PathBuf> {
    py.detach(|| folder_of_artifacts(&artifacts, &Silent))
        .map_err(|failure| errors::raised(py, failure))
}
