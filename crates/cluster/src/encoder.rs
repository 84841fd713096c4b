//! The encoder that the driver tokenises with, and whether another machine has the same one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use labelproof_artifact::{Advice, Diagnostic, Digest, Fault, Silent, StageId};
use labelproof_driver::{Config, Failure, Planner};
use serde::{Deserialize, Serialize};

/// What tokens are made with, as the driver has it.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct EncoderFiles {
    /// The folder; none of a model of the Hub, which each machine has in a cache of its own.
    folder: Option<PathBuf>,
    /// Digests of the files that the stage reads, by name.
    digests: BTreeMap<String, Digest>,
}

/// The folder of the encoder, fetched if need be.
pub(crate) fn folder(config: &Config) -> Result<&Path, Failure> {
    Ok(&config.encoder.source(&Silent)?.files.folder)
}

fn digests(config: &Config) -> BTreeMap<String, Digest> {
    Planner::new(config, &Silent).encoder_inputs(StageId::Preprocess)
}

impl EncoderFiles {
    /// The files on this machine, which is the driver.
    pub(crate) fn of_driver(config: &Config) -> Result<Self, Failure> {
        let source = config.encoder.source(&Silent)?;
        let folder = &source.files.folder;
        Ok(Self {
            folder: source.pinned().is_none().then(|| folder.clone()),
            digests: digests(config),
        })
    }

    /// Checks that this machine has the same files. A folder that is not there would be looked for in the Hub
    /// by its name, and another state of it would give other tokens.
    pub(crate) fn check(&self, config: &Config) -> Result<(), Failure> {
        let other = |problem: String| OtherEncoder { problem };
        if let Some(folder) = self.folder.as_ref().filter(|folder| !folder.exists()) {
            return Err(other(format!("`{}` is not there", folder.display())).into());
        }
        folder(config)?;
        let found = digests(config);
        let names = self.digests.keys().chain(found.keys());
        match names
            .into_iter()
            .find(|name| self.digests.get(*name) != found.get(*name))
        {
            Some(name) => Err(other(format!("`{name}` differs")).into()),
            None => Ok(()),
        }
    }
}

/// A machine has another encoder than the driver.
#[derive(Debug, thiserror::Error)]
#[error("this machine does not have the encoder of the driver: {problem}")]
struct OtherEncoder {
    problem: String,
}

impl Diagnostic for OtherEncoder {
    fn advice(&self) -> Advice {
        Fault::Model.hint(
            "let all machines see the same folder under the same path, or name a model of the Hub with its \
             revision, as owner/name@revision",
        )
    }
}
