//! The rows whose labels the audit doubts.

use labelproof_artifact::Findings;
use serde_json::Value;

use crate::{audited, text};

/// The check that looks for wrong labels.
const WRONG_LABELS: &str = "C50";

/// The most rows that are shown: what one reads in a quarter of an hour.
const ROWS_SHOWN: usize = 20;

/// A row whose label looks wrong to a classifier that was not trained on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Doubtful {
    /// The document's id.
    pub(crate) id: String,
    /// The part it belongs to, in a word.
    pub(crate) part: String,
    /// The label of the row.
    pub(crate) label: String,
    /// The label that the row is more likely to have.
    pub(crate) suggestion: String,
}

/// Who doubts them, as the audit words it.
pub(super) fn judge(findings: &Findings) -> String {
    let check = audited::answer(findings, WRONG_LABELS);
    let judge = check.and_then(|finding| finding.evidence.get("judge"));
    let judge = judge.and_then(Value::as_str);
    text::evidence(judge.unwrap_or("a simple classifier that was not trained on them"))
}

/// The most doubtful rows, the first ones first. The audit lists them whether or not they are many enough to
/// be a finding.
pub(super) fn of(findings: &Findings) -> Vec<Doubtful> {
    let check = audited::answer(findings, WRONG_LABELS);
    let rows = check
        .and_then(|finding| finding.evidence.get("suspect_rows"))
        .and_then(Value::as_array);
    rows.into_iter()
        .flatten()
        .take(ROWS_SHOWN)
        .filter_map(doubtful)
        .collect()
}

fn doubtful(row: &Value) -> Option<Doubtful> {
    let text = |key: &str| row.get(key).and_then(Value::as_str).map(str::to_owned);
    Some(Doubtful {
        id: text("row")?,
        part: text("split")?,
        label: text("label")?,
        suggestion: text("suggestion")?,
    })
}
