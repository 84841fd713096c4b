//! The rows that were trained and tested on: how many, how long, how often repeated.

use std::collections::{BTreeMap, BTreeSet};

use labelproof_artifact::{Artifacts, LabelMap, Reporter, Split, SplitRow, StageId, TableReader, TokenRow};

use super::WordFacts;
use super::one_by_one;
use crate::Error;

/// The number of rows between two reports of progress: a report for each row would cost more than the row.
const REPORTED_ROWS: u64 = 4096;

/// The counts of the rows, from the tables of preprocess and split.
pub(crate) struct RowFacts {
    /// Rows by class and part, parts in the order of [`Split::ALL`].
    pub(crate) counts: Vec<[u64; 3]>,
    /// The lengths of the texts, by class.
    pub(crate) lengths: Vec<Lengths>,
    /// The number of tokens to which texts were truncated, if any was.
    pub(crate) cut_at: Option<u32>,
    /// The groups of duplicates.
    pub(crate) duplicates: Duplicates,
}

impl RowFacts {
    /// The number of rows.
    pub(crate) fn total(&self) -> u64 {
        self.counts.iter().flatten().sum()
    }

    /// The number of rows of a split.
    pub(crate) fn of_split(&self, split: Split) -> u64 {
        self.counts.iter().map(|parts| parts[split as usize]).sum()
    }

    /// The lengths of all classes together.
    pub(crate) fn all_lengths(&self) -> Lengths {
        let mut all = Lengths::default();
        for lengths in &self.lengths {
            all.truncated += lengths.truncated;
            for (&length, &rows) in &lengths.counts {
                *all.counts.entry(length).or_default() += rows;
            }
        }
        all
    }
}

/// The lengths of the texts of a class, in tokens before truncation.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lengths {
    /// Rows by length. There are far fewer lengths than rows.
    pub(crate) counts: BTreeMap<u32, u64>,
    /// The number of rows that were truncated.
    pub(crate) truncated: u64,
}

impl Lengths {
    /// The number of rows.
    pub(crate) fn rows(&self) -> u64 {
        self.counts.values().sum()
    }

    /// The shortest length that is not below this share of the rows; the share is `numerator` hundredths.
    pub(crate) fn quantile(&self, hundredths: u64) -> Option<u32> {
        let rank = (self.rows() * hundredths).div_ceil(100).max(1);
        let mut seen = 0;
        self.counts
            .iter()
            .find(|&(_, rows)| {
                seen += rows;
                seen >= rank
            })
            .map(|(&length, _)| length)
    }
}

/// Groups of exact and near duplicates with more than one row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Duplicates {
    /// The number of groups.
    pub(crate) groups: u64,
    /// The number of rows in groups.
    pub(crate) rows: u64,
    /// The number of rows in the largest group.
    pub(crate) largest: u64,
    /// Groups with rows of more than one label.
    pub(crate) across_labels: u64,
    /// Groups with rows both in train and in validation or test.
    pub(crate) across_parts: u64,
}

/// A group of duplicates while it is collected.
#[derive(Default)]
struct Group {
    rows: u64,
    labels: BTreeSet<u32>,
    parts: BTreeSet<Split>,
}

/// Reads tokens and splits side by side, then the splits once more for the first rows of duplicate groups;
/// counts the words of the training rows on the way.
pub(super) fn read(
    artifacts: Artifacts<'_>,
    labels: &LabelMap,
    words: &mut WordFacts,
    reporter: &dyn Reporter,
) -> Result<RowFacts, Error> {
    let tokens = TableReader::<TokenRow>::open(artifacts)?;
    let splits = TableReader::<SplitRow>::open(artifacts)?;
    let rows = tokens.row_count();
    if rows != splits.row_count() {
        let problem = format!("{rows} rows in the one, {} in the other", splits.row_count());
        return Err(contradiction(problem));
    }
    reporter.started("read rows", Some(rows));
    let mut reading = Reading::new(labels);
    for (seen, (token, split)) in (1..).zip(one_by_one(tokens).zip(one_by_one(splits))) {
        let (token, split) = (token?, split?);
        let class = reading.add(&token, &split)?;
        if split.split == Split::Train {
            words.add(class, &token.text);
        }
        if seen % REPORTED_ROWS == 0 {
            reporter.advance(REPORTED_ROWS, "");
        }
    }
    reporter.advance(rows % REPORTED_ROWS, "");
    if !reading.groups.is_empty() {
        for split in one_by_one(TableReader::<SplitRow>::open(artifacts)?) {
            reading.add_first(&split?)?;
        }
    }
    reporter.finished();
    Ok(reading.finish())
}

fn contradiction(problem: String) -> Error {
    Error::Contradiction {
        first: "preprocess/tokens.parquet",
        second: "split/split.parquet",
        problem,
        stage: StageId::Split,
    }
}

struct Reading<'a> {
    labels: &'a LabelMap,
    facts: RowFacts,
    /// The groups, by the id of their first row.
    groups: BTreeMap<String, Group>,
}

impl<'a> Reading<'a> {
    fn new(labels: &'a LabelMap) -> Self {
        Self {
            labels,
            facts: RowFacts {
                counts: vec![[0; 3]; labels.len()],
                lengths: vec![Lengths::default(); labels.len()],
                cut_at: None,
                duplicates: Duplicates::default(),
            },
            groups: BTreeMap::new(),
        }
    }

    fn class(&self, row: &SplitRow) -> Result<u32, Error> {
        self.labels.index(&row.label).ok_or_else(|| Error::Contradiction {
            first: "ingest/labels.json",
            second: "split/split.parquet",
            problem: format!(
                "row `{}` has the label `{}`, which is not listed",
                row.id, row.label
            ),
            stage: StageId::Split,
        })
    }

    /// Takes a row; gives back its class.
    fn add(&mut self, token: &TokenRow, split: &SplitRow) -> Result<u32, Error> {
        if token.id != split.id {
            let problem = format!(
                "row `{}` of the one meets row `{}` of the other",
                token.id, split.id
            );
            return Err(contradiction(problem));
        }
        let class = self.class(split)?;
        let kept = u32::try_from(token.tokens.len()).unwrap_or(u32::MAX);
        let facts = &mut self.facts;
        facts.counts[class as usize][split.split as usize] += 1;
        let lengths = &mut facts.lengths[class as usize];
        *lengths.counts.entry(token.full_length).or_default() += 1;
        if token.full_length > kept {
            lengths.truncated += 1;
            facts.cut_at = facts.cut_at.max(Some(kept));
        }
        if token.duplicate_group != token.id {
            let group = self.groups.entry(token.duplicate_group.clone()).or_default();
            group.add(class, split.split);
        }
        Ok(class)
    }

    /// The first row of a group carries its own id as the group's, and shows as one only once a copy was
    /// seen.
    fn add_first(&mut self, row: &SplitRow) -> Result<(), Error> {
        if self.groups.contains_key(&row.id) {
            let class = self.class(row)?;
            if let Some(group) = self.groups.get_mut(&row.id) {
                group.add(class, row.split);
            }
        }
        Ok(())
    }

    fn finish(mut self) -> RowFacts {
        let duplicates = &mut self.facts.duplicates;
        for group in self.groups.into_values() {
            duplicates.groups += 1;
            duplicates.rows += group.rows;
            duplicates.largest = duplicates.largest.max(group.rows);
            duplicates.across_labels += u64::from(group.labels.len() > 1);
            let crosses = group.parts.contains(&Split::Train) && group.parts.len() > 1;
            duplicates.across_parts += u64::from(crosses);
        }
        self.facts
    }
}

impl Group {
    fn add(&mut self, class: u32, part: Split) {
        self.rows += 1;
        self.labels.insert(class);
        self.parts.insert(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_lengths_that_occur() {
        let lengths = Lengths {
            counts: BTreeMap::from([(3, 1), (5, 2), (90, 1)]),
            truncated: 0,
        };
        let check = |hundredths, expected| assert_eq!(lengths.quantile(hundredths), Some(expected));
        check(0, 3);
        check(25, 3);
        check(26, 5);
        check(75, 5);
        check(76, 90);
        check(100, 90);
        assert_eq!(Lengths::default().quantile(50), None);
    }
}
