//! All answers of a case in one list: what was found by weight, then what is clear, then what could not be
//! checked.

use labelproof_artifact::findings::{Finding, Findings, Statistic, Status};

use super::account::account;
use super::consequences::{Found, roots};
use super::finding::{Answer, Diagnosis, Measured};
use super::ranking::by_weight;
use super::ruling::rulings;
use super::verdict::judge;
use super::wish::advice;
use super::wording::capitalized;
use crate::case::Case;
use crate::cause::Cause;
use crate::check::Check;
use crate::evidence::{Missing, Need};
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
    found.sort_by(|(_, one), (_, other)| by_weight(one, other, gap));
    let families = rulings(gap, &found);
    let (causes, consequences) = divided(found);
    let (verdict, headline) = judge(case, catalogue, &causes);
    let account = account(gap, &causes);
    let mut found = Vec::new();
    for (rank, (check, diagnosis)) in (1..).zip(causes) {
        found.push(diagnosed(check, rank, diagnosis, significance));
        for (_, (follower, diagnosis)) in consequences.iter().filter(|(root, _)| *root == check.cause) {
            found.push(following(follower, check, diagnosis.clone(), significance));
        }
    }
    Findings {
        verdict,
        headline,
        inputs: case.evidence.readings.clone(),
        account,
        families,
        gap: gap.cloned(),
        findings: [found, clear, not_checked].concat(),
    }
}

/// The causes, and what follows from one of them, with that.
fn divided(found: Vec<Found<'_>>) -> (Vec<Found<'_>>, Vec<(Cause, Found<'_>)>) {
    let roots = roots(&found);
    let (mut causes, mut consequences) = (Vec::new(), Vec::new());
    for (one, root) in found.into_iter().zip(roots) {
        match root {
            Some(root) => consequences.push((root, one)),
            None => causes.push(one),
        }
    }
    (causes, consequences)
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
        effect: None,
        statistic,
        p_value: measured.p_value.map(|p_value| significance.corrected(p_value)),
        summary: as_sentence(summary, "."),
        evidence: evidence.map(|(key, value)| (key.to_owned(), value)).collect(),
        fix: None,
        confirm: None,
        missing: Vec::new(),
        explained_by: None,
    }
}

fn diagnosed(check: &Check, rank: u32, diagnosis: Diagnosis, significance: Significance) -> Finding {
    Finding {
        rank: Some(rank),
        severity: Some(diagnosis.severity),
        confidence: Some(diagnosis.confidence),
        effect: diagnosis.effect,
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

/// What follows from a cause: what was seen, without a rank and advice of its own.
fn following(check: &Check, root: &Check, diagnosis: Diagnosis, significance: Significance) -> Finding {
    Finding {
        rank: None,
        fix: None,
        confirm: None,
        explained_by: Some(root.id.to_owned()),
        ..diagnosed(check, 0, diagnosis, significance)
    }
}

fn unchecked(check: &Check, missing: &Missing, case: &Case<'_>) -> Finding {
    // A check that compares two files names both, whichever was given.
    let lacking = |need: &&Need| !case.evidence.has(**need);
    let mut needs: Vec<&Need> = missing.0.iter().filter(lacking).collect();
    if needs.is_empty() {
        // What is there has a part of what the check needs, and something has to be asked for.
        needs = missing.0.iter().collect();
    }
    let advice = needs.into_iter().map(|need| advice(*need, case.evidence));
    Finding {
        missing: advice.collect(),
        ..finding(
            check,
            Status::NotChecked,
            "",
            Measured::new(),
            case.significance(),
        )
    }
}

/// What a check finds as the answer shows a cause, whatever else is found.
#[cfg(test)]
pub(crate) fn alone(check: &Check, case: &Case<'_>) -> Option<Finding> {
    match case.answer(check.cause) {
        Ok(Answer::Found(found)) => Some(diagnosed(check, 1, (**found).clone(), case.significance())),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
