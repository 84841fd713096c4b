//! Cross-validation over the training rows, and trainings with other seeds.

use std::collections::{BTreeMap, BTreeSet};

use labelproof_artifact::{Artifacts, FoldRow, Prediction, Row, Split, SplitRow, read_table};
use labelproof_metrics::argmax;
use serde_json::Value;

use crate::harness::{Project, Run, small_corpus};

fn table<R: Row>(project: &Project) -> Vec<R> {
    read_table(Artifacts::all(&project.path("artifacts"))).unwrap()
}

fn json(project: &Project, path: &str) -> Value {
    serde_json::from_str(&project.read(path)).unwrap()
}

fn run(project: &Project, stage: &str, settings: &str) -> Run {
    project
        .shell(&format!("$LABELPROOF run {stage} {settings}"))
        .expect_success()
}

#[test]
fn every_training_row_is_predicted_once_and_copies_by_one_model() {
    let project = Project::small("cpu");
    // Every text is there twice, with a space more.
    let corpus = small_corpus();
    let copies = corpus.lines().skip(1).map(|line| {
        let (id, rest) = line.split_once(',').unwrap();
        format!("copy-{id}, {rest}\n")
    });
    project.write("texts.csv", &(corpus.clone() + &copies.collect::<String>()));
    let said = run(&project, "evaluate", "--set train.folds=4");

    let splits: BTreeMap<String, SplitRow> = table::<SplitRow>(&project)
        .into_iter()
        .map(|row| (row.id.clone(), row))
        .collect();
    let rows = table::<FoldRow>(&project);
    let ids: BTreeSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    let train = splits.values().filter(|row| row.split == Split::Train);
    assert_eq!(ids, train.map(|row| row.id.as_str()).collect());
    assert_eq!(ids.len(), rows.len());
    let mut folds: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
    for row in &rows {
        assert_eq!(row.label, splits[&row.id].label);
        folds.entry(&splits[&row.id].group).or_default().insert(row.fold);
    }
    assert!(folds.values().all(|folds| folds.len() == 1), "{folds:?}");

    let figures = &json(&project, "artifacts/evaluate/metrics.json")["cross_validation"];
    assert_eq!(figures["rows"], rows.len());
    let accuracies = figures["folds"]["accuracy"]["values"].as_array().unwrap();
    assert_eq!(accuracies.len(), 4);
    let mean = figures["folds"]["accuracy"]["mean"].as_f64().unwrap();
    assert!((0.5..1.0).contains(&mean), "guessing gives 0.36: {mean}");
    assert!(
        said.stderr
            .contains("4 folds of the training rows, held out: accuracy "),
        "{}",
        said.stderr
    );

    // Another seed gives other folds, and without the setting there is neither table nor figure.
    let before: Vec<u32> = rows.iter().map(|row| row.fold).collect();
    run(&project, "evaluate", "--set train.folds=4 --set train.seed=11");
    let after: Vec<u32> = table::<FoldRow>(&project).iter().map(|row| row.fold).collect();
    assert_ne!(before, after);
    run(&project, "evaluate", "");
    assert!(!project.path("artifacts/train/folds.parquet").exists());
    assert_eq!(
        json(&project, "artifacts/evaluate/metrics.json")["cross_validation"],
        Value::Null
    );
}

/// The small corpus with the label of every tenth row changed, and the ids of these rows.
fn with_wrong_labels() -> (String, BTreeSet<String>) {
    let mut wrong = BTreeSet::new();
    let lines = small_corpus();
    let lines = lines.lines().enumerate().map(|(number, line)| {
        let (rest, label) = line.rsplit_once(',').unwrap();
        if number % 6 != 5 {
            return format!("{line}\n");
        }
        wrong.insert(rest.split_once(',').unwrap().0.to_owned());
        let other = if label == "film" { "trade" } else { "film" };
        format!("{rest},{other}\n")
    });
    (lines.collect(), wrong)
}

#[test]
fn held_out_predictions_contradict_wrong_labels_that_a_model_has_learned_by_heart() {
    let project = Project::small("cpu");
    let (corpus, wrong) = with_wrong_labels();
    project.write("texts.csv", &corpus);
    run(&project, "report", "--set train.folds=5 --set train.dropout=0");
    let seen: Vec<(String, bool)> = table::<Prediction>(&project)
        .into_iter()
        .filter(|row| row.split == Split::Train)
        .map(|row| (row.id, row.label != row.predicted))
        .collect();
    let labels = json(&project, "artifacts/ingest/labels.json");
    let held_out: Vec<(String, bool)> = table::<FoldRow>(&project)
        .into_iter()
        .map(|row| {
            let contradicted = labels["names"][argmax(&row.logits)] != row.label.as_str();
            (row.id, contradicted)
        })
        .collect();
    let found = |rows: &[(String, bool)]| {
        rows.iter()
            .filter(|(id, contradicted)| *contradicted && wrong.contains(id))
            .count()
    };
    let (seen, held_out) = (found(&seen), found(&held_out));
    assert!(held_out >= seen + 3, "{seen} by the model, {held_out} held out");

    for page in ["index.html", "report.md"] {
        let page = project.read(&format!("artifacts/report/{page}"));
        assert!(page.contains("5 folds of the "));
    }
}

/// Two labels that one letter tells apart, which the cheap baseline does not count as a word; every tenth label is
/// wrong. And the ids of these rows.
fn told_by_a_letter() -> (String, BTreeSet<String>) {
    let words = [
        "goal", "match", "team", "price", "market", "bank", "actor", "scene", "camera", "award",
    ];
    let mut csv = "id,text,label\n".to_owned();
    let mut wrong = BTreeSet::new();
    let mut state = 7_u64;
    for row in 0..200 {
        let has_letter = row % 2 == 0;
        let mut text = String::new();
        for _ in 0..7 {
            // Knuth's linear congruential generator: any fixed sequence will do.
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            text.push_str(words[usize::try_from(state >> 33).unwrap() % words.len()]);
            text.push_str(if has_letter { " a " } else { " " });
        }
        let is_wrong = row % 20 < 2;
        if is_wrong {
            wrong.insert(format!("row-{row}"));
        }
        let label = if has_letter == is_wrong { "without" } else { "with" };
        csv.push_str(&format!("row-{row},{},{label}\n", text.trim_end()));
    }
    (csv, wrong)
}

#[test]
fn the_audit_lists_wrong_labels_of_training_rows_that_only_the_folds_can_tell() {
    let project = Project::small("cpu");
    let (corpus, wrong) = told_by_a_letter();
    project.write("texts.csv", &corpus);
    let suspects = |settings: &str| -> (Value, Vec<String>) {
        run(&project, "audit", settings);
        let audit = json(&project, "artifacts/audit/audit.json");
        let mut findings = audit["findings"].as_array().unwrap().iter();
        let evidence = &findings.find(|finding| finding["id"] == "C50").unwrap()["evidence"];
        let rows = evidence["suspect_rows"].as_array();
        let of_training = rows
            .into_iter()
            .flatten()
            .filter(|row| row["split"] == "training");
        let ids = of_training.map(|row| row["row"].as_str().unwrap().to_owned());
        (evidence["judge"].clone(), ids.collect())
    };
    let (judge, found) = suspects("--set train.folds=5");
    assert_eq!(judge, "the same model trained without them");
    let splits = table::<SplitRow>(&project);
    let in_train: BTreeSet<&str> = splits
        .iter()
        .filter(|row| row.split == Split::Train && wrong.contains(&row.id))
        .map(|row| row.id.as_str())
        .collect();
    let right = found.iter().filter(|id| in_train.contains(id.as_str())).count();
    assert!(right * 4 >= in_train.len() * 3, "{right} of {}", in_train.len());
    assert!(
        right * 10 >= found.len() * 9,
        "{found:?} are suspected, {in_train:?} wrong"
    );

    let (judge, found) = suspects("");
    assert_eq!(judge, "a simple classifier that was not trained on them");
    let right = found.iter().filter(|id| in_train.contains(id.as_str())).count();
    assert!(right * 2 < in_train.len(), "{found:?}");
}

#[test]
fn folds_of_a_trained_encoder_go_on_where_they_were_stopped_and_end_with_the_same_bytes() {
    let settings = "--set train.folds=3 --set train.trainable=all --set train.epochs=8";
    let undisturbed = Project::small("cpu");
    run(&undisturbed, "train", settings);

    let project = Project::small("cpu");
    let stopped = project.shell(&format!(
        "$LABELPROOF run train {settings} 2> log & pid=$!
         until grep -qs 'without fold 2' log || ! kill -0 $pid; do sleep 0.02; done
         kill -INT $pid; wait $pid; code=$?; cat log >&2; exit $code"
    ));
    assert_eq!(stopped.code, 130, "{}", stopped.stderr);
    assert!(
        stopped.stderr.contains(" of the training without fold 2 of 3\n"),
        "{}",
        stopped.stderr
    );
    let again = run(&project, "train", settings);
    assert!(!again.stderr.contains("without fold 1"), "{}", again.stderr);
    assert!(again.stderr.contains("without fold 3"), "{}", again.stderr);
    assert!(project.artifacts() == undisturbed.artifacts());
    let caches = labelproof_artifact::fs::files_below(&project.path("artifacts/cache")).unwrap_or_default();
    assert!(caches.is_empty(), "finished folds are not kept: {caches:?}");
}

/// Each further training of a run is that of a run with its seed, and the figures are those of such runs.
#[test]
fn repeats_are_the_trainings_of_the_seeds_that_follow() {
    for settings in [
        "--set train.epochs=3",
        "--set train.trainable=all --set train.epochs=8",
    ] {
        let project = Project::small("cpu");
        let said = run(&project, "evaluate", &format!("{settings} --set train.repeats=3"));
        let repeats = json(&project, "artifacts/evaluate/metrics.json")["repeats"].clone();
        let mut accuracies: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        for seed in [10, 11, 12] {
            run(
                &project,
                "evaluate",
                &format!("{settings} --set train.seed={seed}"),
            );
            let metrics = json(&project, "artifacts/evaluate/metrics.json");
            assert_eq!(metrics["repeats"], Value::Null);
            for split in ["validation", "test"] {
                let accuracy = &metrics["splits"][split]["accuracy"]["value"];
                accuracies
                    .entry(split)
                    .or_default()
                    .push(accuracy.as_f64().unwrap());
            }
        }
        for (split, expected) in &accuracies {
            let found = repeats[split]["accuracy"]["values"].as_array().unwrap();
            let found: Vec<f64> = found.iter().map(|value| value.as_f64().unwrap()).collect();
            assert_eq!(&found, expected, "{split} {settings}");
        }
        // Otherwise three times the same model would pass as well.
        let spread = ["validation", "test"].map(|split| {
            let accuracy = &repeats[split]["accuracy"]["standard_deviation"];
            accuracy.as_f64().unwrap()
        });
        assert!(spread.iter().any(|&spread| spread > 0.0), "{accuracies:?}");
        assert!(
            said.stderr.contains("\n  3 seeds, test: accuracy "),
            "{}",
            said.stderr
        );
    }
}
