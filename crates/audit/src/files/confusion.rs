//! A published confusion matrix: counts, with the names of rows and columns where the file has them.

use std::collections::BTreeSet;
use std::path::Path;

use labelproof_artifact::Reporter;
use labelproof_artifact::wording::one_line;
use labelproof_tables::{Encoding, Source, read_grid, read_text};
use serde_json::Value;

use super::error::{ConfusionProblem, Error};
use super::labels::label_key;
use super::lower_name;
use super::rows::SETTINGS;
use crate::evidence::Reading;

/// A matrix as it was published; rows are true classes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Matrix {
    pub(super) counts: Vec<Vec<u64>>,
    /// The names of the rows, or else of the columns.
    pub(super) labels: Option<Vec<String>>,
    /// The names of the columns, where they are in another order than those of the rows.
    pub(super) columns: Option<Vec<String>>,
    /// Names that are spellings of one class, each of which the file counts as a class of its own.
    pub(super) spellings: Vec<String>,
    /// What was read and what was left aside. Without a sentence, one is made of the counts.
    pub(super) reading: Reading,
}

/// What a file that is too large is said to be no.
const WHAT: &str = "confusion matrix";

/// Reads a matrix; `labels` are those of the rows, or empty where no rows were given.
pub(super) fn read(path: &Path, labels: &[String], reporter: &dyn Reporter) -> Result<Matrix, Error> {
    let file = path.display().to_string();
    let source = Source::file(&file, path);
    let failed = |problem| Error::Confusion {
        place: file.clone(),
        problem,
    };
    let cells = if lower_name(path).contains(".json") {
        let text = read_text(source, Encoding::Utf8, SETTINGS, WHAT)?;
        of_json(&text).map_err(failed)?
    } else {
        read_grid(source, SETTINGS, WHAT)?
    };
    if cells.is_empty() {
        return Err(labelproof_tables::Error::Empty { file }.into());
    }
    let mut matrix = parse(cells).map_err(failed)?;
    if drop_totals(&mut matrix) {
        reporter.message(&format!(
            "{file}: the last row and column are totals, and are left out"
        ));
    }
    let spellings = merge_spellings(&mut matrix);
    add_absent(&mut matrix, labels);
    let read = check(matrix, labels, spellings).map_err(failed)?;
    if !labels.is_empty() && read.labels.is_none() {
        reporter.message(&format!("{file}: no names, taken in the order of the labels"));
    }
    Ok(read)
}

fn of_json(text: &str) -> Result<Vec<Vec<String>>, ConfusionProblem> {
    let rows: Vec<Vec<Value>> = serde_json::from_str(text).map_err(|error| ConfusionProblem::Json {
        detail: error.to_string(),
    })?;
    let cell = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    Ok(rows
        .into_iter()
        .map(|row| row.into_iter().map(cell).collect())
        .collect())
}

/// Counts with all the names that the file has.
#[derive(Debug)]
struct Named {
    counts: Vec<Vec<u64>>,
    rows: Option<Vec<String>>,
    columns: Option<Vec<String>>,
}

/// A count, also as `12.0`.
fn count(cell: &str) -> Option<u64> {
    let cell = cell.trim();
    let (whole, fraction) = cell.split_once('.').unwrap_or((cell, ""));
    let whole = whole.parse().ok()?;
    fraction.bytes().all(|digit| digit == b'0').then_some(whole)
}

/// Separates names from counts. Numbers may be names too: then there is a row or a column more than there
/// would be.
fn parse(mut cells: Vec<Vec<String>>) -> Result<Named, ConfusionProblem> {
    let is_number = |cell: &String| cell.trim().parse::<f64>().is_ok();
    let first_is_title = cells[0].first().is_some_and(|cell| !is_number(cell));
    let height = cells.len();
    let width = cells.iter().map(Vec::len).max().unwrap_or(0);
    let has_header = cells[0].iter().skip(1).any(|cell| !is_number(cell))
        || first_is_title && cells[0].len() < width
        || first_is_title && height == width && height > 1 && cells[1..].iter().all(|row| !row.is_empty());
    let body = usize::from(has_header);
    // A column of names: of words, or of numbers that make the matrix one wider than high.
    let has_row_names = cells[body..]
        .iter()
        .any(|row| row.first().is_some_and(|cell| !is_number(cell)))
        || height - body + 1 == width && cells[body..].iter().all(|row| row.len() == width);
    let mut columns = has_header.then(|| cells.remove(0));
    // pandas writes the names of both axes: `true\predicted`, then a line with the name of the rows alone.
    if let Some(names) = &mut columns
        && has_row_names
        && names.len() == width
    {
        names.remove(0);
    }
    let mut rows = Vec::new();
    if has_row_names {
        for row in cells.iter_mut().filter(|row| !row.is_empty()) {
            rows.push(row.remove(0));
        }
    }
    let counts = cells
        .iter()
        .enumerate()
        .map(|(place, row)| {
            let parsed = |cell: &String| {
                count(cell).ok_or_else(|| ConfusionProblem::NoCount {
                    row: place + 1,
                    value: one_line(cell),
                })
            };
            row.iter().map(parsed).collect()
        })
        .collect::<Result<Vec<Vec<u64>>, _>>()?;
    Ok(Named {
        counts,
        rows: has_row_names.then_some(rows),
        columns,
    })
}

/// Takes away the sums that `crosstab(margins=True)` adds.
fn drop_totals(matrix: &mut Named) -> bool {
    let is_total = |names: &Option<Vec<String>>| {
        let last = names.as_ref().and_then(|names| names.last());
        last.is_some_and(|name| matches!(name.trim().to_lowercase().as_str(), "all" | "total" | "sum"))
    };
    if !is_total(&matrix.rows) || !is_total(&matrix.columns) {
        return false;
    }
    matrix.counts.pop();
    for row in &mut matrix.counts {
        row.pop();
    }
    for names in [&mut matrix.rows, &mut matrix.columns].into_iter().flatten() {
        names.pop();
    }
    true
}

/// Adds up rows, and columns, whose names are spellings of one class, so that the audit can go on; gives
/// these spellings.
fn merge_spellings(matrix: &mut Named) -> Vec<String> {
    let mut spellings = BTreeSet::new();
    if let Some(names) = &mut matrix.rows {
        let place_of = merge_names(names, &mut spellings);
        let mut merged: Vec<Vec<u64>> = Vec::new();
        for (counts, place) in std::mem::take(&mut matrix.counts).into_iter().zip(place_of) {
            match merged.get_mut(place) {
                Some(sums) => sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count),
                None => merged.push(counts),
            }
        }
        matrix.counts = merged;
    }
    if let Some(names) = &mut matrix.columns {
        let place_of = merge_names(names, &mut spellings);
        for row in matrix.counts.iter_mut().filter(|row| row.len() == place_of.len()) {
            let mut merged = vec![0; names.len()];
            for (count, &place) in std::mem::take(row).into_iter().zip(&place_of) {
                merged[place] += count;
            }
            *row = merged;
        }
    }
    spellings.into_iter().collect()
}

/// Adds empty rows and columns for classes that a named matrix leaves out because no row has or was given
/// them, as scikit-learn does by default.
fn add_absent(matrix: &mut Named, labels: &[String]) {
    let known = |names: &[String], label: &String| {
        let key = label_key(label, false);
        names.iter().any(|name| label_key(name, false) == key)
    };
    let square = matrix.counts.iter().all(|row| row.len() == matrix.counts.len());
    let names = matrix.rows.as_ref().or(matrix.columns.as_ref());
    let Some(names) = names.filter(|names| square && names.iter().all(|name| known(labels, name))) else {
        return;
    };
    let absent: Vec<String> = labels
        .iter()
        .filter(|label| !known(names, label))
        .cloned()
        .collect();
    let size = matrix.counts.len() + absent.len();
    for row in &mut matrix.counts {
        row.resize(size, 0);
    }
    matrix.counts.resize(size, vec![0; size]);
    for names in [&mut matrix.rows, &mut matrix.columns].into_iter().flatten() {
        names.extend(absent.iter().cloned());
    }
}

/// Leaves the first spelling of each class, and says for each name there was which of them it is.
fn merge_names(names: &mut Vec<String>, spellings: &mut BTreeSet<String>) -> Vec<usize> {
    let mut first: Vec<(String, String)> = Vec::new();
    let mut places = Vec::new();
    for name in names.drain(..) {
        let key = label_key(&name, false);
        let place = first.iter().position(|(known, _)| *known == key);
        if let Some(place) = place.filter(|place| first[*place].1 != name) {
            spellings.extend([first[place].1.clone(), name.clone()]);
        }
        places.push(place.unwrap_or(first.len()));
        if place.is_none() {
            first.push((key, name));
        }
    }
    names.extend(first.into_iter().map(|(_, name)| name));
    places
}

fn check(matrix: Named, labels: &[String], spellings: Vec<String>) -> Result<Matrix, ConfusionProblem> {
    let rows = matrix.counts.len();
    let wrong = matrix.counts.iter().position(|row| row.len() != rows);
    if let Some(row) = wrong {
        return Err(ConfusionProblem::NotSquare {
            rows,
            row: row + 1,
            columns: matrix.counts[row].len(),
        });
    }
    let keys =
        |names: &[String]| -> BTreeSet<String> { names.iter().map(|name| label_key(name, false)).collect() };
    let columns = matrix.columns.filter(|names| names.len() == rows);
    if let (Some(row_names), Some(column_names)) = (&matrix.rows, &columns)
        && keys(row_names) != keys(column_names)
    {
        return Err(ConfusionProblem::RowsAndColumns {
            rows: row_names.clone(),
            columns: column_names.clone(),
        });
    }
    if !labels.is_empty() && labels.len() != rows {
        return Err(ConfusionProblem::Classes {
            classes: rows,
            labels: labels.to_vec(),
        });
    }
    // As the labels are spelled, so that a check can compare the order.
    let spelled = |names: Vec<String>| -> Result<Vec<String>, ConfusionProblem> {
        if labels.is_empty() {
            return Ok(names);
        }
        if keys(&names) != keys(labels) {
            return Err(ConfusionProblem::Names {
                names,
                labels: labels.to_vec(),
            });
        }
        let known = |name: &String| {
            let exact = labels.iter().find(|label| *label == name);
            exact.or_else(|| {
                labels
                    .iter()
                    .find(|label| label_key(label, false) == label_key(name, false))
            })
        };
        Ok(names.iter().filter_map(|name| known(name).cloned()).collect())
    };
    let row_names = matrix.rows.map(spelled).transpose()?;
    let column_names = columns.map(spelled).transpose()?;
    let (labels, columns) = match (row_names, column_names) {
        (Some(rows), Some(columns)) if rows == columns => (Some(rows), None),
        (Some(rows), columns) => (Some(rows), columns),
        (None, columns) => (columns, None),
    };
    Ok(Matrix {
        counts: matrix.counts,
        labels,
        columns,
        spellings,
        reading: Reading::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_csv(text: &str) -> Vec<Vec<String>> {
        let bytes = std::io::Cursor::new(text.to_owned().into_bytes());
        read_grid(Source::stream("m.csv", bytes), SETTINGS, WHAT).unwrap()
    }

    /// Names of rows, and of columns.
    type Names<'a> = (Option<&'a [&'a str]>, Option<&'a [&'a str]>);

    #[track_caller]
    fn check_csv(text: &str, labels: &[&str], expected: Result<Names<'_>, &str>) {
        let labels: Vec<String> = labels.iter().map(ToString::to_string).collect();
        let cells = of_csv(text);
        let result = parse(cells).and_then(|mut matrix| {
            drop_totals(&mut matrix);
            let spellings = merge_spellings(&mut matrix);
            add_absent(&mut matrix, &labels);
            check(matrix, &labels, spellings)
        });
        match expected {
            Ok((names, columns)) => {
                let matrix = result.unwrap();
                assert_eq!(matrix.counts, [[5, 1], [2, 7]]);
                let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
                assert_eq!(matrix.labels, names.map(owned));
                assert_eq!(matrix.columns, columns.map(owned));
            }
            Err(message) => assert_eq!(result.unwrap_err().to_string(), message),
        }
    }

    #[test]
    fn a_matrix_is_read_with_its_names_or_without() {
        check_csv("5,1\n2,7\n", &[], Ok((None, None)));
        check_csv("5 1\n2 7\n", &["a", "b"], Ok((None, None)));
        check_csv(",a,b\na,5,1\nb,2,7\n", &[], Ok((Some(&["a", "b"]), None)));
        check_csv(
            "true\\pred,b,a\nb,5,1\na,2,7\n",
            &["A", "b"],
            Ok((Some(&["b", "A"]), None)),
        );
        check_csv(
            ",b,a\na,5,1\nb,2,7\n",
            &["a", "b"],
            Ok((Some(&["a", "b"]), Some(&["b", "a"]))),
        );
        check_csv("a,b\n5,1\n2,7\n", &[], Ok((Some(&["a", "b"]), None)));
        check_csv("a,5,1\nb,2,7\n", &[], Ok((Some(&["a", "b"]), None)));
        check_csv(",0,1\n0,5.0,1.0\n1,2.0,7.0\n", &[], Ok((Some(&["0", "1"]), None)));
        check_csv(
            ",a,b,All\na,5,1,6\nb,2,7,9\nAll,7,8,15\n",
            &[],
            Ok((Some(&["a", "b"]), None)),
        );
    }

    /// As scikit-learn counts labels of which some end with a space, or are in capitals.
    #[test]
    fn spellings_of_one_class_are_added_up() {
        let cells = of_csv(",a,a ,B,b\na,0,0,0,0\na ,3,2,0,1\nB,0,0,0,0\nb,2,0,3,4\n");
        let mut matrix = parse(cells).unwrap();
        let spellings = merge_spellings(&mut matrix);
        assert_eq!(spellings, ["B", "a", "a ", "b"]);
        let matrix = check(matrix, &["a".to_owned(), "b".to_owned()], spellings).unwrap();
        assert_eq!(matrix.counts, [[5, 1], [2, 7]]);
        assert_eq!(matrix.labels, Some(vec!["a".to_owned(), "b".to_owned()]));
    }

    #[test]
    fn classes_that_no_row_has_are_added() {
        let mut matrix = parse(of_csv(",a,c\na,5,1\nc,2,7\n")).unwrap();
        let labels = ["a", "B", "C"].map(str::to_owned);
        add_absent(&mut matrix, &labels);
        let matrix = check(matrix, &labels, Vec::new()).unwrap();
        assert_eq!(matrix.counts, [[5, 1, 0], [2, 7, 0], [0, 0, 0]]);
        assert_eq!(matrix.labels.unwrap(), ["a", "C", "B"]);
        assert_eq!(matrix.columns, None);
    }

    #[test]
    fn what_is_no_matrix_says_why() {
        check_csv(
            "5,1\n2,7\n3,4\n",
            &[],
            Err("the matrix has 3 rows, and row 1 has 2 columns"),
        );
        check_csv("0.8,0.2\n0.1,0.9\n", &[], Err("row 1: `0.8` is no count"));
        check_csv(
            ",a,c\na,5,1\nc,2,7\n",
            &["a", "b"],
            Err("the matrix names `a`, `c`, and the labels are `a`, `b`"),
        );
        check_csv(
            "5,1\n2,7\n",
            &["a"],
            Err("the matrix has 2 classes, and the labels are 1: `a`"),
        );
    }
}
