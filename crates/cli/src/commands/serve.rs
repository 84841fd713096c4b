//! The arguments of `labelproof serve`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;
use labelproof_settings::DeviceChoice;

use super::decisions::DecisionArgs;

/// The bundle, where it is served, and how much is accepted.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  labelproof serve --bundle artifacts/train/model
  labelproof serve --bundle model --host 0.0.0.0 --port 8080 --abstain precision=0.95
  curl localhost:3000/predict -H 'content-type: application/json' -d '{\"inputs\": \"a text\"}'

The routes are those of text-embeddings-inference, so that its clients work: POST /predict, GET
/health, /info and /metrics. POST /classify answers with what predict writes; GET /docs describes it
all. Logs are JSON lines on standard error. Ctrl-C or SIGTERM stops the server when what was asked
is answered. It neither encrypts nor asks who is there: put a proxy before it that does. Limits and
status codes: docs/serving.md.")]
pub struct ServeArgs {
    /// Bundle of the model: the folder `model` that the stage train writes
    #[arg(long, value_name = "DIR")]
    pub bundle: PathBuf,
    /// Address to listen on: 0.0.0.0 for every network of this machine
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub host: String,
    /// Port to listen on: 0 for a free one, which the log names
    #[arg(long, value_name = "PORT", default_value_t = 3000)]
    pub port: u16,
    /// Texts that may wait or be predicted at a time; more are answered with 429
    #[arg(long, value_name = "NUMBER", default_value = "512")]
    pub max_concurrent_requests: NonZeroUsize,
    /// Texts of a request; more are answered with 413
    #[arg(long, value_name = "NUMBER", default_value = "32")]
    pub max_client_batch_size: NonZeroUsize,
    /// Size of a request in bytes; a larger one is answered with 413
    #[arg(long, value_name = "BYTES", default_value = "2000000")]
    pub payload_limit: NonZeroUsize,
    /// Seconds in which a request is answered, or else with 503
    #[arg(long, value_name = "SECONDS", default_value = "30")]
    pub timeout: NonZeroUsize,
    /// What is decided of each text
    #[command(flatten)]
    pub decisions: DecisionArgs,
    /// Quantise the encoder's dense layers to int8 where that is faster, as predict does
    #[arg(long)]
    pub int8: bool,
    /// Device of the network: auto, cpu, cuda, cuda:1, mps or flex
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    pub device: DeviceChoice,
}
