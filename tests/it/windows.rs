//! Texts that are longer than an encoder reads at once.

use std::fmt::Write;

use serde_json::Value;

use crate::harness::Project;

/// A small project whose texts begin with words that say nothing, more than fit into a window.
fn long_texts() -> Project {
    let project = Project::small("cpu");
    let before = "the of a in ".repeat(8);
    let mut long = String::new();
    for (number, line) in project.read("texts.csv").lines().enumerate() {
        let (id, rest) = line.split_once(',').unwrap();
        let before = if number == 0 { "" } else { &before };
        writeln!(long, "{id},{before}{rest}").unwrap();
    }
    project.write("texts.csv", &long);
    project
}

fn json(project: &Project, path: &str) -> Value {
    serde_json::from_str(&project.read(path)).unwrap()
}

fn accuracy(project: &Project, artifacts: &str) -> f64 {
    json(project, &format!("{artifacts}/evaluate/metrics.json"))["splits"]["test"]["accuracy"]["value"]
        .as_f64()
        .unwrap()
}

const WINDOWS: [&str; 4] = [
    "--set",
    "preprocess.max_tokens=120",
    "--set",
    "preprocess.windows={tokens: 24, overlap: 6, pooling: mean}",
];

#[test]
fn windows_read_what_is_cut_off_without_them() {
    let project = long_texts();
    let cut = [
        "run",
        "evaluate",
        "--artifacts",
        "cut",
        "--set",
        "preprocess.max_tokens=24",
    ];
    project.run(&cut).expect_success();
    let mut arguments = vec!["run"];
    arguments.extend(WINDOWS);
    project.run(&arguments).expect_success();
    let (cut, whole) = (accuracy(&project, "cut"), accuracy(&project, "artifacts"));
    assert!(cut < 0.6 && whole > 0.65 && whole > cut + 0.1, "{cut} {whole}");

    let bundle = json(&project, "artifacts/train/model/labelproof.json");
    assert_eq!(
        bundle["windows"],
        serde_json::json!({"tokens": 24, "overlap": 6, "pooling": "mean"})
    );
    assert!(
        json(&project, "cut/train/model/labelproof.json")
            .get("windows")
            .is_none()
    );
    let texts = project.read("texts.csv");
    let arguments = [
        "predict",
        "--bundle",
        "artifacts/train/model",
        "--input",
        "texts.csv",
    ];
    let predicted = project.command(&arguments, &texts).expect_success().stdout;
    assert_eq!(
        predicted.lines().count(),
        texts.lines().count(),
        "a header and every text"
    );

    // Other windows are other features of the same tokens.
    let mut other = vec!["run", "train", "--set", "preprocess.max_tokens=120", "--set"];
    other.push("preprocess.windows={tokens: 24, overlap: 6, pooling: max}");
    let run = project.run(&other).expect_success();
    assert!(!run.stderr.contains("taken from the cache"), "{}", run.stderr);
}

#[test]
fn the_whole_encoder_is_trained_in_windows_to_the_same_bytes_each_time() {
    let digest = || {
        let project = long_texts();
        let mut arguments = vec!["run", "train"];
        arguments.extend(WINDOWS);
        arguments.extend(["--set", "train.trainable=all", "--set", "train.epochs=2"]);
        project.run(&arguments).expect_success();
        json(&project, "artifacts/train/stage.lock.json")["outputs"].clone()
    };
    assert_eq!(digest(), digest());
}
