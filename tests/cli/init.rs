//! `labelproof init`: what it says of files, what it writes, and that the pipeline runs with it.

use insta::assert_snapshot;

use crate::harness::Project;

/// Forty rows as a spreadsheet of a country with decimal commas writes them.
fn semicolons() -> String {
    let mut csv = String::from("\u{feff}Nr;Kategorie;Nachricht\r\n");
    for row in 0..40 {
        let label = ["Sport", "Technik"][row % 2];
        csv.push_str(&format!(
            "{row};{label};\"Die Nachricht {row}; über {label}\"\r\n"
        ));
    }
    csv
}

#[test]
fn a_strange_file_has_a_running_pipeline_in_one_command() {
    let project = Project::small("flex");
    project.write("data/nachrichten.csv", &semicolons());
    let answer = project.run(&["init", "data/nachrichten.csv", "--output", "new.yaml"]);
    assert_snapshot!(answer.expect_success().stderr, @r#"
        reading rows
        writing documents
        text: `Nachricht`; label: `Kategorie`
        note: data/nachrichten.csv: separated by semicolons
        the first rows, label and text:
          Sport    Die Nachricht 0; über Sport
          Technik  Die Nachricht 1; über Technik
          Sport    Die Nachricht 2; über Sport
          Technik  Die Nachricht 3; über Technik
          Sport    Die Nachricht 4; über Sport
        40 rows read from 1 file, 40 documents of 2 labels
          Sport    20
          Technik  20
        wrote new.yaml; name an encoder in `new.yaml` (`encoder:`), and run it with: labelproof run --config new.yaml
    "#);
    assert_snapshot!(project.read("new.yaml"), @r#"
        # Written by `labelproof init`; `labelproof run` runs it, and `labelproof schema` describes every key.
        # Paths are relative to this file.

        encoder: path/to/an/encoder   # any BERT in the layout of Hugging Face, or owner/name of its Hub

        # data/nachrichten.csv: separated by semicolons
        ingest:
          format: csv
          paths:
          - data/nachrichten.csv
          columns:
            text: Nachricht
            label: Kategorie
          dialect:
            separator: ;
    "#);
    project
        .run(&["run", "ingest", "--config", "new.yaml"])
        .expect_success();
    assert!(project.read(".gitignore").contains("/artifacts/"));
    // What somebody wrote stays.
    project.write(".gitignore", "mine\n");
    project
        .run(&["init", "data/nachrichten.csv", "--output", "new.yaml", "--force"])
        .expect_success();
    assert_eq!(project.read(".gitignore"), "mine\n");
}

#[test]
fn a_configuration_that_is_there_is_not_replaced() {
    let project = Project::small("flex");
    project.write("data/nachrichten.csv", &semicolons());
    assert_snapshot!(project.run(&["init", "data/nachrichten.csv"]).expect_message(), @r#"
        exit code 2
        error: `pipeline.yaml` is there already

        hint: name another file with --output FILE, or replace this one with --force
    "#);
}
