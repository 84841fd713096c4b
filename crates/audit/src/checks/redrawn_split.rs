//! C43: the split is drawn again in every epoch.

use crate::check::Check;
use crate::evidence::Evidence;
use crate::finding::{Family, Missing, Need, Outcome};

/// The split is drawn again in every epoch, so that validation rows become training rows (tensorflow#59279).
///
/// Needs the ids of the rows of every epoch. No file that the audit reads has them, so it says that it cannot check:
/// silence would read as "not there".
pub const CHECK: Check = Check {
    id: "C43",
    name: "a split that is drawn again in every epoch",
    family: Family::Leakage,
    run,
};

fn run(_: &Evidence) -> Result<Outcome, Missing> {
    Err(Need::EpochRows.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_that_it_cannot_be_checked() {
        assert_eq!(run(&Evidence::default()), Err(Need::EpochRows.into()));
    }
}
