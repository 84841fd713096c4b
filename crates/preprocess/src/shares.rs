//! The stage in shares, for machines that know nothing of each other: documents are looked at, and tokenised,
//! some at a time.
//!
//! The functions are those of [`run`](crate::run), and what they give together is what it writes, byte for
//! byte. Between the two passes the caller finds the groups of duplicates from the sketches, with
//! [`Bucket`](labelproof_text::duplicates::bucket::Bucket); moving rows from one machine to another, and writing
//! `tokens.parquet`, is its affair as well.

use std::collections::BTreeMap;
use std::path::Path;

use labelproof_artifact::{Artifacts, Document, Reject, TableReader, TokenRow};
use labelproof_text::cleaning::Cleaner;
use labelproof_text::duplicates::Sketch;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::STAGE;
use crate::encoder::Encoder;
use crate::error::Error;
use crate::params::Params;
use crate::summary::Summary;
use crate::survey::{self, Looker, Rejects};
use crate::tokens;

pub use crate::summary::{Duplicates, Lengths, Rejected};

/// What was counted of documents that were looked at.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looked {
    /// The number of documents.
    documents: u64,
    /// Whether any row of each label goes on.
    labels: BTreeMap<String, bool>,
}

impl Looked {
    /// Adds what was counted of other documents.
    pub fn merge(&mut self, other: Self) {
        self.documents += other.documents;
        for (label, goes_on) in other.labels {
            *self.labels.entry(label).or_default() |= goes_on;
        }
    }
}

/// What is seen of a document.
#[derive(Debug)]
pub enum Seen {
    /// It goes on: the sketch of its text, and the digest of the text as the encoder will get it where stop
    /// words make it another.
    Kept(Sketch, Option<[u8; 16]>),
    /// Cleaning leaves nothing of it.
    Rejected(Reject),
}

/// Looks at documents: their ids, texts and labels. `looked` counts them.
pub fn look(params: &Params, documents: &[Document], looked: &mut Looked) -> Result<Vec<Seen>, Error> {
    let looker = Looker::new(params)?;
    let looks: Vec<Seen> = documents
        .par_iter()
        .map(|document| match looker.look(&document.text) {
            Some(look) => Seen::Kept(look.sketch, look.final_digest),
            None => Seen::Rejected(survey::reject(&document.id, &document.text)),
        })
        .collect();
    for (document, seen) in documents.iter().zip(&looks) {
        survey::note_label(
            &mut looked.labels,
            &document.label,
            matches!(seen, Seen::Kept(..)),
        );
    }
    looked.documents += documents.len() as u64;
    Ok(looks)
}

/// Texts as they are compared with each other; those of rejected documents are empty.
pub fn comparable(params: &Params, texts: &[String]) -> Result<Vec<String>, Error> {
    let looker = Looker::new(params)?;
    let text = |text: &String| looker.look(text).map(|look| look.text).unwrap_or_default();
    Ok(texts.par_iter().map(text).collect())
}

/// Writes `rejects.parquet` into `out` from the rejects in the order of their ids, and checks what
/// [`run`](crate::run) checks between its passes, and that all documents of `artifacts` were looked at.
pub fn check(
    params: &Params,
    artifacts: &Path,
    looked: &Looked,
    rejects: impl IntoIterator<Item = Result<Reject, Error>>,
    out: &Path,
) -> Result<Rejected, Error> {
    let documents = TableReader::<Document>::open(Artifacts::for_stage(artifacts, &STAGE))?.row_count();
    if looked.documents != documents {
        return Err(Error::RowsLost {
            kept: documents,
            found: looked.documents,
        });
    }
    let mut writer = Rejects::create(out)?;
    for reject in rejects {
        writer.push(reject?)?;
    }
    let rejected = writer.finish()?;
    survey::check(params, &rejected, &looked.labels)?;
    Ok(rejected)
}

/// Tokenises documents.
pub struct Tokeniser<'a> {
    params: &'a Params,
    encoder: Encoder,
    cleaner: Cleaner,
}

impl<'a> Tokeniser<'a> {
    /// Opens the tokenizer of the encoder in a folder.
    pub fn open(params: &'a Params, encoder: &Path) -> Result<Self, Error> {
        Ok(Self {
            params,
            encoder: Encoder::open(encoder, params.max_tokens, params.windows)?,
            cleaner: Cleaner::new(&params.clean)?,
        })
    }

    /// The rows of documents with the names of their groups of duplicates. `lengths` counts them.
    pub fn rows(
        &self,
        documents: Vec<(Document, String)>,
        lengths: &mut Lengths,
    ) -> Result<Vec<TokenRow>, Error> {
        let max_tokens = self.params.max_tokens;
        let (documents, groups): (Vec<Document>, Vec<String>) = documents.into_iter().unzip();
        let encoded = tokens::encode(&documents, &self.cleaner, &self.encoder, max_tokens);
        let mut rows = Vec::with_capacity(documents.len());
        for ((document, duplicate_group), encoded) in documents.into_iter().zip(groups).zip(encoded) {
            let Some((text, encoding)) = encoded? else {
                continue;
            };
            lengths.add(&document.label, encoding.full_length, max_tokens);
            rows.push(tokens::token_row(document, text, encoding, duplicate_group));
        }
        Ok(rows)
    }
}

/// Writes `preparation.json` into `out`, and returns what [`run`](crate::run) says at its end.
pub fn settle(
    params: &Params,
    lengths: impl IntoIterator<Item = Lengths>,
    duplicates: &Duplicates,
    rejected: &Rejected,
    out: &Path,
) -> Result<String, Error> {
    let mut all = Lengths::default();
    for of_share in lengths {
        all.merge(of_share);
    }
    if all.rows() != duplicates.rows {
        return Err(Error::RowsLost {
            kept: duplicates.rows,
            found: all.rows(),
        });
    }
    crate::write_preparation(params, out)?;
    let summary = Summary {
        params,
        lengths: &all,
        duplicates,
        rejected,
    };
    Ok(summary.text())
}
