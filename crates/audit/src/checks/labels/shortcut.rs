//! # Length or source alone tells the label
//!
//! The number of words, the source, or a mark that all texts of some classes have tells the label. The
//! model need not have read the text.
//!
//! ## Why the figures look good
//! The shortcut is in all splits, because it is in how the data were collected. It breaks as soon as a
//! short text of a class of long ones comes along.
//!
//! ## How it is tested
//! A classifier that knows only one such thing answers the most frequent class of the training rows
//! with the same value, and is compared on the test rows with always guessing the largest class
//! (McNemar's exact test) and with the model, or with the cheap model where no predictions are given:
//!
//! ```text
//! length   floor(2 log2(1 + words))
//! source   the group of the row
//! mark     a word in ≥ 90 % of the texts of two or more classes and in ≤ 5 % of those of every other
//! found:   significant, and better than the guess by min(10 points, the accuracy of the guess)
//! ```
//!
//! It is a caution if the shortcut has at least 60 % of what the model gains over the guess, and a note
//! without points otherwise: the model may know the rest, and the shortcut's part too, from the texts.
//! C46 finds a word of one class alone. Sources that a split by source would keep apart are left to C42
//! where it finds them on both sides: they tell the label of a test row for no other reason.
//!
//! ## What to do
//! Collect rows of each class that do not differ in this way, or test on rows in which the two do not
//! go together.
//!
//! ## Example
//! For the data of the test `a_label_that_the_length_tells_is_found`, the audit prints:
//!
//! ```text
//! 1. Length or source alone tells the label (C54, caution, likely, +50.0 points of accuracy)
//!    Knowing only how long a text is, one is right on 100.0 % of the test rows; the model is right on
//!    90.0 %, always guessing the largest class on 50.0 %. The model may have learned how long a text
//!    is instead of what it is about.
//!    What to do: Collect rows of each class that do not differ in length, or test on rows in which the
//!    two do not go together.
//!    How to make sure: Look at the accuracy among rows of the same length (`accuracy_by_length` for
//!    lengths).
//! ```
//!
//! ## References
//! - Poliak and others, 2018, *Hypothesis Only Baselines in Natural Language Inference*.
//! - Geirhos and others, 2020, *Shortcut Learning in Deep Neural Networks*.
//! - `explosion/spaCy#2746`: a classifier that goes by currencies and numbers.

use std::collections::BTreeMap;

use labelproof_artifact::Split;
use labelproof_metrics::comparison::mcnemar;
use labelproof_text::terms::words;
use rayon::prelude::*;
use serde_json::{Value, json};

use crate::answer::effect::{self, Figure};
use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::answer::wording::{percent, rounded};
use crate::case::Case;
use crate::cause::Cause;
use crate::evidence::{Missing, Need, Part};
use crate::measures::class_counts::class_counts;
use crate::measures::vocabulary::texts_with_word;

const LEAST_GAIN: f64 = 0.1;
const SHARE_OF_GAIN: f64 = 0.6;
/// Rows of a value from which on its own counts decide.
const LEAST_ROWS: u64 = 5;
/// The share of a class's texts from which on a mark is the class's, and up to which it is not.
const MARKED: f64 = 0.9;
const UNMARKED: f64 = 0.05;
/// Texts of a class from which on its share counts.
const LEAST_TEXTS: u64 = 10;
/// Slices of equal size by which the accuracy is listed.
const SLICES: usize = 5;

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    let (train, test) = (part_of(case, Split::Train)?, part_of(case, Split::Test)?);
    let (Some(train_labels), Some(truth)) = (&train.truth, &test.truth) else {
        return Err(Need::TestPredictions.into());
    };
    let classes = case.evidence.classes().ok_or(Need::TrainTexts)?;
    let cues = cues(case, train, test, train_labels, classes);
    if cues.is_empty() {
        return Err(Missing(vec![Need::TrainTexts, Need::TestTexts]));
    }
    let model: Vec<bool> = match case.predicted(Split::Test) {
        Ok(predicted) => predicted.hits().collect(),
        Err(_) => case
            .baseline()?
            .hits(case.evidence, Split::Test)
            .ok_or(Need::TestPredictions)?,
    };
    let guess = largest(&class_counts(train_labels, classes));
    let guessed: Vec<bool> = truth.iter().map(|&label| label as usize == guess).collect();
    let accuracy = |hits: &[bool]| hits.iter().filter(|hit| **hit).count() as f64 / hits.len().max(1) as f64;
    let (model_accuracy, guess_accuracy) = (accuracy(&model), accuracy(&guessed));
    let mut measured = Measured::new()
        .with("accuracy_of_the_model", rounded(model_accuracy))
        .with("accuracy_of_the_largest_class", rounded(guess_accuracy));
    if let Some(texts) = &test.texts {
        measured = measured.with("accuracy_by_length", slices(texts, &model));
    }
    let mut worst: Option<(&Cue, f64, f64)> = None;
    for cue in &cues {
        let hits = cue_hits(cue, train_labels, truth, classes, guess);
        let test = mcnemar(&hits, &guessed).ok().ok_or(Need::MoreRows)?;
        let cue_accuracy = accuracy(&hits);
        measured = measured.with(cue.key, rounded(cue_accuracy));
        let gain = cue_accuracy - guess_accuracy;
        if case.significant(test.p_value)
            && gain >= LEAST_GAIN.min(guess_accuracy)
            && worst.is_none_or(|(_, best, _)| cue_accuracy > best)
        {
            worst = Some((cue, cue_accuracy, test.p_value));
        }
    }
    let Some((cue, cue_accuracy, p_value)) = worst else {
        return Ok(Answer::clear(
            "neither the length nor the source of a text comes near the model",
            measured,
        ));
    };
    let reason = &cue.knowledge;
    // A model that is worse than guessing has learned neither.
    let model_gain = model_accuracy - guess_accuracy;
    let suffices = model_gain > 0.0 && cue_accuracy - guess_accuracy >= SHARE_OF_GAIN * model_gain;
    let conclusion = if suffices {
        format!("The model may have learned {reason} instead of what it is about.")
    } else {
        format!("The model can use {reason}, and will be worse on texts where it does not tell.")
    };
    Ok(Diagnosis {
        severity: if suffices {
            Severity::Caution
        } else {
            Severity::Note
        },
        confidence: Confidence::Likely,
        summary: format!(
            "Knowing only {reason}, one is right on {} of the test rows; the model is right on {}, always \
             guessing the largest class on {}. {conclusion}",
            percent(cue_accuracy),
            percent(model_accuracy),
            percent(guess_accuracy),
        ),
        // What the model could have learned otherwise as well is not missing from any figure.
        effect: suffices.then(|| effect::of(Figure::EverySplit, cue_accuracy - guess_accuracy)),
        fix: format!(
            "Collect rows of each class that do not differ in {}, or test on rows in which the two do not go \
             together.",
            cue.name
        ),
        confirm: format!(
            "Look at the accuracy among rows of the same {} (`accuracy_by_length` for lengths).",
            cue.name
        ),
        measured: measured
            .statistic("accuracy of the shortcut", rounded(cue_accuracy))
            .p_value(p_value),
    }
    .into())
}

fn part_of<'a>(case: &Case<'a>, split: Split) -> Result<&'a Part, Missing> {
    let need = if split == Split::Train {
        Need::TrainTexts
    } else {
        Need::TestTexts
    };
    case.evidence
        .part(split)
        .filter(|part| part.rows > 0)
        .ok_or_else(|| need.into())
}

/// Something that can be known of a text without reading it.
struct Cue {
    /// What it is, for advice.
    name: String,
    /// What one knows who knows it.
    knowledge: String,
    /// What its accuracy is called in the evidence.
    key: &'static str,
    train: Vec<String>,
    test: Vec<String>,
}

fn cues(case: &Case<'_>, train: &Part, test: &Part, train_labels: &[u32], classes: usize) -> Vec<Cue> {
    let mut cues = Vec::new();
    if let (Some(train), Some(test)) = (&train.texts, &test.texts) {
        cues.push(Cue {
            name: "length".to_owned(),
            knowledge: "how long a text is".to_owned(),
            key: "accuracy_of_length_alone",
            train: lengths(train),
            test: lengths(test),
        });
        if let Some(mark) = mark(train, train_labels, classes) {
            let marked = |texts: &[String]| -> Vec<String> {
                let has_mark = |text: &String| words(text).any(|word| word.to_lowercase() == mark);
                texts.par_iter().map(|text| has_mark(text).to_string()).collect()
            };
            cues.push(Cue {
                name: format!("whether they have `{mark}`"),
                knowledge: format!(
                    "whether a text has the word `{mark}`, as all texts of some classes do and none of the \
                     others"
                ),
                key: "accuracy_of_a_mark_alone",
                train: marked(train),
                test: marked(test),
            });
        }
    }
    // Many small sources tell the label of a test row only where they have training rows too; the split mends it.
    if let (Some(train), Some(test)) = (&train.groups, &test.groups)
        && !case.finds_at_least(Cause::SharedGroups, Severity::Caution)
    {
        cues.push(Cue {
            name: "source".to_owned(),
            knowledge: "where a text comes from".to_owned(),
            key: "accuracy_of_source_alone",
            train: train.clone(),
            test: test.clone(),
        });
    }
    cues
}

/// A word that nearly all texts of several classes have and hardly one of the others; of several such words
/// the one that most texts have, and of these the first.
fn mark(texts: &[String], labels: &[u32], classes: usize) -> Option<String> {
    let rows = class_counts(labels, classes);
    let judged = |class: usize| rows[class] >= LEAST_TEXTS;
    let mut best: Option<(u64, String)> = None;
    for (word, counts) in texts_with_word(texts, labels, classes) {
        let share = |class: usize| counts[class] as f64 / rows[class] as f64;
        let inside = (0..classes)
            .filter(|&class| judged(class) && share(class) >= MARKED)
            .count();
        let outside = (0..classes)
            .filter(|&class| judged(class) && share(class) <= UNMARKED)
            .count();
        let all = (0..classes).filter(|&class| judged(class)).count();
        let total: u64 = counts.iter().sum();
        if inside >= 2
            && outside >= 1
            && inside + outside == all
            && best.as_ref().is_none_or(|best| total > best.0)
        {
            best = Some((total, word));
        }
    }
    best.map(|(_, word)| word)
}

/// Twice the binary logarithm of the number of words, rounded down.
fn lengths(texts: &[String]) -> Vec<String> {
    texts
        .iter()
        .map(|text| format!("{:.0}", (2.0 * ((1 + words(text).count()) as f64).log2()).floor()))
        .collect()
}

fn largest(counts: &[u64]) -> usize {
    let best = counts
        .iter()
        .enumerate()
        .max_by_key(|(class, count)| (**count, std::cmp::Reverse(*class)));
    best.map_or(0, |(class, _)| class)
}

/// Whether the most frequent class of a row's value in training is its true one.
fn cue_hits(cue: &Cue, train_labels: &[u32], truth: &[u32], classes: usize, guess: usize) -> Vec<bool> {
    let mut counts: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for (value, &label) in cue.train.iter().zip(train_labels) {
        let own = counts.entry(value).or_insert_with(|| vec![0; classes]);
        if let Some(count) = own.get_mut(label as usize) {
            *count += 1;
        }
    }
    let answers: BTreeMap<&str, usize> = counts
        .iter()
        .filter(|(_, counts)| counts.iter().sum::<u64>() >= LEAST_ROWS)
        .map(|(value, counts)| (*value, largest(counts)))
        .collect();
    cue.test
        .iter()
        .zip(truth)
        .map(|(value, &label)| answers.get(value.as_str()).copied().unwrap_or(guess) == label as usize)
        .collect()
}

/// The accuracy in slices of equal size, from the shortest texts to the longest.
fn slices(texts: &[String], hits: &[bool]) -> Value {
    let mut rows: Vec<(usize, usize)> = texts.iter().map(|text| words(text).count()).zip(0..).collect();
    rows.sort_unstable();
    rows.chunks(rows.len().div_ceil(SLICES).max(1))
        .map(|slice| {
            let right = slice
                .iter()
                .filter(|(_, row)| hits.get(*row).copied().unwrap_or(false))
                .count();
            json!({
                "fewest_words": slice[0].0,
                "most_words": slice[slice.len() - 1].0,
                "rows": slice.len(),
                "accuracy": rounded(right as f64 / slice.len() as f64),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Evidence;
    use crate::testing::{ask, clear, evidence, example, found, part, predicted};

    fn rows(all: u32, length: impl Fn(u32) -> u32) -> Vec<(String, u32)> {
        (0..all)
            .map(|row| (format!("w{} ", row % 7).repeat(length(row) as usize), row % 2))
            .collect()
    }

    fn with_model(length: impl Fn(u32) -> u32) -> Evidence {
        let mut test = part(&rows(200, &length));
        test.stored_predictions = Some(
            (0..200)
                .map(|row| if row % 10 == 0 { 1 - row % 2 } else { row % 2 })
                .collect(),
        );
        evidence(&["a", "b"], [part(&rows(400, &length)), predicted(&[]), test])
    }

    #[test]
    fn a_label_that_the_length_tells_is_found() {
        let found = example(
            Cause::Shortcut,
            &with_model(|row| if row % 2 == 0 { 5 } else { 40 }),
        );
        assert_eq!(found.measured.evidence["accuracy_of_length_alone"], 1.0);
        assert_eq!(found.measured.evidence["accuracy_of_the_model"], 0.9);
        assert_eq!(found.measured.evidence["accuracy_of_the_largest_class"], 0.5);
    }

    #[test]
    fn lengths_that_tell_nothing_are_clear() {
        let measured = clear(ask(Cause::Shortcut, &with_model(|row| 5 + row / 2 % 9)));
        assert!(measured.evidence["accuracy_of_length_alone"].as_f64().unwrap() < 0.6);
    }

    #[test]
    fn a_source_that_tells_the_label_is_found() {
        let mut evidence = with_model(|row| 5 + row / 2 % 9);
        for part in [&mut evidence.dataset.train, &mut evidence.dataset.test]
            .into_iter()
            .flatten()
        {
            part.groups = Some(
                (0..part.rows)
                    .map(|row| ["forum", "paper"][row % 2].to_owned())
                    .collect(),
            );
        }
        let found = found(ask(Cause::Shortcut, &evidence));
        assert_eq!(found.measured.evidence["accuracy_of_source_alone"], 1.0);
    }

    /// Fifty threads of one label each, with rows on both sides: a split by thread leaves nothing to know.
    #[test]
    fn threads_on_both_sides_are_left_to_the_split() {
        let mut evidence = with_model(|row| 5 + row / 2 % 9);
        for part in [&mut evidence.dataset.train, &mut evidence.dataset.test]
            .into_iter()
            .flatten()
        {
            part.groups = Some((0..part.rows).map(|row| format!("thread{}", row % 50)).collect());
        }
        found(ask(Cause::SharedGroups, &evidence));
        clear(ask(Cause::Shortcut, &evidence));
    }

    /// Four classes, of which two come from one wire and say so.
    #[test]
    fn a_source_that_the_texts_name_is_found() {
        let rows = |all: u32| -> Vec<(String, u32)> {
            (0..all)
                .map(|row| {
                    let wire = if row % 4 < 2 { "Reuters" } else { "Agency" };
                    (format!("({wire}) word{} again", row / 4 % 7), row % 4)
                })
                .collect()
        };
        let mut test = part(&rows(200));
        test.stored_predictions = Some((0..200).map(|row| row % 4).collect());
        let found = found(ask(
            Cause::Shortcut,
            &evidence(&["a", "b", "c", "d"], [part(&rows(400)), predicted(&[]), test]),
        ));
        // Which two of four classes it is: half of the rows, and a quarter by guessing.
        assert_eq!(found.measured.evidence["accuracy_of_a_mark_alone"], 0.5);
        assert_eq!(found.severity, Severity::Note);
        assert!(found.summary.contains("`agency`"), "{}", found.summary);
    }
}
