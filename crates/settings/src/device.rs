//! The device on which a network runs, by name.

use std::fmt;
use std::str::FromStr;

/// A device as the user names it: `auto`, `cpu`, `cuda`, `cuda:1`, `mps` or `flex`.
///
/// The device is not a parameter of a stage: it changes how long a result takes, and its last bits at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The first CUDA device if there is one, else the Apple GPU, else the processor.
    Auto,
    /// The processor, through LibTorch.
    Cpu,
    /// The NVIDIA GPU of this index, from 0, through LibTorch.
    Cuda(usize),
    /// The Apple GPU, through LibTorch.
    Mps,
    /// The processor, through burn's own backend in pure Rust: slower, and a second opinion on LibTorch's
    /// numbers.
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

/// No device has the given name.
#[derive(Debug, thiserror::Error)]
#[error("unknown device `{name}`; use auto, cpu, cuda, cuda:<number>, mps or flex")]
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
    /// Whether the device exists on every machine, so that LibTorch does not have to be asked.
    pub fn is_always_there(self) -> bool {
        matches!(self, Self::Auto | Self::Cpu | Self::Flex)
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
            "unknown device `gpu`; use auto, cpu, cuda, cuda:<number>, mps or flex"
        );
    }
}
