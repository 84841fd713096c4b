//! The training loop: epochs of batches, the optimiser's steps, and the choice of the epoch that is kept.
//!
//! A loop of our own on burn's optimisers, because burn-train returns the last epoch's weights after early stopping,
//! and cannot repeat a run exactly after an interruption.

use burn::module::{Module, ParamGroup};
use burn::nn::loss::{CrossEntropyLoss, CrossEntropyLossConfig};
use burn::optim::{AdamConfig, AdamWConfig, GradientsAccumulator, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Int, Tensor, TensorData};
use labelproof_artifact::{HistoryRow, Reporter};
use labelproof_metrics::{Confusion, Scored, macro_average};
use labelproof_model::bundle::{argmax, cross_entropy, probabilities};
use labelproof_model::{batch, random};

use crate::clipping;
use crate::error::Error;
use crate::params::{OptimizerKind, Params, SelectionMetric};
use crate::schedule::learning_rate;

/// What a loop trains on. `M` is what learns: the head alone, or the whole classifier.
pub(crate) struct Task<'a, M> {
    /// Logits `[batch, classes]` of some training rows, on the autodiff device.
    pub(crate) train_logits: &'a dyn Fn(&M, &[usize]) -> Tensor<2>,
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

/// Figures of one pass.
struct Pass {
    loss: f64,
    accuracy: f64,
    f1_macro: f64,
}

/// AdamW's ε in PyTorch and transformers. burn's default is a thousand times larger.
const EPSILON: f32 = 1e-8;
const DEFAULT_WEIGHT_DECAY: f64 = 0.01;

/// Trains, and returns the best epoch's module in prediction mode, with the history.
pub(crate) fn fit<M: Module>(
    params: &Params,
    task: &Task<'_, M>,
    module: M,
    reporter: &dyn Reporter,
) -> Result<(M, Vec<HistoryRow>), Error> {
    let batches_per_epoch = task.train_labels.len().div_ceil(params.batch_size);
    let steps_per_epoch = batches_per_epoch.div_ceil(params.gradient_accumulation) as u64;
    let mut trainer = Trainer {
        params,
        task,
        loss: CrossEntropyLossConfig::new()
            .with_weights(task.class_weights.clone())
            .init(&task.device.clone().autodiff()),
        optimizer: build_optimizer(params),
        step: 0,
        total_steps: steps_per_epoch * u64::from(params.epochs),
        reporter,
    };
    let mut module = module.train();
    let mut best: Option<(M, f64)> = None;
    let mut history: Vec<HistoryRow> = Vec::new();
    let mut best_epoch = 0;
    let rows = task.train_labels.len() as u64;
    reporter.started("training", Some(rows * u64::from(params.epochs)));
    for epoch in 1..=params.epochs {
        let (trained, train_pass) = trainer.train_epoch(module, epoch)?;
        module = trained;
        let snapshot = module.valid();
        let validation = score(&(task.validation_logits)(&snapshot), task, epoch)?;
        let merit = match params.early_stopping.metric {
            SelectionMetric::Loss => -validation.loss,
            SelectionMetric::Accuracy => validation.accuracy,
            SelectionMetric::F1Macro => validation.f1_macro,
        };
        if best.as_ref().is_none_or(|(_, best_merit)| merit > *best_merit) {
            best = Some((snapshot, merit));
            best_epoch = epoch;
        }
        let last_step = trainer.step.saturating_sub(1);
        history.push(HistoryRow {
            epoch,
            learning_rate: learning_rate(params, last_step, trainer.total_steps),
            train_loss: train_pass.loss,
            train_accuracy: train_pass.accuracy,
            validation_loss: validation.loss,
            validation_accuracy: validation.accuracy,
            validation_f1_macro: validation.f1_macro,
            best: false,
        });
        reporter.message(&describe(
            &history[history.len() - 1],
            params.epochs,
            epoch == best_epoch,
        ));
        if epoch - best_epoch >= params.early_stopping.patience {
            break;
        }
    }
    reporter.finished();
    for row in &mut history {
        row.best = row.epoch == best_epoch;
    }
    let (module, _) = best.expect("there is at least one epoch, and the first is the best so far");
    Ok((module, history))
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
    optimizer: ModuleOptimizer,
    step: u64,
    total_steps: u64,
    reporter: &'a dyn Reporter,
}

impl<M: Module> Trainer<'_, M> {
    fn train_epoch(&mut self, mut module: M, epoch: u32) -> Result<(M, Pass), Error> {
        // Seeded anew for each epoch, so that an epoch can be repeated without the ones before it.
        let seed = random::combine(self.params.seed, u64::from(epoch));
        self.task.device.seed(seed);
        let batches = batch::shuffled(self.task.train_lengths, self.params.batch_size, seed);
        let (mut loss_sum, mut right) = (0.0, 0_usize);
        for group in batches.chunks(self.params.gradient_accumulation) {
            let group_rows: usize = group.iter().map(Vec::len).sum();
            let mut accumulator = GradientsAccumulator::new();
            for rows in group {
                let share = rows.len() as f64 / group_rows as f64;
                let (gradients, loss, hits) = self.gradients(&module, rows, share, epoch)?;
                accumulator.accumulate(&module, gradients);
                loss_sum += f64::from(loss) * rows.len() as f64;
                right += hits;
                self.reporter
                    .advance(rows.len() as u64, &format!("epoch {epoch} loss {loss:.3}"));
            }
            let mut gradients = accumulator.grads();
            if let Some(largest) = self.params.gradient_clipping {
                clipping::clip(&module, &mut gradients, largest);
            }
            let rate = learning_rate(self.params, self.step, self.total_steps);
            module = self.optimizer.step(rate, module, gradients);
            self.step += 1;
        }
        let rows = self.task.train_labels.len() as f64;
        Ok((
            module,
            Pass {
                loss: loss_sum / rows,
                accuracy: right as f64 / rows,
                f1_macro: f64::NAN,
            },
        ))
    }

    /// Gradients of `share` times the mean loss of some rows, that loss, and how many rows were right.
    fn gradients(
        &self,
        module: &M,
        rows: &[usize],
        share: f64,
        epoch: u32,
    ) -> Result<(GradientsParams, f32, usize), Error> {
        let labels: Vec<i64> = rows
            .iter()
            .map(|&row| i64::from(self.task.train_labels[row]))
            .collect();
        let device = self.task.device.clone().autodiff();
        let targets = Tensor::<1, Int>::from_data(TensorData::new(labels.clone(), [labels.len()]), &device);
        let logits = (self.task.train_logits)(module, rows);
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

/// Biases and normalisations are not decayed, as in BERT's own training.
const NOT_DECAYED: &str = r"(bias|gamma|beta)$";

fn build_optimizer(params: &Params) -> ModuleOptimizer {
    match params.optimizer {
        OptimizerKind::Adam => AdamConfig::new().with_epsilon(EPSILON).init(),
        OptimizerKind::Adamw => {
            let decay = params.weight_decay.unwrap_or(DEFAULT_WEIGHT_DECAY);
            let adamw = AdamWConfig::new().with_epsilon(EPSILON);
            #[expect(clippy::cast_possible_truncation, reason = "burn keeps the decay in 32 bits")]
            let decayed = adamw.clone().with_weight_decay(decay as f32);
            decayed.init().with_group(
                ParamGroup::from_predicate(NOT_DECAYED),
                adamw.with_weight_decay(0.0).build(),
                None,
            )
        }
    }
}

fn score<M>(logits: &[f32], task: &Task<'_, M>, epoch: u32) -> Result<Pass, Error> {
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
    Ok(Pass {
        loss: losses.iter().sum::<f64>() / count,
        accuracy: totals.hits as f64 / count,
        f1_macro: macro_average(&totals).map_or(0.0, |average| average.f1),
    })
}

#[cfg(test)]
mod tests {
    use labelproof_artifact::Silent;
    use labelproof_model::{BatchNormalization, DeviceChoice, Head, HeadSettings, bundle};

    use super::*;
    use crate::params::EarlyStopping;

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
        let device = device.open().unwrap();
        let autodiff = device.clone().autodiff();
        let (features, labels) = rows();
        let settings = HeadSettings {
            input: WIDTH,
            classes: 3,
            dropout: params.dropout,
            batch_normalization: BatchNormalization::None,
        };
        let train_logits = |head: &Head, rows: &[usize]| {
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
        let (head, history) = fit(params, &task, head, &Silent).unwrap();
        (validation_logits(&head), history)
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
    fn a_loss_that_is_no_number_names_the_epoch_and_the_rows() {
        let params = Params {
            learning_rate: 1e38,
            ..params()
        };
        let device = DeviceChoice::Flex.open().unwrap();
        let autodiff = device.clone().autodiff();
        let train_logits = |head: &Head, rows: &[usize]| {
            let values = vec![f32::NAN; rows.len() * WIDTH];
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
        let error = fit(&params, &task, Head::new(&settings, 1, &device), &Silent)
            .err()
            .unwrap()
            .to_string();
        assert!(
            error.starts_with("the loss is NaN in epoch 1, on the rows "),
            "{error}"
        );
    }
}
