//! File operations whose errors name the path, and writes that leave a whole file or none.
#![expect(
    clippy::disallowed_methods,
    reason = "this module is what the rest of the workspace uses instead"
)]

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use memmap2::Mmap;

use crate::diagnostic::{Advice, Diagnostic, Fault};

/// A file operation failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} `{}`", path.display())]
pub struct FsError {
    /// The operation that failed, as a verb that fits behind "cannot".
    pub action: &'static str,
    /// The path of the operation.
    pub path: PathBuf,
    /// The error of the operating system.
    pub source: io::Error,
}

impl FsError {
    /// Gives an operating-system error the path and the verb it lacks.
    pub fn new(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self {
            action,
            path: path.to_path_buf(),
            source,
        }
    }
}

impl Diagnostic for FsError {
    fn advice(&self) -> Advice {
        let fault = match self.source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::InvalidData => Fault::Input,
            _ => Fault::Environment,
        };
        match self.source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                fault.hint("free some space and run the same command again: finished stages are kept")
            }
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                fault.hint(format!("check who may use `{}`", self.path.display()))
            }
            io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
                fault.hint("a file stands where a folder is needed: move it away, or name another folder")
            }
            _ => fault.into(),
        }
    }
}

/// Reads a whole file.
pub fn read(path: &Path) -> Result<Vec<u8>, FsError> {
    std::fs::read(path).map_err(|source| FsError::new("read", path, source))
}

/// Maps a whole file into memory: content that is read once and dropped, such as the weights of a network,
/// takes no memory of its own.
pub fn map(path: &Path) -> Result<Mmap, FsError> {
    let file = open(path)?;
    #[expect(unsafe_code, reason = "only the system can promise what is said here")]
    // SAFETY: nobody may change the file while it is mapped. Programs of this workspace replace files and
    // never write into them (`write_atomic`, folders that are renamed); who cuts one short by hand meanwhile
    // ends this process, and no more.
    let map = unsafe { Mmap::map(&file) };
    map.map_err(|source| FsError::new("read", path, source))
}

/// Reads a whole UTF-8 file.
pub fn read_to_string(path: &Path) -> Result<String, FsError> {
    std::fs::read_to_string(path).map_err(|source| FsError::new("read", path, source))
}

/// The path from the root of the file system, without resolving links.
pub fn absolute(path: &Path) -> Result<PathBuf, FsError> {
    std::path::absolute(path).map_err(|source| FsError::new("find", path, source))
}

/// Opens a file for reading.
pub fn open(path: &Path) -> Result<File, FsError> {
    File::open(path).map_err(|source| FsError::new("open", path, source))
}

/// Creates a file, or empties the one that is there.
pub fn create(path: &Path) -> Result<File, FsError> {
    File::create(path).map_err(|source| FsError::new("create", path, source))
}

/// Creates a folder and its parents.
pub fn create_dir_all(path: &Path) -> Result<(), FsError> {
    std::fs::create_dir_all(path).map_err(|source| FsError::new("create the folder", path, source))
}

/// Removes a file or a folder with all it holds; nothing there is fine.
pub fn remove(path: &Path) -> Result<(), FsError> {
    let result = match path.symlink_metadata() {
        Ok(metadata) if metadata.is_dir() => std::fs::remove_dir_all(path),
        Ok(_) => std::fs::remove_file(path),
        Err(error) => Err(error),
    };
    match result {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(FsError::new("remove", path, error)),
        _ => Ok(()),
    }
}

/// Renames a file or folder and makes the rename durable.
pub fn rename(from: &Path, to: &Path) -> Result<(), FsError> {
    std::fs::rename(from, to).map_err(|source| FsError::new("rename to", to, source))?;
    sync(folder_of(to))
}

/// The folder that a path lies in; the current one for a bare name.
fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// Copies a file.
pub fn copy(from: &Path, to: &Path) -> Result<(), FsError> {
    std::fs::copy(from, to)
        .map(drop)
        .map_err(|source| FsError::new("copy to", to, source))
}

/// Flushes a file or folder to the disk.
pub fn sync(path: &Path) -> Result<(), FsError> {
    File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(|source| FsError::new("flush", path, source))
}

/// Every file below `root`, in the byte order of their paths, so that no file system's order shows anywhere.
pub fn files_below(root: &Path) -> Result<Vec<PathBuf>, FsError> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).map_err(|source| FsError::new("list", &folder, source))?;
        for entry in entries {
            let path = entry
                .map_err(|source| FsError::new("list", &folder, source))?
                .path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// An empty folder among the system's temporary files, which is removed when the value is dropped.
pub fn temporary_folder() -> Result<tempfile::TempDir, FsError> {
    tempfile::tempdir().map_err(|source| FsError::new("create a folder in", &std::env::temp_dir(), source))
}

/// Writes a file under a temporary name beside it, flushes it, and renames it: readers see the old file or
/// the new one, never a part.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), FsError> {
    let folder = folder_of(path);
    let mut file = tempfile::Builder::new()
        .prefix(".tmp-")
        .tempfile_in(folder)
        .map_err(|source| FsError::new("create a file in", folder, source))?;
    file.write_all(bytes)
        .and_then(|()| file.as_file().sync_all())
        .map_err(|source| FsError::new("write", path, source))?;
    share_as_usual(file.as_file()).map_err(|source| FsError::new("write", path, source))?;
    file.persist(path)
        .map_err(|error| FsError::new("write", path, error.error))?;
    sync(folder)
}

/// Temporary files are private to their user; what is left behind should be readable like any other file.
#[cfg(unix)]
fn share_as_usual(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn share_as_usual(_file: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_file_replaces_the_old_one_and_leaves_no_temporary() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("value.json");
        write_atomic(&path, b"old").unwrap();
        write_atomic(&path, b"new").unwrap();
        assert_eq!(read(&path).unwrap(), b"new");
        assert_eq!(files_below(folder.path()).unwrap(), [path]);
    }

    #[test]
    fn errors_name_the_path_and_removing_nothing_is_fine() {
        let missing = Path::new("/no/such/file");
        assert_eq!(
            read(missing).unwrap_err().to_string(),
            "cannot read `/no/such/file`"
        );
        remove(missing).unwrap();
    }
}
