//! `labelproof serve`: loads a bundle, replays its canaries, and answers requests with what `labelproof predict`
//! writes. HTTP is the business of `labelproof-serve`.

use std::sync::Arc;
use std::time::Duration;

use labelproof_artifact::{Advice, Diagnostic, Fault};
use labelproof_cli::commands::serve::ServeArgs;
use labelproof_driver::{ExitCode, Failure, interrupt};
use labelproof_kernels::workers::Workers;
use labelproof_model::{Bundle, Precision};
use labelproof_serve::{Limits, ModelFacts, Prediction, Server, Tokens};

use crate::decisions::Decisions;
use crate::predict;

/// The time in which a client has to send the head of a request, and again its body.
const SENDING: Duration = Duration::from_secs(10);
/// The number of open connections: each has a buffer of some ten kilobytes.
const CONNECTIONS: usize = 4096;

/// The arguments of `serve` contradict each other.
#[derive(Debug, thiserror::Error)]
#[error("a request may have {request} texts, and {all} may wait")]
struct LimitsError {
    request: usize,
    all: usize,
}

impl Diagnostic for LimitsError {
    fn advice(&self) -> Advice {
        Fault::Configuration.hint("raise --max-concurrent-requests, or lower --max-client-batch-size")
    }
}

pub(crate) fn run(args: &ServeArgs) -> Result<ExitCode, Failure> {
    let limits = limits(args)?;
    let mut notes = Vec::new();
    let bundle = predict::load(&args.bundle, args.int8, args.device, &mut |text| {
        notes.push(text.to_owned());
    })?;
    bundle.require_canaries()?;
    let decisions = Decisions::choose(&args.decisions, &bundle, &mut |text| notes.push(text.to_owned()))?;
    let server = Server::bind(&args.host, args.port)?;
    labelproof_serve::log_as_json();
    for note in notes {
        labelproof_serve::log(&note);
    }
    labelproof_serve::log(&format!(
        "serving {} at http://{}",
        args.bundle.display(),
        server.address()
    ));
    let facts = facts(args, &bundle, &decisions)?;
    let bundle = Arc::new(bundle);
    let reader = Arc::clone(&bundle);
    let tokenize = Box::new(move |text: &str| tokens(&reader, text));
    let workers = Workers::alone();
    let predict = |rows: &[Vec<u32>]| predictions(&bundle, &decisions, &workers, rows);
    interrupt::while_stoppable(server.stopper(), move || {
        server.run(facts, limits, tokenize, predict)
    })?;
    labelproof_serve::log("stopped");
    Ok(ExitCode::Success)
}

fn limits(args: &ServeArgs) -> Result<Limits, LimitsError> {
    let (request, all) = (
        args.max_client_batch_size.get(),
        args.max_concurrent_requests.get(),
    );
    if request > all {
        return Err(LimitsError { request, all });
    }
    Ok(Limits {
        texts: all,
        texts_of_request: request,
        body_bytes: args.payload_limit.get(),
        answer: Duration::from_secs(args.timeout.get() as u64),
        sending: SENDING,
        connections: CONNECTIONS,
    })
}

fn facts(args: &ServeArgs, bundle: &Bundle, decisions: &Decisions) -> Result<ModelFacts, Failure> {
    let labels = bundle.labels.names().to_vec();
    Ok(ModelFacts {
        name: args.bundle.display().to_string(),
        digest: bundle.digest()?.as_str().to_owned(),
        dtype: dtype(bundle.classifier.precision).to_owned(),
        max_tokens: bundle.description.max_tokens,
        batch_tokens: bundle.batch_tokens(),
        truncation_side: bundle.truncation_side(),
        temperature: decisions.temperature(),
        thresholds: decisions.thresholds(labels.len()),
        labels,
    })
}

/// The name of the dtype in which the network computes.
fn dtype(precision: Precision) -> &'static str {
    match precision {
        Precision::Float32 => "float32",
        Precision::Bfloat16 => "bfloat16",
        Precision::Int8 => "int8",
    }
}

fn tokens(bundle: &Bundle, text: &str) -> Result<Tokens, String> {
    let encoding = bundle.encode(text).map_err(|error| error.to_string())?;
    Ok(Tokens {
        full_length: encoding.full_length as usize,
        ids: encoding.ids,
    })
}

fn predictions(
    bundle: &Bundle,
    decisions: &Decisions,
    workers: &Workers,
    rows: &[Vec<u32>],
) -> Result<Vec<Prediction>, String> {
    let logits = bundle.predict_apart(rows, workers, |_| ());
    let logits = logits.map_err(|error| error.to_string())?;
    let prediction = |logits: &[f32]| {
        let decided = decisions.of(logits);
        Prediction {
            class: decided.class,
            logits: logits.to_vec(),
            probabilities: decided.probabilities.into_iter().map(predict::rounded).collect(),
            abstained: decided.abstained,
            set: decided.set,
        }
    };
    Ok(logits.rows().map(prediction).collect())
}
