//! Whole audits: of simulated classifiers that something went wrong with, and of evidence that nobody would
//! give.

use labelproof_artifact::findings::{Severity, Status, Verdict};

use crate::answer::contradictions::contradictions;
use crate::cause::Cause;
use crate::evidence::{Dataset, Evidence, Log, Need, Part, ScoreKind, Scores};
use crate::testing::{
    FIVE, Simulated, ask, assert_close, evidence, found, log, origin, part, predicted, predicted_by, scored,
    simulated,
};
use crate::{audit, catalogue};

#[test]
fn found_causes_are_ranked_by_severity_and_certainty() {
    let (validation, mut test) = (simulated(5, 1000, 0.83, 1), simulated(5, 1000, 0.83, 2));
    test.logits.rotate_left(3);
    let mut evidence = predicted_by(&validation, &test);
    // A certain fault, a likely one (the kept epoch is another), and a note (a loss that is too large).
    evidence.log = Some(log(&[(0.7, 0.99), (0.8, 0.5)]));
    let mut ids: Vec<String> = (0..1000).map(|row| row.to_string()).collect();
    ids[1] = ids[0].clone();
    evidence.dataset.test.as_mut().unwrap().ids = Some(ids);
    let findings = audit(&evidence);
    let found: Vec<_> = findings.of(Status::Found).collect();
    assert!(found.len() >= 2, "{found:?}");
    assert_eq!(found[0].id, "C12");
    assert_eq!(findings.verdict, Verdict::Unsound);
    let causes: Vec<_> = findings.causes().collect();
    assert!(causes.is_sorted_by(|one, other| one.severity >= other.severity));
    assert_eq!(contradictions(&findings), Vec::<String>::new());
    assert!(findings.headline.ends_with("(C12)."), "{}", findings.headline);
}

/// The confusion matrix and the last logged accuracy, nothing else.
#[test]
fn a_gap_that_nothing_explains_is_unsound() {
    let findings = audit(&origin());
    assert_eq!(findings.verdict, Verdict::Unsound);
    assert!(
        findings.headline.contains("What would tell most: --test FILE"),
        "{}",
        findings.headline
    );
    assert!(
        findings
            .of(Status::Found)
            .all(|finding| finding.severity < Some(Severity::Unsound))
    );
    assert!(
        findings.headline.contains("51.0 points apart"),
        "{}",
        findings.headline
    );
    let permuted = findings
        .findings
        .iter()
        .find(|finding| finding.id == "C10")
        .unwrap();
    assert_eq!(permuted.status, Status::Clear);
}

#[test]
fn splits_that_agree_are_sound() {
    let evidence = predicted_by(&simulated(5, 1000, 0.83, 1), &simulated(5, 1000, 0.83, 2));
    let findings = audit(&evidence);
    let unsound: Vec<_> = findings
        .of(Status::Found)
        .filter(|finding| finding.severity == Some(Severity::Unsound))
        .collect();
    assert!(unsound.is_empty(), "{unsound:?}");
    assert!(findings.gap.is_some_and(|gap| !gap.significant));
}

#[test]
fn p_values_are_multiplied_by_the_number_of_tests() {
    let (validation, mut test) = (simulated(5, 300, 0.83, 1), simulated(5, 300, 0.83, 2));
    test.logits.rotate_left(3);
    let evidence = predicted_by(&validation, &test);
    let raw = found(ask(Cause::PredictionsShifted, &evidence));
    let findings = audit(&evidence);
    let shown = findings
        .findings
        .iter()
        .find(|finding| finding.id == "C12")
        .unwrap();
    let ratio = shown.p_value.unwrap() / raw.measured.p_value.unwrap();
    // Each check that has a p-value and what it needs, and the gap.
    let tests = catalogue::ALL
        .iter()
        .filter(|check| check.tests_on(&evidence))
        .count()
        + 1;
    assert_close(ratio, tests as f64, 1e-9);
    assert!(tests < catalogue::ALL.len() / 2, "{tests}");
    assert!(
        findings
            .findings
            .iter()
            .filter_map(|finding| finding.p_value)
            .all(|p| (0.0..=1.0).contains(&p))
    );
}

#[test]
fn ids_are_unique_and_every_check_answers_once() {
    let findings = audit(&Evidence::default());
    let mut ids: Vec<&str> = findings
        .findings
        .iter()
        .map(|finding| finding.id.as_str())
        .collect();
    assert_eq!(ids.len(), catalogue::ALL.len());
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), catalogue::ALL.len());
    assert!(
        findings
            .of(Status::NotChecked)
            .all(|finding| !finding.missing.is_empty())
    );
}

/// What is there already is not asked for.
#[test]
fn a_check_that_compares_two_files_asks_for_the_one_that_is_missing() {
    let mut evidence = Evidence::default();
    evidence.dataset.test = Some(part(&[("good", 0), ("bad", 1), ("awful", 1), ("nice", 0)]));
    let findings = audit(&evidence);
    let asked: Vec<&str> = findings
        .of(Status::NotChecked)
        .inspect(|finding| assert!(!finding.missing.is_empty(), "{}", finding.id))
        .flat_map(|finding| &finding.missing)
        .map(String::as_str)
        .collect();
    assert!(asked.contains(&Need::TrainTexts.advice(false)), "{asked:?}");
    assert!(!asked.contains(&Need::TestTexts.advice(false)), "{asked:?}");
}

/// Audits a thing that nobody would give, and demands an answer with finite numbers.
#[track_caller]
fn survives(what: &str, evidence: &Evidence) {
    let findings = audit(evidence);
    assert_eq!(findings.findings.len(), catalogue::ALL.len(), "{what}");
    for finding in &findings.findings {
        let numbers = [
            finding.statistic.as_ref().map(|statistic| statistic.value),
            finding.effect.map(|effect| effect.points),
        ];
        for number in numbers.into_iter().flatten() {
            assert!(number.is_finite(), "{what}: {} says {number}", finding.id);
        }
        if let Some(p_value) = finding.p_value {
            assert!(
                (0.0..=1.0).contains(&p_value),
                "{what}: {} has p = {p_value}",
                finding.id
            );
        }
        for words in [&finding.summary, finding.fix.as_ref().unwrap_or(&finding.summary)] {
            assert!(
                !words.contains("NaN") && !words.contains("inf "),
                "{what}: {} says {words}",
                finding.id
            );
        }
    }
    let compared = [Need::TestPredictions, Need::ValidationPredictions]
        .into_iter()
        .any(|need| evidence.has(need));
    let published = evidence.has(Need::TestAccuracy) && evidence.has(Need::ValidationAccuracy);
    assert!(
        findings.verdict != Verdict::Sound || compared || published,
        "{what}: {}",
        findings.headline
    );
    crate::answer::summary::text(&findings);
    let said = contradictions(&findings);
    assert!(said.is_empty(), "{what}: {}", said.join("; "));
}

/// All ways to give some of three splits and a log.
fn each_way(what: &str, labels: &[&str], make: impl Fn(u64) -> Part, log: &Log) {
    for given in 0_u64..16 {
        let split = |bit: u64| {
            if given & (1 << bit) == 0 {
                Part::default()
            } else {
                make(bit)
            }
        };
        let evidence = Evidence {
            log: (given & 8 != 0).then(|| log.clone()),
            ..evidence(labels, [split(0), split(1), split(2)])
        };
        survives(&format!("{what}, {given:04b}"), &evidence);
    }
}

fn with_texts(rows: &Simulated, text: impl Fn(usize) -> String) -> Part {
    Part {
        ids: Some((0..rows.truth.len()).map(|row| row.to_string()).collect()),
        groups: Some(vec![String::from("group"); rows.truth.len()]),
        ..rows.with_texts(text)
    }
}

#[test]
fn few_rows_and_classes_get_an_answer() {
    let one_epoch = log(&[(0.5, 0.8)]);
    for rows in [1, 2, 3, 19, 60] {
        for classes in [1, 2, 5] {
            let make = |seed| {
                with_texts(&simulated(classes, rows, 0.8, seed), |row| {
                    format!("text number {row}")
                })
            };
            each_way(
                &format!("{rows} rows of {classes} classes"),
                &FIVE[..classes as usize],
                make,
                &one_epoch,
            );
        }
    }
}

#[test]
fn nothing_gets_an_answer() {
    survives("nothing", &Evidence::default());
    let empty = Part {
        rows: 0,
        truth: Some(Vec::new()),
        texts: Some(Vec::new()),
        stored_predictions: Some(Vec::new()),
        ..Part::default()
    };
    let evidence = Evidence {
        dataset: Dataset {
            labels: vec![String::from("a")],
            train: Some(empty.clone()),
            validation: Some(empty.clone()),
            test: Some(empty),
            ..Dataset::default()
        },
        log: Some(Log::default()),
        confusion: Some(Vec::new()),
        ..Evidence::default()
    };
    survives("empty lists", &evidence);
}

#[test]
fn texts_without_content_get_an_answer() {
    for text in ["", "   ", "the", "same text", "\u{fffd}", "12345"] {
        let make = |seed| with_texts(&simulated(2, 60, 0.8, seed), |_| text.to_owned());
        each_way(&format!("`{text}`"), &["a", "b"], make, &log(&[(0.5, 0.8)]));
    }
}

#[test]
fn constant_and_extreme_scores_get_an_answer() {
    let check = |what: &str, change: fn(usize, &mut Vec<f64>)| {
        let make = |seed| {
            let mut rows = simulated(3, 60, 0.8, seed);
            for (row, scores) in rows.logits.iter_mut().enumerate() {
                change(row, scores);
            }
            rows.part()
        };
        each_way(what, &["a", "b", "c"], make, &log(&[(0.0, 1.0)]));
    };
    check("one class", |_, row| *row = vec![5.0, 0.0, 0.0]);
    check("equal scores", |_, row| *row = vec![0.0; 3]);
    check("huge scores", |_, row| {
        *row = row.iter().map(|score| 1e6 * score).collect();
    });
    check("tiny scores", |_, row| {
        *row = row.iter().map(|score| 1e-300 * score).collect();
    });
    check("one odd row", |row, scores| {
        *scores = if row == 0 {
            vec![0.0, 1e9, 0.0]
        } else {
            vec![1.0, 0.0, 0.0]
        }
    });
}

#[test]
fn certain_probabilities_and_right_or_wrong_files_get_an_answer() {
    for right in [true, false] {
        let make = |_| {
            let truth: Vec<u32> = (0..60).map(|row| row % 2).collect();
            let column = |truth: u32| f64::from(u8::from((truth == 1) == right));
            Part {
                rows: 60,
                scores: Some(Scores {
                    kind: ScoreKind::Probabilities,
                    classes: 2,
                    values: truth
                        .iter()
                        .flat_map(|&truth| [1.0 - column(truth), column(truth)])
                        .collect(),
                }),
                truth: Some(truth),
                ..Part::default()
            }
        };
        each_way(
            if right { "all right" } else { "all wrong" },
            &["a", "b"],
            make,
            &log(&[(0.0, f64::from(u8::from(right)))]),
        );
    }
    each_way(
        "one label",
        &["a", "b"],
        |_| predicted(&[(0, 0); 60]),
        &log(&[(0.1, 1.0)]),
    );
    each_way(
        "labels alone",
        &["a", "b"],
        |_| part(&[("some words", 0), ("other words", 1)]),
        &log(&[(0.1, 1.0)]),
    );
}

#[test]
fn many_classes_get_an_answer() {
    let names: Vec<String> = (0..150).map(|class| format!("class {class}")).collect();
    let labels: Vec<&str> = names.iter().map(String::as_str).collect();
    let make = |seed| simulated(150, 100, 0.5, seed);
    let evidence = Evidence {
        log: Some(log(&[(4.0, 0.5), (3.0, 0.5)])),
        ..evidence(
            &labels,
            [
                make(0).part(),
                make(1).part(),
                with_texts(&make(2), |row| format!("text {row}")),
            ],
        )
    };
    survives("150 classes", &evidence);
}

#[test]
fn odd_logs_get_an_answer() {
    for (loss, accuracy) in [(0.0, 0.0), (0.0, 1.0), (1e9, 0.0), (1e-300, 0.5), (-1.0, 0.5)] {
        let mut odd = log(&[(loss, accuracy)]);
        (odd.validation_rows, odd.batch_size, odd.train_rows, odd.kept) =
            (Some(1), Some(0), Some(0), Some(7));
        odd.epochs[0].train = odd.epochs[0].validation;
        let evidence = Evidence {
            log: Some(odd),
            class_count: Some(2),
            confusion: Some(vec![vec![0, 0], vec![0, 0]]),
            ..Evidence::default()
        };
        survives(&format!("loss {loss}, accuracy {accuracy}"), &evidence);
    }
    let unnamed = Evidence {
        log: Some(Log::default()),
        ..Evidence::default()
    };
    survives("a log without epochs", &unnamed);
}

/// What may go wrong with the rows of a split, or with all that is said of them.
const FAULTS: u64 = 16;

/// Evidence of a classifier that up to three things went wrong with, drawn by the seed.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the numbers that are drawn are small"
)]
fn at_random(seed: u64) -> Evidence {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut draw = |below: u64| {
        // Xorshift: any number will do, and the same on every machine.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) % below
    };
    let classes = 2 + draw(4) as u32;
    let rows = 40 + draw(500) as usize;
    let accuracy = 0.3 + 0.68 * draw(100) as f64 / 100.0;
    let mut simulated = [0, 1, 2].map(|split| simulated(classes, rows, accuracy, 10 * seed + split));
    let text = |of: u64, rows: &Simulated, row: usize| {
        format!(
            "{} word{} about number {of}x{row} and {}",
            FIVE[rows.truth[row] as usize],
            rows.truth[row],
            row % 7
        )
    };
    let mut texts: Vec<Vec<String>> = (0..3)
        .map(|split| {
            (0..rows)
                .map(|row| text(split, &simulated[split as usize], row))
                .collect()
        })
        .collect();
    let mut stored: [Option<Vec<u32>>; 3] = [None, None, None];
    for _ in 0..draw(4) {
        let split = 1 + draw(2) as usize;
        let part = &mut simulated[split];
        match draw(FAULTS) {
            0 => part.shuffle(0..rows, seed),
            1 => part.shuffle(rows / 2..rows, seed),
            2 => part.logits.rotate_left(1 + draw(9) as usize),
            3 => part.logits.iter_mut().for_each(|row| row.rotate_left(1)),
            4 => part.logits.iter_mut().for_each(|row| row[0] += 20.0),
            5 => part.logits.iter_mut().for_each(|row| row.fill(0.1)),
            6 => part.logits.iter_mut().flatten().for_each(|score| *score *= 6.0),
            7 => part.logits.iter_mut().flatten().for_each(|score| *score *= 0.2),
            8 => stored[split] = Some(vec![0; rows]),
            9 => part.truth.iter_mut().for_each(|class| *class = 0),
            10 => part.truth.sort_unstable(),
            11 => texts[split] = texts[0].clone(),
            12 => {
                let (of_train, others) = texts.split_at_mut(1);
                others[split - 1][..rows / 9].clone_from_slice(&of_train[0][..rows / 9]);
            }
            13 => texts[split]
                .iter_mut()
                .for_each(|text| *text = text.to_uppercase()),
            14 => texts[split].iter_mut().for_each(|text| *text = "nan".to_owned()),
            _ => part
                .truth
                .iter_mut()
                .step_by(5)
                .for_each(|class| *class = (*class + 1) % classes),
        }
    }
    let with = [draw(2), draw(2), draw(2), draw(2)];
    let parts: Vec<Part> = (0..3)
        .map(|split| {
            let part = Part {
                texts: (with[0] == 1).then(|| texts[split].clone()),
                stored_predictions: stored[split].clone(),
                ..simulated[split].part()
            };
            let given = split > 0 && (split == 2 || with[1] == 1) || with[2] == 1 && split == 0;
            if given { part } else { Part::default() }
        })
        .collect();
    let parts: [Part; 3] = parts.try_into().unwrap();
    let losses: Vec<(f64, f64)> = (0..=draw(5))
        .map(|_| (2.0 * draw(100) as f64 / 100.0, draw(100) as f64 / 100.0))
        .collect();
    Evidence {
        log: (with[3] == 1).then(|| Log {
            validation_rows: Some(rows as u64),
            ..log(&losses)
        }),
        ..evidence(&FIVE[..classes as usize], parts)
    }
}

#[test]
fn no_answer_contradicts_itself() {
    for seed in 0..300 {
        survives(&format!("seed {seed}"), &at_random(seed));
    }
}

/// A shuffled test file beside rows of it that are in training as well.
#[test]
fn what_explains_the_gap_stands_first_and_is_accounted_for() {
    let (train, validation) = (simulated(5, 900, 0.9, 4), simulated(5, 900, 0.9, 5));
    let mut test = simulated(5, 900, 0.9, 6);
    test.shuffle(0..900, 3);
    let texts = |of: &str, rows: usize| -> Vec<String> {
        (0..rows)
            .map(|row| format!("{of} number {row} of the paper, page {}", row * row))
            .collect()
    };
    let mut of_test = texts("an item", 900);
    for (row, text) in texts("a notice", 14).into_iter().enumerate() {
        of_test[row] = text;
    }
    let evidence = evidence(
        &FIVE,
        [
            Part {
                texts: Some(texts("a notice", 900)),
                scores: None,
                ..train.part()
            },
            Part {
                texts: Some(texts("a report", 900)),
                ..validation.part()
            },
            Part {
                texts: Some(of_test),
                ..test.part()
            },
        ],
    );
    let findings = audit(&evidence);
    let causes: Vec<&str> = findings.causes().map(|cause| cause.id.as_str()).collect();
    assert_eq!(causes[0], "C11", "{causes:?}");
    assert!(findings.headline.contains("(C11)"), "{}", findings.headline);
    let copies = findings
        .findings
        .iter()
        .find(|finding| finding.id == "C40")
        .unwrap();
    assert_eq!(
        (copies.status, copies.severity),
        (Status::Found, Some(Severity::Note))
    );
    let account = findings.account.as_ref().unwrap();
    assert_eq!(account.steps[0].id, "C11");
    assert!(account.rest_is_chance, "{account:?}");
    assert!(account.steps[0].points < -60.0);
    let follows: Vec<&str> = findings
        .consequences("C11")
        .map(|other| other.id.as_str())
        .collect();
    assert!(follows.contains(&"C60"), "{follows:?}");
    assert_eq!(contradictions(&findings), Vec::<String>::new());
}

/// A score that is right in 95 of 100 rows, cut to a whole number.
#[test]
fn a_cast_that_makes_one_class_explains_the_collapse() {
    let rows = simulated(2, 400, 0.95, 8);
    let evidence = evidence(
        &["no", "yes"],
        [
            Part::default(),
            Part::default(),
            Part {
                stored_predictions: Some(vec![0; 400]),
                ..rows.part()
            },
        ],
    );
    let findings = audit(&evidence);
    assert_eq!(findings.causes().next().unwrap().id, "C61");
    let follows: Vec<&str> = findings
        .consequences("C61")
        .map(|other| other.id.as_str())
        .collect();
    assert!(follows.contains(&"C25"), "{follows:?}");
    assert_eq!(contradictions(&findings), Vec::<String>::new());
}

/// A head that was never trained takes the rows of one class for those of another: without a log that is what
/// exchanged names look like.
#[test]
fn a_head_that_learnt_nothing_has_no_names_to_exchange() {
    let exchanged = |seed| {
        let mut rows = simulated(3, 900, 0.7, seed);
        rows.logits.iter_mut().for_each(|row| row.swap(0, 1));
        rows
    };
    let mut evidence = predicted_by(&exchanged(1), &exchanged(2));
    found(ask(Cause::LabelsPermuted, &evidence));
    evidence.log = Some(log(&[(1.1, 0.3), (1.1, 0.3)]));
    let findings = audit(&evidence);
    let names = findings
        .findings
        .iter()
        .find(|finding| finding.id == "C10")
        .unwrap();
    assert_eq!(names.explained_by.as_deref(), Some("C26"), "{names:?}");
    assert_eq!(contradictions(&findings), Vec::<String>::new());
}

/// A model that answers every text with the same probabilities.
#[test]
fn a_dead_model_doubts_no_labels() {
    let rows: Vec<(u32, Vec<f64>)> = (0..300)
        .map(|row| (u32::from(row % 9 < 4), vec![0.505, 0.495]))
        .collect();
    let evidence = Evidence {
        log: Some(log(&[
            (0.695, 0.54),
            (0.6933, 0.55),
            (std::f64::consts::LN_2, 0.55),
        ])),
        ..evidence(&["a", "b"], [Part::default(), Part::default(), scored(&rows)])
    };
    let findings = audit(&evidence);
    assert_eq!(findings.verdict, Verdict::Unsound);
    let first = findings.causes().next().unwrap();
    assert!(["C25", "C26"].contains(&first.id.as_str()), "{}", first.id);
    let labels = findings
        .findings
        .iter()
        .find(|finding| finding.id == "C50")
        .unwrap();
    assert_ne!(labels.status, Status::Found);
}

/// Training figures alone: what the checks of a training need is said, whatever part of it is there.
#[test]
fn what_is_not_checked_says_what_it_needs() {
    let mut log = log(&[(0.7, 0.9)]);
    for epoch in &mut log.epochs {
        epoch.train = std::mem::take(&mut epoch.validation);
    }
    let findings = audit(&Evidence {
        log: Some(log),
        ..Evidence::default()
    });
    let silent: Vec<_> = findings
        .of(Status::NotChecked)
        .filter(|finding| finding.missing.is_empty())
        .collect();
    assert!(silent.is_empty(), "{silent:?}");
    let overfitting = findings
        .findings
        .iter()
        .find(|finding| finding.id == "C57")
        .unwrap();
    assert!(
        overfitting
            .missing
            .iter()
            .all(|need| need.contains("--validation FILE")),
        "{:?}",
        overfitting.missing
    );
}
