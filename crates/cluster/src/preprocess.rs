//! The steps of preprocess.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use labelproof_artifact::parts::part_count;
use labelproof_artifact::{Document, ParquetBatches, Reject, Row, StageId, fs, open_parquet};
use labelproof_driver::{Failure, fetch_stored, stored_files};
use labelproof_preprocess::Error;
use labelproof_preprocess::shares::{self, Lengths, Looked, Tokeniser};
use labelproof_text::duplicates::Components;
use labelproof_text::duplicates::bucket::Bucket;
use serde_json::json;

use crate::columns::{BATCH_ROWS, Columns, batch, give_json, next, parsed};
use crate::context::Context;
use crate::encoder::{self, EncoderFiles};
use crate::error::{BadInput, BrokenInput};
use crate::preprocess_rows::{look_tally, looks, rejects_and_tallies, tokens};
use crate::{Input, Output, ingest_rows};

fn failed(error: Error) -> Failure {
    Failure::of_stage(StageId::Preprocess, error)
}

/// Says where the documents are, and checks the encoder.
pub(crate) fn plan(context: &Context, output: Output<'_>) -> Result<(), Failure> {
    let config = context.config()?;
    let encoder = EncoderFiles::of_driver(&config)?;
    Tokeniser::open(&config.pipeline.preprocess, encoder::folder(&config)?).map_err(failed)?;
    let shares = stored_files(&config, Document::KIND.stage, Document::KIND.file);
    give_json(
        &json!({
            "documents": Document::KIND.path(&config.artifacts),
            "shares": shares,
            "encoder": encoder,
        }),
        output,
    )
}

/// Reads parts of the documents that lie in object storage.
pub(crate) fn read(context: &Context, input: Input<'_>, output: Output<'_>) -> Result<(), Failure> {
    let config = context.config()?;
    for batch in input {
        for share in Columns(&next(batch)?).all_texts("share")? {
            let folder = fs::temporary_folder()?;
            let path = fetch_stored(&config, &share, folder.path())?;
            let broken = |problem: String| BrokenInput {
                problem: format!("`{share}`: {problem}"),
            };
            let reader = open_parquet(fs::open(&path)?).and_then(ParquetBatches::new);
            for rows in reader.map_err(|error| broken(error.to_string()))? {
                output(rows.map_err(|error| broken(error.to_string()))?)?;
            }
        }
    }
    Ok(())
}

/// Looks at documents.
pub(crate) fn look(context: &Context, input: Input<'_>, output: Output<'_>) -> Result<(), Failure> {
    let config = context.config()?;
    let mut looked = Looked::default();
    for batch in input {
        let batch = next(batch)?;
        let columns = Columns(&batch);
        let (texts, of_labels) = (columns.all_texts("text")?, columns.all_texts("label")?);
        let ids = columns.all_texts("id")?.into_iter();
        let documents: Vec<Document> = ids
            .zip(texts.into_iter().zip(of_labels))
            .map(|(id, (text, label))| Document {
                id,
                text,
                label,
                group: None,
                split: None,
            })
            .collect();
        let seen = shares::look(&config.pipeline.preprocess, &documents, &mut looked).map_err(failed)?;
        output(looks(&documents, &seen))?;
    }
    output(look_tally(&json!(looked).to_string()))
}

/// Writes rejects, and checks what the stage checks between its passes.
pub(crate) fn check(context: &Context, input: Input<'_>, output: Output<'_>) -> Result<(), Failure> {
    let config = context.config()?;
    let mut looked = Looked::default();
    let mut rejects: Vec<Reject> = Vec::new();
    for batch in input {
        let (of_batch, tallies) = rejects_and_tallies(&next(batch)?)?;
        rejects.extend(of_batch);
        for json in tallies {
            looked.merge(parsed(&json)?);
        }
    }
    rejects.sort_by(|one, other| one.id.cmp(&other.id));
    let rejects = rejects.into_iter().map(Ok);
    let (params, scratch) = (&config.pipeline.preprocess, context.scratch()?);
    let rejected = shares::check(params, &config.artifacts, &looked, rejects, scratch);
    give_json(&json!(rejected.map_err(failed)?), output)
}

/// Makes texts what is compared of them.
pub(crate) fn comparable(context: &Context, input: Input<'_>, output: Output<'_>) -> Result<(), Failure> {
    let config = context.config()?;
    let schema = Arc::new(Schema::new(vec![
        Field::new("exact", DataType::Binary, false),
        Field::new("text", DataType::Utf8, false),
    ]));
    for of_input in input {
        let of_input = next(of_input)?;
        let columns = Columns(&of_input);
        let digests = columns.digests("exact")?;
        let texts = columns.all_texts("text")?;
        let texts = shares::comparable(&config.pipeline.preprocess, &texts).map_err(failed)?;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(BinaryArray::from_iter_values(&digests)),
            Arc::new(StringArray::from_iter_values(&texts)),
        ];
        output(batch(&schema, columns))?;
    }
    Ok(())
}

/// The bucket whose texts are coming.
#[derive(Default)]
struct Coming {
    /// The band and the hash in it.
    key: Option<(i64, i64)>,
    bucket: Bucket,
    /// The digests of the texts that others are compared with.
    compared: Vec<[u8; 16]>,
    last: Option<[u8; 16]>,
}

/// Compares the texts of buckets, which come one after the other.
pub(crate) fn compare(context: &Context, input: Input<'_>, output: Output<'_>) -> Result<(), Failure> {
    let config = context.config()?;
    let settings = &config.pipeline.preprocess.duplicates;
    let mut pairs = Pairs::default();
    let mut coming = Coming::default();
    for batch in input {
        let batch = next(batch)?;
        let columns = Columns(&batch);
        let (bands, hashes) = (columns.all_numbers("band")?, columns.all_numbers("bucket")?);
        let rows = columns
            .digests("exact")?
            .into_iter()
            .zip(columns.all_texts("text")?);
        for ((band, hash), (digest, text)) in bands.into_iter().zip(hashes).zip(rows) {
            let key = Some((band, hash));
            if coming.key > key {
                return Err(unsorted("buckets do not come in their order"));
            }
            if coming.key != key {
                coming = Coming {
                    key,
                    ..Coming::default()
                };
            }
            if coming.last >= Some(digest) {
                return Err(unsorted(
                    "the texts of a bucket do not come in the order of their digests",
                ));
            }
            for other in coming.bucket.add(&text, settings) {
                pairs.one.push(coming.compared[other as usize]);
                pairs.other.push(digest);
            }
            if coming.compared.len() < Bucket::COMPARED {
                coming.compared.push(digest);
            }
            coming.last = Some(digest);
        }
        if pairs.one.len() >= BATCH_ROWS {
            output(std::mem::take(&mut pairs).batch())?;
        }
    }
    output(pairs.batch())
}

fn unsorted(problem: &str) -> Failure {
    let problem = problem.to_owned();
    BadInput { problem }.into()
}

/// Pairs of similar texts, by their digests.
#[derive(Default)]
struct Pairs {
    one: Vec<[u8; 16]>,
    other: Vec<[u8; 16]>,
}

impl Pairs {
    fn batch(self) -> RecordBatch {
        let schema = Arc::new(Schema::new(vec![
            Field::new("one", DataType::Binary, false),
            Field::new("other", DataType::Binary, false),
        ]));
        let columns: Vec<ArrayRef> = vec![
            Arc::new(BinaryArray::from_iter_values(&self.one)),
            Arc::new(BinaryArray::from_iter_values(&self.other)),
        ];
        batch(&schema, columns)
    }
}

/// Makes groups of pairs: gives the smallest digest of the group of each digest.
pub(crate) fn unite(input: Input<'_>, output: Output<'_>) -> Result<(), Failure> {
    let mut edges = Vec::new();
    for batch in input {
        let batch = next(batch)?;
        let columns = Columns(&batch);
        edges.extend(columns.digests("one")?.into_iter().zip(columns.digests("other")?));
    }
    let mut digests: Vec<[u8; 16]> = edges.iter().flat_map(|(one, other)| [*one, *other]).collect();
    digests.sort_unstable();
    digests.dedup();
    let places: BTreeMap<[u8; 16], u32> = digests.iter().copied().zip(0..).collect();
    let mut components = Components::new(digests.len());
    for (one, other) in edges {
        components.unite(places[&one], places[&other]);
    }
    let roots = components.into_roots();
    let schema = Arc::new(Schema::new(vec![
        Field::new("exact", DataType::Binary, false),
        Field::new("root", DataType::Binary, false),
    ]));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(BinaryArray::from_iter_values(&digests)),
        Arc::new(BinaryArray::from_iter_values(
            roots.iter().map(|root| digests[*root as usize]),
        )),
    ];
    output(batch(&schema, columns))
}

/// Tokenises documents.
pub(crate) fn tokenise(context: &Context, input: Input<'_>, output: Output<'_>) -> Result<(), Failure> {
    let config = context.config()?;
    context.encoder()?.check(&config)?;
    let tokeniser =
        Tokeniser::open(&config.pipeline.preprocess, encoder::folder(&config)?).map_err(failed)?;
    let mut lengths = Lengths::default();
    for batch in input {
        let batch = next(batch)?;
        let groups = Columns(&batch).all_texts("duplicate_group")?;
        let documents = ingest_rows::documents(&batch)?.into_iter().zip(groups).collect();
        let rows = tokeniser.rows(documents, &mut lengths).map_err(failed)?;
        output(tokens(&rows, None))?;
    }
    output(tokens(&[], Some(&json!(lengths).to_string())))
}

/// Says what the stage says at its end.
pub(crate) fn settle(context: &Context, input: Input<'_>, output: Output<'_>) -> Result<(), Failure> {
    let config = context.config()?;
    let mut lengths: Vec<Lengths> = Vec::new();
    for batch in input {
        for json in Columns(&next(batch)?).all_texts("json")? {
            lengths.push(parsed(&json)?);
        }
    }
    let duplicates = context.duplicates()?;
    let (params, scratch) = (&config.pipeline.preprocess, context.scratch()?);
    let message = shares::settle(params, lengths, duplicates, context.checked()?, scratch).map_err(failed)?;
    let answer = json!({
        "parts": part_count(duplicates.rows),
        "rows": duplicates.rows,
        "message": message,
    });
    give_json(&answer, output)
}
