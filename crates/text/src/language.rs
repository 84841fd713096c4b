//! The language of a text, by its script and its trigrams (crate `whatlang`).

/// The most characters of a text that its language is told from.
const CHARACTERS: usize = 1_000;

/// The English name of the language that a text is in. `None` where it cannot be told reliably: short texts,
/// names, numbers, mixtures.
pub fn language(text: &str) -> Option<&'static str> {
    let beginning: String = text.chars().take(CHARACTERS).collect();
    let found = whatlang::detect(&beginning)?;
    found.is_reliable().then(|| found.lang().eng_name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_told_and_numbers_have_none() {
        let english = "The prime minister said that the budget of this year is not for the schools";
        assert_eq!(language(english), Some("English"));
        assert_eq!(language("日本の首相は予算について述べた"), Some("Japanese"));
        assert_eq!(language("2004 - 17"), None);
    }
}
