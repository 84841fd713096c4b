//! What would look odd to a person who reads through the documents: one row far longer than all others, texts
//! that are numbers, letters of another encoding, a class of one row. Each is a warning, and none a failure.
//!
//! The documents are seen once, in the order of their ids, and what is remembered of them does not grow with
//! their number. What labels say of each other is the affair of `labels`; what is in front of a whole file,
//! that of the readers.
//!
//! Thresholds were chosen on AG News, Banking77, CLINC150, 20 Newsgroups, SMS Spam, TREC and BBC News, and on
//! the files of threads in which something went wrong: as low as nothing untrue is said of the former. The
//! reason stands beside each.

mod common;
mod signs;

use std::cmp::Ordering;
use std::fmt::Write as _;

use labelproof_artifact::wording::{counted, one_line, percent, plural, quoted};
use labelproof_text::labels::{NoLabel, stands_for_none};
use labelproof_text::mojibake::has_mojibake;
use serde::{Deserialize, Serialize};

use crate::labels::LabelCounts;
use crate::labels::alike::is_list;
use crate::params::{Format, Params};
use crate::spill::Candidate;
use common::Common;
use signs::{Kind, is_escaped, is_marked_up, kind};

/// Below it, a share says nothing.
const FEWEST_ROWS: u64 = 20;

/// How many times as long as the next one a text is far longer than all others. The longest text is at most
/// 2.2 times as long as the next in the data sets above (20 Newsgroups); thirteen rows that a quotation mark
/// makes one are 8 times as long.
const FAR_LONGER: u64 = 4;

/// A long text has at least so many characters: a sentence may be many times as long as a word.
const LONG: u64 = 300;

/// The share of texts with line breaks that the issue of a swallowed row begins with. Where nearly all have
/// some, the texts are pages and not lines.
const LINE_BREAKS: std::ops::Range<f64> = 0.1..0.9;

/// The share of texts with broken letters or escapes from which on they are no quotation. None of the data
/// sets above has more than 0.1 % of the one and 0.3 % of the other (20 Newsgroups, on programs).
const MANY: f64 = 0.01;

/// The same for HTML, of which some texts speak: 0.2 % in 20 Newsgroups. 4.0 % of AG News' texts and 5.5 % of
/// SMS Spam's have remains of it, which a person wants to know.
const MARKUP: f64 = 0.02;

/// The share of texts of one kind from which on the column holds that kind.
const MOST: f64 = 0.5;

/// The share of rows with one and the same text from which on a person would ask why. The most frequent
/// message of SMS Spam makes 0.5 %.
const ONE_TEXT: f64 = 0.2;

/// The share of texts of exactly the greatest length from which on they are cut off there. At a limit of 140
/// characters, 1 % of messages end by themselves.
const CUT: f64 = 0.02;

/// The fewest texts of one length, and the shortest such length, that say so.
const FEWEST_CUT: u64 = 5;
const SHORTEST_CUT: u64 = 50;

/// The characters that a cell of a spreadsheet holds at most.
const CELL: u64 = 32_767;

/// The words and the characters from which on a label of one row looks like a text. Class names of the data
/// sets above have up to 6 words and 45 characters.
const LABEL_WORDS: usize = 9;
const LABEL_CHARACTERS: usize = 80;

/// The labels per row from which on they name rows and not classes. CLINC150 has 151 labels for 23,700 rows.
const LABELS_PER_ROW: f64 = 0.5;

/// Labels or kinds that a warning lists; the rest is counted.
const SHOWN: usize = 5;

/// A row: its id, and where it came from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct At {
    id: String,
    source: u32,
    line: Option<u64>,
}

impl At {
    fn of(document: &Candidate) -> Self {
        Self {
            id: document.id.clone(),
            source: document.source,
            line: document.line,
        }
    }
}

/// Rows with a property, and the first of them.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Tally {
    rows: u64,
    first: Option<At>,
}

impl Tally {
    fn add(&mut self, holds: bool, document: &Candidate) {
        if holds {
            self.rows += 1;
            self.first.get_or_insert_with(|| At::of(document));
        }
    }

    fn merge(&mut self, other: Self) {
        self.rows += other.rows;
        self.first = first_of(self.first.take(), other.first);
    }
}

/// The row of the smaller id.
fn first_of(one: Option<At>, other: Option<At>) -> Option<At> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// The lengths of the texts, in characters.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Lengths {
    longest: u64,
    at_longest: Option<At>,
    of_longest: u64,
    /// The length of the next one, which may be as long.
    second: u64,
}

impl Lengths {
    fn see(&mut self, document: &Candidate) {
        let length = document.text.chars().count() as u64;
        match length.cmp(&self.longest) {
            Ordering::Greater => {
                self.second = self.longest;
                self.longest = length;
                self.at_longest = Some(At::of(document));
                self.of_longest = 1;
            }
            Ordering::Equal => {
                self.second = length;
                self.of_longest += 1;
            }
            Ordering::Less => self.second = self.second.max(length),
        }
    }

    fn merge(&mut self, other: Self) {
        match self.longest.cmp(&other.longest) {
            Ordering::Greater => self.second = self.second.max(other.longest),
            Ordering::Less => {
                let second = self.longest.max(other.second);
                *self = Self { second, ..other };
            }
            Ordering::Equal => {
                if self.of_longest > 0 && other.of_longest > 0 {
                    self.second = self.longest;
                }
                self.of_longest += other.of_longest;
                self.at_longest = first_of(self.at_longest.take(), other.at_longest);
            }
        }
    }
}

/// What is remembered of the documents.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Plausibility {
    rows: u64,
    lengths: Lengths,
    line_breaks: Tally,
    escapes: Tally,
    markup: Tally,
    broken: Tally,
    nothing: Tally,
    header: Tally,
    label_is_text: Tally,
    kinds: [Tally; Kind::ALL.len()],
    common: Common,
}

impl Plausibility {
    /// Looks at a document.
    pub(crate) fn see(&mut self, params: &Params, document: &Candidate) {
        let text = document.text.as_str();
        let trimmed = text.trim();
        self.rows += 1;
        self.lengths.see(document);
        self.line_breaks.add(trimmed.contains(['\n', '\r']), document);
        self.escapes.add(is_escaped(text), document);
        self.markup.add(is_marked_up(text), document);
        self.broken.add(has_mojibake(text), document);
        self.nothing.add(is_nothing(trimmed), document);
        self.header.add(repeats_header(params, document), document);
        self.label_is_text
            .add(trimmed.eq_ignore_ascii_case(document.label.trim()), document);
        if let Some(kind) = kind(trimmed) {
            self.kinds[kind as usize].add(true, document);
        }
        self.common.add(text);
    }

    /// Adds what is remembered of other documents. But for how often the most frequent text comes, which is
    /// estimated, it is what one would remember who saw all of them in the order of their ids.
    pub(crate) fn merge(&mut self, other: Self) {
        self.rows += other.rows;
        self.lengths.merge(other.lengths);
        self.line_breaks.merge(other.line_breaks);
        self.escapes.merge(other.escapes);
        self.markup.merge(other.markup);
        self.broken.merge(other.broken);
        self.nothing.merge(other.nothing);
        self.header.merge(other.header);
        self.label_is_text.merge(other.label_is_text);
        for (tally, of_other) in self.kinds.iter_mut().zip(other.kinds) {
            tally.merge(of_other);
        }
        self.common.merge(other.common);
    }

    fn share(&self, tally: &Tally) -> f64 {
        tally.rows as f64 / self.rows.max(1) as f64
    }

    /// The warnings, in the order of how much a person wants to know them. `name` says where a row is.
    pub(crate) fn warnings(
        &self,
        params: &Params,
        labels: &LabelCounts,
        name: &dyn Fn(u32, Option<u64>) -> String,
    ) -> Vec<String> {
        let mut warnings = Vec::new();
        let at = |tally: &Tally| {
            tally
                .first
                .as_ref()
                .map_or_else(String::new, |at| name(at.source, at.line))
        };
        if self.header.rows > 0 {
            warnings.push(format!(
                "{} {} the names of the columns as text and label, as files that were put together do: {}",
                counted(self.header.rows, "row"),
                plural(self.header.rows, "has", "have"),
                at(&self.header)
            ));
        }
        if self.nothing.rows > 0 {
            warnings.push(format!(
                "{} what programs write for nothing, such as `NaN` or `null`: {}",
                is_or_are(self.nothing.rows),
                at(&self.nothing)
            ));
        }
        if self.rows >= FEWEST_ROWS {
            self.warn_of_column(&mut warnings, &at);
            self.warn_of_lengths(params, &mut warnings, name);
            self.warn_of_characters(&mut warnings, &at);
        }
        self.warn_of_labels(labels, &mut warnings);
        warnings
    }

    /// The column of the text is another one.
    fn warn_of_column(&self, warnings: &mut Vec<String>, at: &dyn Fn(&Tally) -> String) {
        if self.share(&self.label_is_text) >= MOST {
            let share = percent(self.share(&self.label_is_text));
            warnings.push(format!(
                "{share} of the texts are the label itself: does `ingest.columns.text` name the right column?"
            ));
            return;
        }
        for kind in Kind::ALL {
            let tally = &self.kinds[kind as usize];
            if self.share(tally) >= MOST {
                warnings.push(format!(
                    "{} of the texts are nothing but {}: does `ingest.columns.text` name the right column? {}",
                    percent(self.share(tally)),
                    kind.name(),
                    at(tally)
                ));
                return;
            }
        }
        if let Some(values) = self.common.few_values(self.rows) {
            warnings.push(format!(
                "there are only {values} different texts in {} rows: does `ingest.columns.text` name the right \
                 column?",
                self.rows
            ));
        } else if let Some(share) = self
            .common
            .most_frequent(self.rows)
            .filter(|share| *share >= ONE_TEXT)
        {
            warnings.push(format!(
                "one and the same text is in about {} of the rows",
                percent(share)
            ));
        }
    }

    fn warn_of_lengths(
        &self,
        params: &Params,
        warnings: &mut Vec<String>,
        name: &dyn Fn(u32, Option<u64>) -> String,
    ) {
        let place = |at: &Option<At>| {
            at.as_ref()
                .map_or_else(String::new, |at| name(at.source, at.line))
        };
        let Lengths {
            longest,
            ref at_longest,
            of_longest,
            second,
        } = self.lengths;
        let at = place(at_longest);
        let cut_share = of_longest as f64 / self.rows as f64;
        if longest >= LONG && longest >= FAR_LONGER * second.max(1) {
            warnings.push(format!(
                "one text is far longer than all others, as if rows had run together: {at} has {longest} \
                 characters, the next one {second}"
            ));
        } else if longest == CELL {
            warnings.push(format!(
                "{} of {CELL} characters, which is all that a cell of a spreadsheet holds, and may be cut off: {at}",
                is_or_are(of_longest)
            ));
        } else if of_longest >= FEWEST_CUT && longest >= SHORTEST_CUT && cut_share >= CUT {
            warnings.push(format!(
                "{of_longest} texts have exactly {longest} characters and none has more, as if they were cut off \
                 there: {at}"
            ));
        }
        let share = self.share(&self.line_breaks);
        let is_delimited = matches!(params.format, Format::Csv | Format::Tsv);
        if is_delimited
            && LINE_BREAKS.contains(&share)
            && params
                .columns
                .as_ref()
                .is_some_and(|columns| columns.text.len() == 1)
        {
            warnings.push(format!(
                "{} of the texts have line breaks, as rows have that a quotation mark made one: {}",
                percent(share),
                place(&self.line_breaks.first)
            ));
        }
    }

    fn warn_of_characters(&self, warnings: &mut Vec<String>, at: &dyn Fn(&Tally) -> String) {
        if self.share(&self.broken) >= MANY {
            warnings.push(format!(
                "{} of the texts have letters that were read in another encoding than they were written in \
                 (`Ã©` for `é`): {}",
                percent(self.share(&self.broken)),
                at(&self.broken)
            ));
        }
        if self.share(&self.markup) >= MARKUP {
            warnings.push(format!(
                "{} of the texts have HTML in them, which `preprocess.clean: [html]` makes text of: {}",
                percent(self.share(&self.markup)),
                at(&self.markup)
            ));
        }
        if self.share(&self.escapes) >= MANY {
            warnings.push(format!(
                "{} of the texts have `\\n`, `\\t` or `\\\"` as two characters, as if escapes were not undone: {}",
                percent(self.share(&self.escapes)),
                at(&self.escapes)
            ));
        }
    }

    fn warn_of_labels(&self, labels: &LabelCounts, warnings: &mut Vec<String>) {
        let count = labels.len() as u64;
        if self.rows >= FEWEST_ROWS && count as f64 >= LABELS_PER_ROW * self.rows as f64 {
            warnings.push(format!(
                "there are {count} labels for {} rows: does `ingest.columns.label` name the right column?",
                self.rows
            ));
            return;
        }
        if count > 0 && labels.names().all(|label| is_list(label)) {
            let names: Vec<String> = labels.names().cloned().collect();
            warnings.push(format!(
                "every label is a list of one, as a program writes it: {}; `ingest.labels.rename` makes names of them",
                quoted(&names, SHOWN)
            ));
        }
        let single: Vec<String> = labels
            .iter()
            .filter(|(_, rows)| *rows == 1)
            .map(|(label, _)| label.clone())
            .collect();
        let (texts, names): (Vec<String>, Vec<String>) =
            single.into_iter().partition(|label| looks_like_text(label));
        if let Some(first) = texts.first() {
            let mut warning = format!(
                "{} of one row {} like a text: `{}`",
                counted(texts.len() as u64, "label"),
                plural(texts.len() as u64, "looks", "look"),
                one_line(first)
            );
            if texts.len() > 1 {
                let _ = write!(warning, " and {} more", texts.len() - 1);
            }
            warnings.push(warning);
        }
        if !names.is_empty() {
            warnings.push(format!(
                "{} {} only one row, which cannot be in train and test: {}",
                counted(names.len() as u64, "label"),
                plural(names.len() as u64, "has", "have"),
                quoted(&names, SHOWN)
            ));
        }
    }
}

/// Files that were put together have their headers in between.
fn repeats_header(params: &Params, document: &Candidate) -> bool {
    params.columns.as_ref().is_some_and(|columns| {
        columns.text.len() == 1 && document.text == columns.text[0] && document.label == columns.label
    })
}

/// Whether a text is a word that programs write for nothing. Only short ones are worth a look.
fn is_nothing(text: &str) -> bool {
    const LONGEST: usize = 20;
    text.len() <= LONGEST
        && text.contains(char::is_alphabetic)
        && stands_for_none(text) == Some(NoLabel::Always)
}

fn looks_like_text(label: &str) -> bool {
    label.split_whitespace().count() >= LABEL_WORDS || label.chars().count() >= LABEL_CHARACTERS
}

fn is_or_are(texts: u64) -> String {
    format!("{} {}", counted(texts, "text"), plural(texts, "is", "are"))
}

#[cfg(test)]
mod tests;
