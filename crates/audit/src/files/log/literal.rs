//! JSON and Python's way to print dictionaries and lists, as one value: `{'loss': nan, 'f1': np.float64(0.5)}`.
//!
//! Numbers that are not finite come as their names, since JSON has none; `number` reads both.

use serde_json::{Map, Number, Value};

use super::number::{is_wrapper, plain};

/// Deeper nested than anything that a framework writes.
const DEEPEST: usize = 64;

/// One value that a text begins with, and what follows it; or else how many bytes were looked at in vain.
pub(super) fn value(text: &str) -> Result<(Value, &str), usize> {
    let mut reader = Reader { text };
    match reader.value(0) {
        Some(value) => Ok((value, reader.text)),
        None => Err(text.len() - reader.text.len()),
    }
}

/// A text that is one value and nothing else.
pub(super) fn whole(text: &str) -> Option<Value> {
    let (value, rest) = value(text.trim_start_matches('\u{feff}')).ok()?;
    rest.trim().is_empty().then_some(value)
}

struct Reader<'a> {
    text: &'a str,
}

impl Reader<'_> {
    fn skip(&mut self, character: char) -> bool {
        self.text = self.text.trim_start();
        match self.text.strip_prefix(character) {
            Some(rest) => {
                self.text = rest;
                true
            }
            None => false,
        }
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > DEEPEST {
            return None;
        }
        if self.skip('{') {
            return self.object(depth);
        }
        if self.skip('[') {
            return self.list(']', depth).map(Value::Array);
        }
        if self.skip('(') {
            return self.list(')', depth).map(Value::Array);
        }
        match self.text.chars().next()? {
            '\'' | '"' => self.string().map(Value::String),
            _ => self.word(depth),
        }
    }

    fn object(&mut self, depth: usize) -> Option<Value> {
        let mut object = Map::new();
        while !self.skip('}') {
            let key = match self.value(depth + 1)? {
                Value::String(key) => key,
                Value::Number(number) => number.to_string(),
                _ => return None,
            };
            if !self.skip(':') {
                return None;
            }
            object.insert(key, self.value(depth + 1)?);
            if !self.skip(',') && !self.text.trim_start().starts_with('}') {
                return None;
            }
        }
        Some(Value::Object(object))
    }

    fn list(&mut self, end: char, depth: usize) -> Option<Vec<Value>> {
        let mut values = Vec::new();
        while !self.skip(end) {
            values.push(self.value(depth + 1)?);
            if !self.skip(',') && !self.text.trim_start().starts_with(end) {
                return None;
            }
        }
        Some(values)
    }

    fn string(&mut self) -> Option<String> {
        let quote = self.text.chars().next()?;
        let mut result = String::new();
        let mut characters = self.text.char_indices().skip(1);
        while let Some((place, character)) = characters.next() {
            match character {
                '\\' => match characters.next()?.1 {
                    'n' => result.push('\n'),
                    't' => result.push('\t'),
                    'r' => result.push('\r'),
                    'u' => {
                        let digits: String = characters.by_ref().take(4).map(|(_, digit)| digit).collect();
                        let code = u32::from_str_radix(&digits, 16).ok()?;
                        result.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                    }
                    other => result.push(other),
                },
                character if character == quote => {
                    self.text = &self.text[place + character.len_utf8()..];
                    return Some(result);
                }
                character => result.push(character),
            }
        }
        None
    }

    /// A number, `None`, `True`, or a call such as `tensor(0.5)`, whose first argument counts.
    fn word(&mut self, depth: usize) -> Option<Value> {
        let is_of_word = |character: char| character.is_alphanumeric() || "+-._".contains(character);
        let end = self
            .text
            .find(|character| !is_of_word(character))
            .unwrap_or(self.text.len());
        let (word, rest) = self.text.split_at(end);
        if rest.starts_with('(') && is_wrapper(word) {
            self.text = &rest[1..];
            return self.call(depth);
        }
        self.text = rest;
        Some(match word {
            "" => return None,
            "None" | "null" => Value::Null,
            "True" | "true" => Value::Bool(true),
            "False" | "false" => Value::Bool(false),
            word => {
                let number = plain(word)?;
                let whole = word.parse::<i64>().ok().map(Number::from);
                match whole.or_else(|| Number::from_f64(number)) {
                    Some(number) => Value::Number(number),
                    None => Value::String(number.to_string()),
                }
            }
        })
    }

    /// The first argument of a call; what else there is, such as `dtype=float32`, is passed over.
    fn call(&mut self, depth: usize) -> Option<Value> {
        let value = self.value(depth + 1)?;
        let end = self.text.find([')', '\n'])?;
        self.text = self.text[end..].strip_prefix(')')?;
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_python_prints_is_a_value() {
        let text = "{'loss': [0.5, nan, inf], 'f1': np.float64(0.5), 'a': array([1, 2], dtype=int64), \
                    't': tensor(0.25, device='cuda:0'), 'n': None, 'ok': True, 3: (1, 'x\\'y'), 'e': {}}";
        assert_eq!(
            whole(text).unwrap(),
            json!({"loss": [0.5, "NaN", "inf"], "f1": 0.5, "a": [1, 2], "t": 0.25, "n": null, "ok": true,
                   "3": [1, "x'y"], "e": {}})
        );
        assert_eq!(
            whole("{\"a\": NaN, \"b\": -Infinity}").unwrap(),
            json!({"a": "NaN", "b": "-inf"})
        );
        for text in [
            "{'a' 1}", "{'a': }", "[1 2]", "{'a': 1", "hello", "'open", "tensor(1",
        ] {
            assert_eq!(whole(text), None, "{text}");
        }
        assert_eq!(whole(&"[".repeat(5000)), None);
        assert_eq!(value("{'a': 1} and more").unwrap().1, " and more");
    }
}
