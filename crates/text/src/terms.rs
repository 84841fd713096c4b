//! The one definition of a word.
//!
//! Responsible for cutting text into words, for stop words, for word shingles and for the TF-IDF baseline
//! alike: a stop word that one of them counts differently would not go away. Not responsible for letter case
//! (the caller lowers it) nor for model tokens (see [`crate::tokenizer`]).

use std::ops::Range;

use unicode_normalization::char::is_combining_mark;

/// The words of `text`, in order: maximal runs of letters, digits and combining marks that begin with a
/// letter or digit, with single apostrophes (`'` or `’`) inside.
///
/// ```
/// let words: Vec<&str> = labelproof_text::terms::words("Don't panic: 'it' is AT&T's.").collect();
/// assert_eq!(words, ["Don't", "panic", "it", "is", "AT", "T's"]);
/// ```
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    word_ranges(text).map(|range| &text[range])
}

/// The byte ranges of [`words`].
pub(crate) fn word_ranges(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut position = 0;
    std::iter::from_fn(move || {
        let start = position + text[position..].find(char::is_alphanumeric)?;
        let mut end = text.len();
        let mut characters = text[start..].char_indices().peekable();
        while let Some((offset, character)) = characters.next() {
            let goes_on = character.is_alphanumeric()
                || is_combining_mark(character)
                || (is_apostrophe(character)
                    && characters.peek().is_some_and(|(_, next)| next.is_alphanumeric()));
            if !goes_on {
                end = start + offset;
                break;
            }
        }
        position = end;
        Some(start..end)
    })
}

/// Whether a character is an apostrophe within a word such as "don't", typewritten (`'`) or typeset (`’`).
pub(crate) fn is_apostrophe(character: char) -> bool {
    matches!(character, '\'' | '\u{2019}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        assert_eq!(words(text).collect::<Vec<_>>(), expected, "words of `{text}`");
    }

    #[test]
    fn words_are_runs_of_letters_and_digits() {
        check("", &[]);
        check(" ... ", &[]);
        check("one", &["one"]);
        check("5 < 6, x_2", &["5", "6", "x", "2"]);
        check("Größe (übermäßig)", &["Größe", "übermäßig"]);
    }

    #[test]
    fn apostrophes_count_only_inside() {
        check(
            "don't 'quoted' dogs' rock'n'roll",
            &["don't", "quoted", "dogs", "rock'n'roll"],
        );
        check("it’s ‘fine’", &["it’s", "fine"]);
        check("a''b", &["a", "b"]);
    }

    #[test]
    fn combining_marks_do_not_cut_words() {
        check("nai\u{308}ve", &["nai\u{308}ve"]);
        check("हिन्दी", &["हिन्दी"]);
    }
}
