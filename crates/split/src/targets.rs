//! How many rows of each class each part should get, in whole rows.
//!
//! Every class is rounded to the row above or below its exact share, and so is the whole: with three parts
//! such a rounding always exists (it is a flow with whole capacities, and with three parts each way to round
//! the totals is reachable). One rule is stronger: every part gets at least one row of every class.
//!
//! scikit-learn's `train_test_split`, called twice as is usual, rounds each part up on its own. The sizes of
//! parts differ from it by one row at most.

/// The tolerance within which the product of a share and a count is taken for a whole number: `0.07 * 50_000`
/// is `3500.0000000000005` in floating point.
const WHOLE: f64 = 1e-6;

/// One class in one split, while the targets are being computed.
#[derive(Debug, Clone, Copy)]
struct Cell {
    exact: f64,
    lowest: usize,
    highest: usize,
    rows: usize,
}

impl Cell {
    /// The remainder after rounding down, from 0 to 1.
    fn remainder(&self) -> f64 {
        self.exact - self.lowest as f64
    }
}

/// Rows per class and part. `shares` are those of the parts and add up to 1; each class must have at least as
/// many rows as there are parts.
pub(crate) fn targets(class_rows: &[usize], shares: &[f64]) -> Vec<Vec<usize>> {
    let total: usize = class_rows.iter().sum();
    let wanted: Vec<_> = round_class(total, shares).iter().map(|cell| cell.rows).collect();
    let mut table: Vec<_> = class_rows.iter().map(|&rows| round_class(rows, shares)).collect();
    balance(&mut table, &wanted);
    table
        .iter()
        .map(|cells| cells.iter().map(|cell| cell.rows).collect())
        .collect()
}

/// Divides the rows of one class by largest remainders, at least one row a part.
fn round_class(rows: usize, shares: &[f64]) -> Vec<Cell> {
    let mut left = rows as f64;
    let mut cells: Vec<_> = shares
        .iter()
        .enumerate()
        .map(|(part, share)| {
            // The last part takes what is left, so that the exact values add up.
            let exact = if part + 1 == shares.len() {
                left
            } else {
                rows as f64 * share
            };
            let exact = if (exact - exact.round()).abs() < WHOLE {
                exact.round()
            } else {
                exact
            };
            left -= exact;
            let lowest = whole(exact.floor()).max(1);
            Cell {
                exact,
                lowest,
                highest: whole(exact.ceil()).max(1),
                rows: lowest,
            }
        })
        .collect();
    let mut given: usize = cells.iter().map(|cell| cell.rows).sum();
    while given < rows {
        let Some(next) = best(&cells, |cell| {
            (cell.rows < cell.highest).then(|| cell.remainder())
        }) else {
            break;
        };
        cells[next].rows += 1;
        given += 1;
    }
    while given > rows {
        // A row in every part has cost more than there is: the part furthest above its share pays, and such a
        // class has no freedom left for balancing.
        let Some(next) = best(&cells, |cell| {
            (cell.rows > 1).then_some(cell.rows as f64 - cell.exact)
        }) else {
            break;
        };
        cells[next].rows -= 1;
        given -= 1;
        for cell in &mut cells {
            (cell.lowest, cell.highest) = (cell.rows, cell.rows);
        }
    }
    cells
}

/// The first of the cells with the highest value; cells without a value do not take part.
fn best(cells: &[Cell], value: impl Fn(&Cell) -> Option<f64>) -> Option<usize> {
    let mut found: Option<(usize, f64)> = None;
    for (part, cell) in cells.iter().enumerate() {
        if let Some(value) = value(cell)
            && found.is_none_or(|(_, highest)| value > highest)
        {
            found = Some((part, value));
        }
    }
    found.map(|(part, _)| part)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "shares of row counts are whole, not negative, and far below 2^52 here"
)]
fn whole(value: f64) -> usize {
    value as usize
}

/// Moves single rows between parts, within what each class's share allows, until the parts have the wanted
/// totals or nothing more can be moved. The moves that cost least come first.
fn balance(table: &mut [Vec<Cell>], wanted: &[usize]) {
    let parts = wanted.len();
    let mut totals: Vec<usize> = (0..parts)
        .map(|part| table.iter().map(|cells| cells[part].rows).sum())
        .collect();
    loop {
        let over = (0..parts).filter(|&part| totals[part] > wanted[part]);
        let mut cheapest: Option<(f64, Vec<Move>)> = None;
        for from in over {
            for to in (0..parts).filter(|&part| totals[part] < wanted[part]) {
                // A way of two moves helps where no class can move a row directly; with three parts none is
                // longer.
                let detours = (0..parts).filter(|&part| part != from && part != to);
                let ways = std::iter::once(vec![(from, to)])
                    .chain(detours.map(|through| vec![(from, through), (through, to)]));
                for way in ways {
                    let moves: Option<Vec<_>> = way
                        .into_iter()
                        .map(|(from, to)| cheapest_move(table, from, to))
                        .collect();
                    let Some(moves) = moves else { continue };
                    let cost = moves.iter().map(|one| one.cost).sum();
                    if cheapest.as_ref().is_none_or(|(lowest, _)| cost < *lowest) {
                        cheapest = Some((cost, moves));
                    }
                }
            }
        }
        let Some((_, moves)) = cheapest else { return };
        for Move { class, from, to, .. } in moves {
            table[class][from].rows -= 1;
            table[class][to].rows += 1;
            totals[from] -= 1;
            totals[to] += 1;
        }
    }
}

/// A transfer of one row of a class from one split to another.
#[derive(Debug, Clone, Copy)]
struct Move {
    class: usize,
    from: usize,
    to: usize,
    cost: f64,
}

fn cheapest_move(table: &[Vec<Cell>], from: usize, to: usize) -> Option<Move> {
    let mut cheapest: Option<Move> = None;
    for (class, cells) in table.iter().enumerate() {
        if cells[from].rows > cells[from].lowest && cells[to].rows < cells[to].highest {
            let cost = cells[from].remainder() - cells[to].remainder();
            if cheapest.is_none_or(|found| cost < found.cost) {
                cheapest = Some(Move {
                    class,
                    from,
                    to,
                    cost,
                });
            }
        }
    }
    cheapest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(class_rows: &[usize], shares: &[f64], expected: &[&[usize]]) {
        assert_eq!(targets(class_rows, shares), expected);
    }

    #[test]
    fn the_origin_s_sizes() {
        check(&[10_000; 5], &[0.30, 0.07, 0.63], &[&[3000, 700, 6300][..]; 5]);
    }

    #[test]
    fn totals_are_right_where_every_class_alone_would_round_the_same_way() {
        // Each class alone would be 3, 1, 6: ten validation rows and 30 test rows of 100, where 7 and 30 are
        // due.
        let table = targets(&[10; 10], &[0.30, 0.07, 0.63]);
        let totals: Vec<usize> = (0..3)
            .map(|part| table.iter().map(|row| row[part]).sum())
            .collect();
        // A row of every class in every part is worth more than the total.
        assert_eq!(totals, [30, 10, 60]);
        let table = targets(&[25; 4], &[0.30, 0.07, 0.63]);
        let totals: Vec<usize> = (0..3)
            .map(|part| table.iter().map(|row| row[part]).sum())
            .collect();
        assert_eq!(totals, [30, 7, 63]);
    }

    #[test]
    fn the_smallest_classes_are_in_every_part() {
        check(
            &[3, 4, 5],
            &[0.05, 0.05, 0.9],
            &[&[1, 1, 1], &[1, 1, 2], &[1, 1, 3]],
        );
    }

    proptest! {
        #[test]
        fn classes_and_totals_are_within_one_row_of_their_shares(
            class_rows in prop::collection::vec(20_usize..500, 1..40),
            test in 0.06..0.45,
            validation in 0.06..0.45,
        ) {
            let shares = [test, validation, 1.0 - test - validation];
            let table = targets(&class_rows, &shares);
            let all: usize = class_rows.iter().sum();
            for (part, share) in shares.iter().enumerate() {
                let total: usize = table.iter().map(|row| row[part]).sum();
                prop_assert!((total as f64 - all as f64 * share).abs() < 1.0);
            }
            for (row, &rows) in table.iter().zip(&class_rows) {
                prop_assert_eq!(row.iter().sum::<usize>(), rows);
                for (&got, share) in row.iter().zip(shares) {
                    prop_assert!((got as f64 - rows as f64 * share).abs() < 1.0);
                }
            }
        }
    }
}
