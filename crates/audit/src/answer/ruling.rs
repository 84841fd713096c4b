//! What the gap between validation and test says of each family of causes: what hits both alike cannot make a
//! gap, and what hits one of them must.

use labelproof_artifact::findings::{Family, FamilyRuling, Gap, Ruling};

use super::consequences::Found;
use super::effect::Figure;

/// What the gap says of each family, unless something was found in it: that overrules what the gap lets
/// expect.
pub(super) fn rulings(gap: Option<&Gap>, found: &[Found<'_>]) -> Vec<FamilyRuling> {
    Family::ALL
        .into_iter()
        .map(|family| {
            let (ruling, reason) = match gap {
                None => (
                    Ruling::Open,
                    "the accuracies of validation and test are not both known",
                ),
                Some(gap) if gap.significant => with_gap(family),
                Some(gap) if gap.of_choice => (
                    Ruling::Open,
                    "validation and test differ by no more than the choice of the epoch may have made",
                ),
                Some(_) => without_gap(family),
            };
            let overruled = (ruling == Ruling::RuledOut)
                .then(|| overruled(family, gap, found))
                .flatten();
            let (ruling, reason) = overruled.unwrap_or_else(|| (ruling, reason.to_owned()));
            FamilyRuling {
                family,
                ruling,
                reason,
            }
        })
        .collect()
}

/// What was found in a family that the gap rules out: it moves one split alone, or it is there beside the
/// gap.
fn overruled(family: Family, gap: Option<&Gap>, found: &[Found<'_>]) -> Option<(Ruling, String)> {
    let mut of_family = found.iter().filter(|(check, _)| check.family == family);
    let moves_one = |(_, found): &&Found<'_>| {
        found
            .effect
            .is_some_and(|effect| matches!(effect.on, Figure::Accuracy(_)))
    };
    if let Some((check, _)) = of_family.clone().find(moves_one) {
        return Some((
            Ruling::RuledIn,
            format!("{} was found, and moves one of the two splits", check.id),
        ));
    }
    let of_log = |(_, found): &&Found<'_>| {
        found
            .effect
            .is_some_and(|effect| matches!(effect.on, Figure::Logged))
    };
    if let Some((check, _)) = of_family.clone().find(of_log)
        && gap.is_some_and(|gap| gap.significant)
    {
        return Some((
            Ruling::RuledIn,
            format!(
                "{} was found, and makes the logged figure another one than that of the rows",
                check.id
            ),
        ));
    }
    let (check, _) = of_family.next()?;
    let gap = gap.is_some_and(|gap| gap.significant);
    let reason = if gap {
        "was found; as far as it hits both splits alike, it does not make them differ"
    } else {
        "was found, although validation and test agree"
    };
    Some((Ruling::Open, format!("{} {reason}", check.id)))
}

fn with_gap(family: Family) -> (Ruling, &'static str) {
    match family {
        Family::Pairing => (
            Ruling::RuledIn,
            "labels and predictions may be paired wrongly in one of the two splits only",
        ),
        Family::Weights => (
            Ruling::RuledIn,
            "other weights, or the same ones in another state, may have predicted one of the two splits",
        ),
        Family::Input => (
            Ruling::RuledIn,
            "the texts of one of the two splits may have reached the model in another form",
        ),
        Family::Leakage => (
            Ruling::RuledIn,
            "validation rows may be known from training, or the two splits may differ in kind",
        ),
        Family::Metrics => (
            Ruling::RuledOut,
            "a wrong loss or metric, computed alike for both splits, would not make them differ",
        ),
        Family::Labels => (
            Ruling::RuledOut,
            "wrong labels, similar classes and shared words make both splits equally hard",
        ),
        Family::Decision => (
            Ruling::RuledOut,
            "a bad threshold or calibration, used alike for both splits, would not make them differ",
        ),
    }
}

fn without_gap(family: Family) -> (Ruling, &'static str) {
    match family {
        Family::Pairing | Family::Weights | Family::Input => (
            Ruling::RuledOut,
            "what goes wrong in one split only would make validation and test differ, and they do not",
        ),
        Family::Leakage => (
            Ruling::Open,
            "rows that leak into both splits flatter both, and make no gap",
        ),
        Family::Metrics | Family::Labels | Family::Decision => (
            Ruling::Open,
            "it hits validation and test alike, and so makes no gap",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{case, origin};

    #[test]
    fn a_gap_rules_out_what_hits_both_splits_alike() {
        let gap = case(&origin()).gap().unwrap().clone();
        let rulings = rulings(Some(&gap), &[]);
        let ruling = |family| {
            rulings
                .iter()
                .find(|ruling| ruling.family == family)
                .unwrap()
                .ruling
        };
        assert_eq!(ruling(Family::Pairing), Ruling::RuledIn);
        assert_eq!(ruling(Family::Labels), Ruling::RuledOut);
    }
}
