//! The order of what was found: the graver first, then the surer.

use std::cmp::Ordering;

use super::finding::{Confidence, Diagnosis, Severity};

/// Points of accuracy below which a note is not about the accuracy.
const MATERIAL_POINTS: f64 = 0.5;

/// The graver first, then the surer, then what explains more points of accuracy. Of notes that are likely,
/// what explains any points comes first: that something harmless is certain helps nobody. Equals stay in the
/// order of the catalogue, which goes from causes to consequences.
pub(super) fn by_weight(one: &Diagnosis, other: &Diagnosis) -> Ordering {
    let key = |found: &Diagnosis| {
        let effect = found.effect_points.unwrap_or(0.0).abs();
        let telling = found.severity > Severity::Note
            || found.confidence >= Confidence::Likely && effect >= MATERIAL_POINTS;
        (found.severity, telling, found.confidence, effect)
    };
    let (one, other) = (key(one), key(other));
    (other.0, other.1, other.2)
        .cmp(&(one.0, one.1, one.2))
        .then(other.3.total_cmp(&one.3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::finding::Measured;

    /// Two causes by hand, in the order of the catalogue and not of their weight.
    #[test]
    fn a_fault_comes_before_a_note_and_the_certain_before_the_likely() {
        let answer = |severity, confidence| Diagnosis {
            severity,
            confidence,
            summary: String::new(),
            effect_points: None,
            fix: String::new(),
            confirm: String::new(),
            measured: Measured::new(),
        };
        assert!(Severity::Unsound > Severity::Caution && Severity::Caution > Severity::Note);
        assert!(Confidence::Certain > Confidence::Likely && Confidence::Likely > Confidence::Possible);
        let worth = |severity, confidence, points| Diagnosis {
            effect_points: Some(points),
            ..answer(severity, confidence)
        };
        let mut found = [
            worth(Severity::Note, Confidence::Certain, 0.1),
            worth(Severity::Note, Confidence::Likely, -8.0),
            worth(Severity::Note, Confidence::Possible, 9.0),
            worth(Severity::Caution, Confidence::Likely, 2.0),
            worth(Severity::Caution, Confidence::Likely, 3.0),
            worth(Severity::Unsound, Confidence::Possible, 0.0),
        ];
        found.sort_by(by_weight);
        let order = found.map(|found| (found.severity, found.confidence, found.effect_points));
        assert_eq!(
            order,
            [
                (Severity::Unsound, Confidence::Possible, Some(0.0)),
                (Severity::Caution, Confidence::Likely, Some(3.0)),
                (Severity::Caution, Confidence::Likely, Some(2.0)),
                (Severity::Note, Confidence::Likely, Some(-8.0)),
                (Severity::Note, Confidence::Certain, Some(0.1)),
                (Severity::Note, Confidence::Possible, Some(9.0)),
            ]
        );
    }
}
