//! What must hold of every split, and the refusals, on rows made up here.

use std::collections::{BTreeMap, BTreeSet};

use insta::assert_snapshot;
use labelproof_artifact::{
    Artifacts, Diagnostic, LabelMap, Reporter, Silent, Split, SplitRow, TokenRow, read_table, write_table,
};
use labelproof_testkit::Recorder;
use proptest::prelude::*;

use crate::rows::{Collector, Rows};
use crate::sets::Sets;
use crate::{Error, Params, assign, run};

const LABELS: [&str; 4] = ["business", "politics", "sport", "tech"];

/// A row of a class, alone in its group.
fn row(number: usize, class: usize) -> TokenRow {
    let id = format!("row {number:04}");
    TokenRow {
        label: LABELS[class].to_owned(),
        text: "some text".to_owned(),
        tokens: vec![101, 102],
        full_length: 2,
        duplicate_group: id.clone(),
        group: None,
        split: None,
        id,
    }
}

/// Rows of the first classes, so many of each, classes taking turns.
fn balanced(classes: usize, of_each: usize) -> Vec<TokenRow> {
    (0..classes * of_each)
        .map(|number| row(number, number % classes))
        .collect()
}

fn collect(table: &[TokenRow]) -> Rows {
    let present: BTreeSet<_> = table.iter().map(|row| row.label.clone()).collect();
    let mut collector = Collector::new(LabelMap::new(present.into_iter().collect()));
    for row in table {
        collector.push(row.clone()).unwrap();
    }
    collector.finish().unwrap()
}

/// The part and the name of the set of every row.
fn split(params: &Params, table: &[TokenRow]) -> Result<BTreeMap<String, (Split, String)>, Error> {
    let rows = collect(table);
    let sets = Sets::find(&rows, params.keep_duplicates_together);
    let assignment = assign(params, &rows, &sets)?;
    let first = sets.first_rows(rows.len());
    let id = |row: usize| rows.list[row].id.clone();
    Ok((0..rows.len())
        .map(|row| (id(row), (assignment[row], id(first[row] as usize))))
        .collect())
}

fn with_seed(seed: u64) -> Params {
    Params {
        seed,
        ..Params::default()
    }
}

/// Rows with some groups of both kinds; every class has rows enough of its own to be in every part.
fn tables(with_groups: bool) -> impl Strategy<Value = Vec<TokenRow>> {
    let links = prop::collection::vec((0..LABELS.len(), 0..60_usize, 0..60_usize), 60..400);
    links.prop_map(move |links| {
        let first = (0..LABELS.len() * 5).map(|number| row(number, number % LABELS.len()));
        let more = links
            .iter()
            .zip(LABELS.len() * 5..)
            .map(|(&(class, duplicates, group), number)| {
                let mut row = row(number, class);
                if with_groups && duplicates < 20 {
                    row.duplicate_group = format!("row {duplicates:04} and its like");
                }
                row.group = (with_groups && group < 10).then(|| format!("thread {group}"));
                row
            });
        first.chain(more).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_row_is_in_one_part_and_every_class_in_every_part(table in tables(true), seed: u64) {
        let result = split(&with_seed(seed), &table).unwrap();
        prop_assert_eq!(result.len(), table.len());
        let found: BTreeSet<_> = table.iter().map(|row| (row.label.as_str(), result[&row.id].0)).collect();
        prop_assert_eq!(found.len(), LABELS.len() * Split::ALL.len());
    }

    #[test]
    fn no_group_is_taken_apart(table in tables(true), seed: u64) {
        let result = split(&with_seed(seed), &table).unwrap();
        let mut part_of = BTreeMap::new();
        for row in &table {
            let (part, set) = &result[&row.id];
            prop_assert!(set <= &row.id, "a set is called after its smallest id");
            let names = [Some(format!("d {}", row.duplicate_group)), row.group.as_ref().map(|name| format!("g {name}"))];
            for name in names.into_iter().flatten() {
                let found = part_of.entry(name).or_insert_with(|| (*part, set.clone()));
                prop_assert_eq!(&(*part, set.clone()), &*found);
            }
        }
    }

    #[test]
    fn without_groups_every_class_is_within_one_row_of_its_shares(table in tables(false), seed: u64) {
        let params = with_seed(seed);
        let result = split(&params, &table).unwrap();
        let shares = [1.0 - params.test - params.validation, params.validation, params.test];
        for (part, share) in Split::ALL.into_iter().zip(shares) {
            let count = |label: &str, part: Option<Split>| {
                let of_label = table.iter().filter(|row| row.label == label);
                of_label.filter(|row| part.is_none_or(|part| result[&row.id].0 == part)).count() as f64
            };
            for label in LABELS {
                let due = count(label, None) * share;
                prop_assert!((count(label, Some(part)) - due).abs() < 1.0);
            }
            let all: f64 = LABELS.iter().map(|label| count(label, Some(part))).sum();
            // Validation may be more by the one row that every class has in every part.
            let slack = 1.0 + LABELS.len() as f64 * f64::from(u8::from(table.len() < 400));
            prop_assert!((all - table.len() as f64 * share).abs() < slack);
        }
    }

    #[test]
    fn the_order_of_rows_does_not_show(
        (table, shuffled) in tables(true).prop_flat_map(|table| (Just(table.clone()), Just(table).prop_shuffle())),
        seed: u64,
        stratify: bool,
    ) {
        let params = Params { stratify, ..with_seed(seed) };
        let (one, two) = (split(&params, &table), split(&params, &shuffled));
        prop_assert_eq!(one.map_err(|error| error.to_string()), two.map_err(|error| error.to_string()));
    }

    #[test]
    fn another_seed_gives_another_split(table in tables(true), seed: u64) {
        let one = split(&with_seed(seed), &table).unwrap();
        let two = split(&with_seed(seed ^ 1), &table).unwrap();
        prop_assert_ne!(&one, &two);
        prop_assert_eq!(one, split(&with_seed(seed), &table).unwrap());
    }
}

fn run_on(params: &Params, table: &[TokenRow], reporter: &dyn Reporter) -> Result<Vec<SplitRow>, Error> {
    let folder = tempfile::tempdir().unwrap();
    for stage in ["ingest", "preprocess", "split"] {
        labelproof_artifact::fs::create_dir_all(&folder.path().join(stage)).unwrap();
    }
    collect(table)
        .labels
        .write(&folder.path().join("ingest"))
        .unwrap();
    write_table(&folder.path().join("preprocess"), table.iter().cloned()).unwrap();
    run(params, folder.path(), &folder.path().join("split"), reporter)?;
    Ok(read_table(Artifacts::all(folder.path())).unwrap())
}

#[test]
fn the_file_keeps_the_order_of_the_tokens_and_the_message_shows_the_table() {
    let mut table = balanced(2, 100);
    table[3].duplicate_group = "row 0001".to_owned();
    table[5].group = Some("thread".to_owned());
    table[3].group = Some("thread".to_owned());
    let recorder = Recorder::default();
    let rows = run_on(&Params::default(), &table, &recorder).unwrap();
    let ids = |rows: &[SplitRow]| rows.iter().map(|row| row.id.clone()).collect::<Vec<_>>();
    assert_eq!(
        ids(&rows),
        table.iter().map(|row| row.id.clone()).collect::<Vec<_>>()
    );
    assert_eq!(
        (rows[5].group.as_str(), rows[5].split),
        ("row 0001", rows[1].split)
    );
    assert_snapshot!(recorder.text(), @r"
    label          train  validation        test         all
    business          63           7          30         100
    politics          63           7          30         100
    all              126          14          60         200
    share         63.0 %       7.0 %      30.0 %
    kept together: 3 rows in 1 group, the largest of 3 rows
    ");
}

#[test]
fn duplicates_may_be_parted_on_request() {
    let mut table = balanced(2, 100);
    for row in &mut table {
        row.duplicate_group = "row 0000".to_owned();
    }
    let params = Params {
        keep_duplicates_together: false,
        ..Params::default()
    };
    assert_eq!(split(&params, &table).unwrap()["row 0001"].1, "row 0001");
    let error = split(&Params::default(), &table).unwrap_err();
    assert!(matches!(error, Error::TooFewGroups { .. }), "{error}");
}

#[track_caller]
fn check_refusal(params: &Params, table: &[TokenRow], message: &str, hint: &str) {
    let error = run_on(params, table, &Silent).unwrap_err();
    assert_eq!(error.to_string(), message);
    let hints = error.hints();
    assert!(hints.iter().any(|found| found.contains(hint)), "{hints:?}");
}

#[test]
fn labels_that_cannot_be_in_every_part_are_named() {
    let mut table = balanced(2, 10);
    table.push(row(900, 2));
    table.push(row(901, 2));
    for number in 902..907 {
        table.push(TokenRow {
            duplicate_group: "row 0902".to_owned(),
            ..row(number, 3)
        });
    }
    check_refusal(
        &Params::default(),
        &table,
        "too few rows for test, validation and train: label `sport` has 2 rows, label `tech` has 5 rows in \
         1 group that must stay together",
        "merge the label",
    );
}

#[test]
fn chance_alone_may_leave_a_part_without_a_rare_label_and_says_so() {
    let mut table = balanced(2, 200);
    table.extend((900..903).map(|number| row(number, 2)));
    let error = (0..20)
        .find_map(|seed| {
            let params = Params {
                stratify: false,
                ..with_seed(seed)
            };
            split(&params, &table).err()
        })
        .unwrap();
    assert!(
        error.to_string().starts_with("label `sport` has no row in the "),
        "{error}"
    );
    assert!(error.to_string().ends_with("part: it has 3 rows"), "{error}");
    assert!(error.hints()[0].contains("split.stratify: true"));
    // Stratified, the same rows are no problem.
    split(&Params::default(), &table).unwrap();
}

#[test]
fn a_label_whose_groups_are_tied_to_other_labels_is_named() {
    // A label of three groups needs all three in different parts. Label 0 ties the first three groups so, and
    // each of the other labels ties the fourth group to one of them: there is no part left for it.
    let groups = [&[0, 1][..], &[0, 2], &[0, 3], &[1, 2, 3], &[1], &[2], &[3]];
    let mut table: Vec<TokenRow> = Vec::new();
    for (group, classes) in groups.iter().enumerate() {
        for &class in *classes {
            table.push(TokenRow {
                group: Some(format!("thread {group}")),
                ..row(table.len(), class)
            });
        }
    }
    let error = split(&Params::default(), &table).unwrap_err();
    let expected = "part: its 3 rows are in 3 groups that must stay together, of up to 3 rows with those of \
        other labels";
    assert!(error.to_string().ends_with(expected), "{error}");
    assert!(error.hints().concat().contains("ingest.columns.group"));
}

#[test]
fn a_group_too_big_for_the_shares_is_told() {
    let mut table = balanced(2, 100);
    for row in table.iter_mut().filter(|row| row.label == LABELS[0]).take(90) {
        row.duplicate_group = "row 0000".to_owned();
    }
    let recorder = Recorder::default();
    run_on(&Params::default(), &table, &recorder).unwrap();
    assert_snapshot!(recorder.text(), @r"
    label          train  validation        test         all
    business          90           2           8         100
    politics          63           7          30         100
    all              153           9          38         200
    share         76.5 %       4.5 %      19.0 %
    kept together: 90 rows in 1 group, the largest of 90 rows
    rows that stay together put 1 label more than one row off the shares; worst: `business` has 90 train rows where 63 are due
    ");
}

/// The first rows train, the last ones test.
fn given(table: &mut [TokenRow], train: usize) {
    for (number, row) in table.iter_mut().enumerate() {
        row.split = Some(if number < train { Split::Train } else { Split::Test });
    }
}

fn use_given() -> Params {
    Params {
        use_given: Some(true),
        ..Params::default()
    }
}

#[test]
fn a_given_split_is_kept_and_its_leaks_are_counted() {
    let mut table = balanced(2, 100);
    given(&mut table, 140);
    table[4].split = Some(Split::Validation);
    table[5].split = Some(Split::Validation);
    table[190].duplicate_group = "row 0000".to_owned();
    table[191].duplicate_group = "row 0000".to_owned();
    table[0].group = Some("thread".to_owned());
    table[1].group = Some("thread".to_owned());
    let recorder = Recorder::default();
    let rows = run_on(&use_given(), &table, &recorder).unwrap();
    assert!(
        rows.iter()
            .zip(&table)
            .all(|(row, given)| Some(row.split) == given.split)
    );
    assert_snapshot!(recorder.text(), @r"
    label          train  validation        test         all
    business          69           1          30         100
    politics          69           1          30         100
    all              138           2          60         200
    share         69.0 %       1.0 %      30.0 %
    the split is the one that came with the data (`split.use_given: false` draws another)
    warning: the given split takes 1 group of duplicates apart (2 rows of theirs in the test part): scores on rows whose like was trained on are too good
    ");
}

#[test]
fn a_missing_validation_part_is_drawn_from_train_with_groups_kept() {
    let mut table = balanced(2, 100);
    given(&mut table, 140);
    for number in [10, 20, 30, 150] {
        table[number].duplicate_group = "row 0010".to_owned();
    }
    let rows = run_on(&use_given(), &table, &Silent).unwrap();
    let count = |split: Split| rows.iter().filter(|row| row.split == split).count();
    assert_eq!(Split::ALL.map(count), [126, 14, 60]);
    assert_eq!([rows[20].split, rows[30].split], [rows[10].split; 2]);
    assert_eq!(rows[150].split, Split::Test);
}

#[test]
fn a_given_split_is_used_and_said_without_a_setting() {
    let mut table = balanced(2, 100);
    given(&mut table, 140);
    let recorder = Recorder::default();
    let rows = run_on(&Params::default(), &table, &recorder).unwrap();
    let is_test = |row: &SplitRow| row.split == Split::Test;
    assert!(
        rows.iter()
            .zip(&table)
            .all(|(row, given)| is_test(row) == (given.split == Some(Split::Test)))
    );
    assert_snapshot!(recorder.text(), @r"
    label          train  validation        test         all
    business          63           7          30         100
    politics          63           7          30         100
    all              126          14          60         200
    share         63.0 %       7.0 %      30.0 %
    the split is the one that came with the data; the validation part is drawn from its train rows (`split.use_given: false` draws another)
    the given split takes no group apart
    ");
    let drawn = Params {
        use_given: Some(false),
        ..Params::default()
    };
    let recorder = Recorder::default();
    run_on(&drawn, &table, &recorder).unwrap();
    assert!(
        recorder
            .text()
            .contains("drawn anew: the data give a split, which `split.use_given: false` leaves aside"),
        "{}",
        recorder.text()
    );
}

#[test]
fn rows_that_are_all_of_one_part_are_no_split() {
    let mut table = balanced(2, 100);
    given(&mut table, 200);
    let recorder = Recorder::default();
    let rows = run_on(&Params::default(), &table, &recorder).unwrap();
    let count = |split: Split| rows.iter().filter(|row| row.split == split).count();
    assert_eq!(Split::ALL.map(count), [126, 14, 60]);
    let said = "\ndrawn: the data call all rows train, which is no split\n";
    assert!(recorder.text().contains(said), "{}", recorder.text());
}

#[test]
fn a_missing_test_part_is_drawn_from_train() {
    let mut table = balanced(2, 100);
    given(&mut table, 140);
    for row in table.iter_mut().filter(|row| row.split == Some(Split::Test)) {
        row.split = Some(Split::Validation);
    }
    let recorder = Recorder::default();
    let rows = run_on(&Params::default(), &table, &recorder).unwrap();
    let count = |split: Split| rows.iter().filter(|row| row.split == split).count();
    // Three tenths of all rows, out of those of train.
    assert_eq!(Split::ALL.map(count), [80, 60, 60]);
    assert!(
        recorder
            .text()
            .contains("the test part is drawn from its train rows"),
        "{}",
        recorder.text()
    );
}

#[test]
fn what_a_given_split_lacks_is_named() {
    let mut table = balanced(2, 10);
    given(&mut table, 14);
    table[3].split = None;
    table[5].split = None;
    check_refusal(
        &use_given(),
        &table,
        "row `row 0003` has no split, nor has 1 other row",
        "ingest.columns.split",
    );
    given(&mut table, 20);
    check_refusal(
        &use_given(),
        &table,
        "the given split has no test row",
        "split.use_given: false",
    );
    given(&mut table, 14);
    let greedy = Params {
        validation: 0.8,
        test: 0.1,
        ..use_given()
    };
    check_refusal(
        &greedy,
        &table,
        "the given split has 14 train rows, too few to draw 16 validation rows from (`split.validation` is \
         a share of all rows)",
        "lower",
    );
    for row in &mut table[0..14] {
        row.label = LABELS[0].to_owned();
    }
    table[0].split = Some(Split::Validation);
    check_refusal(
        &use_given(),
        &table,
        "label `politics` has no row in the train part: it has 3 rows",
        "add such rows",
    );
    table[0].split = Some(Split::Train);
    check_refusal(
        &use_given(),
        &table,
        "too few rows for validation and train: in the given train part label `politics` has 0 rows",
        "merge",
    );
}

#[test]
fn labels_and_tables_that_do_not_fit_each_other_are_refused() {
    let mut collector = Collector::new(LabelMap::new(vec!["sport".to_owned()]));
    let error = collector.push(row(0, 0)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "row `row 0000` has the label `business`, which `labels.json` does not list"
    );
    assert!(matches!(collector.finish().unwrap_err(), Error::NoRows));
    let bad = Params {
        test: 2.0,
        ..Params::default()
    };
    let error = run_on(&bad, &balanced(1, 3), &Silent).unwrap_err();
    assert!(
        error.to_string().contains("\n  split.test: 2 is no share"),
        "{error}"
    );
}
