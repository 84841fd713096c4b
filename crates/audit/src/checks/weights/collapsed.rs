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
//! 20, or the columns of the test confusion matrix:
//!
//! ```text
//! share = rows predicted as the most predicted class / rows
//! found:  share > 0.95 and share - (share of this class in the labels) > 0.10
//! ```
//!
//! It is unsound, and certain. With a log alone, a model that always says the same is known by figures
//! that only it has. If a share `s` of the rows is of the class that it says,
//!
//! ```text
//! of one class  precision = accuracy and recall = 1, or precision, recall and F1 = 0
//! weighted      recall = accuracy = s, precision = s², F1 = 2 s²/(1 + s)
//! macro         recall = 1/K, precision = s/K, F1 = 2 s/((1 + s) K)
//! ```
//!
//! The recall and one of the others must be this (within the digits given and 0.1 points), at accuracies
//! below 95 %; it is unsound, and likely. An AUC of 0.500 says that all rows have the same scores.
//!
//! If another check finds, as unsound, why the model always says the same,
//! it takes precedence: texts that are damaged (C37), cased otherwise (C31) or in another language (C55),
//! a model that does not see the text (C33), weights of another epoch (C21), or other statistics of batch
//! normalisation (C22).
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
//! - `google-research/bert#688`: all rows get the same probabilities.
//! - `explosion/spaCy#2663` and `ThilinaRajapakse/simpletransformers#389`: classifiers that always
//!   predict one class.

use labelproof_artifact::Split;

use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::answer::wording::percent;
use crate::case::Case;
use crate::case::odd_split::input_fault;
use crate::case::suspect::suspect;
use crate::cause::Cause;
use crate::evidence::log::{Epoch, Figures, Log};
use crate::evidence::{Missing, Need};

/// The share of one predicted class from which on the model has collapsed.
const COLLAPSED: f64 = 0.95;

/// The same where the class has far fewer of the labels, and how many fewer.
const NEARLY_COLLAPSED: f64 = 0.9;
const FAR_SURPLUS: f64 = 0.3;

/// How far that share must be above the class's share of the labels.
const LEAST_SURPLUS: f64 = 0.1;

/// Rows below which a class may be all there is by chance.
const FEWEST_ROWS: u64 = 20;

/// Epochs in which figures do not stay the same to the last digit by chance.
const UNMOVED: usize = 3;

/// An accuracy from which on the figures of a constant answer are near those of any good model.
const TOO_GOOD: f64 = 0.95;

/// How far a figure may be from that of a constant answer, beside the digits of the log.
const APART: f64 = 1e-3;

/// How near one half an AUC is that of equal scores.
const NO_ORDER: f64 = 5e-4;

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    let mut looked = None;
    for split in [Split::Test, Split::Validation] {
        let counts = match case.predicted(split) {
            Ok(rows) => Some(rows.confusion().totals()),
            Err(_) if split == Split::Test => case.test_totals().ok(),
            Err(_) => None,
        };
        let Some(counts) = counts.filter(|counts| counts.rows >= FEWEST_ROWS) else {
            continue;
        };
        let (class, most) = (0_u32..)
            .zip(&counts.predicted)
            .max_by_key(|&(class, count)| (*count, std::cmp::Reverse(class)))
            .map_or((0, 0), |(class, count)| (class, *count));
        let share = most as f64 / counts.rows as f64;
        let wanted = counts.support[class as usize] as f64 / counts.rows as f64;
        let measured = Measured::new()
            .statistic("share of the most predicted class", share)
            .with("class", case.evidence.label(class))
            .with("share_of_its_labels", wanted);
        let is_all = share > COLLAPSED && share - wanted > LEAST_SURPLUS;
        if is_all || share > NEARLY_COLLAPSED && share - wanted > FAR_SURPLUS {
            if let Some(reason) = reason(case).or_else(|| input_fault(case, split)) {
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
    if let Some(log) = &case.evidence.log
        && let Some(found) = constant_in_log(log, case.evidence.classes())
    {
        return Ok(found.into());
    }
    if let Some((share, measured)) = looked {
        let summary = format!(
            "The most predicted class has {:.1} % of the predictions.",
            100.0 * share
        );
        return Ok(Answer::clear(summary, measured));
    }
    let has_metrics = |epoch: &Epoch| epoch.validation.has_metric() || epoch.test.has_metric();
    if case
        .evidence
        .log
        .as_ref()
        .is_some_and(|log| log.epochs.iter().any(has_metrics))
    {
        let summary =
            "The logged precision, recall and F1 are not those of a model that always says the same.";
        return Ok(Answer::clear(summary, Measured::new()));
    }
    let few = case.test_totals().is_ok() || case.predicted(Split::Validation).is_ok();
    Err(Missing::from(if few {
        Need::MoreRows
    } else {
        Need::TestPredictions
    }))
}

/// Figures of the reported epoch, or of the test rows, that only a model has that always says the same.
fn constant_in_log(log: &Log, classes: Option<usize>) -> Option<Diagnosis> {
    let reported = log.reported().map(|epoch| (Split::Validation, epoch.validation));
    let tested = log.tested().map(|figures| (Split::Test, *figures));
    [reported, tested].into_iter().flatten().find_map(|(split, figures)| {
        let rounding = |read: fn(&Figures) -> Option<f64>| {
            let digits = log.rounding(|epoch: &Epoch| read(epoch.of(split)));
            digits.min(5e-3) + APART
        };
        let apart = Apart {
            accuracy: rounding(|figures| figures.accuracy),
            precision: rounding(|figures| figures.precision),
            recall: rounding(|figures| figures.recall),
            f1: rounding(|figures| figures.f1),
        };
        let sentence = one_class(&figures, &apart)
            .or_else(|| always_in_log(log, split))
            .or_else(|| without_correlation(log, split, &figures))
            .or_else(|| averaged(&figures, &apart, classes))
            .or_else(|| without_order(log, split, &figures));
        let of_one_answer = |sentence: String| {
            format!("The logged {split} figures are those of a model that always answers the same class: {sentence}.")
        };
        let summary = sentence.map(of_one_answer).or_else(|| nothing_right(&figures, split))?;
        Some(Diagnosis {
            severity: Severity::Unsound,
            confidence: Confidence::Likely,
            summary,
            effect: None,
            fix: FIX.to_owned(),
            confirm: format!("count the predicted classes of the {split} rows"),
            measured: Measured::new()
                .with("accuracy", figures.accuracy)
                .with("precision", figures.precision)
                .with("recall", figures.recall)
                .with("f1", figures.f1)
                .with("auc", figures.auc),
        })
    })
}

/// How far logged figures may be from expected ones.
struct Apart {
    accuracy: f64,
    precision: f64,
    recall: f64,
    f1: f64,
}

/// Of the figures of one class: it is always said, or never.
fn one_class(figures: &Figures, apart: &Apart) -> Option<String> {
    let accuracy = figures
        .accuracy
        .filter(|accuracy| (0.001..TOO_GOOD).contains(accuracy))?;
    let zero = |value: Option<f64>| value.is_some_and(|value| value.abs() < 1e-9);
    let is_never = zero(figures.recall) && figures.f1.is_none_or(|f1| f1 == 0.0)
        || zero(figures.f1) && figures.precision.is_none_or(|precision| precision == 0.0);
    if is_never {
        return Some(format!(
            "recall and F1 are 0 beside an accuracy of {}, so that no row is predicted as the class that they are of",
            percent(accuracy)
        ));
    }
    let (precision, recall) = (figures.precision?, figures.recall?);
    let is_always =
        recall >= 1.0 - 1e-9 && (precision - accuracy).abs() <= apart.precision.max(apart.accuracy);
    is_always.then(|| {
        format!(
            "the recall is 100 % and the precision, {}, is the accuracy, so that every row is predicted as the class \
             that they are of",
            percent(precision)
        )
    })
}

/// Precision, recall and F1 of 0 where no accuracy says that anything is right: whatever they are averaged over, no row
/// that is predicted as one of its classes is of it.
fn nothing_right(figures: &Figures, split: Split) -> Option<String> {
    let is_zero = |value: Option<f64>| value == Some(0.0);
    let is_none_right = figures.accuracy.is_none_or(|accuracy| accuracy < 0.001);
    let is_it = is_none_right
        && is_zero(figures.precision)
        && is_zero(figures.recall)
        && figures.f1.is_none_or(|f1| f1 == 0.0);
    is_it.then(|| {
        format!(
            "The logged {split} precision and recall are 0: nothing is predicted as what they are of, or not a single row \
             rightly."
        )
    })
}

/// A recall of 100 % and a precision that never move: every row is predicted as the class that they are of.
fn always_in_log(log: &Log, split: Split) -> Option<String> {
    let of = |read: fn(&Figures) -> Option<f64>| -> Vec<f64> {
        log.epochs
            .iter()
            .filter_map(|epoch| read(epoch.of(split)))
            .collect()
    };
    let (precisions, recalls) = (of(|figures| figures.precision), of(|figures| figures.recall));
    let &precision = precisions.first().filter(|precision| **precision < TOO_GOOD)?;
    let is_same = |values: &[f64], value: f64| values.iter().all(|other| (other - value).abs() < 1e-9);
    (precisions.len() >= UNMOVED && is_same(&precisions, precision) && is_same(&recalls, 1.0)).then(|| {
        format!(
            "the recall is 100 % and the precision {} in each of {} epochs, so that every row is predicted as the class \
             that they are of",
            percent(precision),
            precisions.len()
        )
    })
}

/// A correlation of exactly 0, which is written where predictions or labels are all the same. How many digits
/// a 0 had is not known; those of the other figures are.
fn without_correlation(log: &Log, split: Split, figures: &Figures) -> Option<String> {
    let is_good = figures.accuracy.is_some_and(|accuracy| accuracy >= TOO_GOOD);
    let has_digits = [
        |figures: &Figures| figures.mcc,
        |figures: &Figures| figures.accuracy,
        |figures: &Figures| figures.loss,
    ]
    .into_iter()
    .any(|read| log.rounding(|epoch: &Epoch| read(epoch.of(split))) <= NO_ORDER + 1e-9);
    (figures.mcc == Some(0.0) && has_digits && !is_good).then(|| {
        "Matthews' correlation (MCC) is exactly 0, which is what is written where one class is predicted for every row"
            .to_owned()
    })
}

/// Of averages over classes.
fn averaged(figures: &Figures, apart: &Apart, classes: Option<usize>) -> Option<String> {
    let share = figures
        .accuracy
        .filter(|accuracy| (0.001..1.0).contains(accuracy))?;
    let recall = figures.recall;
    let near = |logged: Option<f64>, expected: f64, apart: f64| {
        logged.map(|logged| (logged - expected).abs() <= apart)
    };
    let all = |expected: [f64; 3]| {
        let [precision, recalled, f1] = expected;
        let same = [
            near(figures.precision, precision, apart.precision),
            near(recall, recalled, apart.recall),
            near(figures.f1, f1, apart.f1),
        ];
        let known = same.iter().flatten();
        // One figure alone may be so by chance.
        known.clone().count() >= 2 && known.clone().all(|same| *same)
    };
    let f1 = 2.0 * share / (1.0 + share);
    if share < TOO_GOOD && all([share * share, share, share * f1]) {
        return Some(format!(
            "with {} of the rows right, the precision is the square of the recall, as weighted averages of one answer \
             are",
            percent(share)
        ));
    }
    let inferred = recall
        .filter(|recall| *recall > 0.0)
        .map(|recall| (1.0 / recall).round());
    let classes = classes
        .map(|classes| classes as f64)
        .or(inferred)
        .filter(|classes| *classes >= 2.0 && share > 1.0 / classes)?;
    all([share / classes, 1.0 / classes, f1 / classes]).then(|| {
        format!(
            "the mean recall is {}, one class of {classes}, and precision and F1 are what one answer gives at an \
             accuracy of {}",
            percent(1.0 / classes),
            percent(share)
        )
    })
}

/// An AUC that equal scores have.
fn without_order(log: &Log, split: Split, figures: &Figures) -> Option<String> {
    let auc = figures.auc?;
    let has_digits =
        log.rounding(|epoch: &Epoch| epoch.of(split).auc) <= NO_ORDER || (auc - 0.5).abs() < 1e-12;
    (has_digits && (auc - 0.5).abs() <= NO_ORDER)
        .then(|| "the AUC is 0.500, which it is where all rows have the same scores".to_owned())
}

const FIX: &str = "Lower the learning rate, warm it up over the first steps, weigh rare classes, and try another \
                   seed; if validation was fine, predict with the weights that it was measured with.";

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
        fix: FIX.to_owned(),
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

    /// The matrix of a binary classifier whose probabilities were cast to integers.
    #[test]
    fn one_column_of_a_matrix_is_found() {
        let with = |matrix: [[u64; 2]; 2]| Evidence {
            confusion: Some(matrix.iter().map(|row| row.to_vec()).collect()),
            ..Evidence::default()
        };
        let found = found_in(&with([[53, 0], [90, 0]]));
        assert_close(statistic(&found.measured), 1.0, 1e-12);
        assert_close(
            number(&found.measured, "share_of_its_labels"),
            53.0 / 143.0,
            1e-12,
        );
        clear(ask(Cause::Collapsed, &with([[50, 3], [10, 80]])));
        assert_eq!(
            ask(Cause::Collapsed, &with([[8, 0], [9, 0]])),
            Err(Need::MoreRows.into())
        );
    }

    fn found_in(evidence: &Evidence) -> Diagnosis {
        crate::testing::found(ask(Cause::Collapsed, evidence))
    }

    /// Accuracy, precision, recall and F1.
    fn with_figures([accuracy, precision, recall, f1]: [f64; 4], classes: Option<usize>) -> Evidence {
        let validation = Figures {
            accuracy: Some(accuracy),
            precision: Some(precision),
            recall: Some(recall),
            f1: Some(f1),
            ..Figures::default()
        };
        Evidence {
            log: Some(Log {
                epochs: vec![Epoch {
                    validation,
                    ..Epoch::default()
                }],
                ..Log::default()
            }),
            class_count: classes,
            ..Evidence::default()
        }
    }

    /// By hand, of 100 rows that are all predicted as one of three classes, which 62 are of: its precision is 0.62,
    /// its recall 1 and its F1 1.24/1.62; those of the other classes are 0.
    #[test]
    fn figures_of_one_answer_are_found() {
        let check = |figures, classes, words: &str| {
            let found = found_in(&with_figures(figures, classes));
            assert!(found.summary.contains(words), "{}", found.summary);
        };
        check([0.62, 0.3844, 0.62, 0.4746], None, "square of the recall");
        check([0.62, 0.2067, 0.3333, 0.2551], Some(3), "one class of 3");
        check([0.62, 0.2067, 0.3333, 0.2551], None, "one class of 3");
        check([0.62, 0.62, 1.0, 0.7654], None, "every row is predicted");
        check([0.62, 0.0, 0.0, 0.0], None, "no row is predicted");
        check([0.96, 0.32, 0.3333, 0.3265], None, "one class of 3");
        // Of models that know something, macro and of one class, and of a good one.
        clear(ask(
            Cause::Collapsed,
            &with_figures([0.62, 0.60, 0.5833, 0.5833], Some(3)),
        ));
        clear(ask(
            Cause::Collapsed,
            &with_figures([0.90, 0.88, 1.0, 0.9362], None),
        ));
        clear(ask(
            Cause::Collapsed,
            &with_figures([0.97, 0.9409, 0.97, 0.955], None),
        ));
    }

    /// spaCy's figures of the class that every row is predicted as, with half of the rows of it.
    #[test]
    fn figures_without_an_accuracy_tell_one_answer() {
        let with = |figures: Figures| Evidence {
            log: Some(Log {
                epochs: vec![
                    Epoch {
                        validation: figures,
                        ..Epoch::default()
                    };
                    3
                ],
                ..Log::default()
            }),
            ..Evidence::default()
        };
        let of = |precision, recall, f1| Figures {
            precision: Some(precision),
            recall: Some(recall),
            f1: Some(f1),
            ..Figures::default()
        };
        let found = |figures| found_in(&with(figures)).summary;
        assert!(found(of(0.505, 1.0, 0.671)).contains("in each of 3 epochs"));
        assert!(found(of(0.0, 0.0, 0.0)).contains("precision and recall are 0"));
        let mcc = Figures {
            mcc: Some(0.0),
            accuracy: Some(0.494),
            ..Figures::default()
        };
        assert!(found(mcc).contains("(MCC)"));
        clear(ask(Cause::Collapsed, &with(of(0.505, 0.99, 0.669))));
        clear(ask(
            Cause::Collapsed,
            &with(Figures {
                mcc: Some(0.01),
                ..mcc
            }),
        ));
    }

    /// By hand: 93 of 100 rows are predicted as the class of 32.
    #[test]
    fn a_class_that_attracts_nearly_all_rows_is_found() {
        let with = |first: u64, second: u64| Evidence {
            confusion: Some(vec![
                vec![32, 0, 0],
                vec![first, 34 - first, 0],
                vec![second, 0, 34 - second],
            ]),
            ..Evidence::default()
        };
        assert_close(statistic(&found_in(&with(31, 30)).measured), 0.93, 1e-12);
        clear(ask(Cause::Collapsed, &with(25, 25)));
    }

    #[test]
    fn an_auc_of_one_half_is_found() {
        let mut evidence = with_figures([0.62, 0.6, 0.6, 0.6], None);
        let figures = &mut evidence.log.as_mut().unwrap().epochs[0].validation;
        figures.auc = Some(0.5);
        assert!(found_in(&evidence).summary.contains("the same scores"));
        evidence.log.as_mut().unwrap().epochs[0].validation.auc = Some(0.52);
        clear(ask(Cause::Collapsed, &evidence));
    }

    /// Three per cent of the rows are of the class, and none is predicted as it: 97 % of the rows are right.
    #[test]
    fn a_rare_class_that_is_never_predicted_is_no_collapse() {
        clear(ask(Cause::Collapsed, &with_figures([0.97, 0.0, 0.0, 0.0], None)));
        found_in(&with_figures([0.0, 0.0, 0.0, 0.0], None));
    }

    #[test]
    fn a_correlation_of_two_digits_is_not_exactly_0() {
        let with = |accuracy| Figures {
            mcc: Some(0.0),
            accuracy: Some(accuracy),
            ..Figures::default()
        };
        let of = |accuracy| Evidence {
            log: Some(Log {
                epochs: vec![Epoch {
                    validation: with(accuracy),
                    ..Epoch::default()
                }],
                ..Log::default()
            }),
            ..Evidence::default()
        };
        clear(ask(Cause::Collapsed, &of(0.51)));
        found_in(&of(0.5136));
    }
}
