//! Google Cloud Storage, served by fake-gcs-server.

use std::process::Command;

use insta::assert_snapshot;

use crate::servers::{Server, set_up};
use crate::{failure, ingest, project, written};

#[test]
fn objects_of_google_give_the_bytes_of_local_files() {
    let Some(program) = set_up("LABELPROOF_REMOTE_GCS") else {
        return;
    };
    let project = project();
    project
        .shell("mkdir -p buckets && cp -r data buckets/data")
        .expect_success();
    let server = Server::start(|port| {
        let mut command = Command::new(&program);
        command.args([
            "-scheme",
            "http",
            "-host",
            "127.0.0.1",
            "-port",
            &port.to_string(),
        ]);
        command.args(["-backend", "memory", "-public-host", &format!("127.0.0.1:{port}")]);
        command.arg("-data").arg(project.path("buckets"));
        command
    });
    let environment = format!("GOOGLE_BASE_URL={} GOOGLE_SKIP_SIGNATURE=true", server.url());
    for (address, path) in [
        ("gs://data/train-1.csv", "data/train-1.csv"),
        ("gs://data/train-*.csv", "data/train-*.csv"),
        ("gs://data", "data"),
    ] {
        let of_files = written(&project, "", path);
        assert!(written(&project, &environment, address) == of_files, "{address}");
    }
    assert_snapshot!(failure(&ingest(&project, &environment, "gs://data/train-4.csv")), @r"
    exit code 3
    stage `ingest` failed
      caused by: `gs://data/train-4.csv` does not exist

    hint: check its spelling
    ");
}
