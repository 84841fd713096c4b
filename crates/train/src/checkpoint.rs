//! Checkpoints: the state of a training between two steps, kept in a folder, from which an interrupted
//! training resumes.
//!
//! A checkpoint is a list of files with their digests, written last and renamed into place; files that it
//! does not name do not belong to it. A killed process therefore leaves the previous checkpoint, and a
//! damaged one is the same as none.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use burn::module::{Module, Param};
use burn::optim::{ModuleOptimizer, OptimizerRecord};
use burn::store::{ModuleRecord, RecordError};
use burn::tensor::Tensor;
use labelproof_artifact::fs::{self, FsError};
use labelproof_artifact::{Digest, HistoryRow};
use serde::{Deserialize, Serialize};

use crate::lazy_embedding::LazyEmbedding;

/// The state of a training between two steps.
pub(crate) struct State<M> {
    /// The module in training mode.
    pub(crate) module: M,
    pub(crate) optimizer: ModuleOptimizer,
    /// The table of word embeddings, where it is trained; the module has the whole of it between epochs and
    /// for a checkpoint.
    pub(crate) embedding: Option<LazyEmbedding>,
    /// The best epoch's module, in inference mode.
    pub(crate) best: Option<M>,
    pub(crate) position: LoopPosition,
}

/// How far the training loop has got.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct LoopPosition {
    /// The number of steps done, over all epochs.
    pub(crate) step: u64,
    /// The sum of the losses of the rows of the current epoch.
    pub(crate) loss_sum: f64,
    /// The number of rows of the current epoch that were right.
    pub(crate) right: usize,
    /// The epochs that are done and validated.
    pub(crate) history: Vec<HistoryRow>,
    pub(crate) best: Option<BestEpoch>,
}

impl LoopPosition {
    /// The number of epochs that are done.
    pub(crate) fn epochs(&self) -> u32 {
        self.history.last().map_or(0, |row| row.epoch)
    }
}

/// The best epoch so far.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct BestEpoch {
    pub(crate) epoch: u32,
    /// The metric by which epochs are compared; the larger the better.
    pub(crate) merit: f64,
    /// The loss of the validation rows, which decides between epochs of equal merit.
    pub(crate) loss: f64,
}

/// A checkpoint could not be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CheckpointError {
    #[error(transparent)]
    File(#[from] FsError),
    #[error("cannot write `{}`", path.display())]
    Record { path: PathBuf, source: RecordError },
}

/// The file that makes a checkpoint: how far the loop has got, and which files belong to the checkpoint.
#[derive(Debug, Serialize, Deserialize)]
struct Index {
    progress: LoopPosition,
    files: BTreeMap<String, Digest>,
}

const INDEX: &str = "checkpoint.json";

/// The time between two checkpoints within an epoch: short beside the work that would be lost, long beside
/// the seconds that a large model's gigabytes take to be written.
const INTERVAL: Duration = Duration::from_mins(5);

/// The time between two checkpoints at ends of epochs: the disk takes a second for a fine-tuned encoder and
/// its optimiser state, and an epoch on short texts little longer.
const EPOCH_INTERVAL: Duration = Duration::from_secs(30);

/// The folder in which a training keeps its checkpoint.
#[derive(Debug)]
pub(crate) struct Checkpoints {
    folder: PathBuf,
    interval: Duration,
    epoch_interval: Duration,
    written: Instant,
}

impl Checkpoints {
    /// Checkpoints in a folder, which need not exist.
    pub(crate) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_path_buf(),
            interval: INTERVAL,
            epoch_interval: EPOCH_INTERVAL,
            written: Instant::now(),
        }
    }

    /// The folder of the checkpoint.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether the last one is old enough for one within an epoch.
    pub(crate) fn due(&self) -> bool {
        self.written.elapsed() >= self.interval
    }

    /// Whether the last one is old enough for one at the end of an epoch.
    pub(crate) fn due_after_epoch(&self) -> bool {
        self.written.elapsed() >= self.epoch_interval
    }

    /// Writes a state, whose module has its whole embedding table, in the place of the previous checkpoint.
    pub(crate) fn write<M: Module>(&mut self, state: &State<M>) -> Result<(), CheckpointError> {
        fs::create_dir_all(&self.folder)?;
        let step = state.position.step;
        let mut files = BTreeMap::new();
        // `valid` brings the running statistics of a batch normalisation up to date, which `module` shares.
        let _ = state.module.valid();
        let module = state.module.clone().into_record();
        self.keep(&mut files, module_name(step), |path| module.save(path))?;
        let optimizer = state.optimizer.to_record();
        self.keep(&mut files, optimizer_name(step), |path| optimizer.save(path))?;
        if let Some(embedding) = &state.embedding {
            let path = self.folder.join(embedding_name(step));
            fs::write_atomic(&path, &embedding.to_bytes())?;
            files.insert(embedding_name(step), Digest::of_file(&path)?);
        }
        if let (Some(best), Some(module)) = (state.position.best, &state.best) {
            let name = best_name(best.epoch);
            let kept = self.index().and_then(|index| index.files.get(&name).cloned());
            if let Some(digest) = kept {
                files.insert(name, digest);
            } else {
                let record = module.clone().into_record();
                self.keep(&mut files, name, |path| record.save(path))?;
            }
        }
        let index = Index {
            progress: state.position.clone(),
            files,
        };
        let text = serde_json::to_string(&index).expect("an index has string keys only");
        fs::write_atomic(&self.folder.join(INDEX), text.as_bytes())?;
        self.written = Instant::now();
        self.remove_all_but(&index)?;
        Ok(())
    }

    fn keep(
        &self,
        files: &mut BTreeMap<String, Digest>,
        name: String,
        save: impl FnOnce(&Path) -> Result<(), RecordError>,
    ) -> Result<(), CheckpointError> {
        let path = self.folder.join(&name);
        save(&path).map_err(|source| CheckpointError::Record {
            path: path.clone(),
            source,
        })?;
        files.insert(name, Digest::of_file(&path)?);
        Ok(())
    }

    fn remove_all_but(&self, index: &Index) -> Result<(), FsError> {
        let files = fs::files_below(&self.folder)?;
        for path in files
            .into_iter()
            .filter(|path| path.parent() == Some(self.folder.as_path()))
        {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name != INDEX && !index.files.contains_key(name.as_ref()) {
                fs::remove(&path)?;
            }
        }
        Ok(())
    }

    fn index(&self) -> Option<Index> {
        serde_json::from_slice(&fs::read(&self.folder.join(INDEX)).ok()?).ok()
    }

    /// Whether there is one at all, be it whole or not.
    pub(crate) fn exist(&self) -> bool {
        self.folder.join(INDEX).exists()
    }

    /// The state of the checkpoint, put into a new module and a new optimiser; `None` if there is none, or it
    /// is not whole. `table` says where the module has its embedding table, if that is trained.
    pub(crate) fn read<M: Module>(
        &self,
        module: &M,
        optimizer: &ModuleOptimizer,
        table: Option<fn(&mut M) -> &mut Param<Tensor<2>>>,
    ) -> Option<State<M>> {
        let Index {
            progress: position,
            files,
        } = self.index()?;
        for (name, digest) in &files {
            if Digest::of_file(&self.folder.join(name)).ok()? != *digest {
                return None;
            }
        }
        let record = |name: &str| ModuleRecord::load(self.folder.join(name)).ok();
        let best = match position.best {
            Some(best) => {
                let record = record(&best_name(best.epoch))?;
                Some(module.valid().try_load_record(record).ok()?)
            }
            None => None,
        };
        let optimizer_record = OptimizerRecord::load(self.folder.join(optimizer_name(position.step))).ok()?;
        let module_record = record(&module_name(position.step))?;
        let mut module = module.clone().try_load_record(module_record).ok()?;
        let embedding = match table {
            Some(table) => {
                let moments = fs::read(&self.folder.join(embedding_name(position.step))).ok()?;
                let steps = usize::try_from(position.step).ok()?;
                Some(LazyEmbedding::resume(steps, table(&mut module), &moments)?)
            }
            None => None,
        };
        Some(State {
            module,
            embedding,
            optimizer: optimizer.clone().load_record(optimizer_record),
            best,
            position,
        })
    }

    #[cfg(test)]
    pub(crate) fn with_interval(self, interval: Duration) -> Self {
        Self {
            interval,
            epoch_interval: interval,
            ..self
        }
    }
}

fn module_name(step: u64) -> String {
    format!("module-{step}.bpk")
}

fn optimizer_name(step: u64) -> String {
    format!("optimizer-{step}.bpk")
}

fn embedding_name(step: u64) -> String {
    format!("words-{step}.bin")
}

fn best_name(epoch: u32) -> String {
    format!("best-{epoch}.bpk")
}
