//! Which columns are taken for what, by their names and by their first rows.

use labelproof_tables::Cell;

use super::*;

fn find_in(header: &[&str], rows: &[&[&str]], columns: &Columns, purpose: Purpose) -> Result<Roles, Error> {
    let header: Vec<String> = header.iter().map(ToString::to_string).collect();
    let mut profiles = vec![Profile::default(); if rows.is_empty() { 0 } else { header.len() }];
    for row in rows {
        for (profile, cell) in profiles.iter_mut().zip(*row) {
            profile.push(&Cell::Bytes(cell.as_bytes()), false);
        }
    }
    let look = Look {
        header: &header,
        profiles: &profiles,
        is_named: !header.iter().any(|name| name == "column 1"),
        purpose,
        place: "rows.csv:1",
    };
    Roles::find(look, columns)
}

fn find(header: &[&str], columns: &Columns) -> Result<Roles, Error> {
    find_in(header, &[], columns, Purpose::Rows)
}

/// Truth, prediction, and the message of an error or of the first doubt.
fn found(header: &[&str], rows: &[&[&str]]) -> (Option<usize>, Option<usize>, String) {
    match find_in(header, rows, &Columns::default(), Purpose::Rows) {
        Ok(roles) => (
            roles.truth,
            roles.predicted,
            roles.doubts.first().cloned().unwrap_or_default(),
        ),
        Err(error) => (None, None, error.to_string()),
    }
}

#[test]
fn names_that_libraries_write_are_recognised() {
    let roles = find(
        &["", "Review", "True Label", "y_pred", "prob_a", "prob_b"],
        &Columns::default(),
    )
    .unwrap();
    assert_eq!((roles.id, roles.id_is_nameless), (Some(0), true));
    assert_eq!(
        (roles.text, roles.truth, roles.predicted),
        (Some(1), Some(2), Some(3))
    );
    let expected = ScoreColumns::Each {
        places: vec![4, 5],
        names: Some(vec!["a".into(), "b".into()]),
        logits: false,
    };
    assert_eq!(roles.scores, expected);
}

#[test]
fn two_columns_for_one_role_are_an_error_until_one_is_named() {
    let header = ["label", "class", "p_value"];
    let error = find(&header, &Columns::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "rows.csv:1: both `label` and `class` could be the true label"
    );
    let columns = Columns {
        label: Some("Class".into()),
        ..Columns::default()
    };
    // The other one is then no label either, and a lone p-value is no score.
    let roles = find(&header, &columns).unwrap();
    assert_eq!((roles.truth, roles.predicted), (Some(1), None));
    assert_eq!(roles.scores, ScoreColumns::None);
}

#[test]
fn the_label_that_predict_writes_is_a_prediction() {
    let header = [
        "id",
        "label",
        "probability",
        "probability of a",
        "probability of b",
        "truth",
    ];
    let roles = find(&header, &Columns::default()).unwrap();
    assert_eq!((roles.truth, roles.predicted), (Some(5), Some(1)));
}

#[test]
fn a_column_with_the_values_of_the_labels_is_the_other_one() {
    let rows: &[&[&str]] = &[
        &["good", "good"],
        &["bad", "good"],
        &["bad", "bad"],
        &["good", "bad"],
    ];
    assert_eq!(
        found(&["label", "xlnet"], rows),
        (Some(0), Some(1), String::new())
    );
    assert_eq!(
        found(&["stuff", "prediction"], rows),
        (Some(0), Some(1), String::new())
    );
    // Another annotator is none.
    assert_eq!(found(&["label", "annotator_2"], rows).1, None);
    // Zeros and ones are everywhere.
    let rows: &[&[&str]] = &[&["1", "1"], &["0", "1"], &["0", "0"], &["1", "0"]];
    let (_, predicted, doubt) = found(&["label", "xlnet"], rows);
    assert_eq!(predicted, None);
    assert_eq!(
        doubt,
        "`xlnet` has the values of `label`: if that is the predicted label, name it with --predicted"
    );
    let rows: &[&[&str]] = &[
        &["a", "a", "b"],
        &["b", "b", "b"],
        &["b", "a", "a"],
        &["a", "a", "b"],
    ];
    let (_, predicted, doubt) = found(&["label", "one", "two"], rows);
    assert_eq!(predicted, None);
    assert!(
        doubt.starts_with("`one` and `two` have the values of `label`"),
        "{doubt}"
    );
}

#[test]
fn numbers_with_fractions_are_scores_and_no_labels() {
    let rows: &[&[&str]] = &[
        &["1", "0.75"],
        &["0", "0.125"],
        &["1", "0.5"],
        &["0", "0.25"],
        &["1", "0.9"],
    ];
    let roles = find_in(&["label", "prediction"], rows, &Columns::default(), Purpose::Rows).unwrap();
    assert_eq!(roles.predicted, None);
    let expected = ScoreColumns::One {
        place: 1,
        class: None,
        logits: false,
    };
    assert_eq!(roles.scores, expected);
    // Counts that are called scores are none.
    let rows: &[&[&str]] = &[&["1", "17"], &["0", "3"], &["1", "5"]];
    let roles = find_in(&["label", "score"], rows, &Columns::default(), Purpose::Rows).unwrap();
    assert_eq!(roles.scores, ScoreColumns::None);
    let rows: &[&[&str]] = &[
        &["1", "0.25", "0.75"],
        &["0", "0.5", "0.5"],
        &["1", "0.25", "0.75"],
    ];
    let roles = find_in(
        &["y", "pred_0", "pred_1"],
        rows,
        &Columns::default(),
        Purpose::Rows,
    )
    .unwrap();
    assert_eq!((roles.truth, roles.predicted), (Some(0), None));
    assert!(matches!(roles.scores, ScoreColumns::Each { .. }));
}

#[test]
fn what_a_pipeline_gives_is_a_prediction() {
    let rows: &[&[&str]] = &[
        &["POSITIVE", "0.99"],
        &["NEGATIVE", "0.75"],
        &["POSITIVE", "0.6"],
        &["POSITIVE", "0.5"],
    ];
    assert_eq!(found(&["label", "score"], rows).1, Some(0));
    let rows: &[&[&str]] = &[&["a", "0.99"], &["b", "0.1"], &["a", "0.6"], &["b", "0.2"]];
    assert_eq!(found(&["label", "score"], rows).0, Some(0));
}

#[test]
fn columns_without_names_are_told_by_what_they_hold() {
    let header = ["column 1", "column 2"];
    let rows: &[&[&str]] = &[&["0.25", "0.75"], &["0.5", "0.5"]];
    let roles = find_in(&header, rows, &Columns::default(), Purpose::Rows).unwrap();
    let expected = ScoreColumns::Each {
        places: vec![0, 1],
        names: None,
        logits: false,
    };
    assert_eq!((roles.truth, roles.scores), (None, expected));
    let rows: &[&[&str]] = &[
        &["a longer text it is", "x"],
        &["and another one follows", "y"],
        &["here is a third one", "x"],
    ];
    let roles = find_in(&header, rows, &Columns::default(), Purpose::Rows).unwrap();
    assert_eq!(
        (roles.text, roles.truth, roles.predicted),
        (Some(0), Some(1), None)
    );
    let rows: &[&[&str]] = &[&["1", "1"], &["0", "1"], &["0", "0"], &["1", "1"]];
    assert_eq!(
        found(&header, rows).2,
        "rows.csv:1: the columns 1 and 2 hold labels, and no header says which are the true ones"
    );
    let columns = Columns {
        label: Some("2".into()),
        predicted: Some("1".into()),
        ..Columns::default()
    };
    let roles = find_in(&header, rows, &columns, Purpose::Rows).unwrap();
    assert_eq!((roles.truth, roles.predicted), (Some(1), Some(0)));
}

#[test]
fn several_labels_a_row_are_said() {
    let rows: &[&[&str]] = &[
        &["a|b", "a"],
        &["a", "a"],
        &["b", "b"],
        &["b|c", "c"],
        &["c", "c"],
    ];
    let (truth, _, doubt) = found(&["labels", "pred"], rows);
    assert_eq!(truth, None);
    assert!(
        doubt.starts_with("`labels` has several labels a row, as in `a|b`"),
        "{doubt}"
    );
    let rows: &[&[&str]] = &[
        &["x", "1", "1", "0"],
        &["y", "0", "0", "0"],
        &["z", "0", "1", "1"],
    ];
    let (truth, _, doubt) = found(&["text", "toxic", "obscene", "threat"], rows);
    assert_eq!(truth, None);
    assert!(doubt.contains("several ones a row"), "{doubt}");
    let rows: &[&[&str]] = &[
        &["x", "1", "0", "0"],
        &["y", "0", "0", "1"],
        &["z", "0", "1", "0"],
    ];
    let roles = find_in(
        &["text", "is_a", "label_b", "label_c"],
        rows,
        &Columns::default(),
        Purpose::Rows,
    );
    assert_eq!(roles.unwrap().one_hot, None);
    let roles = find_in(
        &["text", "label_a", "label_b", "label_c"],
        rows,
        &Columns::default(),
        Purpose::Rows,
    )
    .unwrap();
    let expected = (
        vec![1, 2, 3],
        vec!["a".to_owned(), "b".to_owned(), "c".to_owned()],
    );
    assert_eq!(roles.one_hot, Some(expected));
}

/// Texts, labels and the predictions of a model that always says the same.
#[test]
fn one_answer_for_every_row_is_no_column_that_says_nothing() {
    let rows: &[&[&str]] = &[
        &["a text of some words", "neg", "neg"],
        &["another text of words", "pos", "neg"],
        &["a third text of words", "pos", "neg"],
        &["one more text of words", "neg", "neg"],
    ];
    let header = ["column 1", "column 2", "column 3"];
    let (truth, predicted, said) = found(&header, rows);
    assert_eq!((truth, predicted), (None, None), "{said}");
    // The source of a text is no label of it.
    let rows: Vec<Vec<&str>> = rows.iter().map(|row| vec![row[0], row[1], "gj04"]).collect();
    let rows: Vec<&[&str]> = rows.iter().map(Vec::as_slice).collect();
    assert_eq!(found(&header, &rows).0, Some(1));
    let of_predictions = find_in(&header, &rows, &Columns::default(), Purpose::Predictions);
    assert!(of_predictions.is_err(), "{of_predictions:?}");
}
