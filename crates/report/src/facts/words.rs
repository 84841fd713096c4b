//! The words of the training texts: their document frequencies by class, and which of them tell the classes
//! apart.
//!
//! The texts are those that the model learned from, cleaned as it saw them; words are those of the TF-IDF
//! baseline, in lower case, without English stop words.

use std::collections::{BTreeMap, BTreeSet};

use labelproof_metrics::contrast::{Contrast, Occurrences, contrast};
use labelproof_text::cleaning::english_stop_words;
use labelproof_text::terms::words;

/// Different words that are counted at once. Beyond, those of a single text are forgotten: they tell no class
/// apart.
const MOST_WORDS: usize = 500_000;

/// A word of more characters is an address or a mistake of the source.
const LONGEST_WORD: usize = 24;

/// A word is common to all labels when this share of the texts of each has it.
const COMMON_SHARE: f64 = 0.05;

/// Beyond so many training texts, a sample of about as many is counted: it knows every word that matters.
const MOST_TEXTS: u64 = 100_000;

/// The words of the training texts.
#[derive(Debug)]
pub(crate) struct WordFacts {
    /// Training texts of each class, and of those the counted ones: of each class every so many-th.
    seen: Vec<u64>,
    texts: Vec<u64>,
    step: u64,
    /// The number of texts with each word, by class. Classes without the word are left out.
    counts: BTreeMap<String, Vec<(u32, u64)>>,
    stop_words: BTreeSet<String>,
}

/// A word that a class has more often than the others.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TypicalWord {
    pub(crate) word: String,
    pub(crate) inside: Occurrences,
    pub(crate) outside: Occurrences,
    pub(crate) contrast: Contrast,
}

impl TypicalWord {
    /// The contrast of a word, from the texts with the word and all texts, inside and outside the class;
    /// `None` where chance explains the difference.
    fn new(word: &str, inside: (u64, u64), outside: (u64, u64)) -> Option<Self> {
        let occurrences = |(with, texts)| Occurrences { with, texts };
        let (inside, outside) = (occurrences(inside), occurrences(outside));
        let contrast = contrast(inside, outside);
        (contrast.low > 0.0).then(|| Self {
            word: word.to_owned(),
            inside,
            outside,
            contrast,
        })
    }
}

fn texts_of(counts: &[(u32, u64)], class: usize) -> u64 {
    let found = counts.binary_search_by_key(&class, |(class, _)| *class as usize);
    found.map_or(0, |place| counts[place].1)
}

fn sorted(words: impl Iterator<Item = TypicalWord>) -> Vec<TypicalWord> {
    let mut words: Vec<TypicalWord> = words.collect();
    words.sort_by(|one, other| {
        let by_low = other.contrast.low.total_cmp(&one.contrast.low);
        by_low.then_with(|| one.word.cmp(&other.word))
    });
    words
}

impl WordFacts {
    /// Prepares to count the words of about so many texts, or of a sample where they are very many.
    pub(super) fn new(classes: usize, training_texts: u64) -> Self {
        Self {
            step: training_texts.div_ceil(MOST_TEXTS).max(1),
            seen: vec![0; classes],
            texts: vec![0; classes],
            counts: BTreeMap::new(),
            stop_words: english_stop_words().unwrap_or_default(),
        }
    }

    /// The number of classes.
    pub(crate) fn classes(&self) -> usize {
        self.texts.len()
    }

    /// The share of the training texts that was counted is one in so many.
    pub(crate) fn step(&self) -> u64 {
        self.step
    }

    /// Training texts of a class whose words were counted.
    pub(crate) fn texts(&self, class: usize) -> u64 {
        self.texts[class]
    }

    /// The words that the texts of a class have more often than those of all others, beyond chance; the
    /// surest first.
    pub(crate) fn typical(&self, class: usize) -> Vec<TypicalWord> {
        let inside = self.texts[class];
        let outside = self.texts.iter().sum::<u64>() - inside;
        let words = self.counts.iter().filter_map(|(word, counts)| {
            let with = texts_of(counts, class);
            let others = counts.iter().map(|(_, texts)| texts).sum::<u64>() - with;
            TypicalWord::new(word, (with, inside), (others, outside))
        });
        sorted(words)
    }

    /// The words that the texts of both classes have more often than those of all others, beyond chance;
    /// those first that are sure of both.
    pub(crate) fn shared(&self, one: usize, other: usize) -> Vec<TypicalWord> {
        let outside = self.texts.iter().sum::<u64>() - self.texts[one] - self.texts[other];
        let words = self.counts.iter().filter_map(|(word, counts)| {
            let others = counts.iter().map(|(_, texts)| texts).sum::<u64>()
                - texts_of(counts, one)
                - texts_of(counts, other);
            let of = |class: usize| {
                let inside = (texts_of(counts, class), self.texts[class]);
                TypicalWord::new(word, inside, (others, outside))
            };
            let (one, other) = (of(one)?, of(other)?);
            Some(if one.contrast.low < other.contrast.low {
                one
            } else {
                other
            })
        });
        sorted(words)
    }

    /// The words that the texts of every class have, with their smallest share of a class'
    /// texts; the most common first.
    pub(crate) fn common(&self) -> Vec<(String, f64)> {
        let mut common: Vec<(String, f64)> = self
            .counts
            .iter()
            .filter(|(_, counts)| counts.len() == self.classes())
            .map(|(word, counts)| {
                let shares = counts.iter().map(|&(class, with)| {
                    Occurrences {
                        with,
                        texts: self.texts[class as usize],
                    }
                    .share()
                });
                (word.clone(), shares.fold(1.0, f64::min))
            })
            .filter(|(_, share)| *share >= COMMON_SHARE)
            .collect();
        common.sort_by(|one, other| other.1.total_cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
        common
    }

    /// Counts the words of a training text, or leaves it out of the sample.
    pub(super) fn add(&mut self, class: u32, text: &str) {
        let place = &mut self.seen[class as usize];
        *place += 1;
        if (*place - 1).is_multiple_of(self.step) {
            self.count(class, text);
        }
    }

    fn count(&mut self, class: u32, text: &str) {
        self.texts[class as usize] += 1;
        let lower = text.to_lowercase();
        let distinct: BTreeSet<&str> = words(&lower)
            .filter(|word| {
                let characters = word.chars().count();
                (2..=LONGEST_WORD).contains(&characters)
                    && word.chars().any(char::is_alphabetic)
                    && !self.stop_words.contains(*word)
            })
            .collect();
        for word in distinct {
            if let Some(counts) = self.counts.get_mut(word) {
                match counts.binary_search_by_key(&class, |(class, _)| *class) {
                    Ok(place) => counts[place].1 += 1,
                    Err(place) => counts.insert(place, (class, 1)),
                }
            } else {
                self.counts.insert(word.to_owned(), vec![(class, 1)]);
            }
        }
        if self.counts.len() > MOST_WORDS {
            self.counts
                .retain(|_, counts| counts.iter().map(|(_, texts)| texts).sum::<u64>() > 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(texts: &[(u32, &str)]) -> WordFacts {
        let mut facts = WordFacts::new(3, 3);
        for (class, text) in texts {
            facts.add(*class, text);
        }
        facts
    }

    #[test]
    fn words_are_counted_once_a_text_and_the_surest_come_first() {
        let mut texts = Vec::new();
        for _ in 0..30 {
            texts.extend([
                (0, "Goal, GOAL, team: the year"),
                (1, "price of the year 2004"),
                (2, "team the film x"),
            ]);
        }
        let facts = facts(&texts);
        let words = |typical: Vec<TypicalWord>| -> Vec<String> {
            typical.into_iter().map(|typical| typical.word).collect()
        };
        assert_eq!(words(facts.typical(0)), ["goal", "team", "year"]);
        assert_eq!(facts.typical(0)[0].inside, Occurrences { with: 30, texts: 30 });
        assert_eq!(facts.typical(0)[1].outside, Occurrences { with: 30, texts: 60 });
        assert_eq!(words(facts.typical(2)), ["film", "team"]);
        assert_eq!(
            words(facts.shared(0, 2)),
            ["team"],
            "a word of one of two classes is not shared by them"
        );
    }

    #[test]
    fn of_very_many_texts_every_so_many_th_of_each_class_is_counted() {
        let mut facts = WordFacts::new(2, 2 * MOST_TEXTS);
        for row in 0..10 {
            facts.add(row % 2, "a goal");
        }
        assert_eq!((facts.step(), facts.texts(0), facts.texts(1)), (2, 3, 3));
        assert_eq!(facts.common(), [("goal".to_owned(), 1.0)]);
    }

    #[test]
    fn common_words_are_in_every_class_and_no_stop_words() {
        let facts = facts(&[
            (0, "the year said"),
            (0, "the year"),
            (1, "the year said"),
            (2, "the year said"),
        ]);
        assert_eq!(
            facts.common(),
            [("year".to_owned(), 1.0), ("said".to_owned(), 0.5)]
        );
    }
}
