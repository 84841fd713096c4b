//! # Predictions depend on the length of the text and little else
//!
//! Token ids and attention mask were passed in each other's place, or the mask is all zeros. The model
//! then sees a row of ones whose length is that of the text, and nothing of the words.
//!
//! ## Why the figures look good
//! Training and validation passed the arguments by name, prediction by position. All shapes and types
//! fit, so no error is raised.
//!
//! ## How it is tested
//! The audit needs texts and predictions of both splits. A split that is worse beyond chance shows one
//! of three signs, and the other split does not:
//!
//! ```text
//! information   NMI(predicted class, length in 10 bins) ≥ 0.1 + bias + what the other split has
//! variance      length, in 20 bins, explains ≥ 50 % of the variance of the scores
//! one answer    ≥ 50 % of the rows have exactly the scores of a row with another text
//! ```
//!
//! The bias is what so few rows give by chance, `9 (K - 1) / 2n`; of the other split's information at
//! most `0.1 + 2 · bias` counts. Variance and one answer must be at most half as large in the other
//! split, and are certain; information alone is likely. Rows that the model is entirely sure of do not
//! count for one answer. Texts that are damaged (C37), cased otherwise (C31) or in another language (C55)
//! take precedence.
//!
//! ## What to do
//! Pass `input_ids` and `attention_mask` by name. Check that the mask holds only 0 and 1 and sums to
//! the number of tokens.
//!
//! ## Example
//! For the data of the test `predictions_that_follow_the_length_are_found`, the audit prints:
//!
//! ```text
//! 1. Predictions depend on the length of the text and little else (C33, fault, certain, −64.3
//!    [−67.5…−60.8] points of test accuracy)
//!    The test predictions follow the length of the text, which explains 98 % of how its scores vary:
//!    the model does not see the words. Token ids and attention mask in swapped places do this, as does
//!    a mask of zeros.
//!    What to do: Pass `input_ids` and `attention_mask` by name, and check that the mask holds only 0
//!    and 1 and sums to the number of tokens.
//!    How to make sure: print the largest token id and the largest mask value of one batch
//! ```
//!
//! ## References
//! - `huggingface/candle#1552` and `huggingface/transformers#2811`: attention masks that are missing or
//!   are not what the model takes.

use std::collections::BTreeMap;

use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::case::Case;
use crate::case::odd_split::input_fault;
use crate::case::suspect::{other, suspect};
use crate::cause::Cause;
use crate::evidence::Missing;
use crate::measures::length_dependence::{length_explains, length_information};
use crate::measures::predicted::ScoredRows;

/// The share of the scores' variance from which on length is nearly all that the model sees.
const MOSTLY: f64 = 0.5;

/// The share of rows that have the very scores of another text, from which on the model does not tell texts
/// apart.
const ONE_ANSWER: f64 = 0.5;

/// How much more of the prediction the length must tell than in the other split.
const LEAST_SURPLUS: f64 = 0.1;

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    let suspect = suspect(case)?;
    let reference = case.predicted(other(suspect.split))?;
    let texts = case.evidence.texts(suspect.split)?;
    let reference_texts = case.evidence.texts(other(suspect.split))?;
    let own = length_information(suspect.rows.predictions, texts, suspect.rows.classes);
    let usual = length_information(reference.predictions, reference_texts, reference.classes);
    let name = suspect.split.name();
    let measured = Measured::new()
        .statistic("what the length tells of the prediction", own)
        .with("in_the_other_split", usual);
    let seen = |split, texts| {
        case.scored(split)
            .map_or(0.0, |scored| length_explains(&scored, texts))
    };
    let explained = seen(suspect.split, texts);
    let only_length = explained >= MOSTLY && seen(other(suspect.split), reference_texts) < 0.5 * explained;
    let equal = |split, texts| {
        case.scored(split)
            .map_or(0.0, |scored| equal_scores(&scored, texts))
    };
    let same_answer = equal(suspect.split, texts);
    let one_answer =
        same_answer >= ONE_ANSWER && equal(other(suspect.split), reference_texts) < 0.5 * same_answer;
    let measured = measured
        .with("share_of_the_scores_explained_by_length", explained)
        .with("share_of_rows_with_the_scores_of_another_text", same_answer);
    // Small splits seem to tell more by chance: about (bins - 1)(classes - 1) / 2n nats, over the mean
    // entropy.
    let by_chance = 9.0 * (suspect.rows.classes as f64 - 1.0) / (2.0 * suspect.rows.rows() as f64);
    let follows = own >= LEAST_SURPLUS + by_chance + usual.min(2.0 * by_chance + 0.1);
    if case.finds(Cause::WrongColumn) || input_fault(case, suspect.split).is_some() {
        let summary = "Another check says what the model was given in place of the texts.";
        return Ok(Answer::clear(summary, measured));
    }
    if !suspect.below || !(follows || only_length || one_answer) {
        let summary = format!("The length of a text tells little of its {name} prediction.");
        return Ok(Answer::clear(summary, measured));
    }
    Ok(Diagnosis {
        severity: Severity::Unsound,
        confidence: if only_length || one_answer {
            Confidence::Certain
        } else {
            Confidence::Likely
        },
        summary: if one_answer && !only_length {
            format!(
                "{:.0} % of the {name} rows have the very scores of a row with another text: the model does \
                 not see the words. Token ids and attention mask in swapped places do this, as does a mask \
                 of zeros.",
                100.0 * same_answer
            )
        } else {
            format!(
                "The {name} predictions follow the length of the text, which explains {:.0} % of how its \
                 scores vary: the model does not see the words. Token ids and attention mask in swapped \
                 places do this, as does a mask of zeros.",
                100.0 * explained.max(0.0)
            )
        },
        effect: suspect.effect(),
        fix: "Pass `input_ids` and `attention_mask` by name, and check that the mask holds only 0 and 1 and \
              sums to the number of tokens."
            .to_owned(),
        confirm: "print the largest token id and the largest mask value of one batch".to_owned(),
        measured,
    }
    .into())
}

/// The share of rows whose scores, as saved, are also those of a row with another text. A model that is sure
/// of everything saves many rows of zeros and a one; such rows are not counted.
fn equal_scores(scored: &ScoredRows<'_>, texts: &[String]) -> f64 {
    let sure = |row: &[f64]| row.iter().all(|score| *score < 1e-6 || *score > 1.0 - 1e-6);
    let mut groups: BTreeMap<Vec<u64>, Vec<usize>> = BTreeMap::new();
    for (row, scores) in scored.saved.rows().enumerate() {
        if !sure(scored.probabilities.row(row)) {
            let bits = scores.iter().map(|score| score.to_bits()).collect();
            groups.entry(bits).or_default().push(row);
        }
    }
    let shared = groups.values().map(|rows| {
        let several = rows.iter().any(|&row| texts[row] != texts[rows[0]]);
        if several { rows.len() } else { 0 }
    });
    shared.sum::<usize>() as f64 / texts.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Part;
    use crate::testing::{
        FIVE, ask, assert_close, clear, evidence, example, found, number, simulated, statistic,
    };

    fn text(row: usize) -> String {
        "x".repeat(1 + row * 37 % 1000)
    }

    #[test]
    fn predictions_that_follow_the_length_are_found() {
        let (validation, mut test) = (simulated(5, 1000, 0.83, 1), simulated(5, 1000, 0.83, 2));
        let splits = |test: &crate::testing::Simulated| {
            evidence(
                &FIVE,
                [
                    Part::default(),
                    validation.with_texts(text),
                    test.with_texts(text),
                ],
            )
        };
        clear(ask(Cause::TextIgnored, &splits(&test)));
        for (row, scores) in test.logits.iter_mut().enumerate() {
            let class = (text(row).len() - 1) / 200;
            *scores = (0..5).map(|each| if each == class { 3.0 } else { 0.0 }).collect();
        }
        let found = example(Cause::TextIgnored, &splits(&test));
        // Five classes of ten bins: the information is ln 5, over the mean of ln 5 and ln 10.
        let expected = 5.0_f64.ln() / f64::midpoint(5.0_f64.ln(), 10.0_f64.ln());
        assert_close(statistic(&found.measured), expected, 1e-3);
        assert_close(number(&found.measured, "in_the_other_split"), 0.0, 0.03);
    }

    /// All texts are longer than the model reads, and all look alike to it.
    #[test]
    fn one_answer_to_every_text_is_found() {
        let (validation, mut test) = (simulated(5, 1000, 0.83, 1), simulated(5, 1000, 0.83, 2));
        test.logits
            .iter_mut()
            .for_each(|scores| *scores = vec![0.3, 0.1, 0.2, 0.0, 0.1]);
        let long = |word: &'static str| move |row: usize| format!("{word} {row:05} and so on");
        let found = found(ask(
            Cause::TextIgnored,
            &evidence(
                &FIVE,
                [
                    Part::default(),
                    validation.with_texts(long("one")),
                    test.with_texts(long("two")),
                ],
            ),
        ));
        assert_eq!(found.confidence, Confidence::Certain);
        assert_close(
            number(&found.measured, "share_of_rows_with_the_scores_of_another_text"),
            1.0,
            1e-12,
        );
    }
}
