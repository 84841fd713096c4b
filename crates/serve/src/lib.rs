//! Predictions over HTTP: the routes of text-embeddings-inference's `/predict` for a text classifier, with limits,
//! metrics and logs.
//!
//! Responsible for connections, requests, what waits for the model, and answers. What a text's tokens are and what
//! the model makes of them is told by functions that the caller hands in: this crate knows no network and no bundle.
//! Encryption and authentication are a proxy's business.

mod answer;
mod api;
mod connections;
mod error;
mod input;
mod metrics;
mod refusal;
mod routes;
#[cfg(test)]
mod tests;
mod waiting;

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

pub use self::error::Error;
use self::metrics::Metrics;
use self::routes::State;
use self::waiting::Waiting;

/// What is served, in words.
#[derive(Debug, Clone)]
pub struct ModelFacts {
    /// The name under which the model is known.
    pub name: String,
    /// The digest of the model.
    pub digest: String,
    /// The dtype in which it computes.
    pub dtype: String,
    /// The names of the classes, by their numbers.
    pub labels: Vec<String>,
    /// The longest text in tokens.
    pub max_tokens: usize,
    /// The tokens that are predicted together at most, unless a single text has more.
    pub batch_tokens: usize,
    /// Where the model's tokenizer cuts longer texts: `left` or `right`.
    pub truncation_side: &'static str,
    /// The number that logits are divided by; `None` where probabilities are not calibrated.
    pub temperature: Option<f64>,
    /// The confidence from which a prediction of each class is kept, `[classes]`; `None` where none is left to
    /// people, and of a class of which none is kept.
    pub thresholds: Option<Vec<Option<f64>>>,
}

/// How much is accepted.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The number of texts that wait or are predicted.
    pub texts: usize,
    /// The number of texts of a request.
    pub texts_of_request: usize,
    /// The size of a request's body in bytes.
    pub body_bytes: usize,
    /// The time in which a request is answered.
    pub answer: Duration,
    /// The time in which a client has to send the head of a request, and again its body.
    pub sending: Duration,
    /// The number of open connections.
    pub connections: usize,
}

/// A text as the model reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    /// The token ids, no more than the model reads.
    pub ids: Vec<u32>,
    /// The number of tokens of the whole text.
    pub full_length: usize,
}

/// What the model makes of a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// The class of the highest logit.
    pub class: usize,
    /// `[classes]`.
    pub logits: Vec<f32>,
    /// The probabilities as they are shown, `[classes]`.
    pub probabilities: Vec<f64>,
    /// Whether the text is left to people, where that was asked.
    pub abstained: Option<bool>,
    /// The classes of its set, where that was asked.
    pub set: Option<Vec<usize>>,
}

/// Cleans and tokenises a text; the error is a message for the client.
pub type Tokenize = Box<dyn Fn(&str) -> Result<Tokens, String> + Send + Sync>;

/// A server that listens, and answers once it runs.
pub struct Server {
    runtime: Runtime,
    listener: TcpListener,
    address: SocketAddr,
    stop: watch::Sender<bool>,
}

impl Server {
    /// Listens on a port, or on a free one where that is 0.
    pub fn bind(host: &str, port: u16) -> Result<Self, Error> {
        let failed = |source| Error::Listen {
            host: host.to_owned(),
            port,
            source,
        };
        // One thread is enough to read and write; the others belong to the model. Texts are tokenised on a few of
        // their own.
        let runtime = Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .max_blocking_threads(thread::available_parallelism().map_or(1, usize::from))
            .build()
            .map_err(failed)?;
        let listener = runtime
            .block_on(TcpListener::bind((host, port)))
            .map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (stop, _) = watch::channel(false);
        Ok(Self {
            runtime,
            listener,
            address,
            stop,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What stops it: no connection is accepted any more, requests that were read are answered, and `run` returns.
    pub fn stopper(&self) -> impl FnOnce() + Send + Sync + use<> {
        let stop = self.stop.clone();
        move || {
            stop.send_replace(true);
        }
    }

    /// Answers requests until it is stopped. `predict` is called on this thread with the token ids of the texts that
    /// wait, no more than fit into a batch; its error is a message for the log.
    pub fn run(
        self,
        facts: ModelFacts,
        limits: Limits,
        tokenize: Tokenize,
        predict: impl FnMut(&[Vec<u32>]) -> Result<Vec<Prediction>, String>,
    ) -> Result<(), Error> {
        let Self {
            runtime,
            listener,
            stop,
            ..
        } = self;
        let metrics = Arc::new(Metrics::new());
        let batch_tokens = facts.batch_tokens;
        let (queue, waiting) = waiting::queue(limits.texts);
        let state = State::new(
            facts,
            limits,
            tokenize,
            queue,
            Arc::clone(&metrics),
            stop.subscribe(),
        );
        let http = thread::Builder::new()
            .name("http".to_owned())
            .spawn(move || {
                runtime.block_on(connections::accept(listener, state, limits, stop.subscribe()));
                // Requests that outlived the patience of the stop end here, and with them their places in the queue.
                runtime.shutdown_background();
            })
            .map_err(|source| Error::Thread { source })?;
        answer_waiting(waiting, batch_tokens, &metrics, predict);
        http.join().expect("the thread of the connections does not panic");
        Ok(())
    }
}

/// Predicts what waits, batch by batch, until nobody can ask any more.
fn answer_waiting(
    mut waiting: Waiting,
    batch_tokens: usize,
    metrics: &Metrics,
    mut predict: impl FnMut(&[Vec<u32>]) -> Result<Vec<Prediction>, String>,
) {
    while let Some(mut batch) = waiting.next(batch_tokens) {
        let rows: Vec<Vec<u32>> = batch.iter_mut().map(waiting::Entry::take_tokens).collect();
        metrics.batch(rows.len(), rows.iter().map(Vec::len).sum());
        let started = Instant::now();
        let result = predict(&rows);
        let inference = started.elapsed();
        if let Err(problem) = &result {
            tracing::error!(problem, texts = rows.len(), "the model failed");
        }
        let mut predictions = result.map(Vec::into_iter);
        for entry in batch {
            let prediction = match &mut predictions {
                Ok(predictions) => predictions.next().filter(is_finite),
                Err(_) => None,
            };
            if predictions.is_ok() && prediction.is_none() {
                tracing::error!("the model gave no number for a text");
            }
            entry.answer(prediction, started, inference);
        }
    }
}

/// Whether a prediction is one: overflow in a network gives no numbers.
fn is_finite(prediction: &Prediction) -> bool {
    prediction.logits.iter().all(|logit| logit.is_finite())
}

/// Writes what happens as JSON lines to standard error. To be called once in a process.
pub fn log_as_json() {
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_target(false)
        .with_writer(std::io::stderr)
        .init();
}

/// Logs a message about what is served.
pub fn log(text: &str) {
    tracing::info!("{text}");
}
