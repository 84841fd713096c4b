//! The labels of a run, and how many rows each has.
//!
//! What their names say of each other is judged once all are there: which stand for none ([`missing`]), which
//! two are one ([`alike`]), and which are several ([`several`]). Numbering the classes is the label map's
//! affair.

pub(crate) mod alike;
pub(crate) mod missing;
pub(crate) mod several;

use std::collections::BTreeMap;

use labelproof_artifact::Split;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// More labels than this are no classification but a wrong column, and would fill the memory.
const MOST_LABELS: usize = 65_536;

/// The rows of a label: of each split in the order of [`Split::ALL`], and of none.
type Rows = [u64; 4];

/// How many rows have each label.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub(crate) struct LabelCounts {
    counts: BTreeMap<String, Rows>,
}

impl LabelCounts {
    /// Counts a row of a label.
    pub(crate) fn add(&mut self, label: &str, split: Option<Split>) -> Result<(), Error> {
        let mut rows = [0; 4];
        rows[split.map_or(3, |split| split as usize)] = 1;
        self.add_rows(label, rows)
    }

    /// Adds the rows of other counts.
    pub(crate) fn merge(&mut self, other: &Self) -> Result<(), Error> {
        for (label, rows) in &other.counts {
            self.add_rows(label, *rows)?;
        }
        Ok(())
    }

    fn add_rows(&mut self, label: &str, rows: Rows) -> Result<(), Error> {
        if let Some(sum) = self.counts.get_mut(label) {
            for (sum, rows) in sum.iter_mut().zip(rows) {
                *sum += rows;
            }
            return Ok(());
        }
        if self.counts.len() == MOST_LABELS {
            return Err(Error::TooManyLabels { limit: MOST_LABELS });
        }
        self.counts.insert(label.to_owned(), rows);
        Ok(())
    }

    /// Labels in byte order, with their rows.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, u64)> {
        self.counts.iter().map(|(label, rows)| (label, rows.iter().sum()))
    }

    /// Labels in byte order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &String> {
        self.counts.keys()
    }

    /// Whether a row has this label.
    pub(crate) fn contains(&self, label: &str) -> bool {
        self.counts.contains_key(label)
    }

    /// The number of labels.
    pub(crate) fn len(&self) -> usize {
        self.counts.len()
    }

    /// The number of rows of all labels.
    pub(crate) fn rows(&self) -> u64 {
        self.counts.values().flatten().sum()
    }

    /// The number of rows of all labels in a split.
    pub(crate) fn rows_in(&self, split: Split) -> u64 {
        self.counts.values().map(|rows| rows[split as usize]).sum()
    }

    /// The number of rows of a label in a split.
    pub(crate) fn rows_of(&self, label: &str, split: Split) -> u64 {
        self.counts.get(label).map_or(0, |rows| rows[split as usize])
    }

    /// The split whose rows all have this label and which has all rows of it, if there are others.
    pub(crate) fn only_in(&self, label: &str) -> Option<Split> {
        let rows = self.counts.get(label)?;
        let of_label: u64 = rows.iter().sum();
        Split::ALL.into_iter().find(|split| {
            let of_split = self.rows_in(*split);
            of_split == of_label && rows[*split as usize] == of_label && of_label < self.rows()
        })
    }
}

#[cfg(test)]
impl<'a> FromIterator<(&'a str, u64)> for LabelCounts {
    fn from_iter<T: IntoIterator<Item = (&'a str, u64)>>(labels: T) -> Self {
        let counts = labels
            .into_iter()
            .map(|(label, rows)| (label.to_owned(), [0, 0, 0, rows]));
        Self {
            counts: counts.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_of_texts_is_no_label_column() {
        let mut counts = LabelCounts::default();
        for number in 0..MOST_LABELS {
            counts.add(&format!("text {number}"), None).unwrap();
        }
        counts.add("text 0", None).unwrap();
        assert_eq!(
            counts.add("one more", None).unwrap_err().to_string(),
            "there are more than 65536 different labels"
        );
    }

    #[test]
    fn a_label_that_fills_a_split_is_told_from_one_that_is_everywhere() {
        let mut counts = LabelCounts::default();
        for (label, split) in [
            ("0", Split::Train),
            ("1", Split::Train),
            ("0", Split::Validation),
            ("-1", Split::Test),
            ("-1", Split::Test),
        ] {
            counts.add(label, Some(split)).unwrap();
        }
        assert_eq!(counts.only_in("-1"), Some(Split::Test));
        assert_eq!(counts.only_in("0"), None);
        assert_eq!((counts.rows(), counts.rows_in(Split::Train)), (5, 2));
    }
}
