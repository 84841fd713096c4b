//! Whole files: those that other libraries wrote, and those that people get wrong.

use std::io::Write;
use std::path::{Path, PathBuf};

use labelproof_artifact::fs::{read_to_string, write_atomic};
use labelproof_artifact::{Diagnostic, Silent, Split};
use labelproof_testkit::{Recorder, assert_all_close};
use serde::Deserialize;

use super::*;
use crate::evidence::ScoreKind;
use crate::testing::case;

mod layouts;

/// What scikit-learn and NumPy say of the files in `tests/fixtures/audit`.
#[derive(Debug, Deserialize)]
struct Expected {
    labels: Vec<String>,
    truth: Vec<u32>,
    predicted: Vec<u32>,
    logits: Vec<f64>,
    probabilities: Vec<f64>,
    confusion: Vec<Vec<u64>>,
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/fixtures/audit")
        .join(name)
}

fn expected() -> Expected {
    serde_json::from_str(&read_to_string(&fixture("expected.json")).unwrap()).unwrap()
}

fn test_file(path: PathBuf) -> Files {
    Files {
        test: Some(path),
        ..Files::default()
    }
}

/// Checks the rows of a fixture; probabilities may be rounded by `tolerance`.
#[track_caller]
fn check(name: &str, labels: &[&str], kind: ScoreKind, tolerance: f64) -> Evidence {
    let expected = expected();
    let evidence = read(&test_file(fixture(name)), &Silent).unwrap();
    assert_eq!(evidence.dataset.labels, labels, "{name}");
    // The fixture's classes in the order of these labels.
    let class = |class: u32| {
        let name = &expected.labels[class as usize];
        let by_name = labels.iter().position(|label| label == name);
        by_name.map_or(class, |place| u32::try_from(place).unwrap())
    };
    let rows = case(&evidence).predicted(Split::Test).unwrap();
    let classes = |classes: &[u32]| classes.iter().map(|value| class(*value)).collect::<Vec<_>>();
    assert_eq!(rows.truth, classes(&expected.truth), "{name}");
    assert_eq!(rows.predictions, classes(&expected.predicted), "{name}");
    let part = evidence.dataset.test.as_ref().unwrap();
    let mut probabilities = vec![0.0; expected.probabilities.len()];
    for (place, value) in expected.probabilities.iter().enumerate() {
        let column = class(u32::try_from(place % 3).unwrap()) as usize;
        probabilities[place / 3 * 3 + column] = *value;
    }
    assert_eq!(part.scores.as_ref().unwrap().kind, kind, "{name}");
    assert_all_close(&part.probabilities().unwrap().values, &probabilities, tolerance);
    evidence
}

const NAMES: [&str; 3] = ["business", "sport", "tech"];
const NUMBERS: [&str; 3] = ["0", "1", "2"];
/// Text that gives every digit back.
const EXACT: f64 = 1e-14;
/// Softmax of logits that were saved with 32 bits.
const SINGLE: f64 = 1e-9;

#[test]
fn csv_of_pandas_is_read_in_all_its_shapes() {
    let evidence = check("pandas.csv", &NAMES, ScoreKind::Probabilities, EXACT);
    let part = evidence.dataset.test.unwrap();
    // The index that pandas writes counts the rows, and names none.
    assert_eq!(part.ids, None);
    assert_eq!(
        part.texts.unwrap()[1],
        "A \"quoted\" text, number 1\nwith a second line"
    );
    let evidence = check("pandas_id.csv", &NAMES, ScoreKind::Probabilities, EXACT);
    assert_eq!(evidence.dataset.test.unwrap().ids.unwrap()[11], "r11");
    check(
        "class_columns.csv",
        &["tech", "business", "sport"],
        ScoreKind::Probabilities,
        EXACT,
    );
    check("python_lists.csv", &NUMBERS, ScoreKind::Probabilities, EXACT);
    // NumPy prints eight digits.
    check("numpy_lists.csv", &NUMBERS, ScoreKind::Probabilities, 1e-8);
}

#[test]
fn json_of_pandas_is_read() {
    // pandas writes ten digits.
    let evidence = check("records.jsonl", &NAMES, ScoreKind::Probabilities, 1e-9);
    assert!(evidence.dataset.test.unwrap().texts.unwrap()[1].contains('\n'));
    check("records.json", &NAMES, ScoreKind::Probabilities, 1e-9);
}

#[test]
fn parquet_is_read_with_lists_and_with_columns() {
    let evidence = check("pyarrow.parquet", &NAMES, ScoreKind::Logits, SINGLE);
    let part = evidence.dataset.test.unwrap();
    assert_eq!(part.ids.unwrap()[3], "r03");
    assert_all_close(&part.scores.unwrap().values, &expected().logits, 0.0);
    check("pandas.parquet", &NAMES, ScoreKind::Probabilities, EXACT);
}

#[test]
fn arrays_of_numpy_are_read() {
    let evidence = check("names.npz", &NAMES, ScoreKind::Logits, SINGLE);
    let part = evidence.dataset.test.unwrap();
    assert_eq!(part.ids.unwrap()[3], "r03");
    assert_all_close(&part.scores.unwrap().values, &expected().logits, 0.0);
    check("trainer.npz", &NUMBERS, ScoreKind::Logits, SINGLE);
    // Big-endian labels, column-major scores of 16 bits, labels of 8 bits.
    check("orders.npz", &NUMBERS, ScoreKind::Probabilities, 1e-3);
    check("one_hot.npz", &NUMBERS, ScoreKind::Probabilities, EXACT);
}

#[test]
fn an_array_alone_has_no_truth_and_says_how_to_add_it() {
    let reporter = Recorder::default();
    let evidence = read(&test_file(fixture("logits.npy")), &reporter).unwrap();
    let part = evidence.dataset.test.unwrap();
    assert_eq!((part.truth.as_ref(), part.rows), (None, 12));
    assert_eq!(part.predictions().unwrap(), expected().predicted);
    assert!(reporter.messages()[0].contains("np.savez(\"test.npz\", y_true=labels, scores=scores)"));
}

#[test]
fn logs_of_keras_and_of_the_trainer_are_read() {
    let log = |name: &str| {
        let files = Files {
            logs: vec![fixture(name).display().to_string()],
            ..Files::default()
        };
        read(&files, &Silent).unwrap().log.unwrap()
    };
    let keras = log("keras.json");
    let last = keras.reported().unwrap();
    assert_eq!((keras.epochs.len(), last.train.accuracy), (3, Some(0.8024)));
    assert_eq!(
        (last.validation.loss, last.learning_rate),
        (Some(1.2148), Some(0.0005))
    );
    let trainer = log("trainer_state.json");
    assert_eq!(
        (trainer.epochs.len(), trainer.kept, trainer.batch_size),
        (3, Some(1), Some(16))
    );
    let losses: Vec<f64> = trainer
        .epochs
        .iter()
        .filter_map(|epoch| epoch.train.loss)
        .collect();
    assert_eq!(losses, [1.4, 1.0, 0.8]);
    assert_eq!(trainer.reported().unwrap().validation.f1, Some(0.8));
    assert_eq!(trainer.epochs[0].learning_rate, Some(3.3e-5));
}

#[test]
fn confusion_matrices_of_scikit_learn_and_pandas_are_read() {
    for name in ["confusion.txt.csv", "crosstab.csv"] {
        let files = Files {
            confusion: Some(fixture(name)),
            ..test_file(fixture("pandas.csv"))
        };
        let evidence = read(&files, &Silent).unwrap();
        assert_eq!(evidence.confusion.unwrap(), expected().confusion, "{name}");
        let named = (name == "crosstab.csv").then(|| expected().labels);
        assert_eq!(evidence.confusion_labels, named);
    }
    let files = Files {
        confusion: Some(fixture("crosstab.csv")),
        ..Files::default()
    };
    assert_eq!(read(&files, &Silent).unwrap().dataset.labels, NAMES);
}

/// Files of a test in a folder of their own.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        write_atomic(&path, bytes).unwrap();
        path
    }

    /// Reads a test file with this content.
    fn read(&self, name: &str, bytes: &[u8]) -> Result<Evidence, Error> {
        read(&test_file(self.file(name, bytes)), &Silent)
    }

    /// The error of reading it, with its causes and the names of this folder left out.
    fn message(&self, error: &Error) -> String {
        let mut text = error.to_string();
        let mut cause = std::error::Error::source(error);
        while let Some(error) = cause {
            text.push_str(&format!(": {error}"));
            cause = error.source();
        }
        text.replace(&format!("{}/", self.0.path().display()), "")
    }
}

#[track_caller]
fn check_error(name: &str, bytes: &[u8], expected: &str) {
    let folder = Folder::new();
    let error = folder.read(name, bytes).unwrap_err();
    assert_eq!(folder.message(&error), expected);
    assert!(!error.hints().is_empty(), "{expected}");
}

#[test]
fn what_is_wrong_in_rows_is_said_with_its_line() {
    check_error("a.csv", b"", "`a.csv` is empty");
    check_error("a.csv", b"label,pred\n", "`a.csv` has columns and no row");
    check_error(
        "a.xlsx",
        b"PK\x03\x04....[Content_Types].xml",
        "`a.xlsx` cannot be unpacked: invalid Zip archive: Could not find EOCD",
    );
    check_error(
        "a.csv",
        b"x,z\n1,2\n",
        "a.csv:1: no column is a label, a prediction, a score or a text; there are: `x`, `z`",
    );
    check_error(
        "a.csv",
        b"label,pred\r\n\r\na,b\r\n\"c\nd\",\r\n",
        "a.csv:4: `pred` is empty",
    );
    check_error(
        "a.csv",
        b"label,pred\na,b\na\n",
        "a.csv:3: 1 field, the header has 2",
    );
    check_error(
        "a.csv",
        &["label,pred\na,äöüäöüäöüäöü\n".as_bytes(), b"\xff,b\n"].concat(),
        "a.csv:3: `label` is not UTF-8",
    );
    check_error("a.csv", b"\xff\xfel\0a", "`a.csv` is damaged UTF-16");
    check_error(
        "a.csv",
        b"label,prob_a,prob_b\na,0.5,nan\n",
        "a.csv:2: `prob_b` is NaN, which is no score",
    );
    check_error(
        "a.csv",
        b"label,prob_a,prob_b\na,0.5,x\n",
        "a.csv:2: `prob_b` is `x`, expected a number",
    );
    check_error(
        "a.csv",
        b"label,probs\na,\"[1, 0]\"\nb,\"[1, 0, 0]\"\n",
        "a.csv:3: `probs` has 3 scores, expected 2 as in the first row",
    );
    check_error(
        "a.csv",
        b"label,probs\na,\"[0.5, 0.2, 0.3]\"\nb,\"[1, 0, 0]\"\n",
        "a.csv: 3 scores a row, and 2 labels: `a`, `b`",
    );
    check_error(
        "a.csv",
        b"label,prob_a,prob_b\na,1,0\nc,0,1\n",
        "a.csv: the label `c` has no score: scores are given for `a`, `b`",
    );
    check_error(
        "a.csv",
        b"label,pred\na,0\nb,2\n",
        "a.csv: `pred` has the number 2, and the 2 labels are numbered from 0: `a`, `b`",
    );
    check_error(
        "a.jsonl",
        b"{\"label\": \"a\"}\n{\"label\": NaN}\n",
        "a.jsonl:2: no JSON object: column 11: expected value",
    );
    check_error(
        "a.jsonl",
        b"{\"label\": \"a\"}\n\n{\"pred\": 1}\n",
        "a.jsonl:3: `label` is missing, which the first row has",
    );
    check_error(
        "a.csv.gz",
        b"label,pred\n",
        "`a.csv.gz` is no gzip file, whatever its name says",
    );
    check_error(
        "a.parquet",
        b"label,pred\n",
        "`a.parquet` is damaged or no Parquet file: Parquet error: Invalid Parquet file. Corrupt footer",
    );
    check_error(
        "a.npz",
        b"label,pred\n",
        "`a.npz` is damaged or no NumPy file: invalid Zip archive: Could not find EOCD",
    );
}

#[test]
fn pickled_labels_are_refused_with_the_way_out() {
    let error = read(&test_file(fixture("objects.npz")), &Silent).unwrap_err();
    assert!(error.to_string().ends_with(
        "`y_true` is an array of pickled objects, expected numbers, booleans or strings of one or two \
         dimensions"
    ));
    assert!(error.hints()[0].contains("dtype=str"));
}

#[test]
fn one_label_map_holds_for_all_files() {
    let folder = Folder::new();
    let files = Files {
        train: Some(folder.file("train.csv", b"text,label\nx,Sport\ny,Sport\nz,tech\n")),
        validation: Some(folder.file(
            "val.csv",
            b"id,label,pred,prob_tech,prob_sport\n7,1.0,sport,0,1\n9,0,tech,1,0\n",
        )),
        test: Some(folder.file(
            "test.csv",
            "id,label,prob_sport,prob_tech\n3, sport ,1,0\n4,ｔｅｃｈ,0,1\n".as_bytes(),
        )),
        ..Files::default()
    };
    let evidence = read(&files, &Silent).unwrap();
    // The order is that of the first score columns, the spelling that of most rows; 1.0 is the second of
    // them.
    assert_eq!(evidence.dataset.labels, ["tech", "Sport"]);
    assert_eq!(
        evidence.dataset.train.as_ref().unwrap().truth.as_ref().unwrap(),
        &[1, 1, 0]
    );
    assert_eq!(
        evidence
            .dataset
            .validation
            .as_ref()
            .unwrap()
            .truth
            .as_ref()
            .unwrap(),
        &[1, 0]
    );
    let test = evidence.dataset.test.as_ref().unwrap();
    assert_eq!(test.truth.as_ref().unwrap(), &[1, 0]);
    assert_eq!(*test.predictions().unwrap(), [1, 0]);
    assert_eq!(test.scores.as_ref().unwrap().values, [0.0, 1.0, 1.0, 0.0]);
    assert_eq!(test.spellings, [" sport ", "ｔｅｃｈ"]);
    assert_eq!(evidence.dataset.train.unwrap().spellings, ["Sport", "tech"]);
}

#[test]
fn numbered_labels_are_sorted_as_numbers() {
    let folder = Folder::new();
    let evidence = folder.read("a.csv", b"label,pred\n10,9\n9,9\n2,10\n").unwrap();
    assert_eq!(evidence.dataset.labels, ["2", "9", "10"]);
    let evidence = folder
        .read("a.csv", b"label;logits\n0;[1 2 3]\n2;[4 5 6]\n")
        .unwrap();
    assert_eq!(evidence.dataset.labels, ["0", "1", "2"]);
}

#[test]
fn classes_that_differ_only_in_case_stay_apart_if_both_have_a_score() {
    let folder = Folder::new();
    let evidence = folder.read("a.csv", b"label,p_a,p_A\na,1,0\nA,0,1\n").unwrap();
    assert_eq!(evidence.dataset.labels, ["a", "A"]);
    assert_eq!(evidence.dataset.test.unwrap().truth.unwrap(), [0, 1]);
}

#[test]
fn ids_that_count_the_rows_of_two_files_are_no_ids() {
    let folder = Folder::new();
    let files = Files {
        validation: Some(folder.file("v.csv", b"id,label\n0,a\n1,b\n")),
        test: Some(folder.file("t.csv", b"id,label\n0,a\n1,b\n")),
        ..Files::default()
    };
    let evidence = read(&files, &Silent).unwrap();
    assert_eq!(evidence.dataset.test.unwrap().ids, None);
    let named = Files {
        columns: Columns {
            id: Some("id".into()),
            ..Columns::default()
        },
        ..files
    };
    assert!(read(&named, &Silent).unwrap().dataset.test.unwrap().ids.is_some());
}

#[test]
fn a_named_column_must_be_somewhere() {
    let folder = Folder::new();
    let files = Files {
        columns: Columns {
            predicted: Some("yhat".into()),
            ..Columns::default()
        },
        ..test_file(folder.file("a.csv", b"label,x\na,b\n"))
    };
    let error = read(&files, &Silent).unwrap_err();
    assert_eq!(
        folder.message(&error),
        "a.csv: no column is called `yhat`, which `--predicted` names; there are: `label`, `x`"
    );
}

#[test]
fn what_predict_writes_is_read_back() {
    let folder = Folder::new();
    let csv = b"id,label,probability,probability of a,probability of b,truth\nk,a,0.75,0.75,0.25,b\n";
    let rows =
        br#"{"id":"k","label":"a","probability":0.75,"probabilities":{"a":0.75,"b":0.25},"truth":"b"}"#;
    for (name, bytes) in [("a.csv", csv.as_slice()), ("a.jsonl", rows.as_slice())] {
        let evidence = folder.read(name, bytes).unwrap();
        assert_eq!(evidence.dataset.labels, ["a", "b"]);
        let part = evidence.dataset.test.unwrap();
        assert_eq!(
            (part.truth, part.stored_predictions),
            (Some(vec![1]), Some(vec![0]))
        );
        assert_eq!(part.scores.unwrap().values, [0.75, 0.25]);
    }
}

#[test]
fn columns_called_like_the_classes_are_scores_beside_numbered_labels_too() {
    let files = Files {
        train: Some(fixture("trainer.npz")),
        ..test_file(fixture("class_columns.csv"))
    };
    let evidence = read(&files, &Silent).unwrap();
    assert_eq!(evidence.dataset.labels, ["tech", "business", "sport"]);
    assert!(case(&evidence).scored(Split::Test).is_ok());
}

/// Damages every fixture in many ways. A count of ways that takes about a second.
#[test]
fn a_damaged_file_is_an_error_and_no_panic() {
    const WAYS: usize = 30;
    let folder = Folder::new();
    // Knuth's generator: what it draws is the same everywhere.
    let mut state = 1_u64;
    let mut draw = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below.max(1)
    };
    let pieces: [&[u8]; 12] = [
        b",",
        b"\n",
        b"\"",
        b"[",
        b"]",
        b"{",
        b"nan",
        b"-1",
        b"99999999999999999999",
        b"\xff",
        b"1e309",
        b"null",
    ];
    for path in labelproof_artifact::fs::files_below(&fixture("")).unwrap() {
        let name = path.file_name().unwrap().to_str().unwrap();
        let whole = labelproof_artifact::fs::read(&path).unwrap();
        for _ in 0..WAYS {
            let mut bytes = whole.clone();
            for _ in 0..=draw(3) {
                if bytes.is_empty() {
                    break;
                }
                let place = draw(bytes.len());
                let piece = pieces[draw(pieces.len())];
                match draw(4) {
                    0 => bytes[place] = u8::try_from(draw(256)).unwrap(),
                    1 => drop(bytes.splice(place..(place + draw(20)).min(bytes.len()), [])),
                    2 => drop(bytes.splice(place..place, piece.iter().copied())),
                    _ => bytes.truncate(place.max(1)),
                }
            }
            // Not flushed to the disk, which would take most of the time.
            let damaged = folder.0.path().join(name);
            let mut file = labelproof_artifact::fs::create(&damaged).unwrap();
            file.write_all(&bytes).unwrap();
            let files = [
                Files {
                    validation: Some(fixture("pandas.csv")),
                    ..test_file(damaged.clone())
                },
                Files {
                    logs: vec![damaged.display().to_string()],
                    ..Files::default()
                },
                Files {
                    confusion: Some(damaged),
                    ..Files::default()
                },
            ];
            for files in files {
                drop(read(&files, &Silent));
            }
        }
    }
}

/// The readings of some files, as the answer has them: source, role, sentences, and what is left aside.
fn readings(folder: &Folder, files: &Files) -> Vec<String> {
    let evidence = read(files, &Silent).unwrap();
    let path = format!("{}/", folder.0.path().display());
    let readings = evidence.readings.iter().map(|reading| {
        let left = reading.left_aside.join("; ");
        let said = reading.read.join(" ");
        format!("{}: {}: {said} [{left}]", reading.source, reading.role).replace(&path, "")
    });
    readings.collect()
}

#[test]
fn a_file_says_what_it_was_understood_to_be_and_what_was_left_aside() {
    let folder = Folder::new();
    let csv = b"id,label,pred,p_a,p_b,when,note\nx,a,a,1,0,2,k\ny,b,b,0,1,3,l\n";
    let files = Files {
        train: Some(folder.file("train.csv", b"text,gold\nk,a\nl,b\n")),
        columns: Columns {
            label: Some("gold".into()),
            ..Columns::default()
        },
        logs: vec!["loss=0.5,val_accuracy=0.75".into()],
        counts: Counts {
            validation_rows: Some(40),
            ..Counts::default()
        },
        confusion: Some(folder.file("matrix.csv", b",a,b\na,5,1\nb,2,7\n")),
        ..test_file(folder.file("test.csv", csv))
    };
    let readings = readings(&folder, &files);
    let expected = [
        "train.csv: training rows: 2 rows: texts from `text` and true labels from `gold`. True labels: `a`, \
         `b`. []",
        "test.csv: test rows: 2 rows: ids from `id`, true labels from `label`, predicted labels from `pred` \
         and scores from `p_a`, `p_b`. True and predicted labels: `a`, `b`. Scores: probabilities of 2 classes. \
         No column `gold`; true labels are taken from `label`. [column `when`; column `note`]",
    ];
    assert_eq!(readings[..2], expected);
    let said = |reading: &str, words: &str| {
        assert!(reading.contains(words), "`{words}` is not in {reading}");
    };
    said(&readings[2], "log of the training");
    said(&readings[2], "Given beside it: --validation-rows 40.");
    said(
        &readings[3],
        "matrix.csv: confusion matrix of the test rows: 15 rows of 2 classes, called `a`, `b`",
    );
}

#[test]
fn what_belongs_to_a_file_that_is_not_there_is_an_error() {
    let log = vec![String::from("val_accuracy=0.75")];
    let column = Files {
        columns: Columns {
            label: Some("gold".into()),
            ..Columns::default()
        },
        logs: log,
        ..Files::default()
    };
    let error = read(&column, &Silent).unwrap_err();
    assert_eq!(
        error.to_string(),
        "--label names a column, and there is no file of rows"
    );
    let folder = Folder::new();
    let same = Files {
        columns: Columns {
            label: Some("y".into()),
            predicted: Some("Y".into()),
            ..Columns::default()
        },
        ..test_file(folder.file("y.csv", b"y,z\na,b\n"))
    };
    let error = read(&same, &Silent).unwrap_err();
    assert_eq!(
        folder.message(&error),
        "y.csv: `y` is named as the true label and as the predicted one"
    );
    let count = Files {
        counts: Counts {
            classes: Some(3),
            ..Counts::default()
        },
        ..Files::default()
    };
    let error = read(&count, &Silent).unwrap_err();
    assert_eq!(
        error.to_string(),
        "--classes completes a log, and there is no --log"
    );
}

/// What a program has in memory, under a name.
#[test]
fn rows_and_texts_in_memory_are_what_files_of_them_are() {
    let path = fixture("pandas.parquet");
    let batches = labelproof_artifact::open_parquet(labelproof_artifact::fs::open(&path).unwrap()).unwrap();
    let schema = std::sync::Arc::clone(batches.schema());
    let batches: Vec<_> = labelproof_artifact::ParquetBatches::new(batches)
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let log = r#"{"loss": [1.0, 0.5], "val_accuracy": [0.5, 0.6]}"#;
    let matrix = "[[3, 1], [0, 4]]";
    let folder = labelproof_artifact::fs::temporary_folder().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        write_atomic(&path, text.as_bytes()).unwrap();
        path
    };
    let (log_file, matrix_file) = (file("log", log), file("matrix", matrix));
    let in_files = Files {
        test: Some(path.clone()),
        logs: vec![log_file.display().to_string()],
        ..Files::default()
    };
    let held = [
        (path.clone(), Held::Rows(Batches::new(schema, batches))),
        (log_file.clone(), Held::Text(log.to_owned())),
        (matrix_file.clone(), Held::Text(matrix.to_owned())),
    ];
    let in_memory = Files {
        held: held.into_iter().collect(),
        ..in_files.clone()
    };
    let matrix_in = |files: &Files| Files {
        test: None,
        confusion: Some(matrix_file.clone()),
        ..files.clone()
    };
    for (files, others) in [
        (in_files.clone(), in_memory.clone()),
        (matrix_in(&in_files), matrix_in(&in_memory)),
    ] {
        let audited = |files: &Files| crate::audit(&read(files, &Silent).unwrap());
        let of_files = audited(&files);
        // Whoever read the file instead would fail.
        write_atomic(&log_file, b"no log").unwrap();
        assert_eq!(audited(&others), of_files);
        write_atomic(&log_file, log.as_bytes()).unwrap();
    }
}
