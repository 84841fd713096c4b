//! JSON as people have it: also what Python prints of dicts, tuples, counters and arrays, which is JSON but
//! for its quotes and brackets. Keeps the order of keys and every number as it is written.

/// Deeper than any file that means something.
const MOST_DEPTH: usize = 32;

/// A value of JSON or of Python.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal {
    /// `null`, `None`, `true` and the like.
    Word(String),
    /// A number as it is written.
    Number(String),
    Text(String),
    List(Vec<Literal>),
    Map(Vec<(Literal, Literal)>),
}

impl Literal {
    /// The value of a key, whatever its case.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        let mut entries = self.entries()?.iter();
        entries
            .find(|(name, _)| name.text().is_some_and(|name| name.eq_ignore_ascii_case(key)))
            .map(|(_, value)| value)
    }

    pub(super) fn entries(&self) -> Option<&[(Self, Self)]> {
        match self {
            Self::Map(entries) => Some(entries),
            _ => None,
        }
    }

    pub(super) fn list(&self) -> Option<&[Self]> {
        match self {
            Self::List(values) => Some(values),
            _ => None,
        }
    }

    /// A text or a number as it is written; nothing for what is no single value.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Word(text) | Self::Number(text) | Self::Text(text) => Some(text),
            Self::List(_) | Self::Map(_) => None,
        }
    }
}

/// Reads the whole of a text; nothing if it is not one value.
pub(super) fn parse(text: &str) -> Option<Literal> {
    let mut parser = Parser { rest: text.trim() };
    let value = parser.value(MOST_DEPTH)?;
    parser.skip();
    parser.rest.is_empty().then_some(value)
}

/// The first value of a text that is a list or an object, wherever it stands.
pub(super) fn find(text: &str) -> Option<Literal> {
    let starts = text.match_indices(['{', '[']).take(64);
    let mut values = starts.filter_map(|(place, _)| Parser { rest: &text[place..] }.value(MOST_DEPTH));
    values.find(|value| match value {
        Literal::List(values) => values.len() > 1,
        Literal::Map(entries) => !entries.is_empty(),
        _ => false,
    })
}

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn skip(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, character: char) -> Option<()> {
        self.skip();
        self.rest = self.rest.strip_prefix(character)?;
        Some(())
    }

    fn value(&mut self, depth: usize) -> Option<Literal> {
        let depth = depth.checked_sub(1)?;
        self.skip();
        match self.rest.chars().next()? {
            '{' => self.map(depth),
            '[' => self.list('[', ']', depth),
            '(' => self.list('(', ')', depth),
            quote @ ('"' | '\'') => self.quoted(quote).map(Literal::Text),
            character if character.is_ascii_digit() || "+-.".contains(character) => self.number(),
            character if character.is_alphabetic() || character == '_' => self.word(depth),
            _ => None,
        }
    }

    fn map(&mut self, depth: usize) -> Option<Literal> {
        self.take('{')?;
        let mut entries = Vec::new();
        while self.take('}').is_none() {
            let key = self.value(depth)?;
            self.take(':')?;
            entries.push((key, self.value(depth)?));
            if self.take(',').is_none() {
                self.take('}')?;
                break;
            }
        }
        Some(Literal::Map(entries))
    }

    fn list(&mut self, open: char, close: char, depth: usize) -> Option<Literal> {
        self.take(open)?;
        let mut values = Vec::new();
        while self.take(close).is_none() {
            values.push(self.value(depth)?);
            if self.take(',').is_none() {
                self.take(close)?;
                break;
            }
        }
        Some(Literal::List(values))
    }

    fn quoted(&mut self, quote: char) -> Option<String> {
        let mut text = String::new();
        let mut characters = self.rest.char_indices().skip(1);
        while let Some((place, character)) = characters.next() {
            if character == quote {
                self.rest = &self.rest[place + character.len_utf8()..];
                return Some(text);
            }
            text.push(if character == '\\' {
                match characters.next()?.1 {
                    'n' => '\n',
                    't' => '\t',
                    'u' => {
                        let digits: String = characters.by_ref().take(4).map(|(_, digit)| digit).collect();
                        let code = u32::from_str_radix(&digits, 16).ok()?;
                        // Half of a pair of surrogates is no character.
                        char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
                    }
                    other => other,
                }
            } else {
                character
            });
        }
        None
    }

    fn number(&mut self) -> Option<Literal> {
        let is_part = |character: char| character.is_ascii_alphanumeric() || "+-._".contains(character);
        let end = self.rest.find(|character| !is_part(character));
        let (number, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        // `1.` is a number of NumPy's; `_` groups digits in Python.
        let number = number.replace('_', "");
        number.parse::<f64>().ok()?;
        self.rest = rest;
        Some(Literal::Number(number))
    }

    /// `None`, `true`, `NaN`; or a call, `array([...])` or `np.int64(3)`, whose last positional argument is
    /// the value.
    fn word(&mut self, depth: usize) -> Option<Literal> {
        let is_part = |character: char| character.is_alphanumeric() || "._".contains(character);
        let end = self.rest.find(|character| !is_part(character));
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        if !self.rest.starts_with('(') {
            return Some(Literal::Word(word.to_owned()));
        }
        self.take('(')?;
        let mut last = None;
        while self.take(')').is_none() {
            let value = self.value(depth)?;
            if self.take('=').is_some() {
                // `dtype=int64`, `defaultdict(<class 'int'>, …)` has none of these.
                self.value(depth)?;
            } else {
                last = Some(value);
            }
            if self.take(',').is_none() {
                self.take(')')?;
                break;
            }
        }
        last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(literal: &Literal) -> String {
        let joined = |parts: Vec<String>| parts.join(",");
        match literal {
            Literal::Word(word) => word.clone(),
            Literal::Number(number) => format!("#{number}"),
            Literal::Text(text) => format!("'{text}'"),
            Literal::List(values) => format!("[{}]", joined(values.iter().map(shown).collect())),
            Literal::Map(entries) => {
                let entry = |(key, value): &(Literal, Literal)| format!("{}:{}", shown(key), shown(value));
                format!("{{{}}}", joined(entries.iter().map(entry).collect()))
            }
        }
    }

    #[test]
    fn json_and_what_python_prints_are_read() {
        let check = |text: &str, expected: &str| assert_eq!(shown(&parse(text).unwrap()), expected, "{text}");
        check(r#" {"b": [1, 0.70], "a": null} "#, "{'b':[#1,#0.70],'a':null}");
        check("{'it\\'s': (1, 2,), 'x': True}", "{'it's':[#1,#2],'x':True}");
        check(r#""\u00e9\n\"""#, "'é\n\"'");
        check("Counter({('a', 'b'): 3})", "{['a','b']:#3}");
        check(
            "array([[1, 2],\n       [3, 4]], dtype=int64)",
            "[[#1,#2],[#3,#4]]",
        );
        check("[np.int64(3), 2.]", "[#3,#2.]");
        for text in ["[1 2]", "{", "[1,,2]", "'open", "", "1 2", &"[".repeat(100)] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_value_is_found_within_other_text() {
        assert_eq!(
            shown(&find("matrix: [[1, 2], [3, 4]] (test)").unwrap()),
            "[[#1,#2],[#3,#4]]"
        );
        assert_eq!(find("no [1] here"), None);
    }
}
