//! # Test texts in other languages or of unknown words
//!
//! Test texts are in languages that training hardly had, or are full of words that it never had.
//!
//! ## Why the figures look good
//! Validation has the languages of training. A multilingual encoder gives an answer for every language,
//! and a monolingual one for every string.
//!
//! ## How it is tested
//! The audit guesses the language of at most 20,000 texts of two splits (training and test; without one of
//! them, validation takes its place) by their script, and for the Latin script by the most frequent
//! function words of seven languages, or else by the trigrams of the text; at least 50 decided texts are
//! needed. The share of unknown words is taken against four fifths of the texts of the first split, and
//! compared between the second split and the last fifth:
//!
//! ```text
//! distance = (1/2) Σ |share of a language in training - share in test|,  chi-squared test
//! t = (u_test - u_train) / sqrt(s²_test/n + s²_train/m)                  mean share of unknown words
//! found:  one of them is significant (corrected p < 0.01) and at least 0.05
//! ```
//!
//! It is unsound if one of them is at least 0.30 and the split is worse beyond chance, a caution
//! from 0.15 on, and a note below; always likely. Texts whose language is undecided are left out. Damaged
//! texts (C37) take precedence.
//!
//! ## What to do
//! If the model is meant for such texts, train on some of them, with an encoder for these languages. If
//! not, take them out before you test. Give the accuracy for each language apart.
//!
//! ## Example
//! For the data of the test `german_texts_in_an_english_test_are_found`, the audit prints:
//!
//! ```text
//! 1. Test texts in other languages or of unknown words (C55, caution, likely)
//!    34.0 % of the test texts are in German (in training: 0.0 %). Of the words of a test text 30.2 %
//!    were never seen in training; for new texts of the training kind it would be 0.0 %. A model is
//!    worse on what it has not seen.
//!    What to do: If the model is meant for such texts, train on some of them, with an encoder for
//!    these languages; if not, take them out before you test.
//!    How to make sure: Give the test accuracy for each language apart.
//! ```
//!
//! ## References
//! - Welch, 1947, *The Generalization of "Student's" Problem when Several Different Population
//!   Variances are Involved*.

use std::collections::BTreeSet;

use labelproof_artifact::Split;
use labelproof_metrics::comparison::two_sided_normal;
use labelproof_metrics::statistics::chi_squared_independence;
use labelproof_text::terms::words;
use serde_json::{Map, Value};

use crate::answer::effect::Effect;
use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::answer::wording::{percent, rounded, split_name};
use crate::case::Case;
use crate::case::suspect::suspect;
use crate::cause::Cause;
use crate::evidence::{Missing, Need};
use crate::measures::class_counts::distance_of_shares;
use crate::measures::sampling::{sample, shuffled};

const MATERIAL: f64 = 0.05;
const LARGE: f64 = 0.15;
/// The distance of the languages from which on they are what makes a split worse.
const MOST: f64 = 0.3;
const LARGEST_SAMPLE: usize = 20_000;
const LEAST_ROWS: usize = 50;

/// The most frequent function words that the other languages do not have.
const FUNCTION_WORDS: [(&str, &[&str]); 7] = [
    (
        "English",
        &[
            "the", "of", "and", "to", "is", "that", "for", "with", "was", "you", "are", "this",
        ],
    ),
    (
        "German",
        &[
            "der", "und", "das", "ist", "nicht", "mit", "ein", "eine", "auf", "für", "sich", "den",
        ],
    ),
    (
        "French",
        &[
            "le", "les", "et", "est", "une", "dans", "qui", "pour", "pas", "sur", "au", "avec",
        ],
    ),
    (
        "Spanish",
        &[
            "el", "los", "y", "las", "una", "por", "con", "para", "del", "se", "lo", "más",
        ],
    ),
    (
        "Italian",
        &[
            "il", "di", "che", "è", "della", "per", "non", "sono", "gli", "alla", "nel", "questo",
        ],
    ),
    (
        "Portuguese",
        &[
            "o", "os", "uma", "não", "em", "do", "da", "ao", "dos", "mais", "foi", "pelo",
        ],
    ),
    (
        "Dutch",
        &[
            "het", "een", "van", "en", "niet", "zijn", "op", "aan", "voor", "met", "ook", "dat",
        ],
    ),
];

/// Scripts by the ranges of their letters.
const SCRIPTS: [(&str, &[(char, char)]); 9] = [
    ("Cyrillic", &[('\u{400}', '\u{52f}')]),
    ("Greek", &[('\u{370}', '\u{3ff}')]),
    ("Arabic", &[('\u{600}', '\u{6ff}'), ('\u{750}', '\u{77f}')]),
    ("Hebrew", &[('\u{590}', '\u{5ff}')]),
    ("Indic", &[('\u{900}', '\u{d7f}')]),
    ("Thai", &[('\u{e00}', '\u{e7f}')]),
    ("Japanese", &[('\u{3040}', '\u{30ff}')]),
    ("Korean", &[('\u{1100}', '\u{11ff}'), ('\u{ac00}', '\u{d7af}')]),
    ("Chinese", &[('\u{3400}', '\u{4dbf}'), ('\u{4e00}', '\u{9fff}')]),
];

/// Languages in Latin script that only their trigrams tell.
const BY_TRIGRAMS: [&str; 14] = [
    "Turkish",
    "Polish",
    "Swedish",
    "Danish",
    "Bokmal",
    "Finnish",
    "Hungarian",
    "Czech",
    "Slovak",
    "Romanian",
    "Croatian",
    "Vietnamese",
    "Indonesian",
    "Catalan",
];

const OTHER: &str = "Latin or other, undecided";

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    let (first, second) = compared(case)?;
    let draw = |split| -> Result<Vec<&str>, Missing> {
        let texts = case.evidence.texts(split)?;
        let rows = sample(texts.len(), LARGEST_SAMPLE, case.evidence.seed);
        Ok(rows.into_iter().map(|row| texts[row].as_str()).collect())
    };
    let (train, test) = (draw(first)?, draw(second)?);
    if train.len() < LEAST_ROWS || test.len() < LEAST_ROWS {
        return Err(Need::MoreRows.into());
    }
    let (known, name) = (split_name(first), split_name(second));
    if case.finds(Cause::WrongColumn) {
        let summary = format!("another check says in what the {name} texts differ from the {known} texts");
        return Ok(Answer::clear(summary, Measured::new()));
    }
    let names: Vec<&str> = FUNCTION_WORDS
        .iter()
        .map(|(name, _)| *name)
        .chain(SCRIPTS.iter().map(|(name, _)| *name))
        .chain(BY_TRIGRAMS)
        .chain([OTHER])
        .collect();
    let [in_train, in_test] = [&train, &test].map(|texts| {
        let mut counts = vec![0_u64; names.len()];
        for text in texts {
            counts[language(text)] += 1;
        }
        counts
    });
    // Undecided texts are short, not foreign: they are left out of the comparison.
    let decided = names.len() - 1;
    let distance = distance_of_shares(&in_train[..decided], &in_test[..decided]);
    let enough = |counts: &[u64]| counts[..decided].iter().sum::<u64>() >= LEAST_ROWS as u64;
    let languages = chi_squared_independence(&[in_train[..decided].to_vec(), in_test[..decided].to_vec()])
        .filter(|_| enough(&in_train) && enough(&in_test));
    let shares = |counts: &[u64]| -> Value {
        let all = counts.iter().sum::<u64>().max(1) as f64;
        let used = names.iter().zip(counts).filter(|(_, count)| **count > 0);
        used.map(|(name, &count)| ((*name).to_owned(), Value::from(rounded(count as f64 / all))))
            .collect::<Map<String, Value>>()
            .into()
    };
    let unknown = unknown_words(&train, &test, case.evidence.seed);
    let measured = Measured::new()
        .statistic(
            "share of unknown words in test above training",
            rounded(unknown.in_test - unknown.in_train),
        )
        .p_value(unknown.p_value)
        .with("unknown_words_in_test", rounded(unknown.in_test))
        .with("unknown_words_in_new_training_texts", rounded(unknown.in_train))
        .with("languages_in_training", shares(&in_train))
        .with("languages_in_test", shares(&in_test))
        .with("language_distance", rounded(distance))
        .with("language_p_value", languages.map(|test| test.p_value))
        .with("split", second.name());
    let other_language = languages.is_some_and(|test| case.significant(test.p_value)) && distance >= MATERIAL;
    let measured = measured.with("other_language", other_language);
    let difference = unknown.in_test - unknown.in_train;
    let other_words = case.significant(unknown.p_value) && difference >= MATERIAL;
    if !other_language && !other_words {
        return Ok(Answer::clear(
            format!("{name} texts are in the languages of the {known} texts and have no more unknown words"),
            measured,
        ));
    }
    let mut summary = String::new();
    if other_language {
        let gain =
            |at: &usize| in_test[*at] as f64 / test.len() as f64 - in_train[*at] as f64 / train.len() as f64;
        let most = (0..decided)
            .max_by(|one, other| gain(one).total_cmp(&gain(other)))
            .unwrap_or(0);
        summary.push_str(&format!(
            "{} of the {name} texts are in {} (in {known}: {}). ",
            percent(in_test[most] as f64 / test.len() as f64),
            names[most],
            percent(in_train[most] as f64 / train.len() as f64),
        ));
    }
    if other_words {
        summary.push_str(&unknown.in_words(name, known));
    }
    summary.push_str("A model is worse on what it has not seen.");
    let is_most = other_language && distance >= MOST || other_words && difference >= MOST;
    let effect = cost(case, second).filter(|_| is_most);
    Ok(Diagnosis {
        severity: severity(effect.as_ref(), distance.max(difference)),
        confidence: Confidence::Likely,
        summary,
        effect,
        fix: String::from(
            "If the model is meant for such texts, train on some of them, with an encoder for these \
             languages; if not, take them out before you test.",
        ),
        confirm: String::from("Give the test accuracy for each language apart."),
        measured,
    }
    .into())
}

/// How bad it is that texts are so far apart.
fn severity(effect: Option<&Effect>, apart: f64) -> Severity {
    match effect {
        Some(_) => Severity::Unsound,
        None if apart >= LARGE => Severity::Caution,
        None => Severity::Note,
    }
}

/// What a split lacks that is worse than the other beyond chance.
fn cost(case: &Case<'_>, split: Split) -> Option<Effect> {
    let suspect = suspect(case)
        .ok()
        .filter(|suspect| suspect.below && suspect.split == split)?;
    suspect.effect()
}

/// The two splits whose texts are compared: training and test, or validation for the one that has none.
fn compared(case: &Case<'_>) -> Result<(Split, Split), Missing> {
    let has = |split| case.evidence.texts(split).is_ok();
    [
        (Split::Train, Split::Test),
        (Split::Validation, Split::Test),
        (Split::Train, Split::Validation),
    ]
    .into_iter()
    .find(|(first, second)| has(*first) && has(*second))
    .ok_or_else(|| Missing(vec![Need::TrainTexts, Need::TestTexts]))
}

/// The number of a text's language in the list of function words and scripts; the last for undecided ones.
fn language(text: &str) -> usize {
    let mut letters = [0_usize; SCRIPTS.len()];
    let mut all = 0_usize;
    for character in text.chars().filter(|character| character.is_alphabetic()) {
        all += 1;
        let of = |ranges: &[(char, char)]| {
            ranges
                .iter()
                .any(|&(low, high)| (low..=high).contains(&character))
        };
        if character > '\u{36f}'
            && let Some(script) = SCRIPTS.iter().position(|(_, ranges)| of(ranges))
        {
            letters[script] += 1;
        }
    }
    let foreign: usize = letters.iter().sum();
    if foreign * 2 > all {
        // Japanese is written with Chinese characters too, so that a few of its own decide.
        let japanese = SCRIPTS
            .iter()
            .position(|(name, _)| *name == "Japanese")
            .unwrap_or(0);
        let script = if letters[japanese] * 10 > foreign {
            japanese
        } else {
            (0..letters.len())
                .max_by_key(|at| (letters[*at], std::cmp::Reverse(*at)))
                .unwrap_or(0)
        };
        return FUNCTION_WORDS.len() + script;
    }
    let (mut hits, mut count) = ([0_usize; FUNCTION_WORDS.len()], 0_usize);
    for word in words(text) {
        count += 1;
        let word = word.to_lowercase();
        for (hits, (_, list)) in hits.iter_mut().zip(FUNCTION_WORDS) {
            *hits += usize::from(list.contains(&word.as_str()));
        }
    }
    let best = (0..hits.len())
        .max_by_key(|at| (hits[*at], std::cmp::Reverse(*at)))
        .unwrap_or(0);
    let second = (0..hits.len())
        .filter(|at| *at != best)
        .map(|at| hits[at])
        .max()
        .unwrap_or(0);
    if hits[best] >= 2 && hits[best] * 12 >= count && hits[best] > second {
        return best;
    }
    let scripts = FUNCTION_WORDS.len() + SCRIPTS.len();
    let by_trigrams = labelproof_text::language::language(text)
        .and_then(|name| BY_TRIGRAMS.iter().position(|known| *known == name));
    scripts + by_trigrams.unwrap_or(BY_TRIGRAMS.len())
}

struct Unknown {
    in_test: f64,
    in_train: f64,
    p_value: f64,
}

impl Unknown {
    fn in_words(&self, name: &str, known: &str) -> String {
        format!(
            "Of the words of a {name} text {} were never seen in {known}; for new texts of the {known} kind \
             it would be {}. ",
            percent(self.in_test),
            percent(self.in_train),
        )
    }
}

/// The mean share of unknown words in a text, in test and in training texts that were left out of the
/// vocabulary.
fn unknown_words(train: &[&str], test: &[&str], seed: u64) -> Unknown {
    let order = shuffled(train.len(), seed);
    let (left_out, known) = order.split_at(train.len() / 5);
    let vocabulary: BTreeSet<String> = known
        .iter()
        .flat_map(|&row| words(train[row]))
        .map(str::to_lowercase)
        .collect();
    let share = |text: &str| -> Option<f64> {
        let (mut unknown, mut all) = (0_usize, 0_usize);
        for word in words(text) {
            all += 1;
            unknown += usize::from(!vocabulary.contains(&word.to_lowercase()));
        }
        (all > 0).then(|| unknown as f64 / all as f64)
    };
    let of_train: Vec<f64> = left_out.iter().filter_map(|&row| share(train[row])).collect();
    let of_test: Vec<f64> = test.iter().filter_map(|text| share(text)).collect();
    let moments = |values: &[f64]| {
        let rows = values.len().max(2) as f64;
        let mean = values.iter().sum::<f64>() / rows;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (rows - 1.0);
        (mean, variance / rows)
    };
    let ((in_train, train_error), (in_test, test_error)) = (moments(&of_train), moments(&of_test));
    let error = (train_error + test_error).sqrt();
    Unknown {
        in_test,
        in_train,
        p_value: if error > 0.0 {
            two_sided_normal((in_test - in_train) / error)
        } else if in_test > in_train {
            0.0
        } else {
            1.0
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{ask, clear, evidence, example, part};

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let at = language(text);
        let name = FUNCTION_WORDS.get(at).map(|(name, _)| *name);
        let script = at
            .checked_sub(FUNCTION_WORDS.len())
            .and_then(|at| SCRIPTS.get(at))
            .map(|(name, _)| *name);
        let by_trigrams = at
            .checked_sub(FUNCTION_WORDS.len() + SCRIPTS.len())
            .and_then(|at| BY_TRIGRAMS.get(at).copied());
        assert_eq!(
            name.or(script).or(by_trigrams).unwrap_or(OTHER),
            expected,
            "{text}"
        );
    }

    #[test]
    fn languages_are_guessed() {
        check(
            "The prime minister said that the budget is not for this year",
            "English",
        );
        check("Der Minister sagte, das Geld ist nicht für dieses Jahr", "German");
        check("Le ministre est dans la ville pour une visite", "French");
        check("El ministro dijo que los fondos son para las escuelas", "Spanish");
        check("Министр сказал, что бюджета не будет", "Cyrillic");
        check("日本の首相は予算について述べた", "Japanese");
        check("总理谈到了今年的预算", "Chinese");
        check(
            "Türkiye'nin en büyük şehri olan İstanbul'da dün akşam yapılan toplantıda yeni okulların açılması için gereken \
             bütçenin önümüzdeki yıl içinde artırılacağı söylendi. Öğretmenler bu kararı çok beğendi.",
            "Turkish",
        );
        check("Wimbledon 2004", OTHER);
    }

    #[test]
    fn german_texts_in_an_english_test_are_found() {
        let english = |row: u32| {
            (
                format!("the price of the house is {row} and it was sold"),
                row % 2,
            )
        };
        let german = |row: u32| {
            (
                format!("der Preis ist {row} und das Haus nicht verkauft"),
                row % 2,
            )
        };
        let train: Vec<_> = (0..200).map(|row| english(row % 20)).collect();
        let test: Vec<_> = (0..100)
            .map(|row| {
                if row % 3 == 0 {
                    german(row % 20)
                } else {
                    english(row % 20)
                }
            })
            .collect();
        let evidence = evidence(&["a", "b"], [part(&train), part(&train[..1]), part(&test)]);
        let found = example(Cause::Languages, &evidence);
        assert_eq!(found.severity, Severity::Caution);
        assert_eq!(found.measured.evidence["languages_in_test"]["German"], 0.34);
        assert!(found.measured.evidence["unknown_words_in_test"].as_f64().unwrap() > 0.2);
    }

    #[test]
    fn the_same_language_is_clear() {
        let text = |row: u32| {
            (
                format!("the price of house {} is {} and it was sold", row % 30, row % 20),
                row % 2,
            )
        };
        let train: Vec<_> = (0..200).map(text).collect();
        let test: Vec<_> = (200..300).map(text).collect();
        clear(ask(
            Cause::Languages,
            &evidence(&["a", "b"], [part(&train), part(&train[..1]), part(&test)]),
        ));
    }
}
