//! Words that belong to the whole domain and to no class: candidates for a stop-word list of one's own.
//!
//! Whether removing them helps is another question, which check C51 puts to the test.

use crate::measures::vocabulary::{is_stop_word, log_odds_z, texts_with_word};

/// A word is in at least this share of the texts.
const LEAST_TEXTS: f64 = 0.05;
/// The evenness of its shares in the classes; 1 is perfectly even.
const LEAST_EVENNESS: f64 = 0.95;
/// No class has it more or less often than the others by as many standard errors.
const LARGEST_Z: f64 = 1.96;
/// More words than this are no list that anyone reads.
const MOST_WORDS: usize = 50;

/// A word of the whole domain.
#[derive(Debug, Clone, PartialEq)]
pub struct DomainWord {
    /// The word, in lower case.
    pub word: String,
    /// The share of the texts that hold it.
    pub texts: f64,
    /// How evenly the classes use it, from 0 (one class alone) to 1.
    pub evenness: f64,
    /// The largest difference between a class and the others, in standard errors.
    pub largest_z: f64,
}

/// The words that are in many texts and say nothing about the class, the most frequent first; at most 50.
///
/// Such a word is in at least 5 % of the texts; the entropy of the class given the word, over `ln K`, is at
/// least .95, with classes weighted alike so that a large class does not count as a preference; and no class
/// has it significantly more or less often than the others by the log-odds ratio with an informative
/// Dirichlet prior (Monroe, Colaresi and Quinn 2008), `|z| < 1.96`. Numbers, single letters and English stop
/// words are left out, the last because cleaning may have removed them anyway. Texts and labels are to be
/// those of the training split alone.
pub fn domain_words(texts: &[String], labels: &[u32], class_names: &[String]) -> Vec<DomainWord> {
    let classes = class_names.len();
    let class_rows: Vec<f64> = crate::measures::class_counts::class_counts(labels, classes)
        .iter()
        .map(|&rows| rows as f64)
        .collect();
    let filled = class_rows.iter().filter(|rows| **rows > 0.0).count();
    let rows: f64 = class_rows.iter().sum();
    if filled < 2 {
        return Vec::new();
    }
    let counts = texts_with_word(texts, labels, classes);
    let mut found: Vec<DomainWord> = counts
        .into_iter()
        .filter(|(word, counts)| {
            let with_word = counts.iter().sum::<u64>() as f64;
            with_word >= LEAST_TEXTS * rows && is_candidate(word)
        })
        .filter_map(|(word, counts)| {
            let with_word = counts.iter().sum::<u64>() as f64;
            let evenness = evenness(&counts, &class_rows, filled);
            let largest_z = counts
                .iter()
                .zip(&class_rows)
                .filter(|(_, all)| **all > 0.0)
                .map(|(&with, &all)| {
                    log_odds_z((with as f64, all), (with_word - with as f64, rows - all)).abs()
                })
                .fold(0.0, f64::max);
            (evenness >= LEAST_EVENNESS && largest_z < LARGEST_Z).then(|| DomainWord {
                word,
                texts: with_word / rows,
                evenness,
                largest_z,
            })
        })
        .collect();
    found.sort_by(|one, other| {
        other
            .texts
            .total_cmp(&one.texts)
            .then_with(|| one.word.cmp(&other.word))
    });
    found.truncate(MOST_WORDS);
    found
}

fn is_candidate(word: &str) -> bool {
    word.chars().nth(1).is_some() && !word.contains(char::is_numeric) && !is_stop_word(word)
}

/// The entropy of the classes' shares of texts with the word, over the largest one possible.
fn evenness(counts: &[u64], class_rows: &[f64], filled: usize) -> f64 {
    let shares: Vec<f64> = counts
        .iter()
        .zip(class_rows)
        .filter(|(_, rows)| **rows > 0.0)
        .map(|(&count, rows)| count as f64 / rows)
        .collect();
    let total: f64 = shares.iter().sum();
    let entropy: f64 = shares
        .iter()
        .map(|share| share / total)
        .filter(|share| *share > 0.0)
        .map(|share| -share * share.ln())
        .sum();
    entropy / (filled as f64).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_domain_are_told_from_words_of_a_class() {
        let texts: Vec<String> = (0..200)
            .map(|row| {
                let own = ["roads", "schools"][row % 2];
                let half = if row % 4 < 2 { "tender" } else { "notice" };
                format!("the Contract {half} 2024 x for {own} number{row}")
            })
            .collect();
        let labels: Vec<u32> = (0..200).map(|row| row % 2).collect();
        let found = domain_words(&texts, &labels, &[String::from("a"), String::from("b")]);
        let words: Vec<&str> = found.iter().map(|word| word.word.as_str()).collect();
        assert_eq!(words, ["contract", "notice", "tender"]);
        assert!((found[0].texts - 1.0).abs() < 1e-12);
        assert!((found[1].evenness - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_large_class_is_no_preference() {
        // The word is in half of the texts of both classes, of which one is nine times as large.
        let texts: Vec<String> = (0..1000)
            .map(|row| ["filler", "service"][row % 2].to_owned())
            .collect();
        let labels: Vec<u32> = (0..1000).map(|row| u32::from(row >= 900)).collect();
        let found = domain_words(&texts, &labels, &[String::from("a"), String::from("b")]);
        assert_eq!(found.len(), 2);
    }
}
