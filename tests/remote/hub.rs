//! A server that answers as the Hugging Face Hub does: what is in a repository as JSON, small files from
//! itself, large ones from another server, to which the token must not go.

use insta::assert_snapshot;
use labelproof_testkit::web::{Answer, Request, Web};

use crate::harness::Project;
use crate::{failure, ingest, project, written};

const COMMIT: &str = "5e9cd2a4a2ad62ad8f8f36a3e6d1bd2b9b5c1f00";

/// The repository `owner/name` with the files of the project, of which `train-2.csv` counts as large.
struct Hub {
    hub: Web,
    large: Web,
}

impl Hub {
    fn start(project: &Project, spoil: bool) -> Self {
        let sum = |script: &str| {
            project.shell(script).expect_success().stdout[..]
                .split(' ')
                .next()
                .unwrap()
                .to_owned()
        };
        let blob = |name: &str| {
            let length = project.read(name).len();
            sum(&format!("(printf 'blob {length}\\0'; cat {name}) | sha1sum"))
        };
        let files = format!(
            r#"{{"id": "owner/name", "private": false, "sha": "{COMMIT}", "siblings": [
                {{"rfilename": "README.md", "size": 12, "blobId": "{}"}},
                {{"rfilename": "data/train-1.csv", "size": 1, "blobId": "{}"}},
                {{"rfilename": "data/train-2.csv", "size": 1, "blobId": "0", "lfs":
                    {{"sha256": "{}", "size": 1, "pointerSize": 130}}}}]}}"#,
            blob("data/README.md"),
            blob("data/train-1.csv"),
            sum("sha256sum data/train-2.csv"),
        );
        let [one, mut two] =
            ["data/train-1.csv", "data/train-2.csv"].map(|name| project.read(name).into_bytes());
        if spoil {
            two[20] = b'X';
        }
        let large = Web::start(move |request| Answer::file(request, &two, "of the other server"));
        let other = large.url.clone();
        let hub = Web::start(move |request| {
            let resolve = format!("/datasets/owner/name/resolve/{COMMIT}/data");
            let path = request.path.as_str();
            if request.header("authorization") != Some("Bearer hf_secret") {
                return refusal(401, "GatedRepo");
            }
            match path {
                "/api/datasets/owner/name/revision/main?blobs=true"
                | "/api/datasets/owner/name/revision/refs%2Fconvert%2Fparquet?blobs=true" => {
                    Answer::of(200, &files)
                }
                _ if path == format!("{resolve}/train-1.csv") => Answer::file(request, &one, "one"),
                _ if path == format!("{resolve}/train-2.csv") => Answer {
                    headers: vec![("Location", format!("{other}/large?Signature=secret"))],
                    ..Answer::of(302, "")
                },
                _ if path.starts_with("/api/datasets/owner/name/") => refusal(404, "RevisionNotFound"),
                _ => refusal(404, "RepoNotFound"),
            }
        });
        Self { hub, large }
    }

    fn environment(&self) -> String {
        format!("HF_ENDPOINT={} HF_TOKEN=hf_secret", self.hub.url)
    }
}

pub(crate) fn refusal(status: u16, code: &str) -> Answer {
    Answer {
        headers: vec![("X-Error-Code", code.to_owned())],
        ..Answer::of(status, "")
    }
}

pub(crate) fn paths(requests: &[Request]) -> Vec<&str> {
    requests.iter().map(|request| request.path.as_str()).collect()
}

#[test]
fn files_of_the_hub_give_the_bytes_of_local_files() {
    let project = project();
    let hub = Hub::start(&project, false);
    let environment = hub.environment();
    for (address, path) in [
        ("hf://datasets/owner/name/data/train-1.csv", "data/train-1.csv"),
        (
            "hf://datasets/owner/name@main/data/train-*.csv",
            "data/train-*.csv",
        ),
        ("hf://datasets/owner/name", "data/train-*.csv"),
        ("hf://datasets/owner/name@~parquet/data", "data/train-*.csv"),
    ] {
        let of_files = written(&project, "", path);
        assert!(written(&project, &environment, address) == of_files, "{address}");
    }
    let large = hub.large.requests();
    assert_eq!(paths(&large)[0], "/large?Signature=secret");
    assert!(
        large
            .iter()
            .all(|request| request.header("authorization").is_none())
    );

    // What is listed with its digest is known without another request.
    hub.hub.requests();
    ingest(&project, &environment, "hf://datasets/owner/name").expect_success();
    assert_eq!(
        paths(&hub.hub.requests()),
        ["/api/datasets/owner/name/revision/main?blobs=true"]
    );
    let offline = format!("HF_HUB_OFFLINE=1 {environment}");
    let run = ingest(&project, &offline, "hf://datasets/owner/name").expect_success();
    assert!(
        run.stderr.contains("reading 2 files that were fetched before"),
        "{}",
        run.stderr
    );
    assert_eq!(hub.hub.requests(), []);
}

#[test]
fn each_thing_that_goes_wrong_at_the_hub_has_its_message() {
    let project = project();
    let hub = Hub::start(&project, true);
    let host = hub.hub.url.strip_prefix("http://").unwrap();
    let of = |environment: &str, address: &str| {
        failure(&ingest(&project, environment, address)).replace(host, "HOST")
    };
    let message = |address: &str| of(&hub.environment(), address);
    assert_snapshot!(message("hf://datasets/owner/name/data/train-3.csv"), @r"
    exit code 3
    stage `ingest` failed
      caused by: `hf://datasets/owner/name/data/train-3.csv` does not exist

    hint: did you mean `hf://datasets/owner/name/data/train-1.csv`?
    ");
    assert_snapshot!(message("hf://datasets/owner/name@v9/data/train-1.csv"), @r"
    exit code 3
    stage `ingest` failed
      caused by: `hf://datasets/owner/name@v9` does not exist

    hint: check its spelling
    ");
    assert_snapshot!(message("hf://datasets/owner/nome/data/train-1.csv"), @r"
    exit code 3
    stage `ingest` failed
      caused by: `hf://datasets/owner/nome` cannot be fetched: there is no repository of that name

    hint: check its spelling
    ");
    assert_snapshot!(message("hf://datasets/owner/name/data/train-2.csv"), @r"
    exit code 3
    stage `ingest` failed
      caused by: `hf://datasets/owner/name/data/train-2.csv` is not what the Hub lists: its digest is another

    hint: run the same command again: it is fetched anew
    ");
    assert_snapshot!(message("hf://owner/name/data/train-2.csv"), @r"
    exit code 2
    stage `ingest` failed
      caused by: `hf://owner/name/data/train-2.csv` is no address: write hf://datasets/owner/name/path, or hf://datasets/owner/name@revision/path
    ");
    let without = format!("HF_HOME=none HF_ENDPOINT={}", hub.hub.url);
    assert_snapshot!(of(&without, "hf://datasets/owner/name/data/train-1.csv"), @r"
    exit code 3
    stage `ingest` failed
      caused by: `hf://datasets/owner/name` may not be read: HOST answers 401 (GatedRepo)

    hint: does it exist? A private or gated data set needs HF_TOKEN, or `hf auth login`, of somebody to whom its page gives access
    ");
    let dead = "HF_ENDPOINT=http://127.0.0.1:9 HF_TOKEN=hf_secret";
    assert_snapshot!(of(dead, "hf://datasets/owner/name/data/train-1.csv"), @r"
    exit code 7
    stage `ingest` failed
      caused by: `hf://datasets/owner/name` cannot be reached: 127.0.0.1:9: Connection refused (os error 111)

    hint: check the network, and the proxy in HTTPS_PROXY; what was fetched before is read without a network
    ");
}
