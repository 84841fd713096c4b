//! JSON and Python's way to print dictionaries and lists, as one value: `{'loss': nan, 'f1': np.float64(0.5)}`.
//!
//! Responsible for JSON of it; how it is written is the business of `files::literal`. Numbers that are not finite
//! come as their names, since JSON has none; `number` reads both.

use serde_json::{Map, Number, Value};

use super::super::literal::{self, Literal};
use super::number::plain;

/// One value that a text begins with, and what follows it; or else how many bytes were looked at in vain.
pub(super) fn value(text: &str) -> Result<(Value, &str), usize> {
    let (literal, rest) = literal::first(text)?;
    let value = as_json(&literal).ok_or(text.len() - rest.len())?;
    Ok((value, rest))
}

/// A text that is one value and nothing else.
pub(super) fn whole(text: &str) -> Option<Value> {
    let (value, rest) = value(text.trim_start_matches('\u{feff}')).ok()?;
    rest.trim().is_empty().then_some(value)
}

fn as_json(literal: &Literal<'_>) -> Option<Value> {
    Some(match literal {
        Literal::Word("None" | "null") => Value::Null,
        Literal::Word("True" | "true") => Value::Bool(true),
        Literal::Word("False" | "false") => Value::Bool(false),
        Literal::Word(word) => number(word)?,
        Literal::Number(text) => number(text)?,
        Literal::Text(text) => Value::String(text.to_string()),
        Literal::List(values) => Value::Array(values.iter().map(as_json).collect::<Option<_>>()?),
        Literal::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| {
                let is_key = matches!(key, Literal::Text(_) | Literal::Number(_));
                let key = key.text().filter(|_| is_key)?;
                Some((key.to_owned(), as_json(value)?))
            });
            Value::Object(entries.collect::<Option<Map<_, _>>>()?)
        }
    })
}

fn number(text: &str) -> Option<Value> {
    let number = plain(text)?;
    let whole = text.parse::<i64>().ok().map(Number::from);
    Some(match whole.or_else(|| Number::from_f64(number)) {
        Some(number) => Value::Number(number),
        None => Value::String(number.to_string()),
    })
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
