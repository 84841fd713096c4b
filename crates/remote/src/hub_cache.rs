//! The cache of the Hugging Face Hub, in the layout of Python's `huggingface_hub`, which both sides read and
//! write:
//!
//! ```text
//! models--owner--name/refs/main                     the commit that a revision meant
//! models--owner--name/snapshots/<commit>/<file>     links to blobs
//! models--owner--name/blobs/<digest>                contents, by the digests of the Hub
//! .locks/models--owner--name/<digest>.lock          held while a blob is fetched
//! ```
//!
//! Nothing here opens a connection.

use std::path::{Path, PathBuf};

use labelproof_artifact::fs;

/// The folder of the user's cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HubCache {
    pub(crate) root: PathBuf,
}

/// What the cache has of a model.
#[derive(Debug, Clone)]
pub(crate) struct ModelCache {
    folder: PathBuf,
    #[cfg(feature = "network")]
    locks: PathBuf,
}

/// The value of an environment variable that names a folder. As in Python, `~` is the user's own.
fn folder(variable: &str) -> Option<PathBuf> {
    let value = PathBuf::from(std::env::var_os(variable).filter(|value| !value.is_empty())?);
    match value.strip_prefix("~") {
        Ok(inside) => Some(PathBuf::from(std::env::var_os("HOME")?).join(inside)),
        Err(_) => Some(value),
    }
}

/// The folder of the token and the cache, unless variables of their own name others.
pub(crate) fn home() -> Option<PathBuf> {
    folder("HF_HOME")
        .or_else(|| Some(folder("XDG_CACHE_HOME")?.join("huggingface")))
        .or_else(|| Some(folder("HOME")?.join(".cache/huggingface")))
}

impl HubCache {
    /// The user's cache; none where the environment names no place for it. The variables are Python's, the old
    /// one included.
    pub(crate) fn of_user() -> Option<Self> {
        let root = folder("HF_HUB_CACHE")
            .or_else(|| folder("HUGGINGFACE_HUB_CACHE"))
            .or_else(|| Some(home()?.join("hub")))?;
        Some(Self { root })
    }

    /// What there is of a model.
    pub(crate) fn model(&self, repository: &str) -> ModelCache {
        let name = format!("models--{}", repository.replace('/', "--"));
        ModelCache {
            folder: self.root.join(&name),
            #[cfg(feature = "network")]
            locks: self.root.join(".locks").join(name),
        }
    }
}

/// Whether a revision names a commit in full, which never changes its meaning.
pub(crate) fn is_commit(revision: &str) -> bool {
    let is_digit = |digit: char| digit.is_ascii_digit() || ('a'..='f').contains(&digit);
    revision.len() == 40 && revision.chars().all(is_digit)
}

impl ModelCache {
    /// The commit that a revision meant when it was fetched last.
    pub(crate) fn commit(&self, revision: &str) -> Option<String> {
        if is_commit(revision) {
            return Some(revision.to_owned());
        }
        let commit = fs::read_to_string(&self.reference(revision)).ok()?;
        Some(commit.trim().to_owned()).filter(|commit| is_commit(commit))
    }

    fn reference(&self, revision: &str) -> PathBuf {
        self.folder.join("refs").join(revision)
    }

    /// The folder of the files of a commit.
    pub(crate) fn snapshot(&self, commit: &str) -> PathBuf {
        self.folder.join("snapshots").join(commit)
    }
}

/// The names of the files that lie in a snapshot's folder itself. A link to a blob that is gone counts as none.
pub(crate) fn names(snapshot: &Path) -> Vec<String> {
    let files = fs::files_below(snapshot).unwrap_or_default();
    files
        .iter()
        .filter(|path| path.parent() == Some(snapshot) && path.is_file())
        .filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()))
        .collect()
}

#[cfg(feature = "network")]
mod writing {
    use std::path::{Component, Path, PathBuf};

    use labelproof_artifact::fs::{self, FsError};

    use super::{ModelCache, is_commit};
    use crate::cache::{Claim, Partial};
    use crate::error::Error;

    impl ModelCache {
        /// Where the content of a digest lies.
        pub(crate) fn blob(&self, digest: &str) -> PathBuf {
            self.folder.join("blobs").join(digest)
        }

        /// Waits until no other process, Python's included, fetches a blob.
        pub(crate) async fn claim(&self, digest: &str) -> Result<Claim, Error> {
            Claim::of(&self.locks.join(format!("{digest}.lock"))).await
        }

        /// What is there of a blob, to go on with. The name is the one that Python goes on with, too.
        pub(crate) fn partial(&self, digest: &str) -> Result<Partial, Error> {
            Partial::open(self.blob(&format!("{digest}.incomplete")), None)
        }

        /// Puts a blob that is whole in its place.
        pub(crate) fn keep(&self, digest: &str, partial: &Partial) -> Result<(), FsError> {
            fs::sync(&partial.path)?;
            fs::rename(&partial.path, &self.blob(digest))
        }

        /// Gives a blob the name of a file of a commit.
        pub(crate) fn link(&self, commit: &str, file: &str, digest: &str) -> Result<(), FsError> {
            debug_assert!(is_commit(commit) && is_plain(file));
            let folder = self.snapshot(commit);
            fs::create_dir_all(&folder)?;
            let path = folder.join(file);
            if path.is_file() {
                return Ok(());
            }
            // A link to a blob that is gone.
            fs::remove(&path)?;
            let target = Path::new("../../blobs").join(digest);
            match std::os::unix::fs::symlink(target, &path) {
                Ok(()) => Ok(()),
                Err(_) if path.is_file() => Ok(()),
                // As Python does where the file system has no links.
                Err(_) => fs::rename(&self.blob(digest), &path),
            }
        }

        /// Notes which commit a revision means.
        pub(crate) fn note(&self, revision: &str, commit: &str) -> Result<(), FsError> {
            if is_commit(revision) || self.commit(revision).as_deref() == Some(commit) {
                return Ok(());
            }
            let path = self.reference(revision);
            path.parent().map_or(Ok(()), fs::create_dir_all)?;
            fs::write_atomic(&path, commit.as_bytes())
        }
    }

    /// Whether a name leads nowhere but to a file of the folder that it is looked up in.
    pub(crate) fn is_plain(name: &str) -> bool {
        let mut components = Path::new(name).components();
        matches!(components.next(), Some(Component::Normal(part)) if part == name)
            && components.next().is_none()
    }
}

#[cfg(feature = "network")]
pub(crate) use writing::is_plain;
