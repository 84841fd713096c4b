//! What the first rows of a column look like.

use std::collections::{BTreeMap, BTreeSet};

use labelproof_tables::Cell;

use crate::intake::split_of;

/// The rows that are looked at.
pub(super) const ROWS: usize = 2_000;
/// More different values than this are not told apart.
const MOST_VALUES: usize = 1_000;
/// Labels are not longer than this on average, in characters.
const LONGEST_LABEL: usize = 60;

/// The first rows of a column.
#[derive(Debug, Clone, Default)]
pub(super) struct Profile {
    /// Rows with something in them.
    pub(super) filled: usize,
    /// The values with their rows; cut off after many.
    values: BTreeMap<String, usize>,
    has_many: bool,
    characters: usize,
    words: usize,
    numbers: usize,
    fractions: usize,
    /// Rows that begin as `2024-03-05` or `05/03/2024` do.
    dates: usize,
    /// Rows that are objects, or lists of several elements.
    nested: usize,
}

impl Profile {
    /// Adds the cell of a row.
    pub(super) fn push(&mut self, cell: &Cell<'_>) {
        let text = match cell {
            Cell::Text(text) => text.as_ref().to_owned(),
            Cell::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Cell::Number(number) => number.to_string(),
            Cell::Boolean(value) => value.to_string(),
            Cell::Missing | Cell::Absent => return,
            // A list of one is what is in it.
            Cell::List(items) | Cell::Each(items) if items.len() <= 1 => {
                return items.iter().for_each(|item| self.push(item));
            }
            // So is what all of several annotators say.
            Cell::Each(items) if items.iter().all(|item| *item == items[0]) => return self.push(&items[0]),
            Cell::Numbers(_) | Cell::List(_) | Cell::Each(_) | Cell::Nested(_) | Cell::Other(_) => {
                self.filled += 1;
                self.nested += 1;
                return;
            }
        };
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        self.filled += 1;
        self.characters += text.chars().count();
        self.words += text.split_whitespace().count();
        if let Ok(number) = text.parse::<f64>() {
            self.numbers += 1;
            self.fractions += usize::from(number.fract() != 0.0);
        }
        self.dates += usize::from(is_date(text));
        if let Some(rows) = self.values.get_mut(text) {
            *rows += 1;
        } else if self.values.len() < MOST_VALUES {
            self.values.insert(text.to_owned(), 1);
        } else {
            self.has_many = true;
        }
    }

    /// The number of different values; none if there are very many.
    pub(super) fn different(&self) -> Option<usize> {
        (!self.has_many).then_some(self.values.len())
    }

    /// The values, if there are no more than so many.
    pub(super) fn all_values(&self, most: usize) -> Option<BTreeSet<String>> {
        let is_known = !self.has_many && self.nested == 0 && self.values.len() <= most;
        is_known.then(|| self.values.keys().cloned().collect())
    }

    /// The mean length in characters.
    pub(super) fn length(&self) -> f64 {
        self.characters as f64 / self.filled.max(1) as f64
    }

    /// Whether these may be the labels of a classification: several, and each of them again and again. In a
    /// column that is called so (`is_named`), one of them again is enough.
    pub(super) fn may_be_label(&self, is_named: bool) -> bool {
        let recurs = self.different().is_some_and(|different| {
            let few = different <= 2 || different * 2 <= self.filled || is_named && different < self.filled;
            different >= 2 && few
        });
        recurs
            && (is_named || self.dates < self.filled)
            && self.nested == 0
            && self.characters <= LONGEST_LABEL * self.filled
            && !(self.fractions > 0 && self.different() > Some(20))
    }

    /// Whether these may be texts to classify: words, and hardly twice the same ones.
    pub(super) fn may_be_text(&self) -> bool {
        let differ = self
            .different()
            .is_none_or(|different| different * 3 > self.filled);
        self.filled > 0 && self.nested == 0 && self.numbers * 2 < self.filled && differ
    }

    /// Whether the texts are of several words each.
    pub(super) fn is_of_words(&self) -> bool {
        self.words > 2 * self.filled
    }

    /// Whether no two of `rows` rows have one value, and none has none.
    pub(super) fn is_unique(&self, rows: usize) -> bool {
        self.filled == rows && self.nested == 0 && self.values.values().all(|rows| *rows == 1)
    }

    /// Whether there is no other value than these.
    pub(super) fn has_only(&self, values: &[&str]) -> bool {
        self.filled > 0 && !self.has_many && self.values.keys().all(|value| values.contains(&value.as_str()))
    }

    /// Whether every value names a split, and there are several of them.
    pub(super) fn is_split(&self) -> bool {
        self.values.len() >= 2
            && self.filled > 0
            && self.nested == 0
            && !self.has_many
            && self.values.keys().all(|value| split_of(value).is_some())
    }

    /// The values, with `…` behind the first of very many.
    pub(super) fn examples(&self) -> String {
        const SHOWN: usize = 5;
        let shown = self.values.keys().take(SHOWN);
        let mut examples: Vec<String> = shown
            .map(|value| labelproof_artifact::wording::one_line(value))
            .collect();
        if self.has_many || self.values.len() > SHOWN {
            examples.push("…".to_owned());
        }
        examples.join(", ")
    }
}

/// Whether a value begins with three numbers, as a date does that is written in digits.
fn is_date(value: &str) -> bool {
    let day = value.split([' ', 'T']).next().unwrap_or_default();
    ['-', '/', '.'].into_iter().any(|separator| {
        let parts: Vec<&str> = day.split(separator).collect();
        let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        parts.len() == 3 && parts.iter().all(is_number) && day.len() >= 6
    })
}
