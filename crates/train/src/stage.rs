//! The stage: reads what the earlier ones wrote, trains, and writes the bundle.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use labelproof_artifact::{
    Artifacts, BUNDLE, Digest, FeatureRow, Reporter, Row, SplitRow, TokenRow, fs, json, tokens, write_table,
};
use labelproof_model::batch::Batch;
use labelproof_model::bundle::{self, Description, Pretrained};
use labelproof_model::features::FeatureCache;
use labelproof_model::{Classifier, DeviceChoice, Head, HeadSettings, Precision, backend, classifier};
use labelproof_text::Preparation;

use crate::card::{self, Card};
use crate::checkpoint::Checkpoints;
use crate::data::{TrainingData, canary_texts};
use crate::error::Error;
use crate::fit::{Part, Task, WordAccess, fit};
use crate::params::{ClassWeights, Params, STAGE, Trainable};

/// Trains a classifier. Reads `artifacts/{ingest,preprocess,split}` and the encoder's folder; writes `model/`,
/// `history.parquet` and, with a frozen encoder, `features.parquet` into `out`. Features and checkpoints are kept in, and
/// taken from, `cache`: an interrupted training goes on from there. Returns the folder of its checkpoints, which nobody
/// needs any more as soon as `out` is safe.
pub fn run(
    params: &Params,
    artifacts: &Path,
    encoder: &Path,
    cache: &Path,
    device: DeviceChoice,
    out: &Path,
    reporter: &dyn Reporter,
) -> Result<PathBuf, Error> {
    let choice = backend::resolve(device)?;
    let device = backend::open(choice)?;
    if params.precision == Precision::Bfloat16 && !backend::computes_in_half(choice) {
        reporter.message(
            "this device has no instructions for bfloat16: the encoder computes in float32, which is faster",
        );
    }
    let artifacts = Artifacts::for_stage(artifacts, &STAGE);
    let data = TrainingData::read(artifacts)?;
    let preparation: Preparation = json::read_artifact(tokens::PREPARATION, artifacts)?;
    let class_weights = class_weights(&params.class_weights, &data)?;
    let pretrained = Pretrained::load(encoder, &device)?;
    let layers = pretrained.encoder.depth();
    if let Trainable::Last(wanted) = params.trainable
        && wanted > layers
    {
        return Err(Error::Layers {
            wanted,
            available: layers,
        });
    }
    let settings = HeadSettings {
        input: pretrained.config.hidden_size,
        classes: data.labels.len(),
        dropout: params.dropout,
        batch_normalization: params.batch_normalization,
    };
    let classifier = Classifier {
        encoder: pretrained.encoder.clone(),
        head: Head::new(&settings, params.seed, &device),
        pooling: params.pooling,
        precision: params.precision,
    };
    let inputs = Inputs::digest(artifacts, encoder)?;
    let folder = cache.join(format!("training-{}", inputs.training_key(params, choice)));
    let run = Run {
        params,
        data: &data,
        class_weights,
        device: &device,
        checkpoints: &folder,
        reporter,
    };
    let (trained, history) = match params.trainable {
        Trainable::None => {
            let Inputs {
                encoder,
                tokens,
                split,
            } = &inputs;
            let cache = FeatureCache::new(
                cache,
                encoder,
                tokens,
                split,
                params.pooling,
                params.precision,
                choice,
            );
            let (train, validation) = features(&run, &classifier, pretrained.tokenizer.pad_id(), &cache)?;
            write_table(out, train.iter().chain(&validation).cloned())?;
            let (head, history) = run.train_head(classifier.head, &train, &validation)?;
            (Classifier { head, ..classifier }, history)
        }
        Trainable::Last(trainable) => run.train_classifier(classifier, trainable, &pretrained)?,
        Trainable::All => run.train_classifier(classifier, usize::MAX, &pretrained)?,
    };
    let card = Card {
        params,
        data: &data,
        preparation: &preparation,
        encoder: &inputs.encoder,
        history: &history,
    }
    .text();
    write_table(out, history)?;
    let description = Description::new(
        &data.labels,
        preparation.clean,
        preparation.max_tokens,
        params.pooling,
        params.precision,
        settings,
    );
    let canaries = canary_texts(artifacts, &data.train.ids, params.seed)?;
    let encoder_changed = params.trainable != Trainable::None;
    bundle::save(
        &out.join(BUNDLE.file),
        pretrained,
        &trained,
        encoder_changed,
        description,
        &canaries,
        &device,
    )?;
    fs::write_atomic(&out.join(BUNDLE.file).join(card::FILE), card.as_bytes())?;
    Ok(folder)
}

/// Digests of all that training reads.
struct Inputs {
    encoder: Digest,
    tokens: Digest,
    split: Digest,
}

impl Inputs {
    fn digest(artifacts: Artifacts<'_>, encoder: &Path) -> Result<Self, Error> {
        Ok(Self {
            encoder: bundle::encoder_digest(encoder)?,
            tokens: Digest::of_file(&artifacts.path(TokenRow::KIND))?,
            split: Digest::of_file(&artifacts.path(SplitRow::KIND))?,
        })
    }

    /// What a checkpoint fits. The device is part of it, for its last bits.
    fn training_key(&self, params: &Params, device: DeviceChoice) -> String {
        let Self {
            encoder,
            tokens,
            split,
        } = self;
        let params = serde_json::to_string(params).expect("parameters have string keys only");
        let key = format!("{} {encoder} {tokens} {split} {device} {params}", STAGE.revision);
        Digest::of_bytes(key.as_bytes()).short().to_owned()
    }
}

struct Run<'a> {
    params: &'a Params,
    data: &'a TrainingData,
    class_weights: Option<Vec<f32>>,
    device: &'a Device,
    /// The folder of the training's checkpoints.
    checkpoints: &'a Path,
    reporter: &'a dyn Reporter,
}

type Trained<M> = Result<(M, Vec<labelproof_artifact::HistoryRow>), Error>;

impl Run<'_> {
    fn train_head(&self, head: Head, train: &[FeatureRow], validation: &[FeatureRow]) -> Trained<Head> {
        let width = train[0].values.len();
        let validation: Vec<f32> = validation
            .iter()
            .flat_map(|row| row.values.iter().copied())
            .collect();
        let autodiff = self.device.clone().autodiff();
        let train_logits = |head: &Head, part: &Part<'_>| -> Tensor<2> {
            let values: Vec<f32> = part
                .rows
                .iter()
                .flat_map(|&row| train[row].values.iter().copied())
                .collect();
            head.forward(Tensor::from_data(
                TensorData::new(values, [part.rows.len(), width]),
                &autodiff,
            ))
        };
        let validation_logits = |head: &Head| bundle::head_logits(head, &validation, width, self.device);
        // Features are of one length: no batch needs sorting.
        let lengths = vec![1; train.len()];
        fit(
            self.params,
            &self.task(&train_logits, &validation_logits, &lengths),
            head,
            Checkpoints::new(self.checkpoints),
            self.reporter,
        )
    }

    fn train_classifier(
        &self,
        classifier: Classifier,
        trainable: usize,
        pretrained: &Pretrained,
    ) -> Trained<Classifier> {
        let classifier = Classifier {
            encoder: frozen_below(classifier.encoder, trainable),
            ..classifier
        };
        let pad_id = pretrained.tokenizer.pad_id();
        let autodiff = self.device.clone().autodiff();
        let (train, validation) = (&self.data.train, &self.data.validation);
        let train_logits = |classifier: &Classifier, part: &Part<'_>| -> Tensor<2> {
            classifier.forward(&part.batch(&train.tokens, pad_id, &autodiff))
        };
        let validation_logits = |classifier: &Classifier| -> Vec<f32> {
            let rows: Vec<&[u32]> = validation.tokens.iter().map(Vec::as_slice).collect();
            classifier::in_batches(
                &rows,
                pad_id,
                self.device,
                |batch| classifier.forward(batch),
                |_| (),
            )
        };
        let lengths = train.lengths();
        let mut task = self.task(&train_logits, &validation_logits, &lengths);
        if self.params.trainable == Trainable::All {
            task.words = Some(WordAccess {
                table: |classifier| classifier.encoder.word_table_mut(),
                tokens: &train.tokens,
                pad_id,
            });
        }
        let checkpoints = Checkpoints::new(self.checkpoints);
        fit(self.params, &task, classifier, checkpoints, self.reporter)
    }

    fn task<'a, M: Module>(
        &'a self,
        train_logits: &'a dyn Fn(&M, &Part<'_>) -> Tensor<2>,
        validation_logits: &'a dyn Fn(&M) -> Vec<f32>,
        train_lengths: &'a [usize],
    ) -> Task<'a, M> {
        Task {
            train_logits,
            validation_logits,
            train_labels: &self.data.train.labels,
            validation_labels: &self.data.validation.labels,
            train_lengths,
            train_ids: &self.data.train.ids,
            class_weights: self.class_weights.clone(),
            classes: self.data.labels.len(),
            device: self.device,
            words: None,
        }
    }
}

/// All layers learn when `trainable` is not smaller than their number; then the embeddings do too.
fn frozen_below(encoder: labelproof_model::Encoder, trainable: usize) -> labelproof_model::Encoder {
    if trainable == usize::MAX {
        encoder
    } else {
        encoder.freeze_below(trainable)
    }
}

/// The pooled vectors of the training and the validation rows.
fn features(
    run: &Run<'_>,
    classifier: &Classifier,
    pad_id: u32,
    cache: &FeatureCache,
) -> Result<(Vec<FeatureRow>, Vec<FeatureRow>), Error> {
    let data = run.data;
    let count = data.train.ids.len();
    if let Some(mut kept) = cache.read() {
        run.reporter
            .message("the encoder's features are taken from the cache");
        let validation = kept.split_off(count);
        return Ok((kept, validation));
    }
    let rows: Vec<(&String, &[u32])> = [&data.train, &data.validation]
        .into_iter()
        .flat_map(|rows| rows.ids.iter().zip(rows.tokens.iter().map(Vec::as_slice)))
        .collect();
    let mut train = compute(run, classifier, pad_id, cache, &rows)?;
    cache.write(&train)?;
    cache.partial().remove()?;
    let validation = train.split_off(count);
    Ok((train, validation))
}

/// Time between two savings of the features computed so far.
const SAVE_INTERVAL: Duration = Duration::from_mins(5);

/// Features of rows of token ids, with their ids. Those that an interrupted run finished are not computed again.
fn compute(
    run: &Run<'_>,
    classifier: &Classifier,
    pad_id: u32,
    cache: &FeatureCache,
    rows: &[(&String, &[u32])],
) -> Result<Vec<FeatureRow>, Error> {
    let reporter = run.reporter;
    reporter.started("computing the encoder's features", Some(rows.len() as u64));
    let partial = cache.partial();
    let mut known: BTreeMap<String, Vec<f32>> = BTreeMap::new();
    if let Some(rows) = partial.read() {
        reporter.message(&format!(
            "{} rows' features are there from an interrupted run",
            rows.len()
        ));
        known.extend(rows.into_iter().map(|row| (row.id, row.values)));
    }
    let mut results: Vec<Vec<f32>> = rows
        .iter()
        .map(|(id, _)| known.remove(*id).unwrap_or_default())
        .collect();
    let tokens: Vec<&[u32]> = rows.iter().map(|(_, tokens)| *tokens).collect();
    let forward = |batch: &Batch| classifier.features(batch);
    let mut saved = Instant::now();
    let mut stopped = Ok(());
    let done = |results: &[Vec<f32>], count: usize| {
        reporter.advance(count as u64, "");
        let stop = reporter.stop_requested();
        if stop || saved.elapsed() >= SAVE_INTERVAL {
            let finished: Vec<FeatureRow> = feature_rows(rows, results)
                .filter(|row| !row.values.is_empty())
                .collect();
            let kept = partial.write(&finished);
            saved = Instant::now();
            if stop {
                let after = format!(
                    "the encoder's features of {} of {} rows",
                    finished.len(),
                    rows.len()
                );
                stopped = Err(Error::interrupted(after, kept));
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    };
    let _ = classifier::fill_in_batches(&mut results, &tokens, pad_id, run.device, forward, done);
    reporter.finished();
    stopped?;
    Ok(feature_rows(rows, &results).collect())
}

fn feature_rows(rows: &[(&String, &[u32])], results: &[Vec<f32>]) -> impl Iterator<Item = FeatureRow> {
    rows.iter().zip(results).map(|((id, _), values)| FeatureRow {
        id: (*id).clone(),
        values: values.clone(),
    })
}

fn class_weights(weights: &ClassWeights, data: &TrainingData) -> Result<Option<Vec<f32>>, Error> {
    #[expect(clippy::cast_possible_truncation, reason = "the loss is computed in 32 bits")]
    let to_f32 = |weights: Vec<f64>| Some(weights.into_iter().map(|weight| weight as f32).collect());
    match weights {
        ClassWeights::None => Ok(None),
        ClassWeights::Balanced => {
            let mut counts = vec![0_u64; data.labels.len()];
            for &label in &data.train.labels {
                counts[label as usize] += 1;
            }
            let rows = data.train.labels.len() as f64;
            let classes = counts.len() as f64;
            // Split guarantees a training row for every class.
            Ok(to_f32(
                counts
                    .iter()
                    .map(|&count| rows / (classes * count.max(1) as f64))
                    .collect(),
            ))
        }
        ClassWeights::Given(given) => {
            let names: Vec<&String> = given.keys().collect();
            let mut expected: Vec<&String> = data.labels.names().iter().collect();
            expected.sort_unstable();
            if names != expected {
                let list = |names: &[&String]| {
                    names
                        .iter()
                        .map(|name| format!("`{name}`"))
                        .collect::<Vec<_>>()
                        .join(", ")
                };
                return Err(Error::ClassWeights {
                    found: list(&names),
                    expected: list(&expected),
                });
            }
            Ok(to_f32(
                data.labels.names().iter().map(|name| given[name]).collect(),
            ))
        }
    }
}
