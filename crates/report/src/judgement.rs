//! The judgement on the model: how good it is on the test rows, and whether it is better than the cheap
//! baseline. Whether these figures can be relied on is the audit's verdict.

use labelproof_artifact::Split;
use labelproof_metrics::comparison::Better;

use crate::facts::Facts;
use crate::format::{count, counted, p_value, percent_with_interval};

/// The verdict in words.
#[derive(Debug, Clone)]
pub(crate) struct Judgement {
    /// Which is better, the model (first) or the baseline (second); nothing where there are no test rows.
    pub(crate) better: Option<Better>,
    /// The verdict in a few words.
    pub(crate) headline: String,
    /// The verdict with its numbers.
    pub(crate) sentences: Vec<String>,
}

/// Compares model and baseline on the test rows.
pub(crate) fn judge(facts: &Facts) -> Judgement {
    let (Some(model), Some(baseline)) = (facts.model(Split::Test), facts.baseline(Split::Test)) else {
        return Judgement {
            better: None,
            headline: "There are no test rows to judge by".to_owned(),
            sentences: vec![
                "Nothing on this page says how good the model is on texts it has not seen.".to_owned(),
            ],
        };
    };
    let better = facts.test_rows.comparison.better();
    let name = facts.baseline_name();
    let accuracies = format!(
        "BERT classifies {} of the {} correctly; {name} {}.",
        percent_with_interval(model.accuracy),
        counted(model.rows, "test row"),
        percent_with_interval(baseline.accuracy),
    );
    Judgement {
        better: Some(better),
        headline: headline(better).to_owned(),
        sentences: vec![accuracies, difference(facts, better)],
    }
}

fn headline(better: Better) -> &'static str {
    match better {
        Better::First => "BERT is better than the cheap baseline",
        Better::Second => "The cheap baseline is better than BERT",
        Better::Neither => "BERT is not shown to be better than the cheap baseline",
    }
}

fn difference(facts: &Facts, better: Better) -> String {
    let test = facts.test_rows.comparison;
    let only = format!(
        "only BERT gets {} right, only the baseline {}",
        counted(test.only_first, "row"),
        count(test.only_second)
    );
    let p_value = p_value(test.p_value);
    match better {
        Better::First => {
            format!("The difference is larger than chance explains ({p_value}: {only}): BERT earns its cost.")
        }
        Better::Second => {
            format!(
                "The difference is larger than chance explains ({p_value}: {only}): use the cheap model, or \
                 find out what ails BERT."
            )
        }
        _ if test.only_first + test.only_second == 0 => {
            "Both get the very same rows right: the cheap model is the better buy.".to_owned()
        }
        Better::Neither => format!(
            "The difference is not larger than chance explains ({p_value}: {only}): the cheap model is the \
             better buy."
        ),
    }
}
