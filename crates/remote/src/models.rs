//! Models of the Hugging Face Hub as folders of this machine: out of the user's cache of the Hub, which Python
//! shares, or else fetched into it.
//!
//! What a revision meant when it was fetched is what it means here until somebody fetches it anew: a run gives
//! the same as the one before, and asks nobody.

use std::path::{Path, PathBuf};

use labelproof_artifact::Reporter;

use crate::hub_cache::{self, HubCache};
use crate::model_error::{Lacking, ModelError, Problem};

/// Says which of the files of a repository are wanted: gets the names of all, and the folder in which those that
/// were fetched lie, since an index says which other files there are. The error is the name of a file that is
/// needed and is not there.
pub type Wanted<'a> = &'a dyn Fn(&[&str], &Path) -> Result<Vec<String>, String>;

/// A model, and what of it is wanted.
#[derive(Clone, Copy)]
pub struct ModelRequest<'a> {
    /// `owner/name`.
    pub repository: &'a str,
    /// A branch, tag or commit; none is the default branch.
    pub revision: Option<&'a str>,
    /// Which files.
    pub wanted: Wanted<'a>,
}

/// The files of a model in one of its states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Their folder.
    pub folder: PathBuf,
    /// The commit.
    pub commit: String,
}

impl ModelRequest<'_> {
    /// The branch, tag or commit.
    pub(crate) fn revision(&self) -> &str {
        self.revision.unwrap_or("main")
    }

    /// The value of `encoder`, for messages.
    pub(crate) fn shown(&self) -> String {
        match self.revision {
            Some(revision) => format!("{}@{revision}", self.repository),
            None => self.repository.to_owned(),
        }
    }

    pub(crate) fn failed(&self, problem: Problem) -> ModelError {
        ModelError {
            model: self.shown(),
            repository: self.repository.to_owned(),
            revision: self.revision.map(str::to_owned),
            problem,
        }
    }
}

/// The files of a model, fetched where the user's cache lacks them and this build can.
pub fn model(request: &ModelRequest<'_>, reporter: &dyn Reporter) -> Result<Snapshot, ModelError> {
    let cache = HubCache::of_user().ok_or_else(|| request.failed(Problem::NoCache))?;
    let lacking = match cached(&cache, request) {
        Ok(snapshot) => return Ok(snapshot),
        Err(lacking) => lacking,
    };
    #[cfg(feature = "network")]
    {
        let fetched = crate::model_fetching::fetch(&cache, request, lacking, reporter);
        fetched.map_err(|problem| request.failed(problem))
    }
    #[cfg(not(feature = "network"))]
    {
        let _ = reporter;
        let why = crate::model_error::NotFetched::NotBuiltIn;
        Err(request.failed(Problem::NotFetched { lacking, why }))
    }
}

/// The files of a model if the user's cache has them: nothing is fetched.
pub fn cached_model(request: &ModelRequest<'_>) -> Option<Snapshot> {
    cached(&HubCache::of_user()?, request).ok()
}

fn cached(cache: &HubCache, request: &ModelRequest<'_>) -> Result<Snapshot, Lacking> {
    let model = cache.model(request.repository);
    let none = || Lacking::Model {
        cache: cache.root.clone(),
    };
    let commit = model.commit(request.revision()).ok_or_else(none)?;
    let folder = model.snapshot(&commit);
    if !folder.is_dir() {
        return Err(none());
    }
    let names = hub_cache::names(&folder);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    match (request.wanted)(&names, &folder) {
        Ok(_) => Ok(Snapshot { folder, commit }),
        Err(file) => Err(Lacking::File {
            snapshot: folder,
            file,
        }),
    }
}
