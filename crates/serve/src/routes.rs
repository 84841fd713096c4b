//! The routes, and the way of a request through limits, tokenizer and model.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request as HttpRequest;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use tokio::sync::{Semaphore, watch};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::answer;
use crate::api;
use crate::connections::Presence;
use crate::input::{Asked, Options, Request};
use crate::metrics::{Metrics, Times};
use crate::refusal::Refusal;
use crate::waiting::Queue;
use crate::{Limits, ModelFacts, Prediction, Tokenize, Tokens};

/// Up to this size a body is read for every connection at once.
const SMALL_BODY: usize = 64 * 1024;
/// The number of larger bodies that are read at once: they are what takes memory.
const LARGE_BODIES: usize = 64;

/// What all requests share.
pub(crate) struct State {
    facts: ModelFacts,
    limits: Limits,
    tokenize: Tokenize,
    queue: Queue,
    metrics: Arc<Metrics>,
    large_bodies: Semaphore,
    stopping: watch::Receiver<bool>,
}

impl State {
    pub(crate) fn new(
        facts: ModelFacts,
        limits: Limits,
        tokenize: Tokenize,
        queue: Queue,
        metrics: Arc<Metrics>,
        stopping: watch::Receiver<bool>,
    ) -> Arc<Self> {
        Arc::new(Self {
            facts,
            limits,
            tokenize,
            queue,
            metrics,
            large_bodies: Semaphore::new(LARGE_BODIES),
            stopping,
        })
    }

    pub(crate) fn metrics(&self) -> Arc<Metrics> {
        Arc::clone(&self.metrics)
    }
}

type Shared = axum::extract::State<Arc<State>>;

/// The routes. `/`, `/ping` and `/invocations` are those that platforms ask for.
pub(crate) fn router(state: Arc<State>) -> Router {
    let health = || get(|state: Shared| async move { health(&state) });
    let content_type = [(header::CONTENT_TYPE, "application/json")];
    Router::new()
        .route("/predict", post(predict))
        .route("/invocations", post(predict))
        .route("/classify", post(classify))
        .route("/", health().post(predict))
        .route("/health", health())
        .route("/ping", health())
        .route("/info", get(|state: Shared| async move { info(&state) }))
        .route("/metrics", get(|state: Shared| async move { metrics(&state) }))
        .route("/docs", get(|| async { Html(api::PAGE) }))
        .route(
            "/api-doc/openapi.json",
            get(move || async move { (content_type, api::DESCRIPTION) }),
        )
        .fallback(|| async { Refusal::validation(StatusCode::NOT_FOUND, "there is nothing here; GET /docs") })
        .method_not_allowed_fallback(|| async {
            Refusal::validation(
                StatusCode::METHOD_NOT_ALLOWED,
                "this route takes another method; GET /docs",
            )
        })
        .with_state(state)
}

fn health(state: &State) -> Result<(), Refusal> {
    if *state.stopping.borrow() {
        return Err(Refusal::stopping());
    }
    Ok(())
}

fn info(state: &State) -> Response {
    Json(api::Info::new(&state.facts, &state.limits)).into_response()
}

fn metrics(state: &State) -> Response {
    let text = state.metrics.text(state.queue.len());
    let content_type = (header::CONTENT_TYPE, "text/plain; version=0.0.4");
    ([content_type], text).into_response()
}

async fn predict(state: Shared, request: HttpRequest) -> Response {
    respond(
        &state,
        request,
        "/predict",
        Request::predict,
        |asked, predictions| {
            let raw = asked.options.raw_scores;
            one_or_all(asked, predictions, |prediction| {
                answer::scores(prediction, &state.facts, raw)
            })
        },
    )
    .await
}

async fn classify(state: Shared, request: HttpRequest) -> Response {
    respond(
        &state,
        request,
        "/classify",
        Request::classify,
        |asked, predictions| {
            one_or_all(asked, predictions, |prediction| {
                answer::row(prediction, &state.facts)
            })
        },
    )
    .await
}

/// The body of an answer: of a batch a list.
fn one_or_all<T: serde::Serialize>(
    asked: &Asked,
    predictions: &[Prediction],
    written: impl Fn(&Prediction) -> T,
) -> Response {
    if asked.is_batch {
        return Json(predictions.iter().map(written).collect::<Vec<_>>()).into_response();
    }
    Json(predictions.first().map(written)).into_response()
}

/// Answers a request, counts and logs it.
async fn respond(
    state: &Arc<State>,
    request: HttpRequest,
    route: &'static str,
    read: fn(Request) -> Result<Asked, Refusal>,
    written: impl Fn(&Asked, &[Prediction]) -> Response,
) -> Response {
    let started = Instant::now();
    let asked = match asked(state, request, read).await {
        Ok(asked) => asked,
        Err(refusal) => return refuse(state, route, started, refusal),
    };
    let method = if asked.is_batch { "batch" } else { "single" };
    state.metrics.request(method);
    let predicted = timeout(state.limits.answer, predictions(state, &asked));
    let answered = match predicted.await.unwrap_or_else(|_| Err(Refusal::out_of_time())) {
        Ok(answered) => answered,
        Err(refusal) => return refuse(state, route, started, refusal),
    };
    let mut response = written(&asked, &answered.predictions);
    let times = Times {
        total: started.elapsed(),
        ..answered.times
    };
    state.metrics.success(method, times);
    tracing::info!(
        route,
        status = 200,
        texts = asked.texts.len(),
        tokens = answered.tokens,
        total_ms = milliseconds(times.total),
        tokenization_ms = milliseconds(times.tokenization),
        queue_ms = milliseconds(times.queue),
        inference_ms = milliseconds(times.inference),
        "answered"
    );
    let characters = asked.texts.iter().map(|text| text.chars().count()).sum();
    describe(response.headers_mut(), times, characters, answered.tokens);
    response
}

fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

fn refuse(state: &State, route: &str, started: Instant, refusal: Refusal) -> Response {
    state.metrics.failure(&refusal);
    let (status, total_ms) = (refusal.status.as_u16(), milliseconds(started.elapsed()));
    if refusal.status.is_server_error() || refusal.status == StatusCode::FAILED_DEPENDENCY {
        tracing::error!(route, status, total_ms, error = refusal.error, "failed");
    } else {
        tracing::info!(route, status, total_ms, error = refusal.error, "refused");
    }
    refusal.into_response()
}

/// The headers by which text-embeddings-inference tells what an answer took.
fn describe(headers: &mut HeaderMap, times: Times, characters: usize, tokens: usize) {
    let mut insert = |name: &'static str, number: u128| {
        // No number is too long for a header.
        if let Ok(value) = HeaderValue::try_from(number.to_string()) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    insert("x-compute-characters", characters as u128);
    insert("x-compute-tokens", tokens as u128);
    insert("x-compute-time", times.total.as_millis());
    insert("x-total-time", times.total.as_millis());
    insert("x-tokenization-time", times.tokenization.as_millis());
    insert("x-queue-time", times.queue.as_millis());
    insert("x-inference-time", times.inference.as_millis());
}

/// Reads a request.
async fn asked(
    state: &State,
    request: HttpRequest,
    read: fn(Request) -> Result<Asked, Refusal>,
) -> Result<Asked, Refusal> {
    let presence = request.extensions().get::<Arc<Presence>>().cloned();
    let (head, body) = request.into_parts();
    if !is_json(&head.headers) {
        let message = "the body must be JSON: content-type: application/json";
        return Err(Refusal::validation(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
    }
    let bytes = body_bytes(state, &head.headers, body).await?;
    // From here on the client cannot be blamed for the time it takes.
    if let Some(presence) = presence {
        presence.is_answering();
    }
    let asked = read(Request::parse(&bytes)?)?;
    let (texts, most) = (asked.texts.len(), state.limits.texts_of_request);
    if texts > most {
        let message = format!("batch size {texts} > maximum allowed batch size {most}");
        return Err(Refusal::too_large(message));
    }
    Ok(asked)
}

/// Whether the body is said to be JSON.
fn is_json(headers: &HeaderMap) -> bool {
    let named = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = named.and_then(|named| named.split(';').next());
    essence.is_some_and(|essence| {
        let essence = essence.trim().to_ascii_lowercase();
        essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
    })
}

/// The body of a request, if it is small enough and comes in time.
async fn body_bytes(state: &State, headers: &HeaderMap, body: Body) -> Result<Bytes, Refusal> {
    let limit = state.limits.body_bytes;
    let too_large = || Refusal::too_large(format!("the body is larger than {limit} bytes"));
    let length = headers.get(header::CONTENT_LENGTH);
    // A body without a length may be as long as it likes.
    let length = length.map_or(usize::MAX, |value| {
        value
            .to_str()
            .ok()
            .and_then(|length| length.parse().ok())
            .unwrap_or(usize::MAX)
    });
    if length > limit && length < usize::MAX {
        return Err(too_large());
    }
    let _place = if length > SMALL_BODY {
        Some(
            state
                .large_bodies
                .try_acquire()
                .ok()
                .ok_or_else(Refusal::overloaded)?,
        )
    } else {
        None
    };
    match timeout(state.limits.sending, to_bytes(body, limit)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) if is_length(&error) => Err(too_large()),
        Ok(Err(_)) => Err(Refusal::validation(
            StatusCode::BAD_REQUEST,
            "the body ends early",
        )),
        Err(_) => Err(Refusal::validation(
            StatusCode::REQUEST_TIMEOUT,
            "the body comes too slowly",
        )),
    }
}

/// Whether a body was longer than it may be.
fn is_length(error: &axum::Error) -> bool {
    std::error::Error::source(error).is_some_and(|source| source.to_string().contains("length limit"))
}

/// The predictions of a request.
struct Predicted {
    predictions: Vec<Prediction>,
    tokens: usize,
    times: Times,
}

async fn predictions(state: &Arc<State>, asked: &Asked) -> Result<Predicted, Refusal> {
    let count = asked.texts.len();
    let places = state.queue.reserve(count).ok_or_else(Refusal::overloaded)?;
    let started = Instant::now();
    let (texts, shared) = (asked.texts.clone(), Arc::clone(state));
    let options = asked.options;
    let tokenized = spawn_blocking(move || (rows(&shared, &texts, options), places));
    let (rows, places) = tokenized.await.ok().ok_or_else(Refusal::backend)?;
    let rows = rows?;
    let tokenization = started.elapsed();
    let tokens = rows.iter().map(Vec::len).sum();
    let mut predictions = Vec::with_capacity(count);
    let (mut queue, mut inference) = (Duration::ZERO, Duration::ZERO);
    for receiver in state.queue.push(rows, places) {
        let answered = receiver.await.ok().ok_or_else(Refusal::backend)?;
        queue += answered.queue;
        inference += answered.inference;
        predictions.push(answered.prediction.ok_or_else(Refusal::backend)?);
    }
    let texts = u32::try_from(count).unwrap_or(u32::MAX).max(1);
    let times = Times {
        total: Duration::ZERO,
        tokenization,
        queue: queue / texts,
        inference: inference / texts,
    };
    Ok(Predicted {
        predictions,
        tokens,
        times,
    })
}

/// The token ids of texts.
fn rows(state: &State, texts: &[String], options: Options) -> Result<Vec<Vec<u32>>, Refusal> {
    let row = |text: &String| {
        let tokens = (state.tokenize)(text).map_err(Refusal::tokenizer)?;
        check_length(&state.facts, &tokens, options)?;
        Ok(tokens.ids)
    };
    texts.iter().map(row).collect()
}

/// Refuses a text that would be cut otherwise than was asked.
fn check_length(facts: &ModelFacts, tokens: &Tokens, options: Options) -> Result<(), Refusal> {
    let (length, most, side) = (tokens.full_length, facts.max_tokens, facts.truncation_side);
    if length <= most {
        return Ok(());
    }
    if !options.truncate {
        return Err(Refusal::too_large(format!(
            "`inputs` must have no more than {most} tokens. Given: {length}"
        )));
    }
    match options.truncation_side {
        Some(wanted) if wanted != side => Err(Refusal::shape(format!(
            "this model was trained on texts that are cut at the {side}, and `truncation_direction` is {wanted}"
        ))),
        _ => Ok(()),
    }
}
