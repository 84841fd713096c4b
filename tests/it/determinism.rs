//! Equal input gives equal bytes: run after run, with any number of threads, in any order of the sources, and
//! from one version of the code to the next unless its `STAGE.revision` says otherwise.

use std::path::{Path, PathBuf};

use labelproof_artifact::{StageId, fs};
use labelproof_driver::reproduction::{PipelineLock, Platform};

use crate::harness::{Project, small_corpus};

fn differing(one: &Project, other: &Project) -> Vec<String> {
    let (one, other) = (one.artifacts(), other.artifacts());
    assert_eq!(one.len(), other.len());
    one.into_iter()
        .zip(other)
        .filter(|(one, other)| one != other)
        .map(|((name, _), _)| name)
        .collect()
}

/// The pure-Rust backend splits its work in the same way whatever the number of threads. LibTorch's matrix
/// products do not for every shape: there, runs are compared that have one number of threads.
#[test]
fn twenty_runs_give_one_digest_on_any_number_of_threads() {
    for (device, threads) in [("flex", [1, 2, 7]), ("cpu", [2, 2, 2])] {
        let first = Project::small(device);
        run_with(&first, threads[0]);
        for run in 1..20 {
            let again = Project::small(device);
            let threads = threads[run % 3];
            run_with(&again, threads);
            assert_eq!(
                differing(&first, &again),
                Vec::<String>::new(),
                "{device}, run {run} with {threads} threads"
            );
        }
    }
}

/// The stages that hand over data only are the same for any number of threads on every backend.
#[test]
fn data_stages_know_no_number_of_threads() {
    let projects = [1, 7].map(|threads| {
        let project = Project::small("cpu");
        run_with(&project, threads);
        project
    });
    let differing = differing(&projects[0], &projects[1]);
    let of_data = |name: &&String| {
        ["ingest/", "preprocess/", "split/"]
            .iter()
            .any(|stage| name.starts_with(stage))
    };
    assert_eq!(differing.iter().find(of_data), None);
}

fn run_with(project: &Project, threads: usize) {
    project
        .shell(&format!(
            "export RAYON_NUM_THREADS={threads} OMP_NUM_THREADS={threads} MKL_NUM_THREADS={threads}
             exec $LABELPROOF run"
        ))
        .expect_success();
}

#[test]
fn the_order_of_the_sources_changes_nothing() {
    let csv = small_corpus();
    let (header, rows) = csv.split_once('\n').unwrap();
    let rows: Vec<&str> = rows.lines().collect();
    let projects = ["[one.csv, two.csv]", "[two.csv, one.csv]"].map(|paths| {
        let project = Project::small("cpu");
        let (one, two) = rows.split_at(70);
        project.write("one.csv", &format!("{header}\n{}\n", one.join("\n")));
        project.write("two.csv", &format!("{header}\n{}\n", two.join("\n")));
        let pipeline = project.read("pipeline.yaml").replace("[texts.csv]", paths);
        project.write("pipeline.yaml", &pipeline);
        project.run(&["run"]).expect_success();
        project
    });
    // The lock holds the setting as it was given; the page shows the lock's digest, and its numbers for
    // programs the lock.
    let expected = [
        "ingest/stage.lock.json",
        "report/index.html",
        "report/report.json",
        "report/stage.lock.json",
    ];
    assert_eq!(differing(&projects[0], &projects[1]), expected);
}

#[test]
fn another_seed_gives_another_split_and_another_model() {
    let one = Project::small("cpu");
    one.run(&["run"]).expect_success();
    let other = Project::small("cpu");
    other.run(&["run", "--set", "seed=11"]).expect_success();
    let differing = differing(&one, &other);
    for name in [
        "split/split.parquet",
        "train/model/model.safetensors",
        "evaluate/predictions.parquet",
    ] {
        assert!(differing.contains(&name.to_owned()), "{differing:?}");
    }
    for name in ["ingest/documents.parquet", "preprocess/tokens.parquet"] {
        assert!(!differing.contains(&name.to_owned()), "{differing:?}");
    }
}

/// What the small pipeline gave when its stages were last changed.
fn golden_lock() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/small.lock")
}

/// A changed output without a raised `STAGE.revision` would leave the users' old artifacts in place, and call
/// them up to date. Data stages are compared on every machine, the others on one like that of the lock.
#[test]
fn a_stage_that_gives_other_bytes_has_another_revision() {
    let project = Project::small("cpu");
    project.run(&["run"]).expect_success();
    let platform = Platform::current("cpu");
    let fresh = PipelineLock::of_artifacts(&project.path("artifacts"), platform.clone()).unwrap();
    if std::env::var_os("LABELPROOF_WRITE_GOLDEN").is_some() {
        fs::create_dir_all(golden_lock().parent().unwrap()).unwrap();
        fresh.write(&golden_lock()).unwrap();
    }
    let golden = PipelineLock::read(&golden_lock()).unwrap();
    if !golden.is_of(&platform) {
        eprintln!(
            "skipped for train and what follows: this machine is not like the one of {}",
            golden_lock().display()
        );
    }
    for stage in StageId::ALL {
        if stage >= StageId::Train && !golden.is_of(&platform) {
            continue;
        }
        let (then, now) = (golden.stage(stage).unwrap(), fresh.stage(stage).unwrap());
        assert_eq!(
            then.revision, now.revision,
            "{stage} has another revision: run this test with LABELPROOF_WRITE_GOLDEN=1, and commit \
             small.lock"
        );
        // With other input, other output is no wonder: the stage before is the one to look at.
        if then.inputs == now.inputs && then.params == now.params {
            assert_eq!(
                then.outputs, now.outputs,
                "{stage} gives other bytes for equal input: raise its revision, run this test with \
                 LABELPROOF_WRITE_GOLDEN=1, and commit small.lock"
            );
        }
    }
}
