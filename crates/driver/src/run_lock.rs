//! The lock that keeps two runs out of one folder of artifacts.

use std::fs::{File, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use labelproof_artifact::fs::{self, FsError};
use labelproof_artifact::{Advice, Diagnostic, Fault, Reporter};

const FILE: &str = ".lock";

/// A folder of artifacts is locked as long as this value lives. The operating system releases the lock when
/// the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct RunLock(#[expect(dead_code, reason = "held, and not read")] File);

/// A folder of artifacts cannot be locked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunLockError {
    /// The lock file cannot be used.
    #[error(transparent)]
    File(#[from] FsError),
    /// Another run holds the lock, and this one does not wait.
    #[error("{holder} is using `{}`", artifacts.display())]
    Busy { artifacts: PathBuf, holder: String },
}

impl Diagnostic for RunLockError {
    fn advice(&self) -> Advice {
        match self {
            Self::File(error) => error.advice(),
            Self::Busy { .. } => Fault::Environment.hint(
                "leave out --no-wait to wait for the end of the other run, or name another folder with \
                 --artifacts",
            ),
        }
    }
}

impl RunLock {
    /// Locks a folder. If another process holds the lock, either says so and waits, or fails.
    pub(crate) fn acquire(
        artifacts: &Path,
        wait: bool,
        reporter: &dyn Reporter,
    ) -> Result<Self, RunLockError> {
        fs::create_dir_all(artifacts)?;
        let path = artifacts.join(FILE);
        // Not truncated: another process may have written its id.
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(|source| FsError::new("open", &path, source))?;
        let locked = match file.try_lock() {
            Ok(()) => Ok(()),
            Err(TryLockError::WouldBlock) => {
                let holder = holder(&mut file);
                if !wait {
                    return Err(RunLockError::Busy {
                        artifacts: artifacts.to_path_buf(),
                        holder,
                    });
                }
                reporter.message(&format!(
                    "waiting for {holder}, which is using `{}`",
                    artifacts.display()
                ));
                file.lock()
            }
            Err(TryLockError::Error(error)) => Err(error),
        };
        locked.map_err(|source| FsError::new("lock", &path, source))?;
        // The id only serves the messages of other processes: a lock without it works as well.
        let _ = file
            .set_len(0)
            .and_then(|()| write!(file, "{}", std::process::id()));
        Ok(Self(file))
    }
}

/// The holder of the lock, by the process id in the lock file.
fn holder(file: &mut File) -> String {
    let mut number = String::new();
    match file.take(20).read_to_string(&mut number) {
        Ok(_) if number.parse::<u32>().is_ok() => format!("another labelproof (process {number})"),
        _ => "another labelproof".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use labelproof_testkit::Recorder;

    #[test]
    fn the_second_run_fails_or_waits_and_knows_for_whom() {
        let folder = tempfile::tempdir().unwrap();
        let recorder = Recorder::default();
        let first = RunLock::acquire(folder.path(), true, &recorder).unwrap();
        let own = format!("another labelproof (process {})", std::process::id());
        let refused = RunLock::acquire(folder.path(), false, &recorder).unwrap_err();
        assert!(refused.to_string().starts_with(&own), "{refused}");
        std::thread::scope(|scope| {
            let second = scope.spawn(|| RunLock::acquire(folder.path(), true, &recorder));
            while recorder.messages().is_empty() {
                std::thread::yield_now();
            }
            drop(first);
            second.join().unwrap().unwrap();
        });
        assert!(recorder.messages()[0].starts_with(&format!("waiting for {own}")));
    }
}
