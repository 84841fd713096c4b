//! The findings as one page that loads nothing from anywhere. All text is escaped by the template.

use askama::Template;
use labelproof_artifact::findings::{Confidence, Finding, Findings, Ruling, Severity, Status};
use serde_json::Value;

use crate::answer::account;
use crate::answer::effect::in_words;
use crate::answer::summary::{gap_sentence, left_aside};

#[derive(Template)]
#[template(path = "audit.html")]
struct Page<'a> {
    findings: &'a Findings,
    /// The first sentence of the headline.
    headline: &'a str,
    /// The rest of it.
    more: &'a str,
    gap: Option<String>,
    /// Points, and what moves the accuracy by them.
    account: Vec<(String, String)>,
    /// Source, role, what was read, what was left aside.
    inputs: Vec<(&'a str, &'a str, String, String)>,
    found: Vec<Card<'a>>,
    /// Cause, ruling, reason.
    families: Vec<(&'static str, &'static str, &'a str)>,
    /// Number, cause, what was looked at.
    clear: Vec<(&'a str, &'a str, &'a str)>,
    /// Number, cause, what is missing.
    not_checked: Vec<(&'a str, &'a str, String)>,
}

/// A finding as the page shows it.
struct Card<'a> {
    rank: u32,
    id: &'a str,
    name: &'a str,
    family: &'static str,
    severity: &'static str,
    confidence: &'static str,
    effect: String,
    summary: &'a str,
    fix: &'a str,
    confirm: &'a str,
    evidence: String,
    /// Name and number of what follows from it, and what was seen of that.
    follows: Vec<(&'a str, &'a str, &'a str)>,
}

/// The page.
pub fn html(findings: &Findings) -> String {
    let (headline, more) = match findings.headline.find(". ") {
        Some(end) => findings.headline.split_at(end + 1),
        None => (findings.headline.as_str(), ""),
    };
    let page = Page {
        findings,
        headline,
        more: more.trim(),
        gap: findings.gap.as_ref().map(gap_sentence),
        account: findings.account.as_ref().map(account::table).unwrap_or_default(),
        inputs: findings
            .inputs
            .iter()
            .map(|input| {
                let left = left_aside(&input.left_aside).unwrap_or_default();
                (
                    input.source.as_str(),
                    input.role.as_str(),
                    input.read.join(" "),
                    left,
                )
            })
            .collect(),
        found: findings.causes().map(|cause| card(findings, cause)).collect(),
        families: findings
            .families
            .iter()
            .filter(|_| findings.gap.is_some())
            .map(|family| {
                (
                    family.family.title(),
                    ruling(family.ruling),
                    family.reason.as_str(),
                )
            })
            .collect(),
        clear: findings
            .of(Status::Clear)
            .map(|finding| {
                (
                    finding.id.as_str(),
                    finding.name.as_str(),
                    finding.summary.as_str(),
                )
            })
            .collect(),
        not_checked: findings
            .of(Status::NotChecked)
            .map(|finding| {
                (
                    finding.id.as_str(),
                    finding.name.as_str(),
                    finding.missing.join("; or "),
                )
            })
            .collect(),
    };
    page.render()
        .expect("the template writes into a string, which cannot fail")
}

fn ruling(ruling: Ruling) -> &'static str {
    match ruling {
        Ruling::RuledIn => "yes",
        Ruling::RuledOut => "no",
        Ruling::Open => "open",
    }
}

fn card<'a>(findings: &'a Findings, finding: &'a Finding) -> Card<'a> {
    Card {
        rank: finding.rank.unwrap_or_default(),
        id: &finding.id,
        name: &finding.name,
        family: finding.family.title(),
        severity: match finding.severity {
            Some(Severity::Unsound) => "unsound",
            Some(Severity::Caution) => "caution",
            _ => "note",
        },
        confidence: match finding.confidence {
            Some(Confidence::Certain) => "certain",
            Some(Confidence::Likely) => "likely",
            _ => "possible",
        },
        effect: finding
            .effect
            .filter(|effect| effect.points.abs() >= 0.05)
            .map_or_else(String::new, |effect| format!(" · {}", in_words(&effect))),
        summary: &finding.summary,
        fix: finding.fix.as_deref().unwrap_or_default(),
        confirm: finding.confirm.as_deref().unwrap_or_default(),
        evidence: numbers(finding),
        follows: findings
            .consequences(&finding.id)
            .map(|other| (other.name.as_str(), other.id.as_str(), other.summary.as_str()))
            .collect(),
    }
}

/// The statistic, its p-value and the evidence as JSON for people.
fn numbers(finding: &Finding) -> String {
    let mut lines = Vec::new();
    if let Some(statistic) = &finding.statistic {
        lines.push(format!("{}: {}", statistic.name, statistic.value));
    }
    if let Some(p_value) = finding.p_value {
        lines.push(format!(
            "p-value, corrected for the number of checks: {p_value:.3e}"
        ));
    }
    for (key, value) in &finding.evidence {
        lines.push(format!("{}: {}", key.replace('_', " "), shortened(value)));
    }
    lines.join("\n")
}

/// Items of a list that a page shows.
const ITEMS_SHOWN: usize = 50;

/// A value as JSON; of a long list its beginning.
fn shortened(value: &Value) -> String {
    match value {
        Value::Array(items) if items.len() > ITEMS_SHOWN => {
            let shown = Value::from(&items[..ITEMS_SHOWN]);
            format!("{shown} and {} more (see the JSON)", items.len() - ITEMS_SHOWN)
        }
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Evidence;

    #[test]
    fn text_from_data_is_shown_and_not_run() {
        let mut findings = crate::audit(&Evidence::default());
        findings.headline = "<script>alert(1)</script>".to_owned();
        let page = html(&findings);
        assert!(!page.contains("<script>"));
        assert!(page.contains("&#60;script&#62;") || page.contains("&lt;script&gt;"));
        assert!(page.contains("needs --test FILE"));
    }
}
