//! The beginnings of the documents that are shown, and the languages of all documents.

use std::collections::{BTreeMap, BTreeSet};

use labelproof_artifact::{Artifacts, Document, StageId, TableReader};
use labelproof_text::language::language;

use super::Doubtful;
use crate::Error;
use crate::text::{self, Excerpt};

/// The most documents whose language is looked at, evenly over the table.
const LANGUAGE_SAMPLE: u64 = 5_000;

/// The result of a pass over the documents.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    /// The number of documents.
    pub(crate) documents: u64,
    /// The beginnings of the wanted documents, by id.
    pub(crate) excerpts: BTreeMap<String, Excerpt>,
    /// The languages of a sample.
    pub(crate) languages: Languages,
}

/// The languages of a sample of the documents.
#[derive(Debug, Default)]
pub(crate) struct Languages {
    /// The number of documents in the sample.
    pub(crate) looked_at: u64,
    /// The number of documents by the English name of their language.
    pub(crate) counts: BTreeMap<&'static str, u64>,
    /// The number of documents whose language cannot be told: short ones, names, numbers, mixtures.
    pub(crate) unsure: u64,
}

/// Reads how the predicted rows begin, all of which are documents, and the doubtful ones.
pub(super) fn read(
    artifacts: Artifacts<'_>,
    predicted: &BTreeSet<&str>,
    doubtful: &[Doubtful],
) -> Result<Texts, Error> {
    let reader = TableReader::<Document>::open(artifacts)?;
    let documents = reader.row_count();
    let mut texts = Texts {
        documents,
        ..Texts::default()
    };
    let mut wanted = predicted.clone();
    wanted.extend(doubtful.iter().map(|row| row.id.as_str()));
    let step = documents.div_ceil(LANGUAGE_SAMPLE).max(1);
    let mut place: u64 = 0;
    for batch in reader {
        for document in batch? {
            if place.is_multiple_of(step) {
                texts.languages.add(&document.text);
            }
            place += 1;
            if wanted.contains(document.id.as_str()) {
                let excerpt = text::excerpt(&document.text);
                texts.excerpts.insert(document.id, excerpt);
            }
        }
    }
    match predicted.iter().find(|id| !texts.excerpts.contains_key(**id)) {
        None => Ok(texts),
        Some(id) => Err(Error::Contradiction {
            first: "ingest/documents.parquet",
            second: "evaluate/predictions.parquet",
            problem: format!("the predicted row `{id}` is no document"),
            stage: StageId::Evaluate,
        }),
    }
}

impl Languages {
    fn add(&mut self, text: &str) {
        self.looked_at += 1;
        match language(text) {
            Some(name) => *self.counts.entry(name).or_default() += 1,
            None => self.unsure += 1,
        }
    }
}
