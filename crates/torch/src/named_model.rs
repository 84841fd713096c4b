//! The model that a command names by its folder: a bundle, a classifier of transformers, or an adapter of PEFT,
//! whose base is found as that of an encoder.

use std::path::Path;

use labelproof_artifact::encoder_files::is_adapter;
use labelproof_driver::{Encoder, Failure, Printer, Verbosity};
use labelproof_kernels::device;
use labelproof_model::{Bundle, DeviceChoice};

/// Loads the model in a folder, as [`Bundle::load`] does.
pub(crate) fn load(folder: &Path, choice: DeviceChoice) -> Result<Bundle, Failure> {
    match adapted(folder, choice)? {
        Some(bundle) => Ok(bundle),
        None => Ok(Bundle::load(folder, &device::open(device::resolve(choice)?)?)?),
    }
}

/// Loads the classifier that an adapter makes of its base, if a folder is one.
pub(crate) fn adapted(folder: &Path, choice: DeviceChoice) -> Result<Option<Bundle>, Failure> {
    if !is_adapter(folder) {
        return Ok(None);
    }
    let device = device::open(device::resolve(choice)?)?;
    let encoder = Encoder::in_folder(folder);
    let base = encoder.source(&Printer::new(Verbosity::Quiet))?;
    Ok(Some(Bundle::load_adapted(&base.files.folder, folder, &device)?))
}
