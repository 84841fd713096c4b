//! Rows as people have them: every layout of the same four rows gives the same truth and the same predictions.

use labelproof_artifact::{Silent, Split};
use labelproof_testkit::Recorder;

use super::{Folder, test_file};
use crate::evidence::argmax_rows;
use crate::files::{Columns, Files, read};
use crate::testing::case;

const TRUTH: [&str; 4] = ["good", "bad", "bad", "good"];
const PREDICTED: [&str; 4] = ["good", "good", "bad", "good"];

/// The rows of a file, as names.
#[track_caller]
fn rows(files: &Files) -> (Vec<String>, Vec<String>) {
    let evidence = read(files, &Silent).unwrap();
    let rows = case(&evidence).predicted(Split::Test).unwrap();
    let names = |classes: &[u32]| classes.iter().map(|class| evidence.label(*class)).collect();
    (names(rows.truth), names(rows.predictions))
}

#[track_caller]
fn check(name: &str, bytes: &[u8]) {
    let folder = Folder::new();
    let (truth, predicted) = rows(&test_file(folder.file(name, bytes)));
    assert_eq!(
        (truth, predicted),
        (
            TRUTH.map(str::to_owned).to_vec(),
            PREDICTED.map(str::to_owned).to_vec()
        )
    );
}

#[test]
fn json_of_every_shape_is_read() {
    check(
        "a.json",
        br#"{"y_true": ["good","bad","bad","good"], "y_pred": ["good","good","bad","good"]}"#,
    );
    check(
        "a.json",
        br#"{"accuracy": 0.75, "labels": ["bad", "good"], "y_true": ["good","bad","bad","good"],
            "y_pred": ["good","good","bad","good"]}"#,
    );
    check(
        "a.json",
        br#"{"columns": ["inputs","ground_truth","outputs"], "data": [["w","good","good"],["x","bad","good"],
            ["y","bad","bad"],["z","good","good"]], "ncols": 3, "nrows": 4}"#,
    );
    check(
        "a.json",
        br#"[["text","label","pred"],["w","good","good"],["x","bad","good"],["y","bad","bad"],["z","good","good"]]"#,
    );
    check(
        "a.json",
        br#"{"r1": {"label": "good", "pred": "good"}, "r2": {"label": "bad", "pred": "good"},
            "r3": {"label": "bad", "pred": "bad"}, "r4": {"label": "good", "pred": "good"}}"#,
    );
    check(
        "a.json",
        br#"{"model": "bert", "rows": [{"gold": "good", "prediction": "good"}, {"gold": "bad", "prediction": "good"},
            {"gold": "bad", "prediction": "bad"}, {"gold": "good", "prediction": "good"}]}"#,
    );
    check(
        "a.jsonl",
        br#"{"label": "good", "prediction": {"label": "good", "score": 0.9}}
{"label": "bad", "prediction": {"label": "good", "score": 0.6}}
{"label": "bad", "prediction": {"label": "bad", "score": 0.8}}
{"label": "good", "prediction": {"label": "good", "score": 0.7}}
"#,
    );
    // All scores of a pipeline, the highest first.
    check(
        "a.jsonl",
        br#"{"label": "good", "prediction": [{"label": "good", "score": 0.9}, {"label": "bad", "score": 0.1}]}
{"label": "bad", "prediction": [{"label": "good", "score": 0.6}, {"label": "bad", "score": 0.4}]}
{"label": "bad", "prediction": [{"label": "bad", "score": 0.8}, {"label": "good", "score": 0.2}]}
{"label": "good", "prediction": [{"label": "good", "score": 0.7}, {"label": "bad", "score": 0.3}]}
"#,
    );
}

#[test]
fn delimited_tables_of_every_dialect_are_read() {
    let table = |separator: &str| {
        let rows = TRUTH
            .iter()
            .zip(PREDICTED)
            .map(|(truth, predicted)| format!("{truth}{separator}{predicted}\n"));
        format!("Actual{separator}Predicted\n{}", rows.collect::<String>())
    };
    for separator in [",", ";", "\t", "|"] {
        check("a.csv", table(separator).as_bytes());
        check("a.txt", table(separator).as_bytes());
    }
    check("a.csv", format!("sep=;\r\n{}", table(";")).as_bytes());
    let utf16: Vec<u8> = table("\t").encode_utf16().flat_map(u16::to_le_bytes).collect();
    check("a.csv", &utf16);
    check("a.tsv", &[&[0xFF, 0xFE], utf16.as_slice()].concat());
    // `étiquette` and `prédiction` as Excel of France saves them.
    check(
        "a.csv",
        b"texte;\xE9tiquette;pr\xE9diction\nw;good;good\nx;bad;good\ny;bad;bad\nz;good;good\n",
    );
    check(
        "a.csv",
        b"label;pred;prob_bad;prob_good\ngood;good;0,25;0,75\nbad;good;0,25;0,75\nbad;bad;0,75;0,25\ngood;good;0;1\n",
    );
    check(
        "a.txt",
        b"\"label\" \"pred\" \"x\"\n\"1\" \"good\" \"good\" 1\n\"2\" \"bad\" \"good\" 2\n\"3\" \"bad\" \"bad\" 3\n\"4\" \"good\" \"good\" 4\n",
    );
}

#[test]
fn classes_within_cells_are_read() {
    check(
        "a.csv",
        b"label,scores\ngood,\"{'good': 0.9, 'bad': 0.1}\"\nbad,\"{'bad': 0.4, 'good': 0.6}\"\n\
          bad,\"{'good': 0.2, 'bad': 0.8}\"\ngood,\"{'good': 0.7, 'bad': 0.3}\"\n",
    );
    check(
        "a.csv",
        b"label,prediction\ngood,\"[{'label': 'good', 'score': 0.9}]\"\nbad,\"[{'label': 'good', 'score': 0.6}]\"\n\
          bad,\"[{'label': 'bad', 'score': 0.8}]\"\ngood,\"[{'label': 'good', 'score': 0.7}]\"\n",
    );
    check(
        "a.csv",
        b"true_good,true_bad,true_odd,p_good,p_bad,p_odd\n1,0,0,0.9,0.1,0\n0,1,0,0.6,0.4,0\n0,1,0,0.2,0.8,0\n\
          1,0,0,0.7,0.3,0\n",
    );
}

#[test]
fn predictions_in_a_file_of_their_own_are_joined_and_it_is_said_how() {
    let folder = Folder::new();
    let check = |truth: &[u8], predictions: (&str, &[u8]), how: &str| {
        let files = Files {
            predictions: Some(folder.file(predictions.0, predictions.1)),
            ..test_file(folder.file("truth.csv", truth))
        };
        let (truth, predicted) = rows(&files);
        assert_eq!(
            (truth, predicted),
            (
                TRUTH.map(str::to_owned).to_vec(),
                PREDICTED.map(str::to_owned).to_vec()
            )
        );
        let reporter = Recorder::default();
        let evidence = read(&files, &reporter).unwrap();
        assert!(
            reporter.messages().iter().any(|message| message.contains(how)),
            "{:?}",
            reporter.messages()
        );
        assert_eq!(evidence.readings.len(), 2);
    };
    let truth = b"id,label\na7,good\nb2,bad\nc9,bad\nd1,good\n";
    check(
        truth,
        (
            "p.csv",
            b"id,prediction\nd1,good\nc9,bad\nb2,good\na7,good\ne0,bad\n",
        ),
        "joined by the id",
    );
    check(
        truth,
        ("p.csv", b"index,prediction\n0,good\n1,good\n2,bad\n3,good\n"),
        "joined by the place of the row",
    );
    check(
        truth,
        ("p.txt", b"good\ngood\nbad\ngood\n"),
        "joined by the place of the row",
    );
    check(
        truth,
        ("p.json", br#"[{"label":"good","score":0.9},{"label":"good","score":0.6},{"label":"bad","score":0.8},{"label":"good","score":0.7}]"#),
        "joined by the place of the row",
    );
    let truth = b"text,label\nthe first,good\na second,bad\none more,bad\nand the last,good\n";
    check(
        truth,
        (
            "p.csv",
            b"text,label\nand the last,good\none more,bad\na second,good\nthe first,good\n",
        ),
        "joined by the text",
    );
}

#[test]
fn predictions_that_do_not_fit_are_an_error() {
    let folder = Folder::new();
    let check = |predictions: &[u8], expected: &str| {
        let files = Files {
            predictions: Some(folder.file("p.csv", predictions)),
            ..test_file(folder.file("t.csv", b"id,label\na,x\nb,y\nc,x\n"))
        };
        let error = read(&files, &Silent).unwrap_err();
        assert!(folder.message(&error).contains(expected), "{error}");
    };
    check(b"pred\nx\ny\n", "t.csv` has 3 rows, and `");
    check(
        b"id,pred\na,x\nc,y\nd,x\n",
        "p.csv` has no prediction for 1 of the 3 ids of `",
    );
    check(
        b"id,comment\na,x\nb,y\nc,x\n",
        "no column is a prediction or a score; there are: `id`, `comment`",
    );
}

#[test]
fn what_cannot_be_told_is_asked_for() {
    let folder = Folder::new();
    let path = folder.file("a.csv", b"1,1\n0,1\n0,0\n1,1\n");
    let error = read(&test_file(path.clone()), &Silent).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("the columns 1 and 2 hold labels, and no header says which are the true ones")
    );
    let columns = Columns {
        label: Some("1".into()),
        predicted: Some("2".into()),
        ..Columns::default()
    };
    let (truth, predicted) = rows(&Files {
        columns,
        ..test_file(path)
    });
    assert_eq!(
        (truth, predicted),
        (
            ["1", "0", "0", "1"].map(str::to_owned).to_vec(),
            ["1", "1", "0", "1"].map(str::to_owned).to_vec()
        )
    );
    // A header that only the user can deny.
    let path = folder.file("b.csv", b"rare,word\nx,y\ny,z\n");
    let named = |no_header| Files {
        no_header,
        columns: Columns {
            label: Some(if no_header { "1".into() } else { "rare".into() }),
            ..Columns::default()
        },
        ..test_file(path.clone())
    };
    assert_eq!(
        read(&named(false), &Silent).unwrap().dataset.test.unwrap().rows,
        2
    );
    assert_eq!(read(&named(true), &Silent).unwrap().dataset.test.unwrap().rows, 3);
}

#[test]
fn several_labels_a_row_are_said_and_not_compared() {
    let folder = Folder::new();
    let check = |name: &str, bytes: &[u8]| {
        let reporter = Recorder::default();
        let evidence = read(&test_file(folder.file(name, bytes)), &reporter).unwrap();
        assert_eq!(evidence.dataset.test.unwrap().truth, None);
        assert!(
            reporter
                .messages()
                .iter()
                .any(|message| message.contains("several")),
            "{:?}",
            reporter.messages()
        );
    };
    check(
        "a.csv",
        b"text,labels,pred\nw,a|b,a\nx,a,a\ny,b,b\nz,b|c,b\nv,c,c\n",
    );
    check("b.csv", b"text,labels\nw,\"['a', 'b']\"\nx,['a']\ny,[]\n");
    check(
        "c.json",
        br#"[{"labels": ["a", "b"], "pred": ["a"]}, {"labels": ["b"], "pred": ["b"]}]"#,
    );
    check("d.csv", b"text,toxic,obscene,threat\nw,1,1,0\nx,0,0,0\ny,0,1,1\n");
}

/// Predictions and scores that are called by numbers are renumbered together.
#[test]
fn scores_of_numbered_classes_follow_the_order_that_fits() {
    let folder = Folder::new();
    let mut rows =
        String::from("label,predicted,probability_LABEL_0,probability_LABEL_1,probability_LABEL_2\n");
    for _ in 0..40 {
        rows.push_str("entailment,LABEL_0,0.8,0.1,0.1\n");
        rows.push_str("neutral,LABEL_1,0.1,0.8,0.1\n");
        rows.push_str("contradiction,LABEL_2,0.1,0.2,0.7\n");
    }
    let file = folder.file("a.csv", rows.as_bytes());
    let part = read(&test_file(file), &Silent).unwrap().dataset.test.unwrap();
    let by_score = argmax_rows(part.scores.as_ref().unwrap());
    assert_eq!(part.stored_predictions.as_deref(), part.truth.as_deref());
    assert_eq!(Some(by_score), part.truth);
}

/// Hugging Face calls classes without a name `LABEL_0` and so on.
#[test]
fn columns_called_label_and_a_number_are_the_scores_of_numbered_classes() {
    let folder = Folder::new();
    let file = folder.file(
        "a.csv",
        b"text,label,LABEL_1,LABEL_0,confidence\nw,0,0.2,0.8,0.8\nx,1,0.3,0.7,0.7\ny,1,0.9,0.1,0.9\n",
    );
    let evidence = read(&test_file(file), &Silent).unwrap();
    let scored = case(&evidence).scored(Split::Test).unwrap();
    let predicted = scored.predicted.predictions.iter();
    let predicted: Vec<String> = predicted.map(|class| evidence.label(*class)).collect();
    assert_eq!(predicted, ["0", "0", "1"]);
}
