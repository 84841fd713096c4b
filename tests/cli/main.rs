//! End-to-end tests of the binary `labelproof` where no network runs; `labelproof-torch` does not have to be
//! there.
//!
//! - `architecture`: the dependencies between the crates are the ones ARCHITECTURE.md draws.
//! - `audit`: an audit of files, where there is no `labelproof-torch`.
//! - `configuration`: what an invalid configuration is answered with.
//! - `console_logs`: console output of broken and repaired trainings, as `--log`.
//! - `explain`: the pages of the causes that the audit looks for.
//! - `help`: the help, the version, the completions, and the binary without its sibling.
//! - `init`: what is understood of files, and that the pipeline runs with what is written.
//! - `messages`: what bad input is answered with, word for word.
//! - `parts`: a table that is a folder of part files, through plan, locks and stages.
//! - `runs`: dry runs, single stages, and two runs at once.
//! - `worker`: the steps of the data stages as a program.
#![expect(
    clippy::unwrap_used,
    reason = "in a test, what cannot be unwrapped is a failure"
)]

mod architecture;
mod audit;
mod configuration;
mod console_logs;
mod explain;
#[path = "../harness.rs"]
#[expect(dead_code, reason = "tests/it uses more of it")]
mod harness;
mod help;
mod init;
mod messages;
mod parts;
mod runs;
mod worker;
