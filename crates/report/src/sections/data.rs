//! The section on the data: rows, lengths, duplicates and rejects.

use askama::Template;
use askama::filters::HtmlSafe;
use labelproof_artifact::wording::listed;
use labelproof_artifact::{Reject, Split, StageId};

use super::bar_percent;
use crate::facts::{Facts, Lengths, Rejects, Texts};
use crate::figures::{Figure, Histogram};
use crate::format::{UNDEFINED, count, counted, more, share};
use crate::text;

/// The most labels that are listed; of more, those with the most rows.
const LABELS_SHOWN: usize = 200;

/// The most reasons that are listed a stage.
const REASONS_SHOWN: usize = 20;

struct LabelRow {
    name: String,
    parts: [String; 3],
    total: String,
    share: String,
    bar: String,
}

struct LengthRow {
    name: String,
    quantiles: Vec<String>,
    truncated: String,
    truncated_share: String,
}

struct Reason {
    stage: StageId,
    name: String,
    count: String,
    examples: Vec<Example>,
}

struct Example {
    place: String,
    detail: String,
}

/// The tables about the data.
#[derive(Template)]
#[template(path = "data.html", whitespace = "minimize")]
pub(crate) struct Data {
    documents: String,
    labels: Vec<LabelRow>,
    all: LabelRow,
    labels_left_out: String,
    histogram: Option<Histogram>,
    lengths: Vec<LengthRow>,
    all_lengths: LengthRow,
    duplicates: String,
    languages: String,
    rejects: String,
    reasons: Vec<Reason>,
    reasons_left_out: String,
}

impl HtmlSafe for Data {}

/// The quantiles of lengths that are shown, in hundredths.
const QUANTILES: [u64; 6] = [0, 25, 50, 75, 95, 100];

impl Data {
    /// Computes what the tables show.
    pub(crate) fn new(facts: &Facts) -> Self {
        let classes = largest_classes(facts);
        let all_lengths = facts.rows.all_lengths();
        let (reasons, reasons_left_out) = reasons(facts);
        Self {
            documents: counted(facts.texts.documents, "document"),
            labels: label_rows(facts, &classes),
            all: all_row(facts),
            labels_left_out: more((facts.labels.len() - classes.len()) as u64, "label"),
            histogram: Histogram::new(&all_lengths, facts.rows.cut_at),
            lengths: classes
                .iter()
                .map(|&class| length_row(facts.label(class), &facts.rows.lengths[class]))
                .collect(),
            all_lengths: length_row("all".to_owned(), &all_lengths),
            duplicates: duplicates(facts),
            languages: languages(&facts.texts),
            rejects: rejects(facts),
            reasons,
            reasons_left_out: more(reasons_left_out as u64, "reason"),
        }
    }
}

impl Data {
    /// The histograms of lengths.
    pub(crate) fn figures(&self) -> Vec<Figure> {
        self.histogram
            .iter()
            .map(|histogram| Figure::new("lengths", histogram))
            .collect()
    }
}

/// The classes that are listed, in the order of the label map.
fn largest_classes(facts: &Facts) -> Vec<usize> {
    let mut classes: Vec<usize> = (0..facts.labels.len()).collect();
    if classes.len() > LABELS_SHOWN {
        let rows = |class: usize| facts.rows.counts[class].iter().sum::<u64>();
        classes.sort_by_key(|&class| std::cmp::Reverse(rows(class)));
        classes.truncate(LABELS_SHOWN);
        classes.sort_unstable();
    }
    classes
}

fn label_rows(facts: &Facts, classes: &[usize]) -> Vec<LabelRow> {
    let total = facts.rows.total();
    let sums = classes
        .iter()
        .map(|&class| facts.rows.counts[class].iter().sum::<u64>());
    let largest = sums.clone().max().unwrap_or(0).max(1);
    classes
        .iter()
        .zip(sums)
        .map(|(&class, rows)| LabelRow {
            name: facts.label(class),
            parts: facts.rows.counts[class].map(count),
            total: count(rows),
            share: share(rows, total),
            bar: bar_percent(rows as f64 / largest as f64),
        })
        .collect()
}

fn all_row(facts: &Facts) -> LabelRow {
    let total = facts.rows.total();
    LabelRow {
        name: "all".to_owned(),
        parts: Split::ALL.map(|split| {
            let rows = facts.rows.of_split(split);
            format!("{} ({})", count(rows), share(rows, total))
        }),
        total: count(total),
        share: share(total, total),
        bar: String::new(),
    }
}

fn length_row(name: String, lengths: &Lengths) -> LengthRow {
    let quantile = |hundredths: &u64| {
        let length = lengths.quantile(*hundredths);
        length.map_or_else(|| UNDEFINED.to_owned(), |length| count(u64::from(length)))
    };
    LengthRow {
        name,
        quantiles: QUANTILES.iter().map(quantile).collect(),
        truncated: count(lengths.truncated),
        truncated_share: share(lengths.truncated, lengths.rows()),
    }
}

fn duplicates(facts: &Facts) -> String {
    let duplicates = &facts.rows.duplicates;
    if duplicates.groups == 0 {
        return "No exact or near duplicates were found.".to_owned();
    }
    format!(
        "{} of exact or near duplicates hold {} ({} of all), the largest {}; {} more than one label, and {} \
         in train and in validation or test at once.",
        counted(duplicates.groups, "group"),
        counted(duplicates.rows, "row"),
        share(duplicates.rows, facts.rows.total()),
        counted(duplicates.largest, "row"),
        or_none(duplicates.across_labels, "holds", "hold"),
        or_none(duplicates.across_parts, "lies", "lie"),
    )
}

/// A number as the subject of a sentence.
fn or_none(number: u64, singular: &str, plural: &str) -> String {
    match number {
        0 => format!("none {plural}"),
        1 => format!("1 {singular}"),
        _ => format!("{} {plural}", count(number)),
    }
}

/// The most languages that are named.
const LANGUAGES_NAMED: usize = 6;

fn languages(texts: &Texts) -> String {
    let found = &texts.languages;
    if found.looked_at == 0 {
        return "There are no texts.".to_owned();
    }
    let told = found.looked_at - found.unsure;
    let whose = if found.looked_at < texts.documents {
        format!("Of a sample of {}", counted(found.looked_at, "text"))
    } else {
        format!("Of {}", counted(found.looked_at, "text"))
    };
    let unsure = match found.unsure {
        0 => String::new(),
        unsure => format!(
            " {} of them cannot be told: too short, mixed, or of names and numbers.",
            share(unsure, found.looked_at)
        ),
    };
    if told == 0 {
        return format!("{whose} the language cannot be told.");
    }
    let mut counts: Vec<(&str, u64)> = found.counts.iter().map(|(&name, &rows)| (name, rows)).collect();
    counts.sort_by_key(|&(name, rows)| (std::cmp::Reverse(rows), name));
    let others: u64 = counts.iter().skip(LANGUAGES_NAMED).map(|&(_, rows)| rows).sum();
    let mut named: Vec<String> = counts
        .iter()
        .take(LANGUAGES_NAMED)
        .map(|&(name, rows)| format!("{} {name}", share(rows, found.looked_at)))
        .collect();
    if others > 0 {
        named.push(format!("{} other languages", share(others, found.looked_at)));
    }
    format!(
        "{whose}, {} by their letters and syllables.{unsure}",
        listed(&named)
    )
}

fn rejects(facts: &Facts) -> String {
    let of_stages: Vec<_> = facts
        .rejects
        .iter()
        .filter(|(_, rejects)| rejects.total > 0)
        .map(|(stage, rejects)| format!("{stage} {}", count(rejects.total)))
        .collect();
    if of_stages.is_empty() {
        return "No row was rejected.".to_owned();
    }
    let total = facts.rejects.iter().map(|(_, rejects)| rejects.total).sum();
    format!("{} rejected: {}.", counted(total, "row"), of_stages.join(", "))
}

fn reasons(facts: &Facts) -> (Vec<Reason>, usize) {
    let mut shown = Vec::new();
    let mut left_out = 0;
    for (stage, rejects) in &facts.rejects {
        let mut reasons = of_stage(*stage, rejects);
        left_out += reasons.len().saturating_sub(REASONS_SHOWN);
        reasons.truncate(REASONS_SHOWN);
        shown.extend(reasons);
    }
    (shown, left_out)
}

/// The reasons of a stage, the most frequent first.
fn of_stage(stage: StageId, rejects: &Rejects) -> Vec<Reason> {
    let mut reasons: Vec<_> = rejects.reasons.iter().collect();
    reasons.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
    reasons
        .into_iter()
        .map(|(reason, (number, examples))| Reason {
            stage,
            name: text::name(reason),
            count: count(*number),
            examples: examples.iter().map(example).collect(),
        })
        .collect()
}

fn example(reject: &Reject) -> Example {
    let line = reject.line.map_or_else(String::new, |line| format!(":{line}"));
    Example {
        place: format!("{}{line}", text::name(&reject.source)),
        detail: text::name(&reject.detail),
    }
}
