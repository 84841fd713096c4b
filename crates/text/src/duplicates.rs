//! Groups of rows that carry the same text, exactly or nearly.
//!
//! Responsible for finding them with bounded memory: a row is kept as a [`Sketch`] of 144 bytes, and texts
//! are asked for again, a few at a time, only where sketches meet. Not responsible for what becomes of a
//! group. Texts are compared in their own normal form ([`crate::normalized_key`]), whatever the cleaning
//! steps are.
//!
//! How near duplicates are found:
//!
//! 1. Rows with equal keys are united first, and one of them stands for all from then on. Ten thousand exact
//!    copies cost no comparison.
//! 2. In each of the 16 bands of the `MinHash` sketch, texts with an equal band hash form a bucket.
//! 3. In a bucket ([`bucket`]), each text is compared with the bucket's first 256, by the true Jaccard
//!    similarity of their shingle sets; a pair that is connected already is left out. So ten thousand near
//!    copies of one template cost ten thousand comparisons and not fifty million, and texts that only share
//!    boilerplate cost 256 each: the cost stays linear, and what is lost is pairs that meet in no smaller
//!    bucket.
//! 4. A group is a connected component over the similar pairs of all buckets.
//!
//! What is similar in a bucket depends on the bucket's texts alone, so that buckets can be worked through in
//! any order, at the same time or on several machines, and the groups are the same.
//!
//! No pair below the threshold is united directly; a chain of similar texts becomes one group even if its
//! ends differ, which is what a split wants. Some pairs just above the threshold are missed: 5 % at 0.8, 0.01
//! % at 0.9.

pub mod bucket;
mod components;
mod memory;
#[cfg(test)]
mod tests;

use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::key::normalized_key;
use crate::minhash;

pub use crate::shingles::Shingle;
pub use components::Components;

use bucket::Window;
use memory::{DissimilarPairs, ShingleSets};

/// Below this the bands of a [`Sketch`] find too few pairs to speak of a threshold: 61 % at 0.7, 24 % at 0.6.
pub const MINIMUM_THRESHOLD: f64 = 0.7;

/// The number of bands of a [`Sketch`].
pub const BANDS: usize = minhash::BANDS;

/// The number of bucket members that are compared between two calls for texts.
const CHUNK_MEMBERS: usize = 2048;

/// When two different texts count as copies of each other.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NearDuplicates {
    /// The pieces of which texts are compared.
    pub shingle: Shingle,
    /// The Jaccard similarity of the sets of pieces from which on texts are copies, from 0.7 to 1.
    #[schemars(range(min = MINIMUM_THRESHOLD, max = 1.0))]
    pub threshold: f64,
}

impl Default for NearDuplicates {
    fn default() -> Self {
        Self {
            shingle: Shingle::default(),
            threshold: 0.8,
        }
    }
}

impl NearDuplicates {
    /// Fails unless the sketches can serve the threshold.
    pub fn check(&self) -> Result<(), Error> {
        if (MINIMUM_THRESHOLD..=1.0).contains(&self.threshold) {
            Ok(())
        } else {
            Err(Error::Threshold {
                threshold: self.threshold,
                minimum: MINIMUM_THRESHOLD,
            })
        }
    }
}

/// The sketch of a text, by which its duplicates are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sketch {
    /// The first half of the BLAKE3 digest of the key; see [`exact_digest`].
    pub exact: [u8; 16],
    /// One hash for each band of the `MinHash` signature.
    pub bands: [u64; minhash::BANDS],
}

/// Equal for texts with the same [`crate::normalized_key`], different for all others: by the birthday bound
/// two of 10^12 texts meet with probability 10^-15.
pub fn exact_digest(text: &str) -> [u8; 16] {
    digest_of_key(&normalized_key(text))
}

fn digest_of_key(key: &str) -> [u8; 16] {
    let digest = blake3::hash(key.as_bytes());
    let mut half = [0; 16];
    half.copy_from_slice(&digest.as_bytes()[..16]);
    half
}

/// The sketch of one text.
pub fn sketch(text: &str, settings: &NearDuplicates) -> Sketch {
    let key = normalized_key(text);
    Sketch {
        exact: digest_of_key(&key),
        bands: minhash::bands(&minhash::signature(&key, settings.shingle)),
    }
}

/// [`sketch`] for many texts, on all threads of the current rayon pool, in the order of the texts.
pub fn sketch_batch(texts: &[impl AsRef<str> + Sync], settings: &NearDuplicates) -> Vec<Sketch> {
    texts
        .par_iter()
        .map(|text| sketch(text.as_ref(), settings))
        .collect()
}

/// Groups rows with equal digests: for each row, the smallest row of its group, which is itself where it is
/// alone.
///
/// # Panics
///
/// With 2^32 rows or more, whose digests alone would take 64 GiB.
pub fn group_exact(digests: &[[u8; 16]]) -> Vec<u32> {
    let mut components = Components::new(digests.len());
    let _ = unite_exact(digests.iter().copied(), &mut components);
    components.into_roots()
}

/// Groups rows with equal or similar texts: for each row, the smallest row of its group, which is itself
/// where it is alone.
///
/// `texts` is called with rows in ascending order, at most a few thousand at a time, and returns their texts
/// in that order. A row may be asked for more than once.
///
/// # Errors
///
/// Those of `texts`.
///
/// # Panics
///
/// If `texts` returns another number of texts than it was asked for, or with 2^32 rows or more.
pub fn group<E>(
    sketches: &[Sketch],
    settings: &NearDuplicates,
    mut texts: impl FnMut(&[usize]) -> Result<Vec<String>, E>,
) -> Result<Vec<u32>, E> {
    let mut components = Components::new(sketches.len());
    let distinct = unite_exact(sketches.iter().map(|sketch| sketch.exact), &mut components);
    let mut sets = ShingleSets::new(settings.shingle);
    let mut dissimilar = DissimilarPairs::default();
    for band in 0..BANDS {
        components.flatten();
        let members = bucket_members(sketches, &distinct, band);
        let mut window = Window::default();
        for (number, chunk) in members.chunks(CHUNK_MEMBERS).enumerate() {
            let mut segments = segments(chunk);
            // A bucket may go on from one chunk to the next.
            if number > 0 && members[number * CHUNK_MEMBERS - 1].bucket == chunk[0].bucket {
                segments[0].window = std::mem::take(&mut window);
            }
            sets.load(&unknown_rows(&segments, &dissimilar, &components), &mut texts)?;
            let compared: Vec<Compared> = segments
                .into_par_iter()
                .map(|segment| segment.compare(&sets, &dissimilar, &components, settings.threshold))
                .collect();
            for of_segment in compared {
                for (one, other) in of_segment.similar {
                    components.unite(one, other);
                }
                dissimilar.extend(of_segment.dissimilar);
                window = of_segment.window;
            }
        }
    }
    Ok(components.into_roots())
}

/// Unites rows with equal digests; returns the smallest row of each digest, in the order of the digests.
fn unite_exact(digests: impl ExactSizeIterator<Item = [u8; 16]>, components: &mut Components) -> Vec<u32> {
    let mut rows: Vec<([u8; 16], u32)> = digests.zip(0..).collect();
    rows.par_sort_unstable();
    rows.chunk_by(|first, second| first.0 == second.0)
        .map(|copies| {
            for copy in &copies[1..] {
                components.unite(copies[0].1, copy.1);
            }
            copies[0].1
        })
        .collect()
}

/// A text in a bucket that it shares with others.
struct Member {
    bucket: u64,
    row: u32,
}

/// The members of all buckets of one band that hold more than one text, bucket by bucket. `distinct` gives
/// the order within a bucket.
fn bucket_members(sketches: &[Sketch], distinct: &[u32], band: usize) -> Vec<Member> {
    let mut members: Vec<(u64, u32)> = (0..)
        .zip(distinct)
        .map(|(position, &row): (u32, &u32)| (sketches[row as usize].bands[band], position))
        .collect();
    members.par_sort_unstable();
    members
        .chunk_by(|first, second| first.0 == second.0)
        .filter(|bucket| bucket.len() > 1)
        .flatten()
        .map(|&(bucket, position)| Member {
            bucket,
            row: distinct[position as usize],
        })
        .collect()
}

/// The members of one bucket in a chunk, with the window that earlier chunks left of the bucket.
struct Segment<'a> {
    members: &'a [Member],
    window: Window,
}

/// What comparing a segment gave.
struct Compared {
    similar: Vec<(u32, u32)>,
    dissimilar: Vec<(u32, u32)>,
    window: Window,
}

fn segments(chunk: &[Member]) -> Vec<Segment<'_>> {
    chunk
        .chunk_by(|first, second| first.bucket == second.bucket)
        .map(|members| Segment {
            members,
            window: Window::default(),
        })
        .collect()
}

/// The rows, ascending, of which a pair has to be compared.
fn unknown_rows(segments: &[Segment<'_>], dissimilar: &DissimilarPairs, components: &Components) -> Vec<u32> {
    let mut rows: Vec<u32> = segments
        .par_iter()
        .flat_map_iter(|segment| segment.unknown_rows(dissimilar, components))
        .collect();
    rows.sort_unstable();
    rows.dedup();
    rows
}

impl Segment<'_> {
    /// The rows of pairs that are neither connected nor known to be dissimilar. There may be some too many:
    /// those of pairs that comparing others will connect.
    fn unknown_rows(&self, dissimilar: &DissimilarPairs, components: &Components) -> Vec<u32> {
        let mut window = self.window.clone();
        let mut rows = Vec::new();
        for member in self.members {
            let mut is_unknown = false;
            let are_united = |one, other| components.are_united(one, other);
            let are_similar = |one, other| {
                is_unknown = is_unknown || !dissimilar.contains(one, other);
                false
            };
            window.add(member.row, are_united, are_similar, |_, _| ());
            if is_unknown {
                rows.push(member.row);
            }
        }
        if !rows.is_empty() {
            rows.extend(window.rows());
        }
        rows
    }

    fn compare(
        self,
        sets: &ShingleSets,
        dissimilar: &DissimilarPairs,
        components: &Components,
        threshold: f64,
    ) -> Compared {
        let mut compared = Compared {
            similar: Vec::new(),
            dissimilar: Vec::new(),
            window: self.window,
        };
        for member in self.members {
            let are_united = |one, other| components.are_united(one, other);
            let are_similar = |one, other| {
                if dissimilar.contains(one, other) {
                    return false;
                }
                let are_similar = sets.are_similar(one, other, threshold);
                if !are_similar {
                    compared.dissimilar.push((one, other));
                }
                are_similar
            };
            let note = |one, other| compared.similar.push((one, other));
            compared.window.add(member.row, are_united, are_similar, note);
        }
        compared
    }
}
