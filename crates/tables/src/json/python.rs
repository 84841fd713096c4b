//! The numbers that Python's `json` writes and JSON does not have: `NaN`, `Infinity` and `-Infinity`.

use std::borrow::Cow;

use crate::dialect::Form;

/// The mended text where cells are text. Where they are numbers, the caller wants to know of such words.
pub(super) fn mended_in(text: &str, form: Form) -> Cow<'_, str> {
    match form {
        Form::Text => mended(text),
        Form::Typed => Cow::Borrowed(text),
    }
}

/// The text with null where there is no number, and with the words of infinite numbers as strings. The same
/// text if it has no such word outside of strings.
pub(super) fn mended(text: &str) -> Cow<'_, str> {
    let mut mended = String::new();
    let mut copied = 0;
    let bytes = text.as_bytes();
    let mut place = 0;
    while let Some(byte) = bytes.get(place) {
        match byte {
            b'"' => place = end_of_string(bytes, place),
            b'N' | b'I' | b'-' => match word(&text[place..]) {
                Some((word, instead)) => {
                    mended.push_str(&text[copied..place]);
                    mended.push_str(instead);
                    place += word.len();
                    copied = place;
                }
                None => place += 1,
            },
            _ => place += 1,
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    mended.push_str(&text[copied..]);
    Cow::Owned(mended)
}

/// The place behind the string that opens at a place.
fn end_of_string(bytes: &[u8], open: usize) -> usize {
    let mut place = open + 1;
    while let Some(byte) = bytes.get(place) {
        match byte {
            b'\\' => place += 2,
            b'"' => return place + 1,
            _ => place += 1,
        }
    }
    bytes.len()
}

fn word(text: &str) -> Option<(&'static str, &'static str)> {
    const WORDS: [(&str, &str); 3] = [
        ("NaN", "null"),
        ("-Infinity", "\"-Infinity\""),
        ("Infinity", "\"Infinity\""),
    ];
    WORDS.into_iter().find(|(word, _)| {
        let rest = text.strip_prefix(word);
        rest.is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_alphanumeric()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_outside_of_strings_are_mended() {
        assert_eq!(
            mended(r#"{"a": NaN, "NaN": "a \" NaN", "b": [-Infinity,Infinity]}"#),
            r#"{"a": null, "NaN": "a \" NaN", "b": ["-Infinity","Infinity"]}"#
        );
        for text in [r#"{"a": -1, "b": "NaN"}"#, "NaNs", "{\"a\": \"NaN", "\"é\\"] {
            assert!(
                matches!(mended(text), Cow::Borrowed(same) if same == text),
                "{text}"
            );
        }
    }
}
