//! The audit: why good numbers and bad predictions happen together, found by test.
//!
//! Looks at what a pipeline wrote, or at anyone's files, and says for each cause of a catalogue whether it is there,
//! with evidence and a fix. Responsible for the tests and their words; trains nothing but the cheap baseline, changes
//! no file, and never prints.
//!
//! - [`evidence`]: what the checks look at.
//! - [`files`]: how anyone's files become evidence.
//! - [`case`]: what is derived of the evidence.
//! - [`measures`]: what several checks measure of it.
//! - [`checks`]: the checks, a file each, and the list of them all.
//! - [`answer`]: what a check says, and the verdict on all of it.

pub mod answer;
pub mod case;
pub mod catalogue;
pub mod checks;
mod error;
pub mod evidence;
pub mod files;
pub mod measures;
mod stage;
#[cfg(test)]
mod testing;

pub use answer::verdict::audit;
pub use answer::{page, summary};
pub use catalogue::{Check, corrected, significant};
pub use error::Error;
pub use evidence::Evidence;
pub use evidence::bundle::probe;
pub use stage::{read_artifacts, run};
