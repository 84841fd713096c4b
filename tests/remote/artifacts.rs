//! Artifacts in object storage. A machine is a cache of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use insta::assert_snapshot;
use labelproof_artifact::fs;

use crate::harness::{Project, Run, outcomes};
use crate::s3::S3;
use crate::servers::run_python;
use crate::{failure, on_machine};

/// What one process writes without a store, by path.
fn alone(project: &Project) -> BTreeMap<String, Vec<u8>> {
    on_machine(project, "alone", "", "run split --quiet").expect_success();
    files(&project.path("artifacts"))
}

/// The files of the stages in a folder of artifacts.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let all = fs::files_below(folder).unwrap().into_iter();
    let named = all.map(|path| {
        let name = path.strip_prefix(folder).unwrap().to_string_lossy().into_owned();
        (name, path)
    });
    named
        .filter(|(name, _)| !name.starts_with('.'))
        .map(|(name, path)| (name, fs::read(&path).unwrap()))
        .collect()
}

/// The folder in which a machine has its copy.
fn copy(project: &Project, machine: &str) -> PathBuf {
    let copies = project.path(machine).join("labelproof/artifacts");
    let mut copies = copies.read_dir().unwrap();
    let copy = copies.next().unwrap().unwrap().path();
    assert!(copies.next().is_none());
    copy
}

/// What a machine has in its copy.
fn copied(project: &Project, machine: &str) -> BTreeMap<String, Vec<u8>> {
    files(&copy(project, machine))
}

const CLIENT: &str = "
import sys, boto3
s3 = boto3.client('s3', endpoint_url=sys.argv[1], region_name='us-east-1',
                  aws_access_key_id='me', aws_secret_access_key='secret')
def objects():
    return {found['Key']: s3.get_object(Bucket='data', Key=found['Key'])['Body'].read()
            for found in s3.list_objects_v2(Bucket='data', Prefix='runs/').get('Contents', [])}
";

impl S3 {
    /// Does something to the objects of the artifacts.
    fn python(&self, script: &str) -> String {
        let script = format!("{CLIENT}{script}");
        run_python(
            &self.python,
            &script,
            &[&self.server.url()],
            &self.project.path(""),
        )
    }

    fn objects(&self) -> Vec<String> {
        let listed = self.python("print('\\n'.join(objects()))");
        listed.lines().map(str::to_owned).collect()
    }

    /// Runs up to the stage split on a machine.
    fn split(&self, machine: &str, arguments: &str) -> Run {
        let command = format!("run split --artifacts s3://data/runs/one {arguments}");
        on_machine(&self.project, machine, &self.environment(), &command)
    }

    /// The message of a run that failed, without what differs from run to run.
    fn message(&self, run: &Run) -> String {
        failure(run).replace(&self.server.port.to_string(), "PORT")
    }
}

/// One machine writes to an address, another one finds it, and a changed stage replaces the old one.
#[track_caller]
pub(crate) fn check_sharing(project: &Project, environment: &str, address: &str) {
    let alone = alone(project);
    let run = |machine: &str, arguments: &str| {
        let command = format!("run split --artifacts {address} {arguments}");
        outcomes(
            &on_machine(project, machine, environment, &command)
                .expect_success()
                .stderr,
        )
    };
    assert_eq!(run("one", ""), ALL_RAN);
    assert_eq!(run("two", ""), UP_TO_DATE);
    assert!(copied(project, "two") == alone);
    assert_eq!(
        run("two", "--set split.test=0.2"),
        ["ingest up to date", "preprocess up to date", "split ran"]
    );
    assert_eq!(run("one", "--set split.test=0.2"), UP_TO_DATE);
}

const ALL_RAN: [&str; 3] = ["ingest ran", "preprocess ran", "split ran"];
const UP_TO_DATE: [&str; 3] = ["ingest up to date", "preprocess up to date", "split up to date"];

#[test]
fn a_second_machine_finds_what_the_first_one_made() {
    let Some(s3) = S3::start() else { return };
    let alone = alone(&s3.project);
    let first = s3.split("one", "").expect_success().stderr;
    assert_eq!(outcomes(&first), ALL_RAN);
    assert!(copied(&s3.project, "one") == alone);
    assert!(first.contains("-> s3://data/runs/one/split/"), "{first}");

    let second = s3.split("two", "").expect_success().stderr;
    assert_eq!(outcomes(&second), UP_TO_DATE);
    assert!(copied(&s3.project, "two") == alone);
    let copy = copy(&s3.project, "two").display().to_string();
    let copy = copy.replace(&s3.project.path("").display().to_string(), "[DIR]/");
    assert!(second.contains(&copy), "{second}");

    let third = s3.split("two", "").expect_success().stderr;
    assert!(!third.contains("fetched"), "{third}");
    // A folder that looks for what somebody else made takes no run.
    let status = on_machine(
        &s3.project,
        "three",
        &s3.environment(),
        "status --artifacts s3://data/runs/one",
    );
    let status = status.expect_success().stdout;
    assert!(status.contains("split       up to date"), "{status}");
    assert!(status.contains("train       stale: never run"), "{status}");
}

/// Prints the key file of an account of Google's.
const ACCOUNT: &str = "
import json
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
key = rsa.generate_private_key(65537, 2048).private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
print(json.dumps({'type': 'service_account', 'client_email': 'me@example.org', 'private_key': key.decode(),
                  'private_key_id': '1'}))
";

#[test]
fn google_is_written_by_requests_that_s3_understands() {
    let Some(s3) = S3::start() else { return };
    // fake-gcs-server does not take the requests of Google's interface in XML; moto does, because what is
    // used of them is S3's.
    s3.project.write("account.json", &s3.python(ACCOUNT));
    let environment = format!(
        "GOOGLE_BASE_URL={} GOOGLE_APPLICATION_CREDENTIALS=account.json",
        s3.server.url()
    );
    check_sharing(&s3.project, &environment, "gs://data/runs/one");
}

#[test]
fn a_changed_stage_replaces_the_old_one_and_reaches_the_others() {
    let Some(s3) = S3::start() else { return };
    s3.split("one", "").expect_success();
    s3.split("two", "").expect_success();
    let before = s3.objects();
    let changed = "--set split.test=0.2";
    assert_eq!(
        outcomes(&s3.split("two", changed).expect_success().stderr),
        ["ingest up to date", "preprocess up to date", "split ran"]
    );
    // The old table is gone, and nothing else.
    let after = s3.objects();
    let gone: Vec<&String> = before.iter().filter(|key| !after.contains(key)).collect();
    assert!(
        matches!(gone.as_slice(), [key] if key.ends_with("/split.parquet")),
        "{gone:?}"
    );
    assert_eq!(after.len(), before.len());

    let found = s3.split("one", changed).expect_success().stderr;
    assert_eq!(outcomes(&found), UP_TO_DATE);
    assert!(copied(&s3.project, "one") == copied(&s3.project, "two"));
}

#[test]
fn a_stage_without_a_lock_in_the_store_is_only_where_a_copy_has_it() {
    let Some(s3) = S3::start() else { return };
    s3.split("one", "").expect_success();
    let alone = copied(&s3.project, "one");
    // As of a run that was killed before its lock.
    s3.python("s3.delete_object(Bucket='data', Key='runs/one/split/stage.lock.json')");
    let again = s3.split("two", "").expect_success().stderr;
    assert_eq!(
        outcomes(&again),
        ["ingest up to date", "preprocess up to date", "split ran"]
    );
    assert!(copied(&s3.project, "two") == alone);
    // What somebody removed there is not lost: who looks leaves it as it is, and who runs stores it again.
    let before = s3.objects();
    s3.python("[s3.delete_object(Bucket='data', Key=key) for key in objects()]");
    let look = "status --artifacts s3://data/runs/one";
    let status = on_machine(&s3.project, "one", &s3.environment(), look).expect_success();
    assert!(
        status.stdout.contains("split       up to date"),
        "{}",
        status.stdout
    );
    assert_eq!(s3.objects().concat(), "");
    assert_eq!(outcomes(&s3.split("one", "").expect_success().stderr), UP_TO_DATE);
    assert_eq!(s3.objects(), before);
}

#[test]
fn an_object_that_is_lost_is_put_back_by_a_machine_that_has_it() {
    let Some(s3) = S3::start() else { return };
    s3.split("one", "").expect_success();
    let before = s3.objects();
    s3.python(
        "[s3.delete_object(Bucket='data', Key=key) for key in objects() if key.endswith('/split.parquet')]",
    );
    let failed = s3.message(&s3.split("two", ""));
    assert!(failed.contains("what `split` wrote is damaged"), "{failed}");
    let back = s3.split("one", "").expect_success().stderr;
    assert!(
        back.contains("files of `split` were missing in the store, and were put back"),
        "{back}"
    );
    assert_eq!(s3.objects(), before);
    assert_eq!(outcomes(&s3.split("two", "").expect_success().stderr), UP_TO_DATE);
}

#[test]
fn a_lock_of_another_version_is_not_written_over() {
    let Some(s3) = S3::start() else { return };
    s3.split("one", "").expect_success();
    s3.python("s3.put_object(Bucket='data', Key='runs/one/split/stage.lock.json', Body=b'{\"schema\": 99}')");
    let messages = ["one", "two"].map(|machine| s3.message(&s3.split(machine, "")));
    assert_eq!(messages[0], messages[1]);
    assert_snapshot!(messages[0], @r"
    exit code 4
    `s3://data/runs/one/split/stage.lock.json` is no lock that this version reads

    hint: use the version of labelproof that wrote it, or another address; who removes the lock has the stage run again
    ");
}

#[test]
fn a_damaged_object_is_noticed_and_can_be_made_anew() {
    let Some(s3) = S3::start() else { return };
    s3.split("one", "").expect_success();
    s3.python(
        "for key, value in objects().items():
    if key.endswith('/split.parquet'):
        s3.put_object(Bucket='data', Key=key, Body=value[:-9] + b'x' * 9)",
    );
    let failed = s3.message(&s3.split("two", ""));
    let digest = failed
        .split_once("one/split/")
        .unwrap()
        .1
        .split('/')
        .next()
        .unwrap();
    assert_eq!(digest.len(), 64);
    assert_snapshot!(failed.replace(digest, "DIGEST"), @r"
    exit code 4
    what `split` wrote is damaged in `s3://data/runs/one/split`
      caused by: `s3://data/runs/one/split/DIGEST/split.parquet` is not what was put there: its digest is another

    hint: remove all below `s3://data/runs/one/split/`, and run the same command on a machine that has a copy: it puts it there again
    hint: where no machine has one, `split` is run again
    ");
    s3.python("[s3.delete_object(Bucket='data', Key=key) for key in objects() if '/split/' in key]");
    let again = s3.split("two", "").expect_success().stderr;
    assert_eq!(
        outcomes(&again),
        ["ingest up to date", "preprocess up to date", "split ran"]
    );
    assert_eq!(
        outcomes(&s3.split("three", "").expect_success().stderr),
        UP_TO_DATE
    );
}

#[test]
fn a_large_file_is_stored_in_parts() {
    let Some(s3) = S3::start() else { return };
    // Nothing that can be packed: 20 MB of digits of a generator of Knuth's.
    let mut state = 1_u64;
    let mut text = String::from("id,text,label\n");
    for row in 0..20_000 {
        let mut digits = String::new();
        while digits.len() < 1_000 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            digits.push_str(&format!("{:08x} ", state >> 32));
        }
        text.push_str(&format!("{row},{digits},{}\n", ["trade", "sport"][row % 2]));
    }
    s3.project.write("texts.csv", &text);
    let run = |machine: &str| {
        let command = "run ingest --artifacts s3://data/runs/one";
        on_machine(&s3.project, machine, &s3.environment(), command).expect_success()
    };
    run("one");
    let tags = s3.python(
        "for found in s3.list_objects_v2(Bucket='data', Prefix='runs/')['Contents']:
    print(found['ETag'], found['Key'])",
    );
    // The tag of what came in parts says how many there were.
    let large = tags
        .lines()
        .find(|line| line.ends_with("/documents.parquet"))
        .unwrap();
    assert!(large.contains("-2\" "), "{large}");
    assert_eq!(outcomes(&run("two").stderr), ["ingest up to date"]);
    assert!(copied(&s3.project, "one") == copied(&s3.project, "two"));
}

#[test]
fn files_that_vanish_from_a_copy_are_fetched_again() {
    let Some(s3) = S3::start() else { return };
    s3.split("one", "").expect_success();
    let whole = copied(&s3.project, "one");
    fs::remove(&copy(&s3.project, "one").join("preprocess/tokens.parquet")).unwrap();
    assert_eq!(outcomes(&s3.split("one", "").expect_success().stderr), UP_TO_DATE);
    assert!(copied(&s3.project, "one") == whole);
}

/// Makes somebody who may only read, and somebody who may do everything; prints their keys.
const USERS: &str = "
import json
iam = boto3.client('iam', endpoint_url=sys.argv[1], region_name='us-east-1',
                   aws_access_key_id='me', aws_secret_access_key='secret')
for name, actions in (('reader', ['s3:Get*', 's3:List*']), ('writer', ['s3:*'])):
    iam.create_user(UserName=name)
    policy = {'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Action': actions, 'Resource': '*'}]}
    iam.put_user_policy(UserName=name, PolicyName='s3', PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=name)['AccessKey']
    print(key['AccessKeyId'], key['SecretAccessKey'])
";

#[test]
fn what_could_not_be_stored_is_stored_by_the_next_run() {
    let Some(s3) = S3::start() else { return };
    let users = s3.python(USERS);
    let users: Vec<String> = users
        .lines()
        .map(|line| {
            let (key, secret) = line.split_once(' ').unwrap();
            s3.environment_of(key, secret)
        })
        .collect();
    s3.check_keys();
    let command = "run split --artifacts s3://data/runs/one";
    let run = |machine: &str, environment: &str| on_machine(&s3.project, machine, environment, command);
    let refused = s3.message(&run("one", &users[0]));
    // Which of its files is the first to be refused may differ.
    let (before, file) = refused.split_once("ingest/").unwrap();
    let refused = format!("{before}FILE{}", &file[file.find('`').unwrap()..]);
    assert_snapshot!(refused, @r#"
    exit code 3
    what `ingest` wrote cannot be put into `s3://data/runs/one`
      caused by: `s3://data/runs/one/FILE` may not be written: 127.0.0.1:PORT answers 403 (AccessDenied)

    hint: set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN to those of somebody who may write it (`eval "$(aws configure export-credentials --format env)"` takes them from a profile)
    hint: it is kept on this machine: the same command puts it there, and does not run the stage again; another configuration gives it up
    "#);
    let status = on_machine(
        &s3.project,
        "one",
        &users[0],
        "status --artifacts s3://data/runs/one",
    )
    .expect_success();
    assert!(
        status.stdout.contains("ingest      up to date"),
        "{}",
        status.stdout
    );
    assert!(
        status.stderr.contains("`ingest` is not in the store yet"),
        "{}",
        status.stderr
    );
    let stored = run("one", &users[1]).expect_success().stderr;
    assert_eq!(
        outcomes(&stored),
        ["ingest up to date", "preprocess ran", "split ran"]
    );
    assert_eq!(
        outcomes(&run("two", &users[1]).expect_success().stderr),
        UP_TO_DATE
    );
    // Made without permission, while somebody else stored something: that is what holds.
    let changed = " --set split.test=0.2";
    let alone = on_machine(&s3.project, "one", &users[0], &format!("{command}{changed}"));
    assert_eq!(alone.code, 3);
    let other = " --set split.test=0.4";
    on_machine(&s3.project, "two", &users[1], &format!("{command}{other}")).expect_success();
    // For that nothing has to be written.
    let replaced = on_machine(&s3.project, "one", &users[0], &format!("{command}{other}"))
        .expect_success()
        .stderr;
    assert_eq!(outcomes(&replaced), UP_TO_DATE);
    assert!(
        replaced.contains("`split` of this machine gives way"),
        "{replaced}"
    );
}

#[test]
fn an_address_that_takes_no_artifacts_is_refused() {
    let Some(mut s3) = S3::start() else { return };
    let run = |address: &str, environment: &str| {
        s3.message(&on_machine(
            &s3.project,
            "one",
            environment,
            &format!("run split --artifacts '{address}'"),
        ))
    };
    assert_snapshot!(run("https://host/runs", ""), @r"
    exit code 2
    the artifacts cannot lie there
      caused by: nothing can be written to `https://host/runs`

    hint: name a folder of this machine, or an address that begins with s3://, gs://, az:// or abfs://
    ");
    assert_snapshot!(run("s3://data/runs-*", ""), @r"
    exit code 2
    the artifacts cannot lie there
      caused by: `s3://data/runs-*` is no address: a folder to write to has no `*`, `?` or `[` in its name
    ");
    assert_snapshot!(run("s3://date/runs", &s3.environment()), @r"
    exit code 3
    the artifacts in `s3://date/runs` cannot be fetched
      caused by: `s3://date/runs/ingest/stage.lock.json` cannot be fetched: there is no bucket of that name

    hint: check its spelling, and the server in AWS_ENDPOINT_URL if that is set
    ");
    let nobody = "AWS_METADATA_ENDPOINT=http://127.0.0.2:9 AWS_REGION=us-east-1";
    assert_snapshot!(run("s3://data/runs", nobody), @r#"
    exit code 2
    the artifacts in `s3://data/runs` cannot be fetched
      caused by: `s3://data/runs/ingest/stage.lock.json` cannot be fetched: there are no credentials for S3

    hint: set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN to those of somebody who may read it (`eval "$(aws configure export-credentials --format env)"` takes them from a profile), or AWS_SKIP_SIGNATURE=true for what everybody may read
    "#);
    s3.server.stop();
    let gone = s3.split("one", "");
    assert_snapshot!(s3.message(&gone), @r"
    exit code 7
    the artifacts in `s3://data/runs/one` cannot be fetched
      caused by: `s3://data/runs/one/ingest/stage.lock.json` cannot be reached: 127.0.0.1:PORT: Connection refused (os error 111)

    hint: check the network, and the proxy in HTTPS_PROXY
    ");
}
