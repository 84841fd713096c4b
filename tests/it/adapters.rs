//! LoRA adapters: those that are trained here, and those that are merged into an encoder before training.

use std::path::Path;

use labelproof_artifact::fs;
use safetensors::SafeTensors;
use serde_json::Value;

use crate::harness::Project;

/// A training of adapters of all dense layers.
const LORA: [&str; 9] = [
    "run",
    "--set",
    "train.lora={rank: 4, targets: [query, key, value, attention_output, intermediate, output]}",
    "--set",
    "train.learning_rate=0.01",
    "--set",
    "train.head_learning_rate=0.05",
    "--set",
    "train.epochs=8",
];

fn json(project: &Project, path: &str) -> Value {
    serde_json::from_str(&project.read(path)).unwrap()
}

fn accuracy(project: &Project) -> f64 {
    json(project, "artifacts/evaluate/metrics.json")["splits"]["test"]["accuracy"]["value"]
        .as_f64()
        .unwrap()
}

/// The tensors of a file by name.
fn tensors(path: &Path) -> Vec<(String, Vec<f32>)> {
    let bytes = fs::read(path).unwrap();
    let parsed = SafeTensors::deserialize(&bytes).unwrap();
    let mut tensors: Vec<(String, Vec<f32>)> = parsed
        .tensors()
        .into_iter()
        .map(|(name, view)| {
            let (values, _) = view.data().as_chunks();
            (
                name,
                values.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect(),
            )
        })
        .collect();
    tensors.sort_by(|one, other| one.0.cmp(&other.0));
    tensors
}

fn assert_near(found: &[(String, Vec<f32>)], expected: &[(String, Vec<f32>)]) {
    assert_eq!(found.len(), expected.len());
    for ((name, found), (other, expected)) in found.iter().zip(expected) {
        assert_eq!(name, other);
        for (found, expected) in found.iter().zip(expected) {
            // The product of the matrices is added up in another order.
            assert!((found - expected).abs() < 1e-5, "{name}: {found}, {expected}");
        }
    }
}

#[test]
fn trained_adapters_are_in_the_weights_of_the_bundle_and_beside_them_as_an_encoder_of_their_own() {
    let project = Project::small("cpu");
    project.run(&LORA).expect_success();
    assert!(accuracy(&project) > 0.7, "{}", accuracy(&project));
    let findings = json(&project, "artifacts/audit/audit.json").to_string();
    assert!(!findings.contains("was to stay as it is"), "{findings}");
    let config = json(&project, "artifacts/train/model/adapter/adapter_config.json");
    assert_eq!((&config["r"], &config["lora_alpha"]), (&4.into(), &16.0.into()));
    assert_eq!(config["target_modules"].as_array().unwrap().len(), 2 * 6);

    // The adapter on the encoder that it was trained from is the encoder of the bundle.
    let text = project.read("artifacts/train/model/adapter/adapter_config.json");
    let named = text.replace(
        "\"base_model_name_or_path\": null",
        "\"base_model_name_or_path\": \"encoder\"",
    );
    project.write("adapter/adapter_config.json", &named);
    project
        .shell("cp artifacts/train/model/adapter/adapter_model.safetensors adapter/")
        .expect_success();
    let again = ["run", "--set", "encoder=adapter", "--artifacts", "again"];
    project.run(&again).expect_success();
    let weights = |folder: &str| {
        let mut tensors = tensors(&project.path(&format!("{folder}/train/model/model.safetensors")));
        tensors.retain(|(name, _)| name.starts_with("bert."));
        tensors
    };
    assert_near(&weights("again"), &weights("artifacts"));
    let lock = project.read("again/train/stage.lock.json");
    for file in [
        "adapter_config.json",
        "adapter_model.safetensors",
        "model.safetensors",
    ] {
        assert!(lock.contains(&format!("\"encoder/{file}\"")), "{lock}");
    }
    let findings = json(&project, "again/audit/audit.json").to_string();
    assert!(!findings.contains("was to stay as it is"), "{findings}");
    assert_eq!(
        project
            .run(&[
                "status",
                "--check",
                "--set",
                "encoder=adapter",
                "--artifacts",
                "again"
            ])
            .code,
        0
    );

    // Another adapter is another encoder.
    project.write("adapter/adapter_config.json", &named.replace("16.0", "8.0"));
    let status = project.run(&["status", "--set", "encoder=adapter", "--artifacts", "again"]);
    assert!(
        status
            .stdout
            .contains("train       stale: encoder/adapter_config.json changed"),
        "{}",
        status.stdout
    );
    assert!(
        status.stdout.contains("preprocess  up to date"),
        "{}",
        status.stdout
    );
}

#[test]
fn layers_above_the_adapters_may_be_trained_whole() {
    let project = Project::small("flex");
    let mut arguments = LORA.to_vec();
    arguments[2] = "train.lora={rank: 2}";
    arguments.extend(["--set", "train.trainable={last: 1}", "--set", "train.epochs=2"]);
    project.run(&arguments).expect_success();
    let config = json(&project, "artifacts/train/model/adapter/adapter_config.json");
    assert_eq!(config["modules_to_save"], serde_json::json!(["encoder.layer.1"]));
    let targets = [
        "encoder.layer.0.attention.self.query",
        "encoder.layer.0.attention.self.value",
    ];
    assert_eq!(config["target_modules"], serde_json::json!(targets));
}

#[test]
fn adapters_without_their_encoder_and_those_of_other_methods_are_refused_in_time() {
    let project = Project::small("flex");
    let answer = |config: &str| {
        project.write("adapter/adapter_config.json", config);
        project.write("adapter/adapter_model.safetensors", "");
        project
            .run(&["run", "split", "--quiet", "--set", "encoder=adapter"])
            .expect_message()
    };
    insta::assert_snapshot!(answer(r#"{"peft_type": "LORA", "lora_alpha": 8, "r": 2}"#), @r"
    exit code 6
    error: `adapter/adapter_config.json` is of an adapter that does not say which encoder it belongs to

    hint: set its `base_model_name_or_path` to the folder of its encoder, or to a model of the Hugging Face Hub, owner/name
    ");
    insta::assert_snapshot!(answer(
        r#"{"peft_type": "LORA", "lora_alpha": 8, "r": 2, "base_model_name_or_path": "/home/somebody/bert"}"#
    ), @r"
    exit code 6
    error: `adapter/adapter_config.json` is of an adapter whose encoder, `/home/somebody/bert`, is not there

    hint: set its `base_model_name_or_path` to the folder of its encoder, or to a model of the Hugging Face Hub, owner/name
    ");
    insta::assert_snapshot!(answer(
        r#"{"peft_type": "LORA", "lora_alpha": 8, "base_model_name_or_path": "encoder", "use_dora": true}"#
    ), @r"
    exit code 6
    error: `adapter/adapter_config.json` is of an adapter that cannot be merged: `use_dora` is true, which makes it another method than LoRA

    hint: merge it in Python, and name the folder of what comes of it: `model.merge_and_unload().save_pretrained(folder)`
    ");
}
