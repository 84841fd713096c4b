//! C32: texts are cut off earlier at prediction than in training.

use labelproof_artifact::Split;
use labelproof_metrics::comparison::mcnemar;
use labelproof_model::baseline::Baseline;
use labelproof_text::terms::words;
use rayon::prelude::*;

use crate::check::{Check, significant};
use crate::comparison::{Suspect, other, suspect};
use crate::evidence::{Evidence, ScoreKind, Scores, argmax_rows};
use crate::finding::{Confidence, Family, Found, Measured, Missing, Outcome, Severity};
use crate::length_slices::LengthSlices;

/// The check.
pub const CHECK: Check = Check {
    id: "C32",
    name: "Long texts are cut off at prediction",
    family: Family::Input,
    run,
};

/// How many times as much accuracy long texts must lose as short ones.
const TIMES_SHORT: f64 = 2.0;

/// Words that a cut may leave, at the beginning or at the end.
const WORDS_LEFT: [usize; 7] = [4, 8, 16, 32, 64, 128, 256];

/// Rows that the cheap model is asked about at most.
const MOST_ROWS: usize = 2_000;

/// Found if a split is worse than the other beyond chance, and its long texts have lost at least twice as much accuracy as
/// its short ones (two-proportion test of short against long, each class cut at its median). Or, where all texts are long: if its predictions agree
/// more often with what the cheap model says of the first (or last) words than with what it says of the whole text
/// (`McNemar`), and those of the other split do not.
fn run(evidence: &Evidence) -> Result<Outcome, Missing> {
    let suspect = suspect(evidence)?;
    let reference = evidence.predicted(other(suspect.split))?;
    let texts = evidence.texts(suspect.split)?;
    let reference_texts = evidence.texts(other(suspect.split))?;
    let name = suspect.split.name();
    if suspect.below
        && let Some(cut) = agrees_with_a_part(evidence, &suspect)
    {
        return Ok(found_cut(&suspect, &cut));
    }
    let slices = LengthSlices::new(&suspect.rows, texts, &reference, reference_texts);
    let Some(slices) = slices.filter(|_| suspect.below) else {
        let summary = format!("Long {name} texts are predicted as well as those of the other split.");
        return Ok(Outcome::clear(summary, Measured::new()));
    };
    let p_value = slices.test().map_or(1.0, |test| test.p_value);
    let measured = Measured::new()
        .statistic("loss of accuracy of long texts", slices.long_loss())
        .p_value(p_value)
        .with("loss_of_accuracy_of_short_texts", slices.short_loss());
    let long_suffer = slices.long_loss() > TIMES_SHORT * slices.short_loss().max(0.0)
        && slices.long_accuracy() < slices.short_accuracy();
    if !long_suffer || !significant(p_value) {
        let summary = format!(
            "What the {name} rows lose, short texts lose as well ({:.1} and {:.1} points).",
            100.0 * slices.short_loss(),
            100.0 * slices.long_loss()
        );
        return Ok(Outcome::clear(summary, measured));
    }
    let summary = format!(
        "The longer half of the {name} texts of each class loses {:.1} points of accuracy against the other split, the shorter \
         half {:.1}: long texts are cut off, at their end or at their beginning, where they were not before.",
        100.0 * slices.long_loss(),
        100.0 * slices.short_loss()
    );
    Ok(found(&suspect, summary, measured))
}

/// Predictions that go with a part of each text.
struct Cut {
    words: usize,
    end: &'static str,
    /// Shares of rows on which the model says what the cheap model says of the part, and of the whole.
    with_part: f64,
    with_whole: f64,
    p_value: f64,
}

/// The part of the texts whose predictions by the cheap model are those of the suspected split significantly more often
/// than the predictions for whole texts are, and of the other split are not.
fn agrees_with_a_part(evidence: &Evidence, suspect: &Suspect<'_>) -> Option<Cut> {
    let model = &evidence.baseline().ok()?.model;
    let own = Sampled::new(evidence, suspect.split)?;
    let reference = Sampled::new(evidence, other(suspect.split))?;
    let (own_whole, reference_whole) = (
        own.agreement(model, &own.texts),
        reference.agreement(model, &reference.texts),
    );
    let mut best: Option<Cut> = None;
    for words in WORDS_LEFT {
        for end in ["first", "last"] {
            let own_part = own.agreement(model, &own.parts(words, end));
            let test = mcnemar(&own_part, &own_whole).ok()?;
            let share = |hits: &[bool]| hits.iter().filter(|hit| **hit).count() as f64 / hits.len() as f64;
            let cut = Cut {
                words,
                end,
                with_part: share(&own_part),
                with_whole: share(&own_whole),
                p_value: (test.p_value * 2.0 * WORDS_LEFT.len() as f64).min(1.0),
            };
            let better = best.as_ref().is_none_or(|best| cut.with_part > best.with_part);
            if better && cut.with_part > cut.with_whole && significant(cut.p_value) {
                let usual = share(&reference.agreement(model, &reference.parts(words, end)));
                if usual <= share(&reference_whole) {
                    best = Some(cut);
                }
            }
        }
    }
    best
}

/// Evenly spread rows of a split, with what the model predicted for them.
struct Sampled<'a> {
    texts: Vec<&'a str>,
    predictions: Vec<u32>,
    classes: usize,
}

impl<'a> Sampled<'a> {
    fn new(evidence: &'a Evidence, split: Split) -> Option<Self> {
        let rows = evidence.predicted(split).ok()?;
        let texts = evidence.texts(split).ok()?;
        let step = texts.len().div_ceil(MOST_ROWS).max(1);
        Some(Self {
            texts: texts.iter().step_by(step).map(String::as_str).collect(),
            predictions: rows.predictions.iter().step_by(step).copied().collect(),
            classes: rows.classes,
        })
    }

    fn parts(&self, count: usize, end: &str) -> Vec<String> {
        self.texts
            .par_iter()
            .map(|text| {
                let all: Vec<&str> = words(text).collect();
                let kept = if end == "first" {
                    &all[..count.min(all.len())]
                } else {
                    &all[all.len().saturating_sub(count)..]
                };
                kept.join(" ")
            })
            .collect()
    }

    /// Whether the cheap model, asked about these forms of the texts, predicts what the model did.
    fn agreement(&self, model: &Baseline, texts: &[impl AsRef<str> + Sync]) -> Vec<bool> {
        let answers = argmax_rows(&Scores {
            kind: ScoreKind::Probabilities,
            classes: self.classes,
            values: model.predict(texts),
        });
        answers
            .iter()
            .zip(&self.predictions)
            .map(|(answer, prediction)| answer == prediction)
            .collect()
    }
}

fn found_cut(suspect: &Suspect<'_>, cut: &Cut) -> Outcome {
    let name = suspect.split.name();
    let summary = format!(
        "{name} texts are cut off. Counting words, in the {} {} words of a text alone, gives the model's prediction for {:.1} % of the \
         {name} rows; counting them in the whole text only for {:.1} %. In the other split it is the other way round.",
        cut.end,
        cut.words,
        100.0 * cut.with_part,
        100.0 * cut.with_whole
    );
    let measured = Measured::new()
        .statistic("agreement with the words that are left", cut.with_part)
        .p_value(cut.p_value)
        .with("agreement_with_the_whole_text", cut.with_whole)
        .with("words_left", cut.words)
        .with("end", cut.end);
    found(suspect, summary, measured)
}

fn found(suspect: &Suspect<'_>, summary: String, measured: Measured) -> Outcome {
    Found {
        severity: Severity::Unsound,
        confidence: Confidence::Likely,
        summary,
        effect_points: Some(100.0 * (suspect.reference_accuracy().unwrap_or(0.0) - suspect.rows.accuracy())),
        fix: "Use one maximal length and one side of truncation for training and prediction, and save both with the model."
            .to_owned(),
        confirm: "compare the number of tokens of the longest texts in both code paths".to_owned(),
        measured,
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Part;
    use crate::testing::{FIVE, assert_close, clear, evidence, found, number, part, simulated, statistic};

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
        let found = found(run(&by_length(0.83, 0.4)));
        assert_close(statistic(&found.measured), 0.43, 0.05);
        assert_close(
            number(&found.measured, "loss_of_accuracy_of_short_texts"),
            0.0,
            0.04,
        );
    }

    #[test]
    fn texts_that_lose_alike_or_not_at_all_are_clear() {
        clear(run(&by_length(0.83, 0.83)));
        clear(run(&by_length(0.5, 0.5)));
        clear(run(&by_length(0.4, 0.83)));
    }

    /// Every text is long, and its class stands at its end; the first words speak of some other class. The test split was
    /// predicted by its first words.
    #[test]
    fn texts_that_are_all_cut_are_found() {
        const WORDS: [&str; 4] = ["road", "school", "river", "market"];
        let rows = |all: usize, word: &str| -> Vec<(String, u32)> {
            (0..all)
                .map(|row| {
                    let (class, first) = (row % 4, row / 4 % 4);
                    let text = format!(
                        "{} {} {word}{row} {} {}",
                        WORDS[first],
                        "so it goes on ".repeat(4),
                        WORDS[class],
                        WORDS[class].repeat(2)
                    );
                    (text, u32::try_from(class).unwrap())
                })
                .collect()
        };
        let said = |all: usize, of_first: bool| -> Vec<u32> {
            let class = |row: usize| if of_first { row / 4 % 4 } else { row % 4 };
            (0..all).map(|row| u32::try_from(class(row)).unwrap()).collect()
        };
        let splits = |cut: bool| {
            let (mut validation, mut test) = (part(&rows(400, "one")), part(&rows(400, "two")));
            validation.stored_predictions = Some(said(400, false));
            test.stored_predictions = Some(said(400, cut));
            evidence(
                &["a", "b", "c", "d"],
                [part(&rows(800, "three")), validation, test],
            )
        };
        clear(run(&splits(false)));
        let found = found(run(&splits(true)));
        assert_eq!(found.measured.evidence["end"], "first");
        assert_eq!(found.measured.evidence["words_left"], 4);
        assert_close(statistic(&found.measured), 1.0, 1e-12);
        assert_close(
            number(&found.measured, "agreement_with_the_whole_text"),
            0.25,
            0.05,
        );
    }
}
