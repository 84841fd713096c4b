//! The steps of ingest.

use std::collections::BTreeSet;

use labelproof_artifact::parts::part_count;
use labelproof_artifact::{Silent, StageId};
use labelproof_driver::Failure;
use labelproof_ingest::Error;
use labelproof_ingest::shares::{self, Given, Merged, Sources};
use serde::Deserialize;
use serde_json::json;

use crate::columns::{Columns, give_json, next, parsed};
use crate::context::Context;
use crate::ingest_rows::{self, CANDIDATE, DOCUMENT, Rows, TALLY};
use crate::{Input, Output};

/// A failure within a function of the stage.
struct Failed(Failure);

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self(failed(error))
    }
}

fn failed(error: Error) -> Failure {
    Failure::of_stage(StageId::Ingest, error)
}

/// Gives a row of the stage as one of this kind.
fn give(rows: &mut Rows<'_>, kind: &'static str, given: Given) -> Result<(), Failed> {
    let result = match given {
        Given::Row(candidate) => rows.candidate(kind, candidate),
        Given::Reject(reject) => rows.reject(reject),
    };
    result.map_err(Failed)
}

/// Lists the sources, and the shares they are read in.
pub(crate) fn plan(context: &Context, output: Output<'_>) -> Result<(), Failure> {
    let config = context.config()?;
    let params = &config.pipeline.ingest;
    let sources = Sources::find(params, &config.base, context.scratch()?, &Silent).map_err(failed)?;
    let shares: Vec<String> = sources
        .shares(params)
        .iter()
        .map(|share| json!(share).to_string())
        .collect();
    give_json(&json!({ "sources": sources, "shares": shares }), output)
}

/// Reads shares of the sources.
pub(crate) fn read(context: &Context, input: Input<'_>, output: Output<'_>) -> Result<(), Failure> {
    let config = context.config()?;
    let params = &config.pipeline.ingest;
    let scratch = std::env::temp_dir();
    let mut rows = Rows::new(output);
    for batch in input {
        for share in Columns(&next(batch)?).all_texts("share")? {
            let numbers: BTreeSet<u32> = parsed(&share)?;
            // Tallies are merged in the order of the sources.
            let first = numbers.first().copied().unwrap_or(0);
            let sources = context.sources()?;
            let give = |given| give(&mut rows, CANDIDATE, given);
            let tally = shares::read(params, &config.base, sources, numbers, &scratch, give);
            let tally = tally.map_err(|Failed(failure)| failure)?;
            rows.tally(json!({ "first": first, "tally": tally }).to_string())?;
        }
    }
    rows.flush()
}

/// What a share counted, and its first source.
#[derive(Deserialize)]
struct OfShare {
    first: u32,
    tally: shares::Tally,
}

/// Decides from the tallies which labels stand for none.
pub(crate) fn decide(context: &Context, input: Input<'_>, output: Output<'_>) -> Result<(), Failure> {
    let config = context.config()?;
    let mut tallies: Vec<OfShare> = Vec::new();
    for batch in input {
        for json in Columns(&next(batch)?).all_texts("json")? {
            tallies.push(parsed(&json)?);
        }
    }
    tallies.sort_by_key(|of_share| of_share.first);
    let tallies = tallies.into_iter().map(|of_share| of_share.tally);
    let decided = shares::decide(&config.pipeline.ingest, context.sources()?, tallies).map_err(failed)?;
    give_json(&json!(decided), output)
}

/// Makes documents of candidates.
pub(crate) fn merge(context: &Context, input: Input<'_>, output: Output<'_>) -> Result<(), Failure> {
    let config = context.config()?;
    let (sources, decided) = (context.sources()?, context.decided()?);
    let candidates = input.flat_map(|batch| {
        let candidates = next(batch)
            .map_err(Failure::from)
            .and_then(|batch| Ok(ingest_rows::candidates(&batch)?));
        let (candidates, error) = match candidates {
            Ok(candidates) => (candidates, None),
            Err(error) => (Vec::new(), Some(Failed(error))),
        };
        candidates.into_iter().map(Ok).chain(error.map(Err))
    });
    let mut rows = Rows::new(output);
    let give = |given| give(&mut rows, DOCUMENT, given);
    let params = &config.pipeline.ingest;
    let merged = shares::merge(params, sources, decided, candidates, &std::env::temp_dir(), give);
    let merged = merged.map_err(|Failed(failure)| failure)?;
    rows.tally(json!(merged).to_string())?;
    rows.flush()
}

/// Writes rejects and labels, and checks what the stage checks at its end.
pub(crate) fn settle(context: &Context, input: Input<'_>, output: Output<'_>) -> Result<(), Failure> {
    let config = context.config()?;
    let (mut merged, mut rejects) = (Vec::<Merged>::new(), Vec::new());
    for batch in input {
        let batch = next(batch)?;
        rejects.extend(ingest_rows::rejects(&batch)?);
        let kinds = ingest_rows::kinds(&batch)?;
        for (kind, json) in kinds.iter().zip(Columns(&batch).texts("json")?) {
            if let (TALLY, Some(json)) = (kind.as_str(), json) {
                merged.push(parsed(&json)?);
            }
        }
    }
    let (params, scratch) = (&config.pipeline.ingest, context.scratch()?);
    let decided = context.decided()?.clone();
    let settled =
        shares::settle(params, context.sources()?, decided, merged, rejects, scratch).map_err(failed)?;
    let answer = json!({
        "parts": part_count(settled.rows),
        "rows": settled.rows,
        "message": settled.messages.join("\n"),
    });
    give_json(&answer, output)
}
