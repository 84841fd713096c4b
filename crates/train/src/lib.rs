//! The train stage: tokens, split and encoder become a model bundle and its history.
//!
//! Responsible for the training loop: the order of batches, the optimiser, the learning-rate schedule, the
//! choice of the epoch. The network itself, its weights on disk and the bundle are `labelproof-model`'s. Only
//! the rows that split calls `train` move weights; `validation` chooses the epoch; `test` is never read.

mod calibration;
mod card;
mod checkpoint;
mod class_weights;
mod clipping;
mod data;
mod error;
mod feature_cache;
mod features;
mod fit;
mod folds;
mod gradient_sum;
mod inputs;
pub mod lazy_embedding;
mod loss;
pub mod optimizer;
mod sampling;
mod schedule;
mod training;

use std::path::{Path, PathBuf};

use labelproof_artifact::{
    Artifacts, BUNDLE, HistoryRow, MessageKeeper, REPEATS, Reporter, fs, json, tokens, write_table,
};
use labelproof_kernels::device;
use labelproof_kernels::workers::Workers;
use labelproof_model::batch::Layout;
use labelproof_model::bundle::{self, Description};
use labelproof_model::head::family_pools_by;
use labelproof_model::{
    AdapterFiles, BatchNormalization, Classifier, DeviceChoice, EncoderConfig, Head, HeadKind, HeadSettings,
    Precision, Pretrained,
};
use labelproof_text::Preparation;

use crate::card::Card;
use crate::class_weights::class_weights;
use crate::data::{TrainingData, canary_texts};
pub use crate::error::Error;
use crate::feature_cache::FeatureCache;
use crate::features::features;
use crate::folds::{Fold, cross_validate};
use crate::inputs::Inputs;
use crate::params::{Lora, Params, Trainable};
use crate::training::{Course, Trained, Training};
use labelproof_settings::encoder_name::EncoderSource;
use labelproof_settings::train as params;
pub use labelproof_settings::train::STAGE;

/// Trains a classifier. Reads `artifacts/{ingest,preprocess,split}` and the encoder's folder; writes
/// `model/`, `history.parquet`, with a frozen encoder `features.parquet`, with `folds` `folds.parquet`, and with
/// `repeats` the folder `repeats/` into `out`. Features and
/// checkpoints are kept in `cache`, from which an interrupted training resumes. Returns the folder of its
/// checkpoints, which may be removed as soon as `out` is committed.
///
/// Of several processes, each of which calls this with a device of its own, the first alone writes.
pub fn run(
    params: &Params,
    artifacts: &Path,
    encoder: &EncoderSource,
    cache: &Path,
    (device, workers): (DeviceChoice, &Workers),
    out: &Path,
    reporter: &dyn Reporter,
) -> Result<PathBuf, Error> {
    check_workers(params, workers)?;
    let choice = device::resolve(device)?;
    let device = device::open(choice)?;
    if params.precision == Precision::Bfloat16 && !device::accelerates_bfloat16(choice) {
        reporter.message(
            "this device has no instructions for bfloat16: the encoder computes in float32, which is faster",
        );
    }
    let artifacts = Artifacts::for_stage(artifacts, &STAGE);
    let data = TrainingData::read(artifacts)?;
    let preparation: Preparation = json::read_artifact(tokens::PREPARATION, artifacts)?;
    let class_weights = class_weights(&params.class_weights, &data)?;
    let pretrained = Pretrained::load_with_adapter(&encoder.files.folder, encoder.adapter_folder(), &device)?;
    check_layers(params, pretrained.encoder.depth())?;
    check_pooling(params, &pretrained.config)?;
    let inputs = Inputs::digest(artifacts, encoder)?;
    let layout = layout(&preparation, &pretrained)?;
    let training_key = inputs.training_key(params, &preparation, choice);
    workers.agree("train", "training", &training_key)?;
    let checkpoints = cache.join(format!("training-{training_key}"));
    let training = Training {
        params,
        data: &data,
        class_weights,
        layout,
        device: &device,
        workers,
        checkpoints: &checkpoints,
        reporter,
        course: Course::default(),
    };
    let feature_cache = FeatureCache::new(cache, &inputs, params, preparation.windows, choice);
    let Some(trained) = train(&training, &pretrained, &feature_cache, out)? else {
        return Ok(checkpoints);
    };
    let (classifier, history) = (trained.module, trained.history);
    let card = Card {
        params,
        data: &data,
        preparation: &preparation,
        encoder: &inputs.encoder,
        model: encoder.files.model.as_ref(),
        history: &history,
    };
    let card = card.text();
    write_table(out, history)?;
    let canaries = canary_texts(artifacts, &data.train.ids, params.seed)?;
    let mut description = Description::new(
        &data.labels,
        preparation.clean,
        preparation.max_tokens,
        params.pooling,
        params.precision,
        head_settings(&training, &pretrained),
    )
    .with_windows(preparation.windows);
    let folder = out.join(BUNDLE.file);
    let calibration = calibration::of(&trained.validation_logits, &data, reporter);
    description.calibrate(&folder, calibration)?;
    let adapter = adapter_files(params, &classifier);
    let classifier = Classifier {
        encoder: classifier.encoder.merged(),
        ..classifier
    };
    bundle::save(&folder, &pretrained, &classifier, description, &canaries, &device)?;
    fs::write_atomic(&folder.join(card::FILE), card.as_bytes())?;
    if let Some((lora, files)) = adapter {
        // Of an encoder that is an adapter itself, no model of the Hub has the weights.
        let base = encoder.files.model.as_ref();
        let base = base.filter(|_| encoder.adapter.is_none());
        files.write(&folder.join(ADAPTER_FOLDER), lora, base)?;
    }
    Ok(checkpoints)
}

/// The folder of the adapter within the bundle, for PEFT; loading a bundle does not read it.
const ADAPTER_FOLDER: &str = "adapter";

/// The adapter of a classifier that was trained with one.
fn adapter_files<'a>(params: &'a Params, classifier: &Classifier) -> Option<(&'a Lora, AdapterFiles)> {
    let lora = params.lora.as_ref()?;
    Some((lora, classifier.encoder.adapter_files(params.trainable.last())))
}

/// Trains what the parameters ask for. With a frozen encoder, writes `features.parquet` into `out`, with folds
/// `folds.parquet`, and with repeats their weights. Returns what it gave in the first process, which writes it.
fn train(
    training: &Training<'_>,
    pretrained: &Pretrained,
    cache: &FeatureCache,
    out: &Path,
) -> Result<Option<Trained<Classifier>>, Error> {
    if training.params.trains_encoder() {
        train_classifier(training, pretrained, out)
    } else {
        train_head(training, pretrained, cache, out)
    }
}

/// Trains the classifier with what the parameters say of its encoder.
fn train_classifier(
    training: &Training<'_>,
    pretrained: &Pretrained,
    out: &Path,
) -> Result<Option<Trained<Classifier>>, Error> {
    let trained = training.train_classifier(new_classifier(training, pretrained))?;
    write_folds(training, &trained.history, out, |training, _| {
        let fold = training.train_classifier(new_classifier(training, pretrained))?;
        Ok(fold.validation_logits)
    })?;
    repeat(training, out, |training, path| {
        let repeat = training
            .train_classifier(new_classifier(training, pretrained))?
            .module;
        let merged = Classifier {
            encoder: repeat.encoder.merged(),
            ..repeat
        };
        if training.workers.is_first() {
            bundle::write_weights(path, &merged)?;
        }
        Ok(())
    })?;
    Ok(training.workers.is_first().then_some(trained))
}

/// Trains the head alone, on the features of the frozen encoder.
fn train_head(
    training: &Training<'_>,
    pretrained: &Pretrained,
    cache: &FeatureCache,
    out: &Path,
) -> Result<Option<Trained<Classifier>>, Error> {
    let classifier = new_classifier(training, pretrained);
    let (train, validation) = features(training, &classifier, pretrained, cache)?;
    if !training.workers.is_first() {
        return Ok(None);
    }
    write_table(out, train.iter().chain(&validation).cloned())?;
    // A batch of features takes less time than its gradients would take to travel: the first process trains heads alone.
    let training = Training {
        class_weights: training.class_weights.clone(),
        course: training.course.clone(),
        workers: &Workers::alone(),
        ..*training
    };
    let trained = training.train_head(classifier.head, &train, &validation)?;
    write_folds(&training, &trained.history, out, |training, fold| {
        let pick = |rows: &[usize]| -> Vec<_> { rows.iter().map(|&row| train[row].clone()).collect() };
        let head = new_head(training, pretrained);
        let fold = training.train_head(head, &pick(&fold.others), &pick(&fold.held_out))?;
        Ok(fold.validation_logits)
    })?;
    repeat(&training, out, |training, path| {
        let repeat = training.train_head(new_head(training, pretrained), &train, &validation)?;
        Ok(repeat.module.named_tensors().write(path)?)
    })?;
    Ok(Some(Trained {
        module: Classifier {
            head: trained.module,
            ..classifier
        },
        history: trained.history,
        validation_logits: trained.validation_logits,
    }))
}

/// The classifier that training starts from.
fn new_classifier(training: &Training<'_>, pretrained: &Pretrained) -> Classifier {
    Classifier {
        encoder: pretrained.encoder.clone(),
        head: new_head(training, pretrained),
        pooling: training.params.pooling,
        precision: training.params.precision,
    }
}

fn new_head(training: &Training<'_>, pretrained: &Pretrained) -> Head {
    let settings = head_settings(training, pretrained);
    pretrained.new_head(&settings, training.params.seed, training.device)
}

/// Writes the table of a cross-validation, where the parameters ask for one, of models that are trained for as many
/// epochs as the kept one.
fn write_folds(
    training: &Training<'_>,
    history: &[HistoryRow],
    out: &Path,
    predict: impl Fn(&Training<'_>, &Fold) -> Result<Vec<f32>, Error>,
) -> Result<(), Error> {
    let (Some(folds), Some(kept)) = (training.params.folds, history.iter().find(|row| row.best)) else {
        return Ok(());
    };
    let rows = cross_validate(training, folds, kept.epoch, predict)?;
    if training.workers.is_first() {
        write_table(out, rows)?;
    }
    Ok(())
}

/// Trains again with other seeds, as often as the parameters ask for. `train` trains and, in the first process, writes
/// the weights to a path.
fn repeat(
    training: &Training<'_>,
    out: &Path,
    train: impl Fn(&Training<'_>, &Path) -> Result<(), Error>,
) -> Result<(), Error> {
    let folder = out.join(REPEATS.file);
    for number in 2..=training.params.repeats.unwrap_or(1) {
        let seed = training.params.seed.wrapping_add(u64::from(number) - 1);
        // Its epochs are of the same kind as those of the training that gives the bundle; evaluate tells what they came
        // to.
        let reporter = MessageKeeper::hiding(training.reporter);
        let training = Training {
            params: &Params {
                seed,
                ..training.params.clone()
            },
            class_weights: training.class_weights.clone(),
            checkpoints: &training.checkpoints.join(format!("repeats/{number}")),
            reporter: &reporter,
            course: Course {
                name: Some(format!("with seed {seed}")),
                epochs: None,
            },
            ..*training
        };
        if training.workers.is_first() {
            fs::create_dir_all(&folder)?;
        }
        // In as many digits as the largest number has, so that the names are in the order of the seeds.
        train(&training, &folder.join(format!("{number:02}.safetensors")))?;
    }
    Ok(())
}

/// Refuses a training that several processes cannot share.
fn check_workers(params: &Params, workers: &Workers) -> Result<(), Error> {
    let (workers, micro_batches) = (workers.count(), params.gradient_accumulation);
    if workers == 1 || !params.trains_encoder() {
        return Ok(());
    }
    if params.batch_normalization == BatchNormalization::Trained {
        return Err(Error::BatchNormalization { workers });
    }
    if !micro_batches.is_multiple_of(workers) {
        return Err(Error::Uneven {
            workers,
            micro_batches,
            batch_size: params.batch_size,
        });
    }
    Ok(())
}

/// What rows become in a batch. Preprocess has checked the windows with the same tokenizer.
fn layout(preparation: &Preparation, pretrained: &Pretrained) -> Result<Layout, Error> {
    Layout::new(&pretrained.tokenizer, preparation.windows).ok_or(Error::Windows)
}

fn head_settings(training: &Training<'_>, pretrained: &Pretrained) -> HeadSettings {
    HeadSettings {
        input: pretrained.config.hidden_size,
        classes: training.data.labels.len(),
        dropout: training.params.dropout,
        batch_normalization: training.params.batch_normalization,
        kind: training.params.head,
    }
}

/// Checks that the head of the encoder's family can read what pooling gives.
fn check_pooling(params: &Params, encoder: &EncoderConfig) -> Result<(), Error> {
    match params.head {
        HeadKind::Family if !family_pools_by(encoder, params.pooling) => Err(Error::FamilyPooling),
        _ => Ok(()),
    }
}

/// Checks that the encoder has the layers that are to be trained.
fn check_layers(params: &Params, available: usize) -> Result<(), Error> {
    match params.trainable {
        Trainable::Last(wanted) if wanted > available => Err(Error::Layers { wanted, available }),
        Trainable::Last(wanted) if wanted == available && params.lora.is_some() => {
            Err(Error::NothingToAdapt { available })
        }
        _ => Ok(()),
    }
}
