//! A line for each pair of classes: true class, predicted class, count.

use super::super::error::ConfusionProblem;
use super::axes::{Side, side};
use super::sheet::is_number;
use super::table::Table;

fn is_count_name(name: &str) -> bool {
    let name = name.trim().to_lowercase().replace(['_', ' '], "");
    matches!(
        name.as_str(),
        "n" | "count"
            | "counts"
            | "freq"
            | "frequency"
            | "npredictions"
            | "value"
            | "num"
            | "number"
            | "0"
            | "size"
            | "rows"
    )
}

/// Reads lines under a header that names a true class, a predicted class and a count; nothing if it does not.
pub(super) fn of_records(lines: &[Vec<String>]) -> Option<Result<Table, ConfusionProblem>> {
    let [header, body @ ..] = lines else { return None };
    let find = |wanted: Side| header.iter().position(|name| side(name) == Some(wanted));
    let truth = find(Side::True).or_else(|| {
        let is_label = |name: &String| matches!(name.to_lowercase().as_str(), "label" | "class" | "labels");
        header.iter().position(is_label)
    })?;
    let predicted = find(Side::Predicted)?;
    let count = header.iter().position(|name| is_count_name(name)).or_else(|| {
        let rest: Vec<usize> = (0..header.len())
            .filter(|place| ![truth, predicted].contains(place))
            .collect();
        match rest.as_slice() {
            [place] if header.len() == 3 => Some(*place),
            _ => None,
        }
    });
    let Some(count) = count else {
        // As long as the file is, it is of rows.
        let is_rows = header.len() == 2 && body.len() > 2 && body.iter().all(|line| line.len() == 2);
        return is_rows.then_some(Err(ConfusionProblem::Rows));
    };
    let line = |cells: &Vec<String>| {
        // R numbers its lines.
        let shift = cells.len().checked_sub(header.len())?;
        let cell = |place: usize| cells.get(place + shift).cloned();
        (shift <= 1).then_some((cell(truth)?, cell(predicted)?, cell(count)?))
    };
    let pairs: Option<Vec<_>> = body.iter().map(line).collect();
    let pairs = pairs.filter(|pairs| pairs.len() >= 2 && pairs.iter().all(|(.., count)| is_number(count)))?;
    Some(Table::of_pairs(&pairs))
}

/// Reads a text of such lines.
pub(super) fn of_text(text: &str) -> Option<Result<Table, ConfusionProblem>> {
    let header = text.lines().find(|line| !line.trim().is_empty())?;
    let separator = [',', '\t', ';', '|']
        .into_iter()
        .find(|separator| header.contains(*separator));
    let cells = |line: &str| -> Vec<String> {
        match separator {
            Some(separator) => {
                let line = if separator == '|' {
                    line.trim().trim_matches('|')
                } else {
                    line
                };
                line.split(separator)
                    .map(|cell| cell.trim().trim_matches('"').to_owned())
                    .collect()
            }
            None => line.split_whitespace().map(str::to_owned).collect(),
        }
    };
    let is_rule = |line: &&str| line.chars().all(|character| " -|:+=".contains(character));
    let lines = text.lines().filter(|line| !is_rule(line));
    // `(4 rows)`, as psql ends.
    let lines: Vec<Vec<String>> = lines.map(cells).filter(|cells| cells.len() > 1).collect();
    of_records(&lines)
}
