//! The order of what was found: the graver first, then what explains most of the gap, then the surer.

use std::cmp::Ordering;

use labelproof_artifact::findings::Gap;

use super::account::step;
use super::effect::Effect;
use super::finding::{Confidence, Diagnosis, Severity};

/// The share of a gap from which on a cause explains it.
const MOST: f64 = 0.5;

/// Points of accuracy that matter to whoever decides by a figure, where there is no gap to explain.
const MATERIAL_POINTS: f64 = 5.0;

/// Points of accuracy below which a note is not about the accuracy.
const POINTS_OF_NOTE: f64 = 0.5;

/// What a cause explains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Explains {
    /// Little, as its rows tell: whatever else fits them is little as well.
    Little,
    /// Nobody can say how much, or it is only possible that it is this.
    Unknown,
    /// Most of the gap, or, without a gap, points that matter.
    Most,
}

/// The graver first; of equally grave causes what explains most of the gap, and last what is known to explain
/// little: that it is certain helps nobody. Then the surer, then what moves more points. Equals stay in the
/// order of the catalogue, which goes from causes to consequences.
pub(super) fn by_weight(one: &Diagnosis, other: &Diagnosis, gap: Option<&Gap>) -> Ordering {
    let key = |found: &Diagnosis| {
        let points = found.effect.map_or(0.0, |effect| effect.points.abs());
        (found.severity, explains(found, gap), found.confidence, points)
    };
    let (one, other) = (key(one), key(other));
    (other.0, other.1, other.2)
        .cmp(&(one.0, one.1, one.2))
        .then(other.3.total_cmp(&one.3))
}

fn explains(found: &Diagnosis, gap: Option<&Gap>) -> Explains {
    let gap = gap.filter(|gap| gap.significant);
    let Some(effect) = &found.effect else {
        return Explains::Unknown;
    };
    // Nobody decides by a note; of two that are about the accuracy the surer one comes first.
    if found.severity == Severity::Note && gap.is_none() {
        let is_telling = found.confidence >= Confidence::Likely && effect.points.abs() >= POINTS_OF_NOTE;
        return if is_telling {
            Explains::Most
        } else {
            Explains::Little
        };
    }
    let needed = gap.map_or(MATERIAL_POINTS, |gap| MOST * gap.points.abs());
    let enough = match gap {
        // The way from validation to test goes against the gap, which is validation minus test.
        Some(gap) => step(effect).is_some_and(|(points, _)| -points * gap.points.signum() >= needed),
        None => least(effect) >= needed,
    };
    let certain_little = least(effect) < MATERIAL_POINTS && most(effect) < needed;
    match (enough, found.confidence) {
        (true, Confidence::Likely | Confidence::Certain) => Explains::Most,
        (false, _) if certain_little => Explains::Little,
        _ => Explains::Unknown,
    }
}

/// The least points that fit the rows: 0 where nothing does as well.
fn least(effect: &Effect) -> f64 {
    match effect.interval {
        Some((low, high)) if low <= 0.0 && high >= 0.0 => 0.0,
        Some((low, high)) => low.abs().min(high.abs()),
        None => effect.points.abs(),
    }
}

/// The most points that fit the rows.
fn most(effect: &Effect) -> f64 {
    match effect.interval {
        Some((low, high)) => low.abs().max(high.abs()),
        None => effect.points.abs(),
    }
}

#[cfg(test)]
mod tests {
    use labelproof_artifact::Split;

    use super::*;
    use crate::answer::effect::{self, Figure};
    use crate::answer::finding::Measured;

    fn worth(severity: Severity, confidence: Confidence, effect: Option<Effect>) -> Diagnosis {
        Diagnosis {
            severity,
            confidence,
            summary: String::new(),
            effect,
            fix: String::new(),
            confirm: String::new(),
            measured: Measured::new(),
        }
    }

    fn in_test(points: f64) -> Effect {
        effect::of(Figure::Accuracy(Split::Test), points / 100.0)
    }

    /// Causes by hand, in another order than that of their weight.
    #[test]
    fn the_graver_comes_first_and_then_what_explains_more() {
        assert!(Severity::Unsound > Severity::Caution && Severity::Caution > Severity::Note);
        assert!(Confidence::Certain > Confidence::Likely && Confidence::Likely > Confidence::Possible);
        let mut found = [
            worth(Severity::Note, Confidence::Certain, Some(in_test(0.1))),
            worth(Severity::Note, Confidence::Likely, Some(in_test(-8.0))),
            worth(Severity::Note, Confidence::Certain, Some(in_test(0.9))),
            worth(Severity::Caution, Confidence::Likely, Some(in_test(2.0))),
            worth(Severity::Caution, Confidence::Likely, Some(in_test(3.0))),
            worth(Severity::Caution, Confidence::Certain, None),
            worth(Severity::Unsound, Confidence::Possible, Some(in_test(0.0))),
        ];
        found.sort_by(|one, other| by_weight(one, other, None));
        let order = found.map(|found| (found.severity, found.effect.map(|effect| effect.points)));
        assert_eq!(
            order,
            [
                (Severity::Unsound, Some(0.0)),
                (Severity::Caution, None),
                (Severity::Caution, Some(3.0)),
                (Severity::Caution, Some(2.0)),
                (Severity::Note, Some(0.9)),
                (Severity::Note, Some(-8.0)),
                (Severity::Note, Some(0.1)),
            ]
        );
    }

    /// Eight points that may be four are not little: a guess without any points does not stand before them.
    #[test]
    fn what_may_be_much_is_not_little() {
        let between = |low, high| Effect {
            interval: Some((low, high)),
            ..in_test(f64::midpoint(low, high))
        };
        let mut found = [
            worth(Severity::Caution, Confidence::Likely, Some(between(-2.0, -0.5))),
            worth(Severity::Caution, Confidence::Likely, None),
            worth(Severity::Caution, Confidence::Likely, Some(between(-12.0, -4.0))),
        ];
        found.sort_by(|one, other| by_weight(one, other, None));
        let order = found.map(|found| found.effect.map(|effect| effect.points));
        assert_eq!(order, [Some(-8.0), None, Some(-1.25)]);
    }

    #[test]
    fn what_explains_the_gap_comes_before_what_is_certain() {
        let gap = Gap {
            validation_hits: 881,
            validation_rows: 1000,
            is_of_fewest: false,
            is_test_of_fewest: false,
            test_hits: 267,
            test_rows: 1000,
            points: 61.4,
            z: None,
            p_value: 0.0,
            looks: 1,
            chance_points: 7.0,
            significant: true,
            of_choice: false,
        };
        let mut found = [
            worth(Severity::Unsound, Confidence::Certain, Some(in_test(1.3))),
            worth(Severity::Unsound, Confidence::Certain, None),
            worth(Severity::Unsound, Confidence::Likely, Some(in_test(-61.4))),
        ];
        found.sort_by(|one, other| by_weight(one, other, Some(&gap)));
        let order = found.map(|found| found.effect.map(|effect| effect.points));
        assert_eq!(order, [Some(-61.4), None, Some(1.3)]);
    }
}
