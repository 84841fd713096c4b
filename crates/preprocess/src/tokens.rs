//! The second pass over the documents: tokens, with the groups of duplicates that the first pass found.

use std::collections::BTreeMap;
use std::path::Path;

use labelproof_artifact::{Artifacts, Document, Reporter, TableReader, TableWriter, TokenRow};
use labelproof_text::cleaning::Cleaner;
use labelproof_text::tokenizer::Encoding;
use rayon::prelude::*;

use crate::cleaned;
use crate::encoder::Encoder;
use crate::error::Error;
use crate::params::Params;
use crate::summary::{Duplicates, Lengths};
use crate::survey::Survey;

/// Writes `tokens.parquet`, and returns what the summary tells.
pub(crate) fn write(
    params: &Params,
    artifacts: Artifacts<'_>,
    encoder: &Encoder,
    survey: &Survey,
    out: &Path,
    reporter: &dyn Reporter,
) -> Result<(Lengths, Duplicates), Error> {
    let cleaner = Cleaner::new(&params.clean)?;
    let reader = TableReader::<Document>::open(artifacts)?;
    reporter.started("tokenising", Some(reader.row_count()));
    let mut writer = TableWriter::<TokenRow>::create(out)?;
    let mut lengths = Lengths::default();
    let mut groups = Groups::new(survey);
    for documents in reader {
        let documents = documents?;
        let count = documents.len() as u64;
        let encoded = encode(&documents, &cleaner, encoder, params.max_tokens);
        for (document, encoded) in documents.into_iter().zip(encoded) {
            let Some((text, encoding)) = encoded? else {
                continue;
            };
            lengths.add(&document.label, encoding.full_length, params.max_tokens);
            let duplicate_group = groups.next_of(&document)?;
            writer.push(token_row(document, text, encoding, duplicate_group))?;
        }
        reporter.advance(count, "");
    }
    let duplicates = groups.finish()?;
    writer.finish()?;
    reporter.finished();
    Ok((lengths, duplicates))
}

/// The row of a document with its cleaned text.
pub(crate) fn token_row(
    document: Document,
    text: String,
    Encoding { ids, full_length }: Encoding,
    duplicate_group: String,
) -> TokenRow {
    TokenRow {
        id: document.id,
        label: document.label,
        text,
        tokens: ids,
        full_length,
        duplicate_group,
        group: document.group,
        split: document.split,
    }
}

pub(crate) type Encoded = Result<Option<(String, Encoding)>, labelproof_text::Error>;

/// Cleans and encodes a batch on all threads. A row of which cleaning leaves nothing has no encoding.
pub(crate) fn encode(
    documents: &[Document],
    cleaner: &Cleaner,
    encoder: &Encoder,
    max_tokens: usize,
) -> Vec<Encoded> {
    // Collected row by row and not into a `Result`, so that of several errors the first row's is told.
    let rows = documents.par_iter().map(|document| {
        let Some(text) = cleaned(cleaner, &document.text) else {
            return Ok(None);
        };
        let encoding = encoder.tokenizer.encode(&text, max_tokens)?;
        Ok(Some((text.into_owned(), encoding)))
    });
    rows.collect()
}

/// The groups of duplicates, row by row, by the names that the table gives them.
struct Groups<'a> {
    survey: &'a Survey,
    /// The first rows of the groups of the rows to come.
    next: std::slice::Iter<'a, u32>,
    /// The first row of every group of several rows, by its number. It comes before the others.
    firsts: BTreeMap<u32, First>,
    duplicates: Duplicates,
}

/// The first row of a group of duplicates.
struct First {
    id: String,
    label: String,
    /// Whether a later row of the group has another label.
    has_conflict: bool,
}

impl<'a> Groups<'a> {
    fn new(survey: &'a Survey) -> Self {
        Self {
            survey,
            next: survey.groups.iter(),
            firsts: BTreeMap::new(),
            duplicates: survey.duplicates(),
        }
    }

    /// The name of the next row's group: the id of its first row. Labels that contradict each other are
    /// counted.
    fn next_of(&mut self, document: &Document) -> Result<String, Error> {
        let &group = self.next.next().ok_or(Error::ChangedMeanwhile)?;
        if !self.survey.has_copies(group) {
            return Ok(document.id.clone());
        }
        let first = self.firsts.entry(group).or_insert_with(|| First {
            id: document.id.clone(),
            label: document.label.clone(),
            has_conflict: false,
        });
        if first.label != document.label && !first.has_conflict {
            first.has_conflict = true;
            self.duplicates.add_conflict(&first.id, &document.id);
        }
        Ok(first.id.clone())
    }

    /// What is known of the groups; fails if the first pass saw more rows.
    fn finish(mut self) -> Result<Duplicates, Error> {
        match self.next.next() {
            None => Ok(self.duplicates),
            Some(_) => Err(Error::ChangedMeanwhile),
        }
    }
}
