//! The one place that names a backend: which devices there are, how a word becomes one, and what a backend does better than
//! burn's own operations.

pub mod adamw;
pub mod fused;
mod gelu;
pub mod int8;
mod processor;
mod residual;
pub(crate) mod threads;

use burn::tensor::Device;
use labelproof_settings::DeviceChoice;

use crate::error::Error;

/// Every device of this machine, the best first.
pub fn available() -> Vec<DeviceChoice> {
    let cuda_devices = usize::try_from(tch::Cuda::device_count()).unwrap_or(0);
    let mut devices: Vec<DeviceChoice> = (0..cuda_devices).map(DeviceChoice::Cuda).collect();
    if tch::utils::has_mps() {
        devices.push(DeviceChoice::Mps);
    }
    devices.extend([DeviceChoice::Cpu, DeviceChoice::Flex]);
    devices
}

/// Turns `auto` into the best device there is, and refuses one that is not there.
pub fn resolve(choice: DeviceChoice) -> Result<DeviceChoice, Error> {
    let available = available();
    match choice {
        DeviceChoice::Auto => Ok(available[0]),
        wanted if available.contains(&wanted) => Ok(wanted),
        wanted => Err(Error::NoDevice {
            wanted: wanted.to_string(),
            available: available
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", "),
        }),
    }
}

/// Opens a device, for prediction; [`Device::autodiff`] makes a training device of it.
#[expect(
    deprecated,
    reason = "burn 0.22 calls its LibTorch backend deprecated, and on a processor nothing of burn comes near it: \
              a training step of a 6-layer encoder is four times as fast as on burn-flex"
)]
pub fn open(choice: DeviceChoice) -> Result<Device, Error> {
    Ok(match resolve(choice)? {
        DeviceChoice::Cuda(index) => Device::libtorch_cuda(index),
        DeviceChoice::Mps => Device::libtorch_mps(),
        DeviceChoice::Flex => Device::flex(),
        DeviceChoice::Cpu | DeviceChoice::Auto => Device::libtorch(),
    })
}

/// Whether 16-bit numbers make a device faster, and are computed in where a precision asks for them.
pub fn computes_in_half(choice: DeviceChoice) -> bool {
    match choice {
        DeviceChoice::Cuda(_) | DeviceChoice::Mps => true,
        DeviceChoice::Cpu | DeviceChoice::Auto => processor::multiplies_in_half(),
        DeviceChoice::Flex => false,
    }
}

/// Whether products of whole numbers of 8 bits are faster than those of floats on a device.
pub fn gains_by_int8(choice: DeviceChoice) -> bool {
    match choice {
        DeviceChoice::Cpu | DeviceChoice::Auto => processor::multiplies_int8(),
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
