//! What an invalid configuration is answered with: each message as a whole, and the exit code.

use crate::harness::{Project, write_tiny_encoder};

const CONFIGURATION: &str = "\
encoder: encoder
ingest:
  format: csv
  paths: [texts.csv]
  columns: { text: text, label: label }
";

/// Runs `labelproof run split` with some configuration, and expects a message and an exit code.
#[track_caller]
fn check(configuration: &str, code: i32, message: &str) {
    let project = Project::empty();
    project.write("texts.csv", "text,label\nhello,a\nworld,b\n");
    project.write("pipeline.yaml", configuration);
    write_tiny_encoder(&project.path("encoder"));
    let run = project.run(&["run", "split", "--quiet"]);
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
    let run = project.run(&["run", "split", "--quiet", "--set", "encoder=elsewhere"]);
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
