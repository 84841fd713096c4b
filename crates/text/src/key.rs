//! The form in which texts are compared.
//!
//! Responsible for making texts equal that a reader would call the same. Independent of the cleaning steps on
//! purpose: a change of `clean` in `pipeline.yaml` must not change which rows count as copies.

use unicode_normalization::UnicodeNormalization;

/// `text` under compatibility composition (NFKC, Unicode Standard Annex 15) and lower case, with white space
/// squeezed to single spaces and trimmed.
///
/// ```
/// assert_eq!(labelproof_text::normalized_key("  Ｆｕｌｌ\n width "), "full width");
/// ```
pub fn normalized_key(text: &str) -> String {
    if text.is_ascii() {
        return squeeze(
            text.chars().map(|character| character.to_ascii_lowercase()),
            text.len(),
        );
    }
    // Lower-casing can take a text out of NFKC (U+0130 becomes `i` and a dot above), hence the second time.
    let lowered = text.nfkc().collect::<String>().to_lowercase();
    squeeze(lowered.nfkc(), lowered.len())
}

/// Joins the runs of non-white-space characters by single spaces.
pub(crate) fn squeeze(characters: impl Iterator<Item = char>, capacity: usize) -> String {
    let mut result = String::with_capacity(capacity);
    let mut space_is_due = false;
    for character in characters {
        if character.is_whitespace() {
            space_is_due = !result.is_empty();
        } else {
            if space_is_due {
                result.push(' ');
                space_is_due = false;
            }
            result.push(character);
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_that_read_the_same_have_one_key() {
        assert_eq!(
            normalized_key(" Provision\tof  SERVICES\r\n"),
            "provision of services"
        );
        assert_eq!(normalized_key("Cafe\u{301}"), normalized_key("CAFÉ"));
        assert_eq!(normalized_key("a\u{a0}b"), "a b");
        assert_eq!(normalized_key(" \n "), "");
    }

    proptest! {
        #[test]
        fn key_of_a_key_is_itself(text in any::<String>()) {
            let key = normalized_key(&text);
            prop_assert_eq!(normalized_key(&key), key);
        }
    }
}
