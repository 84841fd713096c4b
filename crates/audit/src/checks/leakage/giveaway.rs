//! # The label stands in the text
//!
//! A word, an id, an address or a signature in the text alone tells the label, because of how the data
//! were collected: a file name, a template, a feed's signature, or the label's own name.
//!
//! ## Why the figures look good
//! All splits have it, so training, validation and test agree at a high accuracy. New texts do not have
//! it.
//!
//! ## How it is tested
//! On at most 50,000 training texts, the audit looks for words that at least 20 texts of a class have
//! and that are right in at least 98 % of the texts that have them. Honest data have such words too
//! (`film` in news about films), so a word only counts if it looks like an artefact:
//!
//! ```text
//! in ≥ 90 % of the texts of its class, and in ≥ 5 % of all rows
//! it has digits, and is in ≥ 50 % of the texts of its class
//! the label's name, anywhere or in an address or path, in ≥ 95 % of the texts of its class
//! ```
//!
//! It is found if the classes that are given away hold at least 5 % of the rows: unsound from 50 % of
//! the rows on, a caution below, and a note if only names of labels, or words of such names, are found.
//! It is *likely* at most, because only people know how the texts were made, and *possible* for names.
//! Other words of one class are listed as evidence.
//!
//! ## What to do
//! Find out where the word comes from. If new texts will not have it, remove it from all texts and
//! train again: `stop_words.add` in a pipeline.
//!
//! ## Example
//! For the data of the test `a_signature_of_one_class_is_found`, the audit prints:
//!
//! ```text
//! 1. The label stands in the text (C46, caution, likely)
//!    The word `reuters` alone tells the label `trade`: it is in 100.0 % of its training texts, and
//!    100.0 % of the texts with it have this label. Such words give away the labels of 25.0 % of the
//!    rows, so the model may have learned to look for them and nothing else.
//!    What to do: Find out where the word comes from. If new texts will not have it (a file name, a
//!    template, an address, the label itself), remove it from all texts and train again.
//!    How to make sure: Add `reuters` to `stop_words.add`, train again, and compare the accuracy.
//! ```
//!
//! ## References
//! - Gururangan and others, 2018, *Annotation Artifacts in Natural Language Inference Data*.
//! - `flairNLP/flair#1094`: a data set whose texts give the label away.

use std::collections::BTreeSet;

use labelproof_artifact::Split;
use labelproof_text::terms::words;
use serde_json::{Value, json};

use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::answer::wording::{percent, rounded};
use crate::case::Case;
use crate::evidence::{Missing, Need};
use crate::measures::class_counts::class_counts;
use crate::measures::sampling::sample;
use crate::measures::vocabulary::{texts_with_word, word_set};

const PRECISION: f64 = 0.98;
const COVERAGE: f64 = 0.05;
/// Shares of its class's texts that hold the word.
const ARTEFACT_RECALL: f64 = 0.9;
const NO_WORD_RECALL: f64 = 0.5;
const NAME_RECALL: f64 = 0.95;
/// Fewer texts of a class than this make no rule.
const LEAST_TEXTS: u64 = 20;
/// Classes that hold this share of all rows: the figures are about the giveaway.
const MOST: f64 = 0.5;
/// More rows than this are not looked at: rules that cover 5 % show in a sample.
const LARGEST_SAMPLE: usize = 50_000;
/// How many rules are listed.
const LISTED: usize = 20;

/// A word that gives a class away.
struct Rule {
    word: String,
    class: usize,
    precision: f64,
    recall: f64,
    kind: &'static str,
}

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    let (texts, labels) = case.evidence.labelled_texts(Split::Train)?;
    let classes = case.evidence.classes().ok_or(Need::TrainTexts)?;
    let rows = sample(texts.len(), LARGEST_SAMPLE, case.evidence.seed);
    let texts: Vec<&str> = rows.iter().map(|&row| texts[row].as_str()).collect();
    let labels: Vec<u32> = rows.iter().map(|&row| labels[row]).collect();
    let class_rows = class_counts(&labels, classes);
    if class_rows.iter().filter(|rows| **rows >= LEAST_TEXTS).count() < 2 {
        return Err(Need::MoreRows.into());
    }
    let counts = texts_with_word(&texts, &labels, classes);
    let (mut rules, mut strong_words) = (Vec::new(), Vec::new());
    for (word, counts) in counts {
        let all: u64 = counts.iter().sum();
        let (class, &own) = counts
            .iter()
            .enumerate()
            .max_by_key(|(class, count)| (**count, std::cmp::Reverse(*class)))
            .unwrap_or((0, &0));
        let precision = own as f64 / all as f64;
        if precision < PRECISION || own < LEAST_TEXTS {
            continue;
        }
        let recall = own as f64 / class_rows[class] as f64;
        let of_many_rows = all as f64 >= COVERAGE * texts.len() as f64;
        let kind = if of_many_rows && recall >= ARTEFACT_RECALL {
            "in nearly all texts of the class"
        } else if recall >= NO_WORD_RECALL && word.contains(char::is_numeric) {
            "no word of a language"
        } else if !of_many_rows {
            continue;
        } else {
            strong_words.push((all, word));
            continue;
        };
        // Texts of a class have the words of its name by right: `refund` in questions about a refund.
        let named = case.evidence.dataset.labels.get(class);
        let is_name =
            named.is_some_and(|label| words(&label.replace('_', " ")).any(|own| own.to_lowercase() == word));
        rules.push(Rule {
            word,
            class,
            precision,
            recall,
            kind: if is_name { NAME } else { kind },
        });
    }
    rules.extend(names(case, &texts, &labels, &class_rows));
    rules.sort_by(|one, other| {
        let strength = |rule: &Rule| rule.precision * rule.recall;
        strength(other)
            .total_cmp(&strength(one))
            .then_with(|| one.word.cmp(&other.word))
    });
    strong_words.sort_by(|one, other| other.0.cmp(&one.0).then_with(|| one.1.cmp(&other.1)));
    strong_words.truncate(LISTED);
    let measured = Measured::new().with(
        "words_of_one_class",
        strong_words
            .into_iter()
            .map(|(_, word)| Value::from(word))
            .collect::<Value>(),
    );
    let given_away: BTreeSet<usize> = rules.iter().map(|rule| rule.class).collect();
    let share = given_away.iter().map(|class| class_rows[*class]).sum::<u64>() as f64 / texts.len() as f64;
    // In a set of many classes the name of one or another is in its texts by right: `timer` in requests for a
    // timer.
    if share < COVERAGE {
        return Ok(Answer::clear(
            "no single word gives the label of many rows away",
            measured,
        ));
    }
    let by_name_only = rules.iter().all(|rule| rule.kind == NAME);
    let severity = if share >= MOST {
        Severity::Unsound
    } else if !by_name_only {
        Severity::Caution
    } else {
        Severity::Note
    };
    let found = found(case, &rules, share, severity, measured);
    let confidence = if by_name_only {
        Confidence::Possible
    } else {
        Confidence::Likely
    };
    Ok(Diagnosis { confidence, ..found }.into())
}

const NAME: &str = "the name of the label";
const ADDRESS: &str = "the name of the label, in an address or a path";

/// Labels whose name is in nearly all of their own texts and hardly in others, be it anywhere or in an
/// address: a word that other texts use as well still gives the label away there.
fn names(case: &Case<'_>, texts: &[&str], labels: &[u32], class_rows: &[u64]) -> Vec<Rule> {
    let wanted: Vec<Vec<String>> = case
        .evidence
        .dataset
        .labels
        .iter()
        .map(|label| words(&label.replace('_', " ")).map(str::to_lowercase).collect())
        .collect();
    let anywhere = |text: &str| vec![word_set(text)];
    let in_addresses = |text: &str| -> Vec<BTreeSet<String>> {
        let is_address =
            |token: &&str| token.contains("://") || token.contains('@') || token.matches('/').count() > 1;
        text.split_whitespace().filter(is_address).map(word_set).collect()
    };
    let mut rules = named(&wanted, texts, labels, class_rows, NAME, &anywhere);
    rules.extend(named(&wanted, texts, labels, class_rows, ADDRESS, &in_addresses));
    rules
}

/// Labels whose name is in one of the places of nearly all their texts, and hardly of others.
fn named(
    wanted: &[Vec<String>],
    texts: &[&str],
    labels: &[u32],
    class_rows: &[u64],
    kind: &'static str,
    places: &dyn Fn(&str) -> Vec<BTreeSet<String>>,
) -> Vec<Rule> {
    let mut with_name = vec![(0_u64, 0_u64); wanted.len()];
    for (text, &label) in texts.iter().zip(labels) {
        let places = places(text);
        for (class, name) in wanted.iter().enumerate() {
            let is_there = |place: &BTreeSet<String>| name.iter().all(|word| place.contains(word));
            if !name.is_empty() && places.iter().any(is_there) {
                with_name[class].0 += u64::from(class == label as usize);
                with_name[class].1 += 1;
            }
        }
    }
    let rules = with_name.iter().enumerate().filter_map(|(class, &(own, all))| {
        let precision = own as f64 / all.max(1) as f64;
        let recall = own as f64 / (*class_rows.get(class)?).max(1) as f64;
        (own >= LEAST_TEXTS && precision >= PRECISION && recall >= NAME_RECALL).then(|| Rule {
            word: wanted[class].join(" "),
            class,
            precision,
            recall,
            kind,
        })
    });
    rules.collect()
}

fn found(case: &Case<'_>, rules: &[Rule], share: f64, severity: Severity, measured: Measured) -> Diagnosis {
    let name = |rule: &Rule| case.evidence.label(u32::try_from(rule.class).unwrap_or(u32::MAX));
    let first = &rules[0];
    let list: Value = rules
        .iter()
        .take(LISTED)
        .map(|rule| {
            json!({
                "word": rule.word,
                "label": name(rule),
                "precision": rounded(rule.precision),
                "share_of_its_texts": rounded(rule.recall),
                "because": rule.kind,
            })
        })
        .collect();
    Diagnosis {
        severity,
        confidence: Confidence::Likely,
        summary: format!(
            "The word `{}` alone tells the label `{}`: it is in {} of its training texts, and {} of the \
             texts with it have this label. Such words give away the labels of {} of the rows, so the model \
             may have learned to look for them and nothing else.",
            first.word,
            name(first),
            percent(first.recall),
            percent(first.precision),
            percent(share),
        ),
        effect: None,
        fix: String::from(
            "Find out where the word comes from. If new texts will not have it (a file name, a template, an \
             address, the label itself), remove it from all texts and train again.",
        ),
        confirm: format!(
            "Add `{}` to `stop_words.add`, train again, and compare the accuracy.",
            first.word
        ),
        measured: measured
            .statistic("share of rows given away", rounded(share))
            .with("rules", list),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::Cause;
    use crate::evidence::Evidence;
    use crate::testing::{ask, clear, evidence, example, found, part};

    fn texts(word: impl Fn(u32) -> &'static str) -> Evidence {
        let rows: Vec<(String, u32)> = (0..400)
            .map(|row| (format!("some words {} and number{row}", word(row)), row % 4))
            .collect();
        evidence(
            &["sport", "trade", "film", "music"],
            [part(&rows), part(&[("", 0); 0]), part(&[("", 0); 0])],
        )
    }

    #[test]
    fn a_signature_of_one_class_is_found() {
        let evidence = texts(|row| if row % 4 == 1 { "reuters" } else { "other" });
        let found = example(Cause::Giveaway, &evidence);
        assert_eq!(found.severity, Severity::Caution);
        assert_eq!(found.measured.evidence["rules"][0]["word"], "reuters");
        assert_eq!(found.measured.evidence["rules"][0]["label"], "trade");
        assert!((found.measured.statistic.unwrap().1 - 0.25).abs() < 1e-12);
    }

    #[test]
    fn names_of_all_labels_in_their_texts_are_unsound() {
        let evidence = texts(|row| ["Sport", "Trade", "Film", "Music"][row as usize % 4]);
        assert_eq!(found(ask(Cause::Giveaway, &evidence)).severity, Severity::Unsound);
    }

    #[test]
    fn an_honest_strong_word_is_listed_and_clear() {
        // `goal` is in three of five texts of one class and nowhere else.
        let evidence = texts(|row| {
            if row % 4 == 0 && row % 20 < 12 {
                "goal"
            } else {
                "other"
            }
        });
        let measured = clear(ask(Cause::Giveaway, &evidence));
        assert_eq!(measured.evidence["words_of_one_class"], json!(["goal"]));
    }

    /// Every class's name is in texts of the other, too, but in an address only in its own.
    #[test]
    fn a_label_in_an_address_is_found() {
        let name = |row: u32| ["film", "trade"][row as usize % 2];
        let rows: Vec<(String, u32)> = (0..400)
            .map(|row| {
                let text = format!(
                    "https://archive.org/{}/{row} on film and trade, part {}",
                    name(row),
                    row % 7
                );
                (text, row % 2)
            })
            .collect();
        let found = found(ask(
            Cause::Giveaway,
            &evidence(
                &["film", "trade"],
                [part(&rows), part(&[("", 0); 0]), part(&[("", 0); 0])],
            ),
        ));
        assert_eq!(found.severity, Severity::Unsound);
        assert_eq!(
            found.measured.evidence["rules"][0]["because"],
            "the name of the label, in an address or a path"
        );
    }
}
