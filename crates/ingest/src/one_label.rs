//! The label of a row: one, whatever its cell holds.
//!
//! A list of one label is that label, in JSON, Parquet and as a list is printed into a cell. A row of several
//! labels has none that this program could learn, and is refused in words. What a label means is not known
//! here.

use std::borrow::Cow;

use labelproof_artifact::wording::{counted, one_line};
use labelproof_tables::Cell;

use crate::params::{Format, Params};
use crate::rows::{Problem, Reason, cell_text};
use crate::settings::Settings;

/// Labels that a message lists; the rest is counted.
const SHOWN: usize = 5;

/// The label of a cell; none if there is no label in it.
pub(crate) fn of_cell<'c>(
    cell: &'c Cell<'_>,
    name: &str,
    settings: Settings,
) -> Result<Option<Cow<'c, str>>, Problem> {
    match cell {
        Cell::Boolean(value) => Ok(Some(Cow::Borrowed(if *value { "true" } else { "false" }))),
        Cell::List(items) => {
            let labels = all(items, name, settings)?;
            only(labels, name)
        }
        Cell::Each(cells) => {
            // Of several annotators, who may agree.
            let mut labels = all(cells, name, settings)?;
            labels.sort_unstable();
            labels.dedup();
            only(labels, name)
        }
        _ => {
            let Some(text) = cell_text(cell, name, settings)? else {
                return Ok(None);
            };
            match printed_list(text) {
                None => Ok(Some(text.into())),
                Some(labels) => only(labels.into_iter().map(Cow::Owned).collect(), name),
            }
        }
    }
}

/// What the user can do about rows of several labels.
pub(crate) fn advice(params: &Params) -> &'static str {
    if matches!(params.format, Format::JsonLines | Format::Json | Format::Parquet) {
        "this is for one label a row: make a column that has one, or say which item of a list is meant, from \
         0, as `labels.0` or `annotations.0.label` does"
    } else {
        "this is for one label a row: write one label into each row, or a name of its own for each \
         combination"
    }
}

fn all<'c>(cells: &'c [Cell<'_>], name: &str, settings: Settings) -> Result<Vec<Cow<'c, str>>, Problem> {
    let labels = cells.iter().map(|cell| of_cell(cell, name, settings).transpose());
    labels.flatten().collect()
}

fn only<'c>(mut labels: Vec<Cow<'c, str>>, name: &str) -> Result<Option<Cow<'c, str>>, Problem> {
    match labels.len() {
        0 | 1 => Ok(labels.pop()),
        count => {
            let mut shown: Vec<String> = labels
                .iter()
                .take(SHOWN)
                .map(|label| format!("`{}`", one_line(label)))
                .collect();
            if count > SHOWN {
                shown.push("…".to_owned());
            }
            let detail = format!("{name} has {}: {}", counted(count, "label"), shown.join(", "));
            Err(Problem::new(Reason::SeveralLabels, detail))
        }
    }
}

/// The items of a list as JSON, Python or numpy print it, and of what Label Studio writes into a cell; none
/// if the text is no such list.
fn printed_list(text: &str) -> Option<Vec<String>> {
    let text = text.trim();
    if text.starts_with("{\"choices\"") {
        let value: serde_json::Value = serde_json::from_str(text).ok()?;
        return value["choices"].as_array().and_then(|items| strings(items));
    }
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    if let Ok(items) = serde_json::from_str::<Vec<serde_json::Value>>(text) {
        return strings(&items);
    }
    let mut items = Vec::new();
    let mut rest = inner.trim_start();
    while !rest.is_empty() {
        let (item, behind) = printed_item(rest)?;
        items.push(item);
        let behind = behind.trim_start();
        rest = behind.strip_prefix(',').unwrap_or(behind).trim_start();
    }
    Some(items)
}

fn strings(items: &[serde_json::Value]) -> Option<Vec<String>> {
    let text = |item: &serde_json::Value| match item {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        serde_json::Value::Bool(value) => Some(value.to_string()),
        _ => None,
    };
    items.iter().map(text).collect()
}

/// A string in quotes, or a number, and what follows.
fn printed_item(text: &str) -> Option<(String, &str)> {
    let quote = text.chars().next().filter(|first| "'\"".contains(*first));
    let Some(quote) = quote else {
        let end = text.find([',', ' ', '\n']).unwrap_or(text.len());
        let (number, rest) = text.split_at(end);
        number.parse::<f64>().ok()?;
        return Some((number.to_owned(), rest));
    };
    let mut item = String::new();
    let mut characters = text.char_indices().skip(1);
    while let Some((place, character)) = characters.next() {
        match character {
            '\\' => item.push(characters.next()?.1),
            _ if character == quote => return Some((item, &text[place + 1..])),
            _ => item.push(character),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(cell: &Cell<'_>) -> Result<Option<String>, String> {
        of_cell(cell, "`y`", Settings::Pipeline)
            .map(|label| label.map(Cow::into_owned))
            .map_err(|problem| format!("{}: {}", problem.reason.name(), problem.detail))
    }

    fn text(text: &str) -> Cell<'_> {
        Cell::Text(text.into())
    }

    #[test]
    fn a_list_of_one_label_is_that_label() {
        assert_eq!(label(&Cell::List(vec![text("a")])), Ok(Some("a".to_owned())));
        assert_eq!(label(&Cell::List(vec![])), Ok(None));
        assert_eq!(label(&Cell::List(vec![Cell::Missing])), Ok(None));
        assert_eq!(label(&Cell::Boolean(true)), Ok(Some("true".to_owned())));
        let two = Cell::List(vec![text("a"), text("b")]);
        assert_eq!(
            label(&two),
            Err("several labels: `y` has 2 labels: `a`, `b`".to_owned())
        );
        // Two ones of a multi-hot row are no agreement.
        assert!(label(&Cell::List(vec![text("1"), text("1")])).is_err());
    }

    #[test]
    fn annotators_who_agree_give_one_label() {
        let one = || Cell::List(vec![text("a")]);
        assert_eq!(label(&Cell::Each(vec![one(), one()])), Ok(Some("a".to_owned())));
        assert_eq!(
            label(&Cell::Each(vec![one(), text("b")])),
            Err("several labels: `y` has 2 labels: `a`, `b`".to_owned())
        );
    }

    #[test]
    fn printed_lists_are_lists_and_other_brackets_are_not() {
        // As pandas, numpy and Label Studio print them.
        for (printed, expected) in [
            ("['a']", &["a"][..]),
            ("[\"a\", \"b\"]", &["a", "b"]),
            ("['it\\'s', \"b\"]", &["it's", "b"]),
            ("['a' 'b']", &["a", "b"]),
            ("[0 1 0]", &["0", "1", "0"]),
            ("[]", &[]),
            ("{\"choices\":[\"a\",\"b\"]}", &["a", "b"]),
        ] {
            assert_eq!(printed_list(printed).unwrap(), expected, "{printed}");
        }
        for other in ["[sport]", "a", "['a'", "[a, b]", "{\"x\": 1}", "[[1]]"] {
            assert_eq!(printed_list(other), None, "{other}");
        }
    }
}
