//! The same rows as other programs write them: Python's json, pandas, pyarrow, datasets, and tools to
//! annotate texts. `tests/fixtures/sources/make_sources.py` makes the files.

use super::*;

fn folder() -> PathBuf {
    PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/fixtures/sources"
    ))
}

fn world_of(file: &str) -> World {
    let world = World::new();
    for name in [file, "saved/dataset_info.json"] {
        // Beside the files of `saved` only.
        if name == file || file.starts_with("saved/") {
            world.write(name, &fs::read(&folder().join(name)).unwrap());
        }
    }
    world
}

fn yaml(file: &str, columns: &str) -> String {
    let format = match file.rsplit('.').next() {
        Some("jsonl") => "json_lines",
        Some("json") => "json",
        Some("parquet") => "parquet",
        _ => "csv",
    };
    format!("format: {format}\npaths: [{file}]\ncolumns: {columns}\n")
}

/// The rows that all files hold, with labels called otherwise perhaps.
fn expected(label: impl Fn(&str) -> String) -> Vec<String> {
    let json = fs::read_to_string(&folder().join("expected.json")).unwrap();
    let rows: Vec<[String; 3]> = serde_json::from_str(&json).unwrap();
    rows.iter()
        .map(|[id, text, name]| format!("{id}/{text}/{}", label(name)))
        .collect()
}

#[track_caller]
fn check(file: &str, columns: &str) -> Output {
    let output = world_of(file)
        .run(&yaml(file, columns))
        .unwrap_or_else(|error| panic!("{file}: {error}"));
    assert_eq!(rows_of(&output), expected(str::to_owned), "{file}");
    output
}

const COLUMNS: &str = "{text: text, label: label, id: id}";

#[test]
fn json_of_python_and_pandas_is_read_in_every_shape() {
    for file in [
        "array.json",
        "lines.jsonl",
        "spread.json",
        "by_id.json",
        "lists.json",
        "pandas_split.json",
        "pandas_records.json",
        "pandas_index.json",
        "pandas_columns.json",
        "pandas_table.json",
        "pandas_indented.json",
    ] {
        check(file, COLUMNS);
    }
    let output = check("data.json", COLUMNS);
    assert!(
        output.message.starts_with("data.json: left aside: `version`\n"),
        "{}",
        output.message
    );
    check("nested.json", "{text: data.text, label: meta.0.label, id: id}");
    check("nested.json", "{text: data.text, label: meta.label, id: id}");
    let output = world_of("booleans.jsonl")
        .run(&yaml("booleans.jsonl", COLUMNS))
        .unwrap();
    assert_eq!(rows_of(&output), expected(|label| (label == "pos").to_string()));
}

#[test]
fn a_label_that_python_writes_as_nan_is_missing() {
    let world = world_of("nan.jsonl");
    let yaml = yaml("nan.jsonl", COLUMNS);
    let output = world.run(&format!("{yaml}on_reject: continue\n")).unwrap();
    assert_eq!(rows_of(&output), expected(str::to_owned));
    assert_eq!(
        reject_lines(&output),
        ["nan.jsonl:7: missing label: `label` is empty"]
    );
}

#[test]
fn parquet_of_pandas_and_pyarrow_gives_the_same_rows() {
    check("pandas_category.parquet", COLUMNS);
    check("pyarrow_lists.parquet", COLUMNS);
    check("pyarrow_lists.parquet", "{text: text, label: label.0, id: id}");
    check(
        "pyarrow_nested.parquet",
        "{text: data.text, label: meta.label, id: id}",
    );
    check(
        "pyarrow_nested.parquet",
        "{text: data.text, label: meta.0.label, id: id}",
    );
}

#[test]
fn numbers_of_the_hub_have_the_names_that_its_files_know() {
    let said = |file: &str, output: &Output| {
        assert!(
            output.message.starts_with(&format!(
                "the names of the numbers in `label` are those of `{file}`: 0 is `neg`, 1 is `pos`\n"
            )),
            "{}",
            output.message
        );
    };
    for file in ["hub.parquet", "hub_sequence.parquet"] {
        said(file, &check(file, COLUMNS));
    }
    said(
        "dataset_info.json` beside `saved/rows.jsonl",
        &check("saved/rows.jsonl", COLUMNS),
    );
    let output = world_of("viewer.json")
        .run(&yaml("viewer.json", COLUMNS))
        .unwrap();
    assert_eq!(rows_of(&output), expected(str::to_owned));
    let world = world_of("hub_hidden.parquet");
    let yaml = yaml("hub_hidden.parquet", COLUMNS);
    let output = world.run(&format!("{yaml}on_reject: continue\n")).unwrap();
    assert_eq!(rows_of(&output), expected(str::to_owned));
    assert_eq!(
        reject_lines(&output),
        ["hub_hidden.parquet:7: missing label: `label` is -1, which stands for a label that is kept back"]
    );
}

#[test]
fn label_studio_is_read_as_it_exports() {
    check(
        "label_studio.json",
        "{text: data.text, label: annotations.result.value.choices, id: data.key}",
    );
    check("label_studio_min.json", "{text: text, label: sentiment, id: key}");
    check("label_studio.csv", "{text: text, label: sentiment, id: key}");
}

#[test]
fn annotators_who_differ_are_not_decided_between_without_a_word() {
    let file = "label_studio_differ.json";
    let world = world_of(file);
    let all = yaml(
        file,
        "{text: data.text, label: annotations.result.value.choices, id: data.key}",
    );
    let output = world.run(&format!("{all}on_reject: continue\n")).unwrap();
    assert_eq!(rows_of(&output), expected(str::to_owned));
    let rejected = "label_studio_differ.json:1: several labels: `annotations.result.value.choices` has 2 \
                    labels: `neg`, `pos`";
    assert_eq!(reject_lines(&output), [rejected]);
    let error = world.run(&all).unwrap_err();
    check_failure(
        &error,
        &format!("1 row cannot become a document\n  {rejected}"),
        &[
            "this is for one label a row: make a column that has one, or say which item of a list is meant, \
             from 0, as `labels.0` or `annotations.0.label` does",
            "mend the rows, or set `ingest.on_reject: continue` to go on without them",
        ],
    );
    let first = yaml(
        file,
        "{text: data.text, label: annotations.0.result.0.value.choices.0, id: data.key}",
    );
    let output = world.run(&first).unwrap();
    assert_eq!(output.documents.len(), 7);
    assert!(
        output.message.starts_with(
            "`annotations.0.result.0.value.choices.0` takes one item of a list, and 7 rows have more\n"
        ),
        "{}",
        output.message
    );
}

#[test]
fn doccano_and_prodigy_are_read_as_they_export() {
    check("doccano.jsonl", COLUMNS);
    let output = world_of("doccano_old.jsonl")
        .run(&yaml(
            "doccano_old.jsonl",
            "{text: text, label: annotations.label, id: id}",
        ))
        .unwrap();
    let number = |label: &str| if label == "neg" { "1" } else { "2" };
    assert_eq!(rows_of(&output), expected(|label| number(label).to_owned()));
    let world = world_of("prodigy.jsonl");
    let yaml = yaml("prodigy.jsonl", "{text: text, label: accept, id: id}");
    let output = world.run(&format!("{yaml}where: {{answer: accept}}\n")).unwrap();
    assert_eq!(rows_of(&output), expected(str::to_owned));
    assert!(
        output
            .message
            .contains("not chosen by `ingest.where`: 2 rows (`answer`: `ignore` 1, `answer`: `reject` 1)"),
        "{}",
        output.message
    );
}
