//! `MinHash` signatures and their bands.
//!
//! Responsible for short summaries from which similar sets are found without comparing all pairs (Broder, On
//! the resemblance and containment of documents, 1997; bands as in Leskovec, Rajaraman and Ullman, Mining of
//! Massive Datasets, section 3.4). Not responsible for verifying what they find.
//!
//! Two sets of Jaccard similarity `s` share at least one of [`BANDS`] bands of [`ROWS`] minima with
//! probability `1 - (1 - s^8)^16`:
//!
//! | similarity | 0.5 | 0.6 | 0.7 | 0.75 | 0.8 | 0.85 | 0.9 | 0.95 |
//! | --- | --- | --- | --- | --- | --- | --- | --- | --- |
//! | found | 6 % | 24 % | 61 % | 82 % | 95 % | 99.4 % | 99.99 % | 100 % |

use crate::shingles::{ODD, Shingle, for_each_shingle, mix};

/// The number of bands of a signature.
pub(crate) const BANDS: usize = 16;
/// The number of minima in a band.
pub(crate) const ROWS: usize = 8;
/// The number of minima in a signature.
pub(crate) const PERMUTATIONS: usize = BANDS * ROWS;

/// Multiplier and summand of each permutation `x -> a x + b (mod 2^64)`, a bijection since `a` is odd. Its
/// inputs are mixed hashes, so that the low quality of the linear map's low bits does not matter.
const COEFFICIENTS: [(u64, u64); PERMUTATIONS] = coefficients();

/// The stream of `SplitMix64` from seed 0.
const fn coefficients() -> [(u64, u64); PERMUTATIONS] {
    let mut coefficients = [(0, 0); PERMUTATIONS];
    let mut state: u64 = 0;
    let mut index = 0;
    while index < PERMUTATIONS {
        state = state.wrapping_add(ODD);
        let multiplier = mix(state) | 1;
        state = state.wrapping_add(ODD);
        coefficients[index] = (multiplier, mix(state));
        index += 1;
    }
    coefficients
}

/// The smallest value of every permutation over the shingles of `key`.
pub(crate) fn signature(key: &str, shingle: Shingle) -> [u64; PERMUTATIONS] {
    let mut hashes = Vec::with_capacity(key.len());
    for_each_shingle(key, shingle, |hash| hashes.push(hash));
    minima(&hashes)
}

/// The smallest value of every permutation over some hashes. Most of preprocessing is this: it is compiled
/// for the widest instructions that multiply 64-bit numbers, too, and gives the same on every processor.
#[multiversion::multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2"))]
fn minima(hashes: &[u64]) -> [u64; PERMUTATIONS] {
    let mut minima = [u64::MAX; PERMUTATIONS];
    for &hash in hashes {
        for (minimum, (multiplier, summand)) in minima.iter_mut().zip(&COEFFICIENTS) {
            *minimum = (*minimum).min(hash.wrapping_mul(*multiplier).wrapping_add(*summand));
        }
    }
    minima
}

/// The hash of each band of a signature.
pub(crate) fn bands(signature: &[u64; PERMUTATIONS]) -> [u64; BANDS] {
    let mut bands = [0; BANDS];
    for (band, minima) in bands.iter_mut().zip(signature.chunks_exact(ROWS)) {
        *band = minima
            .iter()
            .fold(0, |hash, &minimum| mix(hash ^ minimum).wrapping_add(ODD));
    }
    bands
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU32;

    #[test]
    fn share_of_equal_minima_estimates_jaccard() {
        // Words w0 w1 …: sets of single words whose overlap is known. The standard error of one estimate is
        // at most sqrt(0.25 / 128) = 0.044; the mean over 40 pairs must be within 0.02, about three of its
        // own.
        let shingle = Shingle::Words(NonZeroU32::MIN);
        let text = |from: usize, to: usize| {
            (from..to)
                .map(|word| format!("w{word}"))
                .collect::<Vec<_>>()
                .join(" ")
        };
        for shift in [10, 50, 100, 150] {
            let truth = (200 - shift) as f64 / (200 + shift) as f64;
            let mut sum = 0.0;
            for pair in 0..40 {
                let from = pair * 1000;
                let one = signature(&text(from, from + 200), shingle);
                let other = signature(&text(from + shift, from + shift + 200), shingle);
                let equal = one
                    .iter()
                    .zip(&other)
                    .filter(|(first, second)| first == second)
                    .count();
                let estimate = equal as f64 / PERMUTATIONS as f64;
                assert!(
                    (estimate - truth).abs() < 0.22,
                    "{estimate} for {truth}: five standard errors"
                );
                sum += estimate;
            }
            assert!(
                (sum / 40.0 - truth).abs() < 0.02,
                "mean {} for {truth}",
                sum / 40.0
            );
        }
    }
}
