//! Help, messages and exit codes; nothing that trains.

use std::path::Path;
use std::process::Command;

use labelproof_artifact::fs;

use crate::harness::{Project, labelproof, write_tiny_encoder};

const CONFIGURATION: &str = "\
encoder: encoder
ingest:
  format: csv
  paths: [texts.csv]
  columns: { text: text, label: label }
";

/// Runs `labelproof run` with some configuration, and expects a message and an exit code.
#[track_caller]
fn check(configuration: &str, code: i32, message: &str) {
    let project = Project::empty();
    project.write("texts.csv", "text,label\nhello,a\nworld,b\n");
    project.write("pipeline.yaml", configuration);
    write_tiny_encoder(&project.path("encoder"));
    let run = project.run(&["run", "--quiet"]);
    assert_eq!(
        (run.code, run.stdout.as_str(), run.stderr.trim_end()),
        (code, "", message)
    );
}

#[test]
fn an_unknown_key_is_shown_where_it_stands_with_the_nearest_one() {
    check(
        &format!("{CONFIGURATION}trian:\n  epochs: 3\n"),
        2,
        "error: pipeline.yaml:6:1: unknown field `trian`, expected one of `seed`, `encoder`, `device`, `artifacts`, \
         `ingest`, `preprocess`, `split`, `train`, `evaluate`, `audit`, `report`\n  | trian:\n\nhint: did you mean `train`?",
    );
}

#[test]
fn a_value_of_the_wrong_kind_is_shown_where_it_stands() {
    check(
        &format!("{CONFIGURATION}train:\n  trainable: some\n"),
        2,
        "error: pipeline.yaml:7:14: train.trainable: invalid value: string \"some\", expected `none`, `all` or \
         `last: <number of layers>`\n  |   trainable: some",
    );
}

#[test]
fn values_out_of_range_are_named_all_at_once() {
    check(
        &format!(
            "{CONFIGURATION}train: {{ epochs: 0, dropout: 1.5 }}\nsplit: {{ test: 0.9, validation: 0.2 }}\ndevice: gpu\n"
        ),
        2,
        "error: `pipeline.yaml` cannot be run:\n  \
         split.test: 0.9 and split.validation: 0.2 leave nothing to train on; their sum must be below 1\n  \
         train.dropout: must be at least 0 and below 1, got 1.5\n  \
         train.epochs: must be at least 1, got 0\n  \
         device: `gpu` is no device; use auto, cpu, cuda, cuda:<number>, mps or flex",
    );
}

#[test]
fn a_missing_source_and_a_missing_column_are_named() {
    check(
        &CONFIGURATION.replace("texts.csv", "text.csv"),
        3,
        "error: stage `ingest` failed\n  caused by: `ingest.paths` names `text.csv`, which does not exist\n\n\
         hint: paths are relative to the folder of `pipeline.yaml`",
    );
    check(
        &CONFIGURATION.replace("text: text", "text: body"),
        3,
        "error: stage `ingest` failed\n  caused by: texts.csv:1: no column is called `body`, which \
         `ingest.columns.text` names; there are: `text`, `label`",
    );
}

#[test]
fn a_missing_configuration_and_a_missing_encoder_say_what_to_do() {
    let project = Project::empty();
    let run = project.run(&["run"]);
    assert_eq!(run.code, 2);
    assert_eq!(
        run.stderr.trim_end(),
        "error: cannot read the configuration `pipeline.yaml`\n  caused by: cannot read `pipeline.yaml`\n  \
         caused by: No such file or directory (os error 2)\n\nhint: name another file with `--config FILE`"
    );
    let project = Project::small("cpu");
    let run = project.run(&["run", "--quiet", "--set", "encoder=elsewhere"]);
    assert_eq!(run.code, 6);
    assert_eq!(
        run.stderr.trim_end(),
        "error: `elsewhere` is no encoder folder: `config.json` is missing\n\n\
         hint: `encoder` in `pipeline.yaml` must name a folder in the layout of Hugging Face: config.json, \
         model.safetensors, tokenizer.json; `make setup` fetches the sample encoder"
    );
}

#[test]
fn an_override_that_makes_no_sense_is_refused() {
    let project = Project::small("cpu");
    let check = |assignment: &str, message: &str| {
        let run = project.run(&["status", "--set", assignment]);
        assert_eq!((run.code, run.stderr.trim_end()), (2, message));
    };
    check(
        "train.epoch=5",
        "error: `--set train.epoch=5`: unknown field `epoch`, expected one of `trainable`, `precision`, `pooling`, \
         `dropout`, `batch_normalization`, `class_weights`, `epochs`, `batch_size`, `gradient_accumulation`, \
         `optimizer`, `learning_rate`, `weight_decay`, `schedule`, `warmup`, `gradient_clipping`, `early_stopping`, \
         `seed`\n\nhint: did you mean `epochs`?",
    );
    check(
        "train.epochs",
        "error: `--set train.epochs`: there is no `=`\n\nhint: write it as key=value, such as train.epochs=5",
    );
    check(
        "seed.x=1",
        "error: `--set seed.x=1`: `x` is not within a group of keys",
    );
}

#[test]
fn help_shows_examples_and_exit_codes_and_the_rest_prints_what_it_says() {
    let project = Project::empty();
    let help = project.run(&["--help"]).expect_success().stdout;
    assert!(
        help.contains("Examples:") && help.contains("Exit codes: 0 ok"),
        "{help}"
    );
    let version = project.run(&["--version"]).expect_success().stdout;
    assert_eq!(
        version.trim_end(),
        format!("labelproof {}", env!("CARGO_PKG_VERSION"))
    );
    assert!(
        project
            .run(&["completions", "bash"])
            .expect_success()
            .stdout
            .contains("_labelproof")
    );
    assert_eq!(project.run(&["run", "trian"]).code, 2);
}

#[test]
fn the_committed_pipelines_are_valid() {
    for file in [
        "pipeline.yaml",
        "pipelines/finetune.yaml",
        "pipelines/origin.yaml",
    ] {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../..")
            .join(file);
        let status = Project::empty().run(&[
            "status",
            "--artifacts",
            "none",
            "--config",
            path.to_str().unwrap(),
        ]);
        assert_eq!(status.expect_success().stdout.lines().count(), 7, "{file}");
    }
}

/// The question that the project began with: the answer that its README walks through.
#[test]
fn the_origin_case_is_unsound_and_the_example_shows_what_the_audit_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/origin");
    let run = Command::new(labelproof())
        .args([
            "audit",
            "--quiet",
            "--check",
            "--confusion",
            "confusion.csv",
            "--log",
        ])
        .arg(
            "loss=1.2433,accuracy=0.8024,f1=0.8283,precision=0.8300,recall=0.8286,auc=0.9676,val_loss=1.2148,\
             val_accuracy=0.8300,validation_rows=3500,classes=5",
        )
        .current_dir(&folder)
        .output()
        .unwrap();
    let expected = fs::read_to_string(&folder.join("expected.txt")).unwrap();
    assert_eq!(String::from_utf8_lossy(&run.stdout), expected);
    assert_eq!(run.status.code(), Some(8));
}

#[test]
fn a_command_without_its_other_half_says_what_is_missing() {
    let project = Project::empty();
    let alone = project.path("labelproof");
    fs::copy(labelproof(), &alone).unwrap();
    let version = Command::new(&alone).arg("--version").output().unwrap();
    assert_eq!(version.status.code(), Some(0));
    let run = project.shell("./labelproof predict --bundle model < /dev/null");
    assert_eq!(run.code, 7, "{}", run.stderr);
    assert_eq!(
        run.stderr,
        "error: cannot start `[DIR]/labelproof-torch`\n  caused by: No such file or directory (os error 2)\n\nhint: \
         this command runs a network, which `labelproof-torch` does: build both binaries (`cargo build --bin \
         labelproof --bin labelproof-torch`), and keep them in one folder\n"
    );
}
