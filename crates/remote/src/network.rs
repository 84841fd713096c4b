//! The fetching of an address as a whole: what it means, several objects at once, and what the cache gives
//! where there is no network.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use futures_util::{StreamExt, TryStreamExt, stream};
use labelproof_artifact::Reporter;
use labelproof_artifact::fs::FsError;
use labelproof_artifact::wording::counted;

use crate::RemoteFile;
use crate::address::Address;
use crate::cache::{Cache, Entry};
use crate::error::Error;
use crate::fetching::{Object, bring};
use crate::listing::{self, Meaning};
use crate::progress::Progress;
use crate::stores;
use crate::watch::watched;

/// Objects that are fetched at once.
pub(crate) const AT_ONCE: usize = 8;

/// What this process has fetched since it [forgot](crate::forget) last. One run sees one state of an address: the
/// plan, which digests the sources, and the stage, which reads them.
static FETCHED: Mutex<BTreeMap<String, Vec<RemoteFile>>> = Mutex::new(BTreeMap::new());

/// See [`crate::fetch`].
pub(crate) fn fetch(
    address: &Address,
    wanted: &dyn Fn(&str) -> bool,
    reporter: &dyn Reporter,
) -> Result<Vec<RemoteFile>, Error> {
    let mut fetched = FETCHED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(files) = fetched.get(&address.exact()) {
        return Ok(files.clone());
    }
    let files = fetch_into(&Cache::of_user()?, address, wanted, reporter)?;
    fetched.insert(address.exact(), files.clone());
    Ok(files)
}

/// See [`crate::forget`].
pub(crate) fn forget() {
    FETCHED.lock().unwrap_or_else(PoisonError::into_inner).clear();
}

/// Fetches an address into a cache.
pub(crate) fn fetch_into(
    cache: &Cache,
    address: &Address,
    wanted: &dyn Fn(&str) -> bool,
    reporter: &dyn Reporter,
) -> Result<Vec<RemoteFile>, Error> {
    let progress = Progress::new(reporter, format!("fetching {}", address.shown()));
    let listing = listing::identity(&[&stores::server(address), &address.exact()]);
    let result = block_on(&address.shown(), all(cache, address, wanted, &progress))?;
    progress.end();
    match result {
        Ok(files) => {
            if let Some(size) = progress.size() {
                reporter.message(&format!("fetched {size} from {}", address.shown()));
            }
            let entries: Vec<Entry> = files.iter().map(entry_of).collect();
            cache.note_listing(&listing, &entries)?;
            Ok(files)
        }
        Err(Error::Unreachable { address, host, cause }) => match from_cache(cache, &listing) {
            Some(files) => {
                reporter.message(&format!(
                    "{address} cannot be reached ({cause}): reading {} that {} fetched before",
                    counted(files.len() as u64, "file"),
                    if files.len() == 1 { "was" } else { "were" },
                ));
                Ok(files)
            }
            None => Err(Error::Unreachable { address, host, cause }),
        },
        Err(error) => Err(error),
    }
}

/// Waits for some work in the network on `what`.
pub(crate) fn block_on<T>(what: &str, work: impl Future<Output = T>) -> Result<T, FsError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| FsError::new("prepare the network for", &PathBuf::from(what), source))?;
    let result = runtime.block_on(work);
    // Not waited for: a name that is being looked up cannot be cut short.
    runtime.shutdown_background();
    Ok(result)
}

fn entry_of(file: &RemoteFile) -> Entry {
    Entry {
        name: file.name.clone(),
        inside: file.inside.clone(),
        identity: file.identity.clone(),
    }
}

/// What an address meant when it was asked last, if all of it is still there.
fn from_cache(cache: &Cache, listing: &str) -> Option<Vec<RemoteFile>> {
    let entries = cache.listing(listing)?.into_iter();
    entries
        .map(|entry| {
            let (_, path) = cache.find(&entry.identity)?;
            Some(RemoteFile {
                name: entry.name,
                identity: entry.identity,
                inside: entry.inside,
                path,
            })
        })
        .collect()
}

async fn all(
    cache: &Cache,
    address: &Address,
    wanted: &dyn Fn(&str) -> bool,
    progress: &Progress<'_>,
) -> Result<Vec<RemoteFile>, Error> {
    let objects = match watched(listing::meaning(address, wanted)).await? {
        Meaning::Objects(objects) => objects,
        Meaning::ObjectOrFolder(object, store) => match one(cache, address, *object, progress).await {
            // A folder has no object of its own name.
            Err(Error::NotFound { .. }) => watched(listing::folder(address, &store, wanted)).await?,
            result => return result.map(|file| vec![file]),
        },
    };
    let mut files: Vec<RemoteFile> = stream::iter(objects)
        .map(|object| one(cache, address, object, progress))
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    files.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(files)
}

async fn one(
    cache: &Cache,
    address: &Address,
    object: Object,
    progress: &Progress<'_>,
) -> Result<RemoteFile, Error> {
    let path = watched(bring(address, &object, cache, progress)).await?;
    Ok(RemoteFile {
        name: object.name,
        identity: object.identity,
        inside: object.inside,
        path,
    })
}
