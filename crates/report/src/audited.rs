//! The findings of the audit, in the words and numbers of the page and its short form.
//!
//! Responsible for how findings read and how much of their evidence is shown; what is found, and how severe
//! it is, is the audit's.

use labelproof_artifact::findings::{Confidence, Finding, Findings, Gap, Ruling, Severity, Status};
use labelproof_artifact::wording::capitalized;
use serde_json::Value;

use crate::format::{UNDEFINED, count, counted, p_value, percent, points};
use crate::text;

/// The most items of a list that are shown; the rest are counted.
const ITEMS_SHOWN: usize = 20;

/// A gap that is rarer than this is worth a word even where so many checks explain it.
const UNUSUAL: f64 = 0.05;

/// The effect, in points of accuracy, below which there is nothing to say.
const LEAST_EFFECT: f64 = 0.05;

/// A named piece of evidence: a line, or a list of them.
pub(crate) struct Evidence {
    /// The name of the evidence.
    pub(crate) name: String,
    /// The lines of the evidence; one, unless it is a list of rows.
    pub(crate) lines: Vec<String>,
    /// A note on the lines that are not shown; empty for none.
    pub(crate) left_out: String,
}

impl Evidence {
    /// An upper bound of the bytes that the evidence takes on the page.
    pub(crate) fn size(&self) -> usize {
        /// More than the elements around a name or a line take.
        const MARKUP: usize = 40;
        let lines = self.lines.iter().chain([&self.name, &self.left_out]);
        lines.map(|line| MARKUP + text::escaped_len(line)).sum()
    }
}

/// The answer of one check, by the number of its cause, such as `C10`.
pub(crate) fn answer<'a>(findings: &'a Findings, id: &str) -> Option<&'a Finding> {
    findings.findings.iter().find(|finding| finding.id == id)
}

/// The number of checks by their answer, in a sentence.
pub(crate) fn counts(findings: &Findings) -> String {
    let number = |status| findings.of(status).count() as u64;
    format!(
        "{} found, {} looked for and not there, {} not checked",
        counted(number(Status::Found), "cause"),
        count(number(Status::Clear)),
        count(number(Status::NotChecked)),
    )
}

/// The severity of a found cause, in a word.
pub(crate) fn severity(finding: &Finding) -> &'static str {
    match finding.severity {
        Some(Severity::Unsound) => "unsound",
        Some(Severity::Caution) => "caution",
        Some(Severity::Note) | None => "note",
    }
}

/// The confidence in a found cause and what it explains, in a few words.
pub(crate) fn weight(finding: &Finding) -> String {
    let sure = match finding.confidence {
        Some(Confidence::Certain) => "certain",
        Some(Confidence::Likely) => "likely",
        Some(Confidence::Possible) | None => "possible",
    };
    match finding.effect {
        Some(effect) if effect.points.abs() >= LEAST_EFFECT => {
            format!(
                "{sure}, explains {} of accuracy",
                points(effect.points.abs() / 100.0)
            )
        }
        _ => sure.to_owned(),
    }
}

/// What would make a check possible.
pub(crate) fn missing(finding: &Finding) -> String {
    text::sentence(&finding.missing.join("; or "))
}

/// Validation against test in a sentence or two.
pub(crate) fn gap(gap: &Gap) -> String {
    let share = |hits: u64, rows: u64| {
        let share = percent(hits as f64 / rows.max(1) as f64);
        format!("{share} of {}", counted(rows, "row"))
    };
    let both = format!(
        "Validation accuracy is {}, test accuracy {}",
        share(gap.validation_hits, gap.validation_rows),
        share(gap.test_hits, gap.test_rows),
    );
    let (apart, p) = (points(gap.points / 100.0), p_value(gap.p_value));
    if gap.significant {
        format!(
            "{both}: {apart} apart ({p}). Of 1,000 pairs of random parts of the same rows, 999 differ by at \
             most {}.",
            points(gap.chance_points / 100.0)
        )
    } else if gap.of_choice {
        format!(
            "{both}: {apart} apart, which chance does not make of one epoch ({p}), and may make of the best of {}, \
             which validation chose.",
            gap.looks
        )
    } else if gap.p_value < UNUSUAL {
        format!("{both}: {apart} apart, which is unusual, but chance does that now and then ({p}).")
    } else {
        format!("{both}: no more apart than chance explains ({p}).")
    }
}

/// Whether a family of causes can explain the gap.
pub(crate) fn ruling(ruling: Ruling) -> &'static str {
    match ruling {
        Ruling::RuledIn => "yes",
        Ruling::RuledOut => "no",
        Ruling::Open => "open",
    }
}

/// The evidence of a finding: its statistic first, then everything else in the order of the file.
pub(crate) fn evidence(finding: &Finding) -> Vec<Evidence> {
    let single = |name: &str, line: String| Evidence {
        name: capitalized(&text::label(name)),
        lines: vec![line],
        left_out: String::new(),
    };
    let statistic = finding
        .statistic
        .as_ref()
        .map(|statistic| single(&statistic.name, number(statistic.value)));
    let chance = finding.p_value.map(|value| {
        single(
            "chance of it",
            format!("{}, corrected for the number of checks", p_value(value)),
        )
    });
    let rest = finding.evidence.iter().map(|(key, value)| {
        let (lines, left_out) = lines(value);
        Evidence {
            lines,
            left_out,
            ..single(&key.replace('_', " "), String::new())
        }
    });
    statistic.into_iter().chain(chance).chain(rest).collect()
}

/// A value as lines: one an item where the items are themselves made of parts.
fn lines(value: &Value) -> (Vec<String>, String) {
    let is_made_of_parts = |item: &Value| item.is_array() || item.is_object();
    match value {
        Value::Array(items) if items.iter().any(is_made_of_parts) => {
            let shown = items.iter().take(ITEMS_SHOWN).map(inline).collect();
            (shown, left_out(items.len()))
        }
        Value::Object(entries) if entries.values().any(is_made_of_parts) => {
            let shown = entries.iter().take(ITEMS_SHOWN).map(entry).collect();
            (shown, left_out(entries.len()))
        }
        value => (vec![inline(value)], String::new()),
    }
}

fn left_out(items: usize) -> String {
    match items.saturating_sub(ITEMS_SHOWN) {
        0 => String::new(),
        more => format!("and {} more", count(more as u64)),
    }
}

/// A value on one line.
fn inline(value: &Value) -> String {
    match value {
        Value::Null => UNDEFINED.to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(value) => value.as_u64().map_or_else(
            || value.as_f64().map_or_else(|| UNDEFINED.to_owned(), number),
            count,
        ),
        Value::String(value) => text::name(value),
        Value::Array(items) => listed(items.iter().take(ITEMS_SHOWN).map(inline), items.len()),
        Value::Object(entries) => listed(entries.iter().take(ITEMS_SHOWN).map(entry), entries.len()),
    }
}

fn entry((key, value): (&String, &Value)) -> String {
    format!("{}: {}", text::label(&key.replace('_', " ")), inline(value))
}

fn listed(shown: impl Iterator<Item = String>, items: usize) -> String {
    if items == 0 {
        return "none".to_owned();
    }
    let shown = shown.collect::<Vec<_>>().join(", ");
    let shown = text::evidence(&shown);
    match left_out(items) {
        more if more.is_empty() => shown,
        more => format!("{shown} {more}"),
    }
}

/// A number with as many digits as are read, and none of them a zero at the end.
fn number(value: f64) -> String {
    if !value.is_finite() {
        return UNDEFINED.to_owned();
    }
    let decimals = match value.abs() {
        0.0 => return "0".to_owned(),
        size if !(1e-4..1e6).contains(&size) => return format!("{value:.2e}"),
        size if size >= 100.0 => 1,
        size if size >= 10.0 => 2,
        size if size >= 1.0 => 3,
        size if size >= 0.1 => 4,
        size if size >= 0.01 => 5,
        _ => 6,
    };
    let digits = format!("{value:.decimals$}");
    digits.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(value: &Value, expected: &[&str], left_out: &str) {
        assert_eq!(
            lines(value),
            (
                expected.iter().map(|&line| line.to_owned()).collect(),
                left_out.to_owned()
            )
        );
    }

    #[test]
    fn values_read_as_people_write_them() {
        check(&json!(null), &["–"], "");
        check(&json!(true), &["yes"], "");
        check(&json!(12345), &["12,345"], "");
        check(&json!(-3), &["-3"], "");
        check(&json!(0.98), &["0.98"], "");
        check(&json!(51.234_567), &["51.23"], "");
        check(&json!(0.000_012_3), &["1.23e-5"], "");
        check(&json!(0.0), &["0"], "");
        check(&json!([]), &["none"], "");
        check(&json!(["a  b", 2, null]), &["a b, 2, –"], "");
        check(
            &json!({"known_rows": 3, "new": 0.5}),
            &["known rows: 3, new: 0.5"],
            "",
        );
    }

    #[test]
    fn lists_of_rows_have_a_line_each() {
        check(&json!([[1, 2], [3, 4]]), &["1, 2", "3, 4"], "");
        check(
            &json!([{"row": "a", "label": "x"}, {"row": "b", "label": "y"}]),
            &["label: x, row: a", "label: y, row: b"],
            "",
        );
        check(&json!({"en": {"rows": 2}}), &["en: rows: 2"], "");
    }

    #[test]
    fn long_lists_are_cut_and_the_rest_counted() {
        let numbers: Vec<u32> = (1..=23).collect();
        let shown: Vec<String> = (1..=20).map(|number: u32| number.to_string()).collect();
        check(
            &json!(numbers),
            &[&format!("{} and 3 more", shown.join(", "))],
            "",
        );
        let rows: Vec<[u32; 1]> = (1..=21).map(|number| [number]).collect();
        let (lines, left_out) = lines(&json!(rows));
        assert_eq!((lines.len(), left_out.as_str()), (20, "and 1 more"));
    }
}
