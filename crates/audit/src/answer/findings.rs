//! All answers of a case in one list: what was found by weight, then what is clear, then what could not be
//! checked.

use labelproof_artifact::findings::{Finding, Findings, Statistic, Status};

use super::finding::{Answer, Diagnosis, Measured};
use super::ranking::by_weight;
use super::ruling::rulings;
use super::verdict::{headline, verdict};
use super::wording::capitalized;
use crate::case::Case;
use crate::check::Check;
use crate::evidence::Missing;
use crate::measures::significance::Significance;

/// Asks every check, ranks what was found, and gives the verdict.
pub(crate) fn findings(case: &Case<'_>, catalogue: &[Check]) -> Findings {
    let gap = case.gap().ok();
    let significance = case.significance();
    let (mut found, mut clear, mut not_checked) = (Vec::new(), Vec::new(), Vec::new());
    // One after the other: checks share what is made once, and a thread that waits for it must not be given
    // another check that waits for the same. What is costly within a check runs on all threads.
    for check in catalogue {
        match case.answer(check.cause) {
            Ok(Answer::Found(diagnosis)) => found.push((check, (**diagnosis).clone())),
            Ok(Answer::Clear { summary, measured }) => {
                clear.push(finding(
                    check,
                    Status::Clear,
                    summary,
                    measured.clone(),
                    significance,
                ));
            }
            Err(missing) => not_checked.push(unchecked(check, missing, case)),
        }
    }
    found.sort_by(|(_, one), (_, other)| by_weight(one, other));
    let verdict = verdict(gap, &found);
    let headline = headline(verdict, gap, &found);
    let found = (1..)
        .zip(found)
        .map(|(rank, (check, diagnosis))| diagnosed(check, rank, diagnosis, significance));
    Findings {
        verdict,
        headline,
        inputs: case.evidence.readings.clone(),
        families: rulings(gap),
        gap: gap.cloned(),
        findings: found.chain(clear).chain(not_checked).collect(),
    }
}

/// A text with a capital letter, and with a stop at its end unless it has one.
fn as_sentence(text: &str, stop: &str) -> String {
    let sentence = capitalized(text.trim());
    if sentence.is_empty() || sentence.ends_with(['.', '!', '?', ')']) {
        return sentence;
    }
    sentence + stop
}

/// What every finding has, whatever its status.
fn finding(
    check: &Check,
    status: Status,
    summary: &str,
    measured: Measured,
    significance: Significance,
) -> Finding {
    let statistic = measured.statistic.map(|(name, value)| Statistic {
        name: name.to_owned(),
        value,
    });
    let evidence = measured.evidence.into_iter();
    Finding {
        id: check.id.to_owned(),
        name: as_sentence(check.name, ""),
        family: check.family,
        status,
        rank: None,
        severity: None,
        confidence: None,
        effect_points: None,
        statistic,
        p_value: measured.p_value.map(|p_value| significance.corrected(p_value)),
        summary: as_sentence(summary, "."),
        evidence: evidence.map(|(key, value)| (key.to_owned(), value)).collect(),
        fix: None,
        confirm: None,
        missing: Vec::new(),
    }
}

fn diagnosed(check: &Check, rank: u32, diagnosis: Diagnosis, significance: Significance) -> Finding {
    Finding {
        rank: Some(rank),
        severity: Some(diagnosis.severity),
        confidence: Some(diagnosis.confidence),
        effect_points: diagnosis.effect_points,
        fix: Some(diagnosis.fix),
        confirm: Some(diagnosis.confirm),
        ..finding(
            check,
            Status::Found,
            &diagnosis.summary,
            diagnosis.measured,
            significance,
        )
    }
}

fn unchecked(check: &Check, missing: &Missing, case: &Case<'_>) -> Finding {
    let in_pipeline = case.evidence.pipeline.is_some();
    let advice = missing.0.iter().map(|need| need.advice(in_pipeline));
    Finding {
        missing: advice.map(str::to_owned).collect(),
        ..finding(
            check,
            Status::NotChecked,
            "",
            Measured::new(),
            case.significance(),
        )
    }
}

#[cfg(test)]
mod tests;
