//! The advice that an error gives beside its message: whose fault it is, which is the exit code, and what to
//! do.

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

impl Fault {
    /// The advice on an error of this fault: one thing that the user can do, as a lower-case sentence.
    pub fn hint(self, hint: impl Into<String>) -> Advice {
        Advice::from(self).and(hint)
    }
}

/// Whose fault an error is, and what the user can do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// Whose fault the error is.
    pub fault: Fault,
    /// What the user can do, one sentence each; empty when the message says it already.
    pub hints: Vec<String>,
}

impl From<Fault> for Advice {
    fn from(fault: Fault) -> Self {
        Self {
            fault,
            hints: Vec::new(),
        }
    }
}

impl Advice {
    /// Adds another thing that the user can do.
    pub fn and(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

/// An error that can say what to do about it. A variant that only passes on the error of another crate passes
/// on its advice as well.
pub trait Diagnostic: std::error::Error {
    /// Whose fault the error is, and what to do about it.
    fn advice(&self) -> Advice;

    /// Whose fault the error is.
    fn fault(&self) -> Fault {
        self.advice().fault
    }

    /// What the user can do, one sentence each.
    fn hints(&self) -> Vec<String> {
        self.advice().hints
    }
}
