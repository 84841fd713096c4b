//! Which stages a run is about: dry runs, single stages, and two runs at once.

use crate::harness::{Project, outcomes};

#[test]
fn a_dry_run_says_what_would_run_and_writes_nothing() {
    let project = Project::small("flex");
    let plan = project.run(&["run", "--dry-run"]).expect_success();
    let lines: Vec<&str> = plan.stdout.lines().collect();
    assert_eq!(lines.len(), 7, "{}", plan.stdout);
    assert_eq!(lines[0], "ingest      would run: never run");
    assert!(!project.path("artifacts").exists());

    project.run(&["run", "--until", "split"]).expect_success();
    assert!(project.path("artifacts/split").exists() && !project.path("artifacts/train").exists());
    let plan = project
        .run(&["run", "--dry-run", "--until", "split", "--set", "split.test=0.4"])
        .expect_success();
    assert_eq!(
        plan.stdout,
        "ingest      up to date\npreprocess  up to date\nsplit       would run: split.test 0.3 -> 0.4\n"
    );
}

#[test]
fn a_run_of_one_stage_takes_what_lies_before_it_as_it_is() {
    let project = Project::small("flex");
    project.run(&["run", "split"]).expect_success();
    // Preprocess would have to run; --only leaves it alone and says so.
    let run = project
        .run(&[
            "run",
            "--only",
            "split",
            "--set",
            "preprocess.max_tokens=20",
            "--force",
        ])
        .expect_success();
    assert!(
        run.stderr
            .contains("preprocess  left as it is, although preprocess.max_tokens 24 -> 20"),
        "{}",
        run.stderr
    );
    assert_eq!(outcomes(&run.stderr).last().unwrap(), "split ran");
    let refused = project.run(&["run", "split", "--only", "split"]);
    assert_eq!(refused.code, 2, "{}", refused.stderr);
}

/// A run that takes a while, and one that does not want to wait for it.
#[test]
fn a_second_run_waits_or_fails_at_once() {
    let project = Project::small("flex");
    project.run(&["run", "split"]).expect_success();
    let lock = std::fs::File::options()
        .read(true)
        .write(true)
        .open(project.path("artifacts/.lock"))
        .unwrap();
    lock.lock().unwrap();
    let refused = project.run(&["run", "split", "--no-wait"]);
    assert_eq!(refused.code, 7, "{}", refused.stderr);
    assert!(
        refused.stderr.contains("is using `artifacts`"),
        "{}",
        refused.stderr
    );
    drop(lock);
    project.run(&["run", "split", "--no-wait"]).expect_success();
}
