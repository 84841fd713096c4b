//! # Texts were cleaned in one split and not in another
//!
//! Lower-casing, removal of punctuation or of stop words was applied to the training texts and
//! forgotten at prediction, or the other way round.
//!
//! ## Why the figures look good
//! Training and validation are usually cut from one cleaned table. The test texts, or those of real
//! use, come straight from the source.
//!
//! ## How it is tested
//! The audit compares the texts of every two splits by three traits: the share of upper-case letters,
//! of punctuation, and of English function words among the words. At most 20,000 texts of each split
//! are looked at, and at least 10 are needed:
//!
//! ```text
//! D = largest distance of the two distribution functions        Kolmogorov-Smirnov
//! found:  significant, D ≥ 0.5, and one mean is below 20 % of the other
//! ```
//!
//! Content alone does not move these traits so far; cleaning takes something out entirely. Damaged
//! texts (C37) take precedence. In a pipeline, up to 64 documents are cleaned again and compared with
//! the text that was stored.
//!
//! ## What to do
//! Make cleaning one function that every text passes, in training and at prediction, and save its
//! settings with the model.
//!
//! ## Example
//! For the data of the test `a_split_in_lower_case_is_found`, the audit prints:
//!
//! ```text
//! 1. Texts were cleaned in one split and not in another (C31, fault, certain)
//!    The train texts have 16.7 % upper-case letters, the test texts 0.0 %: one of the two was cleaned
//!    and the other was not. The model meets at prediction what it never saw in training.
//!    What to do: Make cleaning one function that every text passes, in training and at prediction, and
//!    save its settings with the model.
//!    How to make sure: print one training text and one test text as the model gets them
//! ```
//!
//! ## References
//! - `richliao/textClassifier#17` and `ageron/handson-ml#199`: preprocessing that is fitted or applied
//!   to only a part of the data.
//! - scikit-learn user guide, *Common pitfalls: inconsistent preprocessing*.

use labelproof_artifact::Split;
use labelproof_metrics::statistics::kolmogorov_smirnov;

use crate::answer::effect::Effect;
use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::case::Case;
use crate::case::suspect::missing;
use crate::cause::Cause;
use crate::evidence::{Missing, Need};
use crate::measures::text_style::{Style, styles};

/// The distance of two distributions from which on texts were treated differently: content alone does not
/// move letter case or punctuation so far.
const LEAST_DISTANCE: f64 = 0.5;

/// The share that cleaning leaves at most of what it takes out.
const REMAINS: f64 = 0.2;

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
        return Err(Missing(vec![Need::TrainTexts, Need::TestTexts]));
    }
    let mut largest: Option<(f64, f64, &str, Split, Split, f64, f64)> = None;
    for (place, (one, one_styles)) in all.iter().enumerate() {
        for (other, other_styles) in &all[place + 1..] {
            for (name, read) in TRAITS {
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
                        name,
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
        .with("of", name);
    // Cleaning takes something out entirely; texts of another kind only have more or less of it.
    let removed = first.min(second) < REMAINS * first.max(second);
    let damaged = case.finds(Cause::WrongColumn);
    if distance < LEAST_DISTANCE || !case.significant(p_value) || !removed || damaged {
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

fn found(summary: String, confidence: Confidence, effect: Option<Effect>, measured: Measured) -> Answer {
    Diagnosis {
        severity: Severity::Unsound,
        confidence,
        summary,
        effect,
        fix:
            "Make cleaning one function that every text passes, in training and at prediction, and save its \
             settings with the model."
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
        // No text of one split is like one of the other: the largest distance there is.
        assert_close(statistic(&found.measured), 1.0, 1e-12);
        assert_eq!(found.measured.evidence["of"], "upper-case letters");
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
}
