//! Repositories of the Hugging Face Hub: what is in one, and where its files are fetched. Their digests are
//! listed, so that what the cache has is known without a request for each, and what comes is checked.

use std::path::PathBuf;

use labelproof_artifact::fs;
use object_store::path::Path as Location;
use object_store::{ClientOptions, HeaderMap, HeaderValue, ObjectStoreExt};
use serde::Deserialize;

use crate::address::{Address, Place};
use crate::content::Content;
use crate::error::Error;
use crate::hub_cache;
use crate::stores::{self, Store};
use crate::watch;

/// What a repository holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    DataSet,
    Model,
}

impl Kind {
    /// The part of the Hub's interface that knows it.
    fn of_interface(self) -> &'static str {
        match self {
            Self::DataSet => "datasets",
            Self::Model => "models",
        }
    }

    /// What stands before its name in the address of a file.
    fn of_files(self) -> &'static str {
        match self {
            Self::DataSet => "datasets/",
            Self::Model => "",
        }
    }
}

/// A repository in one of its states.
#[derive(Debug)]
pub(crate) struct Repository {
    endpoint: String,
    kind: Kind,
    /// `owner/name`.
    name: String,
    /// The commit that the revision means now.
    pub(crate) commit: String,
    pub(crate) files: Vec<RepositoryFile>,
}

/// A file of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RepositoryFile {
    pub(crate) path: String,
    pub(crate) content: Content,
    /// The length in bytes, where it is listed.
    pub(crate) size: Option<u64>,
}

/// What the Hub says of a repository, of which this is a small part.
#[derive(Debug, Deserialize)]
struct Information {
    sha: String,
    #[serde(default)]
    siblings: Vec<Sibling>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sibling {
    rfilename: String,
    size: Option<u64>,
    blob_id: Option<String>,
    lfs: Option<LargeFile>,
}

#[derive(Debug, Deserialize)]
struct LargeFile {
    sha256: String,
    size: Option<u64>,
}

/// The address of the Hub, or of a server that answers like it.
pub(crate) fn endpoint() -> String {
    let endpoint = std::env::var("HF_ENDPOINT").unwrap_or_default();
    let endpoint = if endpoint.is_empty() {
        "https://huggingface.co"
    } else {
        &endpoint
    };
    endpoint.trim_end_matches('/').to_owned()
}

/// The server of the Hub, with its port if that is not the usual one.
pub(crate) fn host() -> String {
    let endpoint = endpoint();
    let host = endpoint
        .split_once("://")
        .map_or(endpoint.as_str(), |(_, host)| host);
    host.split('/').next().unwrap_or_default().to_owned()
}

/// Whether the user forbids to ask the Hub.
pub(crate) fn is_offline() -> bool {
    std::env::var("HF_HUB_OFFLINE").is_ok_and(|value| is_true(&value))
}

/// Asks the Hub what is in a repository. `shown` is what messages call it.
pub(crate) async fn repository(
    address: &Address,
    kind: Kind,
    name: &str,
    revision: &str,
    shown: &str,
) -> Result<Repository, Error> {
    let endpoint = endpoint();
    if is_offline() {
        return Err(Error::Unreachable {
            address: address.shown(),
            host: endpoint,
            cause: "HF_HUB_OFFLINE forbids it".to_owned(),
        });
    }
    let revision = revision.replace('/', "%2F");
    let interface = kind.of_interface();
    let url = format!("{endpoint}/api/{interface}/{name}/revision/{revision}?blobs=true");
    let store = connect(address, &url)?;
    let refused = |error: &object_store::Error| Error::refused(address, shown, watch::last(), error);
    let answer = store
        .get(&Location::default())
        .await
        .map_err(|error| refused(&error))?;
    let bytes = answer.bytes().await.map_err(|error| refused(&error))?;
    let information: Information = serde_json::from_slice(&bytes).map_err(|source| Error::NotTheHub {
        source,
        address: address.shown(),
        endpoint: endpoint.clone(),
    })?;
    Ok(Repository {
        files: information.siblings.into_iter().filter_map(of_sibling).collect(),
        kind,
        name: name.to_owned(),
        commit: information.sha,
        endpoint,
    })
}

fn of_sibling(sibling: Sibling) -> Option<RepositoryFile> {
    let (content, size) = match (sibling.lfs, sibling.blob_id) {
        (Some(large), _) => (Content::Sha256(large.sha256), large.size),
        (None, blob) => (Content::GitBlob(blob?), sibling.size),
    };
    Some(RepositoryFile {
        path: sibling.rfilename,
        content,
        size,
    })
}

fn is_true(value: &str) -> bool {
    matches!(value.to_ascii_lowercase().as_str(), "1" | "true" | "yes" | "on")
}

impl Repository {
    /// The files of this state of the repository: what a commit holds never changes.
    pub(crate) fn store(&self, address: &Address) -> Result<Store, Error> {
        let (endpoint, name, commit) = (&self.endpoint, &self.name, &self.commit);
        let kind = self.kind.of_files();
        connect(address, &format!("{endpoint}/{kind}{name}/resolve/{commit}"))
    }
}

/// Connects to the Hub, with the user's token if there is one.
fn connect(address: &Address, url: &str) -> Result<Store, Error> {
    debug_assert_eq!(address.place, Place::Hub);
    let mut options = ClientOptions::new();
    if let Some(token) = token() {
        let mut value = HeaderValue::from_str(&format!("Bearer {token}"))
            .map_err(|source| address.bad(&format!("the token in HF_TOKEN, or in its file: {source}")))?;
        value.set_sensitive(true);
        let mut headers = HeaderMap::new();
        headers.insert("authorization", value);
        options = options.with_default_headers(headers);
    }
    stores::of_web(url, options).map_err(|error| Error::setup(address, &error))
}

/// Whether the Hub is told who asks.
pub(crate) fn has_token() -> bool {
    token().is_some()
}

/// The user's token: of the environment, or the one that `hf auth login` left.
fn token() -> Option<String> {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    let token = set("HF_TOKEN").or_else(|| {
        let file = set("HF_TOKEN_PATH").map(PathBuf::from);
        let file = file.or_else(|| Some(hub_cache::home()?.join("token")))?;
        fs::read_to_string(&file).ok()
    })?;
    Some(token.trim().to_owned()).filter(|token| !token.is_empty())
}
