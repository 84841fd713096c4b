//! Runs that are killed, stopped, or hindered by a full disk, a folder that cannot be written, a source that
//! vanishes, a damaged artifact: what is wrong is named, and the next run is right, with no cleaning by hand.

use std::time::{Duration, Instant};

use crate::harness::Project;

/// How often the run is killed, at moments drawn over the time that an undisturbed one takes.
const KILLS: u32 = 100;

/// Whole runs are killed again and again in one folder. Whenever one gets to its end, it must have left the
/// bytes of a run that nobody disturbed; then everything begins anew, so that kills fall into every stage.
#[test]
fn a_run_that_is_killed_a_hundred_times_ends_with_the_same_bytes() {
    let undisturbed = Project::small("flex");
    let started = Instant::now();
    undisturbed.run(&["run"]).expect_success();
    let whole = started.elapsed();
    let expected = undisturbed.artifacts();

    let project = Project::small("flex");
    let artifacts = project.path("artifacts");
    let (mut kills, mut ends, mut state) = (0, 0, 7_u64);
    while kills < KILLS {
        // Knuth's linear congruential generator: any fixed sequence will do.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let share = f64::from(u32::try_from(state >> 40).unwrap()) / f64::from(1 << 24);
        let mut child = project.start(&["run", "--quiet"]);
        let killed_at = Instant::now() + whole.mul_f64(share);
        let finished = loop {
            if let Some(status) = child.try_wait().unwrap() {
                assert!(status.success(), "after {kills} kills a run failed: {status}");
                break true;
            }
            if Instant::now() >= killed_at {
                child.kill().unwrap();
                child.wait().unwrap();
                break false;
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        kills += u32::from(!finished);
        if finished {
            ends += 1;
            assert!(
                project.artifacts() == expected,
                "after {kills} kills a run left other bytes"
            );
            labelproof_artifact::fs::remove(&artifacts).unwrap();
        }
    }
    project.run(&["run"]).expect_success();
    assert!(project.artifacts() == expected, "the last run left other bytes");
    assert!(ends > 0, "no run got to its end between two kills");
}

/// Ctrl-C while the whole encoder is trained, with dropout: the same command goes on, as often as it takes.
#[test]
fn a_training_that_is_stopped_goes_on_and_ends_with_the_same_bytes() {
    let settings = "--set train.trainable=all --set train.epochs=60 --set train.learning_rate=0.003";
    let undisturbed = Project::small("cpu");
    undisturbed
        .shell(&format!("$LABELPROOF run train {settings}"))
        .expect_success();

    let project = Project::small("cpu");
    let mut places = Vec::new();
    // Half a second after it said that it trains; the last time it is left alone.
    for stop in ["sleep 0.5; kill -INT $pid;", "sleep 0.5; kill -INT $pid;", ""] {
        let run = project.shell(&format!(
            "$LABELPROOF run train {settings} 2> log & pid=$!
             until grep -qs training log || ! kill -0 $pid; do sleep 0.02; done
             {stop} wait $pid; code=$?; cat log >&2; exit $code"
        ));
        if let Some(before) = places.last() {
            let going_on = format!("going on from a checkpoint after {before}\n");
            assert!(run.stderr.contains(&going_on), "{}", run.stderr);
        }
        if run.code == 0 {
            break;
        }
        assert_eq!(run.code, 130, "{}", run.stderr);
        let (before, place) = run
            .stderr
            .split_once("\nerror: stage `train` stopped after ")
            .unwrap_or_else(|| panic!("{}", run.stderr));
        let (place, hint) = place.split_once("\n\n").unwrap();
        let (_, after_the_signal) = before
            .split_once("\nstopping after this batch; a second Ctrl-C stops at once")
            .unwrap_or_else(|| panic!("{before}"));
        // It may have come while an epoch was validated, whose line then follows; and nothing else may.
        assert!(
            after_the_signal.is_empty()
                || after_the_signal.trim_start().starts_with("epoch ")
                    && after_the_signal.trim_start().lines().count() == 1,
            "{before}"
        );
        assert_eq!(
            hint,
            "hint: run the same command again: it goes on from there, and ends with the same bytes\n"
        );
        places.push(place.to_owned());
    }
    assert!(!places.is_empty(), "the training was never stopped");
    assert!(
        project.artifacts() == undisturbed.artifacts(),
        "stopped after {places:?}"
    );
    let caches = labelproof_artifact::fs::files_below(&project.path("artifacts/cache")).unwrap_or_default();
    assert!(
        caches.is_empty(),
        "a finished training keeps no checkpoint: {caches:?}"
    );
}

#[test]
fn ctrl_c_in_another_stage_ends_at_once_and_says_how_to_go_on() {
    let project = Project::small("flex");
    // A source that never comes: reading it takes as long as one likes.
    project.shell("rm texts.csv && mkfifo texts.csv");
    let run = project.shell(
        "$LABELPROOF run 2> log & pid=$!
         until grep -qs ingest log; do sleep 0.02; done
         sleep 0.2; kill -TERM $pid; wait $pid; code=$?; cat log >&2; exit $code",
    );
    assert_eq!(run.code, 130, "{}", run.stderr);
    assert!(
        run.stderr.ends_with(
            "error: stopped in stage `ingest`\n\nhint: finished stages are kept: run the same command again, and it goes \
             on with `ingest`\n"
        ),
        "{}",
        run.stderr
    );
}

/// Runs a script as root of a name space of its own, where it may mount what it likes. `None`, and a word
/// about it, where that is not allowed.
fn in_own_mounts(project: &Project, script: &str) -> Option<crate::harness::Run> {
    if project.shell("unshare -rm true").code != 0 {
        eprintln!("skipped: `unshare -rm` is not allowed here");
        return None;
    }
    project.write("script.sh", script);
    Some(project.shell("unshare -rm sh -eu script.sh"))
}

#[test]
fn a_full_disk_is_named_and_the_next_run_is_right() {
    let undisturbed = Project::small("flex");
    undisturbed.run(&["run"]).expect_success();
    let expected = undisturbed.artifacts();
    // Sizes at which the disk is full in one stage after the other.
    let mut stages = Vec::new();
    for kilobytes in [4, 16, 24, 32, 64, 96, 128, 160] {
        let project = Project::small("flex");
        let script = format!(
            "mkdir artifacts; mount -t tmpfs -o size={kilobytes}k tmpfs artifacts
             set +e; $LABELPROOF run --quiet; code=$?
             mount -o remount,size=64m artifacts; $LABELPROOF run --quiet || exit 99
             mkdir kept; cp -r artifacts/* kept; exit $code"
        );
        let Some(run) = in_own_mounts(&project, &script) else {
            return;
        };
        if run.code != 0 {
            assert_eq!(run.code, 7, "{kilobytes} kB: {}", run.stderr);
            assert!(
                run.stderr.contains("No space left on device"),
                "{kilobytes} kB: {}",
                run.stderr
            );
            assert!(
                run.stderr.ends_with(
                    "\n\nhint: free some space and run the same command again: finished stages are kept\n"
                ),
                "{kilobytes} kB: {}",
                run.stderr
            );
            let stage = run.stderr.split('`').nth(1).unwrap_or_default().to_owned();
            stages.push(stage);
        }
        project
            .shell("rmdir artifacts && mv kept artifacts")
            .expect_success();
        assert!(project.artifacts() == expected, "{kilobytes} kB");
    }
    stages.dedup();
    assert!(
        stages.len() >= 3,
        "the disk was full in too few stages: {stages:?}"
    );
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let project = Project::small("flex");
    project.run(&["run", "split"]).expect_success();
    let before = project.artifacts();
    let script =
        "mount --bind artifacts artifacts; mount -o remount,bind,ro artifacts; exec $LABELPROOF run --quiet";
    let Some(run) = in_own_mounts(&project, script) else {
        return;
    };
    assert_eq!(run.code, 7, "{}", run.stderr);
    assert_eq!(
        run.stderr,
        "error: cannot open `artifacts/.lock`\n  caused by: Read-only file system (os error 30)\n\n\
         hint: check who may use `artifacts/.lock`\n"
    );
    assert!(project.artifacts() == before);
    project.run(&["run"]).expect_success();
}

#[test]
fn a_source_that_vanished_is_named_and_nothing_is_lost() {
    let project = Project::small("flex");
    project.run(&["run", "split"]).expect_success();
    let before = project.artifacts();
    project.shell("mv texts.csv away.csv").expect_success();
    let run = project.run(&["run", "--quiet"]);
    assert_eq!(run.code, 3);
    assert_eq!(
        run.stderr,
        "error: stage `ingest` failed\n  caused by: `ingest.paths` names `texts.csv`, which does not exist\n\n\
         hint: paths are relative to the folder of `pipeline.yaml`\n"
    );
    assert!(project.artifacts() == before);
    project.shell("mv away.csv texts.csv").expect_success();
    let run = project.run(&["run"]).expect_success();
    assert!(run.stderr.contains("ingest      up to date"), "{}", run.stderr);
}

/// Every file that a stage wrote, once with a flipped bit and once cut in half: named before anything uses
/// it, together with the stage that makes it anew.
#[test]
fn a_damaged_artifact_is_named_before_it_is_used() {
    let project = Project::small("flex");
    project.run(&["run"]).expect_success();
    let whole = project.artifacts();
    let mut damaged = 0;
    for (place, (name, bytes)) in whole.iter().enumerate() {
        let (stage, file) = name.split_once('/').unwrap();
        if file == "stage.lock.json" {
            continue;
        }
        let path = project.path("artifacts").join(name);
        let mut other = bytes.clone();
        if place % 2 == 0 {
            other.truncate(bytes.len() / 2);
        } else {
            other[bytes.len() / 2] ^= 1;
        }
        labelproof_artifact::fs::write_atomic(&path, &other).unwrap();
        damaged += 1;
        let status = project.run(&["status"]).expect_success().stdout;
        let reason = format!("stale: `artifacts/{name}` was edited or removed");
        assert!(status.contains(&reason), "{name}: {status}");
        if stage != "report" {
            // Nothing reads it, even if only a later stage is asked for.
            let later = project.run(&["run", "--only", "report", "--force", "--quiet"]);
            assert_eq!(later.code, 4, "{name}: {}", later.stderr);
            let message = format!(
                "error: `artifacts/{name}` is not what `{stage}` wrote: it was edited, cut or removed since\n\n\
                 hint: make it anew: labelproof run {stage}\n"
            );
            assert_eq!(later.stderr, message);
        }
        // The model card is for people, who may add to it.
        if name.starts_with("train/model/") && !name.ends_with("README.md") {
            let arguments = [
                "predict",
                "--bundle",
                "artifacts/train/model",
                "--input",
                "texts.csv",
            ];
            let run = project.run(&[arguments.as_slice(), &["--text", "text", "--device", "flex"]].concat());
            assert!([4, 6].contains(&run.code), "{name}: {} {}", run.code, run.stderr);
            assert!(
                run.stderr.contains("labelproof run train --force"),
                "{name}: {}",
                run.stderr
            );
        }
        labelproof_artifact::fs::write_atomic(&path, bytes).unwrap();
    }
    assert!(damaged >= 15, "{damaged}");
    project.run(&["status", "--check"]).expect_success();
}
