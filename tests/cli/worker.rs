//! Steps of the data stages as a program: Arrow streams in and out, and what is said of those that are none.

use std::fs::File;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use insta::assert_snapshot;

use crate::harness::Project;

/// A project with a context of preprocess in `context.json`.
fn project() -> Project {
    let project = Project::small("flex");
    let context = serde_json::json!({
        "stage": "preprocess",
        "config": {"path": project.path("pipeline.yaml"), "text": project.read("pipeline.yaml")},
    });
    project.write("context.json", &context.to_string());
    project
}

/// Writes texts as an Arrow stream.
fn write_texts(project: &Project, texts: &[&str]) {
    let ids: Vec<String> = (0..texts.len()).map(|row| format!("r{row}")).collect();
    let column = |values: Vec<&str>| -> ArrayRef { Arc::new(StringArray::from(values)) };
    let batch = RecordBatch::try_from_iter([
        ("id", column(ids.iter().map(String::as_str).collect())),
        ("text", column(texts.to_vec())),
        ("label", column(vec!["sport"; texts.len()])),
    ])
    .unwrap();
    let file = File::create(project.path("in.arrows")).unwrap();
    let mut writer = StreamWriter::try_new(file, &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
}

/// The values of a column of the stream that a step wrote.
fn answered(project: &Project, column: &str) -> Vec<String> {
    let file = File::open(project.path("out.arrows")).unwrap();
    let batches = StreamReader::try_new(file, None).unwrap();
    let values = batches.flat_map(|batch| {
        let batch = batch.unwrap();
        let column = batch.column_by_name(column).unwrap().as_string::<i32>().clone();
        let values: Vec<String> = column
            .iter()
            .map(|value| value.unwrap_or("null").to_owned())
            .collect();
        values
    });
    values.collect()
}

#[test]
fn rows_come_and_go_as_streams() {
    let project = project();
    let plan = "$LABELPROOF worker plan --context context.json </dev/null >out.arrows";
    project.shell(plan).expect_success();
    let plan = answered(&project, "json").remove(0);
    assert!(plan.contains("\"reasons\":[\"never run\"]"), "{plan}");

    write_texts(
        &project,
        &["the match ended in a draw", " ", "the match ended in a draw"],
    );
    let look = "$LABELPROOF worker preprocess-look --context context.json <in.arrows >out.arrows";
    project.shell(look).expect_success();
    assert_eq!(answered(&project, "kind"), ["look", "reject", "look", "tally"]);
    assert_eq!(answered(&project, "id"), ["r0", "r1", "r2", "null"]);
}

#[test]
fn a_stream_without_rows_gives_what_counts_none() {
    let project = project();
    write_texts(&project, &[]);
    let look = "$LABELPROOF worker preprocess-look --context context.json <in.arrows >out.arrows";
    project.shell(look).expect_success();
    assert_eq!(answered(&project, "kind"), ["tally"]);
}

#[test]
fn what_is_no_step_no_context_and_no_stream() {
    let project = project();
    let answer = |step: &str, context: &str, input: &str| {
        let run = project.command(&["worker", step, "--context", context], input);
        run.expect_message()
    };
    assert_snapshot!(answer("look", "context.json", ""), @r#"
        exit code 2
        error: no step is called `look`

        hint: the steps are: plan, ingest-plan, ingest-read, ingest-decide, ingest-merge, ingest-settle, ingest-write, preprocess-plan, preprocess-read, preprocess-look, preprocess-check, preprocess-comparable, preprocess-compare, preprocess-unite, preprocess-tokenise, preprocess-settle, preprocess-write, commit, predict
    "#);
    assert_snapshot!(answer("preprocess-look", "context.json", "id,text,label\n"), @r#"
        exit code 2
        error: the rows of the step: they are no Arrow stream: they begin with id,t

        hint: docs/cluster.md lists the columns of each step, and the order that it needs
    "#);
    assert_snapshot!(answer("preprocess-look", "texts.csv", ""), @r#"
        exit code 2
        error: the context of the step: expected value at line 1 column 1

        hint: docs/cluster.md lists the keys that each step needs
    "#);
    assert_snapshot!(answer("preprocess-look", "nowhere.json", ""), @r#"
        exit code 3
        error: cannot read `nowhere.json`
          caused by: No such file or directory (os error 2)
    "#);
}
