//! The cache of what was fetched: `labelproof/sources` below the user's folder for caches.
//!
//! A file lies under the digest of its content (`files/<digest>/<name>`), so that it never changes and is
//! checked before it is used. A record says what an object was when it was fetched, a listing which objects
//! an address meant. Records are named by digests of addresses: no signature of an address can be read there.
//! Whoever removes the folder loses nothing but time.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use labelproof_artifact::Digest;
use labelproof_artifact::fs::{self, FsError};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::validator::Validator;

/// The folder of the cache.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    root: PathBuf,
}

/// What an object was when it was fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// What the server said of it.
    pub(crate) validator: Validator,
    /// The digest of its content that the Hub lists, if it came from there.
    pub(crate) listed: Option<String>,
    /// The digest of its content here.
    digest: Digest,
    /// The name of the file.
    name: String,
}

/// An object that an address meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) inside: String,
    pub(crate) identity: String,
}

/// A file that is not fetched to its end yet, kept for the next attempt or run.
#[derive(Debug)]
pub(crate) struct Partial {
    pub(crate) path: PathBuf,
    pub(crate) file: File,
    /// Where it is noted which object the bytes are of; nowhere if the name of the file says it.
    note: Option<PathBuf>,
}

/// Keeps an object from being fetched by two processes at once.
#[derive(Debug)]
pub(crate) struct Claim {
    _file: File,
}

/// A folder in what labelproof keeps in the user's caches: below `XDG_CACHE_HOME`, or else `~/.cache`.
pub(crate) fn of_user(name: &str) -> Result<PathBuf, Error> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let folder = set("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(set("HOME")?).join(".cache")));
    let folder = folder.ok_or(Error::NoCache)?;
    Ok(folder.join("labelproof").join(name))
}

/// How often a claim that another process holds is asked for again.
const CLAIM_AGAIN: Duration = Duration::from_millis(100);

impl Cache {
    /// The user's cache.
    pub(crate) fn of_user() -> Result<Self, Error> {
        Ok(Self::at(&of_user("sources")?))
    }

    pub(crate) fn at(root: &Path) -> Self {
        Self {
            root: root.to_path_buf(),
        }
    }

    fn place(&self, kind: &str, identity: &str) -> PathBuf {
        self.root.join(kind).join(identity)
    }

    /// The record of an object whose file is whole, and that file. A file that somebody changed does not
    /// count.
    pub(crate) fn find(&self, identity: &str) -> Option<(Record, PathBuf)> {
        let record: Record = read(&self.place("records", identity))?;
        let path = self.file(&record.digest, &record.name);
        let is_whole = Digest::of_file(&path).is_ok_and(|digest| digest == record.digest);
        is_whole.then_some((record, path))
    }

    fn file(&self, digest: &Digest, name: &str) -> PathBuf {
        self.place("files", digest.as_str()).join(name)
    }

    /// Which objects an address meant when it was last asked.
    pub(crate) fn listing(&self, address: &str) -> Option<Vec<Entry>> {
        read(&self.place("listings", address))
    }

    pub(crate) fn note_listing(&self, address: &str, entries: &[Entry]) -> Result<(), Error> {
        write(&self.place("listings", address), &entries)
    }

    /// Waits until no other process fetches the object.
    pub(crate) async fn claim(&self, identity: &str) -> Result<Claim, Error> {
        Claim::of(&self.place("partial", &format!("{identity}.lock"))).await
    }

    /// What is there of an object, to go on with.
    pub(crate) fn partial(&self, identity: &str) -> Result<Partial, Error> {
        let note = self.place("partial", &format!("{identity}.json"));
        Partial::open(self.place("partial", identity), Some(note))
    }

    /// Puts a file that is whole in its place, and records it.
    pub(crate) fn keep(
        &self,
        identity: &str,
        partial: &Partial,
        name: &str,
        validator: Validator,
        listed: Option<String>,
    ) -> Result<PathBuf, Error> {
        fs::sync(&partial.path)?;
        let digest = Digest::of_file(&partial.path)?;
        let path = self.file(&digest, name);
        create_folder_of(&path)?;
        fs::rename(&partial.path, &path)?;
        partial.forget()?;
        let record = Record {
            validator,
            listed,
            digest,
            name: name.to_owned(),
        };
        write(&self.place("records", identity), &record)?;
        Ok(path)
    }
}

impl Claim {
    /// Waits until no other process holds the lock of a file.
    pub(crate) async fn of(path: &Path) -> Result<Self, Error> {
        create_folder_of(path)?;
        let failed = |source| FsError::new("lock", path, source);
        let file = File::create(path).map_err(failed)?;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: file }),
                // Never waited for in the system: two processes that fetch several objects each could wait
                // for one another.
                Err(TryLockError::WouldBlock) => tokio::time::sleep(CLAIM_AGAIN).await,
                Err(TryLockError::Error(source)) => return Err(failed(source).into()),
            }
        }
    }
}

impl Partial {
    /// Opens what is there, if it is only the empty file. Without a place for a note, the name of the file says
    /// which content it is to have.
    pub(crate) fn open(path: PathBuf, note: Option<PathBuf>) -> Result<Self, Error> {
        create_folder_of(&path)?;
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(|source| FsError::new("write", &path, source))?;
        Ok(Self { path, file, note })
    }

    /// The bytes that are there.
    pub(crate) fn length(&self) -> Result<u64, Error> {
        let metadata = self.file.metadata();
        let metadata = metadata.map_err(|source| FsError::new("read", &self.path, source))?;
        Ok(metadata.len())
    }

    /// Whether the name of the file says which content it is to have.
    pub(crate) fn is_named_by_content(&self) -> bool {
        self.note.is_none()
    }

    /// Which object the bytes are of, as it is noted.
    pub(crate) fn validator(&self) -> Option<Validator> {
        read(self.note.as_ref()?)
    }

    /// Begins anew, with what may be another object.
    pub(crate) fn begin(&mut self, validator: Option<&Validator>) -> Result<(), Error> {
        self.forget()?;
        if self.length()? > 0 {
            self.file
                .set_len(0)
                .map_err(|source| FsError::new("write", &self.path, source))?;
        }
        match (validator, &self.note) {
            (Some(validator), Some(note)) => write(note, validator),
            _ => Ok(()),
        }
    }

    fn forget(&self) -> Result<(), Error> {
        self.note
            .as_ref()
            .map_or(Ok(()), |note| fs::remove(note))
            .map_err(Error::from)
    }

    /// Nothing is to be gone on with.
    pub(crate) fn remove(self) -> Result<(), Error> {
        self.forget()?;
        Ok(fs::remove(&self.path)?)
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        io::Write::write_all(&mut self.file, bytes)
            .map_err(|source| FsError::new("write", &self.path, source).into())
    }
}

/// Reads a file of the cache. One that is missing or of another version is the same as none.
fn read<T: DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

fn write<T: Serialize>(path: &Path, value: &T) -> Result<(), Error> {
    create_folder_of(path)?;
    let text = serde_json::to_vec(value).expect("what the cache notes has string keys only");
    Ok(fs::write_atomic(path, &text)?)
}

fn create_folder_of(path: &Path) -> Result<(), FsError> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}
