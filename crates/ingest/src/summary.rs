//! What ingest tells at its end: how many rows came in and what became of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use labelproof_artifact::Reject;
use labelproof_artifact::wording::{counted, one_line};

use crate::error::reject_line;
use crate::labels::LabelCounts;
use crate::rows::Reason;

/// The counts of a run of the stage.
pub(crate) struct Summary<'a> {
    pub(crate) rows: u64,
    pub(crate) files: usize,
    pub(crate) documents: &'a LabelCounts,
    pub(crate) reasons: &'a BTreeMap<Reason, u64>,
    pub(crate) first_rejects: &'a [Reject],
    pub(crate) not_chosen_rows: u64,
    pub(crate) not_chosen: &'a LabelCounts,
    pub(crate) over_cap: u64,
    pub(crate) rows_per_label: Option<u64>,
    /// Keys of `ingest.labels.rename` that no row has.
    pub(crate) unused_renames: Vec<&'a str>,
}

impl Summary<'_> {
    /// The message, which ends with the first rejects.
    pub(crate) fn text(&self) -> String {
        let mut text = format!(
            "{} read from {}, {} of {}",
            counted(self.rows, "row"),
            counted(self.files as u64, "file"),
            counted(self.documents.rows(), "document"),
            counted(self.documents.len() as u64, "label"),
        );
        self.add_labels(&mut text);
        if self.not_chosen_rows > 0 {
            let rows = counted(self.not_chosen_rows, "row");
            let _ = write!(text, "\nnot chosen by `ingest.labels.keep`: {rows}");
            add_names(&mut text, self.not_chosen);
        }
        if let Some(rows_per_label) = self.rows_per_label {
            let _ = write!(
                text,
                "\nover the cap of {} per label: {}",
                counted(rows_per_label, "row"),
                self.over_cap
            );
        }
        if !self.unused_renames.is_empty() {
            let names: Vec<_> = self
                .unused_renames
                .iter()
                .map(|name| format!("`{name}`"))
                .collect();
            let _ = write!(
                text,
                "\n`ingest.labels.rename` names labels that no row has: {}",
                names.join(", ")
            );
        }
        self.add_rejects(&mut text);
        text
    }

    /// The labels with their documents; of very many only the largest and the smallest.
    fn add_labels(&self, text: &mut String) {
        const ALL: usize = 20;
        const LARGEST: usize = 10;
        const SMALLEST: usize = 5;
        let mut lines: Vec<(String, u64)> = self
            .documents
            .iter()
            .map(|(label, count)| (one_line(label), count))
            .collect();
        let mut left_out = 0;
        if lines.len() > ALL {
            lines.sort_by(|one, other| (other.1, &one.0).cmp(&(one.1, &other.0)));
            left_out = lines.len() - LARGEST - SMALLEST;
            lines.drain(LARGEST..lines.len() - SMALLEST);
        }
        let name_width = lines
            .iter()
            .map(|(name, _)| name.chars().count())
            .max()
            .unwrap_or(0);
        let count_width = lines
            .iter()
            .map(|(_, count)| count.to_string().len())
            .max()
            .unwrap_or(0);
        for (index, (name, count)) in lines.iter().enumerate() {
            if left_out > 0 && index == LARGEST {
                let _ = write!(text, "\n  … and {left_out} between them");
            }
            let _ = write!(text, "\n  {name:<name_width$}  {count:>count_width$}");
        }
    }

    fn add_rejects(&self, text: &mut String) {
        let total: u64 = self.reasons.values().sum();
        if total == 0 {
            return;
        }
        let reasons: Vec<_> = self
            .reasons
            .iter()
            .map(|(reason, count)| format!("{} {count}", reason.name()))
            .collect();
        let _ = write!(
            text,
            "\nrejects, listed in `rejects.parquet`: {total} ({})",
            reasons.join(", ")
        );
        for reject in self.first_rejects {
            let _ = write!(text, "\n  {}", reject_line(reject));
        }
        let more = total.saturating_sub(self.first_rejects.len() as u64);
        if more > 0 {
            let _ = write!(text, "\n  and {more} more");
        }
    }
}

/// The most frequent labels in parentheses.
fn add_names(text: &mut String, labels: &LabelCounts) {
    const SHOWN: usize = 10;
    let mut counts: Vec<_> = labels.iter().collect();
    counts.sort_by(|one, other| (other.1, one.0).cmp(&(one.1, other.0)));
    let mut names: Vec<_> = counts
        .iter()
        .take(SHOWN)
        .map(|(label, count)| format!("`{}` {count}", one_line(label)))
        .collect();
    if counts.len() > SHOWN {
        names.push(format!("{} other labels", counts.len() - SHOWN));
    }
    let _ = write!(text, " ({})", names.join(", "));
}
