//! # Words that all classes share
//!
//! Frequent words of the whole domain, such as `contract` and `service` in public procurement, say
//! nothing about the class and drown the words that do.
//!
//! ## Why the figures look good
//! They usually do not: such words hit validation and test alike, and cannot make a gap. They are worth
//! a look where a model is worse than it could be.
//!
//! ## How it is tested
//! The list is made from training texts alone. A word is on it if it is no stop word, at least 5 % of
//! the texts have it, the classes use it evenly, and none uses it significantly more than the others.
//! Then the list is put to the proof: the cheap model is trained with and without these words, and
//! McNemar's exact test compares its hits on the *validation* rows:
//!
//! ```text
//! evenness = H(class | word) / ln K ≥ 0.95,  |z| < 1.96 for every class (log-odds, Dirichlet prior)
//! found:     the test is significant and validation gets better without the words
//! ```
//!
//! A gain of at least 2 points is a caution, less is a note. Test rows are not looked at. The pair of
//! classes that shares most of its 50 most frequent words is given as evidence.
//!
//! ## What to do
//! Add the words to `stop_words.add`, train again, and compare on validation.
//! `labelproof suggest stop-words` makes the list and the proof for a pipeline.
//!
//! ## Example
//! For the data of the test `words_that_drown_the_telling_one_are_found`, the audit prints:
//!
//! ```text
//! 1. Words that all classes share (C51, caution, likely, −33.5 points of accuracy)
//!    39 frequent words say nothing about the label (`fillerib`, `fillerkb`, `fillerya`, `fillerfb`,
//!    `fillerla`, `fillerra`, `fillerja`, `fillerwa`). Without them a simple classifier is right on
//!    87.0 % of the validation rows instead of 53.5 %.
//!    What to do: Add the words to `preprocess.clean`, in `stop_words.add`, and train again.
//!    How to make sure: Train with and without the words and compare the validation accuracy, not the
//!    test.
//! ```
//!
//! ## References
//! - Monroe, Colaresi and Quinn, 2008, *Fightin' Words: Lexical Feature Selection and Evaluation for
//!   Identifying the Content of Political Conflict*.
//! - McNemar, 1947, *Note on the Sampling Error of the Difference Between Correlated Proportions*.

use std::collections::{BTreeMap, BTreeSet};

use labelproof_artifact::Split;
use labelproof_artifact::wording::{counted, plural};
use labelproof_metrics::comparison::mcnemar;
use serde_json::{Value, json};

use crate::answer::effect::{self, Figure};
use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::answer::wording::rounded;
use crate::case::Case;
use crate::evidence::{Missing, Need};
use crate::measures::ablation::ablate;
use crate::measures::baseline::baseline_rows;
use crate::measures::domain_words::domain_words;
use crate::measures::sampling::sample;
use crate::measures::vocabulary::{is_stop_word, texts_with_word};

const MOST_FREQUENT: usize = 50;
/// A gain in points from which on it is more than a note.
const CAUTION: f64 = 0.02;

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    let (texts, labels) = case.evidence.labelled_texts(Split::Train)?;
    let (validation, _) = case.evidence.labelled_texts(Split::Validation)?;
    let classes = case.evidence.classes().ok_or(Need::TrainTexts)?;
    if case.evidence.dataset.labels.is_empty() || validation.is_empty() {
        return Err(Need::MoreRows.into());
    }
    let rows = sample(texts.len(), baseline_rows(classes), case.evidence.seed);
    let texts: Vec<String> = rows.iter().map(|&row| texts[row].clone()).collect();
    let labels: Vec<u32> = rows.iter().map(|&row| labels[row]).collect();
    let generic = domain_words(&texts, &labels, &case.evidence.dataset.labels);
    let list: Value = generic
        .iter()
        .map(|word| Value::from(word.word.as_str()))
        .collect();
    let mut measured = Measured::new().with("words", list);
    if let Some((one, other, jaccard)) = closest_classes(&texts, &labels, classes) {
        let name = |class: usize| case.evidence.label(u32::try_from(class).unwrap_or(u32::MAX));
        measured = measured.with(
            "most_alike_classes",
            json!({ "classes": [name(one), name(other)], "shared_frequent_words": rounded(jaccard) }),
        );
    }
    if generic.is_empty() {
        return Ok(Answer::clear(
            "no frequent word is used by all classes alike",
            measured,
        ));
    }
    let words: Vec<String> = generic.iter().map(|word| word.word.clone()).collect();
    let (with, without) = ablate(case.evidence, case.baseline()?, &words)?;
    let test = mcnemar(&with, &without).ok().ok_or(Need::MoreRows)?;
    let share = |hits: &[bool]| hits.iter().filter(|hit| **hit).count() as f64 / hits.len() as f64;
    let gain = share(&without) - share(&with);
    let measured = measured
        .statistic("gain in validation accuracy without the words", rounded(gain))
        .p_value(test.p_value)
        .with("accuracy_with", rounded(share(&with)))
        .with("accuracy_without", rounded(share(&without)));
    let first: Vec<String> = generic
        .iter()
        .take(8)
        .map(|word| format!("`{}`", word.word))
        .collect();
    let first = first.join(", ");
    let number = generic.len();
    if !(case.significant(test.p_value) && gain > 0.0) {
        return Ok(Answer::clear(
            format!(
                "{} used by all classes alike ({first}); removing them does not help: a simple classifier \
                 is right on {:.1} % of the validation rows with them and {:.1} % without",
                format_args!("{} {}", counted(number, "word"), plural(number, "is", "are")),
                share(&with) * 100.0,
                share(&without) * 100.0,
            ),
            measured,
        ));
    }
    Ok(Diagnosis {
        severity: if gain >= CAUTION {
            Severity::Caution
        } else {
            Severity::Note
        },
        confidence: Confidence::Likely,
        summary: format!(
            "{number} frequent words say nothing about the label ({first}). Without them a simple classifier \
             is right on {:.1} % of the validation rows instead of {:.1} %.",
            share(&without) * 100.0,
            share(&with) * 100.0,
        ),
        effect: Some(effect::of(Figure::EverySplit, -gain)),
        fix: String::from("Add the words to `preprocess.clean`, in `stop_words.add`, and train again."),
        confirm: String::from(
            "Train with and without the words and compare the validation accuracy, not the test.",
        ),
        measured,
    }
    .into())
}

/// The two classes whose most frequent words, without stop words, are most alike.
fn closest_classes(texts: &[String], labels: &[u32], classes: usize) -> Option<(usize, usize, f64)> {
    let counts: BTreeMap<String, Vec<u64>> = texts_with_word(texts, labels, classes)
        .into_iter()
        .filter(|(word, counts)| counts.iter().sum::<u64>() > 1 && !is_stop_word(word))
        .collect();
    let words: Vec<(&str, &Vec<u64>)> = counts
        .iter()
        .map(|(word, counts)| (word.as_str(), counts))
        .collect();
    let frequent: Vec<BTreeSet<&str>> = (0..classes)
        .map(|class| {
            let mut own: Vec<(u64, &str)> = words
                .iter()
                .filter(|(_, counts)| counts[class] > 0)
                .map(|(word, counts)| (counts[class], *word))
                .collect();
            own.sort_by(|one, other| other.0.cmp(&one.0).then(one.1.cmp(other.1)));
            own.into_iter()
                .take(MOST_FREQUENT)
                .map(|(_, word)| word)
                .collect()
        })
        .collect();
    let mut closest: Option<(usize, usize, f64)> = None;
    for one in 0..classes {
        for other in one + 1..classes {
            let shared = frequent[one].intersection(&frequent[other]).count();
            let all = frequent[one].len() + frequent[other].len() - shared;
            let jaccard = shared as f64 / all.max(1) as f64;
            if closest.is_none_or(|(.., best)| jaccard > best) {
                closest = Some((one, other, jaccard));
            }
        }
    }
    closest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::Cause;
    use crate::measures::sampling::shuffled;
    use crate::testing::{ask, clear, evidence, example, part};

    fn rows(all: usize, seed: u64) -> Vec<(String, u32)> {
        let draws = shuffled(all * 10, seed);
        draws
            .chunks(10)
            .enumerate()
            .map(|(row, draws)| {
                let generic = ["contract", "service", "notice"][draws[0] % 3];
                let own = [format!("road{}", draws[1] % 5), format!("school{}", draws[1] % 5)];
                (format!("{generic} {}", own[row % 2]), u32::from(row % 2 == 1))
            })
            .collect()
    }

    #[test]
    fn words_that_cost_nothing_are_listed_and_left_in() {
        let evidence = evidence(
            &["a", "b"],
            [part(&rows(400, 1)), part(&rows(100, 2)), part(&rows(0, 3))],
        );
        let measured = clear(ask(Cause::GenericWords, &evidence));
        let words = measured.evidence["words"].as_array().unwrap();
        assert!(
            words.contains(&Value::from("contract")) && !words.contains(&Value::from("road1")),
            "{words:?}"
        );
        assert!(measured.statistic.unwrap().1.abs() < 1e-12);
    }

    /// One telling word among many that tell nothing, of which few texts are not enough to learn that.
    fn drowned(all: usize, seed: u64) -> Vec<(String, u32)> {
        let draws = shuffled(all * 40, seed);
        draws
            .chunks(40)
            .enumerate()
            .map(|(row, draws)| {
                let noise: Vec<String> = (0..40_u8)
                    .filter(|at| draws[usize::from(*at)] % 2 == 0)
                    .map(|at| {
                        let word = format!(
                            "filler{}{} ",
                            char::from(b'a' + at % 26),
                            char::from(b'a' + at / 26)
                        );
                        word.repeat(1 + draws[usize::from(at)] % 61)
                    })
                    .collect();
                let own = format!("{}{}", ["road", "school"][row % 2], draws[1] % 20);
                (format!("{} {own}", noise.join(" ")), u32::from(row % 2 == 1))
            })
            .collect()
    }

    #[test]
    fn words_that_drown_the_telling_one_are_found() {
        let evidence = evidence(
            &["a", "b"],
            [
                part(&drowned(80, 1)),
                part(&drowned(600, 2)),
                part(&drowned(0, 3)),
            ],
        );
        let found = example(Cause::GenericWords, &evidence);
        assert!(found.effect.unwrap().points < -2.0);
        assert_eq!(found.severity, Severity::Caution);
    }

    #[test]
    fn classes_that_share_words_are_named() {
        let texts: Vec<String> = [
            "one two",
            "one two",
            "one three",
            "one three",
            "four five",
            "four five",
        ]
        .map(String::from)
        .to_vec();
        let (one, other, jaccard) = closest_classes(&texts, &[0, 0, 1, 1, 2, 2], 3).unwrap();
        assert_eq!((one, other), (0, 1));
        assert!((jaccard - 1.0 / 3.0).abs() < 1e-12);
    }
}
