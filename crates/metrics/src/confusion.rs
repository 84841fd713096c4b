//! The confusion matrix and the counts that are read off it.
//!
//! Counting only; what the counts say is in `averages` and `agreement`.

use crate::Error;

/// One cell of a confusion matrix that is not known to be empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) truth: u32,
    pub(crate) predicted: u32,
    pub(crate) count: u64,
}

/// How often each class was predicted for each true class.
///
/// Only cells that occur are stored: a bootstrap counts the matrix again a thousand times, and with many
/// classes most of it is zeros.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confusion {
    classes: usize,
    cells: Vec<Cell>,
}

/// The sums over rows, columns and diagonal of a confusion matrix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totals {
    /// The number of rows.
    pub rows: u64,
    /// Rows whose predicted class is their true one.
    pub hits: u64,
    /// The number of rows of each true class.
    pub support: Vec<u64>,
    /// The number of rows of each predicted class.
    pub predicted: Vec<u64>,
    /// Rows of each class for which it was also predicted.
    pub class_hits: Vec<u64>,
}

impl Confusion {
    /// Reads a matrix whose rows are true classes and whose columns are predicted ones.
    ///
    /// The counts may come from anywhere, so that their sum is checked: no product of them may overflow
    /// later.
    pub fn from_matrix(matrix: &[Vec<u64>]) -> Result<Self, Error> {
        let classes = matrix.len();
        if classes == 0 {
            return Err(Error::NoClasses);
        }
        if u32::try_from(classes).is_err() {
            return Err(Error::TooMany {
                what: "classes",
                found: classes,
            });
        }
        let rows = matrix
            .iter()
            .flatten()
            .fold(0_u64, |sum, &count| sum.saturating_add(count));
        if rows > u64::from(u32::MAX) {
            return Err(Error::TooMany {
                what: "rows",
                found: usize::try_from(rows).unwrap_or(usize::MAX),
            });
        }
        let mut cells = Vec::new();
        for (truth, row) in (0_u32..).zip(matrix) {
            if row.len() != classes {
                return Err(Error::Length {
                    what: "columns in the confusion matrix",
                    expected: classes,
                    found: row.len(),
                });
            }
            cells.extend(
                (0_u32..)
                    .zip(row)
                    .filter(|&(_, &count)| count > 0)
                    .map(|(predicted, &count)| Cell {
                        truth,
                        predicted,
                        count,
                    }),
            );
        }
        Ok(Self { classes, cells })
    }

    /// Counts true against predicted classes.
    pub fn from_scored(scored: &crate::Scored<'_>) -> Self {
        let pairs: Vec<(u32, u32)> = scored
            .labels()
            .iter()
            .copied()
            .zip(scored.predictions())
            .collect();
        Self::count(&pairs, scored.classes()).0
    }

    /// Counts pairs of true and predicted class; also says which cell each pair went to.
    ///
    /// Both classes of every pair must be below `classes`, as [`crate::Scored`] guarantees.
    pub(crate) fn count(pairs: &[(u32, u32)], classes: usize) -> (Self, Vec<u32>) {
        let mut distinct = pairs.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        let mut cells: Vec<Cell> = distinct
            .iter()
            .map(|&(truth, predicted)| Cell {
                truth,
                predicted,
                count: 0,
            })
            .collect();
        let cell_of_pair = pairs
            .iter()
            .map(|pair| {
                let at = distinct.partition_point(|other| other < pair);
                cells[at].count += 1;
                u32::try_from(at).expect("there are no more cells than rows, and rows are numbered by u32")
            })
            .collect();
        (Self { classes, cells }, cell_of_pair)
    }

    /// The same cells with all counts at zero.
    pub(crate) fn emptied(&self) -> Self {
        let cells = self.cells.iter().map(|&cell| Cell { count: 0, ..cell }).collect();
        Self {
            classes: self.classes,
            cells,
        }
    }

    /// Adds rows to the cell at this place.
    pub(crate) fn add(&mut self, cell: u32, rows: u64) {
        self.cells[cell as usize].count += rows;
    }

    pub(crate) fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// The whole matrix: rows are true classes, columns predicted ones.
    pub fn matrix(&self) -> Vec<Vec<u64>> {
        let mut matrix = vec![vec![0; self.classes]; self.classes];
        for cell in &self.cells {
            matrix[cell.truth as usize][cell.predicted as usize] = cell.count;
        }
        matrix
    }

    /// The sums over rows, columns and diagonal.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals {
            rows: 0,
            hits: 0,
            support: vec![0; self.classes],
            predicted: vec![0; self.classes],
            class_hits: vec![0; self.classes],
        };
        for &Cell {
            truth,
            predicted,
            count,
        } in &self.cells
        {
            totals.rows += count;
            totals.support[truth as usize] += count;
            totals.predicted[predicted as usize] += count;
            if truth == predicted {
                totals.hits += count;
                totals.class_hits[truth as usize] += count;
            }
        }
        totals
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_survives_the_round_trip() {
        let matrix = vec![vec![3, 0, 1], vec![0, 0, 0], vec![2, 0, 5]];
        let confusion = Confusion::from_matrix(&matrix).unwrap();
        assert_eq!(confusion.matrix(), matrix);
        let totals = confusion.totals();
        assert_eq!((totals.rows, totals.hits), (11, 8));
        assert_eq!(totals.support, [4, 0, 7]);
        assert_eq!(totals.predicted, [5, 0, 6]);
        assert_eq!(totals.class_hits, [3, 0, 5]);
    }

    #[test]
    fn pairs_are_counted_rows_true_and_columns_predicted() {
        let (confusion, cell_of_pair) = Confusion::count(&[(0, 1), (2, 2), (0, 1), (1, 0)], 3);
        assert_eq!(confusion.matrix(), [[0, 2, 0], [1, 0, 0], [0, 0, 1]]);
        assert_eq!(cell_of_pair, [0, 2, 0, 1]);
    }

    #[test]
    fn a_matrix_must_be_square() {
        assert_eq!(Confusion::from_matrix(&[]), Err(Error::NoClasses));
        let ragged = Confusion::from_matrix(&[vec![1, 2], vec![3]]).unwrap_err();
        assert_eq!(
            ragged.to_string(),
            "expected 2 columns in the confusion matrix, found 1"
        );
    }

    #[test]
    fn counts_that_would_overflow_are_refused() {
        let problem = Confusion::from_matrix(&[vec![u64::MAX, 1], vec![1, 1]]).unwrap_err();
        assert!(matches!(problem, Error::TooMany { what: "rows", .. }));
    }
}
