//! Finds the figures of a report in a text: a printed table, CSV, or JSON.

use std::collections::BTreeMap;

use super::super::literal::{self, Literal};
use super::super::log::class_counts;
use super::{Figure, Line, Report};

/// The columns of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Precision,
    Recall,
    F1,
    Support,
    Other,
}

fn kind(name: &str) -> Kind {
    match name
        .trim()
        .trim_matches('"')
        .to_lowercase()
        .replace(['-', '_', ' '], "")
        .as_str()
    {
        "precision" | "pre" | "prec" => Kind::Precision,
        "recall" | "rec" => Kind::Recall,
        "f1score" | "f1" | "fscore" | "fmeasure" | "fbeta" => Kind::F1,
        "support" | "sup" => Kind::Support,
        _ => Kind::Other,
    }
}

/// A line as it is written.
#[derive(Debug, Clone, Default)]
struct Raw {
    name: String,
    cells: Vec<(Kind, String)>,
}

impl Raw {
    fn get(&self, kind: Kind) -> Option<&str> {
        let mut cells = self.cells.iter();
        cells.find(|(own, _)| *own == kind).map(|(_, cell)| cell.as_str())
    }
}

pub(super) fn find(text: &str) -> Option<Report> {
    let lower = text.to_lowercase();
    let has = |words: [&str; 2]| words.iter().all(|word| lower.contains(word));
    if !has(["rec", "sup"])
        && !has([" tp: ", " fn: "])
        && !has(["\"fp\"", "\"fn\""])
        && !has(["'fp'", "'fn'"])
    {
        return None;
    }
    let (mut found, mut is_all) = in_lines(text);
    if found.is_empty() {
        (found, is_all) = in_literal(text);
    }
    let reports = found.len();
    let report = assemble(&found.pop()?)?;
    Some(Report {
        reports,
        is_all,
        ..report
    })
}

/// The reports of a text of lines, and whether most lines are of them.
fn in_lines(text: &str) -> (Vec<Vec<Raw>>, bool) {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let mut reports = Vec::new();
    let (mut place, mut of_reports) = (0, 0);
    while place < lines.len() {
        let (report, read) = classes_counted(&lines[place..])
            .or_else(|| classes_down(&lines[place..]))
            .or_else(|| classes_across(&lines[place..]))
            .unzip();
        reports.extend(report);
        of_reports += read.unwrap_or(0);
        place += read.unwrap_or(1);
    }
    // Beside the losses of epochs a report is a part of a log.
    let is_all =
        of_reports * 2 > lines.len() && !lines.iter().any(|line| line.to_lowercase().contains("loss"));
    (reports, is_all)
}

/// What separates the cells of a line; a blank stands for a printed table.
fn separator(line: &str) -> char {
    let mut separators = [',', '\t', ';', '|'].into_iter();
    separators
        .find(|separator| line.matches(*separator).count() >= 2)
        .unwrap_or(' ')
}

fn cells(line: &str, separator: char) -> Vec<String> {
    let line = if separator == '|' {
        line.trim().trim_matches('|')
    } else {
        line
    };
    let cells = line
        .split(separator)
        .map(|cell| cell.trim().trim_matches('"').trim().to_owned());
    cells.collect()
}

fn is_number(cell: &str) -> bool {
    cell.trim_end_matches('%').parse::<f64>().is_ok()
}

/// A header with `precision` and `recall`, and a line for each class. Also says how many lines it takes.
fn classes_down(lines: &[&str]) -> Option<(Vec<Raw>, usize)> {
    let separator = separator(lines[0]);
    let mut header: Vec<Kind> = if separator == ' ' {
        lines[0].split_whitespace().map(kind).collect()
    } else {
        cells(lines[0], separator).iter().map(|cell| kind(cell)).collect()
    };
    let has = |wanted| header.contains(&wanted);
    if !(has(Kind::Precision) && has(Kind::Recall) && has(Kind::Support)) {
        return None;
    }
    if separator == ' ' {
        // A printed table may name its first column.
        let first = header.iter().position(|kind| *kind != Kind::Other)?;
        header.drain(..first);
    }
    let mut report = Vec::new();
    let mut read = 1;
    for line in &lines[1..] {
        let is_rule = line.chars().all(|character| " -=|:+".contains(character));
        if !is_rule {
            let Some(raw) = raw_of(line, separator, &header) else {
                break;
            };
            report.push(raw);
        }
        read += 1;
    }
    (!report.is_empty()).then_some((report, read))
}

fn raw_of(line: &str, separator: char, header: &[Kind]) -> Option<Raw> {
    if separator != ' ' {
        let cells = cells(line, separator);
        let name = cells.first()?.clone();
        let known = header
            .iter()
            .copied()
            .zip(cells)
            .filter(|(kind, _)| *kind != Kind::Other);
        let cells: Vec<(Kind, String)> = known.filter(|(_, cell)| is_number(cell)).collect();
        return (!cells.is_empty()).then_some(Raw { name, cells });
    }
    let words: Vec<&str> = line.split_whitespace().collect();
    let numbers = words
        .iter()
        .rev()
        .take_while(|word| is_number(word))
        .count()
        .min(header.len());
    if numbers == 0 || numbers == words.len() {
        return None;
    }
    let (name, numbers) = words.split_at(words.len() - numbers);
    let cell = |(kind, word): (Kind, &&str)| (kind, (*word).to_owned());
    let cells = if numbers.len() == header.len() {
        header.iter().copied().zip(numbers).map(cell).collect()
    } else if numbers.len() <= 2 {
        // `accuracy  0.63  1495`: under F1, and beside the rows.
        [Kind::F1, Kind::Support]
            .into_iter()
            .zip(numbers)
            .map(cell)
            .collect()
    } else {
        return None;
    };
    Some(Raw {
        name: name.join(" "),
        cells,
    })
}

/// A line for each class with its hits and misses, as flair writes them.
fn classes_counted(lines: &[&str]) -> Option<(Vec<Raw>, usize)> {
    let raw = |(name, [hits, wrong, missed]): (&str, [f64; 3])| Raw {
        name: name.to_owned(),
        cells: shares_of(hits, wrong, missed),
    };
    let report: Vec<Raw> = lines
        .iter()
        .map_while(|line| class_counts(line).map(raw))
        .collect();
    let read = report.len();
    (read > 1).then_some((report, read))
}

/// A header of the classes, and a line for each figure, as pandas writes the report as it comes.
fn classes_across(lines: &[&str]) -> Option<(Vec<Raw>, usize)> {
    let [header, rest @ ..] = lines else { return None };
    let split = |line: &str| -> Vec<String> {
        match separator(header) {
            ' ' => line
                .split("  ")
                .map(str::trim)
                .filter(|cell| !cell.is_empty())
                .map(str::to_owned)
                .collect(),
            separator => cells(line, separator),
        }
    };
    let mut figures = Vec::new();
    for line in rest.iter().take(4) {
        let mut cells = split(line);
        if cells.len() < 2 {
            break;
        }
        let kind = kind(&cells.remove(0));
        if kind == Kind::Other {
            break;
        }
        figures.push((kind, cells));
    }
    let width = figures.first()?.1.len();
    let has = |wanted| figures.iter().any(|(kind, _)| *kind == wanted);
    if !(has(Kind::Recall) && has(Kind::Support)) {
        return None;
    }
    let mut names = split(header);
    names.drain(..names.len().checked_sub(width)?);
    let raw = |(column, name): (usize, String)| Raw {
        name,
        cells: figures
            .iter()
            .filter_map(|(kind, cells)| Some((*kind, cells.get(column)?.clone())))
            .collect(),
    };
    Some((
        names.into_iter().enumerate().map(raw).collect(),
        figures.len() + 1,
    ))
}

/// The reports of JSON, or of what Python prints of a dict, and whether there is nothing else.
fn in_literal(text: &str) -> (Vec<Vec<Raw>>, bool) {
    let mut reports = Vec::new();
    let whole = literal::parse(text);
    // Metrics of a training that have a report among them are a log.
    let is_whole = whole.is_some() && !text.contains("loss\"") && !text.contains("loss'");
    if let Some(value) = whole.or_else(|| literal::find(text)) {
        collect(&value, &mut reports);
    }
    (reports, is_whole)
}

fn collect(value: &Literal<'_>, reports: &mut Vec<Vec<Raw>>) {
    let Some(entries) = value.entries() else { return };
    let is_line = |value: &Literal<'_>| {
        value.get("recall").is_some() && value.get("support").is_some() || of_counts(value).is_some()
    };
    if entries.iter().any(|(_, value)| is_line(value)) {
        let raw = |(name, value): &(Literal<'_>, Literal<'_>)| {
            let name = name.text()?.to_owned();
            let cells = match value.entries() {
                Some(_) if of_counts(value).is_some() => of_counts(value)?,
                Some(entries) => {
                    let cell = |(key, value): &(Literal<'_>, Literal<'_>)| {
                        Some((kind(key.text()?), value.text()?.to_owned()))
                    };
                    entries.iter().filter_map(cell).collect()
                }
                None => vec![(Kind::F1, value.text()?.to_owned())],
            };
            Some(Raw { name, cells })
        };
        reports.push(entries.iter().filter_map(raw).collect());
        return;
    }
    for (_, value) in entries {
        collect(value, reports);
    }
}

/// The figures of a class that is counted against all others.
fn of_counts(value: &Literal<'_>) -> Option<Vec<(Kind, String)>> {
    let count = |key: &str| {
        value
            .get(key)?
            .text()?
            .parse::<f64>()
            .ok()
            .filter(|count| *count >= 0.0)
    };
    Some(shares_of(count("tp")?, count("fp")?, count("fn")?))
}

fn shares_of(hits: f64, wrong: f64, missed: f64) -> Vec<(Kind, String)> {
    let share = |of: f64| if of > 0.0 { hits / of } else { 0.0 };
    vec![
        (Kind::Precision, format!("{:.12}", share(hits + wrong))),
        (Kind::Recall, format!("{:.12}", share(hits + missed))),
        (Kind::Support, (hits + missed).to_string()),
    ]
}

/// The digits behind the point; nothing for what is not written that way.
fn digits(cell: &str) -> Option<i32> {
    let cell = cell.trim_end_matches('%');
    if !cell.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return None;
    }
    i32::try_from(cell.split_once('.').map_or(0, |(_, digits)| digits.len())).ok()
}

/// Half of the last digit with which figures are not the same by chance.
const SAME_HALF: f64 = 5.1e-4;

fn assemble(raws: &[Raw]) -> Option<Report> {
    let shares = || {
        raws.iter()
            .flat_map(|raw| &raw.cells)
            .filter(|(kind, _)| *kind != Kind::Support)
    };
    // JSON and CSV drop zeros at the end: a figure has at least as many digits as most have.
    let mut counts: BTreeMap<i32, usize> = BTreeMap::new();
    for digits in shares().filter_map(|(_, cell)| digits(cell)) {
        *counts.entry(digits).or_default() += 1;
    }
    let usual = counts
        .iter()
        .max_by_key(|(digits, count)| (**count, **digits))
        .map_or(2, |(digits, _)| *digits);
    let value = |cell: &str| {
        cell.trim_end_matches('%')
            .parse::<f64>()
            .ok()
            .filter(|value| value.is_finite())
    };
    let largest = shares().filter_map(|(_, cell)| value(cell)).fold(0.0, f64::max);
    let unit = if largest > 1.5 { 100.0 } else { 1.0 };
    let figure = |cell: Option<&str>| -> Option<Figure> {
        let cell = cell?;
        let own = digits(cell).map_or(usual, |own| own.max(usual)).min(12);
        let value = value(cell)? / unit;
        (0.0..=1.0 + 1e-9).contains(&value).then_some(Figure {
            value,
            half: 0.5 * 10_f64.powi(-own) / unit,
        })
    };
    let line = |raw: &Raw| Line {
        name: raw.name.clone(),
        precision: figure(raw.get(Kind::Precision)),
        recall: figure(raw.get(Kind::Recall)),
        f1: figure(raw.get(Kind::F1)),
        support: raw.get(Kind::Support).and_then(support),
    };
    let mut report = Report::default();
    let mut of_samples = None;
    for raw in raws {
        let name = raw.name.to_lowercase().replace(['_', '-', '/'], " ");
        let words: Vec<&str> = name.split_whitespace().collect();
        let read = line(raw);
        match words.as_slice() {
            // In pandas' table the accuracy fills the whole line.
            ["accuracy" | "acc"] => report.accuracy = read.f1.or(read.precision),
            ["micro", "avg" | "average"] => report.micro = Some(read),
            ["macro", "avg" | "average"] => report.r#macro = Some(read),
            ["weighted", "avg" | "average"] | ["avg", "total"] => report.weighted = Some(read),
            ["samples", "avg" | "average"] => of_samples = Some(read),
            _ if read.recall.is_some() && read.support.is_some() => report.classes.push(read),
            _ => {}
        }
    }
    if let Some(of_samples) = of_samples {
        // Rows of one label have the same mean whichever way it is taken, and as many predictions as rows.
        let values =
            |line: &Line| [line.precision, line.recall, line.f1].map(|figure| figure.map(|f| f.value));
        let micro = report.micro.as_ref().map(values);
        // To two digits, rows of several labels may have them by chance.
        let half = of_samples.precision.map_or(1.0, |figure| figure.half);
        let is_single = half <= SAME_HALF
            && micro == Some(values(&of_samples))
            && micro.is_some_and(|[precision, recall, _]| precision.is_some() && precision == recall);
        report.is_multilabel = !is_single;
        if is_single {
            report.accuracy = report.accuracy.or(of_samples.f1);
        }
    }
    (report.classes.len() >= 2 || report.classes.len() == 1 && report.weighted.is_some()).then_some(report)
}

/// A number of rows, also as `499.0`.
fn support(cell: &str) -> Option<u64> {
    let (whole, zeros) = cell.trim().split_once('.').unwrap_or((cell.trim(), ""));
    let count: u32 = whole.parse().ok()?;
    zeros
        .bytes()
        .all(|digit| digit == b'0')
        .then_some(u64::from(count))
}
