//! Why an address gives no file, and what to do about it. No message holds a key, a token or a signature.

use labelproof_artifact::fs::FsError;
use labelproof_artifact::wording::counted;
use labelproof_artifact::{Advice, Diagnostic, Fault};

use crate::address::{Place, SCHEMES};

/// An address cannot be turned into files.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant names its fields")]
pub enum Error {
    /// This build has no network.
    #[error(
        "`{address}` is an address in the network, and this build of labelproof reads files of this machine \
         only"
    )]
    NotBuiltIn { address: String },
    /// The same of an address to write to.
    #[error(
        "`{address}` is an address in the network, and this build of labelproof writes to this machine only"
    )]
    NoWriting { address: String },
    /// Nothing can be written there.
    #[error("nothing can be written to `{address}`")]
    ReadOnly { address: String },
    /// The scheme is none that is known.
    #[error("`{address}` cannot be fetched: `{scheme}` is no scheme that is known here")]
    UnknownScheme { address: String, scheme: String },
    /// The address is not well-formed.
    #[error("`{address}` is no address: {problem}")]
    BadAddress { address: String, problem: String },
    /// One object was wanted, and the address means several.
    #[error("`{address}` names {}, and one is read here", counted(*files as u64, "file"))]
    NotOne { address: String, files: usize },
    /// The user's folder for caches is unknown.
    #[error("cannot tell where to keep what is fetched: neither `XDG_CACHE_HOME` nor `HOME` is set")]
    NoCache,
    /// The connection cannot be prepared with the settings of the environment.
    #[error("`{address}` cannot be fetched with the settings of the environment: {problem}")]
    Setup {
        address: String,
        problem: String,
        place: Place,
    },
    /// There are no credentials.
    #[error("`{address}` cannot be fetched: there are no credentials for {place}")]
    NoCredentials { address: String, place: Place },
    /// The server forbids it.
    #[error("`{address}` may not be read: {host} answers {status}{}", in_brackets(code))]
    Denied {
        address: String,
        place: Place,
        host: String,
        status: u16,
        code: String,
    },
    /// The server forbids to write it.
    #[error(
        "`{address}` may not be written: {host} answers {status}{}",
        in_brackets(code)
    )]
    WriteDenied {
        address: String,
        place: Place,
        host: String,
        status: u16,
        code: String,
    },
    /// The server does not take it.
    #[error("`{address}` cannot be stored: {host} answers {status}{}", in_brackets(code))]
    WriteRefused {
        address: String,
        host: String,
        status: u16,
        code: String,
    },
    /// The bucket lies in another region than the requests ask in.
    #[error("`{address}` lies in another region than the one that is asked")]
    OtherRegion { address: String },
    /// There is no such bucket or container.
    #[error("`{address}` cannot be fetched: there is no {} of that name", place.bucket())]
    NoBucket { address: String, place: Place },
    /// There is no such object.
    #[error("`{address}` does not exist")]
    NotFound {
        address: String,
        nearest: Option<String>,
    },
    /// A glob matches nothing.
    #[error("`{address}` matches none of the {} there", counted(*there as u64, "file"))]
    NoMatch { address: String, there: usize },
    /// A folder holds no file of the format.
    #[error(
        "`{address}` holds {}, and none of `ingest.format`",
        counted(*there as u64, "file")
    )]
    NoFiles { address: String, there: usize },
    /// A web server lists no files.
    #[error("`{address}` names no single file, and a web server does not list what it has")]
    NoListing { address: String },
    /// Nobody answers.
    #[error("`{address}` cannot be reached: {host}: {cause}")]
    Unreachable {
        address: String,
        host: String,
        cause: String,
    },
    /// The server answers, and gives no file.
    #[error("`{address}` cannot be fetched: {host} answers {status}{}", in_brackets(code))]
    Refused {
        address: String,
        host: String,
        status: u16,
        code: String,
    },
    /// The endpoint of the Hub answers with something else.
    #[error("`{address}` cannot be fetched: `{endpoint}` does not answer as the Hub does")]
    NotTheHub {
        address: String,
        endpoint: String,
        source: serde_json::Error,
    },
    /// A transfer ended too early, again and again.
    #[error("`{address}` was cut off again and again before its end")]
    Cut { address: String },
    /// The object changed while it was fetched.
    #[error("`{address}` changed while it was fetched")]
    Changed { address: String },
    /// The bytes are not those that the Hub lists.
    #[error("`{address}` is not what the Hub lists: its digest is another")]
    Damaged { address: String },
    /// The bytes are not those that were put there.
    #[error("`{address}` is not what was put there: its digest is another")]
    OtherContent { address: String },
    /// The operating system refused a file operation on the cache.
    #[error(transparent)]
    File(#[from] FsError),
}

/// How to build the binaries with the network.
pub(crate) const BUILD: &str = "build it with the network: cargo build --release --bin labelproof \
                     --bin labelproof-torch --features labelproof-cli/remote";

impl Diagnostic for Error {
    fn advice(&self) -> Advice {
        match self {
            Self::NotBuiltIn { .. } => Fault::Configuration
                .hint(BUILD)
                .and("or download the file yourself, and name it by its path on this machine"),
            Self::NoWriting { .. } => Fault::Configuration
                .hint(BUILD)
                .and("or name a folder of this machine"),
            Self::ReadOnly { .. } => Fault::Configuration.hint(
                "name a folder of this machine, or an address that begins with s3://, gs://, az:// or \
                       abfs://",
            ),
            Self::UnknownScheme { scheme, .. } if scheme == "file" => {
                Fault::Configuration.hint("name a file of this machine by its path, without `file://`")
            }
            Self::UnknownScheme { .. } => Fault::Configuration.hint(format!(
                "what can be fetched begins with {SCHEMES}; download anything else yourself, and name the \
                 file"
            )),
            Self::NotOne { .. } => Fault::Configuration.hint("name one of them"),
            Self::BadAddress { .. } => Fault::Configuration.into(),
            Self::File(error) => error.advice(),
            Self::NoCache => Fault::Environment.hint("set XDG_CACHE_HOME to a folder"),
            Self::Setup { place, .. } | Self::NoCredentials { place, .. } => {
                Fault::Configuration.hint(place.credentials())
            }
            Self::Denied { place, code, .. } => match code.as_str() {
                "RequestTimeTooSkewed" => Fault::Input.hint("set the clock of this machine"),
                _ => Fault::Input.hint(place.credentials()),
            },
            Self::WriteDenied { place, .. } => Fault::Input.hint(place.credentials_to_write()),
            Self::OtherRegion { .. } => {
                Fault::Configuration.hint("set AWS_REGION to the region of the bucket")
            }
            Self::NoBucket { place: Place::S3, .. } => {
                Fault::Input.hint("check its spelling, and the server in AWS_ENDPOINT_URL if that is set")
            }
            Self::NotFound {
                nearest: Some(name), ..
            } => Fault::Input.hint(format!("did you mean `{name}`?")),
            Self::NoBucket { .. } | Self::NotFound { .. } | Self::NoMatch { .. } => {
                Fault::Input.hint("check its spelling")
            }
            Self::NoFiles { .. } => {
                Fault::Input.hint("name the files themselves, or another `ingest.format`")
            }
            Self::NoListing { .. } => Fault::Configuration.hint("name each file by an address of its own"),
            Self::Unreachable { .. } => Fault::Environment.hint(
                "check the network, and the proxy in HTTPS_PROXY; what was fetched before is read without a \
                 network",
            ),
            Self::Refused {
                status: 429 | 500.., ..
            }
            | Self::WriteRefused {
                status: 429 | 500.., ..
            } => Fault::Environment.hint("run the same command again later"),
            Self::Refused { .. } => Fault::Input.hint("check the address; or download the file, and name it"),
            Self::WriteRefused { .. } => Fault::Input.hint("check the address"),
            Self::NotTheHub { .. } => Fault::Configuration.hint("check HF_ENDPOINT"),
            Self::Cut { .. } => {
                Fault::Environment.hint("run the same command again: it goes on where this one was cut")
            }
            Self::Changed { .. } => {
                Fault::Input.hint("run the same command again when nobody writes it any more")
            }
            Self::OtherContent { .. } => {
                Fault::Artifact.hint("run the same command again: it is fetched anew")
            }
            Self::Damaged { .. } => Fault::Input.hint("run the same command again: it is fetched anew"),
        }
    }
}

pub(crate) fn in_brackets(code: &str) -> String {
    if code.is_empty() {
        String::new()
    } else {
        format!(" ({code})")
    }
}
