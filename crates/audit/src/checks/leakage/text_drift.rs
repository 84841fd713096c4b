//! # Test texts of another kind than training texts
//!
//! The test texts are of another time, source or kind than the training texts.
//!
//! ## Why the figures look good
//! Validation was drawn from the same source as training. It measures how well the model does on more
//! of the same.
//!
//! ## How it is tested
//! The cheap model (TF-IDF and logistic regression) is asked to tell test texts from training texts, on
//! at most 2,000 and at least 50 of each, with 5-fold cross-validation. Of copies one is kept, and none
//! that both splits have:
//!
//! ```text
//! AUC of its held-out scores;  if there is no difference: mean 1/2, variance (n + m + 1) / (12 n m)
//! found:  significant and AUC ≥ 0.60
//! ```
//!
//! It is unsound where it explains the gap: a split is worse beyond chance, and the cheap model,
//! trained here on the task itself, loses at least half as much on it, unless C31, C37 or C55 says what
//! is wrong with its texts. It is a caution from an AUC of
//! 0.75 on, and a note otherwise. The words that tell the two apart are given by their log-odds with a
//! Dirichlet prior.
//!
//! ## What to do
//! Find out how the test texts were collected. If they are what the model is for, train on such texts
//! too; if not, draw the test rows from the same source as the others.
//!
//! ## Example
//! For the data of the test `other_words_in_test_are_found`, the audit prints:
//!
//! ```text
//! 1. Test texts of another kind than training texts (C48, caution, likely)
//!    Test texts differ from training texts: of a test text and a training text, a simple classifier
//!    picks the test text 100 times in 100 (50 would be chance). Words that test texts have more often:
//!    `new1`, `new26`, `new11`, `new28`, `new37`. A model is worse on texts of a kind that it has not
//!    seen.
//!    What to do: Find out how the test texts were collected. If they are what the model is for, train
//!    on such texts too; if not, draw the test rows from the same source as the others.
//!    How to make sure: Put all rows together, split them at random, and train again: what the test
//!    accuracy gains is the shift.
//! ```
//!
//! ## References
//! - Lopez-Paz and Oquab, 2017, *Revisiting Classifier Two-Sample Tests*.
//! - Rabanser, Günnemann and Lipton, 2019, *Failing Loudly: An Empirical Study of Methods for Detecting
//!   Dataset Shift*.
//! - Mann and Whitney, 1947, *On a Test of Whether One of Two Random Variables Is Stochastically Larger
//!   than the Other*.
//! - Monroe, Colaresi and Quinn, 2008, *Fightin' Words*.

use std::collections::BTreeMap;

use labelproof_artifact::Split;
use labelproof_metrics::comparison::two_sided_normal;
use labelproof_metrics::roc_auc;
use serde_json::{Value, json};

use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::answer::wording::rounded;
use crate::case::Case;
use crate::case::odd_split::{harder, input_fault};
use crate::case::suspect::suspect;
use crate::evidence::{Missing, Need};
use crate::measures::baseline::out_of_fold;
use crate::measures::overlap::Likeness;
use crate::measures::sampling::sample;
use crate::measures::vocabulary::{log_odds_z, texts_with_word};

const LARGEST_SAMPLE: usize = 2000;
const LEAST_SAMPLE: usize = 50;
/// An AUC that is worth a word, and one that is worth a warning.
const NOTED: f64 = 0.6;
const LARGE: f64 = 0.75;
/// How many words of each side are listed.
const LISTED: usize = 15;

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    let (train, test) = (
        case.evidence.texts(Split::Train)?,
        case.evidence.texts(Split::Test)?,
    );
    let mut texts: Vec<&str> = Vec::new();
    let mut sides: Vec<u32> = Vec::new();
    for (side, split, all, other) in [
        (0, Split::Train, train, Split::Test),
        (1, Split::Test, test, Split::Train),
    ] {
        let rows = distinct_rows(case, split, other)?;
        let chosen = sample(rows.len(), LARGEST_SAMPLE, case.evidence.seed + 1);
        if chosen.len() < LEAST_SAMPLE {
            return Err(Need::MoreRows.into());
        }
        sides.extend(chosen.iter().map(|_| side));
        texts.extend(chosen.into_iter().map(|at| all[rows[at]].as_str()));
    }
    let alone: Vec<u32> = (0..).take(texts.len()).collect();
    let probabilities = out_of_fold(&texts, &sides, &alone, 2, case.evidence.seed);
    let scored: Vec<(f64, bool)> = probabilities
        .chunks_exact(2)
        .zip(&sides)
        .map(|(distribution, &side)| (distribution[1], side == 1))
        .collect();
    let auc = roc_auc(&scored).ok_or(Need::MoreRows)?;
    let m = sides.iter().filter(|side| **side == 1).count() as f64;
    let n = sides.len() as f64 - m;
    let deviation = ((n + m + 1.0) / (12.0 * n * m)).sqrt();
    let p_value = two_sided_normal((auc - 0.5) / deviation);
    let measured = Measured::new()
        .statistic("AUC of telling test from training", rounded(auc))
        .p_value(p_value)
        .with("texts", texts.len());
    if !(case.significant(p_value) && auc >= NOTED) {
        return Ok(Answer::clear(
            format!("a classifier cannot tell test texts from training texts (AUC {auc:.2}, chance is 0.50)"),
            measured,
        ));
    }
    let (of_test, of_train) = telling_words(&texts, &sides, n, m);
    let words = |list: &[(String, f64)]| {
        list.iter()
            .map(|(word, z)| json!({ "word": word, "z": rounded(*z) }))
            .collect::<Value>()
    };
    let first: Vec<String> = of_test
        .iter()
        .take(5)
        .map(|(word, _)| format!("`{word}`"))
        .collect();
    let examples = if first.is_empty() {
        String::new()
    } else {
        format!(" Words that test texts have more often: {}.", first.join(", "))
    };
    // Texts of another kind on which even the cheap model is worse are what makes the gap.
    let cost = suspect(case)
        .ok()
        .filter(|suspect| suspect.below)
        .filter(|suspect| {
            let missing = suspect.reference_accuracy().unwrap_or_default() - suspect.rows.accuracy();
            // What is wrong with the texts says more than that they differ.
            harder(case, suspect, missing) && input_fault(case, suspect.split).is_none()
        });
    Ok(Diagnosis {
        severity: match cost {
            Some(_) => Severity::Unsound,
            None if auc >= LARGE => Severity::Caution,
            None => Severity::Note,
        },
        confidence: Confidence::Likely,
        summary: format!(
            "Test texts differ from training texts: of a test text and a training text, a simple classifier \
             picks the test text {:.0} times in 100 (50 would be chance).{examples} A model is worse on \
             texts of a kind that it has not seen.",
            auc * 100.0,
        ),
        effect: cost.and_then(|suspect| suspect.effect()),
        fix: String::from(
            "Find out how the test texts were collected. If they are what the model is for, train on such \
             texts too; if not, draw the test rows from the same source as the others.",
        ),
        confirm: String::from(
            "Put all rows together, split them at random, and train again: what the test accuracy gains is \
             the shift.",
        ),
        measured: measured
            .with("words_of_test", words(&of_test))
            .with("words_of_training", words(&of_train)),
    }
    .into())
}

/// One row for each group of copies in a split, without groups that another split has too.
fn distinct_rows(case: &Case<'_>, split: Split, other: Split) -> Result<Vec<usize>, Missing> {
    let overlap = case.overlap()?;
    let elsewhere: std::collections::BTreeSet<u32> =
        overlap.groups(other, Likeness::Near).iter().copied().collect();
    let mut first: BTreeMap<u32, usize> = BTreeMap::new();
    for (row, group) in overlap.groups(split, Likeness::Near).iter().enumerate() {
        if !elsewhere.contains(group) {
            first.entry(*group).or_insert(row);
        }
    }
    let mut rows: Vec<usize> = first.into_values().collect();
    rows.sort_unstable();
    Ok(rows)
}

/// Words with their z values.
type WeighedWords = Vec<(String, f64)>;

/// The words that test texts have more often, and those that training texts have.
fn telling_words(texts: &[&str], sides: &[u32], n: f64, m: f64) -> (WeighedWords, WeighedWords) {
    let mut weighed: Vec<(String, f64)> = texts_with_word(texts, sides, 2)
        .into_iter()
        .map(|(word, counts)| {
            let z = log_odds_z((counts[1] as f64, m), (counts[0] as f64, n));
            (word, z)
        })
        .filter(|(_, z)| z.abs() > 3.0)
        .collect();
    weighed.sort_by(|one, other| {
        other
            .1
            .abs()
            .total_cmp(&one.1.abs())
            .then_with(|| one.0.cmp(&other.0))
    });
    let (mut of_test, mut of_train): (Vec<_>, Vec<_>) = weighed.into_iter().partition(|(_, z)| *z > 0.0);
    of_test.truncate(LISTED);
    of_train.truncate(LISTED);
    (of_test, of_train)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::Cause;
    use crate::measures::sampling::shuffled;
    use crate::testing::{ask, clear, evidence, example, part};

    /// Texts of random words, some of them from a second vocabulary.
    fn texts(rows: usize, seed: u64, strange: usize) -> Vec<(String, u32)> {
        let draws = shuffled(rows * 10, seed);
        draws
            .chunks(10)
            .enumerate()
            .map(|(row, draws)| {
                let words: Vec<String> = draws
                    .iter()
                    .enumerate()
                    .map(|(at, draw)| {
                        let kind = if at < strange { "new" } else { "old" };
                        format!("{kind}{}", draw % 40)
                    })
                    .collect();
                (words.join(" "), u32::from(row % 2 == 0))
            })
            .collect()
    }

    #[test]
    fn other_words_in_test_are_found() {
        let evidence = evidence(
            &["a", "b"],
            [
                part(&texts(300, 1, 0)),
                part(&texts(0, 1, 0)),
                part(&texts(200, 2, 2)),
            ],
        );
        let found = example(Cause::TextDrift, &evidence);
        assert!(found.measured.statistic.unwrap().1 > 0.9);
        assert!(
            found.measured.evidence["words_of_test"][0]["word"]
                .as_str()
                .unwrap()
                .starts_with("new")
        );
        assert_eq!(found.severity, Severity::Caution);
    }

    #[test]
    fn the_same_source_is_clear_and_copies_do_not_matter() {
        let mut train = texts(300, 1, 0);
        let test = texts(200, 2, 0);
        train.extend_from_slice(&test[..100]);
        let evidence = evidence(&["a", "b"], [part(&train), part(&texts(0, 1, 0)), part(&test)]);
        let auc = clear(ask(Cause::TextDrift, &evidence)).statistic.unwrap().1;
        assert!((auc - 0.5).abs() < 0.1, "{auc}");
    }
}
