//! The stage in shares, for machines that know nothing of each other: sources are read share by share, and
//! rows are merged id by id.
//!
//! The functions are those of [`run`](crate::run), and what they give together is what it writes, byte for
//! byte. Moving rows from one machine to another, and writing `documents.parquet`, is the caller's affair.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use labelproof_artifact::{Digest, Reject, Reporter, Silent, fs};
use labelproof_remote::Address;
use serde::{Deserialize, Serialize};

use crate::documents::{self, Documents};
use crate::error::Error;
use crate::intake::Intake;
use crate::labels::missing::{self, Missing};
use crate::layout;
use crate::limits::Limits;
use crate::params::{Format, Params};
use crate::share::Share;
use crate::sources::{self, Found, SourceFile};
use crate::spill::Sorter;
use crate::{archives, reading, standard_input};

pub use crate::spill::Candidate;
pub use crate::tally::Tally;

/// The files of a folder of texts that make a share.
const TEXTS_PER_SHARE: usize = 4096;

/// Checks the parameters, and whether sources as these can be read in shares, before anything is read.
///
/// # Errors
///
/// Parameters that are wrong on one machine as well, rows that are drawn, and standard input.
pub fn check(params: &Params) -> Result<(), Error> {
    let mut problems = params.check();
    if params.rows_per_label.is_some() {
        problems.push(
            "ingest.rows_per_label: rows are not drawn on a cluster; ingest on one machine, or sample the \
             sources before"
                .to_owned(),
        );
    }
    if reads_standard_input(params) {
        problems.push(
            "ingest.paths: standard input, `-`, is not read in shares; name a file that all machines see"
                .to_owned(),
        );
    }
    if problems.is_empty() {
        return Ok(());
    }
    Err(Error::BadParams { problems })
}

/// Whether standard input is one of the sources, or of the files of labels.
pub fn reads_standard_input(params: &Params) -> bool {
    params
        .paths
        .iter()
        .chain(&params.label_paths)
        .any(|path| path == standard_input::ENTRY)
}

/// The list of all sources, in the order that numbers them.
#[derive(Debug, Serialize, Deserialize)]
pub struct Sources {
    found: Vec<Found>,
    /// The digests of those that lie in the network, by their places: another machine fetches them anew.
    digests: BTreeMap<u32, Digest>,
}

impl Sources {
    /// Finds the sources of a configuration, and checks the parameters.
    ///
    /// # Errors
    ///
    /// Those of [`run`](crate::run), and parameters and files that cannot be read in shares.
    pub fn find(
        params: &Params,
        base: &Path,
        scratch: &Path,
        reporter: &dyn Reporter,
    ) -> Result<Self, Error> {
        check(params)?;
        let found = sources::find(params, base, reporter)?;
        let names: BTreeSet<PathBuf> = found.iter().map(|found| found.file.path.clone()).collect();
        let expanded = archives::expand(params, found, scratch)?;
        if let Some(packed) = expanded
            .sources
            .iter()
            .find(|found| !names.contains(&found.file.path))
        {
            let problem = format!(
                "ingest.paths: `{}` lies in an archive, which is not read in shares; unpack it, or ingest on one \
                 machine",
                packed.file.name
            );
            return Err(Error::BadParams {
                problems: vec![problem],
            });
        }
        layout::read(params, &expanded.sources)?;
        let found = expanded.sources;
        let mut digests = BTreeMap::new();
        for (number, found) in (0..).zip(&found) {
            if Address::parse(&found.file.name).is_some() {
                digests.insert(number, Digest::of_file(&found.file.path)?);
            }
        }
        Ok(Self { found, digests })
    }

    /// The shares in which the sources are read: one for each file, or for so many of a folder of texts.
    pub fn shares(&self, params: &Params) -> Vec<Vec<u32>> {
        let numbers: Vec<u32> = (0..).zip(&self.found).map(|(number, _)| number).collect();
        let size = if params.format == Format::Folder {
            TEXTS_PER_SHARE
        } else {
            1
        };
        numbers.chunks(size).map(<[u32]>::to_vec).collect()
    }

    /// The sources with those of a share at hand: what lies in the network is fetched by the machine that
    /// reads it.
    fn with_share_at_hand(&self, share: &Share) -> Result<Vec<Found>, Error> {
        let mut sources = self.found.clone();
        for (number, found) in (0..).zip(&mut sources) {
            if share.contains(number)
                && !found.file.path.exists()
                && let Some(address) = Address::parse(&found.file.name)
            {
                let name = found.file.name.clone();
                let path = labelproof_remote::fetch_one(&address?, &Silent)?.path;
                if self.digests.get(&number) != Some(&Digest::of_file(&path)?) {
                    return Err(Error::SourceChanged { name });
                }
                found.file = SourceFile { name, path };
            }
        }
        Ok(sources)
    }
}

/// What a function gives.
#[derive(Debug)]
pub enum Given {
    /// A row that goes on.
    Row(Candidate),
    /// One that does not.
    Reject(Reject),
}

/// Reads the sources of a share. Gives the rows that become documents unless other rows have their ids, in
/// the order of ids, and the rejects. `scratch` is a folder of this machine.
pub fn read<E: From<Error>>(
    params: &Params,
    base: &Path,
    sources: &Sources,
    share: BTreeSet<u32>,
    scratch: &Path,
    mut give: impl FnMut(Given) -> Result<(), E>,
) -> Result<Tally, E> {
    let share = Share::Some(share);
    let found = sources.with_share_at_hand(&share)?;
    let layout = layout::read(params, &found)?;
    let limits = Limits::default();
    let sorter = Sorter::new(scratch, limits);
    let mut intake = Intake::new(
        params,
        &found,
        &layout,
        sorter,
        Sorter::new(scratch, limits),
        &Silent,
    );
    reading::read(params, base, &found, &share, &layout, limits, &mut intake)?;
    for candidate in intake.candidates.finish().map_err(Error::from)? {
        give(Given::Row(candidate.map_err(Error::from)?))?;
    }
    give_rejects(intake.rejects, give)?;
    Ok(intake.tally)
}

fn give_rejects<E: From<Error>>(
    rejects: Sorter<Reject>,
    mut give: impl FnMut(Given) -> Result<(), E>,
) -> Result<(), E> {
    for reject in rejects.finish().map_err(Error::from)? {
        give(Given::Reject(reject.map_err(Error::from)?))?;
    }
    Ok(())
}

/// What all shares together say of their labels.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Decided {
    tally: Tally,
    missing: Missing,
}

/// Decides which labels stand for none, from the tallies of all shares in their order.
pub fn decide(
    params: &Params,
    sources: &Sources,
    tallies: impl IntoIterator<Item = Tally>,
) -> Result<Decided, Error> {
    let mut tally = Tally::default();
    let mut read = 0;
    for of_share in tallies {
        tally.merge(of_share)?;
        read += 1;
    }
    let shares = sources.shares(params).len() as u64;
    if read != shares {
        return Err(Error::SharesLost { shares, read });
    }
    reading::conclude(params, &sources.found, &mut tally)?;
    let missing = missing::decide(&params.labels, &tally.labels);
    Ok(Decided { tally, missing })
}

/// What is known of the documents of some ids.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Merged {
    /// The number of candidates that were merged.
    candidates: u64,
    tally: Tally,
    documents: Documents,
}

/// Merges candidates: all those of their ids, in any order. Gives the documents, in the order of ids, and the
/// rejects.
pub fn merge<E: From<Error>>(
    params: &Params,
    sources: &Sources,
    decided: &Decided,
    candidates: impl IntoIterator<Item = Result<Candidate, E>>,
    scratch: &Path,
    mut give: impl FnMut(Given) -> Result<(), E>,
) -> Result<Merged, E> {
    let layout = layout::read(params, &sources.found)?;
    let limits = Limits::default();
    let mut sorter = Sorter::new(scratch, limits);
    for candidate in candidates {
        sorter.push(candidate?).map_err(Error::from)?;
    }
    let candidates = sorter.len();
    let (none, rejects) = (Sorter::new(scratch, limits), Sorter::new(scratch, limits));
    let mut intake = Intake::new(params, &sources.found, &layout, none, rejects, &Silent);
    let write = |document| give(Given::Row(document));
    let documents = documents::merge(params, &decided.missing, sorter, &mut intake, write)?;
    give_rejects(intake.rejects, give)?;
    Ok(Merged {
        candidates,
        tally: intake.tally,
        documents,
    })
}

/// The end of the stage.
#[derive(Debug)]
pub struct Settled {
    /// The number of documents.
    pub rows: u64,
    /// What is to be said, as [`run`](crate::run) says it.
    pub messages: Vec<String>,
}

/// Writes `rejects.parquet` and `labels.json` into `out`, and checks what [`run`](crate::run) checks at its
/// end.
pub fn settle(
    params: &Params,
    sources: &Sources,
    decided: Decided,
    merged: impl IntoIterator<Item = Merged>,
    rejects: impl IntoIterator<Item = Reject>,
    out: &Path,
) -> Result<Settled, Error> {
    fs::create_dir_all(out)?;
    let Decided { mut tally, missing } = decided;
    let mut documents = Documents::default();
    let read = tally.labels.rows();
    let mut candidates = 0;
    for of_ids in merged {
        candidates += of_ids.candidates;
        tally.merge(of_ids.tally)?;
        documents.merge(of_ids.documents)?;
    }
    if candidates != read {
        return Err(Error::RowsLost {
            read,
            found: candidates,
        });
    }
    let mut sorter = Sorter::new(out, Limits::default());
    for reject in rejects {
        sorter.push(reject)?;
    }
    let rows = documents.counts.rows();
    let layout = layout::read(params, &sources.found)?;
    let read = crate::Read {
        sources: &sources.found,
        layout: &layout,
        tally,
        missing: &missing,
        documents,
    };
    let messages = crate::conclude(params, read, sorter, out)?;
    Ok(Settled { rows, messages })
}
