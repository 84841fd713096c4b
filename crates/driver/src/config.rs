//! The configuration: reads `pipeline.yaml`, applies `--set`, checks everything, and resolves each stage's
//! parameters.

use std::path::{Component, Path, PathBuf};

use labelproof_artifact::fs::{self, FsError};
use labelproof_artifact::wording::nearest;
use labelproof_artifact::{Advice, Diagnostic, Fault, StageId};
use labelproof_remote::{Address, StoredFolder};
use labelproof_settings::{DeviceChoice, Devices};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_yaml::Value;

use crate::encoder::Encoder;

/// The content of `pipeline.yaml`. Paths are relative to the folder of the file.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "pipeline.yaml of labelproof")]
pub struct Pipeline {
    /// The seed of everything that is drawn at random. A stage can set a `seed` of its own.
    #[serde(default = "default_seed")]
    pub seed: u64,
    /// The folder of an encoder in the layout of Hugging Face: `config.json`, the weights
    /// (`model.safetensors` or `pytorch_model.bin`) and the tokenizer (`tokenizer.json` or its vocabulary).
    /// Or a model of the Hugging Face Hub, such as `google-bert/bert-base-uncased` or `owner/name@revision`:
    /// it is read from the Hub's cache on this machine, and fetched into it if it is not there. Or either of
    /// them with a LoRA adapter of PEFT, which is merged into the weights of the encoder that it names.
    pub encoder: PathBuf,
    /// The device on which the network runs: `auto`, `cpu`, `cuda`, `cuda:1`, `mps` or `flex` (burn's own
    /// backend in pure Rust, which is slow). Several devices, such as `cuda:0,cuda:1`, each get a process of
    /// their own, and share the work. Other devices make no stage stale.
    #[serde(default = "default_device")]
    pub device: String,
    /// The folder of the artifacts. Or its address in object storage (`s3://bucket/prefix`, `gs://`, `az://` or
    /// `abfs://`), which several machines share; the user's cache then has a copy.
    #[serde(default = "default_artifacts")]
    pub artifacts: PathBuf,
    /// The sources of the labelled texts.
    pub ingest: labelproof_ingest::Params,
    /// How texts are cleaned and tokenised.
    #[serde(default)]
    pub preprocess: labelproof_preprocess::Params,
    /// How rows are assigned to training, validation and test.
    #[serde(default)]
    pub split: labelproof_split::Params,
    /// How the classifier is trained.
    #[serde(default)]
    pub train: labelproof_settings::train::Params,
    /// How the metrics are computed.
    #[serde(default)]
    pub evaluate: labelproof_settings::evaluate::Params,
    /// How the audit draws its random samples.
    #[serde(default)]
    pub audit: labelproof_audit::Params,
    /// What the report shows.
    #[serde(default)]
    pub report: labelproof_report::Params,
}

fn default_seed() -> u64 {
    10
}

fn default_device() -> String {
    "auto".to_owned()
}

fn default_artifacts() -> PathBuf {
    "artifacts".into()
}

/// A pipeline with its paths and its device resolved.
#[derive(Debug, Clone)]
pub struct Config {
    /// The content of the file, with overrides applied.
    pub pipeline: Pipeline,
    /// The folder of the file, to which the sources' paths are relative.
    pub base: PathBuf,
    /// The encoder, a folder or a model that becomes one.
    pub encoder: Encoder,
    /// The folder of the artifacts.
    pub artifacts: PathBuf,
    /// The folder in object storage of which that is a copy, if it is one.
    pub stored: Option<StoredFolder>,
    /// The devices on which the network runs, one for each process.
    pub devices: Devices,
    /// The number of processes that share the work.
    pub workers: usize,
}

/// The configuration or an override is invalid.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant names its fields")]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the configuration cannot be read")]
    Read { source: FsError },
    /// The file is not a valid configuration.
    #[error("{}{}: {problem}{}", path.display(), position(*line, *column), excerpt(source_line))]
    Parse {
        path: PathBuf,
        /// The line, from 1; 0 when it is unknown.
        line: usize,
        /// The column, from 1.
        column: usize,
        problem: String,
        source_line: String,
        hint: Option<String>,
    },
    /// An argument of `--set` is invalid.
    #[error("`--set {assignment}`: {problem}")]
    Set {
        assignment: String,
        problem: String,
        hint: Option<String>,
    },
    /// Values are out of their ranges.
    #[error("`{}` cannot be run:{}", path.display(), list(problems))]
    Check { path: PathBuf, problems: Vec<String> },
    /// The artifacts cannot lie where they are to lie.
    #[error("the artifacts cannot lie there")]
    Artifacts { source: labelproof_remote::Error },
}

fn position(line: usize, column: usize) -> String {
    if line == 0 {
        String::new()
    } else {
        format!(":{line}:{column}")
    }
}

fn excerpt(line: &str) -> String {
    if line.trim().is_empty() {
        String::new()
    } else {
        format!("\n  | {}", line.trim_end())
    }
}

fn list(problems: &[String]) -> String {
    problems.iter().map(|problem| format!("\n  {problem}")).collect()
}

impl Diagnostic for ConfigError {
    fn advice(&self) -> Advice {
        match self {
            Self::Read { .. } => Fault::Configuration.hint("name another file with `--config FILE`"),
            Self::Parse { hint: Some(hint), .. } | Self::Set { hint: Some(hint), .. } => {
                Fault::Configuration.hint(hint)
            }
            Self::Artifacts { source } => source.advice(),
            _ => Fault::Configuration.into(),
        }
    }
}

/// The largest configuration that is read: anything larger is some other file.
const LARGEST_FILE: usize = 1 << 20;

impl Config {
    /// Reads and checks a configuration. `overrides` are `key=value` with dotted keys; `devices` and
    /// `artifacts` win over the file's.
    pub fn load(
        path: &Path,
        overrides: &[String],
        devices: Option<Devices>,
        artifacts: Option<&Path>,
    ) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(path).map_err(|source| ConfigError::Read { source })?;
        if text.len() > LARGEST_FILE {
            let problem = format!(
                "the file has {} bytes, a configuration at most {LARGEST_FILE}",
                text.len()
            );
            return Err(parse_problem(path, problem));
        }
        Self::of_text(path, &text, overrides, devices, artifacts)
    }

    /// The same for the content of a file at `path`, which need not be on this machine.
    pub fn of_text(
        path: &Path,
        text: &str,
        overrides: &[String],
        devices: Option<Devices>,
        artifacts: Option<&Path>,
    ) -> Result<Self, ConfigError> {
        // Parsed as it stands first: only then does an error know its line.
        serde_yaml::from_str::<Pipeline>(text).map_err(|error| locate(path, text, &error))?;
        let mut value: Value = serde_yaml::from_str(text).map_err(|error| locate(path, text, &error))?;
        for assignment in overrides {
            apply(&mut value, assignment)?;
        }
        hand_down_seed(&mut value);
        let pipeline: Pipeline =
            serde_yaml::from_value(value).map_err(|error| override_problem(overrides, &error.to_string()))?;
        Self::resolve(pipeline, path, devices, artifacts)
    }

    fn resolve(
        pipeline: Pipeline,
        path: &Path,
        devices: Option<Devices>,
        artifacts: Option<&Path>,
    ) -> Result<Self, ConfigError> {
        let mut problems = pipeline.check();
        let devices = match (devices, pipeline.device.parse::<Devices>()) {
            (Some(devices), _) | (None, Ok(devices)) => devices,
            (None, Err(error)) => {
                problems.push(format!("device: {error}"));
                DeviceChoice::Auto.into()
            }
        };
        if !problems.is_empty() {
            return Err(ConfigError::Check {
                path: path.to_path_buf(),
                problems,
            });
        }
        let base = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
            _ => PathBuf::from("."),
        };
        let stored = stored(artifacts.unwrap_or(&pipeline.artifacts))?;
        let artifacts = match (&stored, artifacts) {
            (Some(stored), _) => stored
                .copy()
                .map_err(|source| ConfigError::Artifacts { source })?,
            (None, Some(artifacts)) => artifacts.to_path_buf(),
            (None, None) => join(&base, &pipeline.artifacts),
        };
        Ok(Self {
            encoder: Encoder::new(&pipeline.encoder, join(&base, &pipeline.encoder), &base),
            artifacts,
            stored,
            base,
            workers: devices.count(),
            devices,
            pipeline,
        })
    }

    /// The same pipeline with a folder of its own below the artifacts, which stays on this machine.
    #[must_use]
    pub fn within(&self, folder: &str) -> Self {
        Self {
            artifacts: self.artifacts.join(folder),
            stored: None,
            ..self.clone()
        }
    }

    /// Where the output of a stage lies, for messages.
    pub fn shown_folder(&self, stage: StageId) -> PathBuf {
        match &self.stored {
            Some(stored) => stored.address_of(stage.name()).into(),
            None => self.artifacts.join(stage.name()),
        }
    }
}

/// The folder in object storage that the name of a folder of artifacts means; none for a path of this machine.
pub(crate) fn stored(artifacts: &Path) -> Result<Option<StoredFolder>, ConfigError> {
    let Some(address) = artifacts.to_str().and_then(Address::parse) else {
        return Ok(None);
    };
    let folder = address.and_then(|address| StoredFolder::of(&address));
    folder
        .map(Some)
        .map_err(|source| ConfigError::Artifacts { source })
}

/// Joins two paths, and removes `./` and every folder that `..` leaves again, for the sake of messages.
fn join(base: &Path, path: &Path) -> PathBuf {
    let mut joined = PathBuf::new();
    for component in base.join(path).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if matches!(joined.components().next_back(), Some(Component::Normal(_))) => {
                joined.pop();
            }
            other => joined.push(other),
        }
    }
    joined
}

impl Pipeline {
    fn check(&self) -> Vec<String> {
        [
            self.ingest.check(),
            self.preprocess.check(),
            self.split.check(),
            self.train.check(),
            self.evaluate.check(),
            self.audit.check(),
            self.report.check(),
        ]
        .concat()
    }

    /// The resolved parameters of a stage, as its lock stores them.
    pub fn params(&self, stage: StageId) -> serde_json::Value {
        match stage {
            StageId::Ingest => serde_json::to_value(self.ingest.without_secrets()),
            StageId::Preprocess => serde_json::to_value(&self.preprocess),
            StageId::Split => serde_json::to_value(&self.split),
            StageId::Train => serde_json::to_value(&self.train),
            StageId::Evaluate => serde_json::to_value(&self.evaluate),
            StageId::Audit => serde_json::to_value(&self.audit),
            StageId::Report => serde_json::to_value(&self.report),
        }
        .expect("parameters have string keys only")
    }

    /// The JSON schema of `pipeline.yaml`.
    pub fn schema() -> String {
        let schema = schemars::schema_for!(Pipeline);
        let mut text = serde_json::to_string_pretty(&schema).expect("a schema is JSON");
        text.push('\n');
        text
    }
}

/// The stages that draw at random.
const SEEDED: [&str; 5] = ["ingest", "split", "train", "evaluate", "audit"];

/// Gives the root seed to every stage that draws at random and sets no seed of its own.
fn hand_down_seed(value: &mut Value) {
    let seed = value
        .get("seed")
        .cloned()
        .unwrap_or_else(|| Value::from(default_seed()));
    let Some(root) = value.as_mapping_mut() else {
        return;
    };
    for stage in SEEDED {
        let section = root
            .entry(Value::from(stage))
            .or_insert_with(|| Value::Mapping(serde_yaml::Mapping::new()));
        if let Some(section) = section.as_mapping_mut() {
            section.entry(Value::from("seed")).or_insert_with(|| seed.clone());
        }
    }
}

/// Applies one argument of `--set`, which names its key with dots.
fn apply(root: &mut Value, assignment: &str) -> Result<(), ConfigError> {
    let problem = |problem: &str, hint: Option<&str>| ConfigError::Set {
        assignment: assignment.to_owned(),
        problem: problem.to_owned(),
        hint: hint.map(str::to_owned),
    };
    let (key, text) = assignment.split_once('=').ok_or_else(|| {
        problem(
            "there is no `=`",
            Some("write it as key=value, such as train.epochs=5"),
        )
    })?;
    let value: Value = serde_yaml::from_str(text)
        .map_err(|error| problem(&format!("the value is no YAML: {error}"), None))?;
    let mut place = root;
    for part in key.split('.') {
        let mapping = match place {
            Value::Mapping(mapping) => mapping,
            Value::Null => {
                *place = Value::Mapping(serde_yaml::Mapping::new());
                place.as_mapping_mut().expect("it was just made a mapping")
            }
            _ => return Err(problem(&format!("`{part}` is not within a group of keys"), None)),
        };
        place = mapping.entry(Value::from(part)).or_insert(Value::Null);
    }
    *place = value;
    Ok(())
}

fn override_problem(overrides: &[String], message: &str) -> ConfigError {
    ConfigError::Set {
        assignment: overrides.join(" --set "),
        problem: plain(message),
        hint: nearest_key(message),
    }
}

fn parse_problem(path: &Path, problem: String) -> ConfigError {
    ConfigError::Parse {
        path: path.to_path_buf(),
        line: 0,
        column: 0,
        problem,
        source_line: String::new(),
        hint: None,
    }
}

fn locate(path: &Path, text: &str, error: &serde_yaml::Error) -> ConfigError {
    let message = error.to_string();
    let location = error.location();
    let (line, column) = location.map_or((0, 0), |location| (location.line(), location.column()));
    // The position is given once, in front.
    let problem = match message.rfind(" at line ") {
        Some(place) => message[..place].to_owned(),
        None => message.clone(),
    };
    ConfigError::Parse {
        path: path.to_path_buf(),
        line,
        column,
        problem: plain(&problem),
        source_line: line
            .checked_sub(1)
            .and_then(|line| text.lines().nth(line))
            .unwrap_or_default()
            .to_owned(),
        hint: nearest_key(&message),
    }
}

/// The first line of a message of serde, with Rust's types replaced by words.
fn plain(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    for (name, words) in [
        ("u32", "a whole number"),
        ("u64", "a whole number"),
        ("usize", "a whole number"),
        ("f64", "a number"),
    ] {
        if let Some(start) = line.strip_suffix(&format!("expected {name}")) {
            return format!("{start}expected {words}");
        }
    }
    line.to_owned()
}

/// The valid key that is most similar to an unknown one, as a hint.
fn nearest_key(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("unknown field `")?;
    let (wrong, rest) = rest.split_once('`')?;
    let valid = rest.split('`').skip(1).step_by(2);
    nearest(wrong, valid).map(|key| format!("did you mean `{key}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(yaml: &str, assignment: &str) -> Result<String, String> {
        let mut value: Value = serde_yaml::from_str(yaml).unwrap();
        apply(&mut value, assignment).map_err(|error| error.to_string())?;
        Ok(serde_yaml::to_string(&value).unwrap())
    }

    #[test]
    fn set_replaces_and_adds_dotted_keys() {
        assert_eq!(
            set("train:\n  epochs: 3\n", "train.epochs=5").unwrap(),
            "train:\n  epochs: 5\n"
        );
        assert_eq!(
            set("seed: 1\n", "train.early_stopping.patience=2").unwrap(),
            "seed: 1\ntrain:\n  early_stopping:\n    patience: 2\n"
        );
        assert_eq!(
            set("a: 1\n", "a.b=2").unwrap_err(),
            "`--set a.b=2`: `b` is not within a group of keys"
        );
        assert_eq!(set("a: 1\n", "a").unwrap_err(), "`--set a`: there is no `=`");
    }

    #[test]
    fn paths_are_shown_without_detours() {
        let check = |base: &str, path: &str, expected: &str| {
            assert_eq!(join(Path::new(base), Path::new(path)), Path::new(expected));
        };
        check(".", "artifacts", "artifacts");
        check("pipelines", "../artifacts/finetune", "artifacts/finetune");
        check("..", "../data", "../../data");
        check("a", "/b", "/b");
    }

    #[test]
    fn the_root_seed_reaches_stages_that_set_none() {
        let mut value: Value = serde_yaml::from_str("seed: 7\nsplit:\n  seed: 3\n").unwrap();
        hand_down_seed(&mut value);
        assert_eq!(value["split"]["seed"], Value::from(3));
        assert_eq!(value["train"]["seed"], Value::from(7));
    }

    #[test]
    fn the_nearest_key_is_suggested() {
        let message = "train: unknown field `epoch`, expected one of `epochs`, `batch_size`";
        assert_eq!(nearest_key(message).as_deref(), Some("did you mean `epochs`?"));
        assert_eq!(nearest_key("unknown field `xyz`, expected `seed`"), None);
    }
}
