//! How `labelproof` becomes `labelproof-torch`, the same command with LibTorch.
//!
//! The process stays the same one: its number, its input and output, its working directory. So whoever started
//! `labelproof` reads its output, sends it signals and learns its exit code as if there were one binary.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use labelproof_artifact::{Diagnostic, Fault};

/// The binary that links LibTorch. It lies beside this one.
const SIBLING: &str = "labelproof-torch";

/// Where the C library of Linux looks for how it is to allocate memory, before a program begins.
const TUNABLES: &str = "GLIBC_TUNABLES";
/// The network asks for and gives back blocks of megabytes all the time, and the system's work for each new page of these is large.
/// What was given back (64-bit machines have room) stays with the process.
const KEPT_MEMORY: &str = "glibc.malloc.mmap_threshold=1073741824:glibc.malloc.trim_threshold=17179869184";
/// Pages of megabytes, of which there are fewer. Where memory is full of other programs' files, the system needs the better part
/// of a second to make room for them: the minutes of training an encoder repay that, a prediction does not.
const LARGE_PAGES: &str = "glibc.malloc.hugetlb=1";

/// How the threads of a matrix product wait for the next one, which comes soon: so many looks, and then asleep. The library's own
/// choice is fifteen times as many, during which a thread keeps its processor from whoever has work: other programs, and
/// this one's other threads.
const WAITING: (&str, &str) = ("GOMP_SPINCOUNT", "20000");
/// Where the user says it for every program.
const WAITING_POLICY: &str = "OMP_WAIT_POLICY";

/// How memory is allocated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    /// For what is soon done.
    Kept,
    /// For training an encoder: kept, and in large pages.
    KeptInLargePages,
}

/// What the user set, and ours before it: the last of equal settings counts.
fn tunables(memory: Memory, given: Option<String>) -> String {
    let large_pages = (memory == Memory::KeptInLargePages).then(|| LARGE_PAGES.to_owned());
    let given = given.filter(|given| !given.is_empty());
    let all = [Some(KEPT_MEMORY.to_owned()), large_pages, given];
    all.into_iter().flatten().collect::<Vec<_>>().join(":")
}

/// How threads are to wait, unless the user set it.
fn waiting(is_set: impl Fn(&str) -> bool) -> Option<(&'static str, &'static str)> {
    let (name, _) = WAITING;
    (!is_set(name) && !is_set(WAITING_POLICY)).then_some(WAITING)
}

/// The other binary cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum HandoverError {
    /// This process does not know where it lies.
    #[error("cannot tell where this program lies, and so not where `{SIBLING}` does")]
    NoPlace {
        /// What the system said.
        source: io::Error,
    },
    /// It is not there, or the system does not run it.
    #[error("cannot start `{}`", path.display())]
    Start {
        /// The binary.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Diagnostic for HandoverError {
    fn fault(&self) -> Fault {
        Fault::Environment
    }

    fn hints(&self) -> Vec<String> {
        vec![format!(
            "`labelproof` and `{SIBLING}` belong together: build both (`cargo build --package labelproof-pipeline`), and \
             keep them in one folder"
        )]
    }
}

/// Replaces this process by the sibling with the same arguments. Returns only if that is not possible.
pub fn become_sibling(memory: Memory) -> HandoverError {
    let path = match std::env::current_exe() {
        Ok(path) => path.with_file_name(SIBLING),
        Err(source) => return HandoverError::NoPlace { source },
    };
    let mut arguments = std::env::args_os();
    let mut command = Command::new(&path);
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    command.env(TUNABLES, tunables(memory, std::env::var(TUNABLES).ok()));
    command.envs(waiting(|name| std::env::var_os(name).is_some()));
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

        assert_eq!(waiting(|_| false), Some(WAITING));
        for given in ["GOMP_SPINCOUNT", "OMP_WAIT_POLICY"] {
            assert_eq!(waiting(|name| name == given), None, "{given}");
        }
    }
}
