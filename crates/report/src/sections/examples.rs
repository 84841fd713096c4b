//! The example rows of the confusion matrix, as data for the page's script. It inserts them as text and never
//! as markup.

use std::collections::BTreeMap;
use std::fmt;

use askama::filters::HtmlSafe;
use labelproof_artifact::Split;
use serde::Serialize;

use super::confusion::cell_name;
use crate::facts::{Facts, TestRow};
use crate::format::{more, percent};
use crate::text;

/// The most bytes that all rows together take on the page.
const BUDGET: usize = 350_000;

#[derive(Serialize)]
struct Data {
    labels: Vec<String>,
    /// The cells, by `true class,predicted class`.
    cells: BTreeMap<String, Cell>,
}

#[derive(Serialize)]
struct Cell {
    /// The number of rows of the cell, some of which are in `rows`.
    count: u64,
    rows: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    id: String,
    text: String,
    cut: String,
    /// Class and probability, the most probable first.
    probabilities: Vec<(usize, String)>,
    baseline: String,
}

/// The content of the data element.
pub(crate) struct Examples(String);

impl HtmlSafe for Examples {}

impl fmt::Display for Examples {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Examples {
    /// Takes of every cell as many rows as there is room for, of each in turn.
    pub(crate) fn new(facts: &Facts) -> Self {
        let Some(metrics) = facts.model(Split::Test) else {
            return Self(inside_script(&Data {
                labels: Vec::new(),
                cells: BTreeMap::new(),
            }));
        };
        let rows = &facts.test_rows.examples;
        let mut cells: BTreeMap<_, Vec<Row>> = rows.keys().map(|&cell| (cell, Vec::new())).collect();
        let mut room = BUDGET;
        let longest = rows.values().map(Vec::len).max().unwrap_or(0);
        for round in 0..longest {
            for (cell, rows) in rows {
                let Some(row) = rows.get(round).map(|row| row_of(facts, row)) else {
                    continue;
                };
                let size = row.size();
                if size <= room {
                    room -= size;
                    cells.entry(*cell).or_default().push(row);
                }
            }
        }
        let cell = |((class, predicted), rows): (crate::facts::Cell, Vec<Row>)| {
            let count = metrics.confusion[class][predicted];
            (cell_name((class, predicted)), Cell { count, rows })
        };
        Self(inside_script(&Data {
            labels: (0..facts.labels.len()).map(|class| facts.label(class)).collect(),
            cells: cells.into_iter().map(cell).collect(),
        }))
    }
}

fn row_of(facts: &Facts, row: &TestRow) -> Row {
    let excerpt = facts.texts.excerpts.get(&row.id);
    Row {
        id: text::name(&row.id),
        text: excerpt.map(|excerpt| excerpt.text.clone()).unwrap_or_default(),
        cut: excerpt.map_or_else(String::new, |excerpt| more(excerpt.left_out, "character")),
        probabilities: row
            .most_probable
            .iter()
            .map(|&(class, probability)| (class, percent(probability)))
            .collect(),
        baseline: text::label(&row.baseline_predicted),
    }
}

impl Row {
    /// More than the bytes it takes as JSON.
    fn size(&self) -> usize {
        serde_json::to_string(self).map_or(usize::MAX, |json| escaped(&json).len() + 1)
    }
}

fn inside_script(value: &impl Serialize) -> String {
    escaped(&serde_json::to_string(value).expect("text and lists of it are JSON"))
}

/// Nothing that ends or opens an element: the characters of markup are in strings only, and JSON has other
/// names for them.
fn escaped(json: &str) -> String {
    json.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_element_ends_inside_the_data() {
        let attack = ["</script><!-- <script> &amp; ]]>"];
        let json = inside_script(&attack);
        assert!(!json.contains(['<', '>', '&']), "{json}");
        assert_eq!(serde_json::from_str::<[String; 1]>(&json).unwrap(), attack);
    }
}
