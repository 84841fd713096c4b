use super::*;
use crate::answer::finding::{Confidence, Measured};
use crate::audit;
use crate::evidence::log::Figures;
use crate::evidence::{Log, Part, log::Epoch};
use crate::testing::{evidence, log, origin, predicted};

#[test]
fn the_worst_that_was_found_decides() {
    let answer = |severity, confidence| Diagnosis {
        severity,
        confidence,
        summary: String::new(),
        effect: None,
        fix: String::new(),
        confirm: String::new(),
        measured: Measured::new(),
    };
    let check = &crate::catalogue::ALL[0];
    let caution = [
        (check, answer(Severity::Note, Confidence::Certain)),
        (check, answer(Severity::Caution, Confidence::Possible)),
    ];
    assert_eq!(verdict(None, &caution, true), Verdict::Caution);
    assert_eq!(verdict(None, &caution[..1], true), Verdict::Sound);
    assert_eq!(verdict(None, &caution[..1], false), Verdict::NotExamined);
    assert_eq!(
        verdict(
            None,
            &[(check, answer(Severity::Unsound, Confidence::Possible))],
            false
        ),
        Verdict::Unsound
    );
}

/// Rows of two classes in turns, of which nine in ten are predicted rightly.
fn rows(count: u32) -> Part {
    let rows: Vec<(u32, u32)> = (0..count)
        .map(|row| {
            let truth = row * 7 % 3 % 2;
            (truth, if row % 10 == 3 { 1 - truth } else { truth })
        })
        .collect();
    predicted(&rows)
}

fn of_test(part: Part) -> Evidence {
    evidence(&["a", "b"], [Part::default(), Part::default(), part])
}

/// A matrix of which 80 % are right, beside a log that says so of the validation rows.
fn matrix_and_log(validation_rows: Option<u64>) -> Evidence {
    Evidence {
        confusion: Some(vec![vec![400, 100], vec![100, 400]]),
        log: Some(Log {
            validation_rows,
            ..log(&[(0.5, 0.8)])
        }),
        ..Evidence::default()
    }
}

#[track_caller]
fn check(evidence: &Evidence, verdict: Verdict, says: &[&str], silent: &[&str]) {
    let findings = audit(evidence);
    let headline = &findings.headline;
    assert_eq!(findings.verdict, verdict, "{headline}");
    for words in says {
        assert!(headline.contains(words), "`{words}` is not in: {headline}");
    }
    for words in silent {
        assert!(!headline.contains(words), "`{words}` is in: {headline}");
    }
}

#[test]
fn rows_that_were_compared_are_sound_and_it_is_said_what_was_not_looked_at() {
    check(
        &of_test(rows(300)),
        Verdict::Sound,
        &[
            "the model is better than guessing and the predictions look paired with their rows.",
            "Not looked at: whether validation and test agree and training texts are among these rows.",
            "What would tell most: --validation FILE",
        ],
        &["logged figures"],
    );
    check(
        &evidence(&["a", "b"], [Part::default(), rows(300), rows(300)]),
        Verdict::Sound,
        &[
            "validation and test agree.",
            "Not looked at: whether training texts are among these rows.",
        ],
        &["whether validation and test agree"],
    );
    let with_texts = |seed: usize| Part {
        texts: Some(
            (0..300)
                .map(|row| {
                    format!(
                        "{} of {} in line {}",
                        row * 7919 + seed,
                        row * 104_729 + seed,
                        row + seed
                    )
                })
                .collect(),
        ),
        ..rows(300)
    };
    let everything = evidence(&["a", "b"], [1_000, 2_000, 3_000].map(with_texts));
    check(
        &everything,
        Verdict::Sound,
        &["no training text is among these rows."],
        &["Not looked at", "would tell most"],
    );
}

#[test]
fn a_matrix_is_sound_beside_a_logged_accuracy_of_a_known_number_of_rows() {
    check(
        &matrix_and_log(Some(1000)),
        Verdict::Sound,
        &[
            "validation and test agree",
            "whether the predictions stand beside their own rows",
        ],
        &[],
    );
    check(
        &matrix_and_log(None),
        Verdict::NotExamined,
        &["--validation-rows N"],
        &["validation and test agree"],
    );
    check(
        &origin(),
        Verdict::Unsound,
        &["51.0 points apart", "What would tell most: "],
        &["Not looked at"],
    );
}

/// Rows of two classes of which so many are predicted rightly, with mistakes at even distances.
fn with_hits(hits: u32, count: u32) -> Part {
    let misses = |row: u32| row * (count - hits) / count;
    let rows: Vec<(u32, u32)> = (0..count)
        .map(|row| {
            let truth = row * 7 % 3 % 2;
            let is_hit = misses(row + 1) == misses(row);
            (truth, if is_hit { truth } else { 1 - truth })
        })
        .collect();
    predicted(&rows)
}

/// 90.6 % of 532 validation rows and 84.7 % of 2,280 test rows (p = 0.0004): of one epoch that is no chance,
/// of the luckiest of fifteen it may be.
#[test]
fn a_gap_that_the_choice_of_an_epoch_may_have_made_is_a_caution() {
    let best = 482.0 / 532.0;
    let with_log = |epochs: &[(f64, f64)]| Evidence {
        log: Some(log(epochs)),
        ..evidence(
            &["a", "b"],
            [Part::default(), with_hits(482, 532), with_hits(1931, 2280)],
        )
    };
    let mut chosen: Vec<(f64, f64)> = (0..15)
        .map(|epoch| (0.4 - 0.001 * f64::from(epoch), 0.89))
        .collect();
    chosen[14].1 = best;
    check(
        &with_log(&chosen),
        Verdict::Caution,
        &[
            "5.9 points above test accuracy",
            "the best of 15 epochs",
            "report the test accuracy",
        ],
        &["validation and test agree"],
    );
    check(&with_log(&[(0.4, best)]), Verdict::Unsound, &[], &[]);
}

#[test]
fn what_was_held_against_nothing_is_not_examined_and_the_missing_column_is_named() {
    let labels = Part {
        stored_predictions: None,
        ..rows(300)
    };
    check(
        &of_test(labels),
        Verdict::NotExamined,
        &[
            "rows.csv has true labels and no predictions",
            "the predictions, which are missing from rows.csv: name their column with --predicted",
        ],
        &[],
    );
    let predictions = Part {
        truth: None,
        ..rows(300)
    };
    check(
        &of_test(predictions),
        Verdict::NotExamined,
        &[
            "predictions and no true labels",
            "rows.csv: name their column with --label",
        ],
        &[],
    );
    let alone = |log, confusion| Evidence {
        log,
        confusion,
        ..Evidence::default()
    };
    let (epochs, matrix) = (
        log(&[(0.5, 0.8), (0.45, 0.82)]),
        vec![vec![400, 100], vec![100, 400]],
    );
    check(
        &alone(Some(epochs), None),
        Verdict::NotExamined,
        &[
            "there are no rows to hold the log against",
            "FILE with the texts, true labels",
        ],
        &[],
    );
    check(
        &alone(None, Some(matrix)),
        Verdict::NotExamined,
        &["there is nothing to hold the confusion matrix against"],
        &[],
    );
    check(
        &of_test(rows(5)),
        Verdict::Caution,
        &["(C49). Little else could be looked at: rows.csv has 5 rows, too few to tell a model from a guess"],
        &[],
    );
    let trained_on = evidence(&["a", "b"], [rows(300), Part::default(), Part::default()]);
    check(
        &trained_on,
        Verdict::NotExamined,
        &["there are no validation or test rows with true and predicted labels"],
        &[],
    );
    check(&Evidence::default(), Verdict::NotExamined, &[], &[]);
}

/// Of a log without validation figures there is nothing that the rows could be held against.
#[test]
fn whether_logged_figures_are_right_is_asked_where_there_are_some() {
    let logged = |of: fn(&mut Epoch) -> &mut Figures| {
        let mut epoch = Epoch::default();
        of(&mut epoch).accuracy = Some(0.9);
        Evidence {
            log: Some(Log {
                epochs: vec![epoch],
                ..Log::default()
            }),
            ..of_test(rows(300))
        }
    };
    let validation = "whether the logged validation figures are those of the rows";
    check(
        &logged(|epoch| &mut epoch.validation),
        Verdict::Sound,
        &[validation, "What would tell most: --validation FILE"],
        &[],
    );
    check(
        &logged(|epoch| &mut epoch.test),
        Verdict::Sound,
        &["rows and the logged test figures are those of the rows."],
        &["logged validation figures"],
    );
    check(
        &logged(|epoch| &mut epoch.train),
        Verdict::Sound,
        &[],
        &["logged"],
    );
}

#[test]
fn a_file_with_texts_alone_lacks_its_labels_and_predictions_before_another_file() {
    let part = Part {
        source: "rows.csv".to_owned(),
        rows: 2,
        texts: Some(vec!["one text".to_owned(), "another".to_owned()]),
        ..Part::default()
    };
    let given = evidence(&[], [Part::default(), Part::default(), part]);
    let wish = "What would tell most: the true labels and the predictions, which are missing from rows.csv";
    check(&given, Verdict::NotExamined, &[wish], &["--validation FILE"]);
}
