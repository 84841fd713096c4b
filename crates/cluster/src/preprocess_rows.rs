//! The rows of preprocess's steps: what is seen of documents, and tokens.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, Int64Array, Int64Builder, ListBuilder, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use labelproof_artifact::parts::id_hash;
use labelproof_artifact::{Document, Reject, Row, TokenRow};
use labelproof_preprocess::shares::Seen;

use crate::columns::{Columns, batch};
use crate::error::BadInput;
use crate::ingest_rows::{REJECT, TALLY};

/// A row of which a sketch was made.
const LOOK: &str = "look";
/// A row of tokens.
const TOKEN: &str = "token";

fn text(name: &str) -> Field {
    Field::new(name, DataType::Utf8, true)
}

/// What was seen of some documents.
pub(crate) fn looks(documents: &[Document], seen: &[Seen]) -> RecordBatch {
    let kinds = seen.iter().map(|seen| match seen {
        Seen::Kept(..) => LOOK,
        Seen::Rejected(_) => REJECT,
    });
    let exact = seen.iter().map(|seen| match seen {
        Seen::Kept(sketch, _) => Some(sketch.exact.as_slice()),
        Seen::Rejected(_) => None,
    });
    let last = seen.iter().map(|seen| match seen {
        Seen::Kept(_, digest) => digest.as_ref().map(<[u8; 16]>::as_slice),
        Seen::Rejected(_) => None,
    });
    let mut bands = ListBuilder::new(Int64Builder::new());
    for seen in seen {
        if let Seen::Kept(sketch, _) = seen {
            bands.append_value(sketch.bands.map(|band| Some(band.cast_signed())));
        } else {
            bands.append_null();
        }
    }
    let details = seen.iter().map(|seen| match seen {
        Seen::Kept(..) => None,
        Seen::Rejected(reject) => Some(reject.detail.as_str()),
    });
    let reasons = seen.iter().map(|seen| match seen {
        Seen::Kept(..) => None,
        Seen::Rejected(reject) => Some(reject.reason.as_str()),
    });
    look_batch(vec![
        Arc::new(StringArray::from_iter_values(kinds)),
        Arc::new(StringArray::from_iter_values(
            documents.iter().map(|document| &document.id),
        )),
        Arc::new(StringArray::from_iter_values(
            documents.iter().map(|document| &document.label),
        )),
        Arc::new(exact.collect::<BinaryArray>()),
        Arc::new(last.collect::<BinaryArray>()),
        Arc::new(bands.finish()),
        Arc::new(reasons.collect::<StringArray>()),
        Arc::new(details.collect::<StringArray>()),
        Arc::new(StringArray::new_null(documents.len())),
    ])
}

/// The tally of what was seen.
pub(crate) fn look_tally(json: &str) -> RecordBatch {
    let mut bands = ListBuilder::new(Int64Builder::new());
    bands.append_null();
    let none = || Arc::new(StringArray::new_null(1));
    let no_digest = || Arc::new(BinaryArray::from_opt_vec(vec![None]));
    look_batch(vec![
        Arc::new(StringArray::from(vec![TALLY])),
        none(),
        none(),
        no_digest(),
        no_digest(),
        Arc::new(bands.finish()),
        none(),
        none(),
        Arc::new(StringArray::from(vec![json])),
    ])
}

fn look_batch(columns: Vec<ArrayRef>) -> RecordBatch {
    let item = Arc::new(Field::new("item", DataType::Int64, true));
    let schema = Schema::new(vec![
        Field::new("kind", DataType::Utf8, false),
        text("id"),
        text("label"),
        Field::new("exact", DataType::Binary, true),
        Field::new("final", DataType::Binary, true),
        Field::new("bands", DataType::List(item), true),
        text("reason"),
        text("detail"),
        text("json"),
    ]);
    batch(&Arc::new(schema), columns)
}

/// The rejects of a batch of what was seen, and its tallies.
pub(crate) fn rejects_and_tallies(batch: &RecordBatch) -> Result<(Vec<Reject>, Vec<String>), BadInput> {
    let columns = Columns(batch);
    let kinds = columns.all_texts("kind")?;
    let mut ids = columns.texts("id")?.into_iter();
    let mut reasons = columns.texts("reason")?.into_iter();
    let mut details = columns.texts("detail")?.into_iter();
    let mut jsons = columns.texts("json")?.into_iter();
    let (mut rejects, mut tallies) = (Vec::new(), Vec::new());
    for kind in kinds {
        let reject = Reject {
            source: "documents.parquet".to_owned(),
            line: None,
            id: ids.next().flatten(),
            reason: reasons.next().flatten().unwrap_or_default(),
            detail: details.next().flatten().unwrap_or_default(),
        };
        let json = jsons.next().flatten();
        match (kind.as_str(), json) {
            (REJECT, _) => rejects.push(reject),
            (TALLY, Some(json)) => tallies.push(json),
            _ => {}
        }
    }
    Ok((rejects, tallies))
}

/// The tokens of some rows, or the tally of those before, in one table.
pub(crate) fn tokens(rows: &[TokenRow], tally: Option<&str>) -> RecordBatch {
    let own = TokenRow::schema();
    let mut fields = vec![Field::new("kind", DataType::Utf8, false)];
    // A tally has none of them.
    fields.extend(
        own.fields()
            .iter()
            .map(|field| field.as_ref().clone().with_nullable(true)),
    );
    fields.push(Field::new("hash", DataType::Int64, true));
    fields.push(text("json"));
    let mut columns: Vec<ArrayRef> = Vec::new();
    if let Some(json) = tally {
        columns.push(Arc::new(StringArray::from(vec![TALLY])));
        let missing = own
            .fields()
            .iter()
            .map(|field| arrow::array::new_null_array(field.data_type(), 1));
        columns.extend(missing);
        columns.push(Arc::new(Int64Array::from(vec![None])));
        columns.push(Arc::new(StringArray::from(vec![json])));
    } else {
        columns.push(Arc::new(StringArray::from_iter_values(
            rows.iter().map(|_| TOKEN),
        )));
        columns.extend(TokenRow::columns(rows));
        let hashes = rows.iter().map(|row| i64::from(id_hash(&row.id)));
        columns.push(Arc::new(Int64Array::from_iter_values(hashes)));
        columns.push(Arc::new(StringArray::new_null(rows.len())));
    }
    batch(&Arc::new(Schema::new(fields)), columns)
}

/// The token rows of a batch of nothing else.
pub(crate) fn token_rows(batch: &RecordBatch) -> Result<Vec<TokenRow>, BadInput> {
    let columns = Columns(batch);
    let ids = columns.all_texts("id")?;
    let mut labels = columns.all_texts("label")?.into_iter();
    let mut texts = columns.all_texts("text")?.into_iter();
    let mut tokens = columns.lists("tokens")?.into_iter();
    let mut lengths = columns.all_numbers("full_length")?.into_iter();
    let mut duplicate_groups = columns.all_texts("duplicate_group")?.into_iter();
    let mut groups = columns.texts("group")?.into_iter();
    let mut splits = columns.splits("split")?.into_iter();
    let rows = ids.into_iter().map(|id| TokenRow {
        id,
        label: labels.next().unwrap_or_default(),
        text: texts.next().unwrap_or_default(),
        tokens: tokens.next().unwrap_or_default(),
        full_length: lengths
            .next()
            .and_then(|length| u32::try_from(length).ok())
            .unwrap_or(0),
        duplicate_group: duplicate_groups.next().unwrap_or_default(),
        group: groups.next().flatten(),
        split: splits.next().flatten(),
    });
    Ok(rows.collect())
}
