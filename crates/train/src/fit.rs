//! The training loop: epochs of batches, the optimiser's steps, and the choice of the epoch that is kept.
//!
//! A loop of our own on burn's optimisers, because burn-train returns the last epoch's weights after early stopping,
//! and cannot repeat a run exactly after an interruption.

use burn::module::{Module, Param};
use burn::nn::loss::{CrossEntropyLoss, CrossEntropyLossConfig};
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::{Device, Int, Tensor, TensorData};
use labelproof_artifact::{HistoryRow, Reporter};
use labelproof_metrics::{Confusion, Scored, argmax, cross_entropy, macro_average, softmax};
use labelproof_model::batch::{self, Batch};
use labelproof_model::random;

use crate::checkpoint::{Best, Checkpoints, Progress, State};
use crate::clipping;
use crate::error::{Error, chain};
use crate::optimizer;
use crate::params::{Params, SelectionMetric};
use crate::schedule::learning_rate;
use crate::words::{StepWords, WordTable};

/// What a loop trains on. `M` is what learns: the head alone, or the whole classifier.
pub(crate) struct Task<'a, M> {
    /// Logits `[batch, classes]` of some training rows, on the autodiff device.
    pub(crate) train_logits: &'a dyn Fn(&M, &Part<'_>) -> Tensor<2>,
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
    /// Where the table of word embeddings learns.
    pub(crate) words: Option<WordAccess<'a, M>>,
}

/// Training rows of one batch, and how they are read.
pub(crate) struct Part<'a> {
    pub(crate) rows: &'a [usize],
    /// Of the encoder's dropout.
    pub(crate) seed: u64,
    /// The words of the module's table, if it holds no others.
    pub(crate) words: Option<&'a StepWords>,
}

impl Part<'_> {
    /// The batch of these rows, out of the token ids of all.
    pub(crate) fn batch(&self, tokens: &[Vec<u32>], pad_id: u32, device: &Device) -> Batch {
        let rows = self.rows.iter().map(|&row| &tokens[row]);
        match self.words {
            Some(words) => {
                let places: Vec<Vec<u32>> = rows.map(|row| words.places(row)).collect();
                let places: Vec<&[u32]> = places.iter().map(Vec::as_slice).collect();
                Batch::new(&places, words.place(pad_id), device)
            }
            None => Batch::new(&rows.map(Vec::as_slice).collect::<Vec<_>>(), pad_id, device),
        }
        .with_seed(self.seed)
    }
}

/// The words of the training rows, and where a module keeps their embeddings.
pub(crate) struct WordAccess<'a, M> {
    pub(crate) table: fn(&mut M) -> &mut Param<Tensor<2>>,
    /// Token ids of each training row.
    pub(crate) tokens: &'a [Vec<u32>],
    pub(crate) pad_id: u32,
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
            trainer.checkpoint(&mut state);
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
    fn first_state(&self, mut module: M) -> State<M> {
        let optimizer = optimizer::build(self.params);
        let table = self.task.words.as_ref().map(|words| words.table);
        if let Some(state) = self.checkpoints.read(&module, &optimizer, table) {
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
            words: table.map(|table| WordTable::new(table(&mut module))),
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
    fn checkpoint(&mut self, state: &mut State<M>) {
        self.give_words_back(state);
        if let Err(error) = self.checkpoints.write(state) {
            self.reporter.message(&format!(
                "training goes on without a checkpoint: {}",
                chain(&error)
            ));
        }
    }

    /// Leaves in the module's table of words the rows that some batches read.
    fn lend_words(&self, state: &mut State<M>, batches: &[Vec<usize>]) -> Option<StepWords> {
        let (access, words) = self.task.words.as_ref().zip(state.words.as_mut())?;
        let tokens = batches.iter().flatten().map(|&row| access.tokens[row].as_slice());
        let step_words = StepWords::of(tokens, access.pad_id);
        words.lend(&step_words, (access.table)(&mut state.module));
        Some(step_words)
    }

    /// Puts the whole table of words into the module again, for whoever looks at it beside the steps.
    fn give_words_back(&self, state: &mut State<M>) {
        if let Some((access, words)) = self.task.words.as_ref().zip(state.words.as_mut()) {
            words.give_back((access.table)(&mut state.module));
        }
    }

    /// Takes a step with the gradients of a batch.
    fn step(
        &self,
        mut state: State<M>,
        mut gradients: GradientsParams,
        words: Option<&StepWords>,
        rate: f64,
    ) -> State<M> {
        if let Some(largest) = self.params.gradient_clipping {
            clipping::clip(&state.module, &mut gradients, largest);
        }
        if let (Some(access), Some(table), Some(words)) = (&self.task.words, &mut state.words, words) {
            let number = usize::try_from(state.progress.step).unwrap_or(usize::MAX - 1) + 1;
            let step = optimizer::step_of(self.params, rate, number);
            table.step(words, (access.table)(&mut state.module), &mut gradients, &step);
        }
        state.module = state.optimizer.step(rate, state.module, gradients);
        state.progress.step += 1;
        state
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
            let words = self.lend_words(&mut state, group);
            let mut accumulator = GradientsAccumulator::new();
            for (rows, part) in group.iter().zip(0..) {
                let share = rows.len() as f64 / group_rows as f64;
                let part = Part {
                    rows,
                    seed: random::combine(step_seed, part),
                    words: words.as_ref(),
                };
                let (gradients, loss, hits) = self.gradients(&state.module, &part, share, epoch)?;
                accumulator.accumulate(&state.module, gradients);
                state.progress.loss_sum += f64::from(loss) * rows.len() as f64;
                state.progress.right += hits;
                self.reporter
                    .advance(rows.len() as u64, &format!("epoch {epoch} loss {loss:.3}"));
            }
            let rate = learning_rate(self.params, step, total_steps);
            state = self.step(state, accumulator.grads(), words.as_ref(), rate);
            if self.reporter.stop_requested() {
                let after = self.place(&state.progress);
                self.give_words_back(&mut state);
                return Err(Error::interrupted(after, self.checkpoints.write(&state)));
            }
            if self.checkpoints.due() {
                self.checkpoint(&mut state);
            }
        }
        Ok(state)
    }

    /// Ends an epoch: scores the validation rows, and keeps the module if it is the best so far.
    fn validate(&self, state: &mut State<M>) -> Result<(), Error> {
        self.give_words_back(state);
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
        part: &Part<'_>,
        share: f64,
        epoch: u32,
    ) -> Result<(GradientsParams, f32, usize), Error> {
        let rows = part.rows;
        let labels: Vec<i64> = rows
            .iter()
            .map(|&row| i64::from(self.task.train_labels[row]))
            .collect();
        let device = self.task.device.clone().autodiff();
        let targets = Tensor::<1, Int>::from_data(TensorData::new(labels.clone(), [labels.len()]), &device);
        let logits = (self.task.train_logits)(module, part);
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
    let probabilities: Vec<f64> = rows.iter().flat_map(|logits| softmax(logits)).collect();
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

    use burn::nn::{Embedding, Linear};
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
        let train_logits = |head: &Head, part: &Part<'_>| {
            let values: Vec<f32> = part
                .rows
                .iter()
                .flat_map(|&row| features[row * WIDTH..(row + 1) * WIDTH].to_vec())
                .collect();
            head.forward(Tensor::from_data(
                TensorData::new(values, [part.rows.len(), WIDTH]),
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
            words: None,
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

    /// The logits and the history of bags of two words out of 50, whose first says the class; the table of words is lent row by row, or
    /// learns like any other weight.
    fn fit_bags(
        folder: &Path,
        params: &Params,
        device: DeviceChoice,
        lent: bool,
        reporter: &dyn Reporter,
    ) -> Result<(Vec<f32>, Vec<HistoryRow>), Error> {
        let device = backend::open(device).unwrap();
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
            logits.into_data().iter::<f32>().collect::<Vec<_>>()
        };
        let task = Task {
            train_logits: &|bag: &Bag, part: &Part<'_>| bag.forward(&part.batch(&tokens, 0, &autodiff)),
            validation_logits: &validation_logits,
            train_labels: &labels,
            validation_labels: &labels,
            train_lengths: &[2; 60],
            train_ids: &ids,
            class_weights: None,
            classes: 3,
            device: &device,
            words: lent.then_some(WordAccess {
                table: |bag: &mut Bag| &mut bag.words.weight,
                tokens: &tokens,
                pad_id: 0,
            }),
        };
        let checkpoints = Checkpoints::new(folder).with_interval(Duration::ZERO);
        let (bag, history) = fit(params, &task, bag, checkpoints, reporter)?;
        Ok((validation_logits(&bag), history))
    }

    #[test]
    fn a_table_of_words_that_is_lent_row_by_row_learns_the_same() {
        let params = Params {
            gradient_accumulation: 3,
            optimizer: OptimizerKind::Adamw,
            ..params()
        };
        let in_new_folder = |device, lent, params: &Params| {
            let folder = tempfile::tempdir().unwrap();
            fit_bags(folder.path(), params, device, lent, &Silent).unwrap()
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
        let (lent, _) = in_new_folder(DeviceChoice::Cpu, true, &clipped);
        let (whole, _) = in_new_folder(DeviceChoice::Cpu, false, &clipped);
        for (one, other) in lent.iter().zip(&whole) {
            assert!((one - other).abs() < 1e-4, "{one} {other}");
        }
        assert!((lent[0] - logits[0]).abs() > 1e-2, "clipping shows");
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
        let train_logits = |head: &Head, part: &Part<'_>| {
            batches.set(batches.get() + 1);
            // The first epoch has one batch, and is fine.
            let value = if batches.get() == 1 { 0.5 } else { f32::NAN };
            let values = vec![value; part.rows.len() * WIDTH];
            head.forward(Tensor::from_data(
                TensorData::new(values, [part.rows.len(), WIDTH]),
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
            words: None,
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
            .read(&head().train(), &optimizer::build(&params()), None)
            .unwrap();
        assert_eq!((state.progress.step, state.progress.history.len()), (1, 1));
    }
}
