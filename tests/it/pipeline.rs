//! Whole runs on a small corpus with a tiny encoder.

use serde_json::Value;

use crate::harness::{Project, outcomes, small_corpus};

fn metrics(project: &Project) -> Value {
    serde_json::from_str(&project.read("artifacts/evaluate/metrics.json")).unwrap()
}

const ALL_RAN: [&str; 7] = [
    "ingest ran",
    "preprocess ran",
    "split ran",
    "train ran",
    "evaluate ran",
    "audit ran",
    "report ran",
];

#[test]
fn a_run_writes_every_artifact_and_the_next_one_has_nothing_to_do() {
    let project = Project::small("cpu");
    let first = project.run(&["run"]).expect_success();
    assert_eq!(outcomes(&first.stderr), ALL_RAN, "{}", first.stderr);
    assert_eq!(first.stdout, "[DIR]/artifacts/report/index.html\n");
    let names: Vec<String> = project.artifacts().into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "audit/audit.json",
            "audit/stage.lock.json",
            "evaluate/attributions.parquet",
            "evaluate/map.parquet",
            "evaluate/metrics.json",
            "evaluate/predictions.parquet",
            "evaluate/stage.lock.json",
            "ingest/documents.parquet",
            "ingest/labels.json",
            "ingest/rejects.parquet",
            "ingest/stage.lock.json",
            "preprocess/preparation.json",
            "preprocess/rejects.parquet",
            "preprocess/stage.lock.json",
            "preprocess/tokens.parquet",
            "report/figures/accuracy-curve.svg",
            "report/figures/confusion-matrix.svg",
            "report/figures/coverage-curve.svg",
            "report/figures/learning-rate.svg",
            "report/figures/lengths.svg",
            "report/figures/loss-curve.svg",
            "report/figures/map.svg",
            "report/figures/reliability-baseline.svg",
            "report/figures/reliability-calibrated.svg",
            "report/figures/reliability-model.svg",
            "report/figures/words-001-film.svg",
            "report/figures/words-002-sport.svg",
            "report/figures/words-003-trade.svg",
            "report/index.html",
            "report/report.json",
            "report/report.md",
            "report/stage.lock.json",
            "split/split.parquet",
            "split/stage.lock.json",
            "train/features.parquet",
            "train/history.parquet",
            "train/model/README.md",
            "train/model/calibration.parquet",
            "train/model/config.json",
            "train/model/labelproof.json",
            "train/model/model.safetensors",
            "train/model/modeling_labelproof.py",
            "train/model/tokenizer.json",
            "train/model/tokenizer_config.json",
            "train/stage.lock.json",
        ]
    );
    let metrics = metrics(&project);
    // An encoder of noise keeps part of what the words say; the words themselves say all of it. Guessing
    // gives 0.36.
    for (model, floor) in [(&metrics["splits"], 0.7), (&metrics["baseline"]["splits"], 0.9)] {
        let accuracy = model["test"]["accuracy"]["value"].as_f64().unwrap();
        assert!(accuracy > floor, "{accuracy}");
        assert!(model["test"]["accuracy"]["low"].as_f64() < model["test"]["accuracy"]["high"].as_f64());
        assert_eq!(
            ["train", "validation", "test"]
                .map(|split| model[split]["rows"].as_u64().unwrap())
                .iter()
                .sum::<u64>(),
            120,
            "the empty text is rejected, everything else is in a split"
        );
    }
    let second = project.run(&["run"]).expect_success();
    assert_eq!(
        outcomes(&second.stderr),
        ALL_RAN.map(|line| line.replace("ran", "up to date"))
    );
    assert!(project.run(&["status", "--check"]).code == 0);
}

#[test]
fn both_backends_agree() {
    let (libtorch, flex) = (Project::small("cpu"), Project::small("flex"));
    // Without dropout: each backend draws its own masks.
    let arguments = ["run", "--set", "train.dropout=0"];
    libtorch.run(&arguments).expect_success();
    flex.run(&arguments).expect_success();
    let data_stages = |project: &Project| -> Vec<(String, Vec<u8>)> {
        let mut artifacts = project.artifacts();
        artifacts.retain(|(name, _)| {
            ["ingest", "preprocess", "split"]
                .iter()
                .any(|stage| name.starts_with(stage))
        });
        artifacts
    };
    assert_eq!(
        data_stages(&libtorch),
        data_stages(&flex),
        "the data stages know no backend"
    );
    let (libtorch, flex) = (metrics(&libtorch), metrics(&flex));
    for split in ["train", "validation", "test"] {
        let loss = |metrics: &Value| metrics["splits"][split]["loss"]["value"].as_f64().unwrap();
        // Sixty epochs let the last bits of the two matrix products drift apart.
        assert!(
            (loss(&libtorch) - loss(&flex)).abs() < 1e-3,
            "{split}: {} {}",
            loss(&libtorch),
            loss(&flex)
        );
    }
}

#[test]
fn equal_runs_give_equal_bytes_whatever_the_order_of_the_rows_and_the_number_of_threads() {
    let project = Project::small("cpu");
    project.run(&["run"]).expect_success();
    let again = Project::small("cpu");
    let csv = small_corpus();
    let (header, rows) = csv.split_once('\n').unwrap();
    // The empty row stays where it is: its line is in rejects.parquet.
    let mut rows: Vec<&str> = rows.lines().collect();
    rows[..120].reverse();
    again.write("texts.csv", &format!("{header}\n{}\n", rows.join("\n")));
    again.run(&["run"]).expect_success();
    for ((name, one), (_, other)) in project.artifacts().into_iter().zip(again.artifacts()) {
        // The digest of the source is of its bytes, and the page shows it.
        if name != "ingest/stage.lock.json" && !name.starts_with("report/") {
            assert!(one == other, "`{name}` differs");
        }
    }
}

#[test]
fn a_changed_setting_runs_what_depends_on_it_and_takes_the_features_from_the_cache() {
    let project = Project::small("cpu");
    project.run(&["run"]).expect_success();
    let status = project.run(&["status", "--set", "train.epochs=3", "--check"]);
    assert_eq!(status.code, 5);
    // How long a stage took differs from run to run.
    let lines = status
        .stdout
        .lines()
        .map(|line| line.split(", took ").next().unwrap_or(line));
    assert_eq!(
        lines.fold(String::new(), |text, line| text + line + "\n"),
        "ingest      up to date\n\
         preprocess  up to date\n\
         split       up to date\n\
         train       stale: train.epochs 60 -> 3\n\
         evaluate    stale: upstream train is stale\n\
         audit       stale: upstream train is stale\n\
         report      stale: upstream train is stale\n"
    );
    let run = project.run(&["run", "--set", "train.epochs=3"]).expect_success();
    assert_eq!(
        outcomes(&run.stderr)[..4],
        [
            "ingest up to date",
            "preprocess up to date",
            "split up to date",
            "train ran"
        ]
    );
    assert!(
        run.stderr
            .contains("the encoder's features are taken from the cache"),
        "{}",
        run.stderr
    );

    project.write(
        "pipeline.yaml",
        &format!("# a comment changes nothing\n{}", project.read("pipeline.yaml")),
    );
    let run = project
        .run(&["run", "split", "--set", "split.seed=11"])
        .expect_success();
    assert_eq!(
        outcomes(&run.stderr),
        ["ingest up to date", "preprocess up to date", "split ran"]
    );
    assert_eq!(run.stdout, "", "no report was asked for");
}

#[test]
fn an_edited_artifact_is_noticed_and_made_anew() {
    let project = Project::small("cpu");
    project.run(&["run"]).expect_success();
    let labels = project.read("artifacts/ingest/labels.json");
    project.write("artifacts/ingest/labels.json", &labels.replace("sport", "spirit"));
    let status = project.run(&["status"]).expect_success();
    assert!(
        status
            .stdout
            .starts_with("ingest      stale: `artifacts/ingest/labels.json` was edited or removed\n"),
        "{}",
        status.stdout
    );
    let run = project.run(&["run"]).expect_success();
    assert_eq!(outcomes(&run.stderr)[0], "ingest ran");
    // It gave what it had given before: nothing after it has to run.
    assert_eq!(
        outcomes(&run.stderr)[1..],
        ALL_RAN[1..]
            .iter()
            .map(|line| line.replace("ran", "up to date"))
            .collect::<Vec<_>>()
    );
    assert_eq!(project.read("artifacts/ingest/labels.json"), labels);
}

#[test]
fn the_whole_encoder_and_its_last_layer_can_be_trained() {
    for trainable in ["all", "{last: 1}"] {
        let project = Project::small("cpu");
        let set = format!("train.trainable={trainable}");
        let rate = "train.learning_rate=0.01";
        project
            .run(&[
                "run",
                "--set",
                &set,
                "--set",
                rate,
                "--set",
                "train.schedule=linear",
                "--set",
                "train.warmup=0.1",
            ])
            .expect_success();
        let accuracy = metrics(&project)["splits"]["test"]["accuracy"]["value"]
            .as_f64()
            .unwrap();
        assert!(accuracy > 0.8, "{trainable}: {accuracy}");
        assert!(
            !project.path("artifacts/train/features.parquet").exists(),
            "features are of a frozen encoder"
        );

        let tensor = |path: &str, name: &str| {
            let bytes = labelproof_artifact::fs::read(&project.path(path)).unwrap();
            let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
            file.tensor(name).unwrap().data().to_vec()
        };
        let same = |name: &str| {
            tensor("encoder/model.safetensors", name)
                == tensor("artifacts/train/model/model.safetensors", &format!("bert.{name}"))
        };
        let frozen_below = trainable != "all";
        assert_eq!(same("embeddings.word_embeddings.weight"), frozen_below);
        assert_eq!(same("encoder.layer.0.attention.self.query.weight"), frozen_below);
        assert!(!same("encoder.layer.1.attention.self.query.weight"));
    }
}

#[test]
fn an_encoder_in_16_bits_trains_predicts_and_repeats_itself() {
    for (trainable, epochs) in [("train.trainable=none", "60"), ("train.trainable=all", "15")] {
        let epochs = format!("train.epochs={epochs}");
        let arguments = [
            "run",
            "--set",
            trainable,
            "--set",
            &epochs,
            "--set",
            "train.learning_rate=0.01",
            "--set",
            "train.precision=bfloat16",
        ];
        let [project, again] = [(); 2].map(|()| Project::small("cpu"));
        project.run(&arguments).expect_success();
        again.run(&arguments).expect_success();
        assert!(project.artifacts() == again.artifacts(), "{trainable}");
        let metrics = metrics(&project);
        let accuracy = metrics["splits"]["test"]["accuracy"]["value"].as_f64().unwrap();
        assert!(accuracy > 0.8, "{trainable}: {accuracy}");
        assert!(
            project
                .read("artifacts/train/model/labelproof.json")
                .contains("\"precision\": \"bfloat16\""),
            "the bundle predicts as it was trained"
        );
        project
            .command(
                &["predict", "--bundle", "artifacts/train/model"],
                "text\nthe film at the cinema\n",
            )
            .expect_success();
    }
    let flex = Project::small("flex");
    let run = flex.run(&["run", "train", "--set", "train.precision=bfloat16"]);
    assert!(
        run.expect_success()
            .stderr
            .contains("this device has no instructions for bfloat16: the encoder computes in float32"),
        "what is computed in other numbers than asked for is said"
    );
}

#[test]
fn class_weights_pooling_and_batch_normalisation_can_be_chosen() {
    let project = Project::small("cpu");
    for settings in [
        [
            "train.class_weights=balanced",
            "train.pooling=max",
            "train.batch_normalization=trained",
        ],
        [
            "train.class_weights={film: 1, sport: 2, trade: 1}",
            "train.pooling=cls",
            "train.batch_normalization=frozen",
        ],
    ] {
        let mut arguments = vec!["run"];
        arguments.extend(settings.iter().flat_map(|setting| ["--set", setting]));
        project.run(&arguments).expect_success();
    }
    let run = project.run(&["run", "--set", "train.class_weights={sport: 2}"]);
    assert_eq!(run.code, 2);
    assert!(
        run.stderr
            .contains("`train.class_weights` names `sport`, the labels are `film`, `sport`, `trade`"),
        "{}",
        run.stderr
    );
}

#[test]
fn two_runs_are_compared_by_parameters_figures_and_rows() {
    let project = Project::small("flex");
    project.run(&["run", "evaluate"]).expect_success();
    // One epoch at no rate to speak of: another model on the same test rows.
    let other = [
        "run",
        "evaluate",
        "--artifacts",
        "short",
        "--set",
        "train.epochs=1",
        "--set",
        "train.learning_rate=0.0001",
        "--set",
        "train.repeats=2",
    ];
    project.run(&other).expect_success();
    let text = project
        .run(&["compare", "artifacts", "short"])
        .expect_success()
        .stdout;
    assert!(text.contains("train.epochs  60 -> 1\n"), "{text}");
    assert!(text.contains("A is better (McNemar, p < 0.001)"), "{text}");
    assert!(text.contains("Right in A, wrong in B:\n  row-"), "{text}");
    let seeds = format!("\naccuracy, seeds    {:<24} 0.", "–");
    assert!(text.contains(&seeds) && text.contains(" (2 models)\n"), "{text}");
    assert!(!text.contains("folds"), "{text}");

    let same = project
        .run(&["compare", "artifacts", "artifacts", "--json"])
        .expect_success();
    let answer: serde_json::Value = serde_json::from_str(&same.stdout).unwrap();
    assert_eq!(answer["parameters"], serde_json::json!([]));
    assert_eq!(answer["mcnemar"]["p_value"], 1.0);
    assert_eq!(answer["metrics"][0]["first"], answer["metrics"][0]["second"]);
    assert!(answer["shared_test_rows"].as_u64().unwrap() > 20);

    let missing = project.run(&["compare", "artifacts", "nowhere"]);
    assert_eq!(missing.code, 4, "{}", missing.stderr);
    assert!(missing.stderr.contains("nowhere"), "{}", missing.stderr);
}

#[test]
fn what_is_locked_is_reproduced_and_what_is_not_is_named() {
    let project = Project::small("flex");
    let missing = project.run(&["reproduce"]);
    assert_eq!(missing.code, 3, "{}", missing.stderr);
    assert!(
        missing.stderr.contains("labelproof reproduce --write"),
        "{}",
        missing.stderr
    );

    project.run(&["reproduce", "--write"]).expect_success();
    let again = project.run(&["reproduce", "--quiet"]).expect_success();
    assert_eq!(again.stdout, "reproduced (on an equal platform, byte for byte)\n");
    assert!(!project.path("artifacts/reproduced").exists());

    // One text says something else: its document, and what is made of it, are others.
    let texts = project.read("texts.csv");
    project.write("texts.csv", &texts.replacen("row-007,<p>", "row-007,<p>goal ", 1));
    let other = project.run(&["reproduce", "--json"]);
    assert_eq!(other.code, 9, "{}", other.stderr);
    let differences: serde_json::Value = serde_json::from_str(&other.stdout).unwrap();
    let named = |stage: &str, what: &str| {
        let all = differences.as_array().unwrap();
        let found = all
            .iter()
            .find(|each| each["stage"] == stage && each["what"] == what);
        found.unwrap_or_else(|| panic!("{differences}"))["how"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(named("ingest", "the sources"), "other content");
    assert_eq!(
        named("ingest", "documents.parquet"),
        "first at row 7, column `text`"
    );

    // Another processor: bytes of the model do not count, its figures do.
    project.write("texts.csv", &texts);
    let lock: serde_json::Value = serde_json::from_str(&project.read("pipeline.lock")).unwrap();
    let mut elsewhere = lock;
    elsewhere["platform"]["processor"] = "another".into();
    elsewhere["metrics"]["test"]["accuracy"] = 0.1.into();
    project.write("pipeline.lock", &elsewhere.to_string());
    let figures = project.run(&["reproduce", "--quiet"]);
    assert_eq!(figures.code, 9, "{}", figures.stderr);
    let lines: Vec<&str> = figures.stdout.lines().collect();
    assert!(
        lines[0].starts_with("not reproduced (on another platform"),
        "{}",
        figures.stdout
    );
    assert_eq!(lines.len(), 2, "{}", figures.stdout);
    assert!(
        lines[1].starts_with("evaluate    test accuracy  0.1000 -> "),
        "{}",
        figures.stdout
    );
}

#[test]
fn the_report_is_shown_where_a_browser_is_and_named_where_none_is() {
    let project = Project::small("flex");
    project.run(&["run", "--quiet"]).expect_success();
    project.write("bin/xdg-open", "#!/bin/sh\necho \"$1\" >opened\n");
    let page = "[DIR]/artifacts/report/index.html";
    let shown = project
        .shell("chmod +x bin/xdg-open && PATH=\"$PWD/bin:$PATH\" \"$LABELPROOF\" report --open --quiet")
        .expect_success();
    assert_eq!(shown.stdout.trim(), page);
    let opened = project.read("opened");
    assert!(
        opened.trim().ends_with("/artifacts/report/index.html"),
        "{opened}"
    );

    let none = project.shell("PATH=\"$PWD/none\" \"$LABELPROOF\" report --open --quiet");
    assert_eq!(none.code, 7);
    assert!(
        none.stderr
            .starts_with(&format!("error: cannot open `{page}` in a browser\n")),
        "{}",
        none.stderr
    );
    assert!(
        none.stderr
            .contains("hint: open the file yourself, here or on another machine: it needs nothing else"),
        "{}",
        none.stderr
    );

    let status = project.run(&["status"]).expect_success();
    assert_eq!(
        status.stdout.matches("up to date, took ").count(),
        7,
        "{}",
        status.stdout
    );
    let rows: Vec<serde_json::Value> =
        serde_json::from_str(&project.run(&["status", "--json"]).expect_success().stdout).unwrap();
    assert!(rows.iter().all(|row| row["seconds"].as_f64().unwrap() >= 0.0));
}
