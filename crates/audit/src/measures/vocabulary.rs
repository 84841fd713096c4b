//! Words of texts, counted by the class of the text.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use labelproof_text::cleaning::{Cleaner, Language, Step, StopWords};
use labelproof_text::terms::words;
use rayon::prelude::*;

/// The different words of a text, in lower case.
pub(crate) fn word_set(text: &str) -> BTreeSet<String> {
    words(text).map(str::to_lowercase).collect()
}

/// In how many texts of each class each word is: `[classes]` for each word. A word counts once a text,
/// because a word that one text repeats a hundred times says no more about the class.
pub(crate) fn texts_with_word<T: AsRef<str> + Sync>(
    texts: &[T],
    labels: &[u32],
    classes: usize,
) -> BTreeMap<String, Vec<u64>> {
    let sets: Vec<BTreeSet<String>> = texts.par_iter().map(|text| word_set(text.as_ref())).collect();
    let mut counts: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for (set, &label) in sets.into_iter().zip(labels) {
        for word in set {
            if let Some(count) = counts
                .entry(word)
                .or_insert_with(|| vec![0; classes])
                .get_mut(label as usize)
            {
                *count += 1;
            }
        }
    }
    counts
}

/// Whether a word is on the English list of stop words.
pub(crate) fn is_stop_word(word: &str) -> bool {
    static CLEANER: OnceLock<Option<Cleaner>> = OnceLock::new();
    let cleaner = CLEANER.get_or_init(|| {
        let list = StopWords {
            language: Language::English,
            add: Vec::new(),
            keep: Vec::new(),
        };
        Cleaner::new(&[Step::StopWords(list)]).ok()
    });
    cleaner
        .as_ref()
        .is_some_and(|cleaner| cleaner.clean(word).trim().is_empty())
}

/// How much more often a word is in one class than in another, in standard errors: the log-odds ratio with an
/// informative Dirichlet prior (Monroe, Colaresi and Quinn 2008, "Fightin' Words", equations 16, 20 and 22).
///
/// `counts` are `(with the word, all)` of one class and of the others; the prior is the word's share of both
/// together, with the weight of `PRIOR` counts.
pub(crate) fn log_odds_z(one: (f64, f64), other: (f64, f64)) -> f64 {
    const PRIOR: f64 = 100.0;
    let total = one.1 + other.1;
    let alpha = PRIOR * (one.0 + other.0) / total;
    if alpha <= 0.0 {
        return 0.0;
    }
    let log_odds = |(with, all): (f64, f64)| ((with + alpha) / (all + PRIOR - with - alpha)).ln();
    let variance = 1.0 / (one.0 + alpha) + 1.0 / (other.0 + alpha);
    (log_odds(one) - log_odds(other)) / variance.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_counted_once_a_text() {
        let counts = texts_with_word(&["A b a", "a", "c"], &[0, 1, 1], 2);
        assert_eq!(counts["a"], [1, 1]);
        assert_eq!(counts["b"], [1, 0]);
        assert_eq!(counts["c"], [0, 1]);
    }

    #[test]
    fn stop_words_are_those_that_cleaning_removes() {
        assert!(is_stop_word("the"));
        assert!(!is_stop_word("theatre"));
    }

    #[test]
    fn log_odds_are_those_of_the_formula() {
        // By hand: alpha = 100 * 60 / 300 = 20, ln(70/130) - ln(30/170)... of (50, 100) against (10, 200):
        // ln(70 / (200 - 70)) - ln(30 / (300 - 30)) = -0.6190 + 2.1972, variance 1/70 + 1/30.
        let z = log_odds_z((50.0, 100.0), (10.0, 200.0));
        let expected =
            ((70.0_f64 / 130.0).ln() - (30.0_f64 / 270.0).ln()) / (1.0_f64 / 70.0 + 1.0 / 30.0).sqrt();
        assert!((z - expected).abs() < 1e-12, "{z}");
        assert!(log_odds_z((10.0, 100.0), (20.0, 200.0)).abs() < 1e-12);
    }
}
