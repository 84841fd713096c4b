//! From an address to the objects that it means.

use futures_util::TryStreamExt;
use labelproof_artifact::Digest;
use labelproof_artifact::wording::nearest;
use object_store::path::Path as Location;
use object_store::{ClientOptions, ObjectMeta};

use crate::address::{Address, Place};
use crate::choice::{self, Choice};
use crate::data_set::DataSet;
use crate::error::Error;
use crate::fetching::{Listed, Object};
use crate::hub::{self, Kind};
use crate::stores::{self, Store};
use crate::validator::Validator;
use crate::watch;

/// What an address means.
pub(crate) enum Meaning {
    /// These objects.
    Objects(Vec<Object>),
    /// This object; or, if there is none of this name, the folder.
    ObjectOrFolder(Box<Object>, Store),
}

/// Finds out what an address means. `wanted` says of a path below a folder whether the object is one to read.
pub(crate) async fn meaning(address: &Address, wanted: &dyn Fn(&str) -> bool) -> Result<Meaning, Error> {
    match address.place {
        Place::Web => of_web(address).map(Meaning::Objects),
        Place::Hub => of_hub(address, wanted).await.map(Meaning::Objects),
        Place::S3 | Place::Google | Place::Azure => {
            let store = stores::of_cloud(address)?;
            if address.is_glob() {
                let choice = Choice::glob(address, &address.path)?;
                return listed(address, &store, &choice, wanted)
                    .await
                    .map(Meaning::Objects);
            }
            if address.path.is_empty() || address.path.ends_with('/') {
                return folder(address, &store, wanted).await.map(Meaning::Objects);
            }
            let object = of_cloud(
                address,
                &store,
                &location(address)?,
                &Choice::folder(""),
                Listed::Nothing,
            );
            Ok(Meaning::ObjectOrFolder(
                Box::new(Object {
                    inside: choice::last_two(&address.path).to_owned(),
                    ..object
                }),
                store,
            ))
        }
    }
}

/// The objects of a folder of a cloud.
pub(crate) async fn folder(
    address: &Address,
    store: &Store,
    wanted: &dyn Fn(&str) -> bool,
) -> Result<Vec<Object>, Error> {
    listed(address, store, &Choice::folder(&address.path), wanted).await
}

fn location(address: &Address) -> Result<Location, Error> {
    location_of(address, &address.path)
}

fn location_of(address: &Address, path: &str) -> Result<Location, Error> {
    Location::parse(path).map_err(|error| address.bad(&error.to_string()))
}

async fn listed(
    address: &Address,
    store: &Store,
    choice: &Choice,
    wanted: &dyn Fn(&str) -> bool,
) -> Result<Vec<Object>, Error> {
    let prefix = location_of(address, choice.prefix())?;
    let prefix = Some(prefix).filter(|prefix| !prefix.is_root());
    let listing = store.list(prefix.as_ref()).try_collect::<Vec<_>>().await;
    let all = listing.map_err(|error| Error::refused(address, &address.shown(), watch::last(), &error))?;
    let folders = choice::folders(all.iter().map(|meta| meta.location.as_ref()));
    let is_file = |meta: &&ObjectMeta| meta.size > 0 || !folders.contains(meta.location.as_ref());
    let all: Vec<&ObjectMeta> = all.iter().filter(is_file).collect();
    let mut objects = Vec::new();
    for meta in &all {
        let key = meta.location.as_ref();
        if let Some(inside) = choice.inside(key, wanted) {
            let state = Validator::of(meta, Some(meta.size));
            let object = of_cloud(address, store, &meta.location, choice, Listed::State(state));
            objects.push(Object { inside, ..object });
        }
    }
    if objects.is_empty() {
        return Err(nothing(address, choice, all.len()));
    }
    Ok(objects)
}

/// Nothing of what is there is meant.
fn nothing(address: &Address, choice: &Choice, there: usize) -> Error {
    let address = address.shown();
    match choice {
        Choice::Glob(_) => Error::NoMatch { address, there },
        Choice::Folder(_) if there == 0 => Error::NotFound {
            address,
            nearest: None,
        },
        Choice::Folder(_) => Error::NoFiles { address, there },
    }
}

fn of_cloud(
    address: &Address,
    store: &Store,
    location: &Location,
    choice: &Choice,
    listed: Listed,
) -> Object {
    debug_assert!(location.as_ref().starts_with(choice.prefix()));
    let name = format!("{}{location}", address.root());
    Object {
        identity: identity(&[&stores::server(address), &name]),
        inside: String::new(),
        store: Store::clone(store),
        location: location.clone(),
        listed,
        name,
    }
}

/// Which object it is, as a digest: addresses may hold signatures.
pub(crate) fn identity(parts: &[&str]) -> String {
    Digest::of_value(&parts.into()).as_str().to_owned()
}

fn of_web(address: &Address) -> Result<Vec<Object>, Error> {
    let url = address.exact();
    let name = address.shown();
    if name.ends_with('/') || address.path.contains('*') {
        return Err(Error::NoListing { address: name });
    }
    let store = stores::of_web(&url, ClientOptions::new()).map_err(|error| Error::setup(address, &error))?;
    Ok(vec![Object {
        identity: identity(&["", &url]),
        inside: choice::last_two(&address.path).to_owned(),
        store,
        location: Location::default(),
        listed: Listed::Nothing,
        name,
    }])
}

async fn of_hub(address: &Address, wanted: &dyn Fn(&str) -> bool) -> Result<Vec<Object>, Error> {
    let data_set = DataSet::of(address)?;
    let repository = hub::repository(
        address,
        Kind::DataSet,
        &data_set.repository,
        &data_set.revision,
        data_set.prefix.trim_end_matches('/'),
    )
    .await?;
    let path = data_set.path.as_str();
    let is_file = repository.files.iter().any(|file| file.path == path);
    let choice = if address.is_glob() && !is_file {
        Choice::glob(address, path)?
    } else {
        Choice::folder(path)
    };
    let store = repository.store(address)?;
    let mut objects = Vec::new();
    for file in &repository.files {
        let inside = if is_file {
            (file.path == path).then(|| choice::last_two(path).to_owned())
        } else {
            choice.inside(&file.path, wanted)
        };
        let Some(inside) = inside else { continue };
        let name = format!("{}{}", data_set.prefix, file.path);
        objects.push(Object {
            identity: identity(&[&stores::server(address), &name]),
            inside,
            store: Store::clone(&store),
            location: location_of(address, &file.path)?,
            listed: Listed::Content(file.content.clone()),
            name,
        });
    }
    if objects.is_empty() {
        let there = repository.files.iter().map(|file| file.path.as_str());
        let below = there
            .clone()
            .filter(|there| there.starts_with(choice.prefix()))
            .count();
        return Err(match nothing(address, &choice, below) {
            Error::NotFound { address, .. } => Error::NotFound {
                address,
                nearest: nearest(path, there).map(|nearest| format!("{}{nearest}", data_set.prefix)),
            },
            other => other,
        });
    }
    Ok(objects)
}
