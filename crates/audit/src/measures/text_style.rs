//! How texts look, whatever they say: letter case, punctuation, length, and signs of damage.

use labelproof_artifact::Split;

use crate::evidence::{Evidence, Missing};

/// Numbers that describe the look of one text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Style {
    /// The share of letters that are upper case.
    pub(crate) upper_case: f64,
    /// The share of characters that are punctuation or symbols.
    pub(crate) punctuation: f64,
    /// The share of words that are among the most frequent English function words.
    pub(crate) function_words: f64,
    /// The natural logarithm of the number of characters plus one.
    pub(crate) ln_length: f64,
    /// Whether the text cannot be what was meant: empty, a missing value in words, a bare number or id.
    pub(crate) hollow: bool,
    /// Whether it holds the markup of a web page.
    pub(crate) markup: bool,
    /// Whether characters were lost or mangled in decoding.
    pub(crate) mangled: bool,
}

/// Words that every English text has; their absence means that stop words were removed.
const FUNCTION_WORDS: [&str; 24] = [
    "the", "of", "and", "a", "to", "in", "is", "that", "it", "for", "was", "on", "are", "as", "with", "be",
    "at", "by", "i", "this", "had", "not", "or", "have",
];

/// What programs write where a value is missing.
const MISSING_VALUES: [&str; 9] = ["", "nan", "none", "null", "n/a", "na", "<na>", "undefined", "nat"];

/// Pairs of characters that UTF-8 leaves when it is read as Latin-1 or Windows-1252.
const MANGLED: [&str; 9] = ["\u{fffd}", "Ã©", "Ã¨", "Ã¼", "Ã¶", "Ã¤", "â€", "Â£", "Â "];

/// Describes a text.
pub(crate) fn style(text: &str) -> Style {
    let (mut letters, mut upper, mut punctuation, mut characters) = (0_u32, 0_u32, 0_u32, 0_u32);
    for character in text.chars() {
        characters += 1;
        if character.is_alphabetic() {
            letters += 1;
            upper += u32::from(character.is_uppercase());
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
    let trimmed = text.trim();
    let lowered = trimmed.to_ascii_lowercase();
    Style {
        upper_case: share(upper, letters),
        punctuation: share(punctuation, characters),
        function_words: share(function_words, words),
        ln_length: f64::from(characters).ln_1p(),
        hollow: MISSING_VALUES.contains(&lowered.as_str()) || letters == 0 || looks_like_an_id(trimmed),
        markup: has_markup(text),
        mangled: MANGLED.iter().any(|sign| text.contains(sign)),
    }
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
        assert!(style("nan").hollow && style("row-00017").hollow && style("3.5").hollow);
        assert!(!style("It is 3.5 now").hollow);
        assert!(style("cafÃ© au lait").mangled && !style("café au lait").mangled);
        let shouted = style("THE END.");
        assert!((shouted.upper_case - 1.0).abs() < 1e-12);
        assert!((shouted.function_words - 0.5).abs() < 1e-12);
        assert!((shouted.punctuation - 0.125).abs() < 1e-12);
    }
}
