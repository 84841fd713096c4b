//! A server with a model that is none, and clients that mean well or do not.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use serde_json::{Value, json};

use super::*;

/// Facts of a model of three classes.
pub(crate) fn facts() -> ModelFacts {
    ModelFacts {
        name: "model".to_owned(),
        digest: "digest".to_owned(),
        dtype: "float32".to_owned(),
        labels: ["a", "b", "c"].map(str::to_owned).to_vec(),
        max_tokens: 8,
        batch_tokens: 64,
        truncation_side: "right",
        temperature: None,
        thresholds: None,
    }
}

fn limits() -> Limits {
    Limits {
        texts: 64,
        texts_of_request: 4,
        body_bytes: 100_000,
        answer: Duration::from_mins(1),
        sending: Duration::from_mins(1),
        connections: 1000,
    }
}

/// A text of numbers is one token for each; what is no number cannot be tokenised.
fn tokenize(text: &str) -> Result<Tokens, String> {
    let ids: Result<Vec<u32>, _> = text.split_whitespace().map(str::parse).collect();
    let mut ids: Vec<u32> = ids.map_err(|error| format!("{error}"))?;
    let full_length = ids.len();
    ids.truncate(facts().max_tokens);
    Ok(Tokens { ids, full_length })
}

/// The text that makes the model fail, and the one of which it gives no number.
const FAILING: u32 = 666;
const OVERFLOWING: u32 = 667;

/// A text that is a number is of its class, with that number for its logit.
fn predict(rows: &[Vec<u32>]) -> Result<Vec<Prediction>, String> {
    if rows.iter().any(|row| row[0] == FAILING) {
        return Err("the model is no good".to_owned());
    }
    let prediction = |row: &Vec<u32>| {
        let class = row[0] as usize % 3;
        let mut logits = vec![0.0; 3];
        logits[class] = if row[0] == OVERFLOWING {
            f32::NAN
        } else {
            row[0] as f32
        };
        let mut probabilities = vec![0.25; 3];
        probabilities[class] = 0.5;
        Prediction {
            class,
            logits,
            probabilities,
            abstained: None,
            set: None,
        }
    };
    Ok(rows.iter().map(prediction).collect())
}

/// A running server.
struct Running {
    address: SocketAddr,
    stop: Box<dyn FnOnce() + Send + Sync>,
    thread: JoinHandle<()>,
}

/// What holds a model up: it tells how many texts it is about to predict, and waits for the permission.
type Gate = (Receiver<usize>, Sender<()>);

impl Running {
    fn new(limits: Limits) -> Self {
        Self::start(limits, predict)
    }

    /// One whose model waits for a permission before each batch.
    fn gated(limits: Limits) -> (Self, Gate) {
        let (tell, told) = channel();
        let (permit, permitted) = channel();
        let waiting = move |rows: &[Vec<u32>]| {
            tell.send(rows.len()).unwrap();
            let _ = permitted.recv();
            predict(rows)
        };
        (Self::start(limits, waiting), (told, permit))
    }

    fn start(
        limits: Limits,
        predict: impl FnMut(&[Vec<u32>]) -> Result<Vec<Prediction>, String> + Send + 'static,
    ) -> Self {
        let server = Server::bind("127.0.0.1", 0).unwrap();
        let (address, stop) = (server.address(), Box::new(server.stopper()));
        let run = move || server.run(facts(), limits, Box::new(tokenize), predict).unwrap();
        Self {
            address,
            stop,
            thread: thread::spawn(run),
        }
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).unwrap()
    }

    /// Sends bytes, and reads until the server closes the connection.
    fn exchange(&self, bytes: &[u8]) -> (u16, String) {
        let mut stream = self.connect();
        // A server that has read enough closes.
        let _ = stream.write_all(bytes);
        response(&mut stream)
    }

    fn get(&self, path: &str) -> (u16, String) {
        self.exchange(format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes())
    }

    fn post(&self, path: &str, body: &str) -> (u16, String) {
        self.exchange(post(path, body).as_bytes())
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "callers write the value at the call"
    )]
    fn predict(&self, inputs: Value) -> (u16, Value) {
        let (status, body) = self.post("/predict", &json!({ "inputs": inputs }).to_string());
        (status, serde_json::from_str(&body).unwrap())
    }

    fn is_well(&self) {
        assert_eq!(self.get("/health").0, 200);
        assert_eq!(self.predict(json!("7")).1[0], json!({"score": 0.5, "label": "b"}));
    }

    /// Stops the server, which has to end.
    fn stop(self) {
        (self.stop)();
        self.thread.join().unwrap();
    }
}

fn post(path: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: \
         {}\r\n\r\n{body}",
        body.len()
    )
}

/// The status and the body of what comes until the connection is closed; 0 where nothing comes.
fn response(stream: &mut TcpStream) -> (u16, String) {
    let mut bytes = Vec::new();
    // A connection that is cut has given what it has.
    let _ = stream.read_to_end(&mut bytes);
    let text = String::from_utf8(bytes).unwrap();
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return (0, text);
    };
    (head[9..12].parse().unwrap(), body.to_owned())
}

#[test]
fn texts_and_batches_are_answered_in_the_shapes_of_text_embeddings_inference() {
    let server = Running::new(limits());
    let scores = |label: &str| {
        let mut labels = vec!["a", "b", "c"];
        labels.retain(|other| *other != label);
        json!([
            {"score": 0.5, "label": label},
            {"score": 0.25, "label": labels[0]},
            {"score": 0.25, "label": labels[1]},
        ])
    };
    assert_eq!(server.predict(json!("4 1 1")), (200, scores("b")));
    assert_eq!(server.predict(json!(["5"])), (200, scores("c")));
    let batch = json!([["3"], ["4"], ["5"]]);
    assert_eq!(
        server.predict(batch),
        (200, json!([scores("a"), scores("b"), scores("c")]))
    );
    for path in ["/", "/invocations"] {
        let answer: Value = serde_json::from_str(&server.post(path, r#"{"inputs": "4"}"#).1).unwrap();
        assert_eq!(answer, scores("b"));
    }
    let raw = server
        .post("/predict", r#"{"inputs": "4", "raw_scores": true}"#)
        .1;
    assert!(
        raw.starts_with(r#"[{"score":4.0,"label":"b"},{"score":0.0,"#),
        "{raw}"
    );
    let row = r#"{"label":"b","probabilities":{"a":0.25,"b":0.5,"c":0.25},"probability":0.5}"#;
    assert_eq!(
        server.post("/classify", r#"{"inputs": "4"}"#),
        (200, row.to_owned())
    );
    assert_eq!(
        server.post("/classify", r#"{"inputs": ["4", "7"]}"#).1,
        format!("[{row},{row}]")
    );
    server.stop();
}

#[test]
fn every_route_of_the_description_answers_and_no_other_does() {
    let server = Running::new(limits());
    let description: Value = serde_json::from_str(&server.get("/api-doc/openapi.json").1).unwrap();
    for (path, methods) in description["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            let (status, body) = match method.as_str() {
                "get" => server.get(path),
                _ => server.post(path, r#"{"inputs": "4"}"#),
            };
            assert_eq!(status, 200, "{method} {path}: {body}");
        }
    }
    assert_eq!(server.get("/predict").0, 405);
    assert_eq!(server.get("/embed").0, 404);
    let info: Value = serde_json::from_str(&server.get("/info").1).unwrap();
    assert_eq!(info["model_type"]["classifier"]["id2label"]["1"], "b");
    assert_eq!(info["max_client_batch_size"], 4);
    let described = description["components"]["schemas"]["Info"]["properties"]
        .as_object()
        .unwrap();
    let given = info.as_object().unwrap();
    assert!(given.keys().eq(described.keys()), "{given:?}");
    let metrics = server.get("/metrics").1;
    assert!(
        metrics.contains("te_request_success{method=\"single\"} 4"),
        "{metrics}"
    );
    server.stop();
}

#[test]
fn what_cannot_be_answered_has_a_status_that_says_why() {
    let server = Running::new(limits());
    let refused = |body: &str| {
        let (status, body) = server.post("/predict", body);
        let body: Value = serde_json::from_str(&body).unwrap();
        assert!(
            body["error"].as_str().is_some_and(|error| !error.is_empty()),
            "{body}"
        );
        (status, body["error_type"].as_str().unwrap().to_owned())
    };
    let is = |status: u16, error_type: &str| (status, error_type.to_owned());
    assert_eq!(refused("{"), is(400, "Validation"));
    assert_eq!(refused(r#"{"inputs": ["1", "2"]}"#), is(422, "Validation"));
    assert_eq!(refused(r#"{"inputs": "one"}"#), is(422, "Tokenizer"));
    assert_eq!(
        refused(r#"{"inputs": [["1"],["2"],["3"],["4"],["5"]]}"#),
        is(413, "Validation")
    );
    assert_eq!(
        refused(&format!(r#"{{"inputs": "{}"}}"#, "1 ".repeat(60_000))),
        is(413, "Validation")
    );
    assert_eq!(
        refused(&format!(r#"{{"inputs": "{FAILING}"}}"#)),
        is(424, "Backend")
    );
    assert_eq!(
        refused(&format!(r#"{{"inputs": "{OVERFLOWING}"}}"#)),
        is(424, "Backend")
    );

    let long = r#""inputs": "1 2 3 4 5 6 7 8 9""#;
    assert_eq!(server.post("/predict", &format!("{{{long}}}")).0, 200);
    assert_eq!(
        refused(&format!(r#"{{{long}, "truncate": false}}"#)),
        is(413, "Validation")
    );
    assert_eq!(
        refused(&format!(r#"{{{long}, "truncation_direction": "Left"}}"#)),
        is(422, "Validation")
    );
    let right = format!(r#"{{{long}, "truncate": true, "truncation_direction": "Right"}}"#);
    assert_eq!(server.post("/predict", &right).0, 200);

    let untyped = "POST /predict HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}";
    assert_eq!(server.exchange(untyped.as_bytes()).0, 415);
    let early = post("/predict", "{}").replace("length: 2", "length: 20");
    let mut stream = server.connect();
    stream.write_all(early.as_bytes()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert!(
        [0, 400].contains(&response(&mut stream).0),
        "its client may be gone"
    );
    let chunked = post("/predict", "").replace("content-length: 0", "transfer-encoding: chunked");
    let endless = format!(
        "{chunked}{}",
        format!("4e20\r\n{}\r\n", " ".repeat(20_000)).repeat(6)
    );
    assert_eq!(server.exchange(endless.as_bytes()).0, 413);
    for garbage in [
        "\u{0}\u{1}\u{2}\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "PREDICT\r\n\r\n",
    ] {
        assert!(
            [0, 400].contains(&server.exchange(garbage.as_bytes()).0),
            "{garbage}"
        );
    }
    server.is_well();
    server.stop();
}

#[test]
fn more_texts_than_may_wait_are_refused_at_once_and_the_others_answered() {
    let (server, (told, permit)) = Running::gated(Limits { texts: 5, ..limits() });
    thread::scope(|scope| {
        let first = scope.spawn(|| server.predict(json!("1")));
        assert_eq!(told.recv().unwrap(), 1);
        let second = scope.spawn(|| server.predict(json!([["1"], ["2"], ["3"], ["4"]])));
        // The second takes the places that are left: a third is refused as soon as it has.
        let refused = loop {
            let metrics = server.get("/metrics").1;
            if metrics.contains("te_queue_size 5") {
                break server.predict(json!("1"));
            }
        };
        assert_eq!(refused.0, 429);
        assert_eq!(
            refused.1,
            json!({"error": "Model is overloaded", "error_type": "Overloaded"})
        );
        permit.send(()).unwrap();
        // A place is taken before the text of it waits there: the model may find some of them first.
        let mut texts = 0;
        while texts < 4 {
            texts += told.recv().unwrap();
            permit.send(()).unwrap();
        }
        assert_eq!(texts, 4);
        assert_eq!((first.join().unwrap().0, second.join().unwrap().0), (200, 200));
    });
    server.stop();
}

#[test]
fn a_request_that_takes_too_long_is_told_so() {
    let (server, (told, permit)) = Running::gated(Limits {
        answer: Duration::from_millis(50),
        ..limits()
    });
    assert_eq!(server.predict(json!("1")).0, 503);
    assert_eq!(told.recv().unwrap(), 1);
    permit.send(()).unwrap();
    server.stop();
}

#[test]
fn clients_that_are_too_slow_are_left_and_others_answered_meanwhile() {
    let server = Running::new(Limits {
        sending: Duration::from_millis(300),
        ..limits()
    });
    let begun = |bytes: &str| {
        let mut stream = server.connect();
        stream.write_all(bytes.as_bytes()).unwrap();
        stream
    };
    let mut silent: Vec<TcpStream> = (0..20).map(|_| begun("")).collect();
    silent.extend((0..20).map(|_| begun("POST /predict HTTP/1.1\r\nhost: ")));
    let body = post("/predict", r#"{"inputs": "1"}"#);
    let mut slow: Vec<TcpStream> = (0..20).map(|_| begun(&body[..body.len() - 3])).collect();
    server.is_well();
    for stream in &mut silent {
        assert!([0, 408].contains(&response(stream).0));
    }
    for stream in &mut slow {
        assert_eq!(response(stream).0, 408);
    }
    server.is_well();
    server.stop();
}

#[test]
fn connections_that_do_nothing_make_room_for_others() {
    let server = Running::new(Limits {
        connections: 20,
        ..limits()
    });
    let mut idle = Vec::new();
    for _ in 0..5 {
        idle.extend((0..40).map(|_| server.connect()));
        server.is_well();
    }
    assert_eq!(response(&mut idle[0]).0, 0, "the first of them is closed");
    server.stop();
}

#[test]
fn each_client_gets_its_own_answers() {
    let server = Running::new(limits());
    thread::scope(|scope| {
        for client in 0..8_u32 {
            let server = &server;
            scope.spawn(move || {
                for round in 0..25 {
                    let number = client * 100 + round;
                    let body = format!(r#"{{"inputs": "{number} 1 2", "raw_scores": true}}"#);
                    let (status, answer) = server.post("/predict", &body);
                    let answer: Value = serde_json::from_str(&answer).unwrap();
                    let label = ["a", "b", "c"][number as usize % 3];
                    let found = answer
                        .as_array()
                        .unwrap()
                        .iter()
                        .find(|score| score["label"] == label);
                    assert_eq!(
                        (status, &found.unwrap()["score"]),
                        (200, &json!(f64::from(number)))
                    );
                }
            });
        }
    });
    server.stop();
}

#[test]
fn a_stop_waits_for_what_was_asked_and_for_nothing_else() {
    let (server, (told, permit)) = Running::gated(limits());
    let mut idle = server.connect();
    let mut asked = server.connect();
    // Of a client that would keep its connection.
    let request = post("/predict", r#"{"inputs": "7"}"#).replace("connection: close\r\n", "");
    asked.write_all(request.as_bytes()).unwrap();
    assert_eq!(told.recv().unwrap(), 1);
    (server.stop)();
    permit.send(()).unwrap();
    let (status, body) = response(&mut asked);
    assert_eq!(status, 200, "{body}");
    assert_eq!(response(&mut idle).0, 0);
    server.thread.join().unwrap();
    assert!(
        TcpStream::connect(server.address).is_err(),
        "nobody listens any more"
    );
}
