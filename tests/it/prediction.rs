//! `labelproof predict` with the bundle that a run leaves.

use labelproof_artifact::{Artifacts, Prediction, read_table};

use crate::harness::Project;

const BUNDLE: [&str; 3] = ["predict", "--bundle", "artifacts/train/model"];

fn trained() -> Project {
    let project = Project::small("cpu");
    project.run(&["run", "train"]).expect_success();
    project
}

/// `id,label` of each row of a CSV.
fn labels(csv: &str) -> Vec<String> {
    csv.lines()
        .skip(1)
        .map(|line| line.splitn(3, ',').take(2).collect::<Vec<_>>().join(","))
        .collect()
}

#[test]
fn every_way_in_and_out_gives_the_same_labels() {
    let project = trained();
    let texts = [
        "the goal team match coach",
        "bank profit market tax share",
        "camera award actor scene role",
    ];
    let expected = ["1,sport", "2,trade", "3,film"];

    let lines = project.command(&BUNDLE, &texts.join("\n")).expect_success();
    assert_eq!(
        lines.stdout.lines().next().unwrap(),
        "id,label,probability,probability of film,probability of sport,probability of trade"
    );
    assert_eq!(labels(&lines.stdout), expected);
    for line in lines.stdout.lines().skip(1) {
        let values: Vec<f64> = line
            .split(',')
            .skip(2)
            .map(|value| value.parse().unwrap())
            .collect();
        assert!((values[1..].iter().sum::<f64>() - 1.0).abs() < 1e-5, "{line}");
        assert!(
            (values[0] - values[1..].iter().copied().fold(0.0, f64::max)).abs() < 1e-9,
            "{line}"
        );
    }

    let rows: Vec<String> = texts
        .iter()
        .enumerate()
        .map(|(row, text)| format!("k{row},{text},x"))
        .collect();
    project.write("new.csv", &format!("key,body,other\n{}\n", rows.join("\n")));
    let run = [
        &BUNDLE[..],
        &[
            "--input", "new.csv", "--text", "body", "--id", "key", "--output", "out.csv",
        ],
    ]
    .concat();
    assert_eq!(project.run(&run).expect_success().stdout, "");
    assert_eq!(
        labels(&project.read("out.csv")),
        ["k0,sport", "k1,trade", "k2,film"]
    );
    let leftover = || {
        let entries = std::fs::read_dir(project.path(".")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
        names
            .filter(|name| name.ends_with(".partial"))
            .collect::<Vec<_>>()
    };
    assert!(leftover().is_empty());
    let wrong = [
        &BUNDLE[..],
        &["--input", "new.csv", "--text", "bodi", "--output", "other.csv"],
    ]
    .concat();
    assert_eq!(project.run(&wrong).code, 3);
    assert!(
        leftover().is_empty() && !project.path("other.csv").exists(),
        "half a file is none"
    );

    let objects: Vec<String> = texts
        .iter()
        .map(|text| format!(r#"{{"text": "{text}"}}"#))
        .collect();
    let run = [&BUNDLE[..], &["--format", "jsonl", "--output", "out.jsonl"]].concat();
    project.command(&run, &objects.join("\n")).expect_success();
    let found: Vec<String> = project
        .read("out.jsonl")
        .lines()
        .map(|line| {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            format!(
                "{},{}",
                row["id"].as_str().unwrap(),
                row["label"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn predictions_are_those_of_evaluate() {
    let project = Project::small("cpu");
    project.run(&["run", "evaluate"]).expect_success();
    let run = [
        &BUNDLE[..],
        &["--input", "texts.csv", "--id", "id", "--output", "out.csv"],
    ]
    .concat();
    // The corpus has one empty text.
    assert_eq!(project.run(&run).code, 3);
    let predicted: std::collections::BTreeMap<String, String> = labels(&project.read("out.csv"))
        .iter()
        .map(|line| {
            line.split_once(',')
                .map(|(id, label)| (id.to_owned(), label.to_owned()))
                .unwrap()
        })
        .collect();
    let artifacts = project.path("artifacts");
    let rows = read_table::<Prediction>(Artifacts::all(&artifacts)).unwrap();
    assert_eq!(rows.len(), 120);
    for row in rows {
        assert_eq!(predicted[&row.id], row.predicted, "{}", row.id);
    }
}

#[test]
fn what_int8_costs_is_told_by_evaluate_and_is_what_predict_gives() {
    let project = Project::small("cpu");
    project.run(&["run", "evaluate"]).expect_success();
    let without = project.artifacts();
    let run = project
        .run(&["run", "evaluate", "--set", "evaluate.int8=true"])
        .expect_success();
    let changed: Vec<String> = project
        .artifacts()
        .into_iter()
        .zip(without)
        .filter(|(one, other)| one != other)
        .map(|((name, _), _)| name)
        .collect();
    assert_eq!(changed, ["evaluate/metrics.json", "evaluate/stage.lock.json"]);

    let predict = |arguments: &[&str]| {
        let input = ["--input", "texts.csv", "--id", "id"];
        project.run(&[&BUNDLE[..], &input, arguments].concat())
    };
    let (full, in_int8) = (predict(&[]), predict(&["--int8"]));
    let on_flex = predict(&["--int8", "--device", "flex"]);
    let refusal = "this device has no instructions for int8: predicting without it, which is faster\n";
    assert!(on_flex.stderr.starts_with(refusal), "{}", on_flex.stderr);
    if in_int8.stderr.starts_with(refusal) {
        assert_eq!(in_int8.stdout, full.stdout);
        return;
    }
    assert_ne!(in_int8.stdout, full.stdout, "probabilities have six decimals");

    let predicted: Vec<String> = labels(&in_int8.stdout);
    let artifacts = project.path("artifacts");
    let rows = read_table::<Prediction>(Artifacts::all(&artifacts)).unwrap();
    let test: Vec<_> = rows
        .iter()
        .filter(|row| row.split == labelproof_artifact::Split::Test)
        .collect();
    let with = |label: fn(&labelproof_artifact::Prediction) -> &str| {
        let same = test
            .iter()
            .filter(|row| predicted.contains(&format!("{},{}", row.id, label(row))));
        same.count()
    };
    let (right, as_before) = (with(|row| &row.label), with(|row| &row.predicted));
    let metrics: serde_json::Value =
        serde_json::from_str(&project.read("artifacts/evaluate/metrics.json")).unwrap();
    let int8 = &metrics["int8"];
    assert_eq!(int8["test"]["rows"], test.len());
    assert_eq!(int8["other_labels"], test.len() - as_before);
    let accuracy = int8["test"]["accuracy"]["value"].as_f64().unwrap();
    assert!(
        (accuracy - right as f64 / test.len() as f64).abs() < 1e-12,
        "{accuracy}"
    );
    let before = test.iter().filter(|row| row.predicted == row.label).count();
    let told = format!(
        "with int8, test: accuracy {:.1} % instead of {:.1} %; {} of {} rows get another label",
        100.0 * right as f64 / test.len() as f64,
        100.0 * before as f64 / test.len() as f64,
        test.len() - as_before,
        test.len(),
    );
    assert!(run.stderr.contains(&told), "{told}\n{}", run.stderr);
}

#[test]
fn a_row_without_a_text_keeps_its_place_and_is_named() {
    let project = trained();
    let run = project.command(&BUNDLE, "goal match\n\nbank profit\n");
    assert_eq!(run.code, 3);
    assert_eq!(labels(&run.stdout), ["1,sport", "2,", "3,trade"]);
    assert_eq!(
        run.stderr,
        "1 of 3 rows have no label:\n  standard input:2: empty text: the line is empty\n"
    );
}

#[test]
fn mistakes_on_the_command_line_are_named_with_their_cure() {
    let project = trained();
    project.write("new.csv", "body\nx\n");
    let check = |arguments: &[&str], code: i32, message: &str| {
        let run = project.run(&[&["predict"], arguments].concat());
        assert_eq!(
            (run.code, run.stdout.as_str(), run.stderr.trim_end()),
            (code, "", message)
        );
    };
    let bundle = ["--bundle", "artifacts/train/model"];
    check(
        &["--bundle", "elsewhere"],
        6,
        "error: `elsewhere` is no bundle: there is no `labelproof.json` in it\n\n\
         hint: name the `model` folder that train wrote, such as artifacts/train/model",
    );
    check(
        &[&bundle[..], &["--input", "new.csv", "--text", "bodi"]].concat(),
        3,
        "error: new.csv:1: no column is called `bodi`, which `--text` names; there are: `body`\n\n\
         hint: did you mean `body`?",
    );
    check(
        &[&bundle[..], &["--input", "new"]].concat(),
        2,
        "error: `new` does not say what it is\n\n\
         hint: add --format csv, tsv, jsonl, json, parquet, spreadsheet, sqlite or lines",
    );
    check(
        &[&bundle[..], &["--output", "labels.txt"]].concat(),
        2,
        "error: cannot write `labels.txt`: its name ends neither in .csv nor in .jsonl\n\n\
         hint: use --output labels.csv or --output labels.jsonl",
    );
    check(
        &[&bundle[..], &["--device", "cuda:99"]].concat(),
        6,
        "error: device `cuda:99` is not available; available: cpu, flex\n\n\
         hint: set `device: auto` to take the best one there is",
    );
}
