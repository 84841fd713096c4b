//! What is trained: the head on the features of a frozen encoder, or the classifier with some layers of the
//! encoder.

use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use labelproof_artifact::{FeatureRow, HistoryRow, Reporter};
use labelproof_kernels::device;
use labelproof_kernels::workers::{Workers, WorkersError};
use labelproof_model::batch::Layout;
use labelproof_model::classifier::BatchedRun;
use labelproof_model::{Classifier, Encoder, Head, bundle};

use crate::checkpoint::Checkpoints;
use crate::data::TrainingData;
use crate::error::Error;
use crate::fit::{EmbeddingAccess, MicroBatch, Task, fit};
use crate::params::{Params, Trainable};

/// A training on some data, whatever module it trains.
pub(crate) struct Training<'a> {
    pub(crate) params: &'a Params,
    pub(crate) data: &'a TrainingData,
    pub(crate) class_weights: Option<Vec<f32>>,
    /// What rows become in a batch.
    pub(crate) layout: Layout,
    pub(crate) device: &'a Device,
    /// The processes that train together.
    pub(crate) workers: &'a Workers,
    /// The folder of the training's checkpoints.
    pub(crate) checkpoints: &'a Path,
    pub(crate) reporter: &'a dyn Reporter,
    pub(crate) course: Course,
}

/// What sets a training apart from the one that gives the bundle, whose course this is by default.
#[derive(Debug, Clone, Default)]
pub(crate) struct Course {
    /// What follows the word `training` in messages.
    pub(crate) name: Option<String>,
    /// The number of the epoch that is the last and is kept; without it, validation chooses.
    pub(crate) epochs: Option<u32>,
}

/// What a training gives.
pub(crate) struct Trained<M> {
    /// The module of the kept epoch, in inference mode.
    pub(crate) module: M,
    /// The epochs that ran.
    pub(crate) history: Vec<HistoryRow>,
    /// The logits of the validation rows by the module, `[rows, classes]`, row-major.
    pub(crate) validation_logits: Vec<f32>,
}

impl Training<'_> {
    /// Trains the head alone, on the features of a frozen encoder.
    pub(crate) fn train_head(
        &self,
        head: Head,
        train: &[FeatureRow],
        validation: &[FeatureRow],
    ) -> Result<Trained<Head>, Error> {
        let width = train[0].values.len();
        let validation: Vec<f32> = validation
            .iter()
            .flat_map(|row| row.values.iter().copied())
            .collect();
        let autodiff = self.device.clone().autodiff();
        let train_logits = |head: &Head, batch: &MicroBatch<'_>| -> Tensor<2> {
            let values: Vec<f32> = batch
                .rows
                .iter()
                .flat_map(|&row| train[row].values.iter().copied())
                .collect();
            head.forward(Tensor::from_data(
                TensorData::new(values, [batch.rows.len(), width]),
                &autodiff,
            ))
        };
        let validation_logits = |head: &Head| Ok(bundle::head_logits(head, &validation, width, self.device));
        // Features are of one length: no batch needs sorting.
        let lengths = vec![1; train.len()];
        self.fit(&self.task(&train_logits, &validation_logits, &lengths), head)
    }

    /// Trains the head and what the parameters say of the encoder.
    pub(crate) fn train_classifier(&self, classifier: Classifier) -> Result<Trained<Classifier>, Error> {
        let classifier = Classifier {
            encoder: self.trainable_encoder(classifier.encoder)?,
            ..classifier
        };
        let layout = self.layout;
        let autodiff = self.device.clone().autodiff();
        let (train, validation) = (&self.data.train, &self.data.validation);
        let train_logits = |classifier: &Classifier, batch: &MicroBatch<'_>| -> Tensor<2> {
            classifier.forward(&batch.batch(&train.tokens, layout, &autodiff))
        };
        let run = BatchedRun {
            layout,
            device: self.device,
            workers: self.workers,
        };
        let classes = self.data.labels.len();
        let validation_logits = |classifier: &Classifier| {
            let rows: Vec<&[u32]> = validation.tokens.iter().map(Vec::as_slice).collect();
            // With the weights that the bundle will have: adapters beside them give other last digits.
            let classifier = Classifier {
                encoder: classifier.encoder.clone().merged(),
                ..classifier.clone()
            };
            run.outputs(&rows, classes, |batch| classifier.forward(batch), |_| ())
        };
        let lengths = train.lengths();
        let mut task = self.task(&train_logits, &validation_logits, &lengths);
        task.layers = classifier.encoder.depth();
        if self.params.trainable == Trainable::All && !device::is_accelerator(self.device) {
            task.embedding = Some(EmbeddingAccess {
                table: |classifier| classifier.encoder.word_embedding_table_mut(),
                tokens: &train.tokens,
                pad_id: layout.pad_id,
            });
        }
        self.fit(&task, classifier)
    }

    /// Trains a module, and has the one of the kept epoch predict the validation rows again: the loop keeps
    /// no logits, and they need not be in its checkpoints.
    fn fit<M: Module>(&self, task: &Task<'_, M>, module: M) -> Result<Trained<M>, Error> {
        let checkpoints = Checkpoints::new(self.checkpoints);
        let (module, history) = fit(self.params, task, module, checkpoints, self.reporter)?;
        let validation_logits = (task.validation_logits)(&module)?;
        Ok(Trained {
            module,
            history,
            validation_logits,
        })
    }

    /// The encoder with what is not trained frozen, and with adapters where there are any.
    fn trainable_encoder(&self, encoder: Encoder) -> Result<Encoder, Error> {
        let trainable = self.params.trainable;
        match (&self.params.lora, trainable) {
            (Some(lora), _) => Ok(encoder.with_adapters(lora, trainable.last(), self.params.seed)?),
            (None, Trainable::All) => Ok(encoder),
            (None, _) => Ok(encoder.freeze_below(trainable.last())),
        }
    }

    /// What the training loop trains on, without an encoder.
    fn task<'a, M: Module>(
        &'a self,
        train_logits: &'a dyn Fn(&M, &MicroBatch<'_>) -> Tensor<2>,
        validation_logits: &'a dyn Fn(&M) -> Result<Vec<f32>, WorkersError>,
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
            layers: 0,
            embedding: None,
            workers: self.workers,
            course: self.course.clone(),
        }
    }
}
