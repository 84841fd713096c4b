//! The first pass: which rows go on, and which of them are copies of each other.

use std::collections::BTreeMap;
use std::path::Path;

use labelproof_artifact::{Artifacts, Document, Reject, Reporter, TableReader, TableWriter};
use labelproof_text::cleaning::{Cleaner, Step};
use labelproof_text::duplicates::{self, Sketch};
use rayon::prelude::*;

use crate::cleaned;
use crate::error::{Error, SHOWN_REJECTS};
use crate::params::{OnReject, Params};
use crate::spill::TextWriter;

/// Characters of a text that a reject shows.
const SHOWN_CHARACTERS: usize = 60;

/// What the first pass found. Rows are numbered from 0 among those that go on.
pub(crate) struct Survey {
    /// For each row the first row of its group; itself where it is alone.
    pub(crate) groups: Vec<u32>,
    /// How many rows there are in the group of each row that is the first of one; 0 for the others.
    sizes: Vec<u32>,
    /// Rows whose text equals that of an earlier row.
    pub(crate) exact_copies: usize,
    /// Rows that equal an earlier row of another group once stop words are gone. `None` if none are removed.
    pub(crate) copies_without_stop_words: Option<usize>,
    /// The first rejects.
    pub(crate) first_rejects: Vec<Reject>,
    /// All rejects.
    pub(crate) reject_count: u64,
}

/// What is kept of one row until its group is found.
struct Look {
    /// The text that is compared.
    text: String,
    sketch: Sketch,
    /// The digest of the text as the encoder will get it, where stop words make it another.
    final_digest: Option<[u8; 16]>,
}

impl Survey {
    /// Reads all documents, writes `rejects.parquet` and groups the rows that go on.
    pub(crate) fn take(
        params: &Params,
        artifacts: Artifacts<'_>,
        out: &Path,
        reporter: &dyn Reporter,
    ) -> Result<Self, Error> {
        let cleaner = Cleaner::new(&params.clean)?;
        let comparable = Cleaner::new(&params.steps_before_comparison())?;
        let removes_words = params.clean.iter().any(|step| matches!(step, Step::StopWords(_)));
        let look = |document: &Document| -> Option<Look> {
            let text = cleaned(&cleaner, &document.text)?;
            let (text, final_digest) = if removes_words {
                let digest = duplicates::exact_digest(&text);
                (comparable.clean(&document.text), Some(digest))
            } else {
                (text, None)
            };
            Some(Look {
                sketch: duplicates::sketch(&text, &params.duplicates),
                text: text.into_owned(),
                final_digest,
            })
        };

        let reader = TableReader::<Document>::open(artifacts)?;
        reporter.started("comparing texts", Some(reader.row_count()));
        let mut rejects = Rejects::create(out)?;
        let mut labels: BTreeMap<String, bool> = BTreeMap::new();
        let mut texts = TextWriter::create(out)?;
        let mut sketches: Vec<Sketch> = Vec::new();
        let mut final_digests: Vec<[u8; 16]> = Vec::new();
        for documents in reader {
            let documents = documents?;
            let looks: Vec<Option<Look>> = documents.par_iter().map(look).collect();
            for (document, look) in documents.iter().zip(looks) {
                note_label(&mut labels, &document.label, look.is_some());
                let Some(look) = look else {
                    rejects.push(document)?;
                    continue;
                };
                if sketches.len() >= u32::MAX as usize {
                    return Err(Error::TooManyRows);
                }
                texts.push(&look.text)?;
                sketches.push(look.sketch);
                final_digests.extend(look.final_digest);
            }
            reporter.advance(documents.len() as u64, "");
        }
        reporter.finished();
        let (first_rejects, reject_count) = rejects.finish()?;
        if params.on_reject == OnReject::Fail && reject_count > 0 {
            return Err(Error::Rejected {
                rejects: first_rejects,
                total: reject_count,
            });
        }
        check_labels(labels)?;

        reporter.started("grouping duplicates", None);
        let mut texts = texts.finish()?;
        let groups = duplicates::group(&sketches, &params.duplicates, |rows| texts.read(rows))?;
        reporter.finished();
        let exact: Vec<[u8; 16]> = sketches.iter().map(|sketch| sketch.exact).collect();
        let exact_copies = count_copies(&duplicates::group_exact(&exact), |_, _| true);
        let copies_without_stop_words = removes_words.then(|| {
            let same_in_the_end = duplicates::group_exact(&final_digests);
            count_copies(&same_in_the_end, |row, first| groups[row] != groups[first])
        });
        let mut sizes = vec![0; groups.len()];
        for &first in &groups {
            sizes[first as usize] += 1;
        }
        Ok(Self {
            groups,
            sizes,
            exact_copies,
            copies_without_stop_words,
            first_rejects,
            reject_count,
        })
    }

    /// Whether the group of this first row has more rows.
    pub(crate) fn has_copies(&self, first: u32) -> bool {
        self.sizes[first as usize] > 1
    }

    /// The sizes of the groups of several rows.
    pub(crate) fn group_sizes(&self) -> impl Iterator<Item = u32> {
        self.sizes.iter().copied().filter(|&size| size > 1)
    }
}

/// Rows that are not the first of their group and of which `counts`, given row and first row, is true.
fn count_copies(groups: &[u32], counts: impl Fn(usize, usize) -> bool) -> usize {
    let pairs = groups
        .iter()
        .enumerate()
        .map(|(row, &first)| (row, first as usize));
    pairs
        .filter(|&(row, first)| row != first && counts(row, first))
        .count()
}

/// Remembers whether any row of a label goes on.
fn note_label(labels: &mut BTreeMap<String, bool>, label: &str, goes_on: bool) {
    if let Some(any) = labels.get_mut(label) {
        *any |= goes_on;
    } else {
        labels.insert(label.to_owned(), goes_on);
    }
}

fn check_labels(labels: BTreeMap<String, bool>) -> Result<(), Error> {
    if labels.is_empty() {
        return Err(Error::NoDocuments);
    }
    let lost: Vec<_> = labels
        .into_iter()
        .filter(|(_, any)| !any)
        .map(|(label, _)| label)
        .collect();
    if lost.is_empty() {
        Ok(())
    } else {
        Err(Error::LabelsLost { labels: lost })
    }
}

/// Writes the rows that do not go on, and keeps the first.
struct Rejects {
    writer: TableWriter<Reject>,
    first: Vec<Reject>,
    count: u64,
}

impl Rejects {
    fn create(out: &Path) -> Result<Self, Error> {
        Ok(Self {
            writer: TableWriter::create(out)?,
            first: Vec::new(),
            count: 0,
        })
    }

    fn push(&mut self, document: &Document) -> Result<(), Error> {
        let mut beginning: String = document.text.trim().chars().take(SHOWN_CHARACTERS).collect();
        if beginning.len() < document.text.trim().len() {
            beginning.push('…');
        }
        let reject = Reject {
            source: "documents.parquet".to_owned(),
            line: None,
            id: Some(document.id.clone()),
            reason: "empty text".to_owned(),
            detail: format!("cleaning leaves nothing of {beginning:?}"),
        };
        if self.first.len() < SHOWN_REJECTS {
            self.first.push(reject.clone());
        }
        self.count += 1;
        Ok(self.writer.push(reject)?)
    }

    fn finish(self) -> Result<(Vec<Reject>, u64), Error> {
        self.writer.finish()?;
        Ok((self.first, self.count))
    }
}
