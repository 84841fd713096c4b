//! The table is whole, its relations run in no circle, and a check that makes no test moves no p-value.

use std::collections::{BTreeMap, BTreeSet};

use super::{ALL, Check, Tests, check, explains, follows_from};
use crate::case::{Case, Memo};
use crate::cause::Cause;
use crate::evidence::{Evidence, Need};
use crate::testing::{predicted_by, simulated};

#[test]
fn numbers_and_causes_are_unique_and_in_order() {
    let numbers: Vec<u32> = ALL.iter().map(|check| check.id[1..].parse().unwrap()).collect();
    assert!(numbers.is_sorted_by(|one, other| one < other), "{numbers:?}");
    assert!(ALL.is_sorted_by(|one, other| one.cause < other.cause));
    assert!(ALL.iter().all(|each| check(each.cause).id == each.id));
}

#[test]
fn every_check_needs_something_and_has_a_page() {
    for check in ALL {
        assert!(!check.needs.is_empty(), "{} needs nothing", check.id);
        let page = check.page();
        assert!(page.starts_with("# "), "{page}");
        assert!(!page.contains("//!") && !page.contains("use crate::"), "{page}");
    }
}

/// The causes that a relation leads to from a cause, and those that it leads to from these, and so on.
fn reached(
    from: &Check,
    relation: &dyn Fn(&Check) -> Vec<Cause>,
    path: &mut Vec<Cause>,
    done: &mut BTreeSet<Cause>,
) {
    assert!(
        !path.contains(&from.cause),
        "a circle: {path:?} and {:?}",
        from.cause
    );
    if !done.insert(from.cause) {
        return;
    }
    path.push(from.cause);
    for cause in relation(from) {
        reached(check(cause), relation, path, done);
    }
    path.pop();
}

#[test]
fn no_check_waits_for_itself() {
    for check in ALL {
        reached(
            check,
            &|check| check.yields_to.to_vec(),
            &mut Vec::new(),
            &mut BTreeSet::new(),
        );
        let declared: BTreeSet<Cause> = check.yields_to.iter().copied().collect();
        assert_eq!(
            declared.len(),
            check.yields_to.len(),
            "{} declares one twice",
            check.id
        );
    }
}

#[test]
fn nothing_follows_from_itself() {
    for check in ALL {
        let relation = |check: &Check| follows_from(check.cause).collect();
        reached(check, &relation, &mut Vec::new(), &mut BTreeSet::new());
        let declared: BTreeSet<Cause> = follows_from(check.cause).collect();
        assert_eq!(declared.len(), follows_from(check.cause).count(), "{}", check.id);
    }
}

#[test]
fn what_a_cause_explains_is_what_yields_to_it() {
    let explained: Vec<&str> = explains(Cause::WrongColumn).map(|check| check.id).collect();
    assert_eq!(
        explained,
        [
            "C20", "C22", "C23", "C25", "C30", "C31", "C32", "C33", "C34", "C48", "C53", "C55"
        ]
    );
}

#[test]
fn a_check_may_not_ask_for_what_it_does_not_declare() {
    let mut checks = ALL.to_vec();
    let shifted = checks
        .iter_mut()
        .find(|check| check.cause == Cause::PredictionsShifted);
    shifted.unwrap().run = |case| case.answer(Cause::Calibration).clone();
    let evidence = predicted_by(&simulated(5, 100, 0.83, 1), &simulated(5, 100, 0.83, 2));
    let asked = std::panic::catch_unwind(|| {
        let memo = Memo::new(&evidence, &checks);
        Case::new(&memo).answer(Cause::PredictionsShifted).is_ok()
    });
    let message = asked.unwrap_err();
    let message = message.downcast_ref::<String>().unwrap();
    assert_eq!(message, "C12 asks for C60, which the catalogue does not declare");
}

/// The corrected p-values of an audit with these checks.
fn p_values(evidence: &Evidence, checks: &[Check]) -> BTreeMap<Cause, f64> {
    let memo = Memo::new(evidence, checks);
    let case = Case::new(&memo);
    let answers = checks.iter().filter_map(|check| {
        let p_value = case.answer(check.cause).as_ref().ok()?.measured().p_value?;
        Some((check.cause, case.significance().corrected(p_value)))
    });
    answers.collect()
}

#[test]
fn a_check_moves_the_others_only_if_it_tests_and_runs() {
    let evidence = predicted_by(&simulated(5, 400, 0.83, 1), &simulated(5, 400, 0.83, 2));
    // No check asks for this one, and it has no p-value.
    let (new, others): (Vec<Check>, Vec<Check>) =
        ALL.iter().partition(|check| check.cause == Cause::WrongLabels);
    let (new, others) = (&new[0], &others[..]);
    let before = p_values(&evidence, others);
    assert!(before.len() > 3, "{before:?}");
    let with = |tests, needs| {
        let added = Check {
            needs,
            tests,
            run: |_| Err(Need::MoreRows.into()),
            ..*new
        };
        let mut after = p_values(&evidence, &[others, &[added]].concat());
        after.remove(&new.cause);
        after
    };
    // It makes no test; it makes one, and lacks what it needs to run; it makes one, and runs.
    assert_eq!(with(Tests::Never, new.needs), before);
    assert_eq!(with(Tests::Always, &[&[Need::Bundle]]), before);
    assert_ne!(with(Tests::Always, new.needs), before);
}
