//! The section on the audit: causes that were found, causes that were ruled out, and causes that could not be
//! checked.

use askama::Template;
use askama::filters::HtmlSafe;
use labelproof_artifact::Findings;
use labelproof_artifact::findings::{Finding, Status};
use labelproof_artifact::wording::capitalized;

use crate::audited::{self, Evidence};
use crate::checks::{Remark, Tone};
use crate::facts::Facts;
use crate::figures::{Figure, Waterfall};
use crate::format::more;
use crate::text;

/// The most bytes of evidence on the page; causes of low rank go without.
const EVIDENCE_BYTES: usize = 250_000;

/// A cause that was found.
struct Cause {
    rank: u32,
    name: String,
    id: String,
    family: &'static str,
    severity: &'static str,
    severity_word: String,
    weight: String,
    summary: String,
    fix: String,
    confirm: String,
    /// Name, number and signs of what follows from it.
    follows: Vec<Other>,
    evidence: Vec<Evidence>,
    /// A note on the evidence that is not shown.
    left_out: String,
}

/// A cause that was not found, or not looked for.
struct Other {
    id: String,
    name: String,
    text: String,
}

struct Family {
    title: String,
    ruling: &'static str,
    reason: String,
}

/// The findings, and what else there is to say.
#[derive(Template)]
#[template(path = "audit.html", whitespace = "minimize")]
pub(crate) struct Audit<'a> {
    causes: Vec<Cause>,
    gap: Option<String>,
    waterfall: Option<Waterfall>,
    /// Empty where the gap is no more than chance.
    families: Vec<Family>,
    clear: Vec<Other>,
    not_checked: Vec<Other>,
    remarks: &'a [Remark],
}

impl HtmlSafe for Audit<'_> {}

impl<'a> Audit<'a> {
    /// Puts the findings into words.
    pub(crate) fn new(facts: &Facts, remarks: &'a [Remark]) -> Self {
        let findings = &facts.findings;
        let mut room = EVIDENCE_BYTES;
        Self {
            causes: findings
                .causes()
                .map(|finding| cause(findings, finding, &mut room))
                .collect(),
            gap: findings.gap.as_ref().map(audited::gap),
            waterfall: findings.account.as_ref().and_then(Waterfall::new),
            families: families(findings),
            clear: findings
                .of(Status::Clear)
                .map(|finding| other(finding, text::sentence(&finding.summary)))
                .collect(),
            not_checked: findings
                .of(Status::NotChecked)
                .map(|finding| other(finding, audited::missing(finding)))
                .collect(),
            remarks,
        }
    }

    /// The waterfall from validation to test.
    pub(crate) fn figures(&self) -> Vec<Figure> {
        let waterfall = self.waterfall.iter();
        waterfall.map(|chart| Figure::new("gap", chart)).collect()
    }

    fn tone(remark: &Remark) -> (&'static str, &'static str) {
        match remark.tone {
            Tone::Warning => ("warning", "Warning"),
            Tone::Note => ("note", "Note"),
            Tone::Fine => ("fine", "Fine"),
        }
    }
}

fn other(finding: &Finding, text: String) -> Other {
    Other {
        id: text::label(&finding.id),
        name: capitalized(&text::name(&finding.name)),
        text,
    }
}

fn cause(findings: &Findings, finding: &Finding, room: &mut usize) -> Cause {
    let sentence = |words: &Option<String>| words.as_deref().map(text::sentence).unwrap_or_default();
    let mut evidence = audited::evidence(finding);
    let all = evidence.len();
    evidence.retain(|piece| {
        let fits = piece.size() <= *room;
        if fits {
            *room -= piece.size();
        }
        fits
    });
    let severity = audited::severity(finding);
    Cause {
        rank: finding.rank.unwrap_or_default(),
        name: capitalized(&text::name(&finding.name)),
        id: text::label(&finding.id),
        family: finding.family.title(),
        severity,
        severity_word: capitalized(severity),
        weight: audited::weight(finding),
        summary: text::sentence(&finding.summary),
        fix: sentence(&finding.fix),
        confirm: sentence(&finding.confirm),
        follows: findings
            .consequences(&finding.id)
            .map(|follower| other(follower, text::sentence(&follower.summary)))
            .collect(),
        left_out: more((all - evidence.len()) as u64, "piece"),
        evidence,
    }
}

fn families(findings: &Findings) -> Vec<Family> {
    if !findings.gap.as_ref().is_some_and(|gap| gap.significant) {
        return Vec::new();
    }
    let families = findings.families.iter();
    families
        .map(|family| Family {
            title: capitalized(family.family.title()),
            ruling: audited::ruling(family.ruling),
            reason: text::sentence(&family.reason),
        })
        .collect()
}
