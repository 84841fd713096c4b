//! Normalised matrices: shares of rows, of columns or of all, and the counts behind them where something
//! tells how many rows there are.
//!
//! Shares alone never say it: half of two rows is half of two thousand. So the counts come from the test rows,
//! or, of shares of all with so many digits that chance is ruled out, from the least number of rows that has
//! them.

use super::super::error::ConfusionProblem;
use super::table::Table;
use super::value;

/// What shares are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    TrueClass,
    PredictedClass,
    All,
}

/// What shares came to.
#[derive(Debug)]
pub(super) struct Counted {
    /// Nothing where shares are all there is.
    pub(super) counts: Option<Vec<Vec<u64>>>,
    pub(super) said: Vec<String>,
}

/// What arithmetic may leave of a share.
const ARITHMETIC: f64 = 1e-9;

/// The most rows that are looked for behind shares.
const MOST_ROWS: u32 = 100_000;

/// How likely it may be that shares of more rows look like those of fewer.
const MOST_CHANCE: f64 = 0.01;

/// The counts of shares. `counted` is the matrix of the test rows with the classes in the same order.
pub(super) fn counts(table: &Table, counted: Option<&[Vec<u64>]>) -> Result<Counted, ConfusionProblem> {
    let is_percent = table.cells.iter().flatten().any(|cell| value::is_percent(cell));
    let values: Vec<Vec<f64>> = table
        .cells
        .iter()
        .map(|line| {
            line.iter()
                .map(|cell| value::number(cell).unwrap_or(0.0))
                .collect()
        })
        .collect();
    let largest = values.iter().flatten().copied().fold(0.0, f64::max);
    let unit = if is_percent || largest > 1.5 { 100.0 } else { 1.0 };
    let digits = table
        .cells
        .iter()
        .flatten()
        .map(|cell| value::digits(cell))
        .max()
        .unwrap_or(0)
        .min(15);
    let half = 0.5 * 10_f64.powi(-digits) / unit;
    let values: Vec<Vec<f64>> = values
        .iter()
        .map(|line| line.iter().map(|value| value / unit).collect())
        .collect();
    let Some(of) = of(&values, half) else {
        let (row, cell) = first_fraction(table);
        return Err(ConfusionProblem::no_count(row, &cell));
    };
    let words = match of {
        Of::TrueClass => "shares of each true class",
        Of::PredictedClass => "shares of each predicted class",
        Of::All => "shares of all rows",
    };
    let mut said = vec![format!("normalised: {words}")];
    if let Some(counted) = counted.filter(|counted| counted.len() == values.len()) {
        let fits = |counted: &[Vec<u64>]| {
            let shares = shares(counted, of);
            let cells = shares.iter().flatten().zip(values.iter().flatten());
            cells
                .into_iter()
                .all(|(own, printed)| (own - printed).abs() <= half + ARITHMETIC)
        };
        let turned = transposed(counted);
        let found = if fits(counted) {
            said.push("they are those of the test rows, whose counts are taken".to_owned());
            Some(counted.to_vec())
        } else if fits(&turned) {
            Some(turned)
        } else {
            said.push("their counts are made with the numbers of test rows".to_owned());
            scaled(&values, of, counted)
        };
        return Ok(Counted { counts: found, said });
    }
    if of == Of::All
        && let Some(rows) = least_rows(&values, half)
    {
        said.push(format!(
            "{rows} rows are the fewest that have such shares, and are taken"
        ));
        let count = |value: &f64| value::count((value * f64::from(rows)).round()).unwrap_or(0);
        let counts = values
            .iter()
            .map(|line| line.iter().map(count).collect())
            .collect();
        return Ok(Counted {
            counts: Some(counts),
            said,
        });
    }
    say_shares(&values, of, table, &mut said);
    Ok(Counted { counts: None, said })
}

fn first_fraction(table: &Table) -> (usize, String) {
    let is_fraction = |cell: &&String| value::number(cell).and_then(value::count).is_none();
    let mut lines = table.cells.iter().enumerate();
    let found = lines.find_map(|(row, line)| line.iter().find(is_fraction).map(|cell| (row, cell.clone())));
    found.unwrap_or_default()
}

fn of(values: &[Vec<f64>], half: f64) -> Option<Of> {
    if values
        .iter()
        .flatten()
        .any(|value| !(0.0..=1.0 + ARITHMETIC).contains(value))
    {
        return None;
    }
    let is_one = |values: &mut dyn Iterator<Item = f64>| {
        let (mut sum, mut cells) = (0.0, 0.0);
        for value in values {
            sum += value;
            cells += 1.0;
        }
        // A class without rows has no shares.
        sum == 0.0 || (sum - 1.0_f64).abs() <= cells * half + ARITHMETIC
    };
    let width = values.first().map_or(0, Vec::len);
    let total: f64 = values.iter().flatten().sum();
    if values.iter().all(|line| is_one(&mut line.iter().copied())) && total > 1.0 + ARITHMETIC {
        Some(Of::TrueClass)
    } else if (0..width).all(|column| is_one(&mut values.iter().filter_map(|line| line.get(column).copied())))
        && total > 1.0 + ARITHMETIC
    {
        Some(Of::PredictedClass)
    } else if is_one(&mut values.iter().flatten().copied()) && total > 0.0 {
        Some(Of::All)
    } else {
        None
    }
}

fn transposed(matrix: &[Vec<u64>]) -> Vec<Vec<u64>> {
    (0..matrix.len())
        .map(|column| matrix.iter().map(|row| row[column]).collect())
        .collect()
}

/// How many rows the shares of each cell are of.
fn bases(counted: &[Vec<u64>], of: Of) -> Vec<Vec<u64>> {
    let total: u64 = counted.iter().flatten().sum();
    let columns: Vec<u64> = (0..counted.len())
        .map(|column| counted.iter().map(|row| row[column]).sum())
        .collect();
    let base = |row: &Vec<u64>, column: usize| match of {
        Of::TrueClass => row.iter().sum(),
        Of::PredictedClass => columns[column],
        Of::All => total,
    };
    counted
        .iter()
        .map(|row| (0..row.len()).map(|column| base(row, column)).collect())
        .collect()
}

fn shares(counted: &[Vec<u64>], of: Of) -> Vec<Vec<f64>> {
    let share = |(count, base): (&u64, u64)| {
        if base == 0 {
            0.0
        } else {
            *count as f64 / base as f64
        }
    };
    let lines = counted.iter().zip(bases(counted, of));
    lines
        .map(|(row, bases)| row.iter().zip(bases).map(share).collect())
        .collect()
}

fn scaled(values: &[Vec<f64>], of: Of, counted: &[Vec<u64>]) -> Option<Vec<Vec<u64>>> {
    let count = |(value, base): (&f64, u64)| value::count((value * base as f64).round());
    let lines = values.iter().zip(bases(counted, of));
    lines
        .map(|(line, bases)| line.iter().zip(bases).map(count).collect())
        .collect()
}

/// The fewest rows of which every share is a whole number, within rounding; nothing where so many rows would
/// have to be tried that some would fit by chance.
fn least_rows(values: &[Vec<f64>], half: f64) -> Option<u32> {
    let shares: Vec<f64> = values
        .iter()
        .flatten()
        .copied()
        .filter(|share| *share > 0.0)
        .collect();
    let free = i32::try_from(shares.len()).unwrap_or(i32::MAX) - 1;
    let mut chance = 0.0;
    for rows in 1..=MOST_ROWS {
        let tolerance = half * f64::from(rows) + ARITHMETIC * f64::from(rows);
        chance += (2.0 * tolerance).powi(free);
        if free < 1 || chance > MOST_CHANCE {
            return None;
        }
        let is_whole = |share: &f64| {
            let count = share * f64::from(rows);
            (count - count.round()).abs() <= tolerance && count.round() > 0.0
        };
        if shares.iter().all(is_whole) {
            return Some(rows);
        }
    }
    None
}

/// What shares tell without any number of rows.
fn say_shares(values: &[Vec<f64>], of: Of, table: &Table, said: &mut Vec<String>) {
    let diagonal: Vec<f64> = (0..values.len())
        .filter_map(|class| values[class].get(class).copied())
        .collect();
    let name = |class: usize| {
        let names = table.rows.as_ref().or(table.columns.as_ref());
        names
            .and_then(|names| names.get(class).cloned())
            .unwrap_or_else(|| class.to_string())
    };
    let listed = |what: &str| {
        let classes: Vec<String> = diagonal
            .iter()
            .enumerate()
            .take(12)
            .map(|(class, share)| format!("{} {share:.3}", name(class)))
            .collect();
        format!("{what}: {}", classes.join(", "))
    };
    let mean = diagonal.iter().sum::<f64>() / diagonal.len().max(1) as f64;
    let least = diagonal.iter().copied().fold(1.0, f64::min);
    let most = diagonal.iter().copied().fold(0.0, f64::max);
    match of {
        Of::TrueClass => {
            said.push(listed("recall"));
            said.push(format!(
                "balanced accuracy {mean:.3}; the accuracy is between {least:.3} and {most:.3}, for how many rows there are \
                 of each class is not said"
            ));
        }
        Of::PredictedClass => {
            said.push(listed("precision"));
            said.push(format!(
                "the accuracy is between {least:.3} and {most:.3}, for how often each class was predicted is not said"
            ));
        }
        Of::All => said.push(format!(
            "accuracy {:.3}, of how many rows is not said, so that no chance can be told from it",
            diagonal.iter().sum::<f64>()
        )),
    }
    said.push(
        "no check can count with shares: give --test FILE beside them, or the matrix without `normalize`"
            .to_owned(),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Table {
        Table::of_cells(
            text.lines()
                .map(|line| line.split(' ').map(str::to_owned).collect())
                .collect(),
        )
    }

    /// `confusion_matrix(..., normalize=...)` of [[3, 1, 0], [2, 2, 0], [0, 1, 1]], rounded to two digits.
    #[test]
    fn shares_of_the_test_rows_have_their_counts() {
        let counted = [vec![3, 1, 0], vec![2, 2, 0], vec![0, 1, 1]];
        for shares in [
            "0.75 0.25 0.0\n0.5 0.5 0.0\n0.0 0.5 0.5",
            "0.60 0.25 0.00\n0.40 0.50 0.00\n0.00 0.25 1.00",
            "0.3 0.1 0.0\n0.2 0.2 0.0\n0.0 0.1 0.1",
            "75% 25% 0%\n50% 50% 0%\n0% 50% 50%",
        ] {
            let read = counts(&table(shares), Some(&counted)).unwrap();
            assert_eq!(read.counts.as_deref(), Some(counted.as_slice()), "{shares}");
        }
    }

    #[test]
    fn shares_of_all_have_the_fewest_rows() {
        let read = counts(
            &table("0.3333333333333333 0.16666666666666666\n0.125 0.375"),
            None,
        )
        .unwrap();
        assert_eq!(read.counts.unwrap(), [[8, 4], [3, 9]]);
        // As NumPy prints shares of 1500 rows; and of two digits, which many numbers of rows have.
        let read = counts(
            &table("0.28 0.03733333 0.03066667\n0.03533333 0.26466667 0.042\n0.03666667 0.04 0.23333333"),
            None,
        );
        assert_eq!(read.unwrap().counts.unwrap()[0], [420, 56, 46]);
        let read = counts(&table("0.28 0.07\n0.07 0.58"), None);
        assert_eq!(read.unwrap().counts, None);
    }

    #[test]
    fn shares_alone_say_what_they_say() {
        let read = counts(&table("0.98 0.02\n0.11 0.89"), None).unwrap();
        assert_eq!(read.counts, None);
        let said = read.said.join("; ");
        assert!(said.contains("recall: 0 0.980, 1 0.890"), "{said}");
        assert!(
            said.contains("balanced accuracy 0.935; the accuracy is between 0.890 and 0.980"),
            "{said}"
        );
        counts(&table("0.98 0.5\n0.11 0.89"), None).unwrap_err();
    }
}
