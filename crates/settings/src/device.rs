//! The devices on which a network runs, by name.

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
    /// The first device of the same kind, which computes the same.
    pub fn kind(self) -> Self {
        match self {
            Self::Cuda(_) => Self::Cuda(0),
            other => other,
        }
    }

    /// Whether the device exists on every machine, so that LibTorch does not have to be asked.
    pub fn is_always_there(self) -> bool {
        matches!(self, Self::Auto | Self::Cpu | Self::Flex)
    }
}

/// The devices of the processes that share the work, one each, as the user names them: `cpu`, or
/// `cuda:0,cuda:1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Devices(Vec<DeviceChoice>);

impl From<DeviceChoice> for Devices {
    fn from(device: DeviceChoice) -> Self {
        Self(vec![device])
    }
}

impl FromStr for Devices {
    type Err = UnknownDevice;

    fn from_str(names: &str) -> Result<Self, UnknownDevice> {
        names
            .split(',')
            .map(|name| name.trim().parse())
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl fmt::Display for Devices {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        formatter.write_str(&names.join(","))
    }
}

impl Devices {
    /// The device of the first process.
    pub fn first(&self) -> DeviceChoice {
        self.0[0]
    }

    /// The number of devices that are named.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The device of a process, by its number among those of its machine: its own among several; where one is
    /// named, that one for a processor, and the next ones for GPUs.
    pub fn of_worker(&self, local_rank: usize) -> DeviceChoice {
        match self.0.as_slice() {
            &[DeviceChoice::Cuda(first)] => DeviceChoice::Cuda(first + local_rank),
            devices => devices[local_rank % devices.len()],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_process_has_a_device_of_its_own() {
        let of = |names: &str, local_rank| {
            names
                .parse::<Devices>()
                .unwrap()
                .of_worker(local_rank)
                .to_string()
        };
        assert_eq!(
            [of("cuda:2, cuda:0", 0), of("cuda:2, cuda:0", 1)],
            ["cuda:2", "cuda:0"]
        );
        assert_eq!([of("cuda", 0), of("cuda:1", 2)], ["cuda:0", "cuda:3"]);
        assert_eq!([of("cpu", 0), of("cpu", 3)], ["cpu", "cpu"]);
        let error = "cuda,gpu".parse::<Devices>().unwrap_err().to_string();
        assert!(error.starts_with("unknown device `gpu`"), "{error}");
    }

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
