//! Rows in a text that somebody pasted or printed: lists and dicts of Python, arrays of NumPy, tables in Markdown.
//!
//! Only the text is written anew, as a format that the crate `tables` reads; what its columns are is decided as for any
//! other file. A file that is what its name says is left alone.

use std::io::Read;
use std::path::Path;

use labelproof_artifact::fs;
use labelproof_tables::{Dialect, Encoding, Format, Sniffed};
use serde_json::{Map, Number, Value};

use super::literal::{Literal, parse_printed};

/// The bytes that tell whether a text is one of these.
const TELLING: u64 = 4096;

/// The longest text that is written anew.
const MOST_BYTES: u64 = 64 << 20;

/// A text in a form that the crate `tables` reads, and how.
pub(super) struct Pasted {
    pub(super) text: String,
    pub(super) sniffed: Sniffed,
}

/// The rows of a file that is one of these; nothing for any other file, and for what cannot be read.
pub(super) fn of_file(path: &Path) -> Option<Pasted> {
    // Opening a named pipe would wait for somebody to write to it.
    let bytes = path.metadata().ok().filter(std::fs::Metadata::is_file)?.len();
    let file = fs::open(path).ok()?;
    let mut head = Vec::new();
    file.take(TELLING).read_to_end(&mut head).ok()?;
    if bytes > MOST_BYTES || !seems(&String::from_utf8_lossy(&head)) {
        return None;
    }
    of_text(&fs::read_to_string(path).ok()?)
}

/// Whether the beginning of a text may be one of these.
fn seems(head: &str) -> bool {
    let head = without_mark(head);
    let mut lines = head.lines().filter(|line| !line.trim().is_empty());
    let (first, second) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    if first.starts_with('|') {
        return is_rule(second);
    }
    if let Some(inner) = head.strip_prefix('{') {
        return inner.trim_start().starts_with('\'');
    }
    if is_called(head) || named(first).is_some() {
        return true;
    }
    let inner = head.trim_start_matches(['[', '(', ' ', '\n', '\r', '\t']);
    let is_quoted = inner.starts_with('\'') || inner.starts_with("{'") || inner.starts_with("array(");
    head.starts_with(['[', '(']) && (is_quoted || is_spaced(head))
}

/// Whether a value is one that NumPy or PyTorch prints as a call.
fn is_called(text: &str) -> bool {
    ["array([", "np.array([", "tensor("]
        .iter()
        .any(|call| text.starts_with(call))
}

/// The name of a list that a line begins with, and the rest: `y_true: [0 1 1`, `y_pred = array([0, 1])`.
fn named(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once([':', '='])?;
    let (name, value) = (name.trim(), value.trim_start());
    let is_word = |character: char| character.is_alphanumeric() || "_ .".contains(character);
    let is_name = name.starts_with(char::is_alphabetic) && name.len() <= 40 && name.chars().all(is_word);
    (is_name && (value.starts_with('[') || is_called(value))).then_some((name, value))
}

/// Several lists of one length, each behind its name.
fn of_named(text: &str) -> Option<Value> {
    let mut parts: Vec<(&str, String)> = Vec::new();
    for line in text.lines() {
        match (named(line), parts.last_mut()) {
            (Some((name, value)), _) => parts.push((name, value.to_owned())),
            (None, Some((_, value))) => {
                value.push('\n');
                value.push_str(line);
            }
            (None, None) => return None,
        }
    }
    let mut columns = Map::new();
    let mut length = None;
    for (name, value) in parts {
        let value = as_json(&parse_printed(&value)?)?;
        let rows = value.as_array()?.len();
        if *length.get_or_insert(rows) != rows {
            return None;
        }
        columns.insert(name.to_owned(), value);
    }
    (columns.len() > 1).then_some(Value::Object(columns))
}

/// Whether a list begins with two numbers and nothing but blanks between them, as NumPy prints it.
fn is_spaced(head: &str) -> bool {
    let inner = head.trim_start_matches(['[', ' ']);
    let mut words = inner.split_whitespace();
    let mut is_number = || {
        let word = words.next().unwrap_or_default();
        word.trim_end_matches(']').parse::<f64>().is_ok()
    };
    head.starts_with('[') && is_number() && is_number()
}

fn without_mark(text: &str) -> &str {
    text.trim_start_matches('\u{feff}').trim_start()
}

/// The line below the names of a table in Markdown.
fn is_rule(line: &str) -> bool {
    line.trim().starts_with('|') && line.contains('-') && line.trim().chars().all(|c| "|-: ".contains(c))
}

fn of_text(text: &str) -> Option<Pasted> {
    let text = without_mark(text);
    if text.starts_with('|') {
        return of_markdown(text);
    }
    if text.starts_with('{')
        && let Some(lines) = dicts(text)
    {
        return Some(pasted(lines, Format::JsonLines, "dicts of Python, one a line"));
    }
    if let Some(columns) = of_named(text) {
        return Some(pasted(
            columns.to_string(),
            Format::Json,
            "lists behind their names",
        ));
    }
    let value = as_json(&parse_printed(text)?)?;
    let (format, remark) = match &value {
        Value::Object(_) => (Format::Json, "a dict of Python"),
        Value::Array(rows) if rows.first().is_some_and(Value::is_object) => {
            (Format::Json, "a list of Python")
        }
        Value::Array(rows) if !rows.is_empty() => {
            let remark = if is_spaced(text) {
                "an array as NumPy prints it"
            } else {
                "a list of Python"
            };
            (Format::JsonValues { is_lines: false }, remark)
        }
        _ => return None,
    };
    Some(pasted(value.to_string(), format, remark))
}

fn pasted(text: String, format: Format, remark: &str) -> Pasted {
    Pasted {
        text,
        sniffed: Sniffed {
            format,
            encoding: Encoding::Utf8,
            has_decimal_commas: false,
            remarks: vec![remark.to_owned()],
        },
    }
}

/// A dict on each line, as lines of JSON.
fn dicts(text: &str) -> Option<String> {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let values: Option<Vec<String>> = lines
        .map(|line| {
            Some(
                as_json(&parse_printed(line)?)
                    .filter(Value::is_object)?
                    .to_string(),
            )
        })
        .collect();
    values
        .filter(|values| values.len() > 1)
        .map(|values| values.join("\n"))
}

/// A value as JSON; nothing where values were left out, as NumPy does with `...`.
fn as_json(literal: &Literal<'_>) -> Option<Value> {
    Some(match literal {
        _ if literal.is_ellipsis() => return None,
        Literal::Word("None" | "null") => Value::Null,
        Literal::Word("True" | "true") => Value::Bool(true),
        Literal::Word("False" | "false") => Value::Bool(false),
        Literal::Word(word) => Value::String((*word).to_owned()),
        Literal::Number(text) => match text.parse::<i64>() {
            Ok(whole) => Value::Number(whole.into()),
            Err(_) => Value::Number(Number::from_f64(text.parse().ok()?)?),
        },
        Literal::Text(text) => Value::String(text.to_string()),
        Literal::List(values) => Value::Array(values.iter().map(as_json).collect::<Option<_>>()?),
        Literal::Map(entries) => {
            let entries = entries
                .iter()
                .map(|(key, value)| Some((key.text()?.to_owned(), as_json(value)?)));
            Value::Object(entries.collect::<Option<Map<_, _>>>()?)
        }
    })
}

/// A table in Markdown as one with commas; what stands around it is no row.
fn of_markdown(text: &str) -> Option<Pasted> {
    let mut rows: Vec<Vec<&str>> = Vec::new();
    let lines = text
        .lines()
        .map(str::trim)
        .take_while(|line| line.starts_with('|'));
    for (place, line) in lines.enumerate() {
        // The rule is below the names; further down, dashes are cells.
        if place != 1 || !is_rule(line) {
            let inner = line.strip_prefix('|').unwrap_or(line);
            let inner = inner.strip_suffix('|').unwrap_or(inner);
            rows.push(
                inner
                    .split('|')
                    .map(|cell| cell.trim().trim_matches('`'))
                    .collect(),
            );
        }
    }
    let columns = rows.first()?.len();
    if rows.len() < 2 || rows.iter().any(|row| row.len() != columns) {
        return None;
    }
    let line = |row: &Vec<&str>| {
        let cells = row
            .iter()
            .map(|cell| format!("\"{}\"", cell.replace('"', "\"\"")));
        cells.collect::<Vec<_>>().join(",")
    };
    let mut lines: Vec<String> = rows.iter().map(line).collect();
    // In the place of the rule, so that messages name the lines of the file.
    lines.insert(1, String::new());
    Some(pasted(
        lines.join("\n") + "\n",
        Format::Delimited(Dialect::CSV),
        "a table in Markdown",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn read(text: &str) -> (String, Format) {
        assert!(seems(text), "{text}");
        let pasted = of_text(text).unwrap_or_else(|| panic!("{text}"));
        (pasted.text, pasted.sniffed.format)
    }

    #[test]
    fn what_python_prints_becomes_json() {
        assert_eq!(
            read("[{'label': 'LABEL_1', 'score': 0.5}, {'label': 'a\\'b', 'score': 1}]"),
            (
                r#"[{"label":"LABEL_1","score":0.5},{"label":"a'b","score":1}]"#.to_owned(),
                Format::Json
            )
        );
        assert_eq!(
            read("['pos', 'neg']\n"),
            (
                r#"["pos","neg"]"#.to_owned(),
                Format::JsonValues { is_lines: false }
            )
        );
        assert_eq!(
            read("{'y': 1}\n{'y': 2}\n"),
            ("{\"y\":1}\n{\"y\":2}".to_owned(), Format::JsonLines)
        );
    }

    #[test]
    fn what_numpy_prints_becomes_json() {
        assert_eq!(
            read("[[-0.61  -0.01]\n [ 2.      0.5 ]]\n"),
            (
                "[[-0.61,-0.01],[2.0,0.5]]".to_owned(),
                Format::JsonValues { is_lines: false }
            )
        );
        // Of a long array, the midst is not there.
        assert!(of_text("[[1. 2.]\n ...\n [3. 4.]]").is_none());
    }

    #[test]
    fn lists_behind_their_names_become_columns() {
        let columns = |text| serde_json::from_str::<Value>(&read(text).0).unwrap();
        let expected = serde_json::json!({"y_true": [0, 1], "y_pred": [0, 0]});
        assert_eq!(columns("y_true: [0 1]\ny_pred: [0 0]\n"), expected);
        assert_eq!(
            columns("y_true = array([0,\n 1])\ny_pred = array([0, 0])\n"),
            expected
        );
        assert!(of_text("y_true: [0 1]\ny_pred: [0 0 1]\n").is_none());
        assert_eq!(read("array([1, 0], dtype=int64)").0, "[1,0]");
    }

    #[test]
    fn a_table_in_markdown_becomes_one_with_commas() {
        let (text, _) = read("| text | gold |\n|:---|---:|\n| a \"b\", c | `x` |\n");
        assert_eq!(text, "\"text\",\"gold\"\n\n\"a \"\"b\"\", c\",\"x\"\n");
    }

    #[test]
    fn other_files_are_left_alone() {
        for text in [
            "text,label\n",
            "[{\"label\": 1}]",
            "[0.5, 0.5]",
            "{\"a\": 1}",
            "[INFO] 3 rows",
            "| a | b |\n| c | d |\n",
            "",
        ] {
            assert!(!seems(text), "{text}");
        }
    }

    #[test]
    fn empty_cells_and_rows_of_dashes_of_a_table_are_kept() {
        let (text, _) = read("| text | gold |\n|:---|---:|\n| a ||\n|| b |\n| - | - |\n");
        assert_eq!(text, "\"text\",\"gold\"\n\n\"a\",\"\"\n\"\",\"b\"\n\"-\",\"-\"\n");
    }
}
