//! The exit codes of `labelproof`. They are documented in the README, and scripts rely on them.

use labelproof_artifact::Fault;

/// Why the process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// All went well; also when the reader of standard output went away.
    Success = 0,
    /// A bug in labelproof.
    Bug = 1,
    /// The command line or `pipeline.yaml`.
    Configuration = 2,
    /// The user's data.
    Input = 3,
    /// An artifact is missing, damaged or of another format.
    Artifact = 4,
    /// `status --check` found a stage that is not up to date.
    Stale = 5,
    /// The encoder, the bundle or the device.
    Model = 6,
    /// The file system: no space, no permission.
    Environment = 7,
    /// `audit --check` found that the figures do not say what they seem to say.
    Unsound = 8,
    /// `reproduce` found a difference to the lock.
    NotReproduced = 9,
    /// Ctrl-C, or a signal that asks to end. The number is what shells use for a process that Ctrl-C ended.
    Interrupted = 130,
}

impl From<Fault> for ExitCode {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Configuration => Self::Configuration,
            Fault::Input => Self::Input,
            Fault::Artifact => Self::Artifact,
            Fault::Model => Self::Model,
            Fault::Environment => Self::Environment,
            Fault::Interrupted => Self::Interrupted,
        }
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code as u8)
    }
}
