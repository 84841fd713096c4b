//! Where the network runs, as a word.

use std::fmt;
use std::str::FromStr;

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
    /// Whether every machine has it, so that nobody needs to ask LibTorch.
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
            "`gpu` is no device; use auto, cpu, cuda, cuda:<number>, mps or flex"
        );
    }
}
