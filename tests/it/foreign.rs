//! `labelproof evaluate` and `labelproof audit --bundle` with a classifier that transformers wrote.

use std::fmt::Write;
use std::path::Path;

use labelproof_artifact::fs;
use serde_json::Value;

use crate::harness::Project;

/// The files of the classifier: ModernBERT of random weights, with the labels `sport`, `world` and `business`.
const FILES: [&str; 4] = [
    "config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
];
const ROWS: usize = 300;

/// A project with a classifier in the folder `classifier`, and with `test.csv`, in which the label of each row is
/// what the classifier predicts.
fn project() -> Project {
    let project = Project::small("cpu");
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/heads/modernbert-mean");
    fs::create_dir_all(&project.path("classifier")).unwrap();
    for file in FILES {
        fs::copy(&fixture.join(file), &project.path("classifier").join(file)).unwrap();
    }
    let mut texts = String::from("id,text\n");
    for row in 0..ROWS {
        let words: Vec<String> = (0..4 + row % 9)
            .map(|place| format!("w{}", 4 + (row * row * 7 + place * (3 + row % 5)) % 26))
            .collect();
        writeln!(texts, "r{row},{}", words.join(" ")).unwrap();
    }
    project.write("texts.csv", &texts);
    let predicted = project
        .run(&[
            "predict",
            "--bundle",
            "classifier",
            "--input",
            "texts.csv",
            "--id",
            "id",
        ])
        .expect_success();
    let mut labelled = String::from("id,text,label\n");
    for (text, predicted) in texts.lines().zip(predicted.stdout.lines()).skip(1) {
        let label = predicted.split(',').nth(1).unwrap();
        writeln!(labelled, "{text},{label}").unwrap();
    }
    for label in ["sport", "world", "business"] {
        let rows = labelled.matches(&format!(",{label}\n")).count();
        assert!(rows >= 20, "{label} is predicted {rows} times");
    }
    project.write("test.csv", &labelled);
    project
}

/// Gives the classifier's outputs other names.
fn rename(project: &Project, labels: [&str; 3]) {
    let mut config: Value = serde_json::from_str(&project.read("classifier/config.json")).unwrap();
    for (number, label) in labels.iter().enumerate() {
        config["id2label"][number.to_string()] = (*label).into();
    }
    project.write("classifier/config.json", &config.to_string());
}

fn accuracy(project: &Project) -> f64 {
    let evaluated = project
        .run(&[
            "evaluate",
            "--model",
            "classifier",
            "--test",
            "test.csv",
            "--json",
        ])
        .expect_success();
    let figures: Value = serde_json::from_str(&evaluated.stdout).unwrap();
    assert_eq!(figures["rows"], ROWS);
    figures["accuracy"]["value"].as_f64().unwrap()
}

fn audit(project: &Project) -> Value {
    let audited = project
        .run(&["audit", "--bundle", "classifier", "--test", "test.csv", "--json"])
        .expect_success();
    serde_json::from_str(&audited.stdout).unwrap()
}

#[test]
fn a_classifier_with_its_labels_in_another_order_is_found() {
    let project = project();
    assert!(accuracy(&project) > 0.999);
    let sound = audit(&project);
    assert_eq!(sound["verdict"], "sound", "{}", sound["headline"]);

    rename(&project, ["world", "business", "sport"]);
    assert!(accuracy(&project) < 0.1);
    let permuted = audit(&project);
    assert_eq!(permuted["verdict"], "unsound");
    assert_eq!(permuted["findings"][0]["id"], "C10", "{}", permuted["headline"]);

    // Without names the numbers of the outputs are places in a list that is not the alphabet: the one that fits is
    // found and said.
    rename(&project, ["LABEL_0", "LABEL_1", "LABEL_2"]);
    let numbered = audit(&project);
    assert_eq!(numbered["verdict"], "caution", "{}", numbered["headline"]);
    assert_eq!(numbered["findings"][0]["id"], "C10", "{}", numbered["headline"]);
    let order = serde_json::json!(["sport", "world", "business"]);
    assert_eq!(numbered["findings"][0]["evidence"]["order"], order);
}

#[test]
fn the_rows_of_an_evaluation_can_be_audited() {
    let project = project();
    let run = project
        .run(&[
            "evaluate",
            "--model",
            "classifier",
            "--test",
            "test.csv",
            "--output",
            "predictions.csv",
        ])
        .expect_success();
    assert!(
        run.stdout.starts_with(
            "model      labels in the order of its logits: sport, world, business; reads up to 80 tokens\n\
             rows       300 rows\n\
             accuracy   100.0 % (95 % interval 98.7 % – 100.0 %)\n\
             macro F1   100.0 %\n"
        ),
        "{}",
        run.stdout
    );
    let written = project.read("predictions.csv");
    let header = "id,text,label,predicted,probability_sport,probability_world,probability_business";
    assert_eq!(written.lines().next(), Some(header));
    assert_eq!(written.lines().count(), ROWS + 1);
    let audited = project
        .run(&["audit", "--test", "predictions.csv", "--json"])
        .expect_success();
    let audited: Value = serde_json::from_str(&audited.stdout).unwrap();
    assert_eq!(audited["verdict"], "sound");
}

#[test]
fn a_classifier_without_its_head_is_named() {
    let project = project();
    let path = project.path("classifier").join("model.safetensors");
    let bytes = fs::read(&path).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let encoder = file
        .tensors()
        .into_iter()
        .filter(|(name, _)| name.starts_with("model."));
    let encoder = safetensors::serialize(encoder, None).unwrap();
    fs::write_atomic(&path, &encoder).unwrap();

    let run = project.run(&["evaluate", "--model", "classifier", "--test", "test.csv"]);
    insta::assert_snapshot!(run.expect_message(), @r"
    exit code 6
    error: `classifier` has no classification head: its weights lack `head.dense.weight`, `head.dense.bias`, `head.norm.weight`, `head.norm.bias`, `classifier.weight`, `classifier.bias`. transformers would put random numbers there

    hint: save the classifier after training, and not its encoder: `trainer.save_model(folder)`, or `model.save_pretrained(folder)` of the AutoModelForSequenceClassification
    ");
    let audited = audit(&project);
    assert_eq!(audited["verdict"], "unsound");
    assert_eq!(audited["findings"][0]["id"], "C20", "{}", audited["headline"]);
}

#[test]
fn rows_that_cannot_be_evaluated_are_named() {
    let project = project();
    project.write("unlabelled.csv", "id,text\n1,w4 w5\n2,w6 w7\n");
    let run = project.run(&["evaluate", "--model", "classifier", "--test", "unlabelled.csv"]);
    insta::assert_snapshot!(run.expect_message(), @r"
    exit code 3
    error: `unlabelled.csv` has no true labels

    hint: name the columns with --text and --label
    ");
    project.write("textless.csv", "id,label\n1,sport\n2,world\n");
    let run = project.run(&["evaluate", "--model", "classifier", "--test", "textless.csv"]);
    insta::assert_snapshot!(run.expect_message(), @r"
    exit code 3
    error: `textless.csv` has no texts

    hint: name the columns with --text and --label
    ");
}

/// The folders of `tests/fixtures/heads`.
const FAMILIES: [&str; 12] = [
    "albert",
    "bert",
    "deberta-v2",
    "deberta-v3",
    "distilbert",
    "electra",
    "modernbert",
    "modernbert-biased",
    "modernbert-mean",
    "mpnet",
    "roberta",
    "xlm-roberta",
];

/// The Python that has ONNX Runtime, which `make test-onnx` installs.
fn onnx_python() -> Option<String> {
    let python = std::env::var("LABELPROOF_ONNX_PYTHON").ok();
    if python.is_none() {
        eprintln!("skipped: LABELPROOF_ONNX_PYTHON names no Python with onnxruntime");
    }
    python
}

#[test]
fn onnx_runtime_computes_the_logits_of_every_family() {
    let Some(python) = onnx_python() else { return };
    let project = Project::empty();
    for family in FAMILIES {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../tests/fixtures/heads")
            .join(family);
        let folder = folder.to_str().unwrap();
        let run = project
            .run(&[
                "export",
                "--bundle",
                folder,
                "--onnx",
                "model.onnx",
                "--python",
                &python,
            ])
            .expect_success();
        assert!(
            run.stderr.contains("ONNX Runtime gives the bundle's logits"),
            "{family}: {}",
            run.stderr
        );
    }
}

#[test]
fn onnx_runtime_computes_the_logits_of_pooling_and_batch_normalisation() {
    let Some(python) = onnx_python() else { return };
    for more in [
        ["train.pooling=max", "train.batch_normalization=trained"],
        ["train.pooling=mean", "train.batch_normalization=frozen"],
        ["train.pooling=cls", "train.head=family"],
    ] {
        let project = Project::small("cpu");
        let [pooling, other] = more;
        project
            .run(&["run", "train", "--set", pooling, "--set", other])
            .expect_success();
        project
            .run(&[
                "export",
                "--bundle",
                "artifacts/train/model",
                "--onnx",
                "model.onnx",
                "--python",
                &python,
            ])
            .expect_success();
        assert!(project.path("model.onnx").exists());
    }
}

#[test]
fn a_graph_that_is_not_checked_is_not_kept_unless_that_is_asked_for() {
    let project = project();
    let export = |more: &[&str]| {
        let arguments = ["export", "--bundle", "classifier", "--onnx", "model.onnx"];
        project.run(&[&arguments[..], more].concat())
    };
    insta::assert_snapshot!(export(&["--python", "no-such-python"]).expect_message(), @r"
    exit code 2
    error: cannot run `no-such-python` to check the graph
      caused by: No such file or directory (os error 2)

    hint: install the packages onnxruntime and numpy with pip, name their Python with --python, or keep the file without a check with --unchecked
    ");
    // A command that says nothing of logits.
    insta::assert_snapshot!(export(&["--python", "true"]).expect_message(), @r"
    exit code 6
    error: ONNX Runtime cannot run the graph: it says nothing

    hint: nothing was written; the graph takes ONNX Runtime 1.12 or newer, and memory for the model; if both are there, this is a bug to report
    ");
    assert!(!project.path("model.onnx").exists());
    export(&["--unchecked"]).expect_success();
    let graph = fs::read(&project.path("model.onnx")).unwrap();
    for name in [
        "input_ids",
        "attention_mask",
        "logits",
        "LayerNormalization",
        "labels",
    ] {
        assert!(
            graph.windows(name.len()).any(|window| window == name.as_bytes()),
            "{name}"
        );
    }
}

/// The adapter says where its base is.
#[test]
fn an_adapter_of_a_classifier_predicts() {
    let project = Project::empty();
    project.write("texts.csv", "id,text\n1,w4 w5 w6\n2,w20 w21\n");
    let adapter = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/classifier-adapter");
    let run = project
        .run(&[
            "predict",
            "--bundle",
            adapter.to_str().unwrap(),
            "--input",
            "texts.csv",
            "--id",
            "id",
        ])
        .expect_success();
    let header = "id,label,probability,probability of sport,probability of world,probability of business";
    assert_eq!(run.stdout.lines().next(), Some(header));
    assert_eq!(run.stdout.lines().count(), 3);
}
