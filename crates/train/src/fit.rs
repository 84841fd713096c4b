//! The training loop: epochs of batches, the optimiser's steps, and the choice of the epoch that is kept.
//!
//! A loop of our own on burn's optimisers, because burn-train returns the last epoch's weights after early stopping,
//! and cannot repeat a run exactly after an interruption.

use burn::module::Module;
use burn::nn::loss::{CrossEntropyLoss, CrossEntropyLossConfig};
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::{Device, Int, Tensor, TensorData};
use labelproof_artifact::{HistoryRow, Reporter};
use labelproof_metrics::{Confusion, Scored, macro_average};
use labelproof_model::bundle::{argmax, cross_entropy, probabilities};
use labelproof_model::{batch, random};

use crate::checkpoint::{Best, Checkpoints, Progress, State};
use crate::clipping;
use crate::error::{Error, chain};
use crate::optimizer;
use crate::params::{Params, SelectionMetric};
use crate::schedule::learning_rate;

/// What a loop trains on. `M` is what learns: the head alone, or the whole classifier.
pub(crate) struct Task<'a, M> {
    /// Logits `[batch, classes]` of some training rows, on the autodiff device; the number is the seed of the encoder's dropout.
    pub(crate) train_logits: &'a dyn Fn(&M, &[usize], u64) -> Tensor<2>,
    /// Logits of all validation rows, row-major, by a module in prediction mode.
    pub(crate) validation_logits: &'a dyn Fn(&M) -> Vec<f32>,
    /// Class of each training row.
    pub(crate) train_labels: &'a [u32],
    /// Class of each validation row.
    pub(crate) validation_labels: &'a [u32],
    /// Tokens of each training row; equal numbers where batches need no sorting.
    pub(crate) train_lengths: &'a [usize],
    /// Ids of the training rows, for messages.
    pub(crate) train_ids: &'a [String],
    /// Weight of each class in the loss.
    pub(crate) class_weights: Option<Vec<f32>>,
    /// Number of classes.
    pub(crate) classes: usize,
    /// Without autodiff.
    pub(crate) device: &'a Device,
}

/// Figures of the validation rows.
struct Validation {
    loss: f64,
    accuracy: f64,
    f1_macro: f64,
}

/// Trains, and returns the best epoch's module in prediction mode, with the history. Goes on from a checkpoint if there is
/// one, and gives the same bits as if it had never been interrupted.
pub(crate) fn fit<M: Module>(
    params: &Params,
    task: &Task<'_, M>,
    module: M,
    checkpoints: Checkpoints,
    reporter: &dyn Reporter,
) -> Result<(M, Vec<HistoryRow>), Error> {
    let batches_per_epoch = task.train_labels.len().div_ceil(params.batch_size);
    let mut trainer = Trainer {
        params,
        task,
        loss: CrossEntropyLossConfig::new()
            .with_weights(task.class_weights.clone())
            .init(&task.device.clone().autodiff()),
        steps_per_epoch: batches_per_epoch.div_ceil(params.gradient_accumulation) as u64,
        checkpoints,
        reporter,
    };
    let mut state = trainer.first_state(module.train());
    let rows = task.train_labels.len() as u64;
    reporter.started("training", Some(rows * u64::from(params.epochs)));
    let rows_before = rows * state.progress.step / trainer.steps_per_epoch;
    reporter.advance(rows_before, "");
    while !is_finished(params, &state.progress) {
        state = trainer.train_epoch(state)?;
        trainer.validate(&mut state)?;
        if trainer.checkpoints.due_after_epoch() {
            trainer.checkpoint(&state);
        }
    }
    reporter.finished();
    let best = state
        .progress
        .best
        .expect("there is at least one epoch, and the first is the best so far");
    let mut history = state.progress.history;
    for row in &mut history {
        row.best = row.epoch == best.epoch;
    }
    let module = state
        .best
        .expect("the best epoch's module is kept with its number");
    Ok((module, history))
}

/// Whether all epochs are done, or none became better for so long that training stops.
fn is_finished(params: &Params, progress: &Progress) -> bool {
    let done = progress.epochs();
    let waited = progress.best.map_or(0, |best| done - best.epoch);
    done >= params.epochs || waited >= params.early_stopping.patience
}

fn describe(row: &HistoryRow, epochs: u32, best: bool) -> String {
    format!(
        "epoch {:>3}/{epochs}  loss {:.4}  accuracy {:.4}  validation loss {:.4}  accuracy {:.4}{}",
        row.epoch,
        row.train_loss,
        row.train_accuracy,
        row.validation_loss,
        row.validation_accuracy,
        if best { "  best so far" } else { "" }
    )
}

struct Trainer<'a, M> {
    params: &'a Params,
    task: &'a Task<'a, M>,
    loss: CrossEntropyLoss,
    steps_per_epoch: u64,
    checkpoints: Checkpoints,
    reporter: &'a dyn Reporter,
}

impl<M: Module> Trainer<'_, M> {
    /// That of the checkpoint, or a new one.
    fn first_state(&self, module: M) -> State<M> {
        let optimizer = optimizer::build(self.params);
        if let Some(state) = self.checkpoints.read(&module, &optimizer) {
            self.reporter.message(&format!(
                "going on from a checkpoint after {}",
                self.place(&state.progress)
            ));
            return state;
        }
        if self.checkpoints.exist() {
            self.reporter.message(&format!(
                "the checkpoint in `{}` is damaged: training begins anew",
                self.checkpoints.folder().display()
            ));
        }
        State {
            module,
            optimizer,
            best: None,
            progress: Progress::default(),
        }
    }

    /// For people: `epoch 2`, or `step 7 of 40 of epoch 3`.
    fn place(&self, progress: &Progress) -> String {
        let epochs = progress.epochs();
        let in_epoch = progress.step - u64::from(epochs) * self.steps_per_epoch;
        if in_epoch == 0 {
            format!("epoch {epochs}")
        } else {
            format!(
                "step {in_epoch} of {} of epoch {}",
                self.steps_per_epoch,
                epochs + 1
            )
        }
    }

    /// Keeps a state. That it cannot be kept is no reason to stop: nothing needs it if nothing interrupts the training.
    fn checkpoint(&mut self, state: &State<M>) {
        if let Err(error) = self.checkpoints.write(state) {
            self.reporter.message(&format!(
                "training goes on without a checkpoint: {}",
                chain(&error)
            ));
        }
    }

    /// Trains what is left of the epoch at hand.
    fn train_epoch(&mut self, mut state: State<M>) -> Result<State<M>, Error> {
        let epoch = state.progress.epochs() + 1;
        let steps_before = u64::from(epoch - 1) * self.steps_per_epoch;
        let total_steps = u64::from(self.params.epochs) * self.steps_per_epoch;
        let seed = random::combine(self.params.seed, u64::from(epoch));
        let batches = batch::shuffled(self.task.train_lengths, self.params.batch_size, seed);
        let first = state.progress.step;
        let groups = batches
            .chunks(self.params.gradient_accumulation)
            .zip(steps_before..);
        for (group, step) in groups.skip_while(|(_, step)| *step < first) {
            // Seeded anew for each step, so that a step can be repeated without the ones before it.
            let step_seed = random::combine(seed, step);
            self.task.device.seed(step_seed);
            let group_rows: usize = group.iter().map(Vec::len).sum();
            let mut accumulator = GradientsAccumulator::new();
            for (rows, part) in group.iter().zip(0..) {
                let share = rows.len() as f64 / group_rows as f64;
                let seed = random::combine(step_seed, part);
                let (gradients, loss, hits) = self.gradients(&state.module, rows, seed, share, epoch)?;
                accumulator.accumulate(&state.module, gradients);
                state.progress.loss_sum += f64::from(loss) * rows.len() as f64;
                state.progress.right += hits;
                self.reporter
                    .advance(rows.len() as u64, &format!("epoch {epoch} loss {loss:.3}"));
            }
            let mut gradients = accumulator.grads();
            if let Some(largest) = self.params.gradient_clipping {
                clipping::clip(&state.module, &mut gradients, largest);
            }
            let rate = learning_rate(self.params, step, total_steps);
            state.module = state.optimizer.step(rate, state.module, gradients);
            state.progress.step = step + 1;
            if self.reporter.stop_requested() {
                let after = self.place(&state.progress);
                return Err(Error::interrupted(after, self.checkpoints.write(&state)));
            }
            if self.checkpoints.due() {
                self.checkpoint(&state);
            }
        }
        Ok(state)
    }

    /// Ends an epoch: scores the validation rows, and keeps the module if it is the best so far.
    fn validate(&self, state: &mut State<M>) -> Result<(), Error> {
        let progress = &mut state.progress;
        let epoch = progress.epochs() + 1;
        let snapshot = state.module.valid();
        let validation = score(&(self.task.validation_logits)(&snapshot), self.task, epoch)?;
        let merit = match self.params.early_stopping.metric {
            SelectionMetric::Loss => -validation.loss,
            SelectionMetric::Accuracy => validation.accuracy,
            SelectionMetric::F1Macro => validation.f1_macro,
        };
        let is_best = progress.best.is_none_or(|best| merit > best.merit);
        if is_best {
            state.best = Some(snapshot);
            progress.best = Some(Best { epoch, merit });
        }
        let rows = self.task.train_labels.len() as f64;
        let total_steps = u64::from(self.params.epochs) * self.steps_per_epoch;
        let row = HistoryRow {
            epoch,
            learning_rate: learning_rate(self.params, progress.step.saturating_sub(1), total_steps),
            train_loss: progress.loss_sum / rows,
            train_accuracy: progress.right as f64 / rows,
            validation_loss: validation.loss,
            validation_accuracy: validation.accuracy,
            validation_f1_macro: validation.f1_macro,
            best: false,
        };
        self.reporter
            .message(&describe(&row, self.params.epochs, is_best));
        progress.history.push(row);
        (progress.loss_sum, progress.right) = (0.0, 0);
        Ok(())
    }

    /// Gradients of `share` times the mean loss of some rows, that loss, and how many rows were right.
    fn gradients(
        &self,
        module: &M,
        rows: &[usize],
        seed: u64,
        share: f64,
        epoch: u32,
    ) -> Result<(GradientsParams, f32, usize), Error> {
        let labels: Vec<i64> = rows
            .iter()
            .map(|&row| i64::from(self.task.train_labels[row]))
            .collect();
        let device = self.task.device.clone().autodiff();
        let targets = Tensor::<1, Int>::from_data(TensorData::new(labels.clone(), [labels.len()]), &device);
        let logits = (self.task.train_logits)(module, rows, seed);
        let loss = self.loss.forward(logits.clone(), targets);
        let value = loss.clone().into_scalar::<f32>();
        if !value.is_finite() {
            let ids: Vec<&str> = rows
                .iter()
                .map(|&row| self.task.train_ids[row].as_str())
                .collect();
            return Err(Error::NonFiniteLoss {
                epoch,
                loss: value,
                rows: ids.join(", "),
                checkpoint: self
                    .checkpoints
                    .exist()
                    .then(|| self.checkpoints.folder().to_path_buf()),
            });
        }
        let predictions: Vec<f32> = logits.into_data().iter::<f32>().collect();
        let hits = predictions
            .chunks_exact(self.task.classes)
            .zip(&labels)
            .filter(|(logits, label)| i64::try_from(argmax(logits)) == Ok(**label))
            .count();
        let gradients = loss.mul_scalar(share).backward();
        Ok((GradientsParams::from_grads(gradients, module), value, hits))
    }
}

fn score<M>(logits: &[f32], task: &Task<'_, M>, epoch: u32) -> Result<Validation, Error> {
    let rows: Vec<&[f32]> = logits.chunks_exact(task.classes).collect();
    let losses: Vec<f64> = rows
        .iter()
        .zip(task.validation_labels)
        .map(|(logits, &label)| cross_entropy(logits, label as usize))
        .collect();
    let probabilities: Vec<f64> = rows.iter().flat_map(|logits| probabilities(logits)).collect();
    let scored = Scored::new(task.validation_labels, &probabilities, &losses, task.classes)
        .map_err(|source| Error::Score { epoch, source })?;
    let totals = Confusion::from_scored(&scored).totals();
    let count = task.validation_labels.len() as f64;
    Ok(Validation {
        loss: losses.iter().sum::<f64>() / count,
        accuracy: totals.hits as f64 / count,
        f1_macro: macro_average(&totals).map_or(0.0, |average| average.f1),
    })
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::path::Path;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use labelproof_artifact::{Diagnostic, Silent, fs};
    use labelproof_model::{BatchNormalization, DeviceChoice, Head, HeadSettings, backend, bundle};

    use super::*;
    use crate::params::{EarlyStopping, OptimizerKind, ScheduleKind};

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

    /// The validation logits and the history of a training that keeps its checkpoints in a folder, one after every step.
    fn fit_head_in(
        folder: &Path,
        params: &Params,
        device: DeviceChoice,
        reporter: &dyn Reporter,
    ) -> Result<(Vec<f32>, Vec<HistoryRow>), Error> {
        let device = backend::open(device).unwrap();
        let autodiff = device.clone().autodiff();
        let (features, labels) = rows();
        let settings = HeadSettings {
            input: WIDTH,
            classes: 3,
            dropout: params.dropout,
            batch_normalization: params.batch_normalization,
        };
        let train_logits = |head: &Head, rows: &[usize], _: u64| {
            let values: Vec<f32> = rows
                .iter()
                .flat_map(|&row| features[row * WIDTH..(row + 1) * WIDTH].to_vec())
                .collect();
            head.forward(Tensor::from_data(
                TensorData::new(values, [rows.len(), WIDTH]),
                &autodiff,
            ))
        };
        let validation_logits = |head: &Head| bundle::head_logits(head, &features, WIDTH, &device);
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
        };
        let head = Head::new(&settings, params.seed, &device);
        let checkpoints = Checkpoints::new(folder).with_interval(Duration::ZERO);
        let (head, history) = fit(params, &task, head, checkpoints, reporter)?;
        Ok((validation_logits(&head), history))
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

    /// Stops a training again and again, after this many batches each time, and goes on until it is done. Returns what it
    /// gave, and how often it was stopped.
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
        // Without dropout: its masks come from a generator that all tests of this process share. The end-to-end tests
        // compare runs with dropout.
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
        // One that is cut, one with a flipped bit, and a list that is none: training begins anew, and ends the same.
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
        let device = backend::open(DeviceChoice::Flex).unwrap();
        let autodiff = device.clone().autodiff();
        let batches = Cell::new(0);
        let train_logits = |head: &Head, rows: &[usize], _: u64| {
            batches.set(batches.get() + 1);
            // The first epoch has one batch, and is fine.
            let value = if batches.get() == 1 { 0.5 } else { f32::NAN };
            let values = vec![value; rows.len() * WIDTH];
            head.forward(Tensor::from_data(
                TensorData::new(values, [rows.len(), WIDTH]),
                &autodiff,
            ))
        };
        let ids = ["a".to_owned(), "b".to_owned()];
        let task = Task {
            train_logits: &train_logits,
            validation_logits: &|_: &Head| vec![0.0; 6],
            train_labels: &[0, 1],
            validation_labels: &[0, 1],
            train_lengths: &[1, 1],
            train_ids: &ids,
            class_weights: None,
            classes: 3,
            device: &device,
        };
        let settings = HeadSettings {
            input: WIDTH,
            classes: 3,
            dropout: 0.0,
            batch_normalization: BatchNormalization::None,
        };
        let folder = tempfile::tempdir().unwrap();
        let head = || Head::new(&settings, 1, &device);
        let checkpoints = Checkpoints::new(folder.path()).with_interval(Duration::ZERO);
        let error = fit(&params(), &task, head(), checkpoints, &Silent).err().unwrap();
        assert_eq!(error.to_string(), "the loss is NaN in epoch 2, on the rows b, a");
        let kept = format!("the last good state is kept in `{}`", folder.path().display());
        assert_eq!(error.hints()[1], kept);
        let state = Checkpoints::new(folder.path())
            .read(&head().train(), &optimizer::build(&params()))
            .unwrap();
        assert_eq!((state.progress.step, state.progress.history.len()), (1, 1));
    }
}
