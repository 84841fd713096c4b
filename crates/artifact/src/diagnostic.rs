//! What an error tells beside its message: whose fault it is (and so which exit code) and what to do.

/// Whose fault a failure is. The driver turns it into the exit code of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The command line or `pipeline.yaml` (exit code 2).
    Configuration,
    /// The user's data (exit code 3).
    Input,
    /// A file that a stage wrote is missing, damaged or of another format (exit code 4).
    Artifact,
    /// The encoder, the bundle or the device (exit code 6).
    Model,
    /// The file system: no space, no permission (exit code 7).
    Environment,
    /// Nobody's: the user asked to stop (exit code 130, as a shell says of Ctrl-C).
    Interrupted,
}

/// An error that can say what to do about it.
pub trait Diagnostic: std::error::Error {
    /// Whose fault this is.
    fn fault(&self) -> Fault;

    /// What the user can do, one sentence each; empty when the message says it already.
    fn hints(&self) -> Vec<String>;
}
