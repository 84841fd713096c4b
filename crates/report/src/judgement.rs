//! How good the model is on the test rows, and whether it is better than the cheap baseline; whether these figures can be
//! relied on is the audit's verdict.

use labelproof_artifact::Split;

use crate::facts::Facts;
use crate::format::{count, counted, p_value, percent_with_interval};

/// The chance at which a difference counts as real. One comparison is made, so the usual level will do.
const SIGNIFICANT: f64 = 0.05;

/// Which of the two classifies better, as far as the test rows tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The model, beyond chance.
    Model,
    /// The baseline, beyond chance.
    Baseline,
    /// Chance explains the difference.
    NoDifference,
    /// There is nothing to compare.
    Unknown,
}

/// The verdict in words.
#[derive(Debug, Clone)]
pub(crate) struct Judgement {
    /// Who is better.
    pub(crate) outcome: Outcome,
    /// The verdict in a few words.
    pub(crate) headline: String,
    /// The verdict with its numbers.
    pub(crate) sentences: Vec<String>,
}

/// Compares model and baseline on the test rows.
pub(crate) fn judge(facts: &Facts) -> Judgement {
    let (Some(model), Some(baseline)) = (facts.model(Split::Test), facts.baseline(Split::Test)) else {
        return Judgement {
            outcome: Outcome::Unknown,
            headline: "There are no test rows to judge by".to_owned(),
            sentences: vec![
                "Nothing on this page says how good the model is on texts it has not seen.".to_owned(),
            ],
        };
    };
    let outcome = outcome(facts);
    let name = facts.baseline_name();
    let accuracies = format!(
        "BERT classifies {} of the {} correctly; {name} {}.",
        percent_with_interval(model.accuracy),
        counted(model.rows, "test row"),
        percent_with_interval(baseline.accuracy),
    );
    Judgement {
        outcome,
        headline: headline(outcome).to_owned(),
        sentences: vec![accuracies, difference(facts, outcome)],
    }
}

fn outcome(facts: &Facts) -> Outcome {
    let test = facts.test_rows.comparison;
    if test.p_value >= SIGNIFICANT {
        Outcome::NoDifference
    } else if test.only_first > test.only_second {
        Outcome::Model
    } else {
        Outcome::Baseline
    }
}

fn headline(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Model => "BERT is better than the cheap baseline",
        Outcome::Baseline => "The cheap baseline is better than BERT",
        Outcome::NoDifference => "BERT is not shown to be better than the cheap baseline",
        Outcome::Unknown => "Nothing can be compared",
    }
}

fn difference(facts: &Facts, outcome: Outcome) -> String {
    let test = facts.test_rows.comparison;
    let only = format!(
        "only BERT gets {} right, only the baseline {}",
        counted(test.only_first, "row"),
        count(test.only_second)
    );
    let p_value = p_value(test.p_value);
    match outcome {
        Outcome::Model => {
            format!("The difference is larger than chance explains ({p_value}: {only}): BERT earns its cost.")
        }
        Outcome::Baseline => {
            format!(
                "The difference is larger than chance explains ({p_value}: {only}): use the cheap model, or find out what ails BERT."
            )
        }
        _ if test.only_first + test.only_second == 0 => {
            "Both get the very same rows right: the cheap model is the better buy.".to_owned()
        }
        _ => format!(
            "The difference is not larger than chance explains ({p_value}: {only}): the cheap model is the better buy."
        ),
    }
}
