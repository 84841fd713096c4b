//! What the server tells of itself: `/info`, and the description of its routes.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{Limits, ModelFacts};

/// The routes in the words of `OpenAPI`. Written by hand; a test compares it with what the routes answer.
pub(crate) const DESCRIPTION: &str = include_str!("openapi.json");

/// The same for people.
pub(crate) const PAGE: &str = include_str!("docs.html");

/// The model and the limits, with the fields of text-embeddings-inference and, under `decisions`, our own.
#[derive(Debug, Serialize)]
pub(crate) struct Info<'a> {
    model_id: &'a str,
    model_sha: &'a str,
    model_dtype: &'a str,
    model_type: ModelType<'a>,
    max_concurrent_requests: usize,
    max_input_length: usize,
    max_batch_tokens: usize,
    max_batch_requests: Option<usize>,
    max_client_batch_size: usize,
    auto_truncate: bool,
    tokenization_workers: usize,
    version: &'static str,
    sha: Option<&'static str>,
    docker_label: Option<&'static str>,
    decisions: Decisions<'a>,
}

#[derive(Debug, Serialize)]
struct ModelType<'a> {
    classifier: Classifier<'a>,
}

#[derive(Debug, Serialize)]
struct Classifier<'a> {
    id2label: BTreeMap<String, &'a str>,
    label2id: BTreeMap<&'a str, usize>,
}

/// How probabilities are made, and from which confidence a prediction is kept.
#[derive(Debug, Serialize)]
struct Decisions<'a> {
    temperature: Option<f64>,
    thresholds: Option<BTreeMap<&'a str, Option<f64>>>,
}

impl<'a> Info<'a> {
    pub(crate) fn new(facts: &'a ModelFacts, limits: &Limits) -> Self {
        let numbered = || facts.labels.iter().map(String::as_str).enumerate();
        let thresholds = facts.thresholds.as_ref().map(|thresholds| {
            let named = numbered().map(|(class, label)| (label, thresholds[class]));
            named.collect()
        });
        Self {
            model_id: &facts.name,
            model_sha: &facts.digest,
            model_dtype: &facts.dtype,
            model_type: ModelType {
                classifier: Classifier {
                    id2label: numbered()
                        .map(|(class, label)| (class.to_string(), label))
                        .collect(),
                    label2id: numbered().map(|(class, label)| (label, class)).collect(),
                },
            },
            max_concurrent_requests: limits.texts,
            max_input_length: facts.max_tokens,
            max_batch_tokens: facts.batch_tokens,
            max_batch_requests: None,
            max_client_batch_size: limits.texts_of_request,
            auto_truncate: true,
            tokenization_workers: std::thread::available_parallelism().map_or(1, usize::from),
            version: env!("CARGO_PKG_VERSION"),
            sha: None,
            docker_label: None,
            decisions: Decisions {
                temperature: facts.temperature,
                thresholds,
            },
        }
    }
}
