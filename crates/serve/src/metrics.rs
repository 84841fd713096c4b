//! What is counted, in the names of text-embeddings-inference where it counts the same.

use std::time::Duration;

use prometheus::{
    Encoder, Histogram, HistogramOpts, IntCounterVec, IntGauge, Opts, Registry, TextEncoder,
    exponential_buckets,
};

use crate::refusal::Refusal;

/// How long a request took, and what for.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Times {
    pub(crate) total: Duration,
    pub(crate) tokenization: Duration,
    /// The mean of the request's texts.
    pub(crate) queue: Duration,
    /// The mean of the request's texts, each with the time of its batch.
    pub(crate) inference: Duration,
}

/// The metrics of a server.
pub(crate) struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    successes: IntCounterVec,
    failures: IntCounterVec,
    total: Histogram,
    tokenization: Histogram,
    queue: Histogram,
    inference: Histogram,
    batch_texts: Histogram,
    batch_tokens: Histogram,
    waiting: IntGauge,
    connections: IntGauge,
}

/// From half a millisecond to half a minute.
fn seconds() -> Vec<f64> {
    exponential_buckets(0.0005, 2.0, 17).expect("the buckets grow")
}

/// From 1 to 65,536.
fn numbers() -> Vec<f64> {
    exponential_buckets(1.0, 2.0, 17).expect("the buckets grow")
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let registry = Registry::new();
        let register = |metric: Box<dyn prometheus::core::Collector>| {
            registry.register(metric).expect("each name is there once");
        };
        let counter = |name: &str, help: &str, label: &str| {
            let counter = IntCounterVec::new(Opts::new(name, help), &[label]).expect("the name is valid");
            register(Box::new(counter.clone()));
            counter
        };
        let histogram = |name: &str, help: &str, buckets: Vec<f64>| {
            let options = HistogramOpts::new(name, help).buckets(buckets);
            let histogram = Histogram::with_opts(options).expect("the name is valid");
            register(Box::new(histogram.clone()));
            histogram
        };
        let gauge = |name: &str, help: &str| {
            let gauge = IntGauge::new(name, help).expect("the name is valid");
            register(Box::new(gauge.clone()));
            gauge
        };
        Self {
            requests: counter("te_request_count", "Requests, single or batch", "method"),
            successes: counter("te_request_success", "Requests that were answered", "method"),
            failures: counter(
                "te_request_failure",
                "Requests that were refused or failed",
                "err",
            ),
            total: histogram("te_request_duration", "Seconds of an answered request", seconds()),
            tokenization: histogram(
                "te_request_tokenization_duration",
                "Seconds of cleaning and tokenising its texts",
                seconds(),
            ),
            queue: histogram(
                "te_request_queue_duration",
                "Seconds in which its texts waited",
                seconds(),
            ),
            inference: histogram(
                "te_request_inference_duration",
                "Seconds of the batches of its texts",
                seconds(),
            ),
            batch_texts: histogram("te_batch_next_size", "Texts of a batch", numbers()),
            batch_tokens: histogram("te_batch_next_tokens", "Tokens of a batch", numbers()),
            waiting: gauge("te_queue_size", "Texts that wait or are predicted"),
            connections: gauge("labelproof_connections", "Open connections"),
            registry,
        }
    }

    /// A request came.
    pub(crate) fn request(&self, method: &str) {
        self.requests.with_label_values(&[method]).inc();
    }

    /// A request was answered.
    pub(crate) fn success(&self, method: &str, times: Times) {
        self.successes.with_label_values(&[method]).inc();
        self.total.observe(times.total.as_secs_f64());
        self.tokenization.observe(times.tokenization.as_secs_f64());
        self.queue.observe(times.queue.as_secs_f64());
        self.inference.observe(times.inference.as_secs_f64());
    }

    /// A request was not.
    pub(crate) fn failure(&self, refusal: &Refusal) {
        self.failures
            .with_label_values(&[refusal.error_type.label()])
            .inc();
    }

    /// A batch is predicted.
    pub(crate) fn batch(&self, texts: usize, tokens: usize) {
        self.batch_texts.observe(texts as f64);
        self.batch_tokens.observe(tokens as f64);
    }

    /// A connection was opened or closed.
    pub(crate) fn connections(&self, change: i64) {
        self.connections.add(change);
    }

    /// Everything, as Prometheus reads it.
    pub(crate) fn text(&self, waiting: usize) -> Vec<u8> {
        self.waiting.set(i64::try_from(waiting).unwrap_or(i64::MAX));
        let mut text = Vec::new();
        TextEncoder::new()
            .encode(&self.registry.gather(), &mut text)
            .expect("a vector takes everything");
        text
    }
}
