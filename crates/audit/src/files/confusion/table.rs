//! A matrix with the names on its axes, made of a table of cells: which cells are names, which axis is which,
//! and which lines are no classes but sums, recall and precision.

use std::collections::BTreeMap;

use super::super::error::ConfusionProblem;
use super::super::labels::label_key;
use super::axes::{self, Axes, Side};
use super::sheet::{Sheet, is_number};
use super::value;

/// Numbers with the names that the file has, as they are written.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    pub(super) cells: Vec<Vec<String>>,
    pub(super) rows: Option<Vec<String>>,
    pub(super) columns: Option<Vec<String>>,
    pub(super) axes: Axes,
    /// Where no words say which axis has the true classes: whether the layout makes it the columns.
    pub(super) is_by_columns: bool,
    /// Whether the layout has no usual order of the axes.
    pub(super) is_unsure: bool,
    /// What was understood, in sentences.
    pub(super) said: Vec<String>,
    /// What was left aside.
    pub(super) left: Vec<String>,
}

/// Names that are no classes but sums over them.
fn is_sum_name(name: &str) -> bool {
    let name = name.trim().trim_end_matches(':').to_lowercase();
    matches!(
        name.as_str(),
        "all"
            | "total"
            | "totals"
            | "sum"
            | "sums"
            | "row total"
            | "row totals"
            | "column total"
            | "col total"
            | "column totals"
            | "grand total"
            | "support"
            | "n"
            | "count"
            | "σ"
            | "∑"
            | "gesamt"
            | "summe"
            | "insgesamt"
            | "totaal"
            | "totale"
            | "totaux"
            | "sum_row"
            | "sum_col"
            | "sum_lin"
            | "итого"
            | "всего"
            | "合计"
            | "合計"
    )
}

/// Names of figures that tables have beside the counts.
fn is_figure_name(name: &str) -> bool {
    let name = name
        .trim()
        .trim_end_matches(':')
        .to_lowercase()
        .replace(['_', '-', '.'], " ");
    let name = name
        .trim_start_matches("class ")
        .trim_end_matches(" (%)")
        .trim_end_matches(" %");
    let figures = [
        "precision",
        "recall",
        "accuracy",
        "acc",
        "f1",
        "f1 score",
        "f score",
        "f measure",
        "sensitivity",
        "specificity",
        "error",
        "error rate",
        "rate",
        "user's accuracy",
        "producer's accuracy",
        "ua",
        "pa",
        "ppv",
        "npv",
        "tpr",
        "fpr",
        "% correct",
        "correct",
        "percent",
        "%",
        "genauigkeit",
        "précision",
        "rappel",
    ];
    figures.contains(&name)
}

impl Table {
    /// A matrix of numbers alone.
    pub(super) fn of_cells(cells: Vec<Vec<String>>) -> Self {
        Self {
            cells,
            ..Self::default()
        }
    }

    /// Separates names from numbers. Numbers may be names too: then there is a line more than there would be.
    pub(super) fn of_sheet(mut sheet: Sheet) -> Self {
        let mut axes = Axes::default();
        // pandas writes the name of the rows on a line of its own, below the names of the columns.
        let only_first =
            |line: &[String]| line.len() > 1 && line[1..].iter().all(String::is_empty) && !line[0].is_empty();
        if sheet.header.len() > 1 && sheet.header.last().is_some_and(|line| only_first(line)) {
            sheet.between = sheet.header.pop().and_then(|line| line.into_iter().next());
        }
        let width = sheet.body.iter().map(Vec::len).max().unwrap_or(0);
        let is_name = |cell: Option<&String>| cell.is_some_and(|cell| !cell.is_empty() && !is_number(cell));
        let mut lead = (0..width)
            .take_while(|&column| sheet.body.iter().any(|line| is_name(line.get(column))))
            .count();
        let names_place = sheet
            .header
            .iter()
            .rposition(|line| line.iter().filter(|cell| !cell.is_empty()).count() > 1);
        let mut names = names_place.map(|place| sheet.header.remove(place));
        if lead == 0 && has_numbers_as_names(&sheet.body, names.as_deref(), width) {
            lead = 1;
        }
        let lead = lead.min(width.saturating_sub(1));
        let numbers = width - lead;
        let mut rows = Vec::new();
        let mut group = Vec::new();
        for line in &mut sheet.body {
            let rest = line.split_off(lead.min(line.len()));
            let mut before = std::mem::replace(line, rest);
            rows.extend(before.pop());
            group.extend(before);
            line.resize(numbers, String::new());
        }
        group.dedup();
        axes.set_rows(&group.join(" "));
        let mut corner = String::new();
        if let Some(line) = &mut names {
            let has_sums = || {
                numbers > 2 && last_is_sum(&sheet.body) && !line.last().is_some_and(|name| is_sum_name(name))
            };
            if lead > 0 && line.len() == numbers && !rows.contains(&line[0]) && has_sums() {
                // A corner with words, and sums without a name.
                corner = line.remove(0);
            }
            if line.len() > numbers {
                let before: Vec<String> = line.drain(..line.len() - numbers).collect();
                before.join(" ").trim().clone_into(&mut corner);
            }
            line.resize(numbers, String::new());
        }
        let mut has_line_above = false;
        for line in &sheet.header {
            let text = line.join(" ");
            has_line_above |= axes::side(&text).is_some();
            axes.set_columns(&text);
        }
        let points_right = corner.contains(['→', '⇒']) || corner.contains("->") || corner.contains("=>");
        if let Some(between) = &sheet.between {
            axes.set_rows(between);
            axes.set_columns(&corner);
        } else if let Some(both) = Axes::of_both(&corner) {
            axes = axes.or(both);
        } else if points_right
            || sheet.is_printed && !has_line_above && axes::side(&corner) == Some(Side::Predicted)
        {
            axes.set_columns(&corner);
        } else {
            axes.set_rows(&corner);
        }
        axes = axes.or(Axes::of_both(&sheet.title).unwrap_or_default());
        Self {
            cells: sheet.body,
            rows: (lead > 0).then_some(rows),
            columns: names,
            axes,
            ..Self::default()
        }
    }

    /// Pairs of a true and a predicted class with their counts.
    pub(super) fn of_pairs(pairs: &[(String, String, String)]) -> Result<Self, ConfusionProblem> {
        let mut names: Vec<String> = Vec::new();
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        let of_both = pairs
            .iter()
            .map(|pair| &pair.0)
            .chain(pairs.iter().map(|pair| &pair.1));
        for name in of_both {
            places.entry(name).or_insert_with(|| {
                names.push(name.clone());
                names.len() - 1
            });
            if names.len() > MOST_CLASSES {
                return Err(ConfusionProblem::NoMatrix);
            }
        }
        let mut counts = vec![vec![0.0; names.len()]; names.len()];
        for (place, (truth, predicted, cell)) in pairs.iter().enumerate() {
            let value = value::number(cell).ok_or_else(|| ConfusionProblem::no_count(place, cell))?;
            counts[places[truth.as_str()]][places[predicted.as_str()]] += value;
        }
        let cells = counts
            .iter()
            .map(|line| line.iter().map(f64::to_string).collect())
            .collect();
        Ok(Self {
            cells,
            rows: Some(names.clone()),
            columns: Some(names),
            axes: Axes {
                rows: Some((Side::True, String::new())),
                columns: None,
            },
            said: vec!["a line for each pair of true and predicted class".to_owned()],
            ..Self::default()
        })
    }

    /// Takes off what is no class, names the axes, and turns the matrix so that rows are true classes.
    pub(super) fn settle(&mut self) -> Result<(), ConfusionProblem> {
        self.strip_names();
        self.drop_margins()?;
        self.fill_absent();
        self.turn();
        Ok(())
    }

    fn strip_names(&mut self) {
        let stripped = self
            .rows
            .as_mut()
            .and_then(|names| axes::strip(names_of_classes(names)));
        if let Some(side) = stripped {
            self.axes.rows.get_or_insert(side);
        }
        let stripped = self
            .columns
            .as_mut()
            .and_then(|names| axes::strip(names_of_classes(names)));
        if let Some(side) = stripped {
            self.axes.columns.get_or_insert(side);
        }
        // pandas prints the name of a group of rows once, before the first of them.
        if let (Some(rows), Some(columns)) = (&mut self.rows, &self.columns)
            && let Some(first) = rows.first_mut()
            && !columns.contains(first)
        {
            let mut name = [first.clone()];
            if let Some(side) = axes::strip(&mut name).filter(|_| columns.contains(&name[0])) {
                self.axes.rows.get_or_insert(side);
                first.clone_from(&name[0]);
            }
        }
    }

    fn value(&self, row: usize, column: usize) -> Option<f64> {
        value::number(self.cells.get(row)?.get(column)?)
    }

    fn width(&self) -> usize {
        self.cells.iter().map(Vec::len).max().unwrap_or(0)
    }

    fn drop_margins(&mut self) -> Result<(), ConfusionProblem> {
        let mut dropped = Vec::new();
        let is_margin = |name: &String| name.is_empty() || is_figure_name(name) || is_sum_name(name);
        // A class may be called `all` or `correct`: then it is not the last on either axis.
        for is_row in [false, true] {
            let (names, others) = if is_row {
                (&self.rows, &self.columns)
            } else {
                (&self.columns, &self.rows)
            };
            let Some(names) = names else { continue };
            let classes = |names: &Vec<String>| names.iter().take_while(|name| !is_margin(name)).count();
            let first = classes(names);
            // A class of such a name is followed by another class on both axes.
            let is_class = |place: usize| {
                names[place + 1..].iter().any(|name| !is_margin(name))
                    && others
                        .as_ref()
                        .is_none_or(|others| others.contains(&names[place]))
            };
            let margins: Vec<usize> = (first..names.len())
                .filter(|&place| is_margin(&names[place]) && !is_class(place))
                .collect();
            for place in margins.into_iter().rev() {
                dropped.push((is_row, place));
            }
        }
        self.check_sums(&dropped)?;
        for (is_row, place) in dropped {
            let name = self.remove(is_row, place);
            let axis = if is_row { "line" } else { "column" };
            self.left.push(if name.is_empty() {
                format!("the {axis} without a name, which has the sums")
            } else {
                format!("{axis} `{name}`")
            });
        }
        self.drop_nameless_margins();
        Ok(())
    }

    /// What is called a total has to be one: otherwise it is a class, or the counts are damaged.
    fn check_sums(&self, margins: &[(bool, usize)]) -> Result<(), ConfusionProblem> {
        let is_left = |is_row: bool, place: usize| !margins.contains(&(is_row, place));
        for &(is_row, place) in margins {
            let names = if is_row { &self.rows } else { &self.columns };
            let Some(name) = names
                .as_ref()
                .map(|names| &names[place])
                .filter(|name| name.is_empty() || is_sum_name(name))
            else {
                continue;
            };
            let (lines, others) = if is_row {
                (self.width(), self.cells.len())
            } else {
                (self.cells.len(), self.width())
            };
            for line in (0..lines).filter(|line| is_left(!is_row, *line)) {
                let at = |other: usize| {
                    if is_row {
                        self.value(other, line)
                    } else {
                        self.value(line, other)
                    }
                };
                let sum: f64 = (0..others)
                    .filter(|other| is_left(is_row, *other))
                    .filter_map(at)
                    .sum();
                let Some(total) = at(place) else { continue };
                if (sum - total).abs()
                    > 1e-6 * sum.abs().max(1.0) + 0.006 * others as f64 * f64::from(u8::from(sum < 1.5))
                {
                    return Err(ConfusionProblem::Sum {
                        name: name.clone(),
                        line: line + 1,
                        total,
                        sum,
                    });
                }
            }
        }
        Ok(())
    }

    fn remove(&mut self, is_row: bool, place: usize) -> String {
        let names = if is_row {
            if place < self.cells.len() {
                self.cells.remove(place);
            }
            &mut self.rows
        } else {
            for line in &mut self.cells {
                if place < line.len() {
                    line.remove(place);
                }
            }
            &mut self.columns
        };
        match names {
            Some(names) if place < names.len() => names.remove(place),
            _ => String::new(),
        }
    }

    /// A last line or column without a name that is the sum of the others, or shares beside counts.
    fn drop_nameless_margins(&mut self) {
        for is_row in [false, true] {
            let (lines, others) = if is_row {
                (self.width(), self.cells.len())
            } else {
                (self.cells.len(), self.width())
            };
            let names = if is_row { &self.rows } else { &self.columns };
            if names.is_some() || others < 2 || lines < 2 {
                continue;
            }
            let at = |table: &Self, line: usize, other: usize| {
                if is_row {
                    table.value(other, line)
                } else {
                    table.value(line, other)
                }
            };
            let is_sum = (0..lines).all(|line| {
                let sum: Option<f64> = (0..others - 1).map(|other| at(self, line, other)).sum();
                sum.zip(at(self, line, others - 1))
                    .is_some_and(|(sum, last)| (sum - last).abs() < 1e-6)
            });
            let total: f64 = (0..lines).filter_map(|line| at(self, line, others - 1)).sum();
            // Of two lines that are equal to each other's sums there is no telling.
            let is_square = lines == others;
            if is_sum && total > 0.0 && (others > lines || is_square && others > 2 && self.is_margin_square())
            {
                self.remove(is_row, others - 1);
                self.left.push(format!(
                    "the last {}, which has the sums",
                    if is_row { "line" } else { "column" }
                ));
            }
        }
    }

    /// Whether the last line and the last column are the sums of the others.
    fn is_margin_square(&self) -> bool {
        let size = self.cells.len();
        let last = size - 1;
        (0..size).all(|line| {
            let across: f64 = (0..last).filter_map(|other| self.value(line, other)).sum();
            let down: f64 = (0..last).filter_map(|other| self.value(other, line)).sum();
            self.value(line, last) == Some(across) && self.value(last, line) == Some(down)
        })
    }

    /// Classes that are on one axis only: no row has them, or none is predicted as them.
    fn fill_absent(&mut self) {
        let (Some(rows), Some(columns)) = (&mut self.rows, &mut self.columns) else {
            return;
        };
        if columns.len() != self.cells.iter().map(Vec::len).max().unwrap_or(0)
            || rows.len() != self.cells.len()
        {
            return;
        }
        let keys =
            |names: &[String]| -> Vec<String> { names.iter().map(|name| label_key(name, false)).collect() };
        let (row_keys, column_keys) = (keys(rows), keys(columns));
        if !row_keys.iter().any(|key| column_keys.contains(key)) {
            return;
        }
        let absent = |own: &[String], keys: &[String], other: &[String]| -> Vec<String> {
            let missing = own.iter().zip(keys).filter(|(_, key)| !other.contains(key));
            missing.map(|(name, _)| name.clone()).collect()
        };
        let no_column = absent(rows, &row_keys, &column_keys);
        let no_row = absent(columns, &column_keys, &row_keys);
        for (names, axis) in [(&no_column, "column"), (&no_row, "line")] {
            if !names.is_empty() {
                self.said.push(format!(
                    "{} has no {axis}, which is filled with zeros",
                    labelproof_artifact::wording::quoted(names, 5)
                ));
            }
        }
        columns.extend(no_column);
        rows.extend(no_row);
        for line in &mut self.cells {
            line.resize(columns.len(), "0".to_owned());
        }
        self.cells.resize(rows.len(), vec!["0".to_owned(); columns.len()]);
    }

    fn turn(&mut self) {
        let said = match self.axes.rows_are_predicted() {
            Some((true, word)) => format!("as `{word}` says, its rows are the predicted classes: turned"),
            Some((false, "")) => String::new(),
            Some((false, word)) => format!("rows are true classes, as `{word}` says"),
            None if self.is_by_columns => {
                "nothing says which axis has the true classes: taken as pandas writes it, a column at a time"
                    .to_owned()
            }
            None => "nothing says which axis has the true classes: taken to be the rows".to_owned(),
        };
        let is_turned = self
            .axes
            .rows_are_predicted()
            .map_or(self.is_by_columns, |(is_turned, _)| is_turned);
        if !said.is_empty() {
            self.said.push(said);
        }
        if !is_turned {
            return;
        }
        let height = self.cells.len();
        let at = |row: usize, column: usize| self.cells[row].get(column).cloned().unwrap_or_default();
        self.cells = (0..self.width())
            .map(|column| (0..height).map(|row| at(row, column)).collect())
            .collect();
        std::mem::swap(&mut self.rows, &mut self.columns);
    }
}

/// More classes than any matrix has that people look at.
pub(in super::super) const MOST_CLASSES: usize = 2000;

/// Names without those of margins behind them.
fn names_of_classes(names: &mut [String]) -> &mut [String] {
    let is_class = |name: &String| !name.is_empty() && !is_sum_name(name) && !is_figure_name(name);
    let last = names.iter().rposition(is_class).map_or(0, |last| last + 1);
    &mut names[..last]
}

/// Whether the last number of every line is the sum of those before it.
fn last_is_sum(body: &[Vec<String>]) -> bool {
    let is_sum = |line: &Vec<String>| {
        let values: Option<Vec<f64>> = line.iter().map(|cell| value::number(cell)).collect();
        let values = values.unwrap_or_default();
        values
            .split_last()
            .is_some_and(|(last, parts)| (parts.iter().sum::<f64>() - last).abs() < 1e-6 && *last > 0.0)
    };
    body.len() > 1 && body.iter().all(is_sum)
}

/// Whether the first column has names although they are numbers.
fn has_numbers_as_names(body: &[Vec<String>], names: Option<&[String]>, width: usize) -> bool {
    if !body.iter().all(|line| line.len() == width) || width < 2 {
        return false;
    }
    let value = |cell: &String| value::number(cell).unwrap_or(0.0);
    if let Some(names) = names {
        let first = names.first().map_or("", String::as_str);
        let is_corner = first.is_empty()
            || Axes::of_both(first).is_some()
            || !is_number(first) && names[1..].iter().all(|name| is_number(name));
        return names.len() + 1 == width || names.len() == width && is_corner;
    }
    let adds_up = |line: &Vec<String>| {
        let sum: f64 = line[..width - 1].iter().map(value).sum();
        (sum - value(&line[width - 1])).abs() < 1e-6
    };
    body.len() + 1 == width && !body.iter().all(adds_up)
}
