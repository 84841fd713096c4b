//! Standard input as a source: `-` in `ingest.paths`.
//!
//! It comes once, and is looked at twice: the plan compares its digest, and the stage reads its rows. So it
//! is put down in a file without a name, which is gone with the process.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Seek};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use labelproof_artifact::fs::FsError;

use crate::error::Error;

/// What standard input is called in messages and rejects.
pub(crate) const NAME: &str = "standard input";

/// How `ingest.paths` names it.
pub(crate) const ENTRY: &str = "-";

/// What standard input had, once somebody asked.
static SPOOL: Mutex<Option<File>> = Mutex::new(None);

/// A path by which what standard input has can be opened, from its beginning and as often as is needed.
pub(crate) fn path() -> Result<PathBuf, Error> {
    let mut spool = SPOOL.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let file = match &mut *spool {
        Some(file) => file,
        empty => {
            let stdin = io::stdin();
            if stdin.is_terminal() {
                return Err(Error::Terminal);
            }
            empty.insert(put_down(stdin.lock())?)
        }
    };
    Ok(PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd())))
}

/// What standard input had, for a program that takes the place of this one; none if nobody asked for it.
pub fn spooled_standard_input() -> Option<File> {
    let spool = SPOOL.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut file = spool.as_ref()?.try_clone().ok()?;
    file.rewind().ok()?;
    Some(file)
}

fn put_down(mut input: impl Read) -> Result<File, Error> {
    let failed = |source| FsError::new("put down", Path::new(NAME), source);
    let mut file = tempfile::tempfile().map_err(failed)?;
    io::copy(&mut input, &mut file).map_err(failed)?;
    Ok(file)
}
