//! Opens tables as they are declared, and as they are told to be where nothing is declared.
//!
//! Which columns are wanted, and what becomes of the rows, is the callers' affair.

use std::collections::BTreeMap;

use labelproof_artifact::wording::quoted;
use labelproof_tables::{Error, Format, Options, Source, Table, tell};
use serde::{Deserialize, Serialize};

use crate::params::Dialect;

/// Opens a table; a delimited one as it is declared and told to be. `wanted` are the columns that will be
/// chosen by name. Returns what was told of it, for people.
pub(crate) fn open_table(
    source: Source,
    options: &Options<'_>,
    dialect: &Dialect,
    wanted: &[&str],
) -> Result<(Table, Vec<String>), Error> {
    if !matches!(options.format, Format::Delimited(_)) {
        let table = Table::open(source, options)?;
        let remarks = table.remarks().to_vec();
        return Ok((table, remarks));
    }
    let told = tell(&source, options, &dialect.declared(wanted), wanted)?;
    let format = Format::Delimited(told.dialect);
    let mut table = Table::open(source, &Options { format, ..*options })?;
    let count = table.columns()?.len();
    if let Some(names) = dialect.names(count) {
        table.name_columns(&names, "ingest.dialect.header")?;
    }
    Ok((table, told.remarks))
}

/// What was told of sources and declared nowhere, with the sources that it was told of.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub(crate) struct Told(BTreeMap<String, Vec<String>>);

impl Told {
    /// Takes what was told of a source.
    pub(crate) fn add(&mut self, source: &str, told: &[String]) {
        if !told.is_empty() {
            self.0.entry(told.join(", ")).or_default().push(source.to_owned());
        }
    }

    /// Adds what was told of sources that come after these.
    pub(crate) fn merge(&mut self, other: Self) {
        for (told, sources) in other.0 {
            self.0.entry(told).or_default().extend(sources);
        }
    }

    /// A sentence for each, with the first of its sources.
    pub(crate) fn sentences(&self) -> impl Iterator<Item = String> {
        const SHOWN: usize = 5;
        self.0
            .iter()
            .map(|(told, sources)| format!("told from {}: {told}", quoted(sources, SHOWN)))
    }
}
