//! Wording for people: numbers with their nouns, shares, lists, and names that are spelled nearly right.
//! Messages of all crates are put together from these, so that one thing is said in one way.
//!
//! Not responsible for the report, whose typography is its own (`format` of `report`).

use std::fmt::Display;

/// The form of a word that goes with a number: `one` with 1, and `several` with any other number.
pub fn plural<'a, N: Copy + PartialEq + From<u8>>(number: N, one: &'a str, several: &'a str) -> &'a str {
    if number == N::from(1) { one } else { several }
}

/// A number with its noun, which takes an `s` in the plural: `1 row`, `2 rows`.
pub fn counted<N: Copy + Display + PartialEq + From<u8>>(number: N, noun: &str) -> String {
    format!("{number} {noun}{}", plural(number, "", "s"))
}

/// A share in per cent with one decimal place, such as `12.3 %`. What is not quite nothing does not round to
/// it.
pub fn percent(share: f64) -> String {
    let shown = share * 100.0;
    if shown > 0.0 && shown < 0.1 {
        return "less than 0.1 %".to_owned();
    }
    format!("{shown:.1} %")
}

/// A list as a sentence has it: `a, b and c`.
pub fn listed<T: AsRef<str>>(items: &[T]) -> String {
    let items: Vec<&str> = items.iter().map(AsRef::as_ref).collect();
    match items.as_slice() {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        _ => items.concat(),
    }
}

/// Names in backticks of which one is enough: `` `a`, `b` or `c` ``.
pub fn alternatives<T: AsRef<str>>(names: &[T]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{}`", name.as_ref())).collect();
    match names.as_slice() {
        [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        _ => names.concat(),
    }
}

/// Names in backticks, the first `shown` of them: `` `a`, `b` and 5 more ``, or `none`.
pub fn quoted(names: &[String], shown: usize) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    let first = names
        .iter()
        .take(shown)
        .map(|name| format!("`{}`", one_line(name)));
    let text = first.collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(shown) {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}

/// A value of the user's data as a message shows it: control characters escaped, and cut after 60 characters.
pub fn one_line(value: &str) -> String {
    const SHOWN: usize = 60;
    let mut text = String::new();
    for character in value.chars().take(SHOWN) {
        if character.is_control() {
            text.extend(character.escape_default());
        } else {
            text.push(character);
        }
    }
    if value.chars().nth(SHOWN).is_some() {
        text.push('…');
    }
    text
}

/// A text with a capital letter at its beginning.
pub fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(characters).collect()
}

/// The name whose spelling is most like a wanted one, if any is like it at all; upper and lower case are the
/// same.
pub fn nearest<'a, S: AsRef<str> + ?Sized + 'a>(
    wanted: &str,
    names: impl IntoIterator<Item = &'a S>,
) -> Option<&'a str> {
    // Below this Jaro-Winkler similarity, two names have no more than a few letters in common.
    const ALIKE: f64 = 0.75;
    let wanted = wanted.to_lowercase();
    names
        .into_iter()
        .map(AsRef::as_ref)
        .map(|name: &str| (strsim::jaro_winkler(&wanted, &name.to_lowercase()), name))
        .filter(|(similarity, _)| *similarity >= ALIKE)
        .max_by(|(one, one_name), (other, other_name)| one.total_cmp(other).then(other_name.cmp(one_name)))
        .map(|(_, name)| name)
}

/// The parts of an explanation in their order, each with whether it stands between backticks: code, names of
/// files and settings. A backtick without another one is one.
pub fn spans(explanation: &str) -> Vec<(bool, &str)> {
    let mut spans = Vec::new();
    let mut rest = explanation;
    while let Some((before, code, after)) = rest.split_once('`').and_then(|(before, code)| {
        let (code, after) = code.split_once('`')?;
        Some((before, code, after))
    }) {
        spans.extend([(false, before), (true, code)]);
        rest = after;
    }
    spans.push((false, rest));
    spans.retain(|(_, words)| !words.is_empty());
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nouns_follow_their_number() {
        assert_eq!(counted(0_u64, "row"), "0 rows");
        assert_eq!(counted(1_usize, "row"), "1 row");
        assert_eq!(counted(2_u32, "row"), "2 rows");
        assert_eq!(plural(1_u64, "is", "are"), "is");
    }

    #[test]
    fn shares_do_not_round_to_nothing() {
        assert_eq!(percent(0.9756), "97.6 %");
        assert_eq!(percent(0.000_1), "less than 0.1 %");
        assert_eq!(percent(0.0), "0.0 %");
    }

    #[test]
    fn lists_read_as_sentences_do() {
        assert_eq!(listed(&["a", "b", "c"]), "a, b and c");
        assert_eq!(listed(&["a", "b"]), "a and b");
        assert_eq!(listed(&["a"]), "a");
        assert_eq!(listed::<&str>(&[]), "");
        assert_eq!(alternatives(&["a", "b", "c"]), "`a`, `b` or `c`");
        assert_eq!(alternatives(&["a"]), "`a`");
    }

    #[test]
    fn of_many_names_the_first_are_shown_and_the_rest_is_counted() {
        let names = ["a", "b\n", "c"].map(str::to_owned);
        assert_eq!(quoted(&names, 3), "`a`, `b\\n`, `c`");
        assert_eq!(quoted(&names, 1), "`a` and 2 more");
        assert_eq!(quoted(&[], 1), "none");
    }

    #[test]
    fn values_stay_on_one_line_and_short() {
        assert_eq!(one_line("a\tb\nc é"), "a\\tb\\nc é");
        assert_eq!(one_line(&"x".repeat(100)), format!("{}…", "x".repeat(60)));
        assert_eq!(capitalized("élan"), "Élan");
    }

    #[test]
    fn the_nearest_name_is_found_and_a_stranger_is_not() {
        let nearest = |wanted| nearest(wanted, &["Text", "label", "category"]);
        assert_eq!(nearest("labl"), Some("label"));
        assert_eq!(nearest("text"), Some("Text"));
        assert_eq!(nearest("zzz"), None);
    }

    #[test]
    fn code_is_told_from_words() {
        assert_eq!(
            spans("set `a: 1`, then `run`"),
            [(false, "set "), (true, "a: 1"), (false, ", then "), (true, "run")]
        );
        assert_eq!(spans("a ` b"), [(false, "a ` b")]);
        assert_eq!(spans(""), []);
    }
}
