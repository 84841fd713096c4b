//! Data sets of the Hugging Face Hub: what is in a repository, and where its files are fetched. Their digests
//! are listed, so that what the cache has is known without a request for each, and what comes is checked.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use labelproof_artifact::fs::{self, FsError};
use object_store::path::Path as Location;
use object_store::{ClientOptions, HeaderMap, HeaderValue, ObjectStoreExt};
use serde::Deserialize;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use crate::address::{Address, Place};
use crate::error::Error;
use crate::stores::{self, Store};
use crate::watch;

/// The digest of a file's content, as the Hub lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    /// The SHA-256 of a large file.
    Sha256(String),
    /// What git calls a small file by: the SHA-1 of a header and the content.
    GitBlob(String),
}

impl Content {
    pub(crate) fn digest(&self) -> &str {
        match self {
            Self::Sha256(digest) | Self::GitBlob(digest) => digest,
        }
    }

    /// Whether a file has this content.
    pub(crate) fn is_of(&self, path: &Path) -> Result<bool, FsError> {
        let file = fs::open(path)?;
        let failed = |source| FsError::new("read", path, source);
        let digest = match self {
            Self::Sha256(_) => hashed(Sha256::new(), file).map_err(failed)?,
            Self::GitBlob(_) => {
                let length = file.metadata().map_err(failed)?.len();
                let header = Sha1::new_with_prefix(format!("blob {length}\0"));
                hashed(header, file).map_err(failed)?
            }
        };
        Ok(digest == self.digest())
    }
}

fn hashed<D: sha2::Digest + Write>(mut hasher: D, mut file: File) -> io::Result<String> {
    io::copy(&mut file, &mut hasher)?;
    let bytes = hasher.finalize();
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The parts of `hf://datasets/owner/name@revision/path`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DataSet {
    /// `owner/name`.
    pub(crate) repository: String,
    pub(crate) revision: String,
    /// The address up to the path, with its `/`.
    pub(crate) prefix: String,
    /// A file, folder or glob.
    pub(crate) path: String,
}

impl DataSet {
    pub(crate) fn of(address: &Address) -> Result<Self, Error> {
        let form = "write hf://datasets/owner/name/path, or hf://datasets/owner/name@revision/path";
        let rest = address
            .path
            .strip_prefix("datasets/")
            .ok_or_else(|| address.bad(form))?;
        let (owner, rest) = rest.split_once('/').ok_or_else(|| address.bad(form))?;
        let at = rest.find(['@', '/']).unwrap_or(rest.len());
        let (name, rest) = rest.split_at(at);
        let (revision, path) = match rest.strip_prefix('@') {
            Some(rest) => split_revision(rest),
            None => ("main".to_owned(), rest.trim_start_matches('/')),
        };
        if owner.is_empty() || name.is_empty() || revision.is_empty() {
            return Err(address.bad(form));
        }
        let shown = address.shown();
        let prefix = shown.strip_suffix(path).unwrap_or(&shown);
        Ok(Self {
            repository: format!("{owner}/{name}"),
            revision,
            prefix: format!("{}/", prefix.trim_end_matches('/')),
            path: path.to_owned(),
        })
    }
}

/// The revision before a path. That of the Hub's own Parquet files and of a pull request hold `/`.
fn split_revision(rest: &str) -> (String, &str) {
    let parts = if rest.starts_with("refs/") { 3 } else { 1 };
    let end = rest
        .match_indices('/')
        .nth(parts - 1)
        .map_or(rest.len(), |(place, _)| place);
    let (revision, path) = rest.split_at(end);
    let revision = match revision.strip_prefix('~') {
        Some(conversion) => format!("refs/convert/{conversion}"),
        None => revision.replace("%2F", "/").replace("%2f", "/"),
    };
    (revision, path.trim_start_matches('/'))
}

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
    pub(crate) size: u64,
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
    #[serde(default)]
    size: u64,
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
            size: sibling.size,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn data_set(address: &str) -> Result<DataSet, String> {
        let address = Address::parse(address).unwrap().unwrap();
        DataSet::of(&address).map_err(|error| error.to_string())
    }

    #[test]
    fn the_parts_of_an_address_of_the_hub_are_told_apart() {
        let check = |address: &str, revision: &str, path: &str| {
            let found = data_set(address).unwrap();
            assert_eq!(found.repository, "owner/name", "{address}");
            assert_eq!(
                (found.revision.as_str(), found.path.as_str()),
                (revision, path),
                "{address}"
            );
        };
        check("hf://datasets/owner/name", "main", "");
        check("hf://datasets/owner/name/data/*.csv", "main", "data/*.csv");
        check("hf://datasets/owner/name@v1.0/a.csv", "v1.0", "a.csv");
        check(
            "hf://datasets/owner/name@~parquet/default/train/0.parquet",
            "refs/convert/parquet",
            "default/train/0.parquet",
        );
        check("hf://datasets/owner/name@refs/pr/3/a.csv", "refs/pr/3", "a.csv");
        check(
            "hf://datasets/owner/name@refs%2Fconvert%2Fparquet/a@b.csv",
            "refs/convert/parquet",
            "a@b.csv",
        );
        for bad in [
            "hf://owner/name/a.csv",
            "hf://datasets/name",
            "hf://datasets/owner/@v1/a",
        ] {
            assert!(
                data_set(bad)
                    .unwrap_err()
                    .contains("hf://datasets/owner/name/path"),
                "{bad}"
            );
        }
    }

    #[test]
    fn digests_are_those_of_git_and_of_sha256sum() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write_atomic(&path, b"hello\n").unwrap();
        // `echo hello | git hash-object --stdin`, `echo hello | sha256sum`.
        let blob = Content::GitBlob("ce013625030ba8dba906f756967f9e9ca394464a".to_owned());
        let large = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
        assert!(blob.is_of(&path).unwrap());
        assert!(Content::Sha256(large.to_owned()).is_of(&path).unwrap());
        fs::write_atomic(&path, b"hell\n").unwrap();
        assert!(!blob.is_of(&path).unwrap());
    }
}
