//! What is counted of rows while they are read: how many there were, and what became of them.
//!
//! Tallies of several shares of the sources, in the order of the shares, make the one of all sources, whoever
//! read them.

use std::collections::{BTreeMap, BTreeSet};

use labelproof_tables::SeenColumns;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::labels::LabelCounts;
use crate::left_aside::LeftAside;
use crate::opening::Told;
use crate::rows::Reason;

/// The counts of rows that were read.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub struct Tally {
    /// The number of rows of all sources.
    pub(crate) rows: u64,
    /// The number of rejects by reason, without the files that are left aside.
    pub(crate) reasons: BTreeMap<Reason, u64>,
    /// The files that are rejected and that nobody has to mend.
    pub(crate) left_aside: LeftAside,
    /// The labels of the candidates.
    pub(crate) labels: LabelCounts,
    /// The rows whose label stands for none by `ingest.labels.missing`.
    pub(crate) unlabelled: LabelCounts,
    /// The number of rows whose label is not kept.
    pub(crate) not_chosen_rows: u64,
    /// The labels of these rows, as far as there is room.
    pub(crate) not_chosen: LabelCounts,
    /// The number of rows that do not hold what `ingest.where` asks for.
    pub(crate) not_where_rows: u64,
    /// What they hold, as far as there is room.
    pub(crate) not_where: LabelCounts,
    /// The keys of `ingest.labels.rename` that some row has.
    pub(crate) renamed: BTreeSet<String>,
    /// What the stage says of how it read the sources, before its counts.
    pub(crate) remarks: Vec<String>,
    /// What was told of sources and declared nowhere.
    pub(crate) told: Told,
    /// What tables had of the columns that are chosen by name.
    pub(crate) columns: SeenColumns,
}

impl Tally {
    /// The number of rejects but for files that are left aside.
    pub(crate) fn rejects(&self) -> u64 {
        self.reasons.values().sum()
    }

    /// Adds the tally of rows that come after these.
    pub(crate) fn merge(&mut self, other: Self) -> Result<(), Error> {
        self.rows += other.rows;
        for (reason, rows) in other.reasons {
            *self.reasons.entry(reason).or_default() += rows;
        }
        self.left_aside.merge(other.left_aside);
        self.labels.merge(&other.labels)?;
        self.unlabelled.merge(&other.unlabelled)?;
        self.not_chosen_rows += other.not_chosen_rows;
        // Beyond the limit names are lost, but they only serve messages.
        drop(self.not_chosen.merge(&other.not_chosen));
        self.not_where_rows += other.not_where_rows;
        drop(self.not_where.merge(&other.not_where));
        self.renamed.extend(other.renamed);
        self.remarks.extend(other.remarks);
        self.told.merge(other.told);
        self.columns.merge(other.columns);
        Ok(())
    }
}
