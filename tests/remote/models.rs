//! Encoders that are models of the Hugging Face Hub: a server that answers as the Hub does, to Python's
//! `huggingface_hub` too, and the cache that both share.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use insta::assert_snapshot;
use labelproof_artifact::fs;
use labelproof_testkit::web::{Answer, Request, Web};

use crate::failure;
use crate::harness::{Project, Run};
use crate::hub::{paths, refusal};
use crate::servers::{run_python, set_up};

const COMMIT: &str = "86b5e0934494bd15c9632b12f734a8a67f723594";
const LATER: &str = "0a6aa9128b6194f4f3c4db429b6cb4891cdb421b";

/// What the server does to the large files.
#[derive(Clone, Copy)]
enum Large {
    /// Gives them whole.
    Whole,
    /// Hangs up after so many bytes, so often.
    Cut(usize, usize),
    /// Gives other bytes.
    Spoiled,
}

/// A file as the Hub lists it.
struct Listed {
    bytes: Vec<u8>,
    /// The digest: SHA-256 for a large one, git's for another.
    digest: String,
    is_large: bool,
}

/// The model `owner/name` with the files of a folder of the project and others that an encoder does not need.
/// `main` is `COMMIT` until it moves. Large files come from another server.
struct Hub {
    server: Web,
    large: Web,
    main: Arc<Mutex<&'static str>>,
}

/// Files that no encoder needs.
const OTHERS: [&str; 5] = [
    "README.md",
    "flax_model.msgpack",
    "onnx/model.onnx",
    "pytorch_model.bin",
    "tf_model.h5",
];

impl Hub {
    fn start(project: &Project, folder: &str, large: Large) -> Self {
        let files = Arc::new(listed(project, folder));
        let answered = AtomicUsize::new(0);
        let of_large = Arc::clone(&files);
        let large = Web::start(move |request| {
            let name = request.path.split(['/', '?']).nth(1).unwrap_or_default();
            let mut bytes = of_large[name].bytes.clone();
            if matches!(large, Large::Spoiled) {
                bytes[20] ^= 1;
            }
            let cut = match large {
                Large::Cut(length, times) => {
                    (answered.fetch_add(1, Ordering::SeqCst) < times).then_some(length)
                }
                _ => None,
            };
            Answer {
                cut,
                ..Answer::file(request, &bytes, "of the other server")
            }
        });
        let main = Arc::new(Mutex::new(COMMIT));
        let (now, other) = (Arc::clone(&main), large.url.clone());
        let server = Web::start(move |request| {
            match request.header("authorization") {
                Some("Bearer hf_secret") => {}
                Some("Bearer hf_stranger") => return refusal(403, "GatedRepo"),
                Some(_) => return refusal(401, ""),
                None => return refusal(401, "GatedRepo"),
            }
            let main = *now.lock().unwrap();
            answer(request, &files, main, &other)
        });
        Self { server, large, main }
    }

    fn environment(&self) -> String {
        format!("HF_ENDPOINT={} HF_TOKEN=hf_secret", self.server.url)
    }

    /// The files that were asked for since the last call, without what the Hub was asked about itself.
    fn fetched(&self) -> Vec<String> {
        self.large.requests();
        let mut files: Vec<String> = paths(&self.server.requests())
            .iter()
            .filter_map(|path| Some(path.split_once("/resolve/")?.1.split_once('/')?.1.to_owned()))
            .collect();
        files.sort();
        files
    }
}

fn listed(project: &Project, folder: &str) -> BTreeMap<String, Listed> {
    let sum = |script: &str| {
        let output = project.shell(script).expect_success().stdout;
        output.split(' ').next().unwrap().to_owned()
    };
    let root = project.path(folder);
    let own = fs::files_below(&root).unwrap().into_iter().map(|path| {
        let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        let bytes = fs::read(&path).unwrap();
        let is_large = name.ends_with(".safetensors");
        let (path, length) = (path.display(), bytes.len());
        let digest = if is_large {
            sum(&format!("sha256sum {path}"))
        } else {
            sum(&format!("(printf 'blob {length}\\0'; cat {path}) | sha1sum"))
        };
        let file = Listed {
            bytes,
            digest,
            is_large,
        };
        (name, file)
    });
    let others = OTHERS.into_iter().map(|name| {
        let empty = Listed {
            bytes: Vec::new(),
            digest: "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391".to_owned(),
            is_large: false,
        };
        (name.to_owned(), empty)
    });
    own.chain(others).collect()
}

/// What the Hub answers to somebody whom it knows.
fn answer(request: &Request, files: &BTreeMap<String, Listed>, main: &str, other: &str) -> Answer {
    let path = request.path.split('?').next().unwrap_or_default();
    let Some(interface) = path.strip_prefix("/api/models/owner/name/") else {
        let Some(of_file) = path.strip_prefix("/owner/name/resolve/") else {
            return refusal(404, "RepoNotFound");
        };
        let (revision, name) = of_file.split_once('/').unwrap();
        let Some(commit) = commit(revision, main) else {
            return refusal(404, "RevisionNotFound");
        };
        let Some(file) = files.get(name) else {
            return refusal(404, "EntryNotFound");
        };
        return content(request, name, file, commit, other);
    };
    let (kind, revision) = interface.split_once('/').unwrap();
    let Some(commit) = commit(revision, main) else {
        return refusal(404, "RevisionNotFound");
    };
    match kind {
        "revision" => Answer::of(200, &information(files, commit)),
        "tree" => Answer::of(200, &tree(files)),
        _ => Answer::of(404, ""),
    }
}

/// The commit that a revision means.
fn commit<'a>(revision: &'a str, main: &'a str) -> Option<&'a str> {
    match revision {
        "main" | "v1.0" | "refs%2Fpr%2F3" => Some(main),
        COMMIT | LATER => Some(revision),
        _ => None,
    }
}

fn content(request: &Request, name: &str, file: &Listed, commit: &str, other: &str) -> Answer {
    let own = vec![("X-Repo-Commit", commit.to_owned())];
    let answer = if file.is_large {
        Answer {
            headers: vec![
                ("Location", format!("{other}/{name}?Signature=secret")),
                ("X-Linked-Etag", format!("\"{}\"", file.digest)),
                ("X-Linked-Size", file.bytes.len().to_string()),
            ],
            ..Answer::of(302, "")
        }
    } else {
        Answer::file(request, &file.bytes, &file.digest)
    };
    Answer {
        headers: [own, answer.headers].concat(),
        ..answer
    }
}

fn information(files: &BTreeMap<String, Listed>, commit: &str) -> String {
    let siblings: Vec<String> = files.iter().map(|(name, file)| sibling(name, file)).collect();
    let siblings = siblings.join(",");
    format!(
        r#"{{"id": "owner/name", "modelId": "owner/name", "private": false, "sha": "{commit}", "siblings": [{siblings}]}}"#
    )
}

fn sibling(name: &str, file: &Listed) -> String {
    let (size, digest) = (file.bytes.len(), &file.digest);
    let mut text = format!(r#"{{"rfilename": "{name}", "size": {size}"#);
    let _ = if file.is_large {
        write!(
            text,
            r#", "blobId": "f00", "lfs": {{"sha256": "{digest}", "size": {size}, "pointerSize": 134}}}}"#
        )
    } else {
        write!(text, r#", "blobId": "{digest}"}}"#)
    };
    text
}

/// What Python asks for besides.
fn tree(files: &BTreeMap<String, Listed>) -> String {
    let entries = files.iter().map(|(name, file)| {
        let (size, digest) = (file.bytes.len(), &file.digest);
        let large = if file.is_large {
            format!(r#", "lfs": {{"oid": "{digest}", "size": {size}, "pointerSize": 134}}"#)
        } else {
            String::new()
        };
        let oid = if file.is_large { "f00" } else { digest };
        format!(r#"{{"type": "file", "oid": "{oid}", "size": {size}, "path": "{name}"{large}}}"#)
    });
    format!("[{}]", entries.collect::<Vec<_>>().join(","))
}

/// Runs `labelproof` with environment variables. The caches lie in the project.
fn labelproof(project: &Project, environment: &str, arguments: &str) -> Run {
    project.shell(&format!(
        "unset HTTP_PROXY HTTPS_PROXY http_proxy https_proxy ALL_PROXY all_proxy HF_HOME HF_HUB_CACHE \
             HUGGINGFACE_HUB_CACHE HF_HUB_OFFLINE HF_TOKEN HF_TOKEN_PATH HF_ENDPOINT
         XDG_CACHE_HOME=\"$PWD/cache\" {environment} \"$LABELPROOF\" {arguments}"
    ))
}

/// Runs preprocess with an encoder.
fn preprocess(project: &Project, environment: &str, encoder: &str) -> Run {
    labelproof(
        project,
        environment,
        &format!("run preprocess --set encoder={encoder}"),
    )
}

const MODEL: &str = "cache/huggingface/hub/models--owner--name";

/// The names of the files of a commit in the cache.
fn cached(project: &Project, commit: &str) -> Vec<String> {
    let folder = project.path(&format!("{MODEL}/snapshots/{commit}"));
    let files = fs::files_below(&folder).unwrap();
    let names = files.iter().map(|path| path.strip_prefix(&folder).unwrap());
    names.map(|name| name.to_str().unwrap().to_owned()).collect()
}

fn lock_of(project: &Project, stage: &str) -> serde_json::Value {
    serde_json::from_str(&project.read(&format!("artifacts/{stage}/stage.lock.json"))).unwrap()
}

/// What the stages wrote, but for the lock, which names the encoder.
fn written(project: &Project) -> Vec<(String, Vec<u8>)> {
    let files = project.artifacts().into_iter();
    files
        .filter(|(name, _)| !name.ends_with("stage.lock.json"))
        .collect()
}

#[test]
fn a_model_of_the_hub_gives_the_bytes_of_its_folder_and_is_fetched_once() {
    let project = Project::small("flex");
    preprocess(&project, "", "encoder").expect_success();
    let (of_folder, lock_of_folder) = (written(&project), lock_of(&project, "preprocess"));
    assert!(lock_of_folder.get("encoder").is_none());

    let hub = Hub::start(&project, "encoder", Large::Whole);
    fs::remove(&project.path("artifacts")).unwrap();
    let run = preprocess(&project, &hub.environment(), "owner/name").expect_success();
    assert!(
        run.stderr.contains(&format!("of owner/name@{COMMIT}")),
        "{}",
        run.stderr
    );
    assert!(written(&project) == of_folder);
    let lock = lock_of(&project, "preprocess");
    assert_eq!(lock["encoder"], format!("owner/name@{COMMIT}"));
    assert_eq!(lock["inputs"], lock_of_folder["inputs"]);

    // Nothing but what an encoder needs, and no token for the other server or in the cache.
    let large = hub.large.requests();
    assert_eq!(paths(&large), ["/model.safetensors?Signature=secret"]);
    assert!(large[0].header("authorization").is_none());
    assert_eq!(
        hub.fetched(),
        ["config.json", "model.safetensors", "tokenizer.json"]
    );
    assert_eq!(
        cached(&project, COMMIT),
        ["config.json", "model.safetensors", "tokenizer.json"]
    );
    assert_eq!(project.read(&format!("{MODEL}/refs/main")), COMMIT);
    for path in fs::files_below(&project.path("")).unwrap() {
        let bytes = fs::read(&path).unwrap();
        assert!(!bytes.windows(9).any(|window| window == b"hf_secret"), "{path:?}");
    }

    // What is there is not asked about again, whatever the network is like.
    for environment in [
        &hub.environment(),
        "HF_HUB_OFFLINE=1",
        "HF_ENDPOINT=http://127.0.0.1:9",
    ] {
        for name in ["owner/name", &format!("owner/name@{COMMIT}")] {
            let run = preprocess(&project, environment, name).expect_success();
            assert!(!run.stderr.contains("ran in"), "{}", run.stderr);
            let status = labelproof(&project, environment, &format!("status --set encoder={name}"));
            assert!(
                status.stdout.contains("preprocess  up to date"),
                "{}",
                status.stdout
            );
        }
    }
    assert_eq!(paths(&hub.server.requests()), [""; 0]);
}

#[test]
fn a_branch_that_moved_makes_stages_stale_only_if_files_differ() {
    let project = Project::small("flex");
    let hub = Hub::start(&project, "encoder", Large::Whole);
    preprocess(&project, &hub.environment(), "owner/name").expect_success();
    hub.fetched();
    *hub.main.lock().unwrap() = LATER;

    // The same files in another commit: their contents are there.
    preprocess(&project, &hub.environment(), &format!("owner/name@{LATER}")).expect_success();
    assert_eq!(hub.fetched(), [""; 0]);
    assert_eq!(cached(&project, LATER).len(), 3);
    project.write(&format!("{MODEL}/refs/main"), LATER);
    let status = |project: &Project| labelproof(project, "", "status --set encoder=owner/name").stdout;
    assert!(status(&project).contains("preprocess  up to date"));
    assert_eq!(
        lock_of(&project, "preprocess")["encoder"],
        format!("owner/name@{COMMIT}")
    );

    let config = format!("{MODEL}/snapshots/{LATER}/config.json");
    let changed = project.read(&config).replace('{', "{ ");
    project.write(&config, &changed);
    let status = status(&project);
    assert!(
        status.contains("preprocess  stale: encoder/config.json changed"),
        "{status}"
    );
}

#[test]
fn revisions_are_branches_tags_and_pull_requests() {
    let project = Project::small("flex");
    let hub = Hub::start(&project, "encoder", Large::Whole);
    for (revision, noted) in [("v1.0", "v1.0"), ("refs/pr/3", "refs/pr/3")] {
        let name = format!("owner/name@{revision}");
        preprocess(&project, &hub.environment(), &name).expect_success();
        assert_eq!(project.read(&format!("{MODEL}/refs/{noted}")), COMMIT);
        preprocess(&project, "HF_HUB_OFFLINE=1", &name).expect_success();
    }
}

#[test]
fn the_shards_that_an_index_names_are_fetched_and_no_other_format() {
    let project = Project::small("flex");
    project.shell(
        "cp -r encoder sharded; cd sharded; mv model.safetensors model-00001-of-00002.safetensors
         printf more > model-00002-of-00002.safetensors; printf stray > model-00009-of-00009.safetensors
         printf '{\"weight_map\": {\"a\": \"model-00001-of-00002.safetensors\", \
             \"b\": \"model-00002-of-00002.safetensors\"}}' > model.safetensors.index.json
         printf '{}' > tokenizer_config.json",
    );
    let hub = Hub::start(&project, "sharded", Large::Whole);
    // Whether the weights can be read is another matter.
    preprocess(&project, &hub.environment(), "owner/name");
    assert_eq!(
        cached(&project, COMMIT),
        [
            "config.json",
            "model-00001-of-00002.safetensors",
            "model-00002-of-00002.safetensors",
            "model.safetensors.index.json",
            "tokenizer.json",
            "tokenizer_config.json",
        ]
    );
}

#[test]
fn a_transfer_that_is_cut_goes_on_in_this_run_and_in_the_next() {
    let project = Project::small("flex");
    let length = fs::read(&project.path("encoder/model.safetensors"))
        .unwrap()
        .len();
    let ranges = |web: &Web| -> Vec<String> {
        let requests = web.requests();
        let ranges = requests
            .iter()
            .map(|request| request.header("range").unwrap_or("all"));
        ranges.map(str::to_owned).collect()
    };
    let hub = Hub::start(&project, "encoder", Large::Cut(6_000, 1));
    preprocess(&project, &hub.environment(), "owner/name").expect_success();
    let asked = ranges(&hub.large);
    assert!(
        asked.len() == 2 && asked[1].starts_with("bytes=6000-"),
        "{asked:?}"
    );

    fs::remove(&project.path("cache")).unwrap();
    let hub = Hub::start(&project, "encoder", Large::Cut(0, usize::MAX));
    let blobs = project.path(&format!("{MODEL}/blobs"));
    fs::create_dir_all(&blobs).unwrap();
    let whole = fs::read(&project.path("encoder/model.safetensors")).unwrap();
    let digest = listed(&project, "encoder")
        .remove("model.safetensors")
        .unwrap()
        .digest;
    let partial = blobs.join(format!("{digest}.incomplete"));
    fs::write_atomic(&partial, &whole[..5_000]).unwrap();
    assert_snapshot!(failure(&preprocess(&project, &hub.environment(), "owner/name")), @r"
    exit code 7
    `encoder`: there is no folder `owner/name`, and `model.safetensors` of the model of that name was cut off again and again before its end

    hint: run the same command again: it goes on where this one was cut
    ");
    assert_eq!(ranges(&hub.large)[0], "bytes=5000-");
    assert!(!project.path(&format!("{MODEL}/refs/main")).exists());

    let hub = Hub::start(&project, "encoder", Large::Whole);
    preprocess(&project, &hub.environment(), "owner/name").expect_success();
    assert_eq!(ranges(&hub.large), ["bytes=5000-"]);
    assert!(!partial.exists());

    // What came whole before the process was ended is not fetched again.
    fs::remove(&project.path("cache")).unwrap();
    fs::create_dir_all(&blobs).unwrap();
    fs::write_atomic(&partial, &whole).unwrap();
    preprocess(&project, &hub.environment(), "owner/name").expect_success();
    assert_eq!(ranges(&hub.large), [""; 0]);

    // What is not the beginning of the file shows in the digest.
    fs::remove(&project.path("cache")).unwrap();
    fs::create_dir_all(&blobs).unwrap();
    fs::write_atomic(&partial, &vec![7; length / 2]).unwrap();
    preprocess(&project, &hub.environment(), "owner/name").expect_success();
    assert_eq!(ranges(&hub.large).last().unwrap(), "all");
}

#[test]
fn processes_that_fetch_one_model_at_once_fetch_each_file_once() {
    let project = Project::small("flex");
    let hub = Hub::start(&project, "encoder", Large::Cut(6_000, 1));
    let run = labelproof(
        &project,
        &format!("export {};", hub.environment()),
        "--version > /dev/null
         export XDG_CACHE_HOME=\"$PWD/cache\"
         for run in 1 2 3 4; do
             \"$LABELPROOF\" run preprocess --quiet --artifacts artifacts/$run --set encoder=owner/name &
             all=\"$all $!\"
         done
         for run in $all; do wait $run || exit 9; done",
    );
    run.expect_success();
    assert_eq!(hub.large.requests().len(), 2);
    let fetched = hub.fetched();
    assert_eq!(
        fetched,
        [
            "config.json",
            "model.safetensors",
            "model.safetensors",
            "tokenizer.json"
        ]
    );
    let blobs = fs::files_below(&project.path(&format!("{MODEL}/blobs"))).unwrap();
    assert_eq!(blobs.len(), 3);
}

#[test]
fn the_token_of_a_login_is_used() {
    let project = Project::small("flex");
    let hub = Hub::start(&project, "encoder", Large::Whole);
    project.write("cache/huggingface/token", "hf_secret\n");
    let environment = format!("HF_ENDPOINT={}", hub.server.url);
    preprocess(&project, &environment, "owner/name").expect_success();
}

#[test]
fn each_thing_that_goes_wrong_with_a_model_has_its_message() {
    let project = Project::small("flex");
    let hub = Hub::start(&project, "encoder", Large::Spoiled);
    let host = hub.server.url.strip_prefix("http://").unwrap();
    let of = |environment: &str, name: &str| {
        failure(&preprocess(&project, environment, name)).replace(host, "HOST")
    };
    let message = |name: &str| of(&hub.environment(), name);
    assert_snapshot!(message("owner/nome"), @r"
    exit code 6
    `encoder`: there is no folder `owner/nome`, and there is no model of that name that may be read: HOST answers 404 (RepoNotFound)

    hint: check its spelling, `owner/name` as on its page; for a private model set HF_TOKEN to a token of an account that may read it, or run `hf auth login`
    hint: or name the folder of an encoder
    ");
    assert_snapshot!(message("owner/name@v9"), @r"
    exit code 6
    `encoder`: there is no folder `owner/name@v9`, and the model of that name has no revision `v9`

    hint: check its spelling: a revision is a branch, a tag or a commit
    ");
    assert_snapshot!(message("owner/name"), @r"
    exit code 6
    `encoder`: there is no folder `owner/name`, and `model.safetensors` of the model of that name is not what the Hub lists: its digest is another

    hint: run the same command again: it is fetched anew
    ");
    let endpoint = format!("HF_ENDPOINT={}", hub.server.url);
    assert_snapshot!(of(&endpoint, "owner/name"), @r"
    exit code 6
    `encoder`: there is no folder `owner/name`, and the model of that name is gated: HOST answers 401 (GatedRepo)

    hint: ask for access on the page of `owner/name` at the Hub, and set HF_TOKEN to a token of an account that may read it, or run `hf auth login`
    hint: or name the folder of an encoder
    ");
    let stranger = format!("{endpoint} HF_TOKEN=hf_stranger");
    assert_snapshot!(of(&stranger, "owner/name@v1.0"), @r"
    exit code 6
    `encoder`: there is no folder `owner/name@v1.0`, and the model of that name is gated: HOST answers 403 (GatedRepo)

    hint: ask for access on the page of `owner/name` at the Hub, and set HF_TOKEN to a token of an account that may read it, or run `hf auth login`
    hint: or name the folder of an encoder
    ");
    let wrong = format!("{endpoint} HF_TOKEN=hf_wrong");
    assert_snapshot!(of(&wrong, "owner/name"), @r"
    exit code 6
    `encoder`: there is no folder `owner/name`, and the model of that name may not be read: HOST answers 401

    hint: set HF_TOKEN to a token of an account that may read it, or run `hf auth login`
    ");
    assert_snapshot!(of("HF_HUB_OFFLINE=1", "owner/name@v1.0"), @r"
    exit code 2
    `encoder`: there is no folder `owner/name@v1.0`, and the cache of the Hugging Face Hub, `[DIR]/cache/huggingface/hub`, has no model of that name; HF_HUB_OFFLINE forbids to fetch it

    hint: unset HF_HUB_OFFLINE, or have it fetched where there is a network: hf download owner/name --revision v1.0
    hint: or name the folder of an encoder
    ");
    let dead = "HF_ENDPOINT=http://127.0.0.1:9";
    assert_snapshot!(of(dead, "bert-base-uncased"), @r"
    exit code 7
    `encoder`: there is no folder `bert-base-uncased`, and the cache of the Hugging Face Hub, `[DIR]/cache/huggingface/hub`, has no model of that name; 127.0.0.1:9 cannot be reached: Connection refused (os error 111)

    hint: check the network, and the proxy in HTTPS_PROXY; what was fetched before needs none
    hint: or name the folder of an encoder
    ");
    let other = Web::start(|_| Answer::of(200, "<html>"));
    assert_snapshot!(of(&format!("HF_ENDPOINT={}", other.url), "owner/name").replace(&other.url, "URL"), @r"
    exit code 2
    `encoder`: there is no folder `owner/name`, and the model of that name cannot be fetched: `URL` does not answer as the Hub does
      caused by: expected value at line 1 column 1

    hint: check HF_ENDPOINT
    ");
    let missing = Web::start(|_| refusal(401, "RepoNotFound"));
    let host = missing.url.strip_prefix("http://").unwrap();
    assert_snapshot!(of(&format!("HF_ENDPOINT={}", missing.url), "owner/name").replace(host, "HOST"), @r"
    exit code 6
    `encoder`: there is no folder `owner/name`, and there is no model of that name that may be read: HOST answers 401 (RepoNotFound)

    hint: check its spelling, `owner/name` as on its page; for a private model set HF_TOKEN to a token of an account that may read it, or run `hf auth login`
    hint: or name the folder of an encoder
    ");
    let busy = Web::start(|_| refusal(503, ""));
    let host = busy.url.strip_prefix("http://").unwrap();
    assert_snapshot!(of(&format!("HF_ENDPOINT={}", busy.url), "owner/name").replace(host, "HOST"), @r"
    exit code 7
    `encoder`: there is no folder `owner/name`, and the model of that name cannot be fetched: HOST answers 503

    hint: run the same command again later
    ");
    assert!(!project.path("artifacts/ingest").exists());
}

#[test]
fn a_model_that_is_no_encoder_is_told_by_the_file_that_it_lacks() {
    let project = Project::small("flex");
    project
        .shell("cp -r encoder without; rm without/tokenizer.json")
        .expect_success();
    let hub = Hub::start(&project, "without", Large::Whole);
    assert_snapshot!(failure(&preprocess(&project, &hub.environment(), "owner/name")), @r"
    exit code 6
    `encoder`: there is no folder `owner/name`, and the model of that name has no `tokenizer.json`

    hint: an encoder has config.json, a tokenizer (tokenizer.json, or its vocabulary), and weights (model.safetensors or pytorch_model.bin): name another model, or a folder in which you saved this one by `save_pretrained` of transformers
    ");
    assert_eq!(hub.fetched(), [""; 0]);
}

#[test]
fn what_python_fetched_in_part_is_completed_or_said_to_lack_a_file() {
    let project = Project::small("flex");
    let hub = Hub::start(&project, "encoder", Large::Whole);
    preprocess(&project, &hub.environment(), "owner/name").expect_success();
    let lacking = project.path(&format!("{MODEL}/snapshots/{COMMIT}/model.safetensors"));
    fs::remove(&lacking).unwrap();
    hub.fetched();
    assert_snapshot!(failure(&preprocess(&project, "HF_HUB_OFFLINE=1", "owner/name")), @r"
    exit code 2
    `encoder`: there is no folder `owner/name`, and the model of that name in the cache of the Hugging Face Hub, `[DIR]/cache/huggingface/hub/models--owner--name/snapshots/86b5e0934494bd15c9632b12f734a8a67f723594`, lacks `model.safetensors`; HF_HUB_OFFLINE forbids to fetch it

    hint: unset HF_HUB_OFFLINE, or have it fetched where there is a network: hf download owner/name
    hint: or name the folder of an encoder
    ");
    preprocess(&project, &hub.environment(), "owner/name").expect_success();
    // Its content was still there.
    assert_eq!(hub.fetched(), [""; 0]);
    assert!(lacking.exists());
}

#[test]
fn a_cache_that_cannot_be_written_and_a_full_disk_are_said() {
    let project = Project::small("flex");
    let hub = Hub::start(&project, "encoder", Large::Whole);
    let environment = format!("{} HF_HUB_CACHE=texts.csv", hub.environment());
    assert_snapshot!(failure(&preprocess(&project, &environment, "owner/name")), @r"
    exit code 7
    `encoder`: there is no folder `owner/name`, and the model of that name cannot be put into the cache of the Hugging Face Hub
      caused by: cannot create the folder `texts.csv/.locks/models--owner--name`
      caused by: Not a directory (os error 20)

    hint: a file stands where a folder is needed: move it away, or name another folder
    hint: or set HF_HUB_CACHE to a folder elsewhere
    ");

    // A device that is always full stands where the content would.
    let digest = listed(&project, "encoder")
        .remove("model.safetensors")
        .unwrap()
        .digest;
    let blobs = format!("{MODEL}/blobs");
    project
        .shell(&format!(
            "mkdir -p {blobs}; ln -s /dev/full {blobs}/{digest}.incomplete"
        ))
        .expect_success();
    let full = failure(&preprocess(&project, &hub.environment(), "owner/name"));
    assert_snapshot!(full.replace(&digest, "DIGEST"), @r"
    exit code 7
    `encoder`: there is no folder `owner/name`, and the model of that name cannot be put into the cache of the Hugging Face Hub
      caused by: cannot write `[DIR]/cache/huggingface/hub/models--owner--name/blobs/DIGEST.incomplete`
      caused by: No space left on device (os error 28)

    hint: free some space and run the same command again: finished stages are kept
    hint: or set HF_HUB_CACHE to a folder elsewhere
    ");
}

/// `COMMIT`: reads the cache without the network, as transformers does.
const READ: &str = "
import os, sys
from huggingface_hub import hf_hub_download, scan_cache_dir, snapshot_download
folder = snapshot_download('owner/name', local_files_only=True)
assert os.path.basename(folder) == sys.argv[1], folder
for file in ['config.json', 'model.safetensors', 'tokenizer.json']:
    path = hf_hub_download('owner/name', file, local_files_only=True)
    assert os.path.samefile(path, os.path.join(folder, file))
    assert open(path, 'rb').read() == open(os.path.join('encoder', file), 'rb').read(), file
cache = scan_cache_dir()
assert not cache.warnings, cache.warnings
[repository] = cache.repos
assert repository.repo_id == 'owner/name' and repository.nb_files == 3, repository
[revision] = repository.revisions
assert revision.commit_hash == sys.argv[1] and revision.refs == frozenset(['main']), revision
";

/// Fetches from the server that `HF_ENDPOINT` names.
const FETCH: &str = "
from huggingface_hub import snapshot_download
snapshot_download('owner/name', allow_patterns=['*.json', '*.safetensors'])
";

/// Runs a script of Python with the Hub's settings.
#[track_caller]
fn python(project: &Project, settings: &str, script: &str) {
    let Some(python) = set_up("LABELPROOF_REMOTE_PYTHON") else {
        return;
    };
    let script = format!(
        "import os
for name in [name for name in os.environ if name.startswith('HF_') or name.lower().endswith('_proxy')]:
    del os.environ[name]
os.environ['HF_HOME'] = os.path.abspath('cache/huggingface')
os.environ.update(dict(pair.split('=', 1) for pair in '''{settings}'''.split()))
{script}"
    );
    run_python(&python, &script, &[COMMIT], &project.path(""));
}

#[test]
fn python_reads_the_cache_that_is_written_here_and_the_other_way_round() {
    if set_up("LABELPROOF_REMOTE_PYTHON").is_none() {
        return;
    }
    let project = Project::small("flex");
    let hub = Hub::start(&project, "encoder", Large::Whole);
    preprocess(&project, &hub.environment(), "owner/name").expect_success();
    python(&project, "HF_HUB_OFFLINE=1", READ);
    // Python finds nothing to fetch.
    hub.fetched();
    python(&project, &hub.environment(), FETCH);
    assert_eq!(hub.fetched(), [""; 0]);

    let project = Project::small("flex");
    let hub = Hub::start(&project, "encoder", Large::Whole);
    python(&project, &hub.environment(), FETCH);
    hub.fetched();
    preprocess(&project, "HF_HUB_OFFLINE=1", "owner/name").expect_success();
    assert_eq!(
        lock_of(&project, "preprocess")["encoder"],
        format!("owner/name@{COMMIT}")
    );
    assert_eq!(paths(&hub.server.requests()), [""; 0]);
}
