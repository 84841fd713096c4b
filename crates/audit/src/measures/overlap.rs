//! Rows that splits share: exact and near copies of a text, or rows of one id.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use labelproof_artifact::Split;
use labelproof_text::duplicates::{NearDuplicates, group, group_exact, sketch_batch};
use labelproof_text::normalized_key;
use rayon::prelude::*;

use crate::evidence::{Evidence, Missing, Need};

/// The three splits in the order in which all their texts are strung together.
const SPLITS: [Split; 3] = [Split::Train, Split::Validation, Split::Test];

/// Texts that are copies of each other, over all splits whose texts are known. Where fewer than two splits
/// have texts, rows are told by their ids instead.
#[derive(Debug)]
pub struct Overlap {
    /// Where each split's rows begin in the lists below, in the order train, validation, test; and the end.
    starts: [usize; 4],
    /// The smallest row with the same text, for each row.
    exact: Vec<u32>,
    /// The smallest row of the group of similar texts, for each row.
    near: Vec<u32>,
    /// Rows without a single letter or digit: they say nothing, so being alike means nothing.
    blank: Vec<bool>,
}

/// How alike two texts are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Likeness {
    /// The same but for letter case, white space and the form of characters.
    Exact,
    /// Nearly the same, and the same; the threshold is that of [`NearDuplicates`].
    Near,
}

impl Overlap {
    /// Exact and near copies over all texts there are; rows of the same id where there are hardly any texts.
    pub fn of(evidence: &Evidence) -> Result<Self, Missing> {
        let parts = SPLITS.map(|split| evidence.texts(split).unwrap_or_default());
        if parts.iter().filter(|part| !part.is_empty()).count() < 2 && ids_name_rows(evidence) {
            let ids = SPLITS.map(|split| {
                evidence
                    .part(split)
                    .and_then(|part| part.ids.as_deref())
                    .unwrap_or_default()
            });
            return Ok(Self::of_ids(&ids));
        }
        if parts.iter().all(|part| part.is_empty()) {
            return Err(Need::TrainTexts.into());
        }
        Ok(Self::of_texts(&parts))
    }

    fn of_texts(parts: &[&[String]; 3]) -> Self {
        let mut starts = [0; 4];
        for (number, part) in parts.iter().enumerate() {
            starts[number + 1] = starts[number] + part.len();
        }
        let texts: Vec<&str> = parts
            .iter()
            .flat_map(|part| part.iter().map(String::as_str))
            .collect();
        let settings = NearDuplicates::default();
        let sketches = sketch_batch(&texts, &settings);
        let digests: Vec<[u8; 16]> = sketches.iter().map(|sketch| sketch.exact).collect();
        let read = |rows: &[usize]| -> Result<Vec<String>, Infallible> {
            Ok(rows.iter().map(|&row| texts[row].to_owned()).collect())
        };
        let Ok(near) = group(&sketches, &settings, read);
        Self {
            starts,
            exact: group_exact(&digests),
            near,
            blank: texts
                .par_iter()
                .map(|text| !normalized_key(text).contains(char::is_alphanumeric))
                .collect(),
        }
    }

    fn range(&self, split: Split) -> std::ops::Range<usize> {
        let number = SPLITS.iter().position(|each| *each == split).unwrap_or(0);
        self.starts[number]..self.starts[number + 1]
    }

    /// For each row of a split, a number that is the same for copies of one text in whatever split.
    pub fn groups(&self, split: Split, likeness: Likeness) -> &[u32] {
        let groups = match likeness {
            Likeness::Exact => &self.exact,
            Likeness::Near => &self.near,
        };
        &groups[self.range(split)]
    }

    /// Rows told by their ids: a row is a copy of the row of the same id.
    fn of_ids(parts: &[&[String]; 3]) -> Self {
        let mut overlap = Self {
            starts: [0; 4],
            exact: Vec::new(),
            near: Vec::new(),
            blank: Vec::new(),
        };
        let mut first: BTreeMap<&str, u32> = BTreeMap::new();
        for (number, part) in parts.iter().enumerate() {
            for id in *part {
                let row = u32::try_from(overlap.exact.len()).unwrap_or(u32::MAX);
                overlap.exact.push(*first.entry(id).or_insert(row));
            }
            overlap.starts[number + 1] = overlap.exact.len();
        }
        overlap.near.clone_from(&overlap.exact);
        overlap.blank = vec![false; overlap.exact.len()];
        overlap
    }

    /// The rows of a split that were compared; none if neither its texts nor its ids are known.
    pub fn rows(&self, split: Split) -> usize {
        self.range(split).len()
    }

    /// The rows of a split that have a copy in another one, in order.
    pub fn shared(&self, of: Split, with: Split, likeness: Likeness) -> Vec<usize> {
        let others: BTreeSet<u32> = self.groups(with, likeness).iter().copied().collect();
        let blank = &self.blank[self.range(of)];
        self.groups(of, likeness)
            .iter()
            .zip(blank)
            .enumerate()
            .filter(|(_, (group, blank))| !**blank && others.contains(group))
            .map(|(row, _)| row)
            .collect()
    }
}

/// Whether equal ids in two splits mean the same row: where they are shared at all, their labels agree.
/// Numbers of lines are shared by any two files, and their labels agree by chance.
fn ids_name_rows(evidence: &Evidence) -> bool {
    let parts: Vec<_> = SPLITS
        .iter()
        .filter_map(|split| evidence.part(*split))
        .filter_map(|part| Some((part.ids.as_ref()?, part.truth.as_ref()?)))
        .collect();
    let mut labels: BTreeMap<&str, u32> = BTreeMap::new();
    let (mut shared, mut agreeing) = (0_usize, 0_usize);
    for (ids, truth) in &parts {
        for (id, label) in ids.iter().zip(truth.iter()) {
            match labels.get(id.as_str()) {
                Some(known) => {
                    shared += 1;
                    agreeing += usize::from(known == label);
                }
                None => {
                    labels.insert(id, *label);
                }
            }
        }
    }
    parts.len() >= 2 && agreeing * 100 >= shared * 99
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{evidence, part};

    #[test]
    fn copies_are_found_in_whatever_split_they_are() {
        let evidence = evidence(
            &["a", "b"],
            [
                part(&[("one long text that is nowhere else", 0), ("Twice", 1), ("--", 1)]),
                part(&[("twice ", 1), ("- -", 0)]),
                part(&[("another text", 0), ("TWICE", 1)]),
            ],
        );
        let overlap = Overlap::of(&evidence).unwrap();
        assert_eq!(overlap.shared(Split::Test, Split::Train, Likeness::Exact), [1]);
        assert_eq!(
            overlap.shared(Split::Validation, Split::Train, Likeness::Exact),
            [0]
        );
        assert_eq!(overlap.shared(Split::Train, Split::Test, Likeness::Near), [1]);
    }
}
