//! What is understood of files, against layouts that others write.

use labelproof_artifact::{Diagnostic, fs};
use labelproof_testkit::Recorder;

use super::*;
use crate::params::{Columns, OnReject};

/// Files in a folder, which are guessed and whose guess ingest passes with.
fn guess_of(files: &[(&str, &str)], named: &[&str], said: &Said) -> Result<Guess, Error> {
    let world = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = world.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write_atomic(&path, content.as_bytes()).unwrap();
    }
    let paths: Vec<PathBuf> = named.iter().map(|name| world.path().join(name)).collect();
    guess(&paths, world.path(), said, &Recorder::default())
}

/// Sixty rows of a layout: `{n}` is a number, `{label}` one of three labels, `{text}` a text.
fn rows(header: &str, row: &str) -> String {
    let labels = ["sport", "tech", "politics"];
    let mut content = header.to_owned();
    for number in 0..60 {
        let label = labels[number % 3];
        let text = format!("the {label} people said number {number} of it");
        content += &row
            .replace("{n}", &(100 + number).to_string())
            .replace("{label}", label)
            .replace("{text}", &text);
    }
    content
}

#[track_caller]
fn columns_of(name: &str, content: &str) -> (Format, Columns) {
    let guess = guess_of(&[(name, content)], &[name], &Said::default()).unwrap();
    assert_eq!(guess.params.paths, [name]);
    assert_eq!(guess.rows.len(), SHOWN_ROWS);
    assert_eq!(guess.rows[0], ("sport".to_owned(), guess.rows[0].1.clone()));
    assert!(
        guess.summary.contains("60 documents of 3 labels"),
        "{}",
        guess.summary
    );
    (guess.params.format, guess.params.columns.unwrap())
}

fn columns(text: &[&str], label: &str, id: Option<&str>) -> Columns {
    Columns {
        text: text.iter().map(|name| (*name).to_owned()).collect(),
        label: label.to_owned(),
        id: id.map(str::to_owned),
        group: None,
        split: None,
    }
}

#[test]
fn names_say_which_column_is_which() {
    let csv = rows("id,label,text\n", "{n},{label},{text}\n");
    assert_eq!(
        columns_of("a.csv", &csv),
        (Format::Csv, columns(&["text"], "label", Some("id")))
    );
    let csv = rows("Unnamed: 0,Review_Text,Sentiment\n", "{n},{text},{label}\n");
    assert_eq!(
        columns_of("a.csv", &csv).1,
        columns(&["Review_Text"], "Sentiment", None)
    );
    let json = rows(
        "",
        "{\"uid\": {n}, \"body\": \"{text}\", \"category\": \"{label}\"}\n",
    );
    let (_, found) = columns_of("a.jsonl", &json);
    assert_eq!(
        (found.label.as_str(), found.id.as_deref()),
        ("category", Some("uid"))
    );
}

#[test]
fn rows_say_it_where_names_do_not() {
    let csv = rows("a,b,c\n", "{n},{text},{label}\n");
    assert_eq!(columns_of("a.csv", &csv).1, columns(&["b"], "c", None));
}

#[test]
fn a_title_stands_above_its_text() {
    let csv = rows(
        "Title,Description,Class\n",
        "on {n} a title of words,{text},{label}\n",
    );
    assert_eq!(
        columns_of("a.csv", &csv).1,
        columns(&["Title", "Description"], "Class", None)
    );
}

#[test]
fn a_column_of_splits_is_no_label() {
    let mut csv = rows("split,sentence,topic\n", "train,{text},{label}\n");
    csv += "test,one more of these about sport,sport\n";
    let guess = guess_of(&[("a.csv", &csv)], &["a.csv"], &Said::default()).unwrap();
    let found = guess.params.columns.unwrap();
    assert_eq!(
        (found.label.as_str(), found.split.as_deref()),
        ("topic", Some("split"))
    );
}

#[test]
fn what_is_said_is_not_guessed() {
    let csv = rows(
        "kind,label,text,summary\n",
        "{label},x{n},{text},a short one {n} of it\n",
    );
    let said = Said {
        text: vec!["summary".to_owned()],
        label: Some("kind".to_owned()),
    };
    let guess = guess_of(&[("a.csv", &csv)], &["a.csv"], &said).unwrap();
    assert_eq!(guess.params.columns, Some(columns(&["summary"], "kind", None)));
    let said = Said {
        label: Some("lable".to_owned()),
        ..Said::default()
    };
    let error = guess_of(&[("a.csv", &csv)], &["a.csv"], &said).unwrap_err();
    assert!(
        error.to_string().contains("no column is called `lable`"),
        "{error}"
    );
}

#[test]
fn a_file_without_labels_is_told_with_what_its_columns_hold() {
    let csv = rows("id,text\n", "{n},{text}\n");
    let error = guess_of(&[("a.csv", &csv)], &["a.csv"], &Said::default()).unwrap_err();
    let message = error.to_string();
    assert!(message.contains("no column looks like labels"), "{message}");
    assert!(
        message.contains("\n  `id`: 100, 101, 102, 103, 104, …"),
        "{message}"
    );
}

#[test]
fn what_ingest_refuses_is_repaired_where_it_says_how() {
    let mut csv = rows("id,label,text\n", "{n},{label},{text}\n");
    csv += "7,Sport,one more of these\n8,sport,\n";
    let guess = guess_of(&[("a.csv", &csv)], &["a.csv"], &Said::default()).unwrap();
    assert_eq!(guess.params.on_reject, OnReject::Continue);
    assert_eq!(
        guess.params.labels.rename.get("Sport").map(String::as_str),
        Some("sport")
    );
    assert!(
        guess.summary.contains("61 documents of 3 labels"),
        "{}",
        guess.summary
    );
    // The same id again beyond the rows that are looked at.
    let mut csv = String::from("id,label,text\n");
    for number in 0..2100 {
        let label = ["a", "b"][number % 2];
        csv += &format!("{},{label},text of number {number}\n", number % 2050);
    }
    let guess = guess_of(&[("a.csv", &csv)], &["a.csv"], &Said::default()).unwrap();
    assert_eq!(guess.params.columns.unwrap().id, None);
    assert!(guess.summary.contains("2100 documents"), "{}", guess.summary);
}

#[test]
fn folders_of_texts_and_of_tables_are_told_apart() {
    let files = [
        ("d/pos/1.txt", "good"),
        ("d/pos/2.txt", "fine"),
        ("d/neg/1.txt", "bad"),
    ];
    let guess = guess_of(&files, &["d"], &Said::default()).unwrap();
    assert_eq!(
        (guess.params.format, guess.params.columns),
        (Format::Folder, None)
    );
    let csv = rows("label,text\n", "{label},{text}\n");
    let files = [("d/a.csv", csv.as_str()), ("d/README.md", "about")];
    let guess = guess_of(&files, &["d"], &Said::default()).unwrap();
    assert_eq!(guess.params.format, Format::Csv);
    assert!(
        guess.remarks.iter().any(|remark| remark.contains("README.md")),
        "{:?}",
        guess.remarks
    );
}

#[test]
fn a_column_of_dates_is_no_label() {
    let csv = rows("day,body,kind\n", "2024-03-05,{text},{label}\n");
    let csv = csv.replacen("2024-03-05", "2024-03-06", 20);
    let (_, found) = columns_of("a.csv", &csv);
    assert_eq!(found.label, "kind");
}

/// A file that another program wrote, as one that is guessed.
fn other_program(name: &str) -> Guess {
    let path = format!(
        "{}/../../tests/fixtures/sources/{name}",
        env!("CARGO_MANIFEST_DIR")
    );
    let content = fs::read_to_string(Path::new(&path)).unwrap();
    guess_of(&[(name, &content)], &[name], &Said::default()).unwrap()
}

#[test]
fn exports_of_annotation_tools_are_understood() {
    let guess = other_program("label_studio.json");
    let found = guess.params.columns.unwrap();
    assert_eq!(found.text, ["data.text"]);
    assert_eq!(found.label, "annotations.result.value.choices");
    let guess = other_program("prodigy.jsonl");
    assert_eq!(guess.params.columns.unwrap().label, "accept");
    assert!(guess.params.conditions.contains_key("answer"));
    let guess = other_program("doccano.jsonl");
    assert_eq!(guess.params.columns.unwrap().label, "label");
}

#[test]
fn lines_are_told_by_their_labels() {
    let lines = rows("", "__label__{label} {text}\n");
    let guess = guess_of(&[("a.txt", &lines)], &["a.txt"], &Said::default()).unwrap();
    assert_eq!(guess.params.format, Format::Fasttext);
    assert_eq!(guess.rows[0].0, "sport");
    let files = [
        ("texts.txt", rows("", "{text}\n")),
        ("labels.txt", rows("", "{label}\n")),
    ];
    let files = files.each_ref().map(|(name, content)| (*name, content.as_str()));
    let guess = guess_of(&files, &["labels.txt", "texts.txt"], &Said::default()).unwrap();
    assert_eq!(guess.params.paths, ["texts.txt"]);
    assert_eq!(guess.params.label_paths, ["labels.txt"]);
    let files = [
        ("pos.txt", rows("", "{text}\n")),
        ("neg.txt", rows("", "bad {text}\n") + "one more\n"),
    ];
    let files = files.each_ref().map(|(name, content)| (*name, content.as_str()));
    let guess = guess_of(&files, &["pos.txt", "neg.txt"], &Said::default()).unwrap();
    assert_eq!(guess.params.format, Format::Lines);
    assert!(
        guess.summary.contains("121 documents of 2 labels"),
        "{}",
        guess.summary
    );
}

#[test]
fn columns_without_a_header_get_names() {
    let tsv = rows("", "{label}\t{text}\n");
    let guess = guess_of(&[("a.tsv", &tsv)], &["a.tsv"], &Said::default()).unwrap();
    let names = ["label", "text"].map(str::to_owned).to_vec();
    assert_eq!(guess.params.dialect.unwrap().header, Header::Names(names));
    assert_eq!(guess.params.columns, Some(columns(&["text"], "label", None)));
    assert!(guess.summary.contains("60 documents"), "{}", guess.summary);
    let csv = rows("", "{n}|{text}|{label}\n");
    let guess = guess_of(&[("a.csv", &csv)], &["a.csv"], &Said::default()).unwrap();
    let names = ["column 1", "text", "label"].map(str::to_owned).to_vec();
    let dialect = guess.params.dialect.unwrap();
    assert_eq!(
        (dialect.separator, dialect.header),
        (Some('|'), Header::Names(names))
    );
    assert!(guess.summary.contains("60 documents"), "{}", guess.summary);
}

#[test]
fn two_parallel_files_of_a_folder_are_named_one_by_one() {
    let files = [
        ("d/texts.csv", rows("", "{text}\n")),
        ("d/labels.csv", rows("", "{label}\n")),
    ];
    let files = files.each_ref().map(|(name, content)| (*name, content.as_str()));
    let guess = guess_of(&files, &["d"], &Said::default()).unwrap();
    assert_eq!(guess.params.paths, ["d/texts.csv"]);
    assert_eq!(guess.params.label_paths, ["d/labels.csv"]);
}

#[test]
fn what_lies_beside_folders_of_labels_needs_no_setting() {
    let world = crate::tests::layout::imdb();
    let paths = [world.base.path().join("aclImdb")];
    let guess = guess(&paths, world.base.path(), &Said::default(), &Recorder::default()).unwrap();
    assert_eq!(
        guess.params,
        Params::new(Format::Folder, vec!["aclImdb".to_owned()])
    );
    assert!(guess.remarks.is_empty(), "{:?}", guess.remarks);
    assert!(
        guess
            .summary
            .contains("left aside: 11 files in no label's folder"),
        "{}",
        guess.summary
    );
}

/// What is said of several files, as paths, columns and remarks.
fn together(files: &[(&str, &str)]) -> (Vec<String>, Columns, String) {
    let names: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
    let guess = guess_of(files, &names, &Said::default()).unwrap();
    let remarks = guess.remarks.join("\n");
    (guess.params.paths, guess.params.columns.unwrap(), remarks)
}

#[test]
fn files_of_one_kind_are_looked_at_together() {
    let csv = rows("id,text,label\n", "{n},{text},{label}\n");
    let (paths, columns_of_both, remarks) = together(&[
        ("train.csv", &csv),
        (
            "test.csv",
            "id,text,label\n1,a text of sport,sport\n2,a text of tech,tech\n",
        ),
    ]);
    assert_eq!(paths, ["train.csv", "test.csv"]);
    assert_eq!(columns_of_both, columns(&["text"], "label", Some("id")));
    assert_eq!(
        remarks,
        "read together: `train.csv`, `test.csv`; they have the same columns\n\
         labels that not every file has: `politics` (not in `test.csv`)"
    );
}

#[test]
fn a_file_without_labels_is_left_out_and_said() {
    let csv = rows("id,text,label\n", "{n},{text},{label}\n");
    let unlabelled = rows("id,text\n", "{n},{text}\n");
    // Whichever is named first.
    let (paths, _, remarks) = together(&[("test.csv", &unlabelled), ("train.csv", &csv)]);
    assert_eq!(paths, ["train.csv"]);
    assert_eq!(
        remarks,
        "`test.csv` is left out, because it has no column `label`; there are: `id`, `text`; once there is a model, \
         `labelproof predict --input test.csv` gives it labels"
    );
    let json = rows("", "{\"text\": \"{text}\", \"label\": \"{label}\"}\n");
    let (paths, _, remarks) = together(&[("train.csv", &csv), ("more.jsonl", &json)]);
    assert_eq!(paths, ["train.csv"]);
    assert_eq!(
        remarks,
        "`more.jsonl` is left out, because it is read with `format: json`, and `train.csv` with \
         `format: csv`"
    );
}

#[test]
fn columns_that_one_file_has_alone_are_said() {
    let one = rows("id,text,label\n", "{n},{text},{label}\n");
    let other = rows("text,label,stars\n", "again {text},{label},4\n");
    let (paths, columns_of_both, remarks) = together(&[("a.csv", &one), ("b.csv", &other)]);
    assert_eq!(paths, ["a.csv", "b.csv"]);
    assert_eq!(columns_of_both, columns(&["text"], "label", None));
    assert_eq!(
        remarks,
        "`id` is not used, because `b.csv` has no such column\n\
         read together: `a.csv`, `b.csv`; beside `a.csv`, `b.csv` lacks `id` and also has `stars`"
    );
}

#[test]
fn texts_and_labels_in_two_tables_are_to_be_joined() {
    let texts = rows("id,text\n", "{n},{text}\n");
    let labels = rows("id,label\n", "{n},{label}\n");
    let files = [("texts.csv", texts.as_str()), ("labels.csv", labels.as_str())];
    let error = guess_of(&files, &["texts.csv", "labels.csv"], &Said::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the texts seem to stand in `texts.csv` and their labels in `labels.csv`"
    );
    assert_eq!(
        error.hints(),
        ["write one table with both: join them by the column `id`, which the two have in common"]
    );
}
