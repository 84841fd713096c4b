//! Which labels are almost certainly one class, what their spellings differ in, and which of them is the one
//! to keep.
//!
//! Labels are compared without what nobody means by it: case, white space, Unicode form, characters that
//! cannot be seen, the separator between words, how a number is written, and what programs put around a name.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use labelproof_artifact::wording::listed;
use unicode_normalization::{UnicodeNormalization, is_nfc};

use super::LabelCounts;

/// Two labels that are almost certainly one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alike {
    /// The label to keep.
    pub one: String,
    /// The number of its rows.
    pub one_rows: u64,
    /// The label that is another spelling of it.
    pub other: String,
    /// The number of rows of the other label.
    pub other_rows: u64,
    /// What the two labels differ in.
    pub difference: String,
}

impl Alike {
    /// The first label as a message shows it.
    pub(crate) fn one_quoted(&self) -> String {
        self.quoted(&self.one)
    }

    /// The second label as a message shows it.
    pub(crate) fn other_quoted(&self) -> String {
        self.quoted(&self.other)
    }

    /// An entry of `ingest.labels.rename` that makes them one, in YAML: from the odd spelling to the clean
    /// one.
    pub(crate) fn renaming(&self) -> (String, String) {
        (self.quoted(&self.other), self.quoted(&self.one))
    }

    /// JSON strings are YAML strings, whatever a label holds. Where letters look the same, only their numbers
    /// tell them apart.
    fn quoted(&self, label: &str) -> String {
        let looks_the_same = [FORM, INVISIBLE]
            .iter()
            .any(|name| self.difference.contains(name));
        let json = serde_json::Value::from(label).to_string();
        let mut text = String::new();
        for character in json.chars() {
            let is_told = character.is_whitespace() || is_invisible(character) || looks_the_same;
            if character.is_ascii() || !is_told {
                text.push(character);
            } else {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    let _ = write!(text, "\\u{unit:04x}");
                }
            }
        }
        text
    }
}

const CASE: &str = "case";
const WHITE_SPACE: &str = "white space";
const FORM: &str = "Unicode form";
const INVISIBLE: &str = "characters that cannot be seen";

const SEPARATOR: &str = "what stands between the words";
const AROUND: &str = "what stands around the name";
const NUMBER: &str = "how one number is written";

/// What spellings can differ in: what it is called, and a label without it.
type Aspect = (&'static str, fn(&str) -> String);

/// What two spellings of a name can differ in, in the order that messages name it.
const ASPECTS: [Aspect; 7] = [
    (CASE, lowered),
    (NUMBER, with_plain_number),
    (AROUND, unwrapped),
    (SEPARATOR, with_blanks),
    (WHITE_SPACE, without_white_space),
    (FORM, composed),
    (INVISIBLE, without_invisible),
];

fn lowered(label: &str) -> String {
    label.to_lowercase()
}

fn composed(label: &str) -> String {
    label.nfkc().collect()
}

fn without_white_space(label: &str) -> String {
    label
        .chars()
        .filter(|character| !character.is_whitespace())
        .collect()
}

fn without_invisible(label: &str) -> String {
    label
        .chars()
        .filter(|character| !is_invisible(*character))
        .collect()
}

/// Soft hyphens, marks of direction and of byte order, spaces of no width, and variation selectors. The
/// joiner of emoji is part of what is seen.
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'
            | '\u{200b}'
            | '\u{200c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2060}'
            | '\u{fe0e}'
            | '\u{fe0f}'
            | '\u{feff}'
    )
}

/// A label without what nobody means by it.
fn folded(label: &str) -> String {
    let lower = lowered(&composed(&without_invisible(label)));
    // Once more, because lower case can be a composed and a decomposed letter again.
    composed(&without_white_space(&lower))
}

/// The words of a label, whatever stands between them.
fn words(label: &str) -> String {
    let lower = lowered(&composed(&without_invisible(label)));
    let is_separator = |character: char| character.is_whitespace() || matches!(character, '_' | '-');
    let words: Vec<&str> = lower
        .split(is_separator)
        .filter(|word| !word.is_empty())
        .collect();
    // `C-` is no spelling of `C`, nor is `1-2` one of `1 2`.
    let is_word = |word: &&str| word.chars().all(char::is_alphabetic);
    if words.len() > 1 && words.iter().all(is_word) && !lower.trim().starts_with(is_separator) {
        words.join(" ")
    } else {
        folded(label)
    }
}

/// A label with a blank for each character that some put between words.
fn with_blanks(label: &str) -> String {
    label.replace(['_', '-'], " ")
}

/// A whole number without a sign that says nothing, without leading zeros and without a fraction of zeros.
fn plain_number(text: &str) -> Option<String> {
    let (sign, digits) = match text.strip_prefix(['-', '\u{2212}']) {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = !whole.is_empty()
        && whole.bytes().all(|byte| byte.is_ascii_digit())
        && fraction.bytes().all(|byte| byte == b'0');
    let whole = whole.trim_start_matches('0');
    is_number.then(|| match whole {
        "" => "0".to_owned(),
        whole => format!("{sign}{whole}"),
    })
}

fn with_plain_number(label: &str) -> String {
    plain_number(label).unwrap_or_else(|| label.to_owned())
}

/// The whole number that a label is, however it is written.
fn whole_number(label: &str) -> Option<String> {
    plain_number(&folded(label))
}

/// A label without what programs put around its name: quotation marks, the brackets of a list of one,
/// `__label__`, `LABEL_`, and the word behind a number of stars.
fn unwrapped(label: &str) -> String {
    let mut bare = label;
    for (open, close) in WRAPPINGS {
        bare = bare
            .strip_prefix(open)
            .and_then(|rest| rest.strip_suffix(close))
            .filter(|inside| !inside.is_empty())
            .unwrap_or(bare);
    }
    let bare = bare.strip_prefix("__label__").unwrap_or(bare);
    let number = ["LABEL_", "label_"]
        .iter()
        .find_map(|prefix| bare.strip_prefix(prefix));
    let number = number.or_else(|| {
        let stars = ["stars", "star", "Stars", "Star"];
        stars
            .iter()
            .find_map(|word| bare.strip_suffix(word))
            .map(str::trim_end)
    });
    let is_number = |text: &&str| plain_number(text).is_some();
    number.filter(is_number).unwrap_or(bare).to_owned()
}

const WRAPPINGS: [(char, char); 7] = [
    ('[', ']'),
    ('(', ')'),
    ('{', '}'),
    ('"', '"'),
    ('\'', '\''),
    ('“', '”'),
    ('‘', '’'),
];

/// Whether a label stands in brackets, as a program writes a list.
pub(crate) fn is_list(label: &str) -> bool {
    let label = label.trim();
    label.len() > 2 && label.starts_with('[') && label.ends_with(']')
}

/// The folded form of what a label is without anything around it.
fn bare(label: &str) -> String {
    with_plain_number(&unwrapped(&folded(label)))
}

/// The truth value that a label may be.
fn truth_value(label: &str) -> Option<bool> {
    match bare(label).as_str() {
        "true" | "yes" | "y" | "t" | "1" => Some(true),
        "false" | "no" | "n" | "f" | "0" => Some(false),
        _ => None,
    }
}

/// A label and its rows.
#[derive(Debug, Clone, Copy)]
struct Entry<'a> {
    label: &'a str,
    rows: u64,
    is_chosen: bool,
}

/// Every label that is another spelling of one, with that one, where at least one of the two is `chosen`.
pub(crate) fn alike(chosen: &LabelCounts, not_chosen: &LabelCounts) -> Vec<Alike> {
    let entry = |is_chosen: bool| move |(label, rows): (&'_ String, u64)| (label.clone(), rows, is_chosen);
    let all: Vec<(String, u64, bool)> = chosen
        .iter()
        .map(entry(true))
        .chain(not_chosen.iter().map(entry(false)))
        .collect();
    let entries: Vec<Entry<'_>> = all
        .iter()
        .map(|(label, rows, is_chosen)| Entry {
            label,
            rows: *rows,
            is_chosen: *is_chosen,
        })
        .collect();
    let mut found = Vec::new();
    for mut group in groups(&entries) {
        if !group.iter().any(|entry| entry.is_chosen) {
            continue;
        }
        // Chosen first, because that is the name the user wrote down; then by what is odd about the spelling;
        // then by rows; of equal ones no capitals; then by name.
        group.sort_by_key(|entry| {
            (
                !entry.is_chosen,
                oddness(entry.label),
                Reverse(entry.rows),
                !entry.label.contains(char::is_lowercase),
                entry.label,
            )
        });
        let Some((one, others)) = group.split_first() else {
            continue;
        };
        found.extend(others.iter().map(|other| Alike {
            one: one.label.to_owned(),
            one_rows: one.rows,
            other: other.label.to_owned(),
            other_rows: other.rows,
            difference: difference(one.label, other.label),
        }));
    }
    found
}

/// The labels that are one, group by group: those of which any form is the same. In the order of the first of
/// each.
fn groups<'a>(entries: &[Entry<'a>]) -> Vec<Vec<Entry<'a>>> {
    // The entry that stands for each entry's group, as in a union of sets.
    let mut first: Vec<usize> = (0..entries.len()).collect();
    let mut unite = |form: &dyn Fn(&str) -> Option<String>| {
        let mut by_form: BTreeMap<String, usize> = BTreeMap::new();
        for (place, entry) in entries.iter().enumerate() {
            let Some(form) = form(entry.label) else { continue };
            let one = first[*by_form.entry(form).or_insert(place)];
            let other = first[place];
            if one != other {
                let (keep, drop) = (one.min(other), one.max(other));
                for group in first.iter_mut().filter(|group| **group == drop) {
                    *group = keep;
                }
            }
        }
    };
    unite(&|label| Some(folded(label)));
    unite(&whole_number);
    unite(&|label| Some(words(label)));
    unite(&|label| Some(bare(label)));
    if has_two_words_for_truth(entries) {
        unite(&|label| truth_value(label).map(|value| value.to_string()));
    }
    let mut groups: BTreeMap<usize, Vec<Entry<'a>>> = BTreeMap::new();
    for (group, entry) in first.into_iter().zip(entries) {
        groups.entry(group).or_default().push(*entry);
    }
    groups.into_values().filter(|group| group.len() > 1).collect()
}

/// Whether all labels are truth values, and in more than one way: `True` beside `1`.
fn has_two_words_for_truth(entries: &[Entry<'_>]) -> bool {
    let mut words: Vec<String> = entries.iter().map(|entry| bare(entry.label)).collect();
    words.sort_unstable();
    words.dedup();
    words.len() > 2 && entries.iter().all(|entry| truth_value(entry.label).is_some())
}

/// How much of a spelling nobody means. A rename goes from the odd to the clean.
fn oddness(label: &str) -> u8 {
    let is_squeezed = label.split_whitespace().collect::<Vec<_>>().join(" ") == label;
    let has_wrapping = bare(label) != folded(label) && whole_number(label).is_none();
    let is_plain_number = whole_number(label).is_none_or(|number| number == label);
    8 * u8::from(!is_squeezed || without_invisible(label) != label)
        + 4 * u8::from(has_wrapping)
        + 2 * u8::from(!is_plain_number)
        + u8::from(!is_nfc(label) || composed(label) != label)
}

/// What two labels of one group differ in: the fewest aspects without which they are equal.
fn difference(one: &str, other: &str) -> String {
    let without = |label: &str, chosen: usize| {
        // What is seen first comes last: a blank of another width is white space only once it is composed.
        let mut label = label.to_owned();
        for (place, (_, form)) in ASPECTS.iter().enumerate().rev() {
            if chosen >> place & 1 == 1 {
                label = form(&label);
            }
        }
        label
    };
    let mut subsets: Vec<usize> = (1..1 << ASPECTS.len()).collect();
    subsets.sort_by_key(|subset| (subset.count_ones(), *subset));
    for subset in subsets {
        if without(one, subset) == without(other, subset) {
            let names: Vec<&str> = ASPECTS
                .iter()
                .enumerate()
                .filter(|(place, _)| subset >> place & 1 == 1)
                .map(|(_, (name, _))| *name)
                .collect();
            return listed(&names);
        }
    }
    if truth_value(one).is_some() && truth_value(one) == truth_value(other) {
        "the word for a truth value".to_owned()
    } else {
        "spelling".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(one: &str, other: &str, expected: Option<(&str, &str, &str)>) {
        let counts = [(one, 5), (other, 2)].into_iter().collect();
        let found = alike(&counts, &LabelCounts::default());
        let found = found.first().map(|pair| {
            let (from, to) = pair.renaming();
            (from, to, pair.difference.clone())
        });
        let expected =
            expected.map(|(from, to, difference)| (from.to_owned(), to.to_owned(), difference.to_owned()));
        assert_eq!(found, expected, "{one:?} and {other:?}");
    }

    #[test]
    fn what_labels_differ_in_is_named_exactly() {
        check("sport", "Sport", Some(("\"Sport\"", "\"sport\"", "case")));
        check("TRUE", "true", Some(("\"true\"", "\"TRUE\"", "case")));
        check(
            "a b",
            "a\u{a0}b",
            Some(("\"a\\u00a0b\"", "\"a b\"", "white space")),
        );
        check(
            "é",
            "e\u{301}",
            Some(("\"e\\u0301\"", "\"\\u00e9\"", "Unicode form")),
        );
        check("Ét", "é t", Some(("\"é t\"", "\"Ét\"", "case and white space")));
        check(
            "Ét",
            "e\u{301} t",
            Some((
                "\"e\\u0301 t\"",
                "\"\\u00c9t\"",
                "case, white space and Unicode form",
            )),
        );
        check(
            "sport",
            "sport\u{200b}",
            Some(("\"sport\\u200b\"", "\"sport\"", "characters that cannot be seen")),
        );
        check(
            "1",
            "1.0",
            Some(("\"1.0\"", "\"1\"", "how one number is written")),
        );
        check(
            "sci_tech",
            "Sci-Tech",
            Some((
                "\"Sci-Tech\"",
                "\"sci_tech\"",
                "case and what stands between the words",
            )),
        );
        check(
            " 2.0",
            "2",
            Some(("\" 2.0\"", "\"2\"", "how one number is written and white space")),
        );
        check(
            "sport",
            "__label__Sport",
            Some((
                "\"__label__Sport\"",
                "\"sport\"",
                "case and what stands around the name",
            )),
        );
    }

    #[test]
    fn the_odd_spelling_is_renamed_to_the_clean_one_however_rare_that_is() {
        check(" 2", "2", Some(("\" 2\"", "\"2\"", "white space")));
        check(
            "2.0",
            "2",
            Some(("\"2.0\"", "\"2\"", "how one number is written")),
        );
        check("01", "1", Some(("\"01\"", "\"1\"", "how one number is written")));
        check(
            "sport ",
            "sport",
            Some(("\"sport \"", "\"sport\"", "white space")),
        );
        check(
            "sci  tech",
            "sci tech",
            Some(("\"sci  tech\"", "\"sci tech\"", "white space")),
        );
        check(
            "positive ",
            "POSITIVE",
            Some(("\"positive \"", "\"POSITIVE\"", "case and white space")),
        );
        check("ﬁn", "fin", Some(("\"\\ufb01n\"", "\"fin\"", "Unicode form")));
        check(
            "__label__sport",
            "sport",
            Some(("\"__label__sport\"", "\"sport\"", "what stands around the name")),
        );
    }

    #[test]
    fn what_programs_put_around_a_name_is_no_part_of_it() {
        let around = "what stands around the name";
        check("0", "LABEL_0", Some(("\"LABEL_0\"", "\"0\"", around)));
        check("5", "5 stars", Some(("\"5 stars\"", "\"5\"", around)));
        check("a", "['a']", Some(("\"['a']\"", "\"a\"", around)));
        check("a", "\"a\"", Some(("\"\\\"a\\\"\"", "\"a\"", around)));
    }

    #[test]
    fn truth_values_in_two_languages_are_one_where_there_is_nothing_else() {
        let found = |labels: &[(&str, u64)]| {
            let counts = labels.iter().copied().collect();
            let pairs = alike(&counts, &LabelCounts::default());
            pairs.iter().map(Alike::renaming).collect::<Vec<_>>()
        };
        let expected = [("0", "False"), ("1", "True")];
        let expected = expected.map(|(from, to)| (format!("\"{from}\""), format!("\"{to}\"")));
        assert_eq!(found(&[("True", 5), ("False", 5), ("1", 2), ("0", 2)]), expected);
        assert_eq!(found(&[("True", 5), ("False", 5)]), []);
        assert_eq!(found(&[("yes", 5), ("1", 5), ("2", 5)]), []);
        assert_eq!(found(&[("0", 5), ("1", 5), ("y", 5), ("other", 5)]), []);
    }

    #[test]
    fn labels_that_are_two_stay_two() {
        check("sport", "sports", None);
        check("C", "C++", None);
        check("C", "C-", None);
        check("+", "-", None);
        check("1", "-1", None);
        check("1.10", "1.1", None);
        check("v1.0", "v1", None);
        check("re-sign", "resign", None);
        check("1-2", "1 2", None);
        check("5 stars", "4 stars", None);
        check("yes", "no", None);
    }

    #[test]
    fn a_label_that_is_not_chosen_counts_against_a_chosen_one_only() {
        let chosen = [("sport", 1), ("tech", 1)].into_iter().collect();
        let not_chosen = [("Sport", 9), ("x", 1), ("X", 1)].into_iter().collect();
        let found = alike(&chosen, &not_chosen);
        assert_eq!(found.len(), 1);
        assert_eq!(
            found[0].renaming(),
            ("\"Sport\"".to_owned(), "\"sport\"".to_owned())
        );
    }
}
