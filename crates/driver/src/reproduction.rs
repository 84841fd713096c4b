//! `pipeline.lock`: what a pipeline wrote and on which platform, and in what another run differs from it.
//!
//! Nothing here runs a stage: a lock is compared with artifacts that exist.

use std::collections::BTreeMap;
use std::path::Path;

use labelproof_artifact::fs::{self, FsError};
use labelproof_artifact::{
    Advice, ArtifactError, Artifacts, Diagnostic, Digest, Fault, Split, StageId, StageLock, first_difference,
};
use labelproof_metrics::Evaluation;
use serde::{Deserialize, Serialize};

use crate::plan::changed_values;

/// The version of the lock's format.
const SCHEMA: u32 = 1;

/// The size of the largest file that is read: a lock has a few kilobytes.
const LARGEST_LOCK: u64 = 4 << 20;

/// By how much accuracy, macro F1 and AUC may differ on another platform, where sums are rounded differently.
pub const TOLERANCE: f64 = 0.02;

/// What a pipeline wrote, and on which platform.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PipelineLock {
    schema: u32,
    platform: Platform,
    /// The accuracy, macro F1 and AUC of each split.
    metrics: BTreeMap<Split, BTreeMap<String, Option<f64>>>,
    stages: BTreeMap<StageId, StageLock>,
}

/// What the bytes of a training depend on besides its input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Platform {
    system: String,
    architecture: String,
    processor: String,
    threads: usize,
    device: String,
}

impl Platform {
    /// The platform of this process, for a network that runs on `device`.
    pub fn current(device: &str) -> Self {
        Self {
            system: std::env::consts::OS.to_owned(),
            architecture: std::env::consts::ARCH.to_owned(),
            processor: processor(),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            device: device.to_owned(),
        }
    }
}

/// The processor's name, if the system tells it, and its instruction sets, which select LibTorch's kernels:
/// rented machines report processors of several generations under one name.
fn processor() -> String {
    let text = fs::read_to_string(Path::new("/proc/cpuinfo")).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("model name"));
    let name = line.and_then(|line| line.split_once(':'));
    let words = [name.map(|(_, name)| name.trim()), instructions()];
    words.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// The widest vector instructions, and whether bfloat16 and AMX are supported.
#[cfg(target_arch = "x86_64")]
fn instructions() -> Option<&'static str> {
    if std::arch::is_x86_feature_detected!("avx512bf16") {
        Some(if has_tiles() {
            "AVX-512, bfloat16 and AMX"
        } else {
            "AVX-512 and bfloat16"
        })
    } else if std::arch::is_x86_feature_detected!("avx512f") {
        Some("AVX-512")
    } else {
        std::arch::is_x86_feature_detected!("avx2").then_some("AVX2")
    }
}

/// Whether the processor supports AMX-BF16, which the standard library does not detect yet. Processors with
/// AVX-512 have the CPUID leaf.
#[cfg(target_arch = "x86_64")]
fn has_tiles() -> bool {
    /// Intel's Software Developer's Manual, volume 2A, `CPUID`, leaf 7, EDX bit 22.
    const EXTENDED_FEATURES: u32 = 7;
    const TILES_OF_BFLOAT16: u32 = 1 << 22;
    std::arch::x86_64::__cpuid_count(EXTENDED_FEATURES, 0).edx & TILES_OF_BFLOAT16 != 0
}

/// Instruction sets of other architectures are not distinguished.
#[cfg(not(target_arch = "x86_64"))]
fn instructions() -> Option<&'static str> {
    None
}

/// A lock cannot be read, made or written.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant names its fields")]
pub enum PipelineLockError {
    /// The lock cannot be read or written.
    #[error(transparent)]
    File(#[from] FsError),
    /// An artifact cannot be read.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// The file is not a lock.
    #[error("`{path}` is not the lock of a pipeline: {problem}")]
    Damaged { path: String, problem: String },
    /// A stage has no artifacts.
    #[error("stage `{0}` has no artifacts to lock")]
    NeverRun(StageId),
}

impl Diagnostic for PipelineLockError {
    fn advice(&self) -> Advice {
        match self {
            Self::File(error) if error.fault() == Fault::Input => {
                Fault::Input.hint("write one: labelproof reproduce --write")
            }
            Self::File(error) => error.advice(),
            Self::Artifact(error) => error.advice(),
            Self::Damaged { .. } => Fault::Artifact.hint("write it anew: labelproof reproduce --write"),
            Self::NeverRun(stage) => Fault::Artifact.hint(format!("make them: labelproof run {stage}")),
        }
    }
}

/// A difference between a lock and a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The stage in which the difference is.
    pub stage: StageId,
    /// What differs: a parameter, an input, a file or a metric.
    pub what: String,
    /// How it differs.
    pub how: String,
}

impl PipelineLock {
    /// Makes the lock of a folder of artifacts.
    pub fn of_artifacts(artifacts: &Path, platform: Platform) -> Result<Self, PipelineLockError> {
        let stages = StageId::ALL
            .into_iter()
            .map(|stage| {
                let lock = StageLock::read(&artifacts.join(stage.name()));
                lock.map(|lock| (stage, lock))
                    .ok_or(PipelineLockError::NeverRun(stage))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            schema: SCHEMA,
            platform,
            metrics: metrics(artifacts)?,
            stages,
        })
    }

    /// Reads a lock.
    pub fn read(path: &Path) -> Result<Self, PipelineLockError> {
        let damaged = |problem: String| PipelineLockError::Damaged {
            path: path.display().to_string(),
            problem,
        };
        let length = fs::open(path)?
            .metadata()
            .map_err(|source| FsError::new("read", path, source))?
            .len();
        if length > LARGEST_LOCK {
            return Err(damaged(format!(
                "it has {length} bytes, a lock has a few thousand"
            )));
        }
        let bytes = fs::read(path)?;
        let lock: Self = serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        if lock.schema != SCHEMA {
            return Err(damaged(format!(
                "it has form {}, this program reads form {SCHEMA}",
                lock.schema
            )));
        }
        Ok(lock)
    }

    /// Writes the lock.
    pub fn write(&self, path: &Path) -> Result<(), PipelineLockError> {
        let mut text = serde_json::to_string_pretty(self).expect("a lock has string keys only");
        text.push('\n');
        Ok(fs::write_atomic(path, text.as_bytes())?)
    }

    /// Whether the lock was made on a platform.
    pub fn is_of(&self, platform: &Platform) -> bool {
        self.platform == *platform
    }

    /// The lock of a stage.
    pub fn stage(&self, stage: StageId) -> Option<&StageLock> {
        self.stages.get(&stage)
    }

    /// The differences of a fresh lock from this one. The data stages before training must agree byte for
    /// byte on every platform; the others on an equal platform, and elsewhere in their metrics, within
    /// [`TOLERANCE`]. The files in `fresh_artifacts` and `kept_artifacts` tell where the first difference is.
    pub fn differences(
        &self,
        fresh: &Self,
        fresh_artifacts: &Path,
        kept_artifacts: &Path,
    ) -> Vec<Difference> {
        let mut differences = Vec::new();
        let equal_platform = self.is_of(&fresh.platform);
        for (&stage, now) in &fresh.stages {
            let Some(locked) = self.stages.get(&stage) else {
                differences.push(Difference {
                    stage,
                    what: "the stage".to_owned(),
                    how: "is not in the lock".to_owned(),
                });
                continue;
            };
            differences.extend(of_settings(stage, locked, now));
            if is_data(stage) || equal_platform {
                let file_differs = |name: &str| {
                    let kept = kept_artifacts.join(stage.name()).join(name);
                    let is_locked = Digest::of_file(&kept).ok().as_ref() == locked.outputs.get(name);
                    let place = is_locked
                        .then(|| first_difference(&kept, &fresh_artifacts.join(stage.name()).join(name)))
                        .flatten();
                    place.map_or_else(|| "other bytes".to_owned(), |place| format!("first at {place}"))
                };
                differences.extend(of_maps(stage, &locked.outputs, &now.outputs, &file_differs));
            }
        }
        if !equal_platform {
            differences.extend(self.of_metrics(fresh));
        }
        differences
    }

    fn of_metrics(&self, fresh: &Self) -> Vec<Difference> {
        let mut differences = Vec::new();
        for (split, metrics) in &self.metrics {
            for (name, locked) in metrics {
                let now = fresh
                    .metrics
                    .get(split)
                    .and_then(|metrics| metrics.get(name).copied().flatten());
                let apart = match (locked, now) {
                    (Some(locked), Some(now)) => (locked - now).abs(),
                    (None, None) => 0.0,
                    _ => f64::INFINITY,
                };
                if apart > TOLERANCE {
                    differences.push(Difference {
                        stage: StageId::Evaluate,
                        what: format!("{split} {name}"),
                        how: format!(
                            "{} -> {}, more than {TOLERANCE} apart",
                            shown(*locked),
                            shown(now)
                        ),
                    });
                }
            }
        }
        differences
    }
}

fn shown(value: Option<f64>) -> String {
    value.map_or_else(|| "undefined".to_owned(), |value| format!("{value:.4}"))
}

/// Whether the output of a stage depends on nothing but its input, whatever the platform.
fn is_data(stage: StageId) -> bool {
    matches!(stage, StageId::Ingest | StageId::Preprocess | StageId::Split)
}

/// The differences in revision, parameters and inputs from outside, which explain differences in the output.
fn of_settings(stage: StageId, locked: &StageLock, now: &StageLock) -> Vec<Difference> {
    let mut differences = Vec::new();
    if locked.revision != now.revision {
        differences.push(Difference {
            stage,
            what: "revision".to_owned(),
            how: format!("{} -> {}", locked.revision, now.revision),
        });
    }
    let parameters = changed_values(stage.name(), &locked.params, &now.params);
    differences.extend(parameters.into_iter().map(|(what, locked, now)| Difference {
        stage,
        what,
        how: format!("{locked} -> {now}"),
    }));
    let outside = |inputs: &BTreeMap<String, Digest>| -> BTreeMap<String, Digest> {
        let is_outside = |name: &str| name == "the sources" || name.starts_with("encoder/");
        inputs
            .iter()
            .filter(|(name, _)| is_outside(name))
            .map(|(name, digest)| (name.clone(), digest.clone()))
            .collect()
    };
    let other = |_: &str| "other content".to_owned();
    let inputs = of_maps(stage, &outside(&locked.inputs), &outside(&now.inputs), &other);
    // Equal files under another name are the same encoder.
    let is_other_encoder = inputs.iter().any(|input| input.what.starts_with("encoder/"));
    if is_other_encoder && locked.encoder != now.encoder {
        let name = |lock: &StageLock| lock.encoder.clone().unwrap_or_else(|| "a folder".to_owned());
        differences.push(Difference {
            stage,
            what: "encoder".to_owned(),
            how: format!("{} -> {}", name(locked), name(now)),
        });
    }
    differences.extend(inputs);
    differences
}

fn of_maps(
    stage: StageId,
    locked: &BTreeMap<String, Digest>,
    now: &BTreeMap<String, Digest>,
    how: &dyn Fn(&str) -> String,
) -> Vec<Difference> {
    let names: std::collections::BTreeSet<&String> = locked.keys().chain(now.keys()).collect();
    names
        .into_iter()
        .filter_map(|name| {
            let how = match (locked.get(name), now.get(name)) {
                (Some(locked), Some(now)) if locked == now => return None,
                (Some(_), Some(_)) => how(name),
                (Some(_), None) => "is gone".to_owned(),
                (None, _) => "is new".to_owned(),
            };
            Some(Difference {
                stage,
                what: name.clone(),
                how,
            })
        })
        .collect()
}

fn metrics(artifacts: &Path) -> Result<BTreeMap<Split, BTreeMap<String, Option<f64>>>, ArtifactError> {
    let splits = Evaluation::read(Artifacts::all(artifacts))?.splits;
    let named = splits.into_iter().map(|(split, metrics)| {
        let named = [
            ("accuracy", metrics.accuracy),
            ("macro F1", metrics.f1_macro),
            ("AUC", metrics.roc_auc),
        ];
        let values = named.map(|(name, estimate)| (name.to_owned(), estimate.value));
        (split, values.into())
    });
    Ok(named.collect())
}

#[cfg(test)]
mod tests {
    use labelproof_artifact::{PartWriter, SplitRow, part_of};

    use super::*;

    #[test]
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    fn processors_of_one_name_are_told_apart_by_their_instructions() {
        let text = fs::read_to_string(Path::new("/proc/cpuinfo")).unwrap();
        let flags = text.lines().find(|line| line.starts_with("flags")).unwrap();
        let has = |flag: &str| flags.split_whitespace().any(|word| word == flag);
        let found = processor();
        assert_eq!(found.contains(", AVX-512"), has("avx512f"), "{found}");
        assert_eq!(
            found.ends_with(" and bfloat16"),
            has("avx512_bf16") && !has("amx_bf16"),
            "{found}"
        );
        assert_eq!(
            found.ends_with(", AVX-512, bfloat16 and AMX"),
            has("amx_bf16"),
            "{found}"
        );
        assert_eq!(
            found.ends_with(", AVX2"),
            has("avx2") && !has("avx512f"),
            "{found}"
        );
    }

    fn lock(processor: &str, accuracy: f64, split: &str, weights: &str) -> PipelineLock {
        let stage = |stage: StageId, file: &str, content: &str| {
            let mut lock = StageLock::new(stage, 1, serde_json::json!({"seed": 1}), BTreeMap::new());
            lock.outputs
                .insert(file.to_owned(), Digest::of_bytes(content.as_bytes()));
            (stage, lock)
        };
        let values = BTreeMap::from([("accuracy".to_owned(), Some(accuracy))]);
        PipelineLock {
            schema: SCHEMA,
            platform: Platform {
                processor: processor.to_owned(),
                ..Platform::current("cpu")
            },
            metrics: BTreeMap::from([(Split::Test, values)]),
            stages: BTreeMap::from([
                stage(StageId::Split, "split.parquet", split),
                stage(StageId::Train, "model/model.safetensors", weights),
            ]),
        }
    }

    fn differences(locked: &PipelineLock, now: &PipelineLock) -> Vec<String> {
        let nowhere = Path::new("nowhere");
        let all = locked.differences(now, nowhere, nowhere);
        all.into_iter()
            .map(|difference| format!("{} {}: {}", difference.stage, difference.what, difference.how))
            .collect()
    }

    #[test]
    fn on_an_equal_platform_every_byte_counts() {
        let locked = lock("p", 0.9, "a", "w");
        assert_eq!(differences(&locked, &locked), [""; 0]);
        assert_eq!(
            differences(&locked, &lock("p", 0.9, "b", "v")),
            [
                "split split.parquet: other bytes",
                "train model/model.safetensors: other bytes"
            ]
        );
    }

    /// Writes some rows, all of which are in one split, as a table of two parts, and locks them.
    fn in_parts(artifacts: &Path, split: Split) -> PipelineLock {
        let folder = artifacts.join("split");
        for part in 0..2 {
            let mut writer = PartWriter::create(&folder, part, 2).unwrap();
            for id in ["a", "b", "c", "d"].map(str::to_owned) {
                // Only the second part has rows of another split.
                let split = if part == 0 { Split::Train } else { split };
                if part_of(&id, 2) == part {
                    let (label, group) = ("film".to_owned(), id.clone());
                    writer
                        .push(SplitRow {
                            id,
                            label,
                            split,
                            group,
                        })
                        .unwrap();
                }
            }
            writer.finish().unwrap();
        }
        let mut all = lock("p", 0.9, "a", "w");
        let stage = all.stages.get_mut(&StageId::Split).unwrap();
        stage.outputs = StageLock::digest_outputs(&folder).unwrap();
        all
    }

    #[test]
    fn of_a_table_in_parts_the_part_that_differs_is_named() {
        let (kept, fresh) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let locked = in_parts(kept.path(), Split::Train);
        let now = in_parts(fresh.path(), Split::Test);
        let differences = locked.differences(&now, fresh.path(), kept.path());
        let [Difference { what, how, .. }] = differences.as_slice() else {
            panic!("{differences:?}");
        };
        assert_eq!(what, "split.parquet/part-00001.parquet");
        assert_eq!(how, "first at row 0, column `split`");
    }

    #[test]
    fn elsewhere_data_count_by_bytes_and_models_by_their_figures() {
        let locked = lock("p", 0.9, "a", "w");
        assert_eq!(differences(&locked, &lock("q", 0.91, "a", "v")), [""; 0]);
        assert_eq!(
            differences(&locked, &lock("q", 0.8, "b", "v")),
            [
                "split split.parquet: other bytes",
                "evaluate test accuracy: 0.9000 -> 0.8000, more than 0.02 apart"
            ]
        );
    }

    #[test]
    fn an_encoder_of_another_name_is_another_one_if_its_files_are() {
        let with = |name: &str, content: &str| {
            let mut all = lock("p", 0.9, "a", "w");
            let train = all.stages.get_mut(&StageId::Train).unwrap();
            train.encoder = Some(name.to_owned());
            let digest = Digest::of_bytes(content.as_bytes());
            train.inputs.insert("encoder/config.json".to_owned(), digest);
            all
        };
        let locked = with("owner/name@1", "a");
        assert_eq!(differences(&locked, &with("owner/name@2", "a")), [""; 0]);
        assert_eq!(
            differences(&locked, &with("owner/name@2", "b")),
            [
                "train encoder: owner/name@1 -> owner/name@2",
                "train encoder/config.json: other content"
            ]
        );
    }

    #[test]
    fn a_lock_is_read_back_and_other_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipeline.lock");
        let locked = lock("p", 0.9, "a", "w");
        locked.write(&path).unwrap();
        assert_eq!(PipelineLock::read(&path).unwrap(), locked);
        fs::write_atomic(&path, b"{\"schema\": 1}").unwrap();
        let refused = PipelineLock::read(&path).unwrap_err().to_string();
        assert!(
            refused.contains("is not the lock of a pipeline: missing field"),
            "{refused}"
        );
    }
}
