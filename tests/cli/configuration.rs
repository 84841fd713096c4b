//! What an invalid configuration is answered with: each message as a whole, and the exit code.

use insta::assert_snapshot;

use crate::harness::{Project, Run, write_tiny_encoder};

const CONFIGURATION: &str = "\
encoder: encoder
ingest:
  format: csv
  paths: [texts.csv]
  columns: { text: text, label: label }
";

/// The message of `labelproof run split` about a configuration.
#[track_caller]
fn answer(configuration: &str) -> String {
    let project = Project::empty();
    project.write("texts.csv", "text,label\nhello,a\nworld,b\n");
    project.write("pipeline.yaml", configuration);
    write_tiny_encoder(&project.path("encoder"));
    project.run(&["run", "split", "--quiet"]).expect_message()
}

#[test]
fn an_unknown_key_is_shown_where_it_stands_with_the_nearest_one() {
    assert_snapshot!(answer(&format!("{CONFIGURATION}trian:\n  epochs: 3\n")), @r#"
        exit code 2
        error: pipeline.yaml:6:1: unknown field `trian`, expected one of `seed`, `encoder`, `device`, `artifacts`, `ingest`, `preprocess`, `split`, `train`, `evaluate`, `audit`, `report`
          | trian:

        hint: did you mean `train`?
    "#);
}

#[test]
fn a_value_of_the_wrong_kind_is_shown_where_it_stands() {
    assert_snapshot!(answer(&format!("{CONFIGURATION}train:\n  trainable: some\n")), @r#"
        exit code 2
        error: pipeline.yaml:7:14: train.trainable: invalid value: string "some", expected `none`, `all` or `last: <number of layers>`
          |   trainable: some
    "#);
}

#[test]
fn values_out_of_range_are_named_all_at_once() {
    let rows = "split: { test: 0.9, validation: 0.2 }";
    let training = "train: { epochs: 0, dropout: 1.5, folds: 1, repeats: 21 }";
    assert_snapshot!(answer(&format!("{CONFIGURATION}{training}
{rows}
evaluate: {{ decisions: {{ precisions: [0.9, 1], coverages: [0], conformal_levels: [1.5] }} }}
device: gpu
")), @r#"
        exit code 2
        error: `pipeline.yaml` cannot be run:
          split.test: 0.9 and split.validation: 0.2 leave nothing to train on; their sum must be below 1
          train.dropout: must be at least 0 and below 1, got 1.5
          train.epochs: must be at least 1, got 0
          train.folds: must be 2 to 20, got 1
          train.repeats: must be 2 to 20, got 21
          evaluate.decisions.precisions: must be between 0 and 1, got 1
          evaluate.decisions.coverages: must be above 0 and at most 1, got 0
          evaluate.decisions.conformal_levels: must be between 0 and 1, got 1.5
          device: unknown device `gpu`; use auto, cpu, cuda, cuda:<number>, mps or flex
    "#);
}

#[test]
fn settings_that_exclude_each_other_are_named() {
    let training = "train: { sampling: balanced, class_weights: balanced, layer_learning_rate_decay: 0.9 }";
    assert_snapshot!(answer(&format!("{CONFIGURATION}{training}\n")), @r"
    exit code 2
    error: `pipeline.yaml` cannot be run:
      train.layer_learning_rate_decay: must be absent with `trainable: none`, where no layer is trained, got 0.9
      train.sampling: must be absent with `class_weights: balanced`, which corrects for rare classes already, got balanced
    ");
}

#[test]
fn a_missing_source_and_a_missing_column_are_named() {
    assert_snapshot!(answer(&CONFIGURATION.replace("texts.csv", "text.csv")), @r#"
        exit code 3
        error: stage `ingest` failed
          caused by: `ingest.paths` names `text.csv`, which does not exist

        hint: paths are relative to the folder of `pipeline.yaml`
    "#);
    assert_snapshot!(answer(&CONFIGURATION.replace("text: text", "text: body")), @r#"
        exit code 3
        error: stage `ingest` failed
          caused by: texts.csv:1: no column is called `body`, which `ingest.columns.text` names; there are: `text`, `label`
    "#);
}

#[test]
fn a_missing_configuration_and_a_missing_encoder_say_what_to_do() {
    assert_snapshot!(Project::empty().run(&["run"]).expect_message(), @r#"
        exit code 2
        error: the configuration cannot be read
          caused by: cannot read `pipeline.yaml`
          caused by: No such file or directory (os error 2)

        hint: name another file with `--config FILE`
    "#);
    let project = Project::small("cpu");
    let arguments = ["run", "split", "--quiet", "--set", "encoder=./elsewhere"];
    assert_snapshot!(project.run(&arguments).expect_message(), @r#"
        exit code 6
        error: `elsewhere` is not the folder of an encoder: it has no `config.json`

        hint: `encoder` in `pipeline.yaml` must name a folder in the layout of Hugging Face: config.json, the weights (model.safetensors or pytorch_model.bin) and the tokenizer (tokenizer.json or its vocabulary), or a model of the Hugging Face Hub, owner/name; `make setup` fetches the sample encoder
    "#);
}

/// Runs the data stages with an encoder, and with a cache of the Hub in the project.
fn run_with(project: &Project, encoder: &str) -> Run {
    project.shell(&format!(
        "unset HF_HUB_OFFLINE
         HF_HUB_CACHE=\"$PWD/hub\" \"$LABELPROOF\" run split --quiet --set encoder={encoder}"
    ))
}

const COMMIT: &str = "86b5e0934494bd15c9632b12f734a8a67f723594";

#[test]
fn a_model_in_the_cache_of_the_hub_needs_no_network() {
    let project = Project::small("flex");
    // As Python's huggingface_hub leaves it.
    project
        .shell(&format!(
            "mkdir -p hub/models--owner--name/refs hub/models--owner--name/blobs
             cd hub/models--owner--name; printf {COMMIT} > refs/main
             mkdir -p snapshots/{COMMIT}; cd snapshots/{COMMIT}
             for file in config.json model.safetensors tokenizer.json; do
                 cp ../../../../encoder/$file ../../blobs/of-$file; ln -s ../../blobs/of-$file $file
             done"
        ))
        .expect_success();
    for name in ["owner/name", &format!("owner/name@{COMMIT}")] {
        run_with(&project, name).expect_success();
        let lock = project.read("artifacts/preprocess/stage.lock.json");
        assert!(
            lock.contains(&format!("\"encoder\": \"owner/name@{COMMIT}\"")),
            "{lock}"
        );
    }

    // A folder of that name is what is meant.
    project
        .shell("mkdir owner; cp -r encoder owner/name")
        .expect_success();
    project.shell("rm -r hub artifacts").expect_success();
    run_with(&project, "owner/name").expect_success();
    let lock = project.read("artifacts/preprocess/stage.lock.json");
    assert!(!lock.contains("owner/name"), "{lock}");
}

#[test]
fn an_adapter_in_the_cache_of_the_hub_brings_its_encoder() {
    let project = Project::small("flex");
    let config = r#"{"peft_type": "LORA", "r": 2, "lora_alpha": 8, "base_model_name_or_path": "owner/name"}"#;
    project.write("adapter_config.json", config);
    project
        .shell(&format!(
            "for model in name adapter; do
                 mkdir -p hub/models--owner--$model/refs hub/models--owner--$model/snapshots/{COMMIT}
                 printf {COMMIT} > hub/models--owner--$model/refs/main
             done
             mv adapter_config.json hub/models--owner--adapter/snapshots/{COMMIT}
             touch hub/models--owner--adapter/snapshots/{COMMIT}/adapter_model.bin
             mv encoder/* hub/models--owner--name/snapshots/{COMMIT}"
        ))
        .expect_success();
    run_with(&project, "owner/adapter").expect_success();
    let lock = project.read("artifacts/preprocess/stage.lock.json");
    let both = format!("\"encoder\": \"owner/adapter@{COMMIT} on owner/name@{COMMIT}\"");
    assert!(lock.contains(&both), "{lock}");

    // What the adapter needs is not there: the stages that read an encoder are stale, and no others.
    project.shell("rm -r hub/models--owner--name").expect_success();
    let status = project.shell("HF_HUB_CACHE=hub \"$LABELPROOF\" status --set encoder=owner/adapter");
    assert!(
        status
            .stdout
            .contains("preprocess  stale: the encoder owner/adapter is not fetched yet"),
        "{}",
        status.stdout
    );
}

#[test]
fn a_model_that_the_cache_lacks_makes_its_stages_stale_and_no_others() {
    let project = Project::small("flex");
    run_with(&project, "encoder").expect_success();
    let status = project.shell("HF_HUB_CACHE=hub \"$LABELPROOF\" status --set encoder=owner/name");
    // Behind the first comes how long it took.
    let (ingest, others) = status.stdout.split_once('\n').unwrap();
    assert!(ingest.contains("up to date"), "{ingest}");
    assert_snapshot!(others, @r"
    preprocess  stale: the encoder owner/name is not fetched yet
    split       stale: upstream preprocess is stale
    train       stale: never run
    evaluate    stale: never run
    audit       stale: never run
    report      stale: never run
    ");
}

#[test]
#[expect(clippy::print_stdout, reason = "a test that skips says so")]
fn a_model_that_is_nowhere_on_this_machine_is_told_with_the_ways_out() {
    if cfg!(feature = "remote") {
        println!("skipped: this build fetches it");
        return;
    }
    let project = Project::small("flex");
    assert_snapshot!(run_with(&project, "google-bert/bert-base-uncased").expect_message(), @r"
    exit code 2
    error: `encoder`: there is no folder `google-bert/bert-base-uncased`, and the cache of the Hugging Face Hub, `[DIR]/hub`, has no model of that name; this build of labelproof fetches nothing

    hint: build it with the network: cargo build --release --bin labelproof --bin labelproof-torch --features labelproof-cli/remote
    hint: or have Python fetch it: hf download google-bert/bert-base-uncased
    hint: or name the folder of an encoder
    ");
    assert_snapshot!(run_with(&project, "bert-base-uncased@v1").expect_message(), @r"
    exit code 2
    error: `encoder`: there is no folder `bert-base-uncased@v1`, and the cache of the Hugging Face Hub, `[DIR]/hub`, has no model of that name; this build of labelproof fetches nothing

    hint: build it with the network: cargo build --release --bin labelproof --bin labelproof-torch --features labelproof-cli/remote
    hint: or have Python fetch it: hf download bert-base-uncased --revision v1
    hint: or name the folder of an encoder
    ");
    project.write(
        &format!("hub/models--owner--name/snapshots/{COMMIT}/config.json"),
        "{}",
    );
    assert_snapshot!(run_with(&project, &format!("owner/name@{COMMIT}")).expect_message(), @r"
    exit code 2
    error: `encoder`: there is no folder `owner/name@86b5e0934494bd15c9632b12f734a8a67f723594`, and the model of that name in the cache of the Hugging Face Hub, `[DIR]/hub/models--owner--name/snapshots/86b5e0934494bd15c9632b12f734a8a67f723594`, lacks `tokenizer.json`; this build of labelproof fetches nothing

    hint: build it with the network: cargo build --release --bin labelproof --bin labelproof-torch --features labelproof-cli/remote
    hint: or have Python fetch it: hf download owner/name --revision 86b5e0934494bd15c9632b12f734a8a67f723594
    hint: or name the folder of an encoder
    ");
}

#[test]
fn an_override_that_makes_no_sense_is_refused() {
    let project = Project::small("cpu");
    let answer = |assignment: &str| project.run(&["status", "--set", assignment]).expect_message();
    assert_snapshot!(answer("train.epoch=5"), @r#"
        exit code 2
        error: `--set train.epoch=5`: unknown field `epoch`, expected one of `trainable`, `lora`, `precision`, `pooling`, `head`, `dropout`, `batch_normalization`, `class_weights`, `label_smoothing`, `focal_gamma`, `sampling`, `epochs`, `batch_size`, `gradient_accumulation`, `optimizer`, `learning_rate`, `head_learning_rate`, `layer_learning_rate_decay`, `weight_decay`, `schedule`, `warmup`, `gradient_clipping`, `early_stopping`, `folds`, `repeats`, `seed`

        hint: did you mean `epochs`?
    "#);
    assert_snapshot!(answer("train.epochs"), @r#"
        exit code 2
        error: `--set train.epochs`: there is no `=`

        hint: write it as key=value, such as train.epochs=5
    "#);
    assert_snapshot!(answer("seed.x=1"), @r#"
        exit code 2
        error: `--set seed.x=1`: `x` is not within a group of keys
    "#);
}

#[test]
fn the_committed_pipelines_are_valid() {
    for file in [
        "pipeline.yaml",
        "pipelines/finetune.yaml",
        "pipelines/origin.yaml",
        "pipelines/recipes/albert.yaml",
        "pipelines/recipes/bert.yaml",
        "pipelines/recipes/deberta-v3.yaml",
        "pipelines/recipes/distilbert.yaml",
        "pipelines/recipes/electra.yaml",
        "pipelines/recipes/modernbert.yaml",
        "pipelines/recipes/mpnet.yaml",
        "pipelines/recipes/roberta.yaml",
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
