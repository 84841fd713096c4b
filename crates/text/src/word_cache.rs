//! What words became which tokens.
//!
//! Natural text says the same words again and again: most of tokenising is looking up what was done before.
//! Responsible for remembering; whether words may be tokenised one by one is the tokenizer's to know.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Parts with a lock of their own, so that threads seldom wait for each other.
const SHARDS: usize = 64;
/// Words a part remembers. The first ones are the common ones; some 20 MB at most for all parts.
const WORDS: usize = 4096;
/// Longer words, in bytes, are numbers, addresses and the like, which do not come again.
const LONGEST: usize = 48;

type Shard = HashMap<Box<str>, Box<[u32]>>;

/// A cache from words to their tokens, shared by all threads.
#[derive(Debug)]
pub(crate) struct WordCache {
    shards: Vec<Mutex<Shard>>,
}

impl Default for WordCache {
    fn default() -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { shards }
    }
}

impl WordCache {
    /// Appends a word's tokens, which `encode` finds if they are not known.
    pub(crate) fn extend<E>(
        &self,
        ids: &mut Vec<u32>,
        word: &str,
        encode: impl FnOnce(&str) -> Result<Vec<u32>, E>,
    ) -> Result<(), E> {
        if word.len() > LONGEST {
            ids.extend(encode(word)?);
            return Ok(());
        }
        if let Some(known) = self.shard(word).get(word) {
            ids.extend_from_slice(known);
            return Ok(());
        }
        // Without the lock: other words need not wait for this one.
        let found = encode(word)?;
        ids.extend_from_slice(&found);
        let mut shard = self.shard(word);
        if shard.len() < WORDS {
            shard.insert(word.into(), found.into());
        }
        Ok(())
    }

    fn shard(&self, word: &str) -> MutexGuard<'_, Shard> {
        // FNV-1a: short, and spread well enough over a few dozen parts.
        let hash = word.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let place = (hash >> 32) as usize % SHARDS;
        // Nothing is left half-done under this lock, whatever panicked.
        self.shards[place].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_encoded_once_and_a_long_one_each_time() {
        let cache = WordCache::default();
        let long = "x".repeat(LONGEST + 1);
        let mut encoded = Vec::new();
        let mut ids = Vec::new();
        for word in ["road", "roads", "road", &long, &long, "road"] {
            let count = u32::try_from(word.len()).unwrap();
            cache
                .extend(&mut ids, word, |word| {
                    encoded.push(word.to_owned());
                    Ok::<_, ()>(vec![count, 0])
                })
                .unwrap();
        }
        assert_eq!(encoded, ["road", "roads", &long, &long]);
        assert_eq!(ids, [4, 0, 5, 0, 4, 0, 49, 0, 49, 0, 4, 0]);
    }

    #[test]
    fn an_error_is_not_remembered() {
        let cache = WordCache::default();
        let mut ids = Vec::new();
        assert_eq!(cache.extend(&mut ids, "road", |_| Err("no")), Err("no"));
        assert_eq!(cache.extend(&mut ids, "road", |_| Ok::<_, ()>(vec![1])), Ok(()));
        assert_eq!(ids, [1]);
    }
}
