//! From sorted candidates to documents: one document per id, and at most so many per label.
//!
//! Everything here sees the rows in sorted order, so nothing depends on where a row stood in the sources.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use labelproof_artifact::fs::FsError;

use crate::spill::{Candidate, Merge};

/// What becomes of a candidate, once all are sorted.
#[derive(Debug)]
pub(crate) enum Step {
    /// It is the only one of its id, or the first in the order of content.
    Document(Candidate),
    /// Its label stands for none, so that it takes no row's id.
    Unlabelled(Candidate),
    /// Another row has the id already.
    Repeated {
        /// The row that repeats the id.
        candidate: Candidate,
        /// The source and the line of the row that is kept.
        kept: (u32, Option<u64>),
    },
}

/// Goes through sorted candidates and sees to it that no id comes twice.
pub(crate) struct Unique<'a> {
    sorted: Merge<Candidate>,
    /// Whether ids come from the source. Otherwise rows of equal id are equal, and each gets an id of its
    /// own.
    is_declared: bool,
    /// The labels that stand for none.
    missing: &'a BTreeSet<String>,
    next: Option<Candidate>,
    kept: Option<(String, u32, Option<u64>)>,
    copies: Option<Copies>,
}

/// Equal rows that are still to come out.
struct Copies {
    candidate: Candidate,
    /// The ids of the copies that are left, the next one last.
    ids: Vec<String>,
}

impl<'a> Unique<'a> {
    pub(crate) fn new(sorted: Merge<Candidate>, is_declared: bool, missing: &'a BTreeSet<String>) -> Self {
        Self {
            sorted,
            is_declared,
            missing,
            next: None,
            kept: None,
            copies: None,
        }
    }

    fn declared(&mut self) -> Option<Result<Step, FsError>> {
        let candidate = match self.sorted.next()? {
            Ok(candidate) => candidate,
            Err(error) => return Some(Err(error)),
        };
        if self.missing.contains(&candidate.label) {
            return Some(Ok(Step::Unlabelled(candidate)));
        }
        if let Some((id, source, line)) = &self.kept
            && *id == candidate.id
        {
            let kept = (*source, *line);
            return Some(Ok(Step::Repeated { candidate, kept }));
        }
        self.kept = Some((candidate.id.clone(), candidate.source, candidate.line));
        Some(Ok(Step::Document(candidate)))
    }

    fn digested(&mut self) -> Option<Result<Step, FsError>> {
        if let Some(copies) = &mut self.copies {
            if let Some(id) = copies.ids.pop() {
                let candidate = Candidate {
                    id,
                    ..copies.candidate.clone()
                };
                return Some(Ok(Step::Document(candidate)));
            }
            self.copies = None;
        }
        let candidate = match self.next.take().map(Ok).or_else(|| self.sorted.next())? {
            Ok(candidate) => candidate,
            Err(error) => return Some(Err(error)),
        };
        // Rows of equal digest have equal labels.
        if self.missing.contains(&candidate.label) {
            return Some(Ok(Step::Unlabelled(candidate)));
        }
        let mut ids = Vec::new();
        loop {
            match self.sorted.next() {
                Some(Ok(other)) if other.id == candidate.id => {
                    ids.push(format!("{}-{}", candidate.id, ids.len() + 2));
                }
                Some(Ok(other)) => {
                    self.next = Some(other);
                    break;
                }
                Some(Err(error)) => return Some(Err(error)),
                None => break,
            }
        }
        if !ids.is_empty() {
            // Documents are in the byte order of their ids, in which `-10` comes before `-2`.
            ids.sort_unstable_by(|one, other| other.cmp(one));
            self.copies = Some(Copies {
                candidate: candidate.clone(),
                ids,
            });
        }
        Some(Ok(Step::Document(candidate)))
    }
}

impl Iterator for Unique<'_> {
    type Item = Result<Step, FsError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_declared {
            self.declared()
        } else {
            self.digested()
        }
    }
}

/// A bottom-k sample of each label: the rows whose id has the smallest digest together with the seed. It is a
/// uniform random sample that neither the order of the rows nor the rows of other labels can change.
pub(crate) struct Draw {
    seed: u64,
    rows_per_label: usize,
    /// The smallest digests of each label so far, the largest of them on top.
    smallest: BTreeMap<String, BinaryHeap<[u8; 32]>>,
}

impl Draw {
    pub(crate) fn new(seed: u64, rows_per_label: u64) -> Self {
        Self {
            seed,
            rows_per_label: usize::try_from(rows_per_label).unwrap_or(usize::MAX),
            smallest: BTreeMap::new(),
        }
    }

    fn lot(&self, id: &str) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.seed.to_le_bytes());
        hasher.update(id.as_bytes());
        *hasher.finalize().as_bytes()
    }

    /// Enters a document into the sample of its label.
    pub(crate) fn enter(&mut self, label: &str, id: &str) {
        let lot = self.lot(id);
        if !self.smallest.contains_key(label) {
            self.smallest.insert(label.to_owned(), BinaryHeap::new());
        }
        let Some(smallest) = self.smallest.get_mut(label) else {
            return;
        };
        if smallest.len() < self.rows_per_label {
            smallest.push(lot);
        } else if smallest.peek().is_some_and(|largest| lot < *largest) {
            smallest.pop();
            smallest.push(lot);
        }
    }

    /// Once all are in: whether a document is drawn.
    pub(crate) fn is_drawn(&self, label: &str, id: &str) -> bool {
        let largest = self.smallest.get(label).and_then(BinaryHeap::peek);
        largest.is_some_and(|largest| self.lot(id) <= *largest)
    }
}
