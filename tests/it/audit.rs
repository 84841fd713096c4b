//! `labelproof audit` on files and bundles as people have them, and `labelproof suggest`.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use labelproof_artifact::fs;
use serde_json::Value;

use crate::harness::{Project, Run, labelproof};

const CLASSES: [&str; 3] = ["film", "sport", "trade"];

/// 400 rows of which nine in ten are right, as a table with a probability for each class.
fn rows(split: &str, said: impl Fn(usize) -> usize) -> String {
    let mut csv = String::from("id,text,label,predicted,prob_film,prob_sport,prob_trade\n");
    for row in 0..400 {
        let truth = row * 7 % 3;
        let class = said(if row % 10 == 3 { (truth + 1) % 3 } else { truth });
        // Two files of other texts never have the same scores in the same order.
        let step = (row * row + split.len() + usize::from(split == "t") * 5) * 11 % 37;
        let sureness = 0.6 + f64::from(u32::try_from(step).unwrap()) / 100.0;
        let scores: Vec<String> = (0..3)
            .map(|each| {
                let score = if each == class {
                    sureness
                } else {
                    (1.0 - sureness) / 2.0
                };
                format!("{score:.4}")
            })
            .collect();
        writeln!(
            csv,
            "{split}-{row},text {split} {row} of {},{},{},{}",
            row * row,
            CLASSES[truth],
            CLASSES[class],
            scores.join(",")
        )
        .unwrap();
    }
    csv
}

fn findings(run: &Run) -> Vec<Value> {
    let answer: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{}", run.stderr));
    answer["findings"].as_array().unwrap().clone()
}

/// The ids of what was found, in order.
fn found(run: &Run) -> Vec<String> {
    let findings = findings(run);
    let found = findings.iter().filter(|finding| finding["status"] == "found");
    found
        .map(|finding| finding["id"].as_str().unwrap().to_owned())
        .collect()
}

fn finding(run: &Run, id: &str) -> Value {
    let findings = findings(run);
    findings
        .iter()
        .find(|finding| finding["id"] == id)
        .unwrap()
        .clone()
}

#[test]
fn classes_in_another_order_are_named_in_every_form_of_the_answer() {
    let project = Project::empty();
    project.write("val.csv", &rows("v", |class| class));
    project.write("test.csv", &rows("t", |class| (class + 1) % 3));
    let files = ["audit", "--validation", "val.csv", "--test", "test.csv"];
    let text = project.run(&[&files[..], &["--html", "audit.html", "--check"]].concat());
    assert_eq!(text.code, 8, "{}", text.stderr);
    assert!(text.stdout.contains("\n\nverdict: unsound\n"), "{}", text.stdout);
    assert!(
        text.stdout.contains("your label `film` is their label `sport`")
            || text.stdout.contains("Your label `film`"),
        "{}",
        text.stdout
    );
    assert!(project.read("audit.html").contains("C10"));

    let json = project.run(&[&files[..], &["--json"]].concat()).expect_success();
    assert_eq!(found(&json)[0], "C10");
    let renamed = &finding(&json, "C10")["evidence"]["renamed"];
    assert_eq!(renamed[0]["label"], "film");
    assert_eq!(renamed[0]["predicted_as"], "sport");
    // What cannot be checked says what would allow it.
    let missing = finding(&json, "C40");
    assert_eq!(missing["status"], "clear", "{missing}");
    assert_eq!(finding(&json, "C56")["status"], "not_checked");
    assert!(!finding(&json, "C56")["missing"].as_array().unwrap().is_empty());
}

#[test]
fn rows_in_order_are_sound() {
    let project = Project::empty();
    project.write("val.csv", &rows("v", |class| class));
    project.write("test.csv", &rows("t", |class| class));
    let run = project.run(&[
        "audit",
        "--validation",
        "val.csv",
        "--test",
        "test.csv",
        "--check",
    ]);
    assert_eq!(run.code, 0, "{}", run.stdout);
    assert!(run.stdout.contains("\n\nverdict: sound\n"), "{}", run.stdout);
}

/// What scikit-learn writes for labels of which some end with a space.
#[test]
fn a_class_with_two_spellings_is_found_with_the_matrix_that_shows_it() {
    let project = Project::empty();
    let spaced = rows("t", |class| class).replace(",film,", ",film ,");
    // Only the true labels have the space: the predicted ones stand after them.
    let spaced = spaced.replace(",film ,film ,", ",film ,film,");
    project.write("test.csv", &spaced);
    project.write(
        "matrix.csv",
        ",film,film ,sport,trade\nfilm,0,0,0,0\nfilm ,120,0,14,0\nsport,0,0,120,13\ntrade,13,0,0,120\n",
    );
    let run = project
        .run(&[
            "audit",
            "--test",
            "test.csv",
            "--confusion",
            "matrix.csv",
            "--json",
        ])
        .expect_success();
    assert_eq!(found(&run)[0], "C16", "{:?}", found(&run));
    let spellings = finding(&run, "C16")["evidence"]["spellings"].to_string();
    assert!(spellings.contains("`film` and `film `"), "{spellings}");
}

/// What only people who look for their mistake see: file, place, and what to do.
#[test]
fn files_that_cannot_be_audited_say_why() {
    let project = Project::empty();
    project.write("no_label.csv", "id,text\n1,a\n2,b\n");
    project.write("empty.csv", "");
    project.write("matrix.csv", ",a,b\na,1,x\nb,0,1\n");
    let check = |arguments: &[&str], code: i32, words: &[&str]| {
        let run = project.run(&[&["audit"], arguments].concat());
        assert_eq!(run.code, code, "{}", run.stderr);
        // What was read is said in the answer, wrapped; why nothing could be read, beside it.
        let said = format!("{}{}", run.stdout, run.stderr)
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        for word in words {
            assert!(said.contains(word), "{arguments:?}: {said}");
        }
    };
    check(&[], 2, &["nothing to audit", "--validation", "--bundle"]);
    check(&["--test", "absent.csv"], 3, &["absent.csv"]);
    check(&["--test", "empty.csv"], 3, &["empty.csv"]);
    check(
        &["--test", "no_label.csv"],
        0,
        &["No column of true labels among `id`, `text`; name it with --label"],
    );
    check(&["--confusion", "matrix.csv"], 3, &["matrix.csv", "`x`"]);
    check(&["--bundle", "absent"], 6, &["`absent` is no bundle", "model"]);
}

/// A bundle as training leaves it, and what becomes of it in other hands.
#[test]
fn a_bundle_that_was_tampered_with_is_found_by_its_canaries() {
    let project = Project::small("flex");
    project.run(&["run", "train"]).expect_success();
    let folder = project.path("artifacts/train/model");
    let audit = || {
        project
            .run(&[
                "audit",
                "--bundle",
                "artifacts/train/model",
                "--device",
                "flex",
                "--json",
            ])
            .expect_success()
    };
    let clean = audit();
    assert_eq!(found(&clean), Vec::<String>::new());
    for id in ["C20", "C23", "C30", "C34"] {
        assert_eq!(finding(&clean, id)["status"], "clear", "{id}");
    }

    // Two words exchange their numbers.
    let tokenizer = project.read("artifacts/train/model/tokenizer.json");
    let number = |word: &str| {
        let rest = tokenizer.split(&format!("\"{word}\":")).nth(1).unwrap();
        let digits: String = rest
            .trim_start()
            .chars()
            .take_while(char::is_ascii_digit)
            .collect();
        digits
    };
    let (goal, bank) = (number("goal"), number("bank"));
    let swapped = tokenizer
        .replacen(&format!("\"goal\": {goal}"), &format!("\"goal\": {bank}"), 1)
        .replacen(&format!("\"goal\":{goal}"), &format!("\"goal\":{bank}"), 1)
        .replacen(&format!("\"bank\": {bank}"), &format!("\"bank\": {goal}"), 1)
        .replacen(&format!("\"bank\":{bank}"), &format!("\"bank\":{goal}"), 1);
    assert_ne!(swapped, tokenizer);
    project.write("artifacts/train/model/tokenizer.json", &swapped);
    assert_eq!(found(&audit())[0], "C30");
    project.write("artifacts/train/model/tokenizer.json", &tokenizer);

    // The head's weights are those of another initialisation: the bytes of its tensor, back to front by fours.
    let path = folder.join("model.safetensors");
    let mut bytes = labelproof_artifact::fs::read(&path).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let weights = file.tensor("classifier.weight").unwrap().data();
    let reversed: Vec<u8> = weights.chunks(4).rev().flatten().copied().collect();
    let start = weights.as_ptr() as usize - bytes.as_ptr() as usize;
    bytes[start..start + reversed.len()].copy_from_slice(&reversed);
    labelproof_artifact::fs::write_atomic(&path, &bytes).unwrap();
    let reset = audit();
    assert_eq!(found(&reset)[0], "C20");
    let difference = finding(&reset, "C20")["statistic"]["value"].as_f64().unwrap();
    assert!(difference > 0.01, "{difference}");
}

/// The pipeline is run as it is and without the words that every label uses, and the YAML can be pasted.
#[test]
fn suggested_stop_words_are_proved_by_a_run_without_them() {
    let project = Project::small("flex");
    let run = project
        .run(&["suggest", "stop-words", "--quiet"])
        .expect_success();
    assert!(run.stdout.contains("# this model: of "), "{}", run.stdout);
    assert!(run.stdout.contains("recommended: "), "{}", run.stdout);
    let yaml: Value = serde_yaml::from_str(&run.stdout).unwrap();
    let steps = yaml["preprocess"]["clean"].as_array().unwrap();
    let words = steps.last().unwrap()["stop_words"]["add"].as_array().unwrap();
    assert!(words.iter().any(|word| word == "people"), "{words:?}");
    assert!(words.iter().all(|word| word != "goal"), "{words:?}");
    // What was pasted is a valid pipeline.
    let mut pipeline: Value = serde_yaml::from_str(&project.read("pipeline.yaml")).unwrap();
    pipeline["preprocess"]["clean"] = yaml["preprocess"]["clean"].clone();
    project.write("pipeline.yaml", &serde_yaml::to_string(&pipeline).unwrap());
    project.run(&["status"]).expect_success();
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
