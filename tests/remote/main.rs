//! End-to-end tests of sources and artifacts in the network, with the servers that packages bring: moto for S3,
//! fake-gcs-server for Google Cloud Storage, Azurite for Azure, and a server of the test that answers as the
//! Hugging Face Hub does.
//!
//! What comes over the network must give the same bytes as the same files on this machine. `make test-remote`
//! sets the servers up and runs this; without them a test says that it skips.
#![expect(
    clippy::unwrap_used,
    reason = "in a test, what cannot be unwrapped is a failure"
)]

mod artifacts;
mod azure;
mod google;
#[path = "../harness.rs"]
#[expect(dead_code, reason = "tests/it uses more of it")]
mod harness;
mod hub;
mod models;
mod s3;
mod servers;
mod web;

use harness::{Project, Run};

/// Rows of three labels, in two files and a folder.
pub(crate) fn project() -> Project {
    let project = Project::small("flex");
    let rows = |numbers: std::ops::Range<u32>| {
        numbers.fold("id,text,label\n".to_owned(), |csv, row| {
            let label = ["trade", "sport", "music"][row as usize % 3];
            csv + &format!("{row},a text on {label} number {row},{label}\n")
        })
    };
    project.write("data/train-1.csv", &rows(0..30));
    project.write("data/train-2.csv", &rows(30..60));
    project.write("data/more/train-3.csv", &rows(60..90));
    project.write("data/README.md", "not a table\n");
    project
}

/// Runs ingest of one entry of `ingest.paths`, with environment variables. The cache lies in the project.
pub(crate) fn ingest(project: &Project, environment: &str, entry: &str) -> Run {
    project.shell(&format!(
        "unset HTTP_PROXY HTTPS_PROXY http_proxy https_proxy ALL_PROXY all_proxy
         XDG_CACHE_HOME=\"$PWD/cache\" {environment} \
             \"$LABELPROOF\" run ingest --set 'ingest.paths=[\"{entry}\"]'"
    ))
}

/// Runs `labelproof` with environment variables on a machine of its own: what is local to a machine is its cache.
pub(crate) fn on_machine(project: &Project, machine: &str, environment: &str, arguments: &str) -> Run {
    project.shell(&format!(
        "unset HTTP_PROXY HTTPS_PROXY http_proxy https_proxy ALL_PROXY all_proxy
         XDG_CACHE_HOME=\"$PWD/{machine}\" {environment} \"$LABELPROOF\" {arguments}"
    ))
}

/// What ingest of one entry wrote, but for the lock, which names the entry.
#[track_caller]
pub(crate) fn written(project: &Project, environment: &str, entry: &str) -> Vec<(String, Vec<u8>)> {
    ingest(project, environment, entry).expect_success();
    let is_lock = |(name, _): &(String, Vec<u8>)| name.ends_with("stage.lock.json");
    project
        .artifacts()
        .into_iter()
        .filter(|file| !is_lock(file))
        .collect()
}

/// The message of a run that failed, with its exit code.
#[track_caller]
pub(crate) fn failure(run: &Run) -> String {
    assert_eq!(run.stdout, "");
    let message = run.stderr.split_once("error: ").map(|(_, message)| message);
    format!(
        "exit code {}\n{}",
        run.code,
        message.expect("it failed").trim_end()
    )
}
