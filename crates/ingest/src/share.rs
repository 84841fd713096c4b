//! A share of the sources, which is read on its own.

use std::collections::BTreeSet;

use crate::sources::Found;

/// Some of the sources, by their places in the list of all.
#[derive(Debug)]
pub(crate) enum Share {
    /// All sources.
    All,
    /// The sources at some places.
    Some(BTreeSet<u32>),
}

impl Share {
    /// The sources of the share, each with its place in the list of all.
    pub(crate) fn of<'a>(&self, sources: &'a [Found]) -> impl Iterator<Item = (u32, &'a Found)> {
        (0..).zip(sources).filter(|(number, _)| self.contains(*number))
    }

    /// Whether the source at a place is among them.
    pub(crate) fn contains(&self, number: u32) -> bool {
        match self {
            Self::All => true,
            Self::Some(numbers) => numbers.contains(&number),
        }
    }
}
