//! Labels that are none, that are one in two spellings, or several in one cell: what is said, and that what it
//! says to do leads to the goal.

use super::*;

/// A table of so many rows of each label, each with a text of its own.
fn table(labels: &[(&str, usize)]) -> Vec<u8> {
    let mut content = "text,label\n".to_owned();
    for (label, rows) in labels {
        let quoted = format!("\"{}\"", label.replace('"', "\"\""));
        for row in 0..*rows {
            writeln!(content, "text {row} of a label,{quoted}").unwrap();
        }
    }
    content.into_bytes()
}

#[track_caller]
fn run_on(labels: &[(&str, usize)], settings: &str) -> Result<Output, Error> {
    World::with(&[("a.csv", &table(labels))]).run(&format!("{CSV}{settings}"))
}

#[test]
fn labels_that_stand_for_none_are_rejected_with_what_to_do() {
    let labels = [("sport", 3), ("tech", 3), ("NaN", 2), ("null", 1)];
    let error = run_on(&labels, "").unwrap_err();
    let mend = "mend the rows, or set `ingest.on_reject: continue` to go on without them";
    check_failure(
        &error,
        "3 rows cannot become documents\n  \
         a.csv:8: missing label: `label` is `NaN`, which stands for no label\n  \
         a.csv:9: missing label: `label` is `NaN`, which stands for no label\n  \
         a.csv:10: missing label: `label` is `null`, which stands for no label",
        &[
            mend,
            "to leave out just the rows without a label: `ingest.labels.missing: [\"NaN\", \"null\"]`",
            "to take these labels as classes: `ingest.labels.missing: []`",
        ],
    );
    // Each of the three hints, as it is printed.
    let output = run_on(&labels, "on_reject: continue\n").unwrap();
    assert_eq!((output.labels.len(), output.rejects.len()), (2, 3));
    let output = run_on(&labels, "labels: {missing: [\"NaN\", \"null\"]}\n").unwrap();
    assert_eq!((output.documents.len(), output.rejects.len()), (6, 0));
    assert!(
        output
            .message
            .contains("\nwithout a label by `ingest.labels.missing`: 3 rows (`NaN` 2, `null` 1)"),
        "{}",
        output.message
    );
    let output = run_on(&labels, "labels: {missing: []}\n").unwrap();
    assert_eq!(output.labels, ["NaN", "null", "sport", "tech"]);
}

#[test]
fn a_hidden_label_is_none_and_sentiment_is_a_class() {
    let hidden = [("0", 3), ("1", 3), ("2", 3), ("-1", 4)];
    let output = run_on(&hidden, "on_reject: continue\n").unwrap();
    assert_eq!(
        (output.labels.join(" ").as_str(), output.rejects.len()),
        ("0 1 2", 4)
    );
    let output = run_on(&[("-1", 3), ("0", 3), ("1", 3)], "").unwrap();
    assert_eq!(output.labels, ["-1", "0", "1"]);
    assert!(
        output.message.contains(
            "\n`-1` is taken as a class; if it stands for no label: `ingest.labels.missing: [\"-1\"]`"
        ),
        "{}",
        output.message
    );
    let output = run_on(&hidden, "labels: {missing: [-1, gone]}\n").unwrap();
    assert_eq!(output.labels, ["0", "1", "2"]);
    assert!(
        output
            .message
            .contains("\n`ingest.labels.missing` names labels that no row has: `gone`"),
        "{}",
        output.message
    );
}

#[test]
fn empty_cells_are_rejects_and_may_be_declared() {
    let labels = [("a", 3), ("b", 3), ("", 2)];
    assert_eq!(run_on(&labels, "on_reject: continue\n").unwrap().rejects.len(), 2);
    assert!(run_on(&labels, "labels: {missing: []}\n").is_err());
    let output = run_on(&labels, "labels: {missing: ['']}\n").unwrap();
    assert_eq!((output.documents.len(), output.rejects.len()), (6, 0));
    assert!(
        output
            .message
            .contains("\nwithout a label by `ingest.labels.missing`: 2 rows (empty 2)"),
        "{}",
        output.message
    );
}

#[test]
fn a_row_without_a_label_takes_no_other_rows_id() {
    let content = b"id,text,label\n1,a,NaN\n1,b,s\n2,c,s\n3,d,t\n";
    let output = World::with(&[("a.csv", content)])
        .run(&format!("{CSV_ID}on_reject: continue\n"))
        .unwrap();
    assert_eq!(rows_of(&output), ["1/b/s", "2/c/s", "3/d/t"]);
    assert_eq!(
        reject_lines(&output),
        ["a.csv:2: missing label: `label` is `NaN`, which stands for no label"]
    );
}

#[test]
fn one_number_in_two_spellings_is_refused_and_the_renaming_leads_to_one() {
    let labels = [("1", 3), ("0", 3), ("1.0", 4), ("0.0", 4)];
    let error = run_on(&labels, "").unwrap_err();
    assert_eq!(
        error.to_string(),
        "2 pairs of labels are almost the same\n  \
         the labels \"0\" (rows: 3) and \"0.0\" (rows: 4) differ only in how one number is written\n  \
         the labels \"1\" (rows: 3) and \"1.0\" (rows: 4) differ only in how one number is written"
    );
    let hint = &error.hints()[0];
    assert!(
        hint.ends_with("\n    rename:\n      \"0.0\": \"0\"\n      \"1.0\": \"1\""),
        "{hint}"
    );
    let output = run_on(&labels, "labels: {rename: {\"0.0\": \"0\", \"1.0\": \"1\"}}\n").unwrap();
    assert_eq!(output.labels, ["0", "1"]);
}

#[test]
fn several_labels_in_one_cell_are_refused_and_may_be_left_out() {
    let labels = [("joy", 3), ("anger", 3), ("anger|joy", 2)];
    let error = run_on(&labels, "").unwrap_err();
    check_failure(
        &error,
        "2 rows have several labels in one cell: `anger|joy`",
        &[
            "a row has one label here: write one of `anger`, `joy` into each row, or leave rows of several out \
             by naming the single labels in `ingest.labels.keep`",
            "a combination that is a class of its own is taken as one where `ingest.labels.keep` or `rename` \
             names it",
        ],
    );
    let output = run_on(&labels, "labels: {keep: [anger, joy]}\n").unwrap();
    assert_eq!(output.documents.len(), 6);
    let output = run_on(&labels, "labels: {rename: {'anger|joy': both}}\n").unwrap();
    assert_eq!(output.labels, ["anger", "both", "joy"]);
    // Emoji, a comma and quotation marks in labels are kept as they are.
    let output = run_on(&[("😀 happy", 3), ("a, b", 3), ("say \"no\"", 3)], "").unwrap();
    assert_eq!(output.labels, ["a, b", "say \"no\"", "😀 happy"]);
}
