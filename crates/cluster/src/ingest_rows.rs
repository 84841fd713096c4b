//! The rows of ingest's steps: candidates, documents, rejects and tallies in one table.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use labelproof_artifact::parts::id_hash;
use labelproof_artifact::{Document, Reject};
use labelproof_driver::Failure;
use labelproof_ingest::shares::Candidate;

use crate::Output;
use crate::columns::{BATCH_BYTES, BATCH_ROWS, Columns, batch};
use crate::error::BadInput;

/// A row that is read, and may become a document.
pub(crate) const CANDIDATE: &str = "candidate";
/// A row that is a document.
pub(crate) const DOCUMENT: &str = "document";
/// A row that does not go on.
pub(crate) const REJECT: &str = "reject";
/// What a task counted.
pub(crate) const TALLY: &str = "tally";

/// Rows on their way out of a step.
pub(crate) struct Rows<'a> {
    output: Output<'a>,
    schema: Arc<Schema>,
    pending: Vec<(&'static str, Row)>,
    pending_bytes: usize,
}

enum Row {
    Candidate(Candidate),
    Reject(Reject),
    Tally(String),
}

impl<'a> Rows<'a> {
    pub(crate) fn new(output: Output<'a>) -> Self {
        let text = |name| Field::new(name, DataType::Utf8, true);
        let schema = Schema::new(vec![
            Field::new("kind", DataType::Utf8, false),
            text("id"),
            text("text"),
            text("label"),
            text("group"),
            text("split"),
            Field::new("source", DataType::Int32, true),
            Field::new("line", DataType::Int64, true),
            text("file"),
            text("reason"),
            text("detail"),
            Field::new("hash", DataType::Int64, true),
            text("json"),
        ]);
        Self {
            output,
            schema: Arc::new(schema),
            pending: Vec::new(),
            pending_bytes: 0,
        }
    }

    pub(crate) fn candidate(&mut self, kind: &'static str, candidate: Candidate) -> Result<(), Failure> {
        self.push(kind, Row::Candidate(candidate))
    }

    pub(crate) fn reject(&mut self, reject: Reject) -> Result<(), Failure> {
        self.push(REJECT, Row::Reject(reject))
    }

    pub(crate) fn tally(&mut self, json: String) -> Result<(), Failure> {
        self.push(TALLY, Row::Tally(json))
    }

    fn push(&mut self, kind: &'static str, row: Row) -> Result<(), Failure> {
        self.pending_bytes += match &row {
            Row::Candidate(candidate) => candidate.text.len(),
            Row::Reject(reject) => reject.detail.len(),
            Row::Tally(json) => json.len(),
        };
        self.pending.push((kind, row));
        if self.pending.len() == BATCH_ROWS || self.pending_bytes >= BATCH_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    /// Gives the rows that are pending.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        if self.pending.is_empty() {
            return Ok(());
        }
        self.pending_bytes = 0;
        let rows = std::mem::take(&mut self.pending);
        (self.output)(batch(&self.schema, columns(&rows)))
    }
}

fn columns(rows: &[(&'static str, Row)]) -> Vec<ArrayRef> {
    let of_candidate = |value: fn(&Candidate) -> Option<&str>| -> ArrayRef {
        let values = rows.iter().map(|(_, row)| match row {
            Row::Candidate(candidate) => value(candidate),
            _ => None,
        });
        Arc::new(values.collect::<StringArray>())
    };
    let of_reject = |value: fn(&Reject) -> Option<&str>| -> ArrayRef {
        let values = rows.iter().map(|(_, row)| match row {
            Row::Reject(reject) => value(reject),
            _ => None,
        });
        Arc::new(values.collect::<StringArray>())
    };
    let kinds = StringArray::from_iter_values(rows.iter().map(|(kind, _)| kind));
    let ids = rows.iter().map(|(_, row)| match row {
        Row::Candidate(candidate) => Some(candidate.id.as_str()),
        Row::Reject(reject) => reject.id.as_deref(),
        Row::Tally(_) => None,
    });
    let sources = rows.iter().map(|(_, row)| match row {
        Row::Candidate(candidate) => i32::try_from(candidate.source).ok(),
        _ => None,
    });
    let lines = rows.iter().map(|(_, row)| {
        let line = match row {
            Row::Candidate(candidate) => candidate.line,
            Row::Reject(reject) => reject.line,
            Row::Tally(_) => None,
        };
        line.and_then(|line| i64::try_from(line).ok())
    });
    let hashes = rows.iter().map(|(_, row)| match row {
        Row::Candidate(candidate) => Some(i64::from(id_hash(&candidate.id))),
        _ => None,
    });
    let tallies = rows.iter().map(|(_, row)| match row {
        Row::Tally(json) => Some(json.as_str()),
        _ => None,
    });
    vec![
        Arc::new(kinds),
        Arc::new(ids.collect::<StringArray>()),
        of_candidate(|candidate| Some(&candidate.text)),
        of_candidate(|candidate| Some(&candidate.label)),
        of_candidate(|candidate| candidate.group.as_deref()),
        of_candidate(|candidate| candidate.split.map(labelproof_artifact::Split::name)),
        Arc::new(sources.collect::<Int32Array>()),
        Arc::new(lines.collect::<Int64Array>()),
        of_reject(|reject| Some(&reject.source)),
        of_reject(|reject| Some(&reject.reason)),
        of_reject(|reject| Some(&reject.detail)),
        Arc::new(hashes.collect::<Int64Array>()),
        Arc::new(tallies.collect::<StringArray>()),
    ]
}

/// The kinds of the rows of a batch.
pub(crate) fn kinds(batch: &RecordBatch) -> Result<Vec<String>, BadInput> {
    Columns(batch).all_texts("kind")
}

/// The candidates of a batch of nothing else.
pub(crate) fn candidates(batch: &RecordBatch) -> Result<Vec<Candidate>, BadInput> {
    let columns = Columns(batch);
    let mut sources = columns.all_numbers("source")?.into_iter();
    let mut lines = columns.numbers("line")?.into_iter();
    let documents = documents(batch)?.into_iter();
    let candidates = documents.map(|document| Candidate {
        id: document.id,
        text: document.text,
        label: document.label,
        group: document.group,
        split: document.split,
        source: sources
            .next()
            .and_then(|source| u32::try_from(source).ok())
            .unwrap_or(u32::MAX),
        line: lines.next().flatten().and_then(|line| u64::try_from(line).ok()),
    });
    Ok(candidates.collect())
}

/// The documents of a batch of nothing else.
pub(crate) fn documents(batch: &RecordBatch) -> Result<Vec<Document>, BadInput> {
    let columns = Columns(batch);
    let texts = columns.all_texts("text")?;
    let mut labels = columns.all_texts("label")?.into_iter();
    let mut groups = columns.texts("group")?.into_iter();
    let mut splits = columns.splits("split")?.into_iter();
    let ids = columns.all_texts("id")?.into_iter();
    let documents = ids.zip(texts).map(|(id, text)| Document {
        id,
        text,
        label: labels.next().unwrap_or_default(),
        group: groups.next().flatten(),
        split: splits.next().flatten(),
    });
    Ok(documents.collect())
}

/// The reject at each place of a batch whose row is one.
pub(crate) fn rejects(batch: &RecordBatch) -> Result<Vec<Reject>, BadInput> {
    let columns = Columns(batch);
    let kinds = kinds(batch)?;
    let mut files = columns.texts("file")?.into_iter();
    let mut lines = columns.numbers("line")?.into_iter();
    let mut ids = columns.texts("id")?.into_iter();
    let mut reasons = columns.texts("reason")?.into_iter();
    let mut details = columns.texts("detail")?.into_iter();
    let rows = kinds.into_iter().map(|kind| {
        let reject = Reject {
            source: files.next().flatten().unwrap_or_default(),
            line: lines.next().flatten().and_then(|line| u64::try_from(line).ok()),
            id: ids.next().flatten(),
            reason: reasons.next().flatten().unwrap_or_default(),
            detail: details.next().flatten().unwrap_or_default(),
        };
        (kind == REJECT).then_some(reject)
    });
    Ok(rows.flatten().collect())
}
