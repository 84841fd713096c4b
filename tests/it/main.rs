//! End-to-end tests of the commands that run a network; the others are in `tests/cli`. One test binary:
//! LibTorch is linked once.
//!
//! - `adapters`: LoRA adapters that are trained, and adapters that PEFT has written.
//! - `audit`: `labelproof audit` on files and bundles, and `labelproof suggest`.
//! - `crash`: runs that are killed, stopped, or hindered by a full disk, a vanished source, a damaged
//!   artifact.
//! - `data_sets`: real data sets with the sample encoder, where they are there.
//! - `determinism`: equal input gives equal bytes.
//! - `folds`: cross-validation over the training rows, and trainings with other seeds.
//! - `foreign`: `labelproof evaluate` and `audit` of a classifier that transformers wrote.
//! - `harness`: how a test makes a corpus and an encoder, and runs the binary.
//! - `linking`: only `labelproof-torch` links LibTorch.
//! - `messages`: what bad input is answered with, word for word.
//! - `pipeline`: whole runs on a small corpus with a tiny encoder: artifacts, re-runs, repeatability.
//! - `prediction`: `labelproof predict` with the bundle that a run leaves.
//! - `serving`: `labelproof serve` gives the answers of `predict`, stops when it is asked to, and logs.
//! - `windows`: texts that are longer than an encoder reads at once.
//! - `workers`: several processes that share a run give the bytes of one, are killed, and are started wrongly.
#![expect(
    clippy::unwrap_used,
    reason = "in a test, what cannot be unwrapped is a failure"
)]
#![expect(clippy::print_stderr, reason = "a test that is skipped says so")]

mod adapters;
mod audit;
mod crash;
mod data_sets;
mod determinism;
mod folds;
mod foreign;
#[path = "../harness.rs"]
mod harness;
mod linking;
mod messages;
mod pipeline;
mod prediction;
mod serving;
mod windows;
mod workers;
