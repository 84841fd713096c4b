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
//! 2. In each of the 16 bands of the `MinHash` sketch, rows with an equal band hash form a bucket. Rows of
//!    one component (united before) send one representative into the bucket.
//! 3. In a bucket, each row is compared with the representatives of the components already there, by the true
//!    Jaccard similarity of their shingle sets, and united where the threshold is reached. So ten thousand
//!    near copies of one template cost ten thousand comparisons and not fifty million. Rows that only share
//!    boilerplate stay below the threshold, and at most 256 of them are remembered in a bucket: the cost
//!    stays linear, and what is lost is pairs that meet in no smaller bucket.
//!
//! No pair below the threshold is united directly; a chain of similar texts becomes one group even if its
//! ends differ, which is what a split wants. Some pairs just above the threshold are missed: 5 % at 0.8, 0.01
//! % at 0.9. Buckets are worked through in the order of content hashes, so that neither the number of threads
//! nor the order of the rows decides who is united.

use std::collections::BTreeMap;

use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::key::normalized_key;
use crate::minhash;
use crate::shingles;

pub use crate::shingles::Shingle;

/// Below this the bands of a [`Sketch`] find too few pairs to speak of a threshold: 61 % at 0.7, 24 % at 0.6.
pub const MINIMUM_THRESHOLD: f64 = 0.7;

/// The number of bucket members that are compared between two calls for texts.
const CHUNK_ROWS: usize = 2048;

/// The number of shingle hashes that are cached for rows that may be needed again: 64 MiB.
const CACHED_HASHES: usize = 8 << 20;

/// The most representatives of a bucket.
const BUCKET_REPRESENTATIVES: usize = 256;

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
    let mut groups = Groups::new(digests.len());
    let _ = unite_exact(digests.iter().copied(), &mut groups);
    groups.into_roots()
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
    let mut groups = Groups::new(sketches.len());
    let distinct = unite_exact(sketches.iter().map(|sketch| sketch.exact), &mut groups);
    let mut sets = ShingleSets {
        shingle: settings.shingle,
        sets: BTreeMap::new(),
        hashes: 0,
    };
    for band in 0..minhash::BANDS {
        let members = bucket_members(sketches, &distinct, band, &mut groups);
        let mut current_bucket = None;
        let mut representatives: Vec<u32> = Vec::new();
        for chunk in members.chunks(CHUNK_ROWS) {
            // A bucket may go on from one chunk to the next.
            let mut needed: Vec<u32> = chunk.iter().map(|member| member.row).collect();
            if chunk.first().map(|member| member.bucket) == current_bucket {
                needed.extend(&representatives);
            }
            needed.sort_unstable();
            needed.dedup();
            sets.load(&needed, &mut texts)?;
            for member in chunk {
                if current_bucket != Some(member.bucket) {
                    current_bucket = Some(member.bucket);
                    representatives.clear();
                }
                let mut is_represented = false;
                for &representative in &representatives {
                    if groups.root(representative) == groups.root(member.row) {
                        is_represented = true;
                    } else if sets.are_similar(representative, member.row, settings.threshold) {
                        groups.unite(representative, member.row);
                        is_represented = true;
                    }
                }
                if !is_represented && representatives.len() < BUCKET_REPRESENTATIVES {
                    representatives.push(member.row);
                }
            }
        }
    }
    Ok(groups.into_roots())
}

/// Unites rows with equal digests; returns the smallest row of each digest, in the order of the digests.
fn unite_exact(digests: impl ExactSizeIterator<Item = [u8; 16]>, groups: &mut Groups) -> Vec<u32> {
    let mut rows: Vec<([u8; 16], u32)> = digests.zip(0..).collect();
    rows.par_sort_unstable();
    rows.chunk_by(|first, second| first.0 == second.0)
        .map(|copies| {
            for copy in &copies[1..] {
                groups.unite(copies[0].1, copy.1);
            }
            copies[0].1
        })
        .collect()
}

/// A row in a bucket that it shares with rows of other components.
struct Member {
    bucket: u64,
    row: u32,
}

/// The members of all buckets of one band that hold more than one component, one row for each component,
/// bucket by bucket. `distinct` gives the order within a bucket.
fn bucket_members(sketches: &[Sketch], distinct: &[u32], band: usize, groups: &mut Groups) -> Vec<Member> {
    let mut members: Vec<(u64, u32)> = (0..)
        .zip(distinct)
        .map(|(position, &row): (u32, &u32)| (sketches[row as usize].bands[band], position))
        .collect();
    members.par_sort_unstable();
    let mut result = Vec::new();
    let mut roots = Vec::new();
    for bucket in members.chunk_by(|first, second| first.0 == second.0) {
        if bucket.len() == 1 {
            continue;
        }
        let rows = bucket.iter().map(|&(_, position)| distinct[position as usize]);
        roots.clear();
        roots.extend(rows.map(|row| (groups.root(row), row)));
        // One row for each component, the first in the order of digests; the sort is stable.
        let mut first_of_root: Vec<(u32, usize)> = roots
            .iter()
            .enumerate()
            .map(|(at, &(root, _))| (root, at))
            .collect();
        first_of_root.sort_unstable();
        first_of_root.dedup_by_key(|&mut (root, _)| root);
        if first_of_root.len() == 1 {
            continue;
        }
        let mut firsts: Vec<usize> = first_of_root.into_iter().map(|(_, at)| at).collect();
        firsts.sort_unstable();
        result.extend(firsts.into_iter().map(|at| Member {
            bucket: bucket[0].0,
            row: roots[at].1,
        }));
    }
    result
}

/// Shingle sets of the rows at hand.
struct ShingleSets {
    shingle: Shingle,
    sets: BTreeMap<u32, Vec<u64>>,
    /// The number of hashes in all sets.
    hashes: usize,
}

impl ShingleSets {
    /// Makes sure that the sets of `rows`, which ascend, are there.
    fn load<E>(
        &mut self,
        rows: &[u32],
        texts: &mut impl FnMut(&[usize]) -> Result<Vec<String>, E>,
    ) -> Result<(), E> {
        if self.hashes > CACHED_HASHES {
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

    fn are_similar(&self, one: u32, other: u32, threshold: f64) -> bool {
        shingles::are_similar(&self.sets[&one], &self.sets[&other], threshold)
    }
}

/// Disjoint sets of rows, each known by its smallest row.
struct Groups {
    /// A row nearer to the root, or the row itself; never a larger one.
    parents: Vec<u32>,
}

impl Groups {
    fn new(rows: usize) -> Self {
        let rows = u32::try_from(rows).expect("sketches of 2^32 rows would not fit into memory");
        Self {
            parents: (0..rows).collect(),
        }
    }

    fn root(&mut self, mut row: u32) -> u32 {
        while self.parents[row as usize] != row {
            // Path halving keeps later searches short.
            let grandparent = self.parents[self.parents[row as usize] as usize];
            self.parents[row as usize] = grandparent;
            row = grandparent;
        }
        row
    }

    fn unite(&mut self, one: u32, other: u32) {
        let (one, other) = (self.root(one), self.root(other));
        self.parents[one.max(other) as usize] = one.min(other);
    }

    fn into_roots(mut self) -> Vec<u32> {
        // Parents are smaller, so they are final when their children are reached.
        for row in 0..self.parents.len() {
            self.parents[row] = self.parents[self.parents[row] as usize];
        }
        self.parents
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shingles::{ODD, are_similar, mix, shingle_set};
    use std::cell::Cell;
    use std::convert::Infallible;
    use std::num::NonZeroU32;

    const GOLDEN_EXACT: [u8; 16] = [
        18, 55, 170, 35, 187, 20, 40, 1, 204, 81, 183, 103, 170, 72, 220, 238,
    ];
    const GOLDEN_FIRST_BAND: u64 = 0xf8a4_cc07_9a37_1a4d;
    const GOLDEN_LAST_BAND: u64 = 0xc28b_dfb0_54c5_03f9;
    const GOLDEN_WORD_BAND: u64 = 0xc780_feb4_1f71_5083;

    /// Random numbers that are the same on every machine.
    struct Random(u64);

    impl Random {
        fn below(&mut self, limit: usize) -> usize {
            self.0 = self.0.wrapping_add(ODD);
            usize::try_from(mix(self.0) % limit as u64).expect("below a usize")
        }
    }

    /// Sentences in which a few words are common and most are rare, as in real ones.
    fn sentence(random: &mut Random, words: usize) -> Vec<String> {
        (0..words)
            .map(|_| {
                let rank = random.below(30).min(random.below(30));
                format!(
                    "{}{}",
                    ["con", "pro", "re", "in", "main"][rank % 5],
                    rank * (1 + random.below(40))
                )
            })
            .collect()
    }

    /// Texts of which most are edited copies of earlier ones.
    fn corpus(rows: usize) -> Vec<String> {
        let mut random = Random(7);
        let mut texts: Vec<Vec<String>> = Vec::new();
        for _ in 0..rows {
            let mut text = if texts.len() < 10 || random.below(3) == 0 {
                let words = 8 + random.below(60);
                sentence(&mut random, words)
            } else {
                let original = random.below(texts.len());
                texts[original].clone()
            };
            for _ in 0..random.below(5) {
                let at = random.below(text.len());
                text[at] = format!("edit{}", random.below(1000));
            }
            texts.push(text);
        }
        texts.into_iter().map(|words| words.join(" ")).collect()
    }

    fn group_texts(texts: &[String], settings: &NearDuplicates) -> Vec<u32> {
        let read = |rows: &[usize]| -> Result<_, Infallible> {
            assert!(rows.is_sorted());
            Ok(rows.iter().map(|&row| texts[row].clone()).collect())
        };
        match group(&sketch_batch(texts, settings), settings, read) {
            Ok(groups) => groups,
        }
    }

    #[track_caller]
    fn check(texts: &[&str], expected: &[u32]) {
        let texts: Vec<String> = texts.iter().map(ToString::to_string).collect();
        assert_eq!(
            group_texts(&texts, &NearDuplicates::default()),
            expected,
            "groups of {texts:?}"
        );
    }

    #[test]
    fn copies_are_grouped_under_their_first_row() {
        let long =
            "Provision of grounds maintenance services to the county council of Norfolk and its districts";
        let edited = long.replace("Norfolk", "Suffolk");
        check(&[], &[]);
        check(&["a", "b", "A ", "", " "], &[0, 1, 0, 3, 3]);
        check(
            &["other", long, &edited, &long.to_uppercase(), "other one"],
            &[0, 1, 1, 1, 4],
        );
        check(&["abc", "abd"], &[0, 1]);
    }

    #[test]
    fn exact_groups_need_no_sketch() {
        let digests: Vec<[u8; 16]> = ["b", "a", "B", "a"].map(exact_digest).to_vec();
        assert_eq!(group_exact(&digests), [0, 1, 0, 1]);
    }

    #[test]
    fn sketches_never_change() {
        // The bands equal those of an independent implementation in Python; the groups in older artifacts
        // depend on these values.
        let sketch = sketch(
            "Provision of grounds  maintenance — Größe",
            &NearDuplicates::default(),
        );
        assert_eq!(sketch.exact, GOLDEN_EXACT);
        assert_eq!(sketch.bands[0], GOLDEN_FIRST_BAND);
        assert_eq!(sketch.bands[15], GOLDEN_LAST_BAND);
        let words = NearDuplicates {
            shingle: Shingle::Words(NonZeroU32::MIN),
            threshold: 0.8,
        };
        assert_eq!(super::sketch("one two", &words).bands[3], GOLDEN_WORD_BAND);
    }

    #[test]
    fn near_duplicates_are_those_of_brute_force() {
        let texts = corpus(700);
        let settings = NearDuplicates::default();
        let groups = group_texts(&texts, &settings);
        let sets: Vec<Vec<u64>> = texts
            .iter()
            .map(|text| shingle_set(&normalized_key(text), settings.shingle))
            .collect();
        let mut closure = Groups::new(texts.len());
        let (mut certain, mut similar, mut found) = (0, 0, 0_usize);
        for (one, one_set) in (0..).zip(&sets) {
            for (other, other_set) in (0..).zip(&sets).take(one as usize) {
                let together = groups[one as usize] == groups[other as usize];
                if are_similar(one_set, other_set, 0.9) {
                    assert!(together, "rows {one} and {other} are nearly equal");
                    certain += 1;
                }
                if are_similar(one_set, other_set, settings.threshold) {
                    closure.unite(one, other);
                    similar += 1;
                    found += usize::from(together);
                }
            }
        }
        assert!(
            certain > 200 && similar > certain,
            "the corpus has {certain} and {similar} pairs"
        );
        assert!(found * 100 > 95 * similar, "{found} of {similar} pairs found");
        // Nothing is united that no chain of similar pairs unites.
        for (row, &group) in (0..).zip(&groups) {
            assert_eq!(closure.root(row), closure.root(group), "rows {row} and {group}");
        }
    }

    #[test]
    fn threads_do_not_change_groups() {
        let texts = corpus(400);
        let expected = group_texts(&texts, &NearDuplicates::default());
        for threads in [1, 2, 7] {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .expect("threads can start");
            let groups = pool.install(|| group_texts(&texts, &NearDuplicates::default()));
            assert_eq!(groups, expected, "{threads} threads");
        }
    }

    #[test]
    fn row_order_does_not_change_the_partition() {
        let texts = corpus(400);
        let groups = group_texts(&texts, &NearDuplicates::default());
        let mut order: Vec<usize> = (0..texts.len()).collect();
        let mut random = Random(3);
        for last in (1..order.len()).rev() {
            order.swap(last, random.below(last + 1));
        }
        let shuffled: Vec<String> = order.iter().map(|&row| texts[row].clone()).collect();
        let shuffled_groups = group_texts(&shuffled, &NearDuplicates::default());
        for (one, &one_row) in order.iter().enumerate() {
            for (other, &other_row) in order.iter().enumerate() {
                assert_eq!(
                    shuffled_groups[one] == shuffled_groups[other],
                    groups[one_row] == groups[other_row],
                    "rows {one_row} and {other_row}"
                );
            }
        }
    }

    #[test]
    fn copies_of_one_template_ask_for_few_texts() {
        let filling: Vec<String> = sentence(&mut Random(1), 80);
        let texts: Vec<String> = (0..10_000)
            .map(|row| format!("{} number {row}", filling.join(" ")))
            .collect();
        let settings = NearDuplicates::default();
        let asked = Cell::new(0);
        let groups = group(&sketch_batch(&texts, &settings), &settings, |rows| {
            asked.set(asked.get() + rows.len());
            Ok::<_, Infallible>(rows.iter().map(|&row| texts[row].clone()).collect())
        });
        match groups {
            Ok(groups) => assert!(groups.iter().all(|&group| group == 0)),
        }
        assert!(asked.get() < 25_000, "asked for {} texts", asked.get());
    }

    #[test]
    fn errors_of_the_reader_come_back() {
        let text = "a text that is there twice but for its very end, one";
        let texts = [text, &text.replace("one", "two")];
        let settings = NearDuplicates::default();
        let result = group(&sketch_batch(&texts, &settings), &settings, |_| {
            Err::<Vec<String>, _>("disk on fire")
        });
        assert_eq!(result, Err("disk on fire"));
    }

    #[test]
    fn settings_are_written_as_documented() {
        let settings: NearDuplicates =
            serde_yaml::from_str("shingle: { words: 3 }\nthreshold: 0.9").expect("as documented");
        assert_eq!(
            serde_yaml::to_string(&settings).expect("no odd keys"),
            "shingle:\n  words: 3\nthreshold: 0.9\n"
        );
        assert_eq!(
            serde_json::from_str::<NearDuplicates>("{}").expect("defaults"),
            NearDuplicates::default()
        );
        assert!(serde_yaml::from_str::<NearDuplicates>("treshold: 0.9").is_err());
        assert!(settings.check().is_ok());
        for threshold in [0.5, 1.01, f64::NAN] {
            assert!(
                NearDuplicates {
                    threshold,
                    ..settings
                }
                .check()
                .is_err(),
                "{threshold}"
            );
        }
    }
}
