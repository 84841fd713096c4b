//! The exit codes of `labelproof`. The help lists them, and scripts rely on them.

use labelproof_artifact::Fault;

/// The exit code of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// The command succeeded, or the reader of its standard output went away.
    Success = 0,
    /// A bug in labelproof.
    Bug = 1,
    /// The command line or `pipeline.yaml` is invalid.
    Configuration = 2,
    /// The user's data cannot be used.
    Input = 3,
    /// An artifact is missing, damaged or of another format.
    Artifact = 4,
    /// `status --check` found a stage that is not up to date.
    Stale = 5,
    /// The encoder, the bundle or the device cannot be used.
    Model = 6,
    /// The file system failed (no space, no permission), or another process that shares the work.
    Environment = 7,
    /// `audit --check` found that the metrics are unsound.
    Unsound = 8,
    /// `reproduce` found a difference from the lock.
    NotReproduced = 9,
    /// `audit --check` found nothing, and could hold too little against anything to call the metrics sound.
    NotExamined = 10,
    /// Ctrl-C or another signal stopped the command. Shells use the same code.
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
