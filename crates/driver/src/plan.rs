//! The plan: which stages are up to date, and why the others are not.
//!
//! A stage is up to date when its lock records the present revision, parameters and inputs, and its outputs
//! are still what it wrote, byte for byte. Modification times do not matter.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use labelproof_artifact::encoder_files::adapter_files;
use labelproof_artifact::fs::FsError;
use labelproof_artifact::{Digest, EncoderPart, Reporter, Stage, StageId, StageLock};
use rayon::prelude::*;

use crate::config::Config;
use crate::failure::Failure;

/// Why a stage must run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stale {
    /// The stage has no lock: it never ran to its end.
    NeverRun,
    /// The stage's code has another revision.
    Revision,
    /// A parameter changed: its key, its old value, its new value.
    Parameter(String, String, String),
    /// A file that the stage reads changed.
    Input(String),
    /// The encoder of this name is not on this machine yet.
    Encoder(String),
    /// A file that the stage wrote was changed or removed.
    Output(PathBuf),
    /// A stage from which this one reads is stale.
    Upstream(StageId),
}

impl fmt::Display for Stale {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NeverRun => formatter.write_str("never run"),
            Self::Revision => formatter.write_str("the stage's code is newer than its artifacts"),
            Self::Parameter(key, old, new) => write!(formatter, "{key} {old} -> {new}"),
            Self::Input(name) => write!(formatter, "{name} changed"),
            Self::Encoder(name) => write!(formatter, "the encoder {name} is not fetched yet"),
            Self::Output(path) => write!(formatter, "`{}` was edited or removed", path.display()),
            Self::Upstream(stage) => write!(formatter, "upstream {stage} is stale"),
        }
    }
}

impl Stale {
    /// The file that was changed or removed, if that is the reason.
    pub fn changed_output(&self) -> Option<&Path> {
        match self {
            Self::Output(path) => Some(path),
            _ => None,
        }
    }
}

/// What a stage declares of itself.
pub fn declaration(stage: StageId) -> &'static Stage {
    match stage {
        StageId::Ingest => &labelproof_ingest::STAGE,
        StageId::Preprocess => &labelproof_preprocess::STAGE,
        StageId::Split => &labelproof_split::STAGE,
        StageId::Train => &labelproof_settings::train::STAGE,
        StageId::Evaluate => &labelproof_settings::evaluate::STAGE,
        StageId::Audit => &labelproof_audit::STAGE,
        StageId::Report => &labelproof_report::STAGE,
    }
}

/// What the names of the encoder's files begin with, among those that a stage reads.
const OF_ENCODER: &str = "encoder/";

/// Whether a stage reads files of the encoder.
pub(crate) fn reads_encoder(stage: StageId) -> bool {
    !declaration(stage).encoder_files.is_empty()
}

/// Compares stages with their locks. It remembers digests, so that no file is read twice.
pub struct Planner<'a> {
    config: &'a Config,
    /// Is told what is fetched from the network.
    reporter: &'a dyn Reporter,
    digests: BTreeMap<PathBuf, Option<Digest>>,
}

impl<'a> Planner<'a> {
    /// Creates a planner for a configuration.
    pub fn new(config: &'a Config, reporter: &'a dyn Reporter) -> Self {
        Self {
            config,
            reporter,
            digests: BTreeMap::new(),
        }
    }

    /// Forgets the digests of a stage's outputs, because the stage has just run.
    pub fn forget(&mut self, stage: StageId) {
        let folder = self.config.artifacts.join(stage.name());
        self.digests.retain(|path, _| !path.starts_with(&folder));
    }

    /// The reasons for which a stage itself must run; none if it is up to date.
    pub fn reasons(&mut self, stage: StageId) -> Result<Vec<Stale>, Failure> {
        let folder = self.config.artifacts.join(stage.name());
        let Some(lock) = StageLock::read(&folder) else {
            return Ok(vec![Stale::NeverRun]);
        };
        let mut reasons = Vec::new();
        if lock.revision != declaration(stage).revision {
            reasons.push(Stale::Revision);
        }
        let params = self.config.pipeline.params(stage);
        let changed = changed_values(stage.name(), &lock.params, &params);
        reasons.extend(
            changed
                .into_iter()
                .map(|(key, old, new)| Stale::Parameter(key, old, new)),
        );
        let outputs = lock.outputs.keys().map(|name| folder.join(name));
        self.read(outputs.chain(self.input_files(stage).into_values()).collect());
        let inputs = self.inputs(stage)?;
        for (name, digest) in &inputs {
            if lock.inputs.get(name) != Some(digest) {
                reasons.push(Stale::Input(name.clone()));
            }
        }
        let lacks_encoder = self.lacks_encoder(stage);
        if lacks_encoder {
            let name = self.config.pipeline.encoder.display().to_string();
            reasons.push(Stale::Encoder(name));
        }
        let is_explained = |name: &str| lacks_encoder && name.starts_with(OF_ENCODER);
        for name in lock.inputs.keys().filter(|name| !inputs.contains_key(*name)) {
            if !is_explained(name) {
                reasons.push(Stale::Input(name.clone()));
            }
        }
        for (name, digest) in &lock.outputs {
            let path = folder.join(name);
            if self.digest(&path).as_ref() != Some(digest) {
                reasons.push(Stale::Output(path));
            }
        }
        Ok(reasons)
    }

    /// The reasons for which each stage must run, stale upstream stages included.
    pub fn status(&mut self) -> Result<Vec<(StageId, Vec<Stale>)>, Failure> {
        let mut all: Vec<(StageId, Vec<Stale>)> = Vec::new();
        for stage in StageId::ALL {
            let stale_upstream = declaration(stage).upstream().find(|before| {
                all.iter()
                    .any(|(done, reasons)| done == before && !reasons.is_empty())
            });
            let mut reasons = self.reasons(stage)?;
            // The upstream stage explains a changed input better than the name of a file.
            if let Some(before) = stale_upstream
                && reasons != [Stale::NeverRun]
            {
                reasons.retain(|reason| !matches!(reason, Stale::Input(_)));
                reasons.push(Stale::Upstream(before));
            }
            all.push((stage, reasons));
        }
        Ok(all)
    }

    /// The digests of what a stage reads, by name. A missing file is left out: the stage itself reports it.
    pub fn inputs(&mut self, stage: StageId) -> Result<BTreeMap<String, Digest>, Failure> {
        let mut inputs = BTreeMap::new();
        if stage == StageId::Ingest {
            inputs.insert("the sources".to_owned(), self.sources()?);
        }
        for (name, path) in self.input_files(stage) {
            if let Some(digest) = self.digest(&path) {
                inputs.insert(name, digest);
            }
        }
        Ok(inputs)
    }

    /// The digests of the encoder's files that a stage reads, by name.
    pub fn encoder_inputs(&mut self, stage: StageId) -> BTreeMap<String, Digest> {
        let mut files = self.input_files(stage);
        files.retain(|name, _| name.starts_with(OF_ENCODER));
        let digests = files
            .into_iter()
            .filter_map(|(name, path)| Some((name, self.digest(&path)?)));
        digests.collect()
    }

    /// Whether the stage reads an encoder that would have to be fetched first.
    fn lacks_encoder(&self, stage: StageId) -> bool {
        reads_encoder(stage) && self.config.encoder.at_hand().is_none()
    }

    /// The paths of what a stage reads besides the sources, by name.
    fn input_files(&self, stage: StageId) -> BTreeMap<String, PathBuf> {
        let Stage {
            reads, encoder_files, ..
        } = declaration(stage);
        let of_encoder = self.config.encoder.at_hand().into_iter().flat_map(|encoder| {
            let folder = &encoder.files.folder;
            let files = encoder_files.iter().flat_map(|part| part.files(folder));
            let reads_weights = encoder_files.contains(&EncoderPart::Weights);
            let adapter = encoder.adapter_folder().filter(|_| reads_weights).into_iter();
            let of_adapter = adapter.flat_map(|folder| adapter_files(folder).map(|file| folder.join(file)));
            let paths = files.map(|file| folder.join(file)).chain(of_adapter);
            paths.filter_map(|path| {
                Some((
                    format!("{OF_ENCODER}{}", path.file_name()?.to_str()?),
                    path.clone(),
                ))
            })
        });
        let of_stages = reads
            .iter()
            .map(|kind| (kind.to_string(), kind.path(&self.config.artifacts)));
        of_encoder.chain(of_stages).collect()
    }

    /// The digest of the names and contents of all source files.
    fn sources(&mut self) -> Result<Digest, Failure> {
        let params = &self.config.pipeline.ingest;
        let files = labelproof_ingest::source_files(params, &self.config.base, self.reporter)
            .map_err(|error| Failure::of_stage(StageId::Ingest, error))?;
        let digests: Vec<Result<Digest, FsError>> =
            files.par_iter().map(|file| Digest::of_file(&file.path)).collect();
        let mut lines = String::new();
        for (file, digest) in files.iter().zip(digests) {
            lines.push_str(&format!("{} {}\n", digest?, file.name));
        }
        Ok(Digest::of_bytes(lines.as_bytes()))
    }

    /// The digest of a file or folder, or `None` if it cannot be read.
    fn digest(&mut self, path: &Path) -> Option<Digest> {
        self.read(vec![path.to_path_buf()]);
        self.digests[path].clone()
    }

    /// Computes the digests that are not known yet, of several files at once.
    fn read(&mut self, mut paths: Vec<PathBuf>) {
        paths.retain(|path| !self.digests.contains_key(path));
        let found: Vec<(PathBuf, Option<Digest>)> = paths
            .into_par_iter()
            .map(|path| {
                let digest = if path.is_dir() {
                    Digest::of_folder(&path).ok()
                } else {
                    Digest::of_file(&path).ok()
                };
                (path, digest)
            })
            .collect();
        self.digests.extend(found);
    }
}

/// A parameter that differs: its dotted key, its old value, its new value.
pub type Changed = (String, String, String);

/// The leaves in which two trees of parameters differ.
pub fn changed_values(key: &str, old: &serde_json::Value, new: &serde_json::Value) -> Vec<Changed> {
    use serde_json::Value::Object;
    if old == new {
        return Vec::new();
    }
    let (Object(old_fields), Object(new_fields)) = (old, new) else {
        return vec![(key.to_owned(), old.to_string(), new.to_string())];
    };
    let null = serde_json::Value::Null;
    let mut changed = Vec::new();
    for (name, new) in new_fields {
        let old = old_fields.get(name).unwrap_or(&null);
        changed.extend(changed_values(&format!("{key}.{name}"), old, new));
    }
    for (name, old) in old_fields
        .iter()
        .filter(|(name, _)| !new_fields.contains_key(*name))
    {
        changed.extend(changed_values(&format!("{key}.{name}"), old, &null));
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changed_parameters_are_named_with_both_values() {
        let value = |text: &str| serde_json::from_str(text).unwrap();
        let old = value(r#"{"epochs": 3, "early_stopping": {"patience": 5}, "gone": 1, "same": [1]}"#);
        let new = value(r#"{"epochs": 5, "early_stopping": {"patience": 2}, "fresh": "x", "same": [1]}"#);
        let changed = changed_values("train", &old, &new).into_iter();
        let reasons = changed.map(|(key, old, new)| Stale::Parameter(key, old, new));
        let lines: Vec<String> = reasons.map(|reason| reason.to_string()).collect();
        assert_eq!(
            lines,
            [
                "train.early_stopping.patience 5 -> 2",
                "train.epochs 3 -> 5",
                "train.fresh null -> \"x\"",
                "train.gone 1 -> null",
            ]
        );
    }
}
