//! How texts look, whatever they say: letter case, punctuation, length, and signs of damage.

use labelproof_artifact::Split;
use labelproof_text::mojibake::has_mojibake;

use crate::evidence::{Evidence, Missing};

/// Numbers that describe the look of one text.
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a sign of damage of its own, and a text may have several"
)]
pub(crate) struct Style {
    /// The share of letters that are upper case.
    pub(crate) upper_case: f64,
    /// The share of characters that are punctuation or symbols.
    pub(crate) punctuation: f64,
    /// The share of words that are among the most frequent English function words.
    pub(crate) function_words: f64,
    /// The number of characters.
    pub(crate) characters: u32,
    /// The number of words.
    pub(crate) words: u32,
    /// Whether all letters are of one case.
    pub(crate) case: LetterCase,
    /// Why the text cannot be what was meant.
    pub(crate) hollow: Option<Hollow>,
    /// Whether it holds the markup of a web page.
    pub(crate) markup: bool,
    /// Whether characters were lost or mangled in decoding.
    pub(crate) mangled: bool,
    /// Whether characters stand as web pages, addresses or programs write them: `&amp;`, `%20`, `\\u00e9`.
    pub(crate) escaped: bool,
    /// Whether it is one long word of a code for bytes, such as base64.
    pub(crate) encoded: bool,
}

/// The case of a text's letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LetterCase {
    /// Too few letters that have a case.
    Few,
    /// All are upper case.
    Upper,
    /// All are lower case.
    Lower,
    /// Some are one, some the other.
    Mixed,
}

/// What stands where a text should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Hollow {
    /// Nothing.
    Empty,
    /// What programs write for a missing value.
    MissingValue,
    /// Numbers and signs.
    Numbers,
    /// One word with digits.
    Id,
}

impl Hollow {
    /// In words that fit after "most are".
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::MissingValue => "a missing value in words, such as `nan`",
            Self::Numbers => "numbers without a letter",
            Self::Id => "a single word with digits, as ids are",
        }
    }
}

/// Words that every English text has; their absence means that stop words were removed.
const FUNCTION_WORDS: [&str; 24] = [
    "the", "of", "and", "a", "to", "in", "is", "that", "it", "for", "was", "on", "are", "as", "with", "be",
    "at", "by", "i", "this", "had", "not", "or", "have",
];

/// What programs write where a value is missing.
const MISSING_VALUES: [&str; 9] = ["", "nan", "none", "null", "n/a", "na", "<na>", "undefined", "nat"];

/// Describes a text.
pub(crate) fn style(text: &str) -> Style {
    let (mut letters, mut upper, mut lower, mut punctuation, mut characters) =
        (0_u32, 0_u32, 0_u32, 0_u32, 0_u32);
    for character in text.chars() {
        characters += 1;
        if character.is_alphabetic() {
            letters += 1;
            upper += u32::from(character.is_uppercase());
            lower += u32::from(character.is_lowercase());
        } else if !character.is_alphanumeric() && !character.is_whitespace() {
            punctuation += 1;
        }
    }
    let (mut words, mut function_words) = (0_u32, 0_u32);
    for word in labelproof_text::terms::words(text) {
        words += 1;
        function_words += u32::from(
            FUNCTION_WORDS
                .iter()
                .any(|known| word.eq_ignore_ascii_case(known)),
        );
    }
    let share = |part: u32, whole: u32| f64::from(part) / f64::from(whole.max(1));
    Style {
        upper_case: share(upper, letters),
        punctuation: share(punctuation, characters),
        function_words: share(function_words, words),
        characters,
        words,
        case: letter_case(upper, lower),
        hollow: hollow(text.trim(), letters),
        markup: has_markup(text),
        mangled: has_mojibake(text) || text.contains('\0'),
        escaped: is_escaped(text),
        encoded: is_encoded(text.trim()),
    }
}

/// A sentence in lower case has as many letters at least; a few in capitals are an abbreviation.
const FEWEST_LETTERS: u32 = 8;

fn letter_case(upper: u32, lower: u32) -> LetterCase {
    match (upper, lower) {
        _ if upper + lower < FEWEST_LETTERS => LetterCase::Few,
        (_, 0) => LetterCase::Upper,
        (0, _) => LetterCase::Lower,
        _ => LetterCase::Mixed,
    }
}

fn hollow(text: &str, letters: u32) -> Option<Hollow> {
    if text.is_empty() {
        Some(Hollow::Empty)
    } else if MISSING_VALUES.contains(&text.to_ascii_lowercase().as_str()) {
        Some(Hollow::MissingValue)
    } else if letters == 0 {
        Some(Hollow::Numbers)
    } else if looks_like_an_id(text) && !is_encoded(text) {
        Some(Hollow::Id)
    } else {
        None
    }
}

/// Whether there is an entity of a web page (`&amp;`), an escape of a program (`\\u00e9`), or of an address
/// (`%20`).
fn is_escaped(text: &str) -> bool {
    let bytes = text.as_bytes();
    let are_hex = |from: usize, count: usize| {
        bytes
            .get(from..from + count)
            .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    let is_entity = |from: usize| {
        let end = bytes[from..].iter().take(9).position(|byte| *byte == b';');
        end.is_some_and(|end| {
            let name = &bytes[from + 1..from + end];
            let named = name.len() >= 2 && name.iter().all(u8::is_ascii_alphanumeric);
            named || name.len() >= 2 && name[0] == b'#' && name[1..].iter().all(u8::is_ascii_alphanumeric)
        })
    };
    bytes.iter().enumerate().any(|(at, byte)| match byte {
        b'&' => is_entity(at),
        b'%' => are_hex(at + 1, 2),
        b'=' => bytes.get(at + 3) == Some(&b'=') && are_hex(at + 1, 2) && are_hex(at + 4, 2),
        b'\\' => match bytes.get(at + 1) {
            Some(b'u') => are_hex(at + 2, 4),
            Some(b'x') => are_hex(at + 2, 2),
            _ => false,
        },
        _ => false,
    })
}

/// Whether this is one long word of base64 or of hexadecimal digits.
fn is_encoded(text: &str) -> bool {
    const SHORTEST: usize = 16;
    let has = |is: fn(&u8) -> bool| text.bytes().any(|byte| is(&byte));
    let is_base64 =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_');
    text.len() >= SHORTEST
        && text.bytes().all(is_base64)
        && (text.bytes().all(|byte| byte.is_ascii_hexdigit())
            || has(u8::is_ascii_uppercase)
                && has(u8::is_ascii_lowercase)
                && (has(u8::is_ascii_digit) || text.ends_with('=')))
}

/// Whether there is a `<` before a letter or `/`, with a `>` some place later.
fn has_markup(text: &str) -> bool {
    text.match_indices('<').any(|(place, _)| {
        let rest = &text[place + 1..];
        rest.starts_with(|next: char| next.is_ascii_alphabetic() || next == '/') && rest.contains('>')
    })
}

/// One word with digits in it.
fn looks_like_an_id(text: &str) -> bool {
    !text.contains(char::is_whitespace) && text.contains(|character: char| character.is_ascii_digit())
}

/// The look of every text of a split, of at most so many evenly spread ones.
pub(crate) fn styles(evidence: &Evidence, split: Split) -> Result<Vec<Style>, Missing> {
    const MOST: usize = 20_000;
    let texts = evidence.texts(split)?;
    let step = texts.len().div_ceil(MOST).max(1);
    Ok(texts.iter().step_by(step).map(|text| style(text)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_told_by_their_look() {
        let hollow = |text| style(text).hollow;
        assert_eq!(hollow("nan"), Some(Hollow::MissingValue));
        assert_eq!(hollow("row-00017"), Some(Hollow::Id));
        assert_eq!(hollow("3.5"), Some(Hollow::Numbers));
        assert_eq!(hollow(" "), Some(Hollow::Empty));
        assert_eq!(hollow("It is 3.5 now"), None);
        assert!(style("cafÃ© au lait").mangled && !style("café au lait").mangled);
        assert!(style("a text that was \0 binary").mangled);
        let shouted = style("THE END.");
        assert!((shouted.upper_case - 1.0).abs() < 1e-12);
        assert!((shouted.function_words - 0.5).abs() < 1e-12);
        assert!((shouted.punctuation - 0.125).abs() < 1e-12);
    }

    #[test]
    fn letters_of_one_case_are_told_from_abbreviations() {
        let check = |text, expected| assert_eq!(style(text).case, expected, "{text}");
        check("WHO WAS THE FIRST KING?", LetterCase::Upper);
        check("who was the first king?", LetterCase::Lower);
        check("Who was the first king?", LetterCase::Mixed);
        check("NATO 49", LetterCase::Few);
        check("日本の首相は予算について述べた", LetterCase::Few);
    }

    #[test]
    fn escapes_and_codes_are_told_from_words() {
        for text in ["Tom &amp; Jerry", "it&#39;s", "caf\\u00e9", "a%20b", "caf=C3=A9"] {
            assert!(style(text).escaped, "{text}");
        }
        for text in ["AT&T; and", "5 % off", "a = b", "R&D", "C:\\users"] {
            assert!(!style(text).escaped, "{text}");
        }
        assert!(style("SGVsbG8gd29ybGQgb2Y=").encoded && style("48656c6c6f20776f726c64").encoded);
        assert!(!style("Donaudampfschifffahrt").encoded && !style("Hello world of 2 words").encoded);
    }
}
