//! From the address of a source to files of this machine.
//!
//! An address (`s3://`, `gs://`, `az://`, `https://`, `hf://datasets/…`) names an object, or a folder or glob
//! of objects. [`fetch`] brings them into a cache and says where they lie; the rest of the program reads
//! files and never knows. What stands in a file is the readers' affair.
//!
//! The name of a model of the Hugging Face Hub becomes a folder by [`model`]: that of the user's cache of the
//! Hub, which is read without a network too.
//!
//! A [`StoredFolder`] is a folder in object storage that is written, too.
//!
//! What speaks the protocols is the crate `object_store`, which the feature `network` brings; without it an
//! address is told apart from a path, and refused.

mod address;
#[cfg(feature = "network")]
mod cache;
#[cfg(any(test, feature = "network"))]
mod choice;
#[cfg(any(test, feature = "network"))]
mod content;
#[cfg(any(test, feature = "network"))]
mod data_set;
mod error;
#[cfg(feature = "network")]
mod fetching;
#[cfg(feature = "network")]
mod hub;
mod hub_cache;
#[cfg(feature = "network")]
mod listing;
mod model_error;
#[cfg(feature = "network")]
mod model_fetching;
mod models;
#[cfg(feature = "network")]
mod network;
#[cfg(feature = "network")]
mod progress;
#[cfg(feature = "network")]
mod refusal;
mod stored_folder;
#[cfg(feature = "network")]
mod stores;
#[cfg(feature = "network")]
mod storing;
#[cfg(feature = "network")]
mod validator;
#[cfg(feature = "network")]
mod watch;

pub use address::{Address, Place};
pub use error::Error;
pub use model_error::ModelError;
pub use models::{ModelRequest, Snapshot, Wanted, cached_model, model};
pub use stored_folder::{StoredFile, StoredFolder};

use std::path::PathBuf;

use labelproof_artifact::Reporter;

/// An object, as a file of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteFile {
    /// The address of the object as messages, rejects and locks show it: without the query of a web address,
    /// which may hold a signature.
    pub name: String,
    /// Which object it is, on which server: two addresses of one object have the same. No secret shows in it.
    pub identity: String,
    /// The path below the folder that the address names; of a single object its last two parts.
    pub inside: String,
    /// The copy in the cache. Its last part is that of the address.
    pub path: PathBuf,
}

/// The objects that an address means, fetched where the cache lacks them, in the byte order of their names.
/// `wanted` says of the path below a folder or glob whether the object is one to read.
pub fn fetch(
    address: &Address,
    wanted: &dyn Fn(&str) -> bool,
    reporter: &dyn Reporter,
) -> Result<Vec<RemoteFile>, Error> {
    #[cfg(feature = "network")]
    return network::fetch(address, wanted, reporter);
    #[cfg(not(feature = "network"))]
    {
        let _ = (wanted, reporter);
        Err(Error::NotBuiltIn {
            address: address.shown(),
        })
    }
}

/// Forgets what addresses meant. A process sees one state of them until it says so, as a run has to.
pub fn forget() {
    #[cfg(feature = "network")]
    network::forget();
}

/// Fetches an address into a cache of one's own, and anew each time it is called.
#[cfg(feature = "network")]
pub fn fetch_into(
    cache: &std::path::Path,
    address: &Address,
    wanted: &dyn Fn(&str) -> bool,
    reporter: &dyn Reporter,
) -> Result<Vec<RemoteFile>, Error> {
    network::fetch_into(&cache::Cache::at(cache), address, wanted, reporter)
}

/// The one object that an address means, fetched where the cache lacks it.
pub fn fetch_one(address: &Address, reporter: &dyn Reporter) -> Result<RemoteFile, Error> {
    let mut files = fetch(address, &|_| true, reporter)?.into_iter();
    match (files.next(), files.len()) {
        (Some(file), 0) => Ok(file),
        (_, more) => Err(Error::NotOne {
            address: address.shown(),
            files: more + 1,
        }),
    }
}
