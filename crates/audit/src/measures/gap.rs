//! The gap test: two random parts of the same rows, scored by the same code, must score alike.
//!
//! It comes first, because it says which families of causes can explain what is seen: what hits validation and test
//! alike (hard classes, label noise, a wrong loss) cannot make a gap, and what hits one of them must.

use labelproof_artifact::findings::{Family, FamilyRuling, Gap, Ruling};
use labelproof_metrics::comparison::two_proportion_z;
use labelproof_metrics::statistics::fisher_exact;

use crate::answer::finding::Missing;
use crate::catalogue::significant;
use crate::evidence::Evidence;

/// Expected hits and misses on each side below which the normal approximation is no evidence.
const FEWEST_EXPECTED: f64 = 5.0;

/// The two-sided normal quantile of one in a thousand.
const Z_ONE_IN_A_THOUSAND: f64 = 3.290_526_731_491_926;

/// Compares validation and test accuracy: the two-proportion z test, or Fisher's exact test where there are too few
/// hits or misses for it.
pub fn gap(evidence: &Evidence) -> Result<Gap, Missing> {
    let (validation, test) = (evidence.validation_hits()?, evidence.test_hits()?);
    let share = |(hits, rows): (u64, u64)| hits as f64 / rows as f64;
    let pooled = share((validation.0 + test.0, validation.1 + test.1));
    let fewer = validation.1.min(test.1) as f64;
    let enough = fewer * pooled.min(1.0 - pooled) >= FEWEST_EXPECTED;
    let z_test = two_proportion_z(validation, test).filter(|_| enough);
    let p_value = match z_test {
        Some(test) => test.p_value,
        None => fisher_exact(validation, test).unwrap_or(1.0),
    };
    let standard_error = (pooled * (1.0 - pooled) * (1.0 / validation.1 as f64 + 1.0 / test.1 as f64)).sqrt();
    Ok(Gap {
        validation_hits: validation.0,
        validation_rows: validation.1,
        test_hits: test.0,
        test_rows: test.1,
        points: 100.0 * (share(validation) - share(test)),
        z: z_test.map(|test| test.z),
        p_value,
        chance_points: 100.0 * Z_ONE_IN_A_THOUSAND * standard_error,
        significant: significant(p_value),
    })
}

/// What the gap says of each family.
pub fn rulings(gap: Option<&Gap>) -> Vec<FamilyRuling> {
    Family::ALL
        .into_iter()
        .map(|family| {
            let (ruling, reason) = match gap {
                None => (
                    Ruling::Open,
                    "the accuracies of validation and test are not both known",
                ),
                Some(gap) if gap.significant => with_gap(family),
                Some(_) => without_gap(family),
            };
            FamilyRuling {
                family,
                ruling,
                reason: reason.to_owned(),
            }
        })
        .collect()
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
pub(crate) mod tests {
    use super::*;
    use crate::evidence::log::{Epoch, Figures, Log};

    pub(crate) fn origin() -> Evidence {
        let validation = Figures {
            accuracy: Some(0.83),
            ..Figures::default()
        };
        Evidence {
            log: Some(Log {
                epochs: vec![Epoch {
                    validation,
                    ..Epoch::default()
                }],
                validation_rows: Some(3500),
                ..Log::default()
            }),
            confusion: Some(vec![
                vec![967, 202, 7, 685, 1139],
                vec![474, 785, 27, 717, 997],
                vec![768, 372, 46, 1024, 790],
                vec![463, 426, 27, 1272, 812],
                vec![387, 224, 11, 643, 1735],
            ]),
            ..Evidence::default()
        }
    }

    /// The figures of the question that the project began with, worked out by hand in the catalogue: z is 55, and chance
    /// allows 2.3 points (there taken at the test's own variance, here pooled).
    #[test]
    fn the_gap_of_the_origin_case_is_no_chance() {
        let gap = gap(&origin()).unwrap();
        assert_eq!(
            (gap.validation_hits, gap.test_hits, gap.test_rows),
            (2905, 4805, 15000)
        );
        assert!((gap.z.unwrap() - 55.0).abs() < 0.5, "z is {:?}", gap.z);
        assert!((gap.points - 50.97).abs() < 0.01);
        assert!(gap.chance_points < 3.1);
        assert!(gap.significant);
        let rulings = rulings(Some(&gap));
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

    #[test]
    fn few_mistakes_are_judged_exactly() {
        let mut evidence = origin();
        // 0 of 20 wrong against 3 of 30: SciPy's fisher_exact([[20, 0], [27, 3]]) gives 0.2663.
        evidence.confusion = Some(vec![vec![15, 0], vec![3, 12]]);
        let log = evidence.log.as_mut().unwrap();
        log.validation_rows = Some(20);
        log.epochs[0].validation.accuracy = Some(1.0);
        let gap = gap(&evidence).unwrap();
        assert_eq!(gap.z, None);
        assert!(!gap.significant);
        assert!((gap.p_value - 0.2663).abs() < 1e-3, "{}", gap.p_value);
    }
}
