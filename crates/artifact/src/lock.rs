//! The lock of a stage: what the stage was run with, and the digests of what it wrote. The lock is written
//! last, and so proves that the rest of the folder is complete.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::fs::{self, FsError};
use crate::stage::{Kind, StageId};

/// The version of this file's own format.
const SCHEMA: u32 = 1;

/// What a finished stage was run with, and what it wrote. Equal locks mean equal work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageLock {
    /// The version of the lock's format.
    pub schema: u32,
    /// The stage.
    pub stage: StageId,
    /// The version of the stage's code, raised when equal input would give other output.
    pub revision: u32,
    /// The stage's resolved parameters.
    pub params: serde_json::Value,
    /// The model of the Hugging Face Hub that the encoder was, as `owner/name@commit`; none where the encoder was a
    /// folder, or the stage reads none. It says where the files came from: whether the stage is up to date is
    /// decided by their digests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoder: Option<String>,
    /// Digests of what it read, by name (`ingest/documents.parquet`, `encoder/config.json`).
    pub inputs: BTreeMap<String, Digest>,
    /// Digests of what it wrote, by path in its folder.
    pub outputs: BTreeMap<String, Digest>,
}

impl StageLock {
    /// The lock's name in the stage's folder.
    pub const FILE: &'static str = "stage.lock.json";

    /// A lock of the current format without outputs.
    pub fn new(
        stage: StageId,
        revision: u32,
        params: serde_json::Value,
        inputs: BTreeMap<String, Digest>,
    ) -> Self {
        Self {
            schema: SCHEMA,
            stage,
            revision,
            params,
            encoder: None,
            inputs,
            outputs: BTreeMap::new(),
        }
    }

    /// The lock of a stage, as a file that other stages can read.
    pub const fn kind(stage: StageId) -> Kind {
        Kind {
            stage,
            file: Self::FILE,
            format: SCHEMA,
        }
    }

    /// Reads the lock in a stage's folder. A missing, unreadable or foreign lock is the same as none: the
    /// stage never happened.
    pub fn read(folder: &Path) -> Option<Self> {
        Self::read_file(&folder.join(Self::FILE))
    }

    /// Reads a lock at a path of its own, as [`read`](Self::read) does.
    pub(crate) fn read_file(path: &Path) -> Option<Self> {
        Self::parse(&fs::read(path).ok()?)
    }

    /// Reads the text of a lock, as [`read`](Self::read) does.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let lock: Self = serde_json::from_slice(text).ok()?;
        (lock.schema == SCHEMA).then_some(lock)
    }

    /// Writes the lock into a stage's folder.
    pub fn write(&self, folder: &Path) -> Result<(), FsError> {
        let mut text = serde_json::to_string_pretty(self).expect("a lock has string keys only");
        text.push('\n');
        fs::write_atomic(&folder.join(Self::FILE), text.as_bytes())
    }

    /// Digests of every file in a stage's folder but the lock, by relative path.
    pub fn digest_outputs(folder: &Path) -> Result<BTreeMap<String, Digest>, FsError> {
        let mut outputs = BTreeMap::new();
        for path in fs::files_below(folder)? {
            let name = path
                .strip_prefix(folder)
                .unwrap_or(&path)
                .to_string_lossy()
                .replace('\\', "/");
            if name != Self::FILE {
                outputs.insert(name, Digest::of_file(&path)?);
            }
        }
        Ok(outputs)
    }
}
