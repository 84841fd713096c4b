//! The data stages in steps, for engines that run them on many machines: Spark, Ray, or anything that can
//! pipe Arrow streams through a program.
//!
//! A step is a function from record batches to record batches, with a [`Context`] in JSON. It is responsible
//! for what a stage does with rows, by the functions of the stage's own crate, so that a cluster writes the
//! bytes that one process writes. It is not responsible for how rows get from one machine to another: the
//! engine partitions, sorts and joins them between the steps, as `docs/cluster.md` says. The driver's
//! decisions are steps too, and what orchestrates them needs to know no rule of a stage.

mod columns;
mod commit;
mod context;
mod encoder;
mod error;
mod ingest;
mod ingest_rows;
mod parts;
mod pipe;
mod preprocess;
mod preprocess_rows;

use std::fmt;
use std::str::FromStr;

use arrow::array::RecordBatch;
use labelproof_driver::Failure;

pub use columns::Columns;
pub use context::Context;
pub use error::{BadContext, BadInput, BrokenInput, UnknownStep};
pub use pipe::{BadOutput, pipe};

/// The batches that a step gets; an error is a message of who gives them.
pub type Input<'a> = &'a mut dyn Iterator<Item = Result<RecordBatch, String>>;

/// Takes the batches that a step gives.
pub type Output<'a> = &'a mut dyn FnMut(RecordBatch) -> Result<(), Failure>;

/// A step of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Says whether the stage must run, and makes its scratch folder. In the driver.
    Plan,
    /// Lists the sources, and the shares they are read in. In the driver.
    IngestPlan,
    /// Reads shares of the sources. Gives candidates, rejects and tallies.
    IngestRead,
    /// Decides from the tallies which labels stand for none. In the driver.
    IngestDecide,
    /// Makes documents of candidates: of all those of their ids.
    IngestMerge,
    /// Writes rejects and labels, and checks what the stage checks at its end. In the driver.
    IngestSettle,
    /// Writes parts of the documents.
    IngestWrite,
    /// Says where the documents are, and checks the encoder. In the driver.
    PreprocessPlan,
    /// Reads parts of the documents that lie in object storage.
    PreprocessRead,
    /// Looks at documents. Gives sketches, rejects and tallies.
    PreprocessLook,
    /// Writes rejects, and checks what the stage checks between its passes. In the driver.
    PreprocessCheck,
    /// Makes texts what is compared of them.
    PreprocessComparable,
    /// Compares the texts of buckets. Gives pairs of similar ones.
    PreprocessCompare,
    /// Makes groups of pairs. In the driver.
    PreprocessUnite,
    /// Tokenises documents. Gives tokens and tallies.
    PreprocessTokenise,
    /// Says what the stage says at its end. In the driver.
    PreprocessSettle,
    /// Writes parts of the tokens.
    PreprocessWrite,
    /// Commits what a stage wrote. In the driver.
    Commit,
}

impl Step {
    /// Every step that runs no network.
    pub const ALL: [Self; 18] = [
        Self::Plan,
        Self::IngestPlan,
        Self::IngestRead,
        Self::IngestDecide,
        Self::IngestMerge,
        Self::IngestSettle,
        Self::IngestWrite,
        Self::PreprocessPlan,
        Self::PreprocessRead,
        Self::PreprocessLook,
        Self::PreprocessCheck,
        Self::PreprocessComparable,
        Self::PreprocessCompare,
        Self::PreprocessUnite,
        Self::PreprocessTokenise,
        Self::PreprocessSettle,
        Self::PreprocessWrite,
        Self::Commit,
    ];

    /// Whether the step gets rows.
    pub fn takes_rows(self) -> bool {
        !matches!(self, Self::Plan | Self::IngestPlan | Self::PreprocessPlan)
    }

    /// The step's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::IngestPlan => "ingest-plan",
            Self::IngestRead => "ingest-read",
            Self::IngestDecide => "ingest-decide",
            Self::IngestMerge => "ingest-merge",
            Self::IngestSettle => "ingest-settle",
            Self::IngestWrite => "ingest-write",
            Self::PreprocessPlan => "preprocess-plan",
            Self::PreprocessRead => "preprocess-read",
            Self::PreprocessLook => "preprocess-look",
            Self::PreprocessCheck => "preprocess-check",
            Self::PreprocessComparable => "preprocess-comparable",
            Self::PreprocessCompare => "preprocess-compare",
            Self::PreprocessUnite => "preprocess-unite",
            Self::PreprocessTokenise => "preprocess-tokenise",
            Self::PreprocessSettle => "preprocess-settle",
            Self::PreprocessWrite => "preprocess-write",
            Self::Commit => "commit",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl FromStr for Step {
    type Err = UnknownStep;

    fn from_str(name: &str) -> Result<Self, UnknownStep> {
        let found = Self::ALL.into_iter().find(|step| step.name() == name);
        found.ok_or_else(|| UnknownStep {
            name: name.to_owned(),
        })
    }
}

/// Runs a step: pulls batches from `input`, and pushes what becomes of them into `output`.
///
/// # Errors
///
/// Those of the stage, and a context or batches that are none of the step's.
pub fn run(step: Step, context: &Context, input: Input<'_>, output: Output<'_>) -> Result<(), Failure> {
    match step {
        Step::Plan => commit::plan(context, output),
        Step::IngestPlan => ingest::plan(context, output),
        Step::IngestRead => ingest::read(context, input, output),
        Step::IngestDecide => ingest::decide(context, input, output),
        Step::IngestMerge => ingest::merge(context, input, output),
        Step::IngestSettle => ingest::settle(context, input, output),
        Step::IngestWrite => parts::write(context, input, output, ingest_rows::documents),
        Step::PreprocessPlan => preprocess::plan(context, output),
        Step::PreprocessRead => preprocess::read(context, input, output),
        Step::PreprocessLook => preprocess::look(context, input, output),
        Step::PreprocessCheck => preprocess::check(context, input, output),
        Step::PreprocessComparable => preprocess::comparable(context, input, output),
        Step::PreprocessCompare => preprocess::compare(context, input, output),
        Step::PreprocessUnite => preprocess::unite(input, output),
        Step::PreprocessTokenise => preprocess::tokenise(context, input, output),
        Step::PreprocessSettle => preprocess::settle(context, input, output),
        Step::PreprocessWrite => parts::write(context, input, output, preprocess_rows::token_rows),
        Step::Commit => commit::commit(context, input, output),
    }
}

#[cfg(test)]
mod tests;
