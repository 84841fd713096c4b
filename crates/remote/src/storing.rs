//! What a [`StoredFolder`] asks of a server.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use futures_util::stream::FuturesUnordered;
use futures_util::{StreamExt, TryStreamExt, stream};
use labelproof_artifact::fs::{self, FsError};
use labelproof_artifact::{Digest, Reporter};
use object_store::path::Path as Location;
use object_store::{MultipartUpload, ObjectStoreExt, PutPayload};

use crate::cache::{self, Partial};
use crate::error::Error;
use crate::fetching::{Listed, Object, transfer};
use crate::listing::identity;
use crate::network::{AT_ONCE, block_on};
use crate::progress::Progress;
use crate::stored_folder::{StoredFile, StoredFolder};
use crate::stores::{self, Store};
use crate::watch::{self, watched};

/// The bytes of a part of a large object, at least: S3 takes none below 5 MiB but the last.
const PART_BYTES: u64 = 8 << 20;
/// The most parts of an object: S3 takes 10,000.
const MOST_PARTS: u64 = 9_000;
/// Parts of an object that are sent at once.
const PARTS_AT_ONCE: usize = 2;

impl StoredFolder {
    pub(crate) fn copy_in_cache(&self) -> Result<PathBuf, Error> {
        let which = identity(&[&stores::server(&self.address), &self.shown()]);
        Ok(cache::of_user("artifacts")?.join(which))
    }

    pub(crate) fn read_object(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let store = stores::of_cloud(&self.address)?;
        let location = self.location(name)?;
        let work = watched(async {
            let answer = store
                .get(&location)
                .await
                .map_err(|error| self.refused(name, &error))?;
            let bytes = answer
                .bytes()
                .await
                .map_err(|error| self.cut_or_refused(name, &error))?;
            Ok(bytes.to_vec())
        });
        match block_on(&self.shown(), work)? {
            Ok(content) => Ok(Some(content)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn write_object(&self, name: &str, content: Vec<u8>) -> Result<(), Error> {
        let store = stores::to_write_to(&self.address)?;
        block_on(&self.shown(), self.put(&store, name, content))?
    }

    pub(crate) fn upload_files(&self, files: &[StoredFile], reporter: &dyn Reporter) -> Result<(), Error> {
        let store = stores::to_write_to(&self.address)?;
        let progress = Progress::new(reporter, format!("storing {}", self.shown()));
        let work = stream::iter(files)
            .map(|file| self.send(&store, file, &progress))
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>();
        let done = block_on(&self.shown(), work)?;
        progress.end();
        if let (Ok(()), Some(size)) = (&done, progress.size()) {
            reporter.message(&format!("stored {size} in {}", self.shown()));
        }
        done
    }

    pub(crate) fn check_objects(&self, names: &[String]) -> Result<(), Error> {
        let store = stores::of_cloud(&self.address)?;
        let work = stream::iter(names)
            .map(|name| async {
                let missing = || Error::NotFound {
                    address: self.address_of(name),
                    nearest: None,
                };
                self.size(&store, name).await?.ok_or_else(missing).map(drop)
            })
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>();
        block_on(&self.shown(), work)?
    }

    pub(crate) fn download_files(&self, files: &[StoredFile], reporter: &dyn Reporter) -> Result<(), Error> {
        let store = stores::of_cloud(&self.address)?;
        let progress = Progress::new(reporter, format!("fetching {}", self.shown()));
        let work = stream::iter(files)
            .map(|file| self.fetch(&store, file, &progress))
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>();
        let done = block_on(&self.shown(), work)?;
        progress.end();
        if let (Ok(()), Some(size)) = (&done, progress.size()) {
            reporter.message(&format!("fetched {size} from {}", self.shown()));
        }
        done
    }

    pub(crate) fn remove_objects(&self, names: &[String]) {
        let Ok(store) = stores::to_write_to(&self.address) else {
            return;
        };
        let work = stream::iter(names).for_each_concurrent(AT_ONCE, |name| async {
            if let Ok(location) = self.location(name) {
                // What stays there is read by nobody.
                let _ = watched(store.delete(&location)).await;
            }
        });
        let _ = block_on(&self.shown(), work);
    }

    fn location(&self, name: &str) -> Result<Location, Error> {
        let folder = self.address.path.trim_end_matches('/');
        let path = if folder.is_empty() {
            name.to_owned()
        } else {
            format!("{folder}/{name}")
        };
        Location::parse(path).map_err(|error| self.address.bad(&error.to_string()))
    }

    fn refused(&self, name: &str, error: &object_store::Error) -> Error {
        Error::refused(&self.address, &self.address_of(name), watch::last(), error)
    }

    /// What an error in the middle of an answer means.
    fn cut_or_refused(&self, name: &str, error: &object_store::Error) -> Error {
        match watch::last() {
            Some(_) => self.refused(name, error),
            None => Error::Cut {
                address: self.address_of(name),
            },
        }
    }

    async fn put(&self, store: &Store, name: &str, content: Vec<u8>) -> Result<(), Error> {
        let location = self.location(name)?;
        watched(async {
            let done = store.put(&location, PutPayload::from(content)).await;
            done.map(drop)
                .map_err(|error| self.refused(name, &error).while_writing())
        })
        .await
    }

    /// Puts a file in its place unless it is there.
    async fn send(&self, store: &Store, file: &StoredFile, progress: &Progress<'_>) -> Result<(), Error> {
        let bytes = fs::open(&file.path)?
            .metadata()
            .map_err(|source| FsError::new("read", &file.path, source))?
            .len();
        if self.size(store, &file.name).await? == Some(bytes) {
            return Ok(());
        }
        progress.begin();
        if bytes > PART_BYTES {
            return self.send_in_parts(store, file, bytes, progress).await;
        }
        self.put(store, &file.name, fs::read(&file.path)?).await?;
        progress.advance(bytes);
        Ok(())
    }

    /// The size of an object, if there is one of this name.
    async fn size(&self, store: &Store, name: &str) -> Result<Option<u64>, Error> {
        let location = self.location(name)?;
        let found = watched(async {
            let found = store.head(&location).await;
            found.map_err(|error| self.refused(name, &error))
        });
        match found.await {
            Ok(found) => Ok(Some(found.size)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sends a large file, which is an object when all of it has arrived.
    async fn send_in_parts(
        &self,
        store: &Store,
        file: &StoredFile,
        bytes: u64,
        progress: &Progress<'_>,
    ) -> Result<(), Error> {
        let location = self.location(&file.name)?;
        let refused = |error: object_store::Error| self.refused(&file.name, &error).while_writing();
        let begun = watched(async { store.put_multipart(&location).await.map_err(refused) });
        let mut upload = begun.await?;
        let part_bytes = PART_BYTES.max(bytes.div_ceil(MOST_PARTS));
        let sent = self.send_parts(&mut *upload, file, part_bytes, progress).await;
        if sent.is_err() {
            // What was sent takes up room until the server clears it away by itself.
            let _ = watched(upload.abort()).await;
            return sent;
        }
        watched(async { upload.complete().await.map(drop).map_err(refused) }).await
    }

    async fn send_parts(
        &self,
        upload: &mut dyn MultipartUpload,
        file: &StoredFile,
        part_bytes: u64,
        progress: &Progress<'_>,
    ) -> Result<(), Error> {
        let mut from = fs::open(&file.path)?;
        let mut underway = FuturesUnordered::new();
        loop {
            let part = next_part(&mut from, part_bytes)
                .map_err(|source| FsError::new("read", &file.path, source))?;
            if part.is_empty() {
                break;
            }
            let bytes = part.len() as u64;
            let sent = upload.put_part(PutPayload::from(part));
            underway.push(watched(async move {
                let done = sent.await;
                done.map_err(|error| self.refused(&file.name, &error).while_writing())?;
                progress.advance(bytes);
                Ok::<(), Error>(())
            }));
            if underway.len() == PARTS_AT_ONCE {
                underway.try_next().await?;
            }
        }
        underway.try_collect::<()>().await
    }

    /// Fetches a file unless it is there.
    async fn fetch(&self, store: &Store, file: &StoredFile, progress: &Progress<'_>) -> Result<(), Error> {
        let is_whole = || Digest::of_file(&file.path).is_ok_and(|digest| digest == file.digest);
        if is_whole() {
            return Ok(());
        }
        let object = Object {
            name: self.address_of(&file.name),
            inside: String::new(),
            identity: String::new(),
            store: Store::clone(store),
            location: self.location(&file.name)?,
            listed: Listed::Nothing,
        };
        // What is there of the file is of this object: another one has another name.
        let mut partial = Partial::open(file.path.clone(), None)?;
        let goes_on = partial.length()? > 0;
        watched(transfer(&self.address, &object, None, &mut partial, progress)).await?;
        // A machine that went down may have kept the length of a file and not its bytes.
        if goes_on && !is_whole() {
            partial.begin(None)?;
            watched(transfer(&self.address, &object, None, &mut partial, progress)).await?;
        }
        if !is_whole() {
            partial.remove()?;
            return Err(Error::OtherContent { address: object.name });
        }
        Ok(fs::sync(&file.path)?)
    }
}

/// The next bytes of a file: as many as a part has, or what is left.
fn next_part(file: &mut File, bytes: u64) -> std::io::Result<Vec<u8>> {
    let mut part = Vec::new();
    file.take(bytes).read_to_end(&mut part)?;
    Ok(part)
}
