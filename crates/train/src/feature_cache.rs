//! The cache of a frozen encoder's features, which are computed once and used again while nothing they depend
//! on changes.

use std::path::{Path, PathBuf};

use labelproof_artifact::fs::FsError;
use labelproof_artifact::{ArtifactError, Digest, FeatureRow, TableReader, fs, write_table};
use labelproof_settings::DeviceChoice;
use labelproof_text::windows::Windows;

use crate::inputs::Inputs;
use crate::params::Params;

/// Raised when the same encoder, tokens and pooling would give other features.
const REVISION: u32 = 6;

/// The folder of one set of features, named by the digest of all they depend on.
#[derive(Debug)]
pub(crate) struct FeatureCache {
    folder: PathBuf,
}

/// The digest of the cached table, beside it.
const DIGEST_FILE: &str = "features.blake3";

impl FeatureCache {
    /// The cache of these features below `root`. The kind of device is part of the key: its last bits are in the
    /// features.
    pub(crate) fn new(
        root: &Path,
        inputs: &Inputs,
        params: &Params,
        windows: Option<Windows>,
        device: DeviceChoice,
    ) -> Self {
        let Inputs {
            encoder,
            tokens,
            split,
        } = inputs;
        let (pooling, precision, device) = (params.pooling, params.precision, device.kind());
        let key =
            format!("{REVISION} {encoder} {tokens} {split} {pooling:?} {precision:?} {windows:?} {device}");
        Self {
            folder: root.join(format!("features-{}", Digest::of_bytes(key.as_bytes()).short())),
        }
    }

    /// The cache of those features that an interrupted computation has finished, however many.
    pub(crate) fn partial(&self) -> Self {
        Self {
            folder: self.folder.with_extension("partial"),
        }
    }

    /// Removes the cache.
    pub(crate) fn remove(&self) -> Result<(), FsError> {
        fs::remove(&self.folder)
    }

    /// The features, if they are there and undamaged. A damaged cache is the same as none.
    pub(crate) fn read(&self) -> Option<Vec<FeatureRow>> {
        let path = self.table();
        let expected = fs::read_to_string(&self.folder.join(DIGEST_FILE)).ok()?;
        if Digest::of_file(&path).ok()?.as_str() != expected {
            return None;
        }
        let mut rows = Vec::new();
        for batch in TableReader::<FeatureRow>::open_file(&path).ok()? {
            rows.extend(batch.ok()?);
        }
        Some(rows)
    }

    /// Writes features. The digest is written last: without it the table is not trusted.
    pub(crate) fn write(&self, rows: &[FeatureRow]) -> Result<(), ArtifactError> {
        self.remove()?;
        fs::create_dir_all(&self.folder)?;
        write_table(&self.folder, rows.iter().cloned())?;
        let digest = Digest::of_file(&self.table())?;
        Ok(fs::write_atomic(
            &self.folder.join(DIGEST_FILE),
            digest.as_str().as_bytes(),
        )?)
    }

    fn table(&self) -> PathBuf {
        self.folder.join("features.parquet")
    }
}
