//! Of the documents: how those begin that are shown, and in which languages they are.

use std::collections::{BTreeMap, BTreeSet};

use labelproof_artifact::{Artifacts, Document, StageId, TableReader};

use super::Doubtful;
use crate::Error;
use crate::text::{self, Excerpt};

/// The most documents whose language is looked at, evenly over the table.
const LANGUAGE_SAMPLE: u64 = 5_000;

/// The most characters of a document that its language is told from.
const LANGUAGE_CHARACTERS: usize = 1_000;

/// What a pass over the documents gives.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    /// How many documents there are.
    pub(crate) documents: u64,
    /// How the wanted ones begin, by id.
    pub(crate) excerpts: BTreeMap<String, Excerpt>,
    /// The languages of a sample.
    pub(crate) languages: Languages,
}

/// In which languages the documents of a sample are.
#[derive(Debug, Default)]
pub(crate) struct Languages {
    /// Documents of the sample.
    pub(crate) looked_at: u64,
    /// Documents by the English name of their language.
    pub(crate) counts: BTreeMap<&'static str, u64>,
    /// Documents whose language cannot be told: short ones, names, numbers, mixtures.
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
        let beginning: String = text.chars().take(LANGUAGE_CHARACTERS).collect();
        match whatlang::detect(&beginning) {
            Some(found) if found.is_reliable() => {
                *self.counts.entry(found.lang().eng_name()).or_default() += 1;
            }
            _ => self.unsure += 1,
        }
    }
}
