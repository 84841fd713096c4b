//! The audit: why good figures and bad predictions happen together, found by test.
//!
//! Looks at what a pipeline wrote, or at anyone's files, and says for each cause of the catalogue whether it
//! is there, with evidence and a fix. Responsible for the tests and their words; trains nothing but the cheap
//! baseline, runs no network, changes no file, and never prints.
//!
//! - [`evidence`]: what the checks look at, as immutable data. [`files`] makes it of anyone's files,
//!   [`artifacts`] of a pipeline's.
//! - [`catalogue`]: the one table of causes, with the check for each.
//! - [`case`]: what is derived of the evidence and answered, once each; checks see nothing else.
//! - [`measures`]: pure functions of rows, texts, scores and logs that checks share.
//! - `checks`: the checks, a file each, in a folder for each family.
//! - [`answer`]: what a check says, the verdict on all of it, and both in words.
//! - [`explain`]: the pages of the causes, which stand at the heads of the checks' files.

pub mod answer;
pub mod artifacts;
pub mod case;
pub mod catalogue;
pub mod cause;
pub mod check;
mod checks;
#[cfg(test)]
mod circles;
mod error;
pub mod evidence;
pub mod explain;
pub mod files;
pub mod measures;
mod params;
mod stage;
#[cfg(test)]
mod testing;

pub use answer::{page, summary};
pub use error::Error;
pub use evidence::Evidence;
pub use params::{Params, STAGE};
pub use stage::{bundle_of, run};

use labelproof_artifact::findings::Findings;

use case::{Case, Memo};

/// Makes every check that the evidence allows, and says what they found.
pub fn audit(evidence: &Evidence) -> Findings {
    answer::findings(&Case::new(&Memo::new(evidence, catalogue::ALL)), catalogue::ALL)
}
