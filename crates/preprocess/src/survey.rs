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
use crate::summary::{Duplicates, Rejected};

/// Characters of a text that a reject shows.
const SHOWN_CHARACTERS: usize = 60;

/// The result of the first pass. Rows are numbered from 0 among those that are not rejected.
pub(crate) struct Survey {
    /// The first row of each row's group of duplicates; a row without duplicates is its own.
    pub(crate) groups: Vec<u32>,
    /// The size of the group that a row is the first of; 0 where it is not the first.
    sizes: Vec<u32>,
    /// The number of rows whose text equals that of an earlier row.
    exact_copies: usize,
    /// Rows that equal an earlier row of another group once stop words are gone. `None` if none are removed.
    copies_without_stop_words: Option<usize>,
    pub(crate) rejected: Rejected,
}

/// What is kept of one row until its group of duplicates is known.
pub(crate) struct Look {
    /// The text that is compared.
    pub(crate) text: String,
    pub(crate) sketch: Sketch,
    /// The digest of the text as the encoder will get it, where stop words make it another.
    pub(crate) final_digest: Option<[u8; 16]>,
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
        let rejected = rejects.finish()?;
        check(params, &rejected, &labels)?;
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
            rejected,
        })
    }

    /// Whether a row, the first of its group, has duplicates.
    pub(crate) fn has_copies(&self, first: u32) -> bool {
        self.sizes[first as usize] > 1
    }

    /// What is known of the groups without the rows' labels.
    pub(crate) fn duplicates(&self) -> Duplicates {
        let mut sizes = BTreeMap::new();
        for &size in self.sizes.iter().filter(|&&size| size > 1) {
            *sizes.entry(u64::from(size)).or_default() += 1;
        }
        Duplicates {
            rows: self.groups.len() as u64,
            exact_copies: self.exact_copies as u64,
            copies_without_stop_words: self.copies_without_stop_words.map(|copies| copies as u64),
            sizes,
            ..Duplicates::default()
        }
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
            .map(|document| looker.look(&document.text))
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
            return self.rejects.push(reject(&document.id, &document.text));
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
pub(crate) struct Looker<'a> {
    params: &'a Params,
    cleaner: Cleaner,
    /// All cleaning steps but the removal of stop words.
    comparable: Cleaner,
    removes_words: bool,
}

impl<'a> Looker<'a> {
    pub(crate) fn new(params: &'a Params) -> Result<Self, Error> {
        Ok(Self {
            params,
            cleaner: Cleaner::new(&params.clean)?,
            comparable: Cleaner::new(&params.steps_before_comparison())?,
            removes_words: params.clean.iter().any(|step| matches!(step, Step::StopWords(_))),
        })
    }

    /// What is kept of a document; nothing where cleaning leaves nothing.
    pub(crate) fn look(&self, text: &str) -> Option<Look> {
        let original = text;
        let text = cleaned(&self.cleaner, original)?;
        let (text, final_digest) = if self.removes_words {
            let digest = duplicates::exact_digest(&text);
            (self.comparable.clean(original), Some(digest))
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
pub(crate) fn note_label(labels: &mut BTreeMap<String, bool>, label: &str, goes_on: bool) {
    if let Some(any) = labels.get_mut(label) {
        *any |= goes_on;
    } else {
        labels.insert(label.to_owned(), goes_on);
    }
}

/// Fails if rows were rejected and must not be, or if none of a label is left.
pub(crate) fn check(
    params: &Params,
    rejected: &Rejected,
    labels: &BTreeMap<String, bool>,
) -> Result<(), Error> {
    if params.on_reject == OnReject::Fail && rejected.count > 0 {
        return Err(Error::Rejected {
            rejects: rejected.first.clone(),
            total: rejected.count,
        });
    }
    if labels.is_empty() {
        return Err(Error::NoDocuments);
    }
    let lost: Vec<_> = labels
        .iter()
        .filter(|(_, any)| !**any)
        .map(|(label, _)| label.clone())
        .collect();
    if lost.is_empty() {
        Ok(())
    } else {
        Err(Error::LabelsLost { labels: lost })
    }
}

/// Writes the rejected rows, and keeps the first.
pub(crate) struct Rejects {
    writer: TableWriter<Reject>,
    rejected: Rejected,
}

impl Rejects {
    pub(crate) fn create(out: &Path) -> Result<Self, Error> {
        Ok(Self {
            writer: TableWriter::create(out)?,
            rejected: Rejected::default(),
        })
    }

    pub(crate) fn push(&mut self, reject: Reject) -> Result<(), Error> {
        if self.rejected.first.len() < SHOWN_REJECTS {
            self.rejected.first.push(reject.clone());
        }
        self.rejected.count += 1;
        Ok(self.writer.push(reject)?)
    }

    pub(crate) fn finish(self) -> Result<Rejected, Error> {
        self.writer.finish()?;
        Ok(self.rejected)
    }
}

/// The reject of a document of which cleaning leaves nothing.
pub(crate) fn reject(id: &str, text: &str) -> Reject {
    let mut beginning: String = text.trim().chars().take(SHOWN_CHARACTERS).collect();
    if beginning.len() < text.trim().len() {
        beginning.push('…');
    }
    Reject {
        source: "documents.parquet".to_owned(),
        line: None,
        id: Some(id.to_owned()),
        reason: "empty text".to_owned(),
        detail: format!("cleaning leaves nothing of {beginning:?}"),
    }
}
