//! # Wrong labels
//!
//! Some of the labels are wrong. They limit the accuracy that can be measured, and in training they
//! teach the wrong class.
//!
//! ## Why the figures look good
//! They usually do not: wrong labels lower validation and test alike. They are the reason for a figure
//! that does not rise, and rows on which the model seems to be wrong and is not.
//!
//! ## How it is tested
//! Confident learning, on probabilities of rows that the judge was not trained on: the cheap model by
//! 5-fold cross-validation over the labelled texts of all splits, or else the given probabilities of
//! validation or test. In a pipeline with `train.folds` the model itself may judge, on the training rows
//! that its folds held out and on validation and test: whichever of the two is right more often. At least
//! 100 rows are needed:
//!
//! ```text
//! row with label i counts for class j:  p_j ≥ mean of p_j over the rows labelled j
//! estimate = share of the calibrated counts off the diagonal
//! ```
//!
//! A hard task looks like a noisy one to a weak judge. So three numbers must be above 3 %: the lower
//! end of the estimate's interval, the lower end of the share of contradicted labels in the half of the
//! rows on which the judge is surest, and what the model itself misses at most. It is a note then, and
//! a caution from 8 % on. Texts that occur with two labels are a lower bound that rests on no model;
//! above 1 % of the rows they suffice. A judge that is more than 15 points worse than the model has no
//! say. The finding is never certain.
//!
//! ## What to do
//! Read the listed rows, the first ones first, and correct the labels that are wrong. Do not delete
//! rows because a model disagrees, least of all test rows: that only makes the figure look better.
//!
//! ## Example
//! For the data of the test `injected_wrong_labels_are_counted_and_named`, the audit prints:
//!
//! ```text
//! 1. Wrong labels (C50, caution, possible, −15.0 points of accuracy)
//!    Between 15.0 and 15.4 of 100 labels look wrong to a simple classifier that was not trained on
//!    them: the smaller number where it is surest, the larger with rows that may only be hard. If the
//!    smaller one is right, no model can be measured to be right on more than about 85.0 %. Read some
//!    rows before you believe it.
//!    What to do: Read the listed rows, the first ones first, and correct the labels that are wrong. Do
//!    not delete rows because a model disagrees, least of all test rows: that only makes the figure
//!    look better.
//!    How to make sure: Let two people label the first 50 rows of `suspect_rows` without seeing the
//!    label, and count how often they disagree with it.
//! ```
//!
//! ## References
//! - Northcutt, Jiang and Chuang, 2021, *Confident Learning: Estimating Uncertainty in Dataset Labels*.
//!   The numbers are compared with those of cleanlab 2.9 in the tests.
//! - `cleanlab/cleanlab#1158`: on cleaning the test set.

use std::collections::{BTreeMap, BTreeSet};

use labelproof_artifact::Split;
use labelproof_artifact::wording::{counted, plural};
use labelproof_metrics::wilson;
use serde_json::{Value, json};

use crate::answer::effect::{self, Figure};
use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::answer::wording::{percent, rounded, split_name};
use crate::case::Case;
use crate::evidence::{Missing, Need, softmax_rows};
use crate::measures::baseline::{baseline_rows, out_of_fold};
use crate::measures::class_counts::class_counts;
use crate::measures::label_noise::{LabelNoise, Suspect, confident_learning};
use crate::measures::overlap::Likeness;
use crate::measures::sampling::sample;

const SPLITS: [Split; 3] = [Split::Train, Split::Validation, Split::Test];
const LEAST_ROWS: usize = 100;
/// The lower end of the interval from which on wrong labels are worth a word, and a warning.
const NOTED: f64 = 0.03;
const LARGE: f64 = 0.08;
/// A judge that is so much less often right than the model has no say.
const TOO_WEAK: f64 = 0.15;
/// How many suspects are listed: a work list, and not the whole file.
const LISTED: usize = 1_000;
/// How many of them two people should read first.
const READ_FIRST: usize = 50;

/// Rows with their labels, and where they come from.
struct Judged {
    rows: Vec<(Split, usize)>,
    noise: LabelNoise,
    judge: &'static str,
    /// The share of rows whose label is the judge's first choice.
    agreement: f64,
    /// Whose accuracy wrong labels lower: where the model judges, that of the rows that it predicted.
    concerns: Figure,
    /// The share of the most frequent label: how often guessing is right.
    guessing: f64,
}

impl Judged {
    /// Whether the judge is right more often than guessing, beyond chance. One that always says the same has
    /// nothing to say on labels.
    fn knows_something(&self) -> bool {
        let rows = self.rows.len() as f64;
        let error = (self.agreement * (1.0 - self.agreement) / rows.max(1.0)).sqrt();
        self.agreement - 2.0 * error > self.guessing
    }
}

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    let classes = case.evidence.classes().ok_or(Need::TrainTexts)?;
    let judges = [by_baseline(case, classes)?, by_model(case, classes)];
    let better = |one: Judged, other: Judged| {
        if other.agreement >= one.agreement {
            other
        } else {
            one
        }
    };
    let judged = match judges.into_iter().flatten().reduce(better) {
        Some(judged) => judged,
        None => by_given_scores(case, classes)?,
    };
    if !judged.knows_something() {
        return Ok(Answer::clear(
            format!(
                "{} is right on {} of the rows, as guessing would be: it cannot doubt labels",
                judged.judge,
                percent(judged.agreement),
            ),
            Measured::new()
                .with("rows", judged.rows.len())
                .with("judge", judged.judge),
        ));
    }
    Ok(doubted(case, &judged))
}

/// What the judge says of the labels.
fn doubted(case: &Case<'_>, judged: &Judged) -> Answer {
    let rows = judged.rows.len();
    let (conflicting_texts, certainly_wrong) = contradictions(case);
    let LabelNoise {
        suspects,
        estimate,
        interval,
        sure_disagreements: (disagreements, sure_rows),
        ..
    } = &judged.noise;
    let sure = wilson(*disagreements, *sure_rows);
    let sure_share = sure.value.unwrap_or(0.0);
    let most = most_that_can_be_wrong(case);
    let fewer = estimate.min(sure_share).min(most);
    let measured = Measured::new()
        .statistic("estimated share of wrong labels", rounded(*estimate))
        .with("interval", json!([rounded(interval.0), rounded(interval.1)]))
        .with("rows", rows)
        .with("judge", judged.judge)
        .with("wrong_where_the_judge_is_sure", rounded(sure_share))
        .with("suspects", suspects.len())
        .with(
            "suspect_rows",
            suspects
                .iter()
                .take(LISTED)
                .map(|suspect| describe(case, judged, suspect))
                .collect::<Value>(),
        )
        .with("texts_with_two_labels", conflicting_texts)
        .with("certainly_wrong_labels", certainly_wrong)
        .with("accuracy_ceiling", rounded(1.0 - fewer));
    let known = best_accuracy(case);
    if judged.agreement + TOO_WEAK < known {
        return Answer::clear(
            format!(
                "{} is right on {} of the rows, where a model is on {}: too weak to doubt labels",
                judged.judge,
                percent(judged.agreement),
                percent(known),
            ),
            measured,
        );
    }
    let evidenced = interval.0.min(sure.low.unwrap_or(0.0)).min(most);
    let contradictory = certainly_wrong as f64 > 0.01 * rows as f64;
    if evidenced < NOTED && !contradictory {
        return Answer::clear(
            format!(
                "about {} of the labels look wrong to {}, which may be hard rows: where it is sure, it \
                 disagrees with {}; rows to look at first: {}",
                percent(*estimate),
                judged.judge,
                percent(sure_share),
                suspects.len().min(READ_FIRST),
            ),
            measured,
        );
    }
    let lower_bound = lower_bound(conflicting_texts, certainly_wrong);
    Diagnosis {
        severity: if evidenced >= LARGE {
            Severity::Caution
        } else {
            Severity::Note
        },
        confidence: if contradictory {
            Confidence::Likely
        } else {
            Confidence::Possible
        },
        summary: format!(
            "Between {} and {} of 100 labels look wrong to {}: the smaller number where it is surest, the \
             larger with rows that may only be hard.{lower_bound} If the smaller one is right, no model can \
             be measured to be right on more than about {}. Read some rows before you believe it.",
            tenths(fewer),
            tenths(estimate.max(sure_share).min(most)),
            judged.judge,
            percent(1.0 - fewer),
        ),
        effect: Some(effect::of(judged.concerns, -fewer)),
        fix: String::from(
            "Read the listed rows, the first ones first, and correct the labels that are wrong. Do not \
             delete rows because a model disagrees, least of all test rows: that only makes the figure look \
             better.",
        ),
        confirm: String::from(
            "Let two people label the first 50 rows of `suspect_rows` without seeing the label, and count \
             how often they disagree with it.",
        ),
        measured,
    }
    .into()
}

/// The accuracy of the model on validation or test, whichever is higher; 0 without predictions.
fn best_accuracy(case: &Case<'_>) -> f64 {
    [Split::Validation, Split::Test]
        .into_iter()
        .filter_map(|split| case.predicted(split).ok())
        .map(|rows| rows.accuracy())
        .fold(0.0, f64::max)
}

/// The share of rows whose label has the highest probability.
fn agreement(probabilities: &[f64], classes: usize, labels: &[u32]) -> f64 {
    let right = probabilities
        .chunks_exact(classes)
        .zip(labels)
        .filter(|(row, label)| {
            let own = row[**label as usize];
            row.iter().all(|other| *other <= own)
        })
        .count();
    right as f64 / labels.len().max(1) as f64
}

/// The share of labels that can be wrong at most if a model that never saw them agrees with the others: what
/// it misses of the validation or test rows, whichever it knows better, with the upper end of the interval. 1
/// without predictions.
fn most_that_can_be_wrong(case: &Case<'_>) -> f64 {
    [Split::Validation, Split::Test]
        .into_iter()
        .filter_map(|split| case.predicted(split).ok())
        .filter_map(|rows| wilson(rows.hit_count(), rows.rows()).low)
        .map(|low| 1.0 - low)
        .fold(1.0, f64::min)
}

/// The share of the most frequent label.
fn largest(labels: &[u32], classes: usize) -> f64 {
    let most = class_counts(labels, classes).into_iter().max().unwrap_or(0);
    most as f64 / labels.len().max(1) as f64
}

/// What texts that are there with two labels prove, as a sentence; nothing without such texts.
fn lower_bound(conflicting_texts: usize, certainly_wrong: u64) -> String {
    if certainly_wrong == 0 {
        return String::new();
    }
    format!(
        " {} there twice with different labels, so that at least {} wrong whatever a model thinks.",
        with_verb(conflicting_texts as u64, "text"),
        with_verb(certainly_wrong, "label"),
    )
}

/// A number with its noun and verb: `1 text is`, `2 texts are`.
fn with_verb(number: u64, noun: &str) -> String {
    format!("{} {}", counted(number, noun), plural(number, "is", "are"))
}

/// Hundredths with one digit after the point, as a number without its sign.
fn tenths(share: f64) -> String {
    format!("{:.1}", share * 100.0)
}

/// Cross-validation over all labelled texts; `None` where there are too few.
fn by_baseline(case: &Case<'_>, classes: usize) -> Result<Option<Judged>, Missing> {
    let mut all: Vec<(Split, usize)> = Vec::new();
    for split in SPLITS {
        if let Ok((texts, _)) = case.evidence.labelled_texts(split) {
            all.extend((0..texts.len()).map(|row| (split, row)));
        }
    }
    if all.len() < LEAST_ROWS {
        return Ok(None);
    }
    let rows: Vec<(Split, usize)> = sample(all.len(), baseline_rows(classes) / 2, case.evidence.seed)
        .into_iter()
        .map(|at| all[at])
        .collect();
    let overlap = case.overlap()?;
    let (mut texts, mut labels, mut groups) = (Vec::new(), Vec::new(), Vec::new());
    for &(split, row) in &rows {
        let (split_texts, split_labels) = case.evidence.labelled_texts(split)?;
        texts.push(split_texts[row].as_str());
        labels.push(split_labels[row]);
        groups.push(overlap.groups(split, Likeness::Near)[row]);
    }
    if labels.iter().collect::<BTreeSet<_>>().len() < 2 {
        return Err(Need::MoreRows.into());
    }
    let probabilities = out_of_fold(&texts, &labels, &groups, classes, case.evidence.seed);
    Ok(Some(Judged {
        noise: confident_learning(&probabilities, classes, &labels),
        agreement: agreement(&probabilities, classes, &labels),
        concerns: Figure::EverySplit,
        guessing: largest(&labels, classes),
        rows,
        judge: "a simple classifier that was not trained on them",
    }))
}

/// The model on every row that it was not trained on: training rows by the models of a cross-validation, and validation
/// and test. `None` without a cross-validation, and where there are too few rows.
fn by_model(case: &Case<'_>, classes: usize) -> Option<Judged> {
    let train = case.evidence.part(Split::Train)?;
    let held_out = softmax_rows(train.held_out_scores.as_ref()?);
    let mut probabilities = held_out.values;
    let mut labels = train.truth.clone()?;
    let mut rows: Vec<(Split, usize)> = (0..labels.len()).map(|row| (Split::Train, row)).collect();
    for split in [Split::Validation, Split::Test] {
        let Ok(scored) = case.scored(split) else {
            continue;
        };
        probabilities.extend_from_slice(&scored.probabilities.values);
        labels.extend_from_slice(scored.predicted.truth);
        rows.extend((0..scored.predicted.truth.len()).map(|row| (split, row)));
    }
    if rows.len() < LEAST_ROWS || probabilities.len() != rows.len() * classes {
        return None;
    }
    Some(Judged {
        noise: confident_learning(&probabilities, classes, &labels),
        agreement: agreement(&probabilities, classes, &labels),
        concerns: Figure::EverySplit,
        guessing: largest(&labels, classes),
        rows,
        judge: "the same model trained without them",
    })
}

/// The given probabilities of validation and test, whichever has more rows.
fn by_given_scores(case: &Case<'_>, classes: usize) -> Result<Judged, Missing> {
    let scored = [Split::Test, Split::Validation]
        .into_iter()
        .filter_map(|split| Some((split, case.scored(split).ok()?)));
    let (split, scored) = scored
        .max_by_key(|(_, scored)| scored.predicted.rows())
        .ok_or_else(|| Missing(vec![Need::TrainTexts, Need::TestScores]))?;
    let truth = scored.predicted.truth;
    if truth.len() < LEAST_ROWS || scored.probabilities.classes != classes {
        return Err(Need::MoreRows.into());
    }
    Ok(Judged {
        noise: confident_learning(&scored.probabilities.values, classes, truth),
        agreement: scored.predicted.accuracy(),
        concerns: Figure::Accuracy(split),
        guessing: largest(truth, classes),
        rows: (0..truth.len()).map(|row| (split, row)).collect(),
        judge: "the model",
    })
}

fn describe(case: &Case<'_>, judged: &Judged, suspect: &Suspect) -> Value {
    let (split, row) = judged.rows[suspect.row];
    let part = case.evidence.part(split);
    let id = part
        .and_then(|part| part.ids.as_ref()?.get(row).cloned())
        .map_or_else(|| Value::from(row + 1), Value::from);
    let label = part.and_then(|part| part.truth.as_ref()?.get(row).copied());
    json!({
        "split": split_name(split),
        "row": id,
        "label": label.map(|label| case.evidence.label(label)),
        "suggestion": case.evidence.label(suspect.suggestion),
        "quality": rounded(suspect.quality),
    })
}

/// Texts that are there several times with different labels, and the labels that must be wrong: all but the
/// most frequent of each text.
fn contradictions(case: &Case<'_>) -> (usize, u64) {
    let Ok(overlap) = case.overlap() else {
        return (0, 0);
    };
    let mut labels_of: BTreeMap<u32, BTreeMap<u32, u64>> = BTreeMap::new();
    for split in SPLITS {
        if let Ok((_, labels)) = case.evidence.labelled_texts(split) {
            for (&group, &label) in overlap.groups(split, Likeness::Exact).iter().zip(labels) {
                *labels_of.entry(group).or_default().entry(label).or_insert(0) += 1;
            }
        }
    }
    let conflicting = labels_of.values().filter(|labels| labels.len() > 1);
    conflicting.fold((0, 0), |(texts, wrong), labels| {
        let all: u64 = labels.values().sum();
        (
            texts + 1,
            wrong + all - labels.values().copied().max().unwrap_or(0),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::Cause;
    use crate::evidence::{Evidence, ScoreKind, Scores};
    use crate::measures::sampling::shuffled;
    use crate::testing::{ask, clear, evidence, example, found, part, scored};

    /// Texts of two vocabularies, every `wrong`th with the label of the other.
    fn rows(all: usize, wrong: usize) -> Vec<(String, u32)> {
        let draws = shuffled(all * 8, 5);
        draws
            .chunks(8)
            .enumerate()
            .map(|(row, draws)| {
                let class = row % 2;
                let words: Vec<String> = draws
                    .iter()
                    .map(|draw| format!("{}{}", ["left", "right"][class], draw % 30))
                    .collect();
                let label = if row % wrong == 3 { 1 - class } else { class };
                (words.join(" "), u32::try_from(label).unwrap())
            })
            .collect()
    }

    fn all_texts(rows: &[(String, u32)]) -> Evidence {
        let third = rows.len() / 3;
        evidence(
            &["left", "right"],
            [
                part(&rows[..third]),
                part(&rows[third..2 * third]),
                part(&rows[2 * third..]),
            ],
        )
    }

    #[test]
    fn injected_wrong_labels_are_counted_and_named() {
        let rows = rows(600, 7);
        let evidence = all_texts(&rows);
        let found = example(Cause::WrongLabels, &evidence);
        let share = found.measured.statistic.unwrap().1;
        assert!((share - 1.0 / 7.0).abs() < 0.02, "{share}");
        assert_eq!(found.severity, Severity::Caution);
        let named = found.measured.evidence["suspect_rows"]
            .as_array()
            .unwrap()
            .clone();
        let right = named.iter().filter(|suspect| {
            let start = match suspect["split"].as_str().unwrap() {
                "training" => 0,
                "validation" => 200,
                _ => 400,
            };
            (start + usize::try_from(suspect["row"].as_u64().unwrap()).unwrap() - 1) % 7 == 3
        });
        assert!(right.count() >= 48);
    }

    #[test]
    fn right_labels_are_clear() {
        let share = clear(ask(Cause::WrongLabels, &all_texts(&rows(600, 10_000))))
            .statistic
            .unwrap()
            .1;
        assert!(share < 0.01, "{share}");
    }

    /// Texts that say nothing to the cheap model, and a model that is right on nine rows in ten all the same.
    #[test]
    fn a_judge_that_knows_less_than_the_model_has_no_say() {
        let rows: Vec<(String, u32)> = (0..600_u32)
            .map(|row| (format!("word{} {row}", row * 7 % 5), row * row % 11 % 2))
            .collect();
        let mut evidence = all_texts(&rows);
        let test = evidence.dataset.test.as_mut().unwrap();
        let said = (0_u32..).zip(test.truth.as_ref().unwrap());
        test.stored_predictions = Some(
            said.map(|(row, &truth)| truth ^ u32::from(row % 10 == 0))
                .collect(),
        );
        clear(ask(Cause::WrongLabels, &evidence));
    }

    /// The training rows of some evidence with the probabilities of a model that has not seen them and knows the
    /// class of every `known`th.
    fn held_out(mut evidence: Evidence, wrong: usize, known: usize) -> Evidence {
        let train = evidence.dataset.train.as_mut().unwrap();
        let values = train
            .truth
            .iter()
            .flatten()
            .enumerate()
            .flat_map(|(row, &label)| {
                let class = if row % wrong == 3 { 1 - label } else { label };
                let says = if row % known == 0 { class } else { 0 };
                if says == 0 { [2.0, -2.0] } else { [-2.0, 2.0] }
            });
        train.held_out_scores = Some(Scores {
            kind: ScoreKind::Logits,
            classes: 2,
            values: values.collect(),
        });
        evidence
    }

    /// Texts that say nothing to the cheap model, every seventh with the wrong label.
    #[test]
    fn a_cross_validated_model_judges_where_it_knows_more_than_the_cheap_one() {
        let rows: Vec<(String, u32)> = (0..1800_u32)
            .map(|row| (format!("word{} {row}", row * 7 % 5), row * row % 11 % 2))
            .collect();
        let found = found(ask(Cause::WrongLabels, &held_out(all_texts(&rows), 7, 1)));
        assert_eq!(
            found.measured.evidence["judge"],
            "the same model trained without them"
        );
        assert_eq!(
            found.measured.evidence["rows"], 600,
            "of training alone: the others have no scores"
        );
        let suspects = found.measured.evidence["suspect_rows"].as_array().unwrap();
        assert_eq!(suspects.len(), (0..600).filter(|row| row % 7 == 3).count());
        for suspect in suspects {
            assert_eq!(suspect["split"], "training");
            assert_eq!(suspect["row"].as_u64().unwrap() % 7, 4, "rows count from 1");
        }
    }

    #[test]
    fn a_cross_validated_model_that_knows_less_leaves_the_word_to_the_cheap_one() {
        let evidence = held_out(all_texts(&rows(600, 7)), 7, 3);
        let found = found(ask(Cause::WrongLabels, &evidence));
        assert_eq!(
            found.measured.evidence["judge"],
            "a simple classifier that was not trained on them"
        );
    }

    #[test]
    fn one_text_with_two_labels_is_a_lower_bound() {
        let mut rows = rows(300, 10_000);
        for copy in 0..10 {
            let (text, label) = rows[copy].clone();
            rows.push((text, 1 - label));
        }
        let found = found(ask(Cause::WrongLabels, &all_texts(&rows)));
        assert_eq!(found.measured.evidence["texts_with_two_labels"], 10);
        assert_eq!(found.measured.evidence["certainly_wrong_labels"], 10);
    }

    #[test]
    fn without_texts_the_given_probabilities_judge() {
        let rows: Vec<(u32, Vec<f64>)> = (0..400)
            .map(|row| {
                let class = row % 2;
                let p = if class == 0 {
                    vec![0.9, 0.1]
                } else {
                    vec![0.1, 0.9]
                };
                (if row % 10 == 4 { 1 - class } else { class }, p)
            })
            .collect();
        let evidence = evidence(&["a", "b"], [scored(&[]), scored(&[]), scored(&rows)]);
        let found = found(ask(Cause::WrongLabels, &evidence));
        assert!((found.measured.statistic.unwrap().1 - 0.1).abs() < 0.02);
        assert_eq!(found.measured.evidence["judge"], "the model");
    }
}
