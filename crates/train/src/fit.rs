//! The training loop: epochs of batches, the optimiser's steps, early stopping and the choice of the epoch
//! that is kept.
//!
//! It is our own on burn's optimisers, because burn-train returns the last epoch's weights after early
//! stopping, and cannot resume an interrupted run to the same bits.

use burn::module::{Module, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Int, Tensor, TensorData};
use labelproof_artifact::{HistoryRow, Reporter};
use labelproof_kernels::workers::{Workers, WorkersError};
use labelproof_kernels::{adamw, random};
use labelproof_metrics::{Confusion, Scored, argmax, cross_entropy, macro_average, softmax};
use labelproof_model::batch::{self, Batch, Layout};

use crate::checkpoint::{BestEpoch, Checkpoints, LoopPosition, State};
use crate::clipping;
use crate::error::{Error, chain};
use crate::gradient_sum::GradientSum;
use crate::lazy_embedding::{LazyEmbedding, StepTokens};
use crate::loss::Loss;
use crate::optimizer;
use crate::params::{Params, SelectionMetric};
use crate::sampling::rows_of_epoch;
use crate::schedule::learning_rate;
use crate::training::Course;

/// What the loop trains on. `M` is the module that is trained: the head alone, or the whole classifier.
pub(crate) struct Task<'a, M> {
    /// The logits, `[batch, classes]`, of a micro-batch of training rows, on the autodiff device.
    pub(crate) train_logits: &'a dyn Fn(&M, &MicroBatch<'_>) -> Tensor<2>,
    /// The logits of all validation rows, row-major, by a module in inference mode.
    pub(crate) validation_logits: &'a dyn Fn(&M) -> Result<Vec<f32>, WorkersError>,
    /// The class of each training row.
    pub(crate) train_labels: &'a [u32],
    /// The class of each validation row.
    pub(crate) validation_labels: &'a [u32],
    /// The number of tokens of each training row; equal numbers where batches need no sorting.
    pub(crate) train_lengths: &'a [usize],
    /// The ids of the training rows, for messages.
    pub(crate) train_ids: &'a [String],
    /// The weight of each class in the loss.
    pub(crate) class_weights: Option<Vec<f32>>,
    /// The number of classes.
    pub(crate) classes: usize,
    /// The device without autodiff.
    pub(crate) device: &'a Device,
    /// The number of layers of the encoder in the module.
    pub(crate) layers: usize,
    /// The table of word embeddings, where it is trained.
    pub(crate) embedding: Option<EmbeddingAccess<'a, M>>,
    /// The processes that train together.
    pub(crate) workers: &'a Workers,
    pub(crate) course: Course,
}

/// The training rows of one forward and backward pass. The gradients of several make a step where they are
/// accumulated.
pub(crate) struct MicroBatch<'a> {
    pub(crate) rows: &'a [usize],
    /// The seed of its dropout.
    pub(crate) seed: u64,
    /// The tokens whose embeddings the module's table holds, where it does not hold all.
    pub(crate) tokens: Option<&'a StepTokens>,
}

impl MicroBatch<'_> {
    /// The tensors of these rows, from the token ids of all training rows.
    pub(crate) fn batch(&self, tokens: &[Vec<u32>], layout: Layout, device: &Device) -> Batch {
        let rows = self.rows.iter().map(|&row| &tokens[row]);
        match self.tokens {
            Some(step_tokens) => {
                let rows: Vec<Vec<u32>> = rows.map(|row| step_tokens.renumber(row)).collect();
                let rows: Vec<&[u32]> = rows.iter().map(Vec::as_slice).collect();
                let layout = Layout {
                    pad_id: step_tokens.row_of(layout.pad_id),
                    ..layout
                };
                layout.batch(&rows, device)
            }
            None => layout.batch(&rows.map(Vec::as_slice).collect::<Vec<_>>(), device),
        }
        .with_seed(self.seed)
    }
}

/// Where a module has its table of word embeddings, and which tokens read it.
pub(crate) struct EmbeddingAccess<'a, M> {
    pub(crate) table: fn(&mut M) -> &mut Param<Tensor<2>>,
    /// The token ids of each training row.
    pub(crate) tokens: &'a [Vec<u32>],
    pub(crate) pad_id: u32,
}

/// The metrics of the validation rows after an epoch.
struct Validation {
    loss: f64,
    accuracy: f64,
    f1_macro: f64,
}

/// Trains, and returns the best epoch's module in inference mode, with the history. It resumes from a
/// checkpoint if there is one, and gives the same bits as if it had never been interrupted.
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
        loss: Loss::new(
            params,
            task.class_weights.as_deref(),
            task.classes,
            &task.device.clone().autodiff(),
        ),
        steps_per_epoch: batches_per_epoch.div_ceil(params.gradient_accumulation) as u64,
        checkpoints,
        reporter,
    };
    let mut state = trainer.first_state(module.train());
    // From here on the first process may write another checkpoint.
    task.workers
        .agree("start", "checkpoint", &trainer.describe_position(&state.position))?;
    let rows = task.train_labels.len() as u64;
    let epochs = task.course.epochs.unwrap_or(params.epochs);
    reporter.started(&trainer.work(), Some(rows * u64::from(epochs)));
    let rows_before = rows * state.position.step / trainer.steps_per_epoch;
    reporter.advance(rows_before, "");
    while !trainer.is_finished(&state.position) {
        state = trainer.train_epoch(state)?;
        trainer.validate(&mut state)?;
        if trainer.checkpoints.due_after_epoch() {
            trainer.checkpoint(&mut state);
        }
    }
    reporter.finished();
    let best = state
        .position
        .best
        .expect("there is at least one epoch, and the first is the best so far");
    let mut history = state.position.history;
    for row in &mut history {
        row.best = row.epoch == best.epoch;
    }
    let module = state
        .best
        .expect("the best epoch's module is kept with its number");
    Ok((module, history))
}

/// An epoch in one line, for people.
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
    loss: Loss,
    steps_per_epoch: u64,
    checkpoints: Checkpoints,
    reporter: &'a dyn Reporter,
}

impl<M: Module> Trainer<'_, M> {
    /// The name of the training, for people.
    fn work(&self) -> String {
        match &self.task.course.name {
            Some(name) => format!("training {name}"),
            None => "training".to_owned(),
        }
    }

    /// Whether all epochs are done, or early stopping ends the training.
    fn is_finished(&self, position: &LoopPosition) -> bool {
        let done = position.epochs();
        if let Some(last) = self.task.course.epochs {
            return done >= last;
        }
        let waited = position.best.map_or(0, |best| done - best.epoch);
        done >= self.params.epochs || waited >= self.params.early_stopping.patience
    }

    /// The state of the checkpoint, or that of a new training.
    fn first_state(&self, mut module: M) -> State<M> {
        let optimizer = optimizer::build(self.params, self.task.layers);
        let table = self.task.embedding.as_ref().map(|access| access.table);
        if let Some(state) = self.checkpoints.read(&module, &optimizer, table) {
            self.reporter.message(&format!(
                "going on from a checkpoint after {}",
                self.describe_position(&state.position)
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
            embedding: table.map(|table| LazyEmbedding::new(table(&mut module))),
            module,
            optimizer,
            best: None,
            position: LoopPosition::default(),
        }
    }

    /// A position for people: `epoch 2`, or `step 7 of 40 of epoch 3`.
    fn describe_position(&self, position: &LoopPosition) -> String {
        let epochs = position.epochs();
        let in_epoch = position.step - u64::from(epochs) * self.steps_per_epoch;
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

    /// Writes a checkpoint, where this is the first process. A failure is no reason to stop: nothing reads it
    /// unless something interrupts the training.
    fn checkpoint(&mut self, state: &mut State<M>) {
        if !self.task.workers.is_first() {
            return;
        }
        self.put_table(state);
        if let Err(error) = self.checkpoints.write(state) {
            self.reporter.message(&format!(
                "training goes on without a checkpoint: {}",
                chain(&error)
            ));
        }
    }

    /// Leaves in the module's embedding table only the rows that some batches read.
    fn put_rows(&self, state: &mut State<M>, batches: &[Vec<usize>]) -> Option<StepTokens> {
        let (access, embedding) = self.task.embedding.as_ref().zip(state.embedding.as_mut())?;
        let rows = batches.iter().flatten().map(|&row| access.tokens[row].as_slice());
        let tokens = StepTokens::new(rows, access.pad_id);
        embedding.put_rows(&tokens, (access.table)(&mut state.module));
        Some(tokens)
    }

    /// Puts the whole embedding table into the module again, for whatever reads the module between steps.
    fn put_table(&self, state: &mut State<M>) {
        if let Some((access, embedding)) = self.task.embedding.as_ref().zip(state.embedding.as_mut()) {
            embedding.put_table((access.table)(&mut state.module));
        }
    }

    /// Clips the gradients and takes a step.
    fn step(
        &self,
        mut state: State<M>,
        mut gradients: GradientsParams,
        tokens: Option<&StepTokens>,
        rate: f64,
    ) -> State<M> {
        if let Some(largest) = self.params.gradient_clipping {
            clipping::clip(&state.module, &mut gradients, largest);
        }
        if let (Some(access), Some(embedding), Some(tokens)) =
            (&self.task.embedding, &mut state.embedding, tokens)
        {
            let number = usize::try_from(state.position.step).unwrap_or(usize::MAX - 1) + 1;
            let step = optimizer::embedding_step(self.params, self.task.layers, rate, number);
            let table = (access.table)(&mut state.module);
            embedding.step(tokens, table, &mut gradients, &step);
        }
        state.module = adamw::together(|| state.optimizer.step(rate, state.module, gradients));
        state.position.step += 1;
        state
    }

    /// Trains what is left of the current epoch.
    fn train_epoch(&mut self, mut state: State<M>) -> Result<State<M>, Error> {
        let epoch = state.position.epochs() + 1;
        let steps_before = u64::from(epoch - 1) * self.steps_per_epoch;
        let total_steps = u64::from(self.params.epochs) * self.steps_per_epoch;
        let seed = random::derive(self.params.seed, u64::from(epoch));
        let rows = rows_of_epoch(
            self.params.sampling,
            self.task.train_labels,
            self.task.classes,
            seed,
        );
        let batches = batch::shuffled(rows, self.task.train_lengths, self.params.batch_size, seed);
        let first = state.position.step;
        let groups = batches
            .chunks(self.params.gradient_accumulation)
            .zip(steps_before..);
        for (group, step) in groups.skip_while(|(_, step)| *step < first) {
            let tokens = self.put_rows(&mut state, group);
            // Seeds follow from the step, so that training resumes at a step without those before it.
            let seed = random::derive(seed, step);
            let (gradients, results) = self.group_gradients(&state.module, group, seed, tokens.as_ref())?;
            let rate = learning_rate(self.params, step, total_steps);
            state = self.step(state, gradients, tokens.as_ref(), rate);
            // Read when the whole step has been called: an accelerator goes on with it meanwhile.
            for (rows, outcome) in group.iter().zip(self.outcomes(group.len(), &results)?) {
                self.check_loss(outcome.loss, rows, epoch)?;
                state.position.loss_sum += f64::from(outcome.loss) * rows.len() as f64;
                state.position.right += outcome.right;
                self.reporter.advance(
                    rows.len() as u64,
                    &format!("epoch {epoch} loss {:.3}", outcome.loss),
                );
            }
            if self.is_stop_requested()? {
                return Err(self.interrupted(&mut state));
            }
            if self.checkpoints.due() {
                self.checkpoint(&mut state);
            }
        }
        Ok(state)
    }

    /// The sum of the gradients of a group of micro-batches, the same in every process, and the results of
    /// those that this process computed.
    fn group_gradients(
        &self,
        module: &M,
        group: &[Vec<usize>],
        seed: u64,
        tokens: Option<&StepTokens>,
    ) -> Result<(GradientsParams, Vec<Computed>), Error> {
        let workers = self.task.workers;
        let group_rows: usize = group.iter().map(Vec::len).sum();
        let mut sum = GradientSum::new(workers, module, self.task.device);
        let mut results = Vec::new();
        for (number, round) in group.chunks(workers.count()).enumerate() {
            let gradients = round.get(workers.rank()).map(|rows| {
                let number = number * workers.count() + workers.rank();
                let batch = MicroBatch {
                    rows,
                    seed: random::derive(seed, number as u64),
                    tokens,
                };
                let (gradients, result) =
                    self.gradients(module, &batch, rows.len() as f64 / group_rows as f64);
                results.push(result);
                gradients
            });
            sum.add(module, gradients, round.len())?;
        }
        Ok((sum.into_gradients()?, results))
    }

    /// The outcomes of all micro-batches of a group, in their order, from the results of this process and of
    /// the others.
    fn outcomes(&self, micro_batches: usize, results: &[Computed]) -> Result<Vec<Outcome>, Error> {
        let workers = self.task.workers;
        let rounds = micro_batches.div_ceil(workers.count());
        let mut numbers = vec![0.0; rounds * Outcome::NUMBERS];
        for (result, numbers) in results.iter().zip(numbers.chunks_exact_mut(Outcome::NUMBERS)) {
            numbers.copy_from_slice(&result.outcome(self.task.classes).to_numbers());
        }
        let all = workers.gather_numbers(numbers)?;
        let outcomes = (0..micro_batches).map(|number| {
            let (worker, round) = (number % workers.count(), number / workers.count());
            Outcome::from_numbers(&all[(worker * rounds + round) * Outcome::NUMBERS..])
        });
        Ok(outcomes.collect())
    }

    /// Whether any process was asked to stop: all stop after the same step.
    fn is_stop_requested(&self) -> Result<bool, Error> {
        let is_requested = self.reporter.stop_requested();
        Ok(self.task.workers.any(is_requested)?)
    }

    /// The error of a training that was asked to stop, after its checkpoint.
    fn interrupted(&mut self, state: &mut State<M>) -> Error {
        let mut after = self.describe_position(&state.position);
        if self.task.course.name.is_some() {
            after.push_str(&format!(" of the {}", self.work()));
        }
        self.put_table(state);
        if !self.task.workers.is_first() {
            return Error::Interrupted { after };
        }
        Error::interrupted(after, self.checkpoints.write(state))
    }

    /// Ends an epoch: validates the module, and keeps it if it is the best so far.
    fn validate(&self, state: &mut State<M>) -> Result<(), Error> {
        self.put_table(state);
        let position = &mut state.position;
        let epoch = position.epochs() + 1;
        let snapshot = state.module.valid();
        let validation = score(&(self.task.validation_logits)(&snapshot)?, self.task, epoch)?;
        let merit = match self.params.early_stopping.metric {
            SelectionMetric::Loss => -validation.loss,
            SelectionMetric::Accuracy => validation.accuracy,
            SelectionMetric::F1Macro => validation.f1_macro,
        };
        let loss = validation.loss;
        // Few rows give few accuracies, and an epoch that is as accurate as a later one has learnt less.
        let is_better = |best: BestEpoch| (merit, -loss) > (best.merit, -best.loss);
        // Where the last epoch is given, what was validated has no say.
        let is_best = self.task.course.epochs.is_some() || position.best.is_none_or(is_better);
        if is_best {
            state.best = Some(snapshot);
            position.best = Some(BestEpoch { epoch, merit, loss });
        }
        let rows = self.task.train_labels.len() as f64;
        let total_steps = u64::from(self.params.epochs) * self.steps_per_epoch;
        let row = HistoryRow {
            epoch,
            learning_rate: learning_rate(self.params, position.step.saturating_sub(1), total_steps),
            train_loss: position.loss_sum / rows,
            train_accuracy: position.right as f64 / rows,
            validation_loss: validation.loss,
            validation_accuracy: validation.accuracy,
            validation_f1_macro: validation.f1_macro,
            best: false,
        };
        self.reporter
            .message(&describe(&row, self.params.epochs, is_best));
        position.history.push(row);
        (position.loss_sum, position.right) = (0.0, 0);
        Ok(())
    }

    /// The gradients of `share` times the mean loss of a micro-batch, and what was computed on the way.
    fn gradients(&self, module: &M, batch: &MicroBatch<'_>, share: f64) -> (GradientsParams, Computed) {
        let labels: Vec<i64> = batch
            .rows
            .iter()
            .map(|&row| i64::from(self.task.train_labels[row]))
            .collect();
        let device = self.task.device.clone().autodiff();
        let targets = Tensor::<1, Int>::from_data(TensorData::new(labels.clone(), [labels.len()]), &device);
        // The head's dropout takes its mask from the device's own generator.
        self.task.device.seed(batch.seed);
        let logits = (self.task.train_logits)(module, batch);
        let (loss, cross_entropy) = self.loss.forward(logits.clone(), targets);
        let computed = Computed {
            cross_entropy,
            logits: logits.inner(),
            labels,
        };
        let gradients = loss.mul_scalar(share).backward();
        (GradientsParams::from_grads(gradients, module), computed)
    }

    /// Refuses a loss that is no number.
    fn check_loss(&self, loss: f32, rows: &[usize], epoch: u32) -> Result<(), Error> {
        if loss.is_finite() {
            return Ok(());
        }
        let ids: Vec<&str> = rows
            .iter()
            .map(|&row| self.task.train_ids[row].as_str())
            .collect();
        Err(Error::NonFiniteLoss {
            epoch,
            loss,
            rows: ids.join(", "),
            checkpoint: self
                .checkpoints
                .exist()
                .then(|| self.checkpoints.folder().to_path_buf()),
        })
    }
}

/// What the forward pass of a micro-batch gave, still on the device: it is read once a step, because reading
/// waits for the device.
struct Computed {
    /// The mean cross-entropy, `[1]`.
    cross_entropy: Tensor<1>,
    /// `[batch, classes]`.
    logits: Tensor<2>,
    labels: Vec<i64>,
}

impl Computed {
    fn outcome(&self, classes: usize) -> Outcome {
        let logits: Vec<f32> = self.logits.clone().into_data().iter::<f32>().collect();
        let right = logits
            .chunks_exact(classes)
            .zip(&self.labels)
            .filter(|(logits, label)| i64::try_from(argmax(logits)) == Ok(**label))
            .count();
        Outcome {
            loss: self.cross_entropy.clone().into_scalar::<f32>(),
            right,
        }
    }
}

/// What became of a micro-batch.
struct Outcome {
    /// The mean cross-entropy of its rows.
    loss: f32,
    /// The number of its rows that were right.
    right: usize,
}

impl Outcome {
    /// The number of numbers that an outcome travels as.
    const NUMBERS: usize = 2;

    /// The outcome as numbers: a batch has fewer rows than float32 has whole numbers.
    fn to_numbers(&self) -> [f32; Self::NUMBERS] {
        [self.loss, self.right as f32]
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the second number was a whole number of rows"
    )]
    fn from_numbers(numbers: &[f32]) -> Self {
        Self {
            loss: numbers[0],
            right: numbers[1] as usize,
        }
    }
}

/// The metrics of the validation rows, from their logits.
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
mod tests;
