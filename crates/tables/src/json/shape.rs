//! How the rows of a file are written as JSON, told by its first bytes.

use std::borrow::Cow;

use serde::de::IgnoredAny;

use super::python::mended;

/// What the first bytes tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// An array.
    Array,
    /// An array on each line, or one and something behind it.
    ArrayLines,
    /// Something on each line; or a line that is alone.
    Lines,
    /// Objects that are spread over lines, or one that is.
    Spread,
    /// No JSON, but what these words say.
    NoJson(&'static str),
}

impl Told {
    /// What the file is, if it is not an object on each line.
    pub(super) fn instead_of_lines(self) -> Option<&'static str> {
        match self {
            Self::Array => Some("one JSON array"),
            Self::Spread => Some("JSON objects that are spread over several lines"),
            Self::ArrayLines | Self::Lines | Self::NoJson(_) => None,
        }
    }
}

/// Lines that are looked at.
const LINES: usize = 20;

/// Looks at the first bytes, of which there would be `most`.
pub(super) fn told(start: &[u8], most: usize) -> Told {
    let text = String::from_utf8_lossy(start);
    let text = text.trim_start();
    // The last line may be cut off.
    let is_whole = start.len() < most;
    let mut lines: Vec<&str> = text.lines().take(LINES + 1).collect();
    if (!is_whole || lines.len() > LINES) && lines.len() > 1 {
        lines.pop();
    }
    let mut lines = lines.into_iter().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    if let Some(seems) = python(text) {
        return Told::NoJson(seems);
    }
    if text.starts_with('[') {
        let next = lines.next().unwrap_or_default();
        let are_lines = next.starts_with('[') && line(first) == Line::Whole;
        return if are_lines { Told::ArrayLines } else { Told::Array };
    }
    if text.starts_with('{') {
        let is_cut_off = line(first) == Line::CutOff && (is_whole || text.contains('\n'));
        // Before a line that is whole, a line that is cut off is damaged, unless both are of one object.
        let mut is_before_whole = || {
            let next = lines.next().unwrap_or_default();
            next.starts_with('{') && line(next) == Line::Whole && !begins_with_object(text)
        };
        return if is_cut_off && !is_before_whole() {
            Told::Spread
        } else {
            Told::Lines
        };
    }
    if first.is_empty() || lines.any(|line| line.starts_with('{')) {
        return Told::Lines;
    }
    Told::NoJson(seems(text, first))
}

#[derive(PartialEq, Eq)]
enum Line {
    Whole,
    CutOff,
    Damaged,
}

fn line(text: &str) -> Line {
    let parse = |text: &str| serde_json::from_str::<IgnoredAny>(text);
    let parsed = parse(text).or_else(|error| match mended(text) {
        Cow::Borrowed(_) => Err(error),
        Cow::Owned(text) => parse(&text),
    });
    match parsed {
        Ok(_) => Line::Whole,
        Err(error) if error.is_eof() => Line::CutOff,
        Err(_) => Line::Damaged,
    }
}

/// Whether the text begins with an object, whatever follows.
fn begins_with_object(text: &str) -> bool {
    let text = mended(text);
    let mut values = serde_json::Deserializer::from_str(&text).into_iter::<IgnoredAny>();
    matches!(values.next(), Some(Ok(_)))
}

/// Dictionaries as Python prints them.
fn python(text: &str) -> Option<&'static str> {
    let inner = text.trim_start_matches(|first: char| "[{(".contains(first) || first.is_whitespace());
    let is_printed = inner.len() < text.len() && inner.starts_with('\'');
    is_printed.then_some("written as Python prints dictionaries, with `'` around strings")
}

/// What a text seems to be that is no JSON.
fn seems(text: &str, first: &str) -> &'static str {
    if first.starts_with('<') {
        "HTML or XML"
    } else if text.contains("__label__") {
        "fastText's format, a text with `__label__…` on each line"
    } else if first.contains('\t') {
        "a table with tabs between its columns"
    } else if first.contains(',') {
        "a table with commas between its columns"
    } else if first.contains(';') {
        "a table with semicolons between its columns"
    } else {
        "text"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Told) {
        assert_eq!(told(text.as_bytes(), 1 << 16), expected, "{text}");
    }

    #[test]
    fn the_shape_is_told_by_the_first_lines() {
        check("{\"a\": 1}\n{\"a\": 2}\n", Told::Lines);
        check("{\"a\": NaN}\n{\"a\": 2}\n", Told::Lines);
        check("\n{\n \"a\": 1}\n{\"a\": 2}", Told::Spread);
        check("{\"a\": 1,\n \"b\": {\"c\": 2}}\n", Told::Spread);
        check("{\"a\": NaN,\n \"b\": 2}\n", Told::Spread);
        check("{\"a\": [\n{\"b\": 1}\n]}\n", Told::Spread);
        // The first line is damaged, and the file is no other for it.
        check("{\"a\": \n{\"a\": 2}\n", Told::Lines);
        check("{\"a\" 1}\n{\"a\": 2}\n", Told::Lines);
        check("x\n{\"a\": 2}\n", Told::Lines);
        check("", Told::Lines);
        check("[{\"a\": 1}]", Told::Array);
        check("[\n {\"a\": 1}\n]", Told::Array);
        check("[1, 2]\n[3, 4]\n", Told::ArrayLines);
    }

    #[test]
    fn what_is_no_json_is_called_what_it_seems_to_be() {
        let python = "written as Python prints dictionaries, with `'` around strings";
        check("{'a': 1}\n{'a': 2}\n", Told::NoJson(python));
        check("[{'a': 1}]\n", Told::NoJson(python));
        check(
            "text,label\na,b\n",
            Told::NoJson("a table with commas between its columns"),
        );
        check("<html>", Told::NoJson("HTML or XML"));
    }
}
