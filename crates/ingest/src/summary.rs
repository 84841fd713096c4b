//! What ingest tells at its end: how many rows came in and what became of them.

use std::fmt::Write as _;

use labelproof_artifact::wording::{counted, one_line, quoted};
use labelproof_artifact::{Reject, Split};

use crate::error::{reject_line, yaml_list};
use crate::labels::LabelCounts;
use crate::labels::missing::Missing;
use crate::layout::Layout;
use crate::tally::Tally;

/// The counts of a run of the stage.
pub(crate) struct Summary<'a> {
    pub(crate) files: usize,
    pub(crate) documents: &'a LabelCounts,
    pub(crate) layout: &'a Layout,
    /// The column that gives the split.
    pub(crate) split_column: Option<&'a str>,
    pub(crate) tally: &'a Tally,
    pub(crate) first_rejects: &'a [Reject],
    pub(crate) missing: &'a Missing,
    /// What would look odd to a person.
    pub(crate) warnings: &'a [String],
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
            counted(self.tally.rows, "row"),
            counted(self.files as u64, "file"),
            counted(self.documents.rows(), "document"),
            counted(self.documents.len() as u64, "label"),
        );
        self.add_labels(&mut text);
        self.add_splits(&mut text);
        if self.tally.not_chosen_rows > 0 {
            let rows = counted(self.tally.not_chosen_rows, "row");
            let _ = write!(text, "\nnot chosen by `ingest.labels.keep`: {rows}");
            add_names(&mut text, &self.tally.not_chosen, shown);
        }
        if self.tally.not_where_rows > 0 {
            let rows = counted(self.tally.not_where_rows, "row");
            let _ = write!(text, "\nnot chosen by `ingest.where`: {rows}");
            add_names(&mut text, &self.tally.not_where, str::to_owned);
        }
        if let Some(rows_per_label) = self.rows_per_label {
            let _ = write!(
                text,
                "\nover the cap of {} per label: {}",
                counted(rows_per_label, "row"),
                self.over_cap
            );
        }
        self.tally.left_aside.add_to(&mut text);
        self.add_missing(&mut text);
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
        for warning in self.warnings {
            let _ = write!(text, "\nwarning: {warning}");
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

    /// Where the split comes from, and how many documents each part has.
    fn add_splits(&self, text: &mut String) {
        if self.layout.lacks_train {
            text.push_str(
                "\nnames of sources say validation and test and none says train: they are not taken for a split",
            );
        }
        let names = &self.layout.names;
        if self.split_column.is_none() && names.is_empty() {
            return;
        }
        let parts: Vec<String> = Split::ALL
            .into_iter()
            .filter_map(|split| {
                let rows = self.documents.rows_in(split);
                let named: Vec<String> = names.get(&split).into_iter().flatten().cloned().collect();
                match (rows, named.is_empty()) {
                    (0, true) => None,
                    (rows, true) => Some(format!("{split} {rows}")),
                    (rows, false) => Some(format!("{split} {rows} (from {})", quoted(&named, 3))),
                }
            })
            .collect();
        let origin = match self.split_column {
            Some(column) => format!("the column `{column}`"),
            None => "the names of the sources".to_owned(),
        };
        let _ = write!(text, "\nsplit given by {origin}: {}", parts.join(", "));
        if self.split_column.is_none() {
            text.push_str("; `ingest.splits: none` leaves names aside");
        }
        self.add_labels_of_one_split(text);
    }

    /// A label that only one part has can be learnt and not measured, or measured and not learnt.
    fn add_labels_of_one_split(&self, text: &mut String) {
        for (split, what) in [(Split::Train, "learnt"), (Split::Test, "measured")] {
            if self.documents.rows_in(split) == 0 {
                continue;
            }
            let labels = self.documents.names();
            let without: Vec<String> = labels
                .filter(|label| self.documents.rows_of(label, split) == 0)
                .cloned()
                .collect();
            if !without.is_empty() {
                let names = quoted(&without, SHOWN);
                let _ = write!(
                    text,
                    "\nwarning: the {split} part has no row of {names}, which cannot be {what}"
                );
            }
        }
    }

    /// What was taken for no label, and what was not and might have been.
    fn add_missing(&self, text: &mut String) {
        if self.tally.unlabelled.rows() > 0 {
            let rows = counted(self.tally.unlabelled.rows(), "row");
            let _ = write!(text, "\nwithout a label by `ingest.labels.missing`: {rows}");
            add_names(text, &self.tally.unlabelled, shown);
        }
        if !self.missing.unused.is_empty() {
            let names = quoted(&self.missing.unused, SHOWN);
            let _ = write!(
                text,
                "\n`ingest.labels.missing` names labels that no row has: {names}"
            );
        }
        let doubtful: Vec<String> = self
            .missing
            .doubtful
            .iter()
            .filter(|label| self.documents.contains(label))
            .cloned()
            .collect();
        if !doubtful.is_empty() {
            let names = quoted(&doubtful, SHOWN);
            let (is, stands) = match doubtful.len() {
                1 => ("is taken as a class", "if it stands"),
                _ => ("are taken as classes", "if they stand"),
            };
            let _ = write!(
                text,
                "\n{names} {is}; {stands} for no label: `ingest.labels.missing: {}`",
                yaml_list(&doubtful)
            );
        }
    }

    fn add_rejects(&self, text: &mut String) {
        let total = self.tally.rejects();
        if total == 0 {
            return;
        }
        let reasons: Vec<_> = self
            .tally
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

/// Names that a message lists; the rest is counted.
const SHOWN: usize = 10;

/// A label as a list of labels shows it.
fn shown(label: &str) -> String {
    match label {
        "" => "empty".to_owned(),
        label => format!("`{}`", one_line(label)),
    }
}

/// The most frequent labels in parentheses.
fn add_names(text: &mut String, labels: &LabelCounts, name_of: impl Fn(&str) -> String) {
    let mut counts: Vec<_> = labels.iter().collect();
    counts.sort_by(|one, other| (other.1, one.0).cmp(&(one.1, other.0)));
    let mut names: Vec<_> = counts
        .iter()
        .take(SHOWN)
        .map(|(label, count)| format!("{} {count}", name_of(label)))
        .collect();
    if counts.len() > SHOWN {
        names.push(format!("{} others", counts.len() - SHOWN));
    }
    let _ = write!(text, " ({})", names.join(", "));
}
