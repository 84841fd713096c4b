//! C43: the split is drawn again in every epoch.

use crate::answer::finding::{Family, Measured, Missing, Need, Outcome};
use crate::catalogue::Check;
use crate::evidence::Evidence;

/// The split is drawn again in every epoch, so that validation rows become training rows (tensorflow#59279).
///
/// Needs the ids of the rows of every epoch. No file that the audit reads has them, so it says that it cannot check:
/// silence would read as "not there". A pipeline keeps its split in a file, which all epochs read.
pub const CHECK: Check = Check {
    id: "C43",
    name: "a split that is drawn again in every epoch",
    family: Family::Leakage,
    run,
};

fn run(evidence: &Evidence) -> Result<Outcome, Missing> {
    match &evidence.pipeline {
        Some(facts) if facts.stale.is_empty() => Ok(Outcome::clear(
            "The split is kept in a file, and the training read this one.",
            Measured::new(),
        )),
        _ => Err(Need::EpochRows.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::pipeline::PipelineFacts;
    use crate::testing::clear;

    #[test]
    fn it_says_that_it_cannot_be_checked() {
        assert_eq!(run(&Evidence::default()), Err(Need::EpochRows.into()));
    }

    #[test]
    fn a_split_that_is_kept_is_clear_unless_training_read_another() {
        let pipeline = |stale: &[&str]| Evidence {
            pipeline: Some(PipelineFacts {
                stale: stale.iter().map(ToString::to_string).collect(),
                ..PipelineFacts::default()
            }),
            ..Evidence::default()
        };
        clear(run(&pipeline(&[])));
        assert_eq!(
            run(&pipeline(&["split/split.parquet"])),
            Err(Need::EpochRows.into())
        );
    }
}
