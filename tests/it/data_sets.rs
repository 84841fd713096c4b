//! Real data sets with the sample encoder. The data are not ours to commit: where they are not there, the
//! tests say so.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::harness::Project;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Runs a pipeline of `tests/pipelines/` on a data set, or says that the data set is absent.
fn run(pipeline: &str, data_set: &str) -> Option<Value> {
    let data = root().join("../shared/data").join(data_set);
    if !data.exists() {
        eprintln!("skipped: `{}` is not there", data.display());
        return None;
    }
    let project = Project::empty();
    let config = root().join("tests/pipelines").join(pipeline);
    let encoder = root().join("external/encoders/all-minilm-l6-v2");
    let arguments = [
        "run",
        "--config",
        config.to_str().unwrap(),
        "--artifacts",
        "artifacts",
        "--set",
        &format!("encoder={}", encoder.display()),
        "--set",
        &format!("ingest.paths=[{}]", data.display()),
    ];
    project.run(&arguments).expect_success();
    Some(serde_json::from_str(&project.read("artifacts/evaluate/metrics.json")).unwrap())
}

fn accuracy(metrics: &Value) -> f64 {
    metrics["splits"]["test"]["accuracy"]["value"].as_f64().unwrap()
}

#[test]
fn ag_news_is_classified() {
    if let Some(metrics) = run("ag_news.yaml", "ag_news_test.csv") {
        assert_eq!(
            metrics["splits"]["test"]["per_class"].as_array().unwrap().len(),
            4
        );
        assert!(accuracy(&metrics) > 0.80, "{}", accuracy(&metrics));
    }
}

#[test]
fn trec_is_classified_on_its_own_split() {
    if let Some(metrics) = run("trec.yaml", "trec6.csv") {
        assert_eq!(
            metrics["splits"]["test"]["rows"], 500,
            "the test part is the data set's own"
        );
        assert!(accuracy(&metrics) > 0.75, "{}", accuracy(&metrics));
    }
}
