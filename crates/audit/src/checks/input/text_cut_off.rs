//! # Long texts are cut off at prediction
//!
//! The maximum length, or the side of truncation, differs between training and prediction, so that the
//! model reads only the beginning (or the end) of texts that it read further in training.
//!
//! ## Why the figures look good
//! Short texts are predicted as before, and validation was measured with the longer limit. In the
//! total, the loss looks like a somewhat harder test set.
//!
//! ## How it is tested
//! There are two signs. The first needs texts and scores: two different texts get the very same scores
//! as soon as they share their first (or last) `w` words, and texts that share fewer do not. At least 3
//! such pairs are needed, 80 % of the pairs above `w` must be equal and at most 20 % of those below;
//! rows of the other splits that share as many words must get different scores; and `w` must be below
//! 48, because models are cut further on by design. The second is the accuracy by length, with each
//! class cut at its own median:
//!
//! ```text
//! loss(long) > 2 · loss(short)        loss = accuracy of the other split - accuracy of this one
//! z = two-proportion test of the hits of short against long texts of this split
//! ```
//!
//! It counts if the split is worse beyond chance and the test is significant (corrected p < 0.01).
//!
//! ## What to do
//! Use one maximum length and one side of truncation for training and prediction, and save both with
//! the model. If the limit cuts off what matters, read the head and the tail, or several windows.
//!
//! ## Example
//! For the data of the test `a_rest_that_is_not_read_is_found`, the audit prints:
//!
//! ```text
//! 1. Long texts are cut off at prediction (C32, fault, certain, −41.5 [−47.0…−35.6] points of test
//!    accuracy)
//!    Test texts are cut off: of 100 pairs of different texts that have their first 10 words or more in
//!    common, 100 got the very same scores, so that the rest was not read. Such texts of the other rows
//!    got different scores.
//!    What to do: Use one maximal length and one side of truncation for training and prediction, and
//!    save both with the model.
//!    How to make sure: compare the number of tokens of the longest texts in both code paths
//! ```
//!
//! ## References
//! - `huggingface/transformers#1666`, `amaiya/ktrain#84` and `ThilinaRajapakse/simpletransformers#231`:
//!   documents that are longer than the model reads.

use labelproof_artifact::Split;
use labelproof_text::terms::words;
use rayon::prelude::*;

use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::case::Case;
use crate::case::odd_split::odd_split;
use crate::case::suspect::{Suspect, other, suspect};
use crate::evidence::Missing;
use crate::measures::length_slices::LengthSlices;

/// How many times as much accuracy long texts must lose as short ones.
const TIMES_SHORT: f64 = 2.0;

/// Words that two texts must share at an end to be compared, and from which on a common end says nothing:
/// models are cut there on purpose.
const LEAST_SHARED: usize = 3;
const USUAL_LIMIT: usize = 48;

/// Pairs of texts with the same scores that prove a cut, or pairs of the other rows that disprove one that is
/// usual.
const LEAST_PAIRS: usize = 3;

/// Shares of pairs with the same scores above the cut and below it.
const ABOVE: f64 = 0.8;
const BELOW: f64 = 0.2;

/// Rows whose texts are compared at most.
const MOST_ROWS: usize = 20_000;

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    let suspect = suspect(case)?;
    let reference = case.predicted(other(suspect.split))?;
    let texts = case.evidence.texts(suspect.split)?;
    let reference_texts = case.evidence.texts(other(suspect.split))?;
    let name = suspect.split.name();
    if let Some(cut) = unread_rest(case, suspect.split)
        && (suspect.below || cut.unusual || odd_split(case).is_ok_and(|odd| odd.is_some()))
    {
        return Ok(found_cut(&suspect, &cut));
    }
    let slices = LengthSlices::new(&suspect.rows, texts, &reference, reference_texts);
    let Some(slices) = slices.filter(|_| suspect.below) else {
        let summary = format!("Long {name} texts are predicted as well as those of the other split.");
        return Ok(Answer::clear(summary, Measured::new()));
    };
    let p_value = slices.test().map_or(1.0, |test| test.p_value);
    let measured = Measured::new()
        .statistic("loss of accuracy of long texts", slices.long_loss())
        .p_value(p_value)
        .with("loss_of_accuracy_of_short_texts", slices.short_loss());
    let long_suffer = slices.long_loss() > TIMES_SHORT * slices.short_loss().max(0.0)
        && slices.long_accuracy() < slices.short_accuracy();
    if !long_suffer || !case.significant(p_value) {
        let summary = format!(
            "What the {name} rows lose, short texts lose as well ({:.1} and {:.1} points).",
            100.0 * slices.short_loss(),
            100.0 * slices.long_loss()
        );
        return Ok(Answer::clear(summary, measured));
    }
    let summary = format!(
        "The longer half of the {name} texts of each class loses {:.1} points of accuracy against the other \
         split, the shorter half {:.1}: long texts are cut off, at their end or at their beginning, where \
         they were not before.",
        100.0 * slices.long_loss(),
        100.0 * slices.short_loss()
    );
    Ok(found(&suspect, summary, measured))
}

/// How many words are read, and what shows it.
struct Cut {
    words: usize,
    end: &'static str,
    /// Pairs of different texts with so many words in common, and those of them with the same scores.
    pairs: usize,
    same: usize,
    /// Whether rows of the other splits that share as many words get different scores.
    unusual: bool,
}

/// The number of words after which (or before which) texts may differ and get the same scores.
fn unread_rest(case: &Case<'_>, split: Split) -> Option<Cut> {
    [false, true].into_iter().find_map(|from_end| {
        let pairs = alike_at_an_end(case, split, from_end);
        let words = threshold(&pairs).filter(|words| *words < USUAL_LIMIT)?;
        let others = Split::ALL.into_iter().filter(|each| *each != split);
        let others: Vec<bool> = others
            .flat_map(|each| alike_at_an_end(case, each, from_end))
            .filter(|(shared, _)| (words..2 * words).contains(shared))
            .map(|(_, same)| same)
            .collect();
        let same_elsewhere = others.iter().filter(|same| **same).count() as f64;
        if same_elsewhere > BELOW * others.len() as f64 {
            return None;
        }
        let above = || pairs.iter().filter(|(shared, _)| *shared >= words);
        Some(Cut {
            words,
            end: if from_end { "last" } else { "first" },
            pairs: above().count(),
            same: above().filter(|(_, same)| *same).count(),
            unusual: others.len() >= LEAST_PAIRS,
        })
    })
}

/// Neighbours in the alphabetical order of the texts, read from either end: how many words they share there,
/// and whether their scores are the same. Texts with the same words are passed over.
fn alike_at_an_end(case: &Case<'_>, split: Split, from_end: bool) -> Vec<(usize, bool)> {
    let (Ok(scored), Ok(texts)) = (case.scored(split), case.evidence.texts(split)) else {
        return Vec::new();
    };
    let mut rows: Vec<(Vec<String>, usize)> = texts
        .par_iter()
        .take(MOST_ROWS)
        .enumerate()
        .map(|(row, text)| {
            let mut all: Vec<String> = words(text).map(str::to_lowercase).collect();
            if from_end {
                all.reverse();
            }
            (all, row)
        })
        .collect();
    rows.par_sort_unstable();
    rows.windows(2)
        .filter(|pair| pair[0].0 != pair[1].0)
        .map(|pair| {
            let both = pair[0].0.iter().zip(&pair[1].0);
            let shared = both.take_while(|(one, other)| one == other).count();
            (shared, scored.saved.row(pair[0].1) == scored.saved.row(pair[1].1))
        })
        .filter(|(shared, _)| *shared >= LEAST_SHARED)
        .collect()
}

/// The number of shared words from which on scores are the same, and below which they are not.
fn threshold(pairs: &[(usize, bool)]) -> Option<usize> {
    let mut candidates: Vec<usize> = pairs.iter().filter(|pair| pair.1).map(|pair| pair.0).collect();
    candidates.sort_unstable();
    candidates.dedup();
    candidates.into_iter().find(|words| {
        let (mut above, mut same_above, mut below, mut same_below) = (0_usize, 0, 0_usize, 0);
        for &(shared, same) in pairs {
            if shared >= *words {
                above += 1;
                same_above += usize::from(same);
            } else {
                below += 1;
                same_below += usize::from(same);
            }
        }
        // Without texts that differ earlier and get different scores, nothing shows that any word is read.
        same_above >= LEAST_PAIRS
            && same_above as f64 >= ABOVE * above as f64
            && below >= LEAST_PAIRS
            && same_below as f64 <= BELOW * below as f64
    })
}

fn found_cut(suspect: &Suspect<'_>, cut: &Cut) -> Answer {
    let name = suspect.split.name();
    let summary = format!(
        "{name} texts are cut off: of {} pairs of different texts that have their {} {} words or more in \
         common, {} got the very same scores, so that the rest was not read. {}",
        cut.pairs,
        cut.end,
        cut.words,
        cut.same,
        if cut.unusual {
            "Such texts of the other rows got different scores."
        } else {
            "No other rows have so many words in common."
        }
    );
    let measured = Measured::new()
        .statistic("pairs of different texts with the same scores", cut.same as f64)
        .with("pairs", cut.pairs)
        .with("words_read", cut.words)
        .with("end", cut.end);
    let found = found(suspect, summary, measured);
    match (found, cut.unusual, suspect.below) {
        (Answer::Found(found), true, below) => Answer::Found(Box::new(Diagnosis {
            confidence: Confidence::Certain,
            severity: if below {
                Severity::Unsound
            } else {
                Severity::Caution
            },
            ..*found
        })),
        (found, ..) => found,
    }
}

fn found(suspect: &Suspect<'_>, summary: String, measured: Measured) -> Answer {
    Diagnosis {
        severity: Severity::Unsound,
        confidence: Confidence::Likely,
        summary,
        effect: suspect.effect(),
        fix: "Use one maximal length and one side of truncation for training and prediction, and save both \
              with the model."
            .to_owned(),
        confirm: "compare the number of tokens of the longest texts in both code paths".to_owned(),
        measured,
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::Cause;
    use crate::evidence::Evidence;
    use crate::evidence::Part;
    use crate::testing::{
        FIVE, ask, assert_close, clear, evidence, example, found, number, simulated, statistic,
    };

    /// Every second text is long; of the long and the short ones of the test split other shares are right.
    fn by_length(short: f64, long: f64) -> Evidence {
        let text = |row: usize| "word ".repeat(if row.is_multiple_of(2) { 100 + row % 100 } else { 5 });
        let validation = simulated(5, 2000, 0.83, 1);
        let (mut test, others) = (simulated(5, 2000, short, 2), simulated(5, 2000, long, 3));
        for row in (0..2000).step_by(2) {
            test.truth[row] = others.truth[row];
            test.logits[row].clone_from(&others.logits[row]);
        }
        evidence(
            &FIVE,
            [
                Part::default(),
                validation.with_texts(text),
                test.with_texts(text),
            ],
        )
    }

    #[test]
    fn long_texts_that_lose_are_found() {
        let found = found(ask(Cause::TextCutOff, &by_length(0.83, 0.4)));
        assert_close(statistic(&found.measured), 0.43, 0.05);
        assert_close(
            number(&found.measured, "loss_of_accuracy_of_short_texts"),
            0.0,
            0.04,
        );
    }

    #[test]
    fn texts_that_lose_alike_or_not_at_all_are_clear() {
        clear(ask(Cause::TextCutOff, &by_length(0.83, 0.83)));
        clear(ask(Cause::TextCutOff, &by_length(0.5, 0.5)));
        clear(ask(Cause::TextCutOff, &by_length(0.4, 0.83)));
    }

    /// Forty pairs of texts that share ten words and differ after them, or share four and differ after these.
    /// Scores come from the first `read` words.
    fn pairs(split: &str, seed: u64, accuracy: f64, read: usize) -> Part {
        let text = |row: usize| {
            let shared = if row % 4 < 2 { 10 } else { 4 };
            let all = (0..14).map(|place| {
                if place < shared {
                    format!("{split}{}x{place}", row / 2)
                } else {
                    format!("{split}{row}y{place}")
                }
            });
            all.collect::<Vec<String>>()
        };
        let mut rows = simulated(5, 400, accuracy, seed);
        for row in (0..400).step_by(2) {
            if text(row)[..read] == text(row + 1)[..read] {
                rows.logits[row + 1] = rows.logits[row].clone();
            }
        }
        rows.with_texts(|row| text(row).join(" "))
    }

    #[test]
    fn a_rest_that_is_not_read_is_found() {
        let splits = |read| {
            evidence(
                &FIVE,
                [
                    Part::default(),
                    pairs("validation", 1, 0.9, 14),
                    pairs("test", 2, 0.6, read),
                ],
            )
        };
        let found = example(Cause::TextCutOff, &splits(8));
        assert_eq!(found.confidence, Confidence::Certain);
        assert_eq!(found.measured.evidence["words_read"], 10);
        assert_eq!(found.measured.evidence["end"], "first");
        assert_close(statistic(&found.measured), 100.0, 1e-12);
        clear(ask(Cause::TextCutOff, &splits(14)));
    }
}
