//! Content digests (BLAKE3) of files, folders and values.

use std::io::Read;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::fs::{self, FsError};

/// A BLAKE3 digest, written as 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Digest(String);

/// How many bytes are read from a file at once: few enough to be hashed while they are in the core's cache.
const READ_AT_ONCE: usize = 1 << 18;
/// The fewest bytes that are hashed by all threads: with fewer, waking the threads takes longer than hashing.
const SHARED_AMONG_THREADS: usize = 1 << 17;

impl Digest {
    /// The digest of some bytes.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(blake3::hash(bytes).to_hex().to_string())
    }

    /// The digest of a value's canonical JSON: keys sorted, no white space, so that neither the order of keys
    /// nor a comment in the file the value came from shows.
    pub fn of_value(value: &serde_json::Value) -> Self {
        Self::of_bytes(value.to_string().as_bytes())
    }

    /// The digest of a file's content.
    pub fn of_file(path: &Path) -> Result<Self, FsError> {
        let mut file = fs::open(path)?;
        let mut hasher = blake3::Hasher::new();
        let size = file.metadata().map_or(usize::MAX, |metadata| {
            usize::try_from(metadata.len()).unwrap_or(usize::MAX)
        });
        // No larger than the file: for thousands of small ones, clearing more would take longer than reading
        // them.
        let mut buffer = vec![0_u8; size.clamp(1, READ_AT_ONCE)];
        loop {
            let count = file
                .read(&mut buffer)
                .map_err(|source| FsError::new("read", path, source))?;
            if count == 0 {
                return Ok(Self(hasher.finalize().to_hex().to_string()));
            }
            if count < SHARED_AMONG_THREADS {
                hasher.update(&buffer[..count]);
            } else {
                hasher.update_rayon(&buffer[..count]);
            }
        }
    }

    /// The digest of a folder: the relative path and content of every file below it.
    pub fn of_folder(root: &Path) -> Result<Self, FsError> {
        let mut hasher = blake3::Hasher::new();
        for path in fs::files_below(root)? {
            let relative = path
                .strip_prefix(root)
                .unwrap_or(&path)
                .to_string_lossy()
                .replace('\\', "/");
            hasher.update(&(relative.len() as u64).to_le_bytes());
            hasher.update(relative.as_bytes());
            hasher.update(Self::of_file(&path)?.0.as_bytes());
        }
        Ok(Self(hasher.finalize().to_hex().to_string()))
    }

    /// The digest that is written as these 64 hexadecimal digits.
    pub fn parse(digits: &str) -> Option<Self> {
        let is_digest = digits.len() == 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        is_digest.then(|| Self(digits.to_owned()))
    }

    /// The 64 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first twelve digits, for people.
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

impl std::fmt::Display for Digest {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_published_test_vector() {
        // The empty input of BLAKE3's test_vectors.json.
        assert_eq!(
            Digest::of_bytes(b"").as_str(),
            "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"
        );
    }

    #[test]
    fn a_value_is_the_same_in_any_key_order() {
        let one: serde_json::Value = serde_json::from_str(r#"{"a": 1, "b": 2}"#).unwrap();
        let two: serde_json::Value = serde_json::from_str(r#"{"b": 2, "a": 1}"#).unwrap();
        assert_eq!(Digest::of_value(&one), Digest::of_value(&two));
    }

    #[test]
    fn a_folder_changes_with_names_and_content_only() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.txt");
        fs::write_atomic(&file, b"one").unwrap();
        let before = Digest::of_folder(folder.path()).unwrap();
        fs::write_atomic(&file, b"one").unwrap();
        assert_eq!(before, Digest::of_folder(folder.path()).unwrap());
        fs::rename(&file, &folder.path().join("b.txt")).unwrap();
        assert_ne!(before, Digest::of_folder(folder.path()).unwrap());
    }
}
