//! Texts that were decoded with the wrong encoding.

/// Whether a text has characters that decoding left: the sign for lost ones, or what the bytes of one UTF-8
/// character are in Latin-1 or Windows-1252, as `é` is `Ã©`.
pub fn has_mojibake(text: &str) -> bool {
    if text.is_ascii() {
        return false;
    }
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let mut next = characters.clone();
        let (first, second) = (next.next(), next.next());
        let follows = |character: Option<char>| character.is_some_and(is_continuation);
        let is_sign = match character {
            '\u{fffd}' => true,
            'Ã' | 'Â' => follows(first),
            // Other letters do stand before a quotation mark; rarely before these signs.
            'Ä' | 'Å' | 'Ð' | 'Ñ' | 'Î' | 'Ï' | 'Ø' | 'Ù' => {
                first.is_some_and(|first| matches!(first, '\u{80}'..='\u{bf}') && first != '»')
            }
            '\u{e0}'..='\u{f4}' => follows(first) && follows(second),
            _ => false,
        };
        if is_sign {
            return true;
        }
    }
    false
}

/// What the bytes 0x80 to 0xbf, of which all but the first of a character are in UTF-8, are in Latin-1 and in
/// Windows-1252. Few of them stand behind a letter.
fn is_continuation(character: char) -> bool {
    const OF_WINDOWS_1252: &str = "€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ";
    matches!(character, '\u{80}'..='\u{bf}') || OF_WINDOWS_1252.contains(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by Python: `text.encode("utf-8").decode(encoding, "replace")`, for cp1252 and for latin-1.
    #[test]
    fn another_encoding_is_told_from_foreign_letters() {
        for text in [
            "cafÃ©",
            "naÃ¯ve cafÃ©",
            "itâ€™s",
            "itâ\u{80}\u{99}s",
            "â€œquotedâ€\u{9d}",
            "Â£5",
            "5Â\u{a0}km",
            "ðŸ˜€",
            "ï¿½",
            "ÐŸÑ€Ð¸Ð²ÐµÑ‚",
            "æ—¥æœ¬",
            "lost \u{fffd}",
        ] {
            assert!(has_mojibake(text), "{text}");
        }
        for text in [
            "café",
            "naïve café",
            "“quoted”",
            "« café»",
            "c’è”",
            "CAFÉ”",
            "it’s",
            "NÃO",
            "São João",
            "CÂMARA",
            "Ângela",
            "château",
            "ÑANDÚ",
            "ð er stafur",
            "Привет",
            "日本",
            "£5",
        ] {
            assert!(!has_mojibake(text), "{text}");
        }
    }
}
