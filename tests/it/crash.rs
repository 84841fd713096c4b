//! Runs that are killed: the next one is right, with no cleaning by hand.

use std::time::{Duration, Instant};

use crate::harness::Project;

/// How often the run is killed, at moments drawn over the time that an undisturbed one takes.
const KILLS: u32 = 100;

/// Whole runs are killed again and again in one folder. Whenever one gets to its end, it must have left the bytes of a run
/// that nobody disturbed; then everything begins anew, so that kills fall into every stage.
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
