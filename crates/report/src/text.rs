//! Text from data, cut to what fits on the page. Escaping is the templates' business.

use labelproof_artifact::wording::capitalized;

/// The longest label that is shown in full, in characters.
const LABEL_CHARACTERS: usize = 60;

/// The longest name of a row or file that is shown in full, in characters.
const NAME_CHARACTERS: usize = 120;

/// The longest part of a file's name that is taken from a label, in bytes.
const FILE_NAME_BYTES: usize = 40;

/// The longest line of parameters that is shown in full, in characters.
const LINE_CHARACTERS: usize = 200;

/// The most of a document that is shown, in characters.
const EXCERPT_CHARACTERS: usize = 600;

/// The most of a document whose words are marked that is shown, in characters.
pub(crate) const EXPLAINED_CHARACTERS: usize = 1200;

/// The longest piece of a marked text that is shown in full, in characters.
const PIECE_CHARACTERS: usize = 200;

/// The longest part of a word that is dropped to end an excerpt between words; not all scripts put spaces
/// between.
const LONGEST_WORD: usize = 30;

/// The longest line of evidence that is shown in full, in characters.
const EVIDENCE_CHARACTERS: usize = 800;

/// The longest explanation that is shown in full, in characters.
const EXPLANATION_CHARACTERS: usize = 1000;

/// The beginning of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Excerpt {
    /// The beginning, on one line.
    pub(crate) text: String,
    /// The number of characters that are not shown.
    pub(crate) left_out: u64,
}

/// The beginning of a document, up to the end of a word where there is one near.
pub(crate) fn excerpt(document: &str) -> Excerpt {
    let (mut text, mut left_out) = cut(document, EXCERPT_CHARACTERS);
    if left_out > 0
        && let Some(space) = text.rfind(' ')
    {
        let part_of_word = text[space..].chars().count();
        if part_of_word <= LONGEST_WORD {
            text.truncate(space);
            left_out += part_of_word as u64;
        }
    }
    Excerpt { text, left_out }
}

/// A piece of a document: its white space folded, that at its end kept as one space.
pub(crate) fn piece(piece: &str) -> String {
    let mut text = ellipsis(piece, PIECE_CHARACTERS);
    if piece.ends_with(char::is_whitespace) {
        text.push(' ');
    }
    text
}

/// A label as it is shown everywhere.
pub(crate) fn label(name: &str) -> String {
    ellipsis(name, LABEL_CHARACTERS)
}

/// The name of a row, file or parameter as it is shown everywhere.
pub(crate) fn name(name: &str) -> String {
    ellipsis(name, NAME_CHARACTERS)
}

/// A name as a part of a file's: letters and digits of ASCII in lower case, what is between them as dashes.
pub(crate) fn file_name(name: &str) -> String {
    let words = name.split(|character: char| !character.is_ascii_alphanumeric());
    let words: Vec<String> = words
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    let mut joined = words.join("-");
    joined.truncate(FILE_NAME_BYTES);
    if joined.is_empty() {
        "label".to_owned()
    } else {
        joined
    }
}

/// An explanation that another stage wrote, as a sentence: with a capital and a stop.
pub(crate) fn sentence(explanation: &str) -> String {
    let mut sentence = capitalized(&ellipsis(explanation, EXPLANATION_CHARACTERS));
    if !sentence.ends_with(['.', '!', '?', '…']) && !sentence.is_empty() {
        sentence.push('.');
    }
    sentence
}

/// A line of evidence as it is shown.
pub(crate) fn evidence(line: &str) -> String {
    ellipsis(line, EVIDENCE_CHARACTERS)
}

/// A line of which the white space matters, such as one of JSON.
pub(crate) fn line(line: &str) -> String {
    let mut characters = line.chars().map(printable);
    let mut kept: String = characters.by_ref().take(LINE_CHARACTERS).collect();
    if characters.next().is_some() {
        kept.push('…');
    }
    kept
}

fn ellipsis(text: &str, characters: usize) -> String {
    let (mut text, left_out) = cut(text, characters);
    if left_out > 0 {
        text.push('…');
    }
    text
}

/// The first characters with white space folded, and how many more there would be.
fn cut(text: &str, characters: usize) -> (String, u64) {
    let mut kept = String::new();
    let (mut shown, mut left_out) = (0, 0);
    for character in folded(text) {
        if shown < characters {
            kept.push(character);
            shown += 1;
        } else {
            left_out += 1;
        }
    }
    (kept, left_out)
}

/// The text with runs of white space as one space, and nothing that HTML forbids or that turns the writing
/// direction of what stands beside it.
fn folded(text: &str) -> impl Iterator<Item = char> {
    text.split_whitespace().enumerate().flat_map(|(place, word)| {
        let space = (place > 0).then_some(' ');
        space.into_iter().chain(word.chars().map(printable))
    })
}

fn printable(character: char) -> char {
    match character {
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fdd0}'..='\u{fdef}' => '\u{fffd}',
        // The last two code points of each plane are no characters.
        character if character.is_control() || u32::from(character) & 0xfffe == 0xfffe => '\u{fffd}',
        character => character,
    }
}

/// An upper bound of the bytes that a text takes once it is escaped.
pub(crate) fn escaped_len(text: &str) -> usize {
    text.chars()
        .map(|character| match character {
            '<' | '>' | '&' | '"' | '\'' => 6,
            character => character.len_utf8(),
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_is_folded_and_the_rest_counted() {
        assert_eq!(
            excerpt(" a\n\n b\u{0}c\u{202e}d "),
            Excerpt {
                text: "a b\u{fffd}c\u{fffd}d".to_owned(),
                left_out: 0
            }
        );
        let long = excerpt(&"東京 ".repeat(1000));
        assert_eq!((long.text.chars().count(), long.left_out), (599, 2400));
        let without_spaces = excerpt(&"東".repeat(1000));
        assert_eq!(
            (without_spaces.text.chars().count(), without_spaces.left_out),
            (600, 400)
        );
    }

    #[test]
    fn long_labels_end_in_dots() {
        assert_eq!(label("business"), "business");
        assert_eq!(label(&"x".repeat(61)), format!("{}…", "x".repeat(60)));
        assert_eq!(line("  a  b"), "  a  b");
        assert_eq!(line(&"x".repeat(201)), format!("{}…", "x".repeat(200)));
    }

    #[test]
    fn fragments_become_sentences() {
        assert_eq!(sentence("count the  rows"), "Count the rows.");
        assert_eq!(sentence("Count them!"), "Count them!");
        assert_eq!(sentence("`labelproof run`"), "`labelproof run`.");
        assert_eq!(sentence(""), "");
        assert!(sentence(&"x".repeat(2000)).ends_with("x…"));
    }

    #[test]
    fn escaping_is_foreseen() {
        assert_eq!(escaped_len("a<b"), 8);
        assert_eq!(escaped_len("é"), 2);
    }
}
