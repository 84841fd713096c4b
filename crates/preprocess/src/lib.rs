//! The preprocess stage: documents in; cleaned texts, token ids and duplicate groups out.
//!
//! Reads ingest's documents and the encoder's tokenizer; writes `tokens.parquet` in the order of the documents,
//! `rejects.parquet` with the rows of which cleaning leaves nothing, and `preparation.json`, by which prediction
//! repeats what was done here. How a text is cleaned, tokenised and compared is `labelproof_text`'s affair; this crate
//! only leads the rows through it. What becomes of duplicates is decided by the stages that follow.
//!
//! The documents are read twice, batch by batch, since the group of a row is known only once all rows were seen. In
//! memory stay a sketch of each text and the rows of one batch. The bytes of the output do not depend on the number
//! of threads.

mod encoder;
mod error;
mod params;
mod spill;
mod summary;
mod survey;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;

use labelproof_artifact::{
    Artifacts, Document, Reporter, Row, Stage, StageId, TableReader, TableWriter, TokenRow, json, tokens,
};
use labelproof_text::Preparation;
use labelproof_text::cleaning::Cleaner;
use labelproof_text::tokenizer::Encoding;
use rayon::prelude::*;

pub use error::Error;
pub use params::{OnReject, Params};

use encoder::Encoder;
use summary::Summary;
use survey::Survey;

/// What the stage declares of itself.
pub const STAGE: Stage = Stage {
    id: StageId::Preprocess,
    revision: 1,
    reads: &[Document::KIND],
    encoder_files: &["config.json", "tokenizer.json"],
};

/// Cleans and tokenises `artifacts/ingest/documents.parquet` with the tokenizer in the folder `encoder`, and writes
/// into the folder `out`. After an error, what `out` holds is of no use.
pub fn run(
    params: &Params,
    artifacts: &Path,
    encoder: &Path,
    out: &Path,
    reporter: &dyn Reporter,
) -> Result<(), Error> {
    let problems = params.check();
    if !problems.is_empty() {
        return Err(Error::BadParams { problems });
    }
    let artifacts = Artifacts::for_stage(artifacts, &STAGE);
    // Opened first: a wrong encoder should not show after minutes of reading.
    let encoder = Encoder::open(encoder, params.max_tokens)?;
    let survey = Survey::take(params, artifacts, out, reporter)?;
    let summary = write_tokens(params, artifacts, &encoder, &survey, out, reporter)?;
    let preparation = Preparation {
        clean: params.clean.clone(),
        max_tokens: params.max_tokens,
    };
    json::write_artifact(tokens::PREPARATION, out, &preparation)?;
    reporter.message(&summary.text(&survey));
    Ok(())
}

/// The text that goes on, or `None` where cleaning leaves nothing to read.
fn cleaned<'a>(cleaner: &Cleaner, text: &'a str) -> Option<std::borrow::Cow<'a, str>> {
    let text = cleaner.clean(text);
    (!text.trim().is_empty()).then_some(text)
}

/// The second pass: tokens, and the groups that the first one found.
fn write_tokens(
    params: &Params,
    artifacts: Artifacts<'_>,
    encoder: &Encoder,
    survey: &Survey,
    out: &Path,
    reporter: &dyn Reporter,
) -> Result<Summary, Error> {
    let cleaner = Cleaner::new(&params.clean)?;
    let reader = TableReader::<Document>::open(artifacts)?;
    reporter.started("tokenising", Some(reader.row_count()));
    let mut writer = TableWriter::<TokenRow>::create(out)?;
    let mut summary = Summary::new(params.max_tokens);
    // The first row of every group of several, by its number. It comes before the others.
    let mut firsts: BTreeMap<u32, First> = BTreeMap::new();
    let mut groups = survey.groups.iter();
    for documents in reader {
        let documents = documents?;
        let count = documents.len() as u64;
        // Collected row by row and not into a `Result`, so that of several errors the first row's is told.
        let prepared: Vec<Result<Option<(String, Encoding)>, labelproof_text::Error>> = documents
            .par_iter()
            .map(|document| {
                let Some(text) = cleaned(&cleaner, &document.text) else {
                    return Ok(None);
                };
                let encoding = encoder.tokenizer.encode(&text, params.max_tokens)?;
                Ok(Some((text.into_owned(), encoding)))
            })
            .collect();
        for (document, prepared) in documents.into_iter().zip(prepared) {
            let Some((text, Encoding { ids, full_length })) = prepared? else {
                continue;
            };
            let Some(&group) = groups.next() else {
                return Err(Error::ChangedMeanwhile);
            };
            summary.add(&document.label, full_length);
            let duplicate_group = if survey.has_copies(group) {
                let first = firsts.entry(group).or_insert_with(|| First::of(&document));
                if first.label != document.label && !first.has_conflict {
                    first.has_conflict = true;
                    summary.add_conflict(&first.id, &document.id);
                }
                first.id.clone()
            } else {
                document.id.clone()
            };
            writer.push(TokenRow {
                id: document.id,
                label: document.label,
                text,
                tokens: ids,
                full_length,
                duplicate_group,
                group: document.group,
                split: document.split,
            })?;
        }
        reporter.advance(count, "");
    }
    if groups.next().is_some() {
        return Err(Error::ChangedMeanwhile);
    }
    writer.finish()?;
    reporter.finished();
    Ok(summary)
}

/// What is remembered of the first row of a group.
struct First {
    id: String,
    label: String,
    /// Whether a later row of the group has another label.
    has_conflict: bool,
}

impl First {
    fn of(document: &Document) -> Self {
        Self {
            id: document.id.clone(),
            label: document.label.clone(),
            has_conflict: false,
        }
    }
}
