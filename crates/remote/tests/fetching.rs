//! Fetching from a web server of the test: cuts, changes, conditions, and what is said.
#![expect(
    clippy::unwrap_used,
    reason = "in a test, what cannot be unwrapped is a failure"
)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use labelproof_artifact::{Diagnostic, Fault, fs};
use labelproof_testkit::Recorder;
use labelproof_testkit::web::{Answer, Request, Web};

use labelproof_remote::{Address, Error, RemoteFile, fetch_into};

/// An empty cache, and what is said while it is filled.
struct World {
    folder: tempfile::TempDir,
    recorder: Recorder,
}

impl World {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            recorder: Recorder::default(),
        }
    }

    fn fetch(&self, address: &str) -> Result<RemoteFile, Error> {
        let address = Address::parse(address).unwrap()?;
        fetch_into(self.folder.path(), &address, &|_| true, &self.recorder).map(|mut files| files.remove(0))
    }

    #[track_caller]
    fn read(&self, address: &str) -> Vec<u8> {
        fs::read(&self.fetch(address).unwrap().path).unwrap()
    }
}

/// A file that is larger than what a connection holds at once.
fn large() -> Vec<u8> {
    (0..2_000_000_u32)
        .flat_map(|number| number.to_string().into_bytes())
        .take(5_000_000)
        .collect()
}

/// A server of one file that hangs up in the middle of its first answers.
fn cutting(bytes: &[u8], cuts: usize) -> Web {
    let (bytes, answered) = (bytes.to_vec(), AtomicUsize::new(0));
    Web::start(move |request| {
        let cut = (answered.fetch_add(1, Ordering::SeqCst) < cuts).then_some(700_000);
        Answer {
            cut,
            ..Answer::file(request, &bytes, "one")
        }
    })
}

fn ranges(requests: &[Request]) -> Vec<&str> {
    requests
        .iter()
        .map(|request| request.header("range").unwrap_or("all"))
        .collect()
}

#[test]
fn a_file_is_fetched_under_its_name_and_a_second_time_only_if_it_changed() {
    let state = Arc::new(Mutex::new(("one", b"a,b\n".to_vec())));
    let current = Arc::clone(&state);
    let web = Web::start(move |request| {
        let (tag, bytes) = current.lock().unwrap().clone();
        Answer::file(request, &bytes, tag)
    });
    let world = World::new();
    let address = format!("{}/data/train.csv?key=secret", web.url);
    let file = world.fetch(&address).unwrap();
    assert_eq!(file.name, format!("{}/data/train.csv", web.url));
    assert_eq!(file.inside, "data/train.csv");
    assert_eq!(file.path.file_name().unwrap(), "train.csv");
    assert_eq!(fs::read(&file.path).unwrap(), b"a,b\n");
    assert_eq!(web.requests()[0].path, "/data/train.csv?key=secret");

    assert_eq!(world.fetch(&address).unwrap(), file);
    let requests = web.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].header("if-none-match"), Some("\"one\""));

    *state.lock().unwrap() = ("two", b"a,b,c\n".to_vec());
    assert_eq!(world.read(&address), b"a,b,c\n");
    for path in fs::files_below(world.folder.path()).unwrap() {
        let text = String::from_utf8(fs::read(&path).unwrap()).unwrap();
        assert!(
            !text.contains("secret") && !path.to_string_lossy().contains("secret"),
            "{path:?}"
        );
    }
}

#[test]
fn a_file_of_the_cache_that_somebody_changed_is_fetched_anew() {
    let web = Web::start(|request| Answer::file(request, b"a,b\n", "one"));
    let world = World::new();
    let address = format!("{}/a.csv", web.url);
    let path = world.fetch(&address).unwrap().path;
    fs::write_atomic(&path, b"x,y\n").unwrap();
    assert_eq!(world.read(&address), b"a,b\n");
}

#[test]
fn a_transfer_that_is_cut_goes_on_where_it_was_cut() {
    let bytes = large();
    let web = cutting(&bytes, 6);
    let world = World::new();
    assert!(world.read(&format!("{}/a.csv", web.url)) == bytes);
    let requests = web.requests();
    assert_eq!(requests.len(), 7);
    assert_eq!(ranges(&requests)[0], "all");
    assert!(
        ranges(&requests)[1..].iter().all(|range| *range != "all"),
        "{requests:?}"
    );
}

#[test]
fn the_next_run_goes_on_where_one_was_cut_for_good() {
    let bytes = large();
    let (served, hangs_up) = (bytes.clone(), Arc::new(Mutex::new(true)));
    let still = Arc::clone(&hangs_up);
    let web = Web::start(
        move |request| match (*still.lock().unwrap(), request.header("range")) {
            (true, Some(_)) => Answer::default(),
            (hangs_up, _) => Answer {
                cut: hangs_up.then_some(1_000_000),
                ..Answer::file(request, &served, "one")
            },
        },
    );
    let world = World::new();
    let address = format!("{}/a.csv", web.url);
    let error = world.fetch(&address).unwrap_err();
    assert_eq!(error.fault(), Fault::Environment);
    web.requests();
    *hangs_up.lock().unwrap() = false;
    assert!(world.read(&address) == bytes);
    let requests = web.requests();
    assert_eq!(ranges(&requests), ["bytes=1000000-"]);
    assert_eq!(requests[0].header("if-match"), Some("\"one\""));
}

#[test]
fn an_object_that_changes_while_it_is_fetched_is_an_error() {
    let bytes = large();
    let answered = AtomicUsize::new(0);
    let web = Web::start(move |request| match answered.fetch_add(1, Ordering::SeqCst) {
        0 => Answer {
            cut: Some(700_000),
            ..Answer::file(request, &bytes, "one")
        },
        _ => Answer::file(request, &bytes, "two"),
    });
    let world = World::new();
    let address = format!("{}/a.csv", web.url);
    let error = world.fetch(&address).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("`{address}` changed while it was fetched")
    );
    // The next run begins anew.
    assert_eq!(world.read(&address).len(), 5_000_000);
}

#[test]
fn a_server_that_tells_neither_length_nor_state_is_read_to_its_end() {
    let bytes = large();
    let (served, answered) = (bytes.clone(), AtomicUsize::new(0));
    let web = Web::start(move |_| Answer {
        status: 200,
        body: served.clone(),
        chunked: true,
        cut: (answered.fetch_add(1, Ordering::SeqCst) < 2).then_some(900_000),
        ..Answer::default()
    });
    let world = World::new();
    assert!(world.read(&format!("{}/export?format=csv", web.url)) == bytes);
    assert_eq!(ranges(&web.requests()), ["all", "all", "all"]);
}

#[test]
fn a_server_that_knows_no_ranges_is_asked_for_all_of_it_again() {
    let bytes = large();
    let (served, answered) = (bytes.clone(), AtomicUsize::new(0));
    let web = Web::start(move |_| Answer {
        status: 200,
        headers: vec![("ETag", "\"one\"".to_owned())],
        body: served.clone(),
        cut: (answered.fetch_add(1, Ordering::SeqCst) < 1).then_some(900_000),
        ..Answer::default()
    });
    let world = World::new();
    assert!(world.read(&format!("{}/a.csv", web.url)) == bytes);
}

#[test]
fn a_server_that_is_busy_is_asked_again() {
    let answered = AtomicUsize::new(0);
    let web = Web::start(move |request| match answered.fetch_add(1, Ordering::SeqCst) {
        0 | 1 => Answer::of(503, "busy"),
        _ => Answer::file(request, b"a\n", "one"),
    });
    assert_eq!(World::new().read(&format!("{}/a.csv", web.url)), b"a\n");
}

#[test]
fn without_a_network_the_cache_is_read_and_that_is_said() {
    let on = Arc::new(Mutex::new(true));
    let is_on = Arc::clone(&on);
    let web = Web::start(move |request| {
        if *is_on.lock().unwrap() {
            Answer::file(request, b"a,b\n", "one")
        } else {
            Answer::default()
        }
    });
    let world = World::new();
    let address = format!("{}/a.csv?key=secret", web.url);
    let file = world.fetch(&address).unwrap();
    *on.lock().unwrap() = false;
    let begun = Instant::now();
    assert_eq!(world.fetch(&address).unwrap(), file);
    assert!(begun.elapsed() < Duration::from_secs(20));
    let said = world.recorder.text();
    assert!(said.contains("cannot be reached"), "{said}");
    assert!(said.contains("reading 1 file that was fetched before"), "{said}");
    assert!(!said.contains("secret"), "{said}");

    let error = world
        .fetch(&format!("{}/other.csv?key=secret", web.url))
        .unwrap_err();
    assert_eq!(error.fault(), Fault::Environment);
    assert!(!error.to_string().contains("secret"), "{error}");
}

#[test]
fn a_port_where_nobody_listens_is_told_within_seconds() {
    let begun = Instant::now();
    let error = World::new()
        .fetch("http://127.0.0.1:9/a.csv?key=secret")
        .unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert_eq!(
        error.to_string(),
        "`http://127.0.0.1:9/a.csv` cannot be reached: 127.0.0.1:9: Connection refused (os error 111)"
    );
}

#[test]
fn what_a_server_refuses_is_told_with_its_status_and_no_secret() {
    let web = Web::start(|request| Answer::of(request.path[1..4].parse().unwrap(), "<Code>Why</Code>"));
    let host = web.url.strip_prefix("http://").unwrap().to_owned();
    let world = World::new();
    let message = |status: u16| {
        let address = format!("{}/{status}/a.csv?key=secret", web.url);
        world
            .fetch(&address)
            .unwrap_err()
            .to_string()
            .replace(&web.url, "SERVER")
    };
    assert_eq!(message(404), "`SERVER/404/a.csv` does not exist");
    assert_eq!(
        message(403),
        format!("`SERVER/403/a.csv` may not be read: {host} answers 403 (Why)")
    );
    assert_eq!(
        message(401),
        format!("`SERVER/401/a.csv` may not be read: {host} answers 401 (Why)")
    );
    assert_eq!(
        message(400),
        format!("`SERVER/400/a.csv` cannot be fetched: {host} answers 400 (Why)")
    );
    assert_eq!(
        message(500),
        format!("`SERVER/500/a.csv` cannot be fetched: {host} answers 500 (Why)")
    );
}

#[test]
fn a_folder_of_a_web_server_is_refused() {
    let error = World::new().fetch("https://127.0.0.1/data/").unwrap_err();
    assert_eq!(
        error.to_string(),
        "`https://127.0.0.1/data/` names no single file, and a web server does not list what it has"
    );
}
