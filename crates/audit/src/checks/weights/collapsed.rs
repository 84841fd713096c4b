//! # The model predicts one class for nearly everything
//!
//! Whatever the model reads, it answers the same. Its training diverged (often a learning rate that is
//! too large for fine-tuning), or it gets an input that no longer depends on the text.
//!
//! ## Why the figures look good
//! On unbalanced data the answer is the largest class, and the accuracy is its share. Or validation was
//! measured before the collapse, and only the test rows were predicted after it.
//!
//! ## How it is tested
//! The audit counts the predicted classes of the test and of the validation rows, if there are at least
//! 20:
//!
//! ```text
//! share = rows predicted as the most predicted class / rows
//! found:  share > 0.95 and share - (share of this class in the labels) > 0.10
//! ```
//!
//! It is unsound, and certain. If another check finds, as unsound, why the model always says the same,
//! it takes precedence: damaged texts (C37), a model that does not see the text (C33), weights of
//! another epoch (C21), or other statistics of batch normalisation (C22).
//!
//! ## What to do
//! Lower the learning rate, warm it up over the first steps, weight rare classes, and try another seed.
//! If validation was fine, predict with the weights that it was measured with.
//!
//! ## Example
//! For the data of the test `one_answer_for_everything_is_found`, the audit prints:
//!
//! ```text
//! 1. The model predicts one class for nearly everything (C25, fault, certain)
//!    99.0 % of the test predictions are `a`, which is the label of 50.0 % of the rows: the model
//!    answers the same whatever it reads.
//!    What to do: Lower the learning rate, warm it up over the first steps, weigh rare classes, and try
//!    another seed; if validation was fine, predict with the weights that it was measured with.
//!    How to make sure: count the predicted classes of each file
//! ```
//!
//! ## References
//! - Mosbach, Andriushchenko and Klakow, 2021, *On the Stability of Fine-tuning BERT: Misconceptions,
//!   Explanations, and Strong Baselines*.
//! - `explosion/spaCy#2663` and `ThilinaRajapakse/simpletransformers#389`: classifiers that always
//!   predict one class.

use labelproof_artifact::Split;

use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::case::Case;
use crate::case::suspect::suspect;
use crate::cause::Cause;
use crate::evidence::{Missing, Need};
use crate::measures::class_counts::class_counts;

/// The share of one predicted class from which on the model has collapsed.
const COLLAPSED: f64 = 0.95;

/// How far that share must be above the class's share of the labels.
const LEAST_SURPLUS: f64 = 0.1;

/// Rows below which a class may be all there is by chance.
const FEWEST_ROWS: usize = 20;

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    let mut looked = None;
    for split in [Split::Test, Split::Validation] {
        let Ok(rows) = case.predicted(split) else {
            continue;
        };
        if rows.truth.len() < FEWEST_ROWS {
            continue;
        }
        let predicted = class_counts(rows.predictions, rows.classes);
        let truth = class_counts(rows.truth, rows.classes);
        let (class, most) = (0_u32..)
            .zip(&predicted)
            .max_by_key(|&(class, count)| (*count, std::cmp::Reverse(class)))
            .map_or((0, 0), |(class, count)| (class, *count));
        let share = most as f64 / rows.rows() as f64;
        let wanted = truth[class as usize] as f64 / rows.rows() as f64;
        let measured = Measured::new()
            .statistic("share of the most predicted class", share)
            .with("class", case.evidence.label(class))
            .with("share_of_its_labels", wanted);
        if share > COLLAPSED && share - wanted > LEAST_SURPLUS {
            if let Some(reason) = reason(case) {
                let summary = format!(
                    "{:.1} % of the {split} predictions are of one class, for a reason that {} gives.",
                    100.0 * share,
                    case.id(reason)
                );
                return Ok(Answer::clear(summary, measured));
            }
            return Ok(found(case, split, class, share, wanted, measured));
        }
        looked.get_or_insert((share, measured));
    }
    let (share, measured) = looked.ok_or(Need::TestPredictions)?;
    let summary = format!(
        "The most predicted class has {:.1} % of the predictions.",
        100.0 * share
    );
    Ok(Answer::clear(summary, measured))
}

/// The cause that makes a model always say the same, if one of them is found.
fn reason(case: &Case<'_>) -> Option<Cause> {
    Cause::OF_ONE_ANSWER
        .into_iter()
        .find(|cause| case.finds_at_least(*cause, Severity::Unsound))
}

fn found(case: &Case<'_>, split: Split, class: u32, share: f64, wanted: f64, measured: Measured) -> Answer {
    let label = case.evidence.label(class);
    Diagnosis {
        severity: Severity::Unsound,
        confidence: Confidence::Certain,
        summary: format!(
            "{:.1} % of the {split} predictions are `{label}`, which is the label of {:.1} % of the rows: \
             the model answers the same whatever it reads.",
            100.0 * share,
            100.0 * wanted
        ),
        effect: suspect(case)
            .ok()
            .filter(|suspect| suspect.split == split && suspect.below)
            .and_then(|suspect| suspect.effect()),
        fix: "Lower the learning rate, warm it up over the first steps, weigh rare classes, and try another \
              seed; if validation was fine, predict with the weights that it was measured with."
            .to_owned(),
        confirm: "count the predicted classes of each file".to_owned(),
        measured,
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Evidence;
    use crate::evidence::Part;
    use crate::testing::{ask, assert_close, clear, evidence, example, number, predicted, statistic};

    /// 100 rows, half of them of each class, of which `second` are predicted as the second.
    fn with_predictions(second: u32) -> Evidence {
        let rows: Vec<(u32, u32)> = (0..100)
            .map(|row| (u32::from(row % 2 == 0), u32::from(row < second)))
            .collect();
        evidence(&["a", "b"], [Part::default(), Part::default(), predicted(&rows)])
    }

    #[test]
    fn one_answer_for_everything_is_found() {
        let found = example(Cause::Collapsed, &with_predictions(1));
        assert_close(statistic(&found.measured), 0.99, 1e-12);
        assert_close(number(&found.measured, "share_of_its_labels"), 0.5, 1e-12);
        assert_eq!(found.measured.evidence["class"], "a");
    }

    #[test]
    fn several_answers_are_clear_and_so_is_one_that_is_mostly_right() {
        assert_close(
            statistic(&clear(ask(Cause::Collapsed, &with_predictions(30)))),
            0.7,
            1e-12,
        );
        let rows: Vec<(u32, u32)> = (0..100).map(|row| (u32::from(row < 3), 0)).collect();
        clear(ask(
            Cause::Collapsed,
            &evidence(&["a", "b"], [Part::default(), Part::default(), predicted(&rows)]),
        ));
    }
}
