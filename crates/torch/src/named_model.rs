//! The model that a command names by its folder: a bundle, a classifier of transformers, or an adapter of PEFT,
//! whose base is found as that of an encoder.

use std::path::{Path, PathBuf};

use labelproof_artifact::encoder_files::is_adapter;
use labelproof_driver::{Encoder, Failure, Printer, Verbosity};
use labelproof_kernels::device;
use labelproof_model::{Bundle, DeviceChoice, Error};

/// Loads the model in a folder, as [`Bundle::load`] does.
pub(crate) fn load(folder: &Path, choice: DeviceChoice) -> Result<Bundle, Failure> {
    let device = device::open(device::resolve(choice)?)?;
    Ok(match base_of(folder)? {
        Some(base) => Bundle::load_adapted(&base, folder, &device)?,
        None => Bundle::load(folder, &device)?,
    })
}

/// Loads the model in a folder for the audit, as [`Bundle::load_unreplayed`] does. What is wrong with the model is
/// told apart from what hinders the command.
pub(crate) fn load_unreplayed(folder: &Path, choice: DeviceChoice) -> Result<Result<Bundle, Error>, Failure> {
    let device = device::open(device::resolve(choice)?)?;
    Ok(match base_of(folder)? {
        Some(base) => Bundle::load_adapted(&base, folder, &device),
        None => Bundle::load_unreplayed(folder, &device),
    })
}

/// The folder of the model that an adapter belongs to; none of a folder without an adapter.
fn base_of(folder: &Path) -> Result<Option<PathBuf>, Failure> {
    if !is_adapter(folder) {
        return Ok(None);
    }
    let encoder = Encoder::in_folder(folder);
    let base = encoder.source(&Printer::new(Verbosity::Quiet))?;
    Ok(Some(base.files.folder.clone()))
}
