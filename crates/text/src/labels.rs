//! What the name of a label says on its own: whether two are one class that is spelled in two ways, and which
//! stand for no label at all.
//!
//! Ingest and the audit share these rules. What is done with such labels is theirs, and so is everything that
//! other evidence (splits, predictions, settings) says of them.

use crate::key::normalized_key;

/// A label without what only spelling tells apart: Unicode form, letter case, spaces around and between, and
/// the `.0` that a table of numbers adds.
///
/// ```
/// use labelproof_text::labels::normalized_label;
///
/// assert_eq!(normalized_label(" Sport"), normalized_label("sport"));
/// assert_eq!(normalized_label("1.0"), normalized_label("1"));
/// ```
pub fn normalized_label(label: &str) -> String {
    let key = normalized_key(label);
    match key.split_once('.') {
        Some((whole, zeros)) if whole.parse::<i64>().is_ok() && zeros.bytes().all(|byte| byte == b'0') => {
            whole.to_owned()
        }
        _ => key,
    }
}

/// How surely a label stands for no label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoLabel {
    /// Some data sets have a class of this name: `none`, `unknown`.
    Sometimes,
    /// A word for what is not given out, which is hardly ever a class: `hidden`.
    Hardly,
    /// A number that data sets write where a label was never given out: `-1`. Beside others it may be one
    /// of a scale.
    Number,
    /// What programs write for nothing, and words for it: `NaN`, `null`, `unlabeled`, an empty cell.
    Always,
}

/// What stands for no label, in the form of [`normalized_label`].
const ALWAYS: &[&str] = &[
    "",
    "?",
    "??",
    "???",
    "-",
    "--",
    "nan",
    "-nan",
    "<na>",
    "nat",
    "null",
    "<null>",
    "(null)",
    "[null]",
    "\\n",
    "n/a",
    "n.a.",
    "#n/a",
    "#n/a n/a",
    "#na",
    "#null!",
    "#num!",
    "#ref!",
    "#name?",
    "#value!",
    "#div/0!",
    "1.#ind",
    "-1.#ind",
    "1.#qnan",
    "-1.#qnan",
    "(blank)",
    "(empty)",
    "(none)",
    "dummy",
    "placeholder",
    "unlabeled",
    "unlabelled",
    "<unlabeled>",
    "unsup",
    "unsupervised",
    "not labeled",
    "not labelled",
    "no label",
    "no_label",
    "no-label",
    "nolabel",
    "not available",
    "not_available",
    "__label__",
    "__label__?",
    "__label__dummy",
    "__label__unknown",
];

const NUMBERS: &[&str] = &["-1", "-100", "-99", "-999", "-9999", "label_-1", "__label__-1"];

const HARDLY: &[&str] = &["hidden", "withheld", "masked", "tbd", "todo"];

const SOMETIMES: &[&str] = &[
    "unknown",
    "unk",
    "<unk>",
    "[unk]",
    "none",
    "nil",
    "na",
    "missing",
    "undefined",
    "empty",
    "blank",
    "xxx",
    "x",
    "ignore",
    "unbekannt",
    "inconnu",
    "desconocido",
    "desconhecido",
    "sconosciuto",
    "onbekend",
    "неизвестно",
    "未知",
    "不明",
    "test",
    "label",
    "__unknown__",
    "not given",
    "not_given",
    "999",
    "9999",
    "-2",
];

/// Whether a label may stand for no label, and how surely; none for what is a label like any other.
pub fn stands_for_none(label: &str) -> Option<NoLabel> {
    let key = normalized_label(label);
    let lists = [
        (ALWAYS, NoLabel::Always),
        (NUMBERS, NoLabel::Number),
        (HARDLY, NoLabel::Hardly),
        (SOMETIMES, NoLabel::Sometimes),
    ];
    lists
        .into_iter()
        .find(|(words, _)| words.contains(&key.as_str()))
        .map(|(_, sureness)| sureness)
}

/// Whether the labels beside it make a class of what else would stand for no label: `-1` beside nothing but
/// `1`, `-` beside `+`, and a mark such as `?` among other marks. All are in the form of [`normalized_label`].
pub fn is_counterpart<'a>(label: &str, others: impl IntoIterator<Item = &'a str>) -> bool {
    let others: Vec<&str> = others.into_iter().collect();
    let is_mark = |label: &str| !label.is_empty() && !label.chars().any(char::is_alphanumeric);
    match label {
        "-1" => others == ["1"],
        mark if is_mark(mark) => others.iter().any(|other| is_mark(other)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_class_become_equal() {
        let check = |one: &str, other: &str| assert_eq!(normalized_label(one), normalized_label(other));
        check("Sport", " sport ");
        check("1", "1.0");
        check("ﬁlm", "film");
        assert_ne!(normalized_label("v1.0"), normalized_label("v1"));
        assert_ne!(normalized_label("10"), normalized_label("1.0"));
    }

    #[test]
    fn what_pandas_reads_as_not_there_stands_for_no_label() {
        // `pandas._libs.parsers.STR_NA_VALUES` of pandas 2.3.
        for value in [
            "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
            "<NA>", "N/A", "NULL", "NaN", "n/a", "nan", "null",
        ] {
            assert_eq!(stands_for_none(value), Some(NoLabel::Always), "{value}");
        }
        // These two are words, too.
        for value in ["NA", "None"] {
            assert_eq!(stands_for_none(value), Some(NoLabel::Sometimes), "{value}");
        }
    }

    #[test]
    fn lists_are_in_normal_form_and_labels_are_none_of_them() {
        for word in [ALWAYS, NUMBERS, HARDLY, SOMETIMES].concat() {
            assert_eq!(normalized_label(word), word);
        }
        for label in ["0", "1", "sport", "neutral", "other", "-3", "n", "no"] {
            assert_eq!(stands_for_none(label), None, "{label}");
        }
    }

    #[test]
    fn the_counterpart_of_a_class_is_a_class() {
        assert!(is_counterpart("-1", ["1"]));
        assert!(!is_counterpart("-1", ["0", "1"]));
        assert!(is_counterpart("-", ["+", "0"]));
        assert!(is_counterpart("?", [".", "!"]));
        assert!(!is_counterpart("?", ["sport", "tech"]));
        assert!(!is_counterpart("", ["+"]));
    }
}
