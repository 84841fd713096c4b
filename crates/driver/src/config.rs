//! `pipeline.yaml`: read, overridden by `--set`, checked as a whole, and resolved into each stage's parameters.

use std::path::{Component, Path, PathBuf};

use labelproof_artifact::fs::{self, FsError};
use labelproof_artifact::wording::nearest;
use labelproof_artifact::{Advice, Diagnostic, Fault, StageId};
use labelproof_settings::DeviceChoice;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_yaml::Value;

/// A whole pipeline. Paths are relative to the folder of the file.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "pipeline.yaml of labelproof")]
pub struct Pipeline {
    /// Of everything that is drawn at random. A stage may set its own `seed`.
    #[serde(default = "default_seed")]
    pub seed: u64,
    /// A BERT encoder in the layout of Hugging Face: a folder with config.json, model.safetensors, tokenizer.json.
    pub encoder: PathBuf,
    /// `auto`, `cpu`, `cuda`, `cuda:1`, `mps` or `flex` (burn's own backend, pure Rust, slow). Changing it makes no
    /// stage stale: it is where the work is done, not what is done.
    #[serde(default = "default_device")]
    pub device: String,
    /// The folder of the artifacts.
    #[serde(default = "default_artifacts")]
    pub artifacts: PathBuf,
    /// Where the texts come from.
    pub ingest: labelproof_ingest::Params,
    /// How a text becomes tokens.
    #[serde(default)]
    pub preprocess: labelproof_preprocess::Params,
    /// Which rows are trained on, chosen by, and tested on.
    #[serde(default)]
    pub split: labelproof_split::Params,
    /// How the classifier is trained.
    #[serde(default)]
    pub train: labelproof_settings::train::Params,
    /// How the figures are made.
    #[serde(default)]
    pub evaluate: labelproof_settings::evaluate::Params,
    /// How the audit draws.
    #[serde(default)]
    pub audit: labelproof_settings::audit::Params,
    /// What the page shows.
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

/// A pipeline with the folders it works in.
#[derive(Debug, Clone)]
pub struct Config {
    /// What the file says.
    pub pipeline: Pipeline,
    /// The folder of the file: sources are relative to it.
    pub base: PathBuf,
    /// The encoder's folder.
    pub encoder: PathBuf,
    /// The folder of the artifacts.
    pub artifacts: PathBuf,
    /// Where the network runs.
    pub device: DeviceChoice,
}

/// `pipeline.yaml` or an override cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is not there or cannot be read.
    #[error("cannot read the configuration `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: FsError,
    },
    /// The file is no valid configuration.
    #[error("{}{}: {problem}{}", path.display(), position(*line, *column), excerpt(source_line))]
    Parse {
        /// The file.
        path: PathBuf,
        /// From 1; 0 when unknown.
        line: usize,
        /// From 1.
        column: usize,
        /// What is wrong.
        problem: String,
        /// The line itself.
        source_line: String,
        /// What to do.
        hint: Option<String>,
    },
    /// `--set` cannot be used.
    #[error("`--set {assignment}`: {problem}")]
    Set {
        /// As given.
        assignment: String,
        /// What is wrong.
        problem: String,
        /// What to do.
        hint: Option<String>,
    },
    /// Values are out of range.
    #[error("`{}` cannot be run:{}", path.display(), list(problems))]
    Check {
        /// The file.
        path: PathBuf,
        /// Each problem, with its key.
        problems: Vec<String>,
    },
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
            _ => Fault::Configuration.into(),
        }
    }
}

/// The largest configuration that is read: anything larger is some other file.
const LARGEST_FILE: usize = 1 << 20;

impl Config {
    /// Reads and checks a configuration. `overrides` are `key=value` with dotted keys; `device` and `artifacts` win
    /// over the file's.
    pub fn load(
        path: &Path,
        overrides: &[String],
        device: Option<DeviceChoice>,
        artifacts: Option<&Path>,
    ) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_path_buf(),
            source,
        })?;
        if text.len() > LARGEST_FILE {
            let problem = format!(
                "the file has {} bytes, a configuration at most {LARGEST_FILE}",
                text.len()
            );
            return Err(parse_problem(path, problem));
        }
        // Parsed as it stands first: only then does an error know its line.
        serde_yaml::from_str::<Pipeline>(&text).map_err(|error| locate(path, &text, &error))?;
        let mut value: Value = serde_yaml::from_str(&text).map_err(|error| locate(path, &text, &error))?;
        for assignment in overrides {
            apply(&mut value, assignment)?;
        }
        hand_down_seed(&mut value);
        let pipeline: Pipeline =
            serde_yaml::from_value(value).map_err(|error| override_problem(overrides, &error.to_string()))?;
        Self::resolve(pipeline, path, device, artifacts)
    }

    fn resolve(
        pipeline: Pipeline,
        path: &Path,
        device: Option<DeviceChoice>,
        artifacts: Option<&Path>,
    ) -> Result<Self, ConfigError> {
        let mut problems = pipeline.check();
        let device = match (device, pipeline.device.parse::<DeviceChoice>()) {
            (Some(device), _) | (None, Ok(device)) => device,
            (None, Err(error)) => {
                problems.push(format!("device: {error}"));
                DeviceChoice::Auto
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
        let artifacts = artifacts.map_or_else(|| join(&base, &pipeline.artifacts), Path::to_path_buf);
        Ok(Self {
            encoder: join(&base, &pipeline.encoder),
            artifacts,
            base,
            device,
            pipeline,
        })
    }
}

/// Joins, and takes out what would only clutter messages: `./`, and a folder that `..` leaves again.
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

    /// A stage's parameters, resolved, as they are compared and stored.
    pub fn params(&self, stage: StageId) -> serde_json::Value {
        match stage {
            StageId::Ingest => serde_json::to_value(&self.ingest),
            StageId::Preprocess => serde_json::to_value(&self.preprocess),
            StageId::Split => serde_json::to_value(&self.split),
            StageId::Train => serde_json::to_value(&self.train),
            StageId::Evaluate => serde_json::to_value(&self.evaluate),
            StageId::Audit => serde_json::to_value(&self.audit),
            StageId::Report => serde_json::to_value(&self.report),
        }
        .expect("parameters have string keys only")
    }

    /// The JSON schema of the file, for editors.
    pub fn schema() -> String {
        let schema = schemars::schema_for!(Pipeline);
        let mut text = serde_json::to_string_pretty(&schema).expect("a schema is JSON");
        text.push('\n');
        text
    }
}

/// The stages that draw at random.
const SEEDED: [&str; 5] = ["ingest", "split", "train", "evaluate", "audit"];

/// Gives every stage that draws and sets no seed of its own the root seed.
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

/// Sets one dotted key.
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

/// The first line of a message of serde, with the names of Rust's types in words.
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

/// For an unknown key, the valid one that is most like it.
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
