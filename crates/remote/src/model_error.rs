//! Why a model of the Hub gives no folder, and what to do about it. No message holds a token.

use std::error::Error as StdError;
use std::fmt;
use std::path::PathBuf;

use labelproof_artifact::fs::FsError;
use labelproof_artifact::{Advice, Diagnostic, Fault};

use crate::error::{BUILD, in_brackets};

/// A name is that of no folder, and no model of that name can be had.
#[derive(Debug)]
pub struct ModelError {
    /// What the user wrote.
    pub(crate) model: String,
    pub(crate) repository: String,
    pub(crate) revision: Option<String>,
    pub(crate) problem: Problem,
}

/// What the cache does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Lacking {
    /// The model in this revision.
    Model { cache: PathBuf },
    /// A file of it.
    File { snapshot: PathBuf, file: String },
}

impl fmt::Display for Lacking {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Model { cache } => write!(
                formatter,
                "the cache of the Hugging Face Hub, `{}`, has no model of that name",
                cache.display()
            ),
            Self::File { snapshot, file } => write!(
                formatter,
                "the model of that name in the cache of the Hugging Face Hub, `{}`, lacks `{file}`",
                snapshot.display()
            ),
        }
    }
}

/// Why what the cache does not have is not fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(dead_code, reason = "which of them there are depends on the feature")]
pub(crate) enum NotFetched {
    /// This build has no network.
    NotBuiltIn,
    /// The user forbids it.
    Offline,
    /// Nobody answers.
    Unreachable { host: String, cause: String },
}

impl fmt::Display for NotFetched {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotBuiltIn => formatter.write_str("this build of labelproof fetches nothing"),
            Self::Offline => formatter.write_str("HF_HUB_OFFLINE forbids to fetch it"),
            Self::Unreachable { host, cause } => write!(formatter, "{host} cannot be reached: {cause}"),
        }
    }
}

/// Why there is no model.
#[derive(Debug, thiserror::Error)]
#[cfg_attr(
    not(feature = "network"),
    expect(dead_code, reason = "who has no network meets none of its faults")
)]
pub(crate) enum Problem {
    /// There is no place for a cache.
    #[error("none of HF_HUB_CACHE, HF_HOME and HOME says where the cache of the Hugging Face Hub is")]
    NoCache,
    /// The cache does not have it, and nobody is asked.
    #[error("{lacking}; {why}")]
    NotFetched { lacking: Lacking, why: NotFetched },
    /// Its authors decide who may read it.
    #[error("the model of that name is gated: {host} answers {status} (GatedRepo)")]
    Gated { host: String, status: u16 },
    /// There is none, or none that may be read: the Hub does not tell.
    #[error(
        "there is no model of that name that may be read: {host} answers {status}{}",
        in_brackets(code)
    )]
    NoRepository { host: String, status: u16, code: String },
    /// The model has no such revision.
    #[error("the model of that name has no revision `{revision}`")]
    NoRevision { revision: String },
    /// The token is not accepted.
    #[error(
        "the model of that name may not be read: {host} answers {status}{}",
        in_brackets(code)
    )]
    Denied { host: String, status: u16, code: String },
    /// The model is none that can be an encoder.
    #[error("the model of that name has no `{file}`")]
    NoFile { file: String },
    /// The server answers, and gives nothing.
    #[error(
        "the model of that name cannot be fetched: {host} answers {status}{}",
        in_brackets(code)
    )]
    Refused { host: String, status: u16, code: String },
    /// The endpoint is that of something else.
    #[error("the model of that name cannot be fetched: `{endpoint}` does not answer as the Hub does")]
    NotTheHub {
        endpoint: String,
        source: serde_json::Error,
    },
    /// A transfer ended too early, again and again.
    #[error("`{file}` of the model of that name was cut off again and again before its end")]
    Cut { file: String },
    /// The bytes are not those that the Hub lists.
    #[error("`{file}` of the model of that name is not what the Hub lists: its digest is another")]
    Damaged { file: String },
    /// The cache cannot be written.
    #[error("the model of that name cannot be put into the cache of the Hugging Face Hub")]
    File(#[source] FsError),
    /// The connection cannot be prepared.
    #[error("the model of that name cannot be fetched with the settings of the environment: {problem}")]
    Setup { problem: String },
}

impl fmt::Display for ModelError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "`encoder`: there is no folder `{}`, and {}",
            self.model, self.problem
        )
    }
}

impl StdError for ModelError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.problem.source()
    }
}

/// How to name the encoder otherwise.
const FOLDER: &str = "or name the folder of an encoder";

/// How the Hub gets to know who asks.
const TOKEN: &str = "set HF_TOKEN to a token of an account that may read it, or run `hf auth login`";

impl ModelError {
    /// How Python fetches it.
    fn by_python(&self) -> String {
        let revision = self.revision.as_ref();
        let revision = revision.map_or_else(String::new, |revision| format!(" --revision {revision}"));
        format!("hf download {}{revision}", self.repository)
    }
}

impl Diagnostic for ModelError {
    fn advice(&self) -> Advice {
        match &self.problem {
            Problem::NoCache => Fault::Environment.hint("set HF_HUB_CACHE to a folder").and(FOLDER),
            Problem::NotFetched { why, .. } => match why {
                NotFetched::NotBuiltIn => Fault::Configuration
                    .hint(BUILD)
                    .and(format!("or have Python fetch it: {}", self.by_python()))
                    .and(FOLDER),
                NotFetched::Offline => Fault::Configuration
                    .hint(format!(
                        "unset HF_HUB_OFFLINE, or have it fetched where there is a network: {}",
                        self.by_python()
                    ))
                    .and(FOLDER),
                NotFetched::Unreachable { .. } => Fault::Environment
                    .hint("check the network, and the proxy in HTTPS_PROXY; what was fetched before needs none")
                    .and(FOLDER),
            },
            Problem::Gated { .. } => Fault::Model
                .hint(format!(
                    "ask for access on the page of `{}` at the Hub, and {TOKEN}",
                    self.repository
                ))
                .and(FOLDER),
            Problem::NoRepository { .. } => Fault::Model
                .hint(format!(
                    "check its spelling, `owner/name` as on its page; for a private model {TOKEN}"
                ))
                .and(FOLDER),
            Problem::NoRevision { .. } => {
                Fault::Model.hint("check its spelling: a revision is a branch, a tag or a commit")
            }
            Problem::Denied { .. } => Fault::Model.hint(TOKEN),
            Problem::NoFile { .. } => Fault::Model.hint(
                "an encoder has config.json, a tokenizer (tokenizer.json, or its vocabulary), and weights \
                 (model.safetensors or pytorch_model.bin): name another model, or a folder in which you saved \
                 this one by `save_pretrained` of transformers",
            ),
            Problem::Refused {
                status: 429 | 500.., ..
            } => Fault::Environment.hint("run the same command again later"),
            Problem::Refused { .. } => Fault::Model
                .hint(format!("have Python fetch it: {}", self.by_python()))
                .and(FOLDER),
            Problem::NotTheHub { .. } | Problem::Setup { .. } => Fault::Configuration.hint("check HF_ENDPOINT"),
            Problem::Cut { .. } => {
                Fault::Environment.hint("run the same command again: it goes on where this one was cut")
            }
            Problem::Damaged { .. } => Fault::Model.hint("run the same command again: it is fetched anew"),
            Problem::File(error) => Advice {
                fault: Fault::Environment,
                ..error.advice()
            }
            .and("or set HF_HUB_CACHE to a folder elsewhere"),
        }
    }
}
