//! Several processes that share a run give the bytes of one process, whatever happens to them, and say what is
//! wrong where they cannot work together.

use std::path::PathBuf;

use crate::harness::{Project, Run, labelproof};

/// Trains and evaluates with one thread a process; everything else would compare sums of other threads.
fn run(project: &Project, workers: usize, settings: &str) -> Run {
    project.shell(&format!(
        "OMP_NUM_THREADS=1 $LABELPROOF run evaluate --workers {workers} {settings}"
    ))
}

const SHARED: &str = "--set train.gradient_accumulation=4 --set train.batch_size=3 --set train.epochs=3 \
                      --set train.learning_rate=0.003 --set train.gradient_clipping=1.0";

#[test]
fn any_number_of_workers_gives_the_bytes_of_one() {
    for settings in [
        "--set train.trainable=none --set train.folds=2 --set train.repeats=2",
        "--set train.trainable={last:1} --set train.folds=2 --set train.repeats=2",
        "--set train.trainable=all",
        "--set train.trainable=all --set train.precision=bfloat16",
    ] {
        // Braces and blanks are the shell's.
        let settings = format!("{SHARED} {}", settings.replace("{last:1}", "'{last: 1}'"));
        let alone = Project::small("cpu");
        run(&alone, 1, &settings).expect_success();
        for workers in [2, 4] {
            let shared = Project::small("cpu");
            run(&shared, workers, &settings).expect_success();
            assert!(
                shared.artifacts() == alone.artifacts(),
                "{workers} workers, {settings}"
            );
        }
    }
}

/// The sample encoder's gradients are more than travels at once.
#[test]
fn the_sample_encoder_is_trained_to_the_same_bytes() {
    let encoder = PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../external/encoders/all-minilm-l6-v2"
    ));
    if !encoder.exists() {
        eprintln!("skipped: the sample encoder is not there; run make setup");
        return;
    }
    let settings = format!("{SHARED} --set train.trainable=all --set train.epochs=1");
    let [alone, shared] = [1, 2].map(|workers| {
        let project = Project::small("cpu");
        let settings = format!("{settings} --set encoder={}", encoder.display());
        run(&project, workers, &settings).expect_success();
        project
    });
    assert!(shared.artifacts() == alone.artifacts());
}

#[test]
fn a_training_that_loses_its_workers_ends_with_the_same_bytes_with_another_number_of_them() {
    let settings = format!("{SHARED} --set train.trainable=all --set train.epochs=40");
    let undisturbed = Project::small("cpu");
    run(&undisturbed, 1, &settings).expect_success();

    let project = Project::small("cpu");
    let disturbed = |workers: usize, then: &str| {
        project.shell(&format!(
            "OMP_NUM_THREADS=1 $LABELPROOF run evaluate --workers {workers} {settings} 2> log & pid=$!
             until grep -qs training log || ! kill -0 $pid; do sleep 0.02; done
             sleep 0.5; {then}; wait $pid; code=$?; cat log >&2; exit $code"
        ))
    };
    // One worker of four is killed: the first one says so, and ends.
    let run_of_four = disturbed(4, "kill -KILL $(pgrep -P $pid | head -n 1)");
    assert_eq!(run_of_four.code, 7, "{}", run_of_four.stderr);
    assert!(
        run_of_four
            .stderr
            .contains("stage `train` failed\n  caused by: a worker is gone"),
        "{}",
        run_of_four.stderr
    );
    // All are stopped, and keep a checkpoint.
    let stopped = disturbed(2, "kill -INT $pid");
    assert_eq!(stopped.code, 130, "{}", stopped.stderr);
    assert!(
        stopped.stderr.contains("stage `train` stopped after "),
        "{}",
        stopped.stderr
    );
    // All are killed, the first one first: the others notice, and no process is left.
    let killed = disturbed(
        4,
        "workers=$(pgrep -P $pid); kill -KILL $pid; sleep 3; kill -0 $workers && exit 99",
    );
    assert!(killed.code != 0 && killed.code != 99, "{}", killed.stderr);
    // Another number of workers goes on from there.
    let last = run(&project, 4, &settings).expect_success();
    assert!(
        last.stderr.contains("going on from a checkpoint after "),
        "{}",
        last.stderr
    );
    assert!(project.artifacts() == undisturbed.artifacts());
}

/// Two processes with the variables of a launcher.
fn launched(project: &Project, arguments: [&str; 2], port: &str) -> Run {
    project.shell(&format!(
        "export OMP_NUM_THREADS=1 WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 MASTER_PORT={port}
         RANK=1 LOCAL_RANK=1 $LABELPROOF {} > second.out 2> second.err & second=$!
         RANK=0 LOCAL_RANK=0 $LABELPROOF {}; code=$?; wait $second; echo $? > second.code; exit $code",
        arguments[1], arguments[0]
    ))
}

/// A port that was free a moment ago.
fn free_port() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port().to_string()
}

#[test]
fn processes_that_a_launcher_started_share_run_and_prediction() {
    let settings = format!("{SHARED} --set train.trainable=all");
    let alone = Project::small("cpu");
    run(&alone, 1, &settings).expect_success();
    let project = Project::small("cpu");
    let arguments = format!("run evaluate {settings}");
    launched(&project, [&arguments, &arguments], &free_port()).expect_success();
    assert_eq!(
        [project.read("second.code"), project.read("second.out")],
        ["0\n", ""]
    );
    assert_eq!(project.read("second.err"), "");
    assert!(project.artifacts() == alone.artifacts());

    // Nothing is left to do: the first one says so, and the second one is not left waiting.
    let again = launched(&project, [&arguments, &arguments], &free_port()).expect_success();
    assert!(
        again.stderr.contains("evaluate    up to date"),
        "{}",
        again.stderr
    );
    assert_eq!(project.read("second.code"), "0\n");

    let predict = "predict --bundle artifacts/train/model --input texts.csv --id id --device cpu \
                   --abstain coverage=0.5 --conformal 0.8";
    let expected = project.shell(&format!("OMP_NUM_THREADS=1 $LABELPROOF {predict}"));
    let shared = launched(&project, [predict, predict], &free_port());
    assert_eq!(shared.code, 3, "{}", shared.stderr);
    assert!(
        expected.stderr.starts_with("kept from a confidence of "),
        "{}",
        expected.stderr
    );
    assert_eq!((shared.stdout, shared.stderr), (expected.stdout, expected.stderr));
    assert_eq!(project.read("second.out") + &project.read("second.err"), "");
}

#[test]
fn a_worker_with_other_data_or_without_its_files_is_named() {
    let project = Project::small("cpu");
    let settings = format!("{SHARED} --set train.trainable=all");
    let run = launched(
        &project,
        [
            &format!("run train {settings}"),
            "predict --bundle nowhere --input texts.csv",
        ],
        &free_port(),
    );
    assert_eq!(run.code, 7, "{}", run.stderr);
    let (_, message) = run.stderr.split_once("train       never run\n").unwrap();
    insta::assert_snapshot!(message, @r#"
        error: stage `train` failed
          caused by: worker 1 failed: `nowhere` is no bundle: there is no `labelproof.json` in it

            hint: name the `model` folder that train wrote, such as artifacts/train/model, or the folder of an AutoModelForSequenceClassification
    "#);
}

#[test]
fn a_worker_of_another_build_is_refused() {
    let project = Project::small("cpu");
    let folder = labelproof().parent().unwrap().display();
    // The same program to the system, and another file.
    project
        .shell(&format!(
            "cp {folder}/labelproof {folder}/labelproof-torch . && echo >> labelproof-torch"
        ))
        .expect_success();
    let place = format!("WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 MASTER_PORT={}", free_port());
    let run = project.shell(&format!(
        "export {place}; RANK=1 ./labelproof run train 2> second.err & RANK=0 $LABELPROOF run train; code=$?; wait; exit $code"
    ));
    assert_eq!(run.code, 2, "{}", run.stderr);
    for message in [run.stderr, project.read("second.err")] {
        assert!(
            message.contains("error: worker 1 has another build than the first one: "),
            "{message}"
        );
    }
}

#[test]
fn what_cannot_be_shared_is_refused_with_what_to_do() {
    let project = Project::small("cpu");
    let refused = |arguments: &str| {
        let run = project.shell(&format!("$LABELPROOF {arguments} --quiet"));
        format!("exit code {}\n{}", run.code, run.stderr)
    };
    insta::assert_snapshot!(refused("run train --workers 3 --set train.trainable=all --set train.gradient_accumulation=4"), @r#"
        exit code 2
        error: stage `train` failed
          caused by: 3 workers cannot share a step of 4 micro-batches evenly

        hint: set `train.gradient_accumulation: 6` and `train.batch_size: 6`, which makes a step of 36 rows; now it is 32
    "#);
    insta::assert_snapshot!(refused("run train --workers 2 --set train.trainable=all --set train.gradient_accumulation=2 --set train.batch_normalization=trained"), @r#"
        exit code 2
        error: stage `train` failed
          caused by: `train.batch_normalization: trained` learns from each batch in turn, which 2 workers have no order for

        hint: use `batch_normalization: none` or `frozen`, or one worker
    "#);
    insta::assert_snapshot!(refused("run train --device cpu,cpu --workers 3"), @r#"
        exit code 2
        error: 2 devices are named, and `--workers` asks for 3 processes

        hint: leave out `--workers`: each device gets a process
    "#);
    insta::assert_snapshot!(refused("run train --device flex --workers 2"), @r#"
        exit code 6
        error: tensors on the device `flex` cannot be exchanged between workers

        hint: use one device, or `device: cpu`
    "#);
    insta::assert_snapshot!(project.shell("WORLD_SIZE=2 $LABELPROOF run train").stderr, @r#"
        error: `WORLD_SIZE` is set, and `RANK` is not

        hint: a launcher of several processes sets RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT; to run one process alone, unset RANK and WORLD_SIZE
    "#);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let place = format!("WORLD_SIZE=2 RANK=0 MASTER_ADDR=127.0.0.1 MASTER_PORT={port}");
    let run = project.shell(&format!("{place} $LABELPROOF run train"));
    assert!(
        run.stderr
            .starts_with(&format!("error: the workers cannot meet at 127.0.0.1:{port}: ")),
        "{}",
        run.stderr
    );
}
