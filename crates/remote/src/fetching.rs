//! One object to one file of the cache: only if it is not there in its present state, on from where an
//! earlier attempt was cut, and checked.

use std::path::PathBuf;
use std::time::Duration;

use futures_util::StreamExt;
use object_store::GetResult;
use object_store::path::Path as Location;

use crate::address::Address;
use crate::cache::{Cache, Partial, Record};
use crate::content::Content;
use crate::error::Error;
use crate::progress::Progress;
use crate::stores::Store;
use crate::validator::Validator;
use crate::watch::{self, UNKNOWN_LENGTH};

/// An object to fetch.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    /// The address of this object, for messages.
    pub(crate) name: String,
    /// Its path below the folder that was named.
    pub(crate) inside: String,
    /// Which object it is; see [`RemoteFile`](crate::RemoteFile).
    pub(crate) identity: String,
    /// Where it lies.
    pub(crate) store: Store,
    pub(crate) location: Location,
    /// What a listing said of it.
    pub(crate) listed: Listed,
}

/// What is known of an object before it is asked for.
#[derive(Debug, Clone)]
pub(crate) enum Listed {
    Nothing,
    /// Its state.
    State(Validator),
    /// Its content.
    Content(Content),
}

/// Attempts that get no byte further, before a transfer is given up.
const ATTEMPTS: u32 = 3;
/// The pause before the second attempt; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// How an attempt ended.
enum Attempt {
    /// The copy in the cache is in the present state.
    Unchanged,
    /// All bytes are there.
    Whole(Validator),
    /// What is there is of no use: from the beginning.
    Anew,
    /// The transfer was cut, or never began.
    Cut(Error),
}

/// Fetches an object if the cache has it not, and returns its file.
pub(crate) async fn bring(
    address: &Address,
    object: &Object,
    cache: &Cache,
    progress: &Progress<'_>,
) -> Result<PathBuf, Error> {
    let _claim = cache.claim(&object.identity).await?;
    let known = cache.find(&object.identity);
    if let Some((record, path)) = &known
        && object.listed.is_of(record)
    {
        return Ok(path.clone());
    }
    let mut partial = cache.partial(&object.identity)?;
    let record = known.as_ref().map(|(record, _)| record);
    let state = transfer(address, object, record, &mut partial, progress).await?;
    let Some(state) = state else {
        partial.remove()?;
        let (_, path) = known.expect("a server was told what is there");
        return Ok(path);
    };
    let listed = object.listed.content();
    cache.keep(&object.identity, &partial, &object.file_name(), state, listed)
}

/// Fetches what an object is now into a file, on from what is there of it, and checks it. Returns its state, or
/// none if it is still in the known one: then nothing was fetched.
pub(crate) async fn transfer(
    address: &Address,
    object: &Object,
    known: Option<&Record>,
    partial: &mut Partial,
    progress: &Progress<'_>,
) -> Result<Option<Validator>, Error> {
    let mut transfer = Transfer {
        address,
        object,
        known,
        seen: object.listed.state(),
        progress,
    };
    let mut without_progress = 0;
    let state = loop {
        let before = partial.length()?;
        match transfer.attempt(partial).await? {
            Attempt::Unchanged if known.is_some() => return Ok(None),
            // It was asked for without a condition.
            Attempt::Unchanged => without_progress += 1,
            Attempt::Whole(state) => break state,
            Attempt::Anew => {
                partial.begin(None)?;
                without_progress += 1;
            }
            Attempt::Cut(error) => {
                if partial.length()? > before {
                    without_progress = 0;
                }
                without_progress += 1;
                if without_progress == ATTEMPTS {
                    return Err(error);
                }
                tokio::time::sleep(FIRST_PAUSE * 2_u32.pow(without_progress - 1)).await;
            }
        }
        if without_progress >= ATTEMPTS {
            return Err(Error::Cut {
                address: object.name.clone(),
            });
        }
    };
    if let Listed::Content(content) = &object.listed
        && !content.is_of(&partial.path)?
    {
        partial.begin(None)?;
        return Err(Error::Damaged {
            address: object.name.clone(),
        });
    }
    Ok(Some(state))
}

/// The attempts to fetch one object.
struct Transfer<'a> {
    address: &'a Address,
    object: &'a Object,
    /// What the cache has of it.
    known: Option<&'a Record>,
    /// The state in which this run has seen it: another one from now on is an error.
    seen: Option<Validator>,
    progress: &'a Progress<'a>,
}

impl Transfer<'_> {
    async fn attempt(&mut self, partial: &mut Partial) -> Result<Attempt, Error> {
        let start = partial.length()?;
        let of_partial = partial.validator().filter(|state| start > 0 && state.is_strong());
        // Whatever comes then is checked by its digest in the end.
        let goes_on = start > 0 && partial.is_named_by_content();
        let resumes = goes_on || of_partial.is_some();
        let options = match (&of_partial, self.known) {
            _ if goes_on => object_store::GetOptions::new().with_range(Some(start..)),
            (Some(state), _) => state.from(start),
            (None, Some(record)) if record.listed.is_none() => record.validator.unless_unchanged(),
            (None, _) => object_store::GetOptions::new(),
        };
        let answer = self.object.store.get_opts(&self.object.location, options).await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(object_store::Error::NotModified { .. }) => return Ok(Attempt::Unchanged),
            Err(error) => return self.refused(resumes, &error),
        };
        let length = Some(answer.meta.size).filter(|size| *size < UNKNOWN_LENGTH);
        let state = Validator::of(&answer.meta, length);
        if let Some(of_partial) = &of_partial
            && !of_partial.agrees(&state)
        {
            return self.changed();
        }
        if let Some(seen) = &self.seen
            && !seen.agrees(&state)
        {
            return Err(self.has_changed());
        }
        if !resumes {
            partial.begin(Some(&state))?;
        }
        if self.seen.is_none() && state.is_strong() && !partial.is_named_by_content() {
            self.seen = Some(state.clone());
        }
        self.progress.begin();
        self.receive(answer, state, partial).await
    }

    async fn receive(
        &self,
        answer: GetResult,
        state: Validator,
        partial: &mut Partial,
    ) -> Result<Attempt, Error> {
        let mut stream = answer.into_stream();
        while let Some(bytes) = stream.next().await {
            match bytes {
                Ok(bytes) => {
                    partial.write(&bytes)?;
                    self.progress.advance(bytes.len() as u64);
                }
                Err(error) => return Ok(Attempt::Cut(self.cut(&error))),
            }
        }
        let received = partial.length()?;
        match state.length {
            Some(length) if received < length => Ok(Attempt::Cut(Error::Cut {
                address: self.object.name.clone(),
            })),
            Some(length) if received > length => Ok(Attempt::Anew),
            _ => Ok(Attempt::Whole(state)),
        }
    }

    /// What an error of a request means for the attempts.
    fn refused(&self, resumes: bool, error: &object_store::Error) -> Result<Attempt, Error> {
        let status = watch::last().and_then(|refusal| refusal.status);
        match (error, status) {
            (object_store::Error::Precondition { .. }, _) => self.changed(),
            // A server that knows no ranges, or none beyond what it has by now.
            (object_store::Error::NotSupported { .. }, _) | (_, Some(416)) if resumes => Ok(Attempt::Anew),
            _ => Err(Error::refused(
                self.address,
                &self.object.name,
                watch::last(),
                error,
            )),
        }
    }

    /// The object is in another state than the bytes that are there. In one run that is an error; what an
    /// earlier run left is begun anew.
    fn changed(&self) -> Result<Attempt, Error> {
        match self.seen {
            Some(_) => Err(self.has_changed()),
            None => Ok(Attempt::Anew),
        }
    }

    fn has_changed(&self) -> Error {
        Error::Changed {
            address: self.object.name.clone(),
        }
    }

    /// Why a transfer stopped in the middle.
    fn cut(&self, error: &object_store::Error) -> Error {
        match watch::last() {
            Some(refusal) => Error::refused(self.address, &self.object.name, Some(refusal), error),
            None => Error::Cut {
                address: self.object.name.clone(),
            },
        }
    }
}

impl Object {
    /// The name of the file: what stands behind the last `/` of the address.
    fn file_name(&self) -> String {
        let last = self.name.rsplit('/').next().unwrap_or_default();
        let end = last
            .char_indices()
            .rev()
            .nth(LONGEST_NAME - 1)
            .map_or(0, |(start, _)| start);
        match &last[end..] {
            "" | "." | ".." => "file".to_owned(),
            name => name.to_owned(),
        }
    }
}

/// Characters of a file's name that are kept: its end, which says what it is.
const LONGEST_NAME: usize = 60;

impl Listed {
    fn is_of(&self, record: &Record) -> bool {
        match self {
            Self::Nothing => false,
            Self::State(state) => state.agrees(&record.validator),
            Self::Content(content) => record.listed.as_deref() == Some(content.digest()),
        }
    }

    fn state(&self) -> Option<Validator> {
        match self {
            Self::State(state) => Some(state.clone()),
            Self::Nothing | Self::Content(_) => None,
        }
    }

    fn content(&self) -> Option<String> {
        match self {
            Self::Content(content) => Some(content.digest().to_owned()),
            Self::Nothing | Self::State(_) => None,
        }
    }
}
