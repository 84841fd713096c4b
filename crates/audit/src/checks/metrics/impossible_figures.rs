//! # Logged figures that cannot be together
//!
//! Two figures of one epoch exclude each other: no set of rows has both. One of them is computed over
//! other rows, under another average, with another threshold, or is not what its name says.
//!
//! ## Why the figures look good
//! Each figure by itself is possible, and nobody computes one from the other.
//!
//! ## How it is tested
//! The audit needs a log. Whatever the average over classes (macro, weighted, micro, of one class, or a
//! mean over batches), precision `P`, recall `R` and `F1` obey
//!
//! ```text
//! P + R - 1 ≤ F1 ≤ 2 P R / (P + R)
//! ```
//!
//! because the harmonic mean of each class is at least its smaller side, and is concave. With `K` known
//! classes, the accuracy is at least the least of `R/(1 + R(1 - P)/P)`, which holds for figures of one
//! class, `R`, for weighted ones, and `1 - K(1 - R)`, for macro ones. Where the number of rows is given,
//! the accuracy must be a whole number of them. The digits that the log gives are allowed for, and 0.2
//! points. It is a caution, and certain.
//!
//! A classification report whose own lines exclude each other is found as well: its averages are not
//! those of its classes, or no counts of rows give its figures.
//!
//! An AUC of at least 0.95 beside an accuracy of guessing is no contradiction but as telling: the scores
//! put the rows in the right order, and the choice that is made of them ignores it. It is a caution, and
//! likely. It counts in the epoch that is reported (in others a training is on its way), and where C9 does
//! not say which classes are favoured. A loss that is impossible at its accuracy is C3.
//!
//! ## What to do
//! Save labels, predictions and scores of the validation rows, and compute all figures from them in one
//! place, under one average.
//!
//! ## Example
//! For the data of the test `an_f1_above_precision_and_recall_is_found`, the audit prints:
//!
//! ```text
//! 1. Logged figures that cannot be together (C18, caution, certain)
//!    In the validation figures, an F1 of 74.0 % is impossible beside a precision of 71.0 % and a
//!    recall of 62.0 %: under every average it is at most 66.2 %. The three are of different averages,
//!    rows or thresholds.
//!    What to do: Save labels, predictions and scores of these rows, and compute all figures from them
//!    in one place, under one average.
//!    How to make sure: give the rows with their predictions, and audit again: every logged figure is
//!    compared with what they give
//! ```
//!
//! ## References
//! - Opitz and Burst, 2019, *Macro F1 and Macro F1* (arXiv 1911.03347): the F1 of averages is at least the
//!   average of F1.
//! - scikit-learn user guide, section 3.4.4.

use labelproof_artifact::Split;

use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::answer::wording::split_name;
use crate::case::Case;
use crate::cause::Cause;
use crate::evidence::log::{Epoch, Figures, Log};
use crate::evidence::{Missing, Need};

/// What definitions differ by, and means over batches of different sizes.
const MARGIN: f64 = 2e-3;

/// The AUC from which on scores put nearly all rows in order.
const ORDERED: f64 = 0.95;

/// How little above guessing an accuracy is no better.
const GUESSED: f64 = 0.05;

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    let mut looked = false;
    let mut found: Option<Diagnosis> = None;
    for report in &case.evidence.margins {
        looked = true;
        if let (None, Some(first)) = (&found, report.contradictions.first()) {
            let said = contradiction(
                report.contradictions.len() as f64,
                format!("this cannot be: {first}"),
            );
            found = Some(diagnosis(&said, &format!("report {}", report.source)));
        }
    }
    let classes = case.evidence.classes();
    let Ok(log) = case.evidence.log() else {
        return answer(found, looked);
    };
    // An early epoch orders rows before it chooses among classes, and nobody reports it.
    let is_reported = |epoch: &Epoch| {
        log.reported()
            .is_some_and(|reported| std::ptr::eq(epoch, reported))
    };
    for split in [Split::Validation, Split::Test, Split::Train] {
        for (place, epoch) in log.epochs.iter().enumerate().rev() {
            let figures = epoch.of(split);
            let digits = Digits { log, split };
            looked |= figures.has_metric()
                || figures.accuracy.is_some() && (figures.auc.is_some() || log.said_rows(split).is_some());
            let contradiction = [
                of_f1(figures, digits),
                of_accuracy(figures, digits, classes),
                of_auc(figures, classes).filter(|_| is_reported(epoch) && !case.finds(Cause::ClassBias)),
                of_rows(figures, digits),
            ];
            let gravest = contradiction
                .into_iter()
                .flatten()
                .max_by_key(|said| said.severity);
            let Some(said) = gravest else { continue };
            if found.as_ref().is_none_or(|found| said.severity > found.severity) {
                let epoch = if log.epochs.len() > 1 {
                    format!(" of {}", log.name(place))
                } else {
                    String::new()
                };
                found = Some(diagnosis(&said, &format!("{} figures{epoch}", split_name(split))));
            }
        }
    }
    if let Some(said) = of_same_loss(log)
        && found.is_none()
    {
        found = Some(Diagnosis {
            fix: "Find out what `accuracy` was resolved to in each: a model that was loaded has to be compiled with the metric \
                  by its full name (such as `sparse_categorical_accuracy`), or count the rows yourself by the class of the \
                  highest output."
                .to_owned(),
            ..diagnosis(&said, "log")
        });
    }
    answer(found, looked)
}

/// Two evaluations with the same loss and different accuracies: the outputs are the same, and counted in two ways.
fn of_same_loss(log: &Log) -> Option<Contradiction> {
    /// Digits with which two losses are not the same by chance, and how far accuracies are apart that are others.
    const DIGITS: f64 = 5.1e-5;
    const OTHER: f64 = 0.02;
    [Split::Test, Split::Validation].into_iter().find_map(|split| {
        if log.rounding(|epoch| epoch.of(split).loss) > DIGITS {
            return None;
        }
        let pairs: Vec<(Option<f64>, f64, f64)> = log
            .epochs
            .iter()
            // The epochs of a training have other weights, and losses that hardly move.
            .filter(|epoch| epoch.train.is_empty())
            .filter_map(|epoch| Some((epoch.number, epoch.of(split).loss?, epoch.of(split).accuracy?)))
            .collect();
        pairs.windows(2).find_map(|pair| {
            let [(number, loss, first), (other_number, other_loss, second)] = [pair[0], pair[1]];
            let is_it = loss > 0.0
                && number == other_number
                && (loss - other_loss).abs() < 1e-9
                && !is_of_guessing(loss)
                && (first - second).abs() >= OTHER;
            is_it.then(|| {
                contradiction(
                    (first - second).abs(),
                    format!(
                        "two evaluations have the same {split} loss, {loss:.4}, and accuracies of {:.1} % and {:.1} %: \
                         the weights and the outputs are the same, and the accuracy counts them in two ways.",
                        100.0 * first,
                        100.0 * second
                    ),
                )
            })
        })
    })
}

/// Whether a loss is that of equal outputs for every class, which any weights have that have learnt nothing.
fn is_of_guessing(loss: f64) -> bool {
    const MOST_CLASSES: u32 = 50;
    const APART: f64 = 2e-3;
    (2..=MOST_CLASSES).any(|classes| (loss - f64::from(classes).ln()).abs() <= APART)
}

fn answer(found: Option<Diagnosis>, looked: bool) -> Result<Answer, Missing> {
    match found {
        Some(found) => Ok(found.into()),
        None if looked => Ok(Answer::clear(
            "The logged figures can be those of one set of rows.",
            Measured::new(),
        )),
        None => Err(Need::LoggedMetric.into()),
    }
}

/// How many digits the log gives of a figure.
#[derive(Clone, Copy)]
struct Digits<'a> {
    log: &'a Log,
    split: Split,
}

impl Digits<'_> {
    /// Half of the last digit.
    fn of(&self, read: fn(&Figures) -> Option<f64>) -> f64 {
        let split = self.split;
        self.log.rounding(|epoch: &Epoch| read(epoch.of(split))).min(5e-3)
    }
}

/// What excludes what.
struct Contradiction {
    severity: Severity,
    confidence: Confidence,
    sentence: String,
    /// By how much a bound is broken.
    by: f64,
}

fn contradiction(by: f64, sentence: String) -> Contradiction {
    Contradiction {
        severity: Severity::Caution,
        confidence: Confidence::Certain,
        sentence,
        by,
    }
}

fn diagnosis(said: &Contradiction, of: &str) -> Diagnosis {
    Diagnosis {
        severity: said.severity,
        confidence: said.confidence,
        summary: format!("In the {of}, {}", said.sentence),
        effect: None,
        fix: "Save labels, predictions and scores of these rows, and compute all figures from them in one place, \
              under one average."
            .to_owned(),
        confirm: "give the rows with their predictions, and audit again: every logged figure is compared with \
                  what they give"
            .to_owned(),
        measured: Measured::new().statistic("distance from what is possible", said.by),
    }
}

fn of_f1(figures: &Figures, digits: Digits<'_>) -> Option<Contradiction> {
    let (precision, recall, f1) = (figures.precision?, figures.recall?, figures.f1?);
    let sum = precision + recall;
    let most = if sum > 0.0 {
        2.0 * precision * recall / sum
    } else {
        0.0
    };
    let least = (sum - 1.0).max(0.0);
    let tolerance = MARGIN
        + digits.of(|figures| figures.f1)
        + digits.of(|figures| figures.precision)
        + digits.of(|figures| figures.recall);
    let shown = |value: f64| format!("{:.1} %", 100.0 * value);
    let which = if f1 > most + tolerance {
        format!("at most {}", shown(most))
    } else if f1 < least - tolerance {
        format!("at least {}", shown(least))
    } else {
        return None;
    };
    Some(contradiction(
        (f1 - most).max(least - f1),
        format!(
            "an F1 of {} is impossible beside a precision of {} and a recall of {}: under every average it is \
             {which}. The three are of different averages, rows or thresholds.",
            shown(f1),
            shown(precision),
            shown(recall)
        ),
    ))
}

fn of_accuracy(figures: &Figures, digits: Digits<'_>, classes: Option<usize>) -> Option<Contradiction> {
    let (accuracy, precision, recall) = (figures.accuracy?, figures.precision?, figures.recall?);
    let Some(classes) = classes else {
        return of_two_classes(figures, digits);
    };
    let classes = classes.max(2) as f64;
    let of_class = if precision > 0.0 {
        recall / (1.0 + recall * (1.0 - precision) / precision)
    } else {
        0.0
    };
    let least = of_class.min(recall).min(1.0 - classes * (1.0 - recall));
    // Bounds magnify what is rounded.
    let tolerance = MARGIN
        + digits.of(|figures| figures.accuracy)
        + classes * (digits.of(|figures| figures.recall) + digits.of(|figures| figures.precision));
    (accuracy < least - tolerance).then(|| {
        contradiction(
            least - accuracy,
            format!(
                "an accuracy of {:.1} % is impossible beside a precision of {:.1} % and a recall of {:.1} %: it is \
                 at least {:.1} % then, whatever they are averaged by. The accuracy is of other rows, or counts \
                 something else.",
                100.0 * accuracy,
                100.0 * precision,
                100.0 * recall,
                100.0 * least
            ),
        )
    })
}

/// The same where nobody says how many classes there are: for figures of one class of two, and for those that weigh
/// classes by their rows, whose recall is the accuracy. Means of many classes may be above it.
fn of_two_classes(figures: &Figures, digits: Digits<'_>) -> Option<Contradiction> {
    /// How far the accuracy must be below both, and below the bound.
    const FAR: f64 = 0.03;
    let (accuracy, precision, recall) = (figures.accuracy?, figures.precision?, figures.recall?);
    if precision <= 0.0 {
        return None;
    }
    // Hits, misses and false alarms of the class are all rows at most.
    let least = recall / (1.0 + recall * (1.0 - precision) / precision);
    let tolerance =
        MARGIN + digits.of(|figures| figures.accuracy) + 2.0 * digits.of(|figures| figures.precision);
    (accuracy < least - tolerance - FAR).then(|| Contradiction {
        confidence: Confidence::Possible,
        ..contradiction(
            least - accuracy,
            format!(
                "an accuracy of {:.1} % does not go with a precision of {:.1} % and a recall of {:.1} %: if these are of \
                 one class of two, it is at least {:.1} %, and if they weigh classes by their rows, it is the recall. Plain \
                 means over classes of very different sizes look so, and the share of rows all of whose labels are right, \
                 where a row may have several; otherwise the accuracy is of other rows, or counts something else.",
                100.0 * accuracy,
                100.0 * precision,
                100.0 * recall,
                100.0 * least
            ),
        )
    })
}

fn of_auc(figures: &Figures, classes: Option<usize>) -> Option<Contradiction> {
    let (accuracy, auc) = (figures.accuracy?, figures.auc?);
    let guessing = 1.0 / classes?.max(2) as f64;
    (auc >= ORDERED && accuracy <= guessing + GUESSED).then(|| Contradiction {
        confidence: Confidence::Likely,
        ..contradiction(
            auc,
            format!(
                "an AUC of {auc:.3} stands beside an accuracy of {:.1} %, which is that of guessing: the scores put \
                 nearly all rows in the right order, and the choice that is made of them (a threshold, the order \
                 of the classes, the metric itself) loses it.",
                100.0 * accuracy
            ),
        )
    })
}

/// Whether an accuracy is a whole number of the rows that the log says.
fn of_rows(figures: &Figures, digits: Digits<'_>) -> Option<Contradiction> {
    let accuracy = figures.accuracy?;
    let rows = digits.log.said_rows(digits.split)? as f64;
    // Cut off or rounded, and summed in 32 bits.
    let slack = rows * (2.0 * digits.of(|figures| figures.accuracy) + 1e-6);
    let hits = accuracy * rows;
    let off = (hits - hits.round()).abs();
    (slack < 0.25 && off > slack + 0.05).then(|| {
        contradiction(
            off,
            format!(
                "an accuracy of {:.4} % is no whole number of {rows} rows, but {hits:.2} of them: it is of another \
                 number of rows, or a mean over batches.",
                100.0 * accuracy
            ),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Evidence;
    use crate::testing::{ask, assert_close, clear, example, found, statistic};

    fn with_figures(validation: Figures, rows: Option<u64>) -> Evidence {
        Evidence {
            log: Some(Log {
                epochs: vec![Epoch {
                    validation,
                    ..Epoch::default()
                }],
                validation_rows: rows,
                ..Log::default()
            }),
            class_count: Some(2),
            ..Evidence::default()
        }
    }

    fn metrics(precision: f64, recall: f64, f1: f64) -> Figures {
        Figures {
            precision: Some(precision),
            recall: Some(recall),
            f1: Some(f1),
            ..Figures::default()
        }
    }

    fn check(figures: Figures) -> Result<Answer, Missing> {
        ask(Cause::ImpossibleFigures, &with_figures(figures, None))
    }

    /// 2 · 0.71 · 0.62 / 1.33 is 0.66195.
    #[test]
    fn an_f1_above_precision_and_recall_is_found() {
        let found = example(
            Cause::ImpossibleFigures,
            &with_figures(metrics(0.71, 0.62, 0.74), None),
        );
        assert_close(statistic(&found.measured), 0.74 - 0.661_954, 1e-6);
        assert_eq!(
            (found.severity, found.confidence),
            (Severity::Caution, Confidence::Certain)
        );
    }

    /// By hand: two classes with precision and recall of (1, ½) and (½, 1) have an F1 of ⅔ each, below the macro
    /// averages of ¾. One class of precision 0.8 and recall 0.5 has 0.6154.
    #[test]
    fn real_averages_are_possible() {
        clear(check(metrics(0.750, 0.750, 0.667)));
        clear(check(metrics(0.8, 0.5, 0.6154)));
        clear(check(metrics(0.0, 0.0, 0.0)));
        clear(check(metrics(1.0, 1.0, 1.0)));
        // By hand: 0.9 + 0.9 - 1 = 0.8.
        found(check(metrics(0.9, 0.9, 0.75)));
        clear(check(metrics(0.9, 0.9, 0.81)));
    }

    /// The figures of a thread: by hand 0.95451 / (1 + 0.95451 · 0.0489766 / 0.9510234) = 0.9098.
    #[test]
    fn an_accuracy_far_below_precision_and_recall_is_found_without_the_number_of_classes() {
        let with = |accuracy| {
            let figures = Figures {
                accuracy: Some(accuracy),
                ..metrics(0.951_023_4, 0.954_51, 0.952_764_6)
            };
            Evidence {
                class_count: None,
                ..with_figures(figures, None)
            }
        };
        let found = found(ask(Cause::ImpossibleFigures, &with(0.860_407_65)));
        assert_close(statistic(&found.measured), 0.9098 - 0.8604, 1e-4);
        assert_eq!(found.confidence, Confidence::Possible);
        clear(ask(Cause::ImpossibleFigures, &with(0.9)));
    }

    #[test]
    fn two_accuracies_of_one_loss_are_found() {
        let with = |second: f64| {
            let test = |loss, accuracy| Epoch {
                test: Figures {
                    loss: Some(loss),
                    accuracy: Some(accuracy),
                    ..Figures::default()
                },
                ..Epoch::default()
            };
            Evidence {
                log: Some(Log {
                    epochs: vec![test(0.7783, 0.8038), test(second, 0.1909)],
                    ..Log::default()
                }),
                ..Evidence::default()
            }
        };
        let found = found(ask(Cause::ImpossibleFigures, &with(0.7783)));
        assert!(found.summary.contains("same test loss"), "{}", found.summary);
        assert!(ask(Cause::ImpossibleFigures, &with(0.7784)).is_err());
    }

    /// With two classes and a recall of 95 % under any average, at least 90 % are right: 1 - 2 · 0.05.
    #[test]
    fn an_accuracy_below_all_recalls_is_found() {
        let with = |accuracy| Figures {
            accuracy: Some(accuracy),
            ..metrics(0.95, 0.95, 0.95)
        };
        assert_close(statistic(&found(check(with(0.4))).measured), 0.5, 1e-9);
        clear(check(with(0.905)));
    }

    #[test]
    fn an_order_without_a_choice_is_found() {
        let with = |auc, accuracy| Figures {
            accuracy: Some(accuracy),
            auc: Some(auc),
            ..Figures::default()
        };
        assert_eq!(found(check(with(0.99, 0.5))).confidence, Confidence::Likely);
        clear(check(with(0.99, 0.9)));
        clear(check(with(0.7, 0.5)));
    }

    /// A training whose first epoch says one class of every row, and has its scores in order already.
    #[test]
    fn an_order_without_a_choice_is_no_matter_in_an_early_epoch() {
        let with = |kept| {
            let epoch = |accuracy| Epoch {
                validation: Figures {
                    accuracy: Some(accuracy),
                    auc: Some(0.97),
                    ..Figures::default()
                },
                ..Epoch::default()
            };
            let evidence = Evidence {
                log: Some(Log {
                    epochs: vec![epoch(0.5), epoch(0.9)],
                    kept,
                    ..Log::default()
                }),
                class_count: Some(2),
                ..Evidence::default()
            };
            ask(Cause::ImpossibleFigures, &evidence)
        };
        clear(with(None));
        found(with(Some(0)));
    }

    /// 139 of 143 rows are 0.97203; 0.9762 of 143 are 139.6.
    #[test]
    fn an_accuracy_is_a_whole_number_of_rows() {
        let with = |accuracy| {
            let figures = Figures {
                accuracy: Some(accuracy),
                ..Figures::default()
            };
            ask(Cause::ImpossibleFigures, &with_figures(figures, Some(143)))
        };
        clear(with(0.972));
        assert_close(statistic(&found(with(0.9762)).measured), 0.4034, 1e-6);
        // Two digits tell nothing of 143 rows.
        clear(with(0.98));
    }

    /// ln 2 is 0.6931: a model that has learnt nothing has that loss in every epoch, whatever its accuracy.
    #[test]
    fn a_loss_of_guessing_is_no_sign_of_two_accuracies() {
        let with = |loss, number: [Option<f64>; 2], train| {
            let epoch = |accuracy, number| Epoch {
                number,
                train: Figures {
                    loss: train,
                    ..Figures::default()
                },
                validation: Figures {
                    loss: Some(loss),
                    accuracy: Some(accuracy),
                    ..Figures::default()
                },
                ..Epoch::default()
            };
            let evidence = Evidence {
                log: Some(Log {
                    epochs: vec![epoch(0.5136, number[0]), epoch(0.4864, number[1])],
                    ..Log::default()
                }),
                ..Evidence::default()
            };
            ask(Cause::ImpossibleFigures, &evidence)
        };
        assert!(with(0.6932, [None, None], None).is_err());
        assert!(with(1.0986, [None, None], None).is_err());
        assert!(with(0.6872, [Some(1.0), Some(2.0)], None).is_err());
        assert!(with(0.6872, [None, None], Some(0.69)).is_err());
        found(with(0.6872, [None, None], None));
    }
}
