//! What was found and follows from something else that was found.

use super::effect::Figure;
use super::finding::{Diagnosis, Severity};
use crate::catalogue;
use crate::cause::Cause;
use crate::check::Check;

/// What a check found.
pub(super) type Found<'a> = (&'a Check, Diagnosis);

/// For each of what was found, in the order of its weight, the cause at the beginning of what it follows
/// from; `None` for causes.
pub(super) fn roots(found: &[Found<'_>]) -> Vec<Option<Cause>> {
    found.iter().map(|one| root(one, found)).collect()
}

fn root(one: &Found<'_>, found: &[Found<'_>]) -> Option<Cause> {
    // What weighs most, of all it may follow from.
    let reason = found.iter().find(|other| follows(one, other))?;
    root(reason, found).or(Some(reason.0.cause))
}

/// Whether what was found comes of another finding: the catalogue says that it may, the other is as grave at
/// least, and both are about the same rows.
fn follows((check, one): &Found<'_>, (reason, other): &Found<'_>) -> bool {
    catalogue::follows_from(check.cause).any(|cause| cause == reason.cause)
        && other.severity > Severity::Note
        && other.severity >= one.severity
        && about_the_same(one, other)
        && (check.cause != Cause::WrongLabels || by_the_model(one))
}

/// Whether a cause that moves one split may leave signs in what the other finding is about.
fn about_the_same(one: &Diagnosis, other: &Diagnosis) -> bool {
    let split = |found: &Diagnosis| match found.effect?.on {
        Figure::Accuracy(split) => Some(split),
        Figure::EverySplit | Figure::Logged => None,
    };
    match (split(one), split(other)) {
        (Some(own), Some(others)) => own == others,
        _ => true,
    }
}

/// Whether labels were doubted by the model, so that they are those of one split: a judge that reads texts and
/// labels alone does not see what is wrong with the predictions.
fn by_the_model(found: &Diagnosis) -> bool {
    found
        .effect
        .is_some_and(|effect| matches!(effect.on, Figure::Accuracy(_)))
}
