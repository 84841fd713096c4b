//! The summary that preprocess reports at its end: lengths, truncation, duplicates, rejects.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use labelproof_artifact::wording::{counted, plural};
use labelproof_text::windows::Windows;

use crate::error::reject_line;
use crate::survey::Survey;

/// Labels whose truncation is listed, at most.
const SHOWN_LABELS: usize = 20;

/// A label's share of truncated rows is worth telling where it differs by this much from that of all rows …
const UNEVEN: f64 = 0.05;

/// … and by more than so many standard errors, so that a label of ten rows does not raise an alarm.
const STANDARD_ERRORS: f64 = 3.0;

/// The counts of a run, collected row by row.
pub(crate) struct Summary {
    max_tokens: usize,
    /// The tokens of a window, where longer texts are read in several.
    window: Option<usize>,
    labels: BTreeMap<String, Truncation>,
    /// The number of rows by their length in tokens before truncation.
    lengths: BTreeMap<u32, u64>,
    conflicts: u64,
    first_conflict: Option<(String, String)>,
}

#[derive(Debug, Clone, Copy, Default)]
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

impl Summary {
    pub(crate) fn new(max_tokens: usize, windows: Option<Windows>) -> Self {
        Self {
            max_tokens,
            window: windows.map(|windows| windows.tokens),
            labels: BTreeMap::new(),
            lengths: BTreeMap::new(),
            conflicts: 0,
            first_conflict: None,
        }
    }

    /// Counts a row of so many tokens before truncation.
    pub(crate) fn add(&mut self, label: &str, full_length: u32) {
        *self.lengths.entry(full_length).or_default() += 1;
        let is_truncated = full_length as usize > self.max_tokens;
        if !self.labels.contains_key(label) {
            self.labels.insert(label.to_owned(), Truncation::default());
        }
        if let Some(counts) = self.labels.get_mut(label) {
            counts.rows += 1;
            counts.truncated += u64::from(is_truncated);
        }
    }

    /// Counts a group of duplicates of which two rows, named here, have two labels.
    pub(crate) fn add_conflict(&mut self, one: &str, other: &str) {
        self.conflicts += 1;
        self.first_conflict
            .get_or_insert_with(|| (one.to_owned(), other.to_owned()));
    }

    /// The message to the user.
    pub(crate) fn text(&self, survey: &Survey) -> String {
        let mut text = format!("{} prepared", counted(survey.groups.len() as u64, "row"));
        self.add_lengths(&mut text);
        self.add_duplicates(&mut text, survey);
        if survey.reject_count > 0 {
            let _ = write!(
                text,
                "\nrejects, listed in `rejects.parquet`: {}",
                survey.reject_count
            );
            for reject in &survey.first_rejects {
                let _ = write!(text, "\n  {}", reject_line(reject));
            }
            let more = survey
                .reject_count
                .saturating_sub(survey.first_rejects.len() as u64);
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
            self.quantile(50),
            self.quantile(95),
            self.quantile(100)
        );
        let all = self
            .labels
            .values()
            .fold(Truncation::default(), |sum, label| Truncation {
                rows: sum.rows + label.rows,
                truncated: sum.truncated + label.truncated,
            });
        self.add_windows(text, all.rows);
        let max_tokens = self.max_tokens;
        if all.truncated == 0 {
            let _ = write!(text, "\ntruncated to {max_tokens} tokens: none");
            return;
        }
        let (rows, share) = (counted(all.truncated, "row"), 100.0 * all.share());
        let _ = write!(text, "\ntruncated to {max_tokens} tokens: {rows} ({share:.1} %)");
        if self.labels.values().any(|label| label.is_uneven(all)) {
            self.add_labels(text);
        }
    }

    /// The rows that are read in several windows.
    fn add_windows(&self, text: &mut String, all: u64) {
        let Some(tokens) = self.window else {
            return;
        };
        let longer = self
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
        let mut labels: Vec<_> = self.labels.iter().collect();
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

    fn add_duplicates(&self, text: &mut String, survey: &Survey) {
        let rows: u64 = survey.group_sizes().map(u64::from).sum();
        let groups = survey.group_sizes().count() as u64;
        if let Some(largest) = survey.group_sizes().max() {
            let exact = survey.exact_copies as u64;
            let near = rows - groups - exact;
            let _ = write!(
                text,
                "\nduplicates: {rows} rows in {}, the largest of {largest} rows; {exact} repeat another row \
                 exactly, {near} nearly",
                counted(groups, "group")
            );
        } else {
            text.push_str("\nduplicates: none");
        }
        if let Some(count @ 1..) = survey.copies_without_stop_words {
            let _ = write!(
                text,
                "\nbeyond these, {} equal to another only because `stop_words` removes what sets them \
                 apart; they do not count as duplicates",
                format_args!("{} {}", counted(count, "row"), plural(count, "is", "are"))
            );
        }
        if let Some((one, other)) = &self.first_conflict {
            let _ = write!(
                text,
                "\nwarning: {} of duplicates with more than one label, the first with the rows `{one}` and \
                 `{other}`: no model can be \
                 expected to get both right",
                counted(self.conflicts, "group")
            );
        }
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
