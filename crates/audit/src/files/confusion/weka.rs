//! The matrix that Weka prints: `a b c <-- classified as`, and the names behind the counts.

use super::axes::{Axes, Side};
use super::sheet::is_number;
use super::table::Table;

pub(super) fn table(text: &str) -> Option<Table> {
    let lines: Vec<&str> = text.lines().collect();
    let is_header = |line: &str| line.contains("<--") && line.to_lowercase().contains("classified as");
    let headers = lines.iter().filter(|line| is_header(line)).count();
    let header = lines.iter().rposition(|line| is_header(line))?;
    let mut cells = Vec::new();
    let mut names = Vec::new();
    for line in lines[header + 1..].iter().filter(|line| !line.trim().is_empty()) {
        let Some((counts, name)) = line.split_once('|') else {
            break;
        };
        let counts: Vec<String> = counts.split_whitespace().map(str::to_owned).collect();
        if counts.is_empty() || !counts.iter().all(|cell| is_number(cell)) {
            break;
        }
        cells.push(counts);
        names.push(
            name.split_once('=')
                .map_or(name, |(_, name)| name)
                .trim()
                .to_owned(),
        );
    }
    let mut said = Vec::new();
    if headers > 1 {
        said.push(format!("the last of {headers} matrices"));
    }
    let axes = Axes {
        rows: None,
        columns: Some((Side::Predicted, "classified as".to_owned())),
    };
    (!cells.is_empty()).then(|| Table {
        rows: Some(names),
        axes,
        said,
        ..Table::of_cells(cells)
    })
}
