//! The devices of this machine: which ones there are, how the word of a configuration becomes one, and the
//! precisions that each computes fast.

use std::cell::Cell;

use burn::backend::DispatchDevice;
use burn::tensor::Device;
use labelproof_artifact::{Advice, Diagnostic, Fault};
use labelproof_settings::DeviceChoice;

use crate::processor;

/// A configuration names a device that this machine does not have.
#[derive(Debug, thiserror::Error)]
#[error("device `{wanted}` is not available; available: {}", list(available))]
#[expect(missing_docs, reason = "the message names the fields")]
pub struct DeviceError {
    pub wanted: DeviceChoice,
    pub available: Vec<DeviceChoice>,
}

fn list(devices: &[DeviceChoice]) -> String {
    let names: Vec<String> = devices.iter().map(ToString::to_string).collect();
    names.join(", ")
}

impl Diagnostic for DeviceError {
    fn advice(&self) -> Advice {
        Fault::Model.hint("set `device: auto` to take the best one there is")
    }
}

/// Every device of this machine, the fastest first.
pub fn available() -> Vec<DeviceChoice> {
    let cuda_devices = usize::try_from(tch::Cuda::device_count()).unwrap_or(0);
    let mut devices: Vec<DeviceChoice> = (0..cuda_devices).map(DeviceChoice::Cuda).collect();
    if tch::utils::has_mps() {
        devices.push(DeviceChoice::Mps);
    }
    devices.extend([DeviceChoice::Cpu, DeviceChoice::Flex]);
    devices
}

/// Turns `auto` into the fastest device of this machine, and refuses a device that it does not have.
pub fn resolve(choice: DeviceChoice) -> Result<DeviceChoice, DeviceError> {
    let available = available();
    match choice {
        DeviceChoice::Auto => Ok(available[0]),
        wanted if available.contains(&wanted) => Ok(wanted),
        wanted => Err(DeviceError { wanted, available }),
    }
}

/// Opens a device for inference; [`Device::autodiff`] makes a training device of it.
#[expect(
    deprecated,
    reason = "burn 0.22 calls its LibTorch backend deprecated, and on a processor nothing of burn comes near \
              it: a training step of a 6-layer encoder is four times as fast as on burn-flex"
)]
pub fn open(choice: DeviceChoice) -> Result<Device, DeviceError> {
    Ok(match resolve(choice)? {
        DeviceChoice::Cuda(index) => Device::libtorch_cuda(index),
        DeviceChoice::Mps => Device::libtorch_mps(),
        DeviceChoice::Flex => Device::flex(),
        DeviceChoice::Cpu | DeviceChoice::Auto => Device::libtorch(),
    })
}

thread_local! {
    static PLAYS_ACCELERATOR: Cell<bool> = const { Cell::new(false) };
}

/// Runs some work in which the processor computes as the devices of LibTorch other than it do, with the same
/// code: for tests, which have no such device.
pub fn as_accelerator<T>(work: impl FnOnce() -> T) -> T {
    PLAYS_ACCELERATOR.set(true);
    let result = work();
    PLAYS_ACCELERATOR.set(false);
    result
}

/// Whether this thread is within [`as_accelerator`].
pub(crate) fn plays_accelerator() -> bool {
    PLAYS_ACCELERATOR.get()
}

/// Whether a device is one of LibTorch's other than the processor: it has a memory of its own, and computes
/// while the processor goes on.
pub fn is_accelerator(device: &Device) -> bool {
    fn is_one(device: &DispatchDevice) -> bool {
        match device {
            DispatchDevice::LibTorch(device) => {
                tch::Device::from(*device) != tch::Device::Cpu || plays_accelerator()
            }
            DispatchDevice::Autodiff(device) => is_one(device),
            DispatchDevice::Flex(_) => false,
        }
    }
    is_one(device.as_dispatch())
}

/// Whether a device is the processor by way of LibTorch.
pub fn is_libtorch_processor(device: &Device) -> bool {
    fn is_one(device: &DispatchDevice) -> bool {
        match device {
            DispatchDevice::LibTorch(device) => tch::Device::from(*device) == tch::Device::Cpu,
            DispatchDevice::Autodiff(device) => is_one(device),
            DispatchDevice::Flex(_) => false,
        }
    }
    is_one(device.as_dispatch()) && !plays_accelerator()
}

/// Whether a device computes faster in bfloat16 than in float32, and so does where a precision asks for
/// bfloat16.
pub fn accelerates_bfloat16(choice: DeviceChoice) -> bool {
    match choice {
        DeviceChoice::Cuda(_) | DeviceChoice::Mps => true,
        DeviceChoice::Cpu | DeviceChoice::Auto => processor::has_bfloat16(),
        DeviceChoice::Flex => false,
    }
}

/// Whether matrix products of int8 are faster on a device than those of float32.
pub fn accelerates_int8(choice: DeviceChoice) -> bool {
    match choice {
        DeviceChoice::Cpu | DeviceChoice::Auto => processor::has_int8_dot_products(),
        DeviceChoice::Cuda(_) | DeviceChoice::Mps | DeviceChoice::Flex => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_is_not_there_is_refused_with_the_list_of_those_that_are() {
        let error = resolve(DeviceChoice::Cuda(99)).unwrap_err().to_string();
        assert!(
            error.starts_with("device `cuda:99` is not available; available: "),
            "{error}"
        );
        assert!(error.ends_with("cpu, flex"), "{error}");
    }
}
