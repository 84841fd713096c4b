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

/// A bucket whose texts come one after the other: all different ones of it, in the order of their
/// [`exact_digest`](super::exact_digest)s. Only those of the window are kept.
#[derive(Debug, Clone, Default)]
pub struct Bucket {
    window: Window,
    /// The shingles of the first texts.
    sets: Vec<Vec<u64>>,
}

impl Bucket {
    /// Compares the next text, and returns the places of texts that it is similar to: as many as it takes to
    /// connect it with all that are connected by similar pairs. Each of them is among the first
    /// [`Bucket::COMPARED`].
    pub fn add(&mut self, text: &str, settings: &NearDuplicates) -> Vec<u32> {
        let set = shingles::shingle_set(&normalized_key(text), settings.shingle);
        let row = u32::try_from(self.sets.len()).expect("a window has few rows");
        let are_similar =
            |other: u32, _| shingles::are_similar(&self.sets[other as usize], &set, settings.threshold);
        let mut similar = Vec::new();
        self.window
            .add(row, |_, _| false, are_similar, |other, _| similar.push(other));
        if self.sets.len() < WINDOW {
            self.sets.push(set);
        }
        similar
    }

    /// The number of texts that others are compared with, which are the first ones.
    pub const COMPARED: usize = WINDOW;
}
