//! Matrices in brackets as NumPy, PyTorch and TensorFlow print them, with or without commas.

use super::super::error::ConfusionProblem;
use super::sheet::is_number;
use super::table::Table;

/// An innermost pair of brackets.
#[derive(Debug)]
struct Group {
    start: usize,
    end: usize,
    depth: usize,
    cells: Vec<String>,
}

/// The matrix of a text, the last one if there are several in turn.
pub(super) fn table(text: &str) -> Option<Result<Table, ConfusionProblem>> {
    let groups = groups(text);
    let mut matrices: Vec<Vec<&Group>> = Vec::new();
    let is_line = |group: &Group| {
        group.cells.len() > 1 && group.cells.iter().all(|cell| is_number(cell) || cell == "...")
    };
    let mut before: Option<&Group> = None;
    for group in groups.iter().filter(|group| is_line(group)) {
        let continues = before.is_some_and(|before| {
            let between = &text[before.end..group.start];
            before.depth == group.depth
                && between
                    .chars()
                    .all(|character| character.is_whitespace() || ",.[]".contains(character))
                && between.matches(']').count() == 0
        });
        match matrices.last_mut().filter(|_| continues) {
            Some(lines) => lines.push(group),
            None => matrices.push(vec![group]),
        }
        before = Some(group);
    }
    matrices.retain(|lines| lines.len() > 1);
    let last = matrices.pop()?;
    if last
        .iter()
        .flat_map(|group| &group.cells)
        .any(|cell| cell == "...")
        || is_cut(text, &last)
    {
        return Some(Err(ConfusionProblem::Shortened));
    }
    if last[0].depth > 2 && !matrices.is_empty() {
        return Some(Err(ConfusionProblem::Several {
            matrices: matrices.len() + 1,
        }));
    }
    let cells: Vec<Vec<String>> = last.iter().map(|group| group.cells.clone()).collect();
    let size = cells.len();
    let mut table = Table::of_cells(cells);
    if !matrices.is_empty() {
        table
            .said
            .push(format!("the last of {} matrices", matrices.len() + 1));
    }
    let is_names =
        |group: &&Group| group.cells.len() == size && group.cells.iter().all(|cell| !is_number(cell));
    table.rows = groups.iter().find(is_names).map(|group| group.cells.clone());
    Some(Ok(table))
}

/// Whether a line of dots stands between two lines.
fn is_cut(text: &str, lines: &[&Group]) -> bool {
    lines
        .windows(2)
        .any(|pair| text[pair[0].end..pair[1].start].contains("..."))
}

/// Lists in lists as YAML writes them: a line for each number, and two dashes where a row begins.
pub(super) fn of_yaml(text: &str) -> Option<Table> {
    let mut cells: Vec<Vec<String>> = Vec::new();
    for line in text.lines().map(str::trim_start) {
        let number = |text: &str| is_number(text.trim()).then(|| text.trim().to_owned());
        let inner = line.strip_prefix("- ").map(str::trim_start);
        let first = inner.and_then(|inner| inner.strip_prefix("- ")).and_then(number);
        let next = inner.and_then(number);
        if let Some(first) = first {
            cells.push(vec![first]);
        } else if let (Some(next), Some(row)) = (next, cells.last_mut()) {
            row.push(next);
        } else if cells.len() > 1 {
            break;
        } else {
            cells.clear();
        }
    }
    let is_square = cells.len() > 1 && cells.iter().all(|row| row.len() == cells.len());
    is_square.then(|| Table::of_cells(cells))
}

fn groups(text: &str) -> Vec<Group> {
    let mut groups = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    for (place, character) in text.char_indices() {
        match character {
            '[' => open.push(place),
            ']' => {
                let depth = open.len();
                let Some(start) = open.pop() else { continue };
                let inner = &text[start + 1..place];
                if !inner.contains(['[', ']']) {
                    groups.push(Group {
                        start,
                        end: place + 1,
                        depth,
                        cells: cells(inner),
                    });
                }
            }
            _ => {}
        }
    }
    groups
}

fn cells(inner: &str) -> Vec<String> {
    if inner.contains(['\'', '"']) {
        let quoted = inner.split(['\'', '"']).skip(1).step_by(2);
        return quoted.map(str::to_owned).collect();
    }
    let words = inner.split(|character: char| character.is_whitespace() || ",;".contains(character));
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}
