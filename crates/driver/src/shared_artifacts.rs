//! Artifacts in object storage: the folder of artifacts is then a copy in the user's cache, which is brought
//! up to date before a run, and each stage that is committed there is put into the store.
//!
//! In the store a stage is `<stage>/stage.lock.json`, the text of its lock, and for each output
//! `<stage>/<digest>/<path>`. Outputs are never written over, and the lock is written last: whoever reads it
//! finds what it names, and a run that was killed leaves nothing that a reader sees. Who writes a lock
//! removes what the one before it named and it does not.
//!
//! Everything else here sees the copy alone, and knows of no store.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use labelproof_artifact::{Advice, Diagnostic, Digest, Fault, Reporter, Silent, StageId, StageLock, fs};
use labelproof_remote::{Error, StoredFile, StoredFolder};

use crate::config::{self, Config};
use crate::failure::Failure;
use crate::plan::Planner;
use crate::run::Selection;
use crate::run_lock::{RunLock, RunLockError};

/// The file in the copy that says which lock of each stage the store had when it was last looked at.
const SEEN: &str = ".stored.json";

/// The folder in the copy for files that are being fetched, by their digests.
const FETCHED: &str = ".fetched";

/// The copy of a store.
struct LocalCopy<'a> {
    stored: &'a StoredFolder,
    folder: &'a Path,
    reporter: &'a dyn Reporter,
}

/// A lock in the store.
#[derive(PartialEq)]
struct StoredLock {
    digest: Digest,
    text: Vec<u8>,
    lock: StageLock,
}

/// What is to be done with a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    /// Both have the same, or neither has anything.
    Nothing,
    /// The store has something else.
    Fetch,
    /// It was made here, and nobody has put anything into the store since; or the store does not have it
    /// any more.
    Store,
}

/// What is to be done with a stage, by the digests of the lock here, of the one in the store, and of the one
/// that the store was last seen to have.
fn action(here: Option<&Digest>, there: Option<&Digest>, seen: Option<&Digest>) -> Action {
    match (here, there) {
        (None, None) => Action::Nothing,
        (None, Some(_)) => Action::Fetch,
        (Some(here), Some(there)) if here == there => Action::Nothing,
        (Some(here), Some(_)) if Some(here) == seen => Action::Fetch,
        (Some(_), Some(there)) if Some(there) != seen => Action::Fetch,
        (Some(_), _) => Action::Store,
    }
}

/// Makes the copy what the store has, for a run of some stages; what a former run could not put there is put
/// there now. The folder must be locked.
pub(crate) fn bring_up_to_date(
    config: &Config,
    selection: &Selection,
    reporter: &dyn Reporter,
) -> Result<(), Failure> {
    let Some(last) = selection.stages.last() else {
        return Ok(());
    };
    let Some(copy) = LocalCopy::of(config, reporter) else {
        return Ok(());
    };
    copy.catch_up(*last, config)
}

/// Says where the artifacts are, if they are in object storage.
pub(crate) fn tell(config: &Config, reporter: &dyn Reporter) {
    if let Some(copy) = LocalCopy::of(config, reporter) {
        copy.tell();
    }
}

/// Makes the copy what the store has up to a stage, for somebody who only looks: does nothing where the
/// artifacts are in no store. While another run uses the copy, it is left as it is.
pub fn refresh(config: &Config, last: StageId, reporter: &dyn Reporter) -> Result<(), Failure> {
    match LocalCopy::of(config, reporter) {
        Some(copy) => copy.refresh(last, &|stage| is_current(config, stage)),
        None => Ok(()),
    }
}

/// Whether a stage in the copy is what the configuration asks for.
fn is_current(config: &Config, stage: StageId) -> Result<bool, Failure> {
    Ok(Planner::new(config, &Silent).reasons(stage)?.is_empty())
}

/// The folder that a name of artifacts means: for an address in object storage a copy, made what the store
/// has.
pub fn folder_of_artifacts(artifacts: &Path, reporter: &dyn Reporter) -> Result<PathBuf, Failure> {
    let Some(stored) = config::stored(artifacts)? else {
        return Ok(artifacts.to_path_buf());
    };
    let folder = stored.copy().map_err(|source| StoreError::Fetch {
        address: stored.shown(),
        source,
    })?;
    let copy = LocalCopy {
        stored: &stored,
        folder: &folder,
        reporter,
    };
    // Without a configuration nobody knows what it asks for.
    copy.refresh(StageId::Report, &|_| Ok(true))?;
    Ok(folder)
}

/// Makes the copy what the store has up to a stage, and stores what was made here alone, as a run does before
/// it begins.
pub fn catch_up(config: &Config, last: StageId, reporter: &dyn Reporter) -> Result<(), Failure> {
    let Some(copy) = LocalCopy::of(config, reporter) else {
        return Ok(());
    };
    let _lock = RunLock::acquire(copy.folder, true, reporter)?;
    copy.catch_up(last, config)
}

/// Commits a stage of which other machines have stored files, by their names: `scratch` has the rest. What
/// was stored is fetched into the copy.
pub fn commit_stored(
    config: &Config,
    mut lock: StageLock,
    scratch: &Path,
    files: &BTreeMap<String, Digest>,
    reporter: &dyn Reporter,
) -> Result<(), Failure> {
    let Some(copy) = LocalCopy::of(config, reporter) else {
        return Ok(());
    };
    let _lock = RunLock::acquire(copy.folder, true, reporter)?;
    lock.outputs = StageLock::digest_outputs(scratch)?;
    let here = files_of(&lock, scratch);
    lock.outputs.extend(files.clone());
    lock.write(scratch)?;
    let there: Vec<String> = files
        .iter()
        .map(|(name, digest)| output_name(lock.stage, digest, name))
        .collect();
    copy.put(&lock, scratch, &here, &there)
        .map_err(|source| StoreError::StorePart {
            stage: lock.stage,
            address: copy.stored.shown(),
            source,
        })?;
    let text = fs::read(&scratch.join(StageLock::FILE))?;
    let digest = Digest::of_bytes(&text);
    copy.bring(lock.stage, &StoredLock { digest, text, lock })?;
    Ok(fs::remove(scratch)?)
}

/// The files of a stage in the store whose names begin so, as [`fetch_stored`] takes them; none where the
/// artifacts are in no store.
pub fn stored_files(config: &Config, stage: StageId, start: &str) -> Option<Vec<String>> {
    config.stored.as_ref()?;
    let lock = StageLock::read(&config.artifacts.join(stage.name()))?;
    let of_table = lock.outputs.iter().filter(|(name, _)| name.starts_with(start));
    Some(
        of_table
            .map(|(name, digest)| output_name(stage, digest, name))
            .collect(),
    )
}

/// Fetches a file that [`stored_files`] named into a folder.
pub fn fetch_stored(config: &Config, name: &str, folder: &Path) -> Result<PathBuf, Failure> {
    let not_stored = || NotStored {
        name: name.to_owned(),
    };
    let stored = config.stored.as_ref().ok_or_else(not_stored)?;
    let digest = name
        .split('/')
        .nth(1)
        .and_then(Digest::parse)
        .ok_or_else(not_stored)?;
    let file = StoredFile {
        path: folder.join(digest.as_str()),
        name: name.to_owned(),
        digest,
    };
    let path = file.path.clone();
    let fetched = stored.download(&[file], &Silent);
    fetched.map_err(|source| StoreError::Fetch {
        address: stored.shown(),
        source,
    })?;
    Ok(path)
}

/// Stores a file of a stage that is being made on several machines. Returns its digest.
pub fn store_file(config: &Config, stage: StageId, name: &str, path: &Path) -> Result<Digest, Failure> {
    let not_stored = || NotStored {
        name: name.to_owned(),
    };
    let stored = config.stored.as_ref().ok_or_else(not_stored)?;
    let digest = Digest::of_file(path)?;
    let file = StoredFile {
        path: path.to_path_buf(),
        name: output_name(stage, &digest, name),
        digest: digest.clone(),
    };
    stored
        .upload(&[file], &Silent)
        .map_err(|source| StoreError::StorePart {
            stage,
            address: stored.shown(),
            source,
        })?;
    Ok(digest)
}

/// A name is that of no file in a store.
#[derive(Debug, thiserror::Error)]
#[error("`{name}` is no file of artifacts in object storage")]
struct NotStored {
    name: String,
}

impl Diagnostic for NotStored {
    fn advice(&self) -> Advice {
        Fault::Configuration.into()
    }
}

/// Whether a stage that is not in the store is what somebody wants there.
type IsWanted<'a> = &'a dyn Fn(StageId) -> Result<bool, Failure>;

/// The locks in the store, by stage.
type StoredLocks = BTreeMap<StageId, StoredLock>;

/// How often stages that others are storing at the same time are looked at anew.
const LOOKS: u32 = 3;

impl LocalCopy<'_> {
    fn refresh(&self, last: StageId, is_wanted: IsWanted<'_>) -> Result<(), Failure> {
        let _lock = match RunLock::acquire(self.folder, false, self.reporter) {
            Ok(lock) => lock,
            Err(RunLockError::Busy { holder, .. }) => {
                self.reporter
                    .message(&format!("{holder} is using the copy: it is left as it is"));
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        self.tell();
        for stage in self.fetch(last, is_wanted)? {
            self.reporter.message(&format!(
                "`{stage}` is not in the store yet: the next `labelproof run` puts it there"
            ));
        }
        Ok(())
    }

    fn catch_up(&self, last: StageId, config: &Config) -> Result<(), Failure> {
        for stage in self.fetch(last, &|stage| is_current(config, stage))? {
            self.store(stage)?;
        }
        Ok(())
    }
}

/// Puts a stage that was committed into the store, if the artifacts are in one.
pub(crate) fn store(config: &Config, stage: StageId, reporter: &dyn Reporter) -> Result<(), Failure> {
    match LocalCopy::of(config, reporter) {
        Some(copy) => copy.store(stage),
        None => Ok(()),
    }
}

impl<'a> LocalCopy<'a> {
    fn of(config: &'a Config, reporter: &'a dyn Reporter) -> Option<Self> {
        let stored = config.stored.as_ref()?;
        Some(Self {
            stored,
            folder: &config.artifacts,
            reporter,
        })
    }

    fn tell(&self) {
        let (stored, folder) = (self.stored.shown(), self.folder.display());
        self.reporter
            .message(&format!("artifacts: {stored}, with a copy in `{folder}`"));
    }

    /// Makes the copy what the store has, up to a stage. Returns the stages that are here and not yet there.
    fn fetch(&self, last: StageId, is_wanted: IsWanted<'_>) -> Result<Vec<StageId>, Failure> {
        let mut there = self.read_locks(last)?;
        for _ in 0..LOOKS {
            let (only_here, has_fetched) = self.follow(&there, last, is_wanted)?;
            if !has_fetched {
                return Ok(only_here);
            }
            // Stages of two runs do not belong together: what was fetched is of one moment.
            let now = self.read_locks(last)?;
            if now == there {
                return Ok(only_here);
            }
            there = now;
        }
        let address = self.stored.shown();
        Err(StoreError::Busy { address }.into())
    }

    /// Makes the copy what some locks say. Returns the stages that are here and not there, and whether
    /// anything was fetched.
    fn follow(
        &self,
        locks: &StoredLocks,
        last: StageId,
        is_wanted: IsWanted<'_>,
    ) -> Result<(Vec<StageId>, bool), Failure> {
        let (mut only_here, mut has_fetched) = (Vec::new(), false);
        for stage in StageId::ALL.into_iter().take_while(|stage| *stage <= last) {
            let (there, here, seen) = (locks.get(&stage), self.own_lock(stage), self.seen());
            let action = action(here.as_ref(), there.map(|there| &there.digest), seen.get(&stage));
            let is_made_here = here.is_some() && here.as_ref() != seen.get(&stage);
            match (action, there) {
                (Action::Store, _) if self.is_whole(stage) && is_wanted(stage)? => only_here.push(stage),
                (Action::Nothing, Some(there)) => {
                    self.note(stage, Some(&there.digest))?;
                    if self.is_whole(stage) {
                        self.put_back(stage, there);
                    } else {
                        self.bring(stage, there)?;
                        has_fetched = true;
                    }
                }
                (Action::Fetch | Action::Store, Some(there)) => {
                    if is_made_here {
                        self.reporter.message(&format!(
                            "`{stage}` of this machine gives way to the one that is stored"
                        ));
                    }
                    self.bring(stage, there)?;
                    has_fetched = true;
                }
                // It is run again where it is wanted.
                (Action::Nothing | Action::Fetch | Action::Store, None) => self.note(stage, None)?,
            }
        }
        Ok((only_here, has_fetched))
    }

    /// Puts back what the store has lost of a stage that is whole here. Where that cannot be done, this
    /// machine needs nothing of it.
    fn put_back(&self, stage: StageId, there: &StoredLock) {
        let files = files_of(&there.lock, &self.folder.join(stage.name()));
        let names: Vec<String> = files.iter().map(|file| file.name.clone()).collect();
        if let Err(Error::NotFound { .. }) = self.stored.check(&names) {
            let is_back = self.stored.upload(&files, self.reporter).is_ok();
            self.reporter.message(&format!(
                "files of `{stage}` were missing in the store, and {}",
                if is_back {
                    "were put back"
                } else {
                    "could not be put back"
                }
            ));
        }
    }

    fn read_locks(&self, last: StageId) -> Result<StoredLocks, Failure> {
        let mut locks = StoredLocks::new();
        for stage in StageId::ALL.into_iter().take_while(|stage| *stage <= last) {
            if let Some(lock) = self.read_lock(stage)? {
                locks.insert(stage, lock);
            }
        }
        Ok(locks)
    }

    /// The lock of a stage in the store. One that cannot be read is no missing one: what it stands for would
    /// be written over.
    fn read_lock(&self, stage: StageId) -> Result<Option<StoredLock>, Failure> {
        let text = self.stored.read(&lock_name(stage));
        let text = text.map_err(|source| StoreError::Fetch {
            address: self.stored.shown(),
            source,
        })?;
        let Some(text) = text else {
            return Ok(None);
        };
        let lock = checked(&text, stage).ok_or_else(|| StoreError::Unreadable {
            address: self.stored.address_of(&lock_name(stage)),
        })?;
        let digest = Digest::of_bytes(&text);
        Ok(Some(StoredLock { digest, text, lock }))
    }

    /// The digest of the lock of a stage here.
    fn own_lock(&self, stage: StageId) -> Option<Digest> {
        let path = self.folder.join(lock_name(stage));
        Digest::of_file(&path).ok()
    }

    fn is_whole(&self, stage: StageId) -> bool {
        let folder = self.folder.join(stage.name());
        StageLock::read(&folder).is_some_and(|lock| {
            StageLock::digest_outputs(&folder).is_ok_and(|outputs| outputs == lock.outputs)
        })
    }

    /// Puts the stage of the store in place of the one here.
    fn bring(&self, stage: StageId, there: &StoredLock) -> Result<(), Failure> {
        let (folder, fetched) = (self.folder.join(stage.name()), self.folder.join(FETCHED));
        let scratch = self.folder.join(format!(".tmp-{stage}"));
        fs::remove(&scratch)?;
        fs::create_dir_all(&fetched)?;
        fs::create_dir_all(&scratch)?;
        let mut names: BTreeMap<&Digest, Vec<&str>> = BTreeMap::new();
        for (name, digest) in &there.lock.outputs {
            names.entry(digest).or_default().push(name);
        }
        self.reuse(stage, &names)?;
        let files: Vec<StoredFile> = names
            .iter()
            .map(|(digest, names)| StoredFile {
                path: fetched.join(digest.as_str()),
                name: output_name(stage, digest, names[0]),
                digest: (*digest).clone(),
            })
            .collect();
        if let Err(source) = self.stored.download(&files, self.reporter) {
            return Err(self.not_fetched(stage, there, source));
        }
        for (digest, names) in names {
            let file = fetched.join(digest.as_str());
            for (place, name) in names.iter().enumerate() {
                let path = scratch.join(name);
                path.parent().map_or(Ok(()), fs::create_dir_all)?;
                if place + 1 == names.len() {
                    fs::rename(&file, &path)?;
                } else {
                    fs::copy(&file, &path)?;
                    fs::sync(&path)?;
                }
            }
        }
        fs::write_atomic(&scratch.join(StageLock::FILE), &there.text)?;
        fs::remove(&folder)?;
        fs::rename(&scratch, &folder)?;
        fs::remove(&fetched)?;
        self.note(stage, Some(&there.digest))
    }

    /// Takes files that the stage here has already.
    fn reuse(&self, stage: StageId, wanted: &BTreeMap<&Digest, Vec<&str>>) -> Result<(), Failure> {
        let folder = self.folder.join(stage.name());
        let Some(lock) = StageLock::read(&folder) else {
            return Ok(());
        };
        for (name, digest) in lock
            .outputs
            .iter()
            .filter(|(_, digest)| wanted.contains_key(digest))
        {
            let path = folder.join(name);
            if Digest::of_file(&path).is_ok_and(|found| found == *digest) {
                fs::copy(&path, &self.folder.join(FETCHED).join(digest.as_str()))?;
            }
        }
        Ok(())
    }

    /// Why the files of a stage could not be fetched: another run may have replaced them meanwhile.
    fn not_fetched(&self, stage: StageId, there: &StoredLock, source: Error) -> Failure {
        let is_broken = matches!(source, Error::NotFound { .. } | Error::OtherContent { .. });
        let address = self.stored.address_of(stage.name());
        if !is_broken {
            return StoreError::Fetch { address, source }.into();
        }
        match self.read_lock(stage) {
            Ok(Some(now)) if now.digest == there.digest => StoreError::Damaged {
                stage,
                address,
                source,
            }
            .into(),
            Ok(_) => StoreError::Replaced { stage, address }.into(),
            Err(failure) => failure,
        }
    }

    /// Puts a stage into the store: its files, and then its lock.
    fn store(&self, stage: StageId) -> Result<(), Failure> {
        let folder = self.folder.join(stage.name());
        let text = fs::read(&folder.join(StageLock::FILE))?;
        let Some(lock) = checked(&text, stage) else {
            return Ok(());
        };
        self.put(&lock, &folder, &files_of(&lock, &folder), &[])
            .map_err(|source| StoreError::Store {
                stage,
                address: self.stored.shown(),
                source,
            })?;
        self.note(stage, Some(&Digest::of_bytes(&text)))
    }

    /// Puts files into the store, and then the lock that a folder has, which names them and `there`, which
    /// are in the store already.
    fn put(
        &self,
        lock: &StageLock,
        folder: &Path,
        here: &[StoredFile],
        there: &[String],
    ) -> Result<(), Error> {
        let stage = lock.stage;
        let text = fs::read(&folder.join(StageLock::FILE))?;
        self.stored.upload(here, self.reporter)?;
        self.stored.check(there)?;
        let before = self.stored.read(&lock_name(stage))?;
        self.stored.write(&lock_name(stage), text.clone())?;
        // Another run may have removed meanwhile what was there when this one looked.
        self.stored.upload(here, self.reporter)?;
        self.stored.check(there)?;
        // And it may have written its own lock, which names what this one does not.
        if self.stored.read(&lock_name(stage))?.as_ref() == Some(&text) {
            let before = before.and_then(|text| checked(&text, stage));
            self.stored.remove(&superseded(before.as_ref(), lock));
        }
        Ok(())
    }

    fn seen(&self) -> BTreeMap<StageId, Digest> {
        let bytes = fs::read(&self.folder.join(SEEN)).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    /// Notes which lock the store has.
    fn note(&self, stage: StageId, lock: Option<&Digest>) -> Result<(), Failure> {
        let mut seen = self.seen();
        let before = match lock {
            Some(lock) => seen.insert(stage, lock.clone()),
            None => seen.remove(&stage),
        };
        if before.as_ref() == lock {
            return Ok(());
        }
        let text = serde_json::to_vec(&seen).expect("the keys are strings");
        Ok(fs::write_atomic(&self.folder.join(SEEN), &text)?)
    }
}

fn lock_name(stage: StageId) -> String {
    format!("{stage}/{}", StageLock::FILE)
}

/// The name of an output in the store.
fn output_name(stage: StageId, digest: &Digest, name: &str) -> String {
    format!("{stage}/{digest}/{name}")
}

fn files_of(lock: &StageLock, folder: &Path) -> Vec<StoredFile> {
    let files = lock.outputs.iter().map(|(name, digest)| StoredFile {
        path: folder.join(name),
        name: output_name(lock.stage, digest, name),
        digest: digest.clone(),
    });
    files.collect()
}

/// The objects that one lock names and the one after it does not.
fn superseded(before: Option<&StageLock>, now: &StageLock) -> Vec<String> {
    let names = |lock: &StageLock| -> BTreeSet<String> {
        let outputs = lock.outputs.iter();
        outputs
            .map(|(name, digest)| output_name(lock.stage, digest, name))
            .collect()
    };
    let before = before.map(names).unwrap_or_default();
    before.difference(&names(now)).cloned().collect()
}

/// Reads a lock whose text comes from elsewhere: its names become paths of this machine.
fn checked(text: &[u8], stage: StageId) -> Option<StageLock> {
    let is_inside = |name: &str| {
        let mut parts = Path::new(name).components();
        !name.is_empty() && parts.all(|part| matches!(part, Component::Normal(_)))
    };
    let lock = StageLock::parse(text).filter(|lock| lock.stage == stage)?;
    let is_sound = lock
        .outputs
        .iter()
        .all(|(name, digest)| is_inside(name) && Digest::parse(digest.as_str()).is_some());
    is_sound.then_some(lock)
}

/// A stage cannot be fetched from the store, or put there.
#[derive(Debug, thiserror::Error)]
enum StoreError {
    #[error("the artifacts in `{address}` cannot be fetched")]
    Fetch { address: String, source: Error },
    #[error("what `{stage}` wrote is damaged in `{address}`")]
    Damaged {
        stage: StageId,
        address: String,
        source: Error,
    },
    #[error("what `{stage}` wrote was replaced in `{address}` while it was fetched")]
    Replaced { stage: StageId, address: String },
    #[error("others store stages in `{address}` all the time")]
    Busy { address: String },
    #[error("`{address}` is no lock that this version reads")]
    Unreadable { address: String },
    #[error("a part of `{stage}` cannot be put into `{address}`")]
    StorePart {
        stage: StageId,
        address: String,
        source: Error,
    },
    #[error("what `{stage}` wrote cannot be put into `{address}`")]
    Store {
        stage: StageId,
        address: String,
        source: Error,
    },
}

/// The advice on an error of the network; no run reads artifacts without one.
fn advice_on(error: &Error) -> Advice {
    match error {
        Error::Unreachable { .. } => {
            Fault::Environment.hint("check the network, and the proxy in HTTPS_PROXY")
        }
        other => other.advice(),
    }
}

impl Diagnostic for StoreError {
    fn advice(&self) -> Advice {
        match self {
            Self::Fetch { source, .. } | Self::StorePart { source, .. } => advice_on(source),
            Self::Damaged { stage, address, .. } => Fault::Artifact
                .hint(format!(
                    "remove all below `{address}/`, and run the same command on a machine that has a copy: it puts it \
                     there again"
                ))
                .and(format!("where no machine has one, `{stage}` is run again")),
            Self::Replaced { .. } | Self::Busy { .. } => {
                Fault::Input.hint("run the same command again: another run was writing")
            }
            Self::Unreadable { .. } => Fault::Artifact.hint(
                "use the version of labelproof that wrote it, or another address; who removes the lock has the \
                 stage run again",
            ),
            Self::Store { source, .. } => advice_on(source).and(
                "it is kept on this machine: the same command puts it there, and does not run the \
                 stage again; another configuration gives it up",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_store_wins_unless_it_only_lacks_what_was_made_here() {
        use Action::{Fetch, Nothing, Store};
        let digest = |text: &str| Digest::of_bytes(text.as_bytes());
        let check = |here: Option<&str>, there: Option<&str>, seen: Option<&str>, expected: Action| {
            let [here_digest, there_digest, seen_digest] = [here, there, seen].map(|text| text.map(digest));
            let found = action(here_digest.as_ref(), there_digest.as_ref(), seen_digest.as_ref());
            assert_eq!(found, expected, "{here:?} {there:?} {seen:?}");
        };
        check(None, None, None, Nothing);
        check(None, None, Some("a"), Nothing);
        check(None, Some("a"), None, Fetch);
        check(Some("a"), Some("a"), None, Nothing);
        // A copy of what the store had.
        check(Some("a"), Some("b"), Some("a"), Fetch);
        // What somebody has removed there is not lost.
        check(Some("a"), None, Some("a"), Store);
        // Made here, when the network was gone.
        check(Some("b"), Some("a"), Some("a"), Store);
        check(Some("b"), None, None, Store);
        check(Some("b"), None, Some("a"), Store);
        // Made here, while another machine stored something.
        check(Some("b"), Some("c"), Some("a"), Fetch);
        check(Some("b"), Some("c"), None, Fetch);
    }

    fn lock(outputs: &[(&str, &str)]) -> StageLock {
        let mut lock = StageLock::new(StageId::Split, 1, serde_json::Value::Null, BTreeMap::new());
        lock.outputs = outputs
            .iter()
            .map(|(name, text)| ((*name).to_owned(), Digest::of_bytes(text.as_bytes())))
            .collect();
        lock
    }

    #[test]
    fn a_lock_whose_names_lead_elsewhere_is_none() {
        let read = |lock: &StageLock| checked(&serde_json::to_vec(lock).unwrap(), StageId::Split);
        let sound = lock(&[("split/part-00000.parquet", "a")]);
        assert_eq!(read(&sound), Some(sound));
        for name in ["../a", "/a", "a/../../b", ""] {
            assert_eq!(read(&lock(&[(name, "a")])), None, "{name}");
        }
        let text =
            r#"{"schema":1,"stage":"split","revision":1,"params":null,"inputs":{},"outputs":{"a":"../b"}}"#;
        assert_eq!(checked(text.as_bytes(), StageId::Split), None);
        assert_eq!(
            checked(&serde_json::to_vec(&lock(&[])).unwrap(), StageId::Ingest),
            None
        );
    }

    #[test]
    fn only_what_no_lock_names_any_more_is_removed() {
        let before = lock(&[("a.json", "one"), ("b.json", "two")]);
        let now = lock(&[("a.json", "one"), ("b.json", "three")]);
        let two = Digest::of_bytes(b"two");
        assert_eq!(superseded(Some(&before), &now), [format!("split/{two}/b.json")]);
        assert_eq!(superseded(None, &now), Vec::<String>::new());
    }
}
