//! The confusion matrix as a picture, for papers; on the page it is a table.

use askama::Template;
use askama::filters::HtmlSafe;

use super::Pixels;
use super::lettering::extent;
use crate::format::count;
use crate::palette;

/// The size of the letters, and of a cell.
const LETTERS: f64 = 12.0;
const CELL: f64 = 44.0;
const SMALL_CELL: f64 = 30.0;

/// The number of labels from which cells are small.
const MANY_LABELS: usize = 13;

/// The longest name that is not squeezed.
const LONGEST_NAME: f64 = 160.0;

const MARGIN: f64 = 10.0;

struct Cell {
    x: Pixels,
    y: Pixels,
    fill: &'static str,
    text: &'static str,
    text_x: Pixels,
    text_y: Pixels,
    count: String,
}

struct Name {
    text: String,
    /// The vertical place of the row.
    y: Pixels,
    /// The horizontal place of the column.
    x: Pixels,
    /// The width that it has to keep to, where it is too long.
    fitted: Option<Pixels>,
}

/// Counts on a grid, coloured by the share of the row.
#[derive(Template)]
#[template(path = "figures/heat_map.html", whitespace = "minimize")]
pub(crate) struct HeatMap {
    width: Pixels,
    height: Pixels,
    names_end: Pixels,
    size: Pixels,
    middle: Pixels,
    cells: Vec<Cell>,
    names: Vec<Name>,
}

impl HtmlSafe for HeatMap {}

impl HeatMap {
    /// Draws counts `[true class][predicted class]` with the classes' names.
    pub(crate) fn new(names: &[String], counts: &[Vec<u64>]) -> Self {
        let size = if names.len() < MANY_LABELS {
            CELL
        } else {
            SMALL_CELL
        };
        let longest = names
            .iter()
            .map(|name| extent(name).width * LETTERS)
            .fold(0.0, f64::max);
        // A line for what the axis is, and the names.
        let start = MARGIN + 20.0 + longest.min(LONGEST_NAME) + 8.0;
        let end = start + size * names.len() as f64 + MARGIN;
        let place = |number: usize| start + size * number as f64;
        let mut cells = Vec::new();
        for (row, counts) in counts.iter().enumerate() {
            let sum: u64 = counts.iter().sum();
            for (column, &rows) in counts.iter().enumerate() {
                let step = palette::step(rows as f64 / sum.max(1) as f64);
                let (fill, text) = step.map_or(("#f5f7f9", "#57606a"), palette::light);
                cells.push(Cell {
                    x: Pixels(place(column)),
                    y: Pixels(place(row)),
                    fill,
                    text,
                    text_x: Pixels(place(column) + size / 2.0),
                    text_y: Pixels(place(row) + size / 2.0 + 4.0),
                    count: count(rows),
                });
            }
        }
        Self {
            width: Pixels(end),
            height: Pixels(end),
            names_end: Pixels(start - 8.0),
            size: Pixels(size - 1.0),
            middle: Pixels(f64::midpoint(start, end - MARGIN)),
            cells,
            names: names
                .iter()
                .enumerate()
                .map(|(number, name)| Name {
                    text: name.clone(),
                    y: Pixels(place(number) + size / 2.0 + 4.0),
                    x: Pixels(place(number) + size / 2.0 + 4.0),
                    fitted: (extent(name).width * LETTERS > LONGEST_NAME).then_some(Pixels(LONGEST_NAME)),
                })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_count_and_name_is_drawn() {
        let names = [
            "ham".to_owned(),
            "a very long name of a label indeed, too long".to_owned(),
        ];
        let picture = HeatMap::new(&names, &[vec![1200, 3], vec![0, 7]]).to_string();
        for count in ["1,200", ">3<", ">0<", ">7<"] {
            assert!(picture.contains(count), "{count}: {picture}");
        }
        assert_eq!(picture.matches(">ham<").count(), 2);
        assert_eq!(picture.matches("textLength").count(), 2);
    }
}
