//! The four counts of two classes: `TP=40 FP=3 FN=5 TN=52`, `{"tp": 40, ...}`, `True positives: 40`.

use super::super::error::ConfusionProblem;
use super::super::literal::Literal;
use super::table::Table;
use super::value;

/// Longer than any text that is about these four counts.
const MOST_BYTES: usize = 20_000;

/// Of which the count is: whether the prediction is right, and whether it is positive.
fn key(text: &str) -> Option<usize> {
    let text = text.to_lowercase().replace([' ', '_', '-'], "");
    match text.trim_end_matches('s') {
        "tn" | "truenegative" | "numtn" | "numtruenegative" => Some(0),
        "fp" | "falsepositive" | "numfp" | "numfalsepositive" => Some(1),
        "fn" | "falsenegative" | "numfn" | "numfalsenegative" => Some(2),
        "tp" | "truepositive" | "numtp" | "numtruepositive" => Some(3),
        _ => None,
    }
}

fn table(counts: [Option<String>; 4]) -> Option<Table> {
    let [Some(tn), Some(fp), Some(missed), Some(tp)] = counts else {
        return None;
    };
    let names = vec!["negative".to_owned(), "positive".to_owned()];
    let mut table = Table::of_cells(vec![vec![tn, fp], vec![missed, tp]]);
    table.rows = Some(names);
    table.axes.rows = Some((super::axes::Side::True, String::new()));
    table.said.push("the four counts of two classes".to_owned());
    Some(table)
}

pub(super) fn of_entries(entries: &[(Literal<'_>, Literal<'_>)]) -> Option<Result<Table, ConfusionProblem>> {
    let mut counts = [const { None }; 4];
    for (name, count) in entries {
        if let (Some(place), Some(count)) = (name.text().and_then(key), count.text()) {
            counts[place].get_or_insert(count.to_owned());
        }
    }
    table(counts).map(Ok)
}

/// The counts of a text in which each stands behind its name, or all four behind all names.
pub(super) fn of_text(text: &str) -> Option<Table> {
    if text.len() > MOST_BYTES {
        return None;
    }
    let words: Vec<&str> = text
        .split(|character: char| !(character.is_alphanumeric() || "._%".contains(character)))
        .map(|word| word.trim_end_matches('.'))
        .filter(|word| !word.is_empty())
        .collect();
    let mut names = Vec::new();
    let mut counts = [const { None }; 4];
    let mut place = 0;
    while place < words.len() {
        let two = words.get(place + 1).map(|next| format!("{}{next}", words[place]));
        if let Some(found) = two.as_deref().and_then(key) {
            names.push(found);
            place += 2;
        } else if let Some(found) = key(words[place]) {
            names.push(found);
            place += 1;
        } else {
            if value::number(words[place]).is_some() && !names.is_empty() {
                let found = names.remove(0);
                counts[found].get_or_insert(words[place].to_owned());
            } else if !names.is_empty() && names.len() < 4 {
                // `TP rate 0.9` is no count.
                names.clear();
            }
            place += 1;
        }
    }
    table(counts)
}
