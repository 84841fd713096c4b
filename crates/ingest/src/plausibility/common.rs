//! How often the most frequent texts come, in a few counters however many texts there are.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde::{Deserializer, Serializer};

/// The number of counters.
const COUNTERS: usize = 64;

/// The rows for each different text from which on the texts are values of a few kinds.
const ROWS_PER_VALUE: u64 = 20;

/// The counters of Misra and Gries ("Finding repeated elements", 1982): what is counted of a text falls short
/// of its number by at most a 65th of all.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Common {
    #[serde(serialize_with = "as_pairs", deserialize_with = "of_pairs")]
    counters: BTreeMap<[u8; 16], u64>,
    /// Whether there were more different texts than counters.
    is_over: bool,
}

impl Common {
    pub(super) fn add(&mut self, text: &str) {
        let mut digest = [0; 16];
        digest.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..16]);
        if let Some(count) = self.counters.get_mut(&digest) {
            *count += 1;
        } else if self.counters.len() < COUNTERS {
            self.counters.insert(digest, 1);
        } else {
            self.is_over = true;
            self.counters.retain(|_, count| {
                *count -= 1;
                *count > 0
            });
        }
    }

    /// Adds the counters of other texts (Agarwal and others, "Mergeable summaries", 2012): what is counted
    /// falls short by as much as if one had seen all texts.
    pub(super) fn merge(&mut self, other: Self) {
        self.is_over |= other.is_over;
        for (digest, count) in other.counters {
            *self.counters.entry(digest).or_default() += count;
        }
        if self.counters.len() > COUNTERS {
            self.is_over = true;
            let mut counts: Vec<u64> = self.counters.values().copied().collect();
            counts.sort_unstable_by(|one, other| other.cmp(one));
            let most_left_out = counts[COUNTERS];
            self.counters.retain(|_, count| {
                *count = count.saturating_sub(most_left_out);
                *count > 0
            });
        }
    }

    /// The share of the most frequent text, a little too low.
    pub(super) fn most_frequent(&self, rows: u64) -> Option<f64> {
        let most = self.counters.values().max()?;
        Some(*most as f64 / rows.max(1) as f64)
    }

    /// The number of different texts, where they are few beside the rows.
    pub(super) fn few_values(&self, rows: u64) -> Option<usize> {
        let values = self.counters.len();
        (!self.is_over && rows >= ROWS_PER_VALUE * values as u64).then_some(values)
    }
}

/// As a list, because the keys of a map are strings in JSON.
fn as_pairs<S: Serializer>(counters: &BTreeMap<[u8; 16], u64>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(counters)
}

fn of_pairs<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<[u8; 16], u64>, D::Error> {
    Ok(Vec::<([u8; 16], u64)>::deserialize(deserializer)?
        .into_iter()
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frequent_text_is_found_among_many() {
        let mut common = Common::default();
        for number in 0..10_000 {
            common.add(&if number % 3 == 0 {
                "same".to_owned()
            } else {
                format!("text {number}")
            });
        }
        let share = common.most_frequent(10_000).unwrap();
        assert!((0.3333 - 1.0 / 65.0..=0.3335).contains(&share), "{share}");
        assert_eq!(common.few_values(10_000), None);
    }

    #[test]
    fn a_few_values_are_counted() {
        let mut common = Common::default();
        for number in 0..100 {
            common.add(["a", "b", "c"][number % 3]);
        }
        assert_eq!(common.few_values(100), Some(3));
        assert_eq!(common.few_values(50), None);
    }
}
