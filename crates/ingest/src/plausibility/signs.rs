//! What a single text has in it that a person would stumble over.

/// What a text is that is not a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Number,
    Address,
    Path,
    Id,
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::Number, Self::Address, Self::Path, Self::Id];

    /// Several of the kind.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Number => "numbers or dates",
            Self::Address => "addresses",
            Self::Path => "paths of files",
            Self::Id => "ids",
        }
    }
}

/// The kind of a text that is one word and no word of a language.
pub(super) fn kind(text: &str) -> Option<Kind> {
    let is_number = |text: &str| {
        text.contains(|character: char| character.is_ascii_digit())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_digit() || b"+-.,:/eET %Z".contains(&byte))
    };
    if is_number(text) {
        return Some(Kind::Number);
    }
    if text.contains(char::is_whitespace) {
        return None;
    }
    let is_address = text.contains("://") || text.starts_with("www.");
    let has_ending = text.rsplit_once('.').is_some_and(|(_, ending)| {
        (1..=5).contains(&ending.len()) && ending.bytes().all(|byte| byte.is_ascii_alphanumeric())
    });
    let has_digit = text.bytes().any(|byte| byte.is_ascii_digit());
    let is_hexadecimal = text
        .bytes()
        .all(|byte| byte.is_ascii_hexdigit() || b"-_".contains(&byte));
    let is_named = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    if is_address {
        Some(Kind::Address)
    } else if has_ending && text.contains(['/', '\\']) {
        Some(Kind::Path)
    } else if has_digit && (is_hexadecimal && text.len() >= 16 || is_named && 2 * digits >= text.len()) {
        Some(Kind::Id)
    } else {
        None
    }
}

/// Whether a text has character references or tags of HTML.
pub(super) fn is_marked_up(text: &str) -> bool {
    const TAGS: [&str; 7] = ["<br", "<p>", "</", "<div", "<a href", "<span", "<b>"];
    has_reference(text) || text.contains('<') && TAGS.iter().any(|tag| text.contains(tag))
}

/// `&amp;`, `&#39;` and their like. `AT&T;` is none of them.
fn has_reference(text: &str) -> bool {
    text.match_indices('&').any(|(place, _)| {
        let rest = text.as_bytes()[place + 1..].iter().take(8);
        let name: Vec<u8> = rest.copied().take_while(|byte| *byte != b';').collect();
        let is_ended = text.as_bytes().get(place + 1 + name.len()) == Some(&b';');
        let is_number = name.first() == Some(&b'#') && name.len() > 1;
        let is_name = [&b"amp"[..], b"lt", b"gt", b"quot", b"apos", b"nbsp"].contains(&name.as_slice());
        is_ended && (is_number || is_name)
    })
}

/// Whether a text has escapes of a string in a program. `C:\temp` has a backslash and none of them before a
/// word's end.
pub(super) fn is_escaped(text: &str) -> bool {
    text.match_indices('\\').any(|(place, _)| {
        let rest = &text[place + 1..];
        let mut characters = rest.chars();
        match characters.next() {
            Some('"') => true,
            Some('n' | 't' | 'r') => !characters.next().is_some_and(char::is_lowercase),
            _ => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_is_told_from_words() {
        for (text, expected) in [
            ("12", Kind::Number),
            ("-3.5e7", Kind::Number),
            ("2024-05-01T10:00:00Z", Kind::Number),
            ("https://example.org/a", Kind::Address),
            ("images/a/001.png", Kind::Path),
            ("C:\\data\\1.txt", Kind::Path),
            ("9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d", Kind::Id),
            ("doc_000123", Kind::Id),
        ] {
            assert_eq!(kind(text), Some(expected), "{text}");
        }
        for text in [
            "",
            "yes",
            "a/b",
            "well-known",
            "see https://example.org",
            "R2D2 and C3PO",
            "covid19",
        ] {
            assert_eq!(kind(text), None, "{text}");
        }
    }

    #[test]
    fn markup_and_escapes_are_told_from_text() {
        for text in ["a &amp; b", "it&#39;s", "a<br />b", "<a href=\"x\">y</a>"] {
            assert!(is_marked_up(text), "{text}");
        }
        for text in ["a & b; c", "AT&T; it", "1 < 2 > 0", "<3"] {
            assert!(!is_marked_up(text), "{text}");
        }
        for text in ["one.\\nTwo", "said \\\"no\\\"", "a\\tB", "end\\n"] {
            assert!(is_escaped(text), "{text}");
        }
        for text in ["C:\\temp\\new", "a \\ b", "\\section"] {
            assert!(!is_escaped(text), "{text}");
        }
    }
}
