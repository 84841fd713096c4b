//! The one file that names a backend: which devices there are, and how a word becomes one.

use std::fmt;
use std::str::FromStr;

use burn::tensor::Device;

use crate::error::Error;

/// A device as the user names it: `auto`, `cpu`, `cuda`, `cuda:1`, `mps` or `flex`.
///
/// It is no parameter of a stage: it may change how long a result takes, and its last bits, but not what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The first CUDA device, else the Apple GPU, else the processor.
    Auto,
    /// The processor, by LibTorch.
    Cpu,
    /// An NVIDIA GPU, by LibTorch, counted from 0.
    Cuda(usize),
    /// An Apple GPU, by LibTorch.
    Mps,
    /// The processor, by burn's own pure-Rust backend: slower, and a second opinion on LibTorch's numbers.
    Flex,
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => formatter.write_str("auto"),
            Self::Cpu => formatter.write_str("cpu"),
            Self::Cuda(index) => write!(formatter, "cuda:{index}"),
            Self::Mps => formatter.write_str("mps"),
            Self::Flex => formatter.write_str("flex"),
        }
    }
}

/// No device has this name.
#[derive(Debug, thiserror::Error)]
#[error("`{name}` is no device; use auto, cpu, cuda, cuda:<number>, mps or flex")]
pub struct UnknownDevice {
    name: String,
}

impl FromStr for DeviceChoice {
    type Err = UnknownDevice;

    fn from_str(name: &str) -> Result<Self, UnknownDevice> {
        let choice = match name {
            "auto" => Some(Self::Auto),
            "cpu" => Some(Self::Cpu),
            "cuda" => Some(Self::Cuda(0)),
            "mps" => Some(Self::Mps),
            "flex" => Some(Self::Flex),
            _ => name
                .strip_prefix("cuda:")
                .and_then(|index| index.parse().ok())
                .map(Self::Cuda),
        };
        choice.ok_or_else(|| UnknownDevice {
            name: name.to_owned(),
        })
    }
}

impl DeviceChoice {
    /// Every device of this machine, the best first.
    pub fn available() -> Vec<Self> {
        let cuda_devices = usize::try_from(tch::Cuda::device_count()).unwrap_or(0);
        let mut devices: Vec<Self> = (0..cuda_devices).map(Self::Cuda).collect();
        if tch::utils::has_mps() {
            devices.push(Self::Mps);
        }
        devices.extend([Self::Cpu, Self::Flex]);
        devices
    }

    /// Turns `auto` into the best device there is, and refuses one that is not there.
    pub fn resolve(self) -> Result<Self, Error> {
        let available = Self::available();
        match self {
            Self::Auto => Ok(available[0]),
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

    /// Opens the device, for prediction; [`Device::autodiff`] makes a training device of it.
    #[expect(
        deprecated,
        reason = "burn 0.22 calls its LibTorch backend deprecated, and on a processor nothing of burn comes near it: \
                  a training step of a 6-layer encoder is four times as fast as on burn-flex"
    )]
    pub fn open(self) -> Result<Device, Error> {
        Ok(match self.resolve()? {
            Self::Cuda(index) => Device::libtorch_cuda(index),
            Self::Mps => Device::libtorch_mps(),
            Self::Flex => Device::flex(),
            Self::Cpu | Self::Auto => Device::libtorch(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_and_unknown_ones_say_what_there_is() {
        for name in ["auto", "cpu", "cuda:3", "mps", "flex"] {
            assert_eq!(name.parse::<DeviceChoice>().unwrap().to_string(), name);
        }
        assert_eq!("cuda".parse::<DeviceChoice>().unwrap(), DeviceChoice::Cuda(0));
        let error = "gpu".parse::<DeviceChoice>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "`gpu` is no device; use auto, cpu, cuda, cuda:<number>, mps or flex"
        );
    }

    #[test]
    fn a_device_that_is_not_there_is_refused_with_the_list_of_those_that_are() {
        let error = DeviceChoice::Cuda(99).resolve().unwrap_err().to_string();
        assert!(
            error.starts_with("device `cuda:99` is not available; available: "),
            "{error}"
        );
        assert!(error.ends_with("cpu, flex"), "{error}");
    }
}
