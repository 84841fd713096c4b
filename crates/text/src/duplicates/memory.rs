//! What is remembered from one bucket to the next: shingle sets, and which pairs are not similar. Both are
//! bounded, and what is forgotten is computed again.

use std::collections::{BTreeMap, HashSet};

use rayon::prelude::*;

use crate::key::normalized_key;
use crate::shingles::{self, Shingle};

/// The number of shingle hashes that are kept for rows that may be needed again: 64 MiB.
const KEPT_HASHES: usize = 8 << 20;

/// The number of pairs that are kept: some 40 MiB.
const KEPT_PAIRS: usize = 2 << 20;

/// Shingle sets of the rows at hand.
pub(super) struct ShingleSets {
    shingle: Shingle,
    sets: BTreeMap<u32, Vec<u64>>,
    /// The number of hashes in all sets.
    hashes: usize,
}

impl ShingleSets {
    pub(super) fn new(shingle: Shingle) -> Self {
        Self {
            shingle,
            sets: BTreeMap::new(),
            hashes: 0,
        }
    }

    /// Makes sure that the sets of `rows`, which ascend, are there.
    pub(super) fn load<E>(
        &mut self,
        rows: &[u32],
        texts: &mut impl FnMut(&[usize]) -> Result<Vec<String>, E>,
    ) -> Result<(), E> {
        if self.hashes > KEPT_HASHES {
            self.sets.retain(|row, _| rows.binary_search(row).is_ok());
            self.hashes = self.sets.values().map(Vec::len).sum();
        }
        let missing: Vec<u32> = rows
            .iter()
            .copied()
            .filter(|row| !self.sets.contains_key(row))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let asked: Vec<usize> = missing.iter().map(|&row| row as usize).collect();
        let found = texts(&asked)?;
        assert_eq!(
            found.len(),
            asked.len(),
            "`texts` returns one text for each row it is asked for"
        );
        let sets: Vec<Vec<u64>> = found
            .par_iter()
            .map(|text| shingles::shingle_set(&normalized_key(text), self.shingle))
            .collect();
        self.hashes += sets.iter().map(Vec::len).sum::<usize>();
        self.sets.extend(missing.into_iter().zip(sets));
        Ok(())
    }

    pub(super) fn are_similar(&self, one: u32, other: u32, threshold: f64) -> bool {
        shingles::are_similar(&self.sets[&one], &self.sets[&other], threshold)
    }
}

/// Pairs of rows that were compared and are not similar: texts that share boilerplate meet in several bands.
#[derive(Default)]
pub(super) struct DissimilarPairs(HashSet<(u32, u32)>);

impl DissimilarPairs {
    pub(super) fn contains(&self, one: u32, other: u32) -> bool {
        self.0.contains(&(one, other))
    }

    pub(super) fn extend(&mut self, pairs: Vec<(u32, u32)>) {
        if self.0.len() + pairs.len() > KEPT_PAIRS {
            self.0.clear();
        }
        self.0.extend(pairs);
    }
}
