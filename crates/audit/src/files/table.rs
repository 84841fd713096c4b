//! The rows of one file, gathered cell by cell, with labels as they are spelled.
//!
//! Knows no file format: `rows` hands over cells. Labels of several files are numbered together elsewhere.

use labelproof_artifact::wording::one_line;
use std::borrow::Cow;
use std::collections::BTreeMap;

use labelproof_tables::Cell;

use super::error::{Error, RowProblem};
use super::literal::{Literal, parse_printed};
use super::roles::{Role, Roles, ScoreColumns};
use super::rows::nothing;
use crate::evidence::{Apart, Joined, Placeholders, Reading};

/// More different values than this are no labels.
pub(super) const MOST_LABELS: usize = 5_000;

/// A column of labels. A million rows share a few spellings.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Labels {
    pub(super) column: String,
    /// In the order of their first row.
    pub(super) spellings: Vec<String>,
    /// Rows of each spelling.
    pub(super) counts: Vec<u64>,
    /// `[rows]`, places in `spellings`.
    pub(super) values: Vec<u32>,
    places: BTreeMap<String, u32>,
}

impl Labels {
    pub(super) fn new(column: &str) -> Self {
        Self {
            column: column.to_owned(),
            ..Self::default()
        }
    }

    /// Adds a row; false when there are too many different labels.
    pub(super) fn push(&mut self, spelling: &str) -> bool {
        let place = match self.places.get(spelling) {
            Some(place) => *place,
            None if self.spellings.len() == MOST_LABELS => return false,
            None => {
                let place = u32::try_from(self.spellings.len()).expect("there are at most MOST_LABELS");
                self.places.insert(spelling.to_owned(), place);
                self.spellings.push(spelling.to_owned());
                self.counts.push(0);
                place
            }
        };
        self.counts[place as usize] += 1;
        self.values.push(place);
        true
    }
}

/// Scores as a file has them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RawScores {
    /// The class of each column, where the file says so.
    pub(super) names: Option<Vec<String>>,
    /// Columns; 1 where only the score of one class was saved.
    pub(super) width: usize,
    /// `[rows, width]`.
    pub(super) values: Vec<f64>,
    /// Whether their name says that they are logits.
    pub(super) logits: bool,
}

/// A column of numbers that may be named after a class.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Candidate {
    pub(super) name: String,
    pub(super) values: Vec<f64>,
}

/// The rows of one file.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Table {
    pub(super) source: String,
    pub(super) header: Vec<String>,
    pub(super) named: Vec<Role>,
    pub(super) rows: usize,
    pub(super) ids: Option<Vec<String>>,
    pub(super) id_is_nameless: bool,
    pub(super) texts: Option<Vec<String>>,
    pub(super) truth: Option<Labels>,
    pub(super) predicted: Option<Labels>,
    pub(super) groups: Option<Vec<String>>,
    pub(super) scores: Option<RawScores>,
    pub(super) candidates: Vec<Candidate>,
    /// What each used column is, in words, and its name; without the scores.
    pub(super) columns_used: Vec<(&'static str, String)>,
    /// Whether rows have several labels, which no check compares.
    pub(super) is_multi_label: bool,
    /// The columns of the scores.
    pub(super) score_columns: Vec<String>,
    /// What only the reader of the file knows of it: sentences, and what is left aside beside columns.
    pub(super) reading: Reading,
    /// What was found out about the labels.
    pub(super) wording: Wording,
}

/// What was found out about the labels of a file before they were numbered.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Wording {
    /// The true labels as they were spelled.
    pub(super) true_spellings: Vec<String>,
    /// All labels as they were spelled, but for those that were read as others.
    pub(super) equal_as_spelled: Option<u64>,
    pub(super) joined: Vec<Joined>,
    pub(super) apart: Option<Apart>,
    pub(super) placeholders: Option<Placeholders>,
}

impl Table {
    /// Leaves out rows; `keep` says for each whether it stays.
    pub(super) fn retain(&mut self, keep: &[bool]) {
        fn only<T: Clone>(values: &mut Vec<T>, keep: &[bool], width: usize) {
            let rows = std::mem::take(values);
            let kept = rows
                .chunks_exact(width.max(1))
                .zip(keep)
                .filter(|(_, keep)| **keep);
            *values = kept.flat_map(|(row, _)| row.iter().cloned()).collect();
        }
        for column in [&mut self.ids, &mut self.texts, &mut self.groups]
            .into_iter()
            .flatten()
        {
            only(column, keep, 1);
        }
        for labels in [&mut self.truth, &mut self.predicted].into_iter().flatten() {
            let mut kept = Labels::new(&labels.column);
            for (place, _) in labels.values.iter().zip(keep).filter(|(_, keep)| **keep) {
                kept.push(&labels.spellings[*place as usize]);
            }
            *labels = kept;
        }
        if let Some(scores) = &mut self.scores {
            only(&mut scores.values, keep, scores.width);
        }
        for candidate in &mut self.candidates {
            only(&mut candidate.values, keep, 1);
        }
        self.rows = keep.iter().filter(|keep| **keep).count();
    }
}

/// Why a row ends the reading.
#[derive(Debug)]
pub(super) enum Stop {
    Row(RowProblem),
    TooManyLabels { column: String },
}

impl From<RowProblem> for Stop {
    fn from(problem: RowProblem) -> Self {
        Self::Row(problem)
    }
}

impl Stop {
    /// The error, with the place of the row, or of the file.
    pub(super) fn at(self, file: &str, row: impl FnOnce() -> String) -> Error {
        match self {
            Self::Row(problem) => Error::Row {
                place: row(),
                problem,
            },
            Self::TooManyLabels { column } => Error::TooManyLabels {
                place: file.to_owned(),
                column,
                most: MOST_LABELS,
            },
        }
    }
}

/// Gathers the rows of a file.
#[derive(Debug)]
pub(super) struct Builder {
    table: Table,
    roles: Roles,
    values: Vec<f64>,
    /// Scores a row; of a list, known after the first row.
    width: Option<usize>,
    /// Scores that name their classes, in place of those.
    named: NamedScores,
    candidates: Vec<(usize, Candidate)>,
    /// Whether numbers are written with a comma.
    has_decimal_commas: bool,
}

impl Builder {
    pub(super) fn new(source: String, header: &[String], roles: Roles, has_decimal_commas: bool) -> Self {
        let labels = |place: Option<usize>| place.map(|place| Labels::new(&header[place]));
        let one_hot = roles
            .one_hot
            .as_ref()
            .and_then(|(places, _)| places.first().copied());
        let strings = |place: Option<usize>| place.map(|_| Vec::new());
        let table = Table {
            columns_used: columns_used(header, &roles),
            score_columns: score_columns(header, &roles.scores),
            source,
            header: header.to_vec(),
            named: roles.named.clone(),
            is_multi_label: roles.is_multi_label,
            ids: strings(roles.id),
            id_is_nameless: roles.id_is_nameless,
            texts: strings(roles.text),
            truth: labels(roles.truth.or(one_hot)),
            predicted: labels(roles.predicted),
            groups: strings(roles.group),
            ..Table::default()
        };
        let width = match &roles.scores {
            ScoreColumns::Each { places, .. } => Some(places.len()),
            _ => None,
        };
        let candidates = roles.candidates.iter().map(|&place| {
            let name = header[place].clone();
            let values = Vec::new();
            (place, Candidate { name, values })
        });
        Self {
            table,
            values: Vec::new(),
            width,
            named: NamedScores::default(),
            candidates: candidates.collect(),
            roles,
            has_decimal_commas,
        }
    }

    pub(super) fn rows(&self) -> usize {
        self.table.rows
    }

    /// Adds a row; `cell` gives what a column holds there.
    pub(super) fn push<'c>(&mut self, cell: impl Fn(usize) -> &'c Cell<'c>) -> Result<(), Stop> {
        let table = &mut self.table;
        let header = &table.header;
        let commas = self.has_decimal_commas;
        let name = |place: usize| header[place].clone();
        for (column, place, may_be_empty) in [
            (&mut table.ids, self.roles.id, false),
            (&mut table.texts, self.roles.text, true),
            (&mut table.groups, self.roles.group, true),
        ] {
            if let (Some(column), Some(place)) = (column, place) {
                let value = text(cell(place), || name(place))?.into_owned();
                if !may_be_empty && value.trim().is_empty() {
                    return Err(nothing(cell(place), name(place)).into());
                }
                column.push(value);
            }
        }
        for (labels, place, may_be_empty) in [
            // A true label that was not given is no fault of the file; `placeholders` says what becomes of it.
            (&mut table.truth, self.roles.truth, true),
            (&mut table.predicted, self.roles.predicted, false),
        ] {
            if let (Some(labels), Some(place)) = (labels, place) {
                let cell = cell(place);
                let value = label(cell, commas, || name(place))?;
                let is_allowed = may_be_empty && !matches!(cell, Cell::Absent);
                if value.trim().is_empty() && !is_allowed {
                    return Err(nothing(cell, name(place)).into());
                }
                if !labels.push(&value) {
                    return Err(Stop::TooManyLabels { column: name(place) });
                }
            }
        }
        if let (Some(labels), Some((places, names))) = (&mut table.truth, &self.roles.one_hot) {
            let is_set = |place: &&usize| number(cell(**place), commas).is_some_and(|value| value > 0.5);
            let ones: Vec<usize> = places.iter().filter(is_set).copied().collect();
            let class = places.iter().position(|place| ones == [*place]);
            let class = class.ok_or(RowProblem::NotOneHot { ones: ones.len() })?;
            labels.push(&names[class]);
        }
        match &self.roles.scores {
            ScoreColumns::None => {}
            ScoreColumns::Each { places, .. } => {
                for &place in places {
                    self.values.push(score(cell(place), commas, || name(place))?);
                }
            }
            ScoreColumns::One { place, .. } => {
                let before = self.values.len();
                if let Some(scores) = scores_by_class(cell(*place)).filter(|_| before == 0) {
                    self.named.push(scores);
                    self.finish_row(cell);
                    return Ok(());
                }
                if self.named.rows() > 0 {
                    return Err(RowProblem::Kind {
                        column: name(*place),
                        found: "without classes",
                        expected: "classes with scores as in the first row",
                    }
                    .into());
                }
                push_scores(&mut self.values, cell(*place), commas, || name(*place))?;
                let found = self.values.len() - before;
                let expected = *self.width.get_or_insert(found);
                if found > MOST_LABELS {
                    return Err(Stop::TooManyLabels { column: name(*place) });
                }
                if found == 0 {
                    return Err(nothing(cell(*place), name(*place)).into());
                }
                if found != expected {
                    let column = name(*place);
                    return Err(RowProblem::ListLength {
                        column,
                        found,
                        expected,
                    }
                    .into());
                }
            }
        }
        self.finish_row(cell);
        Ok(())
    }

    /// Adds the columns that may be scores.
    fn finish_row<'c>(&mut self, cell: impl Fn(usize) -> &'c Cell<'c>) {
        let commas = self.has_decimal_commas;
        self.candidates.retain_mut(|(place, candidate)| {
            let value = number(cell(*place), commas).filter(|value| value.is_finite());
            candidate.values.extend(value);
            value.is_some()
        });
        self.table.rows += 1;
    }

    pub(super) fn finish(self) -> Table {
        let mut table = self.table;
        if self.named.rows() > 0 {
            self.named.finish(&mut table);
            return table;
        }
        let scores = |names: Option<Vec<String>>, logits| {
            Some(RawScores {
                names,
                width: self.width.unwrap_or(0),
                values: self.values,
                logits,
            })
        };
        table.scores = match self.roles.scores {
            _ if table.rows == 0 => None,
            ScoreColumns::None => None,
            ScoreColumns::Each { names, logits, .. } => scores(names, logits),
            ScoreColumns::One { class, logits, .. } => scores(class.map(|class| vec![class]), logits),
        };
        table.candidates = self
            .candidates
            .into_iter()
            .map(|(_, candidate)| candidate)
            .collect();
        table
    }
}

/// The columns of a file that have a role, and what each is, in words.
fn columns_used(header: &[String], roles: &Roles) -> Vec<(&'static str, String)> {
    let singles = [roles.id, roles.text, roles.truth, roles.predicted, roles.group];
    let singles = Role::ALL.into_iter().zip(singles);
    let one_hot = roles.one_hot.iter().flat_map(|(places, _)| places);
    let one_hot = one_hot.map(|place| (Role::Truth, Some(*place)));
    singles
        .chain(one_hot)
        .filter_map(|(role, place)| Some((role.plural(), header.get(place?)?.clone())))
        .collect()
}

/// The columns of scores.
fn score_columns(header: &[String], scores: &ScoreColumns) -> Vec<String> {
    let places = match scores {
        ScoreColumns::None => &[][..],
        ScoreColumns::Each { places, .. } => places,
        ScoreColumns::One { place, .. } => std::slice::from_ref(place),
    };
    let names = places.iter().filter_map(|place| header.get(*place));
    names.cloned().collect()
}

/// Scores of rows that name the classes, each in its own order, and perhaps only the best of them.
#[derive(Debug, Default)]
struct NamedScores {
    names: Labels,
    /// Class and score, one behind the other.
    entries: Vec<(u32, f64)>,
    /// Where the entries of each row end.
    ends: Vec<usize>,
}

impl NamedScores {
    fn rows(&self) -> usize {
        self.ends.len()
    }

    fn push(&mut self, scores: Vec<(String, f64)>) {
        for (name, score) in scores {
            if self.names.push(&name)
                && let Some(class) = self.names.values.pop()
            {
                self.entries.push((class, score));
            }
        }
        self.ends.push(self.entries.len());
    }

    /// Gives the table the scores, if every row has those of all classes, and the class of the highest.
    fn finish(self, table: &mut Table) {
        let classes = self.names.spellings.len();
        let mut start = 0;
        let mut rows = Vec::with_capacity(self.ends.len());
        for end in &self.ends {
            rows.push(&self.entries[start..*end]);
            start = *end;
        }
        let is_whole =
            |row: &&[(u32, f64)]| row.len() == classes && row.iter().all(|(_, score)| score.is_finite());
        if table.predicted.is_none() && rows.iter().all(|row| !row.is_empty()) {
            let mut predicted = Labels::new(&self.names.column);
            for row in &rows {
                let best = row
                    .iter()
                    .rev()
                    .max_by(|(_, one), (_, other)| one.total_cmp(other));
                let best = best.map_or(0, |(class, _)| *class as usize);
                predicted.push(&self.names.spellings[best]);
            }
            table.predicted = Some(predicted);
        }
        if classes > 1 && rows.iter().all(is_whole) {
            let mut values = vec![0.0; classes * rows.len()];
            for (row, entries) in rows.iter().enumerate() {
                for (class, score) in *entries {
                    values[row * classes + *class as usize] = *score;
                }
            }
            table.scores = Some(RawScores {
                names: Some(self.names.spellings),
                width: classes,
                values,
                logits: false,
            });
        } else if rows.iter().all(|row| row.len() == 1) {
            // The score of the predicted class alone.
            table.scores = Some(RawScores {
                names: None,
                width: 1,
                values: self.entries.iter().map(|(_, score)| *score).collect(),
                logits: false,
            });
        } else {
            let sentence = "Scores of some classes only, of which the highest names the predicted label.";
            table.reading.says(sentence);
        }
    }
}

/// Classes with their scores, if a cell has both.
fn scores_by_class(cell: &Cell<'_>) -> Option<Vec<(String, f64)>> {
    let text = match cell {
        Cell::Bytes(bytes) => std::str::from_utf8(bytes).ok()?,
        Cell::Text(text) => text,
        Cell::Nested(json) => json,
        _ => return None,
    };
    let has_names = text.trim_start().starts_with(['{', '[', '(']) && text.contains(':');
    has_names.then(|| parse_printed(text)?.scores_by_class())?
}

/// A cell as a label: also the class of a one-hot list, or the best of classes with their scores.
fn label<'c>(
    cell: &'c Cell<'_>,
    commas: bool,
    column: impl Fn() -> String,
) -> Result<Cow<'c, str>, RowProblem> {
    if let Some(class) = one_hot_class(cell) {
        return Ok(Cow::Owned(class.to_string()));
    }
    if let Some(scores) = scores_by_class(cell) {
        let best = scores
            .into_iter()
            .rev()
            .max_by(|(_, one), (_, other)| one.total_cmp(other));
        return Ok(Cow::Owned(best.map(|(name, _)| name).unwrap_or_default()));
    }
    if let Cell::Nested(json) = cell {
        let words = parse_printed(json).and_then(|literal| literal.words());
        match words.as_deref() {
            Some([]) => return Ok(Cow::Borrowed("")),
            Some([only]) => return Ok(Cow::Owned(only.clone())),
            Some(_) => return Err(RowProblem::SeveralLabels { column: column() }),
            None => {}
        }
    }
    let value = text(cell, column)?;
    Ok(match value.trim() {
        number if commas && is_decimal_comma(number) => Cow::Owned(number.replace(',', ".")),
        _ => value,
    })
}

/// A cell as text; nothing is the empty text.
pub(super) fn text<'c>(cell: &'c Cell<'_>, column: impl Fn() -> String) -> Result<Cow<'c, str>, RowProblem> {
    Ok(match cell {
        Cell::Missing | Cell::Absent => Cow::Borrowed(""),
        Cell::Bytes(bytes) => {
            let text = std::str::from_utf8(bytes).ok();
            Cow::Borrowed(text.ok_or_else(|| RowProblem::NotUtf8 { column: column() })?)
        }
        Cell::Text(text) => Cow::Borrowed(text.as_ref()),
        Cell::Number(value) if value.is_nan() => Cow::Borrowed(""),
        Cell::Number(value) => Cow::Owned(value.to_string()),
        Cell::Boolean(value) => Cow::Borrowed(if *value { "true" } else { "false" }),
        Cell::Numbers(_) | Cell::List(_) | Cell::Each(_) => {
            return Err(RowProblem::Kind {
                column: column(),
                found: "a list",
                expected: "a text or a number",
            });
        }
        Cell::Nested(json) => {
            return Err(RowProblem::Kind {
                column: column(),
                found: nested(json),
                expected: "a text or a number",
            });
        }
        Cell::Other(found) => {
            return Err(RowProblem::Kind {
                column: column(),
                found,
                expected: "a text or a number",
            });
        }
    })
}

/// What nested JSON is, in words.
fn nested(json: &str) -> &'static str {
    if json.starts_with('{') {
        "an object"
    } else {
        "a list of other things than numbers"
    }
}

/// The place of the single 1 in a list of two or more that otherwise holds zeros.
fn one_hot_class(cell: &Cell<'_>) -> Option<usize> {
    let printed = |text: &str| {
        let is_list = text.trim_start().starts_with('[');
        is_list.then(|| parse_printed(text)?.numbers())?
    };
    let values: Cow<'_, [f64]> = match cell {
        Cell::Numbers(values) => Cow::Borrowed(values),
        Cell::Bytes(bytes) => Cow::Owned(printed(std::str::from_utf8(bytes).ok()?)?),
        Cell::Text(text) => Cow::Owned(printed(text)?),
        _ => return None,
    };
    let is = |value: f64, wanted: f64| value.total_cmp(&wanted).is_eq();
    let one = values.iter().position(|value| is(*value, 1.0))?;
    let zeros = values.iter().filter(|value| is(**value, 0.0)).count();
    (zeros + 1 == values.len() && values.len() > 1).then_some(one)
}

/// A cell as a number, if it is one.
fn number(cell: &Cell<'_>, commas: bool) -> Option<f64> {
    match cell {
        Cell::Bytes(bytes) => parse(bytes, commas),
        Cell::Text(text) => parse(text.as_bytes(), commas),
        Cell::Number(value) => Some(*value),
        Cell::Missing
        | Cell::Absent
        | Cell::Boolean(_)
        | Cell::Numbers(_)
        | Cell::List(_)
        | Cell::Each(_)
        | Cell::Nested(_)
        | Cell::Other(_) => None,
    }
}

fn parse(bytes: &[u8], commas: bool) -> Option<f64> {
    let text = std::str::from_utf8(bytes.trim_ascii()).ok()?;
    let with_comma = || (commas && is_decimal_comma(text)).then(|| text.replace(',', ".").parse().ok())?;
    text.parse().ok().or_else(with_comma)
}

/// Whether a number is written with a comma.
fn is_decimal_comma(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_digit() || b"+-,eE".contains(&byte);
    text.bytes().all(is_part) && text.matches(',').count() == 1
}

/// A cell as a score.
fn score(cell: &Cell<'_>, commas: bool, column: impl Fn() -> String) -> Result<f64, RowProblem> {
    let value = match (number(cell, commas), cell) {
        (Some(value), _) => value,
        (None, Cell::Missing | Cell::Absent) => return Err(nothing(cell, column())),
        (None, Cell::Bytes(bytes)) if bytes.trim_ascii().is_empty() => {
            return Err(RowProblem::Empty { column: column() });
        }
        (None, Cell::Numbers(_) | Cell::Nested(_) | Cell::Other(_)) => {
            return Err(RowProblem::Kind {
                column: column(),
                found: match cell {
                    Cell::Other(found) => found,
                    Cell::Nested(json) => nested(json),
                    _ => "a list",
                },
                expected: "a number",
            });
        }
        (None, Cell::Bytes(bytes)) => {
            let value = one_line(&String::from_utf8_lossy(bytes));
            return Err(RowProblem::NotANumber {
                column: column(),
                value,
            });
        }
        (None, _) => {
            let value = one_line(&text(cell, &column)?);
            return Err(RowProblem::NotANumber {
                column: column(),
                value,
            });
        }
    };
    finite(value, column)
}

fn finite(value: f64, column: impl Fn() -> String) -> Result<f64, RowProblem> {
    if value.is_finite() {
        Ok(value)
    } else {
        Err(RowProblem::NotFinite {
            column: column(),
            value,
        })
    }
}

/// Adds the scores of a list, or a single one.
fn push_scores(
    values: &mut Vec<f64>,
    cell: &Cell<'_>,
    commas: bool,
    column: impl Fn() -> String + Copy,
) -> Result<(), RowProblem> {
    let list = match cell {
        Cell::Numbers(list) => {
            for value in list.iter() {
                values.push(finite(*value, column)?);
            }
            return Ok(());
        }
        Cell::Bytes(bytes) => {
            std::str::from_utf8(bytes).map_err(|_not_utf8| RowProblem::NotUtf8 { column: column() })?
        }
        Cell::Text(text) => text.as_ref(),
        _ => "",
    };
    let is_list = list.contains(['[', '(']);
    let literal = is_list
        .then(|| parse_printed(list))
        .flatten()
        .map(Literal::unwrapped);
    if let Some(value) = literal.as_ref().and_then(Literal::number) {
        values.push(finite(value, column)?);
        return Ok(());
    }
    let Some(Literal::List(items)) = literal else {
        values.push(score(cell, commas, column)?);
        return Ok(());
    };
    for item in items {
        let word = match &item {
            Literal::Word(word) => word.parse().ok(),
            _ => None,
        };
        let value = match (item.number().or(word), item.word()) {
            (Some(value), _) => finite(value, column)?,
            (None, Some(text)) => score(&Cell::Bytes(text.as_bytes()), commas, column)?,
            (None, None) => {
                let value = if item.is_ellipsis() {
                    "...".to_owned()
                } else {
                    one_line(list)
                };
                let column = column();
                return Err(RowProblem::NotANumber { column, value });
            }
        };
        values.push(value);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_list(list: &str, expected: Result<&[f64], &str>) {
        let mut values = Vec::new();
        let result = push_scores(&mut values, &Cell::Bytes(list.as_bytes()), false, || {
            "probs".to_owned()
        });
        match expected {
            Ok(expected) => {
                result.unwrap();
                assert_eq!(values, expected);
            }
            Err(message) => assert_eq!(result.unwrap_err().to_string(), message),
        }
    }

    #[test]
    fn lists_are_read_as_python_prints_them() {
        check_list("[0.25, 0.75]", Ok(&[0.25, 0.75]));
        check_list("[0.25 0.75\n 1e-3]", Ok(&[0.25, 0.75, 0.001]));
        check_list("array([[0.25, 0.75]])", Ok(&[0.25, 0.75]));
        check_list("[np.float64(0.25), np.float64(0.75)]", Ok(&[0.25, 0.75]));
        check_list("0.25", Ok(&[0.25]));
        check_list("[0.1 ... 0.2]", Err("`probs` is `...`, expected a number"));
        check_list("[0.1, nan]", Err("`probs` is NaN, which is no score"));
        check_list("none", Err("`probs` is `none`, expected a number"));
    }
}
