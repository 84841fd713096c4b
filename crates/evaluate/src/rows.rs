//! The rows to evaluate: raw text, cleaned text, label and split, joined by id.

use std::collections::BTreeMap;

use labelproof_artifact::{
    ArtifactError, Artifacts, Document, LabelMap, Row, Split, SplitRow, TableReader, TokenRow,
};

/// The rows of one split, in the order of the documents.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub(crate) ids: Vec<String>,
    /// The numbers of the true classes in the label map.
    pub(crate) labels: Vec<u32>,
    /// The texts as ingest read them, from which the bundle predicts.
    pub(crate) texts: Vec<String>,
    /// The texts as preprocess cleaned them, from which the baseline learns and predicts.
    pub(crate) cleaned: Vec<String>,
}

/// Reads the rows of every split.
pub(crate) fn read(
    artifacts: Artifacts<'_>,
    labels: &LabelMap,
) -> Result<BTreeMap<Split, Rows>, ArtifactError> {
    let mut splits = BTreeMap::new();
    for batch in TableReader::<SplitRow>::open(artifacts)? {
        splits.extend(batch?.into_iter().map(|row| (row.id, row.split)));
    }
    let mut cleaned = BTreeMap::new();
    for batch in TableReader::<TokenRow>::open(artifacts)? {
        cleaned.extend(batch?.into_iter().map(|row| (row.id, row.text)));
    }
    let mut rows: BTreeMap<Split, Rows> = Split::ALL.map(|split| (split, Rows::default())).into();
    for batch in TableReader::<Document>::open(artifacts)? {
        for document in batch? {
            // Preprocess rejects texts that are empty once cleaned: such a document has no split.
            let Some(split) = splits.remove(&document.id) else {
                continue;
            };
            let text = cleaned.remove(&document.id).ok_or_else(|| {
                artifacts.damaged(TokenRow::KIND, format!("row `{}` is missing", document.id))
            })?;
            let label = labels.index(&document.label).ok_or_else(|| {
                let what = format!("label `{}` is not in the label map", document.label);
                artifacts.damaged(Document::KIND, what)
            })?;
            let rows = rows.entry(split).or_default();
            rows.ids.push(document.id);
            rows.labels.push(label);
            rows.texts.push(document.text);
            rows.cleaned.push(text);
        }
    }
    match splits.into_keys().next() {
        Some(id) => Err(artifacts.damaged(SplitRow::KIND, format!("row `{id}` is no document"))),
        None => Ok(rows),
    }
}
