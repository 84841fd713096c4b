//! Layouts as data sets have them.

use std::path::PathBuf;

use super::*;
use crate::sources::SourceFile;

/// `name` of each source and what is inside of the path that names it.
fn found(files: &[(&str, &str)]) -> Vec<Found> {
    files
        .iter()
        .map(|(root, inside)| Found {
            file: SourceFile {
                name: if root.is_empty() {
                    (*inside).to_owned()
                } else {
                    format!("{root}/{inside}")
                },
                path: PathBuf::new(),
            },
            inside: (*inside).to_owned(),
        })
        .collect()
}

fn params(format: &str) -> Params {
    let columns = if format == "folder" {
        ""
    } else {
        ", columns: {text: t, label: l}"
    };
    serde_yaml::from_str(&format!("{{format: {format}, paths: [x]{columns}}}")).unwrap()
}

/// The split of each table; empty where none is taken from the names.
fn splits(names: &[&str]) -> Vec<&'static str> {
    let files: Vec<_> = names.iter().map(|name| ("", *name)).collect();
    let layout = read(&params("csv"), &found(&files)).unwrap();
    let splits = layout.places.iter().filter_map(|place| place.split);
    splits.map(Split::name).collect()
}

#[test]
fn files_called_after_splits_are_of_them() {
    assert_eq!(
        splits(&["dev.csv", "test.csv", "train.csv"]),
        ["validation", "test", "train"]
    );
    assert_eq!(
        splits(&[
            "data/test-00000-of-00001.parquet",
            "data/train-00000-of-00002.parquet",
            "data/train-00001-of-00002.parquet"
        ]),
        ["test", "train", "train"]
    );
    assert_eq!(
        splits(&["train/a.csv", "train/b.csv", "test/a.csv"]),
        ["train", "train", "test"]
    );
    assert_eq!(splits(&["x/train.csv", "y/z/test.csv"]), ["train", "test"]);
    // All in a folder that is called after one.
    assert_eq!(splits(&["test/train.csv", "test/test.csv"]), ["train", "test"]);
    // Some files by their own names, and all by their folders.
    assert_eq!(
        splits(&["train/train.csv", "train/more.csv", "test/test.csv"]),
        ["train", "train", "test"]
    );
}

#[test]
fn eval_is_validation_and_beside_another_validation_test() {
    assert_eq!(splits(&["train.csv", "eval.csv"]), ["train", "validation"]);
    assert_eq!(
        splits(&["train.csv", "dev.csv", "eval.csv"]),
        ["train", "validation", "test"]
    );
    assert_eq!(
        splits(&["train.csv", "eval.csv", "test.csv"]),
        ["train", "validation", "test"]
    );
}

#[test]
fn names_that_say_no_split_are_not_believed() {
    assert!(splits(&["a.csv", "b.csv"]).is_empty());
    assert!(splits(&["train.csv"]).is_empty());
    assert!(splits(&["test_data.csv"]).is_empty());
    assert!(splits(&["train_1.csv", "train_2.csv"]).is_empty());
    assert!(splits(&["test_data.csv", "data.csv"]).is_empty());
    let layout = read(&params("csv"), &found(&[("", "dev.csv"), ("", "test.csv")])).unwrap();
    assert!(layout.lacks_train && layout.names.is_empty());
}

#[test]
fn a_file_in_no_split_beside_files_in_splits_is_an_error_that_names_both() {
    let files = found(&[("", "extra.csv"), ("", "test.csv"), ("", "train.csv")]);
    let Err(Error::SplitUnclear { within, without }) = read(&params("csv"), &files) else {
        panic!("the split is clear");
    };
    assert_eq!((within.len(), without), (2, vec!["extra.csv".to_owned()]));
    let mut none = params("csv");
    none.splits = Splits::None;
    assert!(read(&none, &files).unwrap().names.is_empty());
    let mut column = params("csv");
    column.columns.as_mut().unwrap().split = Some("part".to_owned());
    assert!(read(&column, &files).unwrap().names.is_empty());
}

/// `label/split` of each file of the format `folder`.
fn labels_of(files: &[(&str, &str)]) -> Vec<String> {
    let layout = read(&params("folder"), &found(files)).unwrap();
    let places = layout.places.into_iter().map(|place| {
        let split = place.split.map_or("-", Split::name);
        format!("{}/{split}", place.label.unwrap_or_default())
    });
    places.collect()
}

#[test]
fn labels_come_from_the_level_that_varies() {
    // As the archive of IMDB has it.
    assert_eq!(
        labels_of(&[
            ("aclImdb", "README"),
            ("aclImdb", "imdb.vocab"),
            ("aclImdb", "test/neg/0_2.txt"),
            ("aclImdb", "test/pos/0_10.txt"),
            ("aclImdb", "test/urls_pos.txt"),
            ("aclImdb", "train/neg/0_3.txt"),
            ("aclImdb", "train/pos/0_9.txt"),
            ("aclImdb", "train/unsup/0_0.txt"),
        ]),
        [
            "/-",
            "/-",
            "neg/test",
            "pos/test",
            "/test",
            "neg/train",
            "pos/train",
            "unsup/train"
        ]
    );
    let expected = ["pos/train", "neg/train", "pos/test"];
    // Split above label, label above split, with a folder around, and each of them named by itself.
    assert_eq!(
        labels_of(&[("d", "train/pos/1"), ("d", "train/neg/1"), ("d", "test/pos/1")]),
        expected
    );
    assert_eq!(
        labels_of(&[("d", "pos/train/1"), ("d", "neg/train/1"), ("d", "pos/test/1")]),
        expected
    );
    assert_eq!(
        labels_of(&[
            ("d", "x/train/pos/1"),
            ("d", "x/train/neg/1"),
            ("d", "x/test/pos/1")
        ]),
        expected
    );
    assert_eq!(
        labels_of(&[("d/train", "pos/1"), ("d/train", "neg/1"), ("d/test", "pos/1")]),
        expected
    );
    assert_eq!(
        labels_of(&[("d/train/pos", "1"), ("d/train/neg", "1"), ("d/test/pos", "1")]),
        expected
    );
    assert_eq!(
        labels_of(&[
            ("20news-bydate-train", "alt.atheism/49960"),
            ("20news-bydate-test", "sci.med/1")
        ]),
        ["alt.atheism/train", "sci.med/test"]
    );
}

#[test]
fn folders_without_splits_are_labels_as_ever() {
    assert_eq!(
        labels_of(&[("d", "sport/1"), ("d", "tech/x/1"), ("d", "license")]),
        ["sport/-", "tech/-", "/-"]
    );
    assert_eq!(
        labels_of(&[("a", "sport/1"), ("b", "sport/1"), ("b", "tech/1")]),
        ["sport/-", "sport/-", "tech/-"]
    );
    // A label may be called test.
    assert_eq!(
        labels_of(&[("d", "bug/1"), ("d", "docs/1"), ("d", "test/1")]),
        ["bug/-", "docs/-", "test/-"]
    );
    assert_eq!(
        labels_of(&[
            ("d", "train/bug/1"),
            ("d", "train/test/1"),
            ("d", "test/bug/1"),
            ("d", "test/test/1")
        ]),
        ["bug/train", "test/train", "bug/test", "test/test"]
    );
    assert_eq!(labels_of(&[("d/pos", "1"), ("d/neg", "1")]), ["pos/-", "neg/-"]);
    assert_eq!(labels_of(&[("d", "1"), ("d", "2")]), ["/-", "/-"]);
}
