//! The stage: reads what the earlier ones wrote, trains, and writes the bundle.

use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use labelproof_artifact::{Digest, FeatureRow, Reporter, Row, SplitRow, TokenRow, json, tokens, write_table};
use labelproof_model::batch::Batch;
use labelproof_model::bundle::{self, Description, Pretrained};
use labelproof_model::features::FeatureCache;
use labelproof_model::{Classifier, DeviceChoice, Head, HeadSettings, classifier};
use labelproof_text::Preparation;

use crate::data::{Rows, TrainingData, canary_texts};
use crate::error::Error;
use crate::fit::{Task, fit};
use crate::params::{ClassWeights, Params, Trainable};

/// Raised when the same parameters and input would give another bundle.
pub const REVISION: u32 = 1;

/// Trains a classifier. Reads `artifacts/{ingest,preprocess,split}` and the encoder's folder; writes `model/`,
/// `history.parquet` and, with a frozen encoder, `features.parquet` into `out`. Features are kept in, and taken from,
/// `cache`.
pub fn run(
    params: &Params,
    artifacts: &Path,
    encoder: &Path,
    cache: &Path,
    device: DeviceChoice,
    out: &Path,
    reporter: &dyn Reporter,
) -> Result<(), Error> {
    let choice = device.resolve()?;
    let device = choice.open()?;
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
    };
    let run = Run {
        params,
        data: &data,
        class_weights,
        device: &device,
        reporter,
    };
    let (trained, history) = match params.trainable {
        Trainable::None => {
            let cache = feature_cache(params, artifacts, encoder, cache, choice)?;
            let (train, validation) = features(&run, &pretrained, &cache)?;
            write_table(out, train.iter().chain(&validation).cloned())?;
            let (head, history) = run.train_head(classifier.head, &train, &validation)?;
            (Classifier { head, ..classifier }, history)
        }
        Trainable::Last(trainable) => run.train_classifier(classifier, trainable, &pretrained)?,
        Trainable::All => run.train_classifier(classifier, usize::MAX, &pretrained)?,
    };
    write_table(out, history)?;
    let description = Description::new(
        &data.labels,
        preparation.clean,
        preparation.max_tokens,
        params.pooling,
        settings,
    );
    let canaries = canary_texts(artifacts, &data.train.ids, params.seed)?;
    let encoder_changed = params.trainable != Trainable::None;
    let folder = out.join(bundle::FOLDER);
    bundle::save(
        &folder,
        pretrained,
        &trained,
        encoder_changed,
        description,
        &canaries,
        &device,
    )?;
    Ok(())
}

struct Run<'a> {
    params: &'a Params,
    data: &'a TrainingData,
    class_weights: Option<Vec<f32>>,
    device: &'a Device,
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
        let train_logits = |head: &Head, rows: &[usize]| -> Tensor<2> {
            let values: Vec<f32> = rows
                .iter()
                .flat_map(|&row| train[row].values.iter().copied())
                .collect();
            head.forward(Tensor::from_data(
                TensorData::new(values, [rows.len(), width]),
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
        let train_logits = |classifier: &Classifier, rows: &[usize]| -> Tensor<2> {
            let tokens: Vec<&[u32]> = rows.iter().map(|&row| train.tokens[row].as_slice()).collect();
            classifier.forward(&Batch::new(&tokens, pad_id, &autodiff))
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
        let task = self.task(&train_logits, &validation_logits, &lengths);
        fit(self.params, &task, classifier, self.reporter)
    }

    fn task<'a, M: Module>(
        &'a self,
        train_logits: &'a dyn Fn(&M, &[usize]) -> Tensor<2>,
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

fn feature_cache(
    params: &Params,
    artifacts: &Path,
    encoder: &Path,
    cache: &Path,
    device: DeviceChoice,
) -> Result<FeatureCache, Error> {
    let encoder = bundle::encoder_digest(encoder)?;
    let tokens = Digest::of_file(&TokenRow::KIND.path(artifacts))?;
    let split = Digest::of_file(&SplitRow::KIND.path(artifacts))?;
    Ok(FeatureCache::new(
        cache,
        &encoder,
        &tokens,
        &split,
        params.pooling,
        device,
    ))
}

/// The pooled vectors of the training and the validation rows.
fn features(
    run: &Run<'_>,
    pretrained: &Pretrained,
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
    let total = count + data.validation.ids.len();
    run.reporter
        .started("computing the encoder's features", Some(total as u64));
    let train = compute(run, pretrained, &data.train);
    let validation = compute(run, pretrained, &data.validation);
    run.reporter.finished();
    let all: Vec<FeatureRow> = train.iter().chain(&validation).cloned().collect();
    cache.write(&all)?;
    Ok((train, validation))
}

fn compute(run: &Run<'_>, pretrained: &Pretrained, rows: &Rows) -> Vec<FeatureRow> {
    let tokens: Vec<&[u32]> = rows.tokens.iter().map(Vec::as_slice).collect();
    let forward = |batch: &Batch| run.params.pooling.apply(pretrained.encoder.forward(batch), batch);
    let done = |rows: usize| run.reporter.advance(rows as u64, "");
    let values = classifier::in_batches(&tokens, pretrained.tokenizer.pad_id(), run.device, forward, done);
    rows.ids
        .iter()
        .zip(values.chunks_exact(pretrained.config.hidden_size))
        .map(|(id, values)| FeatureRow {
            id: id.clone(),
            values: values.to_vec(),
        })
        .collect()
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
