//! Why documents cannot become tokens, and what to do about it.

use std::fmt::Write as _;
use std::path::PathBuf;

use labelproof_artifact::fs::FsError;
use labelproof_artifact::{ArtifactError, Diagnostic, Fault, Reject};

/// Preprocessing failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of ingest cannot be used, or an own one cannot be written.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// The operating system refused.
    #[error(transparent)]
    File(#[from] FsError),
    /// The tokenizer or a setting of the text functions is of no use.
    #[error(transparent)]
    Text(#[from] labelproof_text::Error),
    /// The section of `pipeline.yaml` is not usable.
    #[error("the parameters cannot be used\n  {}", problems.join("\n  "))]
    BadParams {
        /// What [`Params::check`](crate::Params::check) says.
        problems: Vec<String>,
    },
    /// The encoder's description is not what it should be.
    #[error("`{}` is damaged: {problem}", path.display())]
    BadEncoderConfig {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The encoder has fewer positions than are asked for.
    #[error(
        "`preprocess.max_tokens` is {max_tokens}, but the encoder takes {max_positions} tokens at most \
         (`max_position_embeddings` in `{}`)",
        path.display()
    )]
    TooManyTokens {
        /// The tokens asked for.
        max_tokens: usize,
        /// The encoder's limit.
        max_positions: usize,
        /// The encoder's description.
        path: PathBuf,
    },
    /// The tokenizer has ids that the encoder does not know.
    #[error(
        "the tokenizer beside `{}` has ids up to {}, but the encoder knows {encoder} tokens (`vocab_size`)",
        path.display(),
        tokenizer - 1
    )]
    Vocabulary {
        /// One more than its largest id.
        tokenizer: usize,
        /// Tokens of the encoder.
        encoder: usize,
        /// The encoder's description.
        path: PathBuf,
    },
    /// There are rows that cannot go on, and `preprocess.on_reject` is `fail`.
    #[error("{}", rejected(rejects, *total))]
    Rejected {
        /// The first of them.
        rejects: Vec<Reject>,
        /// How many there are.
        total: u64,
    },
    /// Labels that cleaning leaves without rows.
    #[error("cleaning leaves no text of any row with the label `{}`", labels.join("`, `"))]
    LabelsLost {
        /// The labels, in byte order.
        labels: Vec<String>,
    },
    /// The table of documents is empty.
    #[error("there are no documents")]
    NoDocuments,
    /// More rows than can be compared.
    #[error("there are more than {} rows", u32::MAX)]
    TooManyRows,
    /// The two passes over the documents did not see the same rows.
    #[error("`documents.parquet` changed while it was read")]
    ChangedMeanwhile,
}

/// Rejects that an error or a message shows; the rest is counted.
pub(crate) const SHOWN_REJECTS: usize = 10;

fn rejected(rejects: &[Reject], total: u64) -> String {
    let rows = if total == 1 {
        "1 row"
    } else {
        &format!("{total} rows")
    };
    let mut text = format!("{rows} cannot go on");
    for reject in rejects {
        let _ = write!(text, "\n  {}", reject_line(reject));
    }
    let more = total.saturating_sub(rejects.len() as u64);
    if more > 0 {
        let _ = write!(text, "\n  and {more} more");
    }
    text
}

/// A reject for people.
pub(crate) fn reject_line(reject: &Reject) -> String {
    let id = reject.id.as_deref().unwrap_or_default();
    format!("`{id}`: {}: {}", reject.reason, reject.detail)
}

impl Diagnostic for Error {
    fn fault(&self) -> Fault {
        match self {
            Self::Artifact(error) => error.fault(),
            Self::File(error) => error.fault(),
            Self::Text(error) => match error {
                labelproof_text::Error::ReadTokenizer { .. }
                | labelproof_text::Error::ParseTokenizer { .. }
                | labelproof_text::Error::PostProcessor { .. }
                | labelproof_text::Error::Encode { .. } => Fault::Model,
                _ => Fault::Configuration,
            },
            Self::BadParams { .. } | Self::TooManyTokens { .. } => Fault::Configuration,
            Self::BadEncoderConfig { .. } | Self::Vocabulary { .. } => Fault::Model,
            Self::Rejected { .. } | Self::LabelsLost { .. } | Self::NoDocuments | Self::TooManyRows => {
                Fault::Input
            }
            Self::ChangedMeanwhile => Fault::Artifact,
        }
    }

    fn hints(&self) -> Vec<String> {
        let one = |text: &str| vec![text.to_owned()];
        match self {
            Self::Artifact(error) => error.hints(),
            Self::File(error) => error.hints(),
            // The library's messages say what to do.
            Self::Text(_) | Self::BadParams { .. } => Vec::new(),
            Self::BadEncoderConfig { .. } => one("fetch the encoder again"),
            Self::TooManyTokens { max_positions, .. } => vec![format!(
                "set `preprocess.max_tokens: {max_positions}`, or name an encoder for longer texts"
            )],
            Self::Vocabulary { .. } => one("take `tokenizer.json` and the weights from the same model"),
            Self::Rejected { .. } => {
                one("mend the rows, or set `preprocess.on_reject: continue` to go on without them")
            }
            Self::LabelsLost { .. } => {
                one("ease the steps of `preprocess.clean`, or leave such labels out (`ingest.labels.keep`)")
            }
            Self::NoDocuments => one("make them anew: labelproof run ingest --force"),
            Self::TooManyRows => one("take fewer rows: `ingest.rows_per_label`"),
            Self::ChangedMeanwhile => one("run this stage again, with no other run in the same folder"),
        }
    }
}
