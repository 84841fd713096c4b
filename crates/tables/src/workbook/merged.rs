//! Merged cells, of which only the first has a value: a person sees it in all of them.

use calamine::Dimensions;

/// The merged cells of a sheet, asked row by row.
pub(super) struct Merged {
    /// Those below the row at hand, the uppermost last.
    below: Vec<Dimensions>,
    /// Those that reach into the row at hand.
    at_hand: Vec<Dimensions>,
}

impl Merged {
    pub(super) fn new(mut all: Vec<Dimensions>) -> Self {
        all.sort_by_key(|cells| std::cmp::Reverse(cells.start));
        Self {
            below: all,
            at_hand: Vec::new(),
        }
    }

    /// Whether a cell shows the value of another one. Rows are asked for in their order.
    pub(super) fn hides(&mut self, row: u32, column: u32) -> bool {
        while let Some(cells) = self.below.pop_if(|cells| cells.start.0 <= row) {
            self.at_hand.push(cells);
        }
        self.at_hand.retain(|cells| cells.end.0 >= row);
        let hides = |cells: &Dimensions| cells.contains(row, column) && cells.start != (row, column);
        self.at_hand.iter().any(hides)
    }
}
