//! JSON that is not what the parameters say, and what is said of it.

use super::*;

fn json(columns: &str) -> String {
    format!("format: json\npaths: [a.json]\ncolumns: {columns}\n")
}

const COLUMNS: &str = "{text: text, label: label}";

#[test]
fn json_that_is_not_one_object_a_line_is_told_as_what_it_is() {
    let yaml = "format: json_lines\npaths: [a.json]\ncolumns: {text: text, label: label}\n";
    let hint = "read it with `ingest.format: json`";
    check_error(
        "a.json",
        b"{\n  \"text\": \"a\",\n  \"label\": \"s\"\n}\n{\n  \"text\": \"b\"\n}\n",
        yaml,
        "`a.json` is JSON objects that are spread over several lines, and not one object on each line",
        &[hint],
    );
    check_error(
        "a.json",
        b"[{\"text\": \"a\"},\n{\"text\": \"b\"}]\n",
        yaml,
        "`a.json` is one JSON array, and not one object on each line",
        &[hint],
    );
    for yaml in [yaml.to_owned(), json(COLUMNS)] {
        check_error(
            "a.json",
            b"text,label\na,s\n",
            &yaml,
            "`a.json` is no JSON but a table with commas between its columns",
            &["name the format that it is of, or another file"],
        );
        check_error(
            "a.json",
            b"{'text': 'a', 'label': 's'}\n{'text': 'b', 'label': 't'}\n",
            &yaml,
            "`a.json` is no JSON but written as Python prints dictionaries, with `'` around strings",
            &["write it again with `json.dump`, and read it then"],
        );
    }
}

#[test]
fn a_wrong_name_is_answered_with_the_way_to_the_right_one() {
    let content =
        br#"[{"data": {"text": "a"}, "annotations": [{"result": [{"value": {"choices": ["s"]}}]}]}]"#;
    check_error(
        "a.json",
        content,
        &json("{text: text, label: choices}"),
        "a.json: no column is called `text`, which `ingest.columns.text` names; there are: \
         `annotations.result.value.choices`, `data.text`",
        &["did you mean `data.text`?"],
    );
    check_error(
        "a.json",
        content,
        &json("{text: data.text, label: annotations.result.choices}"),
        "a.json: no column is called `annotations.result.choices`, which `ingest.columns.label` names; there \
         are: `annotations.result.value.choices`, `data.text`",
        &["did you mean `annotations.result.value.choices`?"],
    );
}

#[test]
fn a_key_with_a_dot_wins_over_the_way_that_it_reads_like() {
    let content = br#"[{"data.text": "key", "data": {"text": "way"}, "label": "s"},
        {"data": {"text": "way"}, "label": "t"}]"#;
    let world = World::with(&[("a.json", content)]);
    let output = world.run(&json("{text: data.text, label: label}")).unwrap();
    let texts: Vec<_> = output
        .documents
        .iter()
        .map(|document| document.text.as_str())
        .collect();
    assert!(texts.contains(&"key") && texts.contains(&"way"), "{texts:?}");
}

#[test]
fn rows_of_several_labels_are_refused_with_what_makes_one() {
    let content =
        br#"[{"text": "a", "label": ["s"]}, {"text": "b", "label": ["t", "u"]}, {"text": "c", "label": []}]"#;
    check_error(
        "a.json",
        content,
        &json(COLUMNS),
        "2 rows cannot become documents\n  a.json:1: missing label: `label` is empty\n  \
         a.json:1: several labels: `label` has 2 labels: `t`, `u`",
        &[
            "this is for one label a row: make a column that has one, or say which item of a list is meant, \
             from 0, as `labels.0` or `annotations.0.label` does",
            "mend the rows, or set `ingest.on_reject: continue` to go on without them",
        ],
    );
    // As pandas writes such a column as CSV.
    check_rejects(
        "a.csv",
        b"text,label\na,['s']\nb,['t']\nc,\"['s', 't']\"\n",
        CSV,
        &["a.csv:4: several labels: `label` has 2 labels: `s`, `t`"],
    );
}

#[test]
fn several_tables_in_one_object_are_not_chosen_between() {
    check_error(
        "a.json",
        br#"{"train": [{"text": "a", "label": "s"}],
            "test": [{"text": "b", "label": "t"}, {"text": "c", "label": "t"}]}"#,
        &json(COLUMNS),
        "`a.json` holds several tables: `train` (1 row), `test` (2 rows)",
        &["write each of them to a file of its own that is called like its key"],
    );
}

#[test]
fn a_list_may_be_all_that_an_object_has() {
    let content = br#"{"data": [{"text": "a", "label": "s"}, {"text": "b", "label": "t"}]}"#;
    let world = World::with(&[("a.json", content)]);
    for columns in [COLUMNS, "{text: data.text, label: data.label}"] {
        assert_eq!(world.run(&json(columns)).unwrap().documents.len(), 2);
    }
}

#[test]
fn a_file_may_be_a_single_row() {
    let world = World::with(&[
        (
            "d/1.json",
            b"{\n  \"text\": \"a\",\n  \"label\": \"s\",\n  \"tokens\": [{\"text\": \"a\"}]\n}\n",
        ),
        (
            "d/2.json",
            b"{\"text\": \"b\", \"label\": \"t\", \"data\": [{\"text\": \"c\", \"label\": \"d\"}]}",
        ),
    ]);
    let output = world
        .run("format: json\npaths: [d]\ncolumns: {text: text, label: label}\n")
        .unwrap();
    let mut rows: Vec<_> = output
        .documents
        .iter()
        .map(|row| (row.text.as_str(), row.label.as_str()))
        .collect();
    rows.sort_unstable();
    assert_eq!(rows, [("a", "s"), ("b", "t")]);
}

#[test]
fn a_cell_that_the_server_has_cut_off_is_no_text() {
    let content = br#"{"features": [], "rows": [
        {"row_idx": 0, "row": {"text": "a", "label": "s"}, "truncated_cells": []},
        {"row_idx": 1, "row": {"text": "b", "label": "t"}, "truncated_cells": []},
        {"row_idx": 2, "row": {"text": "c", "label": "t"}, "truncated_cells": ["text"]}]}"#;
    check_rejects(
        "a.json",
        content,
        &json(COLUMNS),
        &["a.json:4: cut off: the server has cut `text` off in this row"],
    );
}

#[test]
fn arrays_as_rows_have_names_in_the_first_or_none() {
    let world = World::with(&[("a.json", br#"[["text", "label"], ["a", "s"], ["b", "t"]]"#)]);
    assert_eq!(world.run(&json(COLUMNS)).unwrap().documents.len(), 2);
    check_error(
        "a.json",
        br#"[["a", "s"], ["b", "t"]]"#,
        &json(COLUMNS),
        "a.json:1: no column is called `text`, which `ingest.columns.text` names; there are: `column 1`, \
         `column 2`",
        &[],
    );
}

#[test]
fn rows_are_taken_by_what_other_columns_hold() {
    let content = b"text,label,lang,votes\na,s,en,3\nb,t,de,3\nc,t,en,1\nd,t,en,3.0\n";
    let world = World::with(&[("a.csv", content)]);
    let output = world
        .run(&format!("{CSV}where: {{lang: en, votes: [2, 3]}}\n"))
        .unwrap();
    assert_eq!(output.documents.len(), 2);
    assert!(
        output
            .message
            .contains("\nnot chosen by `ingest.where`: 2 rows (`lang`: `de` 1, `votes`: `1` 1)\n"),
        "{}",
        output.message
    );
    check_error(
        "a.csv",
        content,
        &format!("{CSV}where: {{language: en}}\n"),
        "a.csv:1: no column is called `language`, which `ingest.where` names; there are: `text`, `label`, \
         `lang`, `votes`",
        &["did you mean `lang`?"],
    );
    check_error(
        "a.csv",
        content,
        &format!("{CSV}where: {{lang: fr}}\n"),
        "no document is left of 4 rows; rejects: 0, not chosen by `ingest.labels.keep`: 0, without a label by \
         `ingest.labels.missing`: 0, by `ingest.where`: 4",
        &["do `ingest.where` and `ingest.columns` name what the sources hold?"],
    );
}
