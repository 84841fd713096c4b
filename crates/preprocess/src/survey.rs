//! The first pass over the documents: which rows are rejected, and which of the others are duplicates.

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

/// The result of the first pass. Rows are numbered from 0 among those that are not rejected.
pub(crate) struct Survey {
    /// The first row of each row's group of duplicates; a row without duplicates is its own.
    pub(crate) groups: Vec<u32>,
    /// The size of the group that a row is the first of; 0 where it is not the first.
    sizes: Vec<u32>,
    /// The number of rows whose text equals that of an earlier row.
    pub(crate) exact_copies: usize,
    /// Rows that equal an earlier row of another group once stop words are gone. `None` if none are removed.
    pub(crate) copies_without_stop_words: Option<usize>,
    /// The first rejects.
    pub(crate) first_rejects: Vec<Reject>,
    /// The number of rejects.
    pub(crate) reject_count: u64,
}

/// What is kept of one row until its group of duplicates is known.
struct Look {
    /// The text that is compared.
    text: String,
    sketch: Sketch,
    /// The digest of the text as the encoder will get it, where stop words make it another.
    final_digest: Option<[u8; 16]>,
}

impl Survey {
    /// Reads all documents, writes `rejects.parquet` and groups the rows that are not rejected.
    pub(crate) fn take(
        params: &Params,
        artifacts: Artifacts<'_>,
        out: &Path,
        reporter: &dyn Reporter,
    ) -> Result<Self, Error> {
        let Looks {
            rejects,
            labels,
            texts,
            sketches,
            final_digests,
        } = look_at_all(params, artifacts, out, reporter)?;
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
        let copies_without_stop_words = final_digests.map(|digests| {
            let same_in_the_end = duplicates::group_exact(&digests);
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

    /// Whether a row, the first of its group, has duplicates.
    pub(crate) fn has_copies(&self, first: u32) -> bool {
        self.sizes[first as usize] > 1
    }

    /// The sizes of the groups of several rows.
    pub(crate) fn group_sizes(&self) -> impl Iterator<Item = u32> {
        self.sizes.iter().copied().filter(|&size| size > 1)
    }
}

/// What the first pass keeps of all rows.
struct Looks {
    rejects: Rejects,
    /// The labels, and whether any row of each is left.
    labels: BTreeMap<String, bool>,
    texts: TextWriter,
    sketches: Vec<Sketch>,
    /// The digests of the texts as the encoder will get them, where stop words are removed.
    final_digests: Option<Vec<[u8; 16]>>,
}

fn look_at_all(
    params: &Params,
    artifacts: Artifacts<'_>,
    out: &Path,
    reporter: &dyn Reporter,
) -> Result<Looks, Error> {
    let looker = Looker::new(params)?;
    let reader = TableReader::<Document>::open(artifacts)?;
    reporter.started("comparing texts", Some(reader.row_count()));
    let mut looks = Looks {
        rejects: Rejects::create(out)?,
        labels: BTreeMap::new(),
        texts: TextWriter::create(out)?,
        sketches: Vec::new(),
        final_digests: looker.removes_words.then(Vec::new),
    };
    for documents in reader {
        let documents = documents?;
        let of_batch: Vec<Option<Look>> = documents
            .par_iter()
            .map(|document| looker.look(document))
            .collect();
        for (document, look) in documents.iter().zip(of_batch) {
            looks.add(document, look)?;
        }
        reporter.advance(documents.len() as u64, "");
    }
    reporter.finished();
    Ok(looks)
}

impl Looks {
    fn add(&mut self, document: &Document, look: Option<Look>) -> Result<(), Error> {
        note_label(&mut self.labels, &document.label, look.is_some());
        let Some(look) = look else {
            return self.rejects.push(document);
        };
        if self.sketches.len() >= u32::MAX as usize {
            return Err(Error::TooManyRows);
        }
        self.texts.push(&look.text)?;
        self.sketches.push(look.sketch);
        if let Some(digests) = &mut self.final_digests {
            digests.extend(look.final_digest);
        }
        Ok(())
    }
}

/// Prepares one document for the comparison with the others.
struct Looker<'a> {
    params: &'a Params,
    cleaner: Cleaner,
    /// All cleaning steps but the removal of stop words.
    comparable: Cleaner,
    removes_words: bool,
}

impl<'a> Looker<'a> {
    fn new(params: &'a Params) -> Result<Self, Error> {
        Ok(Self {
            params,
            cleaner: Cleaner::new(&params.clean)?,
            comparable: Cleaner::new(&params.steps_before_comparison())?,
            removes_words: params.clean.iter().any(|step| matches!(step, Step::StopWords(_))),
        })
    }

    /// What is kept of a document; nothing where cleaning leaves nothing.
    fn look(&self, document: &Document) -> Option<Look> {
        let text = cleaned(&self.cleaner, &document.text)?;
        let (text, final_digest) = if self.removes_words {
            let digest = duplicates::exact_digest(&text);
            (self.comparable.clean(&document.text), Some(digest))
        } else {
            (text, None)
        };
        Some(Look {
            sketch: duplicates::sketch(&text, &self.params.duplicates),
            text: text.into_owned(),
            final_digest,
        })
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

/// Remembers whether a label has any row that is not rejected.
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

/// Writes the rejected rows, and keeps the first.
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
