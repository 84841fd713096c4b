//! The bundle: everything that prediction needs in one folder, and the proof that it still gives the same
//! answers.
//!
//! | file | what |
//! | --- | --- |
//! | `model.safetensors` | encoder and head, with the names of the family's `…ForSequenceClassification` |
//! | `config.json`, `tokenizer.json`, `tokenizer_config.json` | what transformers reads beside it |
//! | `modeling_labelproof.py` | the network for transformers, where it has no class with such a head |
//! | `calibration.parquet` | calibrated probabilities of the validation rows, to choose thresholds on |
//! | `labelproof.json` | label names, cleaning, pooling, longest input, temperature, digests, canaries |
//!
//! Loading compares the files with the digests in `labelproof.json`, so that no damaged byte goes unnoticed,
//! and replays the canaries: texts with the token ids and logits they had when the bundle was written. They
//! notice what digests do not: another cleaning rule, a swapped label list, a device or a version of this
//! program that computes something else. Writing a bundle and auditing one replay all of them. Loading one to
//! predict compares the token ids of all, and the logits of the shortest.

mod calibration;
mod canaries;
mod description;
mod foreign;
mod saving;
mod transformers;

use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor, TensorData};
use labelproof_artifact::encoder_files::{TOKENIZER_FILE, WEIGHTS_FILE};
use labelproof_artifact::{Digest, LabelMap, fs};
use labelproof_kernels::device;
use labelproof_kernels::fused::apart;
use labelproof_kernels::workers::Workers;
use labelproof_settings::Precision;
use labelproof_settings::encoder::EncoderConfig;
use labelproof_text::cleaning::Cleaner;
use labelproof_text::tokenizer::{Encoding, Tokenizer};
use rayon::prelude::*;

pub use self::calibration::Calibration;
pub use self::canaries::{CanaryReplay, OtherLogit};
pub use self::description::Description;
pub use self::saving::{save, write_weights};
use crate::batch::{Batch, BatchLimits, Layout};
use crate::classifier::{BatchedRun, Classifier};
use crate::encoder::Encoder;
use crate::error::Error;
use crate::head::{Head, HeadLayout};
use crate::pretrained::load_tokenizer;
use crate::weights::{TensorSource, WeightFiles};

/// The files of a bundle, beside its description, that decide what it computes.
const BUNDLE_FILES: [&str; 3] = [EncoderConfig::FILE, WEIGHTS_FILE, TOKENIZER_FILE];

/// A loaded bundle.
#[derive(Debug)]
pub struct Bundle {
    path: PathBuf,
    /// What the bundle says of itself.
    pub description: Description,
    /// The class names, numbered.
    pub labels: LabelMap,
    /// The network.
    pub classifier: Classifier,
    /// The configuration of the encoder.
    pub encoder_config: EncoderConfig,
    /// The digest of its files where it is a classifier of transformers that Labelproof did not write: it cleans
    /// nothing, and nothing tells what it predicted when it was trained.
    foreign: Option<Digest>,
    pub(crate) cleaner: Cleaner,
    pub(crate) tokenizer: Tokenizer,
    pub(crate) layout: Layout,
    pub(crate) device: Device,
}

/// The logits of some rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Logits {
    /// `[rows, classes]`, row-major.
    pub values: Vec<f32>,
    /// The number of classes.
    pub classes: usize,
}

impl Logits {
    /// The logits of each row.
    pub fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.values.chunks_exact(self.classes)
    }
}

impl Bundle {
    /// Loads a bundle, checks that its files are the ones that were written and that every tensor has its
    /// place, and replays the shortest canaries. Or loads the folder of a classifier that somebody else trained
    /// with transformers, which has nothing to be checked by.
    pub fn load(path: &Path, device: &Device) -> Result<Self, Error> {
        if foreign::is_one(path) {
            return foreign::load(path, None, device);
        }
        let bundle = Self::load_intact(path, device)?;
        bundle.require(&bundle.replay_shortest(canaries::REPLAYED_AT_LOADING)?)?;
        Ok(bundle)
    }

    /// Loads the classifier that an adapter of PEFT makes of a model of transformers.
    pub fn load_adapted(folder: &Path, adapter: &Path, device: &Device) -> Result<Self, Error> {
        foreign::load(folder, Some(adapter), device)
    }

    /// Loads a bundle whose files have the recorded digests.
    fn load_intact(path: &Path, device: &Device) -> Result<Self, Error> {
        let description = Description::read(path)?;
        // Both take about as long, and what was loaded from damaged files does not leave this function.
        let (intact, bundle) = std::thread::scope(|scope| {
            let described = description.clone();
            let intact = scope.spawn(|| check_files(path, &description));
            let bundle = Self::load_described(path, described, device);
            (intact.join().expect("no digest panics"), bundle)
        });
        intact?;
        bundle
    }

    /// Loads a bundle without a replay of its canaries and without a comparison of digests: for the audit,
    /// which reports the differences. Everybody else wants [`Bundle::load`].
    pub fn load_unreplayed(path: &Path, device: &Device) -> Result<Self, Error> {
        if foreign::is_one(path) {
            return foreign::load(path, None, device);
        }
        Self::load_described(path, Description::read(path)?, device)
    }

    fn load_described(path: &Path, description: Description, device: &Device) -> Result<Self, Error> {
        let encoder_config = EncoderConfig::read(path)?;
        description.check_encoder(path, &encoder_config)?;
        let tokenizer = load_tokenizer(path, &encoder_config)?;
        let files = WeightFiles::open(path)?;
        let mut source = files.source(device)?;
        let encoder = Encoder::load(&mut source, &encoder_config);
        let layout = HeadLayout::new(description.head.kind, &encoder_config);
        let head = Head::load(&mut source, &description.head, layout, device);
        source.finish()?;
        Ok(Self {
            path: path.to_path_buf(),
            labels: LabelMap::new(description.labels.clone()),
            classifier: Classifier {
                encoder,
                head,
                pooling: description.pooling,
                precision: description.precision,
            },
            encoder_config,
            cleaner: Cleaner::new(&description.clean)?,
            layout: description.layout(path, &tokenizer)?,
            tokenizer,
            device: device.clone(),
            foreign: None,
            description,
        })
    }

    /// The network with other weights of the same shape: those of a file that [`write_weights`] wrote, or, without
    /// `with_encoder`, a head that [`Head::named_tensors`] gave.
    pub fn read_classifier(&self, path: &Path, with_encoder: bool) -> Result<Classifier, Error> {
        let bytes = fs::read(path)?;
        let mut source = TensorSource::new(path, &bytes, &self.device)?;
        let encoder = if with_encoder {
            Encoder::load(&mut source, &self.encoder_config)
        } else {
            source.expect_names(self.classifier.encoder.prefix(), &[]);
            self.classifier.encoder.clone()
        };
        let layout = HeadLayout::new(self.description.head.kind, &self.encoder_config);
        let head = Head::load(&mut source, &self.description.head, layout, &self.device);
        source.finish()?;
        Ok(Classifier {
            encoder,
            head,
            ..self.classifier
        })
    }

    /// Whether it is a classifier of transformers that Labelproof did not write.
    pub fn is_foreign(&self) -> bool {
        self.foreign.is_some()
    }

    /// The digest of the bundle's description, which names the digests of its other files; of a folder without
    /// one, that of the files that are read.
    pub fn digest(&self) -> Result<Digest, Error> {
        if let Some(digest) = &self.foreign {
            return Ok(digest.clone());
        }
        Ok(Digest::of_file(&self.path.join(description::DESCRIPTION_FILE))?)
    }

    /// The same bundle, which predicts with dense layers in int8 ([`Precision::Int8`]).
    pub fn in_int8(mut self) -> Self {
        self.classifier = Classifier {
            encoder: self.classifier.encoder.with_int8(),
            precision: Precision::Int8,
            ..self.classifier
        };
        self
    }

    /// The same bundle, which predicts in float32.
    pub fn in_float32(mut self) -> Self {
        self.classifier.precision = Precision::Float32;
        self
    }

    /// The folder that it was read from; of an adapter, that of its base.
    pub fn folder(&self) -> &Path {
        &self.path
    }

    /// The token that fills up shorter rows of a batch.
    pub fn pad_id(&self) -> u32 {
        self.tokenizer.pad_id()
    }

    /// Cleans and tokenises texts as in training.
    pub fn tokenize(&self, texts: &[impl AsRef<str> + Sync]) -> Result<Vec<Vec<u32>>, Error> {
        let cleaned: Vec<String> = texts
            .par_iter()
            .map(|text| self.cleaner.clean(text.as_ref()).into_owned())
            .collect();
        let encodings = self
            .tokenizer
            .encode_batch(&cleaned, self.description.max_tokens)?;
        Ok(encodings.into_iter().map(|encoding| encoding.ids).collect())
    }

    /// Cleans and tokenises a text as [`Bundle::tokenize`] does. The encoding says how long it was before it was cut.
    pub fn encode(&self, text: &str) -> Result<Encoding, Error> {
        let cleaned = self.cleaner.clean(text);
        Ok(self.tokenizer.encode(&cleaned, self.description.max_tokens)?)
    }

    /// Where longer texts are cut: `left` or `right`.
    pub fn truncation_side(&self) -> &'static str {
        self.tokenizer.truncation_side()
    }

    /// The tokens that are predicted together at most, unless a single text has more.
    pub fn batch_tokens(&self) -> usize {
        BatchLimits::of(&self.device).tokens()
    }

    /// Predicts from raw text, shared among processes, all of which get all logits. `done` is called with the
    /// number of rows that are finished since.
    pub fn predict(
        &self,
        texts: &[impl AsRef<str> + Sync],
        workers: &Workers,
        done: impl FnMut(usize),
    ) -> Result<Logits, Error> {
        self.predict_tokens(&self.tokenize(texts)?, workers, done)
    }

    /// Predicts as [`Bundle::predict`], and returns with the logits the features that they were computed
    /// from, the pooled vectors `[rows, hidden]`, row-major.
    pub fn predict_with_features(
        &self,
        texts: &[impl AsRef<str> + Sync],
        workers: &Workers,
        done: impl FnMut(usize),
    ) -> Result<(Logits, Vec<f32>), Error> {
        let tokens = self.tokenize(texts)?;
        let rows: Vec<&[u32]> = tokens.iter().map(Vec::as_slice).collect();
        let forward = |batch: &Batch| {
            let pooled = self.classifier.features(batch);
            Tensor::cat(vec![self.classifier.head.forward(pooled.clone()), pooled], 1)
        };
        let classes = self.labels.len();
        let width = classes + self.description.head.input;
        let both = self.run(workers).outputs(&rows, width, forward, done)?;
        let mut logits = Vec::with_capacity(rows.len() * classes);
        let mut features = Vec::with_capacity(both.len().saturating_sub(rows.len() * classes));
        for row in both.chunks_exact(width) {
            logits.extend_from_slice(&row[..classes]);
            features.extend_from_slice(&row[classes..]);
        }
        let logits = Logits {
            values: logits,
            classes,
        };
        Ok((logits, features))
    }

    /// Predicts from token ids; see [`Bundle::predict`].
    pub fn predict_tokens(
        &self,
        rows: &[Vec<u32>],
        workers: &Workers,
        done: impl FnMut(usize),
    ) -> Result<Logits, Error> {
        let rows: Vec<&[u32]> = rows.iter().map(Vec::as_slice).collect();
        let forward = |batch: &_| self.classifier.forward(batch);
        let classes = self.labels.len();
        let values = self.run(workers).outputs(&rows, classes, forward, done)?;
        Ok(Logits { values, classes })
    }

    /// Predicts from token ids so that the logits of a row are the same bits whatever rows are beside it: in any
    /// order, number and company. On an accelerator and on the pure-Rust backend they are the same but for rounding,
    /// as in [`Bundle::predict_tokens`], which is faster.
    pub fn predict_apart(
        &self,
        rows: &[Vec<u32>],
        workers: &Workers,
        done: impl FnMut(usize),
    ) -> Result<Logits, Error> {
        if !device::is_libtorch_processor(&self.device) {
            return self.predict_tokens(rows, workers, done);
        }
        let rows: Vec<&[u32]> = rows.iter().map(Vec::as_slice).collect();
        let forward = |batch: &_| {
            let features = self.classifier.features(batch);
            // One by one: the head's products are small, and have as many rows as there are texts.
            let [texts, _] = features.dims();
            let of_text = |text| self.classifier.head.forward(features.clone().narrow(0, text, 1));
            Tensor::cat((0..texts).map(of_text).collect(), 0)
        };
        let classes = self.labels.len();
        let values = apart(|| self.run(workers).outputs(&rows, classes, forward, done))?;
        Ok(Logits { values, classes })
    }

    fn run<'a>(&'a self, workers: &'a Workers) -> BatchedRun<'a> {
        BatchedRun {
            layout: self.layout,
            device: &self.device,
            workers,
        }
    }

    /// Predicts from features, pooled vectors `[rows, hidden]`, row-major.
    pub fn predict_features(&self, features: &[f32]) -> Logits {
        let width = self.description.head.input;
        let values = head_logits(&self.classifier.head, features, width, &self.device);
        Logits {
            values,
            classes: self.labels.len(),
        }
    }

    /// Predicts token ids in one padded batch, as training does.
    pub fn predict_padded(&self, rows: &[Vec<u32>]) -> Logits {
        let rows: Vec<&[u32]> = rows.iter().map(Vec::as_slice).collect();
        let batch = self.layout.batch(&rows, &self.device);
        let logits = self.classifier.forward(&batch).into_data();
        Logits {
            values: logits.iter::<f32>().collect(),
            classes: self.labels.len(),
        }
    }

    /// Predicts each row of token ids in a batch of its own.
    pub fn predict_alone(&self, rows: &[Vec<u32>]) -> Logits {
        let alone = rows
            .iter()
            .flat_map(|row| self.predict_padded(std::slice::from_ref(row)).values);
        Logits {
            values: alone.collect(),
            classes: self.labels.len(),
        }
    }
}

/// The number of rows that go through the head at once.
const HEAD_BATCH: usize = 8192;

/// The logits of pooled vectors, `[rows, width]`: `[rows, classes]`, row-major.
pub fn head_logits(head: &Head, features: &[f32], width: usize, device: &Device) -> Vec<f32> {
    let mut logits = Vec::new();
    for chunk in features.chunks(HEAD_BATCH * width) {
        let data = TensorData::new(chunk.to_vec(), [chunk.len() / width, width]);
        logits.extend(
            head.forward(Tensor::from_data(data, device))
                .into_data()
                .iter::<f32>(),
        );
    }
    logits
}

/// Compares the files of a bundle with their recorded digests.
fn check_files(path: &Path, description: &Description) -> Result<(), Error> {
    let calibration = description.temperature.map(|_| calibration::CALIBRATION_FILE);
    let of_transformers = transformers::files(description.head.kind);
    for file in BUNDLE_FILES.into_iter().chain(calibration).chain(of_transformers) {
        if description.files.get(file) != Some(&Digest::of_file(&path.join(file))?) {
            return Err(Error::BundleFile {
                path: path.join(file),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
