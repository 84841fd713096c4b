//! The findings in words, for a terminal.

use std::fmt::Write;

use labelproof_artifact::findings::{
    Account, Confidence, Family, Finding, Findings, Gap, Ruling, Severity, Status,
};

use super::account;
use super::effect::in_words;
use super::wording::lower_first;

/// Columns that the text is wrapped at.
const WIDTH: usize = 100;

/// Files that would allow more checks, shown at most.
const WISHES: usize = 8;

/// Things left aside of a file, shown at most.
const LEFT_SHOWN: usize = 12;

/// The verdict and the names of what was found, for a run of the pipeline.
pub fn in_short(findings: &Findings) -> String {
    let mut text = format!("{}: {}", findings.verdict.words(), findings.headline);
    let notes = findings.of(Status::Found).count();
    let clear = findings.of(Status::Clear).count();
    let not_checked = findings.of(Status::NotChecked).count();
    let _ = write!(text, "\n{notes} found, {clear} clear, {not_checked} not checked");
    text
}

/// Everything that a person needs to know, in sentences.
pub fn text(findings: &Findings) -> String {
    let mut text = String::new();
    inputs(&mut text, findings);
    let _ = writeln!(text, "verdict: {}", findings.verdict.words());
    paragraph(&mut text, "", &findings.headline);
    if let Some(gap) = &findings.gap {
        text.push('\n');
        paragraph(&mut text, "", &gap_sentence(gap));
        if gap.significant {
            families(&mut text, findings);
        }
    }
    if let Some(account) = &findings.account {
        accounted(&mut text, account);
    }
    for finding in findings.causes() {
        text.push('\n');
        text.push_str(&found(finding));
        for consequence in findings.consequences(&finding.id) {
            paragraph(&mut text, "   ", &follows(finding, consequence));
        }
        paragraph(
            &mut text,
            "   ",
            &format!("More: labelproof explain {}", finding.id),
        );
    }
    if findings.gap.as_ref().is_some_and(|gap| gap.significant) {
        excluded(&mut text, findings);
    }
    let clear: Vec<&str> = findings
        .of(Status::Clear)
        .map(|finding| finding.id.as_str())
        .collect();
    if !clear.is_empty() {
        text.push('\n');
        paragraph(
            &mut text,
            "",
            &format!("Looked for and not there: {}.", clear.join(", ")),
        );
    }
    wishes(&mut text, findings);
    text.trim_end().to_owned()
}

/// What each given file was understood to be.
fn inputs(text: &mut String, findings: &Findings) {
    for input in &findings.inputs {
        paragraph(text, "", &format!("{}: {}", input.source, input.role));
        if !input.read.is_empty() {
            paragraph(text, "  ", &input.read.join(" "));
        }
        if let Some(left) = left_aside(&input.left_aside) {
            paragraph(text, "  ", &left);
        }
    }
    if !findings.inputs.is_empty() {
        text.push('\n');
    }
}

/// What of a file was not used, in one sentence.
pub(crate) fn left_aside(left: &[String]) -> Option<String> {
    let shown = left.iter().take(LEFT_SHOWN).cloned().collect::<Vec<_>>();
    let more = match left.len().saturating_sub(LEFT_SHOWN) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    (!left.is_empty()).then(|| format!("Left aside: {}{more}.", shown.join("; ")))
}

/// The gap test in one sentence.
pub fn gap_sentence(gap: &Gap) -> String {
    let share = |hits: u64, rows: u64| 100.0 * hits as f64 / rows.max(1) as f64;
    let rows = |rows: u64, name: &str, is_of_fewest: bool| {
        if is_of_fewest {
            format!("the {name} rows (if they are {rows} or more, as the digits of the log let expect)")
        } else {
            format!("{rows} {name} rows")
        }
    };
    let both = format!(
        "Of {} {:.1} % are predicted rightly, of {} {:.1} %",
        rows(gap.validation_rows, "validation", gap.is_of_fewest),
        share(gap.validation_hits, gap.validation_rows),
        rows(gap.test_rows, "test", gap.is_test_of_fewest),
        share(gap.test_hits, gap.test_rows)
    );
    let choice = if gap.looks > 1 && gap.points > 0.0 {
        format!(", the best of {} epochs on one of them,", gap.looks)
    } else {
        String::new()
    };
    if gap.significant {
        format!(
            "{both}. Chance makes two random parts of the same rows{choice} differ by at most {:.1} points (999 \
             times in 1,000); these are {:.1} points apart.",
            gap.chance_points,
            gap.points.abs()
        )
    } else if gap.of_choice {
        format!(
            "{both}: further apart than chance makes one epoch, and no further than it may make the best of {}, \
             which validation chose.",
            gap.looks
        )
    } else {
        format!(
            "{both}: no further apart than chance allows ({:.1} points).",
            gap.chance_points
        )
    }
}

fn families(text: &mut String, findings: &Findings) {
    let of = |ruling: Ruling| -> Vec<&str> {
        findings
            .families
            .iter()
            .filter(|family| family.ruling == ruling)
            .map(|family| Family::title(family.family))
            .collect()
    };
    let (possible, impossible) = (of(Ruling::RuledIn), of(Ruling::RuledOut));
    // What only follows from a cause of another family is said with that.
    let beside: Vec<&str> = findings
        .families
        .iter()
        .filter(|family| family.ruling == Ruling::Open)
        .filter(|family| findings.causes().any(|cause| cause.family == family.family))
        .map(|family| Family::title(family.family))
        .collect();
    if !possible.is_empty() {
        paragraph(text, "", &format!("What can do this: {}.", possible.join("; ")));
    }
    if !impossible.is_empty() {
        paragraph(
            text,
            "",
            &format!(
                "What cannot, because it hits both alike: {}.",
                impossible.join("; ")
            ),
        );
    }
    if !beside.is_empty() {
        paragraph(
            text,
            "",
            &format!(
                "Found below, but not what makes them differ, as far as it hits both alike: {}.",
                beside.join("; ")
            ),
        );
    }
}

/// What moves the accuracy on the way from validation to test, a line each.
fn accounted(text: &mut String, account: &Account) {
    let table = account::table(account);
    if table.is_empty() {
        return;
    }
    let _ = writeln!(
        text,
        "\nFrom {:.1} % in validation to {:.1} % in test, in points of accuracy:",
        account.validation, account.test
    );
    let width = table.iter().map(|(points, _)| points.chars().count()).max();
    for (points, what) in &table {
        let _ = writeln!(
            text,
            "  {points:<width$}  {what}",
            width = width.unwrap_or_default()
        );
    }
}

/// What follows from a cause, in one line or two.
fn follows(cause: &Finding, finding: &Finding) -> String {
    let follows = if cause.confidence == Some(Confidence::Possible) {
        "Would follow from it"
    } else {
        "Follows from it"
    };
    format!(
        "{follows}: {} ({}). {}",
        lower_first(&finding.name),
        finding.id,
        first_sentence(&finding.summary)
    )
}

/// What stands before the first stop that ends a sentence.
fn first_sentence(text: &str) -> &str {
    text.split_once(". ")
        .map_or(text, |(first, _)| &text[..=first.len()])
}

/// What was looked at in the families that can make a gap, and is not it.
fn excluded(text: &mut String, findings: &Findings) {
    let possible = |family| {
        let ruling = findings.families.iter().find(|ruling| ruling.family == family);
        ruling.is_some_and(|ruling| ruling.ruling == Ruling::RuledIn)
    };
    let mut first = true;
    for finding in findings
        .of(Status::Clear)
        .filter(|finding| possible(finding.family))
    {
        if first {
            text.push_str("\nWhat it is not, of what could make such a gap:\n");
            first = false;
        }
        paragraph(text, "  ", &format!("{}: {}", finding.id, finding.summary));
    }
}

/// A cause that was found: its title, what was found, what to do, and how to make sure.
pub(crate) fn found(finding: &Finding) -> String {
    let sign = match finding.severity {
        Some(Severity::Unsound) => "fault",
        Some(Severity::Caution) => "caution",
        _ => "note",
    };
    let sure = match finding.confidence {
        Some(Confidence::Certain) => "certain",
        Some(Confidence::Likely) => "likely",
        _ => "possible",
    };
    let effect = finding.effect.filter(|effect| effect.points.abs() >= 0.05);
    let effect = effect.map_or_else(String::new, |effect| format!(", {}", in_words(&effect)));
    let rank = finding.rank.unwrap_or_default();
    let title = format!(
        "{rank}. {} ({}, {sign}, {sure}{effect})",
        finding.name, finding.id
    );
    let mut text = String::new();
    paragraph(&mut text, "   ", &title);
    paragraph(&mut text, "   ", &finding.summary);
    if let Some(fix) = &finding.fix {
        paragraph(&mut text, "   ", &format!("What to do: {fix}"));
    }
    if let Some(confirm) = &finding.confirm {
        paragraph(&mut text, "   ", &format!("How to make sure: {confirm}"));
    }
    text.trim_start().to_owned()
}

fn wishes(text: &mut String, findings: &Findings) {
    let mut wishes: Vec<(&str, Vec<&str>)> = Vec::new();
    for finding in findings.of(Status::NotChecked) {
        for missing in &finding.missing {
            match wishes.iter_mut().find(|(wish, _)| wish == missing) {
                Some((_, ids)) => ids.push(&finding.id),
                None => wishes.push((missing, vec![&finding.id])),
            }
        }
    }
    if wishes.is_empty() {
        return;
    }
    // The file that allows most checks first.
    wishes.sort_by_key(|(_, ids)| std::cmp::Reverse(ids.len()));
    text.push_str("\nNot checked. With this, more could be:\n");
    for (wish, ids) in wishes.iter().take(WISHES) {
        paragraph(text, "  ", &format!("{wish}: {}", ids.join(", ")));
    }
    if wishes.len() > WISHES {
        let _ = writeln!(text, "  and {} more (--json lists them)", wishes.len() - WISHES);
    }
}

/// Adds words, wrapped and indented.
fn paragraph(text: &mut String, indent: &str, words: &str) {
    let mut column = 0;
    for word in words.split_whitespace() {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > WIDTH {
            text.push('\n');
            column = 0;
        }
        if column == 0 {
            text.push_str(indent);
            column = indent.len();
        } else {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += length;
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit;
    use crate::measures::gap::gap;
    use crate::measures::significance::Significance;
    use crate::testing::{predicted_by, simulated};

    /// 12.3 points, of which 11.7 are within chance for the best of 15 epochs 999 times in 1,000, and more
    /// where more hypotheses are tested: no number says less than the sentence.
    #[test]
    fn a_gap_of_choice_is_told_without_a_bound_that_it_exceeds() {
        let gap = gap((223, 279), (809, 1196), 15, Significance::of(30));
        assert!(gap.of_choice && gap.points > gap.chance_points, "{gap:?}");
        let sentence = gap_sentence(&gap);
        assert!(
            sentence.ends_with("may make the best of 15, which validation chose."),
            "{sentence}"
        );
    }

    fn findings(shuffled: bool) -> Findings {
        let (validation, mut test) = (simulated(5, 1000, 0.83, 1), simulated(5, 1000, 0.83, 2));
        if shuffled {
            test.shuffle(0..1000, 3);
        }
        audit(&predicted_by(&validation, &test))
    }

    #[test]
    fn the_gap_comes_before_the_findings_and_the_findings_in_their_order() {
        let text = text(&findings(true));
        let place = |words: &str| {
            text.find(words)
                .unwrap_or_else(|| panic!("`{words}` is not in:\n{text}"))
        };
        assert!(text.starts_with("verdict: unsound\n"));
        assert!(place("Of 1000 validation rows") < place("What can do this: pairing of rows and labels"));
        assert!(place("What cannot, because it hits both alike") < place("1. Predictions are shuffled"));
        assert!(place("(C11, fault, likely") < place("   More: labelproof explain C11\n"));
        assert!(place("(C11, fault, likely") < place("What it is not, of what could make such a gap"));
        assert!(place("Looked for and not there") < place("Not checked. With this, more could be:"));
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
    }

    #[test]
    fn without_a_gap_no_family_is_named() {
        // As one line, so that no phrase is wrapped.
        let text = text(&findings(false)).replace('\n', " ");
        assert!(text.contains("no further apart than chance"));
        assert!(!text.contains("What can do this"));
        assert!(!text.contains("What it is not"));
    }

    #[test]
    fn the_counts_of_a_short_summary_are_those_of_the_findings() {
        let findings = findings(true);
        let counted =
            [Status::Found, Status::Clear, Status::NotChecked].map(|status| findings.of(status).count());
        assert_eq!(counted.iter().sum::<usize>(), crate::catalogue::ALL.len());
        let [found, clear, not_checked] = counted;
        assert!(in_short(&findings).ends_with(&format!(
            "{found} found, {clear} clear, {not_checked} not checked"
        )));
    }

    #[test]
    fn long_words_are_not_cut() {
        let mut text = String::new();
        paragraph(&mut text, "  ", &format!("short {} end", "x".repeat(120)));
        assert_eq!(text, format!("  short\n  {}\n  end\n", "x".repeat(120)));
    }
}
