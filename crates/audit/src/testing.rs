//! Evidence for tests, made of a few rows, or of many that a simulated classifier predicted.

pub(crate) use labelproof_testkit::assert_close;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::answer::finding::{Answer, Diagnosis, Measured};
use crate::answer::{self, summary};
use crate::case::{Case, Memo};
use crate::catalogue;
use crate::cause::Cause;
use crate::evidence::log::{Epoch, Figures};
use crate::evidence::{Dataset, Evidence, Log, Missing, Part, ScoreKind, Scores};

/// Rows of texts and classes.
pub(crate) fn part<T: ToString>(rows: &[(T, u32)]) -> Part {
    Part {
        source: String::from("rows.csv"),
        rows: rows.len(),
        texts: Some(rows.iter().map(|(text, _)| text.to_string()).collect()),
        truth: Some(rows.iter().map(|(_, label)| *label).collect()),
        ..Part::default()
    }
}

/// Rows of true and predicted classes.
pub(crate) fn predicted(rows: &[(u32, u32)]) -> Part {
    Part {
        source: String::from("rows.csv"),
        rows: rows.len(),
        truth: Some(rows.iter().map(|(truth, _)| *truth).collect()),
        stored_predictions: Some(rows.iter().map(|(_, predicted)| *predicted).collect()),
        ..Part::default()
    }
}

/// Rows of true classes and probabilities.
pub(crate) fn scored(rows: &[(u32, Vec<f64>)]) -> Part {
    Part {
        source: String::from("rows.csv"),
        rows: rows.len(),
        truth: Some(rows.iter().map(|(truth, _)| *truth).collect()),
        scores: Some(Scores {
            kind: ScoreKind::Probabilities,
            classes: rows.first().map_or(0, |(_, row)| row.len()),
            values: rows.iter().flat_map(|(_, row)| row.clone()).collect(),
        }),
        ..Part::default()
    }
}

/// The evidence of three splits; a split without rows is not there.
pub(crate) fn evidence(labels: &[&str], [train, validation, test]: [Part; 3]) -> Evidence {
    let given = |part: Part| (part.rows > 0).then_some(part);
    Evidence {
        dataset: Dataset {
            labels: labels.iter().map(ToString::to_string).collect(),
            train: given(train),
            validation: given(validation),
            test: given(test),
            ..Dataset::default()
        },
        seed: 1,
        ..Evidence::default()
    }
}

/// What the check for a cause answers, asked as the audit asks it.
pub(crate) fn ask(cause: Cause, evidence: &Evidence) -> Result<Answer, Missing> {
    Case::new(&Memo::new(evidence, catalogue::ALL))
        .answer(cause)
        .clone()
}

/// Some evidence as a case. What is derived of it is never freed.
pub(crate) fn case(evidence: &Evidence) -> Case<'_> {
    Case::new(Box::leak(Box::new(Memo::new(evidence, catalogue::ALL))))
}

/// The figures of the question that the project began with: the confusion matrix and the last logged
/// accuracy.
pub(crate) fn origin() -> Evidence {
    let validation = Figures {
        accuracy: Some(0.83),
        ..Figures::default()
    };
    Evidence {
        log: Some(Log {
            epochs: vec![Epoch {
                validation,
                ..Epoch::default()
            }],
            validation_rows: Some(3500),
            ..Log::default()
        }),
        confusion: Some(vec![
            vec![967, 202, 7, 685, 1139],
            vec![474, 785, 27, 717, 997],
            vec![768, 372, 46, 1024, 790],
            vec![463, 426, 27, 1272, 812],
            vec![387, 224, 11, 643, 1735],
        ]),
        ..Evidence::default()
    }
}

#[track_caller]
pub(crate) fn found(outcome: Result<Answer, Missing>) -> Diagnosis {
    match outcome {
        Ok(Answer::Found(found)) => *found,
        other => panic!("expected a finding, got {other:?}"),
    }
}

/// What the check for a cause finds, which is the example on the cause's page, as the audit prints it first.
#[track_caller]
pub(crate) fn example(cause: Cause, evidence: &Evidence) -> Diagnosis {
    let check = catalogue::check(cause);
    let finding = answer::alone(check, &case(evidence)).expect("the cause of the example is found");
    let printed = summary::found(&finding);
    assert!(
        check.page().contains(&format!("```text\n{printed}```")),
        "the example on the page of {} is not what the audit prints:\n{printed}",
        check.id
    );
    found(ask(cause, evidence))
}

#[track_caller]
pub(crate) fn clear(outcome: Result<Answer, Missing>) -> Measured {
    match outcome {
        Ok(Answer::Clear { measured, .. }) => measured,
        other => panic!("expected no finding, got {other:?}"),
    }
}

/// Five class names.
pub(crate) const FIVE: [&str; 5] = ["a", "b", "c", "d", "e"];

/// What a classifier that never was said of some rows. Tests spoil it as pipelines do: they move `logits`
/// against `truth`, scale them, or give them other texts.
#[derive(Debug, Clone)]
pub(crate) struct Simulated {
    /// The true class of each row.
    pub(crate) truth: Vec<u32>,
    /// The scores of each row, before softmax.
    pub(crate) logits: Vec<Vec<f64>>,
}

/// A number from 0 to 1.
fn unit(random: &mut ChaCha8Rng) -> f64 {
    (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

/// A class below `classes`.
fn draw(random: &mut ChaCha8Rng, classes: u32) -> u32 {
    u32::try_from(random.next_u64() % u64::from(classes)).expect("below a u32")
}

/// Rows with labels drawn evenly, of which a share of about `accuracy` is predicted rightly, with a lead of 1
/// to 4 of the highest score over noise; a wrong row gives its true class the second place.
pub(crate) fn simulated(classes: u32, rows: usize, accuracy: f64, seed: u64) -> Simulated {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let truth: Vec<u32> = (0..rows).map(|_| draw(&mut random, classes)).collect();
    let logits = truth
        .iter()
        .map(|&truth| {
            let mut row: Vec<f64> = (0..classes).map(|_| 0.4 * (unit(&mut random) - 0.5)).collect();
            row[truth as usize] += 1.0;
            if unit(&mut random) > accuracy && classes > 1 {
                let wrong = (truth + 1 + draw(&mut random, classes - 1)) % classes;
                row[wrong as usize] += 1.0;
                row[truth as usize] -= 0.5;
            }
            let best = (0..row.len())
                .max_by(|&one, &other| row[one].total_cmp(&row[other]))
                .expect("there is a class");
            row[best] += 3.0 * unit(&mut random);
            row
        })
        .collect();
    Simulated { truth, logits }
}

impl Simulated {
    /// The rows with their scores.
    pub(crate) fn part(&self) -> Part {
        Part {
            source: String::from("rows.csv"),
            rows: self.truth.len(),
            truth: Some(self.truth.clone()),
            scores: Some(Scores {
                kind: ScoreKind::Logits,
                classes: self.logits.first().map_or(1, Vec::len),
                values: self.logits.concat(),
            }),
            ..Part::default()
        }
    }

    /// The rows with their scores and with texts.
    pub(crate) fn with_texts(&self, text: impl Fn(usize) -> String) -> Part {
        Part {
            texts: Some((0..self.truth.len()).map(text).collect()),
            ..self.part()
        }
    }

    /// Moves the scores of some rows to other rows of these.
    pub(crate) fn shuffle(&mut self, rows: std::ops::Range<usize>, seed: u64) {
        let moved = &mut self.logits[rows];
        let before = moved.to_vec();
        for (row, from) in moved
            .iter_mut()
            .zip(crate::measures::sampling::shuffled(before.len(), seed))
        {
            row.clone_from(&before[from]);
        }
    }
}

/// The evidence of a simulated classifier of up to five classes.
pub(crate) fn predicted_by(validation: &Simulated, test: &Simulated) -> Evidence {
    let classes = validation.logits.first().map_or(1, Vec::len);
    evidence(
        &FIVE[..classes],
        [Part::default(), validation.part(), test.part()],
    )
}

/// A log of validation losses and accuracies.
pub(crate) fn log(epochs: &[(f64, f64)]) -> Log {
    let epochs = epochs.iter().map(|&(loss, accuracy)| Epoch {
        validation: Figures {
            loss: Some(loss),
            accuracy: Some(accuracy),
            ..Figures::default()
        },
        ..Epoch::default()
    });
    Log {
        epochs: epochs.collect(),
        ..Log::default()
    }
}

/// The main number of an answer.
#[track_caller]
pub(crate) fn statistic(measured: &Measured) -> f64 {
    measured.statistic.expect("the check measures something").1
}

/// A number among the evidence of an answer.
#[track_caller]
pub(crate) fn number(measured: &Measured, key: &str) -> f64 {
    measured.evidence[key].as_f64().expect("a number")
}
