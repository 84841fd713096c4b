//! The fetching of a model: what the Hub has of it, and the wanted files of that into the cache, each checked by
//! the digest that is listed.

use futures_util::{StreamExt, TryStreamExt, stream};
use labelproof_artifact::Reporter;
use object_store::path::Path as Location;

use crate::address::Address;
use crate::error::Error;
use crate::fetching::{self, Listed, Object};
use crate::hub::{self, Kind, Repository, RepositoryFile};
use crate::hub_cache::{HubCache, ModelCache, is_commit, is_plain};
use crate::model_error::{Lacking, NotFetched, Problem};
use crate::models::{ModelRequest, Snapshot};
use crate::network::{AT_ONCE, block_on};
use crate::progress::Progress;
use crate::stores::Store;
use crate::watch::{self, Refusal, watched};

/// Fetches a model into the cache. `lacking` is what is not there.
pub(crate) fn fetch(
    cache: &HubCache,
    request: &ModelRequest<'_>,
    lacking: Lacking,
    reporter: &dyn Reporter,
) -> Result<Snapshot, Problem> {
    if hub::is_offline() {
        let why = NotFetched::Offline;
        return Err(Problem::NotFetched { lacking, why });
    }
    let progress = Progress::new(reporter, format!("fetching {}", request.shown()));
    let fetching = Fetching {
        request,
        cache: cache.model(request.repository),
        lacking,
        progress: &progress,
    };
    let result = block_on(request.repository, fetching.all()).map_err(Problem::File)?;
    progress.end();
    let snapshot = result?;
    if let Some(size) = progress.size() {
        let (repository, commit) = (request.repository, &snapshot.commit);
        reporter.message(&format!("fetched {size} of {repository}@{commit}"));
    }
    Ok(snapshot)
}

struct Fetching<'a> {
    request: &'a ModelRequest<'a>,
    cache: ModelCache,
    lacking: Lacking,
    progress: &'a Progress<'a>,
}

impl Fetching<'_> {
    async fn all(&self) -> Result<Snapshot, Problem> {
        let address = Address::parse(&format!("hf://{}", self.request.repository));
        let address = address
            .expect("it has a scheme")
            .map_err(|error| self.problem(error, ""))?;
        let repository = self.repository(&address).await?;
        let store = repository
            .store(&address)
            .map_err(|error| self.problem(error, ""))?;
        let folder = self.cache.snapshot(&repository.commit);
        let names: Vec<&str> = repository.files.iter().map(|file| file.path.as_str()).collect();
        let names: Vec<&str> = names.into_iter().filter(|name| is_plain(name)).collect();
        // The files that an index names are wanted once the index is there.
        loop {
            let wanted = (self.request.wanted)(&names, &folder).map_err(|file| Problem::NoFile { file })?;
            let missing: Vec<&RepositoryFile> = repository
                .files
                .iter()
                .filter(|file| wanted.contains(&file.path) && !folder.join(&file.path).is_file())
                .collect();
            if missing.is_empty() {
                break;
            }
            stream::iter(missing)
                .map(|file| watched(self.one(&address, &store, &repository.commit, file)))
                .buffer_unordered(AT_ONCE)
                .try_collect::<()>()
                .await?;
        }
        let commit = repository.commit;
        // Noted last: a revision never means a commit of which some files are still to come.
        self.cache
            .note(self.request.revision(), &commit)
            .map_err(Problem::File)?;
        Ok(Snapshot { folder, commit })
    }

    async fn repository(&self, address: &Address) -> Result<Repository, Problem> {
        let (name, revision) = (self.request.repository, self.request.revision());
        let asking = async {
            let repository = hub::repository(address, Kind::Model, name, revision, name).await;
            repository.map_err(|error| self.of_repository(error, watch::last()))
        };
        let repository = watched(asking).await?;
        // The commit becomes the name of a folder.
        if !is_commit(&repository.commit) {
            let source = serde::de::Error::custom(format!("`{}` is no commit", repository.commit));
            let endpoint = hub::endpoint();
            return Err(Problem::NotTheHub { endpoint, source });
        }
        Ok(repository)
    }

    fn of_repository(&self, error: Error, refusal: Option<Refusal>) -> Problem {
        match (error, refusal) {
            (Error::NotFound { .. }, Some(Refusal { code, .. })) if code == "RevisionNotFound" => {
                Problem::NoRevision {
                    revision: self.request.revision().to_owned(),
                }
            }
            (Error::NotFound { .. }, Some(Refusal { host, code, .. })) => Problem::Refused {
                host,
                status: 404,
                code,
            },
            (error, _) => self.problem(error, ""),
        }
    }

    /// Brings one file: as a blob, under its name.
    async fn one(
        &self,
        address: &Address,
        store: &Store,
        commit: &str,
        file: &RepositoryFile,
    ) -> Result<(), Problem> {
        let failed = |error: Error| self.problem(error, &file.path);
        let digest = file.content.digest();
        if !is_plain(digest) {
            return Err(Problem::Damaged {
                file: file.path.clone(),
            });
        }
        let _claim = self.cache.claim(digest).await.map_err(failed)?;
        let blob = self.cache.blob(digest);
        let is_whole = blob
            .metadata()
            .is_ok_and(|metadata| metadata.is_file() && file.size.is_none_or(|size| size == metadata.len()));
        if !is_whole {
            self.blob(address, store, file).await.map_err(failed)?;
        }
        self.cache.link(commit, &file.path, digest).map_err(Problem::File)
    }

    async fn blob(&self, address: &Address, store: &Store, file: &RepositoryFile) -> Result<(), Error> {
        let digest = file.content.digest();
        let object = Object {
            name: format!("{}/{}", self.request.repository, file.path),
            inside: String::new(),
            identity: String::new(),
            store: Store::clone(store),
            location: Location::from(file.path.as_str()),
            listed: Listed::Content(file.content.clone()),
        };
        let mut partial = self.cache.partial(digest)?;
        let there = partial.length()?;
        // All of it came before this process, or another one, was ended.
        let is_whole = there > 0 && Some(there) == file.size && file.content.is_of(&partial.path)?;
        if !is_whole {
            if file.size.is_some_and(|size| there >= size) {
                partial.begin(None)?;
            }
            let resumed = partial.length()? > 0;
            match fetching::transfer(address, &object, None, &mut partial, self.progress).await {
                // What was there was not the beginning of it: the file is empty now.
                Err(Error::Damaged { .. }) if resumed => {
                    fetching::transfer(address, &object, None, &mut partial, self.progress).await?;
                }
                result => drop(result?),
            }
        }
        Ok(self.cache.keep(digest, &partial)?)
    }

    /// What an error of a request or of the cache means.
    fn problem(&self, error: Error, file: &str) -> Problem {
        let file = file.to_owned();
        match error {
            Error::Unreachable { host, cause, .. } => Problem::NotFetched {
                lacking: self.lacking.clone(),
                why: NotFetched::Unreachable { host, cause },
            },
            Error::Denied {
                host, status, code, ..
            } => match (status, code.as_str()) {
                (_, "GatedRepo") => Problem::Gated { host, status },
                // So the Hub answers about what is not there, and about what is private, to who is nobody.
                (401, "RepoNotFound") => Problem::NoRepository { host, status, code },
                (401, _) if !hub::has_token() => Problem::NoRepository { host, status, code },
                _ => Problem::Denied { host, status, code },
            },
            Error::NoBucket { .. } => Problem::NoRepository {
                host: hub::host(),
                status: 404,
                code: "RepoNotFound".to_owned(),
            },
            Error::NotFound { .. } => Problem::NoFile { file },
            Error::Refused {
                host, status, code, ..
            } => Problem::Refused { host, status, code },
            Error::NotTheHub { endpoint, source, .. } => Problem::NotTheHub { endpoint, source },
            Error::Cut { .. } => Problem::Cut { file },
            Error::Damaged { .. } => Problem::Damaged { file },
            Error::File(error) => Problem::File(error),
            error => Problem::Setup {
                problem: error.to_string(),
            },
        }
    }
}
