//! The audit: why good numbers and bad predictions happen together, found by test.
//!
//! Looks at what a pipeline wrote, or at anyone's files, and says for each cause of a catalogue whether it is there,
//! with evidence and a fix. Responsible for the tests and their words; trains nothing but the cheap baseline, changes
//! no file, and never prints.
//!
//! - [`evidence`]: what the checks look at.
//! - [`files`]: how anyone's files become evidence.
//! - [`finding`]: what a check says.
//! - [`checks`]: the checks, a file each, and the list of them all.

mod audit;
pub mod check;
pub mod checks;
mod comparison;
pub mod derived;
pub mod domain_words;
mod epochs;
mod error;
pub mod evidence;
pub mod files;
pub mod finding;
pub mod gap;
pub mod label_noise;
mod length_slices;
pub mod log;
mod logged_metrics;
mod loss;
pub mod page;
mod pairing;
pub mod pipeline;
pub mod probe;
mod rows;
mod spelling;
mod stage;
mod state;
pub mod summary;
#[cfg(test)]
mod testing;
mod text_style;
mod vocabulary;

pub use audit::audit;
pub use check::{Check, corrected, significant};
pub use error::Error;
pub use evidence::Evidence;
pub use stage::{read_artifacts, run};
