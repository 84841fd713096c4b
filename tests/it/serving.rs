//! `labelproof serve` with the bundle that a run leaves. What clients do that mean no good is tested in the crate.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{Project, labelproof};

const BUNDLE: &str = "artifacts/train/model";

fn trained() -> Project {
    let project = Project::small("cpu");
    project.run(&["run", "train"]).expect_success();
    project
}

/// A server on a free port of this machine.
struct Server {
    child: Child,
    address: String,
    /// The lines of the log after the one that names the address.
    log: JoinHandle<Vec<String>>,
}

impl Server {
    fn start(project: &Project, arguments: &[&str]) -> Self {
        let mut child = Command::new(labelproof())
            .args(["serve", "--bundle", BUNDLE, "--port", "0", "--device", "cpu"])
            .args(arguments)
            .current_dir(project.path("."))
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap())
            .lines()
            .map(Result::unwrap);
        let mut seen = Vec::new();
        let address = loop {
            let line = lines.next().unwrap_or_else(|| panic!("it ended: {seen:?}"));
            if let Some((_, address)) = line.split_once("http://") {
                break address.split('"').next().unwrap().to_owned();
            }
            seen.push(line);
        };
        let log = thread::spawn(move || lines.collect());
        Self { child, address, log }
    }

    fn ask(&self, request: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), body.to_owned())
    }

    fn get(&self, path: &str) -> (u16, String) {
        self.ask(&format!(
            "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
        ))
    }

    fn post(&self, path: &str, inputs: &Value) -> Value {
        let body = json!({ "inputs": inputs }).to_string();
        let length = body.len();
        let head = "host: x\r\nconnection: close\r\ncontent-type: application/json";
        let (status, body) = self.ask(&format!(
            "POST {path} HTTP/1.1\r\n{head}\r\ncontent-length: {length}\r\n\r\n{body}"
        ));
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    /// Asks it to stop, and returns its exit code and the rest of its log.
    fn stop(mut self) -> (i32, Vec<String>) {
        let kill = format!("kill -TERM {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        let code = self.child.wait().unwrap().code().unwrap();
        (code, self.log.join().unwrap())
    }
}

/// The texts of the corpus that have one, in its order.
fn texts(project: &Project) -> Vec<String> {
    let csv = project.read("texts.csv");
    let texts = csv
        .lines()
        .skip(1)
        .map(|line| line.split(',').nth(1).unwrap().to_owned());
    texts.filter(|text| !text.trim().is_empty()).collect()
}

/// What `predict` writes of texts, without ids and with what `serve` adds.
fn predicted(project: &Project, texts: &[String], arguments: &[&str]) -> Vec<Value> {
    let lines: Vec<String> = texts
        .iter()
        .map(|text| json!({ "text": text }).to_string())
        .collect();
    let command = [
        "predict",
        "--bundle",
        BUNDLE,
        "--device",
        "cpu",
        "--format",
        "jsonl",
        "--output",
        "out.jsonl",
    ];
    project
        .command(&[&command[..], arguments].concat(), &lines.join("\n"))
        .expect_success();
    let rows = project.read("out.jsonl");
    let row = |line: &str| {
        let mut row: Value = serde_json::from_str(line).unwrap();
        row.as_object_mut().unwrap().remove("id");
        row
    };
    rows.lines().map(row).collect()
}

#[test]
fn answers_are_to_the_last_digit_those_of_predict_in_whatever_batches() {
    let project = trained();
    let texts = texts(&project);
    let expected = predicted(&project, &texts, &[]);
    let mut reversed = texts.clone();
    reversed.reverse();
    let mut found = predicted(&project, &reversed, &[]);
    found.reverse();
    assert_eq!(
        found, expected,
        "predict does not depend on the order of the rows"
    );

    let server = Server::start(&project, &[]);
    for (text, expected) in texts.iter().zip(&expected).take(10) {
        assert_eq!(&server.post("/classify", &json!(text)), expected);
    }
    // From several clients at once, whose texts are predicted together.
    thread::scope(|scope| {
        for (texts, expected) in texts.chunks(9).zip(expected.chunks(9)) {
            let server = &server;
            scope.spawn(move || assert_eq!(server.post("/classify", &json!(texts)), json!(expected)));
        }
    });
    let batch: Vec<Vec<&String>> = texts[..32].iter().map(|text| vec![text]).collect();
    let scores = server.post("/predict", &json!(batch));
    for (scores, expected) in scores.as_array().unwrap().iter().zip(&expected) {
        assert_eq!(
            scores[0],
            json!({"score": expected["probability"], "label": expected["label"]})
        );
        for score in scores.as_array().unwrap() {
            let label = score["label"].as_str().unwrap();
            assert_eq!(score["score"], expected["probabilities"][label]);
        }
    }
    server.stop();
}

#[test]
fn what_predict_decides_is_decided_in_answers_too() {
    let project = trained();
    let texts = texts(&project)[..20].to_vec();
    let decisions = ["--abstain", "coverage=0.5", "--conformal", "0.8"];
    let expected = predicted(&project, &texts, &decisions);
    let server = Server::start(&project, &decisions);
    let answers = server.post("/classify", &json!(texts));
    let info: Value = serde_json::from_str(&server.get("/info").1).unwrap();
    for (answer, expected) in answers.as_array().unwrap().iter().zip(&expected) {
        let mut answer = answer.clone();
        let threshold = answer.as_object_mut().unwrap().remove("threshold").unwrap();
        assert_eq!(&answer, expected);
        let label = expected["label"].as_str().unwrap();
        assert_eq!(threshold, info["decisions"]["thresholds"][label]);
        // What is shown of a probability is rounded.
        let kept = expected["probability"].as_f64().unwrap() > threshold.as_f64().unwrap() - 1e-6;
        assert_eq!(expected["abstained"], json!(!kept));
    }
    let scores = server.post("/predict", &json!(texts[0]));
    assert_eq!(scores[0]["abstained"], expected[0]["abstained"]);
    assert_eq!(scores[0]["set"], expected[0]["set"]);
    server.stop();
}

#[test]
fn it_stops_when_it_is_asked_to_and_logs_objects_without_texts() {
    let project = trained();
    let server = Server::start(&project, &[]);
    assert_eq!(server.get("/health").0, 200);
    server.post("/predict", &json!("the goal team match coach"));
    let (code, log) = server.stop();
    assert_eq!(code, 0);
    let events: Vec<Value> = log
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let answered = events
        .iter()
        .find(|event| event["message"] == "answered")
        .unwrap();
    assert_eq!(
        (&answered["texts"], &answered["status"]),
        (&json!(1), &json!(200))
    );
    assert_eq!(events.last().unwrap()["message"], "stopped");
    assert!(!log.iter().any(|line| line.contains("coach")), "{log:?}");
}

#[test]
fn what_cannot_be_served_is_said_before_anything_is() {
    let project = trained();
    let refused = |arguments: &[&str]| {
        let run = project.run(&[&["serve", "--bundle", BUNDLE, "--device", "cpu"], arguments].concat());
        run.expect_message()
    };
    assert_snapshot!(refused(&["--max-concurrent-requests", "8"]), @r"
        exit code 2
        error: a request may have 32 texts, and 8 may wait

        hint: raise --max-concurrent-requests, or lower --max-client-batch-size
    ");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    assert_snapshot!(refused(&["--port", &port]).replace(&port, "[PORT]"), @r"
        exit code 7
        error: cannot listen on 127.0.0.1:[PORT]
          caused by: Address already in use (os error 98)

        hint: choose another port with --port, or the address of one of this machine's networks with --host
    ");

    // A canary that gives other logits.
    let description = project.read("artifacts/train/model/labelproof.json");
    let mut changed: Value = serde_json::from_str(&description).unwrap();
    for canary in changed["canaries"].as_array_mut().unwrap() {
        canary["logits"][0] = json!(canary["logits"][0].as_f64().unwrap() + 1.0);
    }
    project.write("artifacts/train/model/labelproof.json", &changed.to_string());
    let message = refused(&["--port", "0"]);
    assert!(
        message.starts_with("exit code 6\n") && message.contains("on canary row"),
        "{message}"
    );
}
