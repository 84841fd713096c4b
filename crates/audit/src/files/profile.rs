//! What the first rows of a column look like: numbers, a few labels, texts, lists.
//!
//! Names say what a column is; this says whether it can be, and decides between two that are called alike.

use std::collections::BTreeMap;

use labelproof_tables::Cell;
use labelproof_text::labels::normalized_label;

use super::literal::{Literal, parse_printed};

/// The rows that are looked at.
pub(super) const ROWS: usize = 2_000;
/// More different values than this are not remembered.
const MOST_VALUES: usize = 400;

/// The first rows of a column.
#[derive(Debug, Clone, Default)]
pub(super) struct Profile {
    /// Rows with something in them.
    pub(super) filled: usize,
    /// Each row as a number, NaN where it is none.
    pub(super) numbers: Vec<f64>,
    /// The values as they are compared, with their rows; cut off after many.
    pub(super) values: BTreeMap<String, usize>,
    has_many: bool,
    characters: usize,
    words: usize,
    /// Rows that are lists of several numbers.
    lists: usize,
    /// Rows that are classes with scores.
    scored: usize,
    /// Rows that are lists of something else than numbers, in a format that has lists.
    nested: usize,
    /// Rows that are maps of something else.
    pub(super) maps: usize,
    /// Rows that are lists of any length, and those that have several items.
    word_lists: usize,
    several: usize,
    several_example: Option<String>,
    /// Rows in which a list of numbers holds several ones and nothing but zeros and ones.
    multi_hot: usize,
    /// Rows in which it holds a single one and nothing but zeros beside it.
    one_hot: usize,
}

impl Profile {
    /// Adds a row; numbers may be written with a comma.
    pub(super) fn push(&mut self, cell: &Cell<'_>, commas: bool) {
        self.numbers.push(f64::NAN);
        match cell {
            Cell::Missing | Cell::Absent | Cell::Other(_) | Cell::List(_) | Cell::Each(_) => {}
            Cell::Boolean(value) => self.push_text(&value.to_string(), false),
            Cell::Number(value) => self.push_text(&value.to_string(), false),
            Cell::Numbers(list) => {
                self.filled += 1;
                self.word_lists += 1;
                if list.len() > 1 {
                    self.several += 1;
                    self.several_example.get_or_insert_with(|| format!("{list:?}"));
                }
                self.push_list(list);
            }
            Cell::Bytes(bytes) => self.push_text(&String::from_utf8_lossy(bytes), commas),
            Cell::Text(text) => self.push_text(text, commas),
            Cell::Nested(json) => {
                self.nested += usize::from(json.starts_with('['));
                self.push_text(json, false);
            }
        }
    }

    fn push_text(&mut self, text: &str, commas: bool) {
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        self.filled += 1;
        self.characters += text.chars().count();
        self.words += text.split_whitespace().count();
        let point = if commas {
            text.replace(',', ".")
        } else {
            String::new()
        };
        let number = text.parse().or_else(|_| point.parse());
        if let (Ok(number), Some(last)) = (number, self.numbers.last_mut()) {
            *last = number;
        }
        if self.values.len() < MOST_VALUES {
            *self.values.entry(normalized_label(text)).or_default() += 1;
        } else if let Some(count) = self.values.get_mut(&normalized_label(text)) {
            *count += 1;
        } else {
            self.has_many = true;
        }
        let is_printed = text.ends_with([']', ')', '}']);
        if let Some(printed) = is_printed.then(|| parse_printed(text)).flatten() {
            self.push_literal(&printed, text);
        }
    }

    fn push_literal(&mut self, printed: &Literal<'_>, text: &str) {
        if printed.scores_by_class().is_some() {
            self.scored += 1;
        } else if let Literal::Map(_) = printed {
            self.maps += 1;
        } else if let Some(numbers) = printed.numbers() {
            self.push_list(&numbers);
        }
        if let Some(words) = printed.words() {
            self.word_lists += 1;
            if words.len() > 1 {
                self.several += 1;
                self.several_example.get_or_insert_with(|| text.to_owned());
            }
        }
    }

    fn push_list(&mut self, list: &[f64]) {
        if list.len() < 2 {
            return;
        }
        self.lists += 1;
        let is = |value: &f64, wanted: f64| value.total_cmp(&wanted).is_eq();
        let ones = list.iter().filter(|value| is(value, 1.0)).count();
        let zeros = list.iter().filter(|value| is(value, 0.0)).count();
        let is_hot = ones + zeros == list.len();
        self.multi_hot += usize::from(is_hot && ones > 1);
        self.one_hot += usize::from(is_hot && ones == 1);
    }

    /// Whether every row that is filled is a number.
    pub(super) fn is_numeric(&self) -> bool {
        self.filled > 0 && self.finite().count() == self.filled
    }

    fn finite(&self) -> impl Iterator<Item = f64> {
        self.numbers.iter().copied().filter(|number| number.is_finite())
    }

    /// Whether all are numbers between 0 and 1.
    pub(super) fn is_share(&self) -> bool {
        self.is_numeric() && self.finite().all(|number| (0.0..=1.0).contains(&number))
    }

    /// Whether all are whole numbers.
    pub(super) fn is_whole(&self) -> bool {
        self.is_numeric() && self.finite().all(|number| number.fract() == 0.0)
    }

    /// The smallest number.
    pub(super) fn least(&self) -> f64 {
        self.finite().fold(f64::INFINITY, f64::min)
    }

    /// Whether these are measured and not counted: fractions, hardly one twice.
    pub(super) fn is_continuous(&self) -> bool {
        self.is_numeric() && !self.is_whole() && (self.has_many || self.values.len() * 2 > self.filled.max(4))
    }

    /// Whether each row is a list of scores, or of classes with scores.
    pub(super) fn is_list_of_scores(&self) -> bool {
        self.filled > 0 && (self.lists == self.filled && self.multi_hot == 0 || self.is_scored())
    }

    /// Whether each row is a list that is no text, such as its tokens.
    pub(super) fn is_nested_list(&self) -> bool {
        self.filled > 0 && self.nested == self.filled
    }

    /// Whether each row names classes with their scores.
    pub(super) fn is_scored(&self) -> bool {
        self.filled > 0 && self.scored == self.filled
    }

    /// Whether these may be labels: few different values, and no long texts.
    pub(super) fn is_label(&self) -> bool {
        let few = !self.has_many && (self.values.len() <= 2 || self.values.len() * 2 <= self.filled);
        self.filled > 0 && few && !self.is_continuous() && self.characters <= 60 * self.filled
    }

    /// Whether these are texts: several words, nearly all different.
    pub(super) fn is_text(&self) -> bool {
        let different = self.has_many || self.values.len() * 10 > self.filled * 8;
        !self.is_numeric()
            && different
            && self.lists + self.scored + self.nested == 0
            && self.words > 3 * self.filled.max(1)
    }

    /// Characters of all rows.
    pub(super) fn characters(&self) -> usize {
        self.characters
    }

    /// Whether the rows count themselves, or name themselves by numbers that are all different.
    pub(super) fn is_number_of_row(&self) -> bool {
        let numbers: Vec<f64> = self.finite().collect();
        let rising = numbers.windows(2).all(|pair| pair[0] < pair[1]);
        self.is_whole() && numbers.len() > 2 && rising
    }

    /// Whether the values are words: what 0 and 1 have in common with another column says nothing.
    pub(super) fn is_of_words(&self) -> bool {
        let is_plain = |value: &String| {
            value.parse::<f64>().is_ok()
                || ["true", "false", "yes", "no", "t", "f", "y", "n"].contains(&value.as_str())
        };
        !self.values.keys().all(is_plain)
    }

    /// The share of rows whose value the other column has too.
    pub(super) fn share_within(&self, other: &Self) -> f64 {
        let known = self
            .values
            .iter()
            .filter(|(value, _)| other.values.contains_key(*value));
        let rows: usize = known.map(|(_, rows)| rows).sum();
        rows as f64 / self.filled.max(1) as f64
    }

    /// A row with several labels, where rows have them: lists, or, unless only lists count, labels with
    /// something between them.
    pub(super) fn several_labels(&self, only_lists: bool) -> Option<String> {
        if self.one_hot > 0 && self.one_hot == self.filled {
            return None;
        }
        if self.several > 0 && self.word_lists == self.filled && self.scored == 0 {
            return self.several_example.clone();
        }
        if only_lists || self.is_numeric() || self.word_lists > 0 {
            return None;
        }
        [" | ", "|", ";", ", ", ","]
            .into_iter()
            .find_map(|separator| self.joined_by(separator))
    }

    /// A value that joins others, if the values are combinations: more of them than of their parts.
    fn joined_by(&self, separator: &str) -> Option<String> {
        let mut parts: BTreeMap<&str, usize> = BTreeMap::new();
        let mut joined = 0;
        let mut example = None;
        for (value, rows) in &self.values {
            let split: Vec<&str> = value.split(separator).map(str::trim).collect();
            if split.len() > 1 {
                joined += rows;
                example.get_or_insert(value);
            }
            for part in split {
                *parts.entry(part).or_default() += 1;
            }
        }
        let shared = parts.values().filter(|values| **values > 1).count();
        let are_combined = joined * 20 >= self.filled
            && self.values.len() > parts.len()
            && shared * 2 >= parts.len()
            && !parts.contains_key("");
        example.filter(|_| are_combined).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(values: &[&str]) -> Profile {
        let mut profile = Profile::default();
        for value in values {
            profile.push(&Cell::Bytes(value.as_bytes()), false);
        }
        profile
    }

    #[test]
    fn several_labels_a_row_are_combinations_of_a_few() {
        let several = |values: &[&str]| profile(values).several_labels(false).is_some();
        assert!(several(&["a|b", "a", "b", "b|c", "c"]));
        assert!(several(&["['a', 'b']", "['a']", "[]", "['c']"]));
        assert!(several(&[
            "sport, tech",
            "sport",
            "tech",
            "tech, business",
            "business"
        ]));
        assert!(several(&["[1, 0, 1]", "[0, 1, 0]"]));
        // Names with a comma, and a hierarchy, are one label.
        assert!(!several(&["Science, Tech", "Arts", "Science, Tech", "Sports"]));
        assert!(!several(&[
            "sport|football",
            "sport|tennis",
            "news|world",
            "news|local"
        ]));
        assert!(!several(&["['a']", "['b']", "['a']"]));
        assert!(!several(&["[0, 1, 0]", "[1, 0, 0]"]));
    }

    #[test]
    fn what_a_column_may_be_is_told_by_its_values() {
        assert!(profile(&["0.25", "0.5", "0.125", "0.7", "0.9"]).is_continuous());
        assert!(profile(&["4.5", "3.5", "4.5", "4.5", "3.5", "3.5"]).is_label());
        assert!(profile(&["1", "0", "1", "1"]).is_label());
        assert!(profile(&["this is a text", "and here is another", "they all differ so"]).is_text());
        assert!(profile(&["[0.25, 0.75]", "[0.5 0.5]"]).is_list_of_scores());
        assert!(profile(&["{'a': 0.25, 'b': 0.75}"]).is_scored());
        assert!(profile(&["3", "4", "9"]).is_number_of_row());
    }
}
