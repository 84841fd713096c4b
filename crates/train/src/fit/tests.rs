use std::cell::Cell;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use burn::nn::{Embedding, Linear};
use labelproof_artifact::{Diagnostic, Silent, fs};
use labelproof_kernels::device;
use labelproof_model::{
    BatchNormalization, Classifier, DeviceChoice, Encoder, Head, HeadKind, HeadLayout, HeadSettings, Pooling,
    Precision, Pretrained, bundle,
};
use labelproof_testkit::encoder;

use super::*;
use crate::params::{EarlyStopping, Lora, OptimizerKind, Sampling, ScheduleKind, Trainable};

mod calls;

const WIDTH: usize = 4;

/// 60 rows of three classes, each a corner of the space with noise from a fixed sequence.
fn rows() -> (Vec<f32>, Vec<u32>) {
    let mut stream = random::stream("rows", 1);
    let labels: Vec<u32> = (0..60).map(|row| row % 3).collect();
    let features = labels
        .iter()
        .flat_map(|&label| {
            (0..WIDTH)
                .map(|place| f32::from(place == label as usize))
                .collect::<Vec<_>>()
        })
        .map(|value| value + 0.3 * (random::uniform(&mut stream) - 0.5))
        .collect();
    (features, labels)
}

fn fit_head(params: &Params, device: DeviceChoice) -> (Vec<f32>, Vec<HistoryRow>) {
    let folder = tempfile::tempdir().unwrap();
    fit_head_in(folder.path(), params, device, &Silent).unwrap()
}

/// The validation logits and the history of a training that keeps its checkpoints in a folder, one after
/// every step.
fn fit_head_in(
    folder: &Path,
    params: &Params,
    device: DeviceChoice,
    reporter: &dyn Reporter,
) -> Result<(Vec<f32>, Vec<HistoryRow>), Error> {
    fit_head_on(Course::default(), folder, params, device, reporter)
}

fn fit_head_on(
    course: Course,
    folder: &Path,
    params: &Params,
    device: DeviceChoice,
    reporter: &dyn Reporter,
) -> Result<(Vec<f32>, Vec<HistoryRow>), Error> {
    let device = device::open(device).unwrap();
    let autodiff = device.clone().autodiff();
    let (features, labels) = rows();
    let settings = HeadSettings {
        input: WIDTH,
        classes: 3,
        dropout: params.dropout,
        batch_normalization: params.batch_normalization,
        kind: HeadKind::Linear,
    };
    let train_logits = |head: &Head, batch: &MicroBatch<'_>| {
        let values: Vec<f32> = batch
            .rows
            .iter()
            .flat_map(|&row| features[row * WIDTH..(row + 1) * WIDTH].to_vec())
            .collect();
        head.forward(Tensor::from_data(
            TensorData::new(values, [batch.rows.len(), WIDTH]),
            &autodiff,
        ))
    };
    let validation_logits = |head: &Head| Ok(bundle::head_logits(head, &features, WIDTH, &device));
    let workers = Workers::alone();
    let ids: Vec<String> = (0..60).map(|row| format!("row {row}")).collect();
    let task = Task {
        train_logits: &train_logits,
        validation_logits: &validation_logits,
        train_labels: &labels,
        validation_labels: &labels,
        train_lengths: &[1; 60],
        train_ids: &ids,
        class_weights: None,
        classes: 3,
        device: &device,
        layers: 0,
        embedding: None,
        workers: &workers,
        course,
    };
    let head = Head::new(&settings, HeadLayout::LINEAR, params.seed, &device);
    let checkpoints = Checkpoints::new(folder).with_interval(Duration::ZERO);
    let (head, history) = fit(params, &task, head, checkpoints, reporter)?;
    Ok((validation_logits(&head)?, history))
}

/// Asks to stop when some batches are done.
#[derive(Debug)]
struct StopsAfter(AtomicU32);

impl Reporter for StopsAfter {
    fn started(&self, _: &str, _: Option<u64>) {}
    fn finished(&self) {}
    fn message(&self, _: &str) {}
    fn advance(&self, _: u64, note: &str) {
        if !note.is_empty() {
            self.0.update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.saturating_sub(1)
            });
        }
    }
    fn stop_requested(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }
}

/// Stops a training again and again, after this many batches each time, and goes on until it is done. Returns
/// what it gave, and how often it was stopped.
fn fit_head_with_stops(
    params: &Params,
    device: DeviceChoice,
    batches: u32,
    between: impl Fn(&Path),
) -> ((Vec<f32>, Vec<HistoryRow>), u32) {
    let folder = tempfile::tempdir().unwrap();
    let mut stops = 0;
    loop {
        let reporter = StopsAfter(batches.into());
        match fit_head_in(folder.path(), params, device, &reporter) {
            Ok(result) => return (result, stops),
            Err(Error::Interrupted { .. }) => stops += 1,
            Err(error) => panic!("{error}"),
        }
        between(folder.path());
    }
}

fn params() -> Params {
    Params {
        epochs: 20,
        batch_size: 8,
        learning_rate: 0.05,
        dropout: 0.1,
        ..Params::default()
    }
}

/// Texts as bags of words.
#[derive(Module, Debug)]
struct Bag {
    words: Embedding,
    dense: Linear,
}

impl Bag {
    fn forward(&self, batch: &Batch) -> Tensor<2> {
        let words = self.words.forward(batch.tokens.clone());
        self.dense.forward(words.mean_dim(1).squeeze_dim(1))
    }
}

/// The logits and the history of bags of two words out of 50, whose first says the class; the table of words
/// is lent row by row, or learns like any other weight.
fn fit_bags(
    folder: &Path,
    params: &Params,
    device: DeviceChoice,
    lazy: bool,
    reporter: &dyn Reporter,
) -> Result<(Vec<f32>, Vec<HistoryRow>), Error> {
    let device = device::open(device).unwrap();
    let autodiff = device.clone().autodiff();
    let mut stream = random::stream("bags", 1);
    let mut noise = |shape: [usize; 2]| {
        let values: Vec<f32> = (0..shape[0] * shape[1])
            .map(|_| random::uniform(&mut stream) - 0.5)
            .collect();
        Tensor::<2>::from_data(TensorData::new(values, shape), &device)
    };
    let bag = Bag {
        words: Embedding {
            weight: Param::from_tensor(noise([50, WIDTH])),
        },
        dense: Linear {
            weight: Param::from_tensor(noise([WIDTH, 3])),
            bias: None,
        },
    };
    let tokens: Vec<Vec<u32>> = (0..60).map(|row| vec![row % 9, 10 + row / 2]).collect();
    let labels: Vec<u32> = (0..60).map(|row| row % 3).collect();
    let ids = vec![String::new(); 60];
    let all: Vec<&[u32]> = tokens.iter().map(Vec::as_slice).collect();
    let validation_logits = |bag: &Bag| {
        let logits = bag.forward(&Batch::new(&all, 0, &device));
        Ok(logits.into_data().iter::<f32>().collect())
    };
    let workers = Workers::alone();
    let task = Task {
        train_logits: &|bag: &Bag, batch: &MicroBatch<'_>| {
            bag.forward(&batch.batch(&tokens, Layout::padded(0), &autodiff))
        },
        validation_logits: &validation_logits,
        train_labels: &labels,
        validation_labels: &labels,
        train_lengths: &[2; 60],
        train_ids: &ids,
        class_weights: None,
        classes: 3,
        device: &device,
        layers: 0,
        embedding: lazy.then_some(EmbeddingAccess {
            table: |bag: &mut Bag| &mut bag.words.weight,
            tokens: &tokens,
            pad_id: 0,
        }),
        workers: &workers,
        course: Course::default(),
    };
    let checkpoints = Checkpoints::new(folder).with_interval(Duration::ZERO);
    let (bag, history) = fit(params, &task, bag, checkpoints, reporter)?;
    Ok((validation_logits(&bag)?, history))
}

#[test]
fn an_embedding_that_is_updated_lazily_learns_the_same() {
    let params = Params {
        gradient_accumulation: 3,
        optimizer: OptimizerKind::Adamw,
        ..params()
    };
    let in_new_folder = |device, lazy, params: &Params| {
        let folder = tempfile::tempdir().unwrap();
        fit_bags(folder.path(), params, device, lazy, &Silent).unwrap()
    };
    let (logits, history) = in_new_folder(DeviceChoice::Cpu, true, &params);
    assert!(
        history[19].train_loss < 0.5 * history[0].train_loss,
        "{history:?}"
    );
    assert_eq!(
        (logits.clone(), history),
        in_new_folder(DeviceChoice::Cpu, false, &params)
    );
    let (other, _) = in_new_folder(DeviceChoice::Flex, true, &params);
    for (one, other) in logits.iter().zip(&other) {
        assert!((one - other).abs() < 1e-3, "{one} {other}");
    }
    // The norm of a gradient is a sum, in another order where zeros are left out.
    let clipped = Params {
        gradient_clipping: Some(0.01),
        ..params
    };
    let (lazy, _) = in_new_folder(DeviceChoice::Cpu, true, &clipped);
    let (whole, _) = in_new_folder(DeviceChoice::Cpu, false, &clipped);
    for (one, other) in lazy.iter().zip(&whole) {
        assert!((one - other).abs() < 1e-4, "{one} {other}");
    }
    assert!((lazy[0] - logits[0]).abs() > 1e-2, "clipping shows");
}

/// The logits of a classifier after some epochs, and its encoder. The table of words is lent row by row, or learns
/// like any other weight.
fn fit_classifier(
    folder: &Path,
    encoder: &Path,
    params: &Params,
    lazy: bool,
    reporter: &dyn Reporter,
) -> Result<(Vec<f32>, Encoder), Error> {
    let device = device::open(DeviceChoice::Cpu).unwrap();
    let autodiff = device.clone().autodiff();
    let pretrained = Pretrained::load(encoder, &device).unwrap();
    let settings = HeadSettings {
        input: pretrained.config.hidden_size,
        classes: 3,
        dropout: 0.0,
        batch_normalization: BatchNormalization::None,
        kind: HeadKind::Linear,
    };
    let encoder = match &params.lora {
        Some(lora) => pretrained
            .encoder
            .with_adapters(lora, params.trainable.last(), 1)?,
        None => pretrained.encoder,
    };
    let classifier = Classifier {
        encoder,
        head: Head::new(&settings, HeadLayout::LINEAR, 1, &device),
        pooling: Pooling::Mean,
        precision: Precision::Float32,
    };
    let tokens: Vec<Vec<u32>> = (0..12).map(|row| vec![2, 4 + row % 3, 7 + row % 2, 3]).collect();
    let labels: Vec<u32> = (0..12).map(|row| row % 3).collect();
    let all: Vec<&[u32]> = tokens.iter().map(Vec::as_slice).collect();
    let validation_logits = |classifier: &Classifier| {
        let logits = classifier.forward(&Batch::new(&all, 0, &device));
        Ok(logits.into_data().iter::<f32>().collect())
    };
    let task = Task {
        train_logits: &|classifier: &Classifier, batch: &MicroBatch<'_>| {
            classifier.forward(&batch.batch(&tokens, Layout::padded(0), &autodiff))
        },
        validation_logits: &validation_logits,
        train_labels: &labels,
        validation_labels: &labels,
        train_lengths: &[4; 12],
        train_ids: &vec![String::new(); 12],
        class_weights: None,
        classes: 3,
        device: &device,
        layers: classifier.encoder.depth(),
        embedding: lazy.then_some(EmbeddingAccess {
            table: |classifier: &mut Classifier| classifier.encoder.word_embedding_table_mut(),
            tokens: &tokens,
            pad_id: 0,
        }),
        workers: &Workers::alone(),
        course: Course::default(),
    };
    let checkpoints = Checkpoints::new(folder).with_interval(Duration::ZERO);
    let (classifier, _) = fit(params, &task, classifier, checkpoints, reporter)?;
    Ok((validation_logits(&classifier)?, classifier.encoder))
}

#[test]
fn the_lazy_embedding_learns_at_the_rate_below_the_lowest_layer() {
    let folder = tempfile::tempdir().unwrap();
    encoder::write(folder.path(), &["a", "b", "c", "d", "e"]);
    let params = Params {
        epochs: 3,
        batch_size: 4,
        trainable: Trainable::All,
        layer_learning_rate_decay: Some(0.1),
        ..params()
    };
    let in_new_folder = |params: &Params, lazy: bool| {
        let checkpoints = tempfile::tempdir().unwrap();
        let (logits, _) = fit_classifier(checkpoints.path(), folder.path(), params, lazy, &Silent).unwrap();
        logits
    };
    let lazy = in_new_folder(&params, true);
    assert_eq!(lazy, in_new_folder(&params, false));
    let even = Params {
        layer_learning_rate_decay: None,
        ..params
    };
    let other = in_new_folder(&even, true);
    assert!((lazy[0] - other[0]).abs() > 1e-3, "{} {}", lazy[0], other[0]);
}

#[test]
fn a_training_of_adapters_that_is_stopped_again_and_again_ends_with_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    encoder::write(folder.path(), &["a", "b", "c", "d", "e"]);
    let params = Params {
        epochs: 4,
        batch_size: 4,
        lora: Some(Lora {
            dropout: 0.2,
            ..Lora::default()
        }),
        ..params()
    };
    let undisturbed = tempfile::tempdir().unwrap();
    let fit = |checkpoints: &Path, reporter: &dyn Reporter| {
        fit_classifier(checkpoints, folder.path(), &params, false, reporter)
    };
    let (expected, encoder) = fit(undisturbed.path(), &Silent).unwrap();
    let disturbed = tempfile::tempdir().unwrap();
    let mut stops = 0;
    let found = loop {
        match fit(disturbed.path(), &StopsAfter(2.into())) {
            Ok((found, _)) => break found,
            Err(Error::Interrupted { .. }) => stops += 1,
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(found, expected);
    assert_eq!(stops, 6, "twelve batches, stopped after every two");

    // What is not merged is as it was, and what is merged is not.
    let device = device::open(DeviceChoice::Cpu).unwrap();
    let before = Pretrained::load(folder.path(), &device).unwrap().encoder;
    let flat = |encoder: &Encoder| {
        let path = folder.path().join("written.safetensors");
        encoder.named_tensors().write(&path).unwrap();
        fs::read(&path).unwrap()
    };
    assert_eq!(flat(&encoder), flat(&before));
    assert_ne!(flat(&encoder.merged()), flat(&before));
}

#[test]
fn a_training_of_words_that_is_stopped_again_and_again_ends_with_the_same_bits() {
    let params = Params {
        epochs: 5,
        gradient_accumulation: 2,
        ..params()
    };
    let folder = || tempfile::tempdir().unwrap();
    let undisturbed = fit_bags(folder().path(), &params, DeviceChoice::Cpu, true, &Silent).unwrap();
    let folder = folder();
    let mut stops = 0;
    let disturbed = loop {
        let reporter = StopsAfter(3.into());
        match fit_bags(folder.path(), &params, DeviceChoice::Cpu, true, &reporter) {
            Ok(result) => break result,
            Err(Error::Interrupted { .. }) => stops += 1,
            Err(error) => panic!("{error}"),
        }
        if stops == 4 {
            let kept = fs::files_below(folder.path()).unwrap();
            let words = kept
                .iter()
                .find(|path| path.extension().is_some_and(|end| end == "bin"));
            let words = words.expect("what AdamW remembers of the words is kept");
            let mut bytes = fs::read(words).unwrap();
            bytes[100] ^= 1;
            fs::write_atomic(words, &bytes).unwrap();
        }
    };
    assert_eq!(undisturbed, disturbed);
    assert_eq!(
        stops, 14,
        "four before the damage; then 40 batches anew, stopped at the step's end after every three"
    );
}

#[test]
fn the_loss_falls_and_every_row_is_learned() {
    for device in [DeviceChoice::Cpu, DeviceChoice::Flex] {
        let (_, history) = fit_head(&params(), device);
        let (first, last) = (&history[0], &history[history.len() - 1]);
        assert!(
            last.validation_loss < 0.3 * first.validation_loss,
            "{first:?} {last:?}"
        );
        assert!((last.validation_accuracy - 1.0).abs() < f64::EPSILON);
    }
}

#[test]
fn equal_seeds_give_equal_bits_and_others_do_not() {
    // Without dropout: its masks come from a generator that all tests of this process share. The end-to-end
    // tests compare runs with dropout.
    let params = Params {
        dropout: 0.0,
        ..params()
    };
    let (logits, history) = fit_head(&params, DeviceChoice::Cpu);
    assert_eq!((logits.clone(), history), fit_head(&params, DeviceChoice::Cpu));
    assert_ne!(
        logits,
        fit_head(&Params { seed: 11, ..params }, DeviceChoice::Cpu).0
    );
}

#[test]
fn a_training_that_is_stopped_again_and_again_ends_with_the_same_bits() {
    for (device, optimizer) in [
        (DeviceChoice::Cpu, OptimizerKind::Adamw),
        (DeviceChoice::Flex, OptimizerKind::Adam),
    ] {
        let params = Params {
            epochs: 7,
            // Eight batches an epoch in three steps, so that stops fall everywhere in an epoch.
            gradient_accumulation: 3,
            dropout: 0.0,
            batch_normalization: BatchNormalization::Trained,
            gradient_clipping: Some(1.0),
            schedule: ScheduleKind::Linear,
            warmup: 0.1,
            optimizer,
            early_stopping: EarlyStopping {
                metric: SelectionMetric::Accuracy,
                patience: 7,
            },
            ..params()
        };
        let undisturbed = fit_head(&params, device);
        let (disturbed, stops) = fit_head_with_stops(&params, device, 5, |_| ());
        assert_eq!(undisturbed, disturbed, "{device}");
        assert_eq!(
            stops, 10,
            "56 batches, stopped at the first step's end after five"
        );
    }
}

#[test]
fn a_damaged_checkpoint_is_not_used() {
    let params = Params {
        dropout: 0.0,
        epochs: 2,
        ..params()
    };
    let undisturbed = fit_head(&params, DeviceChoice::Flex);
    // One that is cut, one with a flipped bit, and a list that is none: training begins anew, and ends the
    // same.
    for (name, damage) in [
        (
            "module-8.bpk",
            (|bytes| bytes.truncate(bytes.len() / 2)) as fn(&mut Vec<u8>),
        ),
        ("optimizer-8.bpk", |bytes| *bytes.last_mut().unwrap() ^= 1),
        ("checkpoint.json", |bytes| bytes.truncate(10)),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let stopped = fit_head_in(folder.path(), &params, DeviceChoice::Flex, &StopsAfter(8.into()));
        assert!(matches!(stopped, Err(Error::Interrupted { .. })));
        let path = folder.path().join(name);
        let mut bytes = fs::read(&path).unwrap();
        damage(&mut bytes);
        fs::write_atomic(&path, &bytes).unwrap();
        let again = fit_head_in(folder.path(), &params, DeviceChoice::Flex, &Silent).unwrap();
        assert_eq!(undisturbed, again, "{name}");
    }
}

#[test]
fn an_epoch_that_is_given_is_kept_whatever_validation_says_and_is_that_of_a_longer_training() {
    // The best epoch of the training is an earlier one.
    let params = Params {
        learning_rate: 30.0,
        schedule: ScheduleKind::Linear,
        early_stopping: EarlyStopping {
            metric: SelectionMetric::Loss,
            patience: 1,
        },
        ..params()
    };
    let (chosen, history) = fit_head(&params, DeviceChoice::Flex);
    let best = history.iter().find(|row| row.best).unwrap().epoch;
    let given = |epochs: u32| {
        let course = Course {
            name: Some("for the test".to_owned()),
            epochs: Some(epochs),
        };
        let folder = tempfile::tempdir().unwrap();
        fit_head_on(course, folder.path(), &params, DeviceChoice::Flex, &Silent).unwrap()
    };
    let (logits, history) = given(best);
    assert_eq!(
        logits, chosen,
        "the learning rates are those of all epochs of the training"
    );
    assert_eq!(history.len(), best as usize);
    let (later, history) = given(best + 4);
    assert_ne!(later, chosen);
    assert_eq!(history.iter().position(|row| row.best), Some(best as usize + 3));
}

#[test]
fn the_best_epoch_is_kept_and_patience_ends_the_training() {
    // A rate that is far too high: the loss jumps about, and the best epoch is not the last.
    let params = Params {
        learning_rate: 30.0,
        early_stopping: EarlyStopping {
            metric: SelectionMetric::Loss,
            patience: 3,
        },
        ..params()
    };
    let (logits, history) = fit_head(&params, DeviceChoice::Flex);
    let best = history.iter().position(|row| row.best).unwrap();
    assert!(
        history
            .iter()
            .all(|row| row.validation_loss >= history[best].validation_loss)
    );
    assert_eq!(
        history.len(),
        best + 1 + 3,
        "three epochs without a better one, then the end"
    );
    let (_, labels) = rows();
    let losses = logits
        .chunks(3)
        .zip(labels)
        .map(|(row, label)| cross_entropy(row, label as usize));
    let loss = losses.sum::<f64>() / 60.0;
    assert!(
        (loss - history[best].validation_loss).abs() < 1e-12,
        "what is returned is the best epoch's head"
    );
}

#[test]
fn the_lowest_loss_decides_between_epochs_of_equal_accuracy() {
    let params = Params {
        early_stopping: EarlyStopping {
            metric: SelectionMetric::Accuracy,
            patience: 30,
        },
        epochs: 30,
        ..params()
    };
    let (_, history) = fit_head(&params, DeviceChoice::Flex);
    let highest = history
        .iter()
        .map(|row| row.validation_accuracy)
        .fold(0.0, f64::max);
    let equal: Vec<&HistoryRow> = history
        .iter()
        .filter(|row| row.validation_accuracy >= highest)
        .collect();
    let best = equal.iter().find(|row| row.best).unwrap();
    assert!(
        equal
            .iter()
            .all(|row| row.validation_loss >= best.validation_loss)
    );
    assert!(best.epoch > equal[0].epoch, "no earlier epoch is as accurate");
}

#[test]
fn accumulated_batches_make_the_step_of_one_large_batch() {
    let large = Params {
        batch_size: 60,
        dropout: 0.0,
        epochs: 3,
        ..params()
    };
    let small = Params {
        batch_size: 15,
        gradient_accumulation: 4,
        ..large.clone()
    };
    let (one, _) = fit_head(&large, DeviceChoice::Flex);
    let (other, _) = fit_head(&small, DeviceChoice::Flex);
    for (one, other) in one.iter().zip(&other) {
        assert!((one - other).abs() < 1e-4, "{one} {other}");
    }
}

#[test]
fn a_loss_that_is_no_number_names_the_epoch_and_the_rows_and_leaves_the_last_checkpoint() {
    let device = device::open(DeviceChoice::Flex).unwrap();
    let autodiff = device.clone().autodiff();
    let batches = Cell::new(0);
    let train_logits = |head: &Head, batch: &MicroBatch<'_>| {
        batches.set(batches.get() + 1);
        // The first epoch has one batch, and is fine.
        let value = if batches.get() == 1 { 0.5 } else { f32::NAN };
        let values = vec![value; batch.rows.len() * WIDTH];
        head.forward(Tensor::from_data(
            TensorData::new(values, [batch.rows.len(), WIDTH]),
            &autodiff,
        ))
    };
    let ids = ["a".to_owned(), "b".to_owned()];
    let task = Task {
        train_logits: &train_logits,
        validation_logits: &|_: &Head| Ok(vec![0.0; 6]),
        train_labels: &[0, 1],
        validation_labels: &[0, 1],
        train_lengths: &[1, 1],
        train_ids: &ids,
        class_weights: None,
        classes: 3,
        device: &device,
        layers: 0,
        embedding: None,
        workers: &Workers::alone(),
        course: Course::default(),
    };
    let settings = HeadSettings {
        input: WIDTH,
        classes: 3,
        dropout: 0.0,
        batch_normalization: BatchNormalization::None,
        kind: HeadKind::Linear,
    };
    let folder = tempfile::tempdir().unwrap();
    let head = || Head::new(&settings, HeadLayout::LINEAR, 1, &device);
    let checkpoints = Checkpoints::new(folder.path()).with_interval(Duration::ZERO);
    let error = fit(&params(), &task, head(), checkpoints, &Silent).err().unwrap();
    assert_eq!(error.to_string(), "the loss is NaN in epoch 2, on the rows b, a");
    let kept = format!("the last good state is kept in `{}`", folder.path().display());
    assert_eq!(error.hints()[1], kept);
    let state = Checkpoints::new(folder.path())
        .read(&head().train(), &optimizer::build(&params(), 0), None)
        .unwrap();
    assert_eq!((state.position.step, state.position.history.len()), (1, 1));
}

/// The recall of the second of two classes of overlapping features, of which it has 1 row in 15.
fn recall_of_the_rare_class(params: &Params) -> f64 {
    let device = device::open(DeviceChoice::Cpu).unwrap();
    let autodiff = device.clone().autodiff();
    let mut stream = random::stream("rare", 1);
    let labels: Vec<u32> = (0..300).map(|row| u32::from(row % 15 == 0)).collect();
    let features: Vec<f32> = labels
        .iter()
        .map(|&label| 0.3 * label as f32 + random::uniform(&mut stream))
        .collect();
    let settings = HeadSettings {
        input: 1,
        classes: 2,
        dropout: 0.0,
        batch_normalization: BatchNormalization::None,
        kind: HeadKind::Linear,
    };
    let train_logits = |head: &Head, batch: &MicroBatch<'_>| {
        let values: Vec<f32> = batch.rows.iter().map(|&row| features[row]).collect();
        head.forward(Tensor::from_data(
            TensorData::new(values, [batch.rows.len(), 1]),
            &autodiff,
        ))
    };
    let validation_logits = |head: &Head| Ok(bundle::head_logits(head, &features, 1, &device));
    let task = Task {
        train_logits: &train_logits,
        validation_logits: &validation_logits,
        train_labels: &labels,
        validation_labels: &labels,
        train_lengths: &[1; 300],
        train_ids: &vec![String::new(); 300],
        class_weights: None,
        classes: 2,
        device: &device,
        layers: 0,
        embedding: None,
        workers: &Workers::alone(),
        course: Course::default(),
    };
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::new(folder.path());
    let (head, _) = fit(
        params,
        &task,
        Head::new(&settings, HeadLayout::LINEAR, 1, &device),
        checkpoints,
        &Silent,
    )
    .unwrap();
    let logits = validation_logits(&head).unwrap();
    let rare = logits.chunks(2).zip(&labels).filter(|(_, label)| **label == 1);
    rare.clone().filter(|(logits, _)| argmax(logits) == 1).count() as f64 / rare.count() as f64
}

#[test]
fn balanced_sampling_finds_the_rows_of_a_rare_class() {
    let proportional = params();
    let balanced = Params {
        sampling: Some(Sampling::Balanced),
        ..params()
    };
    let (before, after) = (
        recall_of_the_rare_class(&proportional),
        recall_of_the_rare_class(&balanced),
    );
    assert!(before < 0.1 && after > 0.5, "{before} {after}");
}

#[test]
fn balanced_sampling_that_is_stopped_again_and_again_ends_with_the_same_bits() {
    let params = Params {
        epochs: 4,
        dropout: 0.0,
        sampling: Some(Sampling::Balanced),
        ..params()
    };
    let undisturbed = fit_head(&params, DeviceChoice::Flex);
    let (disturbed, stops) = fit_head_with_stops(&params, DeviceChoice::Flex, 5, |_| ());
    assert_eq!(undisturbed, disturbed);
    assert!(stops > 0);
}
