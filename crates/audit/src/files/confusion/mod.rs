//! A published confusion matrix: counts, with the names of rows and columns where the file has them.
//!
//! Any layout becomes a table of cells with names (`json`, `brackets`, `weka`, `pairs`, `long`, `sheet`);
//! `table` takes off what is no class and turns it, `axes` knows the words at the axes, `shares` finds the
//! counts of normalised matrices. This file brings the counts to the labels of the rows.

mod axes;
mod brackets;
mod json;
mod long;
mod pairs;
mod shares;
mod sheet;
mod table;
mod text;
mod value;
mod weka;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::Path;

use super::error::{ConfusionProblem, Error};
use super::labels::label_key;
use super::literal::{self, Literal};
use super::readings::sentence;
use super::report::{self, Report};
use crate::evidence::Reading;
use table::Table;

pub(super) use table::MOST_CLASSES;

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
    /// What was read and what was left aside.
    pub(super) reading: Reading,
}

/// What a file that was given as a matrix is.
#[derive(Debug)]
pub(super) enum Given {
    /// A matrix of counts.
    Matrix(Box<Matrix>),
    /// Shares of nobody knows how many rows.
    Shares(Reading),
    /// A classification report, which has the margins alone.
    Report(Box<Report>),
}

/// Reads a matrix, from memory if it is held there; `labels` are those of the rows, or empty where no rows were given, and `counted` is the
/// matrix of the test rows.
pub(super) fn read(
    path: &Path,
    held: Option<&str>,
    labels: &[String],
    counted: Option<&[Vec<u64>]>,
) -> Result<Given, Error> {
    let file = path.display().to_string();
    let (text, encoding) = match held {
        Some(text) => (text.to_owned(), None),
        None => text::of_file(path)?,
    };
    if text.trim().is_empty() {
        return Err(labelproof_tables::Error::Empty { file }.into());
    }
    let mut given = parse(&text, labels, counted).map_err(|problem| Error::Confusion {
        place: file.clone(),
        problem,
    })?;
    let reading = match &mut given {
        Given::Matrix(matrix) => Some(&mut matrix.reading),
        Given::Shares(reading) => Some(reading),
        Given::Report(_) => None,
    };
    if let Some(reading) = reading {
        reading.source = file;
        reading.read.extend(encoding);
        "confusion matrix of the test rows".clone_into(&mut reading.role);
    }
    Ok(given)
}

fn parse(text: &str, labels: &[String], counted: Option<&[Vec<u64>]>) -> Result<Given, ConfusionProblem> {
    let Some(found) = find(text) else {
        return report::recognise(text)
            .map(|report| Given::Report(Box::new(report)))
            .ok_or(ConfusionProblem::NoMatrix);
    };
    let mut table = found?;
    table.settle()?;
    if let Some(report) = report::recognise(text) {
        let names = report.names();
        if table.rows.is_none() && table.columns.is_none() && names.len() == table.cells.len() {
            table.rows = Some(names);
            table
                .said
                .push("names of the classes from the report beside it".to_owned());
        }
        table
            .left
            .push("the classification report, which the matrix has all of".to_owned());
    }
    let matrix = matrix(&mut table, labels, counted)?;
    let mut reading = Reading::default();
    for said in &table.said {
        reading.says(sentence(said));
    }
    reading.left_aside = table.left;
    Ok(match matrix {
        Some(matrix) => Given::Matrix(Box::new(Matrix { reading, ..matrix })),
        None => Given::Shares(reading),
    })
}

/// Finds the matrix of a text, whatever its layout.
fn find(text: &str) -> Option<Result<Table, ConfusionProblem>> {
    let literal = literal::parse(text)
        .filter(|value| !matches!(value, Literal::Map(_)) || report::recognise(text).is_none());
    if let Some(value) = literal {
        let mut found = json::table(&value)?;
        if let Ok(table) = &mut found {
            table.axes = std::mem::take(&mut table.axes).or(json::figure_axes(&value));
            // Without blanks, as pandas writes an object for each column.
            table.is_by_columns = table.is_unsure && text.contains("\":{\"") && !text.contains("\": {");
        }
        return Some(found);
    }
    if let Some(found) = brackets::table(text) {
        return Some(found);
    }
    if let Some(table) = weka::table(text)
        .or_else(|| brackets::of_yaml(text))
        .or_else(|| pairs::of_text(text))
    {
        return Some(Ok(table));
    }
    if let Some(found) = long::of_text(text) {
        return Some(found);
    }
    if report::recognise(text).is_some() {
        return None;
    }
    let within = || literal::find(text).and_then(|value| json::table(&value));
    sheet::of_text(text)
        .map(|sheet| Ok(Table::of_sheet(sheet)))
        .or_else(within)
}

/// The matrix of a table whose rows are true classes; nothing where it has shares of nobody knows how many
/// rows.
fn matrix(
    table: &mut Table,
    labels: &[String],
    counted: Option<&[Vec<u64>]>,
) -> Result<Option<Matrix>, ConfusionProblem> {
    let place_of = places(table, labels);
    let in_order = |counted: &[Vec<u64>]| -> Option<Vec<Vec<u64>>> {
        let places = place_of.as_ref()?;
        let line = |row: &usize| places.iter().map(|column| counted[*row][*column]).collect();
        Some(places.iter().map(line).collect())
    };
    let counted = counted.and_then(in_order);
    let mut values = Vec::new();
    let mut has_empty = false;
    for (place, line) in table.cells.iter().enumerate() {
        let value = |cell: &String| {
            let is_empty = cell.trim().is_empty();
            has_empty |= is_empty;
            let value = if is_empty { Some(0.0) } else { value::number(cell) };
            value.ok_or_else(|| ConfusionProblem::no_count(place, cell))
        };
        values.push(line.iter().map(value).collect::<Result<Vec<f64>, _>>()?);
    }
    if has_empty || values.iter().flatten().any(|value| value.is_nan()) {
        table.said.push("empty cells are taken for 0".to_owned());
    }
    let whole = |value: &f64| {
        if value.is_nan() {
            Some(0)
        } else {
            value::count(*value)
        }
    };
    let counts: Option<Vec<Vec<u64>>> = values
        .iter()
        .map(|line| line.iter().map(whole).collect())
        .collect();
    // The unit matrix may be shares as well, but then the counts say the same.
    let is_percent = table.cells.iter().flatten().any(|cell| value::is_percent(cell));
    let mut counts = if let Some(counts) = counts.filter(|_| !is_percent) {
        counts
    } else {
        let found = shares::counts(table, counted.as_deref())?;
        table.said.extend(found.said);
        let Some(counts) = found.counts else {
            return Ok(None);
        };
        counts
    };
    let turned = || -> Vec<Vec<u64>> {
        (0..counts.len())
            .map(|column| {
                counts
                    .iter()
                    .map(|line| line.get(column).copied().unwrap_or(0))
                    .collect()
            })
            .collect()
    };
    let mut named = (table.rows.take(), table.columns.take());
    if table.is_unsure
        && table.axes.rows_are_predicted().is_none()
        && counted.is_some_and(|counted| counted == turned())
    {
        table.said.push("turned, as the test rows show".to_owned());
        counts = turned();
        named = (named.1, named.0);
    }
    let mut matrix = Named {
        counts,
        rows: named.0,
        columns: named.1,
    };
    number_places(&mut matrix, labels, &mut table.said);
    let spellings = merge_spellings(&mut matrix);
    drop_unknown(&mut matrix, labels);
    add_absent(&mut matrix, labels);
    let read = check(matrix, labels, spellings)?;
    if !labels.is_empty() && read.labels.is_none() {
        table
            .said
            .push("no names, taken in the order of the labels".to_owned());
    }
    Ok(Some(read))
}

/// The places among the labels of the classes of a table, if every class has one.
fn places(table: &Table, labels: &[String]) -> Option<Vec<usize>> {
    let Some(names) = table.rows.as_ref().or(table.columns.as_ref()) else {
        return (table.cells.len() == labels.len()).then(|| (0..labels.len()).collect());
    };
    let find = |name: &String| {
        labels
            .iter()
            .position(|label| label_key(label, false) == label_key(name, false))
    };
    names.iter().map(find).collect()
}

/// Names that only number the classes, where the labels have names; `negative` and `positive` of the four
/// counts are numbers of that kind.
fn number_places(matrix: &mut Named, labels: &[String], said: &mut Vec<String>) {
    let has_names = labels.iter().any(|label| label.parse::<f64>().is_err());
    let keys: Vec<String> = labels.iter().map(|label| label_key(label, false)).collect();
    let Some(names) = matrix.rows.as_ref().or(matrix.columns.as_ref()) else {
        return;
    };
    if labels.is_empty() || names.iter().any(|name| keys.contains(&label_key(name, false))) {
        return;
    }
    let is_place = |(place, name): (usize, &String)| {
        let key = label_key(name, false);
        let number = key
            .strip_prefix("label_")
            .or_else(|| key.strip_prefix("class_"))
            .unwrap_or(&key);
        number.parse() == Ok(place)
    };
    if has_names && names.len() == labels.len() && names.iter().enumerate().all(is_place) {
        said.push("its names number the labels".to_owned());
    } else if names.as_slice() == ["negative", "positive"] && labels.len() == 2 {
        said.push(format!("`{}` is taken for the positive class", labels[1]));
    } else {
        return;
    }
    (matrix.rows, matrix.columns) = (None, None);
}

/// Takes away classes that are in no row and that no label has.
fn drop_unknown(matrix: &mut Named, labels: &[String]) {
    let size = matrix.counts.len();
    let is_square = matrix.counts.iter().all(|row| row.len() == size);
    let (Some(names), true) = (&matrix.rows, is_square && !labels.is_empty()) else {
        return;
    };
    let same = |columns: &Vec<String>| columns == names;
    if !matrix.columns.as_ref().is_none_or(same) || names.len() != size {
        return;
    }
    let is_known = |name: &String| {
        labels
            .iter()
            .any(|label| label_key(label, false) == label_key(name, false))
    };
    let is_empty = |class: usize| {
        matrix.counts.iter().all(|row| row[class] == 0)
            && matrix.counts[class].iter().all(|count| *count == 0)
    };
    let kept: Vec<usize> = (0..size)
        .filter(|&class| is_known(&names[class]) || !is_empty(class))
        .collect();
    let names: Vec<String> = kept.iter().map(|&class| names[class].clone()).collect();
    let line = |row: &usize| kept.iter().map(|&column| matrix.counts[*row][column]).collect();
    matrix.counts = kept.iter().map(line).collect();
    matrix.columns = matrix.columns.is_some().then(|| names.clone());
    matrix.rows = Some(names);
}

/// Counts with all the names that the file has.
#[derive(Debug)]
struct Named {
    counts: Vec<Vec<u64>>,
    rows: Option<Vec<String>>,
    columns: Option<Vec<String>>,
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
