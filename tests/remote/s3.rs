//! S3, served by moto and filled by boto3.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use insta::assert_snapshot;

use crate::harness::Project;
use crate::servers::{Server, run_python, set_up};
use crate::{failure, ingest, project, written};

/// `SERVER BUCKET KEY=FILE…`: puts files into a bucket, which is made if it is not there.
const PUT: &str = "
import sys, boto3
s3 = boto3.client('s3', endpoint_url=sys.argv[1], region_name='us-east-1',
                  aws_access_key_id='me', aws_secret_access_key='secret')
s3.create_bucket(Bucket=sys.argv[2])
for pair in sys.argv[3:]:
    key, file = pair.split('=')
    s3.put_object(Bucket=sys.argv[2], Key=key, Body=open(file, 'rb').read() if file else b'')
";

pub(crate) struct S3 {
    pub(crate) server: Server,
    pub(crate) python: PathBuf,
    pub(crate) project: Project,
}

impl S3 {
    /// A bucket `data` with the files of the project, and an empty object that stands for a folder.
    pub(crate) fn start() -> Option<Self> {
        let python = set_up("LABELPROOF_REMOTE_PYTHON")?;
        let server = Server::start(|port| {
            let mut command = Command::new(&python);
            command.args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()]);
            command
        });
        let s3 = Self {
            server,
            python,
            project: project(),
        };
        s3.put(&[
            "d/train-1.csv=data/train-1.csv",
            "d/train-2.csv=data/train-2.csv",
            "d/more/=",
            "d/more/train-3.csv=data/more/train-3.csv",
            "d/README.md=data/README.md",
        ]);
        Some(s3)
    }

    pub(crate) fn put(&self, files: &[&str]) {
        let url = self.server.url();
        let arguments = [&[url.as_str(), "data"], files].concat();
        run_python(&self.python, PUT, &arguments, &self.project.path(""));
    }

    pub(crate) fn environment(&self) -> String {
        self.environment_of("me", "secret")
    }

    /// The environment of somebody with these keys.
    pub(crate) fn environment_of(&self, key: &str, secret: &str) -> String {
        format!(
            "AWS_ENDPOINT_URL={} AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID={key} AWS_SECRET_ACCESS_KEY={secret}",
            self.server.url()
        )
    }

    /// From now on keys are checked.
    pub(crate) fn check_keys(&self) {
        run_python(
            &self.python,
            "import sys, urllib.request as r; r.urlopen(r.Request(sys.argv[1] + '/moto-api/reset-auth', b'0', {
                'Content-Type': 'text/plain'}))",
            &[&self.server.url()],
            &self.project.path(""),
        );
    }

    fn failure(&self, entry: &str) -> String {
        failure(&ingest(&self.project, &self.environment(), entry))
            .replace(&self.server.port.to_string(), "PORT")
    }
}

#[test]
fn objects_files_and_folders_of_s3_give_the_bytes_of_local_files() {
    let Some(s3) = S3::start() else { return };
    let environment = s3.environment();
    for (address, path) in [
        ("s3://data/d/train-1.csv", "data/train-1.csv"),
        ("s3://data/d/train-*.csv", "data/train-*.csv"),
        ("s3://data/d/more", "data/more"),
        ("s3://data/d/", "data"),
        ("s3://data/**/train-[13].csv", "data/**/train-[13].csv"),
    ] {
        let of_files = written(&s3.project, "", path);
        assert!(of_files.len() > 2);
        assert!(
            written(&s3.project, &environment, address) == of_files,
            "{address}"
        );
    }
    let lock = s3.project.read("artifacts/ingest/stage.lock.json");
    assert!(!lock.contains("secret"), "{lock}");
}

#[test]
fn what_did_not_change_is_not_fetched_again_and_what_did_is() {
    let Some(s3) = S3::start() else { return };
    let address = "s3://data/d/train-*.csv";
    let first = ingest(&s3.project, &s3.environment(), address)
        .expect_success()
        .stderr;
    assert!(first.contains("fetched 2."), "{first}");
    assert!(first.contains("kB from s3://data/d/train-*.csv"), "{first}");

    let second = ingest(&s3.project, &s3.environment(), address)
        .expect_success()
        .stderr;
    assert!(
        second.contains("up to date") && !second.contains("fetch"),
        "{second}"
    );

    s3.put(&["d/train-2.csv=data/more/train-3.csv"]);
    let third = ingest(&s3.project, &s3.environment(), address)
        .expect_success()
        .stderr;
    assert!(third.contains("the sources changed"), "{third}");
    assert!(third.contains("fetched 1."), "{third}");

    let mut s3 = s3;
    s3.server.stop();
    let fourth = ingest(&s3.project, &s3.environment(), address)
        .expect_success()
        .stderr;
    assert!(fourth.contains("cannot be reached"), "{fourth}");
    assert!(
        fourth.contains("reading 2 files that were fetched before"),
        "{fourth}"
    );
    assert!(fourth.contains("up to date"), "{fourth}");
}

#[test]
fn each_thing_that_goes_wrong_has_its_message() {
    let Some(mut s3) = S3::start() else { return };
    assert_snapshot!(s3.failure("s3://data/d/train-4.csv"), @r"
    exit code 3
    stage `ingest` failed
      caused by: `s3://data/d/train-4.csv` does not exist

    hint: check its spelling
    ");
    assert_snapshot!(s3.failure("s3://data/d/test-*.csv"), @r"
    exit code 3
    stage `ingest` failed
      caused by: `s3://data/d/test-*.csv` matches none of the 4 files there

    hint: check its spelling
    ");
    assert_snapshot!(s3.failure("s3://data/d/README.md/"), @r"
    exit code 3
    stage `ingest` failed
      caused by: `s3://data/d/README.md/` does not exist

    hint: check its spelling
    ");
    assert_snapshot!(s3.failure("s3://date/d/train-1.csv"), @r"
    exit code 3
    stage `ingest` failed
      caused by: `s3://date/d/train-1.csv` cannot be fetched: there is no bucket of that name

    hint: check its spelling, and the server in AWS_ENDPOINT_URL if that is set
    ");
    s3.check_keys();
    assert_snapshot!(s3.failure("s3://data/d/train-1.csv"), @r#"
    exit code 3
    stage `ingest` failed
      caused by: `s3://data/d/train-1.csv` may not be read: 127.0.0.1:PORT answers 403 (InvalidAccessKeyId)

    hint: set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN to those of somebody who may read it (`eval "$(aws configure export-credentials --format env)"` takes them from a profile), or AWS_SKIP_SIGNATURE=true for what everybody may read
    "#);
    s3.server.stop();
    let begun = Instant::now();
    assert_snapshot!(s3.failure("s3://data/d/train-1.csv"), @r"
    exit code 7
    stage `ingest` failed
      caused by: `s3://data/d/train-1.csv` cannot be reached: 127.0.0.1:PORT: Connection refused (os error 111)

    hint: check the network, and the proxy in HTTPS_PROXY; what was fetched before is read without a network
    ");
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[test]
fn without_credentials_that_is_said_within_seconds() {
    let project = project();
    let begun = Instant::now();
    // Where a machine of the cloud would be asked for its own, nobody listens.
    let environment = "AWS_METADATA_ENDPOINT=http://127.0.0.2:9 AWS_REGION=us-east-1";
    let message = failure(&ingest(&project, environment, "s3://data/d/train-1.csv"));
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert_snapshot!(message, @r#"
    exit code 2
    stage `ingest` failed
      caused by: `s3://data/d/train-1.csv` cannot be fetched: there are no credentials for S3

    hint: set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN to those of somebody who may read it (`eval "$(aws configure export-credentials --format env)"` takes them from a profile), or AWS_SKIP_SIGNATURE=true for what everybody may read
    "#);
}
