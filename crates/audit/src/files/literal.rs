//! Values as JSON writes them, and as Python, NumPy and PyTorch print them: dicts, tuples, counters, arrays and
//! tensors, which are JSON but for their quotes, brackets and calls.
//!
//! Keeps the order of keys, and every number as it is written. What a value means is not decided here: `printed`
//! knows scores, `confusion` and `report` know their shapes, and `log` makes JSON of it.

use std::borrow::Cow;

/// Deeper than any file that means something.
const MOST_DEPTH: usize = 32;

/// A value of JSON or of Python.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal<'t> {
    /// `null`, `None`, `true`, `NaN` and the like, and what stands in angle brackets.
    Word(&'t str),
    /// A number as it is written.
    Number(Cow<'t, str>),
    Text(Cow<'t, str>),
    List(Vec<Self>),
    Map(Vec<(Self, Self)>),
}

impl Literal<'_> {
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
            Self::Word(text) => Some(text),
            Self::Number(text) | Self::Text(text) => Some(text),
            Self::List(_) | Self::Map(_) => None,
        }
    }
}

/// Reads the whole of a text; nothing if it is not one value.
pub(super) fn parse(text: &str) -> Option<Literal<'_>> {
    Parser::new(text.trim(), Manner::Strict).whole()
}

/// The same of a text that may be printed in short: between the items of a list may be white space alone, and a
/// text may be without quotes.
pub(super) fn parse_printed(text: &str) -> Option<Literal<'_>> {
    Parser::new(text.trim(), Manner::Printed).whole()
}

/// The value that a text begins with, and what follows it; or else how many bytes were looked at in vain.
pub(super) fn first(text: &str) -> Result<(Literal<'_>, &str), usize> {
    let mut parser = Parser::new(text, Manner::Strict);
    match parser.value(MOST_DEPTH) {
        Some(value) => Ok((value, parser.rest)),
        None => Err(text.len() - parser.rest.len()),
    }
}

/// The first value of a text that is a list or an object, wherever it stands.
pub(super) fn find(text: &str) -> Option<Literal<'_>> {
    let starts = text.match_indices(['{', '[']).take(64);
    let mut values =
        starts.filter_map(|(place, _)| Parser::new(&text[place..], Manner::Strict).value(MOST_DEPTH));
    values.find(|value| match value {
        Literal::List(values) => values.len() > 1,
        Literal::Map(entries) => !entries.is_empty(),
        _ => false,
    })
}

/// How exact a text is about commas and quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Strict,
    Printed,
}

struct Parser<'t> {
    rest: &'t str,
    manner: Manner,
}

impl<'t> Parser<'t> {
    fn new(rest: &'t str, manner: Manner) -> Self {
        Self { rest, manner }
    }

    fn whole(mut self) -> Option<Literal<'t>> {
        // `<tf.Tensor: …>` has its value within.
        if self.rest.starts_with('<') {
            return None;
        }
        let value = self.value(MOST_DEPTH)?;
        self.skip();
        self.rest.is_empty().then_some(value)
    }

    fn skip(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, character: char) -> bool {
        self.skip();
        let rest = self.rest.strip_prefix(character);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Behind an item: whether the value is at its end; nothing if neither an end nor another item may follow.
    fn ends(&mut self, close: char) -> Option<bool> {
        let is_separated = self.take(',') || self.manner == Manner::Printed && self.take(';');
        let is_closed = self.take(close);
        (is_closed || is_separated || self.manner == Manner::Printed).then_some(is_closed)
    }

    fn value(&mut self, depth: usize) -> Option<Literal<'t>> {
        let depth = depth.checked_sub(1)?;
        self.skip();
        match self.rest.chars().next()? {
            '{' => self.map(depth),
            '[' => self.list(']', depth),
            '(' => self.list(')', depth),
            '"' | '\'' => self.quoted().map(Literal::Text),
            '<' => {
                // `grad_fn=<SoftmaxBackward0>`, `defaultdict(<class 'int'>, …)`
                let end = self.rest.find('>')?;
                let (word, rest) = self.rest.split_at(end + 1);
                self.rest = rest;
                Some(Literal::Word(word))
            }
            _ => self.scalar(depth),
        }
    }

    /// Entries of a dict, or items of a set.
    fn map(&mut self, depth: usize) -> Option<Literal<'t>> {
        self.rest = &self.rest[1..];
        let (mut entries, mut items) = (Vec::new(), Vec::new());
        let mut is_closed = self.take('}');
        while !is_closed {
            let key = self.value(depth)?;
            if self.take(':') {
                entries.push((key, self.value(depth)?));
            } else {
                items.push(key);
            }
            is_closed = self.ends('}')?;
        }
        match (entries.is_empty(), items.is_empty()) {
            (false, false) => None,
            (true, false) => Some(Literal::List(items)),
            _ => Some(Literal::Map(entries)),
        }
    }

    fn list(&mut self, close: char, depth: usize) -> Option<Literal<'t>> {
        self.rest = &self.rest[1..];
        let mut values = Vec::new();
        let mut is_closed = self.take(close);
        while !is_closed {
            values.push(self.value(depth)?);
            is_closed = self.ends(close)?;
        }
        Some(Literal::List(values))
    }

    fn quoted(&mut self) -> Option<Cow<'t, str>> {
        let mut characters = self.rest.char_indices();
        let (_, quote) = characters.next()?;
        let inner = &self.rest[quote.len_utf8()..];
        let mut changed: Option<String> = None;
        while let Some((place, character)) = characters.next() {
            if character == quote {
                let plain = &inner[..place - quote.len_utf8()];
                self.rest = &self.rest[place + quote.len_utf8()..];
                return Some(changed.map_or(Cow::Borrowed(plain), Cow::Owned));
            }
            if character != '\\' {
                if let Some(text) = &mut changed {
                    text.push(character);
                }
                continue;
            }
            let text = changed.get_or_insert_with(|| inner[..place - quote.len_utf8()].to_owned());
            text.push(match characters.next()?.1 {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                'u' => {
                    let digits: String = characters.by_ref().take(4).map(|(_, digit)| digit).collect();
                    let code = u32::from_str_radix(&digits, 16).ok()?;
                    // Half of a pair of surrogates is no character.
                    char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
                }
                other => other,
            });
        }
        None
    }

    /// A number, a word, or a call.
    fn scalar(&mut self, depth: usize) -> Option<Literal<'t>> {
        let manner = self.manner;
        let is_part = |character: char| match manner {
            Manner::Strict => character.is_alphanumeric() || "+-._".contains(character),
            Manner::Printed => !character.is_whitespace() && !",;:()[]{}='\"<>".contains(character),
        };
        let end = self.rest.find(|character| !is_part(character));
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        let first = word.chars().next()?;
        if first.is_ascii_digit() || "+-.".contains(first) {
            // `1.` is a number of NumPy's; `_` groups digits in Python.
            let number = if word.contains('_') {
                Cow::Owned(word.replace('_', ""))
            } else {
                Cow::Borrowed(word)
            };
            if number.parse::<f64>().is_ok() {
                self.rest = rest;
                return Some(Literal::Number(number));
            }
        }
        let is_word = manner == Manner::Printed || first.is_alphabetic() || first == '_';
        if !is_word {
            return None;
        }
        self.rest = rest;
        if rest.starts_with('(') {
            return self.call(depth);
        }
        if rest.starts_with(['\'', '"']) && ["u", "b", "r"].contains(&word) {
            return self.quoted().map(Literal::Text);
        }
        Some(Literal::Word(word))
    }

    /// The call of a function, `array([...])` or `np.int64(3)`, whose last positional argument is the value.
    fn call(&mut self, depth: usize) -> Option<Literal<'t>> {
        self.rest = &self.rest[1..];
        let mut last = None;
        let mut is_closed = self.take(')');
        while !is_closed {
            let value = self.value(depth)?;
            if self.take('=') {
                // `dtype=int64`
                self.value(depth)?;
            } else {
                last = Some(value);
            }
            is_closed = self.ends(')')?;
        }
        last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(literal: &Literal<'_>) -> String {
        let joined = |parts: Vec<String>| parts.join(",");
        match literal {
            Literal::Word(word) => (*word).to_owned(),
            Literal::Number(number) => format!("#{number}"),
            Literal::Text(text) => format!("'{text}'"),
            Literal::List(values) => format!("[{}]", joined(values.iter().map(shown).collect())),
            Literal::Map(entries) => {
                let entry =
                    |(key, value): &(Literal<'_>, Literal<'_>)| format!("{}:{}", shown(key), shown(value));
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
        check("defaultdict(<class 'int'>, {'a': 1})", "{'a':#1}");
        check("{1, 2}", "[#1,#2]");
        for text in [
            "[1 2]",
            "<class 'int'>",
            "{",
            "[1,,2]",
            "'open",
            "",
            "1 2",
            &"[".repeat(100),
        ] {
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
