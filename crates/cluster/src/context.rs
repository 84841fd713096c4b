//! The context of a step: the configuration, and what earlier steps of the run decided.

use std::path::{Path, PathBuf};

use labelproof_artifact::StageId;
use labelproof_driver::{Config, Failure};
use labelproof_ingest::shares::{Decided, Sources};
use labelproof_preprocess::shares::{Duplicates, Rejected};
use serde::Deserialize;

use crate::encoder::EncoderFiles;
use crate::error::BadContext;

/// What a step knows besides its rows. Keys that a step does not need may be missing.
#[derive(Debug, Deserialize)]
pub struct Context {
    config: ConfigText,
    pub(crate) stage: StageId,
    /// Whether no earlier stage is planned in the same run.
    #[serde(default)]
    pub(crate) is_first: bool,
    scratch: Option<PathBuf>,
    sources: Option<Sources>,
    decided: Option<Decided>,
    parts: Option<u32>,
    rows: Option<u64>,
    duplicates: Option<Duplicates>,
    checked: Option<Rejected>,
    encoder: Option<EncoderFiles>,
}

/// A configuration that is not read from its file, which only the driver may have.
#[derive(Debug, Deserialize)]
struct ConfigText {
    path: PathBuf,
    text: String,
    #[serde(default)]
    set: Vec<String>,
    artifacts: Option<PathBuf>,
}

impl Context {
    /// Reads a context.
    ///
    /// # Errors
    ///
    /// Text that is no context.
    pub fn parse(json: &str) -> Result<Self, BadContext> {
        serde_json::from_str(json).map_err(|error| BadContext {
            problem: error.to_string(),
        })
    }

    /// The configuration.
    pub(crate) fn config(&self) -> Result<Config, Failure> {
        let ConfigText {
            path,
            text,
            set,
            artifacts,
        } = &self.config;
        Ok(Config::of_text(path, text, set, None, artifacts.as_deref())?)
    }

    /// The folder into which the stage writes until it is committed.
    pub(crate) fn scratch(&self) -> Result<&Path, BadContext> {
        key(self.scratch.as_deref(), "scratch")
    }

    pub(crate) fn sources(&self) -> Result<&Sources, BadContext> {
        key(self.sources.as_ref(), "sources")
    }

    pub(crate) fn decided(&self) -> Result<&Decided, BadContext> {
        key(self.decided.as_ref(), "decided")
    }

    pub(crate) fn parts(&self) -> Result<u32, BadContext> {
        key(self.parts.filter(|parts| *parts > 0), "parts")
    }

    pub(crate) fn rows(&self) -> Result<u64, BadContext> {
        key(self.rows, "rows")
    }

    pub(crate) fn duplicates(&self) -> Result<&Duplicates, BadContext> {
        key(self.duplicates.as_ref(), "duplicates")
    }

    pub(crate) fn encoder(&self) -> Result<&EncoderFiles, BadContext> {
        key(self.encoder.as_ref(), "encoder")
    }

    pub(crate) fn checked(&self) -> Result<&Rejected, BadContext> {
        key(self.checked.as_ref(), "checked")
    }
}

fn key<T>(value: Option<T>, name: &str) -> Result<T, BadContext> {
    value.ok_or_else(|| BadContext {
        problem: format!("it has no key `{name}`, which this step needs"),
    })
}
