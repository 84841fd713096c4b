//! A matrix in JSON or in what Python prints: lists of lists, objects of objects, what pandas, plotly and
//! Weights & Biases write, and the four counts of two classes.

use super::super::error::ConfusionProblem;
use super::super::literal::Literal;
use super::axes::{Axes, side};
use super::sheet::{Sheet, is_number};
use super::table::Table;
use super::{long, pairs};

/// Deeper than any file has its matrix.
const MOST_DEPTH: usize = 6;

const MATRIX_KEYS: &[&str] = &[
    "confusion_matrix",
    "confusionmatrix",
    "confusion",
    "matrix",
    "conf_mat",
    "conf_matrix",
    "cm",
    "z",
    "counts",
    "values",
    "data",
    "table",
    "rows",
];

const NAME_KEYS: &[&str] = &[
    "labels",
    "classes",
    "class_names",
    "classnames",
    "target_names",
    "label_names",
    "names",
    "categories",
    "index",
    "label_list",
    "display_labels",
    "class_labels",
];

/// The matrix of a value; nothing if there is none in it.
pub(super) fn table(value: &Literal<'_>) -> Option<Result<Table, ConfusionProblem>> {
    within(value, MOST_DEPTH)
}

fn within(value: &Literal<'_>, depth: usize) -> Option<Result<Table, ConfusionProblem>> {
    let depth = depth.checked_sub(1)?;
    match value {
        Literal::List(values) => {
            of_list(values).or_else(|| values.iter().find_map(|value| within(value, depth)))
        }
        Literal::Map(entries) => of_map(value, entries).or_else(|| {
            // A key that says so is looked at first.
            let says = |key: &Literal<'_>| {
                key.text()
                    .is_some_and(|key| key.to_lowercase().contains("confusion"))
            };
            let (first, rest): (Vec<_>, Vec<_>) = entries.iter().partition(|(key, _)| says(key));
            first
                .into_iter()
                .chain(rest)
                .find_map(|(_, value)| within(value, depth))
        }),
        _ => None,
    }
}

fn texts(values: &[Literal<'_>]) -> Option<Vec<String>> {
    values
        .iter()
        .map(|value| value.text().map(str::to_owned))
        .collect()
}

fn lines(values: &[Literal<'_>]) -> Option<Vec<Vec<String>>> {
    let lines: Option<Vec<Vec<String>>> = values.iter().map(|line| texts(line.list()?)).collect();
    lines.filter(|lines| !lines.is_empty())
}

fn of_list(values: &[Literal<'_>]) -> Option<Result<Table, ConfusionProblem>> {
    if let Some(mut lines) = lines(values) {
        if lines.iter().flatten().all(|cell| is_number(cell)) {
            return Some(Ok(Table::of_cells(lines)));
        }
        if lines.len() < 2 || !lines[1..].iter().flatten().any(|cell| is_number(cell)) {
            return None;
        }
        if let Some(found) = long::of_records(&lines) {
            return Some(found);
        }
        let is_pair = |line: &Vec<String>| line.len() == 3 && !is_number(&line[0]) && !is_number(&line[1]);
        if lines.iter().all(|line| is_pair(line) && is_number(&line[2])) {
            // Without a row that is right they are only the worst mistakes.
            let has_hits = lines.iter().any(|line| line[0] == line[1]);
            let pair = |line: &Vec<String>| (line[0].clone(), line[1].clone(), line[2].clone());
            return has_hits.then(|| Table::of_pairs(&lines.iter().map(pair).collect::<Vec<_>>()));
        }
        let header =
            lines[0].iter().skip(1).any(|cell| !is_number(cell)) || lines[0].len() + 1 == lines[1].len();
        let header = if header { vec![lines.remove(0)] } else { Vec::new() };
        return Some(Ok(Table::of_sheet(Sheet {
            header,
            body: lines,
            ..Sheet::default()
        })));
    }
    let deep: Option<Vec<_>> = values.iter().map(|matrix| lines(matrix.list()?)).collect();
    if deep.as_ref().is_some_and(|matrices| matrices.len() > 1) {
        return Some(Err(ConfusionProblem::Several {
            matrices: values.len(),
        }));
    }
    of_objects(values)
}

/// Records: a count for each pair of classes, or an object for each line.
fn of_objects(values: &[Literal<'_>]) -> Option<Result<Table, ConfusionProblem>> {
    let first = values.first()?.entries()?;
    let keys: Vec<String> = first
        .iter()
        .filter_map(|(key, _)| key.text().map(str::to_owned))
        .collect();
    let line = |value: &Literal<'_>| -> Option<Vec<String>> {
        let cells = keys
            .iter()
            .map(|key| value.get(key).and_then(Literal::text).unwrap_or("0").to_owned());
        value.entries().map(|_| cells.collect())
    };
    let body: Vec<Vec<String>> = values.iter().map(line).collect::<Option<_>>()?;
    let with_header: Vec<Vec<String>> = std::iter::once(keys.clone())
        .chain(body.iter().cloned())
        .collect();
    if let Some(found) = long::of_records(&with_header) {
        return Some(found);
    }
    let numbers = body.iter().flatten().filter(|cell| is_number(cell)).count();
    (body.len() >= 2 && numbers >= body.len() * 2).then(|| {
        Ok(Table::of_sheet(Sheet {
            header: vec![keys],
            body,
            ..Sheet::default()
        }))
    })
}

fn of_map(
    value: &Literal<'_>,
    entries: &[(Literal<'_>, Literal<'_>)],
) -> Option<Result<Table, ConfusionProblem>> {
    if let Some(found) = pairs::of_entries(entries) {
        return Some(found);
    }
    // Pairs of classes as keys, as a Counter has them.
    let pair = |(key, count): &(Literal<'_>, Literal<'_>)| match key.list()? {
        [truth, predicted] => Some((
            truth.text()?.to_owned(),
            predicted.text()?.to_owned(),
            count.text()?.to_owned(),
        )),
        _ => None,
    };
    if let Some(pairs) = entries
        .iter()
        .map(pair)
        .collect::<Option<Vec<_>>>()
        .filter(|pairs| !pairs.is_empty())
    {
        let mut table = Table::of_pairs(&pairs);
        if let Ok(table) = &mut table {
            table.axes = Axes::default();
            table.is_unsure = true;
        }
        return Some(table);
    }
    for key in MATRIX_KEYS {
        let Some(found) = value.get(key) else { continue };
        let Some(values) = found.list() else { continue };
        let Some(read) = of_named(value, values) else {
            continue;
        };
        return Some(read);
    }
    of_objects_of_objects(entries)
}

/// A matrix beside its names.
fn of_named(value: &Literal<'_>, values: &[Literal<'_>]) -> Option<Result<Table, ConfusionProblem>> {
    let names = |keys: &[&str]| keys.iter().find_map(|key| texts(value.get(key)?.list()?));
    let columns = names(&["columns", "x"]);
    let rows = names(&["y"]).or_else(|| names(NAME_KEYS));
    if let (Some(columns), Some(mut body)) = (&columns, lines(values)) {
        body.insert(0, columns.clone());
        if let Some(found) = long::of_records(&body) {
            return Some(found);
        }
    }
    let mut table = match of_list(values)? {
        Ok(table) => table,
        problem => return Some(problem),
    };
    let size = |names: &Option<Vec<String>>, wanted: usize| {
        names.as_ref().is_some_and(|names| names.len() == wanted)
    };
    let (height, width) = (table.cells.len(), table.cells.first().map_or(0, Vec::len));
    if table.rows.is_none() && size(&rows, height) {
        table.rows = rows;
    }
    if table.columns.is_none() && size(&columns, width) {
        table.columns = columns;
    }
    table.axes = table.axes.or(titles(value));
    Some(Ok(table))
}

/// What the axes of a figure are called.
fn titles(value: &Literal<'_>) -> Axes {
    let mut axes = Axes::default();
    for (key, title) in value.entries().unwrap_or_default() {
        let title = title.text().or_else(|| title.get("text")?.text());
        if let (Some(key), Some(title)) = (key.text(), title) {
            match key.to_lowercase().as_str() {
                "xlabel" | "x_label" | "column_axis" | "columns_are" | "x_title" => axes.set_columns(title),
                "ylabel" | "y_label" | "row_axis" | "rows_are" | "y_title" => axes.set_rows(title),
                _ => {}
            }
        }
    }
    axes
}

/// The titles of the axes of a plotly figure, which stand beside its data.
pub(super) fn figure_axes(value: &Literal<'_>) -> Axes {
    let title = |axis: &str| -> Option<&str> {
        let title = value.get("layout")?.get(axis)?.get("title")?;
        title.text().or_else(|| title.get("text")?.text())
    };
    let mut axes = Axes::default();
    if let Some(columns) = title("xaxis") {
        axes.set_columns(columns);
    }
    if let Some(rows) = title("yaxis") {
        axes.set_rows(rows);
    }
    axes
}

/// `{true: {predicted: count}}`.
fn of_objects_of_objects(entries: &[(Literal<'_>, Literal<'_>)]) -> Option<Result<Table, ConfusionProblem>> {
    if entries.len() < 2 {
        // The name of an axis may be around it all.
        let [(key, inner)] = entries else { return None };
        let axis = side(key.text()?)?;
        let found = of_objects_of_objects(inner.entries()?)?;
        return Some(found.map(|mut table| {
            table
                .axes
                .rows
                .get_or_insert((axis, key.text().unwrap_or_default().to_owned()));
            table
        }));
    }
    // The counts of each class against all others are no matrix.
    let is_count = |line: &Literal<'_>| line.get("fp").is_some() && line.get("fn").is_some();
    if entries.iter().any(|(_, line)| is_count(line)) {
        return None;
    }
    let mut columns: Vec<String> = Vec::new();
    for (_, line) in entries {
        for (name, count) in line.entries()? {
            let name = name.text()?.to_owned();
            if !is_number(count.text()?) && count.text() != Some("null") {
                return None;
            }
            if !columns.contains(&name) {
                columns.push(name);
            }
        }
    }
    let rows: Vec<String> = entries
        .iter()
        .map(|(key, _)| key.text().map(str::to_owned))
        .collect::<Option<_>>()?;
    let cell = |line: &Literal<'_>, name: &String| match line.get(name).and_then(Literal::text) {
        None | Some("null") => "0".to_owned(),
        Some(count) => count.to_owned(),
    };
    let cells = entries
        .iter()
        .map(|(_, line)| columns.iter().map(|name| cell(line, name)).collect())
        .collect();
    Some(Ok(Table {
        cells,
        rows: Some(rows),
        columns: Some(columns),
        is_unsure: true,
        ..Table::default()
    }))
}
