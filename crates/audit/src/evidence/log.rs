//! The log of a training: figures of each epoch as the framework printed them.

/// Figures of one split in one epoch, as logged. Accuracies and the like are shares, losses are in nats.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Figures {
    /// The loss.
    pub loss: Option<f64>,
    /// The accuracy.
    pub accuracy: Option<f64>,
    /// Precision, whatever its average.
    pub precision: Option<f64>,
    /// Recall, whatever its average.
    pub recall: Option<f64>,
    /// F1, whatever its average.
    pub f1: Option<f64>,
    /// Area under the ROC curve, whatever its average.
    pub auc: Option<f64>,
}

impl Figures {
    /// Whether there is a precision, recall or F1.
    pub fn has_metric(&self) -> bool {
        [self.precision, self.recall, self.f1].iter().any(Option::is_some)
    }
}

/// One epoch, or one evaluation of a Trainer.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Epoch {
    /// On the training rows, usually while they were trained on.
    pub train: Figures,
    /// On the validation rows.
    pub validation: Figures,
    /// The learning rate, if logged.
    pub learning_rate: Option<f64>,
}

/// The course of a training.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Log {
    /// What the log is called in messages.
    pub source: String,
    /// Epochs in order; at least one.
    pub epochs: Vec<Epoch>,
    /// The epoch whose weights were kept, counted from 0, where the log says so.
    pub kept: Option<usize>,
    /// Validation rows, where the log says so.
    pub validation_rows: Option<u64>,
    /// Training rows, where the log says so.
    pub train_rows: Option<u64>,
    /// Rows a batch, where the log says so.
    pub batch_size: Option<u64>,
}

impl Log {
    /// The epoch that the reported figures belong to: the one that was kept, or else the last one with
    /// validation figures, or else the last.
    pub fn reported(&self) -> Option<&Epoch> {
        let kept = self.kept.and_then(|epoch| self.epochs.get(epoch));
        let validated = |epoch: &&Epoch| epoch.validation != Figures::default();
        kept.or_else(|| self.epochs.iter().rev().find(validated))
            .or_else(|| self.epochs.last())
    }

    /// Hits and rows of the validation split in the reported epoch.
    pub fn validation_hits(&self) -> Option<(u64, u64)> {
        let rows = self.validation_rows.filter(|rows| *rows > 0)?;
        let accuracy = self.reported()?.validation.accuracy?;
        let hits = (accuracy.clamp(0.0, 1.0) * rows as f64).round();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a count of rows is between 0 and that count"
        )]
        let hits = hits as u64;
        Some((hits.min(rows), rows))
    }
}
