//! The bundle: everything that prediction needs in one folder, and the proof that it still gives the same answers.
//!
//! | file | what |
//! | --- | --- |
//! | `config.json`, `model.safetensors`, `tokenizer.json`, … | the encoder in Hugging Face's layout |
//! | `head.safetensors` | the head, in PyTorch's layout |
//! | `labelproof.json` | label names, cleaning steps, pooling, maximum length, digests of the other files, canaries |
//!
//! Loading compares the files with the digests in `labelproof.json`, so that no damaged byte goes unnoticed, and replays
//! the canaries: texts with the token ids and logits they gave when the bundle was written. They notice what digests do
//! not: another cleaning rule, a swapped label list, a device or a version of this program that computes something else.
//! Writing a bundle and auditing one replay all of them; loading one to predict compares the tokens of all, and the logits of
//! the shortest, because one of them is as long as a text can be and takes longer than all the rest of loading.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use labelproof_artifact::{BUNDLE, Digest, LabelMap, fs};
use labelproof_settings::encoder::{self, EncoderConfig, TOKENIZER_FILE, WEIGHTS_FILE};
use labelproof_settings::{Pooling, Precision};
use labelproof_text::cleaning::{Cleaner, Step};
use labelproof_text::tokenizer::Tokenizer;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::classifier::{self, Classifier};
use crate::encoder::load_encoder;
use crate::error::Error;
use crate::head::{Head, HeadSettings};
use crate::weights::{NamedTensors, TensorSource};

/// The version of the bundle's format.
const FORMAT: u32 = BUNDLE.format;
const DESCRIPTION_FILE: &str = "labelproof.json";
const HEAD_FILE: &str = "head.safetensors";

/// How far a replayed logit may be from the recorded one, relative to the larger of 1 and the recorded one: rounding in
/// another order (other threads, another processor, a GPU) stays below it, a wrong input does not. In 16 bits, another
/// processor's instructions moved logits of 4 by up to 0.02.
fn canary_tolerance(precision: Precision) -> f32 {
    match precision {
        Precision::Float32 => 1e-3,
        Precision::Bfloat16 | Precision::Int8 => 5e-2,
    }
}

/// How many canaries are predicted again where a bundle is loaded.
const CANARIES_AT_LOADING: usize = 3;

/// What a bundle says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    format: u32,
    /// Class names; a logit's place is a class's place here.
    pub labels: Vec<String>,
    /// Applied to a text before tokenising, in order.
    pub clean: Vec<Step>,
    /// Longest input in tokens, special ones included.
    pub max_tokens: usize,
    /// From token vectors to a text's vector.
    pub pooling: Pooling,
    /// What the encoder computes in; not written where it is 32 bits.
    #[serde(default, skip_serializing_if = "is_full")]
    pub precision: Precision,
    /// The head's shape.
    pub head: HeadSettings,
    /// Of the files that decide what the bundle computes.
    files: BTreeMap<String, Digest>,
    canaries: Vec<Canary>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_full(precision: &Precision) -> bool {
    *precision == Precision::Float32
}

impl Description {
    /// A description without digests and canaries; [`save`] adds them.
    pub fn new(
        labels: &LabelMap,
        clean: Vec<Step>,
        max_tokens: usize,
        pooling: Pooling,
        precision: Precision,
        head: HeadSettings,
    ) -> Self {
        let labels = labels.names().to_vec();
        Self {
            format: FORMAT,
            labels,
            clean,
            max_tokens,
            pooling,
            precision,
            head,
            files: BTreeMap::new(),
            canaries: Vec::new(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Canary {
    text: String,
    tokens: Vec<u32>,
    logits: Vec<f32>,
}

/// A loaded bundle.
#[derive(Debug)]
pub struct Bundle {
    path: PathBuf,
    /// What it says of itself.
    pub description: Description,
    /// Its class names, numbered.
    pub labels: LabelMap,
    /// The network.
    pub classifier: Classifier,
    /// The encoder's shape.
    pub encoder_config: EncoderConfig,
    pub(crate) cleaner: Cleaner,
    pub(crate) tokenizer: Tokenizer,
    pub(crate) device: Device,
}

/// What came of predicting the canaries again.
#[derive(Debug, Clone, PartialEq)]
pub struct CanaryReplay {
    /// Canaries that were predicted again.
    pub rows: usize,
    /// The first canary whose text became other tokens.
    pub other_tokens: Option<usize>,
    /// For each canary with other logits, the first of them.
    pub other_logits: Vec<OtherLogit>,
}

/// A logit that is not what was recorded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OtherLogit {
    /// The canary.
    pub row: usize,
    /// As recorded.
    pub expected: f32,
    /// As it came out.
    pub found: f32,
}

impl OtherLogit {
    /// How far both are apart.
    pub fn distance(&self) -> f32 {
        (self.expected - self.found).abs()
    }
}

/// Logits of some rows, and what follows from them.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    /// `[rows, classes]`, row-major.
    pub logits: Vec<f32>,
    /// Columns.
    pub classes: usize,
}

impl Scores {
    /// The logits of each row.
    pub fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.logits.chunks_exact(self.classes)
    }
}

impl Bundle {
    /// Loads a bundle, checks that its files are what was written and that every tensor finds its place, and replays the
    /// shortest canaries.
    pub fn load(path: &Path, device: &Device) -> Result<Self, Error> {
        let bundle = Self::load_checked(path, device)?;
        bundle.require(&bundle.replay_shortest(CANARIES_AT_LOADING)?)?;
        Ok(bundle)
    }

    fn load_checked(path: &Path, device: &Device) -> Result<Self, Error> {
        let description = read_description(path)?;
        // Both take about as long, and what was loaded from damaged files goes no further than this function.
        let (intact, bundle) = std::thread::scope(|scope| {
            let described = description.clone();
            let intact = scope.spawn(|| check_files(path, &description));
            let bundle = Self::load_described(path, described, device);
            (intact.join().expect("no digest panics"), bundle)
        });
        intact?;
        bundle
    }

    /// Loads a bundle without asking whether it still gives the answers it gave: for the audit, which wants to know in
    /// what they differ. Everybody else wants [`Bundle::load`].
    pub fn load_unreplayed(path: &Path, device: &Device) -> Result<Self, Error> {
        Self::load_described(path, read_description(path)?, device)
    }

    fn load_described(path: &Path, description: Description, device: &Device) -> Result<Self, Error> {
        let encoder_config = EncoderConfig::read(path)?;
        check_fit(path, &description, &encoder_config)?;
        let tokenizer = load_tokenizer(path, &encoder_config)?;
        let (encoder, _) = load_weights(path, &encoder_config, device)?;
        let head = load_head(&path.join(HEAD_FILE), &description.head, device)?;
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
            tokenizer,
            device: device.clone(),
            description,
        })
    }

    /// The same bundle, which predicts with dense layers in whole numbers of 8 bits ([`Precision::Int8`]).
    pub fn in_int8(mut self) -> Self {
        self.classifier = Classifier {
            encoder: self.classifier.encoder.with_int8(),
            precision: Precision::Int8,
            ..self.classifier
        };
        self
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

    /// Predicts from raw text. `done` is told how many rows each batch finished.
    pub fn predict(
        &self,
        texts: &[impl AsRef<str> + Sync],
        done: impl FnMut(usize),
    ) -> Result<Scores, Error> {
        Ok(self.predict_tokens(&self.tokenize(texts)?, done))
    }

    /// [`Bundle::predict`], and beside the logits the pooled vectors that they were made of, `[rows, hidden]`, row-major.
    pub fn predict_with_features(
        &self,
        texts: &[impl AsRef<str> + Sync],
        done: impl FnMut(usize),
    ) -> Result<(Scores, Vec<f32>), Error> {
        let tokens = self.tokenize(texts)?;
        let rows: Vec<&[u32]> = tokens.iter().map(Vec::as_slice).collect();
        let forward = |batch: &Batch| {
            let pooled = self.classifier.features(batch);
            burn::tensor::Tensor::cat(vec![self.classifier.head.forward(pooled.clone()), pooled], 1)
        };
        let both = classifier::in_batches(&rows, self.tokenizer.pad_id(), &self.device, forward, done);
        let classes = self.labels.len();
        let mut logits = Vec::with_capacity(rows.len() * classes);
        let mut features = Vec::with_capacity(both.len().saturating_sub(rows.len() * classes));
        for row in both.chunks_exact(classes + self.description.head.input) {
            logits.extend_from_slice(&row[..classes]);
            features.extend_from_slice(&row[classes..]);
        }
        Ok((Scores { logits, classes }, features))
    }

    /// Predicts from token ids.
    pub fn predict_tokens(&self, rows: &[Vec<u32>], done: impl FnMut(usize)) -> Scores {
        let rows: Vec<&[u32]> = rows.iter().map(Vec::as_slice).collect();
        let forward = |batch: &_| self.classifier.forward(batch);
        let logits = classifier::in_batches(&rows, self.tokenizer.pad_id(), &self.device, forward, done);
        Scores {
            logits,
            classes: self.labels.len(),
        }
    }

    /// Predicts from pooled vectors, `[rows, hidden]`, row-major.
    pub fn predict_features(&self, features: &[f32]) -> Scores {
        let width = self.description.head.input;
        let logits = head_logits(&self.classifier.head, features, width, &self.device);
        Scores {
            logits,
            classes: self.labels.len(),
        }
    }

    /// Predicts token ids in one padded batch, as training does: `[rows, classes]`.
    pub fn predict_padded(&self, rows: &[Vec<u32>]) -> Scores {
        let rows: Vec<&[u32]> = rows.iter().map(Vec::as_slice).collect();
        let batch = Batch::new(&rows, self.tokenizer.pad_id(), &self.device);
        Scores {
            logits: self
                .classifier
                .forward(&batch)
                .into_data()
                .iter::<f32>()
                .collect(),
            classes: self.labels.len(),
        }
    }

    /// Predicts each row of token ids in a batch of its own: `[rows, classes]`.
    pub fn predict_alone(&self, rows: &[Vec<u32>]) -> Scores {
        let alone = rows
            .iter()
            .flat_map(|row| self.predict_padded(std::slice::from_ref(row)).logits);
        Scores {
            logits: alone.collect(),
            classes: self.labels.len(),
        }
    }

    /// Predicts the canaries again and compares with what was recorded.
    pub fn replay(&self) -> Result<CanaryReplay, Error> {
        self.replay_shortest(usize::MAX)
    }

    /// Compares the tokens of all canaries, and the logits of the shortest, at most so many.
    fn replay_shortest(&self, most: usize) -> Result<CanaryReplay, Error> {
        let canaries = &self.description.canaries;
        let texts: Vec<&str> = canaries.iter().map(|canary| canary.text.as_str()).collect();
        let tokens = self.tokenize(&texts)?;
        let recorded = canaries.iter().map(|canary| &canary.tokens);
        let other_tokens = recorded
            .zip(&tokens)
            .position(|(recorded, found)| recorded != found);
        let mut rows: Vec<usize> = (0..canaries.len()).collect();
        rows.sort_by_key(|&row| tokens[row].len());
        rows.truncate(most);
        rows.sort_unstable();
        let predicted: Vec<Vec<u32>> = rows.iter().map(|&row| tokens[row].clone()).collect();
        let scores = self.predict_tokens(&predicted, |_| ());
        let tolerance = canary_tolerance(self.description.precision);
        let mut worst = Vec::new();
        for (&row, found) in rows.iter().zip(scores.rows()) {
            let pairs = canaries[row].logits.iter().zip(found);
            let beyond = pairs
                .map(|(&expected, &found)| OtherLogit { row, expected, found })
                // Written so that a NaN counts as well.
                .find(|logit| {
                    let close = logit.distance() <= tolerance * logit.expected.abs().max(1.0);
                    !close
                });
            worst.extend(beyond);
        }
        Ok(CanaryReplay {
            rows: rows.len(),
            other_tokens,
            other_logits: worst,
        })
    }

    /// The texts of the canaries.
    pub fn canary_texts(&self) -> Vec<String> {
        self.description
            .canaries
            .iter()
            .map(|canary| canary.text.clone())
            .collect()
    }

    /// Fails if a canary gave something else.
    fn require(&self, replay: &CanaryReplay) -> Result<(), Error> {
        if let Some(row) = replay.other_tokens {
            return Err(Error::CanaryTokens {
                path: self.path.clone(),
                row,
            });
        }
        match replay.other_logits.first() {
            None => Ok(()),
            Some(&OtherLogit { row, expected, found }) => Err(Error::Canary {
                path: self.path.clone(),
                row,
                expected,
                found,
            }),
        }
    }
}

/// How many feature rows go through the head at once.
const HEAD_BATCH: usize = 8192;

/// The logits of pooled vectors `[rows, width]`.
pub fn head_logits(head: &Head, features: &[f32], width: usize, device: &Device) -> Vec<f32> {
    let mut logits = Vec::new();
    for chunk in features.chunks(HEAD_BATCH * width) {
        let data = burn::tensor::TensorData::new(chunk.to_vec(), [chunk.len() / width, width]);
        logits.extend(
            head.forward(burn::tensor::Tensor::from_data(data, device))
                .into_data()
                .iter::<f32>(),
        );
    }
    logits
}

fn read_description(path: &Path) -> Result<Description, Error> {
    let problem = |problem: String| Error::Bundle {
        path: path.to_path_buf(),
        problem,
    };
    let file = path.join(DESCRIPTION_FILE);
    if !file.exists() {
        return Err(Error::NoBundle {
            path: path.to_path_buf(),
            file: DESCRIPTION_FILE,
        });
    }
    let text = fs::read_to_string(&file)?;
    let value: serde_json::Value =
        serde_json::from_str(&text).map_err(|error| problem(format!("`{DESCRIPTION_FILE}`: {error}")))?;
    let format = value.get("format").and_then(serde_json::Value::as_u64);
    if format != Some(u64::from(FORMAT)) {
        let found = format.map_or("none".to_owned(), |format| format.to_string());
        return Err(problem(format!(
            "its format is {found}, this program reads {FORMAT}"
        )));
    }
    let description: Description =
        serde_json::from_value(value).map_err(|error| problem(format!("`{DESCRIPTION_FILE}`: {error}")))?;
    let classes = description.labels.len();
    if classes < 2 || description.head.classes != classes {
        return Err(problem(format!(
            "it has {classes} labels and a head for {}",
            description.head.classes
        )));
    }
    if !(0.0..1.0).contains(&description.head.dropout) {
        return Err(problem(format!("its dropout is {}", description.head.dropout)));
    }
    if description
        .canaries
        .iter()
        .any(|canary| canary.logits.len() != classes)
    {
        return Err(problem("a canary has not one logit a label".to_owned()));
    }
    Ok(description)
}

/// Whether head, texts and encoder go together.
fn check_fit(path: &Path, description: &Description, encoder: &EncoderConfig) -> Result<(), Error> {
    let (input, width) = (description.head.input, encoder.hidden_size);
    let (tokens, positions) = (description.max_tokens, encoder.max_position_embeddings);
    let problem = if input != width {
        format!("its head reads {input} values a text, its encoder gives {width}")
    } else if tokens > positions {
        format!("its texts have up to {tokens} tokens, its encoder takes {positions}")
    } else {
        return Ok(());
    };
    Err(Error::Bundle {
        path: path.to_path_buf(),
        problem,
    })
}

fn check_files(path: &Path, description: &Description) -> Result<(), Error> {
    for file in BUNDLE_FILES {
        if description.files.get(file) != Some(&Digest::of_file(&path.join(file))?) {
            return Err(Error::BundleFile {
                path: path.join(file),
            });
        }
    }
    Ok(())
}

/// Loads an encoder folder's tokenizer and checks that its ids fit the embedding table.
pub fn load_tokenizer(folder: &Path, config: &EncoderConfig) -> Result<Tokenizer, Error> {
    let tokenizer = Tokenizer::from_file(&encoder::require(folder, TOKENIZER_FILE)?)?;
    let (entries, vocabulary) = (tokenizer.vocabulary_size(), config.vocab_size);
    if entries > vocabulary {
        return Err(Error::Vocabulary {
            tokenizer: entries,
            encoder: vocabulary,
        });
    }
    Ok(tokenizer)
}

fn load_weights(
    folder: &Path,
    config: &EncoderConfig,
    device: &Device,
) -> Result<(crate::encoder::Encoder, NamedTensors), Error> {
    let path = encoder::require(folder, WEIGHTS_FILE)?;
    load_encoder(&path, &fs::map(&path)?, config, device)
}

fn load_head(path: &Path, settings: &HeadSettings, device: &Device) -> Result<Head, Error> {
    let bytes = fs::read(path)?;
    let mut source = TensorSource::new(path, &bytes, device)?;
    let head = Head::load(&mut source, settings, device);
    source.finish()?;
    Ok(head)
}

/// An encoder folder, read: what training starts from.
#[derive(Debug)]
pub struct Pretrained {
    /// The folder.
    pub folder: PathBuf,
    /// Its configuration.
    pub config: EncoderConfig,
    /// Its tokenizer.
    pub tokenizer: Tokenizer,
    /// Its weights on the device.
    pub encoder: crate::encoder::Encoder,
    leftover: NamedTensors,
}

impl Pretrained {
    /// Reads an encoder folder onto a device.
    pub fn load(folder: &Path, device: &Device) -> Result<Self, Error> {
        let config = EncoderConfig::read(folder)?;
        let tokenizer = load_tokenizer(folder, &config)?;
        let (encoder, leftover) = load_weights(folder, &config, device)?;
        Ok(Self {
            folder: folder.to_path_buf(),
            config,
            tokenizer,
            encoder,
            leftover,
        })
    }
}

/// The files of an encoder folder, beside its weights, that other programs look for.
const COMPANION_FILES: [&str; 5] = [
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.txt",
];

/// Writes a bundle and loads it again, which proves on every canary that what was saved is what was trained.
///
/// `classifier` must be on `device`, without autodiff. With `encoder_changed` false the encoder's weights are copied
/// byte for byte.
pub fn save(
    folder: &Path,
    pretrained: Pretrained,
    classifier: &Classifier,
    encoder_changed: bool,
    mut description: Description,
    canary_texts: &[String],
    device: &Device,
) -> Result<Bundle, Error> {
    fs::create_dir_all(folder)?;
    for file in COMPANION_FILES {
        let from = pretrained.folder.join(file);
        if from.exists() {
            fs::copy(&from, &folder.join(file))?;
        }
    }
    let weights = folder.join(WEIGHTS_FILE);
    if encoder_changed {
        let mut tensors = classifier.encoder.named_tensors();
        tensors.extend(pretrained.leftover);
        tensors.write(&weights)?;
    } else {
        fs::copy(&pretrained.folder.join(WEIGHTS_FILE), &weights)?;
    }
    classifier.head.named_tensors().write(&folder.join(HEAD_FILE))?;

    let cleaner = Cleaner::new(&description.clean)?;
    let mut canaries = Vec::with_capacity(canary_texts.len());
    for text in canary_texts {
        let cleaned = cleaner.clean(text).into_owned();
        let encoding = pretrained.tokenizer.encode(&cleaned, description.max_tokens)?;
        canaries.push(Canary {
            text: text.clone(),
            tokens: encoding.ids,
            logits: Vec::new(),
        });
    }
    let rows: Vec<&[u32]> = canaries.iter().map(|canary| canary.tokens.as_slice()).collect();
    let pad_id = pretrained.tokenizer.pad_id();
    let logits = classifier::in_batches(&rows, pad_id, device, |batch| classifier.forward(batch), |_| ());
    for (canary, logits) in canaries
        .iter_mut()
        .zip(logits.chunks_exact(description.labels.len()))
    {
        canary.logits = logits.to_vec();
    }
    description.canaries = canaries;
    for file in BUNDLE_FILES {
        let digest = Digest::of_file(&folder.join(file))?;
        description.files.insert(file.to_owned(), digest);
    }
    let mut text = serde_json::to_string_pretty(&description).expect("a description has string keys only");
    text.push('\n');
    fs::write_atomic(&folder.join(DESCRIPTION_FILE), text.as_bytes())?;
    let bundle = Bundle::load_checked(folder, device)?;
    bundle.require(&bundle.replay()?)?;
    Ok(bundle)
}

/// The files of a bundle, beside its description, that decide what it computes.
const BUNDLE_FILES: [&str; 4] = [EncoderConfig::FILE, HEAD_FILE, WEIGHTS_FILE, TOKENIZER_FILE];

/// The digest of an encoder folder's files that decide what it computes.
pub fn encoder_digest(folder: &Path) -> Result<Digest, Error> {
    let mut digests = String::new();
    for file in encoder::FILES {
        digests.push_str(Digest::of_file(&folder.join(file))?.as_str());
    }
    Ok(Digest::of_bytes(digests.as_bytes()))
}
