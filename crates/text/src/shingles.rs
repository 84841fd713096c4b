//! Texts as sets of overlapping pieces.
//!
//! Responsible for cutting a normalised text into shingles, for their 64-bit hashes, and for the similarity
//! of two such sets. Not responsible for finding similar texts among many (see [`crate::minhash`] and
//! [`crate::duplicates`]). Hash values are part of what artifacts depend on: a change here is a change of
//! results.

use std::fmt;
use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::de::{self, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::terms::word_ranges;

/// The pieces of which two texts are compared. A text with fewer characters or words than asked for is one
/// piece.
///
/// Written in YAML and JSON as one key with a number: `characters: 5` or `words: 3`. The serde
/// implementations are by hand: derived ones would ask for a YAML tag (`!words 3`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum Shingle {
    /// So many characters in a row, spaces included: finds copies with small edits anywhere, in any script.
    Characters(NonZeroU32),
    /// So many words in a row: faster on long texts, blind to punctuation.
    Words(NonZeroU32),
}

impl Default for Shingle {
    /// Five characters, which Leskovec, Rajaraman and Ullman (Mining of Massive Datasets, section 3.2.2)
    /// advise for short documents.
    fn default() -> Self {
        Self::Characters(NonZeroU32::new(5).expect("five is not zero"))
    }
}

impl Serialize for Shingle {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        match self {
            Self::Characters(count) => map.serialize_entry("characters", count)?,
            Self::Words(count) => map.serialize_entry("words", count)?,
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Shingle {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ShingleVisitor)
    }
}

struct ShingleVisitor;

impl<'de> Visitor<'de> for ShingleVisitor {
    type Value = Shingle;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a kind of shingle with its length, `characters: 5` or `words: 3`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Shingle, A::Error> {
        let Some(name) = map.next_key::<String>()? else {
            return Err(de::Error::invalid_length(0, &self));
        };
        let shingle = match name.as_str() {
            "characters" => Shingle::Characters(map.next_value()?),
            "words" => Shingle::Words(map.next_value()?),
            other => return Err(de::Error::unknown_variant(other, &["characters", "words"])),
        };
        if map.next_key::<String>()?.is_some() {
            return Err(de::Error::invalid_length(2, &self));
        }
        Ok(shingle)
    }
}

/// Calls `visit` with the hash of every shingle of `key`, a text in the form of [`crate::normalized_key`].
/// Equal shingles come as often as they are there.
pub(crate) fn for_each_shingle(key: &str, shingle: Shingle, mut visit: impl FnMut(u64)) {
    let mut is_whole = true;
    match shingle {
        Shingle::Characters(count) => {
            // The end of a shingle is the start of the one `count` characters on.
            let starts = key.char_indices().map(|(start, _)| start);
            let ends = key
                .char_indices()
                .map(|(start, character)| start + character.len_utf8());
            for (start, end) in starts.zip(ends.skip(count.get() as usize - 1)) {
                visit(hash_bytes(0, &key.as_bytes()[start..end]));
                is_whole = false;
            }
        }
        Shingle::Words(count) => {
            let hashes: Vec<u64> = word_ranges(key)
                .map(|range| hash_bytes(0, &key.as_bytes()[range]))
                .collect();
            for window in hashes.windows(count.get() as usize) {
                visit(
                    window
                        .iter()
                        .fold(1, |hash, &word| mix(hash ^ word).wrapping_mul(ODD)),
                );
                is_whole = false;
            }
        }
    }
    if is_whole {
        visit(hash_bytes(2, key.as_bytes()));
    }
}

/// The hashes of the shingles of `key`, sorted, each once.
pub(crate) fn shingle_set(key: &str, shingle: Shingle) -> Vec<u64> {
    let mut hashes = Vec::new();
    for_each_shingle(key, shingle, |hash| hashes.push(hash));
    hashes.sort_unstable();
    hashes.dedup();
    hashes.shrink_to_fit();
    hashes
}

/// Whether the Jaccard similarity `|A ∩ B| / |A ∪ B|` of two sorted sets reaches `threshold`.
pub(crate) fn are_similar(one: &[u64], other: &[u64], threshold: f64) -> bool {
    let (smaller, larger) = (one.len().min(other.len()), one.len().max(other.len()));
    // Even a full overlap would not do; most chance meetings end here.
    if (smaller as f64) < threshold * larger as f64 {
        return false;
    }
    let common = common_count(one, other);
    common as f64 >= threshold * (smaller + larger - common) as f64
}

fn common_count(mut one: &[u64], mut other: &[u64]) -> usize {
    let mut common = 0;
    while let ([first, one_rest @ ..], [second, other_rest @ ..]) = (one, other) {
        if first <= second {
            one = one_rest;
        }
        if second <= first {
            other = other_rest;
        }
        common += usize::from(first == second);
    }
    common
}

/// The fractional bits of the golden ratio, odd: the increment of `SplitMix64`.
pub(crate) const ODD: u64 = 0x9e37_79b9_7f4a_7c15;

/// The output function of `SplitMix64` (Steele, Lea and Flood, Fast Splittable Pseudorandom Number
/// Generators, OOPSLA 2014; constants of Vigna's public-domain `splitmix64.c`). A bijection that spreads
/// every bit.
pub(crate) const fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// Hashes bytes as little-endian words of eight, the last padded with zeros, and their number.
fn hash_bytes(seed: u64, bytes: &[u8]) -> u64 {
    let start = mix(seed.wrapping_add(ODD) ^ bytes.len() as u64);
    bytes.chunks(8).fold(start, |hash, chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        mix(hash.wrapping_add(ODD) ^ u64::from_le_bytes(word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn characters(count: u32) -> Shingle {
        Shingle::Characters(NonZeroU32::new(count).expect("not zero"))
    }

    fn words(count: u32) -> Shingle {
        Shingle::Words(NonZeroU32::new(count).expect("not zero"))
    }

    #[track_caller]
    fn check_count(key: &str, shingle: Shingle, expected: usize) {
        assert_eq!(shingle_set(key, shingle).len(), expected, "shingles of `{key}`");
    }

    #[test]
    fn shingles_are_counted() {
        check_count("abcdef", characters(5), 2);
        check_count("ééééé", characters(5), 1);
        check_count("aaaaaaa", characters(5), 1);
        check_count("one two three four", words(3), 2);
    }

    #[test]
    fn short_texts_are_one_shingle() {
        for key in ["", "abc", "..."] {
            check_count(key, characters(5), 1);
            check_count(key, words(3), 1);
        }
        assert_ne!(
            shingle_set("abc", characters(5)),
            shingle_set("abd", characters(5))
        );
        assert_ne!(shingle_set("...", words(3)), shingle_set("---", words(3)));
    }

    #[test]
    fn similarity_is_jaccard() {
        assert!(are_similar(&[1, 2, 3], &[2, 3, 4], 0.5));
        assert!(!are_similar(&[1, 2, 3], &[2, 3, 4], 0.51));
        assert!(!are_similar(&[1], &[1, 2, 3], 0.5));
        assert!(are_similar(&[1, 9], &[1, 9], 1.0));
    }

    #[test]
    fn word_shingles_do_not_see_punctuation() {
        assert_eq!(
            shingle_set("one, two; three!", words(2)),
            shingle_set("one two three", words(2))
        );
        assert_ne!(shingle_set("one two", words(2)), shingle_set("two one", words(2)));
    }

    #[test]
    fn shingles_are_written_alike_in_yaml_and_json() {
        let parsed: Shingle = serde_yaml::from_str("words: 3").expect("as documented");
        assert_eq!(parsed, words(3));
        assert_eq!(serde_yaml::to_string(&parsed).expect("no odd keys"), "words: 3\n");
        assert_eq!(
            serde_json::to_string(&characters(5)).expect("no odd keys"),
            "{\"characters\":5}"
        );
        assert_eq!(
            serde_json::from_str::<Shingle>("{\"characters\":5}").expect("its own output"),
            characters(5)
        );
        for (wrong, expected) in [
            ("words: 0", "nonzero"),
            ("letters: 3", "expected `characters` or `words`"),
            ("{ words: 3, characters: 5 }", "`characters: 5` or `words: 3`"),
            ("words", "`characters: 5` or `words: 3`"),
        ] {
            let error = serde_yaml::from_str::<Shingle>(wrong)
                .expect_err("wrong")
                .to_string();
            assert!(error.contains(expected), "`{error}` should contain `{expected}`");
        }
    }
}
