//! The errors of the preprocess stage, and what to do about them.

use std::fmt::Write as _;
use std::path::PathBuf;

use labelproof_artifact::fs::FsError;
use labelproof_artifact::wording::counted;
use labelproof_artifact::{Advice, ArtifactError, Diagnostic, Fault, Reject};
use labelproof_settings::encoder::EncoderError;

/// Preprocessing could not be completed.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant names its fields")]
pub enum Error {
    /// A file of ingest cannot be used, or a file of preprocess cannot be written.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// The operating system refused a file operation.
    #[error(transparent)]
    File(#[from] FsError),
    /// The tokenizer or a setting of the text functions is of no use.
    #[error(transparent)]
    Text(#[from] labelproof_text::Error),
    /// The section of `pipeline.yaml` is not usable.
    #[error("the parameters cannot be used\n  {}", problems.join("\n  "))]
    BadParams { problems: Vec<String> },
    /// The encoder's folder cannot be used.
    #[error(transparent)]
    Encoder(#[from] EncoderError),
    /// The encoder takes fewer tokens than are asked for.
    #[error(
        "`preprocess.{key}` is {max_tokens}, but the encoder takes {longest_input} tokens at most \
         (`max_position_embeddings` in `{}`)",
        path.display()
    )]
    TooManyTokens {
        key: &'static str,
        max_tokens: usize,
        longest_input: usize,
        path: PathBuf,
    },
    /// A window has no token that the one before it has not.
    #[error(
        "`preprocess.windows` have {tokens} tokens, {special_tokens} of them special and {overlap} of the window \
         before: they do not go on"
    )]
    Overlap {
        tokens: usize,
        overlap: usize,
        special_tokens: usize,
    },
    /// The tokenizer has ids that the encoder does not know.
    #[error(
        "the tokenizer beside `{}` has ids up to {}, but the encoder knows {encoder} tokens (`vocab_size`)",
        path.display(),
        tokenizer - 1
    )]
    Vocabulary {
        /// One more than the tokenizer's largest id.
        tokenizer: usize,
        encoder: usize,
        path: PathBuf,
    },
    /// Rows are rejected, and `preprocess.on_reject` is `fail`.
    #[error("{}", rejected(rejects, *total))]
    Rejected {
        /// The first rejects.
        rejects: Vec<Reject>,
        total: u64,
    },
    /// Cleaning leaves labels without rows.
    #[error("cleaning leaves no text of any row with the label `{}`", labels.join("`, `"))]
    LabelsLost {
        /// The labels, in byte order.
        labels: Vec<String>,
    },
    /// The table of documents is empty.
    #[error("there are no documents")]
    NoDocuments,
    /// Rows were lost between machines.
    #[error("{found} of {kept} rows went on from one step to the next")]
    RowsLost { kept: u64, found: u64 },
    /// There are more rows than can be compared.
    #[error("there are more than {} rows", u32::MAX)]
    TooManyRows,
    /// The two passes over the documents did not see the same rows.
    #[error("`documents.parquet` changed while it was read")]
    ChangedMeanwhile,
}

/// Rejects that an error or a message shows; the rest is counted.
pub(crate) const SHOWN_REJECTS: usize = 10;

fn rejected(rejects: &[Reject], total: u64) -> String {
    let mut text = format!("{} cannot go on", counted(total, "row"));
    for reject in rejects {
        let _ = write!(text, "\n  {}", reject_line(reject));
    }
    let more = total.saturating_sub(rejects.len() as u64);
    if more > 0 {
        let _ = write!(text, "\n  and {more} more");
    }
    text
}

/// A reject in one line, for messages.
pub(crate) fn reject_line(reject: &Reject) -> String {
    let id = reject.id.as_deref().unwrap_or_default();
    format!("`{id}`: {}: {}", reject.reason, reject.detail)
}

impl Diagnostic for Error {
    fn advice(&self) -> Advice {
        match self {
            Self::Artifact(error) => error.advice(),
            Self::File(error) => error.advice(),
            Self::Text(error) => error.advice(),
            Self::BadParams { .. } => Fault::Configuration.into(),
            Self::Encoder(error) => error.advice(),
            Self::TooManyTokens {
                key, longest_input, ..
            } => {
                let advice = Fault::Configuration.hint(format!(
                    "set `preprocess.{key}: {longest_input}`, or name an encoder for longer texts"
                ));
                match *key {
                    "max_tokens" => {
                        advice.and("or read longer texts in windows: `preprocess.windows`".to_owned())
                    }
                    _ => advice,
                }
            }
            Self::Overlap { .. } => Fault::Configuration
                .hint("lower `preprocess.windows.overlap`, or raise `preprocess.windows.tokens`"),
            Self::Vocabulary { .. } => {
                Fault::Model.hint("take `tokenizer.json` and the weights from the same model")
            }
            Self::Rejected { .. } => Fault::Input
                .hint("mend the rows, or set `preprocess.on_reject: continue` to go on without them"),
            Self::LabelsLost { .. } => Fault::Input.hint(
                "ease the steps of `preprocess.clean`, or leave such labels out (`ingest.labels.keep`)",
            ),
            Self::NoDocuments => Fault::Input.hint("make them anew: labelproof run ingest --force"),
            Self::RowsLost { .. } => Fault::Environment
                .hint("the engine lost rows: run it again, and look into its log if that does not help"),
            Self::TooManyRows => Fault::Input.hint("take fewer rows: `ingest.rows_per_label`"),
            Self::ChangedMeanwhile => {
                Fault::Artifact.hint("run this stage again, with no other run in the same folder")
            }
        }
    }
}
