//! The comparisons within one bucket of texts.
//!
//! Responsible for which texts of a bucket are connected by similar pairs; a function of the bucket's texts
//! alone, in the order of their digests. Not responsible for where the texts come from, nor for groups.

use crate::duplicates::NearDuplicates;
use crate::key::normalized_key;
use crate::shingles;

/// The texts of a bucket that all others of it are compared with, at most.
const WINDOW: usize = 256;

/// The first texts of a bucket, with which all that come behind them are compared: those that are connected
/// lie together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Window {
    components: Vec<Vec<u32>>,
    rows: usize,
}

impl Window {
    /// The rows in the window.
    pub(crate) fn rows(&self) -> impl Iterator<Item = u32> {
        self.components.iter().flatten().copied()
    }

    /// Compares a text with those of the window, and calls `note` for pairs that are similar. The first rows
    /// of a bucket enter its window.
    ///
    /// A pair is left out whose texts are connected already, by what was noted here or because `are_united`
    /// says so: it could not change which texts are connected, and nothing else depends on it.
    pub(crate) fn add(
        &mut self,
        row: u32,
        are_united: impl Fn(u32, u32) -> bool,
        mut are_similar: impl FnMut(u32, u32) -> bool,
        mut note: impl FnMut(u32, u32),
    ) {
        let mut is_connected = |component: &[u32]| {
            component.iter().any(|&other| {
                are_united(other, row) || {
                    let are_similar = are_similar(other, row);
                    if are_similar {
                        note(other, row);
                    }
                    are_similar
                }
            })
        };
        let places = 0..self.components.len();
        let connected: Vec<usize> = places
            .filter(|place| is_connected(&self.components[*place]))
            .collect();
        let is_in = self.rows < WINDOW;
        self.rows += usize::from(is_in);
        let Some((&first, others)) = connected.split_first() else {
            if is_in {
                self.components.push(vec![row]);
            }
            return;
        };
        for &other in others.iter().rev() {
            let rows = self.components.remove(other);
            self.components[first].extend(rows);
        }
        if is_in {
            self.components[first].push(row);
        }
    }
}

/// Pairs of similar texts of one bucket, by their places in `texts`: as many as it takes to connect the texts
/// that are connected by similar pairs. `texts` are all different ones of the bucket, in the order of their
/// [`exact_digest`](super::exact_digest)s.
///
/// # Panics
///
/// With 2^32 texts or more.
pub fn similar_pairs(texts: &[impl AsRef<str>], settings: &NearDuplicates) -> Vec<(u32, u32)> {
    let set = |text: &str| shingles::shingle_set(&normalized_key(text), settings.shingle);
    let sets: Vec<Vec<u64>> = texts.iter().map(|text| set(text.as_ref())).collect();
    let rows = u32::try_from(sets.len()).expect("so many texts would not fit into memory");
    let are_similar = |one: u32, other: u32| {
        shingles::are_similar(&sets[one as usize], &sets[other as usize], settings.threshold)
    };
    let mut window = Window::default();
    let mut pairs = Vec::new();
    for row in 0..rows {
        window.add(
            row,
            |_, _| false,
            are_similar,
            |one, other| pairs.push((one, other)),
        );
    }
    pairs
}
