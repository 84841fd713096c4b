//! A table that is a folder of part files: what reads it, locks it and replaces it does as with a file.

use labelproof_artifact::{Artifacts, Digest, Document, PartWriter, Row, StageLock, fs, part_of, read_table};

use crate::harness::{Project, outcomes};

/// Puts the documents into three parts, as ingest would if they were many, and the parts into its lock.
fn deal_documents(project: &Project) {
    let artifacts = project.path("artifacts");
    let documents = read_table::<Document>(Artifacts::all(&artifacts)).unwrap();
    let ingest = artifacts.join("ingest");
    fs::remove(&Document::KIND.path(&artifacts)).unwrap();
    for part in 0..3 {
        let mut writer = PartWriter::create(&ingest, part, 3).unwrap();
        let own = documents.iter().filter(|row| part_of(&row.id, 3) == part);
        own.cloned().try_for_each(|row| writer.push(row)).unwrap();
        writer.finish().unwrap();
    }
    let mut lock = StageLock::read(&ingest).unwrap();
    lock.outputs = StageLock::digest_outputs(&ingest).unwrap();
    lock.write(&ingest).unwrap();
}

#[test]
fn stages_give_the_same_bytes_of_a_table_in_parts() {
    let project = Project::small("flex");
    project.run(&["run", "split"]).expect_success();
    let before = project.artifacts();
    deal_documents(&project);
    let plan = project
        .run(&["run", "--dry-run", "--until", "split"])
        .expect_success();
    assert_eq!(
        plan.stdout,
        "ingest      up to date\n\
         preprocess  would run: ingest/documents.parquet changed\n\
         split       would run: upstream preprocess is stale\n"
    );
    let run = project.run(&["run", "split"]).expect_success();
    assert_eq!(
        outcomes(&run.stderr),
        ["ingest up to date", "preprocess ran", "split up to date"]
    );
    for (name, bytes) in &before {
        let is_data = !name.starts_with("ingest/") && !name.ends_with("lock.json");
        assert!(
            !is_data || fs::read(&project.path("artifacts").join(name)).unwrap() == *bytes,
            "{name}"
        );
    }

    let lock = StageLock::read(&project.path("artifacts/preprocess")).unwrap();
    let folder = Digest::of_folder(&project.path("artifacts/ingest/documents.parquet")).unwrap();
    assert_eq!(lock.inputs["ingest/documents.parquet"], folder);
    let lock = StageLock::read(&project.path("artifacts/ingest")).unwrap();
    assert!(lock.outputs.contains_key("documents.parquet/part-00002.parquet"));
    let again = project.run(&["run", "split"]).expect_success();
    assert_eq!(
        outcomes(&again.stderr),
        ["ingest up to date", "preprocess up to date", "split up to date"]
    );

    // The stage's folder is replaced as a whole, parts and all.
    project.run(&["run", "ingest", "--force"]).expect_success();
    project.run(&["run", "split"]).expect_success();
    assert!(project.artifacts() == before);
}

#[test]
fn a_part_that_was_removed_makes_the_stage_stale() {
    let project = Project::small("flex");
    project.run(&["run", "split"]).expect_success();
    deal_documents(&project);
    let part = "artifacts/ingest/documents.parquet/part-00001.parquet";
    fs::remove(&project.path(part)).unwrap();
    let status = project.run(&["status"]).expect_success();
    assert!(
        status.stdout.contains(&format!("`{part}` was edited or removed")),
        "{}",
        status.stdout
    );
    let refused = project.run(&["run", "--only", "preprocess"]);
    assert_eq!(refused.code, 4, "{}", refused.stderr);
    assert!(
        refused
            .stderr
            .contains(&format!("`{part}` is not what `ingest` wrote")),
        "{}",
        refused.stderr
    );

    // Without the lock's word for it, the reader notices.
    let ingest = project.path("artifacts/ingest");
    let mut lock = StageLock::read(&ingest).unwrap();
    lock.outputs = StageLock::digest_outputs(&ingest).unwrap();
    lock.write(&ingest).unwrap();
    let refused = project.run(&["run", "--only", "preprocess"]);
    insta::assert_snapshot!(refused.expect_message(), @r#"
        exit code 4
        preprocess  ingest/documents.parquet changed
        error: stage `preprocess` failed
          caused by: `artifacts/ingest/documents.parquet` is damaged: `part-00001.parquet` is missing

        hint: make it anew: labelproof run ingest --force
    "#);
}
