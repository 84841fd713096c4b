//! Why a server does not start.

use std::io;

use labelproof_artifact::{Advice, Diagnostic, Fault};

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant names its fields")]
pub enum Error {
    /// The address is taken, is none of this machine, or needs rights.
    #[error("cannot listen on {host}:{port}")]
    Listen {
        host: String,
        port: u16,
        source: io::Error,
    },
    /// The system gives no thread.
    #[error("cannot start the thread that serves connections")]
    Thread { source: io::Error },
}

impl Diagnostic for Error {
    fn advice(&self) -> Advice {
        Fault::Environment.hint(match self {
            Self::Listen { .. } => {
                "choose another port with --port, or the address of one of this machine's networks with --host"
            }
            Self::Thread { .. } => "allow this user more threads (ulimit -u)",
        })
    }
}
