//! How what was found accounts for the gap between validation and test.

use labelproof_artifact::Split;
use labelproof_artifact::findings::{Account, Gap, Step};

use super::consequences::Found;
use super::effect::{Effect, Figure};
use super::finding::Confidence;
use super::wording::{capitalized, lower_first, rounded, signed};

/// Points below which nothing is accounted for.
const LEAST_POINTS: f64 = 0.05;

/// The account of a gap that is beyond chance, by the causes in the order of their weight.
pub(super) fn account(gap: Option<&Gap>, causes: &[Found<'_>]) -> Option<Account> {
    let gap = gap.filter(|gap| gap.significant)?;
    let share = |hits: u64, rows: u64| rounded(100.0 * hits as f64 / rows.max(1) as f64);
    let mut account = Account {
        validation: share(gap.validation_hits, gap.validation_rows),
        test: share(gap.test_hits, gap.test_rows),
        steps: Vec::new(),
        instead: Vec::new(),
        rest: rounded(-gap.points),
        rest_is_chance: false,
    };
    // What is only possible is not added to what is likely.
    let sure =
        |(place, (_, found)): &(usize, &Found<'_>)| *place == 0 || found.confidence > Confidence::Possible;
    for (_, (check, found)) in causes.iter().enumerate().filter(sure) {
        let Some((points, interval)) = found.effect.as_ref().and_then(step) else {
            continue;
        };
        // What is left over must not come out on the other side, further than chance goes.
        let left = account.rest - points;
        if left * points < 0.0 && left.abs() > gap.chance_points {
            account.instead.push(check.id.to_owned());
            continue;
        }
        account.rest = rounded(left);
        account.steps.push(Step {
            id: check.id.to_owned(),
            name: capitalized(check.name),
            points,
            interval,
        });
    }
    account
        .steps
        .sort_by(|one, other| other.points.abs().total_cmp(&one.points.abs()));
    account.rest_is_chance = account.rest.abs() <= gap.chance_points;
    Some(account)
}

/// What an effect does to the way from the validation accuracy to the test accuracy.
pub(super) fn step(effect: &Effect) -> Option<(f64, Option<(f64, f64)>)> {
    let (points, interval) = match effect.on {
        Figure::Accuracy(Split::Test) => (effect.points, effect.interval),
        Figure::Accuracy(Split::Validation) => {
            (-effect.points, effect.interval.map(|(low, high)| (-high, -low)))
        }
        Figure::Accuracy(Split::Train) | Figure::EverySplit | Figure::Logged => return None,
    };
    (points.abs() >= LEAST_POINTS).then_some((points, interval))
}

/// The account as a table: a line for each step, and one for the rest. Empty where nothing was found that
/// moves either accuracy.
pub(crate) fn table(account: &Account) -> Vec<(String, String)> {
    if account.steps.is_empty() {
        return Vec::new();
    }
    let steps = account.steps.iter().map(|step| {
        let between = step.interval.map_or_else(String::new, |(low, high)| {
            format!(" [{}…{}]", signed(low), signed(high))
        });
        let what = format!("{} ({})", lower_first(&step.name), step.id);
        (format!("{}{between}", signed(step.points)), what)
    });
    let rest = if account.rest_is_chance {
        "the rest, which is within chance"
    } else {
        "nothing that was found explains the rest"
    };
    steps.chain([(signed(account.rest), rest.to_owned())]).collect()
}
