//! The digests by which the Hugging Face Hub lists files, and whether a file is what was listed.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use labelproof_artifact::fs::{self, FsError};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

/// The digest of a file's content, as the Hub lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    /// The SHA-256 of a large file.
    Sha256(String),
    /// What git calls a small file by: the SHA-1 of a header and the content.
    GitBlob(String),
}

impl Content {
    pub(crate) fn digest(&self) -> &str {
        match self {
            Self::Sha256(digest) | Self::GitBlob(digest) => digest,
        }
    }

    /// Whether a file has this content.
    pub(crate) fn is_of(&self, path: &Path) -> Result<bool, FsError> {
        let file = fs::open(path)?;
        let failed = |source| FsError::new("read", path, source);
        let digest = match self {
            Self::Sha256(_) => hashed(Sha256::new(), file).map_err(failed)?,
            Self::GitBlob(_) => {
                let length = file.metadata().map_err(failed)?.len();
                let header = Sha1::new_with_prefix(format!("blob {length}\0"));
                hashed(header, file).map_err(failed)?
            }
        };
        Ok(digest == self.digest())
    }
}

fn hashed<D: sha2::Digest + Write>(mut hasher: D, mut file: File) -> io::Result<String> {
    io::copy(&mut file, &mut hasher)?;
    let bytes = hasher.finalize();
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_git_and_of_sha256sum() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write_atomic(&path, b"hello\n").unwrap();
        // `echo hello | git hash-object --stdin`, `echo hello | sha256sum`.
        let blob = Content::GitBlob("ce013625030ba8dba906f756967f9e9ca394464a".to_owned());
        let large = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
        assert!(blob.is_of(&path).unwrap());
        assert!(Content::Sha256(large.to_owned()).is_of(&path).unwrap());
        fs::write_atomic(&path, b"hell\n").unwrap();
        assert!(!blob.is_of(&path).unwrap());
    }
}
