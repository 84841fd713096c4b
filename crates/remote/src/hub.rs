//! Data sets of the Hugging Face Hub: what is in a repository, and where its files are fetched. Their digests
//! are listed, so that what the cache has is known without a request for each, and what comes is checked.

use std::path::PathBuf;

use labelproof_artifact::fs;
use object_store::path::Path as Location;
use object_store::{ClientOptions, HeaderMap, HeaderValue, ObjectStoreExt};
use serde::Deserialize;

use crate::address::{Address, Place};
use crate::content::Content;
use crate::data_set::DataSet;
use crate::error::Error;
use crate::stores::{self, Store};
use crate::watch;

/// A repository in one of its states.
#[derive(Debug)]
pub(crate) struct Repository {
    endpoint: String,
    /// `owner/name`.
    name: String,
    /// The commit that the revision means now.
    commit: String,
    pub(crate) files: Vec<RepositoryFile>,
}

/// A file of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RepositoryFile {
    pub(crate) path: String,
    pub(crate) content: Content,
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
    blob_id: Option<String>,
    lfs: Option<LargeFile>,
}

#[derive(Debug, Deserialize)]
struct LargeFile {
    sha256: String,
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

/// Asks the Hub what is in a repository.
pub(crate) async fn repository(address: &Address, data_set: &DataSet) -> Result<Repository, Error> {
    let endpoint = endpoint();
    if std::env::var("HF_HUB_OFFLINE").is_ok_and(|value| is_true(&value)) {
        return Err(Error::Unreachable {
            address: address.shown(),
            host: endpoint,
            cause: "HF_HUB_OFFLINE forbids it".to_owned(),
        });
    }
    let repository = &data_set.repository;
    let revision = data_set.revision.replace('/', "%2F");
    let url = format!("{endpoint}/api/datasets/{repository}/revision/{revision}?blobs=true");
    let store = connect(address, &url)?;
    let refused = |error: &object_store::Error| {
        let shown = data_set.prefix.trim_end_matches('/');
        Error::refused(address, shown, watch::last(), error)
    };
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
    let files = information.siblings.into_iter().filter_map(|sibling| {
        let content = match (sibling.lfs, sibling.blob_id) {
            (Some(large), _) => Content::Sha256(large.sha256),
            (None, blob) => Content::GitBlob(blob?),
        };
        Some(RepositoryFile {
            path: sibling.rfilename,
            content,
        })
    });
    Ok(Repository {
        files: files.collect(),
        name: repository.clone(),
        commit: information.sha,
        endpoint,
    })
}

fn is_true(value: &str) -> bool {
    matches!(value.to_ascii_lowercase().as_str(), "1" | "true" | "yes" | "on")
}

impl Repository {
    /// The files of this state of the repository: what a commit holds never changes.
    pub(crate) fn store(&self, address: &Address) -> Result<Store, Error> {
        let (endpoint, name, commit) = (&self.endpoint, &self.name, &self.commit);
        connect(address, &format!("{endpoint}/datasets/{name}/resolve/{commit}"))
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

/// The user's token: of the environment, or the one that `hf auth login` left.
fn token() -> Option<String> {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    let home = || {
        set("HF_HOME")
            .map(PathBuf::from)
            .or_else(|| Some(PathBuf::from(set("XDG_CACHE_HOME")?).join("huggingface")))
            .or_else(|| Some(PathBuf::from(set("HOME")?).join(".cache/huggingface")))
    };
    let token = set("HF_TOKEN").or_else(|| {
        let file = set("HF_TOKEN_PATH").map(PathBuf::from);
        let file = file.or_else(|| Some(home()?.join("token")))?;
        fs::read_to_string(&file).ok()
    })?;
    Some(token.trim().to_owned()).filter(|token| !token.is_empty())
}
