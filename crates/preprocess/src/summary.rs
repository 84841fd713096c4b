//! The summary that preprocess reports at its end: lengths, truncation, duplicates, rejects.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use labelproof_artifact::Reject;
use labelproof_artifact::wording::{counted, plural};
use serde::{Deserialize, Serialize};

use crate::error::reject_line;
use crate::params::Params;

/// Labels whose truncation is listed, at most.
const SHOWN_LABELS: usize = 20;

/// A label's share of truncated rows is worth telling where it differs by this much from that of all rows …
const UNEVEN: f64 = 0.05;

/// … and by more than so many standard errors, so that a label of ten rows does not raise an alarm.
const STANDARD_ERRORS: f64 = 3.0;

/// The lengths of rows, and how many were truncated.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Lengths {
    labels: BTreeMap<String, Truncation>,
    /// The number of rows by their length in tokens before truncation.
    lengths: BTreeMap<u32, u64>,
}

/// The groups of duplicates.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duplicates {
    /// The number of rows, alone or not.
    pub rows: u64,
    /// The number of rows whose text equals that of an earlier row.
    pub exact_copies: u64,
    /// Rows that equal an earlier row of another group once stop words are gone. `None` if none are removed.
    pub copies_without_stop_words: Option<u64>,
    /// The number of groups by their size, of those of several rows.
    pub sizes: BTreeMap<u64, u64>,
    /// The number of groups whose rows have several labels.
    pub conflicts: u64,
    /// The ids of the first rows that contradict each other.
    pub first_conflict: Option<(String, String)>,
}

/// The rows that do not go on.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Rejected {
    /// The first of them.
    pub first: Vec<Reject>,
    /// The number of all.
    pub count: u64,
}

/// What the stage tells at its end.
pub(crate) struct Summary<'a> {
    pub(crate) params: &'a Params,
    pub(crate) lengths: &'a Lengths,
    pub(crate) duplicates: &'a Duplicates,
    pub(crate) rejected: &'a Rejected,
}

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Truncation {
    rows: u64,
    truncated: u64,
}

impl Truncation {
    fn share(self) -> f64 {
        self.truncated as f64 / self.rows as f64
    }

    /// Whether the share differs from that of all rows by more than is worth telling.
    fn is_uneven(self, all: Self) -> bool {
        let off = (self.share() - all.share()).abs();
        let standard_error = (all.share() * (1.0 - all.share()) / self.rows as f64).sqrt();
        off > UNEVEN && off > STANDARD_ERRORS * standard_error
    }
}

impl Lengths {
    /// Counts a row of so many tokens before truncation to `max_tokens`.
    pub(crate) fn add(&mut self, label: &str, full_length: u32, max_tokens: usize) {
        *self.lengths.entry(full_length).or_default() += 1;
        let is_truncated = full_length as usize > max_tokens;
        if !self.labels.contains_key(label) {
            self.labels.insert(label.to_owned(), Truncation::default());
        }
        if let Some(counts) = self.labels.get_mut(label) {
            counts.rows += 1;
            counts.truncated += u64::from(is_truncated);
        }
    }

    /// Adds the lengths of other rows.
    pub(crate) fn merge(&mut self, other: Self) {
        for (length, rows) in other.lengths {
            *self.lengths.entry(length).or_default() += rows;
        }
        for (label, of_other) in other.labels {
            let counts = self.labels.entry(label).or_default();
            counts.rows += of_other.rows;
            counts.truncated += of_other.truncated;
        }
    }

    /// The number of rows.
    pub(crate) fn rows(&self) -> u64 {
        self.lengths.values().sum()
    }

    /// The smallest length that so many per cent of the rows do not exceed.
    fn quantile(&self, percent: u64) -> u32 {
        let rows: u64 = self.lengths.values().sum();
        let wanted = (rows * percent).div_ceil(100);
        let mut seen = 0;
        let reached = self.lengths.iter().find(|(_, count)| {
            seen += **count;
            seen >= wanted
        });
        reached.map_or(0, |(&length, _)| length)
    }
}

impl Duplicates {
    /// Notes that two rows of a group, of these ids, have two labels: once for each group, in the order of
    /// the second rows.
    pub(crate) fn add_conflict(&mut self, one: &str, other: &str) {
        self.conflicts += 1;
        self.first_conflict
            .get_or_insert_with(|| (one.to_owned(), other.to_owned()));
    }
}

impl Summary<'_> {
    /// The message to the user.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("{} prepared", counted(self.duplicates.rows, "row"));
        self.add_lengths(&mut text);
        self.add_duplicates(&mut text);
        let Rejected { first, count } = self.rejected;
        if *count > 0 {
            let _ = write!(text, "\nrejects, listed in `rejects.parquet`: {count}");
            for reject in first {
                let _ = write!(text, "\n  {}", reject_line(reject));
            }
            let more = count.saturating_sub(first.len() as u64);
            if more > 0 {
                let _ = write!(text, "\n  and {more} more");
            }
        }
        text
    }

    fn add_lengths(&self, text: &mut String) {
        let _ = write!(
            text,
            "\ntokens a row: median {}, 95 % have {} or fewer, the longest {}",
            self.lengths.quantile(50),
            self.lengths.quantile(95),
            self.lengths.quantile(100)
        );
        let all = self
            .lengths
            .labels
            .values()
            .fold(Truncation::default(), |sum, label| Truncation {
                rows: sum.rows + label.rows,
                truncated: sum.truncated + label.truncated,
            });
        self.add_windows(text, all.rows);
        let max_tokens = self.params.max_tokens;
        if all.truncated == 0 {
            let _ = write!(text, "\ntruncated to {max_tokens} tokens: none");
            return;
        }
        let (rows, share) = (counted(all.truncated, "row"), 100.0 * all.share());
        let _ = write!(text, "\ntruncated to {max_tokens} tokens: {rows} ({share:.1} %)");
        if self.lengths.labels.values().any(|label| label.is_uneven(all)) {
            self.add_labels(text);
        }
    }

    /// The rows that are read in several windows.
    fn add_windows(&self, text: &mut String, all: u64) {
        let Some(tokens) = self.params.windows.map(|windows| windows.tokens) else {
            return;
        };
        let longer = self
            .lengths
            .lengths
            .iter()
            .filter(|(length, _)| **length as usize > tokens);
        let rows: u64 = longer.map(|(_, rows)| rows).sum();
        let share = 100.0 * rows as f64 / all as f64;
        let rows = counted(rows, "row");
        let _ = write!(
            text,
            "\nin several windows of {tokens} tokens: {rows} ({share:.1} %)"
        );
    }

    /// The truncated rows of each label, the largest share first.
    fn add_labels(&self, text: &mut String) {
        text.push_str(", unevenly:");
        let mut labels: Vec<_> = self.lengths.labels.iter().collect();
        labels.sort_by(|one, two| {
            let by_share = two.1.share().total_cmp(&one.1.share());
            by_share.then_with(|| one.0.cmp(two.0))
        });
        for (label, counts) in labels.iter().take(SHOWN_LABELS) {
            let (truncated, rows, share) = (counts.truncated, counts.rows, 100.0 * counts.share());
            let _ = write!(text, "\n  {label}: {truncated} of {rows} ({share:.1} %)");
        }
        let more = labels.len().saturating_sub(SHOWN_LABELS);
        if more > 0 {
            let _ = write!(text, "\n  and {} with smaller shares", counted(more, "label"));
        }
    }

    fn add_duplicates(&self, text: &mut String) {
        let Duplicates {
            exact_copies,
            copies_without_stop_words,
            sizes,
            conflicts,
            first_conflict,
            ..
        } = self.duplicates;
        let rows: u64 = sizes.iter().map(|(size, groups)| size * groups).sum();
        let groups: u64 = sizes.values().sum();
        if let Some((largest, _)) = sizes.last_key_value() {
            let near = rows - groups - exact_copies;
            let _ = write!(
                text,
                "\nduplicates: {rows} rows in {}, the largest of {largest} rows; {exact_copies} repeat another row \
                 exactly, {near} nearly",
                counted(groups, "group")
            );
        } else {
            text.push_str("\nduplicates: none");
        }
        if let Some(count @ 1..) = *copies_without_stop_words {
            let _ = write!(
                text,
                "\nbeyond these, {} equal to another only because `stop_words` removes what sets them \
                 apart; they do not count as duplicates",
                format_args!("{} {}", counted(count, "row"), plural(count, "is", "are"))
            );
        }
        if let Some((one, other)) = first_conflict {
            let _ = write!(
                text,
                "\nwarning: {} of duplicates with more than one label, the first with the rows `{one}` and \
                 `{other}`: no model can be \
                 expected to get both right",
                counted(*conflicts, "group")
            );
        }
    }
}
