//! How `labelproof` becomes `labelproof-torch`, the same command with LibTorch.
//!
//! The process is replaced (`exec`), and keeps its id, its standard streams and its working directory.
//! Whoever started `labelproof` reads its output, sends it signals and gets its exit code as if there were
//! one binary.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use labelproof_artifact::{Advice, Diagnostic, Fault};

/// The binary that links LibTorch, in the folder of this one.
const SIBLING: &str = "labelproof-torch";

/// The environment variable that configures the allocator of the GNU C library when a process starts.
const TUNABLES: &str = "GLIBC_TUNABLES";
/// Keeps freed memory in the process, because tensors of megabytes are allocated and freed all the time, and
/// each new page costs a page fault.
const KEPT_MEMORY: &str = "glibc.malloc.mmap_threshold=1073741824:glibc.malloc.trim_threshold=17179869184";
/// Uses huge pages, which need fewer page faults. Where the page cache fills the memory, the kernel takes the
/// better part of a second to make room for them: the minutes of fine-tuning an encoder repay that, a
/// prediction does not.
const LARGE_PAGES: &str = "glibc.malloc.hugetlb=1";

/// How often an OpenMP thread spins before it sleeps, when it waits for the next parallel region. The
/// library's default is fifteen times as many, during which the thread keeps its core from other threads that
/// have work.
const SPINNING: (&str, &str) = ("GOMP_SPINCOUNT", "20000");
/// The OpenMP variable by which the user configures the same for every program.
const WAIT_POLICY: &str = "OMP_WAIT_POLICY";

/// What LibTorch writes to standard error by itself: nothing but what ends the process. A worker that cannot be
/// reached would be a page of its own stack frames, above our message.
const LOGGING: (&str, &str) = ("TORCH_CPP_LOG_LEVEL", "FATAL");

/// How `labelproof-torch` allocates memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    /// Freed memory stays with the process.
    Kept,
    /// Freed memory stays with the process, and pages are huge: for fine-tuning an encoder.
    KeptInLargePages,
}

/// Our settings, then the user's: the last of equal settings counts.
fn tunables(memory: Memory, given: Option<String>) -> String {
    let large_pages = (memory == Memory::KeptInLargePages).then(|| LARGE_PAGES.to_owned());
    let given = given.filter(|given| !given.is_empty());
    let all = [Some(KEPT_MEMORY.to_owned()), large_pages, given];
    all.into_iter().flatten().collect::<Vec<_>>().join(":")
}

/// Our setting for waiting threads, unless the user set one.
fn spinning(is_set: impl Fn(&str) -> bool) -> Option<(&'static str, &'static str)> {
    let (name, _) = SPINNING;
    (!is_set(name) && !is_set(WAIT_POLICY)).then_some(SPINNING)
}

/// `labelproof-torch` cannot be started.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant names its fields")]
pub enum HandoverError {
    /// The path of the running binary is unknown.
    #[error("cannot find the folder of this program, in which `{SIBLING}` lies")]
    NoPlace { source: io::Error },
    /// Python's package has no binary with LibTorch beside it.
    #[error("this command runs a network, and the part of labelproof that does cannot be used")]
    NotInstalled { hint: String },
    /// The binary is missing, or cannot be executed.
    #[error("cannot start `{}`", path.display())]
    Start { path: PathBuf, source: io::Error },
}

impl Diagnostic for HandoverError {
    fn advice(&self) -> Advice {
        if let Self::NotInstalled { hint } = self {
            return Fault::Environment.hint(hint);
        }
        Fault::Environment.hint(format!(
            "this command runs a network, which `{SIBLING}` does: build both binaries (`cargo build --bin \
             labelproof --bin labelproof-torch`), and keep them in one folder"
        ))
    }
}

/// The binary with LibTorch that lies beside this one.
pub fn sibling() -> Result<PathBuf, HandoverError> {
    let own = std::env::current_exe().map_err(|source| HandoverError::NoPlace { source })?;
    Ok(own.with_file_name(SIBLING))
}

/// Replaces this process by the binary with LibTorch. The first of the arguments is the name of the program.
/// Returns only if that fails.
pub fn become_sibling(
    path: PathBuf,
    memory: Memory,
    arguments: impl IntoIterator<Item = OsString>,
) -> HandoverError {
    let mut arguments = arguments.into_iter();
    let mut command = Command::new(&path);
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    command.env(TUNABLES, tunables(memory, std::env::var(TUNABLES).ok()));
    let is_set = |name: &str| std::env::var_os(name).is_some();
    command.envs(spinning(is_set));
    command.envs((!is_set(LOGGING.0)).then_some(LOGGING));
    // What was read from a pipe is gone, but for the file that keeps it.
    if let Some(input) = labelproof_ingest::spooled_standard_input() {
        command.stdin(input);
    }
    let source = command.args(arguments).exec();
    HandoverError::Start { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_user_set_is_kept() {
        assert_eq!(tunables(Memory::Kept, None), KEPT_MEMORY);
        assert_eq!(tunables(Memory::Kept, Some(String::new())), KEPT_MEMORY);
        assert_eq!(
            tunables(
                Memory::KeptInLargePages,
                Some("glibc.malloc.hugetlb=0".to_owned())
            ),
            format!("{KEPT_MEMORY}:glibc.malloc.hugetlb=1:glibc.malloc.hugetlb=0")
        );

        assert_eq!(spinning(|_| false), Some(SPINNING));
        for given in ["GOMP_SPINCOUNT", "OMP_WAIT_POLICY"] {
            assert_eq!(spinning(|name| name == given), None, "{given}");
        }
    }
}
