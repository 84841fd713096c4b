//! The columns that this stage needs of each row: id, class, groups and given split. Texts and tokens are
//! dropped batch by batch.

use std::collections::BTreeMap;

use labelproof_artifact::{Artifacts, LabelMap, Reporter, Split, TableReader, TokenRow};

use crate::error::Error;

/// One row. Groups are numbered, because many rows share a name.
#[derive(Debug, Clone)]
pub(crate) struct RowFacts {
    /// The document's id.
    pub(crate) id: String,
    /// The class's number in the label map.
    pub(crate) class: u32,
    /// The number of the row's group of exact and near duplicates.
    pub(crate) duplicates: u32,
    /// The number of the group that the user declared.
    pub(crate) group: Option<u32>,
    /// The split that the source gives.
    pub(crate) given: Option<Split>,
}

/// All rows, in the order of the table.
#[derive(Debug, Clone)]
pub(crate) struct Rows {
    /// The rows, in the order of the table.
    pub(crate) list: Vec<RowFacts>,
    /// The label map.
    pub(crate) labels: LabelMap,
}

impl Rows {
    /// Reads the rows that preprocess wrote.
    pub(crate) fn read(artifacts: Artifacts<'_>, reporter: &dyn Reporter) -> Result<Self, Error> {
        let reader = TableReader::<TokenRow>::open(artifacts)?;
        let mut collector = Collector::new(LabelMap::read(artifacts)?);
        reporter.started("reading rows", Some(reader.row_count()));
        for batch in reader {
            let batch = batch?;
            let count = batch.len() as u64;
            for row in batch {
                collector.push(row)?;
            }
            reporter.advance(count, "");
        }
        reporter.finished();
        collector.finish()
    }

    /// The number of rows.
    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// The class of a row.
    pub(crate) fn class(&self, row: u32) -> usize {
        self.list[row as usize].class as usize
    }
}

/// Collects the rows of the table, batch by batch.
pub(crate) struct Collector {
    rows: Rows,
    duplicates: Numbering,
    groups: Numbering,
}

impl Collector {
    pub(crate) fn new(labels: LabelMap) -> Self {
        let list = Vec::new();
        Self {
            rows: Rows { list, labels },
            duplicates: Numbering::default(),
            groups: Numbering::default(),
        }
    }

    /// Adds one row of the table.
    pub(crate) fn push(&mut self, row: TokenRow) -> Result<(), Error> {
        // The largest number stays free, so that row numbers can be compared with one past the end.
        if self.rows.len() >= u32::MAX as usize {
            return Err(Error::TooManyRows);
        }
        let Some(class) = self.rows.labels.index(&row.label) else {
            let TokenRow { id, label, .. } = row;
            return Err(Error::UnknownLabel { id, label });
        };
        self.rows.list.push(RowFacts {
            class,
            duplicates: self.duplicates.number(row.duplicate_group),
            group: row.group.map(|name| self.groups.number(name)),
            given: row.split,
            id: row.id,
        });
        Ok(())
    }

    /// The collected rows, or an error where there are none.
    pub(crate) fn finish(self) -> Result<Rows, Error> {
        if self.rows.list.is_empty() || self.rows.labels.is_empty() {
            return Err(Error::NoRows);
        }
        Ok(self.rows)
    }
}

/// Numbers names in the order they come.
#[derive(Default)]
struct Numbering {
    numbers: BTreeMap<String, u32>,
    next: u32,
}

impl Numbering {
    fn number(&mut self, name: String) -> u32 {
        let next = &mut self.next;
        *self.numbers.entry(name).or_insert_with(|| {
            // There are at most as many names as rows, which `Collector::push` keeps below the limit.
            *next += 1;
            *next - 1
        })
    }
}
