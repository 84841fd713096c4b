//! # Texts were cleaned or cased in one split and not in another
//!
//! Lower-casing, removal of punctuation or of stop words was applied to the training texts and
//! forgotten at prediction, or the other way round. Or the texts of one split are all in upper case, of
//! which a model whose vocabulary knows case sees next to nothing.
//!
//! ## Why the figures look good
//! Training and validation are usually cut from one cleaned table. The test texts, or those of real
//! use, come straight from the source.
//!
//! ## How it is tested
//! The audit compares the texts of every two splits by the share of texts all of whose letters are of
//! one case (of those with at least 8 letters that have one), and by three traits: the share of
//! upper-case letters, of punctuation, and of English function words among the words. At most 20,000
//! texts of each split are looked at, and at least 10 are needed:
//!
//! ```text
//! letter case:  significant (Fisher's exact test), and shares of texts in one case that are at least
//!               0.3 apart, of which the larger is at least 1.6 times the other
//! traits:       D = largest distance of the two distribution functions        Kolmogorov-Smirnov
//!               significant, D ≥ 0.5, and one mean is below 20 % of the other
//! ```
//!
//! Content alone does not move these so far; cleaning takes something out entirely. It is unsound, but
//! a caution where less than 80 % of the texts are of one case and the splits are predicted equally
//! well. Without a second file of texts, it is likely where 90 % of the texts are in upper case and the
//! model is no better than a guess. Damaged texts (C37) take precedence, and
//! with other languages or words (C55) function words are not compared. In a pipeline, up to 64
//! documents are cleaned again and compared with the text that was stored.
//!
//! ## What to do
//! Make cleaning one function that every text passes, in training and at prediction, and save its
//! settings with the model.
//!
//! ## Example
//! For the data of the test `a_split_in_lower_case_is_found`, the audit prints:
//!
//! ```text
//! 1. Texts were cleaned or cased in one split and not in another (C31, fault, certain)
//!    100.0 % of the test texts are all in lower case, without a single upper-case letter, and 0.0 % of
//!    the train texts: the two were not treated alike. A model whose vocabulary knows case meets words
//!    there that it has never seen.
//!    What to do: Make cleaning one function that every text passes, in training and at prediction,
//!    letter case included, and save its settings with the model.
//!    How to make sure: print one training text and one test text as the model gets them
//! ```
//!
//! ## References
//! - `richliao/textClassifier#17` and `ageron/handson-ml#199`: preprocessing that is fitted or applied
//!   to only a part of the data.
//! - scikit-learn user guide, *Common pitfalls: inconsistent preprocessing*.

use labelproof_artifact::Split;
use labelproof_metrics::statistics::{binomial_survival, fisher_exact, kolmogorov_smirnov};

use crate::answer::effect::Effect;
use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::case::Case;
use crate::case::suspect::missing;
use crate::cause::Cause;
use crate::evidence::{Missing, Need};
use crate::measures::predicted::PredictedRows;
use crate::measures::text_style::{LetterCase, Style, styles};

/// The distance of two distributions from which on texts were treated differently: content alone does not
/// move letter case or punctuation so far.
const LEAST_DISTANCE: f64 = 0.5;

/// The share that cleaning leaves at most of what it takes out.
const REMAINS: f64 = 0.2;

/// How far apart the shares of texts in one case must be.
const LEAST_SHARE: f64 = 0.3;

/// How many times the smaller share the larger must be.
const LEAST_RATIO: f64 = 1.6;

/// The share of texts in one case from which on it is all of them, but for a few.
const NEARLY_ALL: f64 = 0.8;

/// A trait of how texts look.
type Trait = (&'static str, fn(&Style) -> f64);

const TRAITS: [Trait; 3] = [
    ("upper-case letters", |style| style.upper_case),
    ("punctuation", |style| style.punctuation),
    ("function words such as `the`", |style| style.function_words),
];

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    if let Some(pipeline) = &case.evidence.pipeline
        && pipeline.recleaned_differently > 0
    {
        let summary = format!(
            "{} of {} documents, cleaned again, give another text than the one that was stored and trained \
             on.",
            pipeline.recleaned_differently, pipeline.rechecked
        );
        return Ok(found(summary, Confidence::Certain, None, Measured::new()));
    }
    let all: Vec<(Split, Vec<Style>)> = Split::ALL
        .into_iter()
        .filter_map(|split| Some((split, styles(case.evidence, split).ok()?)))
        .filter(|(_, styles)| styles.len() >= 10)
        .collect();
    if all.len() < 2 {
        return alone(case, &all);
    }
    if case.finds(Cause::WrongColumn) {
        return Ok(damaged());
    }
    if let Some(answer) = letter_case(case, &all) {
        return Ok(answer);
    }
    let mut largest: Option<(f64, f64, &str, Split, Split, f64, f64)> = None;
    for (place, (one, one_styles)) in all.iter().enumerate() {
        for (other, other_styles) in &all[place + 1..] {
            // A text in another language has other function words, and lost none.
            let traits = if is_other_language(case) {
                &TRAITS[..2]
            } else {
                &TRAITS[..]
            };
            for (name, read) in traits {
                let first: Vec<f64> = one_styles.iter().map(read).collect();
                let second: Vec<f64> = other_styles.iter().map(read).collect();
                let Some(test) = kolmogorov_smirnov(&first, &second) else {
                    continue;
                };
                let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
                if largest.is_none_or(|(distance, ..)| test.statistic > distance) {
                    largest = Some((
                        test.statistic,
                        test.p_value,
                        *name,
                        *one,
                        *other,
                        mean(&first),
                        mean(&second),
                    ));
                }
            }
        }
    }
    let (distance, p_value, name, one, other, first, second) = largest.ok_or(Need::MoreRows)?;
    let measured = Measured::new()
        .statistic("largest distance of two splits", distance)
        .p_value(p_value)
        .with("of", name)
        .with("split", odd_one(one, other).name());
    // Cleaning takes something out entirely; texts of another kind only have more or less of it.
    let removed = first.min(second) < REMAINS * first.max(second);
    if distance < LEAST_DISTANCE || !case.significant(p_value) || !removed {
        let summary = "The texts of all splits have the same shares of upper-case letters, punctuation and \
                       function words.";
        return Ok(Answer::clear(summary, measured));
    }
    let summary = format!(
        "The {one} texts have {:.1} % {name}, the {other} texts {:.1} %: one of the two was cleaned and the \
         other was not. The model meets at prediction what it never saw in training.",
        100.0 * first,
        100.0 * second
    );
    let effect = missing(case);
    Ok(found(summary, Confidence::Certain, effect, measured))
}

/// Whether texts are in another language. Of unknown words alone that is not said: a split that lost its
/// function words does not know those of the other.
fn is_other_language(case: &Case<'_>) -> bool {
    let Ok(Answer::Found(found)) = case.answer(Cause::Languages) else {
        return false;
    };
    let is_said = found.measured.evidence.get("other_language");
    found.severity >= Severity::Caution && is_said.is_some_and(|is_said| is_said == true)
}

fn damaged() -> Answer {
    let summary = "The texts of a split are damaged or of another column (see C37), whatever was cleaned.";
    Answer::clear(summary, Measured::new())
}

/// The split that is to be suspected of two: never training, and test before validation.
fn odd_one(one: Split, other: Split) -> Split {
    one.max(other)
}

/// The letter case that one split has and another has not.
fn letter_case(case: &Case<'_>, all: &[(Split, Vec<Style>)]) -> Option<Answer> {
    let mut best: Option<(f64, Answer)> = None;
    for (wanted, name, lost) in [
        (LetterCase::Upper, "upper", "lower"),
        (LetterCase::Lower, "lower", "upper"),
    ] {
        for (split, styles) in all {
            for (other, other_styles) in all.iter().filter(|(other, _)| other != split) {
                let (own, elsewhere) = (in_case(styles, wanted), in_case(other_styles, wanted));
                let share = |(of_case, letters): (u64, u64)| of_case as f64 / letters.max(1) as f64;
                let (more, less) = (share(own), share(elsewhere));
                let p_value = fisher_exact(own, elsewhere).unwrap_or(1.0);
                let differs =
                    case.significant(p_value) && more - less >= LEAST_SHARE && more >= LEAST_RATIO * less;
                if !differs
                    || best
                        .as_ref()
                        .is_some_and(|(difference, _)| more - less <= *difference)
                {
                    continue;
                }
                let summary = format!(
                    "{:.1} % of the {split} texts are all in {name} case, without a single {lost}-case letter, and {:.1} % of \
                     the {other} texts: the two were not treated alike. A model whose vocabulary knows case meets words \
                     there that it has never seen.",
                    100.0 * more,
                    100.0 * less
                );
                let effect = missing(case);
                let is_bad = more >= NEARLY_ALL || effect.is_some();
                let measured = Measured::new()
                    .statistic("share of the texts in one case", more)
                    .p_value(p_value)
                    .with("of", format!("{name} case"))
                    .with("share_elsewhere", less)
                    .with("split", odd_one(*split, *other).name());
                let severity = if is_bad {
                    Severity::Unsound
                } else {
                    Severity::Caution
                };
                let answer = diagnosis(severity, Confidence::Certain, summary, effect, measured);
                best = Some((more - less, answer));
            }
        }
    }
    best.map(|(_, answer)| answer)
}

/// Texts of one case, and all that have letters enough.
fn in_case(styles: &[Style], wanted: LetterCase) -> (u64, u64) {
    let count = |is: fn(LetterCase, LetterCase) -> bool| {
        styles.iter().filter(|style| is(style.case, wanted)).count() as u64
    };
    (
        count(|own, wanted| own == wanted),
        count(|own, _| own != LetterCase::Few),
    )
}

/// The texts of the only split that has any: upper case is a finding where the model sees nothing in them.
fn alone(case: &Case<'_>, all: &[(Split, Vec<Style>)]) -> Result<Answer, Missing> {
    let [(split, styles)] = all else {
        return Err(Missing(vec![Need::TrainTexts, Need::TestTexts]));
    };
    if *split == Split::Train {
        return Err(Missing(vec![Need::TestTexts]));
    }
    let rows = case.predicted(*split)?;
    if case.finds(Cause::WrongColumn) {
        return Ok(damaged());
    }
    let (upper, letters) = in_case(styles, LetterCase::Upper);
    let share = upper as f64 / letters.max(1) as f64;
    let measured = Measured::new()
        .statistic("share of the texts in one case", share)
        .with("of", "upper case")
        .with("split", split.name());
    let is_upper = letters >= 20 && share >= 0.9;
    if !is_upper || !is_blind(&rows) {
        let summary =
            format!("The {split} texts are not all in upper case, or are predicted better than by a guess.");
        return Ok(Answer::clear(summary, measured));
    }
    let summary = format!(
        "{:.1} % of the {split} texts are all in upper case, and the model is no better on them than a guess: one whose \
         vocabulary knows case sees words there that it has never seen.",
        100.0 * share
    );
    Ok(diagnosis(
        Severity::Unsound,
        Confidence::Likely,
        summary,
        None,
        measured,
    ))
}

/// Whether predictions are no better than always answering the most frequent class.
fn is_blind(rows: &PredictedRows<'_>) -> bool {
    let totals = rows.confusion().totals();
    let largest = totals.support.iter().copied().max().unwrap_or(0);
    let rate = largest as f64 / totals.rows.max(1) as f64;
    largest < totals.rows && binomial_survival(totals.hits, totals.rows, rate) > 0.01
}

fn found(summary: String, confidence: Confidence, effect: Option<Effect>, measured: Measured) -> Answer {
    diagnosis(Severity::Unsound, confidence, summary, effect, measured)
}

fn diagnosis(
    severity: Severity,
    confidence: Confidence,
    summary: String,
    effect: Option<Effect>,
    measured: Measured,
) -> Answer {
    Diagnosis {
        severity,
        confidence,
        summary,
        effect,
        fix: "Make cleaning one function that every text passes, in training and at prediction, letter case \
              included, and save its settings with the model."
            .to_owned(),
        confirm: "print one training text and one test text as the model gets them".to_owned(),
        measured,
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Evidence;
    use crate::evidence::Part;
    use crate::evidence::pipeline::PipelineFacts;
    use crate::testing::{ask, assert_close, clear, evidence, example, found, part, statistic};

    fn texts(change: fn(&str) -> String) -> Part {
        let rows: Vec<(String, u32)> = (0..50)
            .map(|row| (change(&format!("The end, said Mr. {row}.")), 0))
            .collect();
        part(&rows)
    }

    #[test]
    fn a_split_in_lower_case_is_found() {
        let with_test = |test| evidence(&["a"], [texts(str::to_owned), Part::default(), test]);
        let found = example(Cause::CleaningDiffers, &with_test(texts(str::to_lowercase)));
        // No text of one split is like one of the other: the largest share there is.
        assert_close(statistic(&found.measured), 1.0, 1e-12);
        assert_eq!(found.measured.evidence["of"], "lower case");
        assert_eq!(found.measured.evidence["split"], "test");
        clear(ask(Cause::CleaningDiffers, &with_test(texts(str::to_owned))));
    }

    #[test]
    fn documents_that_are_cleaned_otherwise_now_are_found() {
        let evidence = Evidence {
            pipeline: Some(PipelineFacts {
                rechecked: 64,
                recleaned_differently: 3,
                ..PipelineFacts::default()
            }),
            ..Evidence::default()
        };
        assert!(
            found(ask(Cause::CleaningDiffers, &evidence))
                .summary
                .starts_with("3 of 64 documents")
        );
    }

    /// Every fourth text of procurement notices is in capitals anyway; in test all of them are.
    #[test]
    fn upper_case_is_found_where_some_texts_always_are() {
        let some = |test: bool| {
            let rows: Vec<(String, u32)> = (0..80)
                .map(|row| {
                    let text = format!("Supply of office furniture, lot {row}");
                    let text = if test || row % 4 == 0 {
                        text.to_uppercase()
                    } else {
                        text
                    };
                    (text, 0)
                })
                .collect();
            part(&rows)
        };
        let splits = |test| evidence(&["a"], [Part::default(), some(false), some(test)]);
        let found = found(ask(Cause::CleaningDiffers, &splits(true)));
        assert_eq!(found.severity, Severity::Unsound);
        assert_close(statistic(&found.measured), 1.0, 1e-12);
        assert_close(
            found.measured.evidence["share_elsewhere"].as_f64().unwrap(),
            0.25,
            1e-12,
        );
        // By hand: the only table as unlikely is this one, 10^-25.934 = C(80, 20) / C(160, 100).
        assert_close(found.measured.p_value.unwrap().log10(), -25.934, 1e-3);
        clear(ask(Cause::CleaningDiffers, &splits(false)));
    }

    /// Questions without capitals and stops, whose training texts lost their function words as well: what is
    /// unknown in the test texts are those.
    #[test]
    fn words_that_cleaning_took_out_are_no_other_language() {
        let rows = |text: fn(u32) -> String| {
            let rows: Vec<(String, u32)> = (0..100).map(|row| (text(row), 0)).collect();
            part(&rows)
        };
        let cleaned = rows(|row| {
            let more = " card".repeat(row as usize % 7);
            format!("transfer money account{row} balance{more}")
        });
        let whole = rows(|row| {
            let more = " of the card".repeat(row as usize % 7);
            format!("transfer the money to the account{row} that is for the balance{more}")
        });
        let evidence = evidence(&["a"], [cleaned, Part::default(), whole]);
        let unknown = found(ask(Cause::Languages, &evidence));
        assert_eq!(unknown.severity, Severity::Caution);
        let cleaning = found(ask(Cause::CleaningDiffers, &evidence));
        assert!(
            cleaning.summary.contains("function words"),
            "{}",
            cleaning.summary
        );
    }

    /// No other file of texts tells that capitals are unusual: only a model that sees nothing in them does.
    #[test]
    fn upper_case_alone_is_found_where_the_model_is_blind() {
        let test = |hits: u32| {
            let rows: Vec<(String, u32)> = (0..100)
                .map(|row| (format!("QUESTION NUMBER {row}"), row % 2))
                .collect();
            let mut test = part(&rows);
            test.stored_predictions =
                Some((0..100).map(|row| if row < hits { row % 2 } else { 0 }).collect());
            evidence(&["a", "b"], [Part::default(), Part::default(), test])
        };
        let blind = found(ask(Cause::CleaningDiffers, &test(0)));
        assert_eq!(blind.confidence, Confidence::Likely);
        clear(ask(Cause::CleaningDiffers, &test(90)));
    }
}
