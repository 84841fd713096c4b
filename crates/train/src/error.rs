//! What can go wrong in training.

use std::path::PathBuf;

use labelproof_artifact::fs::FsError;
use labelproof_artifact::wording::plural;
use labelproof_artifact::{Advice, ArtifactError, Diagnostic, Fault};
use labelproof_kernels::DeviceError;
use labelproof_kernels::workers::WorkersError;

/// Training failed.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant names its fields")]
pub enum Error {
    /// The operating system refused.
    #[error(transparent)]
    File(#[from] FsError),
    /// A file of an earlier stage cannot be used.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// The encoder or the bundle cannot be used.
    #[error(transparent)]
    Model(#[from] labelproof_model::Error),
    /// The device is not there.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The processes that train together cannot go on.
    #[error(transparent)]
    Workers(#[from] WorkersError),
    /// The micro-batches of a step cannot be dealt out evenly.
    #[error(
        "{workers} workers cannot share a step of {micro_batches} {} evenly",
        plural(*micro_batches, "micro-batch", "micro-batches")
    )]
    Uneven {
        workers: usize,
        micro_batches: usize,
        batch_size: usize,
    },
    /// A batch normalisation learns from the rows of its own process alone.
    #[error(
        "`train.batch_normalization: trained` learns from each batch in turn, which {workers} workers have no order for"
    )]
    BatchNormalization { workers: usize },
    /// The metrics of an epoch cannot be computed.
    #[error("cannot score epoch {epoch}")]
    Score {
        epoch: u32,
        source: labelproof_metrics::Error,
    },
    /// A split that training needs has no rows.
    #[error("no row is in the `{split}` split")]
    EmptySplit { split: &'static str },
    /// A cross-validation has fewer sets of rows than folds, or a set that leaves a fold none.
    #[error(
        "`train.folds: {folds}` leaves a fold without rows: the training rows make {sets} {} that stay together",
        plural(*sets, "set", "sets")
    )]
    EmptyFold { folds: u32, sets: usize },
    /// Weights were given for other labels than there are.
    #[error("`train.class_weights` names {found}, the labels are {expected}")]
    ClassWeights { found: String, expected: String },
    /// The windows of preprocess do not fit the encoder's tokenizer, which is another one by now.
    #[error("the windows of preprocess have no tokens but those of the window before")]
    Windows,
    /// More layers were asked for than the encoder has.
    #[error("`train.trainable` asks for the last {wanted} layers, the encoder has {available}")]
    Layers { wanted: usize, available: usize },
    /// Every layer of the encoder is trained whole.
    #[error("`train.trainable` trains all {available} layers whole, which leaves `train.lora` none to adapt")]
    NothingToAdapt { available: usize },
    /// The head of the encoder's family reads the first token.
    #[error("`train.head: family` reads the first token of this encoder, and `train.pooling` is `mean`")]
    FamilyPooling,
    /// The loss became infinite or not a number.
    #[error("the loss is {loss} in epoch {epoch}, on the rows {rows}")]
    NonFiniteLoss {
        epoch: u32,
        loss: f32,
        rows: String,
        checkpoint: Option<PathBuf>,
    },
    /// The user asked to stop, and a checkpoint was written.
    #[error("stopped after {after}")]
    Interrupted { after: String },
    /// The user asked to stop, and no checkpoint could be written.
    #[error("stopped after {after}, and no checkpoint could be written")]
    InterruptedUnkept {
        after: String,
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    /// The error of a user who asked to stop `after` so much; `kept` says whether a checkpoint could be
    /// written.
    pub(crate) fn interrupted<E>(after: String, kept: Result<(), E>) -> Self
    where
        E: std::error::Error + Send + Sync + 'static,
    {
        match kept {
            Ok(()) => Self::Interrupted { after },
            Err(source) => Self::InterruptedUnkept {
                after,
                source: Box::new(source),
            },
        }
    }
}

/// An error and its causes in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

/// A step of as many rows, or nearly, that the workers can share.
fn uneven_hint(workers: usize, micro_batches: usize, batch_size: usize) -> String {
    let accumulation = micro_batches.next_multiple_of(workers);
    let rows = (batch_size * micro_batches).div_ceil(accumulation).max(1);
    format!(
        "set `train.gradient_accumulation: {accumulation}` and `train.batch_size: {rows}`, which makes a step of {} \
         rows; now it is {}",
        accumulation * rows,
        micro_batches * batch_size
    )
}

const CALMER: &str = "lower `train.learning_rate`, or set `train.gradient_clipping: 1.0`";

impl Diagnostic for Error {
    fn advice(&self) -> Advice {
        match self {
            Self::File(error) => error.advice(),
            Self::Artifact(error) => error.advice(),
            Self::Model(error) => error.advice(),
            Self::Device(error) => error.advice(),
            Self::Workers(error) => error.advice(),
            Self::Uneven {
                workers,
                micro_batches,
                batch_size,
            } => Fault::Configuration.hint(uneven_hint(*workers, *micro_batches, *batch_size)),
            Self::BatchNormalization { .. } => {
                Fault::Configuration.hint("use `batch_normalization: none` or `frozen`, or one worker")
            }
            Self::EmptySplit { .. } => {
                Fault::Artifact.hint("set `split.validation` and `split.test` so that every split has rows")
            }
            Self::EmptyFold { .. } => Fault::Configuration.hint("set a smaller `train.folds`, or none"),
            Self::ClassWeights { .. } => {
                Fault::Configuration.hint("give every label a weight, or use `class_weights: balanced`")
            }
            Self::Windows => {
                Fault::Artifact.hint("run preprocess again, with `preprocess.windows` as they are")
            }
            Self::NothingToAdapt { .. } => {
                Fault::Configuration.hint("use `trainable: none`, or fewer layers, beside `lora`")
            }
            Self::FamilyPooling => {
                Fault::Configuration.hint("use `pooling: cls`, or `head: linear` to pool by the mean")
            }
            Self::Layers { .. } => Fault::Configuration.hint("use a smaller number, or `trainable: all`"),
            Self::Score { .. } | Self::NonFiniteLoss { checkpoint: None, .. } => Fault::Model.hint(CALMER),
            Self::NonFiniteLoss {
                checkpoint: Some(folder),
                ..
            } => Fault::Model
                .hint(CALMER)
                .and(format!("the last good state is kept in `{}`", folder.display())),
            Self::Interrupted { .. } => Fault::Interrupted
                .hint("run the same command again: it goes on from there, and ends with the same bytes"),
            Self::InterruptedUnkept { .. } => {
                Fault::Interrupted.hint("run the same command again: training begins anew")
            }
        }
    }
}
