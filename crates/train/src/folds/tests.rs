use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct Case {
    classes: usize,
    folds: usize,
    labels: Vec<u32>,
    groups: Vec<usize>,
    expected: Vec<usize>,
}

#[derive(Deserialize)]
struct Reference {
    cases: Vec<Case>,
}

/// The number of rows of each class in the folds, in ascending order. Between folds that are equally good,
/// scikit-learn decides by the last bit of a rounded sum: which of them has them means nothing.
fn spreads(case: &Case, folds: &[usize]) -> Vec<Vec<u64>> {
    let mut counts = vec![vec![0; case.folds]; case.classes];
    for (&fold, &label) in folds.iter().zip(&case.labels) {
        counts[label as usize][fold] += 1;
    }
    for of_class in &mut counts {
        of_class.sort_unstable();
    }
    counts
}

#[test]
fn every_class_is_spread_over_the_folds_as_by_scikit_learn() {
    let reference: Reference =
        serde_json::from_str(include_str!("../../../../tests/fixtures/folds.json")).unwrap();
    for case in reference.cases {
        let found = assign(&case.labels, &case.groups, case.classes, case.folds);
        assert_eq!(spreads(&case, &found), spreads(&case, &case.expected));
    }
}

/// Rows of three classes, every five of one group, and of these every second a set that stays together.
fn rows() -> Rows {
    let group = |row: u32| match row / 5 % 2 {
        0 => format!("set {}", row / 5),
        _ => format!("row {row}"),
    };
    Rows {
        ids: (0..150).map(|row| format!("row {row}")).collect(),
        labels: (0..150).map(|row| row / 5 % 3).collect(),
        tokens: vec![Vec::new(); 150],
        groups: (0..150).map(group).collect(),
    }
}

#[test]
fn a_set_stays_in_one_fold_and_every_fold_has_its_share_of_every_class() {
    let rows = rows();
    let folds = folds_of(&rows, 3, 5, 10).unwrap();
    let mut of_group: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    let mut counts = [[0; 3]; 5];
    for ((group, &fold), &label) in rows.groups.iter().zip(&folds).zip(&rows.labels) {
        of_group.entry(group).or_default().insert(fold);
        counts[fold][label as usize] += 1;
    }
    assert!(of_group.values().all(|folds| folds.len() == 1), "{of_group:?}");
    assert_eq!(counts, [[10; 3]; 5]);
}

#[test]
fn another_seed_gives_other_folds_and_an_equal_one_the_same() {
    let rows = rows();
    let folds = |seed| folds_of(&rows, 3, 5, seed).unwrap();
    assert_eq!(folds(10), folds(10));
    assert_ne!(folds(10), folds(11));
}

#[test]
fn fewer_sets_than_folds_are_refused() {
    let mut rows = rows();
    for group in &mut rows.groups {
        group.truncate(3);
    }
    let error = folds_of(&rows, 3, 3, 10).unwrap_err();
    insta::assert_snapshot!(
        error,
        @"`train.folds: 3` leaves a fold without rows: the training rows make 2 sets that stay together"
    );
}

#[test]
fn a_finished_fold_is_read_to_the_same_bits_and_a_damaged_one_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = folder.path().join("folds/1");
    let logits = [0.1, -0.0, f32::MIN_POSITIVE, 1e30];
    Finished::write(&checkpoints, &logits).unwrap();
    let read = Finished::read(&checkpoints, 4).unwrap();
    assert!(
        read.iter()
            .zip(&logits)
            .all(|(read, written)| read.to_bits() == written.to_bits())
    );
    assert_eq!(Finished::read(&checkpoints, 5), None);
    let path = Finished::path(&checkpoints);
    let text = fs::read_to_string(&path).unwrap();
    let damaged = text.replacen(&logits[0].to_bits().to_string(), "7", 1);
    assert_ne!(damaged, text);
    fs::write_atomic(&path, damaged.as_bytes()).unwrap();
    assert_eq!(Finished::read(&checkpoints, 4), None);
}
