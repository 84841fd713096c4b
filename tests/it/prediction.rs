//! `labelproof predict` with the bundle that a run leaves.

use labelproof_artifact::{Artifacts, Prediction, Split, read_table};

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

/// A row of `predict`, by the names of its columns.
type Row = std::collections::BTreeMap<String, String>;

/// A small pipeline with validation rows enough for thresholds, and with too few epochs to be always right.
fn undecided() -> Project {
    let project = Project::small("cpu");
    let run = [
        &["run", "evaluate"][..],
        &["--set", "split.validation=0.4"],
        &["--set", "train.epochs=20"],
        &["--set", "train.learning_rate=0.02"],
        &["--set", "evaluate.decisions.precisions=[0.5, 0.99]"],
        &["--set", "evaluate.decisions.coverages=[0.5]"],
        &["--set", "evaluate.decisions.conformal_levels=[0.8]"],
    ];
    project.run(&run.concat()).expect_success();
    project
}

/// What `predict` says of the test rows, by the names of the columns.
fn decided(project: &Project, arguments: &[&str]) -> Vec<Row> {
    let input = ["--input", "texts.csv", "--id", "id"];
    let run = project.run(&[&BUNDLE[..], &input, arguments].concat());
    // The corpus has one empty text.
    assert_eq!(run.code, 3, "{}", run.stderr);
    let mut lines = run.stdout.lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    let artifacts = project.path("artifacts");
    let rows = read_table::<Prediction>(Artifacts::all(&artifacts)).unwrap();
    let test: std::collections::BTreeMap<String, String> = rows
        .into_iter()
        .filter(|row| row.split == Split::Test)
        .map(|row| (row.id, row.label))
        .collect();
    lines
        .filter_map(|line| {
            let fields = line.split(',').map(str::to_owned);
            let mut row: Row = names.iter().map(|name| (*name).to_owned()).zip(fields).collect();
            row.insert("truth".to_owned(), test.get(&row["id"])?.clone());
            Some(row)
        })
        .collect()
}

#[test]
fn decisions_are_those_that_evaluate_measured() {
    let project = undecided();
    let metrics: serde_json::Value =
        serde_json::from_str(&project.read("artifacts/evaluate/metrics.json")).unwrap();
    let figures = &metrics["decisions"];
    let labels: Vec<&str> = metrics["labels"]
        .as_array()
        .unwrap()
        .iter()
        .map(|label| label.as_str().unwrap())
        .collect();
    let counts = |rows: &[Row]| {
        let kept: Vec<_> = rows.iter().filter(|row| row["abstained"] == "false").collect();
        let hits = kept.iter().filter(|row| row["label"] == row["truth"]).count();
        (rows.len(), kept.len(), hits)
    };
    for (wanted, rule) in [("precision", "precision=0.5"), ("coverage", "coverage=0.5")] {
        for per_label in [false, true] {
            let mut arguments = vec!["--abstain", rule];
            arguments.extend(per_label.then_some("--per-label"));
            let rows = decided(&project, &arguments);
            let points = figures["thresholds"].as_array().unwrap().iter().filter(|point| {
                point["wanted"].as_object().unwrap().contains_key(wanted)
                    && point["wanted"][wanted] != 0.99
                    && point["label"].is_null() != per_label
            });
            for point in points {
                let own: Vec<_> = rows
                    .iter()
                    .filter(|row| point["label"].as_str().is_none_or(|label| row["label"] == label))
                    .cloned()
                    .collect();
                let test = &point["test"];
                let count = |key: &str| usize::try_from(test[key].as_u64().unwrap()).unwrap();
                assert_eq!(
                    counts(&own),
                    (count("rows"), count("kept"), count("hits")),
                    "{point}"
                );
            }
            let (all, kept, _) = counts(&rows);
            assert!(0 < kept && kept < all, "{rule}: {kept} of {all}");
        }
    }
    for per_label in [false, true] {
        let mut arguments = vec!["--conformal", "0.8"];
        arguments.extend(per_label.then_some("--per-label"));
        let rows = decided(&project, &arguments);
        let covered = rows
            .iter()
            .filter(|row| row["set"].split('|').any(|label| label == row["truth"]));
        let figures = figures["conformal"].as_array().unwrap();
        let figures = figures
            .iter()
            .find(|sets| sets["per_label"] == per_label)
            .unwrap();
        assert_eq!(figures["covered"]["covered"], covered.count());
        let several = rows.iter().filter(|row| row["set"].contains('|')).count();
        assert_eq!(figures["sizes"]["several"], several);
        assert!(rows.iter().all(|row| {
            row["set"]
                .split('|')
                .all(|label| label.is_empty() || labels.contains(&label))
        }));
    }
}

#[test]
fn calibrated_probabilities_are_those_of_the_temperature_and_labels_stay() {
    let project = undecided();
    let description: serde_json::Value =
        serde_json::from_str(&project.read("artifacts/train/model/labelproof.json")).unwrap();
    let temperature = description["temperature"].as_f64().unwrap();
    assert!((temperature - 1.0).abs() > 0.05, "{temperature}");
    let plain = decided(&project, &[]);
    let calibrated = decided(&project, &["--calibrated"]);
    let unsure = decided(&project, &["--abstain", "confidence=0.6"]);
    let value = |row: &Row, name: &str| row[name].parse::<f64>().unwrap();
    for ((plain, calibrated), unsure) in plain.iter().zip(&calibrated).zip(&unsure) {
        assert_eq!(plain["label"], calibrated["label"]);
        // p^(1/T), made to sum to 1.
        let power = |name: &str| value(plain, name).powf(1.0 / temperature);
        let names = ["film", "sport", "trade"].map(|label| format!("probability of {label}"));
        let total: f64 = names.iter().map(|name| power(name)).sum();
        for name in &names {
            // The output has six decimals.
            let expected = power(name) / total;
            assert!(
                (value(calibrated, name) - expected).abs() < 1e-4,
                "{name} {plain:?} {calibrated:?}"
            );
            assert_eq!(calibrated[name], unsure[name]);
        }
        assert_eq!(
            unsure["abstained"],
            (value(calibrated, "probability") < 0.6).to_string()
        );
    }
    assert!(unsure.iter().any(|row| row["abstained"] == "true"));
    assert!(unsure.iter().any(|row| row["abstained"] == "false"));

    let run = [
        &BUNDLE[..],
        &[
            "--abstain",
            "coverage=0.5",
            "--conformal",
            "0.8",
            "--output",
            "out.jsonl",
        ],
    ]
    .concat();
    assert_eq!(project.command(&run, "goal match team\n\n").code, 3);
    let rows: Vec<serde_json::Value> = project
        .read("out.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(
        rows[0]["abstained"].is_boolean() && rows[0]["set"].is_array(),
        "{}",
        rows[0]
    );
    assert!(
        rows[1]["abstained"].is_null() && rows[1]["set"].is_null(),
        "{}",
        rows[1]
    );
}

#[test]
fn what_a_bundle_cannot_decide_is_said() {
    let project = undecided();
    let check = |arguments: &[&str], code: i32, message: &str| {
        let run = project.command(&[&BUNDLE[..], arguments].concat(), "goal match\n");
        assert_eq!(
            (run.code, run.stdout.as_str(), run.stderr.trim_end()),
            (code, "", message)
        );
    };
    // Whoever asks for more than the rows show is told what they show, and gets it.
    let predict = |precision: &str| {
        let rule = format!("precision={precision}");
        project.command(&[&BUNDLE[..], &["--abstain", &rule]].concat(), "goal match\n")
    };
    let refused = predict("0.99");
    let told = "error: no confidence gives a precision of 0.99: the highest that the bundle's 48 validation \
         rows show is ";
    let rest = refused
        .stderr
        .strip_prefix(told)
        .unwrap_or_else(|| panic!("{}", refused.stderr));
    let (highest, rest) = rest.split_once(',').unwrap();
    assert_eq!(
        rest.trim_end().replace(highest, "HIGHEST"),
        " the lower end of its 95 % interval\n\n\
         hint: ask for a precision of at most HIGHEST, or for a coverage; more validation rows (`split.validation`) \
         show a higher one"
    );
    assert_eq!((refused.code, refused.stdout.as_str()), (2, ""));
    let given = predict(highest).expect_success();
    assert!(
        given.stderr.starts_with("kept from a confidence of 0."),
        "{}",
        given.stderr
    );
    check(
        &["--abstain", "confidence=0.9", "--per-label"],
        2,
        "error: a confidence is the same threshold for every label\n\n\
         hint: leave out --per-label, or ask for a precision or a coverage",
    );
    let few = project
        .command(&[&BUNDLE[..], &["--conformal", "0.99"]].concat(), "goal match\n")
        .expect_success();
    assert_eq!(
        few.stderr,
        "every set has every label: 48 validation rows are too few for a level of 0.99\n"
    );
    assert!(
        few.stdout.lines().nth(1).unwrap().contains(",film|sport|trade,"),
        "{}",
        few.stdout
    );

    // A bundle of a version without calibration.
    let path = "artifacts/train/model/labelproof.json";
    let mut description: serde_json::Value = serde_json::from_str(&project.read(path)).unwrap();
    description
        .as_object_mut()
        .unwrap()
        .remove("temperature")
        .unwrap();
    description["files"]
        .as_object_mut()
        .unwrap()
        .remove("calibration.parquet")
        .unwrap();
    let whole = project.read(path);
    project.write(path, &description.to_string());
    project.command(&BUNDLE, "goal match\n").expect_success();
    check(
        &["--calibrated"],
        4,
        "error: `artifacts/train/model` has no `calibration.parquet`, on which thresholds and prediction \
         sets are chosen: it was written by an earlier version\n\n\
         hint: train it anew with this version: labelproof run train --force",
    );
    project.write(path, &whole);
    project.write(
        "artifacts/train/model/calibration.parquet",
        "not what train wrote",
    );
    check(
        &[],
        4,
        "error: `artifacts/train/model/calibration.parquet` is not the file that was written with its \
         bundle\n\nhint: a file of the bundle was changed or replaced; make it anew: labelproof run train \
         --force",
    );
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
         hint: name the `model` folder that train wrote, such as artifacts/train/model, or the folder of an AutoModelForSequenceClassification",
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

#[test]
fn a_row_has_the_same_digits_in_any_order_and_company() {
    let project = trained();
    let csv = project.read("texts.csv");
    let rows: Vec<&str> = csv.lines().skip(1).take(60).collect();
    let predict = |rows: &[&str]| -> Vec<String> {
        project.write("some.csv", &format!("id,text,label\n{}\n", rows.join("\n")));
        let run = [&BUNDLE[..], &["--input", "some.csv", "--id", "id"]].concat();
        let written = project.run(&run).expect_success().stdout;
        written.lines().skip(1).map(str::to_owned).collect()
    };
    let together = predict(&rows);
    let mut reversed = rows.clone();
    reversed.reverse();
    let mut found = predict(&reversed);
    found.reverse();
    assert_eq!(found, together);
    for part in [&rows[..1], &rows[1..3], &rows[3..17]] {
        let start = rows.iter().position(|row| *row == part[0]).unwrap();
        assert_eq!(predict(part), together[start..start + part.len()]);
    }
}
