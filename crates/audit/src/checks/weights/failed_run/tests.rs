use super::*;
use crate::cause::Cause;
use crate::evidence::Evidence;
use crate::evidence::Part;
use crate::evidence::log::{Figures, NotFinite};
use crate::testing::{
    ask, assert_close, clear, evidence, example, found, log, number, predicted, scored, statistic,
};

fn with_log(epochs: &[(f64, f64)]) -> Evidence {
    Evidence {
        class_count: Some(4),
        ..without_classes(epochs)
    }
}

fn without_classes(epochs: &[(f64, f64)]) -> Evidence {
    Evidence {
        log: Some(log(epochs)),
        ..Evidence::default()
    }
}

#[test]
fn a_loss_that_stays_at_guessing_is_found() {
    let found = example(Cause::FailedRun, &with_log(&[(1.39, 0.25), (1.385, 0.26)]));
    assert_close(statistic(&found.measured), 1.385, 1e-12);
    assert_close(number(&found.measured, "loss_of_guessing"), 4.0_f64.ln(), 1e-12);
}

#[test]
fn a_loss_that_fell_is_clear() {
    clear(ask(Cause::FailedRun, &with_log(&[(1.39, 0.25), (0.9, 0.26)])));
    // Something was learnt, whatever the loss is made of.
    clear(ask(Cause::FailedRun, &with_log(&[(2.0, 0.8)])));
    clear(ask(Cause::FailedRun, &with_log(&[(1.38, 0.40)])));
}

/// Guessing the largest class is right often, and nothing was learnt all the same.
#[test]
fn an_accuracy_that_the_largest_class_gives_shows_nothing() {
    let rows: Vec<(u32, u32)> = (0..100).map(|row| (u32::from(row >= 80), 0)).collect();
    let of_rows = |epochs: &[(f64, f64)]| Evidence {
        log: Some(log(epochs)),
        ..evidence(
            &["a", "b", "c", "d"],
            [Part::default(), predicted(&rows), Part::default()],
        )
    };
    found(ask(Cause::FailedRun, &of_rows(&[(1.39, 0.80)])));
    // The entropy of 80 and 20 % is 0.5004; a loss far below ln 4 is no better than that.
    let found = found(ask(Cause::FailedRun, &of_rows(&[(0.52, 0.80), (0.501, 0.80)])));
    assert_close(number(&found.measured, "loss_of_the_shares"), 0.500_402, 1e-6);
    clear(ask(Cause::FailedRun, &of_rows(&[(0.52, 0.80), (0.42, 0.80)])));
    // The training rows were learnt: it is the validation rows that are odd.
    let mut learnt = of_rows(&[(0.52, 0.80), (0.501, 0.80)]);
    let epochs = &mut learnt.log.as_mut().unwrap().epochs;
    (epochs[0].train.accuracy, epochs[1].train.accuracy) = (Some(0.85), Some(0.97));
    clear(ask(Cause::FailedRun, &learnt));
}

/// Two epochs at a rate that is too small: the loss is still that of guessing, and 65 of 100 rows are right
/// where the largest class has 55. Of 100 rows that may be chance, of 2,000 it is not.
#[test]
fn little_is_not_nothing() {
    let of = |hundreds: u32| {
        let rows: Vec<(u32, u32)> = (0..100 * hundreds)
            .map(|row| {
                let truth = u32::from(row % 20 >= 11);
                (truth, if row * 7 % 20 < 13 { truth } else { 1 - truth })
            })
            .collect();
        let evidence = Evidence {
            log: Some(log(&[(0.69, 0.62), (0.68, 0.65)])),
            ..evidence(&["a", "b"], [Part::default(), predicted(&rows), Part::default()])
        };
        ask(Cause::FailedRun, &evidence)
    };
    found(of(1));
    clear(of(20));
}

/// google-research/bert#688: seven evaluations, and nobody says that there are two classes.
#[test]
fn guessing_tells_how_many_classes_there_are() {
    let found = found(ask(
        Cause::FailedRun,
        &without_classes(&[(0.7122, 0.4878), (0.6929, 0.5122), (0.6955, 0.4878)]),
    ));
    assert_eq!(
        (found.confidence, number(&found.measured, "classes")),
        (Confidence::Likely, 2.0)
    );
    // 0.69 is a loss like any other where the accuracy is not one half.
    clear(ask(
        Cause::FailedRun,
        &without_classes(&[(0.9, 0.70), (0.69, 0.78)]),
    ));
}

#[test]
fn losses_that_are_no_numbers_are_found() {
    let mut evidence = without_classes(&[(0.6, 0.7), (0.5, 0.75), (0.5, 0.5), (0.5, 0.5)]);
    let log = evidence.log.as_mut().unwrap();
    for epoch in &mut log.epochs[2..] {
        epoch.validation.loss = None;
        epoch.train = Figures {
            loss_not_finite: Some(NotFinite::NotANumber),
            ..Figures::default()
        };
    }
    let nan = found(ask(Cause::FailedRun, &evidence));
    assert_eq!(
        (nan.severity, nan.confidence),
        (Severity::Unsound, Confidence::Certain)
    );
    assert!(
        nan.summary
            .starts_with("The training loss is NaN from epoch 3 on"),
        "{}",
        nan.summary
    );
    assert_close(statistic(&nan.measured), 2.0, 1e-12);
    let log = evidence.log.as_mut().unwrap();
    log.kept = Some(1);
    assert_eq!(found(ask(Cause::FailedRun, &evidence)).severity, Severity::Note);
    // One epoch, and it recovered.
    let log = evidence.log.as_mut().unwrap();
    log.kept = None;
    log.epochs[3].train = Figures {
        loss: Some(0.5),
        ..Figures::default()
    };
    assert_eq!(
        found(ask(Cause::FailedRun, &evidence)).severity,
        Severity::Caution
    );
}

#[test]
fn what_does_not_move_is_found() {
    let check = |epochs: &[(f64, f64)]| ask(Cause::FailedRun, &without_classes(epochs));
    let same = found(check(&[(1.607, 0.7567), (1.607, 0.7567), (1.607, 0.7567)]));
    assert!(
        same.summary.contains("1.6070 in each of 3 epochs"),
        "{}",
        same.summary
    );
    let stuck = found(check(&[
        (0.412, 0.8312),
        (0.405, 0.8312),
        (0.409, 0.8312),
        (0.401, 0.8312),
    ]));
    assert!(
        stuck.summary.contains("83.12 % in each of 4 epochs"),
        "{}",
        stuck.summary
    );
    // The loss still falls; the accuracy has no reason to move; two digits say nothing.
    clear(check(&[
        (0.6, 0.8312),
        (0.5, 0.8312),
        (0.4, 0.8312),
        (0.3, 0.8312),
    ]));
    clear(check(&[
        (0.03, 0.9912),
        (0.03, 0.9912),
        (0.029, 0.9912),
        (0.03, 0.9912),
    ]));
    clear(check(&[
        (0.41, 0.83),
        (0.405, 0.83),
        (0.409, 0.83),
        (0.401, 0.83),
    ]));
    // Few rows have the same accuracy often.
    let mut few = without_classes(&[(0.412, 0.8312), (0.405, 0.8312), (0.409, 0.8312), (0.401, 0.8312)]);
    few.log.as_mut().unwrap().validation_rows = Some(77);
    clear(ask(Cause::FailedRun, &few));
}

#[test]
fn a_training_that_broke_down_is_found() {
    let epochs = [(0.5, 0.8), (0.4, 0.85), (3.0, 0.2), (2.9, 0.21), (2.9, 0.2)];
    let broken = found(ask(Cause::FailedRun, &without_classes(&epochs)));
    assert_close(broken.effect.unwrap().points, -65.0, 1e-9);
    assert!(
        broken.summary.contains("broke down in epoch 3"),
        "{}",
        broken.summary
    );
    let mut kept = without_classes(&epochs);
    kept.log.as_mut().unwrap().kept = Some(1);
    assert_eq!(found(ask(Cause::FailedRun, &kept)).severity, Severity::Note);
    clear(ask(
        Cause::FailedRun,
        &without_classes(&[(0.5, 0.8), (0.4, 0.85), (0.9, 0.6), (0.4, 0.84)]),
    ));
}

/// As Keras prints it: 16.118 for each wrong row, with 1 − 2⁻²³ for two classes 15.942.
#[test]
fn outputs_that_are_saturated_are_found() {
    let check = |epochs: &[(f64, f64)]| ask(Cause::FailedRun, &without_classes(epochs));
    let keras = found(check(&[(10.2977, 0.3611), (10.2977, 0.3611)]));
    assert_close(statistic(&keras.measured), 16.118_096, 1e-9);
    assert_close(
        statistic(&found(check(&[(6.4329, 0.5965)])).measured),
        15.942_385,
        1e-9,
    );
    assert_close(
        statistic(&found(check(&[(49.123, 0.5088), (49.123, 0.5088)])).measured),
        100.0,
        1e-9,
    );
    // Sure of its mistakes, and no more than that; few mistakes.
    clear(check(&[(1.9, 0.85), (2.1, 0.86)]));
    clear(check(&[(0.322, 0.98), (0.322, 0.979)]));
    // A loss of smoothed labels, whose ratio to the mistakes passes 16.12 on its way.
    clear(check(&[
        (2.0, 0.80),
        (1.8, 0.85),
        (1.6, 0.88),
        (1.5, 0.90),
        (1.38, 0.91),
        (1.370_038, 0.915),
        (1.289_448, 0.92),
    ]));
}

/// Saturated outputs are probabilities of 0 and 1: where the rows have others, the loss is something else.
#[test]
fn outputs_that_the_rows_show_to_be_unsure_are_not_saturated() {
    let of_rows = |probability: f64| {
        let rows: Vec<(u32, Vec<f64>)> = (0..100)
            .map(|row| (u32::from(row % 5 == 0), vec![probability, 1.0 - probability]))
            .collect();
        Evidence {
            log: Some(log(&[(3.2236, 0.80), (3.2236, 0.80)])),
            ..evidence(&["a", "b"], [Part::default(), scored(&rows), Part::default()])
        }
    };
    let says = |evidence: &Evidence| match ask(Cause::FailedRun, evidence) {
        Ok(Answer::Found(found)) => found.summary.contains("saturated"),
        _ => false,
    };
    assert!(says(&of_rows(1.0)));
    assert!(!says(&of_rows(0.7)));
}

#[test]
fn a_loss_that_explodes_is_found() {
    let check = |losses: &[(f64, f64)]| ask(Cause::FailedRun, &without_classes(losses));
    let grown = found(check(&[(11.7, 0.18), (265.0, 0.28), (3748.0, 0.15)]));
    assert!(
        grown.summary.contains("grew from 11.700 to 3748.000"),
        "{}",
        grown.summary
    );
    // An overfitted model, a sum over batches that falls, and a first step that was too large.
    clear(check(&[(0.4, 0.85), (1.9, 0.86)]));
    clear(check(&[(1200.0, 0.6), (400.0, 0.8)]));
    clear(check(&[(5000.0, 0.4), (0.9, 0.7)]));
}
