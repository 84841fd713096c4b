use super::*;
use crate::evidence::{Evidence, Part};
use crate::testing::{
    ask, assert_close, clear, evidence, example, found, log, predicted, predicted_by, scored, simulated,
    statistic,
};

/// Whether a row of 1000 is among so many that are strewn over them.
fn is_among(row: u32, hits: u32) -> bool {
    row * 617 % 1000 < hits
}

/// A number below another one, in no order.
fn drawn(row: u32, below: u32) -> u32 {
    (row.wrapping_mul(2_654_435_761) >> 16) % below
}

/// 1000 rows of two classes, of which so many are right.
fn right(hits: u32) -> Part {
    let rows: Vec<(u32, u32)> = (0..1000)
        .map(|row| {
            (
                drawn(row, 2),
                (drawn(row, 2) + u32::from(!is_among(row, hits))) % 2,
            )
        })
        .collect();
    predicted(&rows)
}

fn validation(part: Part, epochs: &[(f64, f64)]) -> Evidence {
    Evidence {
        log: Some(log(epochs)),
        ..evidence(&["a", "b"], [Part::default(), part, Part::default()])
    }
}

#[test]
fn an_accuracy_that_the_rows_do_not_give_is_found() {
    let found = example(Cause::LoggedFigures, &validation(right(984), &[(0.5, 0.0977)]));
    assert_eq!(
        (found.severity, found.confidence),
        (Severity::Unsound, Confidence::Certain)
    );
    assert_close(found.effect.unwrap().points, -88.63, 1e-9);
    assert_close(statistic(&found.measured), 0.0977, 1e-12);
}

/// Digits of the log, one row to either side, another epoch than the last.
#[test]
fn figures_of_the_rows_are_clear() {
    let cause = Cause::LoggedFigures;
    let summary = |evidence: &Evidence| match ask(cause, evidence) {
        Ok(Answer::Clear { summary, .. }) => summary,
        other => panic!("{other:?}"),
    };
    let exact = summary(&validation(right(984), &[(0.5, 0.984)]));
    assert_eq!(
        exact,
        "The validation rows give the logged figures: accuracy (98.4 %)."
    );
    clear(ask(cause, &validation(right(984), &[(0.5, 0.98)])));
    clear(ask(cause, &validation(right(984), &[(0.5, 0.9834)])));
    let another = summary(&validation(right(984), &[(0.5, 0.9), (0.4, 0.984), (0.4, 0.951)]));
    assert!(another.contains("logged figures of epoch 2"), "{another}");
    // Only the test rows are given: what the log says of others is the gap.
    let test = Evidence {
        log: Some(log(&[(0.5, 0.98)])),
        ..evidence(&["a", "b"], [Part::default(), Part::default(), right(500)])
    };
    assert!(ask(cause, &test).is_err());
}

#[test]
fn a_small_difference_is_no_fault() {
    let check = |accuracy| {
        found(ask(
            Cause::LoggedFigures,
            &validation(right(900), &[(0.5, accuracy)]),
        ))
    };
    assert_eq!(check(0.9025).severity, Severity::Note);
    assert_eq!(check(0.9105).severity, Severity::Caution);
    assert_eq!(check(0.9805).severity, Severity::Unsound);
    // 900 of 1000, and 1820 of 2000, which are other rows.
    let mut others = validation(right(900), &[(0.5, 0.9105)]);
    others.log.as_mut().unwrap().validation_rows = Some(2000);
    match ask(Cause::LoggedFigures, &others) {
        Ok(Answer::Clear { summary, .. }) => assert!(
            summary.contains("of which the log has 2000, give 90.0 %, which C5 is about"),
            "{summary}"
        ),
        other => panic!("{other:?}"),
    }
}

/// Of three classes, of which one has half of the rows. Of these all are right, of the others 60 %, and where
/// it is not the first, the true class is the second.
#[test]
fn what_makes_one_of_the_other_is_named() {
    let rows: Vec<(u32, Vec<f64>)> = (0..1000_u32)
        .map(|row| {
            let truth = (drawn(row, 4)).saturating_sub(1);
            let wrong = truth > 0 && !is_among(row, 600);
            let predicted = (truth + if wrong { 1 + drawn(row + 7, 2) } else { 0 }) % 3;
            let mut scores = vec![0.1; 3];
            scores[truth as usize] = 0.3;
            scores[predicted as usize] = 0.6;
            if !wrong {
                scores = vec![0.2; 3];
                scores[truth as usize] = 0.6;
            }
            (truth, scores)
        })
        .collect();
    let hits = |class: u32| {
        let own = rows.iter().filter(|(truth, _)| *truth == class);
        let right = own
            .clone()
            .filter(|(truth, scores)| scores[*truth as usize] > 0.5);
        right.count() as f64 / own.count() as f64
    };
    let balanced = (hits(0) + hits(1) + hits(2)) / 3.0;
    let accuracy = rows
        .iter()
        .filter(|(truth, scores)| scores[*truth as usize] > 0.5)
        .count() as f64
        / 1000.0;
    let check = |accuracy: f64, words: &str| {
        let evidence = Evidence {
            log: Some(log(&[(0.5, accuracy)])),
            ..evidence(
                &["a", "b", "c"],
                [Part::default(), scored(&rows), Part::default()],
            )
        };
        let found = found(ask(Cause::LoggedFigures, &evidence));
        assert!(found.summary.contains(words), "{}", found.summary);
    };
    assert!((balanced - accuracy).abs() > 0.02);
    check(0.9999, "2 highest scores (top-2 accuracy)");
    check(balanced, "balanced accuracy");
    check(1.0 - accuracy, "the share of wrong rows");
    check(accuracy / 100.0, "divided by 100");
    check(0.4567, "No other way of counting");
}

#[test]
fn another_split_is_recognised() {
    let of_training = Evidence {
        log: Some(log(&[(0.5, 0.9)])),
        ..evidence(&["a", "b"], [right(900), right(700), Part::default()])
    };
    let found = found(ask(Cause::LoggedFigures, &of_training));
    assert!(
        found.summary.contains("that of the training rows"),
        "{}",
        found.summary
    );
}

/// The matrix has 18 of 20 rows right; the log says its own of the test rows.
#[test]
fn logged_test_figures_are_compared_with_the_matrix() {
    let with = |accuracy| {
        let mut log = log(&[(0.5, 0.8)]);
        log.epochs[0].test.accuracy = Some(accuracy);
        Evidence {
            log: Some(log),
            confusion: Some(vec![vec![90, 10], vec![10, 90]]),
            ..Evidence::default()
        }
    };
    clear(ask(Cause::LoggedFigures, &with(0.9)));
    let found = found(ask(Cause::LoggedFigures, &with(0.6)));
    assert!(
        found.summary.contains("test accuracy is 60.0 %"),
        "{}",
        found.summary
    );
}

/// Where the validation rows are shuffled, and the log is from before: the shuffling explains it.
#[test]
fn a_mispairing_explains_the_difference() {
    let mut rows = simulated(5, 2000, 0.83, 1);
    let logged = {
        let evidence = predicted_by(&rows, &simulated(5, 10, 0.83, 2));
        crate::testing::case(&evidence)
            .predicted(Split::Validation)
            .unwrap()
            .accuracy()
    };
    rows.shuffle(0..2000, 3);
    let mut evidence = predicted_by(&rows, &rows);
    evidence.dataset.test = None;
    evidence.log = Some(log(&[(0.5, logged)]));
    clear(ask(Cause::LoggedFigures, &evidence));
    let shuffled = found(ask(Cause::PredictionsShuffled, &evidence));
    assert!(
        shuffled.summary.contains("validation predictions"),
        "{}",
        shuffled.summary
    );
}

#[test]
fn another_metric_and_its_nearest_average_are_named() {
    let with = |f1| {
        let mut evidence = validation(right(900), &[(0.5, 0.9)]);
        evidence.log.as_mut().unwrap().epochs[0].validation.f1 = Some(f1);
        ask(Cause::LoggedFigures, &evidence)
    };
    clear(with(0.9));
    let found = found(with(0.75));
    assert_eq!((found.severity, found.effect), (Severity::Caution, None));
    assert!(
        found
            .summary
            .contains("The logged accuracy (90.0 %) is that of the rows"),
        "{}",
        found.summary
    );
}
