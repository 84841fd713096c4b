//! The console logs of `tests/fixtures/console`: trainings with one classic mistake each are found, and the same
//! trainings without it pass.

use serde_json::Value;

use crate::harness::Project;

/// Each mistake, and the causes of which at least one has to be found above a note. What a log alone shows of a
/// mistake is often only that the training failed, and seldom why.
const MISTAKES: &[(&str, &[&str])] = &[
    ("keras-all-frozen", &["C26"]),
    ("keras-binary-accuracy-of-ten", &["C2", "C3", "C26"]),
    ("keras-dying-relu", &["C26"]),
    ("keras-exact-match-accuracy", &["C2", "C3", "C18"]),
    ("keras-missing-value", &["C26"]),
    ("keras-no-normalisation", &["C26"]),
    ("keras-overfitting", &["C57"]),
    ("keras-rate-explodes", &["C26"]),
    ("keras-rate-too-high", &["C26"]),
    ("keras-softmax-from-logits", &["C1", "C3"]),
    ("keras-softmax-of-one-unit", &["C26"]),
    ("keras-sorted-validation-split", &["C44", "C57"]),
    ("torch-dropout-too-high", &["C26"]),
    ("torch-gradients-never-zeroed", &["C26"]),
    ("torch-labels-shuffled", &["C57", "C26"]),
    ("torch-log-of-zero", &["C26"]),
    ("torch-mean-of-batches", &["C4", "C18"]),
    ("torch-nll-without-log", &["C3"]),
    ("torch-optimiser-of-another-model", &["C26"]),
    ("trainer-rate-too-high", &["C26"]),
    ("trainer-rate-zero", &["C26"]),
];

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/console");

/// What the audit says of one log.
fn audited(name: &str) -> Value {
    let project = Project::empty();
    let log = format!("{FOLDER}/{name}.log");
    let run = project.run(&["audit", "--log", &log, "--json"]).expect_success();
    serde_json::from_str(&run.stdout).unwrap()
}

/// The causes that are found with more than a note, by their numbers.
fn found(answer: &Value) -> Vec<&str> {
    let findings = answer["findings"].as_array().unwrap();
    findings
        .iter()
        .filter(|finding| finding["status"] == "found" && finding["severity"] != "note")
        .filter_map(|finding| finding["id"].as_str())
        .collect()
}

#[test]
fn broken_trainings_are_found_in_their_console_logs() {
    let mut missed = Vec::new();
    for (name, causes) in MISTAKES {
        let answer = audited(&format!("{name}-broken"));
        let found = found(&answer);
        if !found.iter().any(|cause| causes.contains(cause)) {
            missed.push(format!(
                "{name}: {} {found:?}, not one of {causes:?}",
                answer["verdict"]
            ));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn repaired_trainings_pass_in_their_console_logs() {
    let mut alarms = Vec::new();
    for (name, _) in MISTAKES {
        let answer = audited(&format!("{name}-repaired"));
        let found = found(&answer);
        // A log alone is too little to call its figures sound.
        if answer["verdict"] != "not_examined" && answer["verdict"] != "sound" || !found.is_empty() {
            alarms.push(format!("{name}: {} {found:?}", answer["verdict"]));
        }
    }
    assert!(alarms.is_empty(), "{}", alarms.join("\n"));
}
