//! The preprocess stage: documents in; cleaned texts, token ids and duplicate groups out.
//!
//! Reads ingest's documents and the encoder's tokenizer; writes `tokens.parquet` in the order of the
//! documents, `rejects.parquet` with the rows of which cleaning leaves nothing, and `preparation.json`, by
//! which prediction repeats what was done here. How a text is cleaned, tokenised and compared is
//! `labelproof_text`'s affair; this crate only leads the rows through it. What becomes of duplicates is
//! decided by the stages that follow.
//!
//! The documents are read twice, batch by batch, since the group of a row is known only once all rows were
//! seen. In memory stay a sketch of each text and the rows of one batch. The bytes of the output do not
//! depend on the number of threads.

mod encoder;
mod error;
mod params;
pub mod shares;
mod spill;
mod summary;
mod survey;
mod tokens;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::path::Path;

use labelproof_artifact::tokens::PREPARATION;
use labelproof_artifact::{Artifacts, Document, EncoderPart, Reporter, Row, Stage, StageId, json};
use labelproof_text::Preparation;
use labelproof_text::cleaning::Cleaner;

pub use error::Error;
pub use params::{OnReject, Params};

use encoder::Encoder;
use summary::Summary;
use survey::Survey;

/// What the stage declares of itself.
pub const STAGE: Stage = Stage {
    id: StageId::Preprocess,
    revision: 2,
    reads: &[Document::KIND],
    encoder_files: &[EncoderPart::Config, EncoderPart::Tokenizer],
};

/// Cleans and tokenises `artifacts/ingest/documents.parquet` with the tokenizer in the folder `encoder`, and
/// writes into the folder `out`. After an error, what `out` holds is of no use.
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
    let encoder = Encoder::open(encoder, params.max_tokens, params.windows)?;
    let survey = Survey::take(params, artifacts, out, reporter)?;
    let (lengths, duplicates) = tokens::write(params, artifacts, &encoder, &survey, out, reporter)?;
    let summary = Summary {
        params,
        lengths: &lengths,
        duplicates: &duplicates,
        rejected: &survey.rejected,
    };
    write_preparation(params, out)?;
    reporter.message(&summary.text());
    Ok(())
}

fn write_preparation(params: &Params, out: &Path) -> Result<(), Error> {
    let preparation = Preparation {
        clean: params.clean.clone(),
        max_tokens: params.max_tokens,
        windows: params.windows,
    };
    Ok(json::write_artifact(PREPARATION, out, &preparation)?)
}

/// The cleaned text, or `None` where nothing but white space is left.
fn cleaned<'a>(cleaner: &Cleaner, text: &'a str) -> Option<Cow<'a, str>> {
    let text = cleaner.clean(text);
    (!text.trim().is_empty()).then_some(text)
}
